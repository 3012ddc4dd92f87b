//! Secrets in text: found, named and masked.
//!
//! A pure function of text and of the name it stands under. This module must never know where a text came from or where it goes:
//! who shows text to a model, a trace or a user asks here first.
//!
//! What is masked keeps its lines: a line of the shown text is the line of the true one, so that numbers stay right.

mod assigned;
mod encoded;
mod formats;
mod names;
mod pem;
mod values;

use std::borrow::Cow;
use std::ops::Range;

pub use names::is_secret_file;
pub use values::mask_values;

/// How every mark begins.
const MARK: &str = "[secret: ";

/// What is masked in a file whose values are secrets by its name.
const VALUE: &str = "value";

/// A text without its secrets, and what they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked<'a> {
    pub text: Cow<'a, str>,
    /// In the order in which they stand; they do not overlap.
    pub found: Vec<Found>,
}

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is: `AWS access key`.
    pub kind: &'static str,
    /// Bytes of the text before it was masked.
    pub range: Range<usize>,
}

/// Masks what looks like a secret, also in base64, hexadecimal and as addresses spell it. In place of each stands
/// `[secret: AWS access key]`, whatever its length.
pub fn mask(text: &str) -> Masked<'_> {
    let mut found = Vec::new();
    formats::find(text, &mut found);
    assigned::find(text, &mut found);
    encoded::find(text, &mut found);
    masked(text, found)
}

/// The one door: what may be shown of a text that stands under this name.
pub fn shown<'a>(path: Option<&str>, text: &'a str) -> Masked<'a> {
    match path.filter(|path| is_secret_file(path)) {
        Some(path) => masked(text, values::find(path, text)),
        None => mask(text),
    }
}

/// A mark that stands more often in `new` than in `old`: the mask of a text, taken for the text.
pub fn added_mark<'a>(old: &str, new: &'a str) -> Option<&'a str> {
    marks(new).find(|mark| new.matches(mark).count() > old.matches(mark).count())
}

/// The marks in a text.
pub fn marks(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(MARK).filter_map(|(at, _)| {
        let rest = text.get(at + MARK.len()..)?;
        let kind = formats::kinds().find(|kind| rest.strip_prefix(kind).is_some_and(|end| end.starts_with(']')))?;
        text.get(at..at + MARK.len() + kind.len() + 1)
    })
}

/// `text` with a mark in place of each of `found`.
fn masked(text: &str, mut found: Vec<Found>) -> Masked<'_> {
    if found.is_empty() {
        return Masked { text: Cow::Borrowed(text), found };
    }
    // Of those that overlap the first counts, and the longest of those that start together: it grows over the others.
    found.sort_by_key(|found| (found.range.start, std::cmp::Reverse(found.range.end)));
    found.dedup_by(|next, first| {
        let overlaps = next.range.start < first.range.end;
        if overlaps {
            first.range.end = first.range.end.max(next.range.end);
        }
        overlaps
    });
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for Found { kind, range } in &found {
        shown.push_str(text.get(at..range.start).unwrap_or_default());
        shown.push_str(MARK);
        shown.push_str(kind);
        shown.push(']');
        let secret = text.get(range.clone()).unwrap_or_default();
        shown.extend(secret.matches(['\r', '\n']));
        at = range.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    Masked { text: Cow::Owned(shown), found }
}

#[cfg(test)]
mod tests;
