//! From the events of a Responses stream to deltas.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::ResponsesApi;
use crate::model::http::Decode;
use crate::model::json::{parse, text, tokens};
use crate::model::remote::{Asked, Format};
use crate::model::surrogates::Joiner;
use crate::model::{Delta, ModelError, StopReason, Usage, layout, sse};

/// Decodes one response.
pub struct Decoder {
    asked: Asked,
    items: BTreeMap<u64, Item>,
    calls: usize,
    usage: Option<Usage>,
    /// How the response ended, once its last event came.
    reason: Option<StopReason>,
}

#[derive(Default)]
struct Item {
    kind: Kind,
    joiner: Joiner,
    /// Bytes that have come as pieces.
    bytes: usize,
    /// The item as it was when it was done.
    done: Option<Value>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Kind {
    Message,
    Reasoning,
    /// The call at this place.
    Call(usize),
    /// What this version does not know, and nobody asked for.
    #[default]
    Other,
}

impl Decoder {
    pub fn new(asked: Asked) -> Decoder {
        Decoder { asked, items: BTreeMap::new(), calls: 0, usage: None, reason: None }
    }

    fn take(&mut self, event: &Value) -> Result<Vec<Delta>, ModelError> {
        let index = event.get("output_index").and_then(Value::as_u64).unwrap_or(0);
        match text(event, "type") {
            "response.output_item.added" => match event.get("item") {
                Some(item) => self.begin(index, item),
                None => Ok(Vec::new()),
            },
            "response.output_item.done" => match event.get("item") {
                Some(item) => self.complete(index, item),
                None => Ok(Vec::new()),
            },
            "response.output_text.delta" | "response.refusal.delta" => {
                Ok(self.go_on(index, Kind::Message, text(event, "delta")))
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                Ok(self.go_on(index, Kind::Reasoning, text(event, "delta")))
            }
            "response.function_call_arguments.delta" => match self.items.get(&index).map(|item| item.kind) {
                Some(kind @ Kind::Call(_)) => Ok(self.go_on(index, kind, text(event, "delta"))),
                _ => Err(self.asked.not_the_api()),
            },
            "response.completed" | "response.incomplete" => self.end(event.get("response").unwrap_or(&Value::Null)),
            "response.failed" => Err(self.asked.complaint(event.get("response").unwrap_or(event))),
            "error" => Err(self.asked.complaint(event)),
            // The same once more, and what this version does not know.
            _ => Ok(Vec::new()),
        }
    }

    fn begin(&mut self, index: u64, item: &Value) -> Result<Vec<Delta>, ModelError> {
        if self.items.contains_key(&index) {
            return Ok(Vec::new());
        }
        self.asked.admit(self.items.len(), "items")?;
        let kind = match text(item, "type") {
            "message" => Kind::Message,
            "reasoning" => Kind::Reasoning,
            "function_call" => Kind::Call(self.calls),
            _ => Kind::Other,
        };
        self.items.insert(index, Item { kind, ..Item::default() });
        let Kind::Call(call) = kind else { return Ok(Vec::new()) };
        self.calls += 1;
        let id = Some(self.asked.call_id(text(item, "call_id"), self.calls));
        let name = Some(text(item, "name").to_owned());
        Ok(vec![Delta::ToolCall { index: call, id, name, arguments: String::new() }])
    }

    fn go_on(&mut self, index: u64, kind: Kind, piece: &str) -> Vec<Delta> {
        let item = self.items.entry(index).or_insert_with(|| Item { kind, ..Item::default() });
        if item.kind != kind {
            return Vec::new();
        }
        let piece = item.joiner.push(piece).into_owned();
        item.bytes += piece.len();
        if piece.is_empty() { Vec::new() } else { delta(kind, piece).into_iter().collect() }
    }

    /// An item is whole. What of it did not come in pieces is taken from here.
    fn complete(&mut self, index: u64, whole: &Value) -> Result<Vec<Delta>, ModelError> {
        let mut deltas = self.begin(index, whole)?;
        let Some((kind, bytes)) = self.items.get(&index).map(|item| (item.kind, item.bytes)) else {
            return Ok(deltas);
        };
        if bytes == 0 {
            let said = match kind {
                Kind::Message => parts(whole.get("content")),
                Kind::Reasoning => parts(whole.get("summary")) + &parts(whole.get("content")),
                Kind::Call(_) => text(whole, "arguments").to_owned(),
                Kind::Other => String::new(),
            };
            deltas.extend(self.go_on(index, kind, &said));
        }
        if let Some(item) = self.items.get_mut(&index) {
            item.done = Some(whole.clone());
        }
        Ok(deltas)
    }

