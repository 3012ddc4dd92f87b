//! Asking: from a command to a running turn, and what the user sees of it until it has ended.
//!
//! An ask is not a request of the protocol: it is acknowledged at once and its turn runs in a task of its own.

use std::sync::{Arc, PoisonError};

use tower_lsp::gen_lsp_types::{MessageType, ProgressToken};

use super::delegated;
use super::explain;
use super::ext::{ClawEvent, ClawInput, InputParams, typed};
use super::host::EditorHost;
use super::keeper;
use super::loosened;
use super::plan;
use super::progress::Progress;
use super::review::shorten;
use super::server::Server;
use super::state::SessionEntry;
use crate::agent::{Agent, Ask, Session, Turn};
use crate::event::{CHECKING, Event, EventKind, Frontend, McpConnected, Mode, TurnEnd, TurnStatus, Usage};
use crate::model::Connector;
use crate::secrets::mask;
use crate::store::Edited;
use crate::text::hidden::visible_line;

/// Characters of a title.
const TITLE: usize = 60;

/// Characters of an answer that a message may hold; a longer one is shown as a document.
const SHORT_ANSWER: usize = 240;

/// An ask on its way into a session.
pub struct Request {
    pub ask: Ask,
    /// The session to go on with; without one a new session is begun.
    pub session: Option<String>,
    /// The client's token for progress.
    pub token: Option<ProgressToken>,
}

/// Where an ask went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    pub session: String,
    pub turn: String,
    /// The session was at work: the instruction was told to its running turn.
    pub steered: bool,
}

/// Starts a turn, or steers the one that runs. An error is one plain message for the user.
pub async fn start(server: &Server, request: Request) -> Result<Started, String> {
    let session = open_session(server, request.session.as_deref()).await?;
    start_in(server, &session, request.ask, request.token)
}

/// Begins a session now and its first turn when the user has typed what to do.
pub async fn start_with_input(server: &Server, request: Request) -> Result<Started, String> {
    let Request { mut ask, session, token } = request;
    let session = open_session(server, session.as_deref()).await?;
    let turn = ask.turn.get_or_insert_with(|| uuid::Uuid::now_v7().to_string()).clone();
    let started = Started { session: session.id().to_owned(), turn, steered: session.is_running() };
    let question = InputParams { prompt: "Ask Claw".to_owned(), default: None };
    let deadline = std::time::Duration::from_secs(
        server.state.with(|state| state.settings.config.limits.clone()).prompt_timeout_s,
    );
    let answer = server.outbox.ask::<ClawInput>(question, deadline);
    let asker = server.clone();
    server.spawn(async move {
        let Some(instruction) = answer.await.ok().as_ref().and_then(typed) else { return };
        ask.instruction = instruction;
        if let Err(message) = start_in(&asker, &session, ask, token) {
            asker.outbox.show_message(MessageType::Error, format!("Claw: {message}"));
        }
    });
    Ok(started)
}

/// The same in a session that is open.
pub fn start_in(server: &Server, session: &Session, ask: Ask, token: Option<ProgressToken>) -> Result<Started, String> {
    if let Some(turn) = session.running()
        && session.steer(&ask.instruction)
    {
        return Ok(Started { session: session.id().to_owned(), turn, steered: true });
    }
    if loosened::waiting(server).is_some() {
        return Ok(start_when_confirmed(server, session, ask, token));
    }
    begin(server, session, ask, token)
}

fn begin(server: &Server, session: &Session, ask: Ask, token: Option<ProgressToken>) -> Result<Started, String> {
    let (mode, instruction, id) = (ask.mode, ask.instruction.clone(), session.id().to_owned());
    // Since the last look a turn may have ended or another begun; only `start` knows.
    let Some(turn) = session.start(ask) else {
        let turn = session.running().unwrap_or_default();
        return if session.steer(&instruction) {
            Ok(Started { session: id, turn, steered: true })
        } else {
            Err("the session is at work: ask again in a moment".to_owned())
        };
    };
    let title = title_of(&instruction);
    server.state.with(|state| {
        let entry = state.sessions.entry(id.clone()).or_insert_with(|| SessionEntry::new(session, String::new()));
        entry.title = title.clone();
        state.last_session = Some(id.clone());
    });
    let started = Started { session: id, turn: turn.id.clone(), steered: false };
    let progress = Progress::begin(server, token, &title, turn.cancel.clone());
    progress.shows(session.id());
    server.spawn(follow(server.clone(), turn, mode, title, progress));
    Ok(started)
}

