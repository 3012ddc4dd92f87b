//! When a turn must end: limits on steps, tokens and time, and calls or text that repeat themselves.

use std::collections::HashMap;
use std::time::Duration;

use crate::context::estimate_tokens;
use crate::event::{ErrorReported, ToolCallRequested, TurnLimits, TurnStatus, Usage};
use crate::model::ModelError;
use crate::model::known::rounded;
use crate::tools::Effect;

/// Calls of one response that are run; the rest is refused.
pub(in crate::agent) const CALLS_PER_RESPONSE: usize = 128;

/// The same call this often is told to the model, …
const TOLD: u32 = 3;

/// … and this often ends the turn.
const ENDED: u32 = 5;

/// Bytes of text a response may have.
const LONGEST_TEXT: usize = 1024 * 1024;

/// The code of the notice that a limit of cost does not hold.
pub(in crate::agent) const COST_UNKNOWN: &str = "cost_unknown";

/// How a turn ended, and what the user is told about it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::agent) struct End {
    pub status: TurnStatus,
    pub error: Option<ErrorReported>,
}

impl End {
    pub fn done() -> End {
        End { status: TurnStatus::Done, error: None }
    }

    pub fn cancelled() -> End {
        End { status: TurnStatus::Cancelled, error: None }
    }

    pub fn failed(code: &str, message: impl Into<String>, retryable: bool) -> End {
        End { status: TurnStatus::Failed, error: Some(error(code, message.into(), retryable)) }
    }

    /// The model said nothing for so long.
    pub fn silent(seconds: u64) -> End {
        End::failed(
            "idle",
            format!(
                "the model said nothing for {seconds} s (limits.model_idle_timeout_s): is its server busy? Ask again, or allow \
                 more time"
            ),
            true,
        )
    }

    pub fn limit(code: &str, message: impl Into<String>) -> End {
        End { status: TurnStatus::Limit, error: Some(error(code, message.into(), false)) }
    }
}

/// An attempt failed, and another follows.
pub(in crate::agent) fn retried(attempt: u32, wait: Duration, failed: ModelError) -> ErrorReported {
    let message = format!("{}; attempt {attempt} follows in {} s", failed.message, wait.as_secs_f32().ceil());
    ErrorReported { code: failed.kind.code().to_owned(), message, retryable: true }
}

fn error(code: &str, message: String, retryable: bool) -> ErrorReported {
    ErrorReported { code: code.to_owned(), message, retryable }
}

/// What a turn has used, and whether it may go on.
#[derive(Debug)]
pub(in crate::agent) struct Policy {
    limits: TurnLimits,
    requests: u32,
    tokens: u64,
    cost: f64,
    children: u32,
    /// The request after which a subagent too many was refused for the first time.
    refused_child: Option<u32>,
    calls: HashMap<String, Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    times: u32,
    /// `None` for a call that could not be run.
    effect: Option<Effect>,
}

impl Policy {
    pub fn new(limits: TurnLimits) -> Policy {
        Policy { limits, requests: 0, tokens: 0, cost: 0.0, children: 0, refused_child: None, calls: HashMap::new() }
    }

    /// Counts one more request of the model, if the limits allow one; its number in the turn.
    pub fn admit_request(&mut self) -> Result<u32, End> {
        if self.requests >= self.limits.steps {
            return Err(End::limit(
                "limit",
                format!(
                    "stopped after {} model requests (limits.max_steps): ask again to go on from here",
                    self.requests
                ),
            ));
        }
        if let Some(most) = self.limits.tokens.filter(|most| self.tokens >= *most) {
            return Err(End::limit(
                "limit",
                format!(
                    "stopped after {} tokens of {most} (limits.max_tokens): ask again to go on from here",
                    self.tokens
                ),
            ));
        }
        if let Some(most) = self.limits.cost.filter(|most| self.cost >= *most) {
            return Err(End::limit(
                "limit",
                format!("stopped after ${:.4} of ${most} (limits.max_cost): ask again to go on from here", self.cost),
            ));
        }
        self.requests += 1;
        Ok(self.requests)
    }

    /// Whether [`Policy::admit_request`] would allow one more.
    pub fn has_request_left(&self) -> bool {
        self.requests < self.limits.steps
            && self.limits.tokens.is_none_or(|most| self.tokens < most)
            && self.limits.cost.is_none_or(|most| self.cost < most)
    }

    /// Counts tokens, input and output together, and dollars where what they cost is known.
    pub fn spend(&mut self, tokens: u64, cost: Option<f64>) {
        self.tokens = self.tokens.saturating_add(tokens);
        self.cost = rounded(self.cost + cost.unwrap_or_default());
    }

    /// What the turn may still use.
    pub fn left(&self) -> Left {
        Left {
            tokens: self.limits.tokens.map(|most| most.saturating_sub(self.tokens)),
            cost: self.limits.cost.map(|most| rounded((most - self.cost).max(0.0))),
        }
    }

