//! Where a place of one text is in a later one, without a diff: what a keystroke needs.

use std::ops::Range;

use super::Text;

/// The one stretch in which two texts differ, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    pub old: Range<usize>,
    pub new: Range<usize>,
}

impl Shift {
    /// Costs time by the length of the texts, except where they share their storage.
    pub fn between(old: &Text, new: &Text) -> Shift {
        if old == new {
            return Shift { old: old.len()..old.len(), new: new.len()..new.len() };
        }
        let most = old.len().min(new.len());
        let prefix = common_prefix(old, new, most);
        let suffix = common_suffix(old, new, most - prefix);
        Shift { old: prefix..old.len() - suffix, new: prefix..new.len() - suffix }
    }

    /// Where a range of the old text is in the new one. `None` if the difference reaches into it. What was put in right
    /// before a range stays before it.
    pub fn carry(&self, range: &Range<usize>) -> Option<Range<usize>> {
        if range.start >= self.old.end {
            let moved = |at: usize| at - self.old.end + self.new.end;
            return Some(moved(range.start)..moved(range.end));
        }
        (range.end <= self.old.start).then(|| range.clone())
    }

    /// Where whole lines of the old text are in `new`, the new one. `None` too if they are no whole lines there: something was
    /// put in on the same line.
    pub fn carry_lines(&self, range: &Range<usize>, new: &Text) -> Option<Range<usize>> {
        self.carry(range).filter(|range| are_lines(new, range))
    }

    /// Where an offset of the new text was in the old one; within the difference, its start.
    pub fn back(&self, at: usize) -> usize {
        if at >= self.new.end { at - self.new.end + self.old.end } else { at.min(self.old.start) }
    }

    /// Where an offset of the old text is in the new one; within the difference, its start.
    pub fn forth(&self, at: usize) -> usize {
        if at >= self.old.end { at - self.old.end + self.new.end } else { at.min(self.new.start) }
    }
}

/// Whether a range of `text` starts where a line does, and ends where one does or the text ends.
pub fn are_lines(text: &Text, range: &Range<usize>) -> bool {
    let is_start = |at: usize| text.line_start(text.line_of(at)) == at;
    is_start(range.start) && (range.end == text.len() || is_start(range.end))
}

/// Bytes that are compared at once: the libraries' comparison of slices is many times as fast as one of bytes.
const BLOCK: usize = 256;

fn common_prefix(a: &Text, b: &Text, most: usize) -> usize {
    let mut at = 0;
    while at < most {
        let (from_a, from_b) = (tail_of_chunk(a, at), tail_of_chunk(b, at));
        let length = from_a.len().min(from_b.len()).min(most - at);
        let (from_a, from_b) = (from_a.get(..length).unwrap_or_default(), from_b.get(..length).unwrap_or_default());
        // Texts that come of each other share most of their storage.
        let same = if std::ptr::eq(from_a, from_b) { length } else { same_at_start(from_a, from_b) };
        at += same;
        if same < length || length == 0 {
            break;
        }
    }
    at
}

fn common_suffix(a: &Text, b: &Text, most: usize) -> usize {
    let mut done = 0;
    while done < most {
        let (from_a, from_b) = (head_of_chunk(a, a.len() - done), head_of_chunk(b, b.len() - done));
        let length = from_a.len().min(from_b.len()).min(most - done);
        let tail = |bytes: &'_ [u8]| bytes.len() - length;
        let (from_a, from_b) =
            (from_a.get(tail(from_a)..).unwrap_or_default(), from_b.get(tail(from_b)..).unwrap_or_default());
        let same = if std::ptr::eq(from_a, from_b) { length } else { same_at_end(from_a, from_b) };
        done += same;
        if same < length || length == 0 {
            break;
        }
    }
    done
}

