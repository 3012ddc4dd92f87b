//! Models that can not be reached, refuse, or break off: one plain message, a failed turn, and a session that goes on.

use std::net::TcpListener;
use std::sync::Arc;

use claw::agent::Agent;
use claw::config::{Config, Environment};
use claw::event::{EventKind, TurnStatus};
use expect_test::expect;
use serde_json::json;

use super::rig::{PROJECT, Rig, ask, check};
use crate::support::mock_model::{Answer, MockModel};

/// An agent on an endpoint, with a key.
fn rig(base_url: &str) -> Rig {
    Rig::bare(PROJECT, |builder| {
        builder
            .provider("openai")
            .model("mock")
            .base_url(base_url)
            .environment([("OPENAI_API_KEY", KEY)].into_iter().collect::<Environment>())
    })
}

/// No real key.
const KEY: &str = "canary-key-abcdefghijklmnop";

async fn fails(rig: &Rig, code: &str, words: &[&str]) {
    let result = rig.run("Go").await;
    assert_eq!(result.status, TurnStatus::Failed);
    let errors: Vec<_> = result.trace.iter().filter(|event| event.kind() == "error").collect();
    assert_eq!(errors.len(), 1, "one message: {errors:?}");
    let error = result.error().unwrap();
    assert_eq!(error.code, code, "{}", error.message);
    for word in words {
        assert!(error.message.contains(word), "{word} is not in: {}", error.message);
    }
    rig.check_session(result.session.id()).await;
    let failed = rig.agent.run("Go").await.unwrap_err();
    assert_eq!(failed.to_string(), error.message);
}

#[tokio::test]
async fn a_refused_connection() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", free.local_addr().unwrap());
    drop(free);
    fails(&rig(&url), "connect", &[&url, "running"]).await;
}

#[tokio::test]
async fn a_wrong_key() {
    let body = json!({"error": {"message": "Incorrect API key provided", "type": "invalid_request_error"}});
    let server = MockModel::answer_with(move |_| Answer::json(401, &body));
    fails(&rig(&server.base_url()), "auth", &["key"]).await;
}

#[tokio::test]
async fn a_model_that_does_not_exist() {
    let body = json!({"error": {"message": "The model `mock` does not exist", "code": "model_not_found"}});
    let server = MockModel::answer_with(move |_| Answer::json(404, &body));
    fails(&rig(&server.base_url()), "model_not_found", &["mock"]).await;
}

#[tokio::test]
async fn no_script() {
    let rig = Rig::bare(PROJECT, |builder| builder.provider("script"));
    fails(&rig, "config", &["script"]).await;
}

#[tokio::test]
async fn a_cut_stream_is_asked_for_once_more() {
    let cut = || Answer::stream("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Half\"}}]}\n\n").cut();
    let server = MockModel::start([cut(), Answer::text("Whole."), cut(), cut()]);
    let rig = rig(&server.base_url());
    let session = rig.agent.session();
    let result = ask(&session, "Go").await;
    assert_eq!((result.status, result.answer.as_str()), (TurnStatus::Done, "Whole."));
    let requests = server.requests();
    assert_eq!(requests[0].body, requests[1].body);
    let result = ask(&session, "Again").await;
    assert_eq!(result.status, TurnStatus::Failed);
    assert_eq!(result.error().unwrap().code, "cut");
    assert_eq!(result.trace.iter().filter(|event| event.kind() == "model_request").count(), 2);
    rig.check_session(session.id()).await;
}

