//! Replays that must differ. That they do not where nothing was changed, every other test here checks of its session.

use claw::agent::replay::Outcome;

use super::rig::Rig;

const SCRIPT: &str = r#"
{"text": "I look.", "tools": [{"name": "read_file", "input": {"path": "notes.txt"}}]}
{"tools": [{"name": "edit_file", "input": {"path": "notes.txt", "old_string": "two", "new_string": "2"}}]}
{"text": "Proposed."}
"#;

/// Changes one place of the trace; the replay must name an event from `seq` on.
#[tokio::test]
async fn a_changed_trace_diverges() {
    let rig = Rig::new(SCRIPT);
    let result = rig.run("Do it").await;
    let id = result.session.id().to_owned();
    drop(result);
    let whole = rig.trace(&id);
    rig.check_session(&id).await;
    for (old, new) in [
        ("I look.", "I LOOK."),
        ("\"task\":\"Do it\"", "\"task\":\"Do iT\","),
        ("three", "thr3e"),
        ("\"new_string\\\":\\\"2\\\"", "\"new_string\\\":\\\"3\\\""),
        ("\"request\":2", "\"request\":3"),
        ("\"seq\":4", "\"seq\":5"),
        ("\"status\":\"done\"", "\"status\":\"failed\""),
        ("\"answer\":\"Proposed.\"", "\"answer\":\"Proposed!\""),
        ("\"stop_reason\":\"end\"", "\"stop_reason\":\"length\""),
        ("You are Claw", "You are claw"),
        ("\"v\":1", "\"v\":2"),
    ] {
        assert!(whole.contains(old), "{old} is not in the trace");
        std::fs::write(rig.store().trace_path(&id), whole.replacen(old, new, 1)).unwrap();
        match rig.replay(&id).await {
            Outcome::Diverged { expected, got, .. } => assert_ne!(expected, got),
            Outcome::Identical { .. } => panic!("a trace with {new} instead of {old} replays"),
        }
    }
}

#[tokio::test]
async fn a_missing_and_a_doubled_event_diverge() {
    let rig = Rig::new(SCRIPT);
    let result = rig.run("Do it").await;
    let id = result.session.id().to_owned();
    drop(result);
    let whole = rig.trace(&id);
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    for changed in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(changed);
        let mut doubled = lines.clone();
        doubled.insert(changed, lines[changed]);
        for (what, lines) in [("missing", without), ("doubled", doubled)] {
            // A trace that lost its end is one of a process that died: it replays as far as it goes.
            if what == "missing" && changed + 1 == whole.lines().count() {
                continue;
            }
            std::fs::write(rig.store().trace_path(&id), lines.concat()).unwrap();
            let outcome = rig.replay(&id).await;
            assert!(matches!(outcome, Outcome::Diverged { .. }), "event {} is {what}: {outcome:?}", changed + 1);
        }
    }
}