/// The same once the user has said whether what the editor's settings allow of late counts.
fn start_when_confirmed(server: &Server, session: &Session, mut ask: Ask, token: Option<ProgressToken>) -> Started {
    let turn = ask.turn.get_or_insert_with(|| uuid::Uuid::now_v7().to_string()).clone();
    let id = session.id().to_owned();
    let (asker, started) = (server.clone(), Started { session: id.clone(), turn, steered: false });
    server.spawn(async move {
        loosened::confirm(&asker).await;
        let begun = match open_session(&asker, Some(&id)).await {
            Ok(session) => begin(&asker, &session, ask, token).map(drop),
            Err(message) => Err(message),
        };
        if let Err(message) = begun {
            asker.outbox.show_message(MessageType::Error, format!("Claw: {message}"));
        }
    });
    started
}

/// The session of that id, from memory or from the state folder, or a new one.
async fn open_session(server: &Server, id: Option<&str>) -> Result<Session, String> {
    let (opener, id) = (server.clone(), id.map(str::to_owned));
    let opened = tokio::task::spawn_blocking(move || match &id {
        Some(id) => {
            let session = open(&opener, id)?;
            session.go_by_rules_of(&agent(&opener)?);
            Ok(session)
        }
        None => {
            let session = agent(&opener)?.session();
            enter(&opener, &session);
            Ok(session)
        }
    });
    opened.await.unwrap_or_else(|_| Err("the session could not be opened: see the server's log".to_owned()))
}

/// The session of that id, from memory or from the state folder. Blocks on the disk.
pub fn open(server: &Server, id: &str) -> Result<Session, String> {
    let opening = server.state.with(|state| Arc::clone(&state.opening));
    let _one_at_a_time = opening.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(session) = server.state.with(|state| state.sessions.get(id).map(|entry| entry.session.clone())) {
        return Ok(session);
    }
    let agent = agent(server)?;
    // Looked at before it goes on.
    let edited = agent.store().and_then(|store| store.check_trace(id).ok()?);
    let session = agent.resume(id).map_err(|error| error.to_string())?;
    enter(server, &session);
    if let Some(Edited::Line(line)) = edited {
        let message = format!(
            "Claw: the trace of session {id} was edited: what it tells from line {line} on may not be what happened"
        );
        server.outbox.show_message(MessageType::Warning, message);
    }
    Ok(session)
}

fn enter(server: &Server, session: &Session) {
    let entry = SessionEntry::new(session, session.title());
    server.state.with(|state| state.sessions.insert(session.id().to_owned(), entry));
}

/// The agent for the settings of this moment, built when something first needs it. Blocks on the disk.
pub fn agent(server: &Server) -> Result<Agent, String> {
    if let Some(agent) = server.state.with(|state| state.agent.clone()) {
        return Ok(agent);
    }
    let (workspace, config, choice, index, servers) = server.state.with(|state| {
        let (settings, index) = (&state.settings, state.reviews.index.clone());
        let (config, choice) = (settings.config.clone(), settings.choice().clone());
        (state.workspace.clone(), config, choice, index, state.servers.clone())
    });
    let observer = server.clone();
    let builder = Agent::builder()
        .frontend(Frontend::Lsp)
        .connector(Connector::choosing(&config, choice, &server.environment()))
        .config(config)
        .workspace(workspace)
        .host(Arc::new(EditorHost::new(server.clone())))
        .on_event(Arc::new(move |event: &Event| pass_on(&observer, event)));
    let builder = match &server.options.environment {
        Some(environment) => builder.environment(environment.clone()),
        None => builder,
    };
    let builder = match &server.options.broker {
        Some(broker) => builder.broker(broker.clone()),
        None => builder,
    };
    let builder = match index {
        Some(index) => builder.index(index),
        None => builder,
    };
    let builder = match servers {
        Some(servers) => builder.servers(servers),
        None => builder,
    };
    let agent = builder.build().map_err(|error| error.to_string())?;
    server.state.with(|state| {
        state.servers = Some(agent.servers().clone());
        state.reviews.index = Some(agent.index().clone());
        state.agent = Some(agent.clone());
    });
    Ok(agent)
}