#[tokio::test]
async fn a_script_that_is_cut_and_one_that_fails() {
    check(
        r#"{"text": "half", "tools": [{"name": "delete_file", "input": {"path": "notes.txt"}}], "cut": true}"#,
        expect![[r#"
        turn_start Do it
        context
        model_request 1
        error cut: the answer of script ended before it was whole: ask again
        model_request 2
        error cut: the answer of script ended before it was whole: ask again
        turn_end Failed after 2 steps: 
    "#]],
    )
    .await;
    check(
        r#"
        {"tools": [{"name": "list_files", "input": {}}]}
        {"error": {"code": "server", "message": "the server is on fire: wait until it is out"}}
        "#,
        expect![[r#"
            turn_start Do it
            context
            model_request 1
            model_response 1 tool call
            tool_call call_1_1 list_files
            tool_result call_1_1 ok: notes.txt
            model_request 2
            error server: the server is on fire: wait until it is out
            turn_end Failed after 2 steps: 
        "#]],
    )
    .await;
}

/// After each way to end, the next request is one that the (validating) server takes.
#[tokio::test]
async fn the_history_is_valid_after_every_end() {
    let calls = || Answer::calls(&[("read_file", json!({"path": "notes.txt"})), ("nothing", json!({}))]);
    let server_error = || Answer::json(400, &json!({"error": {"message": "bad"}}));
    let server = MockModel::start([
        Answer::text("one"),
        server_error(),
        calls(),
        server_error(),
        calls(),
        Answer::text("two"),
        Answer::text("three"),
    ]);
    let rig = rig(&server.base_url());
    let session = rig.agent.session();
    let mut statuses = Vec::new();
    for task in ["a", "b", "c", "d", "e"] {
        statuses.push(ask(&session, task).await.status);
    }
    use TurnStatus::{Done, Failed};
    assert_eq!(statuses, [Done, Failed, Failed, Done, Done]);
    rig.check_session(session.id()).await;
}

#[tokio::test]
async fn x01_the_key_in_use_is_nowhere() {
    let server = MockModel::start([
        Answer::calls(&[("read_file", json!({"path": ".env"})), ("search", json!({"pattern": "KEY"}))]),
        Answer::calls(&[("write_file", json!({"path": "new.txt", "content": format!("key={KEY}\n")}))]),
        Answer::text(&format!("I saw {KEY}.")),
    ]);
    let rig = rig(&server.base_url());
    rig.fixture.write(".env", format!("OPENAI_API_KEY={KEY}\n"));
    let result = rig.run(&format!("What is {KEY}?")).await;
    assert_eq!(result.answer, "I saw [REDACTED].");
    for request in server.requests() {
        assert!(!String::from_utf8_lossy(&request.body).contains(KEY), "the model is sent the key");
    }
    assert!(!rig.trace(result.session.id()).contains(KEY));
    // What the model wrote is what is proposed, to the byte: the user sees it.
    let path = rig.fixture.doc("new.txt");
    assert_eq!(
        result.session.overlay().get(&path).unwrap().current.as_ref().unwrap().to_string(),
        format!("key={KEY}\n")
    );
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn a_user_pattern_is_redacted() {
    let mut config = Config::default();
    config.trace.redact = vec!["project-[0-9]+".to_owned()];
    let rig = Rig::with(PROJECT, r#"{"text": "It is project-42."}"#, |builder| builder.config(config));
    let result = rig.run("Tell me about project-7").await;
    assert_eq!(result.answer, "It is [REDACTED].");
    assert!(!rig.trace(result.session.id()).contains("project-"));

    let mut config = Config::default();
    config.trace.redact = vec!["(".to_owned()];
    assert!(Agent::builder().config(config).environment(Environment::default()).without_state().build().is_err());
}

#[tokio::test]
async fn a_panic_in_a_model_is_a_failed_turn() {
    struct Broken;
    impl claw::model::Model for Broken {
        fn provider(&self) -> &str {
            "broken"
        }
        fn name(&self) -> &str {
            "broken"
        }
        fn body(&self, _request: &claw::model::Request) -> serde_json::Value {
            panic!("on purpose")
        }
        fn send(
            &self,
            _body: serde_json::Value,
        ) -> futures::stream::BoxStream<'static, Result<claw::model::Delta, claw::model::ModelError>> {
            unreachable!()
        }
    }
    let rig = Rig::bare(PROJECT, |builder| builder.model_client(Arc::new(Broken)));
    let session = rig.agent.session();
    for _ in 0..2 {
        let result = ask(&session, "Go").await;
        assert_eq!(result.status, TurnStatus::Failed);
        assert!(matches!(&result.trace.last().unwrap().kind, EventKind::TurnEnd(_)));
    }
}
