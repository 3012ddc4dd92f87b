//! Decisions finer than a whole hunk: parts, other text, conflicts, undo and redo, one hunk made anew, while the turn runs.

use serde_json::{Value, json};

use crate::support::lsp_editor::{Applies, Editor, Setup, hunk_ids, states};

const LIB: &str = "fn one() {}\n\nfn two() {}\n\nfn three() {}\n";

fn edit(old: &str, new: &str) -> Value {
    json!({"name": "edit_file", "input": {"path": "lib.rs", "old_string": old, "new_string": new}})
}

/// An editor with `lib.rs` open, whose model plays `script`; asked, and shown as many hunks as `count`.
async fn start(text: &str, script: Vec<Value>, count: usize) -> (Editor, String, Value) {
    let setup = Setup { files: vec![("lib.rs", text.to_owned())], script, ..Setup::default() };
    let mut editor = Editor::start(setup).await;
    editor.open("lib.rs");
    let session = editor.ask(json!({"instruction": "do it"})).await;
    let proposal = editor.pending(count).await;
    (editor, session, proposal)
}

/// A model that makes these edits, and then whatever stands in `more`.
fn script(edits: &[(&str, &str)], more: Vec<Value>) -> Vec<Value> {
    let tools: Vec<Value> = edits.iter().map(|(old, new)| edit(old, new)).collect();
    [vec![json!({"tools": tools}), json!({"text": "Done."})], more].concat()
}

async fn two_hunks() -> (Editor, String, Value) {
    start(LIB, script(&[("fn one() {}", "fn one() { 1; }"), ("fn three() {}", "fn three() { 3; }")], vec![]), 2).await
}

/// Waits until the document holds `text`.
async fn shows(editor: &mut Editor, text: &str) {
    let text = text.to_owned();
    editor.until(move |editor| editor.text("lib.rs").as_deref() == Some(text.as_str())).await;
}

