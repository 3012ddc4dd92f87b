//! The events of a session: one schema for the trace file, `claw run --output stream-json`, the `claw/event`
//! notification and [`RunResult::trace`](crate::agent::RunResult).
//!
//! This module is the contract and nothing else: it must never know how an event comes about, where it is kept or who
//! shows it. Everything above it speaks these types; it imports no other module of the crate.

mod asked;
mod description;
mod servers;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use asked::{Effort, ToolForm};
pub use servers::{McpConnected, McpServerState, McpTool};

/// The version of this schema, the `v` of every envelope.
pub const SCHEMA_VERSION: u32 = 1;

/// One thing that happened in a session: the envelope, with what happened flattened into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// [`SCHEMA_VERSION`].
    pub v: u32,
    pub session: String,
    pub turn: String,
    /// Numbers the stored events of a session from 1 without gaps. Streamed events ([`EventKind::Text`],
    /// [`EventKind::Reasoning`], [`EventKind::ToolOutput`]) repeat the last stored number and are told apart by `part`.
    pub seq: u64,
    /// RFC 3339 with milliseconds, UTC.
    pub time: String,
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened. The serialised `type` is the variant's name in snake case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    TurnStart(TurnStart),
    Mcp(McpConnected),
    Context(ContextReceipt),
    ModelRequest(ModelRequestSent),
    Text(StreamPart),
    Reasoning(StreamPart),
    ToolOutput(ToolOutputPart),
    ModelResponse(ModelResponseReceived),
    Plan {
        items: Vec<PlanItem>,
    },
    Permission(PermissionDecided),
    ToolCall(ToolCallStarted),
    ToolResult(ToolResultReturned),
    Check(CheckRan),
    Proposal {
        files: Vec<ProposedFile>,
        /// The check commands that were run on what is proposed: an extension of the contract.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        checks: Vec<ProposalCheck>,
    },
    Review(ReviewDecided),
    Compaction(Compacted),
    Steer {
        message: String,
    },
    Error(ErrorReported),
    TurnEnd(TurnEnd),
}

impl Event {
    /// The serialised `type`: `tool_call`, `proposal`, …
    pub fn kind(&self) -> &'static str {
        self.kind.name()
    }

    /// The event in one line, for people.
    pub fn description(&self) -> String {
        description::describe(&self.kind)
    }
}

impl EventKind {
    /// The serialised `type`.
    pub fn name(&self) -> &'static str {
        match self {
            EventKind::TurnStart(_) => "turn_start",
            EventKind::Mcp(_) => "mcp",
            EventKind::Context(_) => "context",
            EventKind::ModelRequest(_) => "model_request",
            EventKind::Text(_) => "text",
            EventKind::Reasoning(_) => "reasoning",
            EventKind::ToolOutput(_) => "tool_output",
            EventKind::ModelResponse(_) => "model_response",
            EventKind::Plan { .. } => "plan",
            EventKind::Permission(_) => "permission",
            EventKind::ToolCall(_) => "tool_call",
            EventKind::ToolResult(_) => "tool_result",
            EventKind::Check(_) => "check",
            EventKind::Proposal { .. } => "proposal",
            EventKind::Review(_) => "review",
            EventKind::Compaction(_) => "compaction",
            EventKind::Steer { .. } => "steer",
            EventKind::Error(_) => "error",
            EventKind::TurnEnd(_) => "turn_end",
        }
    }

    /// Whether the event is written to the trace. The others are streamed only; what they carry stands in
    /// [`EventKind::ModelResponse`] and [`EventKind::ToolResult`].
    pub fn is_stored(&self) -> bool {
        !matches!(self, EventKind::Text(_) | EventKind::Reasoning(_) | EventKind::ToolOutput(_))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Frontend {
    Lsp,
    Cli,
    Library,
    Python,
}

/// What a turn is for. Only [`Mode::Edit`] may touch the overlay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Edit,
    Explain,
    Plan,
}

