//! What usual and unusual endpoints answer.

use claw::event::{StopReason, Usage};
use claw::model::{Delta, Model};
use serde_json::json;

use super::{ask, deltas, hello, model_at};
use crate::support::mock_model::{Answer, MockModel, stream_of};

#[tokio::test]
async fn text_streams_with_usage_and_the_body_is_what_was_shown() {
    let server = MockModel::start([Answer::text("Hello, wörld 😀.")]);
    let model = model_at(&server.base_url());
    let response = ask(&model).await.unwrap();
    assert_eq!(response.text, "Hello, wörld 😀.");
    assert_eq!(response.stop_reason, StopReason::End);
    assert_eq!(response.usage, Usage { input: 100, output: 10, cached: 0, ..Usage::default() });
    assert_eq!(response.attempts, 1);

    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].path, "/v1/chat/completions");
    assert_eq!(requests[0].header("authorization"), Some(format!("Bearer {}", super::KEY).as_str()));
    assert_eq!(requests[0].body, model.body(&hello()).to_string().into_bytes());
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let server = MockModel::start((0..5).map(|_| Answer::text("ok")));
    let model = model_at(&server.base_url());
    for _ in 0..5 {
        assert_eq!(ask(&model).await.unwrap().text, "ok");
    }
}

#[tokio::test]
async fn tool_calls_come_whole() {
    let server = MockModel::start([Answer::calls(&[
        ("read_file", json!({"path": "src/main.rs"})),
        ("search", json!({"pattern": "fn \"x\"\\n", "glob": "**/*.rs"})),
    ])]);
    let response = ask(&model_at(&server.base_url())).await.unwrap();
    assert_eq!(response.stop_reason, StopReason::ToolCalls);
    let calls: Vec<_> = response.tool_calls.iter().map(|call| (&*call.name, &*call.arguments)).collect();
    assert_eq!(
        calls,
        [("read_file", r#"{"path":"src/main.rs"}"#), ("search", r#"{"pattern":"fn \"x\"\\n","glob":"**/*.rs"}"#)]
    );
}

#[tokio::test]
async fn m13_bytes_may_be_cut_anywhere() {
    let stream = stream_of(&[json!({"content": "é😀"}), json!({"content": "ﬀ"})], "stop");
    let server = MockModel::start([Answer::pieces(stream.as_bytes().chunks(1))]);
    assert_eq!(ask(&model_at(&server.base_url())).await.unwrap().text, "é😀ﬀ");
}

#[tokio::test]
async fn an_answer_that_does_not_stream_is_taken_too() {
    let call = json!({"id": "a", "type": "function", "function": {"name": "list_files", "arguments": "{}"}});
    let answer = json!({
        "choices": [{"message": {"role": "assistant", "content": "Look.", "tool_calls": [call]}, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}},
    });
    let server = MockModel::start([Answer::json(200, &answer)]);
    let (deltas, error) = deltas(&model_at(&server.base_url())).await;
    assert_eq!(error, None);
    let call = Delta::ToolCall {
        index: 0,
        id: Some("a".to_owned()),
        name: Some("list_files".to_owned()),
        arguments: "{}".to_owned(),
    };
    assert_eq!(
        deltas,
        [
            Delta::Text("Look.".to_owned()),
            call,
            Delta::Usage(Usage { input: 7, output: 3, cached: 4, ..Usage::default() }),
            Delta::Stop(StopReason::ToolCalls),
        ]
    );
}

#[tokio::test]
async fn m05_no_end_of_the_stream_is_waited_for_after_done() {
    let stream = stream_of(&[json!({"content": "ok"})], "stop");
    let server = MockModel::start([Answer::stream(stream).hold()]);
    assert_eq!(ask(&model_at(&server.base_url())).await.unwrap().text, "ok");
    server.abandoned(1).await;
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    use futures::StreamExt;
    let server = MockModel::start([
        Answer::stream("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n").hold(),
        Answer::silence(),
    ]);
    let model = model_at(&server.base_url());
    let mut stream = model.send(model.body(&hello()));
    assert_eq!(stream.next().await, Some(Ok(Delta::Text("a".to_owned()))));
    drop(stream);
    server.abandoned(1).await;

    let waiting = tokio::spawn(async move { ask(&model).await });
    server.requested(2).await;
    waiting.abort();
    server.abandoned(2).await;
}
