//! The body of a request to `/api/chat`. A pure function: the same request gives the same bytes.

use serde_json::{Map, Value, json};

use crate::model::{Effort, Message, Request, ToolCallRequested, family, json as provider_json, openai};

/// The body for `request`, with a window of so many tokens.
pub(super) fn body(model: &str, window: u64, effort: Option<Effort>, request: &Request) -> Value {
    let mut body = openai::conversation(model, request, message);
    if let Some(effort) = effort {
        body.insert("think".to_owned(), think(model, effort));
    }
    let mut options = Map::new();
    options.insert("num_ctx".to_owned(), window.into());
    if family::is_small(model) {
        options.insert("temperature".to_owned(), 0.into());
    }
    if let Some(tokens) = request.max_output_tokens {
        options.insert("num_predict".to_owned(), tokens.into());
    }
    body.insert("options".to_owned(), options.into());
    // A prompt that is too long is an error and not a shorter prompt. Versions that do not know these cut all the same.
    body.insert("truncate".to_owned(), false.into());
    body.insert("shift".to_owned(), false.into());
    body.insert("stream".to_owned(), true.into());
    Value::Object(body)
}

/// Most models think or do not; gpt-oss always does, more or less.
fn think(model: &str, effort: Effort) -> Value {
    match effort {
        _ if !model.contains("gpt-oss") => (effort != Effort::None).into(),
        Effort::None | Effort::Minimal | Effort::Low => "low".into(),
        Effort::Medium => "medium".into(),
        Effort::High | Effort::Xhigh | Effort::Max => "high".into(),
    }
}

/// Bytes of what a model has to read of a body: its messages.
pub(super) fn size(body: &Value) -> usize {
    let messages = body.get("messages").and_then(Value::as_array).into_iter().flatten();
    messages.map(|message| provider_json::text(message, "content").len()).sum()
}

fn message(message: &Message) -> Value {
    match message {
        Message::User { text } => json!({"role": "user", "content": text}),
        Message::Assistant { text, reasoning: _, tool_calls, opaque: _ } if tool_calls.is_empty() => {
            json!({"role": "assistant", "content": text})
        }
        // Models that think before they call want to know what they thought.
        Message::Assistant { text, reasoning, tool_calls, opaque: _ } => {
            let calls: Vec<Value> = tool_calls.iter().map(tool_call).collect();
            if reasoning.is_empty() {
                json!({"role": "assistant", "content": text, "tool_calls": calls})
            } else {
                json!({"role": "assistant", "content": text, "thinking": reasoning, "tool_calls": calls})
            }
        }
        Message::ToolResult { call, name, ok: _, output } => {
            json!({"role": "tool", "content": output, "tool_name": name, "tool_call_id": call})
        }
    }
}

fn tool_call(call: &ToolCallRequested) -> Value {
    json!({"id": call.id, "function": {"name": call.name, "arguments": provider_json::arguments(call)}})
}