/// How much the agent may do unasked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PermissionMode {
    /// Reads only; edit tools are not offered.
    ReadOnly,
    /// Reads and overlay edits are free; shell, web and MCP are asked.
    #[default]
    Ask,
    /// Also sandboxed commands without network.
    Auto,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TurnStart {
    pub task: String,
    pub frontend: Frontend,
    pub provider: String,
    pub model: String,
    pub workspace: String,
    pub mode: Mode,
    pub permission_mode: PermissionMode,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parent: Option<String>,
    /// It is asked without tools and without context, as for a title: an extension of the contract.
    #[serde(skip_serializing_if = "is_false", default)]
    pub bare: bool,
    /// Tokens of the model's window, where it is known: an extension of the contract, without which a replay could not build the
    /// same request, nor make the history shorter at the same place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub window: Option<u64>,
    /// How much the model is asked to think, where that is set: an extension of the contract, needed to build the same request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effort: Option<Effort>,
    /// Bytes of a thousand tokens, as the model's provider has counted before: an extension of the contract. Estimates begin with it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes_per_1000_tokens: Option<u32>,
    /// What the turn may use: an extension of the contract, without which a replay would not know when to stop.
    #[serde(default)]
    pub limits: TurnLimits,
    /// How the model is to call tools: an extension of the contract, as is `lean`, without which a replay could not build the same
    /// requests.
    #[serde(skip_serializing_if = "ToolForm::is_native", default)]
    pub tool_form: ToolForm,
    /// A short prompt and few tools, for a small model.
    #[serde(skip_serializing_if = "is_false", default)]
    pub lean: bool,
}

impl TurnStart {
    /// Whether a `task` call of the parent's turn started it: it answers another model, and nobody talks to it.
    pub fn is_subagent(&self) -> bool {
        self.parent.is_some() && self.mode == Mode::Explain && !self.bare
    }
}

/// The limits of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TurnLimits {
    /// Model requests.
    pub steps: u32,
    pub seconds: u64,
    /// Seconds the model may stay silent.
    pub idle_seconds: u64,
    /// Input and output together.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tokens: Option<u64>,
    /// US dollars.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cost: Option<f64>,
    /// Subagents it may start. With none there is no tool for it.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub children: u32,
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What the first request of a turn holds, and what was left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContextReceipt {
    pub sections: Vec<ContextSection>,
    /// Estimated tokens of the included sections.
    pub tokens: u64,
    /// Tokens the sections may take together.
    pub budget: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContextSection {
    /// `instruction`, `selection`, `symbol`, `diagnostics`, `buffers`, `outline`, `rules`, …
    pub name: String,
    /// Where it comes from: a path, `editor`, `user`.
    pub source: String,
    pub tokens: u64,
    pub included: bool,
    /// Why it was left out or shortened.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The section as the model saw it: an extension of the contract, and what makes a session replayable without the
    /// workspace as it was. Absent where the section was not included.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelRequestSent {
    /// 1, 2, … within the turn.
    pub request: u32,
    pub tokens_estimate: u64,
    /// What of it stands as it stood in the request before: an extension of the contract. Absent in a session's first request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prefix: Option<RequestPrefix>,
    /// The body as sent on the wire, shared by all who see the event, or …
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub body: Option<Arc<Value>>,
    /// … its hash in the session's `blobs/`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub blob: Option<String>,
}

/// The beginning of a request that is the same as in the one before, so that providers may have it in a cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestPrefix {
    /// Bytes that are the same, …
    pub bytes: u64,
    /// … of so many.
    pub of: u64,
    /// Why it is not all of the request before: `model`, `tools`, `system`, `settings` (the window, how much to think), `compaction`, or
    /// the first message that is another (`message 3`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub broken: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamPart {
    pub delta: String,
    pub part: u64,
}

/// What a running command printed since the last part: an extension of the contract. `call` is [`CHECKING`] where no call of the
/// model's runs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolOutputPart {
    pub call: String,
    pub delta: String,
    pub part: u64,
}

