//! What the user decides about hunks besides taking or leaving them whole: parts of them, other text for them, conflicts; and
//! taking accepted ones back.

use std::ops::Range;

use super::Session;
use super::history::{UndoPlan, UndoTarget, is_wrong_step};
use crate::event::{ChangeKind, HunkState, ReviewDecision};
use crate::workspace::proposal::{Misapplied, Settle, amend, cut, observe, settle_conflict, settle_file_conflict};
use crate::workspace::{DocPath, HunkId, Overlay, Stamp, View};

impl Session {
    /// Cuts a pending hunk so that `lines` of it can be decided alone; the new hunk's id. Lines are 1-based and inclusive, of the
    /// hunk's new text, or of its old text where it only deletes. The error is for the user. Blocks on the disk.
    pub fn cut_hunk(&self, hunk: &HunkId, first: usize, last: usize) -> Result<HunkId, String> {
        let lines = lines_of(first, last).ok_or("lines are `[first, last]`, from 1, the first not after the last")?;
        let (_, pending) = self.shown_hunk(hunk)?;
        let whole = if pending.new_text.is_empty() { &pending.old_text } else { &pending.new_text };
        let count = crate::text::line_ending::line_ends(whole).len();
        if lines == (0..count) {
            return Ok(hunk.clone());
        }
        if lines.end > count {
            return Err(format!("this hunk has {count} lines, and not a line {last}"));
        }
        self.reshape(|overlay, live| cut(overlay, live, hunk, lines)).ok_or_else(|| {
            "this hunk can not be cut there: it stands for a whole file, its last line has no line break, or what is \
             left of it could not be told from lines that you have"
                .to_owned()
        })
    }

    /// Lets a pending hunk put in `text` instead; the new hunk's id. When it is accepted the review says `edited`, under the id
    /// the hunk had, and the model is told the text. The error is for the user. Blocks on the disk.
    pub fn amend_hunk(&self, hunk: &HunkId, text: &str) -> Result<HunkId, String> {
        let (_, pending) = self.shown_hunk(hunk)?;
        if pending.new_text == text {
            return Ok(hunk.clone());
        }
        let amended = self.reshape(|overlay, live| amend(overlay, live, hunk, text));
        let amended = amended
            .ok_or("this text leaves nothing to change there, or the hunk has no text of its own: reject it instead")?;
        self.state().reviews.amended(&amended, hunk);
        self.forget_checks();
        self.save();
        Ok(amended)
    }

    /// Lets a pending hunk put in `text`, which the model made on the user's word; the new hunk's id. The error is for the user.
    /// Blocks on the disk.
    pub(in crate::agent) fn replace_hunk(&self, hunk: &HunkId, text: &str) -> Result<HunkId, String> {
        let replaced = self.reshape(|overlay, live| amend(overlay, live, hunk, text));
        self.forget_checks();
        replaced.ok_or_else(|| "the hunk was decided meanwhile, or its new text would change nothing".to_owned())
    }

    /// Makes a pending hunk of a conflict: Claw's text over what the user wrote, or behind it; its id. The error is for the user.
    /// Blocks on the disk.
    pub fn settle_hunk(&self, hunk: &HunkId, how: Settle) -> Result<HunkId, String> {
        let (state, _) = self.shown_hunk(hunk)?;
        if state != HunkState::Conflict {
            return Err("this hunk is in no conflict: accept it, or reject it".to_owned());
        }
        let settled = self.reshape(|overlay, live| settle_conflict(overlay, live, hunk, how));
        self.forget_checks();
        settled.ok_or_else(|| {
            "this conflict can not be settled so: what would be left is what you have, or it is about a whole file"
                .to_owned()
        })
    }

    /// Whether a hunk is in a conflict about a whole file: one that comes, goes or moves, or whose edits have no file any more.
    /// Blocks on the disk.
    pub fn is_file_conflict(&self, hunk: &HunkId) -> bool {
        let proposal = self.proposal();
        let conflict = proposal.hunk(hunk).filter(|(_, hunk)| hunk.state == HunkState::Conflict);
        conflict.is_some_and(|(file, hunk)| hunk.kind != ChangeKind::Edit || file.stamp == Stamp::Absent)
    }

    /// Makes a proposal for what is there now of a conflict about a whole file; the ids of its hunks, which can be accepted. The
    /// error is for the user. Blocks on the disk.
    pub fn settle_file(&self, hunk: &HunkId, how: Settle) -> Result<Vec<HunkId>, String> {
        self.shown_hunk(hunk)?;
        let settled = {
            let _one_at_a_time = self.lock_observing();
            let live = self.parts().workspace.live();
            settle_file_conflict(&mut self.lock_overlay(), &live, hunk, how)
                .map_err(|unsettled| unsettled.to_string())?
        };
        self.forget_checks();
        // What is shown is what can be told of it when it is decided.
        self.proposal();
        self.save();
        Ok(settled)
    }

