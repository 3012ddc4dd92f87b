//! Streams as public documentation and bug reports of many servers show them, cut at every place.

use serde_json::{Value, json};

use super::*;
use crate::model::http::Endpoint;
use crate::model::{Collector, ModelErrorKind, Response};

/// What a stream comes to, with adjacent pieces of the same text or call joined: where a stream is cut must not matter.
fn run(pieces: &[&[u8]]) -> Result<Vec<Delta>, ModelError> {
    let mut decoder = Decoder::new(Asked::new(Endpoint::new("http://127.0.0.1:1/v1").unwrap(), "mock", "seed"));
    let mut events = sse::Decoder::default();
    let mut deltas = Vec::new();
    for piece in pieces {
        let mut items = Vec::new();
        events.push(piece, &mut items).unwrap();
        for item in items {
            if let sse::Item::Event(event) = item
                && !decoder.is_done()
            {
                deltas.extend(decoder.event(&event)?);
            }
        }
    }
    deltas.extend(decoder.finish().unwrap_or_default());
    Ok(deltas)
}

/// Decodes `stream` whole, byte by byte and cut in two at every place, and always gets `expected`.
fn check(stream: &str, expected: &[Delta]) {
    let bytes = stream.as_bytes();
    assert_eq!(run(&[bytes]).unwrap(), expected);
    assert_eq!(run(&bytes.chunks(1).collect::<Vec<_>>()).unwrap(), expected);
    for cut in 1..bytes.len() {
        assert_eq!(run(&[&bytes[..cut], &bytes[cut..]]).unwrap(), expected, "cut at {cut}");
    }
}

/// The response that a stream comes to: calls as (id, name, arguments).
fn response(stream: &str) -> Option<Response> {
    let mut collector = Collector::default();
    run(&[stream.as_bytes()]).unwrap().iter().for_each(|delta| collector.push(delta));
    collector.finish().ok()
}

fn calls(stream: &str) -> Vec<(String, String, String)> {
    let response = response(stream).expect("a terminal event");
    assert_eq!(response.stop_reason, StopReason::ToolCalls);
    response.tool_calls.into_iter().map(|call| (call.id, call.name, call.arguments)).collect()
}

fn events(chunks: &[Value]) -> String {
    chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect()
}

/// A stream of deltas with a proper end.
fn stream(deltas: &[Value]) -> String {
    let chunks: Vec<Value> =
        deltas.iter().map(|delta| json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})).collect();
    events(&chunks) + &end("tool_calls")
}

fn end(reason: &str) -> String {
    events(&[json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})]) + "data: [DONE]\n\n"
}

fn text(text: &str) -> Delta {
    Delta::Text(text.to_owned())
}

fn call(index: usize, id: Option<&str>, name: Option<&str>, arguments: &str) -> Delta {
    Delta::ToolCall { index, id: id.map(str::to_owned), name: name.map(str::to_owned), arguments: arguments.to_owned() }
}

fn of<const N: usize>(calls: [(&str, &str, &str); N]) -> Vec<(String, String, String)> {
    calls.map(|(id, name, arguments)| (id.to_owned(), name.to_owned(), arguments.to_owned())).to_vec()
}

#[test]
fn openai_text_with_usage() {
    check(
        concat!(
            r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":null}"#,
            "\n\n",
            r#"data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"Hé"},"finish_reason":null}],"usage":null}"#,
            "\n\n",
            r#"data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"llo 😀"},"finish_reason":null}],"usage":null}"#,
            "\n\n",
            r#"data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#,
            "\n\n",
            r#"data: {"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":5}}}"#,
            "\n\ndata: [DONE]\n\n",
        ),
        &[
            text("Hé"),
            text("llo 😀"),
            Delta::Usage(Usage { input: 19, output: 10, cached: 5, ..Usage::default() }),
            Delta::Stop(StopReason::End),
        ],
    );
}

