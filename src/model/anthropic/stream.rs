//! From the events of a Messages stream to deltas.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Messages;
use crate::model::http::Decode;
use crate::model::json::{parse, text, tokens};
use crate::model::remote::{Asked, Format};
use crate::model::surrogates::Joiner;
use crate::model::{Delta, ModelError, StopReason, Usage, layout, sse};

/// Decodes one response.
pub struct Decoder {
    asked: Asked,
    blocks: BTreeMap<u64, Block>,
    calls: usize,
    usage: Usage,
    reason: Option<StopReason>,
    /// `message_stop`, or the whole of an unstreamed response.
    done: bool,
}

#[derive(Default)]
struct Block {
    kind: Kind,
    joiner: Joiner,
    /// The thinking, or the arguments.
    text: String,
    /// Bytes of a text block.
    bytes: usize,
    /// The signature, or what only the provider can read.
    sealed: String,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Kind {
    Text,
    Thinking,
    Redacted,
    /// The call at this place.
    Call(usize),
    /// What this version does not know, and nobody asked for.
    #[default]
    Other,
}

impl Decoder {
    pub fn new(asked: Asked) -> Decoder {
        Decoder { asked, blocks: BTreeMap::new(), calls: 0, usage: Usage::default(), reason: None, done: false }
    }

    fn take(&mut self, event: &Value) -> Result<Vec<Delta>, ModelError> {
        let index = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        match text(event, "type") {
            "message_start" => {
                self.count(event.pointer("/message/usage"));
                Ok(Vec::new())
            }
            "content_block_start" => match event.get("content_block") {
                Some(block) => self.begin(index, block),
                None => Ok(Vec::new()),
            },
            "content_block_delta" => Ok(event.get("delta").map(|delta| self.go_on(index, delta)).unwrap_or_default()),
            "message_delta" => {
                self.count(event.get("usage"));
                if let Some(reason) = event.pointer("/delta/stop_reason").and_then(Value::as_str) {
                    self.reason = Some(stop_reason(reason));
                }
                Ok(Vec::new())
            }
            "message_stop" => {
                self.done = true;
                Ok(Vec::new())
            }
            "error" => Err(self.asked.complaint(event)),
            // `ping`, `content_block_stop`, and what this version does not know.
            _ => Ok(Vec::new()),
        }
    }

    /// A block begins, with whatever of it is there already.
    fn begin(&mut self, index: u64, block: &Value) -> Result<Vec<Delta>, ModelError> {
        if self.blocks.contains_key(&index) {
            return Err(self.asked.not_the_api());
        }
        self.asked.admit(self.blocks.len(), "blocks")?;
        let kind = match text(block, "type") {
            "text" => Kind::Text,
            "thinking" => Kind::Thinking,
            "redacted_thinking" => Kind::Redacted,
            "tool_use" => Kind::Call(self.calls),
            _ => Kind::Other,
        };
        self.blocks.insert(index, Block { kind, sealed: text(block, "data").to_owned(), ..Block::default() });
        let mut deltas = Vec::new();
        if let Kind::Call(call) = kind {
            self.calls += 1;
            let id = Some(self.asked.call_id(text(block, "id"), self.calls));
            let name = Some(text(block, "name").to_owned());
            deltas.push(Delta::ToolCall { index: call, id, name, arguments: String::new() });
        }
        deltas.extend(self.go_on(index, block));
        // A server that does not stream arguments has them here.
        if let Some(input) = block.get("input").and_then(Value::as_object).filter(|input| !input.is_empty()) {
            let piece = Value::Object(input.clone()).to_string();
            deltas.extend(self.go_on(index, &json!({"partial_json": piece})));
        }
        Ok(deltas)
    }

    /// A piece of a block. What it is shows in the name of its field.
    fn go_on(&mut self, index: u64, delta: &Value) -> Vec<Delta> {
        let Some(block) = self.blocks.get_mut(&index) else { return Vec::new() };
        let mut deltas = Vec::new();
        match block.kind {
            Kind::Text => {
                let piece = block.joiner.push(text(delta, "text")).into_owned();
                block.bytes += piece.len();
                deltas.extend((!piece.is_empty()).then_some(Delta::Text(piece)));
            }
            Kind::Thinking => {
                block.sealed.push_str(text(delta, "signature"));
                let piece = block.joiner.push(text(delta, "thinking")).into_owned();
                block.text.push_str(&piece);
                deltas.extend((!piece.is_empty()).then_some(Delta::Reasoning(piece)));
            }
            Kind::Call(index) => {
                let arguments = block.joiner.push(text(delta, "partial_json")).into_owned();
                let is_news = !arguments.is_empty();
                deltas.extend(is_news.then_some(Delta::ToolCall { index, id: None, name: None, arguments }));
            }
            Kind::Redacted | Kind::Other => {}
        }
        deltas
    }

