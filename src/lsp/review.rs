//! The hunks that wait for a decision, as every part of the review shows them.
//!
//! A [`Review`] is a picture of one session's proposal and of the texts that it was placed in. It is made off the
//! keystroke path and kept; whoever needs a hunk's place in the text of this moment asks [`ReviewFile::placed`], which
//! carries it over the typing since then, and gives no place where the typing touched the hunk itself. So a code action
//! right after a keystroke needs no diff, and never carries an edit for a text that is gone.

use std::ops::Range;

use tower_lsp::gen_lsp_types::Uri;

use crate::agent::Session;
use crate::event::{ChangeKind, HunkState, ProposedFile};
use crate::text::{PositionEncoding, Text};
use crate::workspace::{DocPath, FileProposal, Proposal, View};

use super::edits::{Step, text_edit};
pub use super::keeper::document_changed;

/// What one session proposes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Review {
    pub session: String,
    /// The session's title.
    pub title: String,
    /// The contract's `proposal` object.
    pub files: Vec<ProposedFile>,
    /// The same without what has been decided, placed.
    pub pending: Vec<ReviewFile>,
}

/// A file with hunks that wait.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewFile {
    /// The document whose text the hunks replace: for a rename, the one under the old name.
    pub live: DocPath,
    /// As the editor spells it, or made from the path.
    pub live_uri: String,
    /// What it will be called.
    pub path: DocPath,
    pub uri: String,
    /// As people and tools name it.
    pub name: String,
    pub change: ChangeKind,
    /// What stands there can run later: its hunks are accepted one by one.
    pub protected: bool,
    /// The live text that [`ReviewHunk::range`] speaks of; empty where there is no file.
    pub text: Text,
    pub hunks: Vec<ReviewHunk>,
}

/// A file's hunks in one text.
pub struct PlacedFile<'a> {
    file: &'a ReviewFile,
    now: &'a Text,
    shift: Shift,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewHunk {
    pub id: String,
    pub state: HunkState,
    /// Bytes of [`ReviewFile::text`].
    pub range: Range<usize>,
    pub old_text: String,
    pub new_text: String,
    pub symbol: Option<String>,
    pub summary: Option<String>,
    /// The hunk is the creation, deletion or renaming itself.
    pub whole_file: bool,
}

impl Review {
    /// Derives the proposal and places it. Blocks on the disk.
    pub fn derive(session: &Session, live: &View) -> Review {
        let files = session.proposed_files();
        let proposal = Proposal::derive(&session.overlay(), live);
        let pending = proposal.files.iter().filter_map(|file| ReviewFile::of(file, live, &files)).collect();
        Review { session: session.id().to_owned(), title: session.title(), files, pending }
    }

    pub fn hunks(&self) -> impl Iterator<Item = (&ReviewFile, &ReviewHunk)> {
        self.pending.iter().flat_map(|file| file.hunks.iter().map(move |hunk| (file, hunk)))
    }

    /// The files whose live text is that of `path`.
    pub fn files_at<'a>(&'a self, path: &'a DocPath) -> impl Iterator<Item = &'a ReviewFile> {
        self.pending.iter().filter(move |file| &file.live == path)
    }

    pub fn hunk(&self, id: &str) -> Option<(&ReviewFile, &ReviewHunk)> {
        self.hunks().find(|(_, hunk)| hunk.id == id)
    }

    /// The state of a hunk that has been decided, where the session still remembers it.
    pub fn decided(&self, id: &str) -> Option<HunkState> {
        self.files.iter().flat_map(|file| &file.hunks).find(|hunk| hunk.hunk == id).map(|hunk| hunk.state)
    }
}

