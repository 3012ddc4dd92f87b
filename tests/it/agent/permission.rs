//! Permissions in a turn: who is asked, what an answer covers, and that the trace tells it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use claw::agent::Ask;
use claw::event::{EventKind, TurnStatus};
use claw::tools::{Approval, Effect, Host, Reply, Tool, ToolContext, ToolError, ToolOutput};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::rig::{PROJECT, Rig, ask};

/// A program's own tool that does something in the world.
#[derive(Clone, Default)]
struct Launch {
    launched: Arc<Mutex<Vec<Value>>>,
}

impl Tool for Launch {
    fn name(&self) -> &str {
        "launch"
    }
    fn description(&self) -> &str {
        "launches something"
    }
    fn parameters(&self) -> Value {
        json!({"type": "object"})
    }
    fn effect(&self) -> Effect {
        Effect::Runs
    }
    fn call(&self, context: ToolContext, input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
        let launched = Arc::clone(&self.launched);
        Box::pin(async move {
            context.permitted.ok_or_else(|| ToolError::model("not permitted"))?;
            launched.lock().unwrap().push(input);
            Ok(ToolOutput::from("launched".to_owned()))
        })
    }
}

/// A user who gives these answers, one after the other, and then is gone.
#[derive(Clone, Default)]
pub struct Answers {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    pub asked: Arc<Mutex<Vec<Approval>>>,
}

impl Answers {
    pub fn new(replies: &[Reply]) -> Answers {
        Answers { replies: Arc::new(Mutex::new(replies.iter().copied().collect())), asked: Arc::default() }
    }
}

impl Host for Answers {
    fn approve(&self, question: Approval) -> BoxFuture<'static, Reply> {
        self.asked.lock().unwrap().push(question);
        match self.replies.lock().unwrap().pop_front() {
            Some(reply) => Box::pin(std::future::ready(reply)),
            None => Box::pin(std::future::pending()),
        }
    }
}

/// Plays calls of `launch` with these numbers, one a step, to a user with these answers: what was launched, how often the user
/// was asked, and the decisions of the trace.
async fn check(calls: &[u32], replies: &[Reply], launched: &[u32], asked: usize, decisions: &[&str]) {
    let turns = calls.iter().enumerate().map(|(at, number)| {
        json!({"tools": [{"id": format!("c{at}"), "name": "launch", "input": {"number": number}}]}).to_string()
    });
    let script = [turns.collect::<Vec<_>>().join("\n"), r#"{"text": "Done."}"#.to_owned()].join("\n");
    let (tool, user) = (Launch::default(), Answers::new(replies));
    let rig = Rig::with(PROJECT, &script, |builder| builder.tool(tool.clone()).host(Arc::new(user.clone())));
    let result = rig.run("Launch").await;
    assert_eq!(result.status, TurnStatus::Done);
    let numbers: Vec<Value> = launched.iter().map(|number| json!({"number": number})).collect();
    assert_eq!(*tool.launched.lock().unwrap(), numbers, "launched of {calls:?}");
    assert_eq!(user.asked.lock().unwrap().len(), asked, "asked for {calls:?}");
    let told: Vec<String> = result
        .trace
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Permission(decided) => Some(format!("{:?} by {:?}", decided.decision, decided.by)),
            _ => None,
        })
        .collect();
    assert_eq!(told, decisions);
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn an_answer_covers_what_was_shown_and_no_more() {
    const YES: &str = "Allow by User";
    const NO: &str = "Deny by User";
    check(&[1, 2], &[Reply::Once, Reply::Once], &[1, 2], 2, &[YES, YES]).await;
    check(&[1, 1], &[Reply::Once, Reply::Deny], &[1], 2, &[YES, NO]).await;
    check(&[1, 1, 2], &[Reply::Session, Reply::Deny], &[1, 1], 2, &[YES, YES, NO]).await;
    check(&[1, 2], &[Reply::Deny, Reply::Once], &[2], 2, &[NO, YES]).await;
    check(&[1], &[Reply::Unanswered], &[], 1, &["Deny by Timeout"]).await;
}

#[tokio::test]
async fn what_runs_something_is_not_offered_where_only_reading_is_allowed() {
    let script = "{\"tools\": [{\"id\": \"a\", \"name\": \"launch\", \"input\": {}}]}\n{\"text\": \"Done.\"}";
    let (tool, user) = (Launch::default(), Answers::default());
    let rig = Rig::with(PROJECT, script, |builder| {
        builder.tool(tool.clone()).host(Arc::new(user.clone())).permission_mode(claw::config::PermissionMode::ReadOnly)
    });
    let result = rig.run("Launch").await;
    assert!(tool.launched.lock().unwrap().is_empty() && user.asked.lock().unwrap().is_empty());
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn c08_what_may_not_be_read_is_shown_by_no_tool() {
    let calls = [
        ("read_file", json!({"path": "src/lib.rs"})),
        ("read_file", json!({"path": "./src/../src/lib.rs"})),
        ("search", json!({"pattern": "a - b"})),
        ("edit_file", json!({"path": "src/lib.rs", "old_string": "a - b", "new_string": "a + b"})),
        ("edit_file", json!({"path": "notes.txt", "old_string": "two", "new_string": "2"})),
        ("read_file", json!({"path": "notes.txt"})),
    ];
    let turns = calls.iter().enumerate().map(|(at, (tool, input))| {
        json!({"tools": [{"id": format!("c{at}"), "name": tool, "input": input}]}).to_string()
    });
    let script = [turns.collect::<Vec<_>>().join("\n"), json!({"text": "Done."}).to_string()].join("\n");
    let rig = Rig::with(PROJECT, &script, |builder| {
        let mut config = claw::config::Config::default();
        config.permissions.deny = vec!["read_file(src/**)".to_owned(), "edit_file(notes.*)".to_owned()];
        builder.config(config)
    });
    let result = rig.run("Look").await;
    let results: Vec<(bool, &str)> = result
        .trace
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::ToolResult(result) => Some((result.ok, result.output.as_str())),
            _ => None,
        })
        .collect();
    assert!(results.iter().all(|(_, output)| !output.contains("a - b") || output.starts_with("no ")), "{results:?}");
    let refused: Vec<bool> = results.iter().map(|(ok, _)| *ok).collect();
    assert_eq!(refused, [false, false, true, false, false, true], "{results:?}");
    assert!(results[0].1.contains("a rule of the user's forbids it (read_file(src/**))"), "{results:?}");
    assert!(results[4].1.contains("edit_file(notes.*)") && results[5].1.contains("two"), "{results:?}");
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn a_turn_that_is_cancelled_while_the_user_is_asked_runs_nothing() {
    let script = "{\"tools\": [{\"id\": \"a\", \"name\": \"launch\", \"input\": {}}]}\n{\"text\": \"Later.\"}";
    let (tool, user) = (Launch::default(), Answers::default());
    let rig = Rig::with(PROJECT, script, |builder| builder.tool(tool.clone()).host(Arc::new(user.clone())));
    let session = rig.agent.session();
    let turn = session.start(Ask { instruction: "Launch".to_owned(), ..Ask::default() }).unwrap();
    while user.asked.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let began = Instant::now();
    assert!(session.cancel());
    assert_eq!(turn.finish().await.status, TurnStatus::Cancelled);
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(tool.launched.lock().unwrap().is_empty());
    assert_eq!(ask(&session, "And now?").await.answer, "Later.");
    rig.check_session(session.id()).await;
}
