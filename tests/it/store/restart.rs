//! A server that starts again: what waited for review is there, with the same ids, and nothing else is.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use claw::lsp::Patience;
use serde_json::{Value, json};

use crate::support::lsp_client::file_uri;
use crate::support::lsp_editor::{Applies, Editor, Setup, hunk_ids, states};

const NOTES: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

fn edit(path: &str, old: &str, new: &str) -> Value {
    json!({"name": "edit_file", "input": {"path": path, "old_string": old, "new_string": new}})
}

/// Two hunks in one file, one in another, and a large file that is made.
fn setup() -> Setup {
    let large = "a line of a large file\n".repeat(2_000);
    Setup {
        files: vec![("notes.txt", NOTES.to_owned()), ("other.txt", NOTES.to_owned())],
        script: vec![
            json!({"tools": [
                edit("notes.txt", "two\n", "2\n"),
                edit("notes.txt", "six\n", "6\n"),
                edit("other.txt", "four\n", "4\n"),
                {"name": "write_file", "input": {"path": "large.txt", "content": large}},
            ]}),
            json!({"text": "Proposed."}),
            json!({"text": "Still here."}),
        ],
        ..Setup::default()
    }
}

fn again() -> Setup {
    Setup { script: setup().script, ..Setup::default() }
}

/// The one session's folder.
fn session_folder(folder: &Path) -> std::path::PathBuf {
    let mut entries = std::fs::read_dir(folder.join("state/sessions")).unwrap();
    let found = entries.next().unwrap().unwrap().path();
    assert!(entries.next().is_none());
    found
}

