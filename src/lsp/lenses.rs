//! A code lens for each pending hunk.

use tower_lsp::gen_lsp_types::{CodeLens, CodeLensParams};
use tower_lsp::jsonrpc::Result;

use super::server::Server;

/// `textDocument/codeLens`.
pub async fn code_lens(server: &Server, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
    let _ = (server, params);
    Ok(None)
}
