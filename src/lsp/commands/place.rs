//! Where a command acts: what its arguments say, else where the user last was.

use std::ops::Range;

use tower_lsp::gen_lsp_types::Range as LspRange;

use super::Arguments;
use crate::context::Focus;
use crate::lsp::server::Server;
use crate::lsp::{comments, convert};
use crate::text::{PositionEncoding, Text};

/// The place that the arguments name, else the last focus, else an open document. `None` if there is nothing to be at.
pub async fn focus(server: &Server, arguments: &Arguments) -> Result<Option<Focus>, String> {
    let Some(uri) = arguments.uri.clone() else { return Ok(last_focus(server)) };
    let (path, workspace, encoding) =
        server.state.with(|state| (state.doc_path(&uri), state.workspace.clone(), state.client.encoding));
    let range = arguments.range;
    let focus = super::blocking(move || {
        let range = match (range, workspace.live().read(&path)) {
            (Some(range), Ok(document)) => bytes(&document.text, range, encoding),
            (None, Ok(_)) => 0..0,
            (_, Err(error)) => return Err(error.to_string()),
        };
        Ok(Focus { path, range })
    });
    let focus = focus.await?;
    server.state.with(|state| state.focus = Some(focus.clone()));
    Ok(Some(focus))
}

/// The last focus, as far as its document is still open and has such a place.
pub fn last_focus(server: &Server) -> Option<Focus> {
    server.state.with(|state| {
        let buffers = state.workspace.buffers();
        if let Some(focus) = &state.focus
            && let Some(buffer) = buffers.get(&focus.path)
        {
            let length = buffer.text.len();
            let range = focus.range.start.min(length)..focus.range.end.min(length);
            return Some(Focus { path: focus.path.clone(), range });
        }
        let (path, _) = buffers.iter().next()?;
        Some(Focus { path: path.clone(), range: 0..0 })
    })
}

/// The comment at `range` that asks `instruction`, as the text of this moment has it. `None` if it is not there any more: then
/// nothing is removed.
pub fn comment(server: &Server, focus: &Focus, range: LspRange, instruction: &str) -> Option<Focus> {
    let (buffer, encoding) = server.state.with(|state| {
        let buffer = state.workspace.buffers().get(&focus.path).cloned();
        (buffer, state.client.encoding)
    });
    let buffer = buffer?;
    let wanted = bytes(&buffer.text, range, encoding);
    let syntax = comments::syntax_of(&buffer.language_id, &buffer.uri);
    let asks = comments::find_asks(&buffer.text, syntax, 0..=buffer.text.line_count());
    let nearest = asks
        .into_iter()
        .filter(|ask| ask.instruction == instruction)
        .min_by_key(|ask| ask.range.start.abs_diff(wanted.start))?;
    Some(Focus { path: focus.path.clone(), range: nearest.range })
}

/// The bytes of a range of the client; of one that runs backwards, its start.
pub fn bytes(text: &Text, range: LspRange, encoding: PositionEncoding) -> Range<usize> {
    let start = convert::offset(text, range.start, encoding);
    convert::byte_range(text, range, encoding).unwrap_or(start..start)
}
