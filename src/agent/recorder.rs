//! Numbers events, writes them to the trace, and passes them on.
//!
//! An event is on its way to the disk before anybody sees it. A disk that fails does not stop a turn: what could not be
//! written waits in memory and is written when the disk heals; the user is told once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use super::builder::Observer;
use super::clock::Clock;
use super::conversation::Conversation;
use super::meter::{Meter, Size};
use super::prefix::Before;
use crate::event::{ErrorReported, Event, EventKind, ModelRequestSent, SCHEMA_VERSION, StreamPart, ToolOutputPart};
use crate::store::{Journal, Redactor, Store};

/// A request's body of this size and more goes into a blob.
const INLINE_BODY: usize = 32 * 1024;

/// Fields that are never a secret.
const ENVELOPE: [&str; 6] = ["v", "session", "turn", "seq", "time", "type"];

/// The field of a `model_response` that is kept as it came or not at all: [`Redactor::is_clean`] has looked through it.
const OPAQUE: &str = "opaque";

/// Bytes of events that may wait for a disk that fails.
const BACKLOG: usize = 64 * 1024 * 1024;

/// Where stored events go.
pub(in crate::agent) enum Sink {
    /// Nowhere: request bodies stand in their events.
    None,
    /// Nowhere, with request bodies hashed as if they were kept: a replay.
    Replay,
    Trace(Trace),
}

/// A session's trace, opened by its first event.
pub(in crate::agent) struct Trace {
    pub store: Store,
    pub journal: Option<Journal>,
    /// Lines that could not be written, in order.
    backlog: Vec<String>,
    /// The backlog grew too large: nothing is written any more, because a trace must not have gaps.
    given_up: bool,
    /// The disk fails, and the user knows.
    reported: bool,
}

/// Gives the event that has to stand next in the trace although the loop does not make it: a replay's reviews.
pub(in crate::agent) type Interjections = Box<dyn FnMut(u64) -> Option<(String, EventKind)> + Send>;

pub(in crate::agent) struct Recorder {
    state: Mutex<State>,
}

struct State {
    session: String,
    turn: String,
    /// The last stored event's number.
    seq: u64,
    /// The number of the next streamed part of the running response.
    part: u64,
    clock: Arc<dyn Clock>,
    redactor: Arc<Redactor>,
    sink: Sink,
    observer: Option<Observer>,
    interjections: Option<Interjections>,
    /// Who reads the running turn.
    listener: Option<UnboundedSender<Event>>,
    /// The stored events of the last turn.
    turn_events: Vec<Event>,
    conversation: Conversation,
    meter: Meter,
    /// The last request.
    before: Before,
    /// Something about the trace itself that the user has to know.
    trouble: Option<ErrorReported>,
}

/// What a recorder begins with.
pub(in crate::agent) struct Setup {
    pub session: String,
    pub clock: Arc<dyn Clock>,
    pub redactor: Arc<Redactor>,
    pub sink: Sink,
    pub observer: Option<Observer>,
    pub interjections: Option<Interjections>,
}

impl Trace {
    pub fn new(store: Store, journal: Option<Journal>) -> Trace {
        Trace { store, journal, backlog: Vec::new(), given_up: false, reported: false }
    }
}

impl Recorder {
    pub fn new(setup: Setup) -> Recorder {
        let Setup { session, clock, redactor, sink, observer, interjections } = setup;
        let state = State {
            session,
            turn: String::new(),
            seq: 0,
            part: 0,
            clock,
            redactor,
            sink,
            observer,
            interjections,
            listener: None,
            turn_events: Vec::new(),
            conversation: Conversation::default(),
            meter: Meter::default(),
            before: Before::default(),
            trouble: None,
        };
        Recorder { state: Mutex::new(state) }
    }

    /// Goes on after events that are in the trace already.
    pub fn restore(&self, events: &[Event]) {
        let mut state = self.lock();
        for event in events {
            state.seq = event.seq;
            state.turn.clone_from(&event.turn);
            state.take_in(&event.kind);
        }
        let last = events.iter().rev().find_map(|event| match &event.kind {
            EventKind::ModelRequest(request) => Some(request),
            _ => None,
        });
        if let Some(body) = last.and_then(|request| state.body_of(request)) {
            state.before.next(&body);
        }
    }

    /// Reads what was counted.
    pub fn with_meter<R>(&self, read: impl FnOnce(&Meter) -> R) -> R {
        read(&self.lock().meter)
    }

