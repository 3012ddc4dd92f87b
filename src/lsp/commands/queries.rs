//! Commands that tell: what runs, what is pending, what would be sent.

use std::future::Future;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::place::focus;
use super::{Answer, Arguments, blocking, done};
use crate::agent::{Ask, Session};
use crate::context::Ranking;
use crate::lsp::ask;
use crate::lsp::edits::EditSupport;
use crate::lsp::server::Server;
use crate::lsp::settings::freedom;
use crate::model::Connector;

/// How long the index may take before what it knows must do.
const INDEX: Duration = Duration::from_secs(30);

/// How long a query may take before it says that it is not done yet.
const PATIENCE: Duration = Duration::from_secs(8);

/// Events that `claw.trace` shows; the trace file has them all.
const MOST_EVENTS: usize = 500;

/// `claw.status`.
pub fn status(server: &Server) -> Answer {
    let (sessions, reviews, config, looks) = server.state.with(|state| {
        let sessions: Vec<_> = state.sessions.values().cloned().collect();
        (sessions, state.reviews.all(), state.settings.config.clone(), state.reviews.looks)
    });
    let pending = |id: &str| {
        reviews.iter().filter(|review| review.session == id).map(|review| review.hunks().count()).sum::<usize>()
    };
    let sessions: Vec<Value> = sessions
        .iter()
        .map(|entry| {
            let id = entry.session.id();
            json!({"session": id, "title": entry.title, "running": entry.session.running(), "pending": pending(id)})
        })
        .collect();
    let running = sessions.iter().filter(|session| !session["running"].is_null()).count();
    let pending: usize = reviews.iter().map(|review| review.hunks().count()).sum();
    done(json!({
        "running": running,
        "pending": pending,
        "looks": looks,
        "sessions": sessions,
        "provider": config.provider,
        "model": config.model,
        "permission_mode": config.permission_mode,
    }))
}

/// `claw.sessions`: those of the state folder, the last used first.
pub async fn sessions(server: &Server) -> Result<Answer, String> {
    let server = server.clone();
    blocking(move || {
        let agent = ask::agent(&server)?;
        let Some(store) = agent.store() else { return Ok(done(json!({"sessions": []}))) };
        let sessions = store.sessions().map_err(|error| format!("the sessions can not be read: {error}"))?;
        Ok(done(json!({"sessions": sessions})))
    })
    .await
}

/// `claw.trace {session?}`: where the trace is, and its events in one line each.
pub async fn trace(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let id = server.state.with(|state| arguments.session.clone().or_else(|| state.last_session.clone()));
    let id = id.ok_or("no session is open yet: ask something first, or say which with `session`")?;
    let server = server.clone();
    blocking(move || {
        let agent = ask::agent(&server)?;
        let Some(store) = agent.store() else { return Err("this server keeps no traces".to_owned()) };
        let id = store.find(&id).map_err(|error| error.to_string())?;
        let events = store.events(&id).map_err(|error| format!("the trace can not be read: {error}"))?;
        let left_out = events.len().saturating_sub(MOST_EVENTS);
        let shown: Vec<Value> = events
            .iter()
            .skip(left_out)
            .map(|event| {
                json!({"seq": event.seq, "turn": event.turn, "type": event.kind(), "description": event.description()})
            })
            .collect();
        let path = store.trace_path(&id);
        Ok(done(json!({"session": id, "path": path.display().to_string(), "events": shown, "left_out": left_out})))
    })
    .await
}

/// `claw.context {instruction, uri?, range?}`: what an ask would send, without asking.
pub async fn context(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let focus = focus(server, &arguments).await?;
    let server = server.clone();
    let preview = blocking(move || {
        let agent = ask::agent(&server)?;
        // A turn takes what is ready; here the index may come to its end first.
        agent.index().snapshot(&agent.visible().live(), Instant::now() + INDEX);
        let instruction = arguments.instruction.unwrap_or_default();
        let ask = Ask { instruction, focus, mode: arguments.mode.unwrap_or_default(), ..Ask::default() };
        let receipt = agent.preview(&ask);
        Ok(done(json!({"sections": receipt.sections, "tokens": receipt.tokens, "budget": receipt.budget})))
    });
    within_patience(preview).await
}

/// How long the repository may be looked at for what was changed.
const GIT: Duration = Duration::from_millis(500);

/// `claw.map {uri?, tokens?}`: the outline of the workspace, what is near the document first.
pub async fn map(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let focus = focus(server, &arguments).await?;
    let server = server.clone();
    let map = blocking(move || {
        let agent = ask::agent(&server)?;
        let view = agent.visible().live();
        let snapshot = agent.index().snapshot(&view, Instant::now() + INDEX);
        let start = Instant::now();
        let ranking = Ranking::of(&view, focus.as_ref(), &|| start.elapsed() > GIT);
        let tokens = arguments.tokens.unwrap_or(agent.config().context.map_tokens);
        let rendered = snapshot.render(view.roots(), &ranking, tokens);
        Ok(done(json!({
            "text": rendered.text,
            "tokens": rendered.tokens,
            "budget": tokens,
            "shown": rendered.shown,
            "files": rendered.files,
        })))
    });
    within_patience(map).await
}

