//! An agent on a fixture, with a model that plays a script.

use std::path::PathBuf;
use std::sync::Arc;

use claw::agent::replay::{Outcome, replay};
use claw::agent::{Agent, AgentBuilder, Ask, RunResult, Session};
use claw::config::{Config, Environment};
use claw::event::{Event, EventKind};
use claw::model::script::Script;
use claw::store::Store;
use claw::tools::Tools;

use crate::support::fixture::Fixture;

/// Two small files.
pub const PROJECT: &str = "\
//- /src/lib.rs
pub fn add(a: i32, b: i32) -> i32 {
    a - b
}
//- /notes.txt
one
two
three
";

pub struct Rig {
    pub fixture: Fixture,
    pub state: PathBuf,
    pub agent: Agent,
    pub tools: Tools,
}

impl Rig {
    /// A model that plays `script` on [`PROJECT`].
    pub fn new(script: &str) -> Rig {
        Rig::with(PROJECT, script, |builder| builder)
    }

    pub fn with(fixture: &str, script: &str, change: impl FnOnce(AgentBuilder) -> AgentBuilder) -> Rig {
        let script = Script::parse("script.jsonl", script).expect("a script");
        Rig::bare(fixture, |builder| change(builder.model_client(Arc::new(script))))
    }

    /// Without a model.
    pub fn bare(fixture: &str, change: impl FnOnce(AgentBuilder) -> AgentBuilder) -> Rig {
        let fixture = Fixture::new(fixture);
        let state = fixture.folder.path().join("state");
        let builder = Agent::builder()
            .workspace(fixture.workspace.clone())
            .config(Config::default())
            .environment(Environment::default())
            .state_dir(&state);
        let agent = change(builder).build().expect("an agent");
        Rig { tools: agent.tools().clone(), fixture, state, agent }
    }

    pub fn store(&self) -> Store {
        Store::open(&self.state).unwrap()
    }

    /// One task in a new session, to its end; failed turns too.
    pub async fn run(&self, task: &str) -> RunResult {
        ask(&self.agent.session(), task).await
    }

    /// The session's trace as it stands on disk.
    pub fn trace(&self, session: &str) -> String {
        std::fs::read_to_string(self.store().trace_path(session)).unwrap()
    }

    pub async fn replay(&self, session: &str) -> Outcome {
        replay(&self.store(), session, &self.tools, None).await.unwrap()
    }

    /// What holds of every session, however its turns ended.
    pub async fn check_session(&self, session: &str) {
        let events = self.store().events(session).unwrap();
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event.seq, index as u64 + 1, "the trace has a gap");
            assert_eq!((event.v, event.session.as_str()), (1, session));
            assert!(event.kind.is_stored(), "{} is stored", event.kind());
        }
        check_results(&events);
        let turns = events.iter().filter(|event| event.kind() == "turn_start").count();
        let expected = Outcome::Identical { events: events.len() as u64, turns: turns as u32 };
        assert_eq!(self.replay(session).await, expected, "the replay differs");
    }
}

/// Every call that a model made has exactly one result, and none but calls that were made has one.
fn check_results(events: &[Event]) {
    let mut asked = 0;
    let mut answered = 0;
    let mut seen = std::collections::HashSet::new();
    for event in events {
        match &event.kind {
            EventKind::ModelResponse(response) => asked += response.tool_calls.len(),
            EventKind::ToolResult(result) => {
                answered += 1;
                assert!(seen.insert(result.call.clone()), "the call {} has two results", result.call);
            }
            EventKind::TurnEnd(_) => assert_eq!(asked, answered, "calls and results at the end of a turn"),
            _ => {}
        }
    }
}

pub async fn ask(session: &Session, task: &str) -> RunResult {
    let ask = Ask { instruction: task.to_owned(), ..Ask::default() };
    session.start(ask).expect("no turn is running").finish().await
}

/// The trace, a line an event, without what differs from run to run.
pub fn shown(trace: &[Event]) -> String {
    let line = |event: &Event| match &event.kind {
        EventKind::Context(_) => "context".to_owned(),
        EventKind::ModelRequest(request) => format!("model_request {}", request.request),
        EventKind::ToolResult(result) => {
            let first = result.output.lines().next().unwrap_or_default();
            let told = if result.output.contains("times now the same call") { " (told)" } else { "" };
            format!("tool_result {} {}: {first}{told}", result.call, if result.ok { "ok" } else { "failed" })
        }
        EventKind::TurnEnd(end) => format!("turn_end {:?} after {} steps: {}", end.status, end.steps, end.answer),
        EventKind::ToolCall(call) => format!("tool_call {} {}", call.call, event.description()),
        _ => format!("{} {}", event.kind(), event.description()),
    };
    let mut lines: Vec<String> = trace.iter().map(|event| line(event) + "\n").collect();
    // Results of calls that ran side by side come as they are ready.
    let is_result = |line: &str| line.starts_with("tool_result ");
    lines.chunk_by_mut(|a, b| is_result(a) && is_result(b)).for_each(|run| run.sort());
    lines.concat()
}

/// Runs one task by script and compares what happened; the session must be whole and replay.
pub async fn check(script: &str, expected: expect_test::Expect) {
    check_with(script, |builder| builder, expected).await;
}

pub async fn check_with(
    script: &str,
    change: impl FnOnce(AgentBuilder) -> AgentBuilder,
    expected: expect_test::Expect,
) {
    let rig = Rig::with(PROJECT, script, change);
    let result = rig.run("Do it").await;
    rig.check_session(result.session.id()).await;
    expected.assert_eq(&shown(&result.trace));
}
