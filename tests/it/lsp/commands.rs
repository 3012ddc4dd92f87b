//! Commands: what is announced, what is answered, and what none of them can do.

use serde_json::{Value, json};

use crate::support::lsp_editor::{Editor, Setup};

#[tokio::test]
async fn what_can_not_be_done_is_an_answer_not_an_error() {
    let mut editor = Editor::start(Setup::default()).await;
    for (command, argument) in [
        ("claw.ask", Value::Null),
        ("claw.explain", Value::Null),
        ("claw.fix", Value::Null),
        ("claw.review", Value::Null),
        ("claw.steer", json!({"message": "x"})),
        ("claw.cancel", Value::Null),
        ("claw.acceptHunk", Value::Null),
        ("claw.acceptHunk", json!({"session": "nobody", "hunk": "none"})),
        ("claw.acceptHunk", json!({"hunk": "none", "lines": [1, 2]})),
        ("claw.rejectHunk", json!({"hunk": "none"})),
        ("claw.acceptFile", json!({"uri": "untitled:none"})),
        ("claw.acceptAll", Value::Null),
        ("claw.rejectAll", json!({"session": "nobody"})),
        ("claw.proposal", Value::Null),
        ("claw.nextHunk", Value::Null),
        ("claw.prevHunk", Value::Null),
        ("claw.setModel", json!({"session": "nobody", "model": "x"})),
        ("claw.trace", json!({"session": "../../etc"})),
        ("claw.openConversation", Value::Null),
        ("claw.openConversation", json!({"session": "../../etc"})),
        ("claw.blame", Value::Null),
        ("claw.ask", json!({"instruction": 3})),
        ("claw.ask", json!("do it")),
        ("claw.ask", json!({"instruction": "x", "mode": "anything"})),
        ("claw.ask", json!({"instruction": "x", "session": "nobody"})),
        ("claw.explain", json!({"uri": "untitled:none"})),
        ("claw.nothing", Value::Null),
    ] {
        let answer = editor.command(command, argument.clone()).await;
        assert_eq!(answer["ok"], false, "{command} {argument}: {answer}");
        assert!(!answer["message"].as_str().unwrap().is_empty(), "{command} {argument}: {answer}");
    }
    editor.finish().await;
}

#[tokio::test]
async fn queries_answer_with_what_there_is() {
    let script = vec![json!({"text": "Hello."})];
    let setup = Setup { files: vec![("lib.rs", "fn a() {}\n".to_owned())], script, ..Setup::default() };
    let mut editor = Editor::start(setup).await;
    let uri = editor.open("lib.rs");
    let session = editor.ask(json!({"instruction": "say hello"})).await;
    editor.client.notification("window/showMessage").await;
    let trace = editor.command("claw.trace", Value::Null).await;
    assert_eq!((&trace["ok"], &trace["session"]), (&json!(true), &json!(session)), "{trace}");
    let types: Vec<&str> =
        trace["events"].as_array().unwrap().iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!((types.first(), types.last()), (Some(&"turn_start"), Some(&"turn_end")), "{types:?}");
    assert!(trace["text"].as_str().unwrap().contains("    1 turn_start"), "{trace}");
    let conversation = editor.command("claw.openConversation", Value::Null).await;
    let told = conversation["text"].as_str().unwrap().to_owned();
    assert!(told.starts_with("# say hello\n\n## You\n\n> say hello\n\n## Claw\n"), "{told}");
    assert!(told.ends_with("\nHello.\n"), "{told}");
    let path = conversation["path"].as_str().unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), told);
    editor.until(|editor| !editor.asked("window/showDocument").is_empty()).await;
    let shown = editor.asked("window/showDocument").remove(0);
    assert!(shown["uri"].as_str().unwrap().ends_with("/conversation.md"), "{shown}");
    let sessions = editor.command("claw.sessions", Value::Null).await;
    assert_eq!(sessions["sessions"][0]["session"], session, "{sessions}");
    let status = editor.command("claw.status", Value::Null).await;
    assert_eq!(status["provider"], "script");
    assert_eq!(status["sessions"][0]["title"], "say hello");
    let context = editor.command("claw.context", json!({"instruction": "look here", "uri": uri})).await;
    assert!(context["sections"].to_string().contains("look here"), "{context}");
    assert!(context["text"].as_str().unwrap().contains("| ✓ | instruction |"), "{context}");
    let map = editor.command("claw.map", Value::Null).await;
    assert!(map["text"].as_str().unwrap().contains("fn a()"), "{map}");
    let doctor = editor.command("claw.doctor", Value::Null).await;
    assert_eq!(doctor["ok"], true, "{doctor}");
    editor.finish().await;
}

#[tokio::test]
async fn l17_no_command_grants_a_permission() {
    let mut editor = Editor::start(Setup::default()).await;
    for argument in [
        json!({"permission_mode": "auto"}),
        json!({"permission_mode": "auto", "trusted": true, "decision": "allow"}),
        json!({"permission_mode": "everything"}),
    ] {
        let answer = editor.command("claw.setModel", argument).await;
        assert_eq!(answer["ok"], false, "{answer}");
    }
    for command in ["claw.allow", "claw.trust", "claw.approve", "claw.permission"] {
        let answer = editor.command(command, json!({"decision": "allow", "tool": "shell"})).await;
        assert_eq!(answer["ok"], false, "{answer}");
    }
    let status = editor.command("claw.status", Value::Null).await;
    assert_eq!(status["permission_mode"], "ask");
    // Taking away is always possible, and giving back is not.
    let answer = editor.command("claw.setModel", json!({"permission_mode": "read-only"})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    let answer = editor.command("claw.setModel", json!({"permission_mode": "ask"})).await;
    assert_eq!(answer["ok"], false, "{answer}");
    editor.finish().await;
}