impl ReviewFile {
    /// A file's hunks, placed in `live`; `files` is how clients are shown them. `None` where there are no hunks.
    pub fn of(file: &FileProposal, live: &View, files: &[ProposedFile]) -> Option<ReviewFile> {
        if file.hunks.is_empty() {
            return None;
        }
        let live_path = file.old_path.clone().unwrap_or_else(|| file.path.clone());
        let text = live.read(&live_path).map(|document| document.text).unwrap_or_default();
        let told = |id: &str| files.iter().flat_map(|file| &file.hunks).find(|hunk| hunk.hunk == id);
        let hunks = file.hunks.iter().map(|hunk| {
            let told = told(&hunk.id.0);
            ReviewHunk {
                id: hunk.id.0.clone(),
                state: told.map_or(hunk.state, |told| told.state),
                range: hunk.live.clone(),
                old_text: hunk.old_text.clone(),
                new_text: hunk.new_text.clone(),
                symbol: told.and_then(|told| told.symbol.clone()),
                summary: told.and_then(|told| told.summary.clone()),
                whole_file: hunk.kind != ChangeKind::Edit,
            }
        });
        Some(ReviewFile {
            live_uri: live.uri(&live_path),
            uri: live.uri(&file.path),
            name: live.roots().display(&file.path),
            live: live_path,
            path: file.path.clone(),
            change: file.change,
            protected: file.is_protected(),
            text,
            hunks: hunks.collect(),
        })
    }

    /// The file's hunks in `now`, a later text of the same document. Compares the two texts once.
    pub fn placed<'a>(&'a self, now: &'a Text) -> PlacedFile<'a> {
        PlacedFile { file: self, now, shift: Shift::between(&self.text, now) }
    }
}

impl<'a> PlacedFile<'a> {
    pub fn file(&self) -> &'a ReviewFile {
        self.file
    }

    /// The hunks that have a place in the text of this moment.
    pub fn hunks(&self) -> impl Iterator<Item = (&'a ReviewHunk, Range<usize>)> + use<'a, '_> {
        self.file.hunks.iter().filter_map(|hunk| Some((hunk, self.place(hunk)?)))
    }

    /// Where `hunk` stands. `None` if what it replaces is not there as it was.
    pub fn place(&self, hunk: &ReviewHunk) -> Option<Range<usize>> {
        let (file, now) = (self.file, self.now);
        let range = self.shift.carry(&hunk.range)?;
        let same = match hunk.state {
            // The creation, deletion or renaming of a file speaks of all of it.
            _ if hunk.whole_file => *now == file.text,
            // Where the user's own lines stand.
            HunkState::Conflict => true,
            HunkState::Pending | HunkState::Accepted | HunkState::Rejected | HunkState::Unverified => {
                now.slice(range.clone())? == hunk.old_text
            }
        };
        same.then_some(range)
    }

    /// The lines that a hunk at `range` is shown on: for a file's creation, deletion or renaming its first.
    pub fn shown(&self, hunk: &ReviewHunk, range: Range<usize>) -> Range<usize> {
        let now = self.now;
        let breaks = |bytes: Range<usize>| {
            now.slice(bytes).map_or(0, |text| text.len() - text.trim_end_matches(['\r', '\n']).len())
        };
        let lines = if hunk.whole_file || self.file.change == ChangeKind::Create { now.line_range(0) } else { range };
        // Not the line break at the end: the range would reach into a line that stays as it is.
        lines.start..(lines.end - breaks(lines.clone())).max(lines.start)
    }

    /// The step that accepts `hunk`.
    pub fn accept_step(&self, hunk: &ReviewHunk, version: Option<i32>, encoding: PositionEncoding) -> Option<Step> {
        let range = self.place(hunk)?;
        let (file, now) = (self.file, self.now);
        if hunk.whole_file {
            return match file.change {
                ChangeKind::Create => {
                    Some(Step::Create { uri: Uri::from(file.uri.as_str()), content: hunk.new_text.clone() })
                }
                ChangeKind::Delete => Some(Step::Delete { uri: Uri::from(file.live_uri.as_str()) }),
                ChangeKind::Rename => {
                    Some(Step::Rename { from: Uri::from(file.live_uri.as_str()), to: Uri::from(file.uri.as_str()) })
                }
                ChangeKind::Edit => None,
            };
        }
        let edit = text_edit(now, range, &hunk.new_text, encoding)?;
        Some(Step::Change { uri: Uri::from(file.live_uri.as_str()), version, edits: vec![edit] })
    }
}

