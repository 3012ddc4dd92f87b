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