    /// Counts one more subagent. One too many is refused, with what the model is told; a model that asks for one again, in a later
    /// response, ends the turn.
    pub fn admit_child(&mut self) -> Result<Option<String>, End> {
        let most = self.limits.children;
        if self.children < most {
            self.children += 1;
            return Ok(None);
        }
        if *self.refused_child.get_or_insert(self.requests) == self.requests {
            return Ok(Some(format!(
                "not run: this turn has started {most} subagents, and may not start more (limits.max_children). Do the rest \
                 yourself, or answer with what you have."
            )));
        }
        Err(End::limit(
            "limit",
            format!("stopped after {most} subagents (limits.max_children): ask again to go on from here"),
        ))
    }

    /// Counts one more call. A call that was made before is told so in its result; too many end the turn. That covers loops of
    /// any length: two calls that take turns are each counted.
    pub fn admit_call(&mut self, fingerprint: &str, effect: Option<Effect>) -> Result<Option<String>, End> {
        let seen = self.calls.entry(fingerprint.to_owned()).or_insert(Seen { times: 0, effect });
        seen.times += 1;
        let tool = fingerprint.split(' ').next().unwrap_or_default();
        match seen.times {
            0..TOLD => Ok(None),
            TOLD..ENDED => Ok(Some(format!(
                "[{} times now the same call with the same arguments. It will not come out otherwise: try something else, or \
                 answer with what you have.]",
                seen.times
            ))),
            _ => Err(End::limit(
                "loop",
                format!(
                    "stopped: the model made the same call of `{tool}` {ENDED} times. Say what it should do instead"
                ),
            )),
        }
    }

    /// A call succeeded. A change that had not been made before makes it worth looking again at what was seen already.
    pub fn succeeded(&mut self, fingerprint: &str) {
        let is_new_change = self
            .calls
            .get(fingerprint)
            .is_some_and(|seen| seen.times == 1 && matches!(seen.effect, Some(Effect::Edits | Effect::Runs)));
        if is_new_change {
            self.calls.retain(|_, seen| matches!(seen.effect, Some(Effect::Edits | Effect::Runs) | None));
        }
    }
}

/// What a turn may still use; `None` where there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::agent) struct Left {
    pub tokens: Option<u64>,
    /// US dollars.
    pub cost: Option<f64>,
}

impl Left {
    /// The same part of it for each of `count`.
    pub fn divided(self, count: usize) -> Left {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        Left {
            tokens: self.tokens.map(|tokens| tokens / u64::from(count)),
            cost: self.cost.map(|cost| rounded(cost / f64::from(count))),
        }
    }
}

/// The notice that a limit of cost does not hold for this model.
pub(in crate::agent) fn cost_unknown(model: &str) -> ErrorReported {
    error(
        COST_UNKNOWN,
        format!(
            "limits.max_cost is set and does not hold: what `{model}` costs is not known. Set limits.max_tokens to bound what a \
             turn may use"
        ),
        false,
    )
}

/// The tokens of one answer that count. Providers that count nothing are counted for: a limit must hold with them too.
pub(in crate::agent) fn tokens_of(
    usage: Usage,
    text: &str,
    reasoning: &str,
    calls: &[ToolCallRequested],
    request_estimate: u64,
) -> u64 {
    let counted = usage.input.saturating_add(usage.output);
    if counted > 0 {
        return counted;
    }
    let arguments: u64 = calls.iter().map(|call| estimate_tokens(&call.arguments)).sum();
    request_estimate + estimate_tokens(text) + estimate_tokens(reasoning) + arguments
}

/// Watches streamed text for a model that can not stop.
#[derive(Debug, Default)]
pub(in crate::agent) struct TextGuard {
    text: String,
    checked: usize,
}

impl TextGuard {
    /// How often the tail is looked at, in bytes.
    const STRIDE: usize = 4 * 1024;
    /// Bytes at the end that must repeat.
    const TAIL: usize = 16 * 1024;
    /// The longest repeated piece that is recognised.
    const PIECE: usize = 1024;

    /// Takes in what was streamed; the reason to stop, if there is one.
    pub fn push(&mut self, delta: &str) -> Result<(), End> {
        self.text.push_str(delta);
        if self.text.len() > LONGEST_TEXT {
            return Err(End::limit(
                "too_large",
                format!("stopped: the model wrote more than {LONGEST_TEXT} bytes in one answer"),
            ));
        }
        if self.text.len() >= self.checked + TextGuard::STRIDE {
            self.checked = self.text.len();
            if repeats(self.text.as_bytes()) {
                return Err(End::limit("loop", "stopped: the model wrote the same words over and over"));
            }
        }
        Ok(())
    }
}

