//! Plans in an editor, questions of the model's, and what is shown of steps and subagents.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::lsp_client::Reply;
use crate::support::lsp_editor::{Editor, Setup};

const LIB: &str = "fn area(w: u32, h: u32) -> u32 {\n    w * h\n}\n";

fn edit() -> Value {
    json!({"path": "lib.rs", "old_string": "w * h", "new_string": "h * w"})
}

fn planning() -> Vec<Value> {
    vec![
        json!({"text": "1. Turn the factors in lib.rs."}),
        json!({"tools": [{"name": "edit_file", "input": edit()}]}),
        json!({"text": "Proposed."}),
    ]
}

fn setup(script: Vec<Value>, input: bool) -> Setup {
    Setup {
        files: vec![("lib.rs", LIB.to_owned())],
        script,
        claw: json!({"events": true, "review": 1, "input": input}),
        ..Setup::default()
    }
}

/// Titles of what was offered with the question about a plan.
fn offered(editor: &Editor) -> Vec<Value> {
    let asked = editor.asked("window/showMessageRequest");
    let about =
        asked.iter().find(|message| message["message"].as_str().is_some_and(|text| text.contains("has a plan")));
    let actions = about.map(|message| message["actions"].as_array().unwrap().clone()).unwrap_or_default();
    actions.iter().map(|action| action["title"].clone()).collect()
}

/// The first event of a type.
async fn event(editor: &mut Editor, kind: &str) -> Value {
    loop {
        let event = editor.client.notification("claw/event").await;
        if event["type"] == kind {
            return event;
        }
    }
}

fn progress(editor: &Editor) -> Vec<String> {
    let messages = editor.client.unread_of("$/progress").filter_map(|params| params["value"]["message"].as_str());
    messages.map(str::to_owned).collect()
}

#[tokio::test]
async fn an_approved_plan_is_carried_out_in_its_session() {
    let mut editor = Editor::start(setup(planning(), false)).await;
    editor.open("lib.rs");
    editor.choose("Carry out the plan");
    let session = editor.ask(json!({"instruction": "turn it", "mode": "plan"})).await;
    let start = event(&mut editor, "turn_start").await;
    assert_eq!((&start["session"], &start["task"]), (&json!(session), &json!("Carry out the plan")));
    assert_eq!(start["mode"], "edit");
    editor.pending(1).await;
    assert_eq!(offered(&editor), ["Carry out the plan", "Discard"]);
    let shown = editor.asked("window/showDocument");
    let path = url::Url::parse(shown[0]["uri"].as_str().unwrap()).unwrap().to_file_path().unwrap();
    assert!(std::fs::read_to_string(path).unwrap().contains("1. Turn the factors in lib.rs."));
    let turn = start["turn"].clone();
    editor.turn_end(&turn).await;
    editor.finish().await;
}

#[tokio::test]
async fn a_plan_is_changed_by_words() {
    let script = vec![json!({"text": "1. Everything."}), json!({"text": "1. Less."})];
    let mut editor = Editor::start(setup(script, true)).await;
    editor.choose("Change…");
    editor.answer_input(json!("less of it"));
    editor.ask(json!({"instruction": "turn it", "mode": "plan"})).await;
    let start = event(&mut editor, "turn_start").await;
    assert_eq!((&start["mode"], &start["task"]), (&json!("plan"), &json!("less of it")));
    assert_eq!(offered(&editor), ["Carry out the plan", "Change…", "Discard"]);
    editor.answer_input(Value::Null);
    let turn = start["turn"].clone();
    assert_eq!(editor.turn_end(&turn).await["answer"], "1. Less.");
    editor.finish().await;
}

#[tokio::test]
async fn a_plan_that_is_left_does_nothing_and_a_command_carries_it_out() {
    for choice in [Some("Discard"), None, Some("Something else")] {
        let mut editor = Editor::start(setup(planning(), false)).await;
        if let Some(choice) = choice {
            editor.choose(choice);
        }
        let session = editor.ask(json!({"instruction": "turn it", "mode": "plan"})).await;
        editor.until(|editor| editor.was_asked("has a plan")).await;
        let status = editor.command("claw.status", Value::Null).await;
        assert_eq!((&status["running"], &status["pending"]), (&json!(0), &json!(0)), "{status}");
        editor.ask(json!({"instruction": "Carry out the plan", "session": session})).await;
        editor.pending(1).await;
        editor.finish().await;
    }
}

