//! What the user decides about hunks besides accepting them.

use claw::event::HunkState;
use claw::workspace::proposal::{Hunk, Settle, amend, cut, reject, settle_conflict};
use claw::workspace::{DocPath, HunkId, Proposal};

use super::{Case, lines, pending, users};

impl Case {
    /// What is on its way is not decided about.
    pub(super) fn can_decide(&self, hunk: &Hunk) -> bool {
        self.flights.iter().all(|flight| !flight.hunks.contains(&hunk.id))
    }

    pub(super) fn reject(&mut self) {
        let proposal = self.pending();
        let hunks: Vec<Hunk> =
            proposal.hunks().map(|(_, hunk)| hunk.clone()).filter(|hunk| self.can_decide(hunk)).collect();
        let Some(hunk) = self.random.pick(&hunks).cloned() else { return };
        self.log.push(format!("reject {:?}", hunk.id));
        assert!(reject(&mut self.overlay, &self.workspace.live(), &hunk.id));
        self.check_others(&proposal, &hunk.id, None);
        self.look();
    }

    pub(super) fn cut(&mut self) {
        let proposal = self.pending();
        let hunks: Vec<Hunk> =
            pending(&proposal).map(|(_, hunk)| hunk.clone()).filter(|hunk| self.can_decide(hunk)).collect();
        let Some(hunk) = self.random.pick(&hunks).cloned() else { return };
        let count = lines(if hunk.new_text.is_empty() { &hunk.old_text } else { &hunk.new_text }).len();
        let first = self.random.below(count);
        let last = first + 1 + self.random.below(count - first);
        let whole = self.accepted_texts(&proposal);
        let Some(new) = cut(&mut self.overlay, &self.workspace.live(), &hunk.id, first..last) else { return };
        self.log.push(format!("cut {:?} at {first}..{last}: {new:?}", hunk.id));
        let after = self.pending();
        assert_eq!(self.accepted_texts(&after), whole, "a cut changes nothing that is proposed");
        assert!(after.hunk(&new).is_some_and(|(_, hunk)| hunk.state == HunkState::Pending), "{new:?} {after:#?}");
        self.check_others(&proposal, &hunk.id, Some(&new));
        self.look();
    }

    pub(super) fn amend(&mut self) {
        let proposal = self.pending();
        let hunks: Vec<Hunk> =
            pending(&proposal).map(|(_, hunk)| hunk.clone()).filter(|hunk| self.can_decide(hunk)).collect();
        let Some(hunk) = self.random.pick(&hunks).cloned() else { return };
        let text: String = (0..self.random.below(3)).map(|_| self.line("amended")).collect();
        let Some(new) = amend(&mut self.overlay, &self.workspace.live(), &hunk.id, &text) else { return };
        self.log.push(format!("amend {:?} with {text:?}: {new:?}", hunk.id));
        self.given_up.extend(users(&hunk.old_text));
        self.given_up.extend(users(&hunk.new_text));
        let after = self.pending();
        let (_, amended) = after.hunk(&new).expect("the new hunk is there");
        assert_eq!(amended.state, HunkState::Pending);
        assert_eq!((&amended.old_text, &amended.live), (&hunk.old_text, &hunk.live));
        assert_eq!(lines(&amended.new_text).len(), lines(&text).len());
        self.check_others(&proposal, &hunk.id, Some(&new));
        self.look();
    }

    pub(super) fn settle(&mut self) {
        let proposal = self.pending();
        let conflicts: Vec<(DocPath, Hunk)> = proposal
            .hunks()
            .filter(|(_, hunk)| hunk.state == HunkState::Conflict && self.can_decide(hunk))
            .map(|(file, hunk)| (file.path.clone(), hunk.clone()))
            .collect();
        let Some((path, hunk)) = self.random.pick(&conflicts).cloned() else { return };
        let how = if self.random.once_in(2) { Settle::Claw } else { Settle::Both };
        let users_text = self.text(self.doc(&path))[hunk.live.clone()].to_owned();
        let Some(new) = settle_conflict(&mut self.overlay, &self.workspace.live(), &hunk.id, how) else { return };
        self.log.push(format!("settle {:?} {how:?}: {new:?}", hunk.id));
        self.given_up.extend(match how {
            Settle::Claw => users(&users_text),
            // What the agent kept of the user's text is there twice then.
            Settle::Both => users(&hunk.new_text),
        });
        let after = self.pending();
        let (_, settled) = after.hunk(&new).expect("the new hunk is there");
        assert_eq!(settled.state, HunkState::Pending);
        // Behind what the user wrote, or instead.
        let end = hunk.live.end;
        let behind = how == Settle::Both && (&settled.old_text, &settled.live) == (&String::new(), &(end..end));
        assert!(behind || settled.old_text == users_text, "{settled:?}");
        self.look();
    }

    /// The hunks but for `one`, and what it has become, are what they were.
    pub(super) fn check_others(&self, before: &Proposal, one: &HunkId, new: Option<&HunkId>) {
        let after = self.pending();
        assert!(after.hunk(one).is_none(), "{one:?} is still there");
        for (_, hunk) in before.hunks().filter(|(_, hunk)| &hunk.id != one) {
            let (_, now) = after.hunk(&hunk.id).unwrap_or_else(|| panic!("{hunk:?} is gone: {after:#?}"));
            if hunk.state == HunkState::Pending {
                assert_eq!(now, hunk);
            }
        }
        let news = after.hunks().filter(|(_, hunk)| before.hunk(&hunk.id).is_none()).count();
        assert!(news <= if new.is_some() { 3 } else { 0 }, "{after:#?}");
    }
}