impl ReviewHunk {
    /// One line that tells this hunk from others: what it does, else where, else its text.
    pub fn label(&self) -> String {
        let summary = self.summary.as_deref().or(self.symbol.as_deref()).map(str::trim).filter(|text| !text.is_empty());
        let first_line = |text: &str| text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
        let label = summary
            .map(str::to_owned)
            .or_else(|| first_line(&self.new_text))
            .or_else(|| first_line(&self.old_text).map(|line| format!("remove {line}")))
            .unwrap_or_else(|| "white space".to_owned());
        shorten(&label, 60)
    }

    pub fn can_be_accepted(&self) -> bool {
        self.state == HunkState::Pending
    }
}

/// Merges the steps on one document into one, so that they share a version; the order of the rest stays. A rename comes
/// after the changes to what it renames: their ranges speak of the old name.
pub fn merge_steps(steps: Vec<Step>) -> Vec<Step> {
    let mut merged: Vec<Step> = Vec::new();
    for step in steps {
        if let Step::Change { uri, edits, .. } = &step {
            let same = merged.iter_mut().find_map(|other| match other {
                Step::Change { uri: other_uri, edits, .. } if other_uri == uri => Some(edits),
                _ => None,
            });
            if let Some(others) = same {
                others.extend(edits.iter().cloned());
                continue;
            }
        }
        merged.push(step);
    }
    merged.sort_by_key(|step| matches!(step, Step::Rename { .. } | Step::Delete { .. }));
    merged
}

/// A small diff of a hunk: at most `most` lines, then how many were left out.
pub fn small_diff(hunk: &ReviewHunk, most: usize) -> String {
    let lines: Vec<String> = hunk
        .old_text
        .lines()
        .map(|line| format!("-{line}"))
        .chain(hunk.new_text.lines().map(|line| format!("+{line}")))
        .collect();
    let hidden = lines.len().saturating_sub(most);
    let mut shown: Vec<String> = lines.into_iter().take(most).collect();
    if hidden > 0 {
        shown.push(format!("… {hidden} more lines"));
    }
    shown.join("\n")
}

/// At most `most` characters, with an ellipsis where something was cut.
pub fn shorten(text: &str, most: usize) -> String {
    let mut characters = text.chars();
    let mut short: String = characters.by_ref().take(most).collect();
    if characters.next().is_some() {
        short.pop();
        short.push('…');
    }
    short
}

/// The one stretch in which two texts differ, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    old: Range<usize>,
    new: Range<usize>,
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

    /// Where an offset of the new text was in the old one; within the difference, its start.
    pub fn back(&self, at: usize) -> usize {
        if at >= self.new.end { at - self.new.end + self.old.end } else { at.min(self.old.start) }
    }

    /// Where an offset of the old text is in the new one; within the difference, its start.
    pub fn forth(&self, at: usize) -> usize {
        if at >= self.old.end { at - self.old.end + self.new.end } else { at.min(self.new.start) }
    }
}

fn common_prefix(a: &Text, b: &Text, most: usize) -> usize {
    let mut at = 0;
    while at < most {
        let (from_a, from_b) = (tail_of_chunk(a, at), tail_of_chunk(b, at));
        let length = from_a.len().min(from_b.len()).min(most - at);
        let same = from_a.iter().zip(from_b).take(length).take_while(|(x, y)| x == y).count();
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
        let same = from_a.iter().rev().zip(from_b.iter().rev()).take(length).take_while(|(x, y)| x == y).count();
        done += same;
        if same < length || length == 0 {
            break;
        }
    }
    done
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
    fn a_small_diff_says_what_it_left_out() {
        let hunk = ReviewHunk {
            id: String::new(),
            state: HunkState::Pending,
            range: 0..0,
            old_text: "a\nb\n".to_owned(),
            new_text: "c\nd\n".to_owned(),
            symbol: None,
            summary: None,
            whole_file: false,
        };
        assert_eq!(small_diff(&hunk, 9), "-a\n-b\n+c\n+d");
        assert_eq!(small_diff(&hunk, 3), "-a\n-b\n+c\n… 1 more lines");
        assert_eq!(hunk.label(), "c");
    }
}
