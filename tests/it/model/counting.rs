//! What counts teach: estimates that fit, and prompts that were not read whole.

use claw::config::{Environment, ModelFacts};
use claw::event::{ErrorReported, Event, EventKind, TurnStatus};
use claw::model::Connector;
use serde_json::json;

use super::formats::{FORMATS, Format, config};
use crate::agent::rig::{PROJECT, Rig, ask};
use crate::support::mock_model::{Answer, MockModel};

/// A stream in which the provider counts so many tokens of input, whatever its words for that are.
pub fn counting(stream: &str, tokens: &str) -> String {
    let count = |names: &str| regex::Regex::new(&format!("\"({names})\":( ?)[0-9]+")).unwrap();
    let other =
        count("cache_creation_input_tokens|cache_read_input_tokens|cached_tokens").replace_all(stream, "\"$1\":${2}0");
    let input = format!("\"$1\":${{2}}{tokens}");
    count("prompt_tokens|prompt_eval_count|input_tokens").replace_all(&other, input).into_owned()
}

fn warnings(events: &[Event]) -> Vec<ErrorReported> {
    let of = |kind: &EventKind| match kind {
        EventKind::Error(error) if error.code == "context_length" => Some(error.clone()),
        _ => None,
    };
    events.iter().filter_map(|event| of(&event.kind)).collect()
}

fn estimates(events: &[Event]) -> Vec<u64> {
    let of = |kind: &EventKind| match kind {
        EventKind::ModelRequest(request) => Some(request.tokens_estimate),
        _ => None,
    };
    events.iter().filter_map(|event| of(&event.kind)).collect()
}

/// Two calls with this count, then an answer.
fn server(format: Format, tokens: &str) -> MockModel {
    let first = counting(format.recorded, tokens);
    let mut answers = vec![Answer::stream(first)];
    answers.extend((0..3).map(|_| (format.text)("Done.")));
    MockModel::start(answers)
}

#[tokio::test]
async fn a_prompt_that_was_cut_is_told_once_whoever_cut_it() {
    for format in FORMATS {
        let server = server(format, "600");
        // Long enough that no window of 600 tokens held it.
        let task = format!("Look at this: {}", "all of these words count. ".repeat(2000));
        let config = config(format, &server);
        let rig = Rig::bare(PROJECT, |builder| builder.config(config).environment(Environment::default()));
        let result = rig.run(&task).await;
        assert_eq!(result.status, TurnStatus::Done, "{:?}", format.provider);
        let told = warnings(&result.trace);
        assert_eq!(told.len(), 1, "{:?}: {told:?}", format.provider);
        let message = &told[0].message;
        assert!(message.contains("600 tokens") && message.contains("context.window"), "{message}");
        rig.check_session(result.session.id()).await;
    }
}

#[tokio::test]
async fn a_prompt_that_was_read_whole_teaches_what_a_token_is() {
    for format in FORMATS {
        let server = server(format, "9000");
        let mut config = config(format, &server);
        // So that an Ollama's window is none of this test's business.
        config.models.insert("mock".to_owned(), ModelFacts { window: Some(60_000), ..ModelFacts::default() });
        let rig = Rig::bare(PROJECT, |builder| builder.config(config).environment(Environment::default()));
        let task = format!("Look at this: {}", "word ".repeat(3000));
        let session = rig.agent.session();
        let result = ask(&session, &task).await;
        let (before, after) = match estimates(&result.trace)[..] {
            [before, after] => (before, after),
            ref other => panic!("{:?}: {other:?}", format.provider),
        };
        // Nine thousand were counted, so the next request, which is longer, has more.
        assert!(before != 9000 && (9000..12_000).contains(&after), "{:?}: {before} {after}", format.provider);
        // The answers after that count what they will.
        let second = result.trace.iter().rposition(|event| matches!(event.kind, EventKind::ModelRequest(_))).unwrap();
        assert_eq!(warnings(&result.trace[..second]), []);
        rig.check_session(session.id()).await;

        // Another session, another agent: it is known from the beginning.
        let kept = std::fs::read_to_string(rig.state.join("cache/tokens.json")).unwrap();
        assert!(kept.contains(&format!("{} mock", format.provider.name())), "{kept}");
        let next = rig.run(&task).await;
        let start = next.trace.iter().find_map(|event| match &event.kind {
            EventKind::TurnStart(start) => start.bytes_per_1000_tokens,
            _ => None,
        });
        assert!(start.is_some_and(|bytes| bytes != 4000), "{:?}: {start:?}", format.provider);
        rig.check_session(next.session.id()).await;
    }
}

#[tokio::test]
async fn a_provider_is_asked_for_its_window_where_it_tells() {
    async fn told(listing: serde_json::Value, props: serde_json::Value) -> Option<u64> {
        let server = lists(listing, props).await;
        let config = claw::config::Config {
            base_url: Some(server),
            model: Some("m".to_owned()),
            ..claw::config::Config::default()
        };
        let model = Connector::new(config, Environment::default()).model().await.unwrap();
        model.told_window().await
    }
    let list = |entry: serde_json::Value| json!({"object": "list", "data": [{"id": "x"}, entry]});
    for (entry, expected) in [
        (json!({"id": "m", "max_model_len": 16384}), Some(16384)),
        (json!({"id": "m", "context_length": 131_072}), Some(131_072)),
        (json!({"id": "m", "context_window": 8192}), Some(8192)),
        (json!({"id": "m", "max_input_tokens": 200_000}), Some(200_000)),
        (json!({"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx_train": 999_999}}), Some(4096)),
        (json!({"id": "m"}), None),
        (json!({"id": "m", "context_length": "many"}), None),
        (json!({"id": "other", "context_length": 5}), None),
    ] {
        let props = json!({"default_generation_settings": {"n_ctx": 4096}});
        assert_eq!(told(list(entry.clone()), props).await, expected, "{entry}");
    }
}

/// Asked when the conversation has become long, and told from then on.
#[tokio::test]
async fn a_long_conversation_knows_its_window() {
    let mut asked = 0;
    let server = MockModel::answer_with(move |_| {
        asked += 1;
        Answer::text(&format!("Answer {asked}."))
    });
    let config = claw::config::Config {
        base_url: Some(server.base_url()),
        model: Some("mock".to_owned()),
        ..claw::config::Config::default()
    };
    let rig = Rig::bare(PROJECT, |builder| builder.config(config).environment(Environment::default()));
    let session = rig.agent.session();
    let lists = || server.requests().iter().filter(|request| request.path.ends_with("/models")).count();
    ask(&session, "Hello.").await;
    assert_eq!(lists(), 0, "nobody needs to know");
    ask(&session, &"a long story ".repeat(3000)).await;
    ask(&session, "And now?").await;
    ask(&session, "And then?").await;
    assert_eq!(lists(), 1);
    rig.check_session(session.id()).await;
}

/// A server that lists models, and tells its properties beside its API.
pub async fn lists(listing: serde_json::Value, props: serde_json::Value) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let read = stream.read(&mut head).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let body = match () {
                () if head.starts_with("GET /v1/models ") => listing.to_string(),
                () if head.starts_with("GET /props ") => props.to_string(),
                () => String::new(),
            };
            let status = if body.is_empty() { "404 Not Found" } else { "200 OK" };
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes()).await;
        }
    });
    format!("http://{address}/v1")
}
