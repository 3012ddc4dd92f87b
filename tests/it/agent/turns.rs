//! Turns by script.

use std::sync::Arc;

use claw::agent::{Agent, Ask};
use claw::model::script::Script;
use claw::workspace::{Roots, Workspace};

#[tokio::test]
async fn a_turn_reads_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let state = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "hello\n").unwrap();
    let mut roots = Roots::default();
    roots.add(folder.path()).unwrap();
    let script = Script::parse("s", "{\"text\":\"I look\",\"tools\":[{\"name\":\"read_file\",\"input\":{\"path\":\"a.txt\"}}]}\n{\"text\":\"It says hello.\"}\n").unwrap();
    let agent = Agent::builder()
        .model_client(Arc::new(script))
        .workspace(Workspace::new(roots))
        .state_dir(state.path())
        .build()
        .unwrap();
    let result = agent.run("What does a.txt say?").await;
    let result = match result {
        Ok(result) => result,
        Err(error) => *error.result,
    };
    for step in &result.trace {
        println!("[{}] {}", step.kind(), step.description());
    }
    assert_eq!(result.answer, "It says hello.");
    let _ = Ask::default();
}
