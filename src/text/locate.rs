//! Where a piece of text stands in a document: the answer an edit by content needs, and never a guess.

use std::ops::Range;

use super::Text;

/// Where `needle` was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// Exactly one place.
    Unique(Range<usize>),
    /// Several: byte ranges in order. The caller must be asked for more context.
    Many(Vec<Range<usize>>),
    /// Nowhere. What comes closest, where anything does.
    Missing { nearest: Option<Nearest> },
}

/// The lines that look most like what was sought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// First line, 1-based.
    pub line: usize,
    /// The lines as they stand in the document.
    pub text: String,
    /// Why they are not the same, in words: `differs in white space only`, `indented with tabs`, …
    pub why: String,
}

/// Finds `needle` in `text`. Line endings are not part of the question: `\n` in the needle matches any line break of the
/// document; everything else must be the same to the byte.
pub fn locate(text: &Text, needle: &str) -> Located {
    let _ = (text, needle);
    todo!()
}
