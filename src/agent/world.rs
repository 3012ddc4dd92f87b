//! What a turn takes from outside itself: everything that would come out otherwise a second time.
//!
//! The loop in [`turn`](super::turn) decides; a [`World`] provides. [`Live`](super::live::Live) asks the model, runs tools
//! and looks at the workspace; a replay plays the record back. Whatever is in a trace and not provided here must follow from
//! what is.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde_json::Value;

use super::calls::Call;
use super::policy::{End, Left};
use crate::event::{
    CheckRan, ContextReceipt, ErrorReported, McpConnected, Opaque, PermissionDecided, PlanItem, ProposalCheck,
    ProposedFile, StopReason, ToolCallRequested, ToolForm, ToolResultReturned, TurnStart, Usage,
};
use crate::model::{SharedModel, ToolSchema};

/// Provides what a turn can not know. Every wait in here ends within 200 ms of a cancellation.
pub(in crate::agent) trait World: Send + Sync {
    /// What the turn is, and the model that builds its requests or why there is none.
    fn begin(&self) -> BoxFuture<'_, (TurnStart, Result<SharedModel, End>)>;

    /// What MCP servers offer to the turn, and what was decided about starting them; `None` where there are none.
    fn connect(&self) -> BoxFuture<'_, Result<Option<Connected>, End>>;

    /// The sections of the turn's first message.
    fn context(&self) -> BoxFuture<'_, Result<ContextReceipt, End>>;

    /// What the user said since it was last asked. Once `last` was asked and there was nothing, nothing more comes.
    fn steering(&self, last: bool) -> Result<Vec<String>, End>;

    /// Whether the turn still goes on; asked before each call.
    fn proceed(&self) -> Result<(), End>;

    /// The model's answer to a body. Pieces of it go to `hear` as they come. What it prints is looked through for calls of these tools
    /// where it was asked to print them.
    fn respond<'a>(
        &'a self,
        body: Value,
        printed: Printed<'a>,
        hear: &'a Hear<'a>,
    ) -> BoxFuture<'a, Result<Answer, End>>;

    /// What is worth noting of messages that leave the history, beside the summary that stands for them; `None` where nobody is asked.
    fn notes<'a>(&'a self, gone: &'a str, summary: &'a str) -> BoxFuture<'a, Option<String>>;

    /// Whether a call may run, where that needs to be decided; asked right before it.
    fn permit<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Option<PermissionDecided>, End>>;

    /// Runs calls side by side; their results in the order in which they come. What they may use together is in `left`.
    fn execute(&self, calls: Vec<Call>, left: Left) -> BoxStream<'_, Result<Executed, End>>;

    /// Whether what this turn proposes is fit to be shown, asked when the model has answered: what was found out, in order.
    fn check(&self) -> BoxFuture<'_, Result<Vec<CheckRan>, End>>;

    /// What is proposed at the end of the turn; `None` where there is nothing to show.
    fn proposal(&self) -> BoxFuture<'_, Option<Proposed>>;

    /// Milliseconds since the turn began.
    fn elapsed_ms(&self) -> u64;
}

/// How a model was asked to call which tools.
#[derive(Clone, Copy)]
pub(in crate::agent) struct Printed<'a> {
    pub form: ToolForm,
    pub tools: &'a [ToolSchema],
}

pub(in crate::agent) type Hear<'a> = dyn Fn(Heard) + Send + Sync + 'a;

/// Something that comes while a model answers.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::agent) enum Heard {
    Text(String),
    Reasoning(String),
    /// A failed attempt that is being repeated.
    Notice(ErrorReported),
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::agent) struct Answer {
    pub text: String,
    pub reasoning: String,
    pub tool_calls: Vec<ToolCallRequested>,
    pub stop_reason: StopReason,
    pub usage: Usage,
    pub cost: Option<f64>,
    pub ttft_ms: u64,
    pub latency_ms: u64,
    pub attempts: u32,
    pub opaque: Option<Opaque>,
    /// The calls stand in the text.
    pub as_text: bool,
}

/// What a turn proposes, and the check commands that were run on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::agent) struct Proposed {
    pub files: Vec<ProposedFile>,
    pub checks: Vec<ProposalCheck>,
}

/// What came of a turn's MCP servers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::agent) struct Connected {
    pub decided: Vec<PermissionDecided>,
    pub servers: McpConnected,
}

/// A call that ran.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::agent) struct Executed {
    pub result: ToolResultReturned,
    /// The plan, if the call changed it.
    pub plan: Option<Vec<PlanItem>>,
}

pub(in crate::agent) type SharedWorld = Arc<dyn World>;
