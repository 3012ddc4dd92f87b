//! Where a piece of text stands in a document: the answer an edit by content needs, and never a guess.
//!
//! [`locate`] compares to the byte, line breaks aside. Where that finds nothing, [`climb`] reads less strictly, rung by rung, and what
//! it finds is carried over to the bytes that stand there. Both tell how many places there are: who edits takes one only.

mod carry;
mod fold;
mod indent;
mod ladder;
mod nearest;

use std::borrow::Cow;
use std::ops::Range;

use super::{LineEnding, Text};

pub use ladder::{Climbed, Rung, climb};

/// Where `needle` was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// Exactly one place.
    Unique(Range<usize>),
    /// Several: byte ranges in order, none overlapping another. The caller must be asked for more context.
    Many(Vec<Range<usize>>),
    /// Nowhere. What comes closest, where anything does.
    Missing { nearest: Option<Nearest> },
}

/// The lines that look most like what was sought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// First line, 1-based.
    pub line: usize,
    /// The lines as they stand in the document, with `\n` between them. Overlong lines are cut, with `…` for what is
    /// missing.
    pub text: String,
    /// Why they are not the same, in words: `differs in white space only`, `differs in letter case only`, …
    pub why: String,
}

/// Finds `needle` in `text`. Line endings are not part of the question: a line break in the needle matches any line break
/// of the document, whole; everything else must be the same to the byte. An empty needle stands nowhere.
///
/// Takes time in proportion to the text; the search for the nearest lines looks at no more than its first mebibytes.
pub fn locate(text: &Text, needle: &str) -> Located {
    let document = Document::of(text);
    let needle = LineEnding::Lf.normalize(needle);
    if needle.is_empty() {
        return Located::Missing { nearest: None };
    }
    let mut found: Vec<Range<usize>> =
        document.text.match_indices(needle.as_ref()).map(|(at, _)| document.original(at..at + needle.len())).collect();
    match found.len() {
        0 => Located::Missing { nearest: nearest::nearest(&document.text, &needle) },
        1 => found.pop().map_or(Located::Missing { nearest: None }, Located::Unique),
        _ => Located::Many(found),
    }
}

/// The place at which `needle` stands a second time within `range`, where it stands: a text that repeats itself. [`locate`] tells of
/// places that do not overlap.
pub fn again_within(text: &Text, range: &Range<usize>, needle: &str) -> Option<Range<usize>> {
    let document = Document::of(text);
    let needle = LineEnding::Lf.normalize(needle);
    let first = document.normal(range.clone())?.start;
    let from = first + document.text.get(first..)?.chars().next()?.len_utf8();
    let at = from + document.text.get(from..)?.find(needle.as_ref())?;
    Some(document.original(at..at + needle.len()))
}

/// The places at which `needle` stands from the beginning of a line on, those that overlap too. Line endings are not part of the
/// question, as for [`locate`].
pub fn locate_lines(text: &Text, needle: &str) -> Vec<Range<usize>> {
    let document = Document::of(text);
    let needle = LineEnding::Lf.normalize(needle);
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) =
        document.text.get(from..).filter(|_| !needle.is_empty()).and_then(|rest| rest.find(needle.as_ref()))
    {
        let at = from + at;
        let begins_line = document.text.get(..at).is_some_and(|before| before.is_empty() || before.ends_with('\n'));
        if begins_line {
            found.push(document.original(at..at + needle.len()));
        }
        // The next place is another line.
        let Some(end) = document.text.get(at..).and_then(|rest| rest.find('\n')) else { break };
        from = at + end + 1;
    }
    found
}

/// A text with every line break as `\n`, and the way back to the bytes it came from.
struct Document {
    text: String,
    /// Where the `\n`s stand that were `\r\n`, in order.
    shortened: Vec<usize>,
}

impl Document {
    fn of(text: &Text) -> Document {
        let original = text.to_string();
        let normal = match LineEnding::Lf.normalize(&original) {
            Cow::Borrowed(_) => None,
            Cow::Owned(normal) => Some(normal),
        };
        let Some(normal) = normal else { return Document { text: original, shortened: Vec::new() } };
        let shortened =
            original.match_indices("\r\n").enumerate().map(|(before, (at, _))| at - before).collect::<Vec<_>>();
        Document { text: normal, shortened }
    }

    /// The bytes of the original that a range of `text` stands for.
    fn original(&self, range: Range<usize>) -> Range<usize> {
        let original = |at: usize| at + self.shortened.partition_point(|shortened| *shortened < at);
        original(range.start)..original(range.end)
    }

    /// The range of `text` that stands for bytes of the original.
    fn normal(&self, range: Range<usize>) -> Option<Range<usize>> {
        let before = |at: usize| {
            let mut places = self.shortened.iter().enumerate();
            places.position(|(index, place)| index + place >= at).unwrap_or(self.shortened.len())
        };
        Some(range.start.checked_sub(before(range.start))?..range.end.checked_sub(before(range.end))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, needle: &str, expected: &[(usize, usize)]) {
        let found = match locate(&Text::new(text), needle) {
            Located::Unique(range) => vec![range],
            Located::Many(ranges) => {
                assert!(ranges.len() > 1, "{ranges:?}");
                ranges
            }
            Located::Missing { .. } => Vec::new(),
        };
        let found: Vec<(usize, usize)> = found.into_iter().map(|range| (range.start, range.end)).collect();
        assert_eq!(found, expected, "{needle:?} in {text:?}");
    }

    #[test]
    fn a_line_break_matches_any_line_break_whole() {
        check("a\r\nb\r\nc", "a\nb\n", &[(0, 6)]);
        check("a\r\nb\r\nc", "a\r\nb\r\n", &[(0, 6)]);
        check("a\nb\n", "a\r\nb", &[(0, 3)]);
        check("a\rb", "a\nb", &[(0, 3)]);
        check("x\r\ny", "\ny", &[(1, 4)]);
        check("x\r\ny", "x\n", &[(0, 3)]);
        check("x\r\n\r\ny", "\n", &[(1, 3), (3, 5)]);
        check("é\r\né\r\n", "é", &[(0, 2), (4, 6)]);
        check("a\u{2028}b", "a\nb", &[]);
    }

    #[test]
    fn lines_are_found_that_overlap_others() {
        let check = |text: &str, needle: &str, expected: &[(usize, usize)]| {
            let found: Vec<(usize, usize)> =
                locate_lines(&Text::new(text), needle).into_iter().map(|range| (range.start, range.end)).collect();
            assert_eq!(found, expected, "{needle:?} in {text:?}");
        };
        check("xA\nA\nA\nA\n", "A\nA\n", &[(3, 7), (5, 9)]);
        check("x\n\n\ny", "\n\n", &[(2, 4)]);
        check("x\r\n\r\n\r\n\r\ny", "\n\n", &[(3, 7), (5, 9)]);
        check("last", "last", &[(0, 4)]);
        check("xé\né", "é", &[(4, 6)]);
        check("x", "", &[]);
        check("", "x", &[]);
    }

    #[test]
    fn candidates_come_in_order_without_overlap() {
        check("aaaa", "aa", &[(0, 2), (2, 4)]);
        check("foo bar foo", "foo", &[(0, 3), (8, 11)]);
        check("foo", "foo", &[(0, 3)]);
        check("foo", "", &[]);
        check("", "x", &[]);
        check("", "", &[]);
    }
}
