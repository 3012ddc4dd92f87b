//! From the lines of a response of `/api/chat` to deltas, and whether the prompt was read whole.

use serde_json::{Value, json};

use crate::model::calls::Calls;
use crate::model::http::{Decode, Endpoint, Framing};
use crate::model::json::{parse, text, tokens};
use crate::model::remote::Asked;
use crate::model::surrogates::Joiner;
use crate::model::{Delta, ModelError, ModelErrorKind, StopReason, Usage, sse};

/// No text has as many bytes to a token as this, blanks and words alike: fewer tokens than that were not all of it.
const MOST_BYTES_PER_TOKEN: usize = 10;

/// A prompt that is shorter than this is nothing to be cut.
const SHORTEST: usize = 4096;

/// Decodes one response.
pub struct Decoder {
    asked: Asked,
    text: Joiner,
    thinking: Joiner,
    calls: Calls,
    usage: Usage,
    reason: Option<StopReason>,
}

impl Decoder {
    pub fn new(asked: Asked) -> Decoder {
        Decoder {
            text: Joiner::default(),
            thinking: Joiner::default(),
            calls: Calls::new(&asked.seed),
            usage: Usage::default(),
            reason: None,
            asked,
        }
    }
}

impl Decode for Decoder {
    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn event(&mut self, line: &sse::Event) -> Result<Vec<Delta>, ModelError> {
        let Some(said) = parse(&line.data).filter(Value::is_object) else {
            return Err(self.asked.not_the_api());
        };
        if said.get("error").is_some_and(|error| !error.is_null()) {
            return Err(self.asked.complaint(&said));
        }
        let is_done = said.get("done").and_then(Value::as_bool);
        if said.get("message").is_none() && is_done.is_none() {
            return Err(self.asked.not_the_api());
        }
        let mut deltas = Vec::new();
        if let Some(message) = said.get("message") {
            let thinking = self.thinking.push(text(message, "thinking")).into_owned();
            deltas.extend((!thinking.is_empty()).then_some(Delta::Reasoning(thinking)));
            let content = self.text.push(text(message, "content")).into_owned();
            deltas.extend((!content.is_empty()).then_some(Delta::Text(content)));
            for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
                // Each is whole.
                let function = call.get("function").cloned().unwrap_or_default();
                deltas.extend(self.calls.push(&json!({"id": call.get("id"), "function": function}))?);
            }
        }
        if is_done == Some(true) {
            self.usage = Usage {
                input: tokens(said.get("prompt_eval_count")),
                output: tokens(said.get("eval_count")),
                ..Usage::default()
            };
            self.reason = Some(match text(&said, "done_reason") {
                "" | "stop" => StopReason::End,
                "length" => StopReason::Length,
                _ => StopReason::Unknown,
            });
        }
        Ok(deltas)
    }

    /// A response that does not stream is one line.
    fn whole(&mut self, body: &[u8]) -> Result<Vec<Delta>, ModelError> {
        self.event(&sse::Event { name: String::new(), data: String::from_utf8_lossy(body).into_owned() })
    }

    fn is_done(&self) -> bool {
        self.reason.is_some()
    }

    fn finish(&mut self) -> Option<Vec<Delta>> {
        let reason = match self.reason? {
            StopReason::End if !self.calls.is_empty() => StopReason::ToolCalls,
            reason => reason,
        };
        let mut deltas = Vec::new();
        deltas.extend(self.thinking.finish().map(|rest| Delta::Reasoning(rest.to_owned())));
        deltas.extend(self.text.finish().map(|rest| Delta::Text(rest.to_owned())));
        deltas.extend(self.calls.finish());
        if self.usage != Usage::default() {
            deltas.push(Delta::Usage(self.usage));
        }
        if was_cut(self.asked.size, self.usage.input) {
            deltas.push(Delta::Notice(cut(&self.asked, self.usage.input)));
        }
        deltas.push(Delta::Stop(reason));
        Some(deltas)
    }
}

/// The fewest tokens that a prompt of `size` bytes can have.
pub(super) fn least_tokens(size: usize) -> u64 {
    u64::try_from(size / MOST_BYTES_PER_TOKEN).unwrap_or(u64::MAX)
}

/// Whether so few tokens can not be all of the prompt. Without a count nobody knows.
fn was_cut(size: usize, count: u64) -> bool {
    size >= SHORTEST && count > 0 && count < least_tokens(size)
}

/// What is said before a prompt is sent that does not fit.
pub(super) fn too_long(endpoint: &Endpoint, model: &str, size: usize, window: u64) -> ModelError {
    let message = format!(
        "the request has {size} bytes, more than fit into the window of {window} tokens that {model} has at {endpoint}: start a new \
         session, ask about less, or set context.window to a larger one, if the model and the memory bear it"
    );
    ModelError::new(ModelErrorKind::ContextLength, message)
}

fn cut(asked: &Asked, count: u64) -> ModelError {
    let Asked { endpoint, model, size, window, .. } = asked;
    let window = window.unwrap_or_default();
    let message = format!(
        "{endpoint} cut the prompt: of {size} bytes {model} has read {count} tokens, so it has not seen all of the conversation, and \
         its answer may be wrong. Its window here is {window} tokens (num_ctx): set context.window, or OLLAMA_CONTEXT_LENGTH where \
         Ollama runs, to a larger one, or start a new session"
    );
    ModelError::new(ModelErrorKind::ContextLength, message)
}
