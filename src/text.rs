//! Text as a value: what a document holds, byte for byte.
//!
//! A [`Text`] is immutable and cheap to clone; editing makes a new one. Everything inside the crate speaks byte offsets
//! into it; the protocol's encodings exist only in [`position`]. This module must never know where a text came from: no
//! paths, no files, no protocol types. ropey stays in here.
//!
//! Lines end where LSP 3.17 says they do: at `\n`, `\r\n` or a lone `\r`, and nowhere else.

pub mod decode;
pub mod diff;
pub mod edit;
pub mod hidden;
pub mod line_ending;
pub mod locate;
pub mod position;
pub mod shift;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ropey::Rope;

pub use decode::{Decoded, FileEncoding};
pub use edit::{Edit, EditError, Replaced};
pub use line_ending::LineEnding;
pub use position::{Position, PositionEncoding};
pub use shift::Shift;

/// An immutable text. Clones share their storage.
#[derive(Clone, Default)]
pub struct Text {
    rope: Rope,
    /// In bytes.
    length: usize,
    known: Arc<Known>,
}

/// What was once computed about a text by reading all of it. Editing never computes it: a keystroke must not cost a walk
/// over the file.
#[derive(Default)]
struct Known {
    hash: OnceLock<ContentHash>,
    line_ending: OnceLock<LineEnding>,
    short: OnceLock<Short>,
}

/// Most bytes of a text that is also kept in one piece. The storage of so short a text is a single chunk, of which it knows no
/// lengths: it reads all of it for every question.
const SHORT: usize = 1024;

/// A short text in one piece.
struct Short {
    text: Box<str>,
    /// Where its lines start.
    lines: Vec<usize>,
}

/// The identity of some content: two texts with the same hash hold the same bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash([u8; 32]);

impl Text {
    pub fn new(text: &str) -> Text {
        Text::from_rope(Rope::from_str(text))
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of lines as an editor counts them: a text that ends in a line break has an empty line after it.
    pub fn line_count(&self) -> usize {
        self.short().map_or_else(|| self.rope.len_lines(), |short| short.lines.len())
    }

    /// The text between two byte offsets. `None` if they lie outside the text, inside a character, or in the wrong order.
    pub fn slice(&self, range: Range<usize>) -> Option<String> {
        // Most pieces lie within one chunk: to cut a rope there costs as much as the chunk is long.
        let (chunk, start) = self.chunk_at(range.start);
        if range.start < range.end && range.end <= start.saturating_add(chunk.len()) {
            return chunk.get(range.start.checked_sub(start)?..range.end.checked_sub(start)?).map(str::to_owned);
        }
        self.rope.get_byte_slice(range).map(|slice| slice.to_string())
    }

    /// The 0-based line that holds `offset`; the last line for any offset at or past the end.
    pub fn line_of(&self, offset: usize) -> usize {
        match self.short() {
            Some(short) => short.lines.partition_point(|start| *start <= offset).saturating_sub(1),
            None => self.rope.byte_to_line(offset.min(self.len())),
        }
    }

    /// Byte offset at which the 0-based `line` starts; the end of the text for a line past the last.
    pub fn line_start(&self, line: usize) -> usize {
        match self.short() {
            Some(short) => short.lines.get(line).copied().unwrap_or(self.len()),
            None if line >= self.line_count() => self.len(),
            None => self.rope.line_to_byte(line),
        }
    }

    /// The bytes of the 0-based `line`, its line break included. Empty for a line past the last.
    pub fn line_range(&self, line: usize) -> Range<usize> {
        self.line_start(line)..self.line_start(line.saturating_add(1))
    }

    /// The chunk of storage that holds `offset`, and the offset at which that chunk starts. Parsers read by chunks.
    pub fn chunk_at(&self, offset: usize) -> (&str, usize) {
        if offset >= self.len() {
            return ("", self.len());
        }
        if let Some(short) = self.short() {
            return (&short.text, 0);
        }
        let (chunk, start, _, _) = self.rope.chunk_at_byte(offset);
        (chunk, start)
    }

    /// The storage's chunks, in order.
    pub fn chunks(&self) -> impl Iterator<Item = &str> {
        self.rope.chunks()
    }

    /// The ending that most of the text's lines have; the first to appear wins a tie, and `\n` where there is none.
    pub fn line_ending(&self) -> LineEnding {
        *self.known.line_ending.get_or_init(|| line_ending::dominant(self.chunks()).unwrap_or_default())
    }

    /// The hash of the text's UTF-8 bytes.
    pub fn hash(&self) -> ContentHash {
        *self.known.hash.get_or_init(|| {
            let mut hasher = blake3::Hasher::new();
            for chunk in self.chunks() {
                hasher.update(chunk.as_bytes());
            }
            ContentHash(*hasher.finalize().as_bytes())
        })
    }

    pub(in crate::text) fn rope(&self) -> &Rope {
        &self.rope
    }

    pub(in crate::text) fn from_rope(rope: Rope) -> Text {
        Text { length: rope.len_bytes(), rope, known: Arc::default() }
    }

    /// The text in one piece, where it is short.
    fn short(&self) -> Option<&Short> {
        (self.length <= SHORT).then(|| {
            self.known.short.get_or_init(|| {
                let text: String = self.rope.chunks().collect();
                let bytes = text.as_bytes();
                let is_end = |at: &usize| match bytes.get(*at) {
                    Some(b'\n') => true,
                    Some(b'\r') => bytes.get(at.saturating_add(1)) != Some(&b'\n'),
                    Some(_) | None => false,
                };
                let lines = std::iter::once(0).chain((0..bytes.len()).filter(is_end).map(|at| at.saturating_add(1)));
                Short { lines: lines.collect(), text: text.into() }
            })
        })
    }
}

impl ContentHash {
    pub fn of(bytes: &[u8]) -> ContentHash {
        ContentHash(*blake3::hash(bytes).as_bytes())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What [`ContentHash::as_bytes`] gave.
    pub fn of_bytes(bytes: [u8; 32]) -> ContentHash {
        ContentHash(bytes)
    }

    /// What [`ContentHash::to_hex`] wrote.
    pub fn of_hex(hex: &str) -> Option<ContentHash> {
        blake3::Hash::from_hex(hex).ok().map(|hash| ContentHash(*hash.as_bytes()))
    }

    /// Lower-case hexadecimal, 64 characters.
    pub fn to_hex(self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}

/// The start of the character of `text` that holds byte `at`; the end of `text` for a byte past it.
pub fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.rope.is_instance(&other.rope) || self.rope == other.rope
    }
}

impl Eq for Text {}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::new(text)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chunks().try_for_each(|chunk| f.write_str(chunk))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_short_text_are_those_of_a_long_one() {
        let short = "a\r\nb\n\rc\r\r\n\u{e9}\u{2028}\n\r";
        let long = Text::new(&short.repeat(2 * SHORT / short.len()));
        let text = Text::new(short);
        for offset in 0..short.len() {
            assert_eq!(text.line_of(offset), long.line_of(offset), "{offset}");
        }
        for line in 0..text.line_count() - 1 {
            assert_eq!(text.line_range(line), long.line_range(line), "{line}");
        }
        let check = |text: &str, count| assert_eq!(Text::new(text).line_count(), count, "{text:?}");
        check("", 1);
        check("a", 1);
        check("a\n", 2);
        check("a\r\n", 2);
        check("\r\r", 3);
        assert_eq!((Text::new("a\nb").line_of(9), Text::new("a\nb").line_start(9)), (1, 3));
    }
}
