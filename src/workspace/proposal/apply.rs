//! Hunks as what has to be done to the live documents, and doing it to the disk.

use super::{FileProposal, Hunk, HunkId, Proposal};
use crate::event::{ChangeKind, HunkState};
use crate::text::{Edit, Text};
use crate::workspace::disk::{self, WriteError};
use crate::workspace::{DocPath, Stamp, View};

/// What accepting some hunks does to one live document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The live document: of a rename, the one that moves.
    pub path: DocPath,
    /// Of the live document that the edits were made for.
    pub stamp: Stamp,
    pub act: Act,
    /// In order; ranges speak of the live text. Of a rename they come before the move.
    pub edits: Vec<Edit>,
    pub hunks: Vec<HunkId>,
}

/// What happens to the file besides its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Edit,
    /// It is made, and then filled by the one edit.
    Create,
    Delete,
    Rename {
        to: DocPath,
    },
}

/// What became of one file's hunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub path: DocPath,
    pub hunks: Vec<HunkId>,
    pub result: Result<(), WriteError>,
}

impl Proposal {
    /// What accepting `hunks` does, document by document. Unknown ids and conflicts are left out: what the user has not
    /// seen as it is can not be accepted.
    pub fn applied(&self, hunks: &[HunkId]) -> Vec<FileChange> {
        self.files.iter().filter_map(|file| change(file, hunks)).collect()
    }

    /// Writes `hunks` to the disk, a file at once or not at all. `live` gives the texts that the hunks' ranges speak of; a
    /// file that is another by now is [`WriteError::Stale`]. Blocks.
    pub fn apply_to_disk(&self, live: &View, hunks: &[HunkId]) -> Vec<Written> {
        self.applied(hunks)
            .into_iter()
            .map(|change| Written { result: write(live, &change), path: change.path, hunks: change.hunks })
            .collect()
    }
}

impl FileProposal {
    /// Whether a hunk of it must be approved by itself, and never among others.
    pub fn is_protected(&self) -> bool {
        std::iter::once(&self.path).chain(&self.old_path).any(crate::workspace::protected::is_protected)
    }
}

fn change(file: &FileProposal, ids: &[HunkId]) -> Option<FileChange> {
    let taken: Vec<&Hunk> =
        file.hunks.iter().filter(|hunk| hunk.state == HunkState::Pending && ids.contains(&hunk.id)).collect();
    let first = taken.first()?;
    let kind = taken.iter().map(|hunk| hunk.kind).find(|kind| *kind != ChangeKind::Edit).unwrap_or(first.kind);
    let act = match kind {
        ChangeKind::Create => Act::Create,
        ChangeKind::Delete => Act::Delete,
        ChangeKind::Rename => Act::Rename { to: file.path.clone() },
        ChangeKind::Edit => Act::Edit,
    };
    let path = file.old_path.as_ref().unwrap_or(&file.path).clone();
    let edits = taken
        .iter()
        .filter(|hunk| matches!(hunk.kind, ChangeKind::Edit | ChangeKind::Create))
        .map(|hunk| Edit { range: hunk.live.clone(), insert: hunk.new_text.clone() })
        .collect();
    let hunks = taken.iter().map(|hunk| hunk.id.clone()).collect();
    Some(FileChange { path, stamp: file.stamp, act, edits, hunks })
}

fn write(live: &View, change: &FileChange) -> Result<(), WriteError> {
    let roots = live.roots();
    let edited = || -> Result<Text, WriteError> {
        let document = live.read_live(&change.path)?;
        let stale = || WriteError::Stale(roots.display(&change.path));
        if document.stamp != change.stamp {
            return Err(stale());
        }
        document.text.apply_all(&change.edits).map_err(|_| stale())
    };
    match &change.act {
        Act::Edit => disk::replace(roots, &change.path, change.stamp, &edited()?),
        Act::Create => {
            let text: String = change.edits.iter().map(|edit| edit.insert.as_str()).collect();
            disk::create(roots, &change.path, &Text::new(&text))
        }
        Act::Delete => disk::delete(roots, &change.path, change.stamp),
        Act::Rename { to } => disk::rename(roots, &change.path, change.stamp, to, &edited()?),
    }
}
