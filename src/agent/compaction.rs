//! How a long history is made to fit the model's window: old tool output goes first, then all but the latest messages become a
//! summary.
//!
//! A function of the history: it asks no model, so that it costs nothing, can not fail, and comes out the same in a replay. Both
//! steps are events, and what they do to the history follows from the events alone. A model's notes may be added to a summary by who
//! records it.

mod facts;
mod notes;
mod trim;

use serde::{Deserialize, Serialize};

use crate::context::estimate_tokens;
use crate::event::{Compacted, PlanItem};
use crate::model::{Message, ToolSchema, shortened};

pub(in crate::agent) use facts::Facts;
pub(in crate::agent) use notes::{going, notes_behind, with_notes};

/// Tokens of a window that nobody tells.
const DEFAULT_WINDOW: u64 = 128_000;
/// Bytes of a thousand tokens as [`estimate_tokens`] has them.
const ESTIMATED: u64 = 4000;
/// Parts of a hundred of the window: above the first old output goes, above the second the rest is summed up. What is left is for
/// the answer, and for providers that count more than we do.
const TRIM_ABOVE: u64 = 60;
const SUM_UP_ABOVE: u64 = 72;
/// What trimming aims at.
const TRIM_TO: u64 = 45;
/// Parts of a hundred of the window for the messages that stay as they are, and for the summary.
const LATEST: u64 = 25;
const SUMMARY: u64 = 25;
/// Of one message, its marks.
const MARKS: u64 = 8;

/// What a compaction did, as its event tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(in crate::agent) enum Kept {
    /// Of these calls the results went, or all but their start.
    Trim {
        /// A later call had the same to tell.
        superseded: Vec<String>,
        shortened: Vec<String>,
        /// The context of earlier turns went; what the user said stays.
        contexts: bool,
    },
    /// So many of the latest messages stay, behind the summary.
    Summary { messages: usize },
}

/// A history, as far as it is made shorter.
pub(in crate::agent) struct History<'a> {
    pub messages: &'a [Message],
    pub facts: &'a Facts,
    pub plan: &'a [PlanItem],
}

/// Parts of a hundred of the window below the first of these bounds from which it matters what a token is.
const NEAR: u64 = 10;

/// Whether the history is so near the bound of what is sent as it is that an estimate may be on the wrong side of it.
pub(in crate::agent) fn is_near(
    messages: &[Message],
    tools: &[ToolSchema],
    window: Option<u64>,
    per_1000: u64,
) -> bool {
    let window = window.unwrap_or(DEFAULT_WINDOW).saturating_mul(per_1000) / ESTIMATED;
    overhead(tools) + tokens(messages) > window.saturating_mul(TRIM_ABOVE - NEAR) / 100
}

