//! From an ask to text that changed: hunks shown, accepted, rejected, and what editors make of it.

use serde_json::{Value, json};

use crate::support::lsp_editor::{Applies, Editor, Setup, hunk_ids, states};

/// A script that edits files by these calls, then says it is done.
fn script(calls: &[(&str, Value)]) -> Vec<Value> {
    let tools: Vec<Value> = calls.iter().map(|(name, input)| json!({"name": name, "input": input})).collect();
    vec![json!({"tools": tools}), json!({"text": "Done."})]
}

fn replace(path: &str, old: &str, new: &str) -> (&'static str, Value) {
    ("edit_file", json!({"path": path, "old_string": old, "new_string": new}))
}

const LIB: &str = "// 😀 ä\nfn one() {}\n\nfn two() {}\n\nfn three() {}\n";

/// An editor with `lib.rs` open, whose model proposes two hunks in it.
async fn two_hunks(setup: Setup) -> (Editor, String, Value) {
    let calls = [
        replace("lib.rs", "fn one() {}", "fn one() { /* 😀 */ }"),
        replace("lib.rs", "fn three() {}", "fn three() { 3; }"),
    ];
    let mut editor =
        Editor::start(Setup { files: vec![("lib.rs", LIB.to_owned())], script: script(&calls), ..setup }).await;
    editor.open("lib.rs");
    let session = editor.ask(json!({"instruction": "number them"})).await;
    let proposal = editor.pending(2).await;
    (editor, session, proposal)
}

#[tokio::test]
async fn a_hunk_is_shown_and_accepted_by_its_code_action_in_every_encoding() {
    for encodings in [None, Some(vec!["utf-8"]), Some(vec!["utf-32"]), Some(vec!["utf-16", "utf-8"])] {
        let (mut editor, session, proposal) = two_hunks(Setup { encodings, ..Setup::default() }).await;
        assert_eq!(proposal["session"], session);
        assert_eq!(proposal["files"][0]["uri"], editor.uri("lib.rs"));
        let diagnostics = editor.diagnostics("lib.rs", |diagnostics| diagnostics.len() == 2).await;
        let ids = hunk_ids(&proposal);
        for (diagnostic, id) in diagnostics.iter().zip(&ids) {
            assert_eq!(diagnostic["source"], "claw");
            assert_eq!(diagnostic["severity"], 4);
            assert_eq!(diagnostic["data"], json!({"session": session, "hunk": id}));
        }
        assert_eq!(diagnostics[0]["range"], editor.range("lib.rs", "fn one() {}"));

        let range = editor.range("lib.rs", "fn one");
        let actions =
            editor.code_actions("lib.rs", range, json!({"triggerKind": 2, "diagnostics": [diagnostics[0]]})).await;
        let accept = actions.iter().find(|action| action["kind"] == "quickfix.claw.accept").expect("an accept");
        assert_eq!(accept["isPreferred"], true);
        assert_eq!(accept["diagnostics"], json!([diagnostics[0]]));
        editor.take(accept).await;
        assert_eq!(editor.text("lib.rs").unwrap(), LIB.replace("fn one() {}", "fn one() { /* 😀 */ }"));
        let after = editor.pending(1).await;
        assert_eq!(states(&after).iter().filter(|state| *state == "accepted").count(), 1, "{after}");
        editor.diagnostics("lib.rs", |diagnostics| diagnostics.len() == 1).await;
        editor.finish().await;
    }
}

/// Some clients keep no diagnostics of documents that are not open.
#[tokio::test]
async fn hints_are_told_again_when_their_document_is_opened() {
    let calls = [replace("lib.rs", "fn one() {}", "fn one() { 1; }")];
    let files = vec![("lib.rs", LIB.to_owned())];
    let mut editor = Editor::start(Setup { files, script: script(&calls), ..Setup::default() }).await;
    editor.ask(json!({"instruction": "number it"})).await;
    editor.pending(1).await;
    let before = editor.diagnostics("lib.rs", |diagnostics| diagnostics.len() == 1).await;
    editor.open("lib.rs");
    assert_eq!(editor.diagnostics("lib.rs", |diagnostics| diagnostics.len() == 1).await, before);
    editor.finish().await;
}

