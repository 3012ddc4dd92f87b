//! The body of a Chat Completions request. A pure function: the same request gives the same bytes.

use serde_json::{Map, Value, json};

use crate::model::{Effort, Message, Request, ToolCallRequested, family};

/// The body for `request`; `limit` is the name under which the endpoint takes the limit of output tokens.
pub(super) fn body(model: &str, effort: Option<Effort>, request: &Request, limit: &str) -> Value {
    let mut body = conversation(model, request, message);
    if let Some(tokens) = request.max_output_tokens {
        body.insert(limit.to_owned(), tokens.into());
    }
    if let Some(effort) = effort {
        body.insert("reasoning_effort".to_owned(), effort.of_openai().into());
    }
    if family::is_small(model) {
        body.insert("temperature".to_owned(), 0.into());
    }
    body.insert("stream".to_owned(), true.into());
    body.insert("stream_options".to_owned(), json!({"include_usage": true}));
    Value::Object(body)
}

/// The beginning of a body, which Ollama's own API has too but for how it writes a message.
pub fn conversation(model: &str, request: &Request, message: fn(&Message) -> Value) -> Map<String, Value> {
    let system = (!request.system.is_empty()).then(|| json!({"role": "system", "content": request.system}));
    let messages: Vec<Value> = system.into_iter().chain(request.messages.iter().map(message)).collect();
    let mut body = Map::new();
    body.insert("model".to_owned(), model.into());
    body.insert("messages".to_owned(), messages.into());
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            })
        });
        body.insert("tools".to_owned(), tools.collect());
    }
    body
}

fn message(message: &Message) -> Value {
    match message {
        Message::User { text } => json!({"role": "user", "content": text}),
        // What a model thought aloud is not sent back: some endpoints refuse it, and none needs it.
        Message::Assistant { text, reasoning: _, tool_calls, opaque: _ } if tool_calls.is_empty() => {
            json!({"role": "assistant", "content": text})
        }
        Message::Assistant { text, reasoning: _, tool_calls, opaque: _ } => {
            let content = if text.is_empty() { Value::Null } else { text.as_str().into() };
            let calls: Vec<Value> = tool_calls.iter().map(tool_call).collect();
            json!({"role": "assistant", "content": content, "tool_calls": calls})
        }
        Message::ToolResult { call, name: _, ok: _, output } => {
            json!({"role": "tool", "tool_call_id": call, "content": output})
        }
    }
}

fn tool_call(call: &ToolCallRequested) -> Value {
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments(call)}})
}

/// The arguments as they stand, if they are a JSON object. Servers parse the history they are sent, and many fail on anything
/// else, so malformed arguments are wrapped: the model sees what it wrote, and the request stays valid.
fn arguments(call: &ToolCallRequested) -> String {
    if call.arguments.trim().is_empty() {
        return "{}".to_owned();
    }
    match serde_json::from_str::<Map<String, Value>>(&call.arguments) {
        Ok(_) => call.arguments.clone(),
        Err(_) => json!({"malformed_arguments": call.arguments}).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ToolSchema;

    #[test]
    fn a_conversation_as_it_goes_on_the_wire() {
        let call = |id: &str, arguments: &str| ToolCallRequested {
            id: id.to_owned(),
            name: "read_file".to_owned(),
            arguments: arguments.to_owned(),
        };
        let result = |call: &str, output: &str| Message::ToolResult {
            call: call.to_owned(),
            name: "read_file".to_owned(),
            ok: true,
            output: output.to_owned(),
        };
        let request = Request {
            system: "Be brief.".to_owned(),
            messages: vec![
                Message::User { text: "Go.".to_owned() },
                Message::Assistant {
                    text: String::new(),
                    reasoning: "Hm.".to_owned(),
                    tool_calls: vec![call("a", r#"{"path": "x"}"#), call("b", ""), call("c", r#"{"path": "x"#)],
                    opaque: None,
                },
                result("a", "one"),
                result("b", "two"),
                result("c", "three"),
                Message::Assistant {
                    text: "Done.".to_owned(),
                    reasoning: String::new(),
                    tool_calls: Vec::new(),
                    opaque: None,
                },
            ],
            tools: vec![ToolSchema {
                name: "read_file".to_owned(),
                description: "Reads.".to_owned(),
                parameters: json!({"type": "object"}),
            }],
            max_output_tokens: Some(100),
        };
        let expected = expect_test::expect![[
            r#"{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Go."},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"read_file","arguments":"{\"path\": \"x\"}"}},{"id":"b","type":"function","function":{"name":"read_file","arguments":"{}"}},{"id":"c","type":"function","function":{"name":"read_file","arguments":"{\"malformed_arguments\":\"{\\\"path\\\": \\\"x\"}"}}]},{"role":"tool","tool_call_id":"a","content":"one"},{"role":"tool","tool_call_id":"b","content":"two"},{"role":"tool","tool_call_id":"c","content":"three"},{"role":"assistant","content":"Done."}],"tools":[{"type":"function","function":{"name":"read_file","description":"Reads.","parameters":{"type":"object"}}}],"max_tokens":100,"stream":true,"stream_options":{"include_usage":true}}"#
        ]];
        expected.assert_eq(&body("m", None, &request, "max_tokens").to_string());
    }
}
