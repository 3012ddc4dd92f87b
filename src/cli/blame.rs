//! `claw blame`: which session, turn and call put a line where it stands.

use std::io::Write;

use serde_json::{Value, json};

use super::arguments::BlameArguments;
use super::error::{CliError, Exit};
use super::setup::{self, Setup};
use super::terminal::{ColorChoice, Out, Style};
use super::visible::visible_line;
use super::{describe, place};
use crate::agent::blame::{Blame, blame};

pub fn run(arguments: &BlameArguments, color: ColorChoice) -> Result<Exit, CliError> {
    let setup = Setup::new(&arguments.directory, &[])?;
    let workspace = setup.workspace()?;
    let view = workspace.live();
    let focus = place::focus(&view, &arguments.place)?;
    let document = view.read(&focus.path).map_err(|error| CliError::usage(error.to_string()))?;
    let line = document.text.line_of(focus.range.start);
    let blamed = blame(&setup::store()?, view.roots(), &focus.path, &document.text, line).map_err(CliError::failed)?;
    let name = view.roots().display(&focus.path);
    let text = document.text.slice(document.text.line_range(line)).unwrap_or_default();
    let mut out = Out::stdout(color);
    if arguments.json {
        let mut fields = json!({"file": name, "line": line + 1, "text": text.trim_end(), "session": null});
        if let (Some(fields), Value::Object(told)) = (fields.as_object_mut(), serde_json::to_value(&blamed)?) {
            fields.extend(told);
        }
        writeln!(out, "{}", serde_json::to_string_pretty(&fields)?)?;
    } else {
        let place = format!("{}:{}", visible_line(&name), line + 1);
        writeln!(out, "{}  {}", out.palette.paint(Style::Bold, place), visible_line(text.trim()))?;
        match &blamed {
            Some(blamed) => write(&mut out, blamed)?,
            None => writeln!(out, "nothing of Claw's: no accepted change put this line here as it is now")?,
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn write(out: &mut Out, blamed: &Blame) -> Result<(), CliError> {
    let Blame { session, title, turn, time, prompt, model, hunk, label, call } = blamed;
    writeln!(out, "session  {session}  {}", describe::headline(title, 200))?;
    writeln!(out, "turn     {}  {time}  {}", visible_line(turn), visible_line(model))?;
    writeln!(out, "asked    {}", describe::headline(prompt, 200))?;
    writeln!(out, "hunk     {}  {}", visible_line(hunk), describe::headline(label, 200))?;
    if let Some(call) = call {
        writeln!(out, "call     {}  {}, event {}", visible_line(&call.tool), visible_line(&call.call), call.seq)?;
    }
    writeln!(out, "\n`claw trace {session}` shows how it came about")?;
    Ok(())
}