    /// What takes back what `target` means, from the live text of this moment. The error is for the user. Blocks on the disk.
    pub fn plan_undo(&self, target: &UndoTarget) -> Result<UndoPlan, String> {
        let going = self.settle_shown_undos();
        let history = self.lock_history().clone().after(&going);
        let mut told_gone = self.state().reviews.told_gone.clone();
        let plan = history.undo(target, &self.parts().workspace.live(), &mut told_gone);
        self.state().reviews.told_gone = told_gone;
        plan
    }

    /// What brings back what was undone last. The error is for the user. Blocks on the disk.
    pub fn plan_redo(&self) -> Result<UndoPlan, String> {
        // What was undone before that is not what was undone last.
        if !self.settle_shown_undos().is_empty() {
            return Err("an undo is still on its way to the editor: try again in a moment".to_owned());
        }
        let history = self.lock_history().clone();
        history.redo(&self.parts().workspace.live())
    }

    /// What of a plan the live text does not show yet. Blocks on the disk.
    pub fn left_of(&self, plan: &UndoPlan) -> Overlay {
        let mut left = plan.overlay.clone();
        observe(&mut left, &self.parts().workspace.live());
        left
    }

    /// Says that a plan goes to the editor now. [`Session::settle_undo`] ends it.
    pub fn undoing(&self, plan: &UndoPlan) {
        self.state().reviews.undoing.push((plan.clone(), None));
    }

    /// Takes note of what of a plan the live text shows, and records it; the hunks that went. Blocks on the disk.
    pub fn settle_undo(&self, plan: &UndoPlan, by: &str) -> Vec<HunkId> {
        let _one_at_a_time = self.lock_settling();
        let known = {
            let undoing = &mut self.state().reviews.undoing;
            let at = undoing.iter().position(|(other, _)| other == plan);
            at.and_then(|at| undoing.remove(at).1)
        };
        known.unwrap_or_else(|| self.settle_plan(plan, by))
    }

    /// Takes note of what went to the editor to be undone or redone and is there, before anybody has waited for it. What is on its
    /// way still.
    fn settle_shown_undos(&self) -> Vec<UndoPlan> {
        let _one_at_a_time = self.lock_settling();
        self.observe();
        let open: Vec<UndoPlan> = {
            let state = self.state();
            let open = state.reviews.undoing.iter().filter(|(_, done)| done.is_none());
            open.map(|(plan, _)| plan.clone()).collect()
        };
        let mut going = Vec::new();
        for plan in open {
            if !self.left_of(&plan).is_empty() {
                going.push(plan);
                continue;
            }
            // Whoever waits for it finds that it is done.
            for (_, done) in self.state().reviews.undoing.iter_mut().filter(|(other, _)| *other == plan) {
                *done = Some(plan.hunks.clone());
            }
            self.settle_plan(&plan, "user");
        }
        going
    }

    fn settle_plan(&self, plan: &UndoPlan, by: &str) -> Vec<HunkId> {
        let left = self.left_of(plan);
        let done = self.lock_history().settle(plan, &left);
        // Before anybody is told.
        self.save();
        let decision = if plan.redo { ReviewDecision::Accepted } else { ReviewDecision::Undone };
        for hunk in done.iter().filter(|hunk| !is_wrong_step(hunk)) {
            self.decide(hunk, decision, by, None);
        }
        self.observe();
        self.save();
        done
    }

    /// Takes note of steps that an editor made in the wrong place, so that undoing takes them back like accepted hunks. Returns
    /// their number for [`UndoTarget::Batch`]. Blocks on the disk.
    pub fn misapplied(&self, steps: &[(DocPath, Misapplied)], label: &str) -> u64 {
        let batch = self.next_batch();
        let turn = self.last_turn().unwrap_or_default();
        for (path, step) in steps {
            self.lock_history().push_wrong(path, step, &turn, batch, label);
        }
        self.save();
        batch
    }

    /// What [`UndoTarget::Last`] would take back, in one line for the user.
    pub fn undo_label(&self) -> Option<String> {
        self.lock_history().last_label()
    }

    fn reshape(&self, how: impl FnOnce(&mut Overlay, &View) -> Option<HunkId>) -> Option<HunkId> {
        let reshaped = {
            let _one_at_a_time = self.lock_observing();
            let live = self.parts().workspace.live();
            how(&mut self.lock_overlay(), &live)
        };
        if reshaped.is_some() {
            // What is shown is what can be told of it when it is decided.
            self.proposal();
            self.save();
        }
        reshaped
    }

    /// A hunk that is not decided, and how it stands.
    fn shown_hunk(&self, id: &HunkId) -> Result<(HunkState, crate::workspace::Hunk), String> {
        let proposal = self.proposal();
        let hunk = proposal.hunk(id).map(|(_, hunk)| hunk.clone());
        let hunk = hunk.ok_or_else(|| format!("there is no pending hunk `{id}` in session `{}`", self.id()))?;
        Ok((hunk.state, hunk))
    }
}

/// 1-based and inclusive lines as a 0-based range.
fn lines_of(first: usize, last: usize) -> Option<Range<usize>> {
    (first <= last).then_some(first.checked_sub(1)?..last)
}
