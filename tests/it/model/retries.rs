//! What is tried again, and what is not.

use std::time::Duration;

use claw::event::StopReason;
use claw::model::{Delta, Model, ModelErrorKind as Kind};
use futures::StreamExt;
use serde_json::json;

use super::{ask, deltas, failure, hello, model_at};
use crate::support::mock_model::{Answer, MockModel};

#[tokio::test]
async fn m08_refusals_for_now_are_tried_again_and_told() {
    for status in [429, 500, 502, 503, 504, 529] {
        let refusal = Answer::json(status, &json!({"error": {"message": "busy"}}));
        let server = MockModel::start([refusal.clone(), refusal, Answer::text("at last")]);
        let (deltas, error) = deltas(&model_at(&server.base_url())).await;
        assert_eq!(error, None);
        let attempts: Vec<u32> = deltas
            .iter()
            .filter_map(|delta| match delta {
                Delta::Retry { attempt, error, .. } => {
                    assert!(error.message.contains("busy"), "{}", error.message);
                    Some(*attempt)
                }
                _ => None,
            })
            .collect();
        assert_eq!(attempts, [2, 3], "{status}");
        assert_eq!(deltas.last(), Some(&Delta::Stop(StopReason::End)));
        let bodies: Vec<_> = server.requests().into_iter().map(|request| request.body).collect();
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "an attempt differs");
    }
}

#[tokio::test]
async fn m08_in_the_end_the_refusal_is_the_answer() {
    let server = MockModel::answer_with(|_| Answer::json(503, &json!({})));
    assert_eq!(failure(&server).await.kind, Kind::Server);
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn m08_what_can_not_help_is_not_tried_again() {
    for status in [400, 401, 403, 404, 422, 501] {
        let server = MockModel::answer_with(move |_| Answer::json(status, &json!({})));
        failure(&server).await;
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_first_word_is_made_again() {
    let server = MockModel::start([Answer::raw(""), Answer::stream("").cut(), Answer::text("ok")]);
    let response = ask(&model_at(&server.base_url())).await.unwrap();
    assert_eq!((response.text.as_str(), response.attempts), ("ok", 3));
}

#[tokio::test]
async fn m02_a_connection_lost_after_it_is_a_cut() {
    let begun = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"shell\",\
                 \"arguments\":\"{\\\"command\\\":\\\"rm -rf /tmp/x\"}}]}}]}\n\n";
    for answer in [Answer::stream(begun).cut(), Answer::stream(begun)] {
        let server = MockModel::start([answer]);
        assert_eq!(failure(&server).await.kind, Kind::Cut);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn m08_a_wait_is_told_and_can_be_cancelled() {
    let server = MockModel::start([Answer::json(429, &json!({})).header("retry-after", "1000000000")]);
    let model = model_at(&server.base_url());
    let mut stream = model.send(model.body(&hello()));
    let Some(Ok(Delta::Retry { attempt: 2, wait, .. })) = stream.next().await else { panic!("no notice") };
    assert_eq!(wait, Duration::from_secs(120));
    let dropped = std::time::Instant::now();
    drop(stream);
    assert!(dropped.elapsed() < Duration::from_millis(200));
    assert_eq!(server.requests().len(), 1);
}