/// All that was said, as one text: what a token is in this history.
pub(in crate::agent) fn said(messages: &[Message]) -> String {
    let texts = messages.iter().map(|message| match message {
        Message::User { text } => text.clone(),
        Message::Assistant { text, tool_calls, .. } => {
            let calls = tool_calls.iter().map(|call| call.arguments.as_str());
            std::iter::once(text.as_str()).chain(calls).collect::<Vec<_>>().join("\n")
        }
        Message::ToolResult { output, .. } => output.clone(),
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// What has to be done before the next request, if anything. Asked again until there is nothing.
///
/// `per_1000` is how many bytes a thousand of the provider's tokens have, as it has counted.
pub(in crate::agent) fn next(
    history: &History,
    tools: &[ToolSchema],
    window: Option<u64>,
    per_1000: u64,
) -> Option<Compacted> {
    // All sums below are of tokens of four bytes, so the window is measured in those.
    let window = window.unwrap_or(DEFAULT_WINDOW).saturating_mul(per_1000) / ESTIMATED;
    let counted = |tokens: u64| tokens.saturating_mul(ESTIMATED) / per_1000.max(1);
    let overhead = overhead(tools);
    let before = overhead + tokens(history.messages);
    let share = |part: u64| window.saturating_mul(part) / 100;
    if before <= share(TRIM_ABOVE) {
        return None;
    }
    let compacted = |kept: Kept, summary: String| {
        let mut messages = history.messages.to_vec();
        let mut facts = history.facts.clone();
        apply(&mut messages, &mut facts, &kept, &summary);
        let after = overhead + tokens(&messages);
        // What gains next to nothing is not worth what it breaks: a provider's cache of the beginning.
        (after + share(2) < before).then(|| Compacted {
            tokens_before: counted(before),
            tokens_after: counted(after),
            kept: serde_json::to_value(&kept).unwrap_or_default(),
            summary,
        })
    };
    let trim = trim::plan(history, share(TRIM_TO).saturating_sub(overhead));
    if let Some(trimmed) = compacted(trim, String::new()) {
        return Some(trimmed);
    }
    if before <= share(SUM_UP_ABOVE) {
        return None;
    }
    let kept = latest(history.messages, share(LATEST));
    let has_context = history.facts.last_context().is_some_and(|at| history.messages.len() - kept <= at);
    let most = usize::try_from(share(SUMMARY).saturating_mul(4)).unwrap_or(usize::MAX);
    let summary = history.facts.summary(history.plan, answers(history.messages, kept), has_context, most);
    compacted(Kept::Summary { messages: kept }, summary)
}

/// Does to a history what a compaction's event says.
pub(in crate::agent) fn absorb(messages: &mut Vec<Message>, facts: &mut Facts, compacted: &Compacted) {
    // An event that nobody can read, of another version, changes nothing.
    if let Ok(kept) = Kept::deserialize(&compacted.kept) {
        apply(messages, facts, &kept, &compacted.summary);
    }
}

fn apply(messages: &mut Vec<Message>, facts: &mut Facts, kept: &Kept, summary: &str) {
    match kept {
        Kept::Trim { superseded, shortened, contexts } => {
            trim::apply(messages, superseded, shortened);
            if *contexts {
                facts.forget_contexts(messages);
            }
        }
        Kept::Summary { messages: kept } => {
            let gone = messages.len().saturating_sub(*kept);
            messages.drain(..gone);
            messages.insert(0, Message::User { text: summary.to_owned() });
            facts.forget_messages(gone);
        }
    }
}

/// The model's messages that are gone when so many of the latest messages stay; those of earlier summaries too.
fn answers(messages: &[Message], kept: usize) -> usize {
    let gone = messages.iter().take(messages.len().saturating_sub(kept));
    gone.map(|message| match message {
        Message::Assistant { .. } => 1,
        Message::User { text } => shortened::messages(text),
        Message::ToolResult { .. } => 0,
    })
    .sum()
}

/// How many of the latest messages fit, from a place where a history can begin: at a message that answers no call.
fn latest(messages: &[Message], most: u64) -> usize {
    let mut kept = 0;
    let mut used = 0;
    for (at, message) in messages.iter().rev().enumerate() {
        used += message_tokens(message);
        let can_begin = !matches!(message, Message::ToolResult { .. });
        if used > most && kept > 0 {
            break;
        }
        if can_begin {
            kept = at + 1;
        }
    }
    kept
}

fn overhead(tools: &[ToolSchema]) -> u64 {
    estimate_tokens(super::prompt::SYSTEM.text) + tools.iter().map(schema_tokens).sum::<u64>()
}

fn tokens(messages: &[Message]) -> u64 {
    messages.iter().map(message_tokens).sum()
}

fn message_tokens(message: &Message) -> u64 {
    MARKS
        + match message {
            Message::User { text } => estimate_tokens(text),
            Message::Assistant { text, reasoning, tool_calls, opaque } => {
                let calls: u64 = tool_calls
                    .iter()
                    .map(|call| estimate_tokens(&serde_json::to_string(call).unwrap_or_default()) + MARKS)
                    .sum();
                let sealed = opaque
                    .as_ref()
                    .map_or(0, |opaque| opaque.texts().into_iter().map(|(_, text)| estimate_tokens(text)).sum());
                estimate_tokens(text) + estimate_tokens(reasoning) + calls + sealed
            }
            Message::ToolResult { output, .. } => estimate_tokens(output),
        }
}

fn schema_tokens(tool: &ToolSchema) -> u64 {
    estimate_tokens(&tool.description) + estimate_tokens(&tool.parameters.to_string()) + MARKS
}

#[cfg(test)]
mod tests;
