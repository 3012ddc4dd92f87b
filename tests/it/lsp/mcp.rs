//! MCP servers in an editor: what its settings name is asked before it is started, and stays when settings change.

use serde_json::{Value, json};

use crate::attack::oracle::processes_of;
use crate::support::lsp_client::Reply;
use crate::support::lsp_editor::{Editor, Setup};

/// By which its process is known.
const MARK: &str = "of-an-editor";

fn settings() -> Value {
    json!({
        "trusted": true,
        "mcp": {"servers": {"tools": {
            "command": "/usr/bin/python3",
            "args": [concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mcp/server.py"), "plain", MARK],
            "network": false,
            "sandbox": "off",
        }}},
    })
}

async fn start(script: Vec<Value>) -> Editor {
    let files = vec![("notes.txt", "one\n".to_owned())];
    let setup = Setup { files, script, settings: settings(), ..Setup::default() };
    let mut editor = Editor::start_in(tempfile::tempdir().unwrap(), setup).await;
    editor.client.ignore("$/cancelRequest");
    editor
}

async fn run(editor: &mut Editor) -> Vec<Value> {
    let answer = editor.command("claw.ask", json!({"instruction": "go"})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    let mut events = Vec::new();
    loop {
        let event = editor.client.notification("claw/event").await;
        let ended = event["type"] == "turn_end";
        events.push(event);
        if ended {
            return events;
        }
    }
}

fn answers(editor: &mut Editor, titles: &[&str]) {
    let mut titles: Vec<String> = titles.iter().rev().map(|title| (*title).to_owned()).collect();
    editor.on_message(move |_| match titles.pop() {
        Some(title) => Reply::Result(json!({"title": title})),
        None => Reply::Silence,
    });
}

#[tokio::test]
async fn what_the_settings_name_is_asked_and_then_called() {
    let call = json!({"tools": [{"name": "tools__echo", "input": {"text": "hello"}}]});
    let mut editor = start(vec![call, json!({"text": "Done."})]).await;
    editor.client.ignore("window/showMessage");
    answers(&mut editor, &["Allow for this session", "Allow once", "Allow once", "Allow once"]);
    let events = run(&mut editor).await;
    let prompts = editor.asked("window/showMessageRequest");
    let said = |index: usize| prompts[index]["message"].as_str().unwrap().to_owned();
    assert!(said(0).contains("mcp/server.py plain of-an-editor ⟨NOT confined⟩"), "{}", said(0));
    assert!(said(1).contains(r#"tools__echo {"text":"hello"}"#), "{}", said(1));
    let result = events.iter().find(|event| event["type"] == "tool_result").unwrap();
    assert_eq!(result["ok"], true, "{result}");

    // The next session goes on with the server that runs.
    assert_eq!(processes_of(MARK).len(), 1);
    editor
        .client
        .notify("workspace/didChangeConfiguration", json!({"settings": {"claw": {"limits": {"maxSteps": 7}}}}));
    let events = run(&mut editor).await;
    assert_eq!(events.iter().find(|event| event["type"] == "mcp").unwrap()["servers"][0]["ok"], true);
    assert_eq!(processes_of(MARK).len(), 1);
    editor.finish().await;
}

#[tokio::test]
async fn p01_a_no_is_told_and_the_turn_goes_on() {
    let mut editor = start(vec![json!({"text": "Done."})]).await;
    answers(&mut editor, &["Deny"]);
    let events = run(&mut editor).await;
    let told = editor.client.notification("window/showMessage").await;
    assert!(
        told["message"].as_str().unwrap().contains("the MCP server tools does not run: it was not allowed"),
        "{told}"
    );
    assert_eq!(events.last().unwrap()["status"], "done");
    editor.client.ignore("window/showMessage");
    editor.finish().await;
}
