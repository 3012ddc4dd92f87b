//! Servers that nearly speak OpenAI's protocol: whatever they leave out or do otherwise, a turn does its work and replays.

use claw::config::{Config, Environment, Provider};
use claw::event::{EventKind, TurnStatus, Usage};
use serde_json::{Value, json};

use crate::agent::rig::{PROJECT, Rig};
use crate::support::mock_model::{Answer, MockModel};

/// How a server is odd, and its stream, in which it reads `notes.txt`.
struct Odd {
    what: &'static str,
    stream: String,
    usage: Usage,
}

fn chunks(chunks: &[Value]) -> String {
    chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect()
}

fn delta(delta: &Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn stop(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

const DONE: &str = "data: [DONE]\n\n";

fn odd_servers() -> Vec<Odd> {
    let path = r#"{"path": "notes.txt"}"#;
    let called = |call: Value| delta(&json!({"role": "assistant", "content": null, "tool_calls": [call]}));
    let whole =
        json!({"index": 0, "id": "a", "type": "function", "function": {"name": "read_file", "arguments": path}});
    let with = |change: &dyn Fn(&mut Value)| {
        let mut call = whole.clone();
        change(&mut call);
        call
    };
    let without = |name: &'static str| {
        with(&|call| {
            call.as_object_mut().unwrap().remove(name);
        })
    };
    let plain = |call: Value| chunks(&[called(call), stop("tool_calls")]) + DONE;
    let counted = json!({"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 2}});
    let usage = Usage { input: 40, output: 2, ..Usage::default() };
    let none = Usage::default();
    vec![
        Odd { what: "a whole call in one piece", stream: plain(whole.clone()), usage: none },
        Odd { what: "no id", stream: plain(without("id")), usage: none },
        Odd { what: "an empty id", stream: plain(with(&|call| call["id"] = "".into())), usage: none },
        Odd { what: "no index", stream: plain(without("index")), usage: none },
        Odd { what: "no type", stream: plain(without("type")), usage: none },
        Odd {
            what: "arguments as an object",
            stream: plain(with(&|call| call["function"]["arguments"] = json!({"path": "notes.txt"}))),
            usage: none,
        },
        Odd {
            what: "the reason of a plain end",
            stream: chunks(&[called(whole.clone()), stop("stop"), counted.clone()]) + DONE,
            usage,
        },
        Odd { what: "no [DONE]", stream: chunks(&[called(whole.clone()), stop("tool_calls")]), usage: none },
        Odd { what: "no reason", stream: chunks(&[called(whole.clone())]) + DONE, usage: none },
        Odd {
            what: "the count with the last piece",
            stream: chunks(&[
                called(whole.clone()),
                json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}], "usage": counted["usage"]}),
            ]),
            usage,
        },
        Odd {
            what: "id and name with every piece",
            stream: chunks(
                &[r#"{"path""#, r#": "notes"#, r#".txt"}"#]
                    .map(|piece| called(with(&|call| call["function"]["arguments"] = piece.into()))),
            ) + &chunks(&[stop("tool_calls")])
                + DONE,
            usage: none,
        },
        Odd {
            what: "reasoning beside, pieces of nothing, null where there is nothing",
            stream: chunks(&[
                delta(&json!({"role": "assistant", "content": "", "reasoning_content": "Hm."})),
                delta(&json!({"role": "assistant", "content": null, "reasoning_content": null, "tool_calls": null})),
                json!({"choices": []}),
                json!({"id": "x"}),
                called(whole.clone()),
                delta(&json!({"tool_calls": []})),
                stop("tool_calls"),
            ]) + DONE,
            usage: none,
        },
        Odd {
            what: "events without a blank behind the colon, and names",
            stream: (chunks(&[called(whole.clone()), stop("tool_calls")]) + DONE)
                .replace("data: ", "event: message\ndata:"),
            usage: none,
        },
        Odd {
            what: "no stream at all",
            stream: json!({
                "object": "chat.completion",
                "choices": [{
                    "index": 0,
                    "finish_reason": "tool_calls",
                    "message": {"role": "assistant", "content": null, "tool_calls": [whole]},
                }],
                "usage": counted["usage"],
            })
            .to_string(),
            usage,
        },
    ]
}

#[tokio::test]
async fn turns_with_servers_that_nearly_speak_it() {
    for Odd { what, stream, usage } in odd_servers() {
        let kind = if stream.starts_with('{') { "application/json" } else { "text/event-stream" };
        let server = MockModel::start([Answer::stream(stream).header("content-type", kind), Answer::text("Read.")]);
        let config = Config {
            provider: Some(Provider::Openai),
            base_url: Some(server.base_url()),
            model: Some("mock".to_owned()),
            ..Config::default()
        };
        let rig = Rig::bare(PROJECT, |builder| builder.config(config).environment(Environment::default()));
        let result = rig.run("Look").await;
        assert_eq!(
            (result.status, result.answer.as_str()),
            (TurnStatus::Done, "Read."),
            "{what}: {:?}",
            result.error()
        );
        let read: Vec<bool> = result
            .trace
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::ToolResult(result) => Some(result.ok && result.output.contains("two")),
                _ => None,
            })
            .collect();
        assert_eq!(read, [true], "{what}");
        let first = result.trace.iter().find_map(|event| match &event.kind {
            EventKind::ModelResponse(response) => Some(response.usage),
            _ => None,
        });
        assert_eq!(first, Some(usage), "{what}");
        rig.check_session(result.session.id()).await;
    }
}
