//! Sessions, traces and replays, from one run to the next.

use claw::event::{Event, EventKind};
use serde_json::json;

use super::place::{Place, calls, edit, says};

fn worked() -> Place {
    let place = Place::new(&[("a.py", "def area(r):\n    return 3 * r * r\n")]);
    let turns = [
        calls(&[
            ("read_file", json!({"path": "a.py"})),
            ("search", json!({"pattern": "area"})),
            ("list_files", json!({})),
        ]),
        calls(&[edit("a.py", "3 * r", "3.14159 * r")]),
        says("Closer to pi."),
    ];
    place.run(&turns, &["Use a better pi"]).exits(0);
    place
}

#[test]
fn a_session_is_listed_shown_renamed_exported_and_removed() {
    let place = worked();
    let id = place.session();
    let listed = place.output(&["sessions"]).exits(0).stdout;
    assert!(listed.contains(&id) && listed.contains("Use a better pi") && listed.contains("done"), "{listed}");
    let listed = place.output(&["sessions", "list", "--json"]).exits(0).json();
    assert_eq!(listed[0]["session"], json!(id));
    assert_eq!(listed[0]["turns"], 1);

    let shown = place.output(&["sessions", "show", &id[..13]]).exits(0).stdout;
    assert!(shown.contains("Closer to pi.") && shown.contains("edit a.py"), "{shown}");

    place.output(&["sessions", "rename", "last", "circle"]).exits(0);
    assert!(place.output(&["sessions"]).exits(0).stdout.contains("circle"));

    let exported = place.output(&["sessions", "export", "last"]).exits(0).json();
    assert!(exported.to_string().contains("3.14159"), "{exported}");
    let file = place.home().join("session.json");
    place.output(&["sessions", "export", "last", "--to", file.to_str().unwrap()]).exits(0);
    assert!(file.exists());
    place.output(&["sessions", "export", "last", "--to", file.to_str().unwrap()]).exits(1);

    place.output(&["sessions", "rm", "last", "none-such"]).exits(2);
    assert_eq!(place.session(), id, "nothing goes when one name means nothing");
    place.output(&["sessions", "rm", "last"]).exits(0);
    assert!(!place.state().join("sessions").join(&id).exists());
    assert_eq!(place.output(&["sessions", "--json"]).exits(0).json(), json!([]));
}

#[test]
fn prune_keeps_what_is_young() {
    let place = worked();
    place.output(&["sessions", "prune"]).exits(2);
    place.output(&["sessions", "prune", "--days", "1"]).exits(0);
    place.session();
}

#[test]
fn a_trace_is_a_tree_or_its_lines() {
    let place = worked();
    let tree = place.output(&["trace", "last"]).exits(0).stdout;
    for words in [
        "turn 1: Use a better pi",
        "✓ read_file a.py",
        "✓ edit_file a.py",
        "proposal 1 hunk in 1 file",
        "└─ ",
        "Closer to pi.",
    ] {
        assert!(tree.contains(words), "{words}: {tree}");
    }
    let json = place.output(&["trace", &place.session(), "--json"]).exits(0);
    let events: Vec<Event> = json.events();
    assert_eq!(json.stdout, place.trace(&place.session()));
    assert!(matches!(events.last().unwrap().kind, EventKind::TurnEnd(_) | EventKind::Proposal { .. }));
}

#[test]
fn a_session_replays_without_the_workspace_and_the_script() {
    let place = worked();
    std::fs::remove_dir_all(place.project()).unwrap();
    std::fs::create_dir(place.project()).unwrap();
    place.script(&[says("Something else.")]);
    let replayed = place.output(&["replay", "last"]).exits(0);
    assert!(replayed.stdout.contains("identical"), "{}", replayed.stdout);
    assert_eq!(place.output(&["replay", "last", "--json"]).exits(0).json()["identical"], true);
}

#[test]
fn a_trace_that_was_changed_diverges() {
    let place = worked();
    let id = place.session();
    let path = place.state().join("sessions").join(&id).join("trace.jsonl");
    let trace = place.trace(&id);
    let mut lines: Vec<String> = trace.lines().map(str::to_owned).collect();
    let edited =
        lines.iter().position(|line| line.contains("\"type\":\"tool_result\"") && line.contains("area")).unwrap();
    lines[edited] = lines[edited].replace("area", "volume");
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    let replayed = place.output(&["replay", "last"]).exits(1);
    assert!(replayed.stdout.contains("diverges at event"), "{}", replayed.stdout);
    assert_eq!(place.output(&["replay", "last", "--json"]).exits(1).json()["identical"], false);
}

