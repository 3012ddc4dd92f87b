//! The tools that the model sees, and what they may reach.
//!
//! A tool is a struct of arguments whose doc comments are the model's manual, and a function from arguments and a
//! [`ToolContext`] to text. Tools read through a fresh [`View`](crate::workspace::View) and write into the session's
//! overlay; nothing here touches a buffer or a file of the user. This module must never know which front end runs or which
//! model asks: what the surroundings offer is behind [`Host`].

pub mod arguments;
pub mod builtin;
pub mod context;
pub mod registry;

mod apply_patch;
mod ask_user;
mod delete_file;
mod diagnostics;
mod edit_file;
mod from_web;
pub mod host;
mod left_out;
mod list_files;
mod mcp;
mod move_file;
mod patch;
mod places;
mod preflight;
mod propose;
mod read_file;
mod references;
mod remember;
mod search;
pub mod shell;
mod shell_job;
mod show;
mod symbols;
pub mod task;
mod update_plan;
mod web_fetch;
mod web_search;
mod write_file;

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::Value;

use crate::permission::Act;

pub use context::{Asking, Seen, ToolContext};
pub use host::{
    Approval, Diagnostic, Diagnostics, Host, NoHost, Reply, Severity, TrustQuestion, UserAnswer, UserQuestion,
};
pub use mcp::ServerTool;
pub use patch::names as files_of_patch;
pub use registry::Tools;

/// Something the model can call.
pub trait Tool: Send + Sync {
    fn name(&self) -> &str;

    /// What it does, for the model.
    fn description(&self) -> &str;

    /// JSON Schema of the arguments object.
    fn parameters(&self) -> Value;

    fn effect(&self) -> Effect;

    /// What a turn must have to be offered it.
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    /// What a call would do that needs permission; `None` where it needs none. May block on the disk. Without it what runs
    /// something is asked by its name and arguments.
    fn act(&self, context: &ToolContext, input: &Value) -> Result<Option<Act>, ToolError> {
        let _ = context;
        Ok(match self.effect() {
            Effect::Reads | Effect::Edits => None,
            Effect::Runs => Some(Act::Other { tool: self.name().to_owned(), input: input.clone() }),
        })
    }

    /// Runs the call. `input` is a parsed object; that it fits [`Tool::parameters`] is for the tool to see.
    fn call(&self, context: ToolContext, input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>>;
}

pub type SharedTool = Arc<dyn Tool>;

/// What a call can change. Decides what runs side by side and what needs permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Nothing: calls of this kind run side by side.
    Reads,
    /// The session's overlay.
    Edits,
    /// Whatever a process or a server does.
    Runs,
}

/// What a turn must have to be offered a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Needs {
    #[default]
    Nothing,
    /// Somebody to talk to, whom a subagent has not.
    User,
    /// The right to start subagents. A call starts one.
    Subagents,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolOutput {
    pub text: String,
    /// Something was left out; the text says what and how to get it.
    pub truncated: bool,
}

impl ToolOutput {
    /// With one line more, unless it is empty.
    pub fn with_note(mut self, note: &str) -> ToolOutput {
        if !note.is_empty() {
            self.text = format!("{}\n{note}", self.text.trim_end());
        }
        self
    }

    /// At most about `most` bytes of it; says what was cut.
    pub fn capped(self, most: usize) -> ToolOutput {
        let (text, cut) = show::cap(self.text, most);
        ToolOutput { text, truncated: self.truncated || cut }
    }
}

impl From<String> for ToolOutput {
    fn from(text: String) -> ToolOutput {
        ToolOutput { text, truncated: false }
    }
}

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// The model's to mend: the text says what to do next.
    #[error("{0}")]
    Model(String),
    /// The turn was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// Ours: logged, told to the model as a failure of the tool, and the turn goes on.
    #[error("the tool failed: {0}")]
    Internal(String),
}

impl ToolError {
    pub fn model(message: impl Into<String>) -> ToolError {
        ToolError::Model(message.into())
    }
}
