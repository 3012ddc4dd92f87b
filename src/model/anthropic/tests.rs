//! Bodies and streams of the Messages API.

use serde_json::{Value, json};

use super::{Anthropic, BASE_URL, body, stream};
use crate::model::playing::{play, play_in_every_way};
use crate::model::remote::Asked;
use crate::model::{
    Message, Model, ModelErrorKind, Opaque, Request, Response, StopReason, ToolCallRequested, ToolSchema, Usage,
};

const MODEL: &str = "claude-sonnet-4-6";

fn decoder() -> stream::Decoder {
    stream::Decoder::new(Asked::new(Anthropic::endpoint(BASE_URL).unwrap(), MODEL, "seed"))
}

fn call(id: &str, name: &str, arguments: &str) -> ToolCallRequested {
    ToolCallRequested { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() }
}

fn result(call: &str, ok: bool, output: &str) -> Message {
    Message::ToolResult { call: call.to_owned(), name: "read_file".to_owned(), ok, output: output.to_owned() }
}

fn user(text: &str) -> Message {
    Message::User { text: text.to_owned() }
}

#[test]
fn m02_thinking_and_parallel_calls_however_the_stream_is_cut() {
    let recorded = include_str!("../../../tests/it/model/streams/anthropic_thinking_and_two_calls.sse");
    let signature = "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds+sk-Abcdefghijklmnopqrstuvwx0/";
    let thinking = "Two files matter: é😀.\nRead both.";
    let response = play_in_every_way(decoder, recorded.as_bytes());
    let expected = Response {
        text: "I read both.".to_owned(),
        reasoning: thinking.to_owned(),
        tool_calls: vec![
            call("toolu_01T1x1fJ34qAmk2tNTrN7Up6", "read_file", r#"{"path": "src/a.rs"}"#),
            call("toolu_01A09q90qw90lq917835lq9", "read_file", r#"{"path":"src/ü.rs"}"#),
        ],
        stop_reason: StopReason::ToolCalls,
        usage: Usage { input: 2572, output: 89, cached: 2000, cache_write: 100 },
        attempts: 1,
        opaque: Some(Opaque {
            provider: "anthropic".to_owned(),
            model: MODEL.to_owned(),
            pieces: vec![
                json!({"type": "thinking", "thinking": thinking, "signature": signature}),
                json!({"claw": "text", "bytes": 12}),
                json!({"claw": "call"}),
                json!({"claw": "call"}),
            ],
        }),
    };
    assert_eq!(response, expected);
}

#[test]
fn m13_text_however_the_stream_is_cut() {
    let recorded = include_str!("../../../tests/it/model/streams/anthropic_text.sse");
    let response = play_in_every_way(decoder, recorded.as_bytes());
    assert_eq!((response.text.as_str(), response.stop_reason), ("Hello, wörld 😀!", StopReason::End));
    assert_eq!(
        (response.usage, response.opaque),
        (Usage { input: 25, output: 15, cached: 0, ..Usage::default() }, None)
    );
    // Half characters in two pieces.
    let halves = recorded.replace("\"Hello\"", "\"\\ud83d\"").replace("\", wörld 😀!\"", "\"\\ude00 \\ud83d\"");
    assert_eq!(play(decoder(), &[halves.as_bytes()]).unwrap().unwrap().text, "😀 \u{fffd}");
}

#[test]
fn m02_a_call_that_the_limit_cut_is_left_as_it_came() {
    let recorded = include_str!("../../../tests/it/model/streams/anthropic_redacted_and_cut_short.sse");
    let response = play_in_every_way(decoder, recorded.as_bytes());
    assert_eq!(response.stop_reason, StopReason::Length);
    assert_eq!(response.tool_calls, [call("toolu_03", "shell", "{\"command\":\"rm -rf /tmp/x")]);
    let pieces = response.opaque.unwrap().pieces;
    assert_eq!(pieces[0]["data"], "EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpP");
}

#[test]
fn m05_reasons_to_stop() {
    for (reason, expected) in [
        ("end_turn", StopReason::End),
        ("stop_sequence", StopReason::End),
        ("max_tokens", StopReason::Length),
        ("model_context_window_exceeded", StopReason::Length),
        ("refusal", StopReason::ContentFilter),
        ("pause_turn", StopReason::Unknown),
        ("of_tomorrow", StopReason::Unknown),
    ] {
        let stream = format!(
            "data: {}\n\ndata: {}\n\n",
            json!({"type": "message_delta", "delta": {"stop_reason": reason}}),
            json!({"type": "message_stop"})
        );
        let response = play(decoder(), &[stream.as_bytes()]).unwrap().unwrap();
        assert_eq!(response.stop_reason, expected, "{reason}");
    }
    assert_eq!(play(decoder(), &[b"data: {\"type\":\"ping\"}\n\n"]).unwrap(), None);
}

#[test]
fn m05_errors_in_the_stream() {
    for (kind, expected) in [
        ("overloaded_error", ModelErrorKind::Server),
        ("api_error", ModelErrorKind::Server),
        ("rate_limit_error", ModelErrorKind::RateLimit),
        ("authentication_error", ModelErrorKind::Auth),
        ("permission_error", ModelErrorKind::Auth),
        ("billing_error", ModelErrorKind::Refused),
        ("invalid_request_error", ModelErrorKind::Refused),
        ("request_too_large", ModelErrorKind::ContextLength),
    ] {
        let error = json!({"type": "error", "error": {"type": kind, "message": "Words of it"}});
        let stream = format!("event: error\ndata: {error}\n\n");
        let error = play(decoder(), &[stream.as_bytes()]).unwrap_err();
        assert_eq!(error.kind, expected, "{kind}");
        assert!(error.message.contains("Words of it"), "{}", error.message);
    }
    assert_eq!(play(decoder(), &[b"data: nonsense\n\n"]).unwrap_err().kind, ModelErrorKind::Protocol);
    assert_eq!(play(decoder(), &[b"event: elsewhere\ndata: nonsense\n\n"]).unwrap(), None);
}

#[test]
fn a_conversation_as_it_goes_on_the_wire() {
    let opaque = Opaque {
        provider: "anthropic".to_owned(),
        model: MODEL.to_owned(),
        pieces: vec![
            json!({"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}),
            json!({"claw": "call"}),
            json!({"claw": "call"}),
        ],
    };
    let mut request = Request {
        system: "Be brief.".to_owned(),
        messages: vec![
            user("Go."),
            Message::Assistant {
                text: String::new(),
                reasoning: "Hm.".to_owned(),
                tool_calls: vec![call("a", "read_file", r#"{"path":"x"}"#), call("b.1", "read_file", "{\"path")],
                opaque: Some(opaque),
            },
            result("a", true, "one"),
            result("b.1", false, ""),
            user("And?"),
        ],
        tools: vec![ToolSchema {
            name: "read_file".to_owned(),
            description: "Reads.".to_owned(),
            parameters: json!({"type": "object"}),
        }],
        max_output_tokens: Some(100),
    };
    let id = "call_b14a9e0d1e1b4d0b";
    let text = body::body(MODEL, None, &request).to_string();
    let found = body::body(MODEL, None, &request)["messages"][1]["content"][2]["id"].as_str().unwrap().to_owned();
    assert!(found.starts_with("call_") && found.len() == id.len(), "{found}");
    let ephemeral = r#""cache_control":{"type":"ephemeral"}"#;
    let expected = format!(
        r#"{{"model":"claude-sonnet-4-6","max_tokens":100,"tools":[{{"name":"read_file","description":"Reads.","input_schema":{{"type":"object"}},{ephemeral}}}],"system":[{{"type":"text","text":"Be brief.",{ephemeral}}}],"messages":[{{"role":"user","content":[{{"type":"text","text":"Go.",{ephemeral}}}]}},{{"role":"assistant","content":[{{"type":"thinking","thinking":"Hm.","signature":"c2ln"}},{{"type":"tool_use","id":"a","name":"read_file","input":{{"path":"x"}}}},{{"type":"tool_use","id":"{found}","name":"read_file","input":{{"malformed_arguments":"{{\"path"}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"a","content":"one"}},{{"type":"tool_result","tool_use_id":"{found}","is_error":true}},{{"type":"text","text":"And?",{ephemeral}}}]}}],"stream":true}}"#
    );
    assert_eq!(text, expected);

    // What follows leaves what was there as it was, but for the marks of the cache.
    request.messages.push(Message::Assistant {
        text: " ".to_owned(),
        reasoning: String::new(),
        tool_calls: Vec::new(),
        opaque: None,
    });
    request.messages.push(user(""));
    let longer = body::body(MODEL, None, &request);
    assert_eq!(
        longer["messages"][3],
        json!({"role": "assistant", "content": [{"type": "text", "text": "[No text.]"}]})
    );
    let unmarked = |body: &Value| body["messages"].to_string().replace(&format!(",{ephemeral}"), "");
    let before = unmarked(&serde_json::from_str(&text).unwrap());
    assert!(unmarked(&longer).starts_with(before.trim_end_matches(']')), "{longer}");
    assert_eq!(longer.to_string().matches(ephemeral).count(), 4);
}

#[test]
fn a_limit_that_the_model_takes() {
    let limit = |model: &str| body::body(model, None, &Request::default())["max_tokens"].clone();
    for (model, expected) in [
        ("claude-sonnet-4-6", 32_000),
        ("claude-opus-4-1-20250805", 32_000),
        ("claude-3-7-sonnet-latest", 32_000),
        ("claude-3-5-haiku-latest", 8192),
        ("claude-3-haiku-20240307", 4096),
        ("another", 8192),
    ] {
        assert_eq!(limit(model), expected, "{model}");
    }
}

#[test]
fn an_address_is_taken_with_and_without_its_version() {
    for address in ["https://x.example", "https://x.example/", "https://x.example/v1", "https://x.example/v1/"] {
        let endpoint = Anthropic::endpoint(address).unwrap();
        assert_eq!(endpoint.shown(), "https://x.example");
        assert_eq!(Anthropic::new(endpoint, "m").provider(), "anthropic");
    }
}

#[test]
fn each_family_is_told_in_its_own_words_how_much_to_think() {
    use crate::model::Effort;
    let said = |model: &str, effort: Effort| {
        let body = body::body(model, Some(effort), &Request::default());
        (body["thinking"].clone(), body["output_config"]["effort"].clone())
    };
    let budget = |tokens: u32| json!({"type": "enabled", "budget_tokens": tokens});
    let (adaptive, off, nothing) = (json!({"type": "adaptive"}), json!({"type": "disabled"}), Value::Null);
    for (model, effort, expected) in [
        ("claude-sonnet-4-6", Effort::Low, (&adaptive, json!("low"))),
        ("claude-opus-5-5", Effort::Max, (&adaptive, json!("max"))),
        ("claude-opus-5", Effort::Minimal, (&adaptive, json!("low"))),
        ("claude-opus-4-6", Effort::None, (&off, nothing.clone())),
        ("claude-opus-4-5-20251101", Effort::Medium, (&nothing, json!("medium"))),
        ("claude-haiku-4-5", Effort::High, (&budget(16_384), nothing.clone())),
        ("claude-sonnet-4-5-20250929", Effort::Minimal, (&budget(1024), nothing.clone())),
        ("claude-opus-4-20250514", Effort::Max, (&budget(24_000), nothing.clone())),
        ("claude-3-5-haiku-latest", Effort::High, (&nothing, nothing.clone())),
        // Somebody else's, with room for 8,192 tokens in all.
        ("glm-5", Effort::High, (&budget(6144), nothing.clone())),
    ] {
        assert_eq!(said(model, effort), (expected.0.clone(), expected.1), "{model} {effort:?}");
    }
}
