//! The rules of a Responses request.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::validate::{check_keys, is_plain_name};

const KNOWN_KEYS: [&str; 9] =
    ["model", "instructions", "input", "tools", "reasoning", "store", "include", "stream", "max_output_tokens"];

pub fn check(body: &Value, found: &mut Vec<String>) {
    check_keys(body, &KNOWN_KEYS, found);
    if body["stream"] != Value::Bool(true) || body["store"] != Value::Bool(false) {
        found.push("it does not stream, or it is stored".to_owned());
    }
    if !matches!(&body["include"], Value::Null) && body["include"] != json!(["reasoning.encrypted_content"]) {
        found.push("what is included is not known".to_owned());
    }
    let mut names = HashSet::new();
    for tool in body["tools"].as_array().into_iter().flatten() {
        let name = tool["name"].as_str().unwrap_or_default();
        if tool["type"] != "function" || !is_plain_name(name) || !names.insert(name) {
            found.push(format!("the tool {name:?} is no function with a plain name of its own"));
        }
        let is_described = tool["description"].as_str().is_some_and(|text| !text.is_empty());
        if !is_described || tool["parameters"]["type"] != "object" || tool["strict"] != Value::Bool(false) {
            found.push(format!("the tool {name} is strict, or has no description or schema of an object"));
        }
    }
    if !body["tools"].is_null() && names.is_empty() {
        found.push("tools is not a list with something in it".to_owned());
    }
    match body["input"].as_array() {
        Some(items) if !items.is_empty() => check_items(items, found),
        _ => found.push("no input".to_owned()),
    }
}

fn check_items(items: &[Value], found: &mut Vec<String>) {
    let (mut open, mut ids): (Vec<String>, HashSet<String>) = (Vec::new(), HashSet::new());
    // Reasoning is followed by what it led to.
    let mut reasoned = false;
    for (position, item) in items.iter().enumerate() {
        let text = |name: &str| item[name].as_str().unwrap_or_default();
        let kind = match (text("type"), text("role")) {
            ("", role) => role,
            (kind, _) => kind,
        };
        if reasoned && !matches!(kind, "assistant" | "function_call" | "reasoning") {
            found.push(format!("item {position}: the reasoning before it led to nothing"));
        }
        reasoned = kind == "reasoning";
        if kind == "user" && !open.is_empty() {
            found.push(format!("item {position}: the calls {} have no result", open.join(", ")));
            open.clear();
        }
        match kind {
            "user" | "assistant" if item["content"].is_string() => {}
            "reasoning" if !text("encrypted_content").is_empty() && item["summary"].is_array() => {}
            "function_call" => {
                let is_object = serde_json::from_str::<Value>(text("arguments")).is_ok_and(|value| value.is_object());
                if !is_plain_name(text("name")) || !is_object {
                    found.push(format!("item {position}: no call of a name with an object"));
                }
                if text("call_id").is_empty() || !ids.insert(text("call_id").to_owned()) {
                    found.push(format!("item {position}: the id {:?} is empty or used twice", text("call_id")));
                }
                open.push(text("call_id").to_owned());
            }
            "function_call_output" if item["output"].is_string() => {
                match open.iter().position(|open| open == text("call_id")) {
                    Some(at) => drop(open.remove(at)),
                    None => found.push(format!("item {position}: a result of {} without a call", text("call_id"))),
                }
            }
            other => found.push(format!("item {position}: an item of type {other:?}, or one that is not whole")),
        }
        let is_last = position + 1 == items.len();
        if is_last && !matches!(kind, "user" | "function_call_output") {
            found.push("the last item is neither the user's nor a result".to_owned());
        }
    }
    if items[0]["role"] != "user" {
        found.push("item 0 is not the user's".to_owned());
    }
    if !open.is_empty() {
        found.push(format!("the calls {} have no result", open.join(", ")));
    }
}
