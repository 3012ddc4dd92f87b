//! A disk that fails at the n-th call: the turn goes on, the user is told once, and what was written before stands.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use claw::agent::Ask;
use claw::agent::clock::Clock;
use claw::event::{EventKind, TurnStatus};
use claw::store::read_ledger;
use serde_json::{Value, json};

use crate::agent::rig::{Rig, ask};

const FILES: &str = "\
//- /a.txt
one
//- /b.txt
two
//- /c.txt
three
//- /d.txt
four
";

/// A turn that edits one file, then one that edits the three others, a request each.
fn script() -> String {
    let edit = |path: &str, old: &str| json!({"tools": [{"name": "edit_file", "input": {"path": path, "old_string": old, "new_string": format!("{old}!")}}]});
    let says = |text: &str| json!({"text": text});
    let turns = [
        edit("a.txt", "one"),
        says("first"),
        edit("b.txt", "two"),
        edit("c.txt", "three"),
        edit("d.txt", "four"),
        says("second"),
    ];
    turns.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

/// Names of the files that a ledger proposes something for.
fn kept(path: &Path) -> Vec<String> {
    let records = read_ledger(path, 2).unwrap();
    let mut names = Vec::new();
    for record in records {
        let record: Value = serde_json::from_str(&record.payload).unwrap();
        if record["whole"] == true {
            names.clear();
        }
        for touched in record["files"].as_array().into_iter().flatten() {
            let name = touched["name"]["file"]["path"].as_str().unwrap().to_owned();
            names.retain(|other| *other != name);
            names.push(name);
        }
    }
    names.sort();
    names
}

/// The real binary under strace, which lets calls on the ledger fail: `when` is `2` for the second alone, `2+` for all from the
/// second on.
#[test]
fn r03_the_nth_call_fails() {
    let all = ["a.txt", "b.txt", "c.txt", "d.txt"];
    for (call, error) in [
        ("write", "ENOSPC"),
        ("write", "EDQUOT"),
        ("write", "EIO"),
        ("fsync,fdatasync", "EIO"),
        ("fsync,fdatasync", "EROFS"),
        ("openat", "EMFILE"),
    ] {
        for when in ["1", "2", "3", "1+", "2+"] {
            let place = tempfile::tempdir().unwrap();
            let (work, state) = (place.path().join("work"), place.path().join("state"));
            std::fs::create_dir(&work).unwrap();
            for (name, text) in [("a", "one"), ("b", "two"), ("c", "three"), ("d", "four")] {
                std::fs::write(work.join(format!("{name}.txt")), text).unwrap();
            }
            let turns = place.path().join("turns.jsonl");
            std::fs::write(&turns, script()).unwrap();
            let claw = |before: &[&str], arguments: &[&str]| {
                let words: Vec<&str> = before.iter().copied().chain([env!("CARGO_BIN_EXE_claw"), "run"]).collect();
                let mut command = Command::new(words[0]);
                command.args(&words[1..]).args(["--script", turns.to_str().unwrap(), "--output", "stream-json"]);
                command.args(arguments).current_dir(&work).stdin(Stdio::null());
                command.env("CLAW_STATE_DIR", &state).env("HOME", place.path()).output().unwrap()
            };
            let first = claw(&[], &["Begin"]);
            assert!(first.status.success(), "{first:?}");
            let session = std::fs::read_dir(state.join("sessions")).unwrap().next().unwrap().unwrap().path();
            let ledger = session.join("proposal.ledger");
            let inject = format!("inject={call}:error={error}:when={when}");
            let trace = format!("trace={call}");
            let anew = ledger.with_file_name("proposal.ledger.new");
            let (ledger_path, anew) = (ledger.to_str().unwrap(), anew.to_str().unwrap());
            let strace =
                ["strace", "-f", "-qq", "-o", "/dev/null", "-P", ledger_path, "-P", anew, "-e", &trace, "-e", &inject];
            let second = claw(&strace, &["--continue", "Go on"]);
            let case = format!("{call} {error} {when}");
            let told: Vec<Value> = String::from_utf8(second.stdout.clone())
                .unwrap()
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .filter(|event: &Value| event["type"] == "error")
                .collect();
            if call == "openat" {
                // It is opened once, when the session is taken up: then the session does not begin.
                let met = when.starts_with('1');
                assert_eq!(second.status.code(), Some(if met { 2 } else { 0 }), "{case}: {second:?}");
                assert_eq!(kept(&ledger), if met { &all[..1] } else { &all[..] }, "{case}");
                continue;
            }
            assert_eq!(second.status.code(), Some(0), "{case}: {second:?}");
            let kept = kept(&ledger);
            // strace counts by thread, and saves come from more than one: a single failure may be met once in each.
            match (when, told.len()) {
                ("1+", 1) => assert_eq!(kept, all[..1], "{case}"),
                ("1", 1..=3) | ("2" | "3" | "2+", 0..=3) => {
                    // The next save writes what was missing; only what the last one had may be missing at the end.
                    let least = if told.is_empty() { all.len() } else { 1 };
                    assert!(kept.len() >= least, "{case}: {kept:?}");
                    assert_eq!(kept, all[..kept.len()], "{case}");
                }
                _ => panic!("{case}: told once for each time that it fails: {told:?}"),
            }
            assert!(told.iter().all(|event| event["message"].as_str().unwrap().contains("stands in memory")), "{case}");
        }
    }
}

/// Something stands where the ledger should be, and goes away: the next save writes all that is missing.
#[tokio::test]
async fn r03_a_disk_that_heals_has_all_of_it() {
    let rig = Rig::with(FILES, &script(), |builder| builder);
    let session = rig.agent.session();
    let store = rig.store();
    let folder = store.session_folder(session.id());
    let ledger = folder.join("proposal.ledger");
    std::fs::create_dir_all(&ledger).unwrap();
    let result = ask(&session, "Begin").await;
    assert_eq!((result.status, result.answer.as_str()), (TurnStatus::Done, "first"));
    let troubles = result.trace.iter().filter(|event| {
        matches!(&event.kind, EventKind::Error(error) if error.code == "trace" && error.message.contains("stands in memory"))
    });
    assert_eq!(troubles.count(), 1, "told once");
    std::fs::remove_dir(&ledger).unwrap();
    let go_on = Ask { instruction: "Go on".to_owned(), ..Ask::default() };
    assert_eq!(session.start(go_on).unwrap().finish().await.answer, "second");
    assert_eq!(kept(&ledger), ["a.txt", "b.txt", "c.txt", "d.txt"]);
    rig.check_session(session.id()).await;
    let (id, overlay) = (session.id().to_owned(), session.overlay());
    drop((result, session));
    let again = rig.agent.resume(&id).unwrap();
    assert_eq!(again.overlay().iter().count(), overlay.iter().count());
}

/// A clock that goes backwards: the order is that of the numbers.
#[tokio::test]
async fn r07_the_clock_goes_backwards() {
    #[derive(Default)]
    struct Backwards(std::sync::atomic::AtomicU64);
    impl Clock for Backwards {
        fn now(&self) -> String {
            let second = 59 - self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 60;
            format!("2026-01-01T00:00:{second:02}.000Z")
        }
        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
        fn new_id(&self) -> String {
            let number = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            format!("00000000-0000-7000-8000-{:012}", 999_999 - number)
        }
    }
    let rig = Rig::with(FILES, &script(), |builder| builder.clock(std::sync::Arc::new(Backwards::default())));
    let session = rig.agent.session();
    ask(&session, "Begin").await;
    let diff = session.diff();
    let id = session.id().to_owned();
    drop(session);
    let session = rig.agent.resume(&id).unwrap();
    assert_eq!(session.diff(), diff);
    assert_eq!(ask(&session, "Go on").await.answer, "second");
    assert_eq!(session.overlay().iter().count(), 4);
    rig.check_session(&id).await;
}
