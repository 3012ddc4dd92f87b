//! Ordinary turns.

use std::sync::{Arc, Mutex};

use claw::agent::{Agent, Ask};
use claw::config::Environment;
use claw::event::{Event, EventKind, Mode, PermissionMode, TurnStatus};
use expect_test::expect;

use super::rig::{PROJECT, Rig, ask, check, check_with};

#[tokio::test]
async fn a_turn_reads_edits_and_answers() {
    check(
        r#"
        {"text": "I look.", "tools": [{"name": "read_file", "input": {"path": "src/lib.rs"}}, {"name": "search", "input": {"pattern": "tw."}}]}
        {"tools": [{"name": "edit_file", "input": {"path": "src/lib.rs", "old_string": "a - b", "new_string": "a + b"}}]}
        {"text": "I propose to add."}
        "#,
        expect![[r#"
            turn_start Do it
            context
            model_request 1
            model_response I look.; 2 tool calls
            tool_call call_1_1 read_file src/lib.rs
            tool_call call_1_2 search tw.
            tool_result call_1_1 ok:      1	pub fn add(a: i32, b: i32) -> i32 {
            tool_result call_1_2 ok: notes.txt
            model_request 2
            model_response 1 tool call
            tool_call call_2_1 edit_file src/lib.rs
            tool_result call_2_1 ok: edited `src/lib.rs` at line 2:
            model_request 3
            model_response I propose to add.
            proposal 1 hunk in 1 file: src/lib.rs
            turn_end Done after 3 steps: I propose to add.
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_plan_is_an_event() {
    check(
        r#"
        {"tools": [{"name": "update_plan", "input": {"items": [{"text": "look", "status": "active"}, {"text": "mend", "status": "pending"}]}}]}
        {"text": "Done."}
        "#,
        expect![[r#"
            turn_start Do it
            context
            model_request 1
            model_response 1 tool call
            tool_call call_1_1 update_plan
            tool_result call_1_1 ok: the plan has 2 steps, 0 of them done
            plan 0 of 2 done: look
            model_request 2
            model_response Done.
            turn_end Done after 2 steps: Done.
        "#]],
    )
    .await;
}

#[tokio::test]
async fn edits_run_in_order_and_reads_between_them_see_what_came_before() {
    let edit = |old: &str, new: &str| serde_json::json!({"name": "edit_file", "input": {"path": "notes.txt", "old_string": old, "new_string": new}});
    let read = serde_json::json!({"name": "search", "input": {"pattern": "tw|2|II", "path": "notes.txt"}});
    let calls = serde_json::json!({"tools": [read, edit("two", "2"), read, edit("2", "II"), read]});
    let look = r#"{"tools": [{"name": "read_file", "input": {"path": "notes.txt"}}]}"#;
    check(
        &format!("{look}\n{calls}\n{{\"text\": \"ok\"}}"),
        expect![[r#"
        turn_start Do it
        context
        model_request 1
        model_response 1 tool call
        tool_call call_1_1 read_file notes.txt
        tool_result call_1_1 ok:      1	one
        model_request 2
        model_response 5 tool calls
        tool_call call_2_1 search notes.txt
        tool_result call_2_1 ok: notes.txt
        tool_call call_2_2 edit_file notes.txt
        tool_result call_2_2 ok: edited `notes.txt` at line 2:
        tool_call call_2_3 search notes.txt
        tool_result call_2_3 ok: notes.txt [with your proposed edits]
        tool_call call_2_4 edit_file notes.txt
        tool_result call_2_4 ok: edited `notes.txt` at line 2:
        tool_call call_2_5 search notes.txt
        tool_result call_2_5 ok: notes.txt [with your proposed edits]
        model_request 3
        model_response ok
        proposal 1 hunk in 1 file: notes.txt
        turn_end Done after 3 steps: ok
    "#]],
    )
    .await;
}

#[tokio::test]
async fn explaining_offers_no_tool_that_edits_and_refuses_one() {
    let script = r#"
        {"tools": [{"name": "write_file", "input": {"path": "new.txt", "content": "x"}}]}
        {"text": "It adds."}
        "#;
    let rig = Rig::new(script);
    let explain = Ask { instruction: "What is this?".to_owned(), mode: Mode::Explain, ..Ask::default() };
    let result = rig.agent.session().start(explain).unwrap().finish().await;
    assert_eq!((result.status, result.answer.as_str()), (TurnStatus::Done, "It adds."));
    assert!(result.session.overlay().is_empty());
    let requests = bodies(&result.trace);
    let names = |body: &serde_json::Value| -> Vec<String> {
        body["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names(&requests[0]).contains(&"read_file".to_owned()));
    assert!(!names(&requests[0]).iter().any(|name| name.contains("write") || name.contains("edit")));
    assert!(requests[0]["messages"][0]["text"].as_str().unwrap().contains("This turn is a question"));
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn read_only_refuses_edits() {
    check_with(
        r#"
        {"tools": [{"name": "delete_file", "input": {"path": "notes.txt"}}]}
        {"text": "I would delete it."}
        "#,
        |builder| builder.permission_mode(PermissionMode::ReadOnly),
        expect![[r#"
            turn_start Do it
            context
            model_request 1
            model_response 1 tool call
            tool_result call_1_1 failed: not run: `delete_file` changes something, and this turn may only read. Say in your answer what you would change.
            model_request 2
            model_response I would delete it.
            turn_end Done after 2 steps: I would delete it.
        "#]],
    )
    .await;
}

/// The beginning of each request is the request before it: what a provider's cache needs.
#[tokio::test]
async fn requests_grow_at_their_end_only() {
    let rig = Rig::new(
        r#"
        {"text": "a", "tools": [{"name": "read_file", "input": {"path": "notes.txt"}}, {"name": "list_files", "input": {}}]}
        {"text": "b", "tools": [{"name": "edit_file", "input": {"path": "notes.txt", "old_string": "two", "new_string": "2"}}]}
        {"text": "c"}
        {"text": "d"}
        "#,
    );
    let session = rig.agent.session();
    let mut requests = bodies(&ask(&session, "First").await.trace);
    requests.extend(bodies(&ask(&session, "Second").await.trace));
    assert_eq!(requests.len(), 4);
    for pair in requests.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        assert_eq!((&before["system"], &before["tools"]), (&after["system"], &after["tools"]));
        let (before, after) = (before["messages"].as_array().unwrap(), after["messages"].as_array().unwrap());
        assert_eq!(before[..], after[..before.len()]);
    }
    rig.check_session(session.id()).await;
}

/// Results stand in the order of the calls, whichever came first.
#[tokio::test]
async fn results_are_in_the_order_of_calls() {
    let rig = Rig::new(
        r#"
        {"tools": [{"id": "x", "name": "read_file", "input": {"path": "notes.txt"}}, {"id": "y", "name": "no_such_tool", "input": {}}, {"id": "z", "name": "list_files", "input": {}}]}
        {"text": "ok"}
        "#,
    );
    let result = rig.run("Go").await;
    let requests = bodies(&result.trace);
    let messages = requests[1]["messages"].as_array().unwrap();
    let calls: Vec<&str> = messages.iter().filter_map(|message| message["call"].as_str()).collect();
    assert_eq!(calls, ["x", "y", "z"]);
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn every_event_is_seen_in_order_and_streams_are_numbered() {
    let seen: Arc<Mutex<Vec<Event>>> = Arc::default();
    let sink = Arc::clone(&seen);
    let rig = Rig::with(
        PROJECT,
        r#"{"reasoning": "Hmm, well.", "text": "A longer answer, in several pieces."}"#,
        |builder| builder.on_event(Arc::new(move |event: &Event| sink.lock().unwrap().push(event.clone()))),
    );
    let mut turn = rig.agent.run_stream("Say something");
    let mut read = Vec::new();
    while let Some(event) = turn.next().await {
        read.push(event);
    }
    assert_eq!(read, *seen.lock().unwrap());
    let text: String = read
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Text(part) => Some(part.delta.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(text, "A longer answer, in several pieces.");
    let parts: Vec<(u64, u64)> = read
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Text(part) | EventKind::Reasoning(part) => Some((event.seq, part.part)),
            _ => None,
        })
        .collect();
    let request = read.iter().find(|event| event.kind() == "model_request").unwrap().seq;
    let expected: Vec<(u64, u64)> = (0..parts.len() as u64).map(|part| (request, part)).collect();
    assert_eq!(parts, expected);
    let result = turn.finish().await;
    let stored: Vec<Event> = read.into_iter().filter(|event| event.kind.is_stored()).collect();
    assert_eq!(result.trace, stored);
}

#[tokio::test]
async fn steering_is_heard_at_the_next_step() {
    let rig = Rig::new(
        r#"
        {"delay_ms": 50, "tools": [{"name": "list_files", "input": {}}]}
        {"text": "As you say."}
        "#,
    );
    let session = rig.agent.session();
    assert!(!session.steer("too early"));
    let mut turn = session.start(Ask { instruction: "Go".to_owned(), ..Ask::default() }).unwrap();
    assert!(session.start(Ask::default()).is_none(), "one turn at a time");
    while let Some(event) = turn.next().await {
        if event.kind() == "model_request" {
            break;
        }
    }
    assert!(session.steer("Only the notes, please."));
    let result = turn.finish().await;
    let kinds: Vec<&str> = result.trace.iter().map(Event::kind).collect();
    let steer = kinds.iter().position(|kind| *kind == "steer").expect("it is recorded");
    assert_eq!(kinds[steer - 1..=steer + 1], ["tool_result", "steer", "model_request"]);
    assert!(bodies(&result.trace)[1].to_string().contains("Only the notes, please."));
    assert!(!session.steer("too late"));
    rig.check_session(session.id()).await;
}

/// What is said while the last answer streams gets an answer too.
#[tokio::test]
async fn steering_during_the_last_answer_goes_on() {
    let rig = Rig::new("{\"delay_ms\": 50, \"text\": \"Done.\"}\n{\"text\": \"That too.\"}");
    let session = rig.agent.session();
    let mut turn = session.start(Ask { instruction: "Go".to_owned(), ..Ask::default() }).unwrap();
    while let Some(event) = turn.next().await {
        if event.kind() == "model_request" {
            break;
        }
    }
    assert!(session.steer("And the other one."));
    assert_eq!(turn.finish().await.answer, "That too.");
    rig.check_session(session.id()).await;
}

#[tokio::test]
async fn sessions_run_side_by_side() {
    let rig =
        Rig::new("{\"delay_ms\": 30, \"tools\": [{\"name\": \"list_files\", \"input\": {}}]}\n{\"text\": \"ok\"}");
    let turns: Vec<_> = (0..24).map(|number| rig.agent.run_stream(&format!("Task {number}"))).collect();
    for turn in turns {
        let result = turn.finish().await;
        assert_eq!(result.status, TurnStatus::Done);
        rig.check_session(result.session.id()).await;
    }
}

/// The contract's example, word for word but for the model.
#[tokio::test]
async fn the_library_reads_as_the_contract_says() -> Result<(), Box<dyn std::error::Error>> {
    use claw::tools::Tools;
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("src"))?;
    std::fs::write(folder.path().join("src/auth.py"), "def login():\n    pass\n")?;
    std::fs::write(
        folder.path().join("model.jsonl"),
        "{\"tools\":[{\"name\":\"edit_file\",\"input\":{\"path\":\"src/auth.py\",\"old_string\":\"def login\",\"new_string\":\"async def login\"}}]}\n{\"text\":\"Proposed.\"}\n",
    )?;
    let mut roots = claw::workspace::Roots::default();
    roots.add(folder.path())?;
    let script = folder.path().join("model.jsonl").display().to_string();
    let config = claw::config::Config { script: Some(script), ..Default::default() };
    let builder = Agent::builder()
        .config(config)
        .environment(Environment::default())
        .provider("script")
        .workspace(claw::workspace::Workspace::new(roots))
        .state_dir(folder.path().join("state"));
    let agent = builder.model("gpt-5.4").tools(Tools::default()).build()?;
    let result = agent.run("Refactor src/auth.py to use async/await throughout").await?;
    for step in &result.trace {
        assert!(!format!("[{}] {}", step.kind(), step.description()).contains('\n'));
    }
    result.proposal.apply()?;
    assert_eq!(std::fs::read_to_string(folder.path().join("src/auth.py"))?, "async def login():\n    pass\n");
    Ok(())
}

fn bodies(trace: &[Event]) -> Vec<serde_json::Value> {
    let body = |event: &Event| match &event.kind {
        EventKind::ModelRequest(request) => request.body.clone(),
        _ => None,
    };
    trace.iter().filter_map(body).map(|body| serde_json::Value::clone(&body)).collect()
}
