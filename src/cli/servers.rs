//! MCP servers on the command line: what each may do, and what it offers now.

use std::io::Write;

use serde_json::json;

use super::error::CliError;
use super::run::runtime;
use super::setup::Setup;
use super::terminal::{Out, Style};
use super::visible::{visible, visible_line};
use crate::event::McpServerState;
use crate::mcp::ServerSettings;

/// A server that is configured.
pub struct Found {
    pub settings: ServerSettings,
    /// Where the configuration names it.
    pub origin: String,
    /// What it offers; an error is why it was not connected here, which is no fault of its own.
    pub state: Result<McpServerState, String>,
}

/// Connects the servers that a turn would connect unasked.
pub async fn look(setup: &Setup) -> Result<Vec<Found>, CliError> {
    let agent = setup.agent()?.build().map_err(|error| CliError::usage(error.to_string()))?;
    let unasked = agent.servers().settings().filter(|server| setup.trusted && !server.is_asked);
    let names: Vec<String> = unasked.map(|server| server.name.clone()).collect();
    let states = agent.servers().connect(&names).await;
    let found = |settings: &ServerSettings| Found {
        origin: origin(setup, &settings.name),
        state: match states.iter().find(|state| state.server == settings.name) {
            Some(state) => Ok(state.clone()),
            None if settings.is_asked => Err("not started here: a task asks before it starts".to_owned()),
            None => Err("not started: the workspace is not trusted (`claw trust`)".to_owned()),
        },
        settings: settings.clone(),
    };
    Ok(agent.servers().settings().map(found).collect())
}

pub fn inspect(out: &mut Out, setup: &Setup, as_json: bool) -> Result<(), CliError> {
    let runtime = runtime()?;
    let found = runtime.block_on(look(setup))?;
    runtime.shutdown_background();
    if as_json {
        let servers = found.iter().map(|server| {
            let (state, reason) = match &server.state {
                Ok(state) => (Some(state), None),
                Err(reason) => (None, Some(reason)),
            };
            json!({
                "name": server.settings.name,
                "program": server.settings.program(),
                "rights": server.settings.rights(false),
                "asked": server.settings.is_asked,
                "source": server.origin,
                "state": state,
                "not_connected": reason,
            })
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&json!({"servers": servers.collect::<Vec<_>>()}))?)?;
        return Ok(());
    }
    if found.is_empty() {
        writeln!(out, "no MCP server is configured: name one in [mcp.servers.NAME] of your configuration")?;
    }
    let palette = out.palette;
    for server in &found {
        let settings = &server.settings;
        let name = palette.paint(Style::Bold, visible_line(&settings.name));
        writeln!(out, "{name}  {}", palette.paint(Style::Dim, visible_line(&server.origin)))?;
        writeln!(out, "  {}", visible_line(&settings.program()))?;
        for right in settings.rights(false) {
            writeln!(out, "  {}", palette.paint(Style::Yellow, visible_line(&right)))?;
        }
        match &server.state {
            Err(why) => writeln!(out, "  {why}")?,
            Ok(state) => write_state(out, state)?,
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_state(out: &mut Out, state: &McpServerState) -> Result<(), CliError> {
    let palette = out.palette;
    if let Some(error) = &state.error {
        writeln!(out, "  {}", palette.paint(Style::Red, visible_line(error)))?;
    }
    if let Some(title) = &state.title {
        writeln!(out, "  runs: {}", visible_line(title))?;
    }
    for tool in &state.tools {
        writeln!(out, "  {}", palette.paint(Style::Cyan, visible_line(&tool.name())))?;
        if !tool.description.is_empty() {
            writeln!(out, "    {}", visible(tool.description.trim()).replace('\n', "\n    "))?;
        }
    }
    for left_out in &state.left_out {
        writeln!(out, "  {}", palette.paint(Style::Yellow, format_args!("not offered: {}", visible_line(left_out))))?;
    }
    Ok(())
}

/// Where a server is named, by its own name or by one with dots.
fn origin(setup: &Setup, name: &str) -> String {
    let keys = setup.config().mcp.servers.keys();
    let key = keys.into_iter().find(|key| key.replace('.', "_") == name);
    setup.loaded.origin(&format!("mcp.servers.{}", key.map_or(name, String::as_str))).to_string()
}
