//! The code actions.

use tower_lsp::gen_lsp_types::{CodeAction, CodeActionParams, CodeActionResponse};
use tower_lsp::jsonrpc::Result;

use super::server::Server;

/// `textDocument/codeAction`.
pub async fn code_action(server: &Server, params: CodeActionParams) -> Result<Option<Vec<CodeActionResponse>>> {
    let _ = (server, params);
    Ok(None)
}

/// `codeAction/resolve`: what is not known comes back as it was.
pub async fn resolve(server: &Server, action: CodeAction) -> Result<CodeAction> {
    let _ = server;
    Ok(action)
}
