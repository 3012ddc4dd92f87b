//! What a tool call would do, as a value.

use serde_json::Value;

use super::address::Address;
use super::{propose, shown};

/// Something a tool call would do that may need a yes.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Runs a command line.
    Shell {
        command: String,
        /// The folder as it is shown: relative to the workspace, `.` for its root.
        cwd: String,
        network: bool,
        /// It goes on running while the turn goes on.
        background: bool,
        /// A sandbox holds it.
        confined: bool,
        /// A hash of the files that [`script_sources`](super::script_sources) names, where there are any: what the command does
        /// is said by them.
        scripts: Option<String>,
    },
    /// Gets a page.
    Fetch { url: Address },
    /// Asks a search provider.
    Search { provider: String, query: String },
    /// Reads a file, by its resolved path relative to the workspace.
    Read { path: String },
    /// Edits, makes, moves or deletes a file, by its resolved path.
    Edit { path: String },
    /// Calls a tool of an MCP server.
    Mcp { server: String, tool: String, input: Value },
    /// Starts an MCP server, or reaches one, that the project's own configuration names.
    StartServer {
        server: String,
        /// The command line, or the address.
        program: String,
        /// What it may have: `NOT confined`, the variables that it gets.
        rights: Vec<String>,
    },
    /// Calls a tool that a program brought along.
    Other { tool: String, input: Value },
}

impl Act {
    /// The tool as rules name it.
    pub fn tool(&self) -> String {
        match self {
            Act::Shell { .. } => "shell".to_owned(),
            Act::Fetch { .. } => "web_fetch".to_owned(),
            Act::Search { .. } => "web_search".to_owned(),
            Act::Read { .. } => "read_file".to_owned(),
            Act::Edit { .. } => "edit_file".to_owned(),
            Act::Mcp { server, tool, .. } => format!("{server}__{tool}"),
            Act::StartServer { .. } => "mcp_start".to_owned(),
            Act::Other { tool, .. } => tool.clone(),
        }
    }

    /// It carries data out of this machine.
    pub fn sends(&self) -> bool {
        match self {
            Act::Fetch { .. } | Act::Search { .. } | Act::Mcp { .. } => true,
            // Without a cage nobody holds the network from it.
            Act::Shell { network, confined, .. } => *network || !*confined,
            Act::Read { .. } | Act::Edit { .. } | Act::StartServer { .. } | Act::Other { .. } => false,
        }
    }

    /// The exact act for a person: nothing in it is hidden, the head, the tail and every program of a long command are there.
    pub fn shown(&self) -> String {
        shown::shown(self)
    }

    /// What an approval is bound to: the same for two acts only if they are the same in every byte and circumstance.
    pub fn identity(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        match self {
            Act::Shell { command, cwd, network, background, confined, scripts } => {
                field(b"shell");
                field(command.as_bytes());
                field(cwd.as_bytes());
                field(&[u8::from(*network), u8::from(*background), u8::from(*confined), u8::from(scripts.is_some())]);
                field(scripts.as_deref().unwrap_or_default().as_bytes());
            }
            Act::Fetch { url } => {
                field(b"fetch");
                field(url.as_str().as_bytes());
            }
            Act::Search { provider, query } => {
                field(b"search");
                field(provider.as_bytes());
                field(query.as_bytes());
            }
            Act::Read { path } => {
                field(b"read");
                field(path.as_bytes());
            }
            Act::Edit { path } => {
                field(b"edit");
                field(path.as_bytes());
            }
            Act::Mcp { server, tool, input } => {
                field(b"mcp");
                field(server.as_bytes());
                field(tool.as_bytes());
                field(input.to_string().as_bytes());
            }
            Act::StartServer { server, program, rights } => {
                field(b"server");
                field(server.as_bytes());
                field(program.as_bytes());
                rights.iter().for_each(|right| field(right.as_bytes()));
            }
            Act::Other { tool, input } => {
                field(b"other");
                field(tool.as_bytes());
                field(input.to_string().as_bytes());
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The rule that "Always allow" writes, where one rule covers the act. None where no safe one exists.
    pub fn pattern(&self) -> Option<String> {
        let mut patterns = self.patterns();
        match patterns.len() {
            1 => patterns.pop(),
            _ => None,
        }
    }

    /// The rules that together cover the act: one for each program of a compound command. Empty where no safe ones exist.
    pub fn patterns(&self) -> Vec<String> {
        propose::patterns(self)
    }
}
