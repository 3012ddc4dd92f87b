//! `claw trace` and `claw replay`: what happened in a session, and whether it happens again.

use std::io::Write;
use std::path::Path;

use serde_json::json;

use super::arguments::{ReplayArguments, TraceArguments};
use super::error::{CliError, Exit};
use super::files::{NotWritten, replace_private};
use super::terminal::{ColorChoice, Out, Style, say};
use super::visible::visible_line;
use super::{describe, run, sessions, setup, trace_html, trace_tree};
use crate::agent::replay::{Outcome, replay};
use crate::store::{Edited, Store};
use crate::tools::Tools;

pub fn trace(arguments: &TraceArguments, color: ColorChoice) -> Result<Exit, CliError> {
    let store = setup::store()?;
    let id = sessions::find(&store, &arguments.session)?;
    if let Some(path) = &arguments.html {
        return write_page(&store, &id, path, color);
    }
    tell_if_edited(&store, &id)?;
    let events = store.events(&id)?;
    let mut out = Out::stdout(color);
    if arguments.json {
        for event in &events {
            serde_json::to_writer(&mut out, event)?;
            writeln!(out)?;
        }
    } else {
        let palette = out.palette;
        writeln!(out, "{}", palette.paint(Style::Dim, format_args!("session {id}")))?;
        trace_tree::write(&mut out, palette, &events)?;
        if events.is_empty() {
            writeln!(out, "no event of it can be read")?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Says on standard error that a trace is not as it was written.
pub fn tell_if_edited(store: &Store, id: &str) -> Result<(), CliError> {
    store.check_trace(id)?.map(edited).iter().for_each(say);
    Ok(())
}

fn edited(edited: Edited) -> String {
    match edited {
        Edited::Line(line) => {
            format!("this trace was edited: what it tells from line {line} on may not be what happened")
        }
        Edited::Missing(lines) => {
            format!("this trace was cut: {} at its end went missing", describe::amount(lines as u64, "line"))
        }
    }
}

/// The session as a page, in a file or on standard output.
fn write_page(store: &Store, id: &str, path: &Path, color: ColorChoice) -> Result<Exit, CliError> {
    let warning = store.check_trace(id)?.map(edited);
    warning.iter().for_each(say);
    if path == Path::new("-") {
        let mut out = Out::stdout(color);
        trace_html::write(&mut out, store, id, warning.as_deref())?;
        out.flush()?;
        return Ok(Exit::Done);
    }
    let name = path.display();
    replace_private(path, |out| trace_html::write(out, store, id, warning.as_deref())).map_err(
        |error| match error {
            NotWritten::Place(error) => CliError::usage(format!(
                "{name} can not be written: {error}. Name a file in a folder of yours, or `-` for standard output"
            )),
            NotWritten::Content(error) => CliError::failed(format!("{name} was not written: {error}")),
        },
    )?;
    say(format_args!("wrote {}", std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display()));
    Ok(Exit::Done)
}

pub fn run_replay(arguments: &ReplayArguments, color: ColorChoice) -> Result<Exit, CliError> {
    let store = setup::store()?;
    let id = sessions::find(&store, &arguments.session)?;
    tell_if_edited(&store, &id)?;
    let runtime = run::runtime()?;
    let outcome = runtime
        .block_on(replay(&store, &id, &Tools::default(), None))
        .map_err(|error| CliError::failed(error.to_string()))?;
    runtime.shutdown_background();
    let mut out = Out::stdout(color);
    let palette = out.palette;
    let exit = match &outcome {
        Outcome::Identical { events, turns } => {
            if arguments.json {
                writeln!(out, "{}", json!({"session": id, "identical": true, "events": events, "turns": turns}))?;
            } else {
                let (events, turns) = (describe::amount(*events, "event"), describe::amount((*turns).into(), "turn"));
                writeln!(out, "{}: {events} in {turns}", palette.paint(Style::Green, "identical"))?;
            }
            Exit::Done
        }
        Outcome::Diverged { seq, expected, got } => {
            if arguments.json {
                let divergence = json!({"seq": seq, "expected": expected, "got": got});
                writeln!(out, "{}", json!({"session": id, "identical": false, "divergence": divergence}))?;
            } else {
                writeln!(out, "{} at event {seq}", palette.paint(Style::Red, "diverges"))?;
                write_divergence(&mut out, expected, got)?;
            }
            Exit::Failed
        }
    };
    out.flush()?;
    Ok(exit)
}

/// The two lines, and for long ones the place where they part.
fn write_divergence(out: &mut Out, expected: &str, got: &str) -> Result<(), CliError> {
    const AROUND: usize = 60;
    let palette = out.palette;
    let same = expected.chars().zip(got.chars()).take_while(|(a, b)| a == b).count();
    let window = |line: &str| -> String {
        if line.is_empty() {
            return "nothing".to_owned();
        }
        let start = same.saturating_sub(AROUND);
        let lead = if start > 0 { "…" } else { "" };
        let cut: String = line.chars().skip(start).take(3 * AROUND).collect();
        let tail = if line.chars().count() > start + 3 * AROUND { "…" } else { "" };
        format!("{lead}{cut}{tail}")
    };
    writeln!(out, "{}", palette.paint(Style::Red, format_args!("- {}", visible_line(&window(expected)))))?;
    writeln!(out, "{}", palette.paint(Style::Green, format_args!("+ {}", visible_line(&window(got)))))?;
    Ok(())
}
