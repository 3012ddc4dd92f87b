//! `shell`: runs a command line on the proposed state.
//!
//! It runs in a copy of the workspace that holds what is proposed, and what it changes there becomes part of the proposal. What
//! the gate allowed is what runs: the line, confined or not, with or without the network.

pub mod commands;
pub mod jobs;
pub mod output;
mod repositories;
pub mod running;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, arguments};
use crate::permission::{Act, script_sources};
use commands::{Commands, NotRun, Order};
use running::Ended;

pub use commands::{Cage, CommandSetup, Wanted};

/// How long a command takes where nothing is said.
const USUAL: Duration = Duration::from_secs(120);

/// Looks at files that say what a command does and could not be read.
static UNREADABLE: AtomicU64 = AtomicU64::new(0);

pub(in crate::tools) struct Shell;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// The command line, for `bash -c`. It starts in the first workspace folder, has no terminal and no input.
    command: String,
    /// Seconds it may take; 120 if not given.
    #[serde(default)]
    timeout_s: Option<u64>,
    /// It runs on while you go on: a server, a watcher. Read and stop it with `shell_job`.
    #[serde(default)]
    background: Option<bool>,
    /// It needs the network. The user is asked.
    #[serde(default)]
    network: Option<bool>,
}

impl Tool for Shell {
    fn name(&self) -> &str {
        "shell"
    }

    fn description(&self) -> &str {
        "Runs a command line, such as a build or the tests, on the files as you have edited them: in a copy of the workspace \
         without ignored files and without those that hold secrets. Files that it changes become part of your proposal, ignored \
         ones do not. It is confined where this system can: no network, nothing outside the workspace can be written, `.git` can \
         only be read. Write commands plainly: no `$(…)`, no `eval`."
    }

    fn parameters(&self) -> Value {
        arguments::schema::<Arguments>()
    }

    fn effect(&self) -> Effect {
        Effect::Runs
    }

    fn act(&self, context: &ToolContext, input: &Value) -> Result<Option<Act>, ToolError> {
        let arguments = arguments::decode::<Arguments>(self.name(), input.clone())?;
        let setup = commands_of(context)?.setup();
        let confined = setup.confines().map_err(told)?;
        Ok(Some(Act::Shell {
            scripts: scripts(context, &arguments.command),
            command: arguments.command,
            cwd: ".".to_owned(),
            network: setup.network || arguments.network.unwrap_or(false),
            background: arguments.background.unwrap_or(false),
            confined,
        }))
    }

    fn call(&self, context: ToolContext, input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
        Box::pin(async move {
            let arguments = arguments::decode::<Arguments>("shell", input)?;
            let commands = Arc::clone(commands_of(&context)?);
            let Some(Act::Shell { command, network, background, confined, .. }) = context.permitted.clone() else {
                // Nothing was allowed because nothing can run: the reason is the answer.
                let checked = tokio::task::spawn_blocking(move || commands.setup().confines()).await;
                let reason = checked.ok().and_then(Result::err).map(|error| error.0);
                return Err(ToolError::model(reason.unwrap_or_else(|| "not run: it was not allowed".to_owned())));
            };
            let longest = commands.setup().longest;
            let deadline = arguments.timeout_s.map_or(USUAL.min(longest), Duration::from_secs).min(longest);
            // What jobs changed is taken over before the copy is brought in step, which would write over it.
            let by_jobs = match commands.jobs().is_empty() {
                true => String::new(),
                false => absorb(&context, &commands).await?,
            };
            let order = Order {
                command,
                view: context.view(),
                network,
                confined,
                deadline: if background { Duration::MAX } else { deadline },
                // A job in the background outlives the call, and ends with its session.
                cancel: if background { Default::default() } else { context.cancel.clone() },
                hear: if background { Arc::new(|_| ()) } else { Arc::clone(&context.hear) },
            };
            if background {
                let number = commands.begin(order).await.map_err(told)?;
                let text = format!(
                    "{by_jobs}started as job {number}. Read what it prints with shell_job {{\"job\": {number}}}"
                );
                return Ok(ToolOutput::from(text));
            }
            let ran = commands.run(order).await.map_err(told)?;
            let changed = absorb(&context, &commands).await?;
            let (mut text, truncated) = ran.output.text();
            if text.trim().is_empty() {
                text = "(no output)\n".to_owned();
            }
            if !text.ends_with('\n') {
                text.push('\n');
            }
            let left_out = commands.untold_left_out(&ran).unwrap_or_default();
            for line in [ran.verdict(), left_out, by_jobs, changed].iter().filter(|line| !line.is_empty()) {
                text.push_str(line);
                text.push('\n');
            }
            match ran.ended {
                Ended::Cancelled => Err(ToolError::Cancelled),
                // That tests fail is what one wanted to know.
                Ended::Exited(_) | Ended::Deadline => Ok(ToolOutput { text: text.trim_end().to_owned(), truncated }),
            }
        })
    }
}

/// Takes what commands changed into the overlay; what to tell the model of it.
pub(in crate::tools) async fn absorb(context: &ToolContext, commands: &Arc<Commands>) -> Result<String, ToolError> {
    let (commands, view) = (Arc::clone(commands), context.view());
    let roots = view.roots().clone();
    let looked = tokio::task::spawn_blocking(move || commands.look(&view)).await;
    let changes = looked.map_err(|error| ToolError::Internal(error.to_string()))?.map_err(told)?;
    Ok(context.with_overlay(|overlay| commands::propose(changes, &roots, overlay, &context.author)))
}

pub(in crate::tools) fn commands_of(context: &ToolContext) -> Result<&Arc<Commands>, ToolError> {
    context.commands.as_ref().ok_or_else(|| ToolError::model("no command can run here: go on without it"))
}

fn told(error: NotRun) -> ToolError {
    ToolError::Model(error.0)
}

/// A hash of the files that say what the command does, as they are proposed.
fn scripts(context: &ToolContext, command: &str) -> Option<String> {
    let sources = script_sources(command);
    if sources.is_empty() {
        return None;
    }
    let view = context.view();
    let mut hasher = blake3::Hasher::new();
    for name in sources {
        hasher.update(name.as_bytes());
        let path = view.roots().resolve(&name).ok().filter(|path| view.exists(path));
        let content = match path.map(|path| view.read(&path)) {
            None => [0; 32],
            Some(Ok(document)) => *blake3::hash(document.text.to_string().as_bytes()).as_bytes(),
            // Nobody can tell whether it is as it was: it never is.
            Some(Err(_)) => {
                let unlike = UNREADABLE.fetch_add(1, Ordering::Relaxed).to_le_bytes();
                *blake3::hash(&unlike).as_bytes()
            }
        };
        hasher.update(&content);
    }
    Some(hasher.finalize().to_hex().to_string())
}
