//! MCP servers: programs and services that bring tools of their own. Speaks the Model Context Protocol, revisions 2025-11-25 and
//! 2026-07-28, over standard input and output or streamable HTTP, through its official client.
//!
//! A server is a stranger. A program runs confined, with the variables that are declared for it and no others, and sees no file of
//! the user's but what is named. What a server says is capped and cleaned before anybody sees it. It can call its tools' results and
//! nothing else: it is offered no sampling, no elicitation, no roots, and nothing is fetched that it links to. A server that hangs,
//! floods or dies costs its own calls.
//!
//! This module must never know which model calls the tools, or who allowed it.

mod answer;
mod http;
mod listed;
mod process;
mod server;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::event::McpServerState;
use crate::sandbox::Sandbox;

pub use answer::Answer;
use server::Server;

/// How a server is reached, and what it may have.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// What stands before its tools' names.
    pub name: String,
    pub reach: Reach,
    /// How long a call may take.
    pub answer_within: Duration,
    /// Others than the user could have written this: it is not connected before a yes.
    pub is_asked: bool,
}

#[derive(Clone, Debug)]
pub enum Reach {
    Program(Program),
    /// Streamable HTTP.
    Http {
        url: String,
        headers: Vec<(String, SecretString)>,
    },
    /// It can not be reached as it is configured, and why.
    Unusable(String),
}

/// A program that speaks over its standard input and output.
#[derive(Clone, Debug)]
pub struct Program {
    pub argv: Vec<String>,
    /// What it gets besides the harmless variables that every confined command gets.
    pub env: Vec<(String, SecretString)>,
    pub network: bool,
    /// Folders and files that it may read.
    pub read: Vec<PathBuf>,
    /// Folders and files that it may also write.
    pub write: Vec<PathBuf>,
    /// Without it the program is one of the user's own, with all that he may do.
    pub confined: bool,
}

/// What servers need of the machine.
pub struct Surroundings {
    /// The sandbox, once it was tried, or why there is none. Blocks.
    pub cage: Box<dyn Fn() -> Result<Sandbox, String> + Send + Sync>,
    /// The variables that servers get, out of these.
    pub environment: Vec<(OsString, OsString)>,
    /// Beneath it each server has a folder of its own; `None`: none is kept.
    pub folder: Option<PathBuf>,
}

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CallError(pub String);

/// The servers of an agent. Cheap to clone; they end with the last clone.
#[derive(Clone, Default)]
pub struct Servers {
    servers: Arc<BTreeMap<String, Server>>,
}

impl Servers {
    /// Nothing is started before it is needed.
    pub fn new(settings: Vec<ServerSettings>, surroundings: Surroundings) -> Servers {
        let surroundings = Arc::new(surroundings);
        let server =
            |settings: ServerSettings| (settings.name.clone(), Server::new(settings, Arc::clone(&surroundings)));
        Servers { servers: Arc::new(settings.into_iter().map(server).collect()) }
    }

    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// Whether both are the same servers, with the same rights: those that run already can do for the other.
    pub fn are(&self, other: &Servers) -> bool {
        let told = |servers: &Servers| -> Vec<_> {
            let told = servers.settings().map(|server| {
                (server.name.clone(), server.program(), server.rights(true), server.answer_within, server.is_asked)
            });
            told.collect()
        };
        told(self) == told(other)
    }

    /// In the order of their names.
    pub fn settings(&self) -> impl Iterator<Item = &ServerSettings> {
        self.servers.values().map(Server::settings)
    }

    /// Starts those of these names that do not run, side by side, and tells what they offer.
    pub async fn connect(&self, names: &[String]) -> Vec<McpServerState> {
        let wanted = self.servers.values().filter(|server| names.contains(&server.settings().name));
        join_all(wanted.map(Server::state)).await
    }

    /// Calls a tool by the name that [`Servers::connect`] told. Dropping the future cancels the call.
    pub async fn call(&self, server: &str, tool: &str, input: Value) -> Result<Answer, CallError> {
        match self.servers.get(server) {
            Some(server) => server.call(tool, input).await,
            None => Err(CallError(format!("there is no MCP server `{server}` any more: go on without it"))),
        }
    }
}

impl ServerSettings {
    /// What would be started, or where it is, as one would type it.
    pub fn program(&self) -> String {
        match &self.reach {
            Reach::Program(program) => program.argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
            Reach::Http { url, .. } => url.clone(),
            Reach::Unusable(why) => why.clone(),
        }
    }

    /// What it may have, in words; of variables and headers also what they hold, where `values` are wanted.
    pub fn rights(&self, values: bool) -> Vec<String> {
        let held = |pairs: &[(String, SecretString)]| -> String {
            let pair = |(name, value): &(String, SecretString)| match values {
                true => format!("{name}={}", value.expose_secret()),
                false => name.clone(),
            };
            pairs.iter().map(pair).collect::<Vec<_>>().join(", ")
        };
        let paths =
            |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        let rights = match &self.reach {
            Reach::Program(program) => vec![
                (!program.confined).then(|| "NOT confined".to_owned()),
                program.network.then(|| "with the network".to_owned()),
                (!program.read.is_empty()).then(|| format!("reads {}", paths(&program.read))),
                (!program.write.is_empty()).then(|| format!("writes {}", paths(&program.write))),
                (!program.env.is_empty()).then(|| format!("variables {}", held(&program.env))),
            ],
            Reach::Http { headers, .. } => vec![(!headers.is_empty()).then(|| format!("headers {}", held(headers)))],
            Reach::Unusable(_) => Vec::new(),
        };
        rights.into_iter().flatten().collect()
    }
}

/// A word as a shell would read it.
fn quoted(word: &str) -> String {
    let is_plain =
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./@:=+,%".contains(&byte));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
