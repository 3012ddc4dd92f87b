//! The body of a Responses request. A pure function: the same request gives the same bytes.

use serde_json::{Map, Value, json};

use super::ResponsesApi;
use crate::model::layout::{self, Part};
use crate::model::remote::Format;
use crate::model::{Effort, Message, Request, json as provider_json};

/// The body for `request`.
pub(super) fn body(model: &str, effort: Option<Effort>, request: &Request) -> Value {
    let mut body = Map::new();
    body.insert("model".to_owned(), model.into());
    if !request.system.is_empty() {
        body.insert("instructions".to_owned(), request.system.as_str().into());
    }
    body.insert("input".to_owned(), request.messages.iter().flat_map(|message| items(model, message)).collect());
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                // By default the API takes every parameter for a required one.
                "strict": false,
            })
        });
        body.insert("tools".to_owned(), tools.collect());
    }
    if let Some(tokens) = request.max_output_tokens {
        body.insert("max_output_tokens".to_owned(), tokens.into());
    }
    if let Some(effort) = effort {
        body.insert("reasoning".to_owned(), json!({"effort": effort.of_openai()}));
    }
    body.insert("store".to_owned(), false.into());
    if reasons(model) {
        body.insert("include".to_owned(), json!(["reasoning.encrypted_content"]));
    }
    body.insert("stream".to_owned(), true.into());
    Value::Object(body)
}

fn items(model: &str, message: &Message) -> Vec<Value> {
    match message {
        Message::User { text } => vec![json!({"role": "user", "content": text})],
        Message::ToolResult { call, name: _, ok: _, output } => {
            vec![json!({"type": "function_call_output", "call_id": call, "output": output})]
        }
        Message::Assistant { text, reasoning: _, tool_calls, opaque } => {
            let parts = layout::parts(ResponsesApi::PROVIDER, model, opaque.as_ref(), text, tool_calls);
            // Reasoning that led to nothing is refused.
            let end = parts.iter().rposition(|part| !matches!(part, Part::Opaque(_))).map_or(0, |last| last + 1);
            let items: Vec<Value> = parts.into_iter().take(end).filter_map(item).collect();
            if items.is_empty() { vec![json!({"role": "assistant", "content": text})] } else { items }
        }
    }
}

fn item(part: Part<'_>) -> Option<Value> {
    match part {
        Part::Opaque(piece) => Some(piece.clone()),
        Part::Text("", _) => None,
        Part::Text(text, mark) => {
            let mut message = json!({"role": "assistant", "content": text});
            if let (Some(phase), Some(fields)) = (mark.and_then(|mark| mark.get("phase")), message.as_object_mut()) {
                fields.insert("phase".to_owned(), phase.clone());
            }
            Some(message)
        }
        Part::Call(call) => Some(json!({
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": Value::Object(provider_json::arguments(call)).to_string(),
        })),
    }
}

/// Whether a model reasons: of one that does not the API refuses to include it.
fn reasons(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let is_older = ["gpt-3", "gpt-4", "chatgpt", "ft:gpt-4"].iter().any(|family| name.starts_with(family));
    !is_older && !name.contains("-chat")
}