    /// Counts are those so far, and which of them an event holds differs.
    fn count(&mut self, usage: Option<&Value>) {
        let Some(usage) = usage else { return };
        let cached = tokens(usage.get("cache_read_input_tokens"));
        let cache_write = tokens(usage.get("cache_creation_input_tokens"));
        let input = tokens(usage.get("input_tokens")) + cache_write + cached;
        if input > 0 {
            self.usage = Usage { input, cached, cache_write, ..self.usage };
        }
        self.usage.output = self.usage.output.max(tokens(usage.get("output_tokens")));
    }

    /// The pieces of the response in order. Thinking without its signature was cut, and is refused.
    fn pieces(&self) -> Vec<Value> {
        let piece = |block: &Block| match block.kind {
            Kind::Text => Some(layout::text_mark(block.bytes, Map::new())),
            Kind::Call(_) => Some(layout::call_mark()),
            Kind::Thinking if !block.sealed.is_empty() => {
                Some(json!({"type": "thinking", "thinking": block.text, "signature": block.sealed}))
            }
            Kind::Redacted if !block.sealed.is_empty() => {
                Some(json!({"type": "redacted_thinking", "data": block.sealed}))
            }
            Kind::Thinking | Kind::Redacted | Kind::Other => None,
        };
        self.blocks.values().filter_map(piece).collect()
    }
}

impl Decode for Decoder {
    fn is_sign_of_life(&self, event: &sse::Event) -> bool {
        event.name == "ping" || parse(event.data.trim()).is_some_and(|event| text(&event, "type") == "ping")
    }

    fn event(&mut self, event: &sse::Event) -> Result<Vec<Delta>, ModelError> {
        let data = event.data.trim();
        // The end as other protocols say it, from servers that speak several.
        if data == "[DONE]" {
            self.done = true;
            return Ok(Vec::new());
        }
        match parse(data) {
            Some(said) if event.name == "error" || said.get("error").is_some_and(|error| !error.is_null()) => {
                Err(self.asked.complaint(&said))
            }
            Some(said) => self.take(&said),
            None if data.is_empty() || !is_ours(&event.name) => Ok(Vec::new()),
            None => Err(self.asked.not_the_api()),
        }
    }

    fn whole(&mut self, body: &[u8]) -> Result<Vec<Delta>, ModelError> {
        let answer = self.asked.whole(body)?;
        let Some(content) = answer.get("content").and_then(Value::as_array) else {
            return Err(self.asked.refusal(&answer));
        };
        let mut deltas = Vec::new();
        for (index, block) in (0..).zip(content) {
            deltas.extend(self.begin(index, block)?);
        }
        self.count(answer.get("usage"));
        self.reason = answer.get("stop_reason").and_then(Value::as_str).map(stop_reason);
        self.done = true;
        Ok(deltas)
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn finish(&mut self) -> Option<Vec<Delta>> {
        let reason = match (self.reason, self.done) {
            (Some(StopReason::End), _) | (None, true) if self.calls > 0 => StopReason::ToolCalls,
            // What comes behind it is only the end.
            (Some(reason), _) => reason,
            (None, true) => StopReason::End,
            (None, false) => return None,
        };
        let mut deltas = Vec::new();
        for block in self.blocks.values_mut() {
            let Some(rest) = block.joiner.finish() else { continue };
            match block.kind {
                Kind::Text => {
                    block.bytes += rest.len();
                    deltas.push(Delta::Text(rest.to_owned()));
                }
                Kind::Thinking => {
                    block.text.push_str(rest);
                    deltas.push(Delta::Reasoning(rest.to_owned()));
                }
                Kind::Call(index) => {
                    deltas.push(Delta::ToolCall { index, id: None, name: None, arguments: rest.to_owned() });
                }
                Kind::Redacted | Kind::Other => {}
            }
        }
        deltas.extend(layout::opaque(Messages::PROVIDER, &self.asked.model, self.pieces()).map(Delta::Opaque));
        if self.usage != Usage::default() {
            deltas.push(Delta::Usage(self.usage));
        }
        deltas.push(Delta::Stop(reason));
        Some(deltas)
    }
}

/// Events of other names are somebody else's, whatever they hold.
fn is_ours(name: &str) -> bool {
    matches!(name, "" | "message" | "error") || name.starts_with("message_") || name.starts_with("content_block_")
}

fn stop_reason(reason: &str) -> StopReason {
    match reason {
        "end_turn" | "stop_sequence" => StopReason::End,
        "tool_use" => StopReason::ToolCalls,
        "max_tokens" | "model_context_window_exceeded" => StopReason::Length,
        "refusal" => StopReason::ContentFilter,
        // `pause_turn` is of tools that the provider runs itself, and none of those is offered.
        _ => StopReason::Unknown,
    }
}
