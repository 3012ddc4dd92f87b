//! What a session proposes, hunk by hunk: derived from its overlay and the live text at every look, never stored.
//!
//! Acceptance is observed, not believed: [`observe`] looks at the live text, and where it holds a hunk the overlay's base
//! advances, whoever put it there.

use std::fmt;
use std::ops::Range;

use super::{DocPath, Overlay, Stamp, View};
use crate::event::{ChangeKind, HunkState};

/// Hash of path, old text, new text and occurrence: the first 16 hexadecimal digits. Stable while the hunk means the same.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HunkId(pub String);

/// One change that can be accepted or rejected by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    pub id: HunkId,
    /// [`HunkState::Pending`] or [`HunkState::Conflict`]: what has been decided is no longer derived.
    pub state: HunkState,
    /// Bytes of the live text that the hunk replaces.
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
    /// Where a renamed file is now.
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
    pub accepted: Vec<HunkId>,
    /// The user changed the same lines to something else.
    pub conflicts: Vec<HunkId>,
}

impl Proposal {
    /// The hunks of `overlay`, placed in the live text. Blocks on the disk.
    pub fn derive(overlay: &Overlay, live: &View) -> Proposal {
        let _ = (overlay, live);
        todo!()
    }

    pub fn hunks(&self) -> impl Iterator<Item = (&FileProposal, &Hunk)> {
        self.files.iter().flat_map(|file| file.hunks.iter().map(move |hunk| (file, hunk)))
    }

    pub fn hunk(&self, id: &HunkId) -> Option<(&FileProposal, &Hunk)> {
        self.hunks().find(|(_, hunk)| &hunk.id == id)
    }
}

/// Brings `overlay` up to date with the live text: accepted hunks leave it, other user edits are taken into base and
/// current alike. Blocks on the disk.
pub fn observe(overlay: &mut Overlay, live: &View) -> Observed {
    let _ = (overlay, live);
    todo!()
}

/// Takes a hunk out of what is proposed: current goes back to the live text there. `false` if there is no such hunk.
pub fn reject(overlay: &mut Overlay, live: &View, hunk: &HunkId) -> bool {
    let _ = (overlay, live, hunk);
    todo!()
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
