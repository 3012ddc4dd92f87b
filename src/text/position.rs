//! Positions as the protocol counts them, and byte offsets as everything else does.
//!
//! LSP 3.17, "Position": a line and a character offset within it, in units that client and server agreed on. "If the
//! character value is greater than the line length it defaults back to the line length."
//!
//! Every conversion is a walk down the rope's tree, however long the line is.

use std::ops::Range;

use super::Text;

/// The unit of [`Position::character`], agreed at `initialize`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PositionEncoding {
    Utf8,
    /// What every client understands.
    #[default]
    Utf16,
    Utf32,
}

/// A place between two characters: a 0-based line, and units of a [`PositionEncoding`] from its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    pub line: u32,
    pub character: u32,
}

impl Text {
    /// The byte offset of `position`. A character past the end of its line is the line's end before its line break; a
    /// line past the last is the end of the text; a place inside a character is that character's start.
    pub fn offset_at(&self, position: Position, encoding: PositionEncoding) -> usize {
        let rope = self.rope();
        let line = position.line as usize;
        if line >= self.line_count() {
            return self.len();
        }
        let (start, end) = (rope.line_to_char(line), self.line_end_char(line));
        let wanted = position.character as usize;
        let char_index = match encoding {
            PositionEncoding::Utf8 => {
                let first = rope.char_to_byte(start);
                rope.byte_to_char(first.saturating_add(wanted).min(rope.char_to_byte(end)))
            }
            PositionEncoding::Utf16 => {
                let first = rope.char_to_utf16_cu(start);
                rope.utf16_cu_to_char(first.saturating_add(wanted).min(rope.char_to_utf16_cu(end)))
            }
            PositionEncoding::Utf32 => start.saturating_add(wanted).min(end),
        };
        rope.char_to_byte(char_index)
    }

    /// The position of a byte offset. An offset past the end is the end; one inside a character is its start; one inside
    /// or behind a line's break on the same line is the line's end.
    pub fn position_at(&self, offset: usize, encoding: PositionEncoding) -> Position {
        let rope = self.rope();
        let char_index = rope.byte_to_char(offset.min(self.len()));
        let line = rope.char_to_line(char_index);
        let (start, char_index) = (rope.line_to_char(line), char_index.min(self.line_end_char(line)));
        let character = match encoding {
            PositionEncoding::Utf8 => rope.char_to_byte(char_index) - rope.char_to_byte(start),
            PositionEncoding::Utf16 => rope.char_to_utf16_cu(char_index) - rope.char_to_utf16_cu(start),
            PositionEncoding::Utf32 => char_index - start,
        };
        Position { line: saturate(line), character: saturate(character) }
    }

    /// The bytes between two positions, each taken as [`Text::offset_at`] takes it; two in the wrong order are swapped,
    /// as editors do.
    pub fn range_at(&self, start: Position, end: Position, encoding: PositionEncoding) -> Range<usize> {
        let (start, end) = (self.offset_at(start, encoding), self.offset_at(end, encoding));
        start.min(end)..start.max(end)
    }

    /// Index of the char behind the last one of `line`, its break left out.
    fn line_end_char(&self, line: usize) -> usize {
        let rope = self.rope();
        let next = line.saturating_add(1);
        if next >= rope.len_lines() {
            return rope.len_chars();
        }
        let end = rope.line_to_char(next);
        let char_before = |index: usize| index.checked_sub(1).and_then(|index| rope.get_char(index));
        match (char_before(end), char_before(end.saturating_sub(1))) {
            (Some('\n'), Some('\r')) => end - 2,
            (Some('\n' | '\r'), _) => end - 1,
            _ => end,
        }
    }
}

fn saturate(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
