//! One conversation, its overlay, and the turns that it has had.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::builder::Parts;
use super::checks::Checks;
use super::gate::Grants;
use super::history::History;
use super::keep::{Keeper, Restored};
use super::live::Live;
use super::policy::COST_UNKNOWN;
use super::preflight::Preflight;
use super::recorder::{Recorder, Setup, Sink, Trace};
use super::review::Reviews;
use super::world::SharedWorld;
use super::{Agent, ProposalHandle, turn};
use crate::config::PermissionMode;
use crate::context::Focus;
use crate::event::{
    ErrorReported, Event, EventKind, Mode, PlanItem, ToolResultReturned, TurnEnd, TurnLimits, TurnStatus, Usage,
};
use crate::model::Connector;
use crate::permission::Rules;
use crate::store::{Journal, cut_title};
use crate::tools::shell::commands::Commands;
use crate::tools::{Seen, ToolError};
use crate::web::Web;
use crate::workspace::{Buffer, DocPath, Overlay, RootId};

/// Texts of documents that wait for a look.
const MOST_PASSED: usize = 512;

/// A conversation. Cheap to clone: clones are the same session.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    id: String,
    parts: Arc<Parts>,
    /// It proposes nothing itself: another session takes over what it makes.
    is_aside: bool,
    recorder: Arc<Recorder>,
    overlay: Mutex<Overlay>,
    /// Taken before the locks of history and overlay where it is with them.
    keeper: Mutex<Keeper>,
    history: Mutex<History>,
    plan: Arc<Mutex<Vec<PlanItem>>>,
    seen: Seen,
    preflight: Preflight,
    grants: Mutex<Grants>,
    commands: Arc<Commands>,
    checks: Mutex<Checks>,
    web: Web,
    /// Held for a whole look at the live text: what one look settles is recorded before the next begins.
    observing: Mutex<()>,
    settling: Mutex<()>,
    /// What documents held since the last look that have hunks on their way to the editor.
    passed: Mutex<VecDeque<(DocPath, Buffer)>>,
    /// Never held while something is recorded: a recorder takes it when a turn ends.
    state: Mutex<State>,
}

pub(in crate::agent) struct State {
    title: String,
    running: Option<Running>,
    connector: Connector,
    permission_mode: PermissionMode,
    /// What the configuration allows, asks and denies.
    pub(in crate::agent) rules: Arc<Rules>,
    pub(in crate::agent) reviews: Reviews,
}

struct Running {
    turn: String,
    cancel: CancellationToken,
    /// The folder that the user asked in.
    root: Option<RootId>,
    /// What the user said and the loop has not taken in.
    steering: Vec<String>,
    /// The loop takes in nothing more.
    closed: bool,
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
    /// What the turn may use, instead of what the configuration says.
    pub limits: Option<TurnLimits>,
    /// Without tools, and with the instruction alone.
    pub bare: bool,
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
    pub(in crate::agent) fn new(parts: Arc<Parts>, id: String, journal: Option<Journal>) -> Session {
        Session::build(parts, id, journal, false)
    }

    /// A session beside this one, on what is proposed in `overlay`. Its model and permissions are this one's.
    pub(in crate::agent) fn aside(&self, overlay: Overlay) -> Session {
        let parts = Arc::clone(&self.inner.parts);
        let aside = Session::build(Arc::clone(&parts), parts.clock.new_id(), None, true);
        *aside.lock_overlay() = overlay;
        let (connector, permission_mode) = self.settings();
        aside.set_model(connector);
        aside.set_permission_mode(permission_mode);
        let rules = Arc::clone(&self.state().rules);
        aside.state().rules = rules;
        aside
    }

