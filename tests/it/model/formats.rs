//! What holds in every wire format: whole turns with calls, faults, keys, replays.

use std::time::Duration;

use claw::agent::AgentBuilder;
use claw::config::{Config, Environment, Limits, Provider};
use claw::event::{EventKind, TurnStatus};
use claw::model::{Connector, Model, ModelErrorKind as Kind, SharedModel};
use serde_json::{Value, json};

use super::{ask, deltas};
use crate::agent::rig::{PROJECT, Rig};
use crate::support::mock_model::{Answer, MockModel, recorded};

const KEY: &str = "canary-key-0123456789abcdef";

/// A wire format as the tests need it.
#[derive(Clone, Copy)]
pub struct Format {
    pub provider: Provider,
    /// The path of a request below the server's root.
    pub path: &'static str,
    key_header: &'static str,
    /// An answer of this text.
    pub text: fn(&str) -> Answer,
    /// An answer with reasoning that goes back, text, and these calls.
    pub calls: fn(&[(&str, Value)]) -> Answer,
    /// An error within a stream: overloaded, and words.
    error: fn(&str) -> String,
    /// A recorded stream that calls tools.
    pub recorded: &'static str,
    /// What must go back as it was.
    sealed: Option<&'static str>,
}

/// Looks like a key, as noise may.
const SEALED: &str = "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrk/sk-Abcdefghijklmnopqrstuvwx0";

pub const FORMATS: [Format; 4] = [
    Format {
        provider: Provider::Anthropic,
        path: "/v1/messages",
        key_header: "x-api-key",
        text: |text| recorded::anthropic(&[json!({"type": "text", "text": text})], "end_turn"),
        calls: |calls| {
            let thinking = json!({"type": "thinking", "thinking": "Hm.", "signature": SEALED});
            let mut blocks = vec![thinking, json!({"type": "text", "text": "I look."})];
            blocks.extend(calls.iter().enumerate().map(|(index, (name, input))| {
            json!({"type": "tool_use", "id": format!("toolu_{index}_{}", input.to_string().len()), "name": name, "input": input})
        }));
            recorded::anthropic(&blocks, "tool_use")
        },
        error: |words| {
            let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": words}});
            format!("event: error\ndata: {error}\n\n")
        },
        recorded: include_str!("streams/anthropic_thinking_and_two_calls.sse"),
        sealed: Some(SEALED),
    },
    Format {
        provider: Provider::Ollama,
        path: "/api/chat",
        key_header: "authorization",
        text: |text| recorded::ollama("", text, &[]),
        calls: |calls| recorded::ollama("Hm.", "I look.", calls),
        error: |words| format!("{}\n", json!({"error": words})),
        recorded: include_str!("streams/ollama_thinking_and_two_calls.ndjson"),
        sealed: None,
    },
    Format {
        provider: Provider::OpenaiResponses,
        path: "/responses",
        key_header: "authorization",
        text: |text| recorded::responses(&[message(text)]),
        calls: |calls| {
            let mut items =
                vec![json!({"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": SEALED})];
            items.push(message("I look."));
            items.extend(calls.iter().enumerate().map(|(index, (name, input))| {
            let arguments = input.to_string();
            json!({"type": "function_call", "call_id": format!("call_{index}_{}", arguments.len()), "name": name, "arguments": arguments})
        }));
            recorded::responses(&items)
        },
        error: |words| {
            let error = json!({"code": "server_error", "message": words});
            let failed = json!({"type": "response.failed", "response": {"status": "failed", "error": error}});
            recorded::typed_events(&[failed])
        },
        recorded: include_str!("streams/responses_reasoning_and_two_calls.sse"),
        sealed: Some(SEALED),
    },
    Format {
        provider: Provider::Openai,
        path: "/chat/completions",
        key_header: "authorization",
        text: Answer::text,
        calls: Answer::calls,
        error: |words| {
            let error = json!({"error": {"type": "overloaded_error", "message": words}});
            format!("data: {error}\n\n")
        },
        recorded: include_str!("streams/chat_reasoning_and_two_calls.sse"),
        sealed: None,
    },
];

fn message(text: &str) -> Value {
    json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]})
}

pub fn config(format: Format, server: &MockModel) -> Config {
    Config {
        provider: Some(format.provider),
        model: Some("mock".to_owned()),
        base_url: Some(format!("http://{}", server.address())),
        limits: Limits { model_idle_timeout_s: 5, ..Limits::default() },
        ..Config::default()
    }
}

