//! Runs the harness again on a recorded session and compares, byte by byte.
//!
//! The loop, the history, the requests, the policy and the recorder are the real ones. What comes from outside is played back:
//! contexts, model responses, tool results and their order, proposals, steering, cancellation, times and ids. So a
//! difference means that the harness does something else than it did, or that the record was changed.

mod recorded;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::clock::Clock;
use super::recorder::{Recorder, Setup, Sink};
use super::turn;
use crate::event::{Event, EventKind};
use crate::model::SharedModel;
use crate::model::connect::encoder as encoder_of;
use crate::store::{Redactor, Store};
use crate::tools::Tools;

use recorded::Recorded;

/// How a replay went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Identical {
        events: u64,
        turns: u32,
    },
    /// The first event that came out otherwise. `expected` is the recorded line, `got` what the harness made of it; one of
    /// them is empty where the other has an event more.
    Diverged {
        seq: u64,
        expected: String,
        got: String,
    },
}

/// Why a session can not be replayed. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReplayError(pub String);

/// Replays a session of the store: the real loop on recorded contexts, model responses, tool results, times, ids, steering and
/// cancellation. Nothing is asked of a network, nothing is run, nothing is written. `tools` are those the session had:
/// [`Tools::default`] unless a program brought its own. `encoder` builds the requests; `None` takes the one of the
/// recorded provider.
pub async fn replay(
    store: &Store,
    session: &str,
    tools: &Tools,
    encoder: Option<SharedModel>,
) -> Result<Outcome, ReplayError> {
    let lines = store.lines(session).map_err(|error| ReplayError(format!("session {session}: {error}")))?;
    let mut events = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        match serde_json::from_str::<Event>(line) {
            Ok(event) => events.push(event),
            Err(_) => return Ok(diverged(index, line, "")),
        }
    }
    let tape = Arc::new(Tape { session: session.to_owned(), events, lines, position: Mutex::default() });
    let recorder = Arc::new(recorder(&tape));
    let mut turns = 0;
    loop {
        recorder.flush_interjections();
        if let Some(outcome) = tape.divergence() {
            return Ok(outcome);
        }
        let Some((index, event)) = tape.next() else { break };
        let EventKind::TurnStart(start) = &event.kind else {
            return Ok(diverged(index, tape.line(index), ""));
        };
        let model = match &encoder {
            Some(model) => Some(Arc::clone(model)),
            None => encoder_of(&start.provider, &start.model, start.window, start.effort),
        };
        if model.is_none() && tape.asks_a_model() {
            return Err(ReplayError(format!(
                "this version can not build requests for the provider `{}`: replay it from the program that brought it",
                start.provider
            )));
        }
        turns += 1;
        recorder.begin_turn(&event.turn, None);
        let world = Arc::new(Recorded::new(Arc::clone(&tape), index, start.clone(), model));
        turn::run(world, Arc::clone(&recorder), tools.clone(), || ()).await;
    }
    Ok(tape.divergence().unwrap_or(Outcome::Identical { events: tape.events.len() as u64, turns }))
}

/// A recorder that compares instead of writing, with the record's own times.
fn recorder(tape: &Arc<Tape>) -> Recorder {
    let (compared, interjected) = (Arc::clone(tape), Arc::clone(tape));
    Recorder::new(Setup {
        session: tape.session.clone(),
        clock: Arc::new(RecordedClock(Arc::clone(tape))),
        redactor: Arc::new(Redactor::default()),
        sink: Sink::Replay,
        observer: Some(Arc::new(move |event: &Event| {
            if event.kind.is_stored() {
                compared.compare(event);
            }
        })),
        interjections: Some(Box::new(move |_| interjected.interjection())),
    })
}

fn diverged(index: usize, expected: &str, got: &str) -> Outcome {
    Outcome::Diverged { seq: index as u64 + 1, expected: expected.to_owned(), got: got.to_owned() }
}

/// The record, and how far the replay has come in it.
struct Tape {
    session: String,
    events: Vec<Event>,
    /// The same, as they stand in the trace.
    lines: Vec<String>,
    position: Mutex<Position>,
}

#[derive(Default)]
struct Position {
    /// Index of the event that has to come next.
    next: usize,
    divergence: Option<Outcome>,
}

impl Tape {
    /// The event that has to come next, those passed over that come from outside a turn.
    fn next(&self) -> Option<(usize, &Event)> {
        self.after(self.with(|position| position.next))
    }

    /// The first event at `index` or behind it that a turn makes itself.
    fn after(&self, index: usize) -> Option<(usize, &Event)> {
        self.events.iter().enumerate().skip(index).find(|(_, event)| !comes_from_outside(&event.kind))
    }

    /// An event from outside the loop, if it stands next.
    fn interjection(&self) -> Option<(String, EventKind)> {
        let event = self.events.get(self.with(|position| position.next))?;
        comes_from_outside(&event.kind).then(|| (event.turn.clone(), event.kind.clone()))
    }

    fn compare(&self, event: &Event) {
        let got = serde_json::to_string(event).unwrap_or_default();
        let is_unfinished = !matches!(self.events.last().map(|event| &event.kind), Some(EventKind::TurnEnd(_)));
        self.with(|position| {
            let index = position.next;
            position.next += 1;
            match self.lines.get(index) {
                Some(line) if *line == got => {}
                // A process that died left a turn without an end; the harness gives it one.
                None if is_unfinished => {}
                expected => {
                    let expected = expected.map_or("", String::as_str);
                    position.divergence.get_or_insert_with(|| diverged(index, expected, &got));
                }
            }
        });
    }

    fn divergence(&self) -> Option<Outcome> {
        self.with(|position| position.divergence.clone())
    }

    fn line(&self, index: usize) -> &str {
        self.lines.get(index).map_or("", String::as_str)
    }

    fn asks_a_model(&self) -> bool {
        self.events.iter().any(|event| matches!(event.kind, EventKind::ModelRequest(_)))
    }

    fn with<R>(&self, look: impl FnOnce(&mut Position) -> R) -> R {
        look(&mut self.position.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the user or the disk put between a turn's own events.
fn comes_from_outside(kind: &EventKind) -> bool {
    match kind {
        EventKind::Review(_) => true,
        EventKind::Error(error) => error.code == "trace",
        _ => false,
    }
}

/// Gives each event the time it had.
struct RecordedClock(Arc<Tape>);

impl Clock for RecordedClock {
    fn now(&self) -> String {
        let next = self.0.with(|position| position.next);
        self.0.events.get(next).map(|event| event.time.clone()).unwrap_or_default()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn new_id(&self) -> String {
        String::new()
    }
}
