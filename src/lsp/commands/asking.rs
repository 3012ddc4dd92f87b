//! Commands that ask, and those that speak to what was asked.

use serde_json::json;
use tower_lsp::gen_lsp_types::{ApplyWorkspaceEditParams, ApplyWorkspaceEditRequest, Uri};

use super::place::{self, focus};
use super::{Answer, Arguments, done};
use crate::agent::Ask;
use crate::context::{Focus, asks_for_diagnostics};
use crate::event::Mode;
use crate::lsp::actions::message_of;
use crate::lsp::ask::{self, Request, Started};
use crate::lsp::edits::{EditSupport, Step, text_edit};
use crate::lsp::review::small_diff;
use crate::lsp::server::Server;
use crate::lsp::{comments, host};
use crate::tools::{Diagnostics, Host};

/// How long the editor may take to put in a comment.
const COMMENT: std::time::Duration = std::time::Duration::from_secs(10);

/// Lines of a hunk that a question about it quotes.
const QUOTED_LINES: usize = 60;

/// `claw.ask {instruction, uri?, range?, session?, turn?, mode?, comment?}`.
pub async fn ask(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let focus = focus(server, &arguments).await?;
    let Some(instruction) = stated(arguments.instruction.as_deref()) else {
        return ask_for_instruction(server, arguments, focus).await;
    };
    let comment = match (&focus, arguments.comment) {
        (Some(focus), Some(range)) => place::comment(server, focus, range, &instruction),
        _ => None,
    };
    let diagnostics = match asks_for_diagnostics(&instruction) {
        true => all_problems(server).await,
        false => rendered(server, &arguments, focus.as_ref()),
    };
    let mode = arguments.mode.unwrap_or_default();
    let ask = Ask { instruction, focus, diagnostics, mode, turn: arguments.turn, comment, ..Ask::default() };
    begin(server, Request { ask, session: arguments.session, token: arguments.token }).await
}

/// `claw.explain {uri?, range?, instruction?, session?, hunk?}`; with a hunk, why it was proposed.
pub async fn explain(server: &Server, mut arguments: Arguments) -> Result<Answer, String> {
    arguments.mode = Some(Mode::Explain);
    if let Some(id) = &arguments.hunk {
        let (session, question) = about_hunk(server, id)?;
        arguments.session = Some(session);
        arguments.instruction = Some(question);
        arguments.uri = None;
    } else if stated(arguments.instruction.as_deref()).is_none() {
        if focus(server, &arguments).await?.is_none() {
            return Err("nothing to explain: open a file and select something in it".to_owned());
        }
        arguments.instruction =
            Some("Explain this code: what it does, why it is there, and what to watch out for.".to_owned());
    }
    ask(server, arguments).await
}

/// `claw.fix {uri?, range?, diagnostics?}`.
pub async fn fix(server: &Server, mut arguments: Arguments) -> Result<Answer, String> {
    let place = focus(server, &arguments).await?;
    let Some(place) = place else {
        return Err("nothing to fix: open the file with the problem and put the cursor on it".to_owned());
    };
    let given = arguments.diagnostics.as_deref().unwrap_or_default();
    let mut messages: Vec<String> = given.iter().map(|diagnostic| message_of(diagnostic).to_owned()).collect();
    let mut diagnostics = rendered(server, &arguments, Some(&place));
    if messages.is_empty() {
        let name = server.state.workspace().roots().display(&place.path);
        for problem in problems_at(server, &place).await {
            messages.push(problem.message.clone());
            diagnostics.push(host::render(&problem, &name));
        }
    }
    if messages.is_empty() && stated(arguments.instruction.as_deref()).is_none() {
        return Err("no problem is known here: put the cursor on a diagnostic and take its quick fix".to_owned());
    }
    let instruction =
        stated(arguments.instruction.as_deref()).unwrap_or_else(|| format!("Fix this: {}", messages.join("\n")));
    let ask = Ask {
        instruction,
        focus: Some(place),
        diagnostics,
        mode: Mode::Edit,
        turn: arguments.turn.take(),
        ..Ask::default()
    };
    begin(server, Request { ask, session: arguments.session, token: arguments.token }).await
}

