//! Acceptance without an editor: hunks written to the disk, for the command line and the library.

use std::ops::Deref;

use super::Session;
use crate::event::{HunkFlag, HunkState};
use crate::text::hidden;
use crate::workspace::{FileProposal, Hunk, HunkId, Proposal, View};

/// Characters that a reason names.
const MOST_NAMED: usize = 3;

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
    pub(in crate::agent) fn new(session: Session, proposal: Proposal) -> ProposalHandle {
        ProposalHandle { session, proposal }
    }

    /// Writes every hunk to disk but those on protected paths and those that put in hidden characters, which are in
    /// [`Applied::skipped`]. Blocks on the disk.
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
    /// Writes hunks to disk, for front ends without an editor: each is named, so ones on protected paths are written too.
    /// Open buffers are refused: their editor must make the change. What was written and is seen there is recorded as
    /// accepted. Blocks on the disk.
    pub fn apply(&self, hunks: &[HunkId]) -> Result<Applied, ApplyError> {
        let (proposal, live) = (self.proposal(), self.parts().workspace.live());
        let unknown = hunks.iter().find(|hunk| proposal.hunk(hunk).is_none());
        if let Some(unknown) = unknown {
            return Err(ApplyError(format!("there is no pending hunk {unknown}: look at the proposal again")));
        }
        self.write(&proposal, &live, |_, hunk| hunks.contains(&hunk.id), |_| None)
    }

    /// Like [`Session::apply`] with every pending hunk but those on protected paths and those that put in hidden characters.
    pub fn apply_all(&self) -> Result<Applied, ApplyError> {
        let (proposal, live) = (self.proposal(), self.parts().workspace.live());
        let flags = self.flags(&proposal);
        self.write(&proposal, &live, |_, _| true, |hunk| own_yes(flags.get(&hunk.id)?, hunk))
    }

    fn write(
        &self,
        proposal: &Proposal,
        live: &View,
        wanted: impl Fn(&FileProposal, &Hunk) -> bool,
        refused: impl Fn(&Hunk) -> Option<String>,
    ) -> Result<Applied, ApplyError> {
        let mut applied = Applied::default();
        let mut chosen = Vec::new();
        for (file, hunk) in proposal.hunks().filter(|(file, hunk)| wanted(file, hunk)) {
            match refused(hunk).or_else(|| unwritable(file, hunk, live)) {
                Some(reason) => applied.skipped.push(skipped(live, file, hunk, reason)),
                None => chosen.push(hunk.id.clone()),
            }
        }
        self.accepting(&chosen, "user", self.next_batch());
        for written in proposal.apply_to_disk(live, &chosen) {
            match written.result {
                Ok(()) => {
                    applied.files.push(live.roots().display(&written.path));
                    applied.hunks.extend(written.hunks);
                }
                Err(error) => applied.skipped.extend(written.hunks.iter().filter_map(|id| {
                    let (file, hunk) = proposal.hunk(id)?;
                    Some(skipped(live, file, hunk, error.to_string()))
                })),
            }
        }
        self.settle(&applied.hunks, true);
        self.settle(&chosen, false);
        match applied.skipped.as_slice() {
            [first, ..] if applied.hunks.is_empty() => {
                Err(ApplyError(format!("nothing was written: `{}`: {}", first.path, first.reason)))
            }
            _ => Ok(applied),
        }
    }
}

/// Why a hunk with these flags is not accepted among others, for the user.
pub fn own_yes(flags: &[HunkFlag], hunk: &Hunk) -> Option<String> {
    flags.iter().find_map(|flag| match flag {
        HunkFlag::Protected => Some("the path is protected: accept the hunk by itself".to_owned()),
        HunkFlag::HiddenCharacters => {
            let names: Vec<String> =
                hidden::added(&hunk.old_text, &hunk.new_text).into_iter().take(MOST_NAMED).map(hidden::name).collect();
            let what = if names.is_empty() { "in its name".to_owned() } else { format!("({})", names.join(", ")) };
            Some(format!("it puts in characters that can not be seen {what}: accept the hunk by itself"))
        }
        HunkFlag::Syntax => None,
    })
}

fn unwritable(file: &FileProposal, hunk: &Hunk, live: &View) -> Option<String> {
    match hunk.state {
        HunkState::Pending => {}
        HunkState::Conflict | HunkState::Accepted | HunkState::Rejected | HunkState::Unverified => {
            return Some("the same lines were changed meanwhile: it can not be applied".to_owned());
        }
    }
    let mut places = std::iter::once(&file.path).chain(&file.old_path);
    places.any(|path| live.buffers().get(path).is_some()).then(|| "it is open in an editor: accept it there".to_owned())
}

fn skipped(live: &View, file: &FileProposal, hunk: &Hunk, reason: String) -> Skipped {
    Skipped { path: live.roots().display(&file.path), hunk: hunk.id.clone(), reason }
}