    /// Events belong to this turn from now on, and go to `listener` too.
    pub fn begin_turn(&self, turn: &str, listener: Option<UnboundedSender<Event>>) {
        let mut state = self.lock();
        turn.clone_into(&mut state.turn);
        state.listener = listener;
        state.turn_events.clear();
    }

    /// Stores an event and passes it on.
    pub fn record(&self, kind: EventKind) -> Event {
        self.lock().record(kind)
    }

    /// Stores what has to stand next although no turn makes it.
    pub fn flush_interjections(&self) {
        self.lock().interject();
    }

    /// Stores the event that ends the turn. `before_it_is_seen` runs when it is stored and nobody knows of it.
    pub fn end_turn(&self, kind: EventKind, before_it_is_seen: impl FnOnce()) {
        let mut state = self.lock();
        state.interject();
        let event = state.store(kind);
        before_it_is_seen();
        state.pass_on(&event);
        state.listener = None;
        state.report_trouble();
    }

    /// Passes on a piece of text, without storing it.
    pub fn stream_text(&self, delta: &str) {
        self.lock().stream(delta, EventKind::Text);
    }

    /// Passes on a piece of reasoning, without storing it.
    pub fn stream_reasoning(&self, delta: &str) {
        self.lock().stream(delta, EventKind::Reasoning);
    }

    /// Passes on what a running command printed.
    pub fn stream_output(&self, call: &str, delta: &str) {
        let mut state = self.lock();
        let part = state.part;
        state.part += 1;
        let delta = state.redactor.redact(delta).into_owned();
        let event = state.envelope(EventKind::ToolOutput(ToolOutputPart { call: call.to_owned(), delta, part }));
        state.pass_on(&event);
    }

    /// Stores a `model_request`: its body where it is small, else its hash, and the body in the session's blobs.
    /// Returns the tokens it was estimated to have.
    pub fn record_request(&self, request: u32, body: &Arc<Value>) -> u64 {
        let mut state = self.lock();
        state.part = 0;
        let text = body.to_string();
        let tokens_estimate = state.meter.send(Size::of(body, &text));
        let prefix = state.before.next(body);
        let blob = if text.len() < INLINE_BODY { None } else { state.keep_blob(&text) };
        let body = if blob.is_some() { None } else { Some(Arc::clone(body)) };
        state.record(EventKind::ModelRequest(ModelRequestSent { request, tokens_estimate, prefix, body, blob }));
        tokens_estimate
    }

    /// A request's body as it may be sent and written.
    pub fn redacted(&self, mut body: Value) -> Value {
        let state = self.lock();
        state.redactor.redact_value_but(&mut body, state.conversation.sealed());
        body
    }

    /// Reads the history.
    pub fn with_conversation<R>(&self, read: impl FnOnce(&Conversation) -> R) -> R {
        read(&self.lock().conversation)
    }

    /// The stored events of the last turn.
    pub fn turn_events(&self) -> Vec<Event> {
        self.lock().turn_events.clone()
    }