#[test]
fn r02_a_torn_last_line_is_dropped() {
    let place = worked();
    let path = place.state().join("sessions").join(place.session()).join("trace.jsonl");
    let whole = place.trace(&place.session());
    let cut = whole.trim_end().len() - 40;
    std::fs::write(&path, &whole.as_bytes()[..cut]).unwrap();
    let json = place.output(&["trace", "last", "--json"]).exits(0);
    assert_eq!(json.events().len(), whole.lines().count() - 1);
}

#[test]
fn r10_a_trace_edited_by_hand_is_told() {
    let place = worked();
    let id = place.session();
    let path = place.state().join("sessions").join(&id).join("trace.jsonl");
    assert_eq!(place.output(&["trace", "last"]).exits(0).stderr, "");
    let lines: Vec<String> = place.trace(&id).lines().map(str::to_owned).collect();
    let mut edited = lines.clone();
    edited[2] = edited[2].replacen("\"seq\":3", "\"seq\":3 ", 1);
    assert_ne!(edited, lines);
    std::fs::write(&path, edited.join("\n") + "\n").unwrap();
    for arguments in [&["trace", "last"][..], &["trace", "last", "--json"], &["replay", "last"]] {
        let told = place.output(arguments).stderr;
        assert!(told.contains("from line 3 on"), "{arguments:?}: {told}");
    }
    std::fs::write(&path, lines[..lines.len() - 1].join("\n") + "\n").unwrap();
    let told = place.output(&["trace", "last"]).exits(0).stderr;
    assert!(told.contains("1 line at its end"), "{told}");
    // Who goes on with it is told, and going on makes it no better.
    std::fs::write(&path, edited.join("\n") + "\n").unwrap();
    let turns = [says("Never said."), says("Never said."), says("Never said."), says("Here I am.")];
    let told = place.run(&turns, &["--continue", "Are you there?"]).exits(0).stderr;
    assert!(told.contains("from line 3 on"), "{told}");
    let told = place.output(&["trace", "last"]).exits(0).stderr;
    assert!(told.contains("from line 3 on"), "{told}");
}

#[test]
fn a_session_goes_on() {
    let place = worked();
    let id = place.session();
    let turns = [says("Never said."), says("Never said."), says("Never said."), says("You asked for a better pi.")];
    let ran = place.run(&turns, &["--continue", "--output", "stream-json", "What did I ask?"]).exits(0);
    let events = ran.events();
    assert_eq!(events[0].session, id);
    let before = events[0].seq;
    assert!(before > 1, "numbers go on");
    let EventKind::TurnEnd(end) =
        &events.iter().find(|event| matches!(event.kind, EventKind::TurnEnd(_))).unwrap().kind
    else {
        unreachable!()
    };
    assert_eq!(end.answer, "You asked for a better pi.", "the history was sent");
    let script = place.script(&turns);
    let arguments =
        ["sessions", "resume", &id[..13], "--script", script.to_str().unwrap(), "--output", "json", "And again?"];
    // A fifth turn is not in the script: that it is asked for shows that the history grew.
    let ran = place.output(&arguments).exits(1);
    assert_eq!(ran.json()["session"], json!(id));
    assert_eq!(place.output(&["sessions", "--json"]).exits(0).json()[0]["turns"], 3);
}

