//! What a session proposes, and what the user decides about it.
//!
//! Nothing here believes an answer: a hunk counts as accepted when the live text holds it.

use std::ops::Deref;

use super::Session;
use crate::event::{HunkState, ProposedFile, ReviewDecision};
use crate::workspace::{HunkId, Proposal};

/// A session's proposal as it was at the end of a task, and the way to accept it.
#[derive(Clone, Debug)]
pub struct ProposalHandle {
    session: Session,
    proposal: Proposal,
}

/// What [`Session::apply`] wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Paths as the user names them.
    pub files: Vec<String>,
    pub hunks: Vec<HunkId>,
    pub skipped: Vec<Skipped>,
}

/// What was asked for and not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub path: String,
    pub hunk: HunkId,
    /// Why, and what to do: protected, changed meanwhile, in conflict.
    pub reason: String,
}

/// Nothing of what was asked could be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ApplyError(pub String);

impl ProposalHandle {
    /// Writes every hunk to disk but those on protected paths, which are in [`Applied::skipped`]. Blocks on the disk.
    pub fn apply(&self) -> Result<Applied, ApplyError> {
        self.session.apply_all()
    }

    /// Writes these hunks; ones on protected paths too, since they are named one by one. Blocks on the disk.
    pub fn apply_hunks(&self, hunks: &[HunkId]) -> Result<Applied, ApplyError> {
        self.session.apply(hunks)
    }

    /// As a unified diff, empty where nothing is proposed. Blocks on the disk.
    pub fn diff(&self) -> String {
        self.session.diff()
    }
}

impl Deref for ProposalHandle {
    type Target = Proposal;

    fn deref(&self) -> &Proposal {
        &self.proposal
    }
}

impl Session {
    /// What is proposed now, placed in the live text. Blocks on the disk.
    pub fn proposal(&self) -> Proposal {
        todo!()
    }

    /// The contract's `proposal` object: pending and conflicting hunks, and those decided since the last turn began. Blocks on
    /// the disk.
    pub fn proposed_files(&self) -> Vec<ProposedFile> {
        todo!()
    }

    /// What is proposed as a unified diff against the live text, empty where nothing is. Blocks on the disk.
    pub fn diff(&self) -> String {
        todo!()
    }

    /// Looks at the live text, settles what it shows, and records it as `review` events. Call it when documents changed. Blocks
    /// on the disk.
    pub fn observe(&self) -> Vec<(HunkId, ReviewDecision)> {
        todo!()
    }

    /// Says that these hunks go to the editor on the user's word (`by`): when the live text shows them, the review is theirs.
    pub fn accepting(&self, hunks: &[HunkId], by: &str) {
        let _ = (hunks, by);
        todo!()
    }

    /// Says that the editor has answered about hunks that went to it, and that what it sent since has been taken in. Looks at the
    /// live text; what `applied` and yet not there becomes unverified, what was not applied is pending again. Returns how
    /// each stands now. Blocks on the disk.
    pub fn settle(&self, hunks: &[HunkId], applied: bool) -> Vec<(HunkId, HunkState)> {
        let _ = (hunks, applied);
        todo!()
    }

    /// Takes a hunk out of the proposal and records it; the model is told at the next turn, with the reason. `false` if there is
    /// no such pending hunk. Blocks on the disk.
    pub fn reject(&self, hunk: &HunkId, by: &str, reason: Option<&str>) -> bool {
        let _ = (hunk, by, reason);
        todo!()
    }

    /// Rejects all that is pending; how many hunks that were. Blocks on the disk.
    pub fn reject_all(&self, by: &str) -> usize {
        let _ = by;
        todo!()
    }

    /// Writes hunks to disk, for front ends without an editor: each is named, so ones on protected paths are written too.
    /// Open buffers are refused: their editor must make the change. Blocks on the disk.
    pub fn apply(&self, hunks: &[HunkId]) -> Result<Applied, ApplyError> {
        let _ = hunks;
        todo!()
    }

    /// Like [`Session::apply`] with every pending hunk but those on protected paths.
    pub fn apply_all(&self) -> Result<Applied, ApplyError> {
        todo!()
    }
}
