//! Workspace folders that go while turns are at work in them.

use serde_json::{Value, json};

use crate::support::lsp_client::file_uri;
use crate::support::lsp_editor::{Editor, Setup, served_by, states};
use crate::support::mock_model::{Answer, Gate, MockModel};

fn call(name: &str, input: Value) -> Value {
    json!({"tools": [{"name": name, "input": input}]})
}

fn folder(editor: &Editor, name: &str) -> Value {
    json!([{"uri": file_uri(&editor.folder.path().join(name)), "name": name}])
}

/// Adds a folder beside the first, with one file, and opens that.
fn add_folder(editor: &mut Editor, name: &str) {
    std::fs::create_dir(editor.folder.path().join(name)).unwrap();
    std::fs::write(editor.folder.path().join(name).join("other.rs"), "fn other() {}\n").unwrap();
    let event = json!({"event": {"added": folder(editor, name), "removed": []}});
    editor.client.notify("workspace/didChangeWorkspaceFolders", event);
    let uri = file_uri(&editor.folder.path().join(name).join("other.rs"));
    editor.client.open(&uri, "rust", "fn other() {}\n");
}

fn remove_folder(editor: &mut Editor, name: &str) {
    let event = json!({"event": {"added": [], "removed": folder(editor, name)}});
    editor.client.notify("workspace/didChangeWorkspaceFolders", event);
}

/// Waits until these turns, and no others before them, have ended as cancelled.
async fn cancelled(editor: &mut Editor, mut turns: Vec<Value>) {
    while !turns.is_empty() {
        let event = editor.client.notification("claw/event").await;
        if event["type"] == "turn_end" {
            assert_eq!(event["status"], "cancelled", "{event}");
            assert!(turns.contains(&event["turn"]), "{event}");
            turns.retain(|turn| turn != &event["turn"]);
        }
    }
}

#[tokio::test]
async fn l15_closing_the_only_folder_cancels_every_turn() {
    let script = (0..2).map(|_| json!({"text": "Late.", "delay_ms": 60_000})).collect();
    let files = vec![("lib.rs", "fn one() {}\n".to_owned())];
    let mut editor = Editor::start(Setup { files, script, ..Setup::default() }).await;
    let uri = editor.open("lib.rs");
    let here = editor.range("lib.rs", "one");
    let mut turns = Vec::new();
    for argument in [json!({"instruction": "anything"}), json!({"instruction": "this", "uri": uri, "range": here})] {
        let answer = editor.command("claw.ask", argument).await;
        turns.push(answer["turn"].clone());
    }
    remove_folder(&mut editor, "work");
    cancelled(&mut editor, turns).await;
    editor.until(|editor| editor.progress_ended() == 2).await;
    assert_eq!(editor.command("claw.status", Value::Null).await["ok"], true);
    editor.finish().await;
}

