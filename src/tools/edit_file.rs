//! `edit_file`: replaces a piece of text that is given exactly.

use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;

use super::builtin::Builtin;
use super::preflight::note;
use super::propose::{editable, holds_mark, masked_old, propose, refuse_mark, resolve};
use super::show::{line_count, numbered};
use super::{Effect, ToolContext, ToolError, ToolOutput};
use crate::context::Shown;
use crate::text::locate::{Located, Nearest, locate};
use crate::text::{Edit, Text};

pub(in crate::tools) struct EditFile;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// File to edit, relative to the workspace root.
    path: String,
    /// The text to replace, exactly as it stands in the file, white space included, without line numbers. It must stand
    /// there once: give enough lines around it.
    old_string: String,
    /// The text to put there.
    new_string: String,
    /// Replace `old_string` wherever it stands. Default: false.
    replace_all: Option<bool>,
}

/// Most places that a message names.
const NAMED: usize = 20;
/// Most lines of the result that are shown.
const SHOWN: usize = 20;

impl Builtin for EditFile {
    type Arguments = Arguments;
    const NAME: &'static str = "edit_file";
    const DESCRIPTION: &'static str = "Proposes to replace a piece of text in a file. The text to replace must be given \
        exactly and stand in the file once, or replace_all be set. The user reviews the proposal; you see the file with \
        it from now on.";
    const EFFECT: Effect = Effect::Edits;

    fn run(context: &ToolContext, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        let view = context.view();
        let path = resolve(&view, &arguments.path)?;
        let document = editable(&view, &path)?;
        let (old, new) = (&arguments.old_string, &arguments.new_string);
        if old.is_empty() {
            return Err(ToolError::model(
                "old_string is empty: give the text to replace, or use write_file to write the whole file",
            ));
        }
        if old == new {
            return Err(ToolError::model("old_string and new_string are the same: nothing would change"));
        }
        let name = view.roots().display(&path);
        let shown = Shown::of(&view, &path, &document.text);
        let ranges = match (located(&document.text, old, &shown), arguments.replace_all.unwrap_or(false)) {
            (Located::Unique(range), _) => vec![range],
            (Located::Many(ranges), true) => ranges,
            (Located::Many(ranges), false) => {
                let lines: Vec<usize> = ranges.iter().map(|range| document.text.line_of(range.start)).collect();
                return Err(ToolError::model(format!(
                    "old_string matches at lines {}: add context, or set replace_all",
                    join(&lines)
                )));
            }
            (Located::Missing { .. }, _) if holds_mark(old) => return Err(masked_old()),
            (Located::Missing { nearest }, _) => return Err(missing(&name, nearest)),
        };
        let edits: Option<Vec<Edit>> = ranges
            .into_iter()
            .map(|range| {
                let insert = document.text.with_line_endings_of(range.clone(), new)?;
                Some(Edit { range, insert })
            })
            .collect();
        let edits = edits.ok_or_else(|| ToolError::Internal("a place that was found is no place".to_owned()))?;
        let text = document.text.apply_all(&edits).map_err(|error| ToolError::Internal(error.to_string()))?;
        if text == document.text {
            return Err(ToolError::model(
                "old_string and new_string differ in line endings only: nothing would change",
            ));
        }
        refuse_mark(&document.text.to_string(), &text.to_string())?;
        propose(context, &path, Some(&document), Some(text.clone()))?;
        let note = note(&name, Some(&document.text), &text);
        let report = report(&name, &text, &Shown::of(&view, &path, &text).text, &edits);
        Ok(ToolOutput::from(if note.is_empty() { report } else { format!("{}{note}", report.trim_end()) }))
    }
}

/// Where `old` stands. What lies within a secret, or ends in one, is not there for who can not see it: else a secret could be
/// found out letter by letter.
fn located(text: &Text, old: &str, shown: &Shown) -> Located {
    let cuts = |range: &Range<usize>| {
        shown.found.iter().any(|secret| {
            let secret = &secret.range;
            let overlaps = range.start < secret.end && secret.start < range.end;
            overlaps && !(range.start <= secret.start && secret.end <= range.end)
        })
    };
    let missing = || match locate(&shown.text, old) {
        Located::Missing { nearest } => Located::Missing { nearest },
        Located::Unique(_) | Located::Many(_) => Located::Missing { nearest: None },
    };
    match locate(text, old) {
        Located::Unique(range) if cuts(&range) => missing(),
        Located::Unique(range) => Located::Unique(range),
        Located::Many(mut ranges) => {
            ranges.retain(|range| !cuts(range));
            match (ranges.pop(), ranges.is_empty()) {
                (Some(only), true) => Located::Unique(only),
                (Some(last), false) => {
                    ranges.push(last);
                    Located::Many(ranges)
                }
                (None, _) => missing(),
            }
        }
        Located::Missing { .. } => missing(),
    }
}

/// Where the edits are now, and how the first looks; `shown` is `new` without secrets, line for line.
fn report(name: &str, new: &Text, shown: &Text, edits: &[Edit]) -> String {
    let mut lines = Vec::new();
    let mut grown = 0usize;
    let mut shrunk = 0usize;
    let mut first = 0..0;
    for (index, edit) in edits.iter().enumerate() {
        let start = edit.range.start.saturating_add(grown).saturating_sub(shrunk);
        let end = start.saturating_add(edit.insert.len());
        lines.push(new.line_of(start));
        if index == 0 {
            first = new.line_of(start)..new.line_of(end).saturating_add(1);
        }
        grown = grown.saturating_add(edit.insert.len());
        shrunk = shrunk.saturating_add(edit.range.len());
    }
    let word = if lines.len() == 1 { "line" } else { "lines" };
    let end = first.end.saturating_add(2).min(line_count(new)).min(first.start.saturating_add(SHOWN));
    let (shown, _) = numbered(shown, first.start.saturating_sub(2)..end, 4_000);
    format!("edited `{name}` at {word} {}:\n{shown}", join(&lines))
}

fn missing(name: &str, nearest: Option<Nearest>) -> ToolError {
    ToolError::model(match nearest {
        None => format!("old_string is not in `{name}`, and nothing like it: read the file again"),
        Some(Nearest { line, text, why }) => {
            let (shown, _) = numbered(&Text::new(&text), 0..text.lines().count(), 4_000);
            let shown: String = shown
                .lines()
                .enumerate()
                .map(|(index, row)| {
                    let content = row.split_once('\t').map_or(row, |(_, content)| content);
                    format!("{:>6}\t{content}\n", line.saturating_add(index))
                })
                .collect();
            format!("old_string is not in `{name}` (0 matches). The nearest text, {why}:\n{shown}Give it exactly")
        }
    })
}

/// 0-based lines as `12`, `12 and 40`, `1, 2 and 3`.
fn join(lines: &[usize]) -> String {
    let more = lines.len().saturating_sub(NAMED);
    let mut named: Vec<String> = lines.iter().take(NAMED).map(|line| line.saturating_add(1).to_string()).collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    match named.pop() {
        Some(last) if !named.is_empty() => format!("{} and {last}", named.join(", ")),
        Some(last) => last,
        None => String::new(),
    }
}
