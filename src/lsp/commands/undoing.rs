//! `claw.undo` and `claw.redo`: accepted hunks taken back and brought back, by edits of their own.

use serde_json::json;

use super::meant::{named_session, open_session};
use super::{Answer, Arguments, blocking, done};
use crate::agent::{Session, UndoPlan, UndoTarget};
use crate::lsp::accept;
use crate::lsp::edits::EditSupport;
use crate::lsp::server::Server;
use crate::workspace::HunkId;

/// Why an accepted hunk can not be taken back that an editor's own undo took out.
const GONE: &str = "the text does not hold it any more";

/// `claw.undo {session?, turn?, hunk?, last?}`: that hunk, all of that turn, all of that session, or what was accepted last.
pub async fn undo(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let target = match (&arguments.hunk, &arguments.turn, &arguments.session) {
        (Some(hunk), _, _) => UndoTarget::Hunk(HunkId(hunk.clone())),
        (None, Some(turn), _) => UndoTarget::Turn(turn.clone()),
        (None, None, Some(_)) if !arguments.last => UndoTarget::Session,
        (None, None, _) => UndoTarget::Last,
    };
    run(server, &arguments, move |session| session.plan_undo(&target)).await
}

/// `claw.redo {session?}`: what was undone last.
pub async fn redo(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    run(server, &arguments, Session::plan_redo).await
}

async fn run(
    server: &Server,
    arguments: &Arguments,
    plan: impl Fn(&Session) -> Result<UndoPlan, String> + Send + 'static,
) -> Result<Answer, String> {
    if !EditSupport::of(&server.state.client()).apply {
        return Err("this editor takes no edits from a server: undo it in the editor".to_owned());
    }
    let sessions = candidates(server, arguments)?;
    let found = blocking(move || {
        // The first that has something to undo; if none has, the first one's reason.
        let mut refusal = None;
        for session in sessions {
            match plan(&session) {
                Ok(plan) if plan.is_gone() => return Err(format!("nothing was undone: {GONE}")),
                Ok(plan) => return Ok((session, plan)),
                Err(reason) => refusal = refusal.or(Some(reason)),
            }
        }
        Err(refusal.unwrap_or_else(|| "no session is open yet: ask something first".to_owned()))
    });
    let (session, plan) = found.await?;
    let ids = |hunks: &[HunkId]| hunks.iter().map(|hunk| hunk.0.clone()).collect::<Vec<_>>();
    let stays = match (plan.clashes.len(), plan.gone.len()) {
        (0, 0) => None,
        (0, _) => Some(GONE),
        (_, _) => Some("the same lines were changed since, and stay as they are"),
    };
    if plan.hunks.is_empty() {
        return Err(format!("nothing was undone: {}", stays.unwrap_or("there is nothing to undo")));
    }
    let mut answer = done(json!({"session": session.id(), "hunks": ids(&plan.hunks)}));
    if let Some(stays) = stays {
        answer.insert("clashes".to_owned(), json!(ids(&plan.clashes)));
        answer.insert("message".to_owned(), json!(format!("not all of it: {stays}")));
    }
    server.spawn(accept::undo(server.clone(), session, plan));
    Ok(answer)
}

/// The sessions that may be meant, the last one that the user acted on first.
fn candidates(server: &Server, arguments: &Arguments) -> Result<Vec<Session>, String> {
    if arguments.session.is_some() {
        return named_session(server, arguments).map(|session| vec![session]);
    }
    let (mut ids, last) =
        server.state.with(|state| (state.sessions.keys().cloned().collect::<Vec<_>>(), state.last_session.clone()));
    // Ids are ordered by time.
    ids.reverse();
    ids.sort_by_key(|id| Some(id) != last.as_ref());
    ids.iter().map(|id| open_session(server, id)).collect()
}
