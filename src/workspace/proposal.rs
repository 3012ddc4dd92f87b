//! What a session proposes, hunk by hunk: derived from its overlay and the live text at every look, never stored.
//!
//! Acceptance is observed, not believed: [`observe`] looks at the live text, and where it holds a hunk the overlay's base
//! advances, whoever put it there.

mod apply;
mod distance;
mod look;
mod merge;
mod undo;
mod verify;

use std::fmt;
use std::ops::Range;

use super::{DocPath, Overlay, Stamp, View};
use crate::event::{ChangeKind, HunkState};
use crate::text::{ContentHash, Text};
use look::Reshape;

pub use apply::{Act, FileChange, Written};
pub use merge::Landed;
pub use undo::{Applied, TakeBack, TakenBack, What, take_back};
pub use verify::{Misapplied, Sent, Verdict};

/// Hash of path, old text, new text and occurrence: the first 16 hexadecimal digits. Stable while the hunk means the same.
/// Among hunks that are the same change of one file the occurrence counts on past those that have been decided, so that
/// an id never comes to mean another hunk.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HunkId(pub String);

/// One change that can be accepted or rejected by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    pub id: HunkId,
    /// [`ChangeKind::Edit`], or the whole act that the hunk stands for.
    pub kind: ChangeKind,
    /// [`HunkState::Pending`] or [`HunkState::Conflict`]: what has been decided is no longer derived.
    pub state: HunkState,
    /// Bytes of the live text that the hunk replaces. Of a pending edit they are `old_text`; of a conflict they are what
    /// the user made of it.
    pub live: Range<usize>,
    pub old_text: String,
    pub new_text: String,
    /// First line of `live`, 1-based.
    pub start_line: u32,
}

/// A file with proposed changes. Create, delete and rename are one hunk that stands for the whole act, with the content
/// as its text; an edited file that is also renamed has further hunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProposal {
    pub path: DocPath,
    pub change: ChangeKind,
    /// Where a renamed file is now: the live document that its hunks' ranges speak of.
    pub old_path: Option<DocPath>,
    /// Of the live document the hunks' ranges speak of.
    pub stamp: Stamp,
    pub hunks: Vec<Hunk>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    pub files: Vec<FileProposal>,
}

/// What a look at the live text showed about hunks that were pending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The live text holds them now.
    pub accepted: Vec<Applied>,
    /// The user changed the same lines to something else. Named at every look while it is so.
    pub conflicts: Vec<HunkId>,
}

impl Proposal {
    /// The hunks of `overlay`, placed in the live text. Blocks on the disk.
    pub fn derive(overlay: &Overlay, live: &View) -> Proposal {
        let files = look::all(overlay, live).into_iter().filter_map(|look| look.into_proposal()).collect();
        Proposal { files }
    }

    pub fn hunks(&self) -> impl Iterator<Item = (&FileProposal, &Hunk)> {
        self.files.iter().flat_map(|file| file.hunks.iter().map(move |hunk| (file, hunk)))
    }

