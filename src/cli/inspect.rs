//! `claw inspect`: what a part of Claw holds now.

use std::io::Write;

use serde_json::{Value, json};

use super::arguments::{InspectArguments, Subsystem};
use super::error::{CliError, Exit};
use super::manifest;
use super::setup::Setup;
use super::terminal::{ColorChoice, Out, Style};
use super::visible::{visible, visible_line};
use crate::agent::prompt;
use crate::model::known::vendors;
use crate::sandbox::Sandbox;
use crate::tools::{Effect, Tools};

pub fn run(arguments: &InspectArguments, color: ColorChoice) -> Result<Exit, CliError> {
    let mut out = Out::stdout(color);
    match (arguments.subsystem, arguments.json) {
        (Subsystem::Tools, true) => write_json(&mut out, &json!(manifest::tools()))?,
        (Subsystem::Tools, false) => tools(&mut out)?,
        (Subsystem::Prompts, true) => {
            let prompts = prompt::all().iter();
            let prompts =
                prompts.map(|prompt| json!({"name": prompt.name, "hash": prompt.hash(), "text": prompt.text}));
            write_json(&mut out, &prompts.collect())?;
        }
        (Subsystem::Prompts, false) => prompts(&mut out)?,
        (Subsystem::Context, as_json) => {
            super::context::inspect(&mut out, &Setup::new(&arguments.directory, &[])?, as_json)?
        }
        (Subsystem::Providers, as_json) => providers(&mut out, &Setup::new(&arguments.directory, &[])?, as_json)?,
        (Subsystem::Config, as_json) => config(&mut out, &Setup::new(&arguments.directory, &[])?, as_json)?,
        (Subsystem::Permissions, as_json) => {
            super::permissions::inspect(&mut out, &Setup::new(&arguments.directory, &[])?, as_json)?
        }
        (Subsystem::Grammars, true) => write_json(&mut out, &json!(manifest::grammars()))?,
        (Subsystem::Grammars, false) => {
            for name in manifest::grammars() {
                writeln!(out, "{name}")?;
            }
        }
        (Subsystem::Sandbox, as_json) => sandbox(&mut out, as_json)?,
        (Subsystem::Mcp, as_json) => {
            super::servers::inspect(&mut out, &Setup::new(&arguments.directory, &[])?, as_json)?
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn write_json(out: &mut Out, value: &Value) -> Result<(), CliError> {
    writeln!(out, "{}", serde_json::to_string_pretty(value)?)?;
    Ok(())
}

fn tools(out: &mut Out) -> Result<(), CliError> {
    let palette = out.palette;
    for tool in Tools::default().iter() {
        let effect = match tool.effect() {
            Effect::Reads => "reads",
            Effect::Edits => "proposes edits",
            Effect::Runs => "runs something",
        };
        writeln!(
            out,
            "{}  {}",
            palette.paint(Style::Bold, tool.name()),
            palette.paint(Style::Dim, format_args!("({effect})"))
        )?;
        writeln!(out, "  {}", tool.description().trim().replace('\n', "\n  "))?;
        let parameters = tool.parameters();
        let required: Vec<&str> = parameters
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, field) in parameters.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let mark = if required.contains(&name.as_str()) { "" } else { "?" };
            let about = field.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
            writeln!(out, "    {}  {about}", palette.paint(Style::Cyan, format_args!("{name}{mark}")))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn prompts(out: &mut Out) -> Result<(), CliError> {
    let palette = out.palette;
    for prompt in prompt::all() {
        writeln!(out, "{}  {}", palette.paint(Style::Bold, prompt.name), palette.paint(Style::Dim, prompt.hash()))?;
        writeln!(out, "{}\n", visible(prompt.text.trim_end()))?;
    }
    Ok(())
}

/// Each forbidden act, tried now, and what became of it.
fn sandbox(out: &mut Out, as_json: bool) -> Result<(), CliError> {
    let proof = match Sandbox::find().map(|sandbox| sandbox.prove()) {
        Ok(proof) => proof,
        Err(unavailable) if as_json => return write_json(out, &json!({"holds": false, "unavailable": unavailable})),
        Err(unavailable) => {
            writeln!(out, "{}", visible(&unavailable.to_string()))?;
            return Ok(());
        }
    };
    if as_json {
        return write_json(out, &json!({"holds": proof.holds(), "proof": proof}));
    }
    let palette = out.palette;
    for act in &proof.acts {
        let mark = if act.holds { palette.paint(Style::Green, "✓") } else { palette.paint(Style::Red, "✗") };
        let rule = if act.forbidden { "forbidden" } else { "allowed" };
        writeln!(out, "{mark} {rule:<10} {:<44} {}", visible_line(&act.name), visible_line(&act.happened))?;
    }
    Ok(())
}

fn providers(out: &mut Out, setup: &Setup, as_json: bool) -> Result<(), CliError> {
    let chosen = setup.config();
    if as_json {
        let chosen = json!({
            "provider": chosen.provider,
            "model": chosen.model,
            "base_url": chosen.base_url,
            "effort": chosen.effort,
            "small_model": chosen.small_model,
        });
        let prices = vendors().iter().map(|vendor| {
            json!({"vendor": vendor.name, "hosts": vendor.hosts, "source": vendor.source, "as_of": vendor.as_of})
        });
        let prices: Vec<Value> = prices.collect();
        return write_json(out, &json!({"providers": manifest::providers(), "chosen": chosen, "prices": prices}));
    }
    let palette = out.palette;
    for provider in super::schema::alternatives::<crate::config::Provider>() {
        writeln!(out, "{:<12} {}", provider.name, provider.description)?;
    }
    let word = |value: Option<String>| value.map_or("not set".to_owned(), |value| visible_line(&value).into_owned());
    let provider = chosen.provider.and_then(|provider| serde_json::to_value(provider).ok());
    let provider = provider.and_then(|provider| provider.as_str().map(str::to_owned));
    writeln!(out, "\n{}", palette.paint(Style::Bold, "Configured"))?;
    writeln!(out, "provider  {}", word(provider))?;
    writeln!(out, "model     {}", word(chosen.model.clone()))?;
    writeln!(out, "base_url  {}", word(chosen.base_url.clone()))?;
    let effort = chosen.effort.and_then(|effort| serde_json::to_value(effort).ok());
    writeln!(out, "effort    {}", word(effort.and_then(|effort| effort.as_str().map(str::to_owned))))?;
    if let Some(small) = chosen.for_small() {
        writeln!(out, "small     {}", word(small.model))?;
    }
    writeln!(out, "\n{}", palette.paint(Style::Bold, "Prices"))?;
    for vendor in vendors() {
        writeln!(out, "{:<12} of {}, {}", vendor.name, vendor.as_of, vendor.source)?;
    }
    writeln!(out, "{:<12} [models.NAME] in your configuration", "others")?;
    Ok(())
}

fn config(out: &mut Out, setup: &Setup, as_json: bool) -> Result<(), CliError> {
    let values = serde_json::to_value(setup.config())?;
    let rows: Vec<(String, Value, String)> = manifest::keys()
        .into_iter()
        .map(|key| {
            let pointer = format!("/{}", key.key.replace('.', "/"));
            let value = values.pointer(&pointer).cloned().unwrap_or_default();
            let origin = setup.loaded.origin(&key.key).to_string();
            (key.key, value, origin)
        })
        .collect();
    if as_json {
        let rows = rows.iter().map(|(key, value, origin)| json!({"key": key, "value": value, "source": origin}));
        return write_json(
            out,
            &json!({"values": rows.collect::<Vec<_>>(), "problems": setup.problems(), "ignored": setup.ignored()}),
        );
    }
    let palette = out.palette;
    for (key, value, origin) in rows {
        let value = if value.is_null() { "not set".to_owned() } else { value.to_string() };
        writeln!(out, "{key:<28} {:<28} {}", visible_line(&value), palette.paint(Style::Dim, visible_line(&origin)))?;
    }
    for problem in setup.problems().into_iter().chain(setup.ignored()) {
        writeln!(out, "{}", palette.paint(Style::Yellow, visible(&problem)))?;
    }
    Ok(())
}
