//! `claw run`: answer, diff, events, files, exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use claw::event::{Event, EventKind, TurnStatus};
use serde_json::{Value, json};

use super::place::{CANARY, Place, Ran, calls, edit, says};

const GREET: &str = "def greet(name):\n    return 'Hello ' + name\n";

fn greeting() -> Place {
    Place::new(&[("greet.py", GREET)])
}

fn turns() -> Vec<Value> {
    vec![
        calls(&[("read_file", json!({"path": "greet.py"}))]),
        calls(&[edit("greet.py", "'Hello ' + name", "f'Hello {name}'")]),
        says("It uses an f-string now."),
    ]
}

/// seq starts at 1 and has no gaps; streamed parts repeat the last stored number.
#[track_caller]
fn check_numbers(events: &[Event]) {
    let mut last = 0;
    let session = &events.first().expect("there are events").session;
    for event in events {
        assert_eq!(&event.session, session);
        if event.kind.is_stored() {
            last += 1;
        }
        assert_eq!(event.seq, last, "{event:?}");
    }
}

#[test]
fn answers_and_shows_a_diff_and_writes_nothing() {
    let place = greeting();
    let before = (place.tree(), place.canaries());
    let ran = place.run(&turns(), &["Use an f-string"]).exits(0);
    assert!(ran.stdout.contains("It uses an f-string now."), "{}", ran.stdout);
    assert!(ran.stdout.contains("--- a/greet.py\n+++ b/greet.py\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\n-    return 'Hello ' + name\n+    return f'Hello {name}'\n"), "{}", ran.stdout);
    assert!(ran.stderr.contains("read_file greet.py"), "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing written"), "{}", ran.stderr);
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "colour without a terminal");
    assert_eq!((place.tree(), place.canaries()), before);
}

#[test]
fn the_diff_on_a_pipe_can_be_applied() {
    let place = Place::new(&[("greet.py", GREET), ("old.txt", "1\n2\n"), ("gone.txt", "gone\n")]);
    let turns = [
        calls(&[
            edit("greet.py", "'Hello ' + name", "f'Hello {name}'"),
            ("write_file", json!({"path": "docs/new.txt", "content": "new\nwithout end"})),
            ("delete_file", json!({"path": "gone.txt"})),
            ("move_file", json!({"from": "old.txt", "to": "sub/moved.txt"})),
        ]),
        says("Done."),
    ];
    let ran = place.run(&turns, &["--output", "json", "Do four things"]).exits(0).json();
    let patch = place.home().join("proposal.diff");
    std::fs::write(&patch, ran["diff"].as_str().unwrap()).unwrap();
    let applied = std::process::Command::new("git")
        .args(["apply", "--verbose"])
        .arg(&patch)
        .current_dir(place.project())
        .output()
        .unwrap();
    assert!(applied.status.success(), "{}\n{}", String::from_utf8_lossy(&applied.stderr), ran["diff"]);
    assert_eq!(place.read("greet.py"), GREET.replace("'Hello ' + name", "f'Hello {name}'"));
    assert_eq!(place.read("docs/new.txt"), "new\nwithout end");
    assert_eq!(place.read("sub/moved.txt"), "1\n2\n");
    assert!(!place.project().join("gone.txt").exists());
    assert!(!place.project().join("old.txt").exists());
}

#[test]
fn apply_writes_and_says_what() {
    let place = greeting();
    let ran = place.run(&turns(), &["--apply", "Use an f-string"]).exits(0);
    assert_eq!(place.read("greet.py"), "def greet(name):\n    return f'Hello {name}'\n");
    assert!(ran.stderr.contains("wrote greet.py"), "{}", ran.stderr);
    assert!(ran.stdout.contains("+    return f'Hello {name}'"), "{}", ran.stdout);
}

#[test]
fn e12_apply_leaves_protected_paths() {
    let place = greeting();
    let turns = [
        calls(&[
            edit("greet.py", "'Hello ' + name", "f'Hello {name}'"),
            ("write_file", json!({"path": "AGENTS.md", "content": "Obey.\n"})),
            ("write_file", json!({"path": ".vscode/tasks.json", "content": "{}\n"})),
        ]),
        says("Done."),
    ];
    let ran = place.run(&turns, &["--apply", "--output", "json", "Do it"]).exits(0);
    let outcome = ran.json();
    assert_eq!(outcome["applied"], json!(["greet.py"]));
    let skipped: Vec<&str> =
        outcome["skipped"].as_array().unwrap().iter().map(|left| left["path"].as_str().unwrap()).collect();
    assert_eq!(skipped.len(), 2, "{outcome}");
    assert!(skipped.contains(&"AGENTS.md") && skipped.contains(&".vscode/tasks.json"), "{outcome}");
    assert!(ran.stderr.contains("left AGENTS.md"), "{}", ran.stderr);
    assert!(!place.project().join("AGENTS.md").exists());
    assert!(!place.project().join(".vscode").exists());
}

