//! Edits as values: a range of bytes and what stands there instead.

use std::ops::Range;

use super::{Position, PositionEncoding, Text};

/// Replaces the bytes of `range` by `insert`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub range: Range<usize>,
    pub insert: String,
}

/// Why an edit does not fit a text. The text is untouched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("bytes {start}..{end} lie outside the text of {len} bytes, or inside a character")]
    OutOfBounds { start: usize, end: usize, len: usize },
    #[error("two edits of one change overlap at byte {at}")]
    Overlap { at: usize },
}

/// What came of replacing text between two protocol positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    pub text: Text,
    /// The same change in bytes of the text before it.
    pub edit: Edit,
    /// Both positions named places of the text, in order. If not, whoever sent them holds another text than this one.
    pub exact: bool,
}

impl Text {
    /// The text with what stands between two positions replaced: one `TextDocumentContentChangeEvent` (LSP 3.17,
    /// "DidChangeTextDocument Notification"). Positions that are none are taken as [`Text::range_at`] takes them.
    pub fn replace(&self, start: Position, end: Position, encoding: PositionEncoding, insert: &str) -> Replaced {
        let range = self.range_at(start, end, encoding);
        let exact = self.position_at(range.start, encoding) == start && self.position_at(range.end, encoding) == end;
        let edit = Edit { range, insert: insert.to_owned() };
        // The range lies on characters of this text, so the edit fits.
        let text = self.apply(&edit).unwrap_or_else(|_| self.clone());
        Replaced { text, edit, exact }
    }

    /// The text with `edit` made.
    pub fn apply(&self, edit: &Edit) -> Result<Text, EditError> {
        self.apply_all(std::slice::from_ref(edit))
    }

    /// The text with all `edits` made at once: every range speaks of this text, and none may overlap another. Insertions
    /// at the same place keep their order.
    pub fn apply_all(&self, edits: &[Edit]) -> Result<Text, EditError> {
        let mut sorted: Vec<&Edit> = edits.iter().collect();
        sorted.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let mut end_of_previous = 0;
        for edit in &sorted {
            if edit.range.start < end_of_previous {
                return Err(EditError::Overlap { at: edit.range.start });
            }
            end_of_previous = edit.range.end;
        }
        let mut rope = self.rope().clone();
        for edit in sorted.iter().rev() {
            let Range { start, end } = edit.range;
            let out_of_bounds = || EditError::OutOfBounds { start, end, len: self.len() };
            if rope.get_byte_slice(start..end).is_none() {
                return Err(out_of_bounds());
            }
            let (first, last) = (rope.byte_to_char(start), rope.byte_to_char(end));
            rope.try_remove(first..last).map_err(|_| out_of_bounds())?;
            rope.try_insert(first, &edit.insert).map_err(|_| out_of_bounds())?;
        }
        Ok(Text::from_rope(rope))
    }
}