    fn end(&mut self, response: &Value) -> Result<Vec<Delta>, ModelError> {
        let mut deltas = Vec::new();
        for (index, item) in (0..).zip(response.get("output").and_then(Value::as_array).into_iter().flatten()) {
            if self.items.get(&index).is_none_or(|item| item.done.is_none()) {
                deltas.extend(self.complete(index, item)?);
            }
        }
        if let Some(usage) = response.get("usage").filter(|usage| usage.is_object()) {
            let input = tokens(usage.get("input_tokens"));
            let cached = tokens(usage.pointer("/input_tokens_details/cached_tokens")).min(input);
            self.usage = Some(Usage { input, output: tokens(usage.get("output_tokens")), cached, ..Usage::default() });
        }
        self.reason = Some(match (text(response, "status"), response.pointer("/incomplete_details/reason")) {
            ("completed" | "", _) if self.calls > 0 => StopReason::ToolCalls,
            ("completed" | "", _) => StopReason::End,
            (_, Some(Value::String(reason))) if reason == "max_output_tokens" => StopReason::Length,
            (_, Some(Value::String(reason))) if reason == "content_filter" => StopReason::ContentFilter,
            // Whatever it was: it is not whole, and so nothing of it is run.
            ("incomplete", _) => StopReason::Length,
            _ => StopReason::Unknown,
        });
        Ok(deltas)
    }

    /// The items of the response in order. Reasoning that did not come whole, or that the provider alone could look up, can not
    /// go back.
    fn pieces(&self) -> Vec<Value> {
        let piece = |item: &Item| match item.kind {
            Kind::Message => {
                let phase = item.done.as_ref().and_then(|done| done.get("phase")).filter(|phase| phase.is_string());
                let more = phase.map(|phase| ("phase".to_owned(), phase.clone()));
                Some(layout::text_mark(item.bytes, Map::from_iter(more)))
            }
            Kind::Call(_) => Some(layout::call_mark()),
            Kind::Reasoning => {
                let done = item.done.as_ref()?;
                let sealed =
                    done.get("encrypted_content").filter(|sealed| sealed.as_str().is_some_and(|s| !s.is_empty()))?;
                let summary = done.get("summary").cloned().unwrap_or_else(|| json!([]));
                Some(json!({"type": "reasoning", "summary": summary, "encrypted_content": sealed}))
            }
            Kind::Other => None,
        };
        self.items.values().filter_map(piece).collect()
    }
}

impl Decode for Decoder {
    fn is_sign_of_life(&self, event: &sse::Event) -> bool {
        matches!(event.name.as_str(), "ping" | "keepalive")
    }

    fn event(&mut self, event: &sse::Event) -> Result<Vec<Delta>, ModelError> {
        let data = event.data.trim();
        match parse(data) {
            Some(said) if event.name == "error" || (said.get("type").is_none() && said.get("error").is_some()) => {
                Err(self.asked.complaint(&said))
            }
            Some(said) => self.take(&said),
            None if data.is_empty() || data == "[DONE]" || !is_ours(&event.name) => Ok(Vec::new()),
            None => Err(self.asked.not_the_api()),
        }
    }

    fn whole(&mut self, body: &[u8]) -> Result<Vec<Delta>, ModelError> {
        let answer = self.asked.whole(body)?;
        let failed = answer.get("error").is_some_and(|error| !error.is_null());
        match answer.get("output").and_then(Value::as_array) {
            Some(_) if !failed => self.end(&answer),
            Some(_) | None => Err(self.asked.refusal(&answer)),
        }
    }

    fn is_done(&self) -> bool {
        self.reason.is_some()
    }

    fn finish(&mut self) -> Option<Vec<Delta>> {
        let reason = self.reason?;
        let mut deltas = Vec::new();
        for item in self.items.values_mut() {
            if let Some(rest) = item.joiner.finish() {
                item.bytes += rest.len();
                deltas.extend(delta(item.kind, rest.to_owned()));
            }
        }
        deltas.extend(layout::opaque(ResponsesApi::PROVIDER, &self.asked.model, self.pieces()).map(Delta::Opaque));
        deltas.extend(self.usage.map(Delta::Usage));
        deltas.push(Delta::Stop(reason));
        Some(deltas)
    }
}

fn delta(kind: Kind, piece: String) -> Option<Delta> {
    match kind {
        Kind::Message => Some(Delta::Text(piece)),
        Kind::Reasoning => Some(Delta::Reasoning(piece)),
        Kind::Call(index) => Some(Delta::ToolCall { index, id: None, name: None, arguments: piece }),
        Kind::Other => None,
    }
}

/// The text of all parts of a `content` or `summary`.
fn parts(content: Option<&Value>) -> String {
    let parts = content.and_then(Value::as_array).into_iter().flatten();
    parts.map(|part| [text(part, "text"), text(part, "refusal")].concat()).collect()
}

/// Events of other names are somebody else's, whatever they hold.
fn is_ours(name: &str) -> bool {
    matches!(name, "" | "message" | "error") || name.starts_with("response.")
}
