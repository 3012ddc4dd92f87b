//! What a session proposes, and what becomes of it.

use claw::agent::Ask;
use claw::context::Focus;
use claw::event::{EventKind, HunkState, ReviewDecision};
use claw::workspace::HunkId;

use super::rig::{PROJECT, Rig, ask};

const TWO_HUNKS: &str = r#"
{"tools": [{"name": "edit_file", "input": {"path": "src/lib.rs", "old_string": "a - b", "new_string": "a + b"}}, {"name": "write_file", "input": {"path": "new.txt", "content": "new\n"}}]}
{"text": "Two changes."}
{"text": "Understood."}
"#;

fn hunks(rig: &Rig, session: &claw::agent::Session) -> Vec<(String, HunkId, HunkState)> {
    let files = session.proposed_files();
    let mut hunks: Vec<_> = files
        .iter()
        .flat_map(|file| file.hunks.iter().map(|hunk| (file.path.clone(), HunkId(hunk.hunk.clone()), hunk.state)))
        .collect();
    hunks.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(rig.fixture.root_path().is_dir());
    hunks
}

#[tokio::test]
async fn hunks_are_applied_one_by_one_and_believed_when_seen() {
    let rig = Rig::new(TWO_HUNKS);
    let session = rig.agent.session();
    let result = ask(&session, "Go").await;
    let [(new, create, _), (lib, edit, _)] = &hunks(&rig, &session)[..] else { panic!("two hunks") };
    assert_eq!((new.as_str(), lib.as_str()), ("new.txt", "src/lib.rs"));
    assert!(result.diff().contains("-    a - b\n+    a + b\n"), "{}", result.diff());
    assert!(result.diff().contains("--- /dev/null\n"), "{}", result.diff());

    let applied = session.apply(std::slice::from_ref(edit)).unwrap();
    assert_eq!((applied.files, applied.hunks), (vec!["src/lib.rs".to_owned()], vec![edit.clone()]));
    assert!(rig.fixture.on_disk("src/lib.rs").unwrap().contains("a + b"));
    assert_eq!(rig.fixture.on_disk("new.txt"), None);
    let states: Vec<HunkState> = hunks(&rig, &session).into_iter().map(|(_, _, state)| state).collect();
    assert_eq!(states, [HunkState::Pending, HunkState::Accepted]);

    assert!(session.reject(create, "user", Some("no new files")));
    assert!(!session.reject(create, "user", None), "once");
    assert!(session.apply(std::slice::from_ref(create)).is_err());
    assert!(session.overlay().is_empty());

    let events = rig.store().events(session.id()).unwrap();
    let reviews: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Review(review) => Some((review.decision, review.by.as_str(), review.verified)),
            _ => None,
        })
        .collect();
    assert_eq!(reviews, [(ReviewDecision::Accepted, "user", true), (ReviewDecision::Rejected, "user", true)]);

    // The model hears of it.
    let next = ask(&session, "And?").await;
    let told = next.trace.iter().find_map(|event| match &event.kind {
        EventKind::Context(receipt) => receipt.sections.iter().find(|section| section.name == "review").cloned(),
        _ => None,
    });
    let told = told.unwrap().text.unwrap();
    assert!(told.contains("accepted: your change at `src/lib.rs` line 2"), "{told}");
    assert!(told.contains("rejected: your change at `new.txt` line 1, because: no new files"), "{told}");
    assert!(session.proposed_files().is_empty(), "what was decided before the turn is history");
    rig.check_session(session.id()).await;
}

