//! `write_file`: a whole document.

use schemars::JsonSchema;
use serde::Deserialize;

use super::builtin::Builtin;
use super::left_out::put_back;
use super::preflight::note;
use super::propose::{editable_or_new, propose, refuse_mark, resolve};
use super::show::line_count;
use super::{Effect, ToolContext, ToolError, ToolOutput};
use crate::text::Text;
use crate::workspace::{DocPath, View};

pub(in crate::tools) struct WriteFile;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// File to write, relative to the workspace root. Folders on the way are made.
    path: String,
    /// All of the file's text.
    content: String,
}

impl Builtin for WriteFile {
    type Arguments = Arguments;
    const NAME: &'static str = "write_file";
    const DESCRIPTION: &'static str = "Proposes a new file, or the whole text of an existing one: read it before. To \
        change a part of a file use edit_file. The user reviews the proposal.";
    const EFFECT: Effect = Effect::Edits;

    fn run(context: &ToolContext, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        let view = context.view();
        let path = meant(context, &view, &arguments.path)?;
        let name = view.roots().display(&path);
        let document = editable_or_new(&view, &path)?;
        let old = document.as_ref().map(|document| document.text.to_string()).unwrap_or_default();
        refuse_mark(&old, &arguments.content)?;
        let Some(seen) = &document else {
            let text = Text::new(&arguments.content);
            let lines = line_count(&text);
            let note = note(&name, None, &text);
            propose(context, &path, None, Some(text))?;
            return Ok(ToolOutput::from(format!("created `{name}`, {lines} lines{note}")));
        };
        context.refuse_outdated(&path, seen, &name)?;
        let put_back = context.rewrites_for.as_ref().and_then(|task| put_back(&old, &arguments.content, &name, task));
        let (content, kept) = put_back.unwrap_or((arguments.content, Vec::new()));
        let kept = match kept.join(", ") {
            names if names.is_empty() => String::new(),
            names => format!("\nwhat you left out stays: {names}"),
        };
        // Lines that stay keep their ending, whatever the model wrote.
        let content = seen
            .text
            .with_line_endings_of(0..seen.text.len(), &content)
            .ok_or_else(|| ToolError::Internal("a text is no range of itself".to_owned()))?;
        let text = Text::new(&content);
        let is_untouched = || view.read_live(&path).is_ok_and(|live| live.text == text);
        if text == seen.text && context.rewrites_for.is_some() && is_untouched() {
            return Err(ToolError::model(format!(
                "what you printed of `{name}` is the file as it is: nothing has changed in it. Make the change that the task asks for, \
                 and print the file again with it"
            )));
        }
        if text == seen.text {
            return Ok(ToolOutput::from(format!("`{name}` holds exactly this already: nothing to change")));
        }
        let lines = line_count(&text);
        let note = note(&name, Some(&seen.text), &text);
        propose(context, &path, Some(seen), Some(text))?;
        Ok(ToolOutput::from(format!("wrote `{name}`, {lines} lines{kept}{note}")))
    }
}

/// The file that a path means. A small model that writes files anew puts folders before a name, or leaves them out: where there is no
/// such file it means the one whose path it took that from.
fn meant(context: &ToolContext, view: &View, given: &str) -> Result<DocPath, ToolError> {
    let path = resolve(view, given)?;
    let Some(task) = context.rewrites_for.as_ref().filter(|_| !view.exists_live(&path)) else { return Ok(path) };
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '/' | '-' | '+');
    let words = task.split(|letter| !is_part(letter)).map(|word| word.trim_matches(['.', '/', '-', '+']));
    let is_like = |word: &str| {
        let ends = |long: &str, short: &str| long.strip_suffix(short).is_some_and(|head| head.ends_with('/'));
        !word.is_empty() && (ends(word, given) || ends(given, word))
    };
    let mut found = words.filter(|word| is_like(word)).filter_map(|word| view.roots().resolve(word).ok());
    Ok(found.find(|path| view.exists_live(path)).unwrap_or(path))
}