#[test]
fn d11_apply_leaves_what_hides_and_says_why() {
    let place = greeting();
    let hiding = "    return 'Hello\u{202e} \u{2066}' + name\n";
    let turns = [
        calls(&[
            edit("greet.py", "    return 'Hello ' + name\n", hiding),
            ("write_file", json!({"path": "fine.txt", "content": "👩\u{200d}👧 naïve\n"})),
        ]),
        says("Done."),
    ];
    let ran = place.run(&turns, &["--apply", "--output", "json", "Do it"]).exits(0);
    let outcome = ran.json();
    assert_eq!(outcome["applied"], json!(["fine.txt"]));
    assert_eq!(outcome["skipped"].as_array().unwrap().len(), 1, "{outcome}");
    assert_eq!(outcome["skipped"][0]["path"], "greet.py");
    let reason = outcome["skipped"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("U+202E right-to-left override"), "{reason}");
    assert!(ran.stderr.contains("left greet.py: it puts in characters that can not be seen"), "{}", ran.stderr);
    assert_eq!(place.read("greet.py"), GREET);
}

#[test]
fn json_is_one_object_with_the_fields_of_the_contract() {
    let place = greeting();
    let outcome = place.run(&turns(), &["--output", "json", "Use an f-string"]).exits(0).json();
    assert_eq!(outcome["session"], json!(place.session()));
    assert_eq!(outcome["status"], "done");
    assert_eq!(outcome["answer"], "It uses an f-string now.");
    assert!(outcome["diff"].as_str().unwrap().contains("+    return f'Hello {name}'"));
    assert!(outcome["usage"]["input"].is_u64() && outcome["usage"]["output"].is_u64());
    assert!(outcome.as_object().unwrap().contains_key("cost"));
    assert_eq!(place.read("greet.py"), GREET);
}

#[test]
fn stream_json_is_the_trace_with_the_streamed_parts() {
    let place = greeting();
    let ran = place.run(&turns(), &["--apply", "--output", "stream-json", "Use an f-string"]).exits(0);
    let events = ran.events();
    check_numbers(&events);
    assert!(matches!(events[0].kind, EventKind::TurnStart(_)));
    assert!(events.iter().any(|event| matches!(event.kind, EventKind::Text(_))));
    assert!(events.iter().any(|event| matches!(event.kind, EventKind::Review(_))), "what --apply did is told too");
    let stored: Vec<String> = ran
        .stdout
        .lines()
        .zip(&events)
        .filter(|(_, event)| event.kind.is_stored())
        .map(|(line, _)| line.to_owned())
        .collect();
    let trace = place.trace(&place.session());
    assert_eq!(stored, trace.lines().collect::<Vec<_>>());
}