#[tokio::test]
async fn a_question_of_the_models_with_options_and_without() {
    let question = |options: Value| json!({"question": "Which order?", "options": options});
    let ask = |input: Value| json!({"tools": [{"name": "ask_user", "input": input}]});
    let script =
        vec![ask(question(json!(["w first", "h first"]))), ask(question(Value::Null)), json!({"text": "Good."})];
    for (input, told) in [(true, "The user answers: as it was"), (false, "nobody can write an answer here")] {
        let mut editor = Editor::start(setup(script.clone(), input)).await;
        editor.choose("h first");
        editor.answer_input(json!("as it was"));
        let answer = editor.command("claw.ask", json!({"instruction": "turn it"})).await;
        assert_eq!(event(&mut editor, "tool_result").await["output"], "The user answers: h first");
        let second = event(&mut editor, "tool_result").await;
        assert!(second["output"].as_str().unwrap().contains(told), "{second}");
        editor.turn_end(&answer["turn"]).await;
        editor.client.notification("window/showMessage").await;
        assert!(editor.was_asked("Claw asks, for \"turn it\": Which order?"));
        editor.finish().await;
    }
}

#[tokio::test]
async fn steps_and_subagents_are_shown_as_progress() {
    let items = json!([{"text": "read it", "status": "done"}, {"text": "write the parser", "status": "active"}]);
    let script = vec![
        json!({"tools": [{"name": "update_plan", "input": {"items": items}}]}),
        json!({"tools": [{"name": "task", "input": {"description": "find callers", "prompt": "Please find them."}}]}),
        json!({"text": "Good."}),
        json!({"when": "Please find them", "tools": [{"name": "read_file", "input": {"path": "lib.rs"}}]}),
        json!({"when": "Please find them", "text": "None."}),
    ];
    let mut editor = Editor::start(setup(script, false)).await;
    let session = editor.ask(json!({"instruction": "turn it"})).await;
    editor.client.notification("window/showMessage").await;
    let shown = progress(&editor);
    for line in [
        "2/2 write the parser",
        "2/2 · task find callers",
        "task \"find callers\": begins",
        "task \"find callers\": read_file lib.rs",
    ] {
        assert!(shown.iter().any(|shown| shown == line), "{line:?} in {shown:#?}");
    }
    let sessions = editor.command("claw.sessions", Value::Null).await["sessions"].as_array().unwrap().clone();
    let parents: Vec<&Value> = sessions.iter().filter_map(|session| session.get("parent")).collect();
    assert_eq!(parents, [&json!(session)]);
    editor.finish().await;
}

/// The question stands beside others and holds nothing up; going on withdraws it.
#[tokio::test]
async fn a_plan_that_nobody_decides_about_holds_nothing_up() {
    let options = json!(["w first", "h first"]);
    let script = vec![
        json!({"tools": [{"name": "ask_user", "input": {"question": "Which order?", "options": options}}]}),
        json!({"text": "Good."}),
        json!({"when": "plan it", "text": "1. Turn it."}),
        json!({"when": "plan it", "text": "Why not."}),
    ];
    let mut editor = Editor::start(setup(script, false)).await;
    let asked = Arc::new(Mutex::new(0));
    let plans = Arc::clone(&asked);
    editor.client.on_request(move |method, params| match method {
        "window/showMessageRequest" if params["message"].as_str().is_some_and(|text| text.contains("has a plan")) => {
            *plans.lock().unwrap() += 1;
            Some(Reply::Silence)
        }
        "window/showMessageRequest" => Some(Reply::Result(json!({"title": "h first"}))),
        "window/showDocument" => Some(Reply::Result(json!({"success": true}))),
        "window/workDoneProgress/create" | "workspace/codeLens/refresh" | "client/registerCapability" => {
            Some(Reply::Result(Value::Null))
        }
        _ => None,
    });
    let session = editor.ask(json!({"instruction": "plan it", "mode": "plan"})).await;
    let waiting = Arc::clone(&asked);
    editor.until(move |_| *waiting.lock().unwrap() == 1).await;

    // Another session's question comes through.
    let other = editor.command("claw.ask", json!({"instruction": "turn it"})).await;
    assert_eq!(event(&mut editor, "tool_result").await["output"], "The user answers: h first");
    editor.turn_end(&other["turn"]).await;
    editor.client.notification("window/showMessage").await;

    // Whatever the session is asked next, the question is gone.
    editor.ask(json!({"instruction": "is it good?", "session": session})).await;
    editor.client.notification("$/cancelRequest").await;
    assert_eq!(editor.client.notification("window/showMessage").await["message"], "Claw: Why not.");
    assert_eq!(*asked.lock().unwrap(), 1);
    editor.finish().await;
}
