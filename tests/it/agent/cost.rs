//! What turns cost: by the table, by the user's own prices, or not known.

use claw::agent::RunResult;
use claw::config::{Config, Environment, ModelFacts, Provider};
use claw::event::{EventKind, TurnStatus};
use serde_json::json;

use super::rig::{PROJECT, Rig};
use crate::support::mock_model::{Answer, MockModel};

/// Each answer of the mock counts 100 tokens in and 10 out: at these prices it is 2.1 cents.
const PRICE: ModelFacts =
    ModelFacts { input: Some(200.0), output: Some(100.0), cached: None, cache_write: None, window: None };

struct Ran {
    rig: Rig,
    result: RunResult,
    _server: MockModel,
}

/// Two reads and an answer, by a model of this price and with these limits.
async fn run(price: Option<ModelFacts>, change: impl FnOnce(&mut Config)) -> Ran {
    let read = |path: &str| Answer::calls(&[("read_file", json!({"path": path}))]);
    let server = MockModel::start([read("notes.txt"), read("src/lib.rs"), Answer::text("Seen.")]);
    let mut config = Config {
        provider: Some(Provider::Openai),
        base_url: Some(server.base_url()),
        model: Some("mock-1.5:7b".to_owned()),
        models: price.map(|price| ("mock-1.5:7b".to_owned(), price)).into_iter().collect(),
        ..Config::default()
    };
    change(&mut config);
    let rig = Rig::bare(PROJECT, |builder| builder.config(config).environment(Environment::default()));
    let result = rig.run("Look").await;
    rig.check_session(result.session.id()).await;
    Ran { rig, result, _server: server }
}

fn costs(result: &RunResult) -> Vec<Option<f64>> {
    let of_response = |kind: &EventKind| match kind {
        EventKind::ModelResponse(response) => Some(response.cost),
        _ => None,
    };
    result.trace.iter().filter_map(|event| of_response(&event.kind)).collect()
}

fn is(cost: Option<f64>, expected: f64) -> bool {
    cost.is_some_and(|cost| (cost - expected).abs() < 1e-9)
}

#[tokio::test]
async fn a_known_price_is_told_of_each_answer_of_the_turn_and_of_the_session() {
    let Ran { rig, result, .. } = run(Some(PRICE), |_| ()).await;
    assert_eq!(result.status, TurnStatus::Done);
    assert!(costs(&result).iter().all(|cost| is(*cost, 0.021)), "{:?}", costs(&result));
    assert!(is(result.cost, 0.063), "{:?}", result.cost);
    let summary = rig.store().summary(result.session.id()).unwrap();
    assert!(is(summary.cost, 0.063) && summary.usage.input == 300, "{summary:?}");
    let end = result.trace.last().unwrap().description();
    assert!(end.contains("330 tokens, $0.0630"), "{end}");
}

#[tokio::test]
async fn a_price_that_is_not_known_is_not_zero() {
    let Ran { rig, result, .. } = run(None, |_| ()).await;
    assert_eq!((costs(&result), result.cost), (vec![None; 3], None));
    assert_eq!(rig.store().summary(result.session.id()).unwrap().cost, None);
    let free = ModelFacts { input: Some(0.0), output: Some(0.0), ..ModelFacts::default() };
    assert!(is(run(Some(free), |_| ()).await.result.cost, 0.0), "the user says that it costs nothing");
}

#[tokio::test]
async fn max_cost_stops_a_turn() {
    let Ran { result, .. } = run(Some(PRICE), |config| config.limits.max_cost = Some(0.04)).await;
    assert_eq!((result.status, costs(&result).len()), (TurnStatus::Limit, 2));
    let message = &result.error().unwrap().message;
    assert!(message.contains("stopped after $0.0420 of $0.04 (limits.max_cost)"), "{message}");
    assert!(is(result.cost, 0.042));
}
