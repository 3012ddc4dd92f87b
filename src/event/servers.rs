//! MCP servers as a turn found them: an extension of the contract, without which a replay could not build the same requests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What came of the servers of a turn. There is none where no server is configured, or where the turn could not call one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct McpConnected {
    /// In the order of their names.
    pub servers: Vec<McpServerState>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct McpServerState {
    pub server: String,
    /// It runs, and told its tools.
    pub ok: bool,
    /// Why it does not, and what to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// What it calls itself, with its version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tools: Vec<McpTool>,
    /// What it offers and the model does not see, each with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left_out: Vec<String>,
}

/// A tool of a server, as the model is told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct McpTool {
    pub server: String,
    /// In letters that every provider takes.
    pub tool: String,
    pub description: String,
    /// JSON Schema of the arguments object.
    pub parameters: Value,
}

impl McpTool {
    /// The name that the model calls: `SERVER__TOOL`.
    pub fn name(&self) -> String {
        format!("{}__{}", self.server, self.tool)
    }
}

impl McpConnected {
    pub fn tools(&self) -> impl Iterator<Item = &McpTool> {
        self.servers.iter().flat_map(|server| &server.tools)
    }
}
