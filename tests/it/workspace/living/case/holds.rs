//! What must hold after each step.

use std::collections::{BTreeSet, HashSet};

use claw::event::HunkState;
use claw::workspace::proposal::observe;
use claw::workspace::{HunkId, Proposal};

use super::{Case, lines, pending, users};

impl Case {
    pub(super) fn accept_the_rest(&mut self, proposal: &Proposal) {
        let ids: Vec<HunkId> = pending(proposal).map(|(_, hunk)| hunk.id.clone()).collect();
        let changes = proposal.applied(&ids);
        self.check_changes(proposal, &ids, &changes);
        for change in changes {
            let flight = self.flight(change, 0);
            let old = self.text(flight.doc);
            self.editor[flight.doc].apply(&flight.changes, self.encoding);
            self.check_lost(&old, &self.text(flight.doc));
            self.sync(flight.doc);
        }
        self.log.push(format!("the rest: {ids:?}"));
        let accepted: BTreeSet<HunkId> = self.observe().into_iter().collect();
        if self.distinct {
            assert_eq!(accepted, ids.into_iter().collect(), "{proposal:#?}");
        }
        let left = self.look();
        if self.distinct {
            assert!(left.hunks().all(|(_, hunk)| hunk.state == HunkState::Conflict), "{left:#?}");
        }
    }

    /// Looks as the server does, and at what must hold of any proposal.
    pub(super) fn look(&mut self) -> Proposal {
        let before = self.pending();
        self.observe();
        let proposal = self.pending();
        assert_eq!(proposal, before, "a look changes nothing that is left to decide");
        for (file, hunk) in proposal.hunks() {
            let text = self.text(self.doc(&file.path));
            match hunk.state {
                HunkState::Pending => assert_eq!(text.get(hunk.live.clone()), Some(hunk.old_text.as_str())),
                HunkState::Conflict => {
                    self.counts.conflicts += 1;
                    assert!(text.get(hunk.live.clone()).is_some());
                }
                _ => panic!("{hunk:?}"),
            }
        }
        for file in &proposal.files {
            if file.hunks.iter().all(|hunk| hunk.state == HunkState::Pending) {
                let current = self.overlay.get(&file.path).unwrap().current.as_ref().unwrap().to_string();
                assert_eq!(self.accepted_text(file), current, "what is shown is what is proposed");
            }
        }
        proposal
    }

    pub(super) fn observe(&mut self) -> Vec<HunkId> {
        let observed = observe(&mut self.overlay, &self.workspace.live());
        self.counts.accepted += observed.accepted.len() as u64;
        let ids = observed.accepted.iter().map(|applied| applied.hunk.clone()).collect();
        self.applied.extend(observed.accepted);
        ids
    }

    /// What the user typed is there, once and in order, but for what the user gave up.
    pub(super) fn check_lost(&self, old: &str, new: &str) {
        let (old, new) = (users(old), users(new));
        let (had, has): (HashSet<char>, HashSet<char>) = (old.iter().copied().collect(), new.iter().copied().collect());
        let lost: Vec<char> = had.difference(&has).copied().filter(|one| !self.given_up.contains(one)).collect();
        assert!(lost.is_empty(), "what the user typed is lost: {lost:?}");
        let (mut once, mut twice) = (HashSet::new(), new.clone());
        twice.retain(|one| !once.insert(*one) && !self.given_up.contains(one) && !self.shown.contains(one));
        assert_eq!(twice, Vec::<char>::new(), "what the user typed is there twice");
        let order = |all: &[char], other: &HashSet<char>| -> Vec<char> {
            all.iter()
                .copied()
                .filter(|one| other.contains(one) && !self.given_up.contains(one) && !self.shown.contains(one))
                .collect()
        };
        assert_eq!(order(&old, &has), order(&new, &had), "what the user typed is in another order");
    }

    /// Counts the hunks that an edit of the user, which turned `old` into `new`, has not touched, and those still pending.
    pub(super) fn count_untouched(&mut self, before: &Proposal, doc: usize, old: &str, new: &str) {
        let (old_lines, new_lines) = (lines(old), lines(new));
        let first = old_lines.iter().zip(&new_lines).take_while(|(a, b)| a == b).count();
        let most = old_lines.len().min(new_lines.len()) - first;
        let same = old_lines.iter().rev().zip(new_lines.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
        let edge = |line: usize| old_lines[..line].iter().map(|line| line.len()).sum::<usize>();
        let touched = edge(first)..edge(old_lines.len() - same);
        let after = self.pending();
        for (_, hunk) in pending(before).filter(|(file, _)| file.path == self.paths[doc]) {
            if hunk.live.end <= touched.start || touched.end <= hunk.live.start {
                self.counts.untouched += 1;
                let kept = after.hunk(&hunk.id).is_some_and(|(_, now)| now.state == HunkState::Pending);
                self.counts.kept += u64::from(kept);
                if !kept {
                    self.log.push(format!("not kept: {hunk:?}"));
                }
            }
        }
    }
}