#[test]
fn openai_tool_calls_interleaved() {
    check(
        concat!(
            ": OPENROUTER PROCESSING\r\n\r\n",
            r#"data: {"choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"read_file","arguments":""}}]},"finish_reason":null}]}"#,
            "\r\n\r\n",
            r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"search","arguments":"{\"pa"}},{"index":0,"function":{"arguments":"{\"path\":"}}]},"finish_reason":null}]}"#,
            "\r\n\r\n",
            r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"é\"}"}},{"index":1,"function":{"arguments":"ttern\":\"x\"}"}}]},"finish_reason":null}]}"#,
            "\r\n\r\n",
            r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
            "\r\n\r\ndata: [DONE]\r\n\r\n",
        ),
        &[
            call(0, Some("call_a"), Some("read_file"), ""),
            call(1, Some("call_b"), Some("search"), "{\"pa"),
            call(0, None, None, "{\"path\":"),
            call(0, None, None, "\"é\"}"),
            call(1, None, None, "ttern\":\"x\"}"),
            Delta::Stop(StopReason::ToolCalls),
        ],
    );
}

#[test]
fn reasoning_under_both_names() {
    check(
        &(events(&[
            json!({"choices": [{"delta": {"role": "assistant", "content": null, "reasoning_content": "Let me "}}]}),
            json!({"choices": [{"delta": {"reasoning": "think.", "content": ""}}]}),
            json!({"choices": [{"delta": {"reasoning_content": "!", "reasoning": "!"}}]}),
            json!({"choices": [{"delta": {"content": [{"type": "text", "text": "Do"}, {"type": "text", "text": "ne"}]}}]}),
        ]) + &end("stop")),
        &[
            Delta::Reasoning("Let me ".to_owned()),
            Delta::Reasoning("think.".to_owned()),
            Delta::Reasoning("!".to_owned()),
            text("Done"),
            Delta::Stop(StopReason::End),
        ],
    );
}

#[test]
fn m04_calls_in_one_piece_without_index_or_id() {
    // Ollama and Gemini's compatible endpoint: whole calls, one index for all, or none.
    let whole = |extra: Value, name: &str, arguments: Value| {
        let mut call = json!({"type": "function", "function": {"name": name, "arguments": arguments}});
        for (key, value) in extra.as_object().unwrap() {
            call[key] = value.clone();
        }
        call
    };
    let two = |first: Value, second: Value| {
        calls(&stream(&[
            json!({"tool_calls": [whole(first, "a", json!("{\"x\":1}"))]}),
            json!({"tool_calls": [whole(second, "b", json!("{\"y\":2}"))]}),
        ]))
    };
    let made = of([("call_seed_1", "a", "{\"x\":1}"), ("call_seed_2", "b", "{\"y\":2}")]);
    let own = of([("p", "a", "{\"x\":1}"), ("q", "b", "{\"y\":2}")]);
    assert_eq!(two(json!({}), json!({})), made);
    assert_eq!(two(json!({"id": ""}), json!({"id": null})), made);
    assert_eq!(two(json!({"index": 0}), json!({"index": 0})), made);
    assert_eq!(two(json!({"index": 0, "id": "p"}), json!({"index": 0, "id": "q"})), own);
    assert_eq!(two(json!({"id": "p"}), json!({"id": "q"})), own);
    assert_eq!(two(json!({"index": 7, "id": "p"}), json!({"index": 3, "id": "q"})), own);
    // The same id twice is two calls, and a result must find its own.
    let repeated = of([("p", "a", "{\"x\":1}"), ("p_2", "b", "{\"y\":2}")]);
    assert_eq!(two(json!({"index": 0, "id": "p"}), json!({"index": 1, "id": "p"})), repeated);
    assert_eq!(two(json!({"id": "p"}), json!({"id": "p"})), repeated);
}

#[test]
fn m04_pieces_that_repeat_or_leave_out_what_they_belong_to() {
    let piece = |entry: Value| json!({"tool_calls": [entry]});
    let one = of([("p", "read_file", "{\"path\":\"x\"}")]);
    // Every piece with id and name.
    let full = |arguments: &str| {
        piece(json!({"index": 0, "id": "p", "function": {"name": "read_file", "arguments": arguments}}))
    };
    assert_eq!(calls(&stream(&[full("{\"path\":"), full("\"x\"}"), full("")])), one);
    // No index: pieces go on with their id, or with the last call.
    let with_id = |arguments: &str| piece(json!({"id": "p", "function": {"arguments": arguments}}));
    let head = piece(json!({"id": "p", "function": {"name": "read_file", "arguments": ""}}));
    assert_eq!(calls(&stream(&[head.clone(), with_id("{\"path\":"), with_id("\"x\"}")])), one);
    let bare = |arguments: &str| piece(json!({"function": {"arguments": arguments}}));
    assert_eq!(calls(&stream(&[head.clone(), bare("{\"path\":"), bare("\"x\"}")])), one);
    // A new id in each piece of the same index, without a name, is still the same call.
    let other_id =
        |id: &str, arguments: &str| piece(json!({"index": 0, "id": id, "function": {"arguments": arguments}}));
    let first = piece(json!({"index": 0, "id": "p", "function": {"name": "read_file", "arguments": ""}}));
    assert_eq!(calls(&stream(&[first, other_id("p2", "{\"path\":"), other_id("p3", "\"x\"}")])), one);
    // Arguments as an object, or none at all.
    let object = piece(json!({"index": 0, "id": "p", "function": {"name": "read_file", "arguments": {"path": "x"}}}));
    assert_eq!(calls(&stream(&[object])), one);
    let none = piece(json!({"index": 0, "id": "p", "function": {"name": "list_files"}}));
    assert_eq!(calls(&stream(&[none])), of([("p", "list_files", "")]));
}

