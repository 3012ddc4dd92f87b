//! One answer of the model: streamed to whoever listens, and taken in without secrets and no larger than it may be.
//!
//! It must never run a call: what the model wants done is looked at when its answer has ended.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::Value;

use super::{Live, failed, millis};
use crate::agent::cost::cost_of;
use crate::agent::kept::cut;
use crate::agent::manual::{may_print, with_printed_calls};
use crate::agent::policy::{End, TextGuard, retried};
use crate::agent::world::{Answer, Hear, Heard, Printed};
use crate::context::estimate_tokens;
use crate::event::{ErrorReported, ToolCallRequested, ToolForm, Usage};
use crate::model::printed::Held;
use crate::model::{Collector, Delta, Model, ModelErrorKind, Response, SharedModel};
use crate::tools::arguments;

/// Calls that one response may hold at all; what is beyond a model that went astray.
const MAX_CALLS: usize = 1024;

impl Live {
    pub(super) async fn stream(
        &self,
        model: SharedModel,
        body: Value,
        printed: Printed<'_>,
        hear: &Hear<'_>,
    ) -> Result<Answer, End> {
        let began = Instant::now();
        let mut first = None;
        let mut collector = Collector::default();
        let mut guard = TextGuard::default();
        // What may be a call is not shown as words.
        let mut held =
            may_print(model.name(), printed).then(|| Held::new(printed.tools, printed.form == ToolForm::Whole));
        let estimate = estimate_tokens(&body.to_string());
        let mut deltas = model.send(body);
        let idle = Duration::from_secs(self.limits.idle_seconds.max(1));
        loop {
            let delta = match self.or_end(tokio::time::timeout(idle, deltas.next())).await? {
                Ok(Some(Ok(delta))) => delta,
                Ok(Some(Err(error))) => return Err(failed(&error)),
                Ok(None) => break,
                Err(_) => return Err(End::silent(self.limits.idle_seconds)),
            };
            collector.push(&delta);
            match delta {
                Delta::Text(text) => {
                    first.get_or_insert_with(|| began.elapsed());
                    guard.push(&text)?;
                    let shown = held.as_mut().map_or_else(|| text.clone(), |held| held.push(&text));
                    if !shown.is_empty() {
                        hear(Heard::Text(shown));
                    }
                }
                Delta::Reasoning(text) => {
                    first.get_or_insert_with(|| began.elapsed());
                    guard.push(&text)?;
                    hear(Heard::Reasoning(text));
                }
                Delta::ToolCall { .. } => {
                    first.get_or_insert_with(|| began.elapsed());
                }
                Delta::Usage(_) | Delta::Opaque(_) => {}
                Delta::Notice(error) => {
                    let is_cut = error.kind == ModelErrorKind::ContextLength;
                    if is_cut && self.told_cut.swap(true, Ordering::Relaxed) {
                        continue;
                    }
                    hear(Heard::Notice(ErrorReported {
                        code: error.kind.code().to_owned(),
                        message: error.message,
                        retryable: false,
                    }));
                }
                Delta::Retry { attempt, wait, error } => hear(Heard::Notice(retried(attempt, wait, error))),
                Delta::Stop(_) => break,
            }
        }
        let latency = began.elapsed();
        match collector.finish() {
            Ok(response) => {
                self.tell_cut(&*model, response.usage, hear);
                let cost = cost_of(model.price(), &response, estimate);
                let (response, as_text) = with_printed_calls(response, model.name(), printed);
                let rest = held.map(|held| held.finish(as_text)).filter(|rest| !rest.is_empty());
                rest.into_iter().for_each(|rest| hear(Heard::Text(rest)));
                let answer = self.take_in(response, first.unwrap_or(latency), latency)?;
                Ok(Answer { cost, as_text, ..answer })
            }
            Err(_) => Err(End::failed(
                "cut",
                format!("the answer of {} ended before it was whole: ask again", model.name()),
                true,
            )),
        }
    }

    /// Tells, once in a turn, where the model has read less than it was sent.
    fn tell_cut(&self, model: &dyn Model, usage: Usage, hear: &Hear<'_>) {
        let Some(cut) = self.session.recorder().with_meter(|meter| meter.judge(usage.input)) else { return };
        if self.told_cut.swap(true, Ordering::Relaxed) {
            return;
        }
        let message = cut.told(model.name(), model.window());
        let code = ModelErrorKind::ContextLength.code().to_owned();
        hear(Heard::Notice(ErrorReported { code, message, retryable: false }));
    }

    /// The response as the rest of the harness may see it: without secrets, and no larger than it may be.
    fn take_in(&self, response: Response, ttft: Duration, latency: Duration) -> Result<Answer, End> {
        let Response { text, reasoning, tool_calls, stop_reason, usage, attempts, opaque } = response;
        if tool_calls.len() > MAX_CALLS {
            return Err(End::failed(
                "too_large",
                format!(
                    "the model made {} tool calls in one response: none was run. Ask again, in smaller steps",
                    tool_calls.len()
                ),
                true,
            ));
        }
        let mut unredacted = HashMap::new();
        let tool_calls = tool_calls
            .into_iter()
            .enumerate()
            .map(|(index, call)| ToolCallRequested {
                id: cut(call.id, 256),
                name: cut(call.name, 256),
                arguments: self.redact_arguments(
                    index,
                    cut(call.arguments, arguments::MAX_ARGUMENTS + 1),
                    &mut unredacted,
                ),
            })
            .collect();
        *self.unredacted.lock().unwrap_or_else(PoisonError::into_inner) = unredacted;
        Ok(Answer {
            text: self.redactor().redact(&text).into_owned(),
            reasoning: self.redactor().redact(&reasoning).into_owned(),
            tool_calls,
            stop_reason,
            usage,
            cost: None,
            ttft_ms: millis(ttft),
            latency_ms: millis(latency),
            attempts,
            // With a secret in it, it is not kept: it may neither be masked nor written.
            opaque: opaque.filter(|opaque| self.redactor().is_clean(opaque)),
            as_text: false,
        })
    }

    /// Arguments without secrets. Those that had one are kept beside, for the tool that is meant.
    fn redact_arguments(&self, index: usize, arguments: String, unredacted: &mut HashMap<usize, Value>) -> String {
        match arguments::parse(&arguments) {
            Ok(value) => {
                let mut clean = value.clone();
                if self.redactor().redact_value(&mut clean) {
                    unredacted.insert(index, value);
                    return clean.to_string();
                }
                arguments
            }
            Err(_) => self.redactor().redact(&arguments).into_owned(),
        }
    }
}
