//! `claw sessions apply`: what a session proposes, shown and written after its turn has ended.

use std::io::Write;

use serde::Serialize;

use super::arguments::ApplyArguments;
use super::error::{CliError, Exit};
use super::run::{self, Interrupts, Left, Phase};
use super::setup::Setup;
use super::terminal::{ColorChoice, Out, say};
use super::{describe, diff, sessions, trace};
use crate::agent::{Applied, Session};
use crate::workspace::HunkId;

/// `--json`.
#[derive(Serialize)]
struct Outcome<'a> {
    session: &'a str,
    /// What was proposed before anything was written.
    diff: &'a str,
    /// Paths that were written.
    applied: &'a [String],
    skipped: Vec<Left<'a>>,
    /// Hunks that are still proposed.
    pending: usize,
}

pub fn run(arguments: &ApplyArguments, color: ColorChoice) -> Result<Exit, CliError> {
    let setup = Setup::new(&arguments.directory, &[])?;
    let runtime = run::runtime()?;
    let _entered = runtime.enter();
    let session = resume(&setup, &arguments.session)?;
    let diff = session.diff();
    let mut out = Out::stdout(color);
    if arguments.dry_run && !arguments.json {
        diff::write(&mut out, &diff)?;
    }
    // A new file that is empty stands in no diff.
    let is_nothing = arguments.hunks.is_empty() && session.proposal().is_empty();
    let applied = if arguments.dry_run || is_nothing {
        Applied::default()
    } else {
        // Files are being replaced: a Ctrl-C waits until they are.
        Interrupts::watch().enter(Phase::Writing);
        let hunks: Vec<HunkId> = arguments.hunks.iter().cloned().map(HunkId).collect();
        let applied = if hunks.is_empty() { session.apply_all() } else { session.apply(&hunks) };
        applied.map_err(|error| CliError::failed(error.to_string()))?
    };
    let pending = session.proposal().hunks().count();
    run::say_what_became_of(&applied.files, &applied.skipped);
    if pending > 0 {
        say(format_args!("{} pending in session {}", describe::amount(pending as u64, "hunk"), session.id()));
    }
    if arguments.json {
        let skipped = applied.skipped.iter().map(Left::from).collect();
        let outcome = Outcome { session: session.id(), diff: &diff, applied: &applied.files, skipped, pending };
        run::write_line(&mut out, &outcome)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn resume(setup: &Setup, name: &str) -> Result<Session, CliError> {
    let agent = setup.agent()?.build().map_err(|error| CliError::usage(error.to_string()))?;
    let store = agent.store().ok_or_else(|| CliError::failed("no sessions are kept"))?;
    let id = sessions::find(store, name)?;
    // The names in a proposal mean other files in another folder.
    let worked_in = store.summary(&id)?.workspace;
    if worked_in != setup.root.display().to_string() {
        return Err(CliError::usage(format!("session {id} worked in {worked_in}: name that folder with -C")));
    }
    trace::tell_if_edited(store, &id)?;
    agent.resume(&id).map_err(|error| CliError::usage(error.to_string()))
}
