//! `claw context`: a dry run. What the first request of a turn would hold, without a model and without a trace.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::json;

use super::arguments::ContextArguments;
use super::describe;
use super::error::{CliError, Exit};
use super::place;
use super::setup::Setup;
use super::terminal::{ColorChoice, Out, Style};
use super::visible::{visible, visible_line};
use crate::agent::Ask;
use crate::event::ContextReceipt;
use crate::model::tokenizer::Tokenizer;

/// A dry run may wait for an index that a turn would not wait for.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn run(arguments: &ContextArguments, color: ColorChoice) -> Result<Exit, CliError> {
    let setup = Setup::new(&arguments.directory, &[])?;
    let receipt = receipt(&setup, &arguments.task, arguments.at.as_deref())?;
    let message = crate::context::render(&receipt);
    // Sections are estimated by their bytes; the whole is counted where the model's vocabulary is known.
    let tokenizer = setup.config().model.as_deref().and_then(Tokenizer::of);
    let counted = tokenizer.map(|tokenizer| (tokenizer.name(), tokenizer.count(&message)));
    let mut out = Out::stdout(color);
    if arguments.json {
        let mut event = serde_json::to_value(&receipt)?;
        if let Some(fields) = event.as_object_mut() {
            fields.insert("message".to_owned(), json!(message));
            if let Some((tokenizer, tokens)) = counted {
                fields.insert("counted".to_owned(), json!({"tokenizer": tokenizer, "tokens": tokens}));
            }
        }
        writeln!(out, "{}", serde_json::to_string_pretty(&event)?)?;
    } else {
        write_table(&mut out, &receipt)?;
        if let Some((tokenizer, tokens)) = counted {
            writeln!(out, "  {:<12} {} tokens by {tokenizer}", "counted", describe::count(tokens))?;
        }
        writeln!(out, "\n{}", visible(message.trim_end()))?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// `claw inspect context`: the sections that every first request here has.
pub fn inspect(out: &mut Out, setup: &Setup, as_json: bool) -> Result<(), CliError> {
    let receipt = receipt(setup, "", None)?;
    if as_json {
        writeln!(out, "{}", serde_json::to_string_pretty(&receipt)?)?;
        return Ok(());
    }
    write_table(out, &receipt)
}

fn receipt(setup: &Setup, task: &str, at: Option<&str>) -> Result<ContextReceipt, CliError> {
    let agent = setup.agent()?.build().map_err(|error| CliError::usage(error.to_string()))?;
    let view = agent.workspace().live();
    let focus = at.map(|place| place::focus(&view, place)).transpose()?;
    // A turn takes what is ready; here the index may come to its end first.
    agent.index().snapshot(&agent.visible().live(), Instant::now() + PATIENCE);
    let ask = Ask { instruction: task.to_owned(), focus, ..Ask::default() };
    Ok(agent.preview(&ask))
}

fn write_table(out: &mut Out, receipt: &ContextReceipt) -> Result<(), CliError> {
    let palette = out.palette;
    for section in &receipt.sections {
        let mark = match section.included {
            true => palette.paint(Style::Green, "✓"),
            false => palette.paint(Style::Dim, "·"),
        };
        let reason = section.reason.as_deref().map(visible_line).unwrap_or_default();
        writeln!(
            out,
            "{mark} {:<12} {:>7}  {}  {}",
            visible_line(&section.name),
            describe::count(section.tokens),
            visible_line(&section.source),
            palette.paint(Style::Dim, reason),
        )?;
    }
    let total = format!("{} of {} tokens", describe::count(receipt.tokens), describe::count(receipt.budget));
    writeln!(out, "  {:<12} {total}", "together")?;
    Ok(())
}
