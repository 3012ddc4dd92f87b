//! `workspace/executeCommand`: the commands, their arguments and answers.
//!
//! Every command answers at once with an object that says `ok`; what takes longer goes on in the background. What can not be
//! done is `ok: false` with a reason for the user, never an error of the protocol. No command grants a permission.

mod asking;
mod changing;
mod choosing;
mod deciding;
mod meant;
mod place;
mod queries;
mod reviewing;
mod undoing;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tower_lsp::gen_lsp_types::{Diagnostic, ExecuteCommandParams, LspAny, ProgressToken, Range as LspRange};
use tower_lsp::jsonrpc::Result;

use super::server::Server;
use super::written;
use crate::config::{Effort, Provider};
use crate::event::{Mode, PermissionMode};

/// The commands of this server, as `initialize` announces them.
pub const COMMANDS: &[&str] = &[
    "claw.ask",
    "claw.explain",
    "claw.fix",
    "claw.review",
    "claw.steer",
    "claw.cancel",
    "claw.acceptHunk",
    "claw.rejectHunk",
    "claw.changeHunk",
    "claw.resolveHunk",
    "claw.acceptFile",
    "claw.acceptAll",
    "claw.rejectAll",
    "claw.undo",
    "claw.redo",
    "claw.proposal",
    "claw.nextHunk",
    "claw.prevHunk",
    "claw.setModel",
    "claw.context",
    "claw.blame",
    "claw.map",
    "claw.sessions",
    "claw.openConversation",
    "claw.trace",
    "claw.status",
    "claw.doctor",
];

/// `workspace/executeCommand`.
pub async fn execute(server: &Server, params: ExecuteCommandParams) -> Result<Option<LspAny>> {
    let owned = server.clone();
    let body = async move {
        let server = &owned;
        let answer = match Arguments::of(params.arguments.unwrap_or_default()) {
            Ok(arguments) if params.command == "claw.proposal" => match reviewing::proposal(server, arguments).await {
                Ok(listing) => return Ok(Reply::Written(listing)),
                Err(message) => refused(message),
            },
            Ok(mut arguments) => {
                arguments.token = params.work_done_progress_params.work_done_token;
                run(server, &params.command, arguments).await
            }
            Err(message) => refused(message),
        };
        Ok(Reply::Object(answer))
    };
    match server.request(body).await? {
        Reply::Object(answer) => Ok(Some(Value::Object(answer))),
        Reply::Written(answer) => {
            written::leave(answer);
            Ok(None)
        }
    }
}

/// An answer as an object, or as it is sent.
enum Reply {
    Object(Answer),
    Written(Box<RawValue>),
}

/// What a command says back.
type Answer = Map<String, Value>;

/// The one argument object of any command. What a command does not know it ignores.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Arguments {
    instruction: Option<String>,
    uri: Option<String>,
    range: Option<LspRange>,
    /// The comment that asks: it goes when the ask is done.
    comment: Option<LspRange>,
    session: Option<String>,
    turn: Option<String>,
    mode: Option<Mode>,
    diagnostics: Option<Vec<Diagnostic>>,
    message: Option<String>,
    hunk: Option<String>,
    reason: Option<String>,
    lines: Option<deciding::Lines>,
    text: Option<String>,
    take: Option<deciding::Take>,
    /// Of `claw.undo`: what was accepted last in the session, not all of it.
    last: bool,
    /// Of `claw.acceptFile` and `claw.acceptAll`: the user looks through the edit before it is made.
    preview: bool,
    /// Of `claw.acceptHunk`: the hunks that it needs too.
    with_needs: bool,
    model: Option<String>,
    /// Of `claw.setModel`: a model, a provider and an effort as a user writes them.
    words: Option<String>,
    provider: Option<Provider>,
    effort: Option<Effort>,
    tokens: Option<u64>,
    /// Of `claw.blame`, counted from 0 like all lines of the protocol.
    line: Option<usize>,
    permission_mode: Option<PermissionMode>,
    #[serde(skip)]
    token: Option<ProgressToken>,
}

impl Arguments {
    fn of(arguments: Vec<LspAny>) -> std::result::Result<Arguments, String> {
        match arguments.into_iter().next() {
            None | Some(Value::Null) => Ok(Arguments::default()),
            Some(object @ Value::Object(_)) => {
                serde_json::from_value(object).map_err(|error| format!("the arguments make no sense: {error}"))
            }
            Some(other) => Err(format!("the argument must be an object, not {other}")),
        }
    }
}

async fn run(server: &Server, command: &str, arguments: Arguments) -> Answer {
    let result = match command {
        "claw.ask" => asking::ask(server, arguments).await,
        "claw.explain" => asking::explain(server, arguments).await,
        "claw.fix" => asking::fix(server, arguments).await,
        "claw.review" => asking::review(server, arguments).await,
        "claw.steer" => asking::steer(server, &arguments),
        "claw.cancel" => asking::cancel(server, &arguments),
        "claw.acceptHunk" => deciding::accept_hunk(server, arguments).await,
        "claw.rejectHunk" => deciding::reject_hunk(server, arguments).await,
        "claw.changeHunk" => changing::change_hunk(server, arguments).await,
        "claw.resolveHunk" => deciding::resolve_hunk(server, arguments).await,
        "claw.undo" => undoing::undo(server, arguments).await,
        "claw.redo" => undoing::redo(server, arguments).await,
        "claw.acceptFile" => deciding::accept_file(server, arguments).await,
        "claw.acceptAll" => deciding::accept_all(server, arguments).await,
        "claw.rejectAll" => deciding::reject_all(server, arguments).await,
        "claw.nextHunk" => reviewing::go_to_hunk(server, reviewing::Direction::Next),
        "claw.prevHunk" => reviewing::go_to_hunk(server, reviewing::Direction::Previous),
        "claw.setModel" => choosing::set_model(server, &arguments),
        "claw.context" => queries::context(server, arguments).await,
        "claw.blame" => queries::blamed(server, arguments).await,
        "claw.map" => queries::map(server, arguments).await,
        "claw.sessions" => queries::sessions(server).await,
        "claw.openConversation" => queries::open_conversation(server, arguments).await,
        "claw.trace" => queries::trace(server, arguments).await,
        "claw.status" => Ok(queries::status(server)),
        "claw.doctor" => queries::doctor(server).await,
        other => Err(format!("this version has no command `{other}`")),
    };
    result.unwrap_or_else(refused)
}

/// The answer of a command that did, or began, what it was asked.
fn done(more: Value) -> Answer {
    let mut answer = Map::from_iter([("ok".to_owned(), Value::Bool(true))]);
    if let Value::Object(more) = more {
        answer.extend(more);
    }
    answer
}

/// The answer of a command that could not.
fn refused(message: String) -> Answer {
    Map::from_iter([("ok".to_owned(), Value::Bool(false)), ("message".to_owned(), json!(message))])
}

/// Runs what blocks on the disk.
async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> std::result::Result<R, String> + Send + 'static,
) -> std::result::Result<R, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err("this failed within the server: see its log".to_owned()))
}
