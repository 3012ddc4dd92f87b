//! Notes of the small model on messages that leave a history, where the user wants them.
//!
//! They stand behind the summary that is made without a model, which loses nothing that has to stay word for word. The request is one
//! of a session aside, with a trace of its own; the notes themselves are in the turn's trace, so that a replay needs no model. Notes
//! that do not come are missed by nobody but the model.

use std::time::Duration;

use super::prompt;
use super::session::{Ask, Session};
use crate::event::{Mode, TurnLimits, TurnStatus};
use crate::workspace::Overlay;

/// How long they may take, in seconds.
const PATIENCE: u64 = 60;

/// What the small model notes of `gone`, which is what was said, as text. Ends with whoever waits for it.
pub(in crate::agent) async fn take(session: &Session, gone: &str, left: Duration) -> Option<String> {
    let parts = session.parts();
    if session.is_aside() || !parts.config.small_model.compaction {
        return None;
    }
    let (connector, _) = session.settings();
    let small = connector.small()?;
    let aside = session.aside(Overlay::default());
    aside.set_model(small);
    let seconds = PATIENCE.min(left.as_secs());
    let limits = TurnLimits { steps: 1, seconds, idle_seconds: seconds, children: 0, ..session.limits() };
    let ask = Ask {
        instruction: prompt::notes(gone),
        mode: Mode::Explain,
        parent: Some(session.id().to_owned()),
        limits: Some(limits),
        bare: true,
        ..Ask::default()
    };
    let result = aside.start(ask)?.finish().await;
    let notes = result.answer.trim();
    (result.status == TurnStatus::Done && !notes.is_empty()).then(|| notes.to_owned())
}
