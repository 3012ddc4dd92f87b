//! `workspace/executeCommand`.

use tower_lsp::gen_lsp_types::{ExecuteCommandParams, LspAny};
use tower_lsp::jsonrpc::{Error, Result};

use super::server::Server;

/// The commands of this server, as `initialize` announces them.
pub const COMMANDS: &[&str] = &[];

/// `workspace/executeCommand`.
pub async fn execute(server: &Server, params: ExecuteCommandParams) -> Result<Option<LspAny>> {
    let _ = server;
    Err(Error::invalid_params(format!("unknown command `{}`", params.command)))
}
