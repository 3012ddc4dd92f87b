//! The rules of a Messages request.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::Recorded;
use super::validate::{check_keys, is_plain_name};

const KNOWN_KEYS: [&str; 8] =
    ["model", "max_tokens", "system", "messages", "tools", "stream", "thinking", "output_config"];

/// Places that a request may ask to keep.
const MAX_MARKS: usize = 4;

pub fn check(request: &Recorded, body: &Value, found: &mut Vec<String>) {
    check_keys(body, &KNOWN_KEYS, found);
    if request.header("anthropic-version") != Some("2023-06-01") {
        found.push("no anthropic-version".to_owned());
    }
    if request.header("authorization").is_some() {
        found.push("the key is sent twice, or in the wrong header".to_owned());
    }
    if body["max_tokens"].as_u64().is_none_or(|tokens| tokens == 0) {
        found.push("no max_tokens".to_owned());
    }
    if body["stream"] != Value::Bool(true) {
        found.push("it does not stream".to_owned());
    }
    let marks = body.to_string().matches("\"cache_control\"").count();
    if marks > MAX_MARKS {
        found.push(format!("{marks} places are to be kept"));
    }
    match &body["system"] {
        Value::Null => {}
        Value::Array(blocks) => check_texts("system", blocks, found),
        _ => found.push("system is no list of blocks".to_owned()),
    }
    check_tools(&body["tools"], found);
    match body["messages"].as_array() {
        Some(messages) if !messages.is_empty() => check_messages(messages, found),
        _ => found.push("no messages".to_owned()),
    }
}

fn check_texts(place: &str, blocks: &[Value], found: &mut Vec<String>) {
    for block in blocks {
        if block["type"] != "text" || block["text"].as_str().is_none_or(|text| text.trim().is_empty()) {
            found.push(format!("{place}: {block} is blank or no text"));
        }
    }
}

fn check_tools(tools: &Value, found: &mut Vec<String>) {
    let mut names = HashSet::new();
    for tool in tools.as_array().into_iter().flatten() {
        let name = tool["name"].as_str().unwrap_or_default();
        if !is_plain_name(name) || !names.insert(name) {
            found.push(format!("the tool {name:?} has no plain name of its own"));
        }
        if tool["description"].as_str().is_none_or(str::is_empty) || tool["input_schema"]["type"] != "object" {
            found.push(format!("the tool {name} has no description, or no schema of an object"));
        }
    }
    if !tools.is_null() && names.is_empty() {
        found.push("tools is not a list with something in it".to_owned());
    }
}

fn check_messages(messages: &[Value], found: &mut Vec<String>) {
    let mut open: Vec<String> = Vec::new();
    let mut ids = HashMap::new();
    for (position, message) in messages.iter().enumerate() {
        let expected = if position % 2 == 0 { "user" } else { "assistant" };
        if message["role"] != expected {
            found.push(format!("message {position} is not the {expected}'s"));
        }
        let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
        if blocks.is_empty() {
            found.push(format!("message {position} is empty"));
        }
        if expected == "user" {
            check_user(position, blocks, &mut open, found);
        } else {
            open = check_assistant(position, blocks, &mut ids, found);
        }
    }
    if messages.len().is_multiple_of(2) {
        found.push("the last message is not the user's".to_owned());
    }
    if !open.is_empty() {
        found.push(format!("the calls {} have no result", open.join(", ")));
    }
}

/// The results of all open calls come first, then text.
fn check_user(position: usize, blocks: &[Value], open: &mut Vec<String>, found: &mut Vec<String>) {
    let results = blocks.iter().take_while(|block| block["type"] == "tool_result").count();
    for block in &blocks[..results] {
        let id = block["tool_use_id"].as_str().unwrap_or_default();
        match open.iter().position(|open| open == id) {
            Some(at) => drop(open.remove(at)),
            None => found.push(format!("message {position}: a result of {id} without a call")),
        }
        if !matches!(block["content"], Value::Null | Value::String(_)) {
            found.push(format!("message {position}: the result of {id} is not text"));
        }
    }
    if !open.is_empty() {
        found.push(format!("message {position}: the calls {} have no result", open.join(", ")));
        open.clear();
    }
    check_texts(&format!("message {position}"), &blocks[results..], found);
}

/// The ids of the calls.
fn check_assistant(
    position: usize,
    blocks: &[Value],
    ids: &mut HashMap<String, usize>,
    found: &mut Vec<String>,
) -> Vec<String> {
    let mut calls = Vec::new();
    for block in blocks {
        let has = |name: &str| block[name].as_str().is_some_and(|text| !text.is_empty());
        match block["type"].as_str().unwrap_or_default() {
            "text" => check_texts(&format!("message {position}"), std::slice::from_ref(block), found),
            "thinking" if has("signature") && block["thinking"].is_string() => {}
            "redacted_thinking" if has("data") => {}
            "tool_use" => {
                let id = block["id"].as_str().unwrap_or_default().to_owned();
                let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
                if id.is_empty() || !is_plain || ids.insert(id.clone(), position).is_some() {
                    found.push(format!("message {position}: the id {id:?} is not plain, or used twice"));
                }
                if !is_plain_name(block["name"].as_str().unwrap_or_default()) || !block["input"].is_object() {
                    found.push(format!("message {position}: {id} is no call of a name with an object"));
                }
                calls.push(id);
            }
            other => found.push(format!("message {position}: a block of type {other:?}, or one that is not whole")),
        }
        if block["type"] != "text" && block["type"] != "tool_use" && !block["cache_control"].is_null() {
            found.push(format!("message {position}: thinking can not be kept"));
        }
    }
    calls
}
