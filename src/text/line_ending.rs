//! Line endings: which one a text uses, and how text from outside takes it on.
//!
//! Models write `\n` whatever a file has. Edits are compared without regard to line endings (see
//! [`locate`](super::locate)) and written with those of the place they go to, so that an edit of a CRLF file stays one.

use std::borrow::Cow;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::Text;

/// How a line ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnding {
    #[default]
    Lf,
    CrLf,
    Cr,
}

impl LineEnding {
    pub fn as_str(self) -> &'static str {
        match self {
            LineEnding::Lf => "\n",
            LineEnding::CrLf => "\r\n",
            LineEnding::Cr => "\r",
        }
    }

    /// `text` with every line break turned into this one.
    pub fn normalize(self, text: &str) -> Cow<'_, str> {
        if !text.contains('\r') && (self == LineEnding::Lf || !text.contains('\n')) {
            return Cow::Borrowed(text);
        }
        let mut normal = String::with_capacity(text.len());
        for line in lines(text) {
            normal.push_str(line.content);
            if !line.line_break.is_empty() {
                normal.push_str(self.as_str());
            }
        }
        Cow::Owned(normal)
    }
}

impl Text {
    /// `replacement` as it must be written over the bytes of `range` so that only what it means to change changes: lines
    /// that it repeats keep their bytes, and its new lines end as the lines they replace do, or else as most of the text.
    /// `None` if `range` is not one of this text.
    pub fn with_line_endings_of(&self, range: Range<usize>, replacement: &str) -> Option<String> {
        let old = self.slice(range.clone())?;
        let ending = dominant([old.as_str()]).unwrap_or_else(|| self.line_ending());
        let adapted = if old.contains('\r') {
            keep_lines(&old, replacement, ending)
        } else {
            ending.normalize(replacement).into_owned()
        };
        Some(self.keep_breaks_apart(range, &old, adapted))
    }

    /// `adapted`, to stand in `range` instead of `old`, without a `\r` and a `\n` becoming one break where they meet.
    fn keep_breaks_apart(&self, range: Range<usize>, old: &str, mut adapted: String) -> String {
        let after_cr = range.start > 0 && self.rope().get_byte(range.start - 1) == Some(b'\r');
        if after_cr && adapted.starts_with('\n') && !old.starts_with('\n') {
            adapted.insert(0, '\r');
        }
        let before_lf = self.rope().get_byte(range.end) == Some(b'\n');
        if before_lf && adapted.ends_with('\r') && !old.ends_with('\r') {
            adapted.push('\n');
        }
        adapted
    }
}

/// `new` with `ending`, but for lines that `old` holds too: they keep their bytes.
fn keep_lines(old: &str, new: &str, ending: LineEnding) -> String {
    let (old_lines, new_lines): (Vec<Line>, Vec<Line>) = (lines(old).collect(), lines(new).collect());
    let mut adapted = String::with_capacity(new.len());
    let mut push = |content: &str, line_break: &str| {
        if adapted.ends_with('\r') && content.is_empty() && line_break.starts_with('\n') {
            // Two breaks must stay two.
            adapted.push('\n');
        }
        adapted.push_str(content);
        adapted.push_str(line_break);
    };
    for op in capture_diff_slices(Algorithm::Histogram, &old_lines, &new_lines) {
        match op {
            DiffOp::Equal { .. } => {
                for line in old_lines.get(op.old_range()).unwrap_or_default() {
                    push(line.content, line.line_break);
                }
            }
            DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
                for line in new_lines.get(op.new_range()).unwrap_or_default() {
                    push(line.content, if line.line_break.is_empty() { "" } else { ending.as_str() });
                }
            }
            DiffOp::Delete { .. } => {}
        }
    }
    adapted
}

