//! Subagents: sessions aside that do the tasks which a turn's model gives away.
//!
//! A subagent has a conversation and a trace of its own, sees what the turn proposes as it begins, and only reads. What it uses
//! is taken from what its turn has left, and told with the result of its call, so that a replay of the turn needs nothing else. It
//! ends with the call that waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::task::TaskTracker;

use super::policy::{Left, tokens_of};
use super::session::{Ask, Session, Turn};
use crate::event::{
    ErrorReported, Event, EventKind, Mode, ModelResponseReceived, SubagentRan, TurnEnd, TurnLimits, TurnStatus,
};
use crate::model::{Connector, SharedModel};
use crate::tools::task::{Delegate, Delegated};
use crate::tools::{ToolError, ToolOutput};

/// Subagents of one turn that are at work at a time; the others wait.
const SIDE_BY_SIDE: usize = 4;

/// How long the end of a turn waits for subagents that were cancelled with it to write theirs.
const FAREWELL: Duration = Duration::from_millis(100);

/// The subagents of a turn. Clones are the same.
#[derive(Clone)]
pub(in crate::agent) struct Subagents {
    shared: Arc<Shared>,
}

struct Shared {
    session: Session,
    turn: String,
    limits: TurnLimits,
    deadline: tokio::time::Instant,
    places: Arc<Semaphore>,
    /// What each of those that begin now may use.
    share: Mutex<Left>,
    /// What those used that have ended, by their call.
    ran: Mutex<HashMap<String, SubagentRan>>,
    following: TaskTracker,
}

/// The subagent of one call.
struct ForCall {
    shared: Arc<Shared>,
    call: String,
    model: Option<SharedModel>,
}

/// What a subagent's turn came to.
#[derive(Default)]
struct Ended {
    end: Option<TurnEnd>,
    error: Option<ErrorReported>,
    tokens: u64,
}

impl Subagents {
    /// Those of the turn `turn` of `session`.
    pub fn new(session: &Session, turn: &str, limits: TurnLimits, deadline: tokio::time::Instant) -> Subagents {
        let shared = Shared {
            session: session.clone(),
            turn: turn.to_owned(),
            limits,
            deadline,
            places: Arc::new(Semaphore::new(SIDE_BY_SIDE)),
            share: Mutex::default(),
            ran: Mutex::default(),
            following: TaskTracker::new(),
        };
        Subagents { shared: Arc::new(shared) }
    }

    /// Shares out what the turn has left among the `count` that begin next.
    pub fn share_out(&self, left: Left, count: usize) {
        *self.shared.share.lock().unwrap_or_else(PoisonError::into_inner) = left.divided(count);
    }

    /// Who does the task of this call.
    pub fn for_call(&self, call: &str, model: Option<SharedModel>) -> Arc<dyn Delegate> {
        Arc::new(ForCall { shared: Arc::clone(&self.shared), call: call.to_owned(), model })
    }

    /// What the subagent of a call used, once it has ended.
    pub fn take_ran(&self, call: &str) -> Option<SubagentRan> {
        self.shared.ran().remove(call)
    }

    /// Waits a moment for those that end with the turn.
    pub async fn farewell(&self) {
        self.shared.following.close();
        let _ = tokio::time::timeout(FAREWELL, self.shared.following.wait()).await;
    }
}

