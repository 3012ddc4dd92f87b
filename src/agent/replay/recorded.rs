//! A turn's world as its record tells of it.
//!
//! Each answer is what stands next in the record. Where something else stands there, the recorded turn ended at this point:
//! so does this one, in the same way.

use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use serde_json::Value;

use super::Tape;
use crate::agent::calls::Call;
use crate::agent::compaction::notes_behind;
use crate::agent::policy::{End, Left};
use crate::agent::turn::unrun_because;
use crate::agent::world::{Answer, Connected, Executed, Hear, Heard, Printed, Proposed, World};
use crate::event::{
    CheckRan, ContextReceipt, ErrorReported, EventKind, ModelResponseReceived, PermissionDecided, ToolResultReturned,
    TurnEnd, TurnStart, TurnStatus,
};
use crate::model::SharedModel;

pub(super) struct Recorded {
    tape: Arc<Tape>,
    /// Index of the `turn_start`.
    index: usize,
    start: TurnStart,
    end: Option<TurnEnd>,
    model: Option<SharedModel>,
}

impl Recorded {
    /// The turn that begins at `index` with `start`.
    pub fn new(tape: Arc<Tape>, index: usize, start: TurnStart, model: Option<SharedModel>) -> Recorded {
        let end = tape.events.iter().skip(index).find_map(|event| match &event.kind {
            EventKind::TurnEnd(end) => Some(end.clone()),
            _ => None,
        });
        Recorded { tape, index, start, end, model }
    }

    fn next(&self) -> Option<(usize, &EventKind)> {
        // A replay that has gone astray has nothing more to hear.
        if self.tape.divergence().is_some() {
            return None;
        }
        self.tape.next().map(|(index, event)| (index, &event.kind))
    }

    fn status(&self) -> TurnStatus {
        self.end.as_ref().map_or(TurnStatus::Failed, |end| end.status)
    }

    /// The end of the recorded turn. Only a cancellation gives no reason.
    fn end_here(&self) -> End {
        match self.next() {
            Some((_, EventKind::Error(error))) => End { status: self.status(), error: Some(error.clone()) },
            _ => End::cancelled(),
        }
    }

    /// Whether a result is one that the end of the turn gave to an open call.
    fn closes(&self, result: &ToolResultReturned) -> bool {
        self.status() != TurnStatus::Done
            && !result.ok
            && result.duration_ms == 0
            && result.output == unrun_because(self.status())
    }

    /// The result that stands next, if it is one of these calls'.
    fn executed(&self, calls: &[Call]) -> Result<Executed, End> {
        match self.next() {
            Some((index, EventKind::ToolResult(result)))
                if calls.iter().any(|call| call.id == result.call) && !self.closes(result) =>
            {
                let plan = match self.tape.after(index + 1).map(|(_, event)| &event.kind) {
                    Some(EventKind::Plan { items }) => Some(items.clone()),
                    _ => None,
                };
                Ok(Executed { result: result.clone(), plan })
            }
            _ => Err(self.end_here()),
        }
    }

    fn answer(&self, hear: &Hear<'_>) -> Result<Answer, End> {
        let mut errors: Vec<ErrorReported> = Vec::new();
        let mut place = self.next();
        while let Some((index, EventKind::Error(error))) = place {
            errors.push(error.clone());
            place = self.tape.after(index + 1).map(|(index, event)| (index, &event.kind));
        }
        let result = match place {
            Some((_, EventKind::ModelResponse(response))) => Ok(answer(response)),
            _ if self.status() == TurnStatus::Cancelled => Err(End::cancelled()),
            _ => {
                Err(errors.pop().map_or_else(End::cancelled, |error| End { status: self.status(), error: Some(error) }))
            }
        };
        errors.into_iter().for_each(|notice| hear(Heard::Notice(notice)));
        result
    }
}

