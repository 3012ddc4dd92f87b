//! Models on the command line: what they cost, and whether they work.

use serde_json::{Value, json};

use super::place::{Place, says};
use crate::support::mock_model::{Answer, MockModel};

/// Configures the mock, with more lines.
fn configured(server: &MockModel, more: &str) -> Place {
    let place = Place::new(&[("notes.txt", "one\n")]);
    let config = format!("provider = \"openai\"\nmodel = \"mock\"\nbase_url = \"{}\"\n{more}", server.base_url());
    std::fs::create_dir_all(place.user_config().parent().unwrap()).unwrap();
    std::fs::write(place.user_config(), config).unwrap();
    place
}

fn check_of(report: &Value, name: &str) -> (String, String) {
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {report}"));
    (check["status"].as_str().unwrap().to_owned(), check["message"].as_str().unwrap().to_owned())
}

const PRICE: &str = "[models.mock]\ninput = 200\noutput = 100\nwindow = 4096\n";

#[test]
fn doctor_proves_the_round_trip_and_times_it() {
    let call = || Answer::calls(&[("add", json!({"a": 2, "b": 3}))]);
    let server = MockModel::start([call(), Answer::text("5")]);
    let report = configured(&server, PRICE).output(&["doctor", "--json"]).exits(0).json();
    let (status, message) = check_of(&report, "round trip");
    assert!(status == "ok" && message.contains("a tool call") && message.contains(" s to the first word"), "{message}");
    assert_eq!(check_of(&report, "context"), ("ok".to_owned(), "4,096 tokens".to_owned()));
    assert_eq!(check_of(&report, "price").0, "ok");

    // A model that calls nothing is told and no failure; one that does not answer is one.
    let server = MockModel::start([Answer::text("I can not.")]);
    let report = configured(&server, "").output(&["doctor", "--json"]).exits(0).json();
    let (status, message) = check_of(&report, "round trip");
    assert!(status == "note" && message.contains("did not call the tool"), "{message}");
    assert_eq!((check_of(&report, "price").0, check_of(&report, "context").0), ("note".to_owned(), "note".to_owned()));
    let refuses = json!({"error": {"message": "this model does not support tools", "type": "invalid_request_error"}});
    let server = MockModel::answer_with(move |_| Answer::json(400, &refuses));
    let report = configured(&server, "").output(&["doctor", "--json"]).exits(1).json();
    let (status, message) = check_of(&report, "round trip");
    assert!(status == "failed" && message.contains("does not support tools"), "{message}");
}

#[test]
fn what_a_run_cost_is_told_and_kept() {
    let server = MockModel::start([Answer::text("Done.")]);
    let place = configured(&server, PRICE);
    let ran = place.output(&["run", "--output", "json", "Look"]).exits(0);
    let cost = ran.json()["cost"].as_f64().unwrap();
    assert!((cost - 0.021).abs() < 1e-9, "{cost}");
    assert!(ran.stderr.contains("$0.0210"), "{}", ran.stderr);
    let sessions = place.output(&["sessions", "--json"]).exits(0).json();
    assert_eq!((&sessions[0]["cost"], &sessions[0]["usage"]["input"]), (&json!(0.021), &json!(100)), "{sessions}");
    assert!(place.output(&["sessions"]).exits(0).stdout.contains("110 tokens · $0.0210"));
    assert!(place.output(&["trace", "last"]).exits(0).stdout.contains("$0.0210"));

    let server = MockModel::start([Answer::text("Done.")]);
    let place = configured(&server, "");
    let ran = place.output(&["run", "--output", "json", "Look"]).exits(0);
    assert_eq!(ran.json()["cost"], Value::Null);
    assert!(ran.stderr.contains("cost unknown"), "{}", ran.stderr);
    assert_eq!(place.output(&["sessions", "--json"]).exits(0).json()[0]["cost"], Value::Null);
    assert!(place.output(&["sessions", "show", "last"]).exits(0).stdout.contains("cost unknown"));
    let ran = Place::new(&[]).run(&[says("Hello.")], &["Go"]).exits(0);
    assert!(!ran.stderr.contains("cost"), "nobody is paid for a script: {}", ran.stderr);
}

#[test]
fn max_cost_ends_a_run() {
    let read = || Answer::calls(&[("read_file", json!({"path": "notes.txt"}))]);
    let server = MockModel::start([read(), read(), read()]);
    let ran = configured(&server, PRICE).output(&["run", "--max-cost", "0.04", "Look"]).exits(3);
    assert!(ran.stderr.contains("stopped after $0.0420 of $0.04"), "{}", ran.stderr);
}

/// Subagents go to the small model, everything else to the other.
#[test]
fn subagents_are_the_small_model_s() {
    let server = MockModel::start([
        Answer::calls(&[("task", json!({"description": "look", "prompt": "Where is it?"}))]),
        Answer::text("In notes.txt."),
        Answer::text("There."),
    ]);
    let place = configured(&server, "effort = \"high\"\n[small_model]\nmodel = \"tiny\"\n");
    place.output(&["run", "Look"]).exits(0);
    let bodies: Vec<Value> = server.requests().iter().filter(|r| r.method == "POST").map(|r| r.json()).collect();
    let asked: Vec<(&Value, &Value)> = bodies.iter().map(|body| (&body["model"], &body["reasoning_effort"])).collect();
    let (large, small) = ((&json!("mock"), &json!("high")), (&json!("tiny"), &Value::Null));
    assert_eq!(asked, [large, small, large]);
    for session in place.output(&["sessions", "--json"]).exits(0).json().as_array().unwrap() {
        place.output(&["replay", session["session"].as_str().unwrap()]).exits(0);
    }
}
