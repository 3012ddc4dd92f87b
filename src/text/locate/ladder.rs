//! The ladder: where a text stands that was given almost right.
//!
//! Writers of edits err in ways that leave no doubt about what they mean: white space at the ends of lines, a block that is indented
//! otherwise, a quote of the keyboard for a typographic one. Each rung overlooks some of that and nothing else, the strictest first.
//! A place counts only if nothing else comes as near, not even on the last rung. What the new text repeats of the old keeps the bytes that stand there
//! (see [`carry`](super::carry)), so an edit changes what its writer changed and nothing besides.

use std::fmt;
use std::ops::Range;

use super::Document;
use super::carry::{Lines, carry};
use super::fold::{Folded, Overlook, is_blank};
use crate::text::Text;

/// How strictly a place was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung(Overlook);

/// What was found, and on which rung: the first that has any place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Climbed {
    pub rung: Rung,
    /// In order: the place, or all those that the last rung has. They may overlap where a text repeats itself.
    pub ranges: Vec<Range<usize>>,
}

/// From the strictest. Indentation is overlooked with the ends of lines only: who has one wrong often has both.
const RUNGS: [Overlook; 4] = [
    Overlook { trailing: true, indent: false, look: false },
    Overlook { trailing: true, indent: true, look: false },
    Overlook { trailing: false, indent: false, look: true },
    Overlook { trailing: true, indent: false, look: true },
];
const LAST: Overlook = Overlook { trailing: true, indent: true, look: true };

/// Bytes of a document that are searched at most: to fold one costs as much again as it is long.
const MOST_BYTES: usize = 16 << 20;

/// Finds `needle` in `text` where [`locate`](super::locate) does not. `None` if no rung has it.
pub fn climb(text: &Text, needle: &str) -> Option<Climbed> {
    if text.len() > MOST_BYTES {
        return None;
    }
    let document = Document::of(text);
    let needle = crate::text::LineEnding::Lf.normalize(needle);
    let all = places(LAST, &document.text, &needle);
    if all.is_empty() {
        return None;
    }
    let found = RUNGS.into_iter().map(|overlook| (overlook, places(overlook, &document.text, &needle)));
    let (overlook, first) = found.into_iter().find(|(_, places)| !places.is_empty()).unwrap_or((LAST, Vec::new()));
    let ranges = if all.len() == 1 && first.len() == 1 { first } else { all };
    Some(Climbed { rung: Rung(overlook), ranges: ranges.into_iter().map(|range| document.original(range)).collect() })
}

impl Rung {
    /// What has to stand in `range` of `text`, a place that [`climb`] found for `old` on this rung, where `new` was to replace `old`.
    /// `None` if the indentations do not fit: then the place is none.
    pub fn carry(self, text: &Text, range: Range<usize>, old: &str, new: &str) -> Option<String> {
        let document = Document::of(text);
        let range_in = document.normal(range.clone())?;
        let [old, new] = [old, new].map(|text| crate::text::LineEnding::Lf.normalize(text).into_owned());
        let carried = carry(self.0, &Lines::of(&document.text, range_in), &old, &new)?;
        text.with_line_endings_of(range, &carried)
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Overlook { trailing, indent, look } = self.0;
        let named = [
            (trailing && !indent, "white space at the ends of lines"),
            (indent, "indentation"),
            (look, "characters that look alike"),
        ];
        let named: Vec<&str> = named.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
        f.write_str(&named.join(" and "))
    }
}

/// Where `needle` stands in `document` but for what is overlooked.
fn places(overlook: Overlook, document: &str, needle: &str) -> Vec<Range<usize>> {
    let wanted = overlook.fold(needle, false);
    // White space and brackets alone say nothing about a place.
    if !wanted.text.contains(char::is_alphanumeric) {
        return Vec::new();
    }
    let folded = overlook.fold(document, true);
    // Where white space was overlooked at an edge of the needle, a line must begin or end there.
    let first = needle.split('\n').next().unwrap_or_default();
    let last = needle.rsplit('\n').next().unwrap_or_default();
    let begins_line = overlook.kept(first).start > 0;
    let ends_line = overlook.kept(last).end < last.len();
    let is_blank = |character| is_blank(character, overlook.look);
    let starts_blank = wanted.text.starts_with(is_blank);
    let is_indent = |before: &str| before.is_empty() || before.ends_with('\n');
    let is_place = |range: &Range<usize>| {
        let begins = range.start == 0 || folded.text.as_bytes().get(range.start - 1) == Some(&b'\n');
        let ends = folded.text.as_bytes().get(range.end).is_none_or(|byte| *byte == b'\n');
        // In the midst of an indentation, the needle's own is another.
        let head = folded.text.get(..range.start).unwrap_or_default();
        let is_amid = !begins && starts_blank && is_indent(head.trim_end_matches(is_blank));
        !is_amid && (!begins_line || begins) && (!ends_line || ends)
    };
    all_matches(&folded.text, &wanted.text)
        .filter(is_place)
        .filter_map(|range| widened(overlook, document, &folded, range))
        .collect()
}

/// All matches, those that overlap too.
fn all_matches<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + text.get(from..)?.find(needle)?;
        from = at + needle.chars().next().map_or(1, char::len_utf8);
        Some(at..at + needle.len())
    })
}

/// The bytes of the document, with the white space that was overlooked at both ends.
fn widened(overlook: Overlook, document: &str, folded: &Folded, range: Range<usize>) -> Option<Range<usize>> {
    let Range { mut start, mut end } = folded.original(range)?;
    let is_blank = |character| is_blank(character, overlook.look);
    // A blank line has no indentation: what stands there is at its end.
    if overlook.indent || document.get(start..)?.starts_with('\n') {
        let before = document.get(..start)?.trim_end_matches(is_blank);
        if before.is_empty() || before.ends_with('\n') {
            start = before.len();
        }
    }
    if overlook.trailing && !document.get(..end)?.ends_with('\n') {
        let after = document.get(end..)?.trim_start_matches(is_blank);
        if after.is_empty() || after.starts_with('\n') {
            end = document.len() - after.len();
        }
    }
    Some(start..end)
}
