//! The MCP servers of an agent: as they are configured, and as a turn finds them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;

use super::gate::Request;
use super::session::Session;
use super::world::Connected;
use crate::config::{Config, Confined, Environment, McpServer, PermissionMode};
use crate::event::{Decision, McpConnected, McpServerState};
use crate::mcp::{Program, Reach, ServerSettings, Servers, Surroundings};
use crate::permission::Act;
use crate::tools::shell::{Cage, CommandSetup};

/// The servers that a configuration names, for a workspace whose first folder is `root`. Nothing is started.
pub fn configured(
    config: &Config,
    environment: &Environment,
    commands: &Arc<CommandSetup>,
    root: Option<&Path>,
    state: Option<&Path>,
) -> Servers {
    if config.mcp.servers.is_empty() {
        return Servers::default();
    }
    let commands = Arc::clone(commands);
    let surroundings = Surroundings {
        cage: Box::new(move || match commands.cage() {
            Cage::Proven(sandbox) => Ok(sandbox.clone()),
            Cage::Missing(reason) | Cage::Broken(reason) => Err(reason.clone()),
        }),
        environment: environment.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        folder: state.map(|state| state.join("cache/mcp")),
    };
    let servers = config.mcp.servers.iter();
    Servers::new(servers.map(|(name, server)| settings(name, server, environment, root)).collect(), surroundings)
}

/// The values of the user's variables that servers are given: they are kept out of everything that is written.
pub(in crate::agent) fn secrets(config: &Config, environment: &Environment) -> Vec<String> {
    let servers = config.mcp.servers.values().filter(|server| !server.is_asked);
    let values = servers.flat_map(|server| server.env.values().chain(server.headers.values()));
    let names = values.flat_map(|value| pieces(value)).filter_map(|piece| piece.err());
    names.filter_map(|name| environment.get(name)).map(|value| value.trim().to_owned()).collect()
}

impl Session {
    /// Starts what this turn may have, and tells what it offers; `None` where no server is configured.
    pub(in crate::agent) async fn connect_servers(&self, mode: PermissionMode) -> Option<Connected> {
        let parts = self.parts();
        let servers = &parts.servers;
        if servers.is_empty() {
            return None;
        }
        let refused = |name: &str, error: String| McpServerState {
            server: name.to_owned(),
            error: Some(error),
            ..McpServerState::default()
        };
        let mut connected = Connected::default();
        let (mut names, mut states) = (Vec::new(), Vec::new());
        for settings in servers.settings() {
            let name = settings.name.clone();
            if !self.trusts_workspace() {
                let mend = "the workspace is not trusted: `claw trust` in it lets servers run";
                states.push(refused(&name, mend.to_owned()));
                continue;
            }
            if settings.is_asked {
                let (program, rights) = (settings.program(), settings.rights(true));
                let input = json!({"server": name, "program": program, "rights": rights});
                let act = Act::StartServer { server: name.clone(), program, rights };
                let tool = act.tool();
                let decided = self.permit(Request { tool: &tool, input: &input, act: &act, mode }).await;
                let is_allowed = decided.decision == Decision::Allow;
                connected.decided.push(decided);
                if !is_allowed {
                    let mend =
                        "it was not allowed: others than you could have written its configuration, so it is asked";
                    states.push(refused(&name, mend.to_owned()));
                    continue;
                }
            }
            names.push(name);
        }
        states.extend(servers.connect(&names).await);
        states.sort_by(|one, other| one.server.cmp(&other.server));
        states.iter_mut().for_each(|state| self.redact_state(state));
        connected.servers = McpConnected { servers: states };
        Some(connected)
    }

    /// What a server says may hold anything. As it is written, so it is shown to the model.
    fn redact_state(&self, state: &mut McpServerState) {
        let redactor = &self.parts().redactor;
        for text in state.error.iter_mut().chain(&mut state.title).chain(&mut state.left_out) {
            *text = redactor.redact(text).into_owned();
        }
        for tool in &mut state.tools {
            tool.description = redactor.redact(&tool.description).into_owned();
            redactor.redact_value(&mut tool.parameters);
        }
    }
}

