//! The body of a Messages request. A pure function: the same request gives the same bytes.

use serde_json::{Map, Value, json};

use super::Messages;
use crate::model::layout::{self, Part};
use crate::model::remote::Format;
use crate::model::{Effort, Message, Request, json as provider_json};

/// What stands where a message would be empty, which the API refuses.
const NOTHING: &str = "[No text.]";

/// The body for `request`.
pub(super) fn body(model: &str, effort: Option<Effort>, request: &Request) -> Value {
    let mut body = Map::new();
    body.insert("model".to_owned(), model.into());
    let most = request.max_output_tokens.unwrap_or_else(|| most_output(model));
    body.insert("max_tokens".to_owned(), most.into());
    if let Some(effort) = effort {
        body.extend(thinking(model, effort, most));
    }
    if !request.tools.is_empty() {
        let last = request.tools.len() - 1;
        let tools = request.tools.iter().enumerate().map(|(index, tool)| {
            let mut tool = json!({"name": tool.name, "description": tool.description, "input_schema": tool.parameters});
            if index == last {
                keep_up_to_here(&mut tool);
            }
            tool
        });
        body.insert("tools".to_owned(), tools.collect());
    }
    if !request.system.trim().is_empty() {
        let mut system = json!({"type": "text", "text": request.system});
        keep_up_to_here(&mut system);
        body.insert("system".to_owned(), json!([system]));
    }
    body.insert("messages".to_owned(), messages(model, &request.messages).into());
    body.insert("stream".to_owned(), true.into());
    Value::Object(body)
}

/// The messages, in turns: what follows upon each other on one side is one message.
fn messages(model: &str, messages: &[Message]) -> Vec<Value> {
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages {
        let (role, blocks) = match message {
            Message::User { text } => ("user", text_block(text).into_iter().collect()),
            Message::Assistant { text, reasoning: _, tool_calls, opaque } => {
                let parts = layout::parts(Messages::PROVIDER, model, opaque.as_ref(), text, tool_calls);
                ("assistant", parts.into_iter().filter_map(block).collect())
            }
            Message::ToolResult { call, name: _, ok, output } => ("user", vec![result(call, *ok, output)]),
        };
        match turns.last_mut() {
            Some((last, before)) if *last == role => before.extend(blocks),
            Some(_) | None => turns.push((role, blocks)),
        }
    }
    for (_, blocks) in turns.iter_mut().filter(|(_, blocks)| blocks.is_empty()) {
        blocks.push(json!({"type": "text", "text": NOTHING}));
    }
    // The end of the conversation, and where it ended the last time: what lies before that is in the provider's cache.
    for (_, blocks) in turns.iter_mut().rev().filter(|(role, _)| *role == "user").take(2) {
        blocks.last_mut().map(keep_up_to_here);
    }
    turns.into_iter().map(|(role, content)| json!({"role": role, "content": content})).collect()
}

fn block(part: Part<'_>) -> Option<Value> {
    match part {
        Part::Opaque(piece) => Some(piece.clone()),
        Part::Text(text, _) => text_block(text),
        Part::Call(call) => Some(json!({
            "type": "tool_use",
            "id": id(&call.id),
            "name": call.name,
            "input": provider_json::arguments(call),
        })),
    }
}

/// A text block may not be blank.
fn text_block(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({"type": "text", "text": text}))
}

fn result(call: &str, ok: bool, output: &str) -> Value {
    let mut result = json!({"type": "tool_result", "tool_use_id": id(call)});
    if let Some(fields) = result.as_object_mut() {
        if !output.is_empty() {
            fields.insert("content".to_owned(), output.into());
        }
        if !ok {
            fields.insert("is_error".to_owned(), true.into());
        }
    }
    result
}

/// The id of a call as this API takes it. One from another provider may hold what it refuses.
fn id(id: &str) -> String {
    let is_taken = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if is_taken { id.to_owned() } else { format!("call_{}", &blake3::hash(id.as_bytes()).to_hex()[..16]) }
}

/// Asks the provider to keep what it has read, up to the end of this.
fn keep_up_to_here(block: &mut Value) {
    if let Some(fields) = block.as_object_mut() {
        fields.insert("cache_control".to_owned(), json!({"type": "ephemeral"}));
    }
}

/// The API wants to know how much a model may say, and refuses more than the model can.
fn most_output(model: &str) -> u32 {
    let is = |family: &str| model.contains(family);
    match () {
        () if is("claude-3-5") => 8192,
        () if is("claude-3-7") => 32_000,
        () if is("claude-3") || is("claude-2") => 4096,
        () if is("claude") => 32_000,
        // Somebody else's model behind this API.
        () => 8192,
    }
}

/// How a model is told how much to think.
enum Thinking {
    /// It can not think.
    Never,
    /// In tokens.
    Budget,
    /// By a word.
    Effort,
    /// By a word, and it decides by itself when.
    Adaptive,
}

fn thinking(model: &str, effort: Effort, most: u32) -> Vec<(String, Value)> {
    let thinking = |value: Value| ("thinking".to_owned(), value);
    let word = match effort {
        Effort::None | Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::Xhigh => "xhigh",
        Effort::Max => "max",
    };
    let by_word = ("output_config".to_owned(), json!({"effort": word}));
    match (kind_of_thinking(model), effort) {
        (Thinking::Never, _) => Vec::new(),
        (Thinking::Budget | Thinking::Effort | Thinking::Adaptive, Effort::None) => {
            vec![thinking(json!({"type": "disabled"}))]
        }
        (Thinking::Budget, _) => {
            let wanted = match effort {
                Effort::None | Effort::Minimal => 1024,
                Effort::Low => 4096,
                Effort::Medium => 8192,
                Effort::High => 16_384,
                Effort::Xhigh | Effort::Max => 24_576,
            };
            // The answer needs room beside it, and the API takes no budget below 1,024.
            match wanted.min(most / 4 * 3) {
                0..1024 => Vec::new(),
                budget => vec![thinking(json!({"type": "enabled", "budget_tokens": budget}))],
            }
        }
        (Thinking::Effort, _) => vec![by_word],
        (Thinking::Adaptive, _) => vec![thinking(json!({"type": "adaptive"})), by_word],
    }
}

fn kind_of_thinking(model: &str) -> Thinking {
    const IN_TOKENS: [&str; 8] =
        ["claude-3-7", "opus-4-0", "opus-4-1", "opus-4-2025", "sonnet-4-0", "sonnet-4-2025", "sonnet-4-5", "haiku-4"];
    let is = |family: &str| model.contains(family);
    match () {
        () if IN_TOKENS.into_iter().any(is) => Thinking::Budget,
        () if is("claude-3") || is("claude-2") => Thinking::Never,
        () if is("opus-4-5") => Thinking::Effort,
        () if is("claude") => Thinking::Adaptive,
        // Somebody else's model behind this API.
        () => Thinking::Budget,
    }
}
