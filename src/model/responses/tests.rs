//! Bodies and streams of the Responses API.

use serde_json::json;

use super::{body, stream};
use crate::model::http::Endpoint;
use crate::model::playing::{play, play_in_every_way};
use crate::model::remote::Asked;
use crate::model::{
    Message, ModelErrorKind, Opaque, Request, Response, StopReason, ToolCallRequested, ToolSchema, Usage,
};

const MODEL: &str = "gpt-5.4";
const SEALED: &str = "gAAAAABoISQ24OyVRYbkYfukdJoqdzWT-sk-Abcdefghijklmnopqrstuvwx_0==";

fn decoder() -> stream::Decoder {
    stream::Decoder::new(Asked::new(Endpoint::new("https://api.openai.com/v1").unwrap(), MODEL, "seed"))
}

fn call(id: &str, name: &str, arguments: &str) -> ToolCallRequested {
    ToolCallRequested { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() }
}

fn opaque() -> Opaque {
    let summary = json!([{"type": "summary_text", "text": "Two files: é😀."}]);
    Opaque {
        provider: "openai-responses".to_owned(),
        model: MODEL.to_owned(),
        pieces: vec![
            json!({"type": "reasoning", "summary": summary, "encrypted_content": SEALED}),
            json!({"phase": "commentary", "claw": "text", "bytes": 12}),
            json!({"claw": "call"}),
            json!({"claw": "call"}),
        ],
    }
}

