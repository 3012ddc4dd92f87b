//! One conversation, its overlay, and the turns that it has had.

use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::ProposalHandle;
use crate::config::PermissionMode;
use crate::context::Focus;
use crate::event::{Event, Mode, PlanItem, TurnStatus, Usage};
use crate::model::Connector;
use crate::workspace::Overlay;

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
    /// The comment that asks (`claw: …`, `… AI!`): taken out of the session's overlay before the first request, so that its
    /// removal is part of the proposal. The whole range goes, line breaks included.
    pub comment: Option<Focus>,
    /// The session whose turn asked for this one.
    pub parent: Option<String>,
}

/// A running turn. Dropping it cancels; [`Turn::detach`] lets it run on by itself.
pub struct Turn {
    pub id: String,
    pub session: Session,
    /// Ends the turn as `cancelled`, within 200 ms.
    pub cancel: CancellationToken,
    /// Every event of the turn in order; ends after `turn_end`.
    pub events: mpsc::UnboundedReceiver<Event>,
    guard: DropGuard,
}

/// What a task came to.
#[derive(Debug)]
pub struct RunResult {
    pub session: Session,
    pub status: TurnStatus,
    pub answer: String,
    pub usage: Usage,
    pub cost: Option<f64>,
    /// Every stored event of the turn.
    pub trace: Vec<Event>,
    pub proposal: ProposalHandle,
}

impl Session {
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// Cut from the first task, or given by the user. Empty before the first turn.
    pub fn title(&self) -> String {
        todo!()
    }

    /// Begins a turn. It runs by itself; the events tell how it goes. Into a session whose turn is running this is a
    /// programming error of the front end, answered by `None`: use [`Session::steer`]. Needs a Tokio runtime.
    pub fn start(&self, ask: Ask) -> Option<Turn> {
        let _ = ask;
        todo!()
    }

    /// Tells a running turn something at its next step. `false` if none is running.
    pub fn steer(&self, message: &str) -> bool {
        let _ = message;
        todo!()
    }

    /// Cancels the running turn. `false` if none is running.
    pub fn cancel(&self) -> bool {
        todo!()
    }

    /// The running turn's id.
    pub fn running(&self) -> Option<String> {
        todo!()
    }

    pub fn is_running(&self) -> bool {
        self.running().is_some()
    }

    /// The id of the last turn, running or ended.
    pub fn last_turn(&self) -> Option<String> {
        todo!()
    }

    /// From the next turn on.
    pub fn set_permission_mode(&self, mode: PermissionMode) {
        let _ = mode;
        todo!()
    }

    /// Another model, from the next turn on.
    pub fn set_model(&self, connector: Connector) {
        let _ = connector;
        todo!()
    }

    pub fn overlay(&self) -> Overlay {
        todo!()
    }

    pub fn plan(&self) -> Vec<PlanItem> {
        todo!()
    }

    /// What the last turn that ended answered.
    pub fn last_answer(&self) -> String {
        todo!()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Session").field("id", &self.inner.id).finish_non_exhaustive()
    }
}

impl Turn {
    /// The next event; `None` after `turn_end`.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Waits for the end, whatever of the events has been read.
    pub async fn finish(self) -> RunResult {
        todo!()
    }

    /// Lets the turn run on without a reader.
    pub fn detach(self) {
        self.guard.disarm();
    }
}
