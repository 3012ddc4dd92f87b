//! Titles of sessions by the small model, where the user wants them.
//!
//! The request is one of a session aside, with a trace of its own like any other, made when the first turn has ended. A title that
//! does not come is no loss: there is one already, cut from the task.

use super::prompt;
use super::session::{Ask, Session};
use crate::event::{EventKind, Frontend, Mode, TurnLimits, TurnStatus};
use crate::store::cut_title;
use crate::workspace::Overlay;

/// How long it may take, in seconds.
const PATIENCE: u64 = 60;

/// Gives a session its title, if its first turn has just ended well and titles are wanted. A command line does not wait for it.
pub(in crate::agent) async fn give(session: &Session) {
    let parts = session.parts();
    if session.is_aside() || !parts.config.small_model.titles || parts.frontend != Frontend::Lsp {
        return;
    }
    let (connector, _) = session.settings();
    let (Some(small), Some(store)) = (connector.small(), parts.store.clone()) else { return };
    let Some((task, answer)) = first_turn(session) else { return };

    let aside = session.aside(Overlay::default());
    aside.set_model(small);
    let limits = TurnLimits { steps: 1, seconds: PATIENCE, idle_seconds: PATIENCE, children: 0, ..session.limits() };
    let ask = Ask {
        instruction: prompt::title(&task, &answer),
        mode: Mode::Explain,
        parent: Some(session.id().to_owned()),
        limits: Some(limits),
        bare: true,
        ..Ask::default()
    };
    let Some(turn) = aside.start(ask) else { return };
    let result = turn.finish().await;
    let title = cut_title(result.answer.trim().trim_matches(['"', '\'', '`', '.']));
    if result.status != TurnStatus::Done || title.is_empty() {
        return;
    }
    session.set_title(&title);
    let id = session.id().to_owned();
    let kept = tokio::task::spawn_blocking(move || store.name_unnamed(&id, &title)).await;
    if let Ok(Err(error)) = kept {
        tracing::info!(%error, "the title is not kept");
    }
}

/// Task and answer of the turn that has just ended, if it was the first.
fn first_turn(session: &Session) -> Option<(String, String)> {
    let events = session.recorder().turn_events();
    let mut task = None;
    for event in &events {
        match &event.kind {
            // The first event of the session.
            EventKind::TurnStart(start) if event.seq == 1 => task = Some(start.task.clone()),
            EventKind::TurnEnd(end) if end.status == TurnStatus::Done => return Some((task?, end.answer.clone())),
            _ => {}
        }
    }
    None
}