impl World for Recorded {
    fn begin(&self) -> BoxFuture<'_, (TurnStart, Result<SharedModel, End>)> {
        let model = match (self.tape.after(self.index + 1).map(|(_, event)| &event.kind), &self.model) {
            (Some(EventKind::Context(_) | EventKind::Mcp(_) | EventKind::Permission(_)), Some(model)) => {
                Ok(Arc::clone(model))
            }
            (Some(EventKind::Error(error)), _) => Err(End { status: self.status(), error: Some(error.clone()) }),
            _ => Err(End::cancelled()),
        };
        Box::pin(std::future::ready((self.start.clone(), model)))
    }

    fn connect(&self) -> BoxFuture<'_, Result<Option<Connected>, End>> {
        let mut decided = Vec::new();
        let mut place = self.next();
        while let Some((index, EventKind::Permission(permission))) = place {
            decided.push(permission.clone());
            place = self.tape.after(index + 1).map(|(index, event)| (index, &event.kind));
        }
        let connected = match place {
            Some((_, EventKind::Mcp(servers))) => Some(Connected { decided, servers: servers.clone() }),
            _ => None,
        };
        Box::pin(std::future::ready(Ok(connected)))
    }

    fn context(&self) -> BoxFuture<'_, Result<ContextReceipt, End>> {
        let receipt = match self.next() {
            Some((_, EventKind::Context(receipt))) => Ok(receipt.clone()),
            _ => Err(self.end_here()),
        };
        Box::pin(std::future::ready(receipt))
    }

    fn proceed(&self) -> Result<(), End> {
        match self.next() {
            Some((_, EventKind::ToolCall(_) | EventKind::Permission(_))) => Ok(()),
            Some((_, EventKind::ToolResult(result))) if !self.closes(result) => Ok(()),
            _ => Err(self.end_here()),
        }
    }

    fn steering(&self, last: bool) -> Result<Vec<String>, End> {
        let mut messages = Vec::new();
        let mut place = self.next();
        while let Some((index, EventKind::Steer { message })) = place {
            messages.push(message.clone());
            place = self.tape.after(index + 1).map(|(index, event)| (index, &event.kind));
        }
        if !messages.is_empty() {
            return Ok(messages);
        }
        match place {
            // The history may be made shorter before it.
            Some((_, EventKind::ModelRequest(_) | EventKind::Compaction(_))) => Ok(messages),
            // What the loop decides by itself.
            Some((_, EventKind::Error(error)))
                if matches!(error.code.as_str(), "limit" | "length" | "content_filter") =>
            {
                Ok(messages)
            }
            Some((_, EventKind::Error(_))) | None => Err(self.end_here()),
            Some(_) if last && self.status() != TurnStatus::Cancelled => Ok(messages),
            Some(_) => Err(self.end_here()),
        }
    }

    fn respond<'a>(
        &'a self,
        _body: Value,
        _printed: Printed<'a>,
        hear: &'a Hear<'a>,
    ) -> BoxFuture<'a, Result<Answer, End>> {
        Box::pin(async move { self.answer(hear) })
    }

    fn notes<'a>(&'a self, _gone: &'a str, summary: &'a str) -> BoxFuture<'a, Option<String>> {
        let notes = match self.next() {
            Some((_, EventKind::Compaction(kept))) => notes_behind(summary, kept),
            _ => None,
        };
        Box::pin(async move { notes })
    }

    fn permit<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Option<PermissionDecided>, End>> {
        let is_of_call =
            |decided: &PermissionDecided| decided.tool == call.tool && Some(&decided.input) == call.input.as_ref().ok();
        let decided = match self.next() {
            Some((_, EventKind::Permission(decided))) if is_of_call(decided) => Ok(Some(decided.clone())),
            // That of a call behind it, which is made side by side.
            Some((_, EventKind::ToolCall(_) | EventKind::Permission(_))) => Ok(None),
            Some((_, EventKind::ToolResult(result))) if !self.closes(result) => Ok(None),
            _ => Err(self.end_here()),
        };
        Box::pin(std::future::ready(decided))
    }

    fn execute(&self, calls: Vec<Call>, _left: Left) -> BoxStream<'_, Result<Executed, End>> {
        let open = calls.len();
        stream::unfold((open, calls), move |(open, calls)| async move {
            let open = open.checked_sub(1)?;
            let executed = self.executed(&calls);
            let open = if executed.is_ok() { open } else { 0 };
            Some((executed, (open, calls)))
        })
        .boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<Vec<CheckRan>, End>> {
        // What stands between two rounds of checks is a request.
        let mut round = Vec::new();
        let mut place = self.next();
        while let Some((index, EventKind::Check(check))) = place {
            round.push(check.clone());
            place = self.tape.after(index + 1).map(|(index, event)| (index, &event.kind));
        }
        Box::pin(std::future::ready(Ok(round)))
    }

    fn proposal(&self) -> BoxFuture<'_, Option<Proposed>> {
        let proposed = match self.next() {
            Some((_, EventKind::Proposal { files, checks })) => {
                Some(Proposed { files: files.clone(), checks: checks.clone() })
            }
            _ => None,
        };
        Box::pin(std::future::ready(proposed))
    }

    fn elapsed_ms(&self) -> u64 {
        self.end.as_ref().map_or(0, |end| end.duration_ms)
    }
}

fn answer(response: &ModelResponseReceived) -> Answer {
    Answer {
        text: response.text.clone(),
        reasoning: response.reasoning.clone(),
        tool_calls: response.tool_calls.clone(),
        stop_reason: response.stop_reason,
        usage: response.usage,
        cost: response.cost,
        ttft_ms: response.ttft_ms,
        latency_ms: response.latency_ms,
        attempts: response.attempts,
        opaque: response.opaque.clone(),
        as_text: response.as_text,
    }
}
