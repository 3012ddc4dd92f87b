//! Sessions on disk: resumed, interrupted, listed, removed, and a disk that fails.

use std::os::unix::fs::PermissionsExt;

use claw::agent::Ask;
use claw::event::{EventKind, HunkState, TurnStatus};

use super::rig::{PROJECT, Rig, ask};

const SCRIPT: &str = r#"
{"tools": [{"name": "update_plan", "input": {"items": [{"text": "count", "status": "done"}]}}, {"name": "edit_file", "input": {"path": "notes.txt", "old_string": "two", "new_string": "2"}}]}
{"text": "Proposed."}
{"text": "Still here."}
"#;

#[tokio::test]
async fn a_session_goes_on_after_a_restart() {
    let rig = Rig::new(SCRIPT);
    let session = rig.agent.session();
    ask(&session, "Count in digits, please").await;
    let (id, plan, diff) = (session.id().to_owned(), session.plan(), session.diff());
    assert!(rig.agent.resume(&id).is_err(), "it is open");
    drop(session);

    let session = rig.agent.resume(&id[..20]).unwrap();
    assert_eq!((session.id(), session.title().as_str()), (id.as_str(), "Count in digits, please"));
    assert_eq!((session.plan(), session.diff(), session.last_answer().as_str()), (plan, diff, "Proposed."));
    let result = ask(&session, "Are you there?").await;
    assert_eq!(result.answer, "Still here.");
    let hunk = result.proposal.hunks().map(|(_, hunk)| hunk.id.clone()).next().unwrap();
    assert!(session.reject(&hunk, "user", Some("words are fine")));
    drop((session, result));

    let session = rig.agent.resume("last").unwrap();
    assert!(session.overlay().is_empty());
    let states: Vec<HunkState> =
        session.proposed_files().iter().flat_map(|file| &file.hunks).map(|hunk| hunk.state).collect();
    assert_eq!(states, [HunkState::Rejected]);
    rig.check_session(&id).await;
}

/// A process that dies at any line leaves a session that can be resumed, asked again and replayed.
#[tokio::test]
async fn a_turn_that_a_crash_cut_short_is_ended() {
    let rig = Rig::new(SCRIPT);
    let result = rig.run("Go").await;
    let id = result.session.id().to_owned();
    drop(result);
    let whole = rig.trace(&id);
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    for kept in 1..lines.len() {
        let path = rig.store().trace_path(&id);
        let torn = format!("{}{}", lines[..kept].concat(), &lines[kept][..lines[kept].len() / 2]);
        std::fs::write(&path, torn).unwrap();
        let session = rig.agent.resume(&id).unwrap();
        let events = rig.store().events(&id).unwrap();
        // With the proposal there, nothing was left to do.
        let expected = if kept + 1 == lines.len() { TurnStatus::Done } else { TurnStatus::Failed };
        let last = &events.last().unwrap().kind;
        assert!(matches!(last, EventKind::TurnEnd(end) if end.status == expected), "{kept}: {last:?}");
        assert_eq!(ask(&session, "Go on").await.status, TurnStatus::Done, "{kept}");
        drop(session);
        rig.check_session(&id).await;
    }
}

#[tokio::test]
async fn the_store_lists_renames_exports_and_removes() {
    let rig = Rig::new("{\"text\": \"ok\"}\n{\"text\": \"ok\"}");
    let (first, second) = (rig.agent.session(), rig.agent.session());
    ask(&first, "The first task\nwith details").await;
    ask(&second, "The second task").await;
    ask(&second, "A follow-up").await;
    let store = rig.store();
    let listed: Vec<(String, u32, String)> =
        store.sessions().unwrap().into_iter().map(|summary| (summary.title, summary.turns, summary.status)).collect();
    let row = |title: &str, turns, status: &str| (title.to_owned(), turns, status.to_owned());
    assert_eq!(listed, [row("The second task", 2, "done"), row("The first task", 1, "done")]);

    store.rename(first.id(), "My own title").unwrap();
    assert_eq!(store.find("My own title").unwrap(), first.id());
    assert_eq!(store.find("last").unwrap(), second.id());
    let nothing = store.find("nope").unwrap_err().to_string();
    assert!(nothing.contains("claw sessions"), "{nothing}");
    assert!(store.find("../../etc").is_err() && store.remove("..").is_err());

    let exported = store.export(second.id()).unwrap();
    assert_eq!(exported["events"].as_array().unwrap().len(), rig.trace(second.id()).lines().count());

    assert!(store.remove(second.id()).is_err(), "it is open");
    let id = second.id().to_owned();
    drop(second);
    store.remove(&id).unwrap();
    assert!(!store.session_folder(&id).exists());
    drop(first);
    assert!(store.prune(30, &jiff::Timestamp::now().to_string()).unwrap().is_empty());
    assert_eq!(store.prune(1, "2100-01-01T00:00:00Z").unwrap().len(), 1);
    assert!(store.sessions().unwrap().is_empty());
}

