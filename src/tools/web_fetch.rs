//! `web_fetch`: a page of the web as text.

use std::fmt::Write as _;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::from_web::{FRAME, failure, framed, permitted, web_of};
use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, arguments};
use crate::permission::{Act, Address};
use crate::text::floor_char_boundary;
use crate::web::Page;

/// Fetches for one session.
pub(in crate::tools) struct WebFetch;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// The whole address, http or https, like https://docs.rs/tokio
    url: String,
}

const NAME: &str = "web_fetch";

impl Tool for WebFetch {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Fetches a public page of the web and gives its text: Markdown of an HTML page, other text as it is. Scripts are \
         not run, pictures and archives not opened, long pages cut. Put nothing private into an address: the server sees it."
    }

    fn parameters(&self) -> Value {
        arguments::schema::<Arguments>()
    }

    fn effect(&self) -> Effect {
        Effect::Runs
    }

    fn act(&self, _context: &ToolContext, input: &Value) -> Result<Option<Act>, ToolError> {
        let arguments = arguments::decode::<Arguments>(NAME, input.clone())?;
        let url = Address::parse(&arguments.url).map_err(|error| ToolError::model(error.to_string()))?;
        Ok(Some(Act::Fetch { url }))
    }

    fn call(&self, context: ToolContext, input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
        Box::pin(async move {
            let web = web_of(&context)?.clone();
            let arguments = arguments::decode::<Arguments>(NAME, input)?;
            permitted(&context)?;
            let page = tokio::select! {
                biased;
                () = context.cancel.cancelled() => return Err(ToolError::Cancelled),
                page = web.fetch(&arguments.url) => page.map_err(|error| failure(&error))?,
            };
            Ok(output(&page, context.max_output))
        })
    }
}

fn output(page: &Page, most: usize) -> ToolOutput {
    let mut notes = String::new();
    // Writing into a String can not fail.
    for hop in &page.hops {
        let _ = writeln!(notes, "{hop} redirects");
    }
    if page.hidden_characters > 0 {
        let _ = writeln!(notes, "[{} invisible characters were left out]", page.hidden_characters);
    }
    let what = format!("the page {} ({})", page.url, page.content_type);
    let title = page.title.as_ref().map(|title| format!("Title: {title}\n\n")).unwrap_or_default();
    let text = if page.markdown.is_empty() {
        "[the page shows nothing: it is empty, or drawn by scripts, which are not run]"
    } else {
        &page.markdown
    };
    let room = most.saturating_sub(FRAME + notes.len() + what.len() + title.len());
    let kept = text.get(..floor_char_boundary(text, room)).unwrap_or(text);
    let truncated = page.truncated || kept.len() < text.len();
    let note = if truncated { "\n[the page goes on: this is its beginning]" } else { "" };
    ToolOutput { text: format!("{notes}{}{note}", framed(&what, &format!("{title}{kept}"))), truncated }
}
