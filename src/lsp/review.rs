//! The hunks that wait for a decision, as every part of the review shows them.
//!
//! A [`Review`] is a picture of one session's proposal and of the texts that it was placed in. It is made off the
//! keystroke path and kept; whoever needs a hunk's place in the text of this moment asks [`ReviewFile::placed`], which
//! carries it over the typing since then, and gives no place where the typing touched the hunk itself. So a code action
//! right after a keystroke needs no diff, and never carries an edit for a text that is gone.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use tower_lsp::gen_lsp_types::Uri;

use crate::agent::{Picture, Session, sure_flags};
use crate::event::{ChangeKind, HunkFlag, HunkState, ProposalCheck, ProposedFile, ProposedHunk};
use crate::text::hidden::{visible, visible_line};
use crate::text::{PositionEncoding, Shift, Text};
use crate::workspace::{DocPath, FileProposal, HunkId, Proposal, View};

use super::edits::{Step, text_edit};
pub use super::keeper::{document_changed, document_opened};

/// What one session proposes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Review {
    pub session: String,
    /// The session's title.
    pub title: String,
    /// The contract's `proposal` object.
    pub files: Arc<Vec<ProposedFile>>,
    /// The same without what has been decided, placed.
    pub pending: Vec<ReviewFile>,
    /// How the check commands went on what is proposed.
    pub checks: Vec<ProposalCheck>,
    /// Where in `pending` each hunk stands: its file and its own place in there, by its id.
    places: HashMap<String, (usize, usize)>,
    /// What `pending` was made of.
    proposal: Arc<Proposal>,
}

/// Hunks as clients are shown them, by their ids.
pub type Told<'a> = HashMap<&'a str, &'a ProposedHunk>;

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
    /// What to look at before accepting it.
    pub flags: Vec<HunkFlag>,
    /// Ids of pending hunks without which it makes no sense.
    pub needs: Vec<String>,
    /// The hunk is the creation, deletion or renaming itself.
    pub whole_file: bool,
}

impl Review {
    /// Derives the proposal and places it. Blocks on the disk.
    pub fn derive(session: &Session) -> Review {
        Review::of(session, session.picture())
    }

    /// A session's proposal, placed. Blocks on the disk.
    pub fn of(session: &Session, picture: Picture) -> Review {
        let Picture { live, proposal, files } = picture;
        let told = files.iter().flat_map(|file| &file.hunks).map(|hunk| (hunk.hunk.as_str(), hunk)).collect();
        let pending: Vec<ReviewFile> =
            proposal.files.iter().filter_map(|file| ReviewFile::of(file, &live, &told)).collect();
        let checks = if pending.is_empty() { Vec::new() } else { session.checks() };
        Review { checks, proposal, ..Review::new(session.id().to_owned(), session.title(), files, pending) }
    }

    /// Whether it would be made again of this picture.
    pub fn is_of(&self, session: &Session, picture: &Picture) -> bool {
        Arc::ptr_eq(&self.proposal, &picture.proposal)
            && Arc::ptr_eq(&self.files, &picture.files)
            && self.title == session.title()
            && (self.pending.is_empty() || self.checks == session.checks())
    }

    pub fn new(session: String, title: String, files: Arc<Vec<ProposedFile>>, pending: Vec<ReviewFile>) -> Review {
        let places = pending.iter().enumerate().flat_map(|(index, file)| {
            file.hunks.iter().enumerate().map(move |(place, hunk)| (hunk.id.clone(), (index, place)))
        });
        let places = places.collect();
        Review { session, title, places, files, pending, checks: Vec::new(), proposal: Arc::default() }
    }

    pub fn hunks(&self) -> impl Iterator<Item = (&ReviewFile, &ReviewHunk)> {
        self.pending.iter().flat_map(|file| file.hunks.iter().map(move |hunk| (file, hunk)))
    }

    /// The files whose live text is that of `path`.
    pub fn files_at<'a>(&'a self, path: &'a DocPath) -> impl Iterator<Item = &'a ReviewFile> {
        self.pending.iter().filter(move |file| &file.live == path)
    }

