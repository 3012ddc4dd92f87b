//! `claw demo`: the main job on a small sample project, with the real harness and a recorded model.
//!
//! Nothing outside the demo's folder and the state folder is written, no configuration is read and nothing is sent. The sample's
//! tests run before and after, confined; where nothing confines them they are not run, and it says so.

mod tests_run;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc;

use super::arguments::{DemoArguments, OutputFormat};
use super::asking::Asking;
use super::error::{CliError, Exit};
use super::run::{Front, Interrupts, runtime};
use super::terminal::{ColorChoice, Out, Style};
use super::visible::visible;
use tests_run::TestsRun;

use super::{describe, diff, files, setup, trace_tree};
use crate::agent::Agent;
use crate::config::{Config, Environment};
use crate::event::{Event, Frontend, Mode};
use crate::model::script::Script;

const TASK: &str = "Make the failing tests in tests/test_slug.py pass.";

const RECORDING: &str = include_str!("../../demo/recording.jsonl");

/// The sample project: each file with its place in it.
const PROJECT: &[(&str, &str)] = &[
    ("README.md", include_str!("../../demo/inkwell/README.md")),
    ("AGENTS.md", include_str!("../../demo/inkwell/AGENTS.md")),
    ("inkwell/__init__.py", include_str!("../../demo/inkwell/inkwell/__init__.py")),
    ("inkwell/feed.py", include_str!("../../demo/inkwell/inkwell/feed.py")),
    ("inkwell/slug.py", include_str!("../../demo/inkwell/inkwell/slug.py")),
    ("tests/__init__.py", include_str!("../../demo/inkwell/tests/__init__.py")),
    ("tests/test_slug.py", include_str!("../../demo/inkwell/tests/test_slug.py")),
];

pub fn run(arguments: &DemoArguments, color: ColorChoice) -> Result<Exit, CliError> {
    let mut out = Out::stdout(color);
    let palette = out.palette;
    let folder = folder(arguments.dir.as_deref())?;
    let project = folder.join("inkwell");
    for (name, content) in PROJECT {
        files::unpack(&project.join(name), content).map_err(|error| {
            CliError::failed(format!("{} can not be written: {error}", project.join(name).display()))
        })?;
    }
    writeln!(out, "{}", palette.paint(Style::Bold, "Claw at work on a sample project"))?;
    writeln!(out, "The model is a recording: nothing is sent anywhere, and no key is needed.")?;
    writeln!(out, "The harness, the tools, the proposal and the trace are the real ones.\n")?;
    writeln!(out, "project  {}", project.display())?;
    writeln!(out, "task     {}\n", palette.paint(Style::Bold, TASK))?;
    out.flush()?;

    let runtime = runtime()?;
    let entered = runtime.enter();
    let (sender, events) = mpsc::unbounded_channel();
    let state = setup::state_folder(&Environment::of_process())?;
    let agent = agent(&project, &state, sender, arguments.fast || !std::io::stderr().is_terminal())?;
    let session = agent.session();
    let tests = TestsRun::new(&state);
    let live = agent.visible().live();
    runtime.block_on(tests.show(&mut out, palette, "before", live))?;
    out.flush()?;
    let mut front = Front::new(OutputFormat::Text, color, events, agent.workspace().clone(), Asking::default());
    let result = runtime.block_on(front.drive(&session, TASK.to_owned(), Mode::Edit, &Interrupts::watch()))?;

    writeln!(out, "\n{}\n", visible(result.answer.trim_end()))?;
    let proposal = session.proposed_files();
    let changes = session.diff();
    writeln!(out, "{}\n", palette.paint(Style::Bold, format_args!("It proposes {}", describe::proposal(&proposal))))?;
    diff::write_visible(&mut out, palette, &changes)?;
    writeln!(out)?;
    let proposed = agent.visible().view(&session.overlay());
    let were_run = runtime.block_on(tests.show(&mut out, palette, "with the proposal", proposed))?;
    let patch = folder.join("proposal.diff");
    files::unpack(&patch, &changes)?;

    let store = setup::store()?;
    let recorded = store.events(session.id())?;
    writeln!(out, "{}\n", palette.paint(Style::Bold, "What happened, from the trace"))?;
    trace_tree::write(&mut out, palette, &recorded)?;

    writeln!(out, "\nThe files of the project are as they were: a proposal is written when you accept it.")?;
    if were_run {
        writeln!(out, "The tests ran confined, in a copy of it that held what is proposed.")?;
    }
    writeln!(out)?;
    let id = session.id();
    writeln!(out, "proposal  {}", patch.display())?;
    writeln!(out, "trace     {}", store.trace_path(id).display())?;
    writeln!(out, "next      patch -d {} -p1 < {}", project.display(), patch.display())?;
    writeln!(out, "          claw replay {id}")?;
    writeln!(out, "          claw run \"…\"    in a project of yours; `claw doctor` says what it needs")?;
    out.flush()?;
    drop(entered);
    runtime.shutdown_background();
    Ok(Exit::from(result.status))
}

/// The folder to work in: new, or empty.
fn folder(named: Option<&Path>) -> Result<PathBuf, CliError> {
    let Some(folder) = named else {
        return tempfile::Builder::new().prefix("claw-demo-").tempdir().map(tempfile::TempDir::keep).map_err(|error| {
            CliError::failed(format!("no temporary folder can be made: {error}. Name one with --dir"))
        });
    };
    let failed = |error: std::io::Error| CliError::usage(format!("{}: {error}. Name another --dir", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    if std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
        let message = format!("{} is not empty, and the demo writes over nothing: name a new --dir", folder.display());
        return Err(CliError::usage(message));
    }
    folder.canonicalize().map_err(failed)
}

fn agent(project: &Path, state: &Path, events: mpsc::UnboundedSender<Event>, fast: bool) -> Result<Agent, CliError> {
    let script = Script::parse("the demo's recording", &recording(fast)?)
        .map_err(|error| CliError::failed(error.to_string()))?;
    Agent::builder()
        .config(Config::default())
        .environment(Environment::default())
        .model_client(Arc::new(script))
        .workspace(setup::workspace(project)?)
        .state_dir(state)
        .frontend(Frontend::Cli)
        .on_event(Arc::new(move |event: &Event| {
            let _ = events.send(event.clone());
        }))
        .build()
        .map_err(|error| CliError::failed(error.to_string()))
}

/// The recorded turns; `fast` takes the pauses out.
fn recording(fast: bool) -> Result<String, CliError> {
    if !fast {
        return Ok(RECORDING.to_owned());
    }
    let mut turns = String::new();
    for line in RECORDING.lines().filter(|line| !line.starts_with("//")) {
        let mut turn: Value = serde_json::from_str(line)?;
        if let Value::Object(fields) = &mut turn {
            fields.shift_remove("delay_ms");
        }
        turns.push_str(&turn.to_string());
        turns.push('\n');
    }
    Ok(turns)
}
