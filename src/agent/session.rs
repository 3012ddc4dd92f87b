//! One conversation, its overlay, and the turns that it has had.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::context::Focus;
use crate::event::{Event, Mode, ReviewDecision, TurnStatus, Usage};
use crate::workspace::{HunkId, Overlay, Proposal};

/// A conversation. Cheap to clone: clones are the same session.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    id: String,
}

/// What a user asks of a session.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    pub instruction: String,
    pub focus: Option<Focus>,
    /// Problems at the focus, rendered one a line.
    pub diagnostics: Vec<String>,
    pub mode: Mode,
    /// An id that the client chose for the turn.
    pub turn: Option<String>,
}

/// A running turn. Dropping it cancels.
pub struct Turn {
    pub id: String,
    pub cancel: CancellationToken,
    /// Every event of the turn in order; ends after `turn_end`.
    pub events: mpsc::UnboundedReceiver<Event>,
}

/// What a task came to.
pub struct RunResult {
    pub session: Session,
    pub status: TurnStatus,
    pub answer: String,
    pub usage: Usage,
    pub cost: Option<f64>,
    /// Every stored event of the turn.
    pub trace: Vec<Event>,
    pub proposal: Proposal,
}

impl Session {
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// Begins a turn. It runs by itself; the events tell how it goes. Into a session whose turn is running this is a
    /// programming error of the front end, answered by `None`: use [`Session::steer`].
    pub fn start(&self, ask: Ask) -> Option<Turn> {
        let _ = ask;
        todo!()
    }

    /// Tells a running turn something at its next step. `false` if none is running.
    pub fn steer(&self, message: &str) -> bool {
        let _ = message;
        todo!()
    }

    pub fn overlay(&self) -> Overlay {
        todo!()
    }

    /// What is proposed now, placed in the live text. Blocks on the disk.
    pub fn proposal(&self) -> Proposal {
        todo!()
    }

    /// Looks at the live text, settles what it shows, and records it as `review` events. Blocks on the disk.
    pub fn observe(&self) -> Vec<(HunkId, ReviewDecision)> {
        todo!()
    }

    /// Takes a hunk out of the proposal and records it. `false` if there is no such pending hunk.
    pub fn reject(&self, hunk: &HunkId, by: &str) -> bool {
        let _ = (hunk, by);
        todo!()
    }
}
