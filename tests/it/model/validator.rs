//! The mock server's own rules: a check that can not fail is none.

use serde_json::{Value, json};

use crate::support::mock_model::{Recorded, violations};

fn check(messages: Value, expected: &[&str]) {
    let body = json!({"model": "m", "messages": messages, "stream": true, "stream_options": {"include_usage": true}});
    check_body(&body, expected);
}

fn check_body(body: &Value, expected: &[&str]) {
    let headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("Authorization".to_owned(), "Bearer sk-secret".to_owned()),
    ];
    let request =
        Recorded { method: "POST".to_owned(), path: String::new(), headers, body: body.to_string().into_bytes() };
    let found = violations(&request);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "{found:?} does not say {expected:?}");
    }
}

#[test]
fn conversations() {
    let user = json!({"role": "user", "content": "u"});
    let said = json!({"role": "assistant", "content": "a"});
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let calls = json!({"role": "assistant", "content": null, "tool_calls": [call("1"), call("2")]});
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "r"});
    let system = json!({"role": "system", "content": "s"});
    check(json!([system, user, calls, result("1"), result("2"), user, said, user]), &[]);
    check(json!([user, calls, result("2"), result("1")]), &["the result of 2, not of 1", "the calls 2 have"]);
    check(json!([user, calls, result("1"), user]), &["the calls 2 have no result"]);
    check(json!([user, calls, result("1")]), &["the calls 2 have no result"]);
    check(json!([user, result("1")]), &["without a call"]);
    check(json!([user, said, said, user]), &["two assistant messages"]);
    check(json!([said, user]), &["message 0 is not the user's"]);
    check(json!([user, said]), &["the last message"]);
    check(json!([user, system, user]), &["in the middle"]);
    check(json!([{"role": "developer", "content": "x"}, user]), &["message 0 is not", "unknown role"]);
    check(json!([{"role": "user", "content": null}]), &["not text"]);
    check(json!([{"role": "user", "content": "my key is sk-secret"}]), &["holds the key"]);
    let broken = json!({"id": "1", "type": "function", "function": {"name": "f", "arguments": "{"}});
    let broken = json!({"role": "assistant", "content": null, "tool_calls": [broken]});
    check(json!([user, broken, result("1")]), &["are not an object"]);
}

#[test]
fn bodies() {
    let with = |key: &str, value: Value| {
        let mut body = json!({
            "model": "m", "messages": [{"role": "user", "content": "u"}],
            "stream": true, "stream_options": {"include_usage": true},
        });
        body[key] = value;
        body
    };
    let tool = |name: &str, schema: Value| json!([{"type": "function", "function": {"name": name, "description": "d", "parameters": schema}}]);
    check_body(&with("tools", tool("read_file", json!({"type": "object"}))), &[]);
    check_body(&with("tools", tool("read file", json!({"type": "object"}))), &["plain name"]);
    check_body(&with("tools", tool("f", json!({"type": "string"}))), &["schema of an object"]);
    check_body(&with("tools", json!([])), &["tools is not a list"]);
    check_body(&with("stream", false.into()), &["does not stream"]);
    check_body(&with("api_key", "x".into()), &["unknown key api_key"]);
    check_body(&with("model", "".into()), &["no model"]);
}

/// What a body sent to `path` breaks.
fn check_at(path: &str, body: Value, expected: &[&str]) {
    let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    if path.ends_with("/v1/messages") {
        headers.push(("anthropic-version".to_owned(), "2023-06-01".to_owned()));
        headers.push(("x-api-key".to_owned(), "sk-secret".to_owned()));
    }
    let body = body.to_string().into_bytes();
    let found = violations(&Recorded { method: "POST".to_owned(), path: path.to_owned(), headers, body });
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "{found:?} does not say {expected:?}");
    }
}

