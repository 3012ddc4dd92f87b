//! Which ask put a line where it stands: told by what accepted hunks did, and by the traces of their sessions.
//!
//! Reads what is kept and changes nothing. A line that was changed since it was accepted is the user's.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Serialize;
use serde_json::Value;

use super::history::{Entry, is_wrong_step};
use super::keep::accepted;
use crate::event::{Event, EventKind};
use crate::store::{Mark, Store};
use crate::text::Text;
use crate::text::diff::diff;
use crate::workspace::proposal::What;
use crate::workspace::{DocPath, Roots};

/// Where a line comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blame {
    pub session: String,
    pub title: String,
    pub turn: String,
    /// When the turn began, RFC 3339; empty where the trace does not tell it any more, as all that follows from it.
    pub time: String,
    /// What was asked.
    pub prompt: String,
    pub model: String,
    pub hunk: String,
    /// The hunk in one line.
    pub label: String,
    /// The call that wrote the line.
    #[serde(flatten)]
    pub call: Option<BlamedCall>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlamedCall {
    pub tool: String,
    pub call: String,
    /// Of the `tool_call` event in the session's trace.
    pub seq: u64,
}

/// What put the 0-based `line` of `live`, the text of `path`, there. `None` where no accepted hunk did, or none that stands as it
/// was accepted. The error is for the user. Blocks on the disk.
pub fn blame(store: &Store, roots: &Roots, path: &DocPath, live: &Text, line: usize) -> Result<Option<Blame>, String> {
    let range = live.line_range(line);
    if range.is_empty() {
        return Ok(None);
    }
    let Some(root) = path.root().and_then(|root| roots.get(root)) else { return Ok(None) };
    let ids = store
        .marked(Mark::Applied, &root.path)
        .map_err(|error| format!("what was accepted can not be read: {error}"))?;
    // The name that the file had when a hunk was accepted: it may have been moved since.
    let mut names = BTreeSet::from([path.clone()]);
    for id in ids.iter().rev() {
        let entries = match accepted(store, id, roots) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::warn!(session = id, %error, "what was accepted of a session can not be read");
                continue;
            }
        };
        for entry in entries.iter().rev() {
            let Entry { applied, undone, .. } = entry;
            if undone.is_some() || is_wrong_step(&applied.hunk) || !names.contains(&applied.path) {
                continue;
            }
            if let What::Rename { from } = &applied.what {
                names.insert(from.clone());
            } else if put(entry, live, &range) {
                let words = live.slice(range).unwrap_or_default();
                // The call may have named the file as it was called before it was moved in the same session.
                let moved = entries.iter().filter_map(|other| match &other.applied.what {
                    What::Rename { from } if names.contains(&other.applied.path) => Some(from.clone()),
                    _ => None,
                });
                let names = names.iter().cloned().chain(moved).collect();
                return Ok(Some(told(store, id, entry, words.trim(), &names)));
            }
        }
    }
    Ok(None)
}

/// Whether the hunk put what stands at `range` of `live`.
fn put(entry: &Entry, live: &Text, range: &Range<usize>) -> bool {
    let (text, put) = match &entry.applied.what {
        What::Edit(landed) => (&landed.text, landed.range.clone()),
        What::Create(text) => (text, 0..text.len()),
        What::Delete(_) | What::Rename { .. } => return false,
    };
    // Most hunks are told from it by their text, which costs less than a comparison.
    let line = live.slice(range.clone()).unwrap_or_default();
    if !text.slice(put.clone()).is_some_and(|put| put.contains(line.trim_end_matches(['\r', '\n']))) {
        return false;
    }
    let (mut old, mut new) = (0, 0);
    for change in diff(text, live) {
        if change.new.start >= range.end {
            break;
        }
        if change.new.end > range.start {
            return false;
        }
        (old, new) = (change.old.end, change.new.end);
    }
    let start = old + (range.start - new);
    put.start <= start && start + range.len() <= put.end
}

/// With what the session's trace tells of it.
fn told(store: &Store, id: &str, entry: &Entry, line: &str, names: &BTreeSet<DocPath>) -> Blame {
    let turn = &entry.applied.turn;
    let events = store.events(id).unwrap_or_default();
    let of_turn: Vec<&Event> = events.iter().filter(|event| event.turn == *turn).collect();
    let start = of_turn.iter().find_map(|event| match &event.kind {
        EventKind::TurnStart(start) => Some((event.time.clone(), start.task.clone(), start.model.clone())),
        _ => None,
    });
    let (time, prompt, model) = start.unwrap_or_default();
    Blame {
        session: id.to_owned(),
        title: store.summary(id).map(|summary| summary.title).unwrap_or_default(),
        turn: turn.clone(),
        time,
        prompt,
        model,
        hunk: entry.applied.hunk.0.clone(),
        label: entry.label.clone(),
        call: call_of(&of_turn, line, names),
    }
}

/// The last call that succeeded and that put the line, or a part of it, into the file; of those that name no file, such as commands,
/// one that holds the line. `None` rather than a guess.
fn call_of(events: &[&Event], line: &str, names: &BTreeSet<DocPath>) -> Option<BlamedCall> {
    let has_succeeded = |id: &str| {
        events
            .iter()
            .any(|event| matches!(&event.kind, EventKind::ToolResult(result) if result.ok && result.call == id))
    };
    let last = |is_it: &dyn Fn(&Value) -> bool| {
        events.iter().rev().find_map(|event| {
            let EventKind::ToolCall(call) = &event.kind else { return None };
            let is_it = is_it(&call.input) && has_succeeded(&call.call);
            is_it.then(|| BlamedCall { tool: call.tool.clone(), call: call.call.clone(), seq: event.seq })
        })
    };
    let files: Vec<&str> = names.iter().filter_map(file_name).collect();
    let is_about = |input: &Value| match (field(input, "path"), field(input, "patch")) {
        (Some(path), _) => files.iter().any(|file| path.rsplit(['/', '\\']).next() == Some(file)),
        (None, Some(patch)) => files.iter().any(|file| patch.contains(file)),
        (None, None) => false,
    };
    let puts_line = |input: &Value| puts(input, &|written| written.contains(line));
    // What replaces a word is less than the line.
    let puts_part = |input: &Value| puts(input, &|written| parts(written).any(|part| line.contains(part)));
    let is_telling = line.contains(char::is_alphanumeric);
    last(&|input| is_about(input) && puts_line(input))
        .or_else(|| last(&|input| is_about(input) && puts_part(input)))
        .or_else(|| last(&|input| is_telling && field(input, "path").is_none() && puts_line(input)))
}

/// Whether a text that the call puts somewhere is such a one.
fn puts(input: &Value, is_it: &dyn Fn(&str) -> bool) -> bool {
    ["new_string", "content", "patch", "text", "command"].iter().filter_map(|name| field(input, name)).any(is_it)
}

/// The lines of a text or of a patch, without the signs of what is put in.
fn parts(written: &str) -> impl Iterator<Item = &str> {
    written.lines().map(|line| line.trim_start_matches('+').trim()).filter(|part| !part.is_empty())
}

fn field<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input.get(name)?.as_str()
}

fn file_name(path: &DocPath) -> Option<&str> {
    match path {
        DocPath::File { rel, .. } => rel.rsplit('/').next(),
        DocPath::Virtual(_) => None,
    }
}