/// Sends an event to a client that wants events. Called with the session locked: it only puts into the outbox.
fn pass_on(server: &Server, event: &Event) {
    delegated::heard(server, event);
    if let EventKind::Error(error) = &event.kind
        && error.code == "trace"
    {
        // About what is kept, and no turn's own: nobody else shows it.
        server.outbox.show_message(MessageType::Warning, format!("Claw: {}", error.message));
    }
    if let EventKind::Error(error) = &event.kind
        && error.code == "cost_unknown"
        && !server.state.with(|state| std::mem::replace(&mut state.told_unknown_cost, true))
    {
        server.outbox.show_message(MessageType::Warning, format!("Claw: {}", error.message));
    }
    if !server.state.with(|state| state.client.claw.events) {
        return;
    }
    if event.kind.is_stored() {
        server.outbox.notify::<ClawEvent>(event.clone());
    } else {
        server.outbox.notify_if_room::<ClawEvent>(event.clone());
    }
}

/// Which MCP servers do not run, each reason once.
fn tell_servers(server: &Server, connected: &McpConnected) {
    for state in connected.servers.iter().filter(|state| !state.ok) {
        let why = state.error.as_deref().unwrap_or_default();
        let message = format!("Claw: the MCP server {} does not run: {}", state.server, visible_line(why));
        if server.state.with(|state| state.settings.is_news(&message)) {
            server.outbox.show_message(MessageType::Warning, message);
        }
    }
}

/// What an instruction is called where it is shown. A client may log what it is told.
fn title_of(instruction: &str) -> String {
    shorten(&mask(instruction.lines().next().unwrap_or_default()).text, TITLE)
}

/// Shows how the turn goes, and what came of it.
async fn follow(server: Server, mut turn: Turn, mode: Mode, title: String, progress: Progress) {
    let mut end: Option<TurnEnd> = None;
    let mut error: Option<String> = None;
    // Also where all of it has been accepted by the end.
    let mut has_proposed = false;
    // How far the plan is, before what is done just now.
    let mut place = String::new();
    let mut used = Used::default();
    // The model did not see all of its prompt.
    let mut is_cut = false;
    while let Some(event) = turn.next().await {
        let line = event.description();
        match event.kind {
            EventKind::ToolCall(_) => progress.report(&format!("{place}{line}")),
            EventKind::ModelRequest(_) => progress.report(&format!("{place}{line}{}", used.so_far())),
            EventKind::ModelResponse(response) => used.add(response.usage, response.cost),
            EventKind::Plan { items } => {
                let (step, words) = plan::place(&items);
                progress.report(&format!("{step} {words}"));
                place = format!("{step} · ");
            }
            EventKind::Error(reported) => {
                is_cut |= reported.code == "context_length";
                error = Some(reported.message);
            }
            EventKind::TurnEnd(ended) => end = Some(ended),
            EventKind::Proposal { files, .. } => has_proposed = !files.is_empty(),
            EventKind::ToolOutput(part) if part.call == CHECKING => {
                progress.report(&format!("{place}{}", part.delta.trim_end()));
            }
            // What it has proposed so far can be decided while it goes on.
            EventKind::ToolResult(result) => {
                if let Some(ran) = result.subagent {
                    used.add(ran.usage, ran.cost);
                }
                keeper::proposal_changed(&server);
            }
            EventKind::Mcp(connected) => tell_servers(&server, &connected),
            EventKind::TurnStart(_)
            | EventKind::Context(_)
            | EventKind::Text(_)
            | EventKind::Reasoning(_)
            | EventKind::ToolOutput(_)
            | EventKind::Permission(_)
            | EventKind::Check(_)
            | EventKind::Review(_)
            | EventKind::Compaction(_)
            | EventKind::Steer { .. } => {}
        }
    }
    keeper::refresh(&server).await;
    let session = turn.session.clone();
    let review = server.state.with(|state| state.reviews.get(session.id()));
    let (hunks, files) = review.map_or((0, 0), |review| (review.hunks().count(), review.pending.len()));
    progress.end(&outcome(end.as_ref().map(|end| end.status), hunks, files));
    let Some(end) = end else {
        return server.outbox.show_message(MessageType::Error, format!("Claw: \"{title}\" ended without a result"));
    };
    match end.status {
        TurnStatus::Cancelled => {}
        TurnStatus::Failed => {
            let why = error.unwrap_or_else(|| "the turn failed: see `claw trace` for why".to_owned());
            server.outbox.show_message(MessageType::Error, format!("Claw: {why}"));
        }
        TurnStatus::Limit => {
            let why = error.unwrap_or_else(|| "a limit was reached".to_owned());
            let message = format!("Claw stopped \"{title}\": {why}. What it did until then stands; ask again to go on");
            server.outbox.show_message(MessageType::Warning, message);
        }
        TurnStatus::Done => {
            if let Some(why) = error.filter(|_| is_cut) {
                server.outbox.show_message(MessageType::Warning, format!("Claw: {why}"));
            }
            let speaks = has_proposed || hunks > 0;
            show_answer(&server, &session, mode, &title, &end.answer, speaks).await;
            if mode == Mode::Plan && !end.answer.trim().is_empty() {
                plan::offer(&server, &session, &title);
            }
        }
    }
}

