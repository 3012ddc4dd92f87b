//! `edit_file`: replaces a piece of text that is given, exactly or nearly so.

use schemars::JsonSchema;
use serde::Deserialize;

use super::builtin::Builtin;
use super::places::{NotThere, Places, join, missing, nearest, places};
use super::preflight::note;
use super::propose::{editable, propose, refuse_mark, resolve};
use super::show::{line_count, numbered};
use super::{Effect, ToolContext, ToolError, ToolOutput};
use crate::context::Shown;
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
        let found = match places(&document.text, old, &shown) {
            Ok(found) if found.ranges.len() == 1 => found,
            Ok(found) if found.rung.is_none() && arguments.replace_all.unwrap_or(false) => found.apart(),
            Ok(found) => return Err(ambiguous(&found, &document.text)),
            Err(NotThere) => return Err(missing("old_string", &name, old, nearest(&shown, old))),
        };
        let edit = |range| found.edit(&document.text, range, old, new);
        let edits = found.ranges.iter().map(edit).collect::<Option<Vec<Edit>>>();
        let edits = edits.ok_or_else(|| missing("old_string", &name, old, nearest(&shown, old)))?;
        let text = document.text.apply_all(&edits).map_err(|error| ToolError::Internal(error.to_string()))?;
        if text == document.text {
            let overlooked = found.rung.map_or_else(|| "line endings".to_owned(), |rung| rung.to_string());
            return Err(ToolError::model(format!(
                "old_string and new_string differ in {overlooked} only: nothing would change"
            )));
        }
        refuse_mark(&document.text.to_string(), &text.to_string())?;
        propose(context, &path, Some(&document), Some(text.clone()))?;
        let note = note(&name, Some(&document.text), &text);
        let how = found.how(&document.text, old);
        let report = report(&name, &how, &text, &Shown::of(&view, &path, &text).text, &edits);
        Ok(ToolOutput::from(if note.is_empty() { report } else { format!("{}{note}", report.trim_end()) }))
    }
}

/// Several places, and no word of which is meant.
fn ambiguous(found: &Places, text: &Text) -> ToolError {
    let lines = join(&found.lines(text));
    ToolError::model(match found.rung {
        None => format!("old_string matches at lines {lines}: add context, or set replace_all"),
        Some(rung) => format!(
            "old_string is not there exactly (0 matches). But for {rung} it matches at lines {lines}: give it exactly, with more context"
        ),
    })
}

/// Where the edits are now, and how the first looks; `shown` is `new` without secrets, line for line.
fn report(name: &str, how: &str, new: &Text, shown: &Text, edits: &[Edit]) -> String {
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
    format!("edited `{name}` at {word} {}{how}:\n{shown}", join(&lines))
}