fn diagnostics_of(published: &[Value]) -> Vec<String> {
    published.iter().map(|diagnostic| diagnostic["data"]["hunk"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_waited_for_review_comes_back() {
    let mut editor = Editor::start(setup()).await;
    let session = editor.ask(json!({"instruction": "Count in digits"})).await;
    let before = editor.pending(4).await;
    let ids = hunk_ids(&before);
    let folder = editor.leave().await;

    let began = Instant::now();
    let mut editor = Editor::start_in(folder, again()).await;
    let after = editor.pending(4).await;
    println!("a restart with four pending hunks: {:?}", began.elapsed());
    assert_eq!((after["session"].as_str(), hunk_ids(&after)), (Some(session.as_str()), ids.clone()));
    assert_eq!(after["files"], before["files"]);
    // Diagnostics and lenses, and a status that tells of it.
    let shown = editor.diagnostics("notes.txt", |diagnostics| diagnostics.len() == 2).await;
    assert!(diagnostics_of(&shown).iter().all(|hunk| ids.contains(hunk)));
    let uri = editor.open("notes.txt");
    let lenses = editor.client.request("textDocument/codeLens", json!({"textDocument": {"uri": uri}})).await;
    assert!(!lenses.as_array().unwrap().is_empty());
    let status = editor.command("claw.status", Value::Null).await;
    assert_eq!((&status["pending"], &status["sessions"][0]["session"]), (&json!(4), &json!(session)));
    assert_eq!(status["sessions"][0]["title"], "Count in digits");

    // A decision needs no id of a session, and is kept too.
    assert_eq!(editor.command("claw.proposal", Value::Null).await["session"], json!(session));
    let hunk_of = |name: &str| {
        let file = after["files"].as_array().unwrap().iter().find(|file| file["path"] == name);
        file.unwrap()["hunks"][0]["hunk"].as_str().unwrap().to_owned()
    };
    let accepted = hunk_of("notes.txt");
    let two = json!({"session": session, "hunk": accepted});
    assert_eq!(editor.command("claw.acceptHunk", two).await["ok"], true);
    editor.pending(3).await;
    let four = json!({"session": session, "hunk": hunk_of("other.txt")});
    assert_eq!(editor.command("claw.rejectHunk", four).await["ok"], true);
    editor.pending(2).await;
    let folder = editor.leave().await;
    std::fs::write(folder.path().join("work/notes.txt"), NOTES.replace("two", "2")).unwrap();

    let mut editor = Editor::start_in(folder, again()).await;
    let left = editor.pending(2).await;
    assert_eq!(states(&left).iter().filter(|state| *state == "accepted").count(), 1);
    assert_eq!(states(&left).iter().filter(|state| *state == "rejected").count(), 1);
    // It can be gone on with.
    editor.ask(json!({"instruction": "Are you there?", "session": session})).await;
    editor.command("claw.rejectAll", json!({"session": session})).await;
    editor.pending(0).await;
    let folder = editor.leave().await;

    // Nothing waits; what was accepted can still be taken back.
    let mut editor = Editor::start_in(folder, again()).await;
    editor.open("notes.txt");
    let mut undone = editor.command("claw.undo", Value::Null).await;
    while undone["message"] == "no session is open yet: ask something first" {
        undone = editor.command("claw.undo", Value::Null).await;
    }
    assert_eq!((&undone["ok"], &undone["hunks"]), (&json!(true), &json!([accepted])), "{undone}");
    editor.until(|editor| editor.text("notes.txt").as_deref() == Some(NOTES)).await;
    let status = editor.command("claw.status", Value::Null).await;
    assert_eq!((&status["pending"], &status["sessions"][0]["session"]), (&json!(0), &json!(session)));
    let shown: Vec<String> = editor.client.unread_of("claw/proposal").flat_map(states).collect();
    assert!(shown.iter().all(|state| state != "pending"), "{shown:?}");
    editor.finish().await;
}

/// What was sent to an editor that did not make it is no more certain because the server died.
#[tokio::test]
async fn e08_what_is_unverified_is_so_after_kill_9_and_not_sent_again() {
    let hasty = Duration::from_millis(150);
    let patience = Patience { answer: hasty, evidence: hasty };
    let mut editor = Editor::start(Setup { applies: Applies::OnlyInWords, patience, ..setup() }).await;
    let session = editor.ask(json!({"instruction": "Count in digits"})).await;
    let hunk = hunk_ids(&editor.pending(4).await).remove(1);
    let accept = json!({"session": session, "hunk": hunk});
    assert_eq!(editor.command("claw.acceptHunk", accept.clone()).await["ok"], true);
    let is_shown = |proposal: &Value| states(proposal).contains(&"unverified".to_owned());
    let before = states(&editor.proposal(is_shown).await);
    // What stands on the disk when it is shown is all that kill -9 would leave.
    let state = editor.path("").parent().unwrap().join("state");
    let ledger = session_folder(state.parent().unwrap()).join("proposal.ledger");
    let bytes = std::fs::read(&ledger).unwrap();
    let _ = editor.client.notification("window/showMessage").await;
    let folder = editor.leave().await;
    std::fs::write(&ledger, bytes).unwrap();

    let mut editor = Editor::start_in(folder, again()).await;
    assert_eq!(states(&editor.proposal(is_shown).await), before);
    assert_eq!(editor.command("claw.acceptHunk", accept.clone()).await["ok"], false);
    // Another text, and it is as pending as the others.
    let name = editor.path("notes.txt");
    editor.open("notes.txt");
    editor.type_over("notes.txt", "three\n", "three, and mine\n");
    editor.pending(4).await;
    assert!(editor.asked("workspace/applyEdit").is_empty());
    assert_eq!(editor.command("claw.acceptHunk", accept).await["ok"], true);
    editor.pending(3).await;
    assert_eq!(std::fs::read_to_string(name).unwrap(), NOTES);
    editor.finish().await;
}

/// A turn that was cut short: what it had done stands, and it ends as interrupted.
#[tokio::test]
async fn a_turn_that_died_leaves_its_hunks() {
    let mut editor = Editor::start(setup()).await;
    editor.ask(json!({"instruction": "Count in digits"})).await;
    let ids = hunk_ids(&editor.pending(4).await);
    let folder = editor.leave().await;
    // The trace as it was when the calls had run.
    let path = session_folder(folder.path()).join("trace.jsonl");
    let trace = std::fs::read_to_string(&path).unwrap();
    let upto = trace.rfind("\"type\":\"tool_result\"").unwrap();
    let end = upto + trace[upto..].find('\n').unwrap() + 1;
    std::fs::write(&path, &trace[..end]).unwrap();

    let mut editor = Editor::start_in(folder, again()).await;
    assert_eq!(hunk_ids(&editor.pending(4).await), ids);
    let codes: Vec<String> = std::fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event["type"] == "error")
        .map(|event| event["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(codes, ["interrupted"]);
    editor.finish().await;
}

/// Two servers on one state folder: a session belongs to the one that has it, and to the other when that has died.
#[tokio::test]
async fn r05_a_session_that_another_server_has_is_passed_over_and_taken_when_it_is_free() {
    let mut first = Editor::start(setup()).await;
    first.ask(json!({"instruction": "Count in digits"})).await;
    let ids = hunk_ids(&first.pending(4).await);
    // The same folders for both.
    let shared = first.folder.path().to_owned();
    let place = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(shared.join("work"), place.path().join("work")).unwrap();
    let setup = Setup {
        environment: vec![("CLAW_STATE_DIR".to_owned(), shared.join("state").display().to_string())],
        ..again()
    };
    let mut second = Editor::start_in(place, setup).await;
    let status = second.command("claw.status", Value::Null).await;
    assert_eq!(status["sessions"], json!([]));
    let folder = first.leave().await;
    assert_eq!(hunk_ids(&second.pending(4).await), ids);
    second.finish().await;
    drop(folder);
}

/// Proposals for a folder that is not open stay on the disk, and come when it is opened.
#[tokio::test]
async fn a_folder_that_is_opened_later_brings_its_proposals() {
    let mut editor = Editor::start(setup()).await;
    let session = editor.ask(json!({"instruction": "Count in digits"})).await;
    let ids = hunk_ids(&editor.pending(4).await);
    let folder = editor.leave().await;
    let work = folder.path().join("work");
    let elsewhere = folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::rename(&work, folder.path().join("kept")).unwrap();

    let mut editor = Editor::start_in(folder, again()).await;
    let folders = |added: Value, removed: Value| json!({"event": {"added": added, "removed": removed}});
    let named = |path: &Path| json!([{"uri": file_uri(path), "name": "a folder"}]);
    // The folder of that name is another now; what was proposed for it shows as conflicts of files that are not there.
    let shown = editor.proposal(|proposal| !states(proposal).is_empty()).await;
    assert_eq!(hunk_ids(&shown).len(), 4, "{shown}");
    editor.client.notify("workspace/didChangeWorkspaceFolders", folders(named(&elsewhere), named(&work)));
    std::fs::remove_dir(&work).unwrap();
    std::fs::rename(editor.folder.path().join("kept"), &work).unwrap();
    editor.client.notify("workspace/didChangeWorkspaceFolders", folders(named(&work), json!([])));
    let back = editor.pending(4).await;
    assert_eq!((back["session"].as_str(), hunk_ids(&back).len()), (Some(session.as_str()), ids.len()));
    // The tree of a session that was resumed for another folder only.
    let folder = editor.leave().await;
    let mut editor = Editor::start_in(folder, again()).await;
    assert_eq!(hunk_ids(&editor.pending(4).await), ids);
    editor.finish().await;
}

/// The file of the first version, with what it would have held.
#[tokio::test]
async fn r06_an_older_version_is_taken_over_and_kept() {
    let mut editor = Editor::start(setup()).await;
    editor.ask(json!({"instruction": "Count in digits"})).await;
    let ids = hunk_ids(&editor.pending(4).await);
    let folder = editor.leave().await;
    let session = session_folder(folder.path());
    std::fs::remove_file(session.join("proposal.ledger")).unwrap();
    std::fs::remove_dir_all(folder.path().join("state/pending")).unwrap();
    let root = folder.path().join("work").canonicalize().unwrap();
    let file = |path: &str, base: Value, current: String| {
        json!({
            "name": {"file": {"root": root, "path": path}}, "base": base, "current": current,
            "turn": "t", "call": "c", "decided": ["0123456789abcdef"],
        })
    };
    let large = "a line of a large file\n".repeat(2_000);
    let old = json!({"v": 1, "files": [
        file("notes.txt", json!(NOTES), NOTES.replace("two", "2").replace("six", "6")),
        file("other.txt", json!(NOTES), NOTES.replace("four", "4")),
        file("large.txt", Value::Null, large),
    ]});
    std::fs::write(session.join("overlay.json"), old.to_string()).unwrap();

    for start in ["it is taken over", "it has been"] {
        let mut editor = Editor::start_in(folder_of(&folder), again_in(&folder)).await;
        let mut found = hunk_ids(&editor.pending(4).await);
        let mut expected = ids.clone();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{start}");
        editor.finish().await;
        assert_eq!(std::fs::read_to_string(session.join("overlay.v1.json")).unwrap(), old.to_string(), "{start}");
        assert!(session.join("proposal.ledger").is_file() && !session.join("overlay.json").exists(), "{start}");
    }
}

#[tokio::test]
async fn r06_a_ledger_of_a_newer_version_is_left_as_it_is() {
    let mut editor = Editor::start(setup()).await;
    let session = editor.ask(json!({"instruction": "Count in digits"})).await;
    editor.pending(4).await;
    let folder = editor.leave().await;
    let path = session_folder(folder.path()).join("proposal.ledger");
    let mut ledger = claw::store::Ledger::open(&path, 99).unwrap().ledger;
    ledger.append("{\"of\":\"tomorrow\"}").unwrap();
    drop(ledger);
    let bytes = std::fs::read(&path).unwrap();

    let mut editor = Editor::start_in(folder, again()).await;
    let told = editor.client.notification("window/showMessage").await;
    assert!(told["message"].as_str().unwrap().contains("a newer version of Claw keeps"), "{told}");
    let answer = editor.command("claw.ask", json!({"instruction": "Go on", "session": session})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    editor.turn_end(&answer["turn"]).await;
    let _ = editor.client.notification("window/showMessage").await;
    let _folder = editor.leave().await;
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

/// A broken end is told once, and what stands before it is shown.
#[tokio::test]
async fn r10_an_edit_by_hand_is_reported() {
    let mut editor = Editor::start(setup()).await;
    editor.ask(json!({"instruction": "Count in digits"})).await;
    let ids = hunk_ids(&editor.pending(4).await);
    let folder = editor.leave().await;
    let path = session_folder(folder.path()).join("proposal.ledger");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 4, "a record a call");
    let edited = format!("{}{}{}", lines[..2].concat(), lines[2].replacen("\"4\\n\"", "\"rm -rf\\n\"", 1), lines[3]);
    assert_ne!(edited, text);
    std::fs::write(&path, edited).unwrap();

    let mut editor = Editor::start_in(folder, again()).await;
    let told = editor.client.notification("window/showMessage").await;
    assert!(told["message"].as_str().unwrap().contains("proposal.ledger.broken-1"), "{told}");
    let shown = editor.pending(2).await;
    assert!(hunk_ids(&shown).iter().all(|hunk| ids.contains(hunk)), "{shown}");
    editor.finish().await;
}

#[tokio::test]
async fn r10_a_trace_edited_by_hand_is_reported() {
    let mut editor = Editor::start(setup()).await;
    editor.ask(json!({"instruction": "Count in digits"})).await;
    let ids = hunk_ids(&editor.pending(4).await);
    let folder = editor.leave().await;
    let path = session_folder(folder.path()).join("trace.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replacen("Count in digits", "Count in words!", 1)).unwrap();

    let mut editor = Editor::start_in(folder, again()).await;
    let told = editor.client.notification("window/showMessage").await;
    assert!(told["message"].as_str().unwrap().contains("from line 1 on"), "{told}");
    // The proposal has checksums of its own.
    assert_eq!(hunk_ids(&editor.pending(4).await), ids);
    editor.finish().await;
}

/// What is wrong with the state folder is said once, in one plain message, and the server works without it.
#[tokio::test]
async fn r04_a_state_folder_that_can_not_be_used() {
    let open = |path: &Path| std::fs::create_dir(path).unwrap();
    let link = |path: &Path| {
        let target = path.with_file_name("elsewhere");
        std::fs::create_dir(&target).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    };
    let file = |path: &Path| std::fs::write(path, "").unwrap();
    let everybodys = |path: &Path| {
        std::fs::create_dir(path).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    };
    let foreign = |path: &Path| {
        std::fs::create_dir(path).unwrap();
        std::os::unix::fs::chown(path, Some(65534), None).unwrap();
    };
    let is_root = rustix::process::geteuid().is_root();
    type Case<'a> = (&'a str, &'a dyn Fn(&Path), Option<&'a str>);
    let cases: [Case<'_>; 6] = [
        ("missing", &|_: &Path| {}, None),
        ("empty", &open, None),
        ("a link", &link, Some("it is a symbolic link, to ")),
        ("a file", &file, Some("it is no folder")),
        ("everybody's", &everybodys, Some("other users can write in it (`chmod 700` mends that)")),
        // Who is not root can make no folder of somebody else's; the root folder is one.
        ("foreign", if is_root { &foreign } else { &|_: &Path| {} }, Some("it belongs to another user (uid ")),
    ];
    for (name, make, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        make(&state);
        let state = if name == "foreign" && !is_root { Path::new("/usr").to_owned() } else { state };
        let variable = ("CLAW_STATE_DIR".to_owned(), state.display().to_string());
        let setup = Setup { environment: vec![variable], ..setup() };
        let mut editor = Editor::start_in(folder, setup).await;
        let status = editor.command("claw.status", Value::Null).await;
        assert_eq!(status["ok"], true, "{name}: {status}");
        match expected {
            Some(reason) => {
                let told = editor.client.notification("window/showMessage").await;
                let message = told["message"].as_str().unwrap();
                assert!(message.contains(reason) && message.contains("CLAW_STATE_DIR"), "{name}: {message}");
                let answer = editor.command("claw.ask", json!({"instruction": "Count"})).await;
                assert_eq!(answer["ok"], false, "{name}: {answer}");
                assert!(answer["message"].as_str().unwrap().contains(reason), "{name}: {answer}");
            }
            None => {
                editor.ask(json!({"instruction": "Count"})).await;
                editor.pending(4).await;
                let mut folders = vec![state];
                while let Some(folder) = folders.pop() {
                    for entry in std::fs::read_dir(folder).unwrap() {
                        let path = entry.unwrap().path();
                        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{name}: {}", path.display());
                        if path.is_dir() {
                            folders.push(path);
                        }
                    }
                }
            }
        }
        editor.finish().await;
    }
}

/// Thousands of old sessions cost a start nothing: those that wait are found by folder.
#[tokio::test]
async fn many_old_sessions_do_not_slow_a_start() {
    let mut editor = Editor::start(setup()).await;
    editor.ask(json!({"instruction": "Count in digits"})).await;
    let ids = hunk_ids(&editor.pending(4).await);
    let folder = editor.leave().await;
    let sessions = folder.path().join("state/sessions");
    let one = session_folder(folder.path());
    let trace = std::fs::read(one.join("trace.jsonl")).unwrap();
    for number in 0..3_000 {
        let old = sessions.join(format!("00000000-0000-7000-8000-{number:012}"));
        std::fs::create_dir(&old).unwrap();
        std::fs::write(old.join("trace.jsonl"), &trace).unwrap();
        std::fs::write(old.join("overlay.json"), "{\"v\":1,\"files\":[]}").unwrap();
    }
    let mut took = Vec::new();
    for marks in ["there", "gone"] {
        if marks == "gone" {
            std::fs::remove_dir_all(folder.path().join("state/pending")).unwrap();
        }
        let began = Instant::now();
        let mut editor = Editor::start_in(folder_of(&folder), again_in(&folder)).await;
        assert_eq!(hunk_ids(&editor.pending(4).await), ids);
        took.push(began.elapsed());
        editor.finish().await;
    }
    println!("a start with 3,000 old sessions: {:?}; with the marks gone: {:?}", took[0], took[1]);
    assert!(took[0] < Duration::from_secs(1), "{took:?}");
}

/// Another folder for an editor whose project and state lie in `shared`.
fn folder_of(shared: &tempfile::TempDir) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(shared.path().join("work"), place.path().join("work")).unwrap();
    place
}

fn again_in(shared: &tempfile::TempDir) -> Setup {
    let state = shared.path().join("state").display().to_string();
    Setup { environment: vec![("CLAW_STATE_DIR".to_owned(), state)], ..again() }
}

/// The editor and the server die when half of the files are written: the restart shows the exact split, and either way goes on.
#[tokio::test]
async fn e11_a_death_half_way_through_accepting_all() {
    const FILES: usize = 40;
    let name = |number: usize| format!("f{number:02}.txt");
    let calls: Vec<Value> = (0..FILES)
        .map(|number| json!({"name": "write_file", "input": {"path": name(number), "content": format!("{number}\n")}}))
        .collect();
    let setup = Setup { script: vec![json!({"tools": calls}), json!({"text": "Made."})], ..Setup::default() };
    let mut editor = Editor::start(setup).await;
    let session = editor.ask(json!({"instruction": "Make them"})).await;
    editor.pending(FILES).await;
    let folder = editor.leave().await;
    for number in 0..FILES / 2 {
        std::fs::write(folder.path().join("work").join(name(number)), format!("{number}\n")).unwrap();
    }

    let mut editor = Editor::start_in(folder, Setup::default()).await;
    let split = editor.pending(FILES / 2).await;
    let uris = |state: &str| -> Vec<String> {
        let files = split["files"].as_array().unwrap().iter();
        let mut uris: Vec<String> = files
            .filter(|file| file["hunks"][0]["state"] == state)
            .map(|file| file["uri"].as_str().unwrap().to_owned())
            .collect();
        uris.sort();
        uris
    };
    let expected =
        |numbers: std::ops::Range<usize>| numbers.map(|number| editor.uri(&name(number))).collect::<Vec<_>>();
    assert_eq!((uris("accepted"), uris("pending")), (expected(0..FILES / 2), expected(FILES / 2..FILES)));
    // What was observed at the start is one thing that can be undone; the rest can be accepted.
    let undone = editor.command("claw.undo", json!({"session": session})).await;
    assert_eq!(undone["ok"], true, "{undone}");
    editor.until(|editor| !editor.path(&name(0)).exists() && !editor.path(&name(FILES / 2 - 1)).exists()).await;
    let accepted = editor.command("claw.acceptAll", json!({"session": session})).await;
    assert_eq!(accepted["ok"], true, "{accepted}");
    editor.pending(0).await;
    assert!((0..FILES).all(|number| editor.path(&name(number)).exists() == (number >= FILES / 2)));
    editor.finish().await;
}
