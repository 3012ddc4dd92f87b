//! `claw sessions`: what is kept of past sessions.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::arguments::{Directory, SessionsAction, SessionsArguments};
use super::error::{CliError, Exit};
use super::setup::Setup;
use super::terminal::{ColorChoice, Out, Style, say};
use super::visible::{visible, visible_line};
use super::{apply, describe, run, setup};
use crate::agent::clock::{Clock, SystemClock};
use crate::event::{Decision, Event, EventKind, PermissionDecided};
use crate::store::{SessionSummary, Store};

pub fn run(arguments: SessionsArguments, color: ColorChoice) -> Result<Exit, CliError> {
    let mut out = Out::stdout(color);
    let exit = match arguments.action {
        None => list(&mut out, arguments.json)?,
        Some(SessionsAction::List { json }) => list(&mut out, json || arguments.json)?,
        Some(SessionsAction::Show { session, json }) => show(&mut out, &session, json || arguments.json)?,
        Some(SessionsAction::Resume { resumed, mut run }) => {
            run.session = Some(resumed);
            return run::run(&run, color);
        }
        Some(SessionsAction::Apply(arguments)) => return apply::run(&arguments, color),
        Some(SessionsAction::Rename { session, title }) => {
            let store = setup::store()?;
            let id = find(&store, &session)?;
            store.rename(&id, &title)?;
            say(format_args!("{id} is now called {}", visible_line(&title)));
            Exit::Done
        }
        Some(SessionsAction::Export { session, to }) => export(&mut out, &session, to.as_deref())?,
        Some(SessionsAction::Rm { sessions }) => {
            let store = setup::store()?;
            // All names must mean something before anything goes.
            let ids = sessions.iter().map(|name| find(&store, name)).collect::<Result<Vec<_>, _>>()?;
            for id in ids {
                store.remove(&id)?;
                say(format_args!("removed {id}"));
            }
            Exit::Done
        }
        Some(SessionsAction::Prune { days }) => prune(days)?,
    };
    out.flush()?;
    Ok(exit)
}

/// The whole id that a SESSION argument means.
pub fn find(store: &Store, name: &str) -> Result<String, CliError> {
    store.find(name).map_err(|error| CliError::usage(format!("{error}. `claw sessions` lists them")))
}

fn list(out: &mut Out, as_json: bool) -> Result<Exit, CliError> {
    let sessions = setup::store()?.sessions()?;
    if as_json {
        writeln!(out, "{}", serde_json::to_string_pretty(&sessions)?)?;
        return Ok(Exit::Done);
    }
    if sessions.is_empty() {
        say("there are no sessions yet: `claw run TASK` makes one");
    }
    for session in &sessions {
        let palette = out.palette;
        let turns = describe::amount(session.turns.into(), "turn");
        let tokens = describe::amount(session.usage.input.saturating_add(session.usage.output), "token");
        let cost = session.cost.map(|cost| format!(" · {}", describe::cost(Some(cost)))).unwrap_or_default();
        let when = session.updated.get(..16).unwrap_or(&session.updated).replace('T', " ");
        let place = Path::new(&session.workspace).file_name().map(|name| name.to_string_lossy().into_owned());
        writeln!(
            out,
            "{}  {when}  {:<10}  {}  {}",
            palette.paint(Style::Yellow, &session.id),
            session.status,
            palette.paint(Style::Bold, describe::headline(&session.title, 60)),
            palette.paint(
                Style::Dim,
                format_args!(
                    "{turns} · {tokens}{cost} · {} · {}{}",
                    visible_line(&session.model),
                    visible_line(&place.unwrap_or_default()),
                    session
                        .parent
                        .as_deref()
                        .map(|parent| format!(" · for {}", visible_line(parent)))
                        .unwrap_or_default()
                )
            ),
        )?;
    }
    Ok(Exit::Done)
}