    pub fn hunk(&self, id: &str) -> Option<(&ReviewFile, &ReviewHunk)> {
        self.at(*self.places.get(id)?)
    }

    /// Where a hunk stands among the others.
    pub fn place(&self, id: &str) -> Option<(usize, usize)> {
        self.places.get(id).copied()
    }

    /// The hunk at such a place.
    pub fn at(&self, (file, hunk): (usize, usize)) -> Option<(&ReviewFile, &ReviewHunk)> {
        let file = self.pending.get(file)?;
        Some((file, file.hunks.get(hunk)?))
    }

    /// The state of a hunk that has been decided, where the session still remembers it.
    pub fn decided(&self, id: &str) -> Option<HunkState> {
        self.files.iter().flat_map(|file| &file.hunks).find(|hunk| hunk.hunk == id).map(|hunk| hunk.state)
    }
}

impl ReviewFile {
    /// A file's hunks, placed in `live`. `None` where there are no hunks.
    pub fn of(file: &FileProposal, live: &View, told: &Told<'_>) -> Option<ReviewFile> {
        if file.hunks.is_empty() {
            return None;
        }
        let live_path = file.old_path.clone().unwrap_or_else(|| file.path.clone());
        let text = live.read(&live_path).map(|document| document.text).unwrap_or_default();
        let hunks = file.hunks.iter().map(|hunk| {
            let HunkId(id) = &hunk.id;
            let told = told.get(id.as_str());
            ReviewHunk {
                id: hunk.id.0.clone(),
                state: told.map_or(hunk.state, |told| told.state),
                range: hunk.live.clone(),
                old_text: hunk.old_text.clone(),
                new_text: hunk.new_text.clone(),
                symbol: told.and_then(|told| told.symbol.clone()),
                summary: told.and_then(|told| told.summary.clone()),
                // One that is newer than what was told is looked at here: no hidden text slips into a batch.
                flags: told.map_or_else(|| sure_flags(file, hunk, live), |told| told.flags.clone()),
                needs: told.map(|told| told.needs.clone()).unwrap_or_default(),
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
        // Of lines that the user types at now, a hunk must not take a part, nor put a part of a line before others.
        let range = self.shift.carry_lines(&hunk.range, now)?;
        if range.end < now.len() && !hunk.new_text.is_empty() && !hunk.new_text.ends_with(['\n', '\r']) {
            return None;
        }
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
    /// One line that tells this hunk from others: where and what it does, else its text. Nothing in it hides.
    pub fn label(&self) -> String {
        let told = [self.symbol.as_deref(), self.summary.as_deref()];
        let told: Vec<&str> = told.into_iter().flatten().map(str::trim).filter(|text| !text.is_empty()).collect();
        let summary = (!told.is_empty()).then(|| told.join(": "));
        let first_line = |text: &str| text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
        let label = summary
            .or_else(|| first_line(&self.new_text))
            .or_else(|| first_line(&self.old_text).map(|line| format!("remove {line}")))
            .unwrap_or_else(|| "white space".to_owned());
        shorten(&visible_line(&label), 60)
    }

    pub fn can_be_accepted(&self) -> bool {
        self.state == HunkState::Pending
    }

    /// Whether it is accepted with others; one that is not has a yes of its own.
    pub fn goes_with_others(&self) -> bool {
        self.can_be_accepted() && !self.flags.iter().any(|flag| flag.needs_own_yes())
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

/// A small diff of a hunk: at most `most` lines, then how many were left out. What hides is written out.
pub fn small_diff(hunk: &ReviewHunk, most: usize) -> String {
    let lines: Vec<String> = hunk
        .old_text
        .lines()
        .map(|line| format!("-{}", visible(line)))
        .chain(hunk.new_text.lines().map(|line| format!("+{}", visible(line))))
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

#[cfg(test)]
mod tests {
    use super::*;

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
            flags: Vec::new(),
            needs: Vec::new(),
            whole_file: false,
        };
        assert_eq!(small_diff(&hunk, 9), "-a\n-b\n+c\n+d");
        assert_eq!(small_diff(&hunk, 3), "-a\n-b\n+c\n… 1 more lines");
        assert_eq!(hunk.label(), "c");
    }
}
