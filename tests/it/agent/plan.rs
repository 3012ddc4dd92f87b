//! Turns that plan: they only read, and what they answer is carried out by another turn of the session.

use claw::agent::Ask;
use claw::agent::prompt::CARRY_OUT;
use claw::event::{EventKind, Mode, TurnStatus};
use serde_json::json;

use super::rig::{Rig, ask};

#[tokio::test]
async fn a_plan_reads_and_is_carried_out_when_that_is_asked() {
    let edit = json!({"path": "notes.txt", "old_string": "two", "new_string": "2"});
    let script = [
        json!({"tools": [{"id": "a", "name": "edit_file", "input": edit}, {"id": "p", "name": "update_plan",
            "input": {"items": [{"text": "digits", "status": "active"}]}}]})
        .to_string(),
        json!({"text": "1. Write digits in notes.txt."}).to_string(),
        json!({"tools": [{"id": "b", "name": "edit_file", "input": edit}]}).to_string(),
        json!({"text": "Proposed."}).to_string(),
    ];
    let rig = Rig::new(&script.join("\n"));
    let session = rig.agent.session();
    let plan = Ask { instruction: "Use digits".to_owned(), mode: Mode::Plan, ..Ask::default() };
    let planned = session.start(plan).unwrap().finish().await;
    assert_eq!((planned.status, planned.answer.as_str()), (TurnStatus::Done, "1. Write digits in notes.txt."));
    assert!(planned.proposal.is_empty());
    let first = planned.trace.iter().find_map(|event| match &event.kind {
        EventKind::ToolResult(result) => Some(result.output.clone()),
        _ => None,
    });
    assert!(first.unwrap().contains("this turn may only read"));

    let done = ask(&session, CARRY_OUT).await;
    assert_eq!((done.status, done.proposal.hunks().count()), (TurnStatus::Done, 1));
    let request = done.trace.iter().find_map(|event| match &event.kind {
        EventKind::ModelRequest(request) => request.body.clone(),
        _ => None,
    });
    let request = request.unwrap().to_string();
    assert!(request.contains("1. Write digits in notes.txt.") && request.contains(CARRY_OUT), "{request}");
    rig.check_session(session.id()).await;
}