fn settings(name: &str, server: &McpServer, environment: &Environment, root: Option<&Path>) -> ServerSettings {
    let reach = reach(server, environment, root).unwrap_or_else(Reach::Unusable);
    ServerSettings {
        // A dot is nothing that providers take in the name of a tool.
        name: name.replace('.', "_"),
        reach,
        answer_within: Duration::from_secs(server.timeout_s),
        is_asked: server.is_asked,
    }
}

/// How it is reached; an error says what to mend.
fn reach(server: &McpServer, environment: &Environment, root: Option<&Path>) -> Result<Reach, String> {
    let filled = |pairs: &std::collections::BTreeMap<String, String>| -> Result<Vec<(String, SecretString)>, String> {
        pairs.iter().map(|(name, value)| Ok((name.clone(), filled(value, server, environment)?))).collect()
    };
    if let Some(url) = &server.url {
        return Ok(Reach::Http { url: url.clone(), headers: filled(&server.headers)? });
    }
    let command = server.command.clone().ok_or("it has no `command` and no `url`")?;
    let paths = |named: &[String]| -> Result<_, String> {
        named.iter().map(|path| place(path, server.is_asked, root)).collect()
    };
    Ok(Reach::Program(Program {
        argv: std::iter::once(command).chain(server.args.iter().cloned()).collect(),
        env: filled(&server.env)?,
        network: server.network,
        read: paths(&server.read)?,
        write: paths(&server.write)?,
        confined: server.sandbox == Confined::On,
    }))
}

/// A value with the user's variables in it. What others could have written gets none of them.
fn filled(value: &str, server: &McpServer, environment: &Environment) -> Result<SecretString, String> {
    let fill = |piece| match piece {
        Ok(text) => Ok(text),
        Err(name) if server.is_asked => {
            Err(format!("it wants your variable {name}, which only your own configuration file may give it"))
        }
        Err(name) => environment.get(name).map(str::trim).ok_or_else(|| format!("the variable {name} is not set")),
    };
    pieces(value).into_iter().map(fill).collect::<Result<String, String>>().map(SecretString::from)
}

/// A value in pieces: text as it is, and as an error the name of each `${NAME}`.
fn pieces(value: &str) -> Vec<Result<&str, &str>> {
    let mut pieces = Vec::new();
    let mut rest = value;
    while let Some((before, name, after)) = next_variable(rest) {
        pieces.extend([Ok(before), Err(name)]);
        rest = after;
    }
    pieces.push(Ok(rest));
    pieces
}

/// The first `${NAME}`, with what stands before and behind it.
fn next_variable(value: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = value.split_once("${")?;
    let (name, after) = rest.split_once('}')?;
    (!name.is_empty()).then_some((before, name, after))
}

/// A path that a server may see. What others could have written stays in the workspace.
fn place(path: &str, is_asked: bool, root: Option<&Path>) -> Result<std::path::PathBuf, String> {
    let whole = match (Path::new(path).is_absolute(), root) {
        (true, _) => Path::new(path).to_owned(),
        (false, Some(root)) => root.join(path),
        (false, None) => return Err(format!("`{path}` is relative, and the workspace has no folder")),
    };
    let real = whole.canonicalize().map_err(|error| format!("`{path}`: {error}"))?;
    match is_asked && !root.is_some_and(|root| root.canonicalize().is_ok_and(|root| real.starts_with(root))) {
        true => {
            Err(format!("`{path}` is outside of the workspace, which only your own configuration file may give it"))
        }
        false => Ok(real),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variable_of_a_value_is_found() {
        assert_eq!(pieces("plain"), [Ok("plain")]);
        assert_eq!(pieces("Bearer ${A}"), [Ok("Bearer "), Err("A"), Ok("")]);
        assert_eq!(pieces("${A}:${B}"), [Ok(""), Err("A"), Ok(":"), Err("B"), Ok("")]);
        assert_eq!(pieces("$A ${} ${B"), [Ok("$A ${} ${B")]);
    }
}
