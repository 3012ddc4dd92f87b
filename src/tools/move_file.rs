//! `move_file`: proposes another name for a document.

use schemars::JsonSchema;
use serde::Deserialize;

use super::builtin::Builtin;
use super::propose::{editable, resolve, stale, still_there};
use super::{Effect, ToolContext, ToolError, ToolOutput};
use crate::context::secret_name;
use crate::secrets::is_secret_file;
use crate::workspace::DocPath;

pub(in crate::tools) struct MoveFile;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// File to move or rename, relative to the workspace root.
    from: String,
    /// Its new path. No file may stand there. Folders on the way are made.
    to: String,
}

impl Builtin for MoveFile {
    type Arguments = Arguments;
    const NAME: &'static str = "move_file";
    const DESCRIPTION: &'static str = "Proposes to move or rename one file; its text, with your proposed edits, goes \
        along. The user reviews the proposal.";
    const EFFECT: Effect = Effect::Edits;

    fn run(context: &ToolContext, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        let view = context.view();
        let (from, to) = (resolve(&view, &arguments.from)?, resolve(&view, &arguments.to)?);
        let (from_name, to_name) = (view.roots().display(&from), view.roots().display(&to));
        if let (DocPath::Virtual(_), _) | (_, DocPath::Virtual(_)) = (&from, &to) {
            return Err(ToolError::model("only files of the workspace can be moved, and only within it"));
        }
        if from == to {
            return Err(ToolError::model(format!("`{from_name}` is there already: from and to are the same")));
        }
        let document = editable(&view, &from)?;
        if secret_name(&view, &from).is_some() && !is_secret_file(&to_name) {
            return Err(ToolError::model(format!(
                "`{from_name}` holds secrets, and `{to_name}` is no name for such a file: choose one that is, or leave it to the user"
            )));
        }
        if view.exists(&to) {
            return Err(ToolError::model(format!(
                "`{to_name}` exists already: choose another name, or read and delete it first"
            )));
        }
        view.check_new(&to).map_err(|error| ToolError::model(error.to_string()))?;
        let fresh = context.view();
        still_there(&fresh, &from, Some(&document))?;
        still_there(&fresh, &to, None)?;
        context
            .with_overlay(|overlay| overlay.rename(&from, &document, &to, context.author.clone()))
            .map_err(|_| stale(&fresh, &from))?;
        if let Some(hash) = context.seen.get(&from) {
            context.seen.note(to, hash);
            context.seen.forget(&from);
        }
        Ok(ToolOutput::from(format!("moved `{from_name}` to `{to_name}`")))
    }
}