/// Shows how a turn of a session aside goes; how it ended, or why it failed.
pub async fn follow_aside(server: &Server, mut turn: Turn, title: &str) -> Result<TurnStatus, String> {
    let title = title_of(title);
    let progress = Progress::begin(server, None, &title, turn.cancel.clone());
    let (mut status, mut error) = (TurnStatus::Failed, None);
    while let Some(event) = turn.next().await {
        let line = event.description();
        match event.kind {
            EventKind::ToolCall(_) | EventKind::ModelRequest(_) => progress.report(&line),
            EventKind::Error(reported) => error = Some(reported.message),
            EventKind::TurnEnd(ended) => status = ended.status,
            _ => {}
        }
    }
    progress.end(&outcome(Some(status), 0, 0));
    match status {
        TurnStatus::Failed => Err(error.unwrap_or_else(|| "the turn failed: see `claw trace` for why".to_owned())),
        TurnStatus::Done | TurnStatus::Cancelled | TurnStatus::Limit => Ok(status),
    }
}

/// An explanation is a document. The answer beside hunks is in the trace: the hunks speak. One without hunks must be seen.
async fn show_answer(server: &Server, session: &Session, mode: Mode, title: &str, answer: &str, hunks_speak: bool) {
    let is_wanted = match mode {
        Mode::Explain | Mode::Plan => true,
        Mode::Edit => !hunks_speak,
    };
    let answer = answer.trim();
    if !is_wanted || answer.is_empty() {
        return;
    }
    if mode == Mode::Edit && answer.len() <= SHORT_ANSWER && !answer.contains('\n') {
        return server.outbox.show_message(MessageType::Info, format!("Claw: {answer}"));
    }
    explain::show(server, session.id(), title, answer).await;
}

fn outcome(status: Option<TurnStatus>, hunks: usize, files: usize) -> String {
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    match status {
        Some(TurnStatus::Done) if hunks > 0 => {
            format!("{} in {} to review", count(hunks, "hunk"), count(files, "file"))
        }
        Some(TurnStatus::Done) => "done".to_owned(),
        Some(TurnStatus::Cancelled) => "cancelled".to_owned(),
        Some(TurnStatus::Limit) => "stopped at a limit".to_owned(),
        Some(TurnStatus::Failed) | None => "failed".to_owned(),
    }
}

/// What a turn has used so far.
#[derive(Default)]
struct Used {
    usage: Usage,
    /// As far as it is known.
    cost: Option<f64>,
}

impl Used {
    fn add(&mut self, usage: Usage, cost: Option<f64>) {
        self.usage += usage;
        if let Some(cost) = cost {
            self.cost = Some(self.cost.unwrap_or_default() + cost);
        }
    }

    /// Behind what is done just now; nothing where nothing is counted.
    fn so_far(&self) -> String {
        let tokens = self.usage.input.saturating_add(self.usage.output);
        match (tokens, self.cost) {
            (0, None) => String::new(),
            (_, None) => format!(" ({tokens} used so far)"),
            (_, Some(cost)) => format!(" ({tokens} used so far, ${cost:.4})"),
        }
    }
}
