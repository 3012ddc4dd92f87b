//! The tables of the configuration. Of hooks, which are still to come, the keys are known and checked, so that a configuration
//! written today stays valid; nothing acts on them yet, and they say so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CheckConfig {
    /// Commands that are run on the proposed state when a turn has changed it: `["cargo check -q"]`. They run confined and without
    /// the network, or not at all. With none, `auto` runs what the project speaks for: `cargo check`, `pytest`, `npm test`, and
    /// the linters that it configures.
    pub commands: Vec<String>,
}

/// Rules like `shell(cargo test *)` and `web_fetch(docs.rs)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PermissionRules {
    /// What may be done unasked.
    pub allow: Vec<String>,
    /// What is asked each time.
    pub ask: Vec<String>,
    /// What is never done, whatever else allows it.
    pub deny: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShellConfig {
    /// Whether commands are confined.
    pub sandbox: Sandbox,
    /// Whether confined commands have the network. Each is then asked, unless rules allow it. Checks never have it.
    pub network: bool,
    /// The most seconds that a command may take: 600 for one of the model's and 120 for a check, if not set.
    pub timeout_s: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sandbox {
    /// Where the system can; where it can not, each command is asked.
    #[default]
    Auto,
    /// No command without it.
    Require,
    /// Nothing is confined, and each command is asked.
    Off,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SearchConfig {
    /// Who answers web searches. Without one the model can not search.
    pub provider: Option<SearchProvider>,
    /// Where that is: `http://127.0.0.1:8888` for a SearXNG. Brave and Tavily have addresses of their own.
    pub url: Option<String>,
    /// Name of the environment variable that holds its key, for Brave and Tavily. Never the key.
    pub api_key_env: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SearchProvider {
    Searxng,
    Brave,
    Tavily,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct McpConfig {
    /// MCP servers by name. Their tools are offered as `NAME__TOOL`, in workspaces that are trusted.
    pub servers: BTreeMap<String, McpServer>,
}

/// A server that is started (`command`) or reached (`url`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct McpServer {
    /// The program, which speaks over its standard input and output.
    pub command: Option<String>,
    pub args: Vec<String>,
    /// Variables that the program gets, beside a few harmless ones, and no others. A value `${NAME}` is that variable of yours.
    pub env: BTreeMap<String, String>,
    /// Whether the program has the network.
    pub network: bool,
    /// Folders and files that the program may read, from the workspace or absolute. It sees none of yours but these.
    pub read: Vec<String>,
    /// Folders and files that the program may also write. What it writes is not proposed: it is written.
    pub write: Vec<String>,
    /// `on` confines the program, and does not start it where that can not be. `off`: it may do what you may do.
    pub sandbox: Confined,
    /// The address of a server that speaks streamable HTTP.
    pub url: Option<String>,
    /// Headers of each request. A value `${NAME}`, also behind other words as in `Bearer ${NAME}`, is that variable of yours.
    pub headers: BTreeMap<String, String>,
    /// The most seconds that a call may take.
    pub timeout_s: u64,
    /// Others than the user could have written this, so that it is asked before it counts. Set when the configuration is loaded.
    #[serde(skip)]
    pub is_asked: bool,
}

impl Default for McpServer {
    fn default() -> McpServer {
        McpServer {
            command: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            network: true,
            read: Vec::new(),
            write: Vec::new(),
            sandbox: Confined::On,
            url: None,
            headers: BTreeMap::new(),
            timeout_s: 120,
            is_asked: false,
        }
    }
}

/// Whether a server's program is confined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confined {
    #[default]
    On,
    Off,
}

/// Commands that get an event as JSON on their standard input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HooksConfig {
    /// Before a tool runs. Not used yet.
    pub pre_tool: Commands,
    /// After a tool ran. Not used yet.
    pub post_tool: Commands,
    /// When the user asks. Not used yet.
    pub prompt: Commands,
    /// When a turn has ended. Not used yet.
    pub turn_end: Commands,
}

/// One command or a list of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Commands {
    One(String),
    Several(Vec<String>),
}

impl Default for Commands {
    fn default() -> Commands {
        Commands::Several(Vec::new())
    }
}
