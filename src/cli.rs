//! The command line: commands in one table, events rendered to a terminal.
//!
//! Each command is a module with a `run`; [`arguments`] is the table they stand in. Everything that comes from a model or
//! a file passes [`visible`] before a terminal gets it, and everything is written through a writer that may fail: a reader
//! that leaves is not an error. Answers go to stdout, how it goes to stderr.

mod apply;
mod arguments;
mod asking;
mod blame;
mod context;
mod demo;
mod describe;
mod diff;
mod doctor;
mod error;
mod files;
mod hunks;
mod inspect;
mod manifest;
mod map;
mod permissions;
mod place;
mod plan;
mod run;
mod schema;
mod servers;
mod sessions;
mod setup;
mod status_line;
mod terminal;
mod trace;
mod trace_html;
mod trace_tree;
mod visible;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use arguments::{Arguments, Command, CompletionsArguments, LspArguments};
use error::{CliError, Exit};
use terminal::{ColorChoice, Out, say};

use crate::lsp::{self, ServeOptions};

/// Reads the arguments, does what they say, and answers with the exit code.
pub fn main() -> ExitCode {
    // Before there is a thread or a log: a broker confines the process that it is.
    if let Some(code) = crate::sandbox::as_broker() {
        return code;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are asked for, and go to stdout; the rest is wrong usage.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = error.print();
            return code.into();
        }
    };
    log_to_stderr();
    keep_memory_private();
    match dispatch(arguments.command, arguments.color) {
        Ok(exit) => exit.into(),
        Err(error) => {
            if !matches!(error, CliError::ReaderGone) {
                say(format_args!("claw: {}", visible::visible(&error.to_string())));
            }
            error.exit().into()
        }
    }
}

fn dispatch(command: Command, color: ColorChoice) -> Result<Exit, CliError> {
    match command {
        Command::Lsp(arguments) => Ok(serve(&arguments)),
        Command::Run(arguments) => run::run(&arguments, color),
        Command::Demo(arguments) => demo::run(&arguments, color),
        Command::Map(arguments) => map::run(&arguments, color),
        Command::Context(arguments) => context::run(&arguments, color),
        Command::Blame(arguments) => blame::run(&arguments, color),
        Command::Sessions(arguments) => sessions::run(arguments, color),
        Command::Trace(arguments) => trace::trace(&arguments, color),
        Command::Replay(arguments) => trace::run_replay(&arguments, color),
        Command::Manifest(_) => manifest::run(color),
        Command::Inspect(arguments) => inspect::run(&arguments, color),
        Command::Doctor(arguments) => doctor::run(&arguments, color),
        Command::Trust(arguments) => doctor::trust(arguments.directory.as_deref(), true, color),
        Command::Untrust(arguments) => doctor::trust(arguments.directory.as_deref(), false, color),
        Command::Completions(arguments) => completions(&arguments, color),
    }
}

fn serve(arguments: &LspArguments) -> Exit {
    let options = ServeOptions { client_process_id: arguments.client_process_id, ..ServeOptions::default() };
    match lsp::run(options) {
        0 => Exit::Done,
        _ => Exit::Failed,
    }
}

fn completions(arguments: &CompletionsArguments, color: ColorChoice) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "claw", &mut script);
    let mut out = Out::stdout(color);
    out.write_all(&script)?;
    out.flush()?;
    Ok(Exit::Done)
}

/// Keeps other processes of the user from reading this one's memory, where keys are, and the system from writing it to a file.
fn keep_memory_private() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "the memory of this process can be read by others of the user");
    }
}

/// Our own faults, on standard error. `CLAW_LOG` says which; without it, warnings.
fn log_to_stderr() {
    let builder = tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false);
    // That a logger is there already can only happen where this is called twice.
    let _ = match std::env::var("CLAW_LOG").ok().filter(|filter| !filter.is_empty()) {
        Some(filter) => builder.with_env_filter(tracing_subscriber::EnvFilter::new(filter)).try_init(),
        None => builder.with_max_level(tracing::Level::WARN).try_init(),
    };
}