#[test]
fn m04_too_many_calls_and_absurd_indexes() {
    let many: Vec<Value> =
        (0..5000).map(|index| json!({"index": index, "function": {"name": "f", "arguments": "{}"}})).collect();
    let error = run(&[stream(&[json!({"tool_calls": many})]).as_bytes()]).unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::TooLarge);

    let odd = [json!(-1), json!(1e300), json!(u64::MAX), json!("0"), json!(null)];
    let entries: Vec<Value> =
        odd.into_iter().map(|index| json!({"index": index, "function": {"name": "f", "arguments": "{}"}})).collect();
    let found = calls(&stream(&[json!({"tool_calls": entries}), json!({"tool_calls": [5, null, "x", [], {}]})]));
    assert!(
        found.len() >= 5 && found.iter().take(5).all(|(_, name, arguments)| name == "f" && arguments == "{}"),
        "{found:?}"
    );
}

#[test]
fn m02_truncated_arguments_are_not_repaired() {
    let begun = events(&[json!({"choices": [{"delta": {"tool_calls": [
        {"index": 0, "id": "p", "function": {"name": "shell", "arguments": "{\"command\":\"rm -rf /tmp/x"}}
    ]}}]})]);
    // The connection ends: no terminal event, nothing to run.
    assert_eq!(response(&begun), None);
    // The provider says it was cut, or says nothing of it: the arguments stay what they are.
    for (reason, stop) in [("length", StopReason::Length), ("stop", StopReason::ToolCalls)] {
        let response = response(&(begun.clone() + &end(reason))).unwrap();
        assert_eq!(response.stop_reason, stop);
        assert_eq!(response.tool_calls[0].arguments, "{\"command\":\"rm -rf /tmp/x");
    }
}

#[test]
fn m05_every_way_to_end() {
    let said = events(&[json!({"choices": [{"index": 0, "delta": {"content": "a"}}]})]);
    let reason = |reason: Value| events(&[json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})]);
    let stop = |stream: &str| response(stream).map(|response| (response.text, response.stop_reason));
    let a = |stop: StopReason| Some(("a".to_owned(), stop));
    for (word, expected) in [
        ("stop", StopReason::End),
        ("eos", StopReason::End),
        ("length", StopReason::Length),
        ("max_tokens", StopReason::Length),
        ("content_filter", StopReason::ContentFilter),
        ("tool_calls", StopReason::ToolCalls),
        ("function_call", StopReason::ToolCalls),
        ("because", StopReason::Unknown),
    ] {
        // With and without [DONE], and with something after it.
        let ended = said.clone() + &reason(word.into());
        assert_eq!(stop(&ended), a(expected), "{word}");
        let done = ended + "data: [DONE]\n\n";
        assert_eq!(stop(&done), a(expected), "{word}");
        assert_eq!(stop(&(done + &said + "data: nonsense\n\n")), a(expected), "{word}");
    }
    assert_eq!(stop(&(said.clone() + "data: [DONE]\n\n")), a(StopReason::End));
    assert_eq!(stop(&(said.clone() + "data:[DONE] \n\n")), a(StopReason::End));
    assert_eq!(stop(&(said.clone() + &reason(Value::Null) + &reason("".into()))), None);
    assert_eq!(stop(&(said.clone() + "data: [DONE]")), None, "the event has not ended");
    assert_eq!(stop(&said), None);
    assert_eq!(stop(""), None);
}

