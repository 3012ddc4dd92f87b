//! Positions as the protocol counts them, and byte offsets as everything else does.
//!
//! LSP 3.17, "Position": a line and a character offset within it, in units that client and server agreed on. "If the
//! character value is greater than the line length it defaults back to the line length."

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
        let line = position.line as usize;
        if line >= self.line_count() {
            return self.len();
        }
        let slice = self.rope().line(line);
        let wanted = position.character as usize;
        let (mut units, mut bytes) = (0usize, 0usize);
        for character in slice.chars() {
            if character == '\n' || character == '\r' {
                break;
            }
            let width = encoding.units(character);
            if units + width > wanted {
                break;
            }
            units += width;
            bytes += character.len_utf8();
        }
        self.line_start(line) + bytes
    }

    /// The position of a byte offset. An offset past the end is the end; one inside a character is its start.
    pub fn position_at(&self, offset: usize, encoding: PositionEncoding) -> Position {
        let rope = self.rope();
        let char_index = rope.byte_to_char(offset.min(self.len()));
        let line = rope.char_to_line(char_index);
        let line_start = rope.line_to_char(line);
        let character = match encoding {
            PositionEncoding::Utf8 => rope.char_to_byte(char_index) - rope.line_to_byte(line),
            PositionEncoding::Utf16 => rope.char_to_utf16_cu(char_index) - rope.char_to_utf16_cu(line_start),
            PositionEncoding::Utf32 => char_index - line_start,
        };
        Position { line: saturate(line), character: saturate(character) }
    }
}

impl PositionEncoding {
    fn units(self, character: char) -> usize {
        match self {
            PositionEncoding::Utf8 => character.len_utf8(),
            PositionEncoding::Utf16 => character.len_utf16(),
            PositionEncoding::Utf32 => 1,
        }
    }
}

fn saturate(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
