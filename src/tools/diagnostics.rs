//! `diagnostics`: what the editor's language servers say.

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::propose::{resolve, unreadable};
use super::{Diagnostic, Diagnostics, Effect, Tool, ToolContext, ToolError, ToolOutput, arguments};
use crate::context::secret_name;
use crate::workspace::{DocPath, ReadError, View};

pub(in crate::tools) struct ReadDiagnostics;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// File to ask about, relative to the workspace root. Default: everything that is known.
    path: Option<String>,
}

const NAME: &str = "diagnostics";

impl Tool for ReadDiagnostics {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Shows the errors and warnings that the user's editor knows, from all language servers and linters. They are about \
         the text without your proposed edits, each at the version that is told with it."
    }

    fn parameters(&self) -> Value {
        arguments::schema::<Arguments>()
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn call(&self, context: ToolContext, input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
        Box::pin(async move {
            let arguments = arguments::decode::<Arguments>(NAME, input)?;
            let view = context.view();
            let path = arguments.path.map(|path| resolve(&view, &path)).transpose()?;
            if let Some(path) = path.as_ref().filter(|path| view.excludes(path)) {
                return Err(unreadable(&view, path, &ReadError::Excluded(view.roots().display(path))));
            }
            let diagnostics = tokio::select! {
                biased;
                () = context.cancel.cancelled() => return Err(ToolError::Cancelled),
                diagnostics = context.host.diagnostics(path) => diagnostics,
            };
            Ok(ToolOutput::from(report(&view, diagnostics)).capped(context.max_output))
        })
    }
}

fn report(view: &View, diagnostics: Diagnostics) -> String {
    match diagnostics {
        Diagnostics::Unknown => {
            "unknown: no editor is here that could tell. This does not mean that there are no problems".to_owned()
        }
        Diagnostics::Known(mut known) => {
            // What is told about a file of secrets may quote them.
            known
                .retain(|diagnostic| !view.excludes(&diagnostic.path) && secret_name(view, &diagnostic.path).is_none());
            if known.is_empty() {
                return "no problems are known".to_owned();
            }
            known.sort_by(|a, b| (a.severity, &a.path, a.line).cmp(&(b.severity, &b.path, b.line)));
            let rows: String = known.iter().map(|diagnostic| row(view, diagnostic)).collect();
            let documents: BTreeSet<(&DocPath, Option<i32>)> =
                known.iter().map(|diagnostic| (&diagnostic.path, diagnostic.version)).collect();
            let origins: String = documents.iter().map(|(path, version)| origin(view, path, *version)).collect();
            rows + &origins
        }
    }
}

/// Which text of a document its rows are about.
fn origin(view: &View, path: &DocPath, version: Option<i32>) -> String {
    let open = view.buffers().get(path).map(|buffer| buffer.version);
    let version = match (version, open) {
        (Some(version), Some(open)) if version == open => format!("version {version}, which is open now"),
        (Some(version), Some(open)) => {
            format!("version {version}, and version {open} is open now: lines may have moved")
        }
        (Some(version), None) => format!("version {version}, which is not open any more"),
        (None, Some(open)) => format!("version unknown, and version {open} is open now"),
        (None, None) => "version unknown, and it is not open".to_owned(),
    };
    let proposed = match view.overlay().get(path) {
        Some(_) => ". Your proposed text is another: these do not tell of it, and its lines may differ",
        None => "",
    };
    format!("[{}: {version}{proposed}]\n", view.roots().display(path))
}

fn row(view: &View, diagnostic: &Diagnostic) -> String {
    let severity = diagnostic.severity.name();
    let origin: Vec<&str> = diagnostic.source.as_deref().into_iter().chain(diagnostic.code.as_deref()).collect();
    let origin = if origin.is_empty() { String::new() } else { format!(" [{}]", origin.join(" ")) };
    let name = view.roots().display(&diagnostic.path);
    let message = diagnostic.message.trim().replace('\n', "\n    ");
    format!("{name}:{}: {severity}: {message}{origin}\n", diagnostic.line)
}