fn show(out: &mut Out, name: &str, as_json: bool) -> Result<Exit, CliError> {
    let store = setup::store()?;
    let id = find(&store, name)?;
    let summary = store.summary(&id)?;
    let events = store.events(&id)?;
    let turns = turns(&events);
    if as_json {
        let mut value = serde_json::to_value(&summary)?;
        if let Value::Object(fields) = &mut value {
            fields.insert("trace".to_owned(), json!(store.trace_path(&id)));
            fields.insert("asked".to_owned(), json!(turns));
            fields.insert("permissions".to_owned(), json!(permissions(&events)));
            fields.insert("children".to_owned(), json!(children(&store, &id)?));
            fields.insert("proposal".to_owned(), json!(last_proposal(&events)));
        }
        writeln!(out, "{}", serde_json::to_string_pretty(&value)?)?;
        return Ok(Exit::Done);
    }
    let palette = out.palette;
    writeln!(out, "{}", palette.paint(Style::Bold, describe::headline(&summary.title, 200)))?;
    writeln!(out, "session    {id}")?;
    if let Some(parent) = &summary.parent {
        writeln!(out, "for        session {}", visible_line(parent))?;
    }
    writeln!(out, "workspace  {}", visible_line(&summary.workspace))?;
    writeln!(out, "model      {}", visible_line(&summary.model))?;
    let cost = describe::and_cost(summary.cost, summary.usage);
    writeln!(out, "used       {}{cost}", describe::usage(summary.usage))?;
    writeln!(out, "time       {} to {}", summary.started, summary.updated)?;
    writeln!(out, "trace      {}", store.trace_path(&id).display())?;
    for (number, turn) in turns.iter().enumerate() {
        writeln!(out, "\n{}", palette.paint(Style::Cyan, format_args!("turn {} · {}", number + 1, turn.status)))?;
        writeln!(out, "{}", palette.paint(Style::Bold, visible(turn.task.trim_end())))?;
        if !turn.answer.trim().is_empty() {
            writeln!(out, "{}", visible(turn.answer.trim_end()))?;
        }
    }
    let decided = permissions(&events);
    if !decided.is_empty() {
        writeln!(out, "\n{}", palette.paint(Style::Cyan, "permissions"))?;
    }
    for decided in decided {
        let decision = match decided.decision {
            Decision::Allow => palette.paint(Style::Green, "allowed"),
            Decision::Deny => palette.paint(Style::Red, "denied"),
        };
        let what = describe::headline(&describe::call(&decided.tool, &decided.input), 90);
        writeln!(out, "  {what}: {decision} {}", palette.paint(Style::Dim, describe::decided_by(decided)))?;
    }
    let children = children(&store, &id)?;
    if !children.is_empty() {
        writeln!(out, "\n{}", palette.paint(Style::Cyan, "sessions that it began"))?;
    }
    for child in children {
        writeln!(out, "  {}  {:<10}  {}", child.id, child.status, describe::headline(&child.title, 60))?;
    }
    if let Some(files) = last_proposal(&events) {
        writeln!(
            out,
            "\n{}",
            palette.paint(Style::Cyan, format_args!("last proposed: {}", describe::proposal(files)))
        )?;
        for file in files {
            let name = if file.path.is_empty() { &file.uri } else { &file.path };
            writeln!(out, "  {} {}", describe::change(file.change), visible_line(name))?;
        }
    }
    Ok(Exit::Done)
}

#[derive(serde::Serialize)]
struct TurnShown<'a> {
    turn: &'a str,
    task: &'a str,
    status: &'static str,
    answer: &'a str,
}

fn turns(events: &[Event]) -> Vec<TurnShown<'_>> {
    let mut turns: Vec<TurnShown<'_>> = Vec::new();
    for event in events {
        match &event.kind {
            EventKind::TurnStart(start) => {
                turns.push(TurnShown { turn: &event.turn, task: &start.task, status: "unfinished", answer: "" });
            }
            EventKind::TurnEnd(end) => {
                if let Some(turn) = turns.iter_mut().find(|turn| turn.turn == event.turn) {
                    turn.status = describe::status(end.status);
                    turn.answer = &end.answer;
                }
            }
            _ => {}
        }
    }
    turns
}

fn permissions(events: &[Event]) -> Vec<&PermissionDecided> {
    let decided = events.iter().filter_map(|event| match &event.kind {
        EventKind::Permission(decided) => Some(decided),
        _ => None,
    });
    decided.collect()
}

/// Sessions that a turn of this one asked for, the first first.
fn children(store: &Store, id: &str) -> Result<Vec<SessionSummary>, CliError> {
    let mut children = store.sessions()?;
    children.retain(|session| session.parent.as_deref() == Some(id));
    children.reverse();
    Ok(children)
}

fn last_proposal(events: &[Event]) -> Option<&Vec<crate::event::ProposedFile>> {
    events.iter().rev().find_map(|event| match &event.kind {
        EventKind::Proposal { files, .. } => Some(files),
        _ => None,
    })
}

fn export(out: &mut Out, name: &str, to: Option<&Path>) -> Result<Exit, CliError> {
    let store = setup::store()?;
    let id = find(&store, name)?;
    let session = serde_json::to_string_pretty(&store.export(&id)?)?;
    match to {
        None => writeln!(out, "{session}")?,
        Some(path) => {
            // A session may hold source code and what was said about it: a new file, for its owner alone.
            let mut file = super::files::create_private(path)
                .map_err(|error| CliError::failed(format!("{} can not be written: {error}", path.display())))?;
            writeln!(file, "{session}")?;
            say(format_args!("wrote {}", path.display()));
        }
    }
    Ok(Exit::Done)
}

fn prune(days: Option<u32>) -> Result<Exit, CliError> {
    let setup = Setup::new(&Directory::default(), &[])?;
    let Some(days) = days.or(setup.config().trace.keep_days) else {
        return Err(CliError::usage("how old is too old? Say --days N, or set keep_days under [trace]"));
    };
    let removed = setup::store()?.prune(days, &SystemClock::default().now())?;
    for session in &removed {
        say(format_args!("removed {} {}", session.id, describe::headline(&session.title, 60)));
    }
    say(format_args!("{} removed", describe::amount(removed.len() as u64, "session")));
    Ok(Exit::Done)
}