fn new_texts(proposal: &Value, state: &str) -> Vec<String> {
    let files = proposal["files"].as_array().into_iter().flatten();
    let hunks = files.flat_map(|file| file["hunks"].as_array().into_iter().flatten());
    let hunks = hunks.filter(|hunk| hunk["state"] == state);
    hunks.map(|hunk| hunk["new_text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lines_of_a_hunk_are_accepted_and_rejected_alone() {
    let edits = [("a\nb\nc\n", "A\nB\nC\nD\n")];
    let (mut editor, session, proposal) = start("a\nb\nc\nz\n", script(&edits, vec![]), 1).await;
    let id = hunk_ids(&proposal).remove(0);
    let answer = editor.command("claw.acceptHunk", json!({"session": session, "hunk": id, "lines": [2, 2]})).await;
    assert_eq!((&answer["ok"], &answer["hunk"]), (&json!(true), &json!(id)), "{answer}");
    shows(&mut editor, "a\nB\nc\nz\n").await;
    let proposal = editor.proposal(|proposal| states(proposal) == ["pending", "accepted", "pending"]).await;
    assert_eq!(new_texts(&proposal, "pending"), ["A\n", "C\nD\n"]);
    let rest = proposal["files"][0]["hunks"][2]["hunk"].clone();
    for lines in [json!([3, 3]), json!([0, 1]), json!([2, 1]), json!("x")] {
        let answer = editor.command("claw.acceptHunk", json!({"hunk": rest, "lines": lines})).await;
        assert_eq!(answer["ok"], false, "{lines}: {answer}");
    }
    let answer = editor.command("claw.rejectHunk", json!({"hunk": rest, "lines": [1, 1], "reason": "no"})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    let proposal = editor.proposal(|proposal| states(proposal).contains(&"rejected".to_owned())).await;
    assert_eq!(new_texts(&proposal, "pending"), ["A\n", "D\n"]);
    editor.command("claw.acceptAll", Value::Null).await;
    shows(&mut editor, "A\nB\nc\nD\nz\n").await;
    editor.pending(0).await;
    editor.finish().await;
}

#[tokio::test]
async fn a_hunk_is_accepted_with_the_users_own_text() {
    let more = vec![json!({"text": "I see."})];
    let edits = [("fn one() {}", "fn one() { 1; }"), ("fn three() {}", "fn three() { 3; }")];
    let (mut editor, session, proposal) = start(LIB, script(&edits, more), 2).await;
    let id = hunk_ids(&proposal).remove(0);
    let hunk = json!({"session": session, "hunk": id, "text": "fn one() { 11; }\n"});
    let answer = editor.command("claw.acceptHunk", hunk).await;
    assert_eq!(answer["ok"], true, "{answer}");
    shows(&mut editor, &LIB.replace("fn one() {}", "fn one() { 11; }")).await;
    let review = loop {
        let event = editor.client.notification("claw/event").await;
        if event["type"] == "review" {
            break event;
        }
    };
    assert_eq!((&review["hunk"], &review["decision"]), (&json!(id), &json!("edited")), "{review}");
    assert_eq!(review["verified"], true);
    let proposal = editor.proposal(|proposal| states(proposal) == ["accepted", "pending"]).await;
    assert_eq!(hunk_ids(&proposal)[0], id);
    assert_eq!(new_texts(&proposal, "accepted"), ["fn one() { 11; }\n"]);
    // The model sees the tweak.
    let turn = editor.command("claw.ask", json!({"session": session, "instruction": "go on"})).await;
    editor.turn_end(&turn["turn"]).await;
    let trace = trace(&editor, &session);
    let told = trace.iter().rfind(|event| event["type"] == "context").unwrap();
    let told = told["sections"].as_array().unwrap().iter().find(|section| section["name"] == "review").unwrap();
    assert!(told["text"].as_str().unwrap().contains("fn one() { 11; }"), "{told}");
    editor.finish().await;
}

fn trace(editor: &Editor, session: &str) -> Vec<Value> {
    let path = editor.folder.path().join("state/sessions").join(session).join("trace.jsonl");
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_conflict_is_settled_by_the_users_word() {
    for (take, expected) in
        [("mine", "fn uno() {}\n"), ("claw", "fn one() { 1; }\n"), ("both", "fn uno() {}\nfn one() { 1; }\n")]
    {
        let (mut editor, session, proposal) = two_hunks().await;
        editor.type_over("lib.rs", "fn one() {}", "fn uno() {}");
        editor.proposal(|proposal| states(proposal) == ["conflict", "pending"]).await;
        let hunk = json!({"session": session, "hunk": hunk_ids(&proposal)[0], "take": take});
        let answer = editor.command("claw.resolveHunk", hunk).await;
        assert_eq!(answer["ok"], true, "{take}: {answer}");
        shows(&mut editor, &LIB.replace("fn one() {}\n", expected)).await;
        let decided = if take == "mine" { "rejected" } else { "accepted" };
        let after = editor.proposal(|proposal| states(proposal).contains(&decided.to_owned())).await;
        assert_eq!(states(&after).iter().filter(|state| *state == "pending").count(), 1, "{take}: {after}");
        editor.finish().await;
    }
}

/// A conflict about a whole file: `users` is what stands at `made.rs`, which the model proposes to make with `fn made() {}`.
async fn made_twice(users: &str) -> (Editor, String, Value) {
    let write = json!({"name": "write_file", "input": {"path": "made.rs", "content": "fn made() {}\n"}});
    let script = vec![json!({"tools": [write]}), json!({"text": "Done."})];
    let (mut editor, session, proposal) = start(LIB, script, 1).await;
    std::fs::write(editor.path("made.rs"), users).unwrap();
    editor.open("made.rs");
    editor.proposal(|proposal| states(proposal) == ["conflict"]).await;
    (editor, session, proposal["files"][0]["hunks"][0]["hunk"].clone())
}

#[tokio::test]
async fn d07_a_conflict_about_a_whole_file_is_shown_again_before_it_is_accepted() {
    for (take, expected) in [("claw", "fn made() {}\n"), ("both", "fn mine() {}\nfn made() {}\n")] {
        let (mut editor, session, hunk) = made_twice("fn mine() {}\n").await;
        let settle = json!({"session": session, "hunk": hunk, "take": take});
        let answer = editor.command("claw.resolveHunk", settle).await;
        assert_eq!(answer["ok"], true, "{take}: {answer}");
        let proposal = editor.pending(1).await;
        assert_eq!(answer["hunks"], json!(hunk_ids(&proposal)), "{take}");
        assert_eq!(editor.text("made.rs").as_deref(), Some("fn mine() {}\n"), "{take}: nothing is accepted yet");
        let again = json!({"session": session, "hunk": answer["hunks"][0]});
        assert_eq!(editor.command("claw.acceptHunk", again).await["ok"], true);
        editor.until(move |editor| editor.text("made.rs").as_deref() == Some(expected)).await;
        editor.finish().await;
    }
    let (mut editor, session, hunk) = made_twice("fn mine() {}\n").await;
    let answer = editor.command("claw.resolveHunk", json!({"session": session, "hunk": hunk, "take": "mine"})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    editor.pending(0).await;
    assert_eq!(editor.text("made.rs").as_deref(), Some("fn mine() {}\n"));
    editor.finish().await;
}

#[tokio::test]
async fn r08_what_is_undone_is_brought_back_as_soon_as_the_text_shows_it() {
    let (mut editor, session, _) = two_hunks().await;
    editor.command("claw.acceptAll", json!({"session": session})).await;
    let both = LIB.replace("one() {}", "one() { 1; }").replace("three() {}", "three() { 3; }");
    for _ in 0..3 {
        shows(&mut editor, &both).await;
        let undo = editor.command("claw.undo", json!({"session": session})).await;
        assert_eq!((&undo["ok"], undo["hunks"].as_array().map(Vec::len)), (&json!(true), Some(2)), "{undo}");
        shows(&mut editor, LIB).await;
        let redo = editor.command("claw.redo", json!({"session": session})).await;
        assert_eq!(redo["ok"], true, "{redo}");
    }
    shows(&mut editor, &both).await;
    editor.finish().await;
}

#[tokio::test]
async fn r08_an_undo_while_another_is_on_its_way_means_what_was_accepted_before() {
    let (mut editor, session, proposal) = two_hunks().await;
    let ids = hunk_ids(&proposal);
    for id in &ids {
        editor.command("claw.acceptHunk", json!({"session": session, "hunk": id})).await;
        editor.until(|editor| trace(editor, &session).iter().any(|event| event["hunk"] == json!(id))).await;
    }
    editor.applies(Applies::InSteps);
    let sent = editor.asked("workspace/applyEdit").len();
    for (number, id) in ids.iter().rev().enumerate() {
        let undo = editor.command("claw.undo", Value::Null).await;
        assert_eq!((&undo["ok"], &undo["hunks"]), (&json!(true), &json!([id])), "{number}: {undo}");
    }
    let none_left = editor.command("claw.undo", Value::Null).await;
    assert_eq!(none_left["ok"], false, "{none_left}");
    let redo = editor.command("claw.redo", Value::Null).await;
    assert!(redo["message"].as_str().unwrap().contains("still on its way"), "{redo}");
    for number in 1..=2 {
        editor.until(move |editor| editor.asked("workspace/applyEdit").len() == sent + number).await;
        editor.finish_applying();
    }
    shows(&mut editor, LIB).await;
    let undone = |editor: &Editor| trace(editor, &session).iter().filter(|event| event["decision"] == "undone").count();
    editor.until(|editor| undone(editor) == 2).await;
    editor.finish().await;
}

#[tokio::test]
async fn r08_what_was_accepted_is_undone_in_any_order_and_after_more_typing() {
    let (mut editor, session, proposal) = two_hunks().await;
    let ids = hunk_ids(&proposal);
    for id in &ids {
        editor.command("claw.acceptHunk", json!({"session": session, "hunk": id})).await;
    }
    shows(&mut editor, &LIB.replace("one() {}", "one() { 1; }").replace("three() {}", "three() { 3; }")).await;
    editor.pending(0).await;
    // The first one goes, though the second came after it and the user typed since.
    editor.type_over("lib.rs", "fn two() {}\n", "// mine\nfn two() {}\n");
    let answer = editor.command("claw.undo", json!({"session": session, "hunk": ids[0]})).await;
    assert_eq!((&answer["ok"], &answer["hunks"]), (&json!(true), &json!([ids[0]])), "{answer}");
    let typed = LIB.replace("fn two() {}", "// mine\nfn two() {}");
    shows(&mut editor, &typed.replace("three() {}", "three() { 3; }")).await;
    editor.until(|editor| trace(editor, &session).iter().any(|event| event["decision"] == "undone")).await;
    let again = editor.command("claw.undo", json!({"session": session, "hunk": ids[0]})).await;
    assert_eq!(again["ok"], false, "{again}");

    let redo = editor.command("claw.redo", Value::Null).await;
    assert_eq!(redo["ok"], true, "{redo}");
    shows(&mut editor, &typed.replace("one() {}", "one() { 1; }").replace("three() {}", "three() { 3; }")).await;
    editor
        .until(|editor| trace(editor, &session).iter().filter(|event| event["decision"] == "accepted").count() == 3)
        .await;

    // All of the session at once.
    let answer = editor.command("claw.undo", json!({"session": session})).await;
    assert_eq!(answer["hunks"].as_array().unwrap().len(), 2, "{answer}");
    shows(&mut editor, &typed).await;
    let nothing = editor.command("claw.undo", json!({"session": session})).await;
    assert_eq!(nothing["ok"], false, "{nothing}");
    editor.finish().await;
}

#[tokio::test]
async fn r08_an_undo_that_would_touch_the_users_lines_is_a_clash() {
    let (mut editor, session, proposal) = two_hunks().await;
    let ids = hunk_ids(&proposal);
    editor.command("claw.acceptAll", json!({"session": session})).await;
    editor.pending(0).await;
    editor.type_over("lib.rs", "fn one() { 1; }", "fn one() { 1 + 1; }");
    let answer = editor.command("claw.undo", json!({"session": session, "hunk": ids[0]})).await;
    assert_eq!(answer["ok"], false, "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("changed since"), "{answer}");
    // What was accepted last, at one word, goes as far as it can.
    let answer = editor.command("claw.undo", Value::Null).await;
    assert_eq!((&answer["hunks"], &answer["clashes"]), (&json!([ids[1]]), &json!([ids[0]])), "{answer}");
    shows(&mut editor, &LIB.replace("fn one() {}", "fn one() { 1 + 1; }")).await;
    editor.finish().await;
}

#[tokio::test]
async fn files_that_were_made_deleted_and_renamed_come_back() {
    let calls = json!([
        {"name": "read_file", "input": {"path": "gone.rs"}},
        {"name": "write_file", "input": {"path": "made.rs", "content": "fn made() {}\n"}},
        {"name": "delete_file", "input": {"path": "gone.rs"}},
        {"name": "move_file", "input": {"from": "old.rs", "to": "new.rs"}},
    ]);
    let files = vec![
        ("lib.rs", LIB.to_owned()),
        ("gone.rs", "fn gone() {}\n".to_owned()),
        ("old.rs", "fn moved() {}\n".to_owned()),
    ];
    let script = vec![json!({"tools": calls}), json!({"text": "Done."})];
    let mut editor = Editor::start(Setup { files, script, ..Setup::default() }).await;
    editor.open("lib.rs");
    let session = editor.ask(json!({"instruction": "tidy"})).await;
    editor.pending(3).await;
    editor.command("claw.acceptAll", json!({"session": session})).await;
    editor.pending(0).await;
    let texts = |editor: &Editor| ["made.rs", "gone.rs", "old.rs", "new.rs"].map(|name| editor.text(name));
    let (gone, moved) = (Some("fn gone() {}\n".to_owned()), Some("fn moved() {}\n".to_owned()));
    let after = [Some("fn made() {}\n".to_owned()), None, None, moved.clone()];
    assert_eq!(texts(&editor), after);
    let answer = editor.command("claw.undo", Value::Null).await;
    assert_eq!(answer["hunks"].as_array().unwrap().len(), 3, "{answer}");
    let before = [None, gone, moved, None];
    editor.until(|editor| texts(editor) == before).await;
    editor
        .until(|editor| trace(editor, &session).iter().filter(|event| event["decision"] == "undone").count() == 3)
        .await;
    let answer = editor.command("claw.redo", Value::Null).await;
    assert_eq!(answer["ok"], true, "{answer}");
    editor.until(|editor| texts(editor) == after).await;
    editor.finish().await;
}

#[tokio::test]
async fn one_hunk_is_made_anew_by_a_conversation_of_its_own() {
    // The conversation aside plays the same script from its first line: it holds no answer yet.
    let turns = vec![
        json!({"tools": [edit("fn one() {}", "fn one() { 1; }"), edit("fn three() {}", "fn three() { 3; }")]}),
        json!({"text": "Done."}),
    ];
    let (mut editor, session, proposal) = start(LIB, turns, 2).await;
    let ids = hunk_ids(&proposal);
    let anew = vec![json!({"tools": [edit("fn one() { 1; }", "fn one() { 10; }")]}), json!({"text": "Ten it is."})];
    editor.rewrite_script(&anew);
    let answer = editor
        .command("claw.changeHunk", json!({"session": session, "hunk": ids[0], "instruction": "ten", "turn": "t-10"}))
        .await;
    assert_eq!((&answer["ok"], &answer["turn"]), (&json!(true), &json!("t-10")), "{answer}");
    let end = editor.turn_end(&json!("t-10")).await;
    assert_eq!(end["status"], "done");
    assert_ne!(end["session"], json!(session));
    let after = editor
        .proposal(|proposal| {
            proposal["session"] == json!(session)
                && new_texts(proposal, "pending").contains(&"fn one() { 10; }\n".to_owned())
        })
        .await;
    assert_eq!(new_texts(&after, "pending"), ["fn one() { 10; }\n", "fn three() { 3; }\n"]);
    assert_eq!(hunk_ids(&after)[1], ids[1]);
    let start = trace(&editor, end["session"].as_str().unwrap()).remove(0);
    assert_eq!(start["parent"], json!(session));
    editor.finish().await;
}

#[tokio::test]
async fn a_change_outside_of_the_hunk_is_not_taken_over() {
    let (mut editor, session, proposal) = two_hunks().await;
    editor.rewrite_script(&[json!({"tools": [edit("fn two() {}", "fn deux() {}")]}), json!({"text": "Done."})]);
    let answer = editor
        .command("claw.changeHunk", json!({"session": session, "hunk": hunk_ids(&proposal)[0], "instruction": "x"}))
        .await;
    editor.turn_end(&answer["turn"]).await;
    let message = editor.client.notification("window/showMessage").await;
    assert!(message["message"].as_str().unwrap().contains("more than this hunk"), "{message}");
    let now = editor.command("claw.proposal", json!({"session": session})).await;
    assert_eq!(hunk_ids(&now), hunk_ids(&proposal));
    editor.finish().await;
}

#[tokio::test]
async fn hunks_are_accepted_while_the_turn_goes_on_and_it_hears_once_what_was_typed() {
    let script = vec![
        json!({"tools": [edit("fn one() {}", "fn one() { 1; }")]}),
        json!({"tools": [{"name": "read_file", "input": {"path": "lib.rs"}}], "delay_ms": 1500}),
        json!({"tools": [edit("fn three() {}", "fn three() { 3; }")]}),
        json!({"text": "Done."}),
    ];
    let mut editor = Editor::start(Setup { files: vec![("lib.rs", LIB.to_owned())], script, ..Setup::default() }).await;
    editor.open("lib.rs");
    let asked = editor.command("claw.ask", json!({"instruction": "do it"})).await;
    let proposal = editor.pending(1).await;
    editor.type_over("lib.rs", "fn two() {}", "fn zwei() {}");
    let id = hunk_ids(&proposal).remove(0);
    let answer = editor.command("claw.acceptHunk", json!({"hunk": id})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    editor.proposal(|proposal| states(proposal) == ["accepted"]).await;
    let status = editor.command("claw.status", Value::Null).await;
    assert_eq!(status["running"], 1, "{status}");
    let end = editor.turn_end(&asked["turn"]).await;
    assert_eq!(end["status"], "done", "{end}");
    editor.pending(1).await;
    editor.command("claw.acceptAll", Value::Null).await;
    let expected = "fn one() { 1; }\n\nfn zwei() {}\n\nfn three() { 3; }\n";
    shows(&mut editor, expected).await;
    let session = asked["session"].as_str().unwrap();
    let told: Vec<Value> = trace(&editor, session).into_iter().filter(|event| event["type"] == "steer").collect();
    assert_eq!(
        told.iter().filter(|event| event["message"].as_str().unwrap().contains("accepted")).count(),
        1,
        "{told:?}"
    );
    editor.finish().await;
}

#[tokio::test]
async fn a_line_knows_which_ask_put_it_there_until_it_is_changed() {
    let (mut editor, session, _) = two_hunks().await;
    editor.command("claw.acceptAll", Value::Null).await;
    shows(&mut editor, "fn one() { 1; }\n\nfn two() {}\n\nfn three() { 3; }\n").await;
    editor.pending(0).await;
    let uri = editor.uri("lib.rs");
    let answer = editor.command("claw.blame", json!({"uri": uri, "line": 4})).await;
    assert_eq!((&answer["session"], &answer["prompt"]), (&json!(session), &json!("do it")), "{answer}");
    assert_eq!((&answer["tool"], &answer["line"]), (&json!("edit_file"), &json!(4)), "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("do it"), "{answer}");
    assert_eq!(editor.command("claw.blame", json!({"uri": uri, "line": 2})).await["session"], Value::Null);
    assert_eq!(editor.command("claw.blame", json!({"uri": uri, "line": 99})).await["ok"], false);
    // Further down it is the same line; with another word it is the user's.
    editor.type_over("lib.rs", "fn two() {}", "fn two() {\n}\n");
    assert_eq!(editor.command("claw.blame", json!({"uri": uri, "line": 6})).await["session"], session);
    assert_eq!(editor.command("claw.blame", json!({"uri": uri, "line": 4})).await["session"], Value::Null);
    editor.type_over("lib.rs", "3;", "4;");
    assert_eq!(editor.command("claw.blame", json!({"uri": uri, "line": 6})).await["session"], Value::Null);
    // What is taken back is not there any more.
    assert_eq!(editor.command("claw.blame", json!({"uri": uri, "line": 0})).await["session"], session);
    editor.command("claw.undo", json!({"session": session})).await;
    editor.until(|editor| editor.text("lib.rs").unwrap().starts_with("fn one() {}\n")).await;
    assert_eq!(editor.command("claw.blame", json!({"uri": uri, "line": 0})).await["session"], Value::Null);
    editor.finish().await;
}