#[tokio::test]
async fn protected_paths_are_named_one_by_one() {
    let rig = Rig::new(
        r#"
        {"tools": [{"name": "write_file", "input": {"path": ".github/workflows/ci.yml", "content": "on: push\n"}}, {"name": "write_file", "input": {"path": "ok.txt", "content": "ok\n"}}]}
        {"text": "Done."}
        "#,
    );
    let result = rig.run("Go").await;
    let applied = result.proposal.apply().unwrap();
    assert_eq!(applied.files, ["ok.txt"]);
    assert_eq!(applied.skipped.len(), 1);
    assert_eq!(applied.skipped[0].path, ".github/workflows/ci.yml");
    assert_eq!(rig.fixture.on_disk(".github/workflows/ci.yml"), None);
    assert!(result.proposal.apply().is_err(), "nothing but the protected one is left");

    result.session.apply(&[applied.skipped[0].hunk.clone()]).unwrap();
    assert_eq!(rig.fixture.on_disk(".github/workflows/ci.yml").as_deref(), Some("on: push\n"));
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn what_the_editor_claims_is_looked_at() {
    let rig = Rig::new(TWO_HUNKS);
    let session = rig.agent.session();
    ask(&session, "Go").await;
    let (_, edit, _) = hunks(&rig, &session).into_iter().find(|(path, ..)| path == "src/lib.rs").unwrap();

    session.accepting(std::slice::from_ref(&edit), "user", 1);
    assert_eq!(session.settle(std::slice::from_ref(&edit), false), [(edit.clone(), HunkState::Pending)]);
    session.accepting(std::slice::from_ref(&edit), "user", 1);
    assert_eq!(session.settle(std::slice::from_ref(&edit), true), [(edit.clone(), HunkState::Unverified)]);

    // The user makes the same change by hand, in an editor.
    rig.fixture.open("src/lib.rs", "pub fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n");
    assert_eq!(session.observe(), [(edit.clone(), ReviewDecision::Accepted)]);
    assert_eq!(session.observe(), []);
    rig.check_session(session.id()).await;
}

/// A script that makes, renames and deletes a file.
const THREE_ACTS: &str = r#"
{"tools": [{"name": "read_file", "input": {"path": "src/lib.rs"}}, {"name": "read_file", "input": {"path": "notes.txt"}}]}
{"tools": [{"name": "write_file", "input": {"path": "new.txt", "content": "new\n"}}, {"name": "move_file", "input": {"from": "notes.txt", "to": "moved.txt"}}, {"name": "delete_file", "input": {"path": "src/lib.rs"}}]}
{"text": "Done."}
"#;

#[tokio::test]
async fn what_is_there_by_half_while_it_goes_to_the_editor_is_no_conflict() {
    let rig = Rig::new(THREE_ACTS);
    let session = rig.agent.session();
    ask(&session, "Go").await;
    let all: Vec<HunkId> = hunks(&rig, &session).into_iter().map(|(_, id, _)| id).collect();
    let states = || hunks(&rig, &session).into_iter().map(|(_, _, state)| state).collect::<Vec<_>>();
    assert_eq!(states(), [HunkState::Pending; 3]);
    let (moved, notes) = (rig.fixture.root_path().join("moved.txt"), rig.fixture.root_path().join("notes.txt"));

    session.accepting(&all, "user", 1);
    // Made and not filled; copied and not yet gone from its old place; emptied before it goes.
    std::fs::write(rig.fixture.root_path().join("new.txt"), "").unwrap();
    std::fs::copy(&notes, &moved).unwrap();
    std::fs::write(rig.fixture.root_path().join("src/lib.rs"), "").unwrap();
    assert_eq!(session.observe(), []);
    assert_eq!(states(), [HunkState::Pending; 3]);

    std::fs::remove_file(&notes).unwrap();
    rig.fixture.open("new.txt", "new\n");
    let accepted = |id: &HunkId| (id.clone(), ReviewDecision::Accepted);
    assert_eq!(session.observe(), [accepted(&all[0]), accepted(&all[1])]);

    // The editor has answered, and the file is still something else than was agreed to be deleted.
    assert_eq!(session.settle(&all, true).last().unwrap(), &(all[2].clone(), HunkState::Conflict));
    assert_eq!(session.observe(), []);
    let reviews: Vec<_> = rig
        .store()
        .events(session.id())
        .unwrap()
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::Review(review) => Some((review.decision, review.by)),
            _ => None,
        })
        .collect();
    let user = || (ReviewDecision::Accepted, "user".to_owned());
    assert_eq!(reviews, [user(), user(), (ReviewDecision::Conflict, "observed".to_owned())]);
    rig.check_session(session.id()).await;
}

#[tokio::test]
async fn rejecting_all_leaves_nothing() {
    let rig = Rig::new(TWO_HUNKS);
    let session = rig.agent.session();
    ask(&session, "Go").await;
    assert_eq!(session.reject_all("user"), 2);
    assert_eq!(session.reject_all("user"), 0);
    assert_eq!(session.diff(), "");
    rig.check_session(session.id()).await;
}

/// The comment that asks goes with the proposal.
#[tokio::test]
async fn the_comment_that_asks_is_taken_out() {
    let text = "// claw: mend add\npub fn add() {}\n";
    let rig =
        Rig::with("//- /src/lib.rs\n// claw: mend add\npub fn add() {}\n", "{\"text\": \"Nothing to mend.\"}", |b| b);
    let path = rig.fixture.doc("src/lib.rs");
    let comment = Focus { path: path.clone(), range: 0..text.find("pub").unwrap() };
    let session = rig.agent.session();
    let ask = Ask { instruction: "mend add".to_owned(), comment: Some(comment), ..Ask::default() };
    let result = session.start(ask).unwrap().finish().await;
    assert_eq!(result.proposal.hunks().count(), 1);
    result.proposal.apply().unwrap();
    assert_eq!(rig.fixture.on_disk("src/lib.rs").as_deref(), Some("pub fn add() {}\n"));
    rig.check_session(session.id()).await;
}

#[tokio::test]
async fn a_review_during_a_turn_is_not_overwritten() {
    let script = r#"
        {"tools": [{"name": "edit_file", "input": {"path": "notes.txt", "old_string": "two", "new_string": "2"}}]}
        {"delay_ms": 100, "tools": [{"name": "edit_file", "input": {"path": "notes.txt", "old_string": "one", "new_string": "1"}}]}
        {"text": "Done."}
        "#;
    let rig = Rig::with(PROJECT, script, |builder| builder);
    let session = rig.agent.session();
    let mut turn = session.start(Ask { instruction: "Go".to_owned(), ..Ask::default() }).unwrap();
    while let Some(event) = turn.next().await {
        if event.kind() == "tool_result" {
            break;
        }
    }
    let first = session.proposal().hunks().map(|(_, hunk)| hunk.id.clone()).next().unwrap();
    assert!(session.reject(&first, "user", None));
    let result = turn.finish().await;
    let texts: Vec<(String, String)> =
        result.proposal.hunks().map(|(_, hunk)| (hunk.old_text.clone(), hunk.new_text.clone())).collect();
    assert_eq!(texts, [("one\n".to_owned(), "1\n".to_owned())]);
    rig.check_session(session.id()).await;
}
