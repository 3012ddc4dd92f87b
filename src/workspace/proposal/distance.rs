//! How many lines two texts are apart: the tape measure by which an accepted hunk is recognised.

use std::collections::HashMap;
use std::ops::Range;

use crate::text::line_ending::line_ends;

/// Distances beyond this are not measured: the time grows with their square.
const MOST: usize = 2_000;

/// Gives lines numbers: equal lines of all texts that one of it has seen have equal numbers.
#[derive(Default)]
pub(super) struct Numbering {
    numbers: HashMap<String, u32>,
}

/// A text as the numbers of its lines.
pub(super) struct Lines {
    pub numbers: Vec<u32>,
    /// Bytes at which the lines start.
    starts: Vec<usize>,
}

impl Numbering {
    /// The lines of a piece of text that starts at byte `start` of the whole.
    pub(super) fn lines(&mut self, text: &str, start: usize) -> Lines {
        let mut lines = Lines { numbers: Vec::new(), starts: Vec::new() };
        let mut from = 0;
        for end in line_ends(text) {
            let content = text.get(from..end).unwrap_or_default();
            let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
            let number = match self.numbers.get(content) {
                Some(number) => *number,
                None => *self.numbers.entry(content.to_owned()).or_insert(next),
            };
            lines.numbers.push(number);
            lines.starts.push(start.saturating_add(from));
            from = end;
        }
        lines
    }
}

impl Lines {
    /// The lines that some bytes are, which start and end between lines.
    pub(super) fn of_bytes(&self, bytes: &Range<usize>) -> Range<usize> {
        let at = |offset: usize| self.starts.partition_point(|start| *start < offset);
        at(bytes.start)..at(bytes.end)
    }
}

/// Fewest lines to delete and insert to make `b` of `a`, exactly; `None` beyond [`MOST`]. The greedy algorithm of Myers
/// (1986), lengths only: `reach` holds, for each diagonal, the furthest line of `a` that so many changes get to.
pub(super) fn distance(a: &[u32], b: &[u32]) -> Option<usize> {
    let prefix = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (a.get(prefix..)?, b.get(prefix..)?);
    let suffix = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (a.get(..a.len().checked_sub(suffix)?)?, b.get(..b.len().checked_sub(suffix)?)?);
    let most = MOST.min(a.len().saturating_add(b.len()));
    let middle = most.saturating_add(1);
    let mut reach = vec![0usize; middle.saturating_mul(2).saturating_add(1)];
    for changes in 0..=most {
        // Diagonals `x - y`, kept positive by `middle`: every second one can be reached by so many changes.
        for diagonal in (middle - changes..=middle + changes).step_by(2) {
            let (below, above) = (*reach.get(diagonal - 1)?, *reach.get(diagonal + 1)?);
            let first = diagonal == middle - changes;
            let last = diagonal == middle + changes;
            let mut x = if first || (!last && below < above) { above } else { below.saturating_add(1) };
            if changes == 0 {
                x = 0;
            }
            let Some(mut y) = x.saturating_add(middle).checked_sub(diagonal) else { continue };
            while x < a.len() && y < b.len() && a.get(x) == b.get(y) {
                x += 1;
                y += 1;
            }
            if x >= a.len() && y >= b.len() {
                return Some(changes);
            }
            *reach.get_mut(diagonal)? = x;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The textbook table, for small inputs.
    fn naive(a: &[u32], b: &[u32]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, y) in b.iter().enumerate() {
                let best = if x == y { diagonal } else { 1 + row[j].min(row[j + 1]) };
                diagonal = row[j + 1];
                row[j + 1] = best;
            }
        }
        row[b.len()]
    }

    proptest::proptest! {
        #[test]
        fn is_what_the_textbook_says(
            a in proptest::collection::vec(0u32..4, 0..30),
            b in proptest::collection::vec(0u32..4, 0..30),
        ) {
            proptest::prop_assert_eq!(distance(&a, &b), Some(naive(&a, &b)));
        }
    }

    #[test]
    fn far_apart_is_not_measured() {
        let (a, b): (Vec<u32>, Vec<u32>) = ((0..5_000).collect(), (10_000..15_000).collect());
        assert_eq!(distance(&a, &b), None);
    }
}
