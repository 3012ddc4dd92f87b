//! Sessions that are longer than the model's window, through the real loop.

use claw::config::Config;
use claw::event::EventKind;

use super::rig::{PROJECT, Rig, ask};

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
