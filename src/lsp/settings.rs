//! What the editor sets, over the user's own configuration.

use serde_json::Value;
use tower_lsp::gen_lsp_types::DidChangeConfigurationParams;

use super::server::Server;
use crate::config::Config;

/// The configuration in force.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub config: Config,
    /// The editor vouches for the workspace.
    pub trusted: bool,
    /// `initializationOptions` as they came.
    pub initialization: Value,
    /// What the user should mend, shown once.
    pub problems: Vec<String>,
}

/// `workspace/didChangeConfiguration`.
pub fn did_change_configuration(server: &Server, params: DidChangeConfigurationParams) {
    let _ = (server, params);
}