    pub fn last_turn(&self) -> Option<String> {
        let state = self.lock();
        if state.turn.is_empty() { None } else { Some(state.turn.clone()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn record(&mut self, kind: EventKind) -> Event {
        self.interject();
        let event = self.store(kind);
        self.pass_on(&event);
        self.report_trouble();
        event
    }

    fn report_trouble(&mut self) {
        if let Some(trouble) = self.trouble.take() {
            self.record(EventKind::Error(trouble));
        }
    }

    fn interject(&mut self) {
        while let Some((turn, kind)) = self.interjections.as_mut().and_then(|next| next(self.seq + 1)) {
            let running = std::mem::replace(&mut self.turn, turn);
            let event = self.store(kind);
            self.pass_on(&event);
            self.turn = running;
        }
    }

    fn store(&mut self, kind: EventKind) -> Event {
        self.seq += 1;
        let event = self.envelope(kind);
        let (event, line) = redacted(&self.redactor, event);
        self.write(line);
        self.take_in(&event.kind);
        self.turn_events.push(event.clone());
        event
    }

    fn take_in(&mut self, kind: &EventKind) {
        self.conversation.absorb(kind);
        self.meter.absorb(kind);
        self.before.absorb(kind);
    }

    /// The body of a request that is in the trace.
    fn body_of(&self, request: &ModelRequestSent) -> Option<Arc<Value>> {
        match (&request.body, &request.blob, &self.sink) {
            (Some(body), _, _) => Some(Arc::clone(body)),
            (None, Some(blob), Sink::Trace(trace)) => {
                let bytes = trace.store.blob(&self.session, blob).ok()?;
                serde_json::from_slice(&bytes).ok().map(Arc::new)
            }
            (None, _, _) => None,
        }
    }

    fn stream(&mut self, delta: &str, kind: fn(StreamPart) -> EventKind) {
        let part = self.part;
        self.part += 1;
        let event = self.envelope(kind(StreamPart { delta: self.redactor.redact(delta).into_owned(), part }));
        self.pass_on(&event);
    }

    fn envelope(&self, kind: EventKind) -> Event {
        Event {
            v: SCHEMA_VERSION,
            session: self.session.clone(),
            turn: self.turn.clone(),
            seq: self.seq,
            time: self.clock.now(),
            kind,
        }
    }

    fn pass_on(&self, event: &Event) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
        if let Some(listener) = &self.listener {
            // A reader that has gone away misses nothing it wants.
            let _ = listener.send(event.clone());
        }
    }

    fn write(&mut self, line: String) {
        let Sink::Trace(trace) = &mut self.sink else { return };
        match trace.append(&self.session, line) {
            Ok(()) => trace.reported = false,
            Err(error) => {
                tracing::error!(session = %self.session, %error, "the trace can not be written");
                if !trace.reported {
                    trace.reported = true;
                    let message = format!(
                        "the trace of this session can not be written ({error}). The turn goes on, and its events wait in memory \
                         until the disk takes them: make room, or mend {}",
                        trace.store.root().display()
                    );
                    self.trouble = Some(ErrorReported { code: "trace".to_owned(), message, retryable: true });
                }
            }
        }
    }

    fn keep_blob(&mut self, text: &str) -> Option<String> {
        match &self.sink {
            Sink::None => None,
            Sink::Replay => Some(blake3::hash(text.as_bytes()).to_hex().to_string()),
            Sink::Trace(trace) => match trace.store.put_blob(&self.session, text.as_bytes()) {
                Ok(hash) => Some(hash),
                Err(error) => {
                    tracing::error!(session = %self.session, %error, "a blob can not be written, its event holds it");
                    None
                }
            },
        }
    }
}

impl Trace {
    /// Writes what waits, then `line`; what could not be written waits.
    fn append(&mut self, session: &str, line: String) -> std::io::Result<()> {
        if self.given_up {
            return Ok(());
        }
        self.backlog.push(line);
        let result = self.write_backlog(session);
        if self.backlog.iter().map(String::len).sum::<usize>() > BACKLOG {
            tracing::error!(session, "the trace ends here: too much waits for the disk");
            self.given_up = true;
            self.backlog.clear();
        }
        result
    }

    fn write_backlog(&mut self, session: &str) -> std::io::Result<()> {
        let journal = match &mut self.journal {
            Some(journal) => journal,
            None => self.journal.insert(self.store.open_trace(session)?),
        };
        let mut written = 0;
        let result = self.backlog.iter().try_for_each(|line| {
            journal.append_line(line)?;
            written += 1;
            Ok(())
        });
        self.backlog.drain(..written);
        result
    }
}

/// The event without secrets, and its line. What a turn takes in was redacted when it came in, so this finds nothing; it
/// stands here so that nothing depends on that.
fn redacted(redactor: &Redactor, event: Event) -> (Event, String) {
    // A body was redacted before it was sent (`Recorder::redacted`), and nothing is as long.
    if matches!(event.kind, EventKind::ModelRequest(_)) {
        let line = serde_json::to_string(&event).unwrap_or_default();
        return (event, line);
    }
    // An event is strings, numbers and JSON values: it always serialises.
    let mut value = serde_json::to_value(&event).unwrap_or_default();
    let fields = value.as_object_mut().into_iter().flatten();
    let dirty = fields
        .filter(|(name, _)| !ENVELOPE.contains(&name.as_str()) && name.as_str() != OPAQUE)
        .fold(false, |dirty, (_, field)| redactor.redact_value(field) | dirty);
    let event = if dirty { serde_json::from_value(value).unwrap_or_else(|_| withheld(event)) } else { event };
    let line = serde_json::to_string(&event).unwrap_or_default();
    (event, line)
}

/// What stands in the trace instead of an event that a redaction pattern made unreadable.
fn withheld(event: Event) -> Event {
    let message =
        format!("a `{}` event was withheld: a pattern of trace.redact matches a word of its form", event.kind());
    let kind = EventKind::Error(ErrorReported { code: "redacted".to_owned(), message, retryable: false });
    Event { kind, ..event }
}