/// Whether the tail of `text` is one short piece again and again.
fn repeats(text: &[u8]) -> bool {
    let Some(tail) = text.len().checked_sub(TextGuard::TAIL).and_then(|start| text.get(start..)) else { return false };
    let newest_first = || tail.iter().rev();
    (1..=TextGuard::PIECE)
        .any(|piece| newest_first().skip(piece).zip(newest_first()).all(|(older, newer)| older == newer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(steps: u32, tokens: Option<u64>) -> Policy {
        Policy::new(TurnLimits { steps, tokens, ..TurnLimits::default() })
    }

    /// Calls by letter (capitals edit, the rest reads); `told` and `ended` give where the policy spoke, counted from 1.
    fn check(calls: &str, told: &[usize], ended: Option<usize>) {
        let mut policy = policy(1, None);
        let mut notes = Vec::new();
        for (number, call) in calls.chars().enumerate() {
            let effect = if call.is_uppercase() { Effect::Edits } else { Effect::Reads };
            match policy.admit_call(&call.to_string(), Some(effect)) {
                Ok(Some(_)) => notes.push(number + 1),
                Ok(None) => {}
                Err(_) => {
                    assert_eq!((notes.as_slice(), Some(number + 1)), (told, ended), "{calls}");
                    return;
                }
            }
            policy.succeeded(&call.to_string());
        }
        assert_eq!((notes.as_slice(), None), (told, ended), "{calls}");
    }

    #[test]
    fn m12_the_same_call_is_told_and_then_ends_the_turn() {
        check("aaaaa", &[3, 4], Some(5));
        check("ababababab", &[5, 6, 7, 8], Some(9));
        check("abcabcabcabcabc", &[7, 8, 9, 10, 11, 12], Some(13));
        check("abcdefgh", &[], None);
    }

    #[test]
    fn looking_again_after_a_new_change_is_no_loop() {
        check("aAaBaCaDaEaFa", &[], None);
        // Changes that go back and forth are one.
        check("aAaBaAaBaAaBaAaB", &[9, 10, 11, 12], Some(13));
        check("AAAAA", &[3, 4], Some(5));
    }

    #[test]
    fn limits_of_steps_and_tokens() {
        let mut steps = policy(2, None);
        assert_eq!((steps.admit_request(), steps.admit_request()), (Ok(1), Ok(2)));
        assert_eq!(steps.admit_request().unwrap_err().status, TurnStatus::Limit);

        let mut tokens = policy(9, Some(100));
        assert_eq!(tokens.admit_request(), Ok(1));
        tokens.spend(99, None);
        assert_eq!(tokens.admit_request(), Ok(2));
        tokens.spend(1, None);
        assert!(tokens.admit_request().unwrap_err().error.unwrap().message.contains("max_tokens"));
    }

    #[test]
    fn a_limit_of_cost_holds_where_the_cost_is_known() {
        let mut policy = Policy::new(TurnLimits { steps: 9, cost: Some(0.5), ..TurnLimits::default() });
        policy.spend(1_000, None);
        policy.spend(1_000, Some(0.25));
        assert_eq!(policy.left().divided(2), Left { tokens: None, cost: Some(0.125) });
        assert!(policy.has_request_left() && policy.admit_request().is_ok());
        policy.spend(1_000, Some(0.25));
        assert!(!policy.has_request_left());
        let end = policy.admit_request().unwrap_err();
        assert_eq!(
            (end.status, end.error.unwrap().message.as_str()),
            (TurnStatus::Limit, "stopped after $0.5000 of $0.5 (limits.max_cost): ask again to go on from here")
        );
    }

    #[test]
    fn a_subagent_too_many_is_refused_and_the_next_ends_the_turn() {
        let mut policy = Policy::new(TurnLimits { steps: 9, children: 1, ..TurnLimits::default() });
        policy.admit_request().unwrap();
        assert_eq!(policy.admit_child(), Ok(None));
        assert!(policy.admit_child().unwrap().unwrap().contains("limits.max_children"));
        assert!(policy.admit_child().unwrap().is_some());
        policy.admit_request().unwrap();
        assert_eq!(policy.admit_child().unwrap_err().status, TurnStatus::Limit);
    }

    #[test]
    fn m12_endless_text_is_stopped() {
        let endless = |piece: &str| {
            let mut guard = TextGuard::default();
            (1..=1_000_000).find(|_| guard.push(piece).is_err()).map(|times| times * piece.len())
        };
        assert!(endless("a").unwrap() <= 24 * 1024);
        assert!(endless("the same words over and over, é. ").unwrap() <= 24 * 1024);

        let mut guard = TextGuard::default();
        let table: Vec<String> = (0..20_000).map(|row| format!("| row {row} | value |\n")).collect();
        assert!(table.iter().all(|row| guard.push(row).is_ok()));
        assert_eq!(
            (0..1_000_000).find_map(|n| guard.push(&format!("{n} ")).err()).unwrap().error.unwrap().code,
            "too_large"
        );
    }
}
