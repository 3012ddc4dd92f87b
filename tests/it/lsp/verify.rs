//! What editors do with edits is told from the texts, whatever they answer: wrong places, parts, silence, formatters, undo.

use std::time::Duration;

use claw::lsp::Patience;
use serde_json::{Value, json};

use crate::support::lsp_editor::{Applies, Editor, Setup, hunk_ids, states};

const LIB: &str = "// 😀 ä\nfn one() {}\n\nfn two() {}\n\nfn three() {}\n";
const ONE: (&str, &str) = ("fn one() {}", "fn one() { /* 😀 */ }");
const THREE: (&str, &str) = ("fn three() {}", "fn three() { 3; }");

/// An editor that does not wait long for itself.
const HASTY: Patience = Patience { answer: Duration::from_millis(150), evidence: Duration::from_millis(150) };

fn edit(path: &str, (old, new): (&str, &str)) -> Value {
    json!({"name": "edit_file", "input": {"path": path, "old_string": old, "new_string": new}})
}

/// An editor with these files open, whose model makes these edits.
async fn proposed(setup: Setup, files: &[&'static str], edits: Vec<Value>) -> (Editor, String, Value) {
    let count = edits.len();
    let script = vec![json!({"tools": edits}), json!({"text": "Done."})];
    let texts = files.iter().map(|file| (*file, LIB.to_owned())).collect();
    let mut editor = Editor::start(Setup { files: texts, script, ..setup }).await;
    for file in files {
        editor.open(file);
    }
    let session = editor.ask(json!({"instruction": "number them"})).await;
    let proposal = editor.pending(count).await;
    (editor, session, proposal)
}

async fn two_hunks(applies: Applies) -> (Editor, String, Value) {
    let setup = Setup { applies, patience: HASTY, ..Setup::default() };
    proposed(setup, &["lib.rs"], vec![edit("lib.rs", ONE), edit("lib.rs", THREE)]).await
}

async fn shows(editor: &mut Editor, name: &'static str, text: &str) {
    let text = text.to_owned();
    editor.until(move |editor| editor.text(name).as_deref() == Some(text.as_str())).await;
}

/// The states of all hunks, when the server has come to rest on them.
async fn stand(editor: &mut Editor, session: &str, expected: &[&str]) {
    let mut last = Value::Null;
    for _ in 0..400 {
        last = editor.command("claw.proposal", json!({"session": session})).await;
        if states(&last) == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not {expected:?}: {last}");
}

fn sent(editor: &Editor) -> usize {
    editor.asked("workspace/applyEdit").len()
}

/// Messages may come or not; what they say is looked at where it matters.
async fn finish(mut editor: Editor) {
    editor.client.ignore("window/showMessage");
    editor.finish().await;
}

#[tokio::test]
async fn e01_a_stale_edit_is_noticed_and_taken_back_with_one_word() {
    let (mut editor, session, proposal) = two_hunks(Applies::Stale).await;
    editor.choose("Restore");
    editor.type_meanwhile("lib.rs", "// 😀 ä\n", "// typed\n// 😀 ä\n");
    let hunk = json!({"session": session, "hunk": hunk_ids(&proposal)[0]});
    let answer = editor.command("claw.acceptHunk", hunk).await;
    assert_eq!(answer["ok"], true, "{answer}");
    editor.until(|editor| editor.was_asked("in the wrong place")).await;
    shows(&mut editor, "lib.rs", &format!("// typed\n{LIB}")).await;
    stand(&mut editor, &session, &["pending", "pending"]).await;
    // The edit, and what took it back: neither is sent twice.
    assert_eq!(sent(&editor), 2);
    finish(editor).await;
}

#[tokio::test]
async fn e01_what_is_typed_after_a_wrong_step_stays_when_undo_takes_it_back() {
    let (mut editor, session, _) = two_hunks(Applies::Stale).await;
    editor.type_meanwhile("lib.rs", "// 😀 ä\n", "// typed\n// 😀 ä\n");
    editor.command("claw.acceptAll", json!({"session": session})).await;
    editor.until(|editor| editor.was_asked("so does `claw.undo`")).await;
    assert_ne!(editor.text("lib.rs").unwrap(), format!("// typed\n{LIB}"));
    editor.type_over("lib.rs", "fn two() {}", "fn two() { later(); }");
    editor.until(|editor| editor.text("lib.rs").unwrap().contains("later")).await;
    let mut undone = editor.command("claw.undo", Value::Null).await;
    for _ in 0..100 {
        if undone["ok"] == true {
            break;
        }
        undone = editor.command("claw.undo", Value::Null).await;
    }
    assert_eq!(undone["ok"], true, "{undone}");
    let expected = format!("// typed\n{LIB}").replace("fn two() {}", "fn two() { later(); }");
    shows(&mut editor, "lib.rs", &expected).await;
    stand(&mut editor, &session, &["pending", "pending"]).await;
    finish(editor).await;
}

/// What each kind of editor makes of a hunk, of all, and of taking back what it accepted.
#[tokio::test]
async fn e01_four_kinds_of_editors_end_with_texts_that_were_meant() {
    let done = LIB.replace(ONE.0, ONE.1).replace(THREE.0, THREE.1);
    let first = LIB.replace(ONE.0, ONE.1);
    // The kind; then the text after acceptHunk, acceptAll, and undo of all.
    let kinds: [(Applies, &str, &str, &str); 4] = [
        (Applies::Honestly, &first, &done, LIB),
        (Applies::Stale, LIB, LIB, &done),
        (Applies::Partly, &first, LIB, &done),
        (Applies::Never, LIB, LIB, &done),
    ];
    for (kind, after_hunk, after_all, after_undo) in kinds {
        for (command, expected) in [("claw.acceptHunk", after_hunk), ("claw.acceptAll", after_all)] {
            let (mut editor, session, proposal) = two_hunks(kind).await;
            let typed = if kind == Applies::Stale { "// typed\n" } else { "" };
            editor.choose(if kind == Applies::Stale { "Restore" } else { "Take back what was applied" });
            editor.type_meanwhile("lib.rs", "// 😀 ä\n", "// typed\n// 😀 ä\n");
            editor.command(command, json!({"session": session, "hunk": hunk_ids(&proposal)[0]})).await;
            // The question, where there is one, follows when it is clear what the editor did.
            match (kind, command) {
                (Applies::Stale, _) | (Applies::Partly, "claw.acceptAll") => {
                    editor.until(|editor| !editor.asked("window/showMessageRequest").is_empty()).await;
                }
                _ => editor.until(|editor| sent(editor) == 1).await,
            }
            shows(&mut editor, "lib.rs", &format!("{typed}{expected}")).await;
            if kind == Applies::Never {
                let message = editor.client.notification("window/showMessage").await;
                assert!(message["message"].as_str().unwrap().contains("did not answer"), "{message}");
                assert_eq!(sent(&editor), 1, "nothing is sent a second time");
            }
            finish(editor).await;
        }
        let (mut editor, session, _) = two_hunks(Applies::Honestly).await;
        editor.command("claw.acceptAll", json!({"session": session})).await;
        stand(&mut editor, &session, &["accepted", "accepted"]).await;
        editor.applies(kind);
        editor.choose("Restore");
        editor.type_meanwhile("lib.rs", "// 😀 ä\n", "// typed\n// 😀 ä\n");
        let answer = editor.command("claw.undo", json!({"session": session})).await;
        assert_eq!(answer["ok"], true, "{kind:?}: {answer}");
        editor.until(|editor| sent(editor) >= 2).await;
        let typed = if kind == Applies::Stale { "// typed\n" } else { "" };
        let after_undo = match kind {
            // The first of the two is back.
            Applies::Partly => LIB.replace(THREE.0, THREE.1),
            _ => after_undo.to_owned(),
        };
        shows(&mut editor, "lib.rs", &format!("{typed}{after_undo}")).await;
        finish(editor).await;
    }
}

#[tokio::test]
async fn e05_of_a_batch_that_failed_half_way_the_user_is_offered_to_take_back_the_first_half() {
    let setup = Setup { applies: Applies::TheFirstOnly, patience: HASTY, ..Setup::default() };
    let capabilities = json!({"workspace": {"workspaceEdit": {"failureHandling": "transactional"}}});
    let files = ["a.rs", "b.rs", "c.rs", "d.rs", "e.rs"];
    let edits = files.iter().map(|file| edit(file, ONE)).collect();
    let (mut editor, session, _) = proposed(Setup { capabilities, ..setup }, &files, edits).await;
    editor.choose("Take back what was applied");
    editor.command("claw.acceptAll", json!({"session": session})).await;
    editor.until(|editor| editor.was_asked("4 of 5 hunks in a.rs, b.rs, c.rs, d.rs, e.rs: disk full")).await;
    editor.until(|editor| editor.was_asked("1 of 5 hunks are applied")).await;
    for file in files {
        shows(&mut editor, file, LIB).await;
    }
    finish(editor).await;
}

#[tokio::test]
async fn e03_a_formatter_right_after_acceptance_makes_no_conflict() {
    let (mut editor, session, proposal) = two_hunks(Applies::ThenFormats).await;
    editor.command("claw.acceptHunk", json!({"session": session, "hunk": hunk_ids(&proposal)[1]})).await;
    stand(&mut editor, &session, &["pending", "accepted"]).await;
    assert_eq!(editor.text("lib.rs").unwrap(), LIB.replace(THREE.0, "fn three() {\n    3;\n}"));
    let conflicts = editor.client.unread_of("claw/event").filter(|event| event["decision"] == "conflict").count();
    assert_eq!((sent(&editor), conflicts), (1, 0));
    finish(editor).await;
}

#[tokio::test]
async fn e03_a_text_that_is_neither_is_unverified_until_the_file_changes() {
    let (mut editor, session, proposal) = two_hunks(Applies::Formatted).await;
    let hunk = json!({"session": session, "hunk": hunk_ids(&proposal)[1]});
    editor.command("claw.acceptHunk", hunk.clone()).await;
    editor.proposal(|proposal| states(proposal) == ["pending", "unverified"]).await;
    let again = editor.command("claw.acceptHunk", hunk).await;
    assert_eq!(again["ok"], false, "{again}");
    editor.type_over("lib.rs", "fn two() {}", "fn two() { 2; }");
    stand(&mut editor, &session, &["pending", "conflict"]).await;
    assert_eq!(sent(&editor), 1);
    finish(editor).await;
}

#[tokio::test]
async fn an_edit_that_comes_after_its_deadline_is_seen_and_nothing_is_sent_twice() {
    let (mut editor, session, proposal) = two_hunks(Applies::Late).await;
    let hunk = json!({"session": session, "hunk": hunk_ids(&proposal)[0]});
    editor.command("claw.acceptHunk", hunk.clone()).await;
    editor.proposal(|proposal| states(proposal) == ["unverified", "pending"]).await;
    let again = editor.command("claw.acceptHunk", hunk).await;
    assert_eq!(again["ok"], false, "{again}");
    editor.finish_late();
    stand(&mut editor, &session, &["accepted", "pending"]).await;
    assert_eq!(editor.text("lib.rs").unwrap(), LIB.replace(ONE.0, ONE.1));
    assert_eq!(sent(&editor), 1);
    finish(editor).await;
}

/// Emacs 28 leaves an edit that came in one piece with the answer to its command unread, until something more comes.
#[tokio::test]
async fn an_editor_that_is_silent_hears_a_word_more() {
    let setup = Setup { applies: Applies::Late, ..Setup::default() };
    let (mut editor, session, proposal) = proposed(setup, &["lib.rs"], vec![edit("lib.rs", ONE)]).await;
    editor.command("claw.acceptHunk", json!({"session": session, "hunk": hunk_ids(&proposal)[0]})).await;
    editor.client.notification("window/logMessage").await;
    editor.finish_late();
    stand(&mut editor, &session, &["accepted"]).await;
    finish(editor).await;
}

#[tokio::test]
async fn e01_an_edit_that_comes_late_and_to_another_text_is_noticed_too() {
    let (mut editor, session, proposal) = two_hunks(Applies::Late).await;
    editor.command("claw.acceptHunk", json!({"session": session, "hunk": hunk_ids(&proposal)[0]})).await;
    stand(&mut editor, &session, &["unverified", "pending"]).await;
    editor.type_over("lib.rs", "// 😀 ä\n", "// typed\n// 😀 ä\n");
    editor.finish_late();
    editor.applies(Applies::Honestly);
    editor.choose("Restore");
    editor.until(|editor| editor.was_asked("in the wrong place")).await;
    shows(&mut editor, "lib.rs", &format!("// typed\n{LIB}")).await;
    finish(editor).await;
}

#[tokio::test]
async fn e09_undo_in_the_editor_right_after_is_the_users_and_not_undone_twice() {
    let (mut editor, session, proposal) = two_hunks(Applies::Honestly).await;
    editor.command("claw.acceptHunk", json!({"session": session, "hunk": hunk_ids(&proposal)[0]})).await;
    editor.until(|editor| sent(editor) == 1).await;
    editor.type_over("lib.rs", ONE.1, ONE.0);
    stand(&mut editor, &session, &["accepted", "pending"]).await;
    let answer = editor.command("claw.undo", Value::Null).await;
    assert!(answer["message"].as_str().unwrap().contains("does not hold it any more"), "{answer}");
    // The editor brings it back, and then it can be undone.
    editor.type_over("lib.rs", ONE.0, ONE.1);
    editor.until(|editor| editor.text("lib.rs").unwrap().contains(ONE.1)).await;
    let answer = editor.command("claw.undo", Value::Null).await;
    assert_eq!(answer["hunks"], json!([hunk_ids(&proposal)[0]]), "{answer}");
    editor.until(|editor| sent(editor) == 2).await;
    let answer = editor.command("claw.undo", Value::Null).await;
    assert_eq!(answer["ok"], false, "{answer}");
    assert_eq!((editor.text("lib.rs").as_deref(), sent(&editor)), (Some(LIB), 2));
    finish(editor).await;
}

#[tokio::test]
async fn d07_what_is_open_and_unsaved_wins_over_what_became_of_its_file() {
    for kind in ["deleted", "folder", "link"] {
        let (mut editor, session, proposal) = two_hunks(Applies::Honestly).await;
        editor.type_over("lib.rs", "fn two() {}", "fn two() { unsaved(); }");
        let path = editor.path("lib.rs");
        std::fs::remove_file(&path).unwrap();
        match kind {
            "folder" => std::fs::create_dir(&path).unwrap(),
            #[cfg(unix)]
            "link" => std::os::unix::fs::symlink("/etc/hostname", &path).unwrap(),
            _ => {}
        }
        stand(&mut editor, &session, &["pending", "pending"]).await;
        let answer =
            editor.command("claw.acceptHunk", json!({"session": session, "hunk": hunk_ids(&proposal)[0]})).await;
        assert_eq!(answer["ok"], true, "{kind}: {answer}");
        stand(&mut editor, &session, &["accepted", "pending"]).await;
        let expected = LIB.replace(ONE.0, ONE.1).replace("fn two() {}", "fn two() { unsaved(); }");
        assert_eq!(editor.text("lib.rs").unwrap(), expected, "{kind}");
        finish(editor).await;
    }
}

fn with_annotations() -> Value {
    json!({"workspace": {"workspaceEdit": {"changeAnnotationSupport": {"groupsOnLabel": true}}}})
}

#[tokio::test]
async fn a_preview_ticks_what_is_verified_and_leaves_the_rest_pending() {
    let setup = Setup { capabilities: with_annotations(), applies: Applies::WhatIsTicked, ..Setup::default() };
    let broken = ("fn three() {}", "fn three() { ( }");
    let edits = vec![edit("lib.rs", ONE), edit("lib.rs", broken)];
    let script = vec![json!({"tools": edits}), json!({"text": "Done."}), json!({"text": "It stays so."})];
    let files = vec![("lib.rs", LIB.to_owned())];
    let mut editor = Editor::start(Setup { files, script, ..setup }).await;
    editor.open("lib.rs");
    let session = editor.ask(json!({"instruction": "number them"})).await;
    editor.pending(2).await;
    let answer = editor.command("claw.acceptAll", json!({"session": session, "preview": true})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    stand(&mut editor, &session, &["accepted", "pending"]).await;
    assert_eq!(editor.text("lib.rs").unwrap(), LIB.replace(ONE.0, ONE.1));
    let edits = editor.asked("workspace/applyEdit");
    let [edit] = edits.as_slice() else { panic!("one edit: {edits:?}") };
    let annotations = &edit["edit"]["changeAnnotations"];
    let asks: Vec<(bool, bool)> = edit["edit"]["documentChanges"][0]["edits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edit| {
            let annotation = &annotations[edit["annotationId"].as_str().unwrap()];
            assert!(annotation["label"].is_string() && annotation["description"].is_string(), "{annotation}");
            (edit["newText"] == "", annotation["needsConfirmation"] == true)
        })
        .collect();
    // The good one, the one with a syntax error, and the empty one that opens the preview.
    assert_eq!(asks, [(false, false), (false, true), (true, true)]);
    assert!(editor.asked("window/showMessageRequest").is_empty(), "the user has chosen already");
    finish(editor).await;
}

#[tokio::test]
async fn l14_without_annotations_a_preview_is_refused_and_nothing_is_sent() {
    let (mut editor, session, _) = two_hunks(Applies::Honestly).await;
    for (command, argument) in [
        ("claw.acceptAll", json!({"session": session, "preview": true})),
        ("claw.acceptFile", json!({"session": session, "uri": editor.uri("lib.rs"), "preview": true})),
    ] {
        let answer = editor.command(command, argument).await;
        assert_eq!(answer["ok"], false, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains("without `preview`"), "{answer}");
    }
    assert_eq!(sent(&editor), 0);
    finish(editor).await;
}