#[tokio::test]
async fn lenses_and_hover_stand_on_pending_hunks_only() {
    let (mut editor, _, _) = two_hunks(Setup::default()).await;
    let document = json!({"uri": editor.uri("lib.rs")});
    let lenses = editor.client.request("textDocument/codeLens", json!({"textDocument": document})).await;
    let commands: Vec<&str> =
        lenses.as_array().unwrap().iter().filter_map(|lens| lens["command"]["command"].as_str()).collect();
    assert_eq!(commands, ["claw.acceptHunk", "claw.rejectHunk", "claw.acceptHunk", "claw.rejectHunk"]);
    let at = |line: u32| json!({"textDocument": document, "position": {"line": line, "character": 1}});
    let hover = editor.client.request("textDocument/hover", at(1)).await;
    assert!(hover["contents"]["value"].as_str().unwrap().contains("+fn one() { /* 😀 */ }"), "{hover}");
    assert_eq!(editor.client.request("textDocument/hover", at(3)).await, Value::Null);
    editor.finish().await;
}

#[tokio::test]
async fn a_rejected_hunk_is_gone_and_stays_gone() {
    let (mut editor, session, proposal) = two_hunks(Setup::default()).await;
    let id = hunk_ids(&proposal).remove(0);
    let answer = editor.command("claw.rejectHunk", json!({"session": session, "hunk": id, "reason": "no"})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    editor.pending(1).await;
    let accept = editor.command("claw.acceptHunk", json!({"session": session, "hunk": id})).await;
    assert_eq!(accept["ok"], false, "{accept}");
    let again = editor.command("claw.rejectHunk", json!({"session": session, "hunk": id})).await;
    assert_eq!(again["ok"], true, "{again}");
    let answer = editor.command("claw.rejectAll", json!({"session": session})).await;
    assert_eq!((answer["ok"].clone(), answer["rejected"].clone()), (json!(true), json!(1)));
    editor.pending(0).await;
    editor.diagnostics("lib.rs", <[Value]>::is_empty).await;
    assert_eq!(editor.text("lib.rs").unwrap(), LIB);
    editor.finish().await;
}

#[tokio::test]
async fn e08_accepting_twice_applies_once() {
    let (mut editor, session, proposal) = two_hunks(Setup::default()).await;
    let hunk = json!({"session": session, "hunk": hunk_ids(&proposal)[0]});
    let first = editor.command("claw.acceptHunk", hunk.clone()).await;
    let second = editor.command("claw.acceptHunk", hunk.clone()).await;
    assert_eq!((&first["ok"], &second["ok"]), (&json!(true), &json!(true)), "{first} {second}");
    editor.pending(1).await;
    let third = editor.command("claw.acceptHunk", hunk).await;
    assert_eq!(third["ok"], true, "{third}");
    assert_eq!(editor.asked("workspace/applyEdit").len(), 1);
    assert_eq!(editor.text("lib.rs").unwrap(), LIB.replace("fn one() {}", "fn one() { /* 😀 */ }"));
    editor.finish().await;
}

/// One file edited, one made, one deleted, one renamed and edited.
async fn four_files(setup: Setup) -> (Editor, String) {
    let files = vec![
        ("edit.rs", "fn a() {}\nfn b() {}\n".to_owned()),
        ("gone.rs", "fn gone() {}\n".to_owned()),
        ("old.rs", "fn moved() {}\n".to_owned()),
    ];
    let calls = [
        replace("edit.rs", "fn a() {}", "fn a() { 1; }"),
        ("write_file", json!({"path": "new/made.rs", "content": "fn made() {}\n"})),
        ("delete_file", json!({"path": "gone.rs"})),
        ("move_file", json!({"from": "old.rs", "to": "moved.rs"})),
    ];
    // Nothing is deleted unread.
    let mut script = script(&calls);
    script.insert(0, json!({"tools": [{"name": "read_file", "input": {"path": "gone.rs"}}]}));
    let mut editor = Editor::start(Setup { files, script, ..setup }).await;
    editor.open("edit.rs");
    let session = editor.ask(json!({"instruction": "tidy up"})).await;
    editor.pending(4).await;
    (editor, session)
}

#[tokio::test]
async fn all_hunks_of_all_files_are_accepted_by_resource_operations() {
    for handling in [Value::Null, json!("transactional"), json!("textOnlyTransactional")] {
        let capabilities = json!({"workspace": {"workspaceEdit": {"failureHandling": handling}}});
        let (mut editor, session) = four_files(Setup { capabilities, ..Setup::default() }).await;
        let answer = editor.command("claw.acceptAll", json!({"session": session})).await;
        assert_eq!(answer["ok"], true, "{answer}");
        editor.pending(0).await;
        assert_eq!(editor.text("edit.rs").unwrap(), "fn a() { 1; }\nfn b() {}\n");
        assert_eq!(editor.text("new/made.rs").unwrap(), "fn made() {}\n");
        assert_eq!(editor.text("gone.rs"), None);
        assert_eq!(editor.text("old.rs"), None);
        assert_eq!(editor.text("moved.rs").unwrap(), "fn moved() {}\n");
        let expected = if handling == "transactional" { 1 } else { 4 };
        let edits = editor.asked("workspace/applyEdit");
        assert_eq!(edits.len(), expected, "{handling}");
        let versioned = edits.iter().flat_map(|edit| edit["edit"]["documentChanges"].as_array().unwrap().clone());
        let versions: Vec<Value> = versioned
            .filter(|change| change["textDocument"]["uri"] == editor.uri("edit.rs"))
            .map(|change| change["textDocument"]["version"].clone())
            .collect();
        assert_eq!(versions, [json!(1)]);
        editor.finish().await;
    }
}

#[tokio::test]
async fn a_file_that_is_made_and_filled_later_was_never_a_conflict() {
    let calls = [
        replace("lib.rs", "fn one() {}", "fn one() { 1; }"),
        ("write_file", json!({"path": "made.rs", "content": "fn made() {}\n"})),
    ];
    let files = vec![("lib.rs", LIB.to_owned())];
    let setup = Setup { files, script: script(&calls), applies: Applies::InSteps, ..Setup::default() };
    let mut editor = Editor::start(setup).await;
    editor.open("lib.rs");
    let session = editor.ask(json!({"instruction": "make it"})).await;
    let proposal = editor.pending(2).await;
    let made = proposal["files"].as_array().unwrap().iter().find(|file| file["path"] == "made.rs").unwrap();
    let id = made["hunks"][0]["hunk"].clone();
    editor.command("claw.acceptHunk", json!({"session": session, "hunk": id})).await;
    editor.until(|editor| !editor.asked("workspace/applyEdit").is_empty()).await;
    assert_eq!(editor.text("made.rs").as_deref(), Some(""));
    // What the other file shows of it tells that the server has looked meanwhile.
    editor.type_over("lib.rs", "fn one() {}", "fn uno() {}");
    let during = editor.proposal(|proposal| states(proposal).contains(&"conflict".to_owned())).await;
    assert_eq!(states(&during), ["conflict", "pending"], "{during}");

    editor.finish_applying();
    let after = editor.proposal(|proposal| states(proposal).contains(&"accepted".to_owned())).await;
    assert_eq!(states(&after), ["conflict", "accepted"], "{after}");
    assert_eq!(editor.text("made.rs").as_deref(), Some("fn made() {}\n"));
    let events = editor.client.unread_of("claw/event").filter(|event| event["hunk"] == id);
    let decisions: Vec<&Value> = events.map(|event| &event["decision"]).collect();
    assert_eq!(decisions, ["accepted"]);
    editor.finish().await;
}

#[tokio::test]
async fn e03_applied_in_words_only_is_unverified_and_not_sent_again() {
    let (mut editor, session, proposal) = two_hunks(Setup { applies: Applies::OnlyInWords, ..Setup::default() }).await;
    let hunk = json!({"session": session, "hunk": hunk_ids(&proposal)[0]});
    let answer = editor.command("claw.acceptHunk", hunk.clone()).await;
    assert_eq!(answer["ok"], true, "{answer}");
    editor.proposal(|proposal| states(proposal).contains(&"unverified".to_owned())).await;
    let message = editor.client.notification("window/showMessage").await;
    assert!(message["message"].as_str().unwrap().contains("does not show it"), "{message}");
    let again = editor.command("claw.acceptHunk", hunk).await;
    assert_eq!(again["ok"], false, "{again}");
    assert_eq!(editor.asked("workspace/applyEdit").len(), 1);
    assert_eq!(editor.text("lib.rs").unwrap(), LIB);
    editor.finish().await;
}

#[tokio::test]
async fn applied_in_spite_of_a_no_is_accepted() {
    let (mut editor, session, proposal) = two_hunks(Setup { applies: Applies::Secretly, ..Setup::default() }).await;
    let answer = editor.command("claw.acceptHunk", json!({"session": session, "hunk": hunk_ids(&proposal)[0]})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    editor.proposal(|proposal| states(proposal).contains(&"accepted".to_owned())).await;
    editor.finish().await;
}

#[tokio::test]
async fn e05_a_refused_edit_stays_pending_and_the_user_is_told() {
    let (mut editor, session, proposal) = two_hunks(Setup { applies: Applies::Refuses, ..Setup::default() }).await;
    let hunk = json!({"session": session, "hunk": hunk_ids(&proposal)[0]});
    editor.command("claw.acceptHunk", hunk.clone()).await;
    let message = editor.client.notification("window/showMessage").await;
    assert!(message["message"].as_str().unwrap().contains("the user said no"), "{message}");
    let proposal = editor.command("claw.proposal", json!({"session": session})).await;
    assert_eq!(states(&proposal), ["pending", "pending"]);
    editor.applies(Applies::Honestly);
    editor.command("claw.acceptHunk", hunk).await;
    editor.pending(1).await;
    editor.finish().await;
}

#[tokio::test]
async fn e05_what_failed_half_way_is_told_from_the_texts() {
    let capabilities = json!({"workspace": {"workspaceEdit": {"failureHandling": "transactional"}}});
    let setup = Setup { capabilities, applies: Applies::TheFirstOnly, ..Setup::default() };
    let (mut editor, session) = four_files(setup).await;
    editor.command("claw.acceptAll", json!({"session": session})).await;
    editor.until(|editor| editor.was_asked("disk full")).await;
    let proposal = editor.command("claw.proposal", json!({"session": session})).await;
    let mut states = states(&proposal);
    states.sort();
    assert_eq!(states, ["accepted", "pending", "pending", "pending"], "{proposal}");
    assert_eq!(editor.text("gone.rs").as_deref(), Some("fn gone() {}\n"));
    editor.finish().await;
}

#[tokio::test]
async fn typing_beside_a_hunk_moves_it() {
    let (mut editor, _, proposal) = two_hunks(Setup::default()).await;
    editor.diagnostics("lib.rs", |diagnostics| diagnostics.len() == 2).await;
    editor.type_over("lib.rs", "fn two() {}", "fn two() {\n    // typed\n}");
    let range = editor.range("lib.rs", "fn three");
    // Right after the keystroke, before anything was derived again.
    let actions = editor.code_actions("lib.rs", range, json!({"triggerKind": 2})).await;
    editor.take(&actions[0]).await;
    let expected =
        LIB.replace("fn two() {}", "fn two() {\n    // typed\n}").replace("fn three() {}", "fn three() { 3; }");
    assert_eq!(editor.text("lib.rs").unwrap(), expected);
    let after = editor.pending(1).await;
    assert!(hunk_ids(&after).contains(&hunk_ids(&proposal)[0]));
    editor.finish().await;
}

#[tokio::test]
async fn lines_that_the_user_changed_are_a_conflict_and_never_part_of_a_batch() {
    let (mut editor, session, proposal) = two_hunks(Setup::default()).await;
    editor.type_over("lib.rs", "fn one() {}", "fn uno() {}");
    let conflict = editor.proposal(|proposal| states(proposal) == ["conflict", "pending"]).await;
    let told: Vec<&Value> =
        conflict["files"][0]["hunks"].as_array().unwrap().iter().map(|hunk| &hunk["mine"]).collect();
    assert_eq!(told, [&json!("fn uno() {}\n"), &Value::Null], "{conflict}");
    let diagnostics = editor
        .diagnostics("lib.rs", |diagnostics| diagnostics.iter().any(|diagnostic| diagnostic["code"] == "conflict"))
        .await;
    assert_eq!(diagnostics[0]["range"], editor.range("lib.rs", "fn uno() {}"));
    let range = editor.range("lib.rs", "fn uno");
    let actions = editor.code_actions("lib.rs", range, json!({"triggerKind": 2})).await;
    let kinds: Vec<&str> = actions.iter().filter_map(|action| action["kind"].as_str()).collect();
    let resolve = "quickfix.claw.resolve";
    assert_eq!(kinds, [resolve, resolve, resolve, "quickfix.claw.reject", "quickfix.claw.change", "quickfix.claw.why"]);
    let hunk = json!({"session": session, "hunk": hunk_ids(&proposal)[0]});
    let answer = editor.command("claw.acceptHunk", hunk).await;
    assert_eq!(answer["ok"], false, "{answer}");
    // All that can be accepted is.
    let answer = editor.command("claw.acceptAll", Value::Null).await;
    assert_eq!(answer["hunks"].as_array().unwrap().len(), 1, "{answer}");
    editor.pending(0).await;
    let reject = actions.iter().find(|action| action["kind"] == "quickfix.claw.reject").unwrap();
    editor.take(reject).await;
    editor.diagnostics("lib.rs", <[Value]>::is_empty).await;
    assert!(editor.text("lib.rs").unwrap().contains("fn uno() {}"));
    editor.finish().await;
}

#[tokio::test]
async fn l14_a_client_that_takes_no_edits_is_told_what_to_do() {
    let capabilities =
        json!({"workspace": {"applyEdit": null, "workspaceEdit": null, "codeLens": null}, "window": null});
    let (mut editor, session, proposal) = two_hunks(Setup { capabilities, ..Setup::default() }).await;
    let hunk = json!({"session": session, "hunk": hunk_ids(&proposal)[0]});
    let answer = editor.command("claw.acceptHunk", hunk).await;
    assert_eq!(answer["ok"], false);
    assert!(answer["message"].as_str().unwrap().contains("code action"), "{answer}");
    let range = editor.range("lib.rs", "fn one");
    let actions = editor.code_actions("lib.rs", range, json!({"only": ["quickfix"]})).await;
    assert!(actions[0]["edit"].get("documentChanges").is_none(), "{actions:?}");
    editor.take(&actions[0]).await;
    editor.pending(1).await;
    let next = editor.command("claw.nextHunk", Value::Null).await;
    assert_eq!((next["ok"].clone(), next["uri"].clone()), (json!(true), json!(editor.uri("lib.rs"))), "{next}");
    for method in
        ["workspace/applyEdit", "window/showDocument", "window/workDoneProgress/create", "workspace/codeLens/refresh"]
    {
        assert!(editor.asked(method).is_empty(), "{method} was not announced");
    }
    editor.finish().await;
}

#[tokio::test]
async fn commands_without_arguments_act_where_the_user_is() {
    let (mut editor, session, proposal) = two_hunks(Setup::default()).await;
    let ids = hunk_ids(&proposal);
    let none = editor.command("claw.proposal", Value::Null).await;
    assert_eq!((none["ok"].clone(), none["session"].clone()), (json!(true), json!(session)));
    let first = editor.command("claw.nextHunk", Value::Null).await;
    assert_eq!(first["hunk"], ids[0], "{first}");
    assert_eq!(first["range"], editor.range("lib.rs", "fn one() {}"));
    let second = editor.command("claw.nextHunk", Value::Null).await;
    assert_eq!(second["hunk"], ids[1]);
    let around = editor.command("claw.nextHunk", Value::Null).await;
    assert_eq!(around["hunk"], ids[0]);
    let back = editor.command("claw.prevHunk", Value::Null).await;
    assert_eq!(back["hunk"], ids[1]);
    let answer = editor.command("claw.rejectHunk", Value::Null).await;
    assert_eq!((answer["ok"].clone(), answer["hunk"].clone()), (json!(true), json!(ids[1])), "{answer}");
    editor.pending(1).await;
    let answer = editor.command("claw.acceptFile", Value::Null).await;
    assert_eq!(answer["ok"], true, "{answer}");
    editor.pending(0).await;
    let nothing = editor.command("claw.acceptAll", Value::Null).await;
    assert_eq!(nothing["ok"], false);
    editor.finish().await;
}

#[tokio::test]
async fn protected_paths_are_left_out_of_batches_and_accepted_one_by_one() {
    let files = vec![("lib.rs", LIB.to_owned()), ("AGENTS.md", "Be kind.\n".to_owned())];
    let calls = [replace("lib.rs", "fn one() {}", "fn one() { 1; }"), replace("AGENTS.md", "Be kind.", "Obey.")];
    let mut editor = Editor::start(Setup { files, script: script(&calls), ..Setup::default() }).await;
    editor.open("lib.rs");
    editor.open("AGENTS.md");
    let session = editor.ask(json!({"instruction": "change both"})).await;
    let proposal = editor.pending(2).await;
    let answer = editor.command("claw.acceptAll", json!({"session": session})).await;
    assert_eq!((answer["ok"].clone(), answer["skipped"].clone()), (json!(true), json!(["AGENTS.md"])), "{answer}");
    editor.client.notification("window/showMessage").await;
    editor.pending(1).await;
    assert_eq!(editor.text("AGENTS.md").unwrap(), "Be kind.\n");
    let guarded = proposal["files"].as_array().unwrap().iter().find(|file| file["path"] == "AGENTS.md").unwrap();
    let id = &guarded["hunks"][0]["hunk"];
    let answer = editor.command("claw.acceptHunk", json!({"session": session, "hunk": id})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    editor.pending(0).await;
    assert_eq!(editor.text("AGENTS.md").unwrap(), "Obey.\n");
    editor.finish().await;
}
