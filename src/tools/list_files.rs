//! `list_files`: names of documents.

use schemars::JsonSchema;
use serde::Deserialize;

use super::builtin::Builtin;
use super::show::layer_label;
use super::{Effect, ToolContext, ToolError, ToolOutput};
use crate::text::hidden::visible_line;
use crate::workspace::search::Scope;

pub(in crate::tools) struct ListFiles;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// Names to list, such as `*.rs` (in any folder) or `src/**/test_*.py`. Default: all.
    glob: Option<String>,
    /// Folder to list, relative to the workspace root. Default: the whole workspace.
    path: Option<String>,
}

/// Most names of one answer.
const MOST: usize = 1_000;

impl Builtin for ListFiles {
    type Arguments = Arguments;
    const NAME: &'static str = "list_files";
    const DESCRIPTION: &'static str = "Lists files of the workspace, sorted, one a line. Files that .gitignore excludes \
        are left out; files that you propose are included.";
    const EFFECT: Effect = Effect::Reads;

    fn run(context: &ToolContext, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        let view = context.view();
        let scope = Scope::new(&view, arguments.path.as_deref(), arguments.glob.as_deref())
            .map_err(|error| ToolError::model(error.to_string()))?;
        let listing = view.list(&scope, MOST, &|| context.cancel.is_cancelled());
        if listing.files.is_empty() {
            return Ok(ToolOutput::from("no files match (ignored files are not listed)".to_owned()));
        }
        let most = context.max_output.saturating_sub(200);
        let mut shown = String::new();
        let mut count = 0usize;
        for path in &listing.files {
            let row = format!("{}{}\n", visible_line(&view.roots().display(path)), layer_label(&view, path));
            if shown.len().saturating_add(row.len()) > most {
                break;
            }
            shown.push_str(&row);
            count = count.saturating_add(1);
        }
        let truncated = listing.more || listing.stopped || count < listing.files.len();
        if truncated {
            shown.push_str(&format!("[the first {count} files; narrow the list by glob or path to see others]\n"));
        }
        Ok(ToolOutput { text: shown, truncated })
    }
}
