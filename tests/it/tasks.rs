//! Ordinary tasks, by script, in `auto`: what is proposed is right, and the user is hardly asked.

#![cfg(target_os = "linux")]

mod projects;

use std::sync::{Arc, Mutex};

use claw::config::{Environment, PermissionMode};
use claw::event::{EventKind, TurnStatus};
use claw::tools::{Approval, Host, Reply};
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};

use crate::agent::rig::Rig;

/// A task: a project, what the model does, and what must have come of it.
pub struct Task {
    name: &'static str,
    project: &'static str,
    /// Beside the files of the project, on the disk.
    setup: &'static [&'static str],
    calls: Vec<Value>,
    /// Each stands in a result, in this order.
    told: &'static [&'static str],
    /// The proposal, file by file.
    proposed: &'static [(&'static str, &'static str)],
}

/// A user who says yes to each question, and counts.
#[derive(Default)]
struct Patient {
    asked: Mutex<Vec<String>>,
}

impl Host for Patient {
    fn approve(&self, question: Approval) -> BoxFuture<'static, Reply> {
        self.asked.lock().unwrap().push(format!("{} ({})", question.act, question.why));
        Box::pin(std::future::ready(Reply::Once))
    }
}

struct Outcome {
    name: &'static str,
    prompts: Vec<String>,
    commands: usize,
}

async fn play(task: Task) -> Outcome {
    let turns = task.calls.iter().map(|call| json!({"tools": [call]}).to_string() + "\n");
    let script: String = turns.chain([json!({"text": "Done."}).to_string()]).collect();
    let user = Arc::new(Patient::default());
    let rig = Rig::with(task.project, &script, |builder| {
        let host = Arc::clone(&user) as Arc<dyn Host>;
        builder
            .broker(env!("CARGO_BIN_EXE_claw"))
            .environment(Environment::of_process())
            .trusted(true)
            .permission_mode(PermissionMode::Auto)
            .host(host)
    });
    let root = rig.fixture.root_path();
    for command in task.setup {
        let ran = std::process::Command::new("bash").args(["-c", command]).current_dir(&root).output().unwrap();
        assert!(ran.status.success(), "{}: {command}: {ran:?}", task.name);
    }
    let result = rig.run(task.name).await;
    assert_eq!(result.status, TurnStatus::Done, "{}: {:?}", task.name, result.error());
    rig.check_session(result.session.id()).await;
    let results = result.trace.iter().filter_map(|event| match &event.kind {
        EventKind::ToolResult(result) => Some((result.ok, result.output.as_str())),
        _ => None,
    });
    let results: Vec<(bool, &str)> = results.collect();
    assert!(results.iter().all(|(ok, _)| *ok), "{}: {results:#?}", task.name);
    let mut rest = results.iter();
    for told in task.told {
        assert!(rest.any(|(_, output)| output.contains(told)), "{}: {told:?} is not in {results:#?}", task.name);
    }
    // What is proposed is what there is once it is accepted.
    let names: Vec<String> = result.session.proposed_files().iter().map(|file| file.path.clone()).collect();
    let expected: Vec<&str> = task.proposed.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, expected, "{}: {results:#?}", task.name);
    if !names.is_empty() {
        let applied = result.proposal.apply().unwrap();
        assert_eq!(applied.skipped, [], "{}", task.name);
    }
    for (name, text) in task.proposed {
        let found = rig.fixture.on_disk(name).unwrap_or_else(|| "(gone)".to_owned());
        assert!(found.contains(text), "{}: {name} is {found}", task.name);
    }
    let commands =
        result.trace.iter().filter(|event| matches!(&event.kind, EventKind::ToolCall(call) if call.tool == "shell"));
    let prompts = user.asked.lock().unwrap().clone();
    Outcome { name: task.name, prompts, commands: commands.count() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_ordinary_tasks_hardly_ask() {
    let tasks = projects::tasks();
    assert!(tasks.len() >= 30, "{} tasks", tasks.len());
    let playing = stream::iter(tasks).map(|task| async { tokio::spawn(play(task)).await });
    let outcomes: Vec<_> = playing.buffered(4).collect().await;
    let failed: Vec<String> =
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err().map(ToString::to_string)).collect();
    let outcomes: Vec<Outcome> = outcomes.into_iter().flatten().collect();
    for Outcome { name, prompts, commands } in &outcomes {
        println!("{:<46} {} prompts, {commands} commands  {}", name, prompts.len(), prompts.join(" | "));
    }
    assert!(failed.is_empty(), "{} tasks failed: {failed:#?}", failed.len());
    let mut counts: Vec<usize> = outcomes.iter().map(|outcome| outcome.prompts.len()).collect();
    counts.sort_unstable();
    let median = counts[counts.len() / 2];
    println!(
        "{} tasks, {} commands, {median} prompts in the median, {} at most",
        counts.len(),
        outcomes.iter().map(|outcome| outcome.commands).sum::<usize>(),
        counts[counts.len() - 1]
    );
    assert!(median <= 2, "{counts:?}");
}
