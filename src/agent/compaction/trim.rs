//! Which tool output goes first: what a later call tells as well, then what is old and long.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{History, Kept, message_tokens};
use crate::event::ToolCallRequested;
use crate::model::Message;

/// The latest results stay as they are.
const LATEST: usize = 4;
/// Bytes of a result that are left, and below which none is touched.
const START: usize = 300;
const SHORT: usize = 1_200;
/// Bytes that a result has left, at most, where even the latest have to be cut.
const MOST_LATEST: usize = 8_000;

/// What stands in place of a result.
const SUPERSEDED: &str = "[taken out: a later call shows the same as it is now]";

/// What goes so that no more than `tokens` are left, as far as that is enough.
pub(super) fn plan(history: &History, tokens: u64) -> Kept {
    let calls = calls(history.messages);
    let mut used: u64 = history.messages.iter().map(message_tokens).sum();
    let contexts = history.facts.has_old_contexts();
    used = used.saturating_sub(history.facts.old_context_tokens(history.messages));
    let superseded = superseded(history.messages, &calls);
    let results = || {
        history.messages.iter().filter_map(|message| match message {
            Message::ToolResult { call, output, .. } => Some((call, output)),
            Message::User { .. } | Message::Assistant { .. } => None,
        })
    };
    for (call, output) in results() {
        if superseded.contains(call) {
            used = used.saturating_sub((output.len() / 4) as u64);
        }
    }
    let mut shortened = Vec::new();
    let count = results().count();
    for (at, (call, output)) in results().enumerate() {
        if used <= tokens {
            break;
        }
        let most = if at + LATEST < count { SHORT } else { MOST_LATEST };
        if output.len() > most && !superseded.contains(call) && !is_shortened(output) {
            used = used.saturating_sub(((output.len() - START) / 4) as u64);
            shortened.push(call.clone());
        }
    }
    Kept::Trim { superseded: superseded.into_iter().collect(), shortened, contexts }
}

pub(super) fn apply(messages: &mut [Message], superseded: &[String], shortened: &[String]) {
    for message in messages {
        let Message::ToolResult { call, output, .. } = message else { continue };
        if superseded.contains(call) {
            SUPERSEDED.clone_into(output);
        } else if shortened.contains(call) {
            let end = crate::text::floor_char_boundary(output, START);
            let left_out = output.len() - end;
            *output = format!("{}\n{}", output.get(..end).unwrap_or_default(), mark(left_out));
        }
    }
}

fn mark(left_out: usize) -> String {
    format!("[{left_out} more bytes of this old result were taken out: call again if you need them]")
}

fn is_shortened(output: &str) -> bool {
    output.len() < START + 200
}

/// The calls by their ids.
fn calls(messages: &[Message]) -> BTreeMap<&str, &ToolCallRequested> {
    let assistants = messages.iter().filter_map(|message| match message {
        Message::Assistant { tool_calls, .. } => Some(tool_calls),
        Message::User { .. } | Message::ToolResult { .. } => None,
    });
    assistants.flatten().map(|call| (call.id.as_str(), call)).collect()
}

/// The calls that succeeded and were made again later, with success: the same call, or a read of the same whole file.
fn superseded(messages: &[Message], calls: &BTreeMap<&str, &ToolCallRequested>) -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    let mut gone = BTreeSet::new();
    for message in messages.iter().rev() {
        let Message::ToolResult { call, name, ok: true, output } = message else { continue };
        let Some(request) = calls.get(call.as_str()) else { continue };
        // What changes something tells what it did, and not what there is.
        let tells = ["read_file", "list_files", "search", "symbols", "references", "diagnostics"];
        if !tells.contains(&name.as_str()) {
            continue;
        }
        let arguments = serde_json::from_str::<Value>(&request.arguments).unwrap_or_default();
        let path = arguments.get("path").and_then(Value::as_str).unwrap_or_default();
        let is_part = arguments.get("offset").is_some() || arguments.get("limit").is_some();
        let whole = format!("{name} {path}");
        let exact = format!("{name} {arguments}");
        let is_read = name == "read_file";
        let known = told.contains(&exact) || is_read && told.contains(&whole);
        if known && output != SUPERSEDED {
            gone.insert(call.clone());
        }
        if is_read && !is_part {
            told.insert(whole);
        }
        told.insert(exact);
    }
    gone
}
