//! `claw manifest`: what this build holds, from the tables that the code itself runs on.

use std::io::Write;

use clap::CommandFactory;
use serde_json::{Value, json};

use super::arguments::Arguments;
use super::error::{CliError, Exit};
use super::schema::{self, Key};
use super::terminal::{ColorChoice, Out};
use crate::agent::prompt;
use crate::config::{Config, Provider};
use crate::event::{Event, SCHEMA_VERSION};
use crate::lsp;
use crate::syntax::Language;
use crate::tools::{Effect, Tools};

pub fn run(color: ColorChoice) -> Result<Exit, CliError> {
    let mut out = Out::stdout(color);
    writeln!(out, "{}", serde_json::to_string_pretty(&manifest())?)?;
    out.flush()?;
    Ok(Exit::Done)
}

fn manifest() -> Value {
    json!({
        "name": "claw",
        "version": env!("CARGO_PKG_VERSION"),
        "event_schema": SCHEMA_VERSION,
        "tools": tools(),
        "commands": commands(),
        "code_actions": code_actions(),
        "events": events(),
        "config": schema::keys::<Config>(),
        "providers": providers(),
        "prompts": prompts(),
        "grammars": grammars(),
    })
}

pub fn tools() -> Vec<Value> {
    Tools::default()
        .iter()
        .map(|tool| {
            json!({
                "name": tool.name(),
                "description": tool.description(),
                "effect": match tool.effect() {
                    Effect::Reads => "reads",
                    Effect::Edits => "edits",
                    Effect::Runs => "runs",
                },
                "parameters": tool.parameters(),
            })
        })
        .collect()
}

/// The commands of the binary and those of the language server, told apart by `kind`.
fn commands() -> Vec<Value> {
    let mut list = Vec::new();
    subcommands(&Arguments::command(), "", &mut list);
    list.extend(lsp::COMMANDS.iter().map(|name| json!({"name": name, "kind": "lsp"})));
    list
}

fn subcommands(command: &clap::Command, prefix: &str, list: &mut Vec<Value>) {
    for command in command.get_subcommands() {
        let name = format!("{prefix}{}", command.get_name());
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let arguments: Vec<String> = command
            .get_arguments()
            .map(|argument| match (argument.get_long(), argument.get_value_names()) {
                (Some(long), _) => format!("--{long}"),
                (None, Some([name, ..])) => name.to_string(),
                (None, _) => argument.get_id().to_string(),
            })
            .collect();
        list.push(json!({"name": name, "kind": "cli", "description": about, "arguments": arguments}));
        subcommands(command, &format!("{name} "), list);
    }
}

fn code_actions() -> Vec<Value> {
    lsp::CODE_ACTIONS.iter().map(|(kind, title)| json!({"kind": kind, "title": title})).collect()
}

/// Each event's `type` with the JSON Schema of its line.
fn events() -> Vec<Value> {
    let schema = schemars::schema_for!(Event).to_value();
    let alternatives = schema.get("oneOf").and_then(Value::as_array);
    alternatives
        .into_iter()
        .flatten()
        .filter_map(|alternative| {
            let name = alternative.pointer("/properties/type/const")?;
            Some(json!({"type": name, "description": alternative.get("description"), "schema": alternative}))
        })
        .collect()
}

pub fn providers() -> Vec<Value> {
    schema::alternatives::<Provider>()
        .into_iter()
        .map(|provider| json!({"name": provider.name, "description": provider.description}))
        .collect()
}

pub fn prompts() -> Vec<Value> {
    prompt::all().iter().map(|prompt| json!({"name": prompt.name, "hash": prompt.hash()})).collect()
}

pub fn grammars() -> Vec<&'static str> {
    Language::ALL.iter().map(|language| language.name()).collect()
}

pub fn keys() -> Vec<Key> {
    schema::keys::<Config>()
}
