//! Cancellation, at every place where a turn can wait.

use std::time::{Duration, Instant};

use claw::agent::{Ask, Session};
use claw::event::TurnStatus;
use claw::tools::{Effect, Tool, ToolContext, ToolError, ToolOutput};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::rig::{PROJECT, Rig, ask, shown};

/// A tool that never comes back: by itself it waits, told to it blocks its thread.
struct Stuck;

impl Tool for Stuck {
    fn name(&self) -> &str {
        "stuck"
    }
    fn description(&self) -> &str {
        "never returns"
    }
    fn parameters(&self) -> Value {
        json!({"type": "object"})
    }
    fn effect(&self) -> Effect {
        Effect::Reads
    }
    fn call(&self, _context: ToolContext, _input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
        Box::pin(std::future::pending())
    }
}

/// Starts a turn, cancels it when the event of this kind has come, and looks at what is left.
async fn cancelled_after(session: &Session, kind: &str) -> String {
    let mut turn = session.start(Ask { instruction: "Go".to_owned(), ..Ask::default() }).unwrap();
    while let Some(event) = turn.next().await {
        if event.kind() == kind {
            break;
        }
    }
    let began = Instant::now();
    assert!(session.cancel());
    let result = turn.finish().await;
    assert!(began.elapsed() < Duration::from_millis(1000), "it took {:?}", began.elapsed());
    assert_eq!(result.status, TurnStatus::Cancelled);
    assert!(!session.is_running() && !session.cancel());
    shown(&result.trace)
}

#[tokio::test]
async fn while_the_model_is_silent_and_while_a_tool_runs() {
    let script = r#"
        {"delay_ms": 60000, "text": "never"}
        {"tools": [{"id": "a", "name": "read_file", "input": {"path": "notes.txt"}}, {"id": "b", "name": "stuck", "input": {}}, {"id": "c", "name": "edit_file", "input": {"path": "notes.txt", "old_string": "two", "new_string": "2"}}]}
        {"text": "All is well."}
        "#;
    let rig = Rig::with(PROJECT, script, |builder| builder.tool(Stuck));
    let session = rig.agent.session();

    let silent = cancelled_after(&session, "model_request").await;
    assert!(silent.ends_with("model_request 1\nturn_end Cancelled after 1 steps: \n"), "{silent}");

    let stuck = cancelled_after(&session, "tool_result").await;
    let tail: Vec<&str> = stuck.lines().rev().take(3).collect();
    assert_eq!(
        tail,
        [
            "turn_end Cancelled after 1 steps: ",
            "tool_result c failed: not finished: the user cancelled the turn.",
            "tool_result b failed: not finished: the user cancelled the turn.",
        ]
    );
    assert!(session.overlay().is_empty());

    assert_eq!(ask(&session, "And now?").await.answer, "All is well.");
    rig.check_session(session.id()).await;
}

#[tokio::test]
async fn before_anything_happened_and_by_dropping_the_turn() {
    let rig = Rig::new("{\"delay_ms\": 60000, \"text\": \"never\"}\n{\"text\": \"Here.\"}");
    let session = rig.agent.session();
    let turn = session.start(Ask::default()).unwrap();
    turn.cancel.cancel();
    assert_eq!(turn.finish().await.status, TurnStatus::Cancelled);

    let dropped = session.start(Ask { turn: Some("mine".to_owned()), ..Ask::default() }).unwrap();
    assert_eq!(session.running().as_deref(), Some("mine"));
    drop(dropped);
    // The next turn can start once the one before has ended by itself.
    let next = loop {
        match session.start(Ask { instruction: "Go".to_owned(), ..Ask::default() }) {
            Some(turn) => break turn,
            None => tokio::task::yield_now().await,
        }
    };
    next.detach();
    session.cancel();
}

/// A tool that edits late, after its turn was cancelled, edits nothing.
#[tokio::test]
async fn a_late_edit_reaches_nothing() {
    struct Late(tokio::sync::watch::Receiver<bool>, std::sync::mpsc::Sender<()>);
    impl Tool for Late {
        fn name(&self) -> &str {
            "late"
        }
        fn description(&self) -> &str {
            "edits when told"
        }
        fn parameters(&self) -> Value {
            json!({"type": "object"})
        }
        fn effect(&self) -> Effect {
            Effect::Edits
        }
        fn call(&self, context: ToolContext, _input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
            let (mut go, done) = (self.0.clone(), self.1.clone());
            Box::pin(async move {
                // Detached, as a blocking thread would be.
                let work = tokio::spawn(async move {
                    go.wait_for(|go| *go).await.unwrap();
                    let path = context.view().roots().resolve("late.txt").unwrap();
                    let author = context.author.clone();
                    context.with_overlay(|overlay| overlay.write(&path, None, Some("late".into()), author)).unwrap();
                    done.send(()).unwrap();
                });
                work.await.unwrap();
                Ok(ToolOutput::from("done".to_owned()))
            })
        }
    }
    let (go, wait) = tokio::sync::watch::channel(false);
    let (done, finished) = std::sync::mpsc::channel();
    let script = "{\"tools\": [{\"name\": \"late\", \"input\": {}}]}";
    let rig = Rig::with(PROJECT, script, |builder| builder.tool(Late(wait, done)));
    let session = rig.agent.session();
    cancelled_after(&session, "tool_call").await;
    go.send(true).unwrap();
    tokio::task::spawn_blocking(move || finished.recv().unwrap()).await.unwrap();
    assert!(session.overlay().is_empty());
    rig.check_session(session.id()).await;
}
