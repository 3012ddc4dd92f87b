//! Between the protocol's positions and byte offsets.

use std::ops::Range;

use tower_lsp::gen_lsp_types as lsp;

use crate::text::{Position, PositionEncoding, Text};

/// The byte offset of a position of the client. LSP 3.17, "Position": "If the character value is greater than the line
/// length it defaults back to the line length."
pub fn offset(text: &Text, position: lsp::Position, encoding: PositionEncoding) -> usize {
    text.offset_at(from_lsp(position), encoding)
}

/// The bytes of a range of the client; `None` if it runs backwards.
pub fn byte_range(text: &Text, range: lsp::Range, encoding: PositionEncoding) -> Option<Range<usize>> {
    let (start, end) = (offset(text, range.start, encoding), offset(text, range.end, encoding));
    (start <= end).then_some(start..end)
}

/// The position of a byte offset, for the client.
pub fn position(text: &Text, offset: usize, encoding: PositionEncoding) -> lsp::Position {
    let Position { line, character } = text.position_at(offset, encoding);
    lsp::Position { line, character }
}

/// The range of some bytes, for the client.
pub fn range(text: &Text, bytes: Range<usize>, encoding: PositionEncoding) -> lsp::Range {
    lsp::Range { start: position(text, bytes.start, encoding), end: position(text, bytes.end, encoding) }
}

/// Whether `position` points between the units of one character.
pub fn splits_character(text: &Text, position: lsp::Position, encoding: PositionEncoding) -> bool {
    let wanted = from_lsp(position);
    let offset = text.offset_at(wanted, encoding);
    let found = text.position_at(offset, encoding);
    let line_end = text.offset_at(Position { line: wanted.line, character: u32::MAX }, encoding);
    found.line == wanted.line && found.character < wanted.character && offset < line_end
}

fn from_lsp(position: lsp::Position) -> Position {
    Position { line: position.line, character: position.character }
}