pub fn environment() -> Environment {
    [("CLAW_API_KEY", KEY)].into_iter().collect()
}

pub async fn model(format: Format, server: &MockModel) -> SharedModel {
    Connector::new(config(format, server), environment()).model().await.unwrap()
}

fn agent(format: Format, server: &MockModel) -> impl FnOnce(AgentBuilder) -> AgentBuilder {
    let config = config(format, server);
    move |builder| builder.config(config).environment(environment())
}

/// The requests to the model itself.
fn asked(format: Format, server: &MockModel) -> Vec<Value> {
    let requests = server.requests().into_iter().filter(|request| request.path == format.path);
    requests.map(|request| request.json()).collect()
}

#[tokio::test]
async fn a_turn_with_calls_side_by_side_and_a_replay_that_builds_the_same_requests() {
    for format in FORMATS {
        let read = |path: &str| ("read_file", json!({"path": path}));
        let edit = json!({"path": "notes.txt", "old_string": "two", "new_string": "2"});
        let server = MockModel::start([
            (format.calls)(&[read("notes.txt"), read("src/lib.rs"), read("missing.rs")]),
            (format.calls)(&[("edit_file", edit)]),
            (format.text)("Proposed. é😀"),
            (format.text)("Again."),
        ]);
        let rig = Rig::bare(PROJECT, agent(format, &server));
        let result = rig.run("Do it").await;
        assert_eq!(result.status, TurnStatus::Done, "{:?}: {:?}", format.provider, result.trace.last());
        assert_eq!(result.answer, "Proposed. é😀");
        let id = result.session.id().to_owned();
        let again = crate::agent::rig::ask(&result.session, "And again").await;
        assert_eq!(again.answer, "Again.");

        let bodies = asked(format, &server);
        assert_eq!(bodies.len(), 4);
        let key = server.requests().iter().find(|request| request.path == format.path).unwrap().clone();
        assert!(key.header(format.key_header).unwrap().ends_with(KEY));
        for body in &bodies[1..] {
            let body = body.to_string();
            assert!(body.contains("fn add") && !body.contains("canary"), "{body}");
            assert!(format.sealed.is_none_or(|sealed| body.contains(sealed)), "{:?}: {body}", format.provider);
        }
        // Each request goes on where the one before ended.
        let said = |body: &Value| body.get("messages").or(body.get("input")).unwrap().to_string();
        let plain = |body: &Value| said(body).replace(r#","cache_control":{"type":"ephemeral"}"#, "");
        for pair in bodies.windows(2) {
            let (before, after) = (plain(&pair[0]), plain(&pair[1]));
            assert!(after.starts_with(before.trim_end_matches(']')), "{before}\n{after}");
        }
        let trace = rig.trace(&id);
        assert!(!trace.contains("canary"));
        assert!(format.sealed.is_none_or(|sealed| trace.contains(sealed)));
        drop((result, again));
        rig.check_session(&id).await;
        server.requests().iter().for_each(|request| assert!(!request.path.contains("canary")));
    }
}

#[tokio::test]
async fn m02_a_recorded_stream_cut_between_any_two_events_runs_nothing_of_it() {
    for format in FORMATS {
        let ends: Vec<usize> = format.recorded.match_indices('\n').map(|(at, _)| at + 1).collect();
        let whole = {
            let server = MockModel::start([Answer::stream(format.recorded)]);
            ask(&*model(format, &server).await).await.unwrap()
        };
        assert_eq!(whole.tool_calls.len(), 2, "{:?}", format.provider);
        let mut failed = 0;
        for end in ends {
            let cut = format.recorded[..end].to_owned();
            let server = MockModel::answer_with(move |_| Answer::stream(&cut).cut());
            let (deltas, error) = first_attempt(&*model(format, &server).await).await;
            if error {
                failed += 1;
            } else {
                assert_eq!(super::collect(&deltas).unwrap().tool_calls, whole.tool_calls);
            }
        }
        assert!(failed > 3, "{failed}");
    }
}

/// The deltas of the first attempt, and whether it failed.
async fn first_attempt(model: &dyn Model) -> (Vec<claw::model::Delta>, bool) {
    use futures::StreamExt;
    let mut stream = model.send(model.body(&super::hello()));
    let mut deltas = Vec::new();
    while let Some(delta) = stream.next().await {
        match delta {
            Ok(claw::model::Delta::Retry { .. }) | Err(_) => return (deltas, true),
            Ok(delta) => deltas.push(delta),
        }
    }
    (deltas, false)
}

#[tokio::test]
async fn m08_overloaded_and_limited_are_tried_again() {
    for format in FORMATS {
        let refused = |status: u16| {
            let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
            Answer::json(status, &error).header("retry-after", "0")
        };
        let inside = Answer::stream((format.error)("Overloaded"));
        let server = MockModel::start([refused(529), refused(429), inside, (format.text)("at last")]);
        let (deltas, error) = deltas(&*model(format, &server).await).await;
        assert_eq!(error, None);
        let response = super::collect(&deltas).unwrap();
        assert_eq!((response.text.as_str(), response.attempts), ("at last", 4), "{:?}", format.provider);
    }
}

#[tokio::test]
async fn m05_not_the_api_at_all() {
    for format in FORMATS {
        let page = "<!DOCTYPE html><html><body>Sign in</body></html>";
        for status in [200, 400] {
            let server = MockModel::answer_with(move |_| {
                Answer::stream(page).status(status).header("content-type", "text/html")
            });
            let error = ask(&*model(format, &server).await).await.unwrap_err();
            assert!(!error.message.contains("Sign in"), "{}", error.message);
            assert!(error.message.contains(&server.address()), "{}", error.message);
        }
        let server = MockModel::answer_with(|_| Answer::json(404, &json!({"error": {"message": "no such page"}})));
        let error = ask(&*model(format, &server).await).await.unwrap_err();
        assert!(error.message.contains("check base_url"), "{}", error.message);
        let words =
            json!({"error": {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"}});
        let server = MockModel::answer_with(move |_| Answer::json(400, &words));
        assert_eq!(ask(&*model(format, &server).await).await.unwrap_err().kind, Kind::ContextLength);
    }
}

#[tokio::test]
async fn m11_x01_a_key_goes_nowhere_else_and_is_never_shown() {
    for format in FORMATS {
        let elsewhere = MockModel::start([]);
        let target = format!("http://{}{}", elsewhere.address(), format.path);
        let server = MockModel::answer_with(move |_| Answer::stream("").status(307).header("location", &target));
        let error = ask(&*model(format, &server).await).await.unwrap_err();
        assert!(error.message.contains("redirects to"), "{}", error.message);
        assert_eq!(elsewhere.requests().len(), 0);

        let words = json!({"error": {"type": "authentication_error", "message": format!("wrong key {KEY}")}});
        let server = MockModel::answer_with(move |_| Answer::json(401, &words));
        let error = ask(&*model(format, &server).await).await.unwrap_err();
        assert_eq!(error.kind, Kind::Auth);
        assert!(!format!("{error:?}").contains("canary") && error.message.contains("CLAW_API_KEY"), "{error:?}");
        let echo = (format.error)(&format!("who is {KEY}?"));
        let server = MockModel::answer_with(move |_| Answer::stream(&echo));
        assert!(!format!("{:?}", deltas(&*model(format, &server).await).await).contains("canary"));
    }
}

#[tokio::test]
async fn m09_pings_are_no_progress() {
    use claw::model::anthropic::Anthropic;
    let mut endpoint =
        Anthropic::endpoint(&super::hostile::drips(b"event: ping\ndata: {\"type\": \"ping\"}\n\n").await).unwrap();
    endpoint.timing.idle = Duration::from_millis(150);
    endpoint.timing.no_progress = Duration::from_millis(300);
    assert_eq!(ask(&Anthropic::new(endpoint, "mock")).await.unwrap_err().kind, Kind::Idle);
}

#[tokio::test]
async fn x01_what_goes_back_as_it_was_is_not_kept_with_a_key_in_it() {
    let thinking = json!({"type": "thinking", "thinking": format!("The key is {KEY}."), "signature": SEALED});
    let call = json!({"type": "tool_use", "id": "toolu_1", "name": "read_file", "input": {"path": "notes.txt"}});
    let done = json!({"type": "text", "text": "Done."});
    let server = MockModel::start([
        recorded::anthropic(&[thinking, call], "tool_use"),
        recorded::anthropic(&[done], "end_turn"),
    ]);
    let rig = Rig::bare(PROJECT, agent(FORMATS[0], &server));
    let result = rig.run("Do it").await;
    assert_eq!(result.answer, "Done.");
    let response = result.trace.iter().find_map(|event| match &event.kind {
        EventKind::ModelResponse(response) => Some(response.clone()),
        _ => None,
    });
    let response = response.unwrap();
    assert_eq!((response.reasoning.as_str(), response.opaque), ("The key is [REDACTED].", None));
    assert!(!server.requests()[1].json().to_string().contains("canary"));
}
