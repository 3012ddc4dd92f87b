//! A first look through a trace, for what the page tells before it comes to it: the turns, the answers to requests, what became of
//! hunks. It keeps numbers and a line per turn, never the texts.

use std::collections::{BTreeSet, HashMap};
use std::io;

use super::spent::Spent;
use super::turns::word;
use crate::cli::describe;
use crate::event::{Event, EventKind, ModelResponseReceived, ReviewDecision, StopReason, TurnStatus, Usage};

#[derive(Debug, Default)]
pub struct Overview {
    pub turns: Vec<TurnSeen>,
    /// What came back, for each request in order.
    pub answers: Vec<Option<Answered>>,
    /// The last decision on a hunk.
    pub decided: HashMap<String, (ReviewDecision, bool)>,
    /// `provider/model`, of all turns.
    pub models: BTreeSet<String>,
    /// Mode and permission mode, of all turns.
    pub modes: BTreeSet<String>,
    pub events: u64,
    /// What failed: calls, checks, and errors.
    pub failures: u64,
}

#[derive(Debug, Default)]
pub struct TurnSeen {
    /// Its task in one line.
    pub headline: String,
    pub status: Option<TurnStatus>,
    pub duration_ms: Option<u64>,
    pub spent: Spent,
}

#[derive(Clone, Copy, Debug)]
pub struct Answered {
    pub usage: Usage,
    pub cost: Option<f64>,
    pub ttft_ms: u64,
    pub latency_ms: u64,
    pub attempts: u32,
    pub stop_reason: StopReason,
    pub as_text: bool,
}

impl Overview {
    pub fn of(events: impl Iterator<Item = io::Result<Event>>) -> io::Result<Overview> {
        let mut overview = Overview::default();
        for event in events {
            overview.absorb(&event?);
        }
        Ok(overview)
    }

    fn absorb(&mut self, event: &Event) {
        self.events += 1;
        if let EventKind::TurnStart(start) = &event.kind {
            self.models.insert(format!("{}/{}", start.provider, start.model));
            self.modes.insert(format!("{}, permissions {}", word(&start.mode), word(&start.permission_mode)));
            self.turns.push(TurnSeen { headline: describe::headline(&start.task, 100), ..TurnSeen::default() });
        }
        match &event.kind {
            EventKind::ModelRequest(_) => self.answers.push(None),
            EventKind::ModelResponse(response) => {
                if let Some(answer @ None) = self.answers.last_mut() {
                    *answer = Some(Answered::of(response));
                }
            }
            EventKind::ToolResult(result) if !result.ok => self.failures += 1,
            EventKind::Check(check) if !check.ok && !check.not_run => self.failures += 1,
            EventKind::Error(_) => self.failures += 1,
            EventKind::Review(review) => {
                self.decided.insert(review.hunk.clone(), (review.decision, review.verified));
            }
            _ => {}
        }
        if let Some(turn) = self.turns.last_mut() {
            turn.spent.absorb(event);
            if let EventKind::TurnEnd(end) = &event.kind {
                turn.status = Some(end.status);
                turn.duration_ms = Some(end.duration_ms);
            }
        }
    }

    /// Of all turns that have ended.
    pub fn duration_ms(&self) -> u64 {
        self.turns.iter().filter_map(|turn| turn.duration_ms).fold(0, u64::saturating_add)
    }
}

impl Answered {
    fn of(response: &ModelResponseReceived) -> Answered {
        Answered {
            usage: response.usage,
            cost: response.cost,
            ttft_ms: response.ttft_ms,
            latency_ms: response.latency_ms,
            attempts: response.attempts,
            stop_reason: response.stop_reason,
            as_text: response.as_text,
        }
    }
}