#[tokio::test]
async fn l15_closing_a_folder_cancels_the_turns_at_work_in_it_and_no_others() {
    let new = json!({"path": "gone/new.rs", "content": "fn new() {}\n"});
    let model = MockModel::start([
        Answer::calls(&[("write_file", new)]),
        Answer::silence(),
        Answer::silence(),
        Answer::silence(),
    ]);
    let files = vec![("lib.rs", "fn one() {}\n".to_owned())];
    let mut editor = Editor::start(Setup { files, settings: served_by(&model), ..Setup::default() }).await;
    let stays = editor.open("lib.rs");
    add_folder(&mut editor, "gone");
    let goes = file_uri(&editor.folder.path().join("gone/other.rs"));
    let start = json!({"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}});
    let at = |uri: &str| json!({"instruction": "go", "uri": uri, "range": start});

    // One proposes something in the folder that goes, one was asked there, one has nothing to do with it.
    let proposes = editor.command("claw.ask", at(&stays)).await;
    model.requested(2).await;
    let asked = editor.command("claw.ask", at(&goes)).await;
    model.requested(3).await;
    let other = editor.command("claw.ask", at(&stays)).await;
    model.requested(4).await;

    remove_folder(&mut editor, "gone");
    cancelled(&mut editor, vec![proposes["turn"].clone(), asked["turn"].clone()]).await;
    let status = editor.command("claw.status", Value::Null).await;
    assert_eq!(status["running"], 1, "{status}");
    let stopped = editor.command("claw.cancel", json!({"session": other["session"]})).await;
    assert_eq!(stopped["turn"], other["turn"], "{stopped}");
    assert_eq!(editor.turn_end(&other["turn"]).await["status"], "cancelled");
    editor.finish().await;
}

#[tokio::test]
async fn l15_what_was_to_be_deleted_in_a_closed_folder_was_not_deleted() {
    let script = vec![
        call("read_file", json!({"path": "gone/other.rs"})),
        call("delete_file", json!({"path": "gone/other.rs"})),
        json!({"text": "Done."}),
    ];
    let mut editor = Editor::start(Setup { script, ..Setup::default() }).await;
    add_folder(&mut editor, "gone");
    let session = editor.ask(json!({"instruction": "delete it"})).await;
    editor.pending(1).await;
    remove_folder(&mut editor, "gone");
    let proposal = editor.command("claw.proposal", json!({"session": session})).await;
    assert_eq!(states(&proposal), Vec::<String>::new(), "{proposal}");
    // The server looks again when a document changes.
    editor.client.open("untitled:a", "text", "");
    editor.proposal(|proposal| states(proposal).is_empty()).await;
    let reviews = editor.client.unread_of("claw/event").filter(|event| event["type"] == "review").count();
    assert_eq!(reviews, 0);
    editor.finish().await;
}

#[tokio::test]
async fn l15_t04_a_root_deleted_or_replaced_on_disk_gives_plain_errors() {
    for replaced in [false, true] {
        let gate = Gate::new();
        let calls = Answer::calls(&[
            ("read_file", json!({"path": "lib.rs"})),
            ("list_files", json!({})),
            ("search", json!({"pattern": "secret"})),
            ("symbols", json!({"query": "one"})),
            ("edit_file", json!({"path": "lib.rs", "old_string": "fn one", "new_string": "fn two"})),
        ]);
        let answers = [calls.after(&gate), Answer::text("Nothing is there."), Answer::text("Still here.")];
        let model = MockModel::start(answers);
        let files = vec![("lib.rs", "fn one() {}\n".to_owned())];
        let mut editor = Editor::start(Setup { files, settings: served_by(&model), ..Setup::default() }).await;
        let answer = editor.command("claw.ask", json!({"instruction": "go"})).await;
        model.requested(1).await;
        let root = editor.folder.path().join("work");
        std::fs::remove_dir_all(&root).unwrap();
        if replaced {
            std::fs::create_dir(&root).unwrap();
            std::fs::write(root.join("lib.rs"), "fn one() { secret() }\n").unwrap();
        }
        gate.open();
        let mut results = Vec::new();
        let end = loop {
            let event = editor.client.notification("claw/event").await;
            match event["type"].as_str() {
                Some("tool_result") => results.push(event),
                Some("turn_end") => break event,
                _ => {}
            }
        };
        assert_eq!((&end["turn"], &end["status"]), (&answer["turn"], &json!("done")), "{end}");
        assert_eq!(results.len(), 5);
        for result in &results {
            let output = result["output"].as_str().unwrap();
            let reason = match result["tool"].as_str().unwrap() {
                "read_file" | "edit_file" => "`lib.rs` does not exist: look with list_files",
                _ => "the workspace folder `work` was deleted, moved or replaced",
            };
            assert!(result["ok"] == false && output.starts_with(reason), "{result}");
        }
        editor.client.notification("window/showMessage").await;
        editor.ask(json!({"instruction": "again"})).await;
        editor.client.notification("window/showMessage").await;
        editor.finish().await;
    }
}