    pub fn hunk(&self, id: &HunkId) -> Option<(&FileProposal, &Hunk)> {
        self.hunks().find(|(_, hunk)| &hunk.id == id)
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// Brings `overlay` up to date with the live text: accepted hunks leave it, other user edits are taken into base and
/// current alike. Blocks on the disk.
pub fn observe(overlay: &mut Overlay, live: &View) -> Observed {
    observe_some(overlay, live, &|_| true)
}

/// Like [`observe`], with those documents only that are meant. Blocks on the disk.
pub fn observe_some(overlay: &mut Overlay, live: &View, is_meant: &dyn Fn(&DocPath) -> bool) -> Observed {
    let mut observed = Observed::default();
    for look in look::some(overlay, live, is_meant) {
        observed.accepted.extend(look.applied());
        let conflicts = look.hunks.iter().filter(|hunk| hunk.state == HunkState::Conflict);
        observed.conflicts.extend(conflicts.map(|hunk| hunk.id.clone()));
        look.settle(overlay);
    }
    observed
}

/// Takes a hunk out of what is proposed: current goes back to the live text there. `false` if there is no such hunk.
pub fn reject(overlay: &mut Overlay, live: &View, hunk: &HunkId) -> bool {
    !reject_some(overlay, live, &|id| id == hunk).is_empty()
}

/// Takes the hunks that are meant out of what is proposed; which of them there were, in order. Blocks on the disk.
pub fn reject_some(overlay: &mut Overlay, live: &View, is_meant: &dyn Fn(&HunkId) -> bool) -> Vec<HunkId> {
    look::all(overlay, live).into_iter().flat_map(|look| look.reject(overlay, is_meant)).collect()
}

/// Cuts a pending hunk so that some lines of it are a hunk of their own, and what is left one or two others. `lines` are
/// 0-based lines of its new text, of its old text where it only deletes; old and new lines belong together in their order.
/// Tells the new hunk's id. `None` if there are no such lines, or the hunk stands for a whole file.
pub fn cut(overlay: &mut Overlay, live: &View, hunk: &HunkId, lines: Range<usize>) -> Option<HunkId> {
    reshape(overlay, live, hunk, &Reshape::Cut(lines))
}

/// Lets a pending hunk put in `text` instead. Tells the new hunk's id. `None` if there is no such hunk, or nothing would be left
/// to change.
pub fn amend(overlay: &mut Overlay, live: &View, hunk: &HunkId, text: &str) -> Option<HunkId> {
    reshape(overlay, live, hunk, &Reshape::NewText(text))
}

/// What settles a conflict, besides rejecting the hunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// The hunk's text replaces what the user wrote.
    Claw,
    /// What the user wrote, and the hunk's text behind it.
    Both,
}

/// Makes a pending hunk of a conflict: one that replaces what the user wrote, or stands behind it. Tells its id. `None` if there is no such conflict, or
/// nothing would be left to change: both, where the hunk only deletes, is what the user wrote.
pub fn settle_conflict(overlay: &mut Overlay, live: &View, hunk: &HunkId, how: Settle) -> Option<HunkId> {
    reshape(overlay, live, hunk, &Reshape::OverUsers { both: how == Settle::Both })
}

/// Why a conflict about a whole file can not be settled so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    #[error("there is no conflict about a whole file here")]
    NoConflict,
    #[error("a file can not be there and not be there, or have two names: take `mine` or `claw`")]
    NotBoth,
    #[error("the file is gone, and nothing of yours is left there: take `mine` or `claw`")]
    Gone,
    #[error(
        "what is there can not be read as text, so it is not shown and not replaced: move it away in the editor, or take `mine`"
    )]
    Unreadable,
    #[error("what you have is all that it would come to: take `mine`")]
    Nothing,
}

/// Makes hunks that can be accepted of a conflict about a whole file that is to come, to go or to move, or was to be edited and is
/// gone: they are made for what is there now, show it, and replace it or put Claw's text behind it. Tells their ids.
pub fn settle_file_conflict(
    overlay: &mut Overlay,
    live: &View,
    hunk: &HunkId,
    how: Settle,
) -> Result<Vec<HunkId>, Unsettled> {
    let mut looks = look::all(overlay, live).into_iter();
    looks.find_map(|look| look.settle_act(overlay, live, hunk, how)).unwrap_or(Err(Unsettled::NoConflict))
}

/// The bytes of the overlay's current text that a hunk puts in; `None` where it is no text: a deletion, a rename.
pub fn text_of(overlay: &Overlay, live: &View, hunk: &HunkId) -> Option<Range<usize>> {
    look::all(overlay, live).into_iter().find_map(|look| look.text_of(hunk))
}

fn reshape(overlay: &mut Overlay, live: &View, hunk: &HunkId, how: &Reshape<'_>) -> Option<HunkId> {
    look::all(overlay, live).into_iter().find_map(|look| look.reshape(overlay, live, hunk, how))
}

impl HunkId {
    pub(in crate::workspace) fn new(
        path: &DocPath,
        kind: ChangeKind,
        old: &str,
        new: &str,
        occurrence: usize,
    ) -> HunkId {
        let path = match path {
            DocPath::File { root, rel } => format!("{}:{rel}", root.0),
            DocPath::Virtual(uri) => uri.to_string(),
        };
        // Lengths keep the fields apart.
        let head = format!("{kind:?} {occurrence} {} {} {}\0", path.len(), old.len(), new.len());
        let hash = ContentHash::of([head.as_str(), &path, old, new].concat().as_bytes()).to_hex();
        HunkId(hash.get(..16).unwrap_or(&hash).to_owned())
    }
}

impl fmt::Debug for HunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 1-based line of a byte offset.
fn line_of(text: Option<&Text>, offset: usize) -> u32 {
    let line = text.map_or(0, |text| text.line_of(offset));
    u32::try_from(line).unwrap_or(u32::MAX).saturating_add(1)
}