#[test]
fn messages_of_anthropic() {
    let check = |messages: Value, expected: &[&str]| {
        let body = json!({"model": "m", "max_tokens": 9, "stream": true, "messages": messages});
        check_at("/v1/messages", body, expected);
    };
    let said = |role: &str, blocks: &[&Value]| json!({"role": role, "content": blocks});
    let text = json!({"type": "text", "text": "t"});
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "f", "input": {}});
    let result = |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "r"});
    let (a, b) = (call("a"), call("b"));
    let (one, two) = (result("a"), result("b"));
    let user = said("user", &[&text]);
    check(json!([user, said("assistant", &[&text, &a, &b]), said("user", &[&two, &one, &text])]), &[]);
    check(json!([user, said("assistant", &[&a, &b]), said("user", &[&one])]), &["the calls b have no result"]);
    check(
        json!([user, said("assistant", &[&a]), said("user", &[&text, &one])]),
        &["the calls a have no result", "blank or no text"],
    );
    check(json!([user, said("assistant", &[&text]), said("user", &[&one])]), &["a result of a without a call"]);
    check(json!([user, user, user]), &["message 1 is not the assistant's"]);
    check(json!([user, said("assistant", &[&text])]), &["the last message"]);
    check(json!([said("user", &[])]), &["message 0 is empty"]);
    check(json!([said("user", &[&json!({"type": "text", "text": " "})])]), &["blank"]);
    check(json!([user, said("assistant", &[&a, &a]), said("user", &[&one, &one])]), &["used twice"]);
    let unsigned = json!({"type": "thinking", "thinking": "t"});
    check(json!([user, said("assistant", &[&unsigned, &text]), user]), &["not whole"]);
    let body = json!({"model": "m", "stream": true, "messages": [user], "top_k": 1});
    check_at("/v1/messages", body, &["unknown key top_k", "no max_tokens"]);
}

#[test]
fn messages_of_ollama() {
    let check = |messages: Value, expected: &[&str]| {
        let options = json!({"num_ctx": 1});
        let body = json!({
            "model": "m", "messages": messages, "options": options, "stream": true, "truncate": false, "shift": false,
        });
        check_at("/api/chat", body, expected);
    };
    let user = json!({"role": "user", "content": "u"});
    let call = json!({"id": "a", "function": {"name": "f", "arguments": {}}});
    let calls = json!({"role": "assistant", "content": "", "tool_calls": [call]});
    let result = json!({"role": "tool", "content": "r", "tool_name": "f", "tool_call_id": "a"});
    check(json!([{"role": "system", "content": "s"}, user, calls, result, user]), &[]);
    check(json!([user, calls, user]), &["1 calls have no result"]);
    check(json!([user, calls]), &["the last message", "1 calls have no result"]);
    check(json!([user, result]), &["not of None"]);
    check(json!([calls, result]), &["message 0 is not the user's"]);
    let body = json!({"model": "m", "messages": [user], "stream": true});
    check_at("/api/chat", body, &["no options.num_ctx", "may be cut"]);
}

#[test]
fn items_of_responses() {
    let check = |items: Value, expected: &[&str]| {
        check_at("/v1/responses", json!({"model": "m", "input": items, "store": false, "stream": true}), expected);
    };
    let user = json!({"role": "user", "content": "u"});
    let said = json!({"role": "assistant", "content": "a"});
    let call = json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"});
    let result = json!({"type": "function_call_output", "call_id": "a", "output": "r"});
    let reasoning = json!({"type": "reasoning", "summary": [], "encrypted_content": "x"});
    check(json!([user, reasoning, said, call, result, user]), &[]);
    check(json!([user, call, user]), &["the calls a have no result"]);
    check(json!([user, result]), &["without a call"]);
    check(json!([user, reasoning, user]), &["led to nothing"]);
    check(json!([user, call, call, result, result]), &["used twice"]);
    check(json!([user, said]), &["the last item"]);
    check(json!([said, user]), &["item 0"]);
    check_at("/v1/responses", json!({"model": "m", "input": [user], "stream": true}), &["it is stored"]);
}
