//! Accepted hunks taken back, and brought back.

use claw::workspace::proposal::{TakenBack, What, take_back};
use claw::workspace::{Applied, HunkId, Proposal};

use super::Case;

impl Case {
    pub(super) fn take_back(&mut self) {
        if self.applied.is_empty() {
            return;
        }
        let at = self.random.below(self.applied.len());
        let applied = self.applied.remove(at);
        if let Some(inverse) = self.run_back(&applied) {
            self.undone.push(inverse);
        }
    }

    pub(super) fn redo(&mut self) {
        let Some(undone) = self.undone.pop() else { return };
        if let Some(inverse) = self.run_back(&undone) {
            self.applied.push(inverse);
        }
    }

    /// Takes one back, as an edit of its own that the editor makes.
    pub(super) fn run_back(&mut self, applied: &Applied) -> Option<Applied> {
        if !self.flights.is_empty() {
            return None;
        }
        let live = self.workspace.live();
        let back = take_back([applied], &live);
        let proposal = Proposal::derive(&back.overlay, &live);
        let ids: Vec<HunkId> = proposal.hunks().map(|(_, hunk)| hunk.id.clone()).collect();
        self.log.push(format!("take back {:?}: {:?}", applied.hunk, back.outcomes));
        let [outcome] = &back.outcomes[..] else { panic!("{:?}", back.outcomes) };
        let inverse = match outcome {
            TakenBack::Done(inverse) => inverse.clone(),
            TakenBack::Gone | TakenBack::Clash => {
                assert!(ids.is_empty(), "{proposal:#?}");
                self.counts.clashes += 1;
                return None;
            }
        };
        self.counts.taken_back += 1;
        let What::Edit(landed) = &applied.what else { panic!("{applied:?}") };
        let changes = proposal.applied(&ids);
        self.check_changes(&proposal, &ids, &changes);
        for change in changes {
            let flight = self.flight(change, 0);
            let old = self.text(flight.doc);
            self.editor[flight.doc].apply(&flight.changes, self.encoding);
            let new = self.text(flight.doc);
            // It takes out the very text that was put in, in one place, and puts back the very text that was there.
            let written = landed.text.slice(landed.range.clone()).unwrap();
            let mut places = (0..=old.len()).filter(|at| old.is_char_boundary(*at) && old[*at..].starts_with(&written));
            assert!(
                places.any(|at| [&old[..at], &landed.replaced, &old[at + written.len()..]].concat() == new),
                "{old:?} -> {new:?} is not {written:?} -> {:?}",
                landed.replaced
            );
            self.check_lost(&old, &new);
            self.sync(flight.doc);
        }
        self.look();
        Some(inverse)
    }
}
