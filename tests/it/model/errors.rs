//! One plain message for everything that can be wrong, which says what to do.

use claw::model::ModelErrorKind as Kind;
use serde_json::{Value, json};

use super::{ask, failure, model_at, model_with};
use crate::support::mock_model::{Answer, MockModel};

/// A server that answers with `status` and `body`: what it is taken for, and what the message says.
async fn check(status: u16, body: Value, kind: Kind, parts: &[&str]) {
    let server = MockModel::answer_with(move |_| Answer::json(status, &body));
    let error = failure(&server).await;
    assert_eq!(error.kind, kind, "{}", error.message);
    for part in parts {
        assert!(error.message.contains(part), "{:?} is not in {:?}", part, error.message);
    }
    let places = error.message.matches(&server.address()).count();
    assert!(places >= 1 && !error.message.contains('\n'), "{}", error.message);
}

fn complaint(message: &str, code: &str) -> Value {
    json!({"error": {"message": message, "type": "invalid_request_error", "code": code}})
}

#[tokio::test]
async fn a_wrong_key() {
    let body = complaint("Incorrect API key provided: sk-canary-0123456789abcdef.", "invalid_api_key");
    check(401, body, Kind::Auth, &["refused the key in OPENAI_API_KEY (401)", "[REDACTED]"]).await;
    check(403, json!("no"), Kind::Auth, &["refused the key"]).await;
    let server = MockModel::answer_with(|_| Answer::json(401, &json!({"detail": "Unauthorized"})));
    let error = ask(&model_with(&server.base_url(), |endpoint| endpoint.key = None)).await.unwrap_err();
    assert!(error.message.contains("asks for a key (401): set CLAW_API_KEY, or name"), "{}", error.message);
}

#[tokio::test]
async fn a_model_that_does_not_exist() {
    let words = "The model `mock` does not exist or you do not have access to it.";
    check(404, complaint(words, "model_not_found"), Kind::ModelNotFound, &["has no model mock: set model", words])
        .await;
    check(400, json!({"error": "mock is not a valid model ID"}), Kind::ModelNotFound, &["has no model mock"]).await;
    let body = json!({"error": {"message": "model \"mock\" not found, try pulling it first"}});
    let server = MockModel::answer_with(move |_| Answer::json(404, &body));
    let error = ask(&model_with(&server.base_url(), |endpoint| endpoint.is_ollama = true)).await.unwrap_err();
    assert_eq!(error.kind, Kind::ModelNotFound);
    assert!(error.message.contains("`ollama pull mock`"), "{}", error.message);
}

#[tokio::test]
async fn too_long_too_much_too_poor() {
    let words = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.";
    check(400, complaint(words, "context_length_exceeded"), Kind::ContextLength, &["start a new session", words]).await;
    check(400, json!({"error": {"message": "prompt is too long: 9 > 8"}}), Kind::ContextLength, &["longer than mock"])
        .await;
    check(429, complaint("You exceeded your current quota", "insufficient_quota"), Kind::Refused, &["billing"]).await;
    check(429, json!({}), Kind::RateLimit, &["wait a little"]).await;
    check(400, complaint("temperature is out of range", "bad"), Kind::Refused, &["temperature is out of range"]).await;
    check(400, complaint("mock does not support tools", "bad"), Kind::NoTools, &["in words instead"]).await;
    let words = "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set";
    check(400, complaint(words, "BadRequestError"), Kind::NoTools, &[words]).await;
    check(404, complaint("No endpoints found that support tool use.", "404"), Kind::NoTools, &[]).await;
}

#[tokio::test]
async fn the_servers_own_fault() {
    check(500, json!({"error": {"message": "out of memory"}}), Kind::Server, &["(500)", "out of memory"]).await;
    check(529, json!({}), Kind::Server, &["ask again"]).await;
}

#[tokio::test]
async fn not_the_api_at_all() {
    check(404, json!({"detail": "Not Found"}), Kind::Protocol, &["usually ends in /v1"]).await;
    check(200, json!({"models": []}), Kind::Protocol, &["not its API"]).await;
    let page = "<!DOCTYPE html><html><body>Sign in</body></html>";
    for answer in [Answer::stream(page), Answer::stream(page).status(502), Answer::stream(page).status(400)] {
        let server = MockModel::answer_with(move |_| answer.clone().header("content-type", "text/html"));
        let error = failure(&server).await;
        assert!(!error.message.contains("Sign in") && !error.message.contains('<'), "{}", error.message);
    }
    let server = MockModel::start([Answer::stream("data: nonsense\n\n")]);
    assert_eq!(failure(&server).await.kind, Kind::Protocol);
}

#[tokio::test]
async fn errors_inside_a_success() {
    check(200, complaint("Rate limit reached", "rate_limit_exceeded"), Kind::RateLimit, &["Rate limit reached"]).await;
    check(200, json!({"error": "model 'mock' not found", "code": 404}), Kind::ModelNotFound, &["has no model"]).await;
    let server = MockModel::start([Answer::stream(
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"error\":{\"message\":\"overloaded\",\"code\":502}}\n\n",
    )]);
    let error = failure(&server).await;
    assert_eq!((error.kind, error.message.contains("overloaded")), (Kind::Server, true), "{}", error.message);
    assert_eq!(server.requests().len(), 1, "what was streamed already is not asked for again");
}

#[tokio::test]
async fn no_server_no_host() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = ask(&model_at(&format!("http://127.0.0.1:{port}/v1"))).await.unwrap_err();
    assert_eq!(error.kind, Kind::Connect);
    let expected =
        format!("no connection to http://127.0.0.1:{port}/v1: is the server running? Start it, or set base_url");
    assert!(error.message.starts_with(&expected), "{}", error.message);

    let error = ask(&model_at("http://model.invalid/v1")).await.unwrap_err();
    assert_eq!(error.kind, Kind::Connect);
    // A machine without a name server says so in other words.
    assert!(error.message.contains("model.invalid"), "{}", error.message);

    let server = MockModel::start([]);
    let error = ask(&model_at(&server.base_url().replace("http:", "https:"))).await.unwrap_err();
    assert_eq!(error.kind, Kind::Connect);
    assert!(error.message.contains("let base_url begin with http://"), "{}", error.message);
}