fn expected() -> Response {
    Response {
        text: "I read both.".to_owned(),
        reasoning: "Two files: é😀.".to_owned(),
        tool_calls: vec![
            call("call_2", "read_file", r#"{"path":"src/a.rs"}"#),
            call("call_3", "read_file", r#"{"path":"src/ü.rs"}"#),
        ],
        stop_reason: StopReason::ToolCalls,
        usage: Usage { input: 2572, output: 89, cached: 2000, ..Usage::default() },
        attempts: 1,
        opaque: Some(opaque()),
    }
}

const RECORDED: &str = include_str!("../../../tests/it/model/streams/responses_reasoning_and_two_calls.sse");

#[test]
fn m02_reasoning_and_parallel_calls_however_the_stream_is_cut() {
    assert_eq!(play_in_every_way(decoder, RECORDED.as_bytes()), expected());
}

#[test]
fn what_only_the_last_event_tells_is_taken_from_there() {
    let last = RECORDED.find("event: response.completed").unwrap();
    assert_eq!(play(decoder(), &[&RECORDED.as_bytes()[last..]]).unwrap(), Some(expected()));
}

#[test]
fn m13_text_however_the_stream_is_cut() {
    let recorded = include_str!("../../../tests/it/model/streams/responses_text.sse");
    let response = play_in_every_way(decoder, recorded.as_bytes());
    assert_eq!((response.text.as_str(), response.stop_reason), ("Hello, wörld 😀!", StopReason::End));
    assert_eq!(response.opaque, None);
}

#[test]
fn m02_a_call_that_the_limit_cut_is_left_as_it_came() {
    let recorded = include_str!("../../../tests/it/model/streams/responses_cut_short.sse");
    let response = play_in_every_way(decoder, recorded.as_bytes());
    assert_eq!(response.stop_reason, StopReason::Length);
    assert_eq!(response.tool_calls, [call("call_9", "shell", "{\"command\":\"rm -rf /tmp/x")]);
    assert_eq!(response.opaque, None);
}

#[test]
fn m05_errors_in_the_stream() {
    let failed = |code: &str| {
        let error = json!({"code": code, "message": "Words of it"});
        json!({"type": "response.failed", "response": {"status": "failed", "error": error}})
    };
    for (event, expected) in [
        (failed("rate_limit_exceeded"), ModelErrorKind::RateLimit),
        (failed("server_error"), ModelErrorKind::Server),
        (failed("context_length_exceeded"), ModelErrorKind::ContextLength),
        (failed("insufficient_quota"), ModelErrorKind::Refused),
        (failed("invalid_prompt"), ModelErrorKind::Refused),
        (json!({"type": "error", "code": "server_error", "message": "Words of it"}), ModelErrorKind::Server),
        (json!({"error": {"message": "Words of it", "code": "model_not_found"}}), ModelErrorKind::ModelNotFound),
        (
            json!({"type": "response.function_call_arguments.delta", "output_index": 4, "delta": "{}"}),
            ModelErrorKind::Protocol,
        ),
    ] {
        let error = play(decoder(), &[format!("data: {event}\n\n").as_bytes()]).unwrap_err();
        assert_eq!(error.kind, expected, "{event}");
        assert!(error.message.contains("Words of it") || expected == ModelErrorKind::Protocol, "{}", error.message);
    }
    assert_eq!(play(decoder(), &[b"data: nonsense\n\n"]).unwrap_err().kind, ModelErrorKind::Protocol);
    assert_eq!(play(decoder(), &[b"event: elsewhere\ndata: nonsense\n\n", b"data: [DONE]\n\n"]).unwrap(), None);
}

#[test]
fn a_conversation_as_it_goes_on_the_wire() {
    let result = |call: &str| Message::ToolResult {
        call: call.to_owned(),
        name: "read_file".to_owned(),
        ok: true,
        output: "one".to_owned(),
    };
    let request = Request {
        system: "Be brief.".to_owned(),
        messages: vec![
            Message::User { text: "Go.".to_owned() },
            Message::Assistant {
                text: "I read both.".to_owned(),
                reasoning: String::new(),
                tool_calls: vec![call("call_2", "read_file", r#"{"path":"a"}"#), call("call_3", "read_file", "{")],
                opaque: Some(opaque()),
            },
            result("call_2"),
            result("call_3"),
        ],
        tools: vec![ToolSchema {
            name: "read_file".to_owned(),
            description: "Reads.".to_owned(),
            parameters: json!({"type": "object"}),
        }],
        max_output_tokens: Some(100),
    };
    let expected = format!(
        r#"{{"model":"gpt-5.4","instructions":"Be brief.","input":[{{"role":"user","content":"Go."}},{{"type":"reasoning","summary":[{{"type":"summary_text","text":"Two files: é😀."}}],"encrypted_content":"{SEALED}"}},{{"role":"assistant","content":"I read both.","phase":"commentary"}},{{"type":"function_call","call_id":"call_2","name":"read_file","arguments":"{{\"path\":\"a\"}}"}},{{"type":"function_call","call_id":"call_3","name":"read_file","arguments":"{{\"malformed_arguments\":\"{{\"}}"}},{{"type":"function_call_output","call_id":"call_2","output":"one"}},{{"type":"function_call_output","call_id":"call_3","output":"one"}}],"tools":[{{"type":"function","name":"read_file","description":"Reads.","parameters":{{"type":"object"}},"strict":false}}],"max_output_tokens":100,"store":false,"include":["reasoning.encrypted_content"],"stream":true}}"#
    );
    assert_eq!(body::body(MODEL, None, &request).to_string(), expected);
    // Another model neither understands the reasoning nor, if it has none, takes the wish for it.
    let other = body::body("gpt-4.1", None, &request).to_string();
    assert!(!other.contains("encrypted"), "{other}");
}

#[test]
fn reasoning_that_led_to_nothing_stays_away() {
    let reasoning = json!({"type": "reasoning", "summary": [], "encrypted_content": SEALED});
    let opaque = Opaque { pieces: vec![reasoning], ..opaque() };
    let said = Message::Assistant {
        text: String::new(),
        reasoning: String::new(),
        tool_calls: Vec::new(),
        opaque: Some(opaque),
    };
    let request = Request { messages: vec![Message::User { text: "Go.".to_owned() }, said], ..Request::default() };
    assert_eq!(body::body(MODEL, None, &request)["input"][1], json!({"role": "assistant", "content": ""}));
}
