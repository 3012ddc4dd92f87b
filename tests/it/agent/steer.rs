//! Words to a running turn, interruption, and limits of cost.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use claw::agent::{Ask, RunResult, Session};
use claw::config::Config;
use claw::event::{Decision, EventKind, TurnStatus};
use claw::tools::{Approval, Effect, Host, Reply, Tool, ToolContext, ToolError, ToolOutput};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::rig::{PROJECT, Rig, ask};

/// A tool, or a user, that waits until it is let go.
#[derive(Clone)]
struct Gate {
    effect: Effect,
    reached: Arc<watch::Sender<bool>>,
    opened: Arc<watch::Sender<bool>>,
    asked: Arc<Mutex<u32>>,
}

impl Gate {
    fn new(effect: Effect) -> Gate {
        let flag = || Arc::new(watch::channel(false).0);
        Gate { effect, reached: flag(), opened: flag(), asked: Arc::default() }
    }

    fn pass(&self) -> BoxFuture<'static, ()> {
        let (reached, mut opened) = (Arc::clone(&self.reached), self.opened.subscribe());
        Box::pin(async move {
            reached.send_replace(true);
            let _ = opened.wait_for(|open| *open).await;
        })
    }

    async fn reached(&self) {
        let _ = self.reached.subscribe().wait_for(|reached| *reached).await;
    }
}

impl Tool for Gate {
    fn name(&self) -> &str {
        "wait"
    }
    fn description(&self) -> &str {
        "waits"
    }
    fn parameters(&self) -> Value {
        json!({"type": "object"})
    }
    fn effect(&self) -> Effect {
        self.effect
    }
    fn call(&self, _context: ToolContext, _input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
        let waits = (self.effect == Effect::Reads).then(|| self.pass());
        Box::pin(async move {
            if let Some(waits) = waits {
                waits.await;
            }
            Ok(ToolOutput::from("waited".to_owned()))
        })
    }
}

impl Host for Gate {
    fn approve(&self, _question: Approval) -> BoxFuture<'static, Reply> {
        *self.asked.lock().unwrap() += 1;
        let passed = self.pass();
        Box::pin(async move {
            passed.await;
            Reply::Deny
        })
    }
}

fn kinds(run: &RunResult) -> Vec<&str> {
    run.trace.iter().map(|event| event.kind()).collect()
}

const WAIT: &str = "{\"tools\": [{\"id\": \"w\", \"name\": \"wait\", \"input\": {}}]}\n{\"text\": \"Heard.\"}";

async fn steered(gate: &Gate, rig: &Rig, words: &str) -> (Session, RunResult) {
    let session = rig.agent.session();
    let turn = session.start(Ask { instruction: "Go".to_owned(), ..Ask::default() }).unwrap();
    gate.reached().await;
    assert!(session.steer(words));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(session.is_running(), "words do not end what waits");
    gate.opened.send_replace(true);
    (session, turn.finish().await)
}

#[tokio::test]
async fn words_during_a_long_call_reach_the_next_step() {
    let gate = Gate::new(Effect::Reads);
    let rig = Rig::with(PROJECT, WAIT, |builder| builder.tool(gate.clone()));
    let (session, run) = steered(&gate, &rig, "only the first file").await;
    assert_eq!(
        kinds(&run)[2..],
        [
            "model_request",
            "model_response",
            "tool_call",
            "tool_result",
            "steer",
            "model_request",
            "model_response",
            "turn_end"
        ]
    );
    let request = run.trace.iter().rev().find_map(|event| match &event.kind {
        EventKind::ModelRequest(request) => request.body.clone(),
        _ => None,
    });
    let messages = request.unwrap()["messages"].as_array().unwrap().clone();
    assert_eq!(messages.last().unwrap()["text"], "only the first file");
    rig.check_session(session.id()).await;
}

/// Words to the turn are no answer to a question that stands, whatever they say.
#[tokio::test]
async fn m14_words_while_a_question_stands_do_not_answer_it() {
    for words in ["yes", "Allow once", "y", "user approved"] {
        let gate = Gate::new(Effect::Runs);
        let rig = Rig::with(PROJECT, WAIT, |builder| builder.tool(gate.clone()).host(Arc::new(gate.clone())));
        let (session, run) = steered(&gate, &rig, words).await;
        assert_eq!(*gate.asked.lock().unwrap(), 1);
        let decided = run.trace.iter().find_map(|event| match &event.kind {
            EventKind::Permission(decided) => Some(decided.decision),
            _ => None,
        });
        assert_eq!(decided, Some(Decision::Deny));
        assert!(kinds(&run).contains(&"steer") && !kinds(&run).contains(&"tool_call"));
        rig.check_session(session.id()).await;
    }
}

#[tokio::test]
async fn what_was_finished_stays_when_the_turn_is_interrupted() {
    let edit = json!({"path": "notes.txt", "old_string": "two", "new_string": "2"});
    let script = [
        json!({"tools": [{"id": "e", "name": "edit_file", "input": edit}]}).to_string(),
        json!({"delay_ms": 60_000, "text": "never"}).to_string(),
    ];
    let rig = Rig::new(&script.join("\n"));
    let session = rig.agent.session();
    let mut turn = session.start(Ask { instruction: "Go".to_owned(), ..Ask::default() }).unwrap();
    while let Some(event) = turn.next().await {
        if event.kind() == "tool_result" {
            break;
        }
    }
    assert!(session.cancel());
    let run = turn.finish().await;
    assert_eq!((run.status, run.proposal.hunks().count()), (TurnStatus::Cancelled, 1));
    let tail: Vec<&str> = kinds(&run).into_iter().rev().take(2).collect();
    assert_eq!(tail, ["turn_end", "proposal"]);
    assert_eq!(session.proposal().hunks().count(), 1);
    rig.check_session(session.id()).await;
}

/// A limit that can not hold is told, once in a session.
#[tokio::test]
async fn a_limit_of_cost_where_the_cost_is_unknown() {
    let mut config = Config::default();
    config.limits.max_cost = Some(0.01);
    let script = "{\"tools\": [{\"name\": \"list_files\"}]}\n{\"text\": \"One.\"}\n{\"text\": \"Two.\"}";
    let rig = Rig::with(PROJECT, script, |builder| builder.config(config));
    let session = rig.agent.session();
    let first = ask(&session, "Go").await;
    let second = ask(&session, "Again").await;
    let told = |run: &RunResult| -> Vec<String> {
        let errors = run.trace.iter().filter_map(|event| match &event.kind {
            EventKind::Error(error) => Some(format!("{}: {}", error.code, error.message)),
            _ => None,
        });
        errors.collect()
    };
    assert_eq!((first.status, second.status), (TurnStatus::Done, TurnStatus::Done));
    assert_eq!(
        told(&first),
        [
            "cost_unknown: limits.max_cost is set and does not hold: what `script` costs is not known. Set limits.max_tokens \
             to bound what a turn may use"
        ]
    );
    assert_eq!(told(&second), Vec::<String>::new());
    rig.check_session(session.id()).await;
}
