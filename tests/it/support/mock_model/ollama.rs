//! The rules of a request to `/api/chat`.

use serde_json::Value;

use super::validate::{check_keys, check_tools, is_plain_name};

const KNOWN_KEYS: [&str; 8] = ["model", "messages", "tools", "think", "options", "stream", "truncate", "shift"];

pub fn check(body: &Value, found: &mut Vec<String>) {
    check_keys(body, &KNOWN_KEYS, found);
    if body["options"]["num_ctx"].as_u64().is_none_or(|window| window == 0) {
        found.push("no options.num_ctx".to_owned());
    }
    if body["stream"] != Value::Bool(true) {
        found.push("it does not stream".to_owned());
    }
    if body["truncate"] != Value::Bool(false) || body["shift"] != Value::Bool(false) {
        found.push("the prompt may be cut".to_owned());
    }
    match &body["tools"] {
        Value::Null => {}
        Value::Array(tools) if !tools.is_empty() => check_tools(tools, found),
        _ => found.push("tools is not a list with something in it".to_owned()),
    }
    match body["messages"].as_array() {
        Some(messages) if !messages.is_empty() => check_messages(messages, found),
        _ => found.push("no messages".to_owned()),
    }
}

fn check_messages(messages: &[Value], found: &mut Vec<String>) {
    let role = |position: usize| messages[position]["role"].as_str().unwrap_or_default();
    let first = usize::from(role(0) == "system");
    if messages.len() <= first || role(first) != "user" {
        found.push(format!("message {first} is not the user's"));
    }
    if !matches!(role(messages.len() - 1), "user" | "tool") {
        found.push("the last message is neither the user's nor a result".to_owned());
    }
    let mut open: Vec<(String, String)> = Vec::new();
    for (position, message) in messages.iter().enumerate() {
        if !message["content"].is_string() {
            found.push(format!("message {position}: the content is not text"));
        }
        if role(position) != "tool" && !open.is_empty() {
            found.push(format!("message {position}: {} calls have no result", open.len()));
            open.clear();
        }
        match role(position) {
            "system" if position == 0 => {}
            "user" => {}
            "assistant" => {
                if position > 0 && role(position - 1) == "assistant" {
                    found.push(format!("message {position}: two assistant messages in a row"));
                }
                for call in message["tool_calls"].as_array().into_iter().flatten() {
                    let name = call["function"]["name"].as_str().unwrap_or_default();
                    let id = call["id"].as_str().unwrap_or_default();
                    if !is_plain_name(name) || id.is_empty() || !call["function"]["arguments"].is_object() {
                        found.push(format!("message {position}: {call} is no call of a name with an object"));
                    }
                    open.push((id.to_owned(), name.to_owned()));
                }
            }
            "tool" => {
                let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
                let result = (text("tool_call_id"), text("tool_name"));
                if open.first() == Some(&result) {
                    open.remove(0);
                } else {
                    found.push(format!("message {position}: the result of {result:?}, not of {:?}", open.first()));
                }
            }
            other => found.push(format!("message {position}: a message of {other:?} here")),
        }
    }
    if !open.is_empty() {
        found.push(format!("{} calls have no result", open.len()));
    }
}
