//! Configuration: one typed struct, layered, every value with where it came from.
//!
//! Defaults < user file < project file < editor settings < environment < flags. What can not be used is a problem with a place and
//! a message, and the default takes its place; loading never fails. This module must never know what the values are used for.

mod environment;
mod file;
mod layer;
mod load;
mod models;
mod places;
mod rules;
mod sections;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use environment::Environment;
pub use load::{Flag, Ignored, Loaded, Origin, Problem, Sources, load};
pub use models::{Choice, ModelFacts, SmallModel};
pub use places::{always_file, state_dir, user_file};
pub use sections::{
    CheckConfig, Commands, Confined, HooksConfig, McpConfig, McpServer, PermissionRules, Sandbox, SearchConfig,
    SearchProvider, ShellConfig,
};

pub use crate::event::{Effort, PermissionMode, ToolForm};

/// Everything that can be set. The doc comments are the user's manual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who serves the model. Unset: a local Ollama, else the provider whose key is in the environment.
    pub provider: Option<Provider>,
    /// The model's name as the provider knows it.
    pub model: Option<String>,
    /// Where the provider is: `https://api.example.com/v1`, `http://127.0.0.1:11434` for an Ollama.
    pub base_url: Option<String>,
    /// Name of the environment variable that holds the key. Never the key.
    pub api_key_env: Option<String>,
    /// For `provider = "script"`: the file of model turns. A relative path begins at the workspace; if there is no such file, at
    /// the folder of the configuration file.
    pub script: Option<String>,
    /// How much the model thinks before it answers: `none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`. Unset: as the
    /// provider thinks right.
    #[schemars(with = "Option<String>")]
    pub effort: Option<Effort>,
    pub small_model: SmallModel,
    /// What models take and cost, by name.
    pub models: BTreeMap<String, ModelFacts>,
    /// How the model calls tools: `native`, `json`, `blocks` or `whole`. Unset: by what is known of its family.
    #[schemars(with = "Option<String>")]
    pub tool_format: Option<ToolForm>,
    /// A short prompt with few tools. Unset: for models of four billion parameters and fewer.
    pub lean: Option<bool>,
    /// How much may be done unasked: `read-only`, `ask` or `auto`.
    #[schemars(with = "String")]
    pub permission_mode: PermissionMode,
    pub limits: Limits,
    pub context: ContextConfig,
    pub review: ReviewConfig,
    pub check: CheckConfig,
    pub permissions: PermissionRules,
    pub shell: ShellConfig,
    pub search: SearchConfig,
    pub mcp: McpConfig,
    pub hooks: HooksConfig,
    pub trace: TraceConfig,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// Any OpenAI-compatible Chat Completions endpoint.
    Openai,
    /// OpenAI's Responses API, at OpenAI or wherever it is spoken.
    OpenaiResponses,
    /// Anthropic's Messages API, at Anthropic or wherever it is spoken.
    Anthropic,
    /// An Ollama, by its own API.
    Ollama,
    /// Model turns from a file.
    Script,
}

impl Provider {
    /// The value as it is written in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Openai => "openai",
            Provider::OpenaiResponses => "openai-responses",
            Provider::Anthropic => "anthropic",
            Provider::Ollama => "ollama",
            Provider::Script => "script",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Model requests a turn may make.
    pub max_steps: u32,
    /// Seconds a turn may take.
    pub turn_timeout_s: u64,
    /// Seconds a model may stay silent.
    pub model_idle_timeout_s: u64,
    /// Seconds a question waits for its answer.
    pub prompt_timeout_s: u64,
    /// Tokens, input and output together, that a turn may use.
    pub max_tokens: Option<u64>,
    /// What a turn may cost, in US dollars.
    pub max_cost: Option<f64>,
    /// Subagents a turn may start. With 0 there is no `task` tool.
    pub max_children: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ContextConfig {
    /// Tokens the outline of the workspace may take in the first request.
    pub map_tokens: u64,
    /// The model's window in tokens, where the provider does not tell.
    pub window: Option<u64>,
    /// Globs of files that are never shown to a model: as in a `.gitignore`, a glob of a folder stands for all that is in it.
    pub exclude: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReviewConfig {
    /// How hunks are shown: `auto` chooses by what the editor can do.
    pub in_editor: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TraceConfig {
    /// Where spans are sent, as OTLP over HTTP. Not used yet.
    pub otlp_endpoint: Option<String>,
    /// Days after which `claw sessions prune` removes a session.
    pub keep_days: Option<u32>,
    /// Regular expressions of text that must never be written.
    pub redact: Vec<String>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            provider: None,
            model: None,
            base_url: None,
            api_key_env: None,
            script: None,
            effort: None,
            small_model: SmallModel::default(),
            models: BTreeMap::new(),
            tool_format: None,
            lean: None,
            permission_mode: PermissionMode::Ask,
            limits: Limits::default(),
            context: ContextConfig::default(),
            review: ReviewConfig::default(),
            check: CheckConfig::default(),
            permissions: PermissionRules::default(),
            shell: ShellConfig::default(),
            search: SearchConfig::default(),
            mcp: McpConfig::default(),
            hooks: HooksConfig::default(),
            trace: TraceConfig::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_steps: 100,
            turn_timeout_s: 1800,
            model_idle_timeout_s: 60,
            prompt_timeout_s: 300,
            max_tokens: None,
            max_cost: None,
            max_children: 16,
        }
    }
}

impl Default for ContextConfig {
    fn default() -> ContextConfig {
        ContextConfig { map_tokens: 2000, window: None, exclude: Vec::new() }
    }
}

impl Default for ReviewConfig {
    fn default() -> ReviewConfig {
        ReviewConfig { in_editor: "auto".to_owned() }
    }
}