#[test]
fn m03_usage_is_clamped() {
    let usage = |usage: Value| {
        let stream = events(&[json!({"choices": [], "usage": usage})]) + &end("stop");
        let usage = response(&stream).unwrap().usage;
        (usage.input, usage.output, usage.cached)
    };
    assert_eq!(usage(json!({"prompt_tokens": 5, "completion_tokens": 6})), (5, 6, 0));
    assert_eq!(usage(json!({"prompt_tokens": -5, "completion_tokens": -6.5})), (0, 0, 0));
    assert_eq!(
        usage(json!({"prompt_tokens": u64::MAX, "completion_tokens": 1e300})),
        (1_000_000_000, 1_000_000_000, 0)
    );
    assert_eq!(usage(json!({"prompt_tokens": "5", "completion_tokens": null})), (0, 0, 0));
    assert_eq!(usage(json!({"prompt_tokens": 5.0, "prompt_tokens_details": {"cached_tokens": 50}})), (5, 0, 5));
    assert_eq!(usage(json!({"prompt_tokens": 5, "prompt_cache_hit_tokens": 3})), (5, 0, 3));
    assert_eq!(usage(json!([])), (0, 0, 0));
}

#[test]
fn m06_events_of_other_kinds() {
    let said = events(&[json!({"choices": [{"delta": {"content": "a"}}]})]);
    let stream = format!(
        "event: ping\ndata: {{\"type\":\"ping\"}}\n\nevent: ping\ndata: pong\n\ndata:\n\n{said}{}",
        end("stop")
    );
    assert_eq!(response(&stream).unwrap().text, "a");
    let second =
        events(&[json!({"choices": [{"index": 1, "delta": {"content": "b"}}]}), json!({"choices": null}), json!(7)]);
    assert_eq!(response(&(said.clone() + &second + &end("stop"))).unwrap().text, "a");
    for failing in [
        "data: nonsense\n\n".to_owned(),
        format!("data: {}1{}\n\n", "[".repeat(10_000), "]".repeat(10_000)),
        "data: {\"choices\": [{\"delta\": {\"content\": \"a\n\n".to_owned(),
    ] {
        assert_eq!(run(&[failing.as_bytes()]).unwrap_err().kind, ModelErrorKind::Protocol);
    }
    let error = run(&[b"event: error\ndata: {\"message\":\"overloaded\",\"type\":\"server_error\"}\n\n"]).unwrap_err();
    assert_eq!((error.kind, error.message.contains("overloaded")), (ModelErrorKind::Server, true));
}

#[test]
fn m13_halves_of_characters_in_strings_of_their_own() {
    let chunk = |content: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{content}\"}}}}]}}\n\n");
    let said = |pieces: &[&str]| {
        let stream: String = pieces.iter().map(|piece| chunk(piece)).collect::<String>() + &end("stop");
        response(&stream).unwrap().text
    };
    assert_eq!(said(&["x\\ud83d", "\\ude00y"]), "x😀y");
    assert_eq!(said(&["x\\ud83d\\ude00y"]), "x😀y");
    assert_eq!(said(&["x\\ud83d", "y"]), "x\u{fffd}y");
    assert_eq!(said(&["x\\ude00", "y\\ud83d"]), "x\u{fffd}y\u{fffd}");

    let arguments = |text: &str| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"index\":0,\"id\":\"p\",\"function\":{{\"name\":\"f\",\
             \"arguments\":\"{text}\"}}}}]}}}}]}}\n\n"
        )
    };
    let called = |pieces: &[&str]| {
        let stream: String = pieces.iter().map(|piece| arguments(piece)).collect::<String>() + &end("stop");
        let arguments = calls(&stream).remove(0).2;
        serde_json::from_str::<Value>(&arguments).unwrap()["a"].as_str().unwrap().to_owned()
    };
    assert_eq!(called(&["{\\\"a\\\":\\\"\\ud83d", "\\ude00\\\"}"]), "😀");
    assert_eq!(called(&["{\\\"a\\\":\\\"\\ud83d", "\\\"}"]), "\u{fffd}");
    // Escaped within the arguments' own JSON, where the halves are text until the tool parses them.
    assert_eq!(called(&["{\\\"a\\\":\\\"\\\\ud83d", "\\\\ude00\\\"}"]), "😀");
    assert_eq!(called(&["{\\\"a\\\":\\\"\\\\ud83d\\\"}"]), "\u{fffd}");
}
