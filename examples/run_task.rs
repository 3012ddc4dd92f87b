//! One task, from the library: `cargo run --example run_task`.
//!
//! Runs offline: the model is a script. Leave out `.model_client(…)` and give `.model(…)`, and if need be `.base_url(…)`, to
//! ask a real one.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;

use claw::Agent;
use claw::model::script::Script;
use claw::tools::Tools;
use claw::workspace::{Roots, Workspace};

const MODEL: &str = r#"
{"text": "Let me look.", "tools": [{"name": "read_file", "input": {"path": "greet.py"}}]}
{"tools": [{"name": "edit_file", "input": {"path": "greet.py", "old_string": "Hello, name", "new_string": "Hello, {name}"}}]}
{"text": "The braces were missing, so the name never came out. I propose to add them."}
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let project = tempfile::tempdir()?;
    let file = project.path().join("greet.py");
    std::fs::write(&file, "def greet(name):\n    return f\"Hello, name\"\n")?;
    let mut roots = Roots::default();
    roots.add(project.path())?;

    let agent = Agent::builder()
        .model_client(Arc::new(Script::parse("example", MODEL)?))
        .tools(Tools::default())
        .workspace(Workspace::new(roots))
        .without_state()
        .build()?;
    let result = agent.run("Make the greeting use the name").await?;
    for step in &result.trace {
        println!("[{}] {}", step.kind(), step.description());
    }
    println!("\n{}\n\n{}", result.answer, result.proposal.diff());

    result.proposal.apply()?;
    println!("{}", std::fs::read_to_string(&file)?);
    Ok(())
}
