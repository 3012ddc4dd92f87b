//! From chunks of a Chat Completions stream to deltas.

use serde_json::Value;

use crate::model::calls::Calls;
use crate::model::http::Decode;
use crate::model::json::{parse, tokens};
use crate::model::remote::Asked;
use crate::model::surrogates::Joiner;
use crate::model::{Delta, ModelError, StopReason, Usage, sse};

/// Decodes one response.
pub struct Decoder {
    asked: Asked,
    text: Joiner,
    reasoning: Joiner,
    calls: Calls,
    usage: Option<Usage>,
    /// The last `finish_reason`.
    reason: Option<StopReason>,
    /// `[DONE]`, or the whole of an unstreamed response.
    done: bool,
}

impl Decoder {
    pub fn new(asked: Asked) -> Decoder {
        Decoder {
            text: Joiner::default(),
            reasoning: Joiner::default(),
            calls: Calls::new(&asked.seed),
            usage: None,
            reason: None,
            done: false,
            asked,
        }
    }

    fn chunk(&mut self, chunk: &Value) -> Result<Vec<Delta>, ModelError> {
        let choice = chunk.get("choices").and_then(Value::as_array).and_then(|choices| {
            // Only one answer is asked for; a second would be mixed into it.
            choices.iter().find(|choice| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0)
        });
        let complains = |value: &&Value| value.get("error").is_some_and(|error| !error.is_null());
        if let Some(complaint) = Some(chunk).filter(complains).or(choice.filter(complains)) {
            return Err(self.asked.complaint(complaint));
        }
        let mut deltas = Vec::new();
        if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
            self.usage = Some(read_usage(usage));
        }
        let Some(choice) = choice else { return Ok(deltas) };
        // `message` in an unstreamed response.
        if let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) {
            for name in ["reasoning_content", "reasoning"] {
                let piece = self.reasoning.push(&said(delta.get(name))).into_owned();
                if !piece.is_empty() {
                    deltas.push(Delta::Reasoning(piece));
                    break;
                }
            }
            for name in ["content", "refusal"] {
                let piece = self.text.push(&said(delta.get(name))).into_owned();
                if !piece.is_empty() {
                    deltas.push(Delta::Text(piece));
                }
            }
            for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
                deltas.extend(self.calls.push(call)?);
            }
        }
        match choice.get("finish_reason") {
            Some(Value::String(reason)) if reason == "error" => return Err(self.asked.complaint(choice)),
            Some(Value::String(reason)) if !reason.is_empty() => self.reason = Some(stop_reason(reason)),
            _ => {}
        }
        Ok(deltas)
    }
}

impl Decode for Decoder {
    fn event(&mut self, event: &sse::Event) -> Result<Vec<Delta>, ModelError> {
        let data = event.data.trim();
        if data == "[DONE]" {
            self.done = true;
            return Ok(Vec::new());
        }
        if data.is_empty() {
            return Ok(Vec::new());
        }
        match parse(data) {
            Some(chunk) if event.name == "error" && chunk.get("error").is_none() => Err(self.asked.complaint(&chunk)),
            Some(chunk) => self.chunk(&chunk),
            // Events of other names are somebody else's.
            None if !matches!(event.name.as_str(), "" | "message") => Ok(Vec::new()),
            None => Err(self.asked.not_the_api()),
        }
    }

    fn whole(&mut self, body: &[u8]) -> Result<Vec<Delta>, ModelError> {
        let answer = self.asked.whole(body)?;
        if answer.get("choices").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            return Err(self.asked.refusal(&answer));
        }
        self.done = true;
        self.chunk(&answer)
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn finish(&mut self) -> Option<Vec<Delta>> {
        let reason = match (self.reason, self.done) {
            // Many servers say `stop` when the model called tools, and some say nothing at all.
            (Some(StopReason::End), _) | (None, true) if !self.calls.is_empty() => StopReason::ToolCalls,
            (Some(reason), _) => reason,
            (None, true) => StopReason::End,
            (None, false) => return None,
        };
        let mut deltas = Vec::new();
        deltas.extend(self.reasoning.finish().map(|rest| Delta::Reasoning(rest.to_owned())));
        deltas.extend(self.text.finish().map(|rest| Delta::Text(rest.to_owned())));
        deltas.extend(self.calls.finish());
        deltas.extend(self.usage.map(Delta::Usage));
        deltas.push(Delta::Stop(reason));
        Some(deltas)
    }
}

/// The text of a `content`: a string, or a list of parts of which some are text.
fn said(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

fn stop_reason(reason: &str) -> StopReason {
    match reason {
        "stop" | "eos" | "eos_token" | "end_turn" | "stop_sequence" => StopReason::End,
        "tool_calls" | "function_call" | "tool_use" => StopReason::ToolCalls,
        "length" | "max_tokens" | "model_length" => StopReason::Length,
        "content_filter" | "safety" => StopReason::ContentFilter,
        _ => StopReason::Unknown,
    }
}

fn read_usage(usage: &Value) -> Usage {
    let cached = usage.pointer("/prompt_tokens_details/cached_tokens").or_else(|| usage.get("prompt_cache_hit_tokens"));
    let input = tokens(usage.get("prompt_tokens"));
    // OpenRouter passes on what Anthropic's models put into the cache.
    let written = usage.pointer("/prompt_tokens_details/cache_write_tokens");
    let cached = tokens(cached).min(input);
    Usage {
        input,
        output: tokens(usage.get("completion_tokens")),
        cached,
        cache_write: tokens(written).min(input - cached),
    }
}

#[cfg(test)]
mod tests;