/// `claw.review {uri?}`: an opinion on a whole file.
pub async fn review(server: &Server, mut arguments: Arguments) -> Result<Answer, String> {
    arguments.range = None;
    let Some(Focus { path, .. }) = focus(server, &arguments).await? else {
        return Err("nothing to review: open a file first".to_owned());
    };
    let (live, name) = {
        let workspace = server.state.workspace();
        (workspace.live(), workspace.roots().display(&path))
    };
    let read = path.clone();
    let length = super::blocking(move || Ok(live.read(&read).map_or(0, |document| document.text.len()))).await?;
    let instruction = stated(arguments.instruction.as_deref()).unwrap_or_else(|| {
        format!(
            "Review `{name}`: bugs first, then what is fragile, unclear or missing. Name the line of each finding and say how \
             to mend it. Change nothing."
        )
    });
    let ask = Ask {
        instruction,
        focus: Some(Focus { path, range: 0..length }),
        mode: Mode::Explain,
        turn: arguments.turn.take(),
        ..Ask::default()
    };
    begin(server, Request { ask, session: arguments.session, token: arguments.token }).await
}

/// `claw.steer {session?, message}`.
pub fn steer(server: &Server, arguments: &Arguments) -> Result<Answer, String> {
    let Some(message) = stated(arguments.message.as_deref().or(arguments.instruction.as_deref())) else {
        return Err("say what to tell it: `message` is missing".to_owned());
    };
    let session = server.state.with(|state| {
        let id = arguments.session.as_ref().or(state.last_session.as_ref())?;
        state.sessions.get(id).map(|entry| entry.session.clone())
    });
    let Some(session) = session else { return Err(no_session(arguments)) };
    match session.running() {
        Some(turn) if session.steer(&message) => Ok(done(json!({"session": session.id(), "turn": turn}))),
        _ => Err("nothing is running in this session: use `claw.ask` with its `session` to go on".to_owned()),
    }
}

/// `claw.cancel {session?, turn?}`; without either, what was begun last of what runs.
pub fn cancel(server: &Server, arguments: &Arguments) -> Result<Answer, String> {
    let candidates = server.state.with(|state| {
        let last = state.last_session.clone();
        let mut sessions: Vec<_> = state.sessions.values().map(|entry| entry.session.clone()).collect();
        sessions.sort_by_key(|session| Some(session.id()) != last.as_deref());
        sessions
    });
    if let Some(id) = &arguments.session
        && !candidates.iter().any(|session| session.id() == id)
    {
        return Err(no_session(arguments));
    }
    let wanted = candidates.into_iter().find_map(|session| {
        let turn = session.running()?;
        let fits = arguments.session.as_deref().is_none_or(|id| id == session.id())
            && arguments.turn.as_deref().is_none_or(|id| id == turn);
        fits.then_some((session, turn))
    });
    match wanted {
        Some((session, turn)) if session.cancel() => Ok(done(json!({"session": session.id(), "turn": turn}))),
        _ => Err("nothing of that is running".to_owned()),
    }
}

async fn begin(server: &Server, request: Request) -> Result<Answer, String> {
    ask::start(server, request).await.map(|started| answer(&started))
}

fn answer(started: &Started) -> Answer {
    let mut answer = done(json!({"session": started.session, "turn": started.turn}));
    if started.steered {
        answer.insert("steered".to_owned(), json!(true));
    }
    answer
}

