//! `remember`: a line in the notes that later sessions read. An edit like any other: the user reviews it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::builtin::Builtin;
use super::propose::{editable_or_new, propose, resolve};
use super::{Effect, ToolContext, ToolError, ToolOutput};
use crate::context::rules::MEMORY;
use crate::secrets;
use crate::text::{LineEnding, Text};

pub(in crate::tools) struct Remember;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// What to remember, in a sentence or two.
    text: String,
}

/// Bytes of one note.
const MOST: usize = 1_000;

impl Builtin for Remember {
    type Arguments = Arguments;
    const NAME: &'static str = "remember";
    const DESCRIPTION: &'static str = "Proposes a note for later sessions in this project, in `.claw/memory.md`; the user \
        reviews it. For what was learned here and is worth knowing next time: how to build and test, a decision and its \
        reason, a trap. Not for what the code says itself, what concerns this task alone, or secrets.";
    const EFFECT: Effect = Effect::Edits;

    fn run(context: &ToolContext, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        let note = arguments.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let note = note.trim_start_matches(['-', '*', '#']).trim();
        if note.is_empty() {
            return Err(ToolError::model("`text` is empty: say what to remember"));
        }
        if note.len() > MOST {
            return Err(ToolError::model(format!(
                "a note may have {MOST} bytes, and this has {}: say the most important of it",
                note.len()
            )));
        }
        if !secrets::mask(note).found.is_empty() || secrets::marks(note).next().is_some() {
            return Err(ToolError::model("this holds a secret, which is not kept: say it without"));
        }
        let view = context.view();
        let path = resolve(&view, MEMORY)?;
        let document = editable_or_new(&view, &path)?;
        let before = document.as_ref().map(|document| document.text.to_string()).unwrap_or_default();
        let line_break = match document.as_ref().map(|document| document.text.line_ending()) {
            Some(LineEnding::CrLf) => "\r\n",
            Some(LineEnding::Cr) => "\r",
            Some(LineEnding::Lf) | None => "\n",
        };
        let row = format!("- {note}");
        if before.lines().any(|line| line.trim_end() == row) {
            return Ok(ToolOutput::from("this is remembered already".to_owned()));
        }
        let mut text = before;
        if text.trim().is_empty() {
            text = format!("# Memory{line_break}{line_break}");
        } else if !text.ends_with(['\n', '\r']) {
            text.push_str(line_break);
        }
        text.push_str(&row);
        text.push_str(line_break);
        propose(context, &path, document.as_ref(), Some(Text::new(&text)))?;
        Ok(ToolOutput::from(format!("proposed in `{MEMORY}`; later sessions read it once the user accepts it")))
    }
}