#[tokio::test]
async fn r04_state_is_the_owners_alone() {
    let big = "x".repeat(40_000);
    let rig = Rig::with(&format!("//- /notes.txt\ntwo\n//- /big.txt\n{big}\n"), SCRIPT, |builder| builder);
    let result = rig.run("Look at everything, {big}").await;
    let mut folders = vec![rig.state.clone()];
    while let Some(folder) = folders.pop() {
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o077, 0, "{}", folder.display());
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let mode = std::fs::metadata(&path).unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0, "{}", path.display());
            }
        }
    }
    drop(result);
}

/// A body that is large stands in a blob, under its hash.
#[tokio::test]
async fn large_requests_are_blobs() {
    let rig = Rig::new("{\"text\": \"ok\"}");
    let result = rig.run(&"a long task ".repeat(5_000)).await;
    let id = result.session.id();
    let request = result.trace.iter().find_map(|event| match &event.kind {
        EventKind::ModelRequest(request) => Some(request.clone()),
        _ => None,
    });
    let request = request.unwrap();
    let blob = rig.store().blob(id, request.blob.as_deref().unwrap()).unwrap();
    assert!(request.body.is_none());
    assert!(String::from_utf8(blob).unwrap().contains("a long task a long task"));
    rig.check_session(id).await;
}

/// The state folder turns into something that can not be written, and back.
#[tokio::test]
async fn r03_a_disk_that_fails_loses_no_turn() {
    let rig = Rig::with(PROJECT, "{\"text\": \"one\"}\n{\"text\": \"two\"}", |builder| builder);
    let sessions = rig.state.join("sessions");
    std::fs::remove_dir(&sessions).unwrap();
    std::fs::write(&sessions, "in the way").unwrap();
    let session = rig.agent.session();
    let result = ask(&session, "Go").await;
    assert_eq!((result.status, result.answer.as_str()), (TurnStatus::Done, "one"));
    let troubles = result.trace.iter().filter(|event| {
        matches!(&event.kind, EventKind::Error(error) if error.code == "trace" && error.message.contains("wait in memory"))
    });
    assert_eq!(troubles.count(), 1, "told once");

    std::fs::remove_file(&sessions).unwrap();
    let ask_again = Ask { instruction: "Again".to_owned(), ..Ask::default() };
    assert_eq!(session.start(ask_again).unwrap().finish().await.answer, "two");
    rig.check_session(session.id()).await;
}

/// An editor that dies while it applies a change of many files: what it wrote is accepted, the rest waits.
#[tokio::test]
async fn e11_after_a_death_half_way_the_split_is_exact() {
    const FILES: usize = 50;
    let names: Vec<String> = (0..FILES).map(|number| format!("made{number:02}.txt")).collect();
    let write =
        |name: &String| format!(r#"{{"name": "write_file", "input": {{"path": "{name}", "content": "{name}\n"}}}}"#);
    let calls: Vec<String> = names.iter().map(write).collect();
    let script = format!("{{\"tools\": [{}]}}\n{{\"text\": \"Made.\"}}\n", calls.join(", "));
    for applied in [0, 1, 25, 49, 50] {
        let rig = Rig::new(&script);
        let session = rig.agent.session();
        ask(&session, "Make them").await;
        let id = session.id().to_owned();
        let hunks: Vec<_> = session.proposal().hunks().map(|(_, hunk)| hunk.id.clone()).collect();
        session.accepting(&hunks, "user", session.next_batch());
        // All of it was sent; this much is on the disk when the editor dies, and the server with it.
        for name in &names[..applied] {
            std::fs::write(rig.fixture.root_path().join(name), format!("{name}\n")).unwrap();
        }
        drop(session);
        let session = rig.agent.resume(&id).unwrap();
        session.observe();
        let mut states: Vec<(String, HunkState)> = session
            .proposed_files()
            .iter()
            .flat_map(|file| file.hunks.iter().map(|hunk| (file.path.clone(), hunk.state)))
            .collect();
        states.sort_by(|a, b| a.0.cmp(&b.0));
        let expected = names.iter().enumerate().map(|(index, name)| {
            let state = if index < applied { HunkState::Accepted } else { HunkState::Pending };
            (name.clone(), state)
        });
        assert_eq!(states, expected.collect::<Vec<_>>(), "{applied}");
        // The rest goes on.
        assert_eq!(session.apply_all().map(|applied| applied.hunks.len()).unwrap_or_default(), FILES - applied);
        drop(session);
        rig.check_session(&id).await;
    }
}
