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
    known: Arc<Known>,
}

/// What was once computed about a text by reading all of it. Editing never computes it: a keystroke must not cost a walk
/// over the file.
#[derive(Default)]
struct Known {
    hash: OnceLock<ContentHash>,
    line_ending: OnceLock<LineEnding>,
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
        self.rope.len_bytes()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of lines as an editor counts them: a text that ends in a line break has an empty line after it.
    pub fn line_count(&self) -> usize {
        self.rope.len_lines()
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
        self.rope.byte_to_line(offset.min(self.len()))
    }

    /// Byte offset at which the 0-based `line` starts; the end of the text for a line past the last.
    pub fn line_start(&self, line: usize) -> usize {
        if line >= self.line_count() { self.len() } else { self.rope.line_to_byte(line) }
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
        Text { rope, known: Arc::default() }
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
