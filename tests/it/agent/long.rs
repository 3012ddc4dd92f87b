//! Sessions that are longer than the model's window, through the real loop.

use claw::config::Config;
use claw::event::EventKind;
use serde_json::{Value, json};

use super::rig::{PROJECT, Rig, ask};
use crate::support::mock_model::{Answer, MockModel};

/// Tokens of a small model's window.
const WINDOW: u64 = 16_384;

#[tokio::test]
async fn a_long_session_stays_within_its_window_and_replays() {
    let mut script = String::new();
    let mut turns = 0;
    for turn in 0..12 {
        for step in 0..6 {
            let path = format!("part_{}.txt", (turn + step) % 5);
            script.push_str(&format!(
                "{{\"tools\": [{{\"name\": \"read_file\", \"input\": {{\"path\": \"{path}\"}}}}]}}\n"
            ));
        }
        script.push_str(&format!("{{\"text\": \"That was turn {turn}.\"}}\n"));
        turns += 1;
    }
    let parts: String = (0..5)
        .map(|part| format!("//- /part_{part}.txt\n{}", format!("A line of part {part}.\n").repeat(200)))
        .collect();
    let mut config = Config::default();
    config.context.window = Some(WINDOW);
    let rig = Rig::with(&format!("{PROJECT}{parts}"), &script, |builder| builder.config(config));
    let session = rig.agent.session();
    for turn in 0..turns {
        let result = ask(&session, &format!("Task {turn}: look at the parts.")).await;
        assert_eq!(result.answer, format!("That was turn {turn}."));
    }
    let id = session.id().to_owned();
    drop(session);
    let events = rig.store().events(&id).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for event in &events {
        match &event.kind {
            EventKind::ModelRequest(request) => {
                assert!(request.tokens_estimate <= WINDOW * 80 / 100, "{} tokens", request.tokens_estimate);
            }
            EventKind::Compaction(done) => {
                assert!(done.tokens_after < done.tokens_before);
                kinds.insert(done.kept["kind"].as_str().unwrap().to_owned());
            }
            _ => {}
        }
    }
    assert!(kinds.contains("trim"), "{kinds:?}");
    rig.check_session(&id).await;
}

/// A session of long tasks and answers whose small model says this of what goes; the summaries, and what each model was sent.
async fn noted(says: fn() -> Answer) -> (Vec<String>, Vec<Value>, Vec<Value>) {
    let server = MockModel::answer_with(move |request| match request.json()["model"].as_str() {
        Some("tiny") => says(),
        _ => Answer::text(&format!("Done. {}", "So it is. ".repeat(300))),
    });
    let mut config = Config::default();
    config.context.window = Some(WINDOW);
    config.small_model.model = Some("tiny".to_owned());
    config.small_model.compaction = true;
    let url = server.base_url();
    let rig = Rig::bare(PROJECT, |builder| builder.config(config).base_url(&url).model("large"));
    let session = rig.agent.session();
    for turn in 0..20 {
        ask(&session, &format!("Task {turn}. {}", "Mind this. ".repeat(200))).await;
    }
    let id = session.id().to_owned();
    drop(session);
    let mut summaries = Vec::new();
    for event in rig.store().events(&id).unwrap() {
        if let EventKind::Compaction(done) = event.kind {
            summaries.extend((done.kept["kind"] == "summary").then_some(done.summary));
        }
    }
    rig.check_session(&id).await;
    let requests: Vec<Value> = server.requests().iter().map(|request| request.json()).collect();
    let (small, large) = requests.into_iter().partition(|body: &Value| body["model"] == "tiny");
    (summaries, small, large)
}

#[tokio::test]
async fn the_small_model_notes_what_goes_and_the_notes_stay() {
    let (summaries, small, large) = noted(|| Answer::text("- `a.rs` holds the answer")).await;
    assert!(!summaries.is_empty());
    assert_eq!(small.len(), summaries.len());
    for summary in &summaries {
        assert!(summary.ends_with("\n\n## Notes\n- `a.rs` holds the answer"), "{summary}");
    }
    let asked = small[0]["messages"].to_string();
    assert!(asked.contains("Task 0. Mind") && asked.contains("Done. So it is"), "{asked}");
    assert!(small[0].get("tools").is_none());
    assert!(large.last().unwrap()["messages"].to_string().contains("`a.rs` holds the answer"));
}

#[tokio::test]
async fn notes_that_do_not_come_are_done_without() {
    let (summaries, small, large) =
        noted(|| Answer::json(400, &json!({"error": {"message": "no", "type": "invalid_request_error"}}))).await;
    assert!(!summaries.is_empty() && small.len() == summaries.len() && large.len() == 20);
    assert!(summaries.iter().all(|summary| !summary.contains("## Notes")), "{summaries:?}");
}

/// The turn in which a session of dense texts is first made shorter, with a provider that counts nothing.
async fn first_compaction(model: &str) -> usize {
    const ANSWER: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Done.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let server = MockModel::answer_with(|_| Answer::stream(ANSWER));
    let mut config = Config::default();
    config.context.window = Some(WINDOW);
    let url = server.base_url();
    let rig = Rig::bare(PROJECT, |builder| builder.config(config).base_url(&url).model(model));
    let session = rig.agent.session();
    for turn in 1..10 {
        let result = ask(&session, &format!("Task {turn}: {}", "7 ".repeat(3_000))).await;
        if result.trace.iter().any(|event| matches!(event.kind, EventKind::Compaction(_))) {
            rig.check_session(session.id()).await;
            return turn;
        }
    }
    panic!("never");
}

#[tokio::test]
async fn near_the_window_tokens_are_counted_exactly_where_a_vocabulary_is_known() {
    let (counted, estimated) = (first_compaction("gpt-5.4").await, first_compaction("some-model").await);
    assert!(counted < estimated, "{counted} {estimated}");
}
