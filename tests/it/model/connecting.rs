//! From configuration to a model.

use claw::config::{Config, Environment, Provider};
use claw::model::{Connector, ModelErrorKind as Kind, SharedModel};
use serde_json::json;

use crate::support::mock_model::{Answer, MockModel};

async fn connect(config: Config, variables: &[(&str, &str)]) -> Result<SharedModel, claw::model::ModelError> {
    Connector::new(config, variables.iter().copied().collect::<Environment>()).model().await
}

fn window(tokens: u64) -> claw::config::ContextConfig {
    claw::config::ContextConfig { window: Some(tokens), ..Default::default() }
}

/// A port where nobody listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn nothing_configured_finds_a_local_ollama_and_its_first_model() {
    let server = MockModel::start([]);
    let model =
        connect(Config::default(), &[("OLLAMA_HOST", &server.address()), ("OPENAI_API_KEY", "sk-1")]).await.unwrap();
    assert_eq!((model.provider(), model.name(), model.window()), ("ollama", "mock", Some(16384)));
    let requests = server.requests();
    let asked: Vec<_> =
        requests.iter().map(|request| (request.path.as_str(), request.header("authorization"))).collect();
    assert_eq!(asked, [("/api/tags", None), ("/api/show", None)]);
    let named = Config { model: Some("other".to_owned()), context: window(4096), ..Config::default() };
    let model = connect(named, &[("OLLAMA_HOST", &server.address())]).await.unwrap();
    assert_eq!((model.provider(), model.name(), model.window()), ("ollama", "other", Some(4096)));
}

#[tokio::test]
async fn without_an_ollama_the_key_decides_and_without_a_key_there_is_one_screen_of_advice() {
    let ollama = nowhere();
    let model = connect(Config::default(), &[("OLLAMA_HOST", &ollama), ("OPENAI_API_KEY", "sk-1")]).await.unwrap();
    assert_eq!((model.provider(), model.name()), ("openai", "gpt-5.4"));
    let keys = [("OLLAMA_HOST", ollama.as_str()), ("ANTHROPIC_API_KEY", "sk-2")];
    let model = connect(Config::default(), &keys).await.unwrap();
    assert_eq!((model.provider(), model.name()), ("anthropic", "claude-sonnet-4-6"));

    let error = connect(Config::default(), &[("OLLAMA_HOST", &ollama)]).await.err().unwrap();
    assert_eq!(error.kind, Kind::Config);
    for part in ["ollama pull", "OPENAI_API_KEY", "base_url", "claw doctor"] {
        assert!(error.message.contains(part), "{}", error.message);
    }
    assert!(error.message.lines().count() <= 24);
}

#[tokio::test]
async fn an_ollama_without_models_says_how_to_get_one() {
    let port = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap();
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let body = json!({"models": null}).to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes()).await;
        });
        port
    };
    let error = connect(Config::default(), &[("OLLAMA_HOST", &port.to_string())]).await.err().unwrap();
    assert!(error.message.contains("has no model yet") && error.message.contains("ollama pull"), "{}", error.message);
}

#[tokio::test]
async fn a_configured_endpoint_is_not_asked_before_it_must_be() {
    let config = |model: Option<&str>, base_url: &str| Config {
        provider: Some(Provider::Openai),
        model: model.map(str::to_owned),
        base_url: Some(base_url.to_owned()),
        ..Config::default()
    };
    let model = connect(config(Some("m"), &format!("http://{}/v1", nowhere())), &[]).await.unwrap();
    assert_eq!(model.name(), "m");

    let server = MockModel::start([]);
    assert_eq!(connect(config(None, &server.base_url()), &[]).await.unwrap().name(), "mock");

    let error = connect(config(None, &format!("http://{}/v1", nowhere())), &[]).await.err().unwrap();
    assert_eq!(error.kind, Kind::Connect);
    assert_eq!(connect(config(None, "nonsense"), &[]).await.err().unwrap().kind, Kind::Config);
}

#[tokio::test]
async fn each_provider_is_there_by_its_name_and_asks_for_its_own_key() {
    let config = |provider: Provider| Config { provider: Some(provider), ..Config::default() };
    for (provider, variable, name) in [
        (Provider::Openai, "OPENAI_API_KEY", "gpt-5.4"),
        (Provider::OpenaiResponses, "OPENAI_API_KEY", "gpt-5.4"),
        (Provider::Anthropic, "ANTHROPIC_API_KEY", "claude-sonnet-4-6"),
    ] {
        let model = connect(config(provider), &[(variable, "sk-1")]).await.unwrap();
        assert_eq!((model.provider(), model.name()), (provider.name(), name));
        let others = [("OPENAI_API_KEY", "sk-1"), ("ANTHROPIC_API_KEY", "sk-1")];
        let others: Vec<_> = others.into_iter().filter(|(other, _)| *other != variable).collect();
        let error = connect(config(provider), &others).await.err().unwrap();
        assert_eq!(error.kind, Kind::Auth);
        assert!(error.message.contains(variable), "{}", error.message);
    }
    let server = MockModel::start([]);
    for provider in [Provider::Openai, Provider::OpenaiResponses, Provider::Anthropic, Provider::Ollama] {
        let base_url = Some(server.base_url());
        let model = connect(Config { base_url, ..config(provider) }, &[]).await.unwrap();
        assert_eq!((model.provider(), model.name()), (provider.name(), "mock"));
        assert_eq!(model.listing().await.unwrap().unwrap().models, ["mock"]);
    }
}

#[tokio::test]
async fn a_failure_is_not_kept_and_a_success_is() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let server = MockModel::answer_with(|_| Answer::text("ok"));
    let connector =
        Connector::new(Config { base_url: Some(server.base_url()), ..Config::default() }, Environment::default());
    for _ in 0..3 {
        connector.clone().model().await.unwrap();
    }
    assert_eq!(server.requests().len(), 1, "asked for its models once");

    let script = tempfile::tempdir().unwrap();
    let path = script.path().join("turns.jsonl");
    let config =
        Config { script: Some(path.display().to_string()), provider: Some(Provider::Script), ..Config::default() };
    let connector = Connector::new(config, [("OLLAMA_HOST", address)].into_iter().collect());
    assert_eq!(connector.model().await.err().unwrap().kind, Kind::Config);
    std::fs::write(&path, "{\"text\": \"hello\"}\n").unwrap();
    assert_eq!(connector.model().await.unwrap().provider(), "script");
}
