//! Answers in the wire formats beside Chat Completions, and recorded streams of them.

use serde_json::{Value, json};

use super::Answer;

/// The server-sent events of these objects, named by their type.
pub fn typed_events(events: &[Value]) -> String {
    events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default()))
        .collect()
}

/// A Messages stream of these whole blocks.
pub fn anthropic(blocks: &[Value], stop_reason: &str) -> Answer {
    let usage = json!({"input_tokens": 30, "cache_read_input_tokens": 70, "output_tokens": 1});
    let mut events = vec![json!({"type": "message_start", "message": {"content": [], "usage": usage}})];
    for (index, block) in blocks.iter().enumerate() {
        let mut begin = block.clone();
        let deltas = match block["type"].as_str().unwrap_or_default() {
            "text" => {
                begin["text"] = "".into();
                pieces(block["text"].as_str().unwrap())
                    .map(|text| json!({"type": "text_delta", "text": text}))
                    .collect()
            }
            "thinking" => {
                (begin["thinking"], begin["signature"]) = ("".into(), "".into());
                vec![
                    json!({"type": "thinking_delta", "thinking": block["thinking"]}),
                    json!({"type": "signature_delta", "signature": block["signature"]}),
                ]
            }
            "tool_use" => {
                begin["input"] = json!({});
                let input = block["input"].to_string();
                pieces(&input).map(|piece| json!({"type": "input_json_delta", "partial_json": piece})).collect()
            }
            _ => Vec::new(),
        };
        events.push(json!({"type": "content_block_start", "index": index, "content_block": begin}));
        events.push(json!({"type": "ping"}));
        let delta = |delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
        events.extend(deltas.into_iter().map(delta));
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let delta = json!({"stop_reason": stop_reason, "stop_sequence": null});
    events.push(json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 10}}));
    events.push(json!({"type": "message_stop"}));
    Answer::stream(typed_events(&events))
}

/// A response of `/api/chat` that thinks, says `text` and makes these calls.
pub fn ollama(thinking: &str, text: &str, calls: &[(&str, Value)]) -> Answer {
    let line = |message: Value| json!({"model": "mock", "message": message, "done": false});
    let mut lines = vec![line(json!({"role": "assistant", "content": "", "thinking": thinking}))];
    lines.extend(pieces(text).map(|piece| line(json!({"role": "assistant", "content": piece}))));
    let call = |(name, input): &(&str, Value)| json!({"function": {"name": name, "arguments": input}});
    for called in calls.iter().map(call) {
        lines.push(line(json!({"role": "assistant", "content": "", "tool_calls": [called]})));
    }
    let mut last = line(json!({"role": "assistant", "content": ""}));
    (last["done"], last["done_reason"]) = (true.into(), "stop".into());
    (last["prompt_eval_count"], last["eval_count"]) = (2000.into(), 10.into());
    lines.push(last);
    let stream: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Answer::stream(stream).header("content-type", "application/x-ndjson")
}

/// A Responses stream of these whole items.
pub fn responses(items: &[Value]) -> Answer {
    let mut events = vec![json!({"type": "response.created", "response": {"status": "in_progress", "output": []}})];
    for (index, item) in items.iter().enumerate() {
        let mut begin = item.clone();
        let (kind, said) = match item["type"].as_str().unwrap_or_default() {
            "message" => {
                begin["content"] = json!([]);
                ("response.output_text.delta", item["content"][0]["text"].as_str().unwrap())
            }
            "function_call" => {
                begin["arguments"] = "".into();
                ("response.function_call_arguments.delta", item["arguments"].as_str().unwrap())
            }
            _ => ("", ""),
        };
        events.push(json!({"type": "response.output_item.added", "output_index": index, "item": begin}));
        events.extend(pieces(said).map(|piece| json!({"type": kind, "output_index": index, "delta": piece})));
        events.push(json!({"type": "response.output_item.done", "output_index": index, "item": item}));
    }
    let usage = json!({"input_tokens": 100, "input_tokens_details": {"cached_tokens": 70}, "output_tokens": 10});
    let response = json!({"status": "completed", "output": items, "usage": usage});
    events.push(json!({"type": "response.completed", "response": response}));
    Answer::stream(typed_events(&events))
}

fn pieces(text: &str) -> impl Iterator<Item = String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(7).map(|piece| piece.iter().collect()).collect::<Vec<String>>().into_iter()
}
