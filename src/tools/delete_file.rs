//! `delete_file`: proposes that a document go.

use schemars::JsonSchema;
use serde::Deserialize;

use super::builtin::Builtin;
use super::propose::{editable, propose, resolve};
use super::{Effect, ToolContext, ToolError, ToolOutput};
use crate::workspace::DocPath;

pub(in crate::tools) struct DeleteFile;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// File to delete, relative to the workspace root.
    path: String,
}

impl Builtin for DeleteFile {
    type Arguments = Arguments;
    const NAME: &'static str = "delete_file";
    const DESCRIPTION: &'static str = "Proposes to delete one file. The user reviews the proposal.";
    const EFFECT: Effect = Effect::Edits;

    fn run(context: &ToolContext, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        let view = context.view();
        let path = resolve(&view, &arguments.path)?;
        let name = view.roots().display(&path);
        if let DocPath::Virtual(_) = path {
            return Err(ToolError::model(format!("`{name}` is no file of the workspace and can not be deleted")));
        }
        let document = editable(&view, &path)?;
        context.refuse_outdated(&path, &document, &name)?;
        propose(context, &path, Some(&document), None)?;
        Ok(ToolOutput::from(format!("deleted `{name}`")))
    }
}