/// The `call` of a [`ToolOutputPart`] that tells which check runs.
pub const CHECKING: &str = "check";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelResponseReceived {
    pub request: u32,
    pub text: String,
    /// What a reasoning model thought aloud, where the provider tells.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub reasoning: String,
    pub tool_calls: Vec<ToolCallRequested>,
    pub stop_reason: StopReason,
    pub usage: Usage,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cost: Option<f64>,
    /// Milliseconds to the first delta.
    pub ttft_ms: u64,
    pub latency_ms: u64,
    /// HTTP attempts it took.
    pub attempts: u32,
    /// What the provider wants to have back with the next request: an extension of the contract.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub opaque: Option<Opaque>,
    /// The calls stand in `text`, where the model printed them: an extension of the contract.
    #[serde(skip_serializing_if = "is_false", default)]
    pub as_text: bool,
}

/// What a provider wants to have back as it was: reasoning that is signed or encrypted. A changed or missing piece makes it refuse
/// the request, so nothing in it is mended and nothing is masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Opaque {
    /// The provider whose wire format it is.
    pub provider: String,
    /// The model that said it; no other understands it.
    pub model: String,
    /// Pieces of the response, in order, those that only mark a place included.
    pub pieces: Vec<Value>,
}

impl Opaque {
    /// Fields of a piece that hold what nobody but the provider can read.
    pub const SEALED: [&str; 3] = ["signature", "data", "encrypted_content"];

    /// Every text within, by the name of its field.
    pub fn texts(&self) -> Vec<(&str, &str)> {
        fn gather<'a>(name: &'a str, value: &'a Value, out: &mut Vec<(&'a str, &'a str)>) {
            match value {
                Value::String(text) => out.push((name, text)),
                Value::Array(items) => items.iter().for_each(|item| gather(name, item, out)),
                Value::Object(fields) => fields.iter().for_each(|(name, field)| gather(name, field, out)),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        let mut out = Vec::new();
        self.pieces.iter().for_each(|piece| gather("", piece, &mut out));
        out
    }
}

/// A call as the model wrote it: the arguments are text until they have been parsed strictly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCallRequested {
    pub id: String,
    pub name: String,
    pub arguments: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model had said all it wanted.
    End,
    ToolCalls,
    /// Cut by the output limit: calls in such a response are never run.
    Length,
    ContentFilter,
    /// The provider said something this version does not know.
    Unknown,
}

/// Tokens as the provider counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    pub input: u64,
    pub output: u64,
    /// The part of `input` that came from the provider's cache.
    pub cached: u64,
    /// The part of `input` that was put into the provider's cache, where that is told because it costs more: an extension of the
    /// contract.
    #[serde(skip_serializing_if = "is_none_of_it", default)]
    pub cache_write: u64,
}

