//! Bodies and streams of Ollama's API.

use serde_json::json;

use super::{Ollama, body, stream};
use crate::model::playing::{play, play_in_every_way};
use crate::model::remote::Asked;
use crate::model::{
    Collector, Delta, Message, Model, ModelErrorKind, Request, Response, StopReason, ToolCallRequested, ToolSchema,
    Usage,
};
use futures::StreamExt;

const URL: &str = "http://127.0.0.1:11434";

fn asked(model: &str, size: usize, window: u64) -> stream::Decoder {
    let asked = Asked::new(Ollama::endpoint(URL).unwrap(), model, "seed");
    stream::Decoder::new(Asked { size, window: Some(window), ..asked })
}

fn decoder() -> stream::Decoder {
    asked("qwen3:8b", 5000, 8192)
}

fn call(id: &str, name: &str, arguments: &str) -> ToolCallRequested {
    ToolCallRequested { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() }
}

#[test]
fn m02_thinking_and_parallel_calls_however_the_stream_is_cut() {
    let recorded = include_str!("../../../tests/it/model/streams/ollama_thinking_and_two_calls.ndjson");
    let expected = Response {
        text: "I read both.".to_owned(),
        reasoning: "Two files: é😀. Read both.".to_owned(),
        tool_calls: vec![
            call("call_seed_1", "read_file", r#"{"path":"src/a.rs"}"#),
            call("call_seed_2", "read_file", r#"{"path":"src/ü.rs"}"#),
        ],
        stop_reason: StopReason::ToolCalls,
        usage: Usage { input: 2572, output: 89, cached: 0, ..Usage::default() },
        attempts: 1,
        opaque: None,
    };
    assert_eq!(play_in_every_way(decoder, recorded.as_bytes()), expected);
}

#[test]
fn m13_text_however_the_stream_is_cut() {
    let recorded = include_str!("../../../tests/it/model/streams/ollama_text.ndjson");
    let response = play_in_every_way(decoder, recorded.as_bytes());
    assert_eq!((response.text.as_str(), response.stop_reason), ("Hello, wörld 😀!", StopReason::End));
    let halves = recorded.replace("\"Hello\"", "\"\\ud83d\"").replace("\", wörld 😀!\"", "\"\\ude00 \\ud83d\"");
    assert_eq!(play(decoder(), &[halves.as_bytes()]).unwrap().unwrap().text, "😀 \u{fffd}");
}

#[test]
fn m02_a_response_that_the_limit_cut() {
    let recorded = include_str!("../../../tests/it/model/streams/ollama_cut_short.ndjson");
    let response = play_in_every_way(decoder, recorded.as_bytes());
    assert_eq!(response.stop_reason, StopReason::Length);
    assert_eq!(response.tool_calls, [call("call_9z", "shell", r#"{"command":"ls"}"#)]);
}

#[test]
fn m05_errors_and_nonsense_in_the_stream() {
    for (line, expected) in [
        (json!({"error": "model \"qwen3:8b\" not found, try pulling it first"}), ModelErrorKind::ModelNotFound),
        (json!({"error": "an error was encountered while running the model"}), ModelErrorKind::Server),
        (json!({"error": "the input length exceeds the context length"}), ModelErrorKind::ContextLength),
        (json!({"models": []}), ModelErrorKind::Protocol),
        (json!("text"), ModelErrorKind::Protocol),
    ] {
        assert_eq!(play(decoder(), &[format!("{line}\n").as_bytes()]).unwrap_err().kind, expected, "{line}");
    }
    let odd =
        "{\"message\":{\"role\":\"assistant\"},\"done\":true,\"done_reason\":\"unload\",\"prompt_eval_count\":-4}\n";
    let response = play(decoder(), &[odd.as_bytes()]).unwrap().unwrap();
    assert_eq!((response.stop_reason, response.usage), (StopReason::Unknown, Usage::default()));
}

#[test]
fn a_prompt_that_was_cut_is_noticed() {
    use crate::model::http::Decode;
    use crate::model::sse::Event;
    let notice = |size: usize, count: u64| {
        let mut decoder = asked("m", size, 4096);
        let data = json!({"message": {"content": "ok"}, "done": true, "prompt_eval_count": count}).to_string();
        decoder.event(&Event { name: String::new(), data }).unwrap();
        let deltas = decoder.finish().unwrap();
        let mut collector = Collector::default();
        deltas.iter().for_each(|delta| collector.push(delta));
        assert!(collector.finish().is_ok());
        deltas.into_iter().find_map(|delta| match delta {
            Delta::Notice(error) => Some(error),
            _ => None,
        })
    };
    let told = notice(90_000, 4000).unwrap();
    assert_eq!(told.kind, ModelErrorKind::ContextLength);
    for part in ["cut the prompt", "90000 bytes", "4000 tokens", "context.window"] {
        assert!(told.message.contains(part), "{}", told.message);
    }
    for (size, count) in [(90_000, 22_000), (90_000, 9_000), (90_000, 0), (2000, 10)] {
        assert_eq!(notice(size, count), None, "{size} {count}");
    }
}

#[tokio::test]
async fn a_prompt_that_can_not_fit_is_not_sent() {
    let endpoint = Ollama::endpoint("http://127.0.0.1:1").unwrap();
    let model = Ollama::new(endpoint, "m", 4096);
    let request = Request { messages: vec![Message::User { text: "x".repeat(50_000) }], ..Request::default() };
    let error = model.send(model.body(&request)).next().await.unwrap().unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::ContextLength);
    assert!(error.message.contains("window of 4096 tokens"), "{}", error.message);
}

#[test]
fn a_conversation_as_it_goes_on_the_wire() {
    let request = Request {
        system: "Be brief.".to_owned(),
        messages: vec![
            Message::User { text: "Go.".to_owned() },
            Message::Assistant {
                text: String::new(),
                reasoning: "Hm.".to_owned(),
                tool_calls: vec![call("a", "read_file", r#"{"path":"x"}"#)],
                opaque: None,
            },
            Message::ToolResult {
                call: "a".to_owned(),
                name: "read_file".to_owned(),
                ok: true,
                output: "one".to_owned(),
            },
        ],
        tools: vec![ToolSchema {
            name: "read_file".to_owned(),
            description: "Reads.".to_owned(),
            parameters: json!({"type": "object"}),
        }],
        max_output_tokens: Some(100),
    };
    let expected = r#"{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Go."},{"role":"assistant","content":"","thinking":"Hm.","tool_calls":[{"id":"a","function":{"name":"read_file","arguments":{"path":"x"}}}]},{"role":"tool","content":"one","tool_name":"read_file","tool_call_id":"a"}],"tools":[{"type":"function","function":{"name":"read_file","description":"Reads.","parameters":{"type":"object"}}}],"options":{"num_ctx":8192,"num_predict":100},"truncate":false,"shift":false,"stream":true}"#;
    assert_eq!(body::body("m", 8192, None, &request).to_string(), expected);
    assert_eq!(body::size(&body::body("m", 8192, None, &request)), 15);
}

#[test]
fn an_address_is_taken_as_that_of_any_of_its_apis() {
    for address in [URL, "http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/api/"] {
        let endpoint = Ollama::endpoint(address).unwrap();
        assert_eq!((endpoint.shown().as_str(), endpoint.is_ollama), (URL, true));
    }
}

#[test]
fn whether_and_how_much_to_think() {
    use crate::model::Effort;
    let think =
        |model: &str, effort: Option<Effort>| body::body(model, 4096, effort, &Request::default())["think"].clone();
    assert_eq!(think("qwen3:8b", None), json!(null));
    assert_eq!(think("qwen3:8b", Some(Effort::None)), json!(false));
    assert_eq!(think("qwen3:8b", Some(Effort::Low)), json!(true));
    assert_eq!(think("gpt-oss:20b", Some(Effort::None)), json!("low"));
    assert_eq!(think("gpt-oss:20b", Some(Effort::Max)), json!("high"));
}
