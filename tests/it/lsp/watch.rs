//! Files that change behind the editor, and floods of events about them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::lsp_editor::{Editor, Setup, states};

const TEXT: &str = "fn one() {}\n\nfn two() {}\n";

fn edit(path: &str) -> Value {
    json!({"name": "edit_file", "input": {"path": path, "old_string": "fn one() {}", "new_string": "fn one() { 1; }"}})
}

/// An editor in which a hunk waits in `closed.rs`, which is not open.
async fn closed_file(capabilities: Value) -> (Editor, String) {
    let script = vec![json!({"tools": [edit("closed.rs")]}), json!({"text": "Done."})];
    let files = vec![("closed.rs", TEXT.to_owned()), ("open.rs", TEXT.to_owned())];
    let mut editor = Editor::start(Setup { files, script, capabilities, ..Setup::default() }).await;
    editor.open("open.rs");
    let session = editor.ask(json!({"instruction": "number it"})).await;
    editor.pending(1).await;
    (editor, session)
}

fn watching() -> Value {
    json!({"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}}})
}

async fn accepted(editor: &mut Editor) {
    editor.proposal(|proposal| states(proposal) == ["accepted"]).await;
}

#[tokio::test]
async fn a_checkout_counts_as_acceptance_and_files_are_watched_only_while_it_matters() {
    let (mut editor, _) = closed_file(watching()).await;
    editor.until(|editor| !editor.asked("client/registerCapability").is_empty()).await;
    let registered = editor.asked("client/registerCapability");
    let registration = &registered[0]["registrations"][0];
    assert_eq!(registration["method"], "workspace/didChangeWatchedFiles");
    std::fs::write(editor.path("closed.rs"), TEXT.replace("fn one() {}", "fn one() { 1; }")).unwrap();
    let change = json!({"uri": editor.uri("closed.rs"), "type": 2});
    editor.client.notify("workspace/didChangeWatchedFiles", json!({"changes": [change]}));
    accepted(&mut editor).await;
    editor.until(|editor| !editor.asked("client/unregisterCapability").is_empty()).await;
    assert!(editor.asked("workspace/applyEdit").is_empty());
    editor.finish().await;
}

#[tokio::test]
async fn without_a_watching_client_the_files_that_matter_are_looked_at_now_and_then() {
    let (mut editor, _) = closed_file(json!({})).await;
    std::fs::write(editor.path("closed.rs"), TEXT.replace("fn one() {}", "fn one() { 1; }")).unwrap();
    accepted(&mut editor).await;
    assert!(editor.asked("client/registerCapability").is_empty());
    editor.finish().await;
}

#[tokio::test]
async fn d09_a_hundred_thousand_watch_events_cost_a_few_looks() {
    let (mut editor, _) = closed_file(watching()).await;
    editor.until(|editor| !editor.asked("client/registerCapability").is_empty()).await;
    let looks = |status: &Value| status["looks"].as_u64().unwrap();
    let before = looks(&editor.command("claw.status", Value::Null).await);
    let hover = json!({"textDocument": {"uri": editor.uri("open.rs")}, "position": {"line": 0, "character": 1}});
    let change = json!({"uri": editor.uri("closed.rs"), "type": 2});
    let started = tokio::time::Instant::now();
    // Half of them one by one, half in one message.
    for count in 0..50_000 {
        editor.client.notify("workspace/didChangeWatchedFiles", json!({"changes": [change]}));
        if count == 25_000 {
            assert_eq!(editor.client.request("textDocument/hover", hover.clone()).await, Value::Null);
        }
    }
    editor.client.notify("workspace/didChangeWatchedFiles", json!({"changes": vec![change; 50_000]}));
    assert_eq!(editor.client.request("textDocument/hover", hover).await, Value::Null);
    let status = editor.command("claw.status", Value::Null).await;
    let most = started.elapsed().as_millis() / 100 + 3;
    let made = u128::from(looks(&status) - before);
    assert!(made <= most, "{made} looks in {:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(20));
    editor.finish().await;
}