/// The answer, or after a while that there is none yet: what was computed until then is kept for the next time.
async fn within_patience(answer: impl Future<Output = Result<Answer, String>>) -> Result<Answer, String> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer,
        Err(_) => Ok(done(json!({"pending": true, "message": "still at work: ask again in a moment"}))),
    }
}

/// `claw.setModel {session?, model?, effort?, permission_mode?}`: for one session, or for those begun from now on. It can take
/// permissions away and never gives any.
pub fn set_model(server: &Server, arguments: &Arguments) -> Result<Answer, String> {
    if arguments.effort.is_some() {
        return Err("this version's providers know no `effort`".to_owned());
    }
    if arguments.model.is_none() && arguments.permission_mode.is_none() {
        return Err("say what to set: `model` or `permission_mode`".to_owned());
    }
    let (mut config, session) = server.state.with(|state| {
        let session = arguments.session.as_ref().map(|id| state.sessions.get(id).map(|entry| entry.session.clone()));
        (state.settings.config.clone(), session)
    });
    if let Some(mode) = arguments.permission_mode {
        let of_session = session.iter().flatten().map(Session::permission_mode);
        if of_session.chain([config.permission_mode]).any(|now| freedom(mode) > freedom(now)) {
            return Err("a command can not loosen permissions: set `permission_mode` in your configuration or the editor's settings".to_owned());
        }
        config.permission_mode = mode;
    }
    if let Some(model) = &arguments.model {
        config.model = Some(model.clone());
    }
    match session {
        Some(None) => Err(format!("no session `{}` is open here", arguments.session.as_deref().unwrap_or_default())),
        Some(Some(session)) => {
            if arguments.model.is_some() {
                let environment = server.environment();
                session.set_model(Connector::new(config, environment));
                server.state.with(|state| {
                    if let Some(entry) = state.sessions.get_mut(session.id()) {
                        entry.own_model = true;
                    }
                });
            }
            if let Some(mode) = arguments.permission_mode {
                session.set_permission_mode(mode);
                server.state.with(|state| {
                    if let Some(entry) = state.sessions.get_mut(session.id()) {
                        entry.own_mode = true;
                    }
                });
            }
            Ok(done(json!({"session": session.id(), "message": "from the next turn on"})))
        }
        None => {
            server.state.with(|state| {
                state.settings.config = config;
                if let Some(mode) = arguments.permission_mode {
                    state.settings.choose_mode(mode);
                }
                state.agent = None;
            });
            Ok(done(json!({"message": "for sessions begun from now on"})))
        }
    }
}

/// `claw.doctor`: what can be told without a network. `claw doctor` in a terminal tells more.
pub async fn doctor(server: &Server) -> Result<Answer, String> {
    let (config, client, folders, problems) = server.state.with(|state| {
        let folders = state.workspace.roots().len();
        (state.settings.config.clone(), state.client.clone(), folders, state.settings.problems.clone())
    });
    let edits = EditSupport::of(&client);
    let opener = server.clone();
    let agent = blocking(move || ask::agent(&opener)).await;
    let check = |name: &str, ok: bool, message: String| json!({"name": name, "ok": ok, "message": message});
    let state = match &agent {
        Ok(agent) => match agent.store() {
            Some(store) => check("state", true, store.root().display().to_string()),
            None => check("state", true, "nothing is kept".to_owned()),
        },
        Err(message) => check("state", false, message.clone()),
    };
    let model = config.model.clone().unwrap_or_else(|| "whatever the provider offers".to_owned());
    let provider = config.provider.as_ref().map_or(Value::Null, |provider| json!(provider));
    let checks = vec![
        check(
            "config",
            problems.is_empty(),
            if problems.is_empty() { "no problems".to_owned() } else { problems.join("; ") },
        ),
        check("model", true, format!("{model}, provider {}", provider.as_str().unwrap_or("to be found when asked"))),
        check("workspace", folders > 0, format!("{folders} folders")),
        state,
        check(
            "edits",
            edits.apply,
            if edits.apply {
                "the editor takes edits from a server".to_owned()
            } else {
                "the editor takes no edits from a server: hunks are accepted by code actions".to_owned()
            },
        ),
    ];
    let ok = checks.iter().all(|check| check["ok"] == Value::Bool(true));
    Ok(done(json!({"healthy": ok, "checks": checks})))
}
