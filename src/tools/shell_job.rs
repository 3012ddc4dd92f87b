//! `shell_job`: what a command in the background printed, and its end.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::permission::Act;

use super::shell::{absorb, commands_of};
use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, arguments};

/// The longest that one call waits for a job.
const LONGEST_WAIT: u64 = 60;

pub(in crate::tools) struct ShellJob;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The number that `shell` gave.
    job: u32,
    /// Ends it.
    #[serde(default)]
    stop: Option<bool>,
    /// Seconds to wait for its end, at most 60.
    #[serde(default)]
    wait_s: Option<u64>,
}

impl Tool for ShellJob {
    fn name(&self) -> &str {
        "shell_job"
    }

    fn description(&self) -> &str {
        "Tells what a command that `shell` started in the background has printed since you last looked, whether it has ended \
         and how, and stops it if you say so."
    }

    fn parameters(&self) -> Value {
        arguments::schema::<Arguments>()
    }

    fn effect(&self) -> Effect {
        Effect::Runs
    }

    /// What was started was allowed then.
    fn act(&self, _context: &ToolContext, _input: &Value) -> Result<Option<Act>, ToolError> {
        Ok(None)
    }

    fn call(&self, context: ToolContext, input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
        Box::pin(async move {
            let Arguments { job, stop, wait_s } = arguments::decode("shell_job", input)?;
            let commands = Arc::clone(commands_of(&context)?);
            let unknown = || {
                let known: Vec<String> =
                    commands.jobs().iter().map(|(number, command)| format!("{number} ({command})")).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                ToolError::model(format!("there is no job {job}. Jobs: {known}"))
            };
            let mut over = commands.with_job(job, |job| job.over()).ok_or_else(unknown)?;
            if let Some(wait) = wait_s {
                let wait = Duration::from_secs(wait.min(LONGEST_WAIT));
                tokio::select! {
                    biased;
                    () = context.cancel.cancelled() => return Err(ToolError::Cancelled),
                    _ = tokio::time::timeout(wait, over.wait_for(Option::is_some)) => {}
                }
            }
            let stop = stop.unwrap_or(false);
            let news = commands.with_job(job, |job| {
                let news = job.news();
                if stop && news.over.is_none() {
                    job.stop();
                }
                news
            });
            let news = news.ok_or_else(unknown)?;
            let changed = absorb(&context, &commands).await?;
            let state = match &news.over {
                Some(ran) if ran.succeeded() => "it has ended, with success".to_owned(),
                Some(ran) => format!("it has ended: {}", ran.verdict()),
                None if stop => "it was stopped".to_owned(),
                None => "it is running".to_owned(),
            };
            let output = if news.output.trim().is_empty() { "(nothing new)" } else { news.output.trim_end() };
            let text = format!("{output}\n{state}\n{changed}").trim_end().to_owned();
            Ok(ToolOutput { text, truncated: news.truncated })
        })
    }
}