fn same_at_start(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.chunks(BLOCK).zip(b.chunks(BLOCK)).take_while(|(a, b)| a == b);
    let same: usize = blocks.map(|(block, _)| block.len()).sum();
    let rest = a.iter().zip(b).skip(same);
    same + rest.take_while(|(a, b)| a == b).count()
}

fn same_at_end(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.rchunks(BLOCK).zip(b.rchunks(BLOCK)).take_while(|(a, b)| a == b);
    let same: usize = blocks.map(|(block, _)| block.len()).sum();
    let rest = a.iter().rev().zip(b.iter().rev()).skip(same);
    same + rest.take_while(|(a, b)| a == b).count()
}

/// The bytes from `at` to the end of the chunk that holds it.
fn tail_of_chunk(text: &Text, at: usize) -> &[u8] {
    let (chunk, start) = text.chunk_at(at);
    chunk.as_bytes().get(at - start..).unwrap_or_default()
}

/// The bytes before `end` in the chunk that holds the byte before it.
fn head_of_chunk(text: &Text, end: usize) -> &[u8] {
    let Some(last) = end.checked_sub(1) else { return &[] };
    let (chunk, start) = text.chunk_at(last);
    chunk.as_bytes().get(..end - start).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn carried(old: &str, new: &str, range: Range<usize>) -> Option<String> {
        let (old, new) = (Text::new(old), Text::new(new));
        let range = Shift::between(&old, &new).carry(&range)?;
        new.slice(range)
    }

    #[test]
    fn a_range_follows_the_typing_around_it() {
        let old = "one\ntwo\nthree\n";
        let two = 4..8;
        for (new, expected) in [
            (old, Some("two\n")),
            ("zero\none\ntwo\nthree\n", Some("two\n")),
            ("two\nthree\n", Some("two\n")),
            ("one\ntwo\n", Some("two\n")),
            ("one\ntwo\nthree\nfour\n", Some("two\n")),
            ("one\ninserted before\ntwo\nthree\n", Some("two\n")),
            ("one\ntwo\ninserted behind\nthree\n", Some("two\n")),
            ("one\ntwwo\nthree\n", None),
            ("one\nthree\n", None),
            ("", None),
        ] {
            assert_eq!(carried(old, new, two.clone()).as_deref(), expected, "{new:?}");
        }
    }

    #[test]
    fn an_insertion_at_the_start_of_an_empty_range_stays_before_it() {
        let (old, new) = (Text::new("a\nb\n"), Text::new("a\nx\nb\n"));
        assert_eq!(Shift::between(&old, &new).carry(&(2..2)), Some(4..4));
    }

    #[test]
    fn long_texts_are_compared_across_chunks() {
        let line = "the same line again and again\n";
        let old = Text::new(&line.repeat(10_000));
        let at = 5_000 * line.len();
        let new = old.apply(&crate::text::Edit { range: at..at, insert: "x".to_owned() }).unwrap();
        let shift = Shift::between(&old, &new);
        assert_eq!(shift, Shift { old: at..at, new: at..at + 1 });
    }

    #[test]
    fn lines_that_the_user_types_at_have_no_place() {
        let check = |old: &str, new: &str, range: Range<usize>, expected: Option<Range<usize>>| {
            let (old, new) = (Text::new(old), Text::new(new));
            assert_eq!(Shift::between(&old, &new).carry_lines(&range, &new), expected, "{new:?}");
        };
        // At the start of the first line, before an insertion, behind a last line without a break.
        check("a\nb\n", "a\nxb\n", 2..4, None);
        check("a\nb\n", "a\nxb\n", 2..2, None);
        check("a\nb", "a\nbx", 2..3, None);
        check("a\nb", "a\nb\nx", 2..3, None);
        check("", "x", 0..0, None);
        check("a\nb\n", "a\nx\nb\n", 2..4, Some(4..6));
        check("a\nb\nc\n", "a\nb\nxc\n", 2..4, Some(2..4));
        check("a\nb", "xa\nb", 2..3, Some(3..4));
    }
}
