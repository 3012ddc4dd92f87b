//! Rights that grow while a turn runs: they do not count for it, and for the next one only after a yes.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::lsp_client::Reply;
use crate::support::lsp_editor::{Editor, Setup};

#[tokio::test]
async fn c05_rights_that_grow_while_a_turn_runs_do_not_count_for_it() {
    let fetch = |number: u32, delay: u32| {
        let call = json!({"name": "web_fetch", "input": {"url": format!("http://nowhere.invalid/{number}")}});
        json!({"tools": [call], "delay_ms": delay})
    };
    let script = vec![fetch(1, 0), fetch(2, 1_000), json!({"text": "Done."})];
    let mut editor =
        Editor::start(Setup { files: vec![("a.txt", "x\n".to_owned())], script, ..Setup::default() }).await;
    let answer = editor.command("claw.ask", json!({"instruction": "fetch"})).await;
    editor.until(|editor| editor.was_asked("nowhere.invalid/1")).await;
    let loose =
        json!({"permissionMode": "auto", "permissions": {"allow": ["web_fetch(nowhere.invalid)", "web_fetch(*)"]}});
    editor.client.notify("workspace/didChangeConfiguration", json!({"settings": {"claw": loose}}));
    editor.client.ignore("window/showMessage");
    editor.turn_end(&answer["turn"]).await;
    assert!(editor.was_asked("nowhere.invalid/2"), "{:?}", editor.asked("window/showMessageRequest"));
    editor.finish().await;
}

fn change(editor: &mut Editor, section: &Value) {
    editor.client.notify("workspace/didChangeConfiguration", json!({"settings": {"claw": section}}));
}

/// What a turn that fetches is asked: for its page, and before that for what the settings allow.
async fn questions(editor: &mut Editor) -> (usize, usize) {
    let of = |editor: &Editor, words: &str| {
        let asked = editor.asked("window/showMessageRequest");
        asked.iter().filter(|question| question["message"].as_str().unwrap().contains(words)).count()
    };
    let count = |editor: &Editor| (of(editor, "nowhere.invalid/page"), of(editor, "The editor's settings changed"));
    let before = count(editor);
    let answer = editor.command("claw.ask", json!({"instruction": "fetch"})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    editor.turn_end(&answer["turn"]).await;
    let now = count(editor);
    (now.0 - before.0, now.1 - before.1)
}

#[tokio::test]
async fn c05_rights_that_grew_count_only_after_a_yes() {
    let call = json!({"name": "web_fetch", "input": {"url": "http://nowhere.invalid/page"}});
    let turn = [json!({"tools": [call]}), json!({"text": "Done."})];
    let script = std::iter::repeat_n(turn, 8).flatten().collect();
    let mut editor =
        Editor::start(Setup { files: vec![("a.txt", "x\n".to_owned())], script, ..Setup::default() }).await;
    editor.client.ignore("window/showMessage");
    let said = Arc::new(Mutex::new("Keep as it was"));
    let says = Arc::clone(&said);
    editor.on_message(move |question| {
        let is_of_settings = question["message"].as_str().unwrap().starts_with("The editor's settings changed");
        Reply::Result(if is_of_settings { json!({"title": *says.lock().unwrap()}) } else { json!({"title": "Deny"}) })
    });
    let allowing = |rules: &[&str]| json!({"permissions": {"allow": rules}});
    assert_eq!(questions(&mut editor).await, (1, 0));

    // What is allowed less, or as much, is no question.
    change(&mut editor, &json!({"permissions": {"deny": ["shell(rm *)"]}, "limits": {"maxSteps": 7}}));
    assert_eq!(questions(&mut editor).await, (1, 0));

    // A no is a no until the settings change again.
    change(&mut editor, &allowing(&["web_fetch(nowhere.invalid)"]));
    assert_eq!(questions(&mut editor).await, (1, 1));
    assert_eq!(questions(&mut editor).await, (1, 0));
    assert!(editor.was_asked("`web_fetch(nowhere.invalid)` unasked; `shell(rm *)` no longer denied"));

    // An answer that was not offered is none.
    *said.lock().unwrap() = "Whatever";
    change(&mut editor, &allowing(&["web_fetch(nowhere.invalid)", "web_fetch(docs.rs)"]));
    assert_eq!(questions(&mut editor).await, (1, 1));
    *said.lock().unwrap() = "Allow";
    assert_eq!(questions(&mut editor).await, (0, 1));
    assert_eq!(questions(&mut editor).await, (0, 0));
    editor.finish().await;
}