/// The ending that most lines of a text, given in pieces, have; the first to appear wins a tie. `None` for a single line.
pub(in crate::text) fn dominant<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Option<LineEnding> {
    // Ending, how many, and where the first one stood.
    let mut counts =
        [(LineEnding::Lf, 0usize, usize::MAX), (LineEnding::CrLf, 0, usize::MAX), (LineEnding::Cr, 0, usize::MAX)];
    let mut count = |ending: LineEnding, at: usize| {
        if let Some((_, count, first)) = counts.iter_mut().find(|(of, ..)| *of == ending) {
            *count += 1;
            *first = at.min(*first);
        }
    };
    let (mut at, mut after_cr) = (0, false);
    for byte in pieces.into_iter().flat_map(str::bytes) {
        match (after_cr, byte) {
            (true, b'\n') => count(LineEnding::CrLf, at - 1),
            (true, _) => count(LineEnding::Cr, at - 1),
            (false, b'\n') => count(LineEnding::Lf, at),
            (false, _) => {}
        }
        after_cr = byte == b'\r';
        at += 1;
    }
    if after_cr {
        count(LineEnding::Cr, at - 1);
    }
    counts
        .into_iter()
        .filter(|(_, count, _)| *count > 0)
        .max_by_key(|(_, count, first)| (*count, std::cmp::Reverse(*first)))
        .map(|(ending, ..)| ending)
}

/// A line and its break. Lines are equal when they say the same and both end or both do not, whatever the break is.
#[derive(Clone, Copy, Debug, Eq)]
pub(in crate::text) struct Line<'a> {
    pub content: &'a str,
    pub line_break: &'a str,
}

impl<'a> Line<'a> {
    fn key(&self) -> (&'a str, bool) {
        (self.content, self.line_break.is_empty())
    }
}

impl PartialEq for Line<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl PartialOrd for Line<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Line<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl std::hash::Hash for Line<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// The lines of `text`, none for an empty one; a break at the end begins no further line.
pub(in crate::text) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let (content, after) = rest.split_at_checked(end)?;
        let width = match after.as_bytes() {
            [b'\r', b'\n', ..] => 2,
            [_, ..] => 1,
            [] => 0,
        };
        let (line_break, after) = after.split_at_checked(width)?;
        rest = after;
        Some(Line { content, line_break })
    })
}

/// The offsets at which the lines of `text` end, line breaks included. Of an empty text there are none.
pub fn line_ends(text: &str) -> Vec<usize> {
    let mut at = 0;
    let end = |line: Line<'_>| {
        at += line.content.len() + line.line_break.len();
        at
    };
    lines(text).map(end).filter(|end| *end > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_ending_is_the_texts_and_the_first_wins_a_tie() {
        let check = |text: &str, expected| assert_eq!(Text::new(text).line_ending(), expected, "{text:?}");
        check("", LineEnding::Lf);
        check("one line", LineEnding::Lf);
        check("a\r\nb\nc\r\n", LineEnding::CrLf);
        check("a\r\nb\n", LineEnding::CrLf);
        check("a\nb\r\n", LineEnding::Lf);
        check("a\rb\rc\n", LineEnding::Cr);
        check("a\r", LineEnding::Cr);
        check("\u{2028}\u{85}\u{c}a\r\n", LineEnding::CrLf);
    }

    #[test]
    fn a_replacement_takes_the_endings_of_its_place() {
        let check = |text: &str, range: Range<usize>, replacement: &str, expected: &str| {
            let adapted = Text::new(text).with_line_endings_of(range, replacement);
            assert_eq!(adapted.as_deref(), Some(expected), "{text:?} {replacement:?}");
        };
        check("a\r\nb\r\n", 0..6, "a\nx\nb\n", "a\r\nx\r\nb\r\n");
        check("a\r\nb\r\n", 0..1, "x\ny", "x\r\ny");
        check("a\nb\n", 0..1, "x\r\ny", "x\ny");
        check("a\r\nb\n", 0..5, "a\nc\n", "a\r\nc\r\n");
        // In a mixed text, lines that stay keep the ending they had.
        check("a\nb\r\nc\r\nd\n", 0..10, "a\nb\nX\nc\nd\n", "a\nb\r\nX\nc\r\nd\n");
        check("a\rb\r", 0..4, "a\nc\nb\n", "a\rc\rb\r");
        check("", 0..0, "a\nb", "a\nb");
        // A `\r` and a `\n` that meet would be one break.
        check("a\rb\n\n", 0..5, "a\n\n", "a\r\n\n");
        check("a\rb\nc\nd", 2..2, "\nx\n", "\r\nx\n");
        assert_eq!(Text::new("é").with_line_endings_of(0..1, "x"), None);
    }
}
