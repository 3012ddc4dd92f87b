//! What the time of a turn went into, by the times of its events: what lies between two of them belongs to what was at work then.
//!
//! The parts never overlap and together are the turn: of calls that ran side by side each moment counts once.

use crate::event::{DecidedBy, Event, EventKind};

/// What a turn was at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Model,
    Tools,
    Checks,
    /// A question waited for its answer.
    You,
    Other,
}

impl Doing {
    pub const ALL: [Doing; 5] = [Doing::Model, Doing::Tools, Doing::Checks, Doing::You, Doing::Other];

    pub fn words(self) -> &'static str {
        match self {
            Doing::Model => "model",
            Doing::Tools => "tools",
            Doing::Checks => "checks",
            Doing::You => "waiting for you",
            Doing::Other => "between",
        }
    }

    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            Doing::Model => "model",
            Doing::Tools => "tools",
            Doing::Checks => "checks",
            Doing::You => "you",
            Doing::Other => "other",
        }
    }
}

/// The time of one turn, event by event.
#[derive(Clone, Debug, Default)]
pub struct Spent {
    /// Stretches in order, in milliseconds; neighbours differ in what they went into.
    pub stretches: Vec<(Doing, u64)>,
    /// Of the event before, in milliseconds.
    at: Option<i64>,
    requested: bool,
    /// Calls that run, each with whether it asks the user.
    running: Vec<(String, bool)>,
    ended: bool,
}

impl Spent {
    /// Counts the time up to `event`. One whose time can not be read counts for nothing, nor does a clock that goes back.
    pub fn absorb(&mut self, event: &Event) {
        if self.ended {
            return;
        }
        if let Ok(time) = event.time.parse::<jiff::Timestamp>() {
            let now = time.as_millisecond();
            let passed = self.at.map_or(0, |at| u64::try_from(now.saturating_sub(at)).unwrap_or_default());
            self.add(self.doing_before(&event.kind), passed);
            self.at = Some(now);
        }
        match &event.kind {
            EventKind::ModelRequest(_) => self.requested = true,
            EventKind::ModelResponse(_) => self.requested = false,
            // One that is tried again is still out.
            EventKind::Error(error) if !error.retryable => self.requested = false,
            EventKind::ToolCall(call) => self.running.push((call.call.clone(), call.tool == "ask_user")),
            EventKind::ToolResult(result) => self.running.retain(|(call, _)| *call != result.call),
            EventKind::TurnEnd(_) => self.ended = true,
            _ => {}
        }
    }

    pub fn total(&self) -> u64 {
        self.stretches.iter().fold(0, |sum, (_, time)| sum.saturating_add(*time))
    }

    pub fn of(&self, doing: Doing) -> u64 {
        let times = self.stretches.iter().filter(|(what, _)| *what == doing);
        times.fold(0, |sum, (_, time)| sum.saturating_add(*time))
    }

    /// What was at work until `next` happened.
    fn doing_before(&self, next: &EventKind) -> Doing {
        match next {
            EventKind::Permission(decided) if matches!(decided.by, DecidedBy::User | DecidedBy::Timeout) => Doing::You,
            _ if self.requested => Doing::Model,
            _ if !self.running.is_empty() && self.running.iter().all(|(_, asks)| *asks) => Doing::You,
            _ if !self.running.is_empty() => Doing::Tools,
            EventKind::Check(_) => Doing::Checks,
            _ => Doing::Other,
        }
    }

    fn add(&mut self, doing: Doing, time: u64) {
        match self.stretches.last_mut() {
            _ if time == 0 => {}
            Some((last, sum)) if *last == doing => *sum = sum.saturating_add(time),
            _ => self.stretches.push((doing, time)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(events: &[(&str, Value)], expected: &[(Doing, u64)]) {
        let mut spent = Spent::default();
        for (second, event) in events {
            let mut line =
                json!({"v": 1, "session": "s", "turn": "t", "seq": 1, "time": format!("2026-11-03T10:00:{second}Z")});
            let fields = event.as_object().unwrap().clone();
            line.as_object_mut().unwrap().extend(fields);
            spent.absorb(&serde_json::from_value(line).unwrap());
        }
        assert_eq!(spent.stretches, expected);
    }

    fn call(id: &str, tool: &str) -> Value {
        json!({"type": "tool_call", "call": id, "tool": tool, "input": {}})
    }

    fn result(id: &str) -> Value {
        json!({"type": "tool_result", "call": id, "tool": "x", "ok": true, "output": "", "truncated": false,
               "duration_ms": 0})
    }

    fn request() -> Value {
        json!({"type": "model_request", "request": 1, "tokens_estimate": 1})
    }

    fn response() -> Value {
        json!({"type": "model_response", "request": 1, "text": "", "tool_calls": [], "stop_reason": "end",
               "usage": {"input": 0, "output": 0, "cached": 0}, "ttft_ms": 0, "latency_ms": 0, "attempts": 1})
    }

    #[test]
    fn each_moment_counts_once() {
        let asked = json!({"type": "permission", "tool": "shell", "input": {}, "decision": "allow", "by": "user"});
        let checked = json!({"type": "check", "command": "x", "ok": true, "output": ""});
        let events = [
            ("00.000", request()),
            ("02.000", response()),
            ("05.000", asked),
            // Two calls side by side, three seconds together.
            ("05.100", call("a", "shell")),
            ("06.100", call("b", "read_file")),
            ("07.100", result("a")),
            ("08.100", result("b")),
            ("09.100", checked),
            ("09.200", call("c", "ask_user")),
            ("12.200", result("c")),
        ];
        let expected = [
            (Doing::Model, 2000),
            (Doing::You, 3000),
            (Doing::Other, 100),
            (Doing::Tools, 3000),
            (Doing::Checks, 1000),
            (Doing::Other, 100),
            (Doing::You, 3000),
        ];
        check(&events, &expected);
    }

    #[test]
    fn r07_a_clock_that_goes_back_counts_for_nothing() {
        check(&[("10.000", request()), ("03.000", response()), ("04.000", request())], &[(Doing::Other, 1000)]);
    }
}
