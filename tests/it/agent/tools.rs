//! How calls are run: side by side, caught, cut.

use std::sync::Arc;

use claw::event::{EventKind, ToolResultReturned, TurnStatus};
use claw::tools::{Effect, Tool, ToolContext, ToolError, ToolOutput};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::rig::{PROJECT, Rig};

/// A tool made of a function.
struct Made<F>(&'static str, Effect, F);

fn made<F>(name: &'static str, effect: Effect, run: F) -> Made<F>
where
    F: Fn(ToolContext, Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> + Send + Sync,
{
    Made(name, effect, run)
}

impl<F> Tool for Made<F>
where
    F: Fn(ToolContext, Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> + Send + Sync,
{
    fn name(&self) -> &str {
        self.0
    }
    fn description(&self) -> &str {
        "a tool of the test"
    }
    fn parameters(&self) -> Value {
        json!({"type": "object"})
    }
    fn effect(&self) -> Effect {
        self.1
    }
    fn call(&self, context: ToolContext, input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
        (self.2)(context, input)
    }
}

fn results(trace: &[claw::event::Event]) -> Vec<ToolResultReturned> {
    let result = |event: &claw::event::Event| match &event.kind {
        EventKind::ToolResult(result) => Some(result.clone()),
        _ => None,
    };
    trace.iter().filter_map(result).collect()
}

/// Each read waits until all are there: run one after the other they would never end.
#[tokio::test]
async fn reads_run_side_by_side_and_edits_do_not() {
    let barrier = Arc::new(Barrier::new(3));
    let meet = made("meet", Effect::Reads, move |_, _| {
        let barrier = Arc::clone(&barrier);
        Box::pin(async move {
            barrier.wait().await;
            Ok(ToolOutput::from("met".to_owned()))
        })
    });
    let alone = Arc::new(tokio::sync::Mutex::new(()));
    let edit = made("alone", Effect::Edits, move |_, _| {
        let alone = Arc::clone(&alone);
        Box::pin(async move {
            let _guard = alone.try_lock().map_err(|_| ToolError::model("not alone"))?;
            tokio::task::yield_now().await;
            Ok(ToolOutput::from("alone".to_owned()))
        })
    });
    let script = r#"
        {"tools": [{"name": "meet", "input": {"n": 1}}, {"name": "meet", "input": {"n": 2}}, {"name": "meet", "input": {"n": 3}}, {"name": "alone", "input": {"n": 1}}, {"name": "alone", "input": {"n": 2}}]}
        {"text": "ok"}
        "#;
    let rig = Rig::with(PROJECT, script, |builder| builder.tool(meet).tool(edit));
    let result = rig.run("Go").await;
    let outputs: Vec<String> = results(&result.trace).into_iter().map(|result| result.output).collect();
    assert_eq!(outputs, ["met", "met", "met", "alone", "alone"]);
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn a_panic_is_one_failed_call() {
    let broken = made("broken", Effect::Edits, |context: ToolContext, _| {
        let path = context.view().roots().resolve("half.txt").unwrap();
        let author = context.author.clone();
        context.with_overlay(|overlay| overlay.write(&path, None, Some("half".into()), author)).unwrap();
        panic!("on purpose")
    });
    let script = "{\"tools\": [{\"name\": \"broken\", \"input\": {}}, {\"name\": \"list_files\", \"input\": {}}]}\n{\"text\": \"ok\"}";
    let rig = Rig::with(PROJECT, script, |builder| builder.tool(broken));
    let result = rig.run("Go").await;
    assert_eq!(result.status, TurnStatus::Done);
    let results = results(&result.trace);
    assert_eq!((results[0].ok, results[1].ok), (false, true));
    assert_eq!(results[0].output, "the tool failed: it panicked, which is a bug in it");
    assert!(result.session.overlay().is_empty(), "half an edit stays");
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn a_long_output_is_cut_and_says_so() {
    let chatty = made("chatty", Effect::Reads, |_, _| {
        Box::pin(std::future::ready(Ok(ToolOutput::from("é line\n".repeat(100_000)))))
    });
    let script = "{\"tools\": [{\"name\": \"chatty\", \"input\": {}}]}\n{\"text\": \"ok\"}";
    let rig = Rig::with(PROJECT, script, |builder| builder.tool(chatty));
    let result = rig.run("Go").await;
    let results = results(&result.trace);
    assert!(results[0].truncated);
    assert!(results[0].output.len() <= 33 * 1024, "{}", results[0].output.len());
    assert!(!results[0].output.ends_with("line\n"), "it does not say that it was cut");
    rig.check_session(result.session.id()).await;
}
