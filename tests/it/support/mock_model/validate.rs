//! The rules of a request: what all wire formats have in common, and Chat Completions.

use std::collections::HashSet;

use serde_json::Value;

use super::{Recorded, anthropic, ollama, responses};

const KNOWN_KEYS: [&str; 9] = [
    "model",
    "messages",
    "tools",
    "reasoning_effort",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
];

/// What is wrong with a request, one a line.
pub fn violations(request: &Recorded) -> Vec<String> {
    let mut found = Vec::new();
    if request.method != "POST" {
        found.push(format!("the method is {}", request.method));
    }
    if !request.header("content-type").is_some_and(|value| value.starts_with("application/json")) {
        found.push("the content type is not JSON".to_owned());
    }
    let Ok(text) = std::str::from_utf8(&request.body) else {
        found.push("the body is not UTF-8".to_owned());
        return found;
    };
    let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    if [bearer, request.header("x-api-key")].into_iter().flatten().any(|key| text.contains(key)) {
        found.push("the body holds the key".to_owned());
    }
    match serde_json::from_str::<Value>(text) {
        Ok(body) => match Format::of(&request.path) {
            Some(Format::Anthropic) => anthropic::check(request, &body, &mut found),
            Some(Format::Ollama) => ollama::check(&body, &mut found),
            Some(Format::Responses) => responses::check(&body, &mut found),
            Some(Format::Chat) | None => check_body(&body, &mut found),
        },
        Err(error) => found.push(format!("the body is not JSON: {error}")),
    }
    found
}

/// A wire format, by the path of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Chat,
    Anthropic,
    Ollama,
    Responses,
}

impl Format {
    pub fn of(path: &str) -> Option<Format> {
        let path = path.split('?').next().unwrap_or_default();
        match path {
            _ if path.ends_with("/chat/completions") => Some(Format::Chat),
            _ if path.ends_with("/v1/messages") => Some(Format::Anthropic),
            _ if path.ends_with("/api/chat") => Some(Format::Ollama),
            _ if path.ends_with("/responses") => Some(Format::Responses),
            _ => None,
        }
    }
}

/// An object with these keys and no others, and a model.
pub fn check_keys(body: &Value, known: &[&str], found: &mut Vec<String>) {
    let Some(object) = body.as_object() else {
        found.push("the body is not an object".to_owned());
        return;
    };
    for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
        found.push(format!("unknown key {key}"));
    }
    if body["model"].as_str().is_none_or(str::is_empty) {
        found.push("no model".to_owned());
    }
}

/// What every provider takes as a function's name.
pub fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn check_body(body: &Value, found: &mut Vec<String>) {
    check_keys(body, &KNOWN_KEYS, found);
    if body["stream"] != Value::Bool(true) || body["stream_options"]["include_usage"] != Value::Bool(true) {
        found.push("it does not stream with usage".to_owned());
    }
    match body["messages"].as_array() {
        Some(messages) => check_messages(messages, found),
        None => found.push("no messages".to_owned()),
    }
    match &body["tools"] {
        Value::Null => {}
        Value::Array(tools) if !tools.is_empty() => check_tools(tools, found),
        _ => found.push("tools is not a list with something in it".to_owned()),
    }
}

fn check_messages(messages: &[Value], found: &mut Vec<String>) {
    let role =
        |position: usize| messages.get(position).and_then(|message| message["role"].as_str()).unwrap_or_default();
    let first = usize::from(role(0) == "system");
    if role(first) != "user" {
        found.push(format!("message {first} is not the user's"));
    }
    if !matches!(role(messages.len().saturating_sub(1)), "user" | "tool") {
        found.push("the last message is neither the user's nor a result".to_owned());
    }
    let mut expected: Vec<String> = Vec::new();
    for (position, message) in messages.iter().enumerate() {
        if role(position) != "tool" && !expected.is_empty() {
            found.push(format!("message {position}: the calls {} have no result", expected.join(", ")));
            expected.clear();
        }
        match role(position) {
            "system" if position == 0 => check_text(position, message, found),
            "system" => found.push(format!("message {position}: a system message in the middle")),
            "user" => check_text(position, message, found),
            "assistant" => {
                if position > 0 && role(position - 1) == "assistant" {
                    found.push(format!("message {position}: two assistant messages in a row"));
                }
                expected = check_assistant(position, message, found);
            }
            "tool" => {
                check_text(position, message, found);
                let id = message["tool_call_id"].as_str().unwrap_or_default();
                match expected.first() {
                    Some(next) if next == id => {
                        expected.remove(0);
                    }
                    Some(next) => found.push(format!("message {position}: the result of {id}, not of {next}")),
                    None => found.push(format!("message {position}: a result of {id} without a call")),
                }
            }
            other => found.push(format!("message {position}: unknown role {other:?}")),
        }
    }
    if !expected.is_empty() {
        found.push(format!("the calls {} have no result", expected.join(", ")));
    }
}

fn check_text(position: usize, message: &Value, found: &mut Vec<String>) {
    if message["content"].as_str().is_none() {
        found.push(format!("message {position}: the content is not text"));
    }
}

/// The ids of the calls, in order.
fn check_assistant(position: usize, message: &Value, found: &mut Vec<String>) -> Vec<String> {
    let Some(calls) = message.get("tool_calls") else {
        check_text(position, message, found);
        return Vec::new();
    };
    if !message["content"].is_string() && !message["content"].is_null() {
        found.push(format!("message {position}: the content is neither text nor null"));
    }
    let calls = calls.as_array().map(Vec::as_slice).unwrap_or_default();
    if calls.is_empty() {
        found.push(format!("message {position}: tool_calls without a call"));
    }
    let mut ids = HashSet::new();
    for call in calls {
        let id = call["id"].as_str().unwrap_or_default();
        if id.is_empty() || !ids.insert(id) {
            found.push(format!("message {position}: the id {id:?} is empty or used twice"));
        }
        if call["type"] != "function" || call["function"]["name"].as_str().is_none_or(str::is_empty) {
            found.push(format!("message {position}: call {id} is not of a function with a name"));
        }
        let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
        if !serde_json::from_str::<Value>(arguments).is_ok_and(|arguments| arguments.is_object()) {
            found.push(format!("message {position}: the arguments of {id} are not an object: {arguments}"));
        }
    }
    calls.iter().filter_map(|call| call["id"].as_str()).map(str::to_owned).collect()
}

pub fn check_tools(tools: &[Value], found: &mut Vec<String>) {
    let mut names = HashSet::new();
    for tool in tools {
        let function = &tool["function"];
        let name = function["name"].as_str().unwrap_or_default();
        if tool["type"] != "function" || !is_plain_name(name) || !names.insert(name) {
            found.push(format!("the tool {name:?} is no function with a plain name of its own"));
        }
        if function["description"].as_str().is_none_or(str::is_empty) {
            found.push(format!("the tool {name} has no description"));
        }
        if function["parameters"]["type"] != "object" {
            found.push(format!("the parameters of {name} are not the schema of an object"));
        }
    }
}
