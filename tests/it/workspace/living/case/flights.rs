//! Accepted hunks on their way to the editor, and what it makes of them.

use std::collections::BTreeSet;

use claw::event::HunkState;
use claw::text::Text;
use claw::workspace::proposal::{FileChange, Sent};
use claw::workspace::{HunkId, Proposal};

use super::super::client::{Change, Landing, Personality};
use super::{Case, Flight, Step, pending, users};

impl Case {
    pub(super) fn accept(&mut self) {
        if !self.flights.is_empty() {
            return;
        }
        let proposal = self.pending();
        let ids: Vec<HunkId> = pending(&proposal).map(|(_, hunk)| hunk.id.clone()).collect();
        let every = self.random.once_in(3);
        let some: Vec<HunkId> = ids.into_iter().filter(|_| every || self.random.once_in(2)).collect();
        let changes = proposal.applied(&some);
        self.check_changes(&proposal, &some, &changes);
        self.log.push(format!("accept {some:?}"));
        for (nth, change) in changes.into_iter().enumerate() {
            let flight = self.flight(change, nth);
            self.flights.push(flight);
        }
        if self.flights.is_empty() {
            return;
        }
        if self.personality == Personality::NeverAnswers {
            self.delay = self.random.below(5);
        }
        // The user types while it is on its way.
        for _ in 0..self.random.below(3) {
            let doc = self.random.below(self.paths.len());
            self.type_something(doc);
            self.log.push(format!("races {doc}: {:?}", self.text(doc)));
            self.sync(doc);
            self.look();
        }
    }

    /// What accepting does is what was shown, and nothing else.
    pub(super) fn check_changes(&self, proposal: &Proposal, ids: &[HunkId], changes: &[FileChange]) {
        let mut shown = Vec::new();
        for (file, hunk) in pending(proposal).filter(|(_, hunk)| ids.contains(&hunk.id)) {
            shown.push((file.path.clone(), hunk.live.clone(), hunk.new_text.clone()));
            let doc = self.doc(&file.path);
            assert_eq!(&self.text(doc)[hunk.live.clone()], hunk.old_text, "what is replaced was not shown");
        }
        let edits = changes.iter().flat_map(|change| {
            change.edits.iter().map(|edit| (change.path.clone(), edit.range.clone(), edit.insert.clone()))
        });
        assert_eq!(edits.collect::<Vec<_>>(), shown);
    }

    pub(super) fn flight(&mut self, change: FileChange, nth: usize) -> Flight {
        let doc = self.doc(&change.path);
        self.shown.extend(change.edits.iter().flat_map(|edit| users(&edit.insert)));
        let text = Text::new(&self.text(doc));
        let changes = change.edits.iter().map(|edit| {
            let at = |offset: usize| text.position_at(offset, self.encoding);
            let arrives = Change { start: at(edit.range.start), end: at(edit.range.end), insert: edit.insert.clone() };
            (arrives, self.editor[doc].meaning(edit.range.start, edit.range.end))
        });
        let changes = changes.collect();
        let sent = Sent::new(text, change.edits, self.encoding).unwrap();
        Flight { doc, sent, changes, hunks: change.hunks, version: self.editor[doc].version, nth, seen: Vec::new() }
    }

    /// The editor makes what it will of the edits on their way; the verdicts are compared with what it did.
    pub(super) fn editor_takes(&mut self) {
        let proposal = self.pending();
        let known: BTreeSet<HunkId> = pending(&proposal).map(|(_, hunk)| hunk.id.clone()).collect();
        let conflicts = proposal.hunks().filter(|(_, hunk)| hunk.state == HunkState::Conflict);
        let conflicts: BTreeSet<HunkId> = conflicts.map(|(_, hunk)| hunk.id.clone()).collect();
        let mut done = Vec::new();
        let mut failed = false;
        for at in 0..self.flights.len() {
            let flight = &self.flights[at];
            let doc = flight.doc;
            let is_stale = self.editor[doc].version != flight.version;
            let takes = match failed {
                true => 0,
                false => self.personality.takes(flight.changes.len(), is_stale, flight.nth, &mut self.random),
            };
            failed |= takes < flight.changes.len() && self.personality != Personality::Strict;
            let before = self.editor[doc].clone();
            let changes = self.flights[at].changes[..takes].to_vec();
            let landings = if takes > 0 { self.editor[doc].apply(&changes, self.encoding) } else { Vec::new() };
            let after = self.editor[doc].clone();
            if takes > 0 {
                self.log.push(format!("takes {takes} of {doc} stale={is_stale} {landings:?}: {:?}", after.text()));
                self.sync(doc);
            }
            // Typing that comes in the same message.
            let right = takes > 0 && landings.iter().all(|landing| *landing == Landing::Right);
            let wrong = landings.contains(&Landing::Wrong);
            if (right || wrong) && self.random.once_in(if wrong { 2 } else { 4 }) {
                self.flights[at].seen.pop();
                self.type_something(doc);
                self.log.push(format!("merged {doc}: {:?}", self.text(doc)));
                self.sync(doc);
                done.push((at, Step { takes, landings, before, after, merged: true }));
            } else {
                done.push((at, Step { takes, landings, before, after, merged: false }));
            }
        }
        let flights = std::mem::take(&mut self.flights);
        let mut landed = BTreeSet::new();
        let mut unsure = false;
        let mut typed_over = false;
        let mut taken = BTreeSet::new();
        for (at, step) in done {
            let flight = &flights[at];
            typed_over |= step.merged;
            taken.extend(flight.hunks.iter().take(step.takes).cloned());
            let right = self.judge(flight, step, &conflicts);
            unsure |= right.is_none();
            landed.extend(flight.hunks.iter().take(right.unwrap_or(0)).cloned());
        }
        // The agent may have made another hunk of one that was on its way.
        landed.retain(|hunk| known.contains(hunk));
        let accepted: BTreeSet<HunkId> = self.observe().into_iter().collect();
        // Changed by typing at once, one may wait still, and its lines come a second time.
        self.distinct &= !typed_over || known.iter().all(|hunk| accepted.contains(hunk) || !taken.contains(hunk));
        if self.distinct && !unsure {
            assert!(landed.is_subset(&accepted), "{landed:?} are there, and {accepted:?} were seen");
        }
        self.look();
    }
}