    fn build(parts: Arc<Parts>, id: String, journal: Option<Journal>, is_aside: bool) -> Session {
        let sink = match &parts.store {
            Some(store) => Sink::Trace(Trace::new(store.clone(), journal)),
            None => Sink::None,
        };
        let recorder = Recorder::new(Setup {
            session: id.clone(),
            clock: Arc::clone(&parts.clock),
            redactor: Arc::clone(&parts.redactor),
            sink,
            observer: parts.observer.clone(),
            interjections: None,
        });
        let state = State {
            title: String::new(),
            running: None,
            connector: parts.connector.clone(),
            permission_mode: parts.config.permission_mode,
            rules: Arc::clone(&parts.rules),
            reviews: Reviews::default(),
        };
        let web = parts.web.session();
        let commands = Arc::new(Commands::new(Arc::clone(&parts.commands)));
        let inner = Inner {
            id,
            parts,
            is_aside,
            recorder: Arc::new(recorder),
            overlay: Mutex::default(),
            keeper: Mutex::default(),
            history: Mutex::default(),
            plan: Arc::default(),
            seen: Seen::default(),
            preflight: Preflight::default(),
            grants: Mutex::default(),
            commands,
            checks: Mutex::default(),
            web,
            observing: Mutex::default(),
            settling: Mutex::default(),
            passed: Mutex::default(),
            state: Mutex::new(state),
        };
        Session { inner: Arc::new(inner) }
    }

    /// Takes up what the store has of the session. A turn that a crash cut short is ended. Blocks on the disk.
    pub(in crate::agent) fn restore(&self, events: &[Event], title: String, restored: Restored) {
        let Restored { keeper, kept, trouble } = restored;
        self.inner.recorder.restore(events);
        *self.lock_keeper() = keeper;
        self.set_kept(kept);
        let plan = self.inner.recorder.with_conversation(|conversation| conversation.plan().to_vec());
        *self.inner.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
        {
            let mut state = self.state();
            state.title = title;
            state.reviews.restore(events);
        }
        self.restore_grants(events);
        self.restore_checks(events);
        if self.inner.recorder.with_conversation(|conversation| conversation.in_turn()) {
            if had_finished(events) {
                self.end_turn(TurnStatus::Done);
            } else {
                self.end_abandoned("interrupted", "the process that ran this turn ended before the turn did");
            }
        }
        if let Some(trouble) = trouble {
            self.report_trouble(trouble);
        }
    }

    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// Cut from the first task, or given by the user. Empty before the first turn.
    pub fn title(&self) -> String {
        self.state().title.clone()
    }

    /// Begins a turn. It runs by itself; the events tell how it goes. Into a session whose turn is running this is a
    /// programming error of the front end, answered by `None`: use [`Session::steer`]. Needs a Tokio runtime.
    pub fn start(&self, ask: Ask) -> Option<Turn> {
        let turn = ask.turn.clone().filter(|turn| !turn.is_empty()).unwrap_or_else(|| self.parts().clock.new_id());
        let cancel = CancellationToken::new();
        let root = ask.focus.as_ref().or(ask.comment.as_ref()).and_then(|focus| focus.path.root());
        {
            let mut state = self.state();
            if state.running.is_some() {
                return None;
            }
            if state.title.is_empty() {
                state.title = cut_title(&self.parts().redactor.redact(&ask.instruction));
            }
            state.reviews.begin_turn();
            state.running =
                Some(Running { turn: turn.clone(), cancel: cancel.clone(), root, steering: Vec::new(), closed: false });
        }
        let (listener, events) = mpsc::unbounded_channel();
        self.inner.recorder.begin_turn(&turn, Some(listener));
        let world = Live::new(self.clone(), ask, turn.clone(), cancel.clone());
        tokio::spawn(self.clone().run(Arc::new(world)));
        Some(Turn { id: turn, session: self.clone(), cancel: cancel.clone(), events, guard: cancel.drop_guard() })
    }

    /// Tells a running turn something at its next step. `false` if none is running, or it is about to end.
    pub fn steer(&self, message: &str) -> bool {
        match &mut self.state().running {
            Some(running) if !running.closed => {
                running.steering.push(message.to_owned());
                true
            }
            Some(_) | None => false,
        }
    }