impl Delegate for ForCall {
    fn delegate(&self, task: Delegated) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
        let (shared, call, model) = (Arc::clone(&self.shared), self.call.clone(), self.model.clone());
        Box::pin(async move {
            let places = Arc::clone(&shared.places);
            let _place = places.acquire_owned().await.map_err(|error| ToolError::Internal(error.to_string()))?;
            let child = shared.session.aside(task.overlay);
            let (connector, _) = shared.session.settings();
            match (connector.small(), model) {
                (Some(small), _) => child.set_model(small),
                (None, Some(model)) => child.set_model(Connector::from(model)),
                (None, None) => {}
            }
            child.take_over_taint(&shared.session);
            let ask = Ask {
                instruction: format!("{}\n\n{}", task.description, task.prompt),
                mode: Mode::Explain,
                turn: Some(format!("{}/{call}", shared.turn)),
                parent: Some(shared.session.id().to_owned()),
                limits: Some(shared.limits_now()?),
                ..Ask::default()
            };
            let turn = child.start(ask).ok_or_else(|| ToolError::Internal("a new session is at work".to_owned()))?;
            // When nobody waits for this call any more.
            let _ends_with_the_call = turn.cancel.clone().drop_guard();
            let (told, ended) = oneshot::channel();
            shared.following.spawn(async move {
                let _ = told.send(follow(turn).await);
            });
            let ended = ended.await.map_err(|error| ToolError::Internal(error.to_string()))?;
            shared.session.take_over_taint(&child);
            let (ran, output) = ended.told(child.id());
            shared.ran().insert(call, ran);
            output
        })
    }
}

impl Shared {
    fn limits_now(&self) -> Result<TurnLimits, ToolError> {
        let left = *self.share.lock().unwrap_or_else(PoisonError::into_inner);
        if left.tokens == Some(0) {
            return Err(ToolError::model(
                "not started: the turn has no tokens left for a subagent (limits.max_tokens). Answer with what you have",
            ));
        }
        let time = self.deadline.saturating_duration_since(tokio::time::Instant::now());
        let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
        let limits = self.limits;
        Ok(TurnLimits { seconds: seconds.max(1), tokens: left.tokens, cost: left.cost, children: 0, ..limits })
    }

    fn ran(&self) -> std::sync::MutexGuard<'_, HashMap<String, SubagentRan>> {
        self.ran.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a subagent's turn to its end.
async fn follow(mut turn: Turn) -> Ended {
    let mut ended = Ended::default();
    let mut estimate = 0;
    while let Some(Event { kind, .. }) = turn.next().await {
        match kind {
            EventKind::ModelRequest(request) => estimate = request.tokens_estimate,
            EventKind::ModelResponse(response) => ended.tokens += spent(&response, estimate),
            EventKind::Error(error) => ended.error = Some(error),
            EventKind::TurnEnd(end) => ended.end = Some(end),
            _ => {}
        }
    }
    ended
}

fn spent(response: &ModelResponseReceived, estimate: u64) -> u64 {
    tokens_of(response.usage, &response.text, &response.reasoning, &response.tool_calls, estimate)
}

impl Ended {
    /// What the trace says of it, and what the model that gave the task is answered.
    fn told(self, session: &str) -> (SubagentRan, Result<ToolOutput, ToolError>) {
        let Ended { end, error, tokens } = self;
        let status = end.as_ref().map_or(TurnStatus::Failed, |end| end.status);
        let ran = SubagentRan {
            session: session.to_owned(),
            status,
            steps: end.as_ref().map_or(0, |end| end.steps),
            usage: end.as_ref().map(|end| end.usage).unwrap_or_default(),
            tokens,
            cost: end.as_ref().and_then(|end| end.cost),
        };
        let answer = end.map(|end| end.answer).unwrap_or_default();
        let answer = answer.trim();
        let why = error.map_or_else(|| "it gave no reason".to_owned(), |error| error.message);
        let output = match status {
            TurnStatus::Done if answer.is_empty() => {
                Err(ToolError::model("the subagent answered nothing: ask more exactly, or look yourself"))
            }
            TurnStatus::Done => Ok(ToolOutput::from(answer.to_owned())),
            TurnStatus::Limit if answer.is_empty() => {
                Err(ToolError::model(format!("the subagent reached a limit before it answered: {why}")))
            }
            TurnStatus::Limit => Ok(ToolOutput {
                text: format!("{answer}\n[the subagent reached a limit, so this may not be all: {why}]"),
                truncated: true,
            }),
            TurnStatus::Failed => Err(ToolError::model(format!("the subagent failed: {why}"))),
            TurnStatus::Cancelled => Err(ToolError::Cancelled),
        };
        (ran, output)
    }
}
