//! `web_search`: what a search of the web finds.

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::from_web::{FRAME, failure, framed, permitted, web_of};
use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, arguments};
use crate::permission::Act;
use crate::web::Hit;

/// Searches for one session.
pub(in crate::tools) struct WebSearch;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// A few words, as one would type them into a search box. They leave this machine: nothing private.
    query: String,
}

const NAME: &str = "web_search";

const NOBODY: &str = "no search provider is configured ([search] in the configuration): go on without searching";

impl Tool for WebSearch {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Searches the web and gives titles, addresses and short excerpts of what is found. Read a page with web_fetch."
    }

    fn parameters(&self) -> Value {
        arguments::schema::<Arguments>()
    }

    fn effect(&self) -> Effect {
        Effect::Runs
    }

    fn act(&self, context: &ToolContext, input: &Value) -> Result<Option<Act>, ToolError> {
        let arguments = arguments::decode::<Arguments>(NAME, input.clone())?;
        let provider = web_of(context)?.search_provider().ok_or_else(|| ToolError::model(NOBODY))?;
        Ok(Some(Act::Search { provider: provider.to_owned(), query: arguments.query }))
    }

    fn call(&self, context: ToolContext, input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
        Box::pin(async move {
            let web = web_of(&context)?.clone();
            let arguments = arguments::decode::<Arguments>(NAME, input)?;
            permitted(&context)?;
            let hits = tokio::select! {
                biased;
                () = context.cancel.cancelled() => return Err(ToolError::Cancelled),
                hits = web.search(&arguments.query) => hits.map_err(|error| failure(&error))?,
            };
            Ok(output(&hits, context.max_output))
        })
    }
}

fn output(hits: &[Hit], most: usize) -> ToolOutput {
    if hits.is_empty() {
        return ToolOutput::from("nothing was found: try other words".to_owned());
    }
    let what = "what a search of the web found";
    let room = most.saturating_sub(FRAME + what.len());
    let mut text = String::new();
    let mut shown = 0;
    for (index, hit) in hits.iter().enumerate() {
        let row = format!("{}. {}\n   {}\n   {}\n", index + 1, hit.title, hit.url, hit.snippet);
        if !text.is_empty() && text.len() + row.len() > room {
            break;
        }
        text.push_str(&row);
        shown += 1;
    }
    let truncated = shown < hits.len();
    let note = if truncated { format!("\n[{} more were left out]", hits.len() - shown) } else { String::new() };
    ToolOutput { text: format!("{}{note}", framed(what, text.trim_end())), truncated }
}
