//! What a pending hunk changes and why, on hover.

use tower_lsp::gen_lsp_types::{Hover, HoverParams};
use tower_lsp::jsonrpc::Result;

use super::server::Server;

/// `textDocument/hover`.
pub async fn hover(server: &Server, params: HoverParams) -> Result<Option<Hover>> {
    let _ = (server, params);
    Ok(None)
}