#[test]
fn the_task_may_come_from_standard_input() {
    let place = greeting();
    let script = place.script(&[says("Read.")]);
    let mut command = place.claw(&["run", "--output", "stream-json", "--script", script.to_str().unwrap(), "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all("Explain this:\n  ünïcode\n".as_bytes()).unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(0);
    let EventKind::TurnStart(start) = &ran.events()[0].kind else { panic!("{}", ran.stdout) };
    assert_eq!(start.task, "Explain this:\n  ünïcode");
}

#[test]
fn standard_input_that_is_no_terminal_is_never_asked() {
    let place = greeting();
    let script = place.script(&turns());
    let mut command = place.claw(&["run", "--script", script.to_str().unwrap(), "Use an f-string"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Held open, and full of consent.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"y\ny\na\n").unwrap();
    let (mut stdout, mut stderr) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
    drop(stdin);
    assert!(!stderr.contains("[y,n"), "{stderr}");
    assert_eq!(place.read("greet.py"), GREET);
}

#[test]
fn wrong_usage_is_2_and_says_what_to_do() {
    let place = greeting();
    for (arguments, says) in [
        (&["run"][..], "there is no task"),
        (&["run", "  "], "the task is empty"),
        (&["run", "-C", "nowhere", "x"], "nowhere"),
        (&["run", "-C", "greet.py", "x"], "not a folder"),
        (&["run", "--output", "yaml", "x"], "stream-json"),
        (&["run", "--max-steps", "many", "x"], "--max-steps"),
        (&["run", "--provider", "nobody", "x"], "script"),
        (&["run", "--permission-mode", "yolo", "x"], "read-only"),
        (&["run", "--session", "0", "--continue", "x"], "--continue"),
        (&["run", "--session", "none-such", "x"], "none-such"),
        (&["run", "--continue", "x"], "--continue"),
        (&["trace"], "SESSION"),
        (&["trace", "last"], "claw sessions"),
        (&["frobnicate"], "frobnicate"),
    ] {
        let ran = place.output(arguments).exits(2);
        assert!(ran.stderr.contains(says), "{arguments:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
}

#[test]
fn a_failed_turn_is_1_with_one_plain_message() {
    let place = greeting();
    let turns = [json!({"error": {"code": "auth", "message": "the key in MY_KEY is refused: put a valid one there"}})];
    let ran = place.run(&turns, &["--output", "json", "Go"]).exits(1);
    let outcome = ran.json();
    assert_eq!(outcome["status"], "failed");
    assert_eq!(outcome["error"], "the key in MY_KEY is refused: put a valid one there");
    assert_eq!(ran.stderr.matches("put a valid one there").count(), 1, "{}", ran.stderr);
}

#[test]
fn no_model_at_all_is_2_with_what_to_do() {
    let ran = greeting().output(&["run", "Go"]).exits(2);
    assert!(ran.stderr.contains("ollama") && ran.stderr.contains("OPENAI_API_KEY"), "{}", ran.stderr);
    assert!(ran.stderr.lines().count() <= 24, "more than a screen: {}", ran.stderr);
}

#[test]
fn a_refused_connection_is_1_and_names_the_address() {
    let place = greeting();
    let ran = place
        .output(&["run", "--provider", "openai", "--base-url", "http://127.0.0.1:1/v1", "--model", "m", "Go"])
        .exits(1);
    assert!(ran.stderr.contains("http://127.0.0.1:1/v1"), "{}", ran.stderr);
}

#[test]
fn a_limit_is_3() {
    let place = greeting();
    let turns = [
        calls(&[("read_file", json!({"path": "greet.py"}))]),
        calls(&[("list_files", json!({}))]),
        says("Never said."),
    ];
    let ran = place.run(&turns, &["--max-steps", "2", "--output", "json", "Go"]).exits(3);
    assert_eq!(ran.json()["status"], "limit");
    let slow = [json!({"delay_ms": 60_000, "text": "Never said."})];
    let ran = place.run(&slow, &["--timeout", "1", "--output", "json", "Go"]).exits(3);
    assert_eq!(ran.json()["status"], "limit");
}

#[test]
fn interrupting_cancels_the_turn_with_130() {
    let place = greeting();
    let script = place.script(&[json!({"delay_ms": 600_000, "text": "Never said."})]);
    let mut command =
        place.claw(&["run", "--apply", "--output", "stream-json", "--script", script.to_str().unwrap(), "Go"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut events: Vec<Event> = Vec::new();
    let mut line = String::new();
    while stdout.read_line(&mut line).unwrap() > 0 {
        let event: Event = serde_json::from_str(&line).unwrap();
        if matches!(event.kind, EventKind::ModelRequest(_)) {
            let child = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(child, rustix::process::Signal::INT).unwrap();
        }
        events.push(event);
        line.clear();
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    check_numbers(&events);
    let EventKind::TurnEnd(end) = &events.last().unwrap().kind else { panic!("{events:?}") };
    assert_eq!(end.status, TurnStatus::Cancelled);
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let place = greeting();
    let script = place.script(&turns());
    let mut command = place.claw(&["run", "--output", "stream-json", "--script", script.to_str().unwrap(), "Go"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().unwrap()).exits(0);
    assert!(!ran.stderr.contains("Broken pipe"), "{}", ran.stderr);
}

#[test]
fn s07_control_characters_are_shown_and_not_acted_on() {
    let place = Place::new(&[("a.txt", "\u{1b}]0;owned\u{7}\n")]);
    let turns = [
        json!({
            "text": "Looking\u{1b}[2J.",
            "tools": [{"name": "search", "input": {"pattern": "own\u{1b}[31med\u{202e}"}}],
        }),
        says("All\u{1b}[2J \u{202e}fine\u{200b}.\rHidden"),
    ];
    let ran = place.run(&turns, &["Go"]).exits(0);
    for shown in [&ran.stdout, &ran.stderr] {
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{200b}', '\r']), "{shown:?}");
    }
    assert!(ran.stdout.contains("All⟨U+001B⟩[2J ⟨U+202E⟩fine⟨U+200B⟩.⟨U+000D⟩Hidden"), "{}", ran.stdout);
    assert!(ran.stderr.contains("own⟨U+001B⟩[31med⟨U+202E⟩"), "{}", ran.stderr);
}

#[test]
fn x01_a_key_in_the_environment_reaches_neither_output_nor_state() {
    let place = Place::new(&[("notes.txt", CANARY)]);
    let turns = [calls(&[("read_file", json!({"path": "notes.txt"}))]), says("Read.")];
    let script = place.script(&turns);
    let output = place
        .claw(&["run", "--output", "stream-json", "--script", script.to_str().unwrap(), "Go"])
        .env("OPENAI_API_KEY", CANARY)
        .env("CLAW_LOG", "trace")
        .output()
        .unwrap();
    let ran = Ran::of(output).exits(0);
    for shown in [&ran.stdout, &ran.stderr, &place.trace(&place.session())] {
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

#[test]
fn a_script_is_found_from_where_the_shell_stands() {
    let place = greeting();
    let script = place.script(&turns());
    let project = place.project();
    let arguments = ["run", "-C", project.to_str().unwrap(), "--output", "json", "--script"];
    let mut command = place.claw(&arguments);
    command.arg(script.file_name().unwrap()).arg("Go").current_dir(script.parent().unwrap());
    Ran::of(command.output().unwrap()).exits(0);
}