    /// Cancels the running turn. `false` if none is running.
    pub fn cancel(&self) -> bool {
        match &self.state().running {
            Some(running) => {
                running.cancel.cancel();
                true
            }
            None => false,
        }
    }

    /// Whether a turn is running that was asked for at a place in `root`, or in a session that proposes something there.
    pub fn is_running_in(&self, root: RootId) -> bool {
        let asked_in = match &self.state().running {
            Some(running) => running.root,
            None => return false,
        };
        asked_in == Some(root) || self.lock_overlay().iter().any(|(path, _)| path.root() == Some(root))
    }

    /// The running turn's id.
    pub fn running(&self) -> Option<String> {
        self.state().running.as_ref().map(|running| running.turn.clone())
    }

    pub fn is_running(&self) -> bool {
        self.state().running.is_some()
    }

    /// The id of the last turn, running or ended.
    pub fn last_turn(&self) -> Option<String> {
        self.inner.recorder.last_turn()
    }

    /// What the next turn may do unasked.
    pub fn permission_mode(&self) -> PermissionMode {
        self.state().permission_mode
    }

    /// From the next turn on.
    pub fn set_permission_mode(&self, mode: PermissionMode) {
        self.state().permission_mode = mode;
    }

    /// The rules of an agent that was built from newer settings, from the next turn on.
    pub fn go_by_rules_of(&self, agent: &Agent) {
        self.state().rules = Arc::clone(&agent.parts.rules);
    }

    /// Another model, from the next turn on.
    pub fn set_model(&self, connector: Connector) {
        self.state().connector = connector;
    }

    pub fn overlay(&self) -> Overlay {
        self.lock_overlay().clone()
    }