#[test]
fn a_line_is_blamed_on_the_session_and_call_that_wrote_it() {
    let place = Place::new(&[("a.py", "def area(r):\n    return 3 * r * r\n")]);
    let turns = [
        calls(&[edit("a.py", "3 * r", "3.14159 * r"), ("move_file", json!({"from": "a.py", "to": "b.py"}))]),
        calls(&[("write_file", json!({"path": "new.py", "content": "import b\n\nb.area(1)\n"}))]),
        calls(&[("write_file", json!({"path": "last.py", "content": "import b\n\n"}))]),
        says("Closer to pi."),
    ];
    place.run(&turns, &["--apply", "Use a better pi"]).exits(0);
    let id = place.session();
    let blamed = place.output(&["blame", "b.py:2", "--json"]).exits(0).json();
    assert_eq!((&blamed["session"], &blamed["prompt"]), (&json!(id), &json!("Use a better pi")), "{blamed}");
    assert_eq!((&blamed["tool"], &blamed["line"], &blamed["file"]), (&json!("edit_file"), &json!(2), &json!("b.py")));
    assert_eq!(place.output(&["blame", "b.py:1", "--json"]).exits(0).json()["session"], json!(null));
    // A line that stands in two files was written by two calls.
    let calls = ["new.py:1", "new.py:2", "new.py:3", "last.py:1"].map(|line| {
        let blamed = place.output(&["blame", line, "--json"]).exits(0).json();
        (blamed["tool"].clone(), blamed["seq"].as_u64().unwrap())
    });
    assert!(calls.iter().all(|(tool, _)| tool == "write_file"), "{calls:?}");
    assert!(calls[0] == calls[1] && calls[1] == calls[2] && calls[2].1 < calls[3].1, "{calls:?}");
    let shown = place.output(&["blame", "new.py:1"]).exits(0).stdout;
    assert!(shown.contains(&id) && shown.contains("Use a better pi") && shown.contains("write_file"), "{shown}");
    let shown = place.output(&["blame", "b.py:1"]).exits(0).stdout;
    assert!(shown.contains("nothing of Claw's"), "{shown}");
    place.output(&["blame", "b.py:9"]).exits(2);
    place.output(&["blame", "none.py:1"]).exits(2);
}

#[test]
fn what_a_session_proposes_is_written_afterwards() {
    let place = Place::new(&[("a.txt", "one\n")]);
    let turns = [
        calls(&[
            edit("a.txt", "one", "ONE"),
            ("write_file", json!({"path": "AGENTS.md", "content": "Obey.\n"})),
            ("write_file", json!({"path": "b.txt", "content": "b\n"})),
        ]),
        says("Louder."),
    ];
    let ran = place.run(&turns, &["--output", "json", "Louder"]).exits(0).json();
    let before = place.tree();

    let shown = place.output(&["sessions", "apply", "last", "--dry-run"]).exits(0);
    assert_eq!(json!(shown.stdout), ran["diff"]);
    assert!(shown.stderr.contains("3 hunks pending"), "{}", shown.stderr);
    assert_eq!(place.tree(), before);

    let elsewhere = place.home();
    let refused = place.output(&["sessions", "apply", "last", "-C", elsewhere.to_str().unwrap()]).exits(2);
    assert!(refused.stderr.contains(place.project().to_str().unwrap()), "{}", refused.stderr);
    place.output(&["sessions", "apply", "last", "none-such"]).exits(1);
    place.output(&["sessions", "apply", "none-such"]).exits(2);
    assert_eq!(place.tree(), before);

    let applied = place.output(&["sessions", "apply", "last", "--json"]).exits(0).json();
    assert_eq!(applied["diff"], ran["diff"]);
    assert_eq!((&applied["applied"], &applied["pending"]), (&json!(["a.txt", "b.txt"]), &json!(1)));
    assert_eq!(applied["skipped"][0]["path"], "AGENTS.md");
    assert_eq!((place.read("a.txt").as_str(), place.read("b.txt").as_str()), ("ONE\n", "b\n"));
    assert!(!place.project().join("AGENTS.md").exists());
    let reviews = place.output(&["trace", "last", "--json"]).exits(0).events();
    let reviews: Vec<_> = reviews.into_iter().filter(|event| matches!(event.kind, EventKind::Review(_))).collect();
    assert_eq!(reviews.len(), 2, "{reviews:?}");

    // Alone it is left again; named, it is written.
    let left = place.output(&["sessions", "apply", "last"]).exits(1);
    assert!(left.stderr.contains("AGENTS.md"), "{}", left.stderr);
    let hunk = applied["skipped"][0]["hunk"].as_str().unwrap();
    place.output(&["sessions", "apply", "last", hunk]).exits(0);
    assert_eq!(place.read("AGENTS.md"), "Obey.\n");
    let nothing = place.output(&["sessions", "apply", "last", "--json"]).exits(0).json();
    assert_eq!((&nothing["diff"], &nothing["applied"]), (&json!(""), &json!([])));
}

#[test]
fn what_was_changed_meanwhile_is_not_written_over() {
    let place = worked();
    place.write("a.py", "def area(r):\n    return 22 / 7 * r * r\n");
    let ran = place.output(&["sessions", "apply", "last"]).exits(1);
    assert!(ran.stderr.contains("a.py") && ran.stderr.contains("changed meanwhile"), "{}", ran.stderr);
    assert_eq!(place.read("a.py"), "def area(r):\n    return 22 / 7 * r * r\n");
}