/// Without an instruction: the client asks its user, or the user writes it into the document.
async fn ask_for_instruction(server: &Server, arguments: Arguments, focus: Option<Focus>) -> Result<Answer, String> {
    let client = server.state.client();
    if client.claw.input {
        let diagnostics = rendered(server, &arguments, focus.as_ref());
        let mode = arguments.mode.unwrap_or_default();
        let ask = Ask { focus, diagnostics, mode, turn: arguments.turn, ..Ask::default() };
        let request = Request { ask, session: arguments.session, token: arguments.token };
        return ask::start_with_input(server, request).await.map(|started| answer(&started));
    }
    const WRITE_IT: &str =
        "say what to do: write a comment that starts with `claw:`, then take the code action `Ask Claw: …` on it";
    let support = EditSupport::of(&client);
    let Some(focus) = focus.filter(|_| support.apply) else { return Err(WRITE_IT.to_owned()) };
    let buffers = server.state.workspace().buffers();
    let Some(buffer) = buffers.get(&focus.path).filter(|buffer| !buffer.lossy) else { return Err(WRITE_IT.to_owned()) };
    let syntax = comments::syntax_of(&buffer.language_id, &buffer.uri);
    let edit = comments::blank_ask(&buffer.text, syntax, focus.range.start);
    let edit = text_edit(&buffer.text, edit.range, &edit.insert, client.encoding).ok_or(WRITE_IT)?;
    let step = Step::Change { uri: Uri::from(&*buffer.uri), version: Some(buffer.version), edits: vec![edit] };
    let edit = support.workspace_edit(vec![step]).map_err(|error| error.to_string())?;
    let params = ApplyWorkspaceEditParams { label: Some("Ask Claw…".to_owned()), edit, metadata: None };
    let applied = server.outbox.ask::<ApplyWorkspaceEditRequest>(params, COMMENT);
    server.spawn(async move {
        if let Err(error) = applied.await {
            tracing::warn!(%error, "the comment was not put in");
        }
    });
    Ok(done(json!({"message": "fill in the `claw:` comment, then take the code action `Ask Claw: …` on it"})))
}

/// The session of a pending hunk, and the question why it is there.
fn about_hunk(server: &Server, id: &str) -> Result<(String, String), String> {
    let reviews = server.state.with(|state| state.reviews.all());
    let found = reviews.iter().find_map(|review| review.hunk(id).map(|(file, hunk)| (review, file, hunk)));
    let Some((review, file, hunk)) = found else { return Err(format!("there is no pending hunk `{id}`")) };
    let diff = small_diff(hunk, QUOTED_LINES);
    Ok((review.session.clone(), format!("Why do you propose this change to `{}`?\n\n{diff}", file.name)))
}

async fn problems_at(server: &Server, place: &Focus) -> Vec<crate::tools::Diagnostic> {
    let known = host::EditorHost::new(server.clone()).diagnostics(Some(place.path.clone())).await;
    let Diagnostics::Known(known) = known else { return Vec::new() };
    let buffers = server.state.workspace().buffers();
    let Some(buffer) = buffers.get(&place.path) else { return Vec::new() };
    let (first, last) = (buffer.text.line_of(place.range.start), buffer.text.line_of(place.range.end));
    let touches = |diagnostic: &crate::tools::Diagnostic| {
        buffer.text.line_of(diagnostic.range.start) <= last && first <= buffer.text.line_of(diagnostic.range.end)
    };
    known.into_iter().filter(touches).collect()
}

/// Every problem that the editor knows, one a line, errors first.
async fn all_problems(server: &Server) -> Vec<String> {
    let Diagnostics::Known(mut known) = host::EditorHost::new(server.clone()).diagnostics(None).await else {
        return Vec::new();
    };
    known.sort_by_key(|problem| problem.severity);
    let workspace = server.state.workspace();
    known.iter().map(|problem| host::render(problem, &workspace.roots().display(&problem.path))).collect()
}

/// The diagnostics of the arguments, one a line.
fn rendered(server: &Server, arguments: &Arguments, focus: Option<&Focus>) -> Vec<String> {
    let (Some(focus), Some(diagnostics)) = (focus, &arguments.diagnostics) else { return Vec::new() };
    let (workspace, encoding) = server.state.with(|state| (state.workspace.clone(), state.client.encoding));
    let text = workspace.buffers().get(&focus.path).map(|buffer| buffer.text.clone()).unwrap_or_default();
    let name = workspace.roots().display(&focus.path);
    diagnostics
        .iter()
        .filter_map(|diagnostic| host::convert_diagnostic(diagnostic, &focus.path, &text, encoding))
        .map(|diagnostic| host::render(&diagnostic, &name))
        .collect()
}

/// Text that says something.
fn stated(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn no_session(arguments: &Arguments) -> String {
    match &arguments.session {
        Some(id) => format!("no session `{id}` is open here"),
        None => "no session is open yet: ask something first".to_owned(),
    }
}