    pub fn plan(&self) -> Vec<PlanItem> {
        self.inner.plan.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the last turn that ended answered.
    pub fn last_answer(&self) -> String {
        self.inner.recorder.with_conversation(|conversation| conversation.answer().to_owned())
    }

    /// Another title. One that the user gave stays.
    pub(in crate::agent) fn set_title(&self, title: &str) {
        title.clone_into(&mut self.state().title);
    }

    pub(in crate::agent) fn is_aside(&self) -> bool {
        self.inner.is_aside
    }

    pub(in crate::agent) fn parts(&self) -> &Parts {
        &self.inner.parts
    }

    pub(in crate::agent) fn recorder(&self) -> &Recorder {
        &self.inner.recorder
    }

    pub(in crate::agent) fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One undo or redo is settled at a time: who finds one settled finds it in the history too. Taken before every other lock.
    pub(in crate::agent) fn lock_settling(&self) -> MutexGuard<'_, ()> {
        self.inner.settling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One look at a time. Taken before every other lock but that.
    pub(in crate::agent) fn lock_observing(&self) -> MutexGuard<'_, ()> {
        self.inner.observing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what a document holds from now on, before the workspace does: every look looks at each of these in order, so that a
    /// hunk counts as accepted that a formatter or an undo changed right after. Of use while hunks of it are on their way to the
    /// editor. Never waits for a look.
    pub fn passed(&self, path: &DocPath, buffer: Buffer) {
        let mut passed = self.inner.passed.lock().unwrap_or_else(PoisonError::into_inner);
        if passed.len() >= MOST_PASSED {
            passed.pop_front();
        }
        passed.push_back((path.clone(), buffer));
    }

    pub(in crate::agent) fn take_passed(&self) -> VecDeque<(DocPath, Buffer)> {
        std::mem::take(&mut self.inner.passed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(in crate::agent) fn lock_overlay(&self) -> MutexGuard<'_, Overlay> {
        self.inner.overlay.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Taken before the overlay's lock where both are.
    pub(in crate::agent) fn lock_history(&self) -> MutexGuard<'_, History> {
        self.inner.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::agent) fn shared_plan(&self) -> Arc<Mutex<Vec<PlanItem>>> {
        Arc::clone(&self.inner.plan)
    }

    pub(in crate::agent) fn seen(&self) -> Seen {
        self.inner.seen.clone()
    }

    pub(in crate::agent) fn shared_grants(&self) -> &Mutex<Grants> {
        &self.inner.grants
    }

    pub(in crate::agent) fn lock_checks(&self) -> MutexGuard<'_, Checks> {
        self.inner.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::agent) fn web(&self) -> Web {
        self.inner.web.clone()
    }

    pub(in crate::agent) fn commands(&self) -> Arc<Commands> {
        Arc::clone(&self.inner.commands)
    }

    /// What is known of the hunks besides their texts.
    pub(in crate::agent) fn preflight(&self) -> &Preflight {
        &self.inner.preflight
    }

    /// What a turn that begins now goes by.
    pub(in crate::agent) fn settings(&self) -> (Connector, PermissionMode) {
        let state = self.state();
        (state.connector.clone(), state.permission_mode)
    }

    pub(in crate::agent) fn limits(&self) -> TurnLimits {
        let limits = &self.parts().config.limits;
        TurnLimits {
            steps: limits.max_steps,
            seconds: limits.turn_timeout_s,
            idle_seconds: limits.model_idle_timeout_s,
            tokens: limits.max_tokens,
            cost: limits.max_cost,
            children: if self.inner.is_aside { 0 } else { limits.max_children },
        }
    }

    pub(in crate::agent) fn take_steering(&self, last: bool) -> Vec<String> {
        let mut state = self.state();
        let Some(running) = &mut state.running else { return Vec::new() };
        let messages = std::mem::take(&mut running.steering);
        running.closed = last && messages.is_empty();
        messages
    }

    /// Takes over what a call or the harness changed between two overlays. A document that a review changed meanwhile is
    /// not overwritten: then nothing is taken over, and the model is told.
    pub(in crate::agent) fn commit(&self, before: &Overlay, after: &Overlay) -> Result<(), ToolError> {
        if before == after {
            return Ok(());
        }
        let mut overlay = self.lock_overlay();
        let touched: Vec<_> = before.iter().chain(after.iter()).map(|(path, _)| path.clone()).collect();
        let changed = || touched.iter().filter(|path| before.get(path) != after.get(path));
        if let Some(path) = changed().find(|path| overlay.get(path) != before.get(path)) {
            let name = self.parts().workspace.roots().display(path);
            return Err(ToolError::model(format!("the user decided about `{name}` meanwhile: read it again")));
        }
        for path in changed() {
            overlay.set(path.clone(), after.get(path).cloned());
        }
        let left: Vec<_> =
            changed().map(|path| (path.clone(), overlay.get(path).and_then(|file| file.current.clone()))).collect();
        drop(overlay);
        self.state().reviews.left_by_model(left);
        Ok(())
    }

    /// As [`Session::commit`], and leaves alone what the user decided about meanwhile: what the model is told of it, if
    /// anything.
    pub(in crate::agent) fn commit_what_can(&self, before: &Overlay, after: &Overlay) -> String {
        let mut wanted = after.clone();
        let mut left = Vec::new();
        let now = self.overlay();
        let touched: BTreeSet<_> = before.iter().chain(after.iter()).map(|(path, _)| path.clone()).collect();
        for path in touched {
            if before.get(&path) != after.get(&path) && now.get(&path) != before.get(&path) {
                wanted.set(path.clone(), before.get(&path).cloned());
                left.push(self.parts().workspace.roots().display(&path));
            }
        }
        let note = |names: &[String]| {
            format!("not taken over, because the user decided about it meanwhile: {}", names.join(", "))
        };
        match self.commit(before, &wanted) {
            Ok(()) if left.is_empty() => String::new(),
            Ok(()) => note(&left),
            Err(error) => error.to_string(),
        }
    }

    pub(in crate::agent) fn lock_keeper(&self) -> MutexGuard<'_, Keeper> {
        self.inner.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(self, world: SharedWorld) {
        let recorder = Arc::clone(&self.inner.recorder);
        let tools = self.parts().tools.clone();
        let turn = turn::run(world, recorder, tools, || self.state().running = None);
        if AssertUnwindSafe(turn).catch_unwind().await.is_err() {
            tracing::error!(session = self.id(), "a turn panicked");
            self.end_abandoned(
                "internal",
                "Claw made a mistake and this turn is lost: ask again, and please report it",
            );
        }
        super::titles::give(&self).await;
    }

    /// Ends a turn that nobody runs any more: every call gets its result, and the trace its end.
    fn end_abandoned(&self, code: &str, message: &str) {
        let recorder = &self.inner.recorder;
        recorder.record(EventKind::Error(ErrorReported {
            code: code.to_owned(),
            message: message.to_owned(),
            retryable: true,
        }));
        for call in recorder.with_conversation(|conversation| conversation.open_calls()) {
            recorder.record(EventKind::ToolResult(ToolResultReturned {
                call: call.id,
                tool: call.tool,
                ok: false,
                output: turn::unrun_because(TurnStatus::Failed).to_owned(),
                truncated: false,
                duration_ms: 0,
                subagent: None,
            }));
        }
        self.end_turn(TurnStatus::Failed);
    }

    fn end_turn(&self, status: TurnStatus) {
        let recorder = &self.inner.recorder;
        let (steps, usage, answer) = recorder.with_conversation(|conversation| conversation.turn_so_far());
        let end = TurnEnd { status, answer, steps, usage, cost: None, duration_ms: 0 };
        recorder.end_turn(EventKind::TurnEnd(end), || self.state().running = None);
    }
}

/// Whether a turn lacks nothing but its `turn_end`: the proposal came right after the answer.
fn had_finished(events: &[Event]) -> bool {
    let says_no_more = |kind: &&EventKind| match kind {
        EventKind::Check(check) => !check.is_told(),
        EventKind::Error(error) => error.code == COST_UNKNOWN,
        _ => false,
    };
    let mut newest_first = events.iter().rev().map(|event| &event.kind).filter(|kind| !says_no_more(kind));
    matches!(newest_first.next(), Some(EventKind::Proposal { .. }))
        && matches!(newest_first.next(), Some(EventKind::ModelResponse(response)) if response.tool_calls.is_empty())
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
    pub async fn finish(mut self) -> RunResult {
        while self.events.recv().await.is_some() {}
        let session = self.session.clone();
        let trace = session.recorder().turn_events();
        let end = trace.iter().rev().find_map(|event| match &event.kind {
            EventKind::TurnEnd(end) => Some(end.clone()),
            _ => None,
        });
        let end = end.unwrap_or(TurnEnd {
            status: TurnStatus::Failed,
            answer: String::new(),
            steps: 0,
            usage: Usage::default(),
            cost: None,
            duration_ms: 0,
        });
        let deriving = session.clone();
        let proposal = tokio::task::spawn_blocking(move || deriving.proposal()).await.unwrap_or_default();
        RunResult {
            status: end.status,
            answer: end.answer,
            usage: end.usage,
            cost: end.cost,
            trace,
            proposal: ProposalHandle::new(session.clone(), proposal),
            session,
        }
    }

    /// Lets the turn run on without a reader.
    pub fn detach(self) {
        self.guard.disarm();
    }
}

impl RunResult {
    /// What went wrong, where something did.
    pub fn error(&self) -> Option<&ErrorReported> {
        self.trace.iter().rev().find_map(|event| match &event.kind {
            EventKind::Error(error) => Some(error),
            _ => None,
        })
    }

    /// What is proposed as a unified diff. Blocks on the disk.
    pub fn diff(&self) -> String {
        self.proposal.diff()
    }
}
