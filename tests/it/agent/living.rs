//! Sessions that live with each other and with the user's typing.

use claw::event::{EventKind, HunkState};
use claw::workspace::HunkId;

use super::rig::{Rig, ask};

const NOTES: &str = "//- /notes.txt\none\ntwo\nthree\nfour\nfive\n";

fn edits(edits: &[(&str, &str)]) -> String {
    let calls: Vec<String> = edits
        .iter()
        .map(|(old, new)| {
            let input = serde_json::json!({"path": "notes.txt", "old_string": old, "new_string": new});
            serde_json::json!({"name": "edit_file", "input": input}).to_string()
        })
        .collect();
    format!("{{\"tools\": [{}]}}\n{{\"text\": \"Done.\"}}\n{{\"text\": \"I see.\"}}\n", calls.join(", "))
}

fn pending(session: &claw::agent::Session) -> Vec<(HunkId, HunkState, String)> {
    let proposal = session.proposal();
    proposal.hunks().map(|(_, hunk)| (hunk.id.clone(), hunk.state, hunk.new_text.clone())).collect()
}

#[tokio::test]
async fn accepting_from_one_session_rebases_the_others() {
    let rig = Rig::with(NOTES, &edits(&[("two", "TWO"), ("four", "FOUR\nmore")]), |builder| builder);
    let (first, second) = (rig.agent.session(), rig.agent.session());
    ask(&first, "Go").await;
    ask(&second, "Go too").await;
    let ids: Vec<HunkId> = pending(&first).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(pending(&second).len(), 2);

    // What one accepts is there for both: the other's equal hunk is observed.
    first.apply(&ids[..1]).unwrap();
    second.observe();
    let left = pending(&second);
    assert_eq!(left, [(left[0].0.clone(), HunkState::Pending, "FOUR\nmore\n".to_owned())]);

    // Undone in the first, the second takes it as the user's text and proposes nothing of it again.
    first.apply(&ids[1..]).unwrap();
    second.observe();
    assert_eq!(pending(&second), []);
    assert!(second.overlay().is_empty());
}

#[tokio::test]
async fn what_the_user_typed_into_a_touched_file_is_told_once() {
    let rig = Rig::with(NOTES, &edits(&[("two", "TWO")]), |builder| builder);
    let session = rig.agent.session();
    ask(&session, "Go").await;
    rig.fixture.write("notes.txt", "one\ntwo\nthree\nfour\nFIVE!\n");
    let told = |trace: &[claw::event::Event]| {
        trace.iter().find_map(|event| match &event.kind {
            EventKind::Context(receipt) => {
                let review = receipt.sections.iter().find(|section| section.name == "review")?;
                review.text.clone()
            }
            _ => None,
        })
    };
    let next = ask(&session, "And?").await;
    let text = told(&next.trace).unwrap();
    assert!(text.contains("-five\n+FIVE!"), "{text}");
    assert!(!text.contains("-two"), "its own change is no news: {text}");
    let third = ask(&session, "And now?").await;
    assert_eq!(told(&third.trace), None);
    assert_eq!(session.overlay().iter().count(), 1, "the hunk still waits");
}
