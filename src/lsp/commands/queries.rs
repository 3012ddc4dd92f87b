//! Commands that tell: what runs, what is pending, what would be sent.

use std::future::Future;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::place::focus;
use super::{Answer, Arguments, blocking, done};
use crate::agent::Ask;
use crate::agent::blame::blame;
use crate::agent::transcript::transcript;
use crate::context::{Ranking, overview};
use crate::lsp::ask;
use crate::lsp::edits::EditSupport;
use crate::lsp::explain;
use crate::lsp::server::Server;
use crate::store::cut_title;

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
        (sessions, state.reviews.all(), state.settings.chosen(), state.reviews.looks)
    });
    let pending = |id: &str| {
        reviews.iter().filter(|review| review.session == id).map(|review| review.hunks().count()).sum::<usize>()
    };
    let sessions: Vec<Value> = sessions
        .iter()
        .map(|entry| {
            let id = entry.session.id();
            let title = Some(entry.session.title()).filter(|title| !title.is_empty()).unwrap_or(entry.title.clone());
            json!({"session": id, "title": title, "running": entry.session.running(), "pending": pending(id)})
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
        "effort": config.effort,
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
        let path = store.trace_path(&id).display().to_string();
        let mut text = format!("{path}\n\n");
        if left_out > 0 {
            text.push_str(&format!("[the first {left_out} events are in the file only]\n"));
        }
        for event in events.iter().skip(left_out) {
            text.push_str(&format!("{:>5} {:<15} {}\n", event.seq, event.kind(), event.description()));
        }
        Ok(done(json!({"session": id, "path": path, "events": shown, "left_out": left_out, "text": text})))
    })
    .await
}

/// `claw.openConversation {session?}`: the session as a document to be read, which the editor opens where it can.
pub async fn open_conversation(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let id = server.state.with(|state| arguments.session.clone().or_else(|| state.last_session.clone()));
    let id = id.ok_or("no session is open yet: ask something first, or say which with `session`")?;
    let opener = server.clone();
    let (session, path, text) = blocking(move || {
        let agent = ask::agent(&opener)?;
        let Some(store) = agent.store() else { return Err("this server keeps no sessions".to_owned()) };
        let id = store.find(&id).map_err(|error| error.to_string())?;
        let unreadable = |error: std::io::Error| format!("the session can not be read: {error}");
        let title = store.summary(&id).map_err(unreadable)?.title;
        let text = transcript(&title, &store.events(&id).map_err(unreadable)?);
        let path = store.keep_conversation(&id, &text).map_err(|error| format!("it can not be written: {error}"))?;
        Ok((id, path, text))
    })
    .await?;
    let (shower, file) = (server.clone(), path.clone());
    server.spawn(async move { explain::show_file(&shower, &file, "The conversation").await });
    Ok(done(json!({"session": session, "path": path.display().to_string(), "text": text})))
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
        Ok(done(json!({
            "sections": receipt.sections,
            "tokens": receipt.tokens,
            "budget": receipt.budget,
            "text": overview(&receipt),
        })))
    });
    within_patience(preview).await
}

/// `claw.blame {uri, line}`: what put the line there; without arguments the line of the last focus.
pub async fn blamed(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let focus = focus(server, &arguments).await?.ok_or("say which line: `uri` and `line`")?;
    let server = server.clone();
    blocking(move || {
        let agent = ask::agent(&server)?;
        let Some(store) = agent.store() else { return Err("this server keeps no traces".to_owned()) };
        let view = agent.workspace().live();
        let document = view.read(&focus.path).map_err(|error| error.to_string())?;
        let line = arguments.line.unwrap_or_else(|| document.text.line_of(focus.range.start));
        if line >= document.text.line_count() {
            return Err(format!("there is no line {} in this document", line.saturating_add(1)));
        }
        let Some(found) = blame(store, view.roots(), &focus.path, &document.text, line)? else {
            let message = "no accepted change put this line here as it is now";
            return Ok(done(json!({"session": null, "line": line, "message": message})));
        };
        let call = found.call.as_ref().map(|call| format!(" ({})", call.tool)).unwrap_or_default();
        let asked = cut_title(&found.prompt);
        let message = format!("this line came of “{asked}”, session {}, {}{call}", found.session, found.time);
        let mut answer = done(json!({"line": line, "message": message}));
        if let Ok(Value::Object(fields)) = serde_json::to_value(&found) {
            answer.extend(fields);
        }
        Ok(answer)
    })
    .await
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

/// `claw.doctor`: what can be told without a network. `claw doctor` in a terminal tells more.
pub async fn doctor(server: &Server) -> Result<Answer, String> {
    let (config, client, folders, problems) = server.state.with(|state| {
        let folders = state.workspace.roots().len();
        (state.settings.chosen(), state.client.clone(), folders, state.settings.problems.clone())
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