fn is_none_of_it(tokens: &u64) -> bool {
    *tokens == 0
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.cached = self.cached.saturating_add(other.cached);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanItem {
    pub text: String,
    pub status: PlanStatus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    Pending,
    Active,
    Done,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PermissionDecided {
    pub tool: String,
    pub input: Value,
    pub decision: Decision,
    pub by: DecidedBy,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Allow,
    Deny,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    Mode,
    Rule,
    User,
    Timeout,
}

/// The start of an execution. A refused, malformed or truncated call has only its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCallStarted {
    pub call: String,
    pub tool: String,
    pub input: Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolResultReturned {
    pub call: String,
    pub tool: String,
    pub ok: bool,
    pub output: String,
    pub truncated: bool,
    pub duration_ms: u64,
    /// Of a `task` call, what its subagent used: an extension of the contract. The turn answers for it, so that it counts
    /// towards the turn's limits and stands in the `usage` and `cost` of its `turn_end`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subagent: Option<SubagentRan>,
}

/// A subagent that has ended. The rest of it stands in the trace of its session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubagentRan {
    pub session: String,
    pub status: TurnStatus,
    /// Model requests it made.
    pub steps: u32,
    pub usage: Usage,
    /// What counts towards a limit of tokens: more than `usage` tells where the provider counts nothing.
    pub tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cost: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckRan {
    pub command: String,
    pub ok: bool,
    pub output: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<bool>,
    /// It could not run, and `output` says why: an extension of the contract.
    #[serde(skip_serializing_if = "is_false", default)]
    pub not_run: bool,
    /// It failed and the model is not told, because it failed like this before or was told twice: an extension of the contract.
    #[serde(skip_serializing_if = "is_false", default)]
    pub untold: bool,
}

impl CheckRan {
    /// Whether the model is told of it.
    pub fn is_told(&self) -> bool {
        !self.ok && !self.not_run && !self.untold
    }
}

/// How a check command went on what is proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalCheck {
    pub command: String,
    pub ok: bool,
    /// Whether it failed without the proposal too; known where it fails.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<bool>,
}

impl ProposalCheck {
    /// `cargo check -q ✓`, `pytest -x -q ✗ (failed before too)`.
    pub fn shown(&self) -> String {
        let mark = match (self.ok, self.before) {
            (true, _) => "✓",
            (false, Some(true)) => "✗ (failed before too)",
            (false, Some(false) | None) => "✗",
        };
        format!("{} {mark}", self.command)
    }
}

/// One file of a proposal, as the contract shows it to clients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProposedFile {
    pub uri: String,
    /// The path as the tools and the user name it: an extension of the contract.
    #[serde(default)]
    pub path: String,
    pub change: ChangeKind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub old_uri: Option<String>,
    pub hunks: Vec<ProposedHunk>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Edit,
    Create,
    Delete,
    Rename,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProposedHunk {
    /// Hash of path, old text, new text and occurrence: stable while the hunk means the same.
    pub hunk: String,
    pub state: HunkState,
    /// First line of the old text in the live document, 1-based.
    pub start_line: u32,
    pub old_text: String,
    pub new_text: String,
    /// Of a conflict: what the user made of `old_text`, as the live document holds it at `start_line`. An extension of the
    /// contract.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mine: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub symbol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub summary: Option<String>,
    /// What to look at before accepting it: an extension of the contract.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub flags: Vec<HunkFlag>,
    /// Pending hunks without which this one makes no sense, by the names it uses or takes away: an extension of the
    /// contract.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub needs: Vec<String>,
}

/// Something about a hunk that its reader might not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HunkFlag {
    /// It puts in characters that can not be seen, or that show the text in another order.
    HiddenCharacters,
    /// With it the file has a syntax error that it has not now.
    Syntax,
    /// What stands at its path can run later.
    Protected,
}

impl HunkFlag {
    /// Whether a hunk with this flag is accepted by itself only, and never among others.
    pub fn needs_own_yes(self) -> bool {
        match self {
            HunkFlag::HiddenCharacters | HunkFlag::Protected => true,
            HunkFlag::Syntax => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HunkState {
    Pending,
    Accepted,
    Rejected,
    /// The user changed the same lines.
    Conflict,
    /// Sent to the editor, and the text that came back shows neither the old nor the new.
    Unverified,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewDecided {
    pub hunk: String,
    pub decision: ReviewDecision,
    /// `user`, `cli`, `observed`, …
    pub by: String,
    /// The live text really holds it.
    pub verified: bool,
    /// What the user said about it: an extension of the contract.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewDecision {
    Accepted,
    Rejected,
    Edited,
    Conflict,
    Undone,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Compacted {
    pub tokens_before: u64,
    pub tokens_after: u64,
    pub kept: Value,
    pub summary: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorReported {
    /// A stable word: `auth`, `connect`, `model_not_found`, `rate_limit`, `server`, `protocol`, `idle`, `limit`, …
    pub code: String,
    /// One plain message that says whose fault it is and what to do.
    pub message: String,
    pub retryable: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TurnEnd {
    pub status: TurnStatus,
    pub answer: String,
    /// Model requests made by the turn itself.
    pub steps: u32,
    /// With that of its subagents, as `cost`.
    pub usage: Usage,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cost: Option<f64>,
    pub duration_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TurnStatus {
    Done,
    Cancelled,
    Failed,
    Limit,
}
