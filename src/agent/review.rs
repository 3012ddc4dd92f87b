//! What a session proposes, and what the user decides about it.
//!
//! Nothing here believes an answer: a hunk counts as accepted when the live text holds it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Session;
use super::history::UndoPlan;
use super::preflight::{FileFacts, HunkFacts, Looked};
use super::remembered::{Decided, Shown};
use crate::event::{
    ChangeKind, Event, EventKind, HunkState, ProposedFile, ProposedHunk, ReviewDecided, ReviewDecision,
};
use crate::text::Text;
use crate::text::diff::unified;
use crate::workspace::proposal::{Applied, observe_some, reject, reject_some};
use crate::workspace::{DocPath, FileProposal, Glimpse, Hunk, HunkId, Observed, Overlay, Proposal, Stamp, View};

/// Lines of a diff that the model is told of what the user typed.
const DIFF_LINES: usize = 60;

/// What a session remembers of reviews.
#[derive(Debug, Default)]
pub(in crate::agent) struct Reviews {
    /// The hunks as they were last shown: a decided one is derived no more.
    shown: Shown,
    /// What the last look found, and what tells that another would find the same.
    found: Option<(Glimpse, Found)>,
    /// Decided since the last turn began.
    decided: Decided,
    /// Hunks that are on their way to the editor, on whose word, and with which others.
    accepting: BTreeMap<HunkId, Accepting>,
    /// Hunks whose text the user made another, with the ids they had.
    amended: BTreeMap<HunkId, HunkId>,
    /// Sent to the editor, and the text did not show it: with what the document held then. When that is another by now, the
    /// hunk stands again as the texts say.
    unverified: BTreeMap<HunkId, (DocPath, Stamp)>,
    /// Batches of accepted hunks of which the user knows that the text does not hold them.
    pub(in crate::agent) told_gone: BTreeSet<u64>,
    conflicts: BTreeSet<HunkId>,
    /// Undos and redos that are on their way to the editor; with what went, once the text shows it.
    pub(in crate::agent) undoing: Vec<(UndoPlan, Option<Vec<HunkId>>)>,
    /// What the model is told at its next step, or at the next turn.
    notes: Vec<String>,
    /// Documents as the model left them: what is another by then, the user changed.
    left: BTreeMap<DocPath, Text>,
}

/// What is proposed, at one moment.
#[derive(Clone)]
pub struct Picture {
    /// The texts that the hunks are placed in.
    pub live: View,
    pub proposal: Arc<Proposal>,
    /// The contract's `proposal` object: pending and conflicting hunks, and those decided since the last turn began.
    pub files: Arc<Vec<ProposedFile>>,
}

/// What a look found: the proposal, and as clients are shown it but for what is known besides the texts.
#[derive(Clone, Debug, Default)]
struct Found {
    proposal: Arc<Proposal>,
    files: Arc<Vec<ProposedFile>>,
}

#[derive(Clone, Debug)]
struct Accepting {
    by: String,
    /// In the session's history.
    batch: u64,
}

impl Session {
    /// What is proposed now, placed in the live text. Blocks on the disk.
    pub fn proposal(&self) -> Proposal {
        Arc::unwrap_or_clone(self.look().proposal)
    }

    /// The contract's `proposal` object: pending and conflicting hunks, and those decided since the last turn began. Blocks on
    /// the disk.
    pub fn proposed_files(&self) -> Vec<ProposedFile> {
        Arc::unwrap_or_clone(self.picture().files)
    }

    /// What is proposed now, and as clients are shown it. Where nothing changed since the one before, both are the very same.
    /// Blocks on the disk.
    pub fn picture(&self) -> Picture {
        let mut picture = self.look();
        let is_in_order = |file: &ProposedFile| file.hunks.is_sorted_by_key(|hunk| hunk.start_line);
        if !self.state().reviews.decided.is_empty() || !picture.files.iter().all(is_in_order) {
            picture.files = Arc::new(self.with_decided(Arc::unwrap_or_clone(picture.files)));
        }
        picture
    }

    fn with_decided(&self, mut files: Vec<ProposedFile>) -> Vec<ProposedFile> {
        let name = |file: &ProposedFile| (file.uri.clone(), file.old_uri.clone());
        let mut at: HashMap<_, usize> = files.iter().enumerate().map(|(at, file)| (name(file), at)).collect();
        for decided in self.state().reviews.decided.iter() {
            let at = *at.entry(name(decided)).or_insert(files.len());
            match files.get_mut(at) {
                Some(file) => file.hunks.extend(decided.hunks.iter().cloned()),
                None => files.push(decided.clone()),
            }
        }
        for file in &mut files {
            file.hunks.sort_by_key(|hunk| hunk.start_line);
        }
        files
    }

    /// What is proposed as a unified diff against the live text, empty where nothing is. Blocks on the disk.
    pub fn diff(&self) -> String {
        let (overlay, live) = (self.overlay(), self.parts().workspace.live());
        if overlay.is_empty() {
            return String::new();
        }
        let proposed = self.parts().workspace.view(&overlay);
        let name = |path| live.roots().display(path);
        let mut diff = String::new();
        for file in &Proposal::derive(&overlay, &live).files {
            let from = file.old_path.as_ref().unwrap_or(&file.path);
            let old = live.read_live(from).ok().map(|document| document.text);
            let new = proposed.read(&file.path).ok().map(|document| document.text);
            let (old_name, new_name) = (old.as_ref().map(|_| name(from)), new.as_ref().map(|_| name(&file.path)));
            diff.push_str(&git_header(file.change, &name(from), &name(&file.path)));
            diff.push_str(&unified(
                old_name.as_deref(),
                &old.unwrap_or_default(),
                new_name.as_deref(),
                &new.unwrap_or_default(),
            ));
        }
        diff
    }

    /// Looks at the live text, settles what it shows, and records it as `review` events. Call it when documents changed. Blocks
    /// on the disk.
    pub fn observe(&self) -> Vec<(HunkId, ReviewDecision)> {
        self.observe_answered(&[])
    }

    /// Like [`Session::observe`], with nothing but what these documents hold of the hunks. Blocks on the disk.
    pub fn observe_accepted(&self, paths: &BTreeSet<DocPath>) {
        let _one_at_a_time = self.lock_observing();
        if self.lock_overlay().is_empty() {
            return;
        }
        let (observed, _) = self.look_at_texts(&|path| paths.contains(path));
        let settled = self.settle_accepted(observed.accepted);
        if !settled.is_empty() {
            self.save();
        }
    }

    /// What the documents that are meant hold, and held since the last look.
    fn look_at_texts(&self, is_meant: &dyn Fn(&DocPath) -> bool) -> (Observed, View) {
        let mut accepted = Vec::new();
        // Whatever the picture holds has passed before it was made.
        let live = loop {
            let live = self.parts().workspace.live();
            let passed = self.take_passed();
            if passed.is_empty() {
                break live;
            }
            for (path, buffer) in passed {
                let then = live.with_buffer(&path, buffer);
                accepted.extend(observe_some(&mut self.lock_overlay(), &then, &|other| *other == path).accepted);
            }
        };
        let mut observed = observe_some(&mut self.lock_overlay(), &live, is_meant);
        accepted.append(&mut observed.accepted);
        (Observed { accepted, ..observed }, live)
    }

    /// Of the hunks that are on their way to the editor, it has answered about `answered`. The others may be there by half,
    /// a file made and its text not yet: that is no conflict.
    fn observe_answered(&self, answered: &[HunkId]) -> Vec<(HunkId, ReviewDecision)> {
        let _one_at_a_time = self.lock_observing();
        if self.lock_overlay().is_empty() {
            self.take_passed();
            return Vec::new();
        }
        // What is shown first is what can be told of a hunk when it is gone.
        if self.state().reviews.shown.is_empty() {
            self.look_now();
        }
        let (observed, live) = self.look_at_texts(&|_| true);
        let mut settled = self.settle_accepted(observed.accepted);
        let mut conflicts: BTreeSet<HunkId> = observed.conflicts.into_iter().collect();
        let known = {
            let reviews = &mut self.state().reviews;
            reviews.forget_verified(&live);
            conflicts.retain(|hunk| answered.contains(hunk) || !reviews.accepting.contains_key(hunk));
            conflicts.retain(|hunk| !reviews.unverified.contains_key(hunk));
            std::mem::replace(&mut reviews.conflicts, conflicts.clone())
        };
        for hunk in conflicts.difference(&known) {
            self.decide(hunk, ReviewDecision::Conflict, "observed", None);
            settled.push((hunk.clone(), ReviewDecision::Conflict));
        }
        if !settled.is_empty() {
            self.save();
        }
        settled
    }

    fn settle_accepted(&self, accepted: Vec<Applied>) -> Vec<(HunkId, ReviewDecision)> {
        let mut settling = Vec::new();
        let next_batch = self.next_batch();
        for applied in accepted {
            let hunk = applied.hunk.clone();
            let (accepting, label, original) = {
                let reviews = &mut self.state().reviews;
                let accepting = reviews.accepting.remove(&hunk);
                (accepting, reviews.label(&hunk), reviews.amended.get(&hunk).cloned())
            };
            let (by, batch) = accepting.map_or_else(|| ("observed".to_owned(), next_batch), |on| (on.by, on.batch));
            let decision = if original.is_some() { ReviewDecision::Edited } else { ReviewDecision::Accepted };
            let original = original.unwrap_or_else(|| hunk.clone());
            self.lock_history().push(Applied { hunk: original, ..applied }, batch, label);
            settling.push((hunk, decision, by));
        }
        if !settling.is_empty() {
            // Before anybody is told.
            self.save();
        }
        let mut settled = Vec::new();
        for (hunk, decision, by) in settling {
            self.decide(&hunk, decision, &by, None);
            settled.push((hunk, decision));
        }
        settled
    }

    /// Says that these hunks go to the editor on the user's word (`by`): when the live text shows them, the review is theirs. What
    /// goes in one `batch` ([`Session::next_batch`]) is undone together.
    pub fn accepting(&self, hunks: &[HunkId], by: &str, batch: u64) {
        let accepting = Accepting { by: by.to_owned(), batch };
        self.state().reviews.accepting.extend(hunks.iter().map(|hunk| (hunk.clone(), accepting.clone())));
    }

    /// A number for what is accepted at one word.
    pub fn next_batch(&self) -> u64 {
        let in_flight = self.state().reviews.accepting.values().map(|accepting| accepting.batch).max();
        let next = self.lock_history().next_batch();
        in_flight.map_or(next, |batch| next.max(batch.saturating_add(1)))
    }

    /// Which of these hunks are on their way to the editor, and the last look did not find them in the text.
    pub fn awaits(&self, hunks: &[HunkId]) -> bool {
        let state = self.state();
        hunks.iter().any(|hunk| state.reviews.accepting.contains_key(hunk))
    }

    /// Says that the editor has answered about hunks that went to it, and that what it sent since has been taken in. Looks at the
    /// live text; what `applied` and yet not there becomes unverified, what was not applied is pending again. Returns how
    /// each stands now. Blocks on the disk.
    pub fn settle(&self, hunks: &[HunkId], applied: bool) -> Vec<(HunkId, HunkState)> {
        self.settle_all(&[(hunks.to_vec(), applied)]).pop().unwrap_or_default()
    }

    /// Like [`Session::settle`], for several answers at once, in their order.
    pub fn settle_all(&self, answers: &[(Vec<HunkId>, bool)]) -> Vec<Vec<(HunkId, HunkState)>> {
        // Of what was said to be applied, the lines that are neither the old nor the new are not the user's.
        let is_act = |hunk: &&HunkId| self.state().reviews.is_act(hunk);
        let answered: Vec<HunkId> = answers
            .iter()
            .flat_map(|(hunks, applied)| hunks.iter().filter(move |hunk| !applied || is_act(hunk)))
            .cloned()
            .collect();
        self.observe_answered(&answered);
        let proposal = self.proposal();
        let open: HashMap<&HunkId, (&FileProposal, &Hunk)> =
            proposal.hunks().map(|(file, hunk)| (&hunk.id, (file, hunk))).collect();
        let mut told = Vec::new();
        let mut standing = |hunk: &HunkId, applied: bool| {
            let by = self.state().reviews.accepting.remove(hunk);
            let Some((file, open)) = open.get(hunk) else {
                return self.state().reviews.state_of(hunk).unwrap_or(HunkState::Unverified);
            };
            let is_nowhere = match open.state {
                HunkState::Pending => true,
                HunkState::Conflict => open.kind == ChangeKind::Edit,
                HunkState::Accepted | HunkState::Rejected | HunkState::Unverified => false,
            };
            if !applied || !is_nowhere {
                return open.state;
            }
            let place = (file.old_path.clone().unwrap_or_else(|| file.path.clone()), file.stamp.content());
            let is_news = self.state().reviews.unverified.insert(hunk.clone(), place).is_none();
            if is_news {
                told.push((hunk.clone(), by.map_or_else(|| "user".to_owned(), |on| on.by)));
            }
            HunkState::Unverified
        };
        let standing = |(hunks, applied): &(Vec<HunkId>, bool)| {
            hunks.iter().map(|hunk| (hunk.clone(), standing(hunk, *applied))).collect()
        };
        let standings = answers.iter().map(standing).collect();
        if !told.is_empty() {
            // Before anybody is told.
            self.save();
        }
        for (hunk, by) in told {
            self.record_review(&hunk, ReviewDecision::Accepted, &by, false, None);
        }
        standings
    }

    /// Takes a hunk out of the proposal and records it; the model is told at the next turn, with the reason. `false` if there is
    /// no such pending hunk. Blocks on the disk.
    pub fn reject(&self, hunk: &HunkId, by: &str, reason: Option<&str>) -> bool {
        let _one_at_a_time = self.lock_observing();
        let rejected = self.take_out(hunk);
        if rejected {
            // Before anybody is told.
            self.save();
            self.decide(hunk, ReviewDecision::Rejected, by, reason);
        }
        rejected
    }

    /// Rejects all that is pending; how many hunks that were. Blocks on the disk.
    pub fn reject_all(&self, by: &str) -> usize {
        let proposal = self.proposal();
        let _one_at_a_time = self.lock_observing();
        let live = self.parts().workspace.live();
        let shown: BTreeSet<&HunkId> = proposal.hunks().map(|(_, hunk)| &hunk.id).collect();
        let rejected = reject_some(&mut self.lock_overlay(), &live, &|hunk| shown.contains(hunk));
        self.forget_checks();
        self.save();
        rejected.iter().for_each(|hunk| self.decide(hunk, ReviewDecision::Rejected, by, None));
        rejected.len()
    }

    /// What the user decided and typed since the model last heard of it.
    pub(in crate::agent) fn take_review_notes(&self) -> Option<String> {
        let overlay = self.overlay();
        let roots = self.parts().workspace.roots();
        let (decided, typed) = {
            let reviews = &mut self.state().reviews;
            (std::mem::take(&mut reviews.notes), reviews.take_typed(&overlay))
        };
        let mut parts = Vec::new();
        if !decided.is_empty() {
            parts.push(format!("The user decided about what you proposed:\n{}", decided.join("\n")));
        }
        for (path, before, now) in typed {
            let name = roots.display(&path);
            let diff = unified(Some(&name), &before, Some(&name), &now);
            parts.push(format!("`{name}` is not as you left it; the user's changes stand:\n{}", first_lines(&diff)));
        }
        (!parts.is_empty()).then(|| format!("Since you last looked:\n{}", parts.join("\n")))
    }

    /// The proposal, and as clients are shown it.
    fn look(&self) -> Picture {
        // Not between what a look at the texts finds and what is told of it: that is told as it was shown last.
        let _one_at_a_time = self.lock_observing();
        self.look_now()
    }

    fn look_now(&self) -> Picture {
        let (overlay, live) = (self.overlay(), self.parts().workspace.live());
        let Found { proposal, mut files } = self.find(&overlay, &live);
        let mut state = self.state();
        state.reviews.forget_verified(&live);
        // Most looks show what the one before has shown, and thousands of hunks are not copied in no time.
        if !state.reviews.goes_by_the_texts() {
            for hunk in Arc::make_mut(&mut files).iter_mut().flat_map(|file| &mut file.hunks) {
                hunk.state = state.reviews.shown_state(hunk);
            }
        }
        if !state.reviews.shown.is(&files) {
            state.reviews.shown.set(Arc::clone(&files));
        }
        drop(state);
        Picture { live, proposal, files }
    }

    /// Derives the proposal, or has it from the look before where nothing that it follows from is another.
    fn find(&self, overlay: &Overlay, live: &View) -> Found {
        // Most looks find nothing, and nothing needs no disk.
        if overlay.is_empty() {
            self.state().reviews.found = None;
            return Found::default();
        }
        let glimpse = live.glimpse(overlay);
        if let (Some(now), Some((then, found))) = (&glimpse, &self.state().reviews.found)
            && now == then
        {
            return found.clone();
        }
        let proposal = Proposal::derive(overlay, live);
        let looked = self.preflight().look(&proposal, live);
        let files = proposal.files.iter().zip(&looked.files);
        let files = files.map(|(file, facts)| show(file, live, facts, &looked)).collect();
        let found = Found { proposal: Arc::new(proposal), files: Arc::new(files) };
        self.state().reviews.found = glimpse.map(|glimpse| (glimpse, found.clone()));
        found
    }

    /// Takes a hunk out of the proposal. `false` if there is no such pending hunk.
    fn take_out(&self, hunk: &HunkId) -> bool {
        if !self.state().reviews.is_shown(hunk) {
            self.look_now();
        }
        let live = self.parts().workspace.live();
        let rejected = reject(&mut self.lock_overlay(), &live, hunk);
        if rejected {
            self.forget_checks();
        }
        rejected
    }

    pub(in crate::agent) fn decide(&self, hunk: &HunkId, decision: ReviewDecision, by: &str, reason: Option<&str>) {
        self.state().reviews.decide(hunk, decision, reason);
        self.record_review(hunk, decision, by, true, reason);
    }

    fn record_review(&self, hunk: &HunkId, decision: ReviewDecision, by: &str, verified: bool, reason: Option<&str>) {
        let hunk = self.state().reviews.original(hunk);
        self.recorder().record(EventKind::Review(ReviewDecided {
            hunk: hunk.0.clone(),
            decision,
            by: by.to_owned(),
            verified,
            reason: reason.map(str::to_owned),
        }));
    }
}

impl Reviews {
    /// What was decided before is history now.
    pub fn begin_turn(&mut self) {
        self.decided.clear();
        self.shown.forget_gone();
    }

    /// Takes up what a trace tells: what was shown last, and decided since.
    pub fn restore(&mut self, events: &[Event]) {
        for event in events {
            match &event.kind {
                EventKind::TurnStart(_) => self.begin_turn(),
                EventKind::Context(_) => self.notes.clear(),
                EventKind::Proposal { files, .. } => self.shown.set(Arc::new(files.clone())),
                EventKind::Review(review) if review.verified => {
                    self.decide(&HunkId(review.hunk.clone()), review.decision, review.reason.as_deref());
                }
                _ => {}
            }
        }
    }

    fn decide(&mut self, hunk: &HunkId, decision: ReviewDecision, reason: Option<&str>) {
        let (state, word) = match decision {
            ReviewDecision::Accepted => (HunkState::Accepted, "accepted"),
            ReviewDecision::Edited => (HunkState::Accepted, "accepted with changes"),
            ReviewDecision::Rejected => (HunkState::Rejected, "rejected"),
            ReviewDecision::Undone => (HunkState::Rejected, "undone"),
            // Not decided: the user changed the same lines, and the hunk stays.
            ReviewDecision::Conflict => return,
        };
        self.unverified.remove(hunk);
        self.accepting.remove(hunk);
        let id = self.original(hunk);
        let shown = self.shown.only(&hunk.0);
        self.shown.forget(&hunk.0);
        // What was accepted and is undone, or undone and brought back, is shown no more.
        let known = || self.decided.get(&id.0).cloned();
        let Some(mut file) = shown.or_else(known) else {
            if decision == ReviewDecision::Undone {
                self.notes.push(format!("- undone: an earlier change of yours (hunk {id})"));
            }
            return;
        };
        let lines = file.hunks.iter().map(|hunk| hunk.start_line).next().unwrap_or(1);
        let reason = reason.map(|reason| format!(", because: {reason}")).unwrap_or_default();
        let tweak = match (decision, file.hunks.first()) {
            (ReviewDecision::Edited, Some(hunk)) => format!("; it reads now:\n{}", hunk.new_text.trim_end()),
            _ => String::new(),
        };
        self.notes.push(format!("- {word}: your change at `{}` line {lines}{reason}{tweak}", file.path));
        for hunk in &mut file.hunks {
            hunk.state = state;
            hunk.needs.clear();
            hunk.hunk.clone_from(&id.0);
        }
        self.decided.push(file);
    }

    /// What a step of the model left in the overlay: `None` where it is gone from there, or no file.
    pub(in crate::agent) fn left_by_model(&mut self, left: Vec<(DocPath, Option<Text>)>) {
        for (path, text) in left {
            match text {
                Some(text) => drop(self.left.insert(path, text)),
                None => drop(self.left.remove(&path)),
            }
        }
    }

    /// The documents that are not as the model left them: before and now. Told once. One in which nothing is proposed any more
    /// is the user's alone, and not followed.
    fn take_typed(&mut self, overlay: &Overlay) -> Vec<(DocPath, Text, Text)> {
        let current = |path: &DocPath| overlay.get(path).and_then(|file| file.current.clone());
        self.left.retain(|path, _| current(path).is_some());
        let mut typed = Vec::new();
        for (path, left) in &mut self.left {
            if let Some(now) = current(path).filter(|now| now != left) {
                typed.push((path.clone(), std::mem::replace(left, now.clone()), now));
            }
        }
        typed
    }

    /// The user made another text of the hunk `original`, which is `amended` now.
    pub(in crate::agent) fn amended(&mut self, amended: &HunkId, original: &HunkId) {
        let original = self.original(original);
        self.amended.insert(amended.clone(), original);
    }

    /// Hunks whose text the user made another, with the ids they had.
    pub(in crate::agent) fn amended_ids(&self) -> BTreeMap<String, String> {
        self.amended.iter().map(|(amended, original)| (amended.0.clone(), original.0.clone())).collect()
    }

    /// Hunks that were sent to the editor and not found in the text, and what their documents held then.
    pub(in crate::agent) fn unverified(&self) -> BTreeMap<HunkId, (DocPath, Stamp)> {
        self.unverified.clone()
    }

    /// Takes up such hunks from before.
    pub(in crate::agent) fn restore_unverified(&mut self, hunks: BTreeMap<HunkId, (DocPath, Stamp)>) {
        self.unverified.extend(hunks);
    }

    /// The id that a hunk had before the user made another text of it.
    fn original(&self, hunk: &HunkId) -> HunkId {
        self.amended.get(hunk).unwrap_or(hunk).clone()
    }

    /// A shown hunk in one line, for the user.
    fn label(&self, hunk: &HunkId) -> String {
        let Some((file, hunk)) = self.shown.hunk(&hunk.0) else { return String::new() };
        format!("{} in {}", hunk.summary.as_deref().unwrap_or_default(), file.path)
    }

    /// Whether nothing besides the texts has a say in how hunks stand.
    fn goes_by_the_texts(&self) -> bool {
        self.unverified.is_empty() && self.accepting.is_empty()
    }

    /// A hunk's state, by what is known besides the texts.
    fn shown_state(&self, hunk: &ProposedHunk) -> HunkState {
        let id = HunkId(hunk.hunk.clone());
        match hunk.state {
            HunkState::Pending | HunkState::Conflict if self.unverified.contains_key(&id) => HunkState::Unverified,
            HunkState::Conflict if self.accepting.contains_key(&id) => HunkState::Pending,
            state => state,
        }
    }

    fn is_shown(&self, hunk: &HunkId) -> bool {
        self.shown.holds(&hunk.0)
    }

    fn state_of(&self, hunk: &HunkId) -> Option<HunkState> {
        let id = self.original(hunk);
        self.decided.get(&id.0).and_then(|file| file.hunks.first()).map(|hunk| hunk.state)
    }

    /// Whether a shown hunk stands for a whole file.
    fn is_act(&self, hunk: &HunkId) -> bool {
        self.shown.hunk(&hunk.0).is_some_and(|(file, _)| matches!(file.change, ChangeKind::Create | ChangeKind::Delete))
    }

    /// What was sent and not found is as uncertain as before only while its document is as it was.
    fn forget_verified(&mut self, live: &View) {
        let mut now: HashMap<DocPath, Option<Stamp>> = HashMap::new();
        self.unverified.retain(|_, (path, then)| {
            let now = now.entry(path.clone()).or_insert_with(|| live.live_stamp(path).ok().map(Stamp::content));
            *now == Some(*then)
        });
    }
}

/// The first lines of a diff: enough to know that the file should be read again.
fn first_lines(diff: &str) -> String {
    let mut lines = diff.lines();
    let mut first: Vec<&str> = lines.by_ref().take(DIFF_LINES).collect();
    if lines.next().is_some() {
        first.push("… and more: read the file again");
    }
    first.join("\n")
}

/// A file's proposal as clients are shown it.
fn show(file: &FileProposal, live: &View, facts: &FileFacts, looked: &Looked) -> ProposedFile {
    let hunks = file.hunks.iter().zip(&facts.hunks);
    ProposedFile {
        uri: live.uri(&file.path),
        path: live.roots().display(&file.path),
        change: file.change,
        old_uri: file.old_path.as_ref().map(|path| live.uri(path)),
        hunks: hunks.map(|(hunk, facts)| show_hunk(file, hunk, facts, looked, live)).collect(),
    }
}

fn show_hunk(file: &FileProposal, hunk: &Hunk, facts: &HunkFacts, looked: &Looked, live: &View) -> ProposedHunk {
    ProposedHunk {
        hunk: hunk.id.0.clone(),
        state: hunk.state,
        start_line: hunk.start_line,
        old_text: hunk.old_text.clone(),
        new_text: hunk.new_text.clone(),
        mine: mine(file, hunk, live),
        symbol: facts.symbol.clone(),
        flags: facts.flags.clone(),
        needs: looked.needs(&hunk.id),
        summary: Some(summary(file, hunk, live)),
    }
}

/// What the user made of the lines of a conflict.
fn mine(file: &FileProposal, hunk: &Hunk, live: &View) -> Option<String> {
    if hunk.state != HunkState::Conflict || hunk.kind != ChangeKind::Edit {
        return None;
    }
    let place = file.old_path.as_ref().unwrap_or(&file.path);
    live.read_live(place).ok()?.text.slice(hunk.live.clone())
}

/// What is done to the file as a whole; within a file `+3 −1`, and the first new line that says something.
fn summary(file: &FileProposal, hunk: &Hunk, live: &View) -> String {
    let name = |path| live.roots().display(path);
    match (file.change, &file.old_path) {
        (ChangeKind::Create, _) => return format!("create {}", name(&file.path)),
        (ChangeKind::Delete, _) => return format!("delete {}", name(&file.path)),
        (ChangeKind::Rename, Some(old)) if hunk.old_text == hunk.new_text => {
            return format!("rename {} to {}", name(old), name(&file.path));
        }
        (ChangeKind::Edit | ChangeKind::Rename, _) => {}
    }
    let lines = |text: &str| text.lines().count();
    let telling = |text: &str| {
        let line = text.lines().map(str::trim).find(|line| line.chars().any(char::is_alphanumeric))?;
        Some(line.chars().take(60).collect::<String>())
    };
    let counts = format!("+{} −{}", lines(&hunk.new_text), lines(&hunk.old_text));
    match telling(&hunk.new_text).or_else(|| telling(&hunk.old_text)) {
        Some(line) => format!("{counts} {line}"),
        None => counts,
    }
}

/// What git writes above a file's hunks: without it a rename, or an empty file that comes or goes, would show nothing.
fn git_header(change: ChangeKind, from: &str, to: &str) -> String {
    let act = match change {
        ChangeKind::Edit => String::new(),
        ChangeKind::Create => "new file mode 100644\n".to_owned(),
        ChangeKind::Delete => "deleted file mode 100644\n".to_owned(),
        ChangeKind::Rename => format!("rename from {from}\nrename to {to}\n"),
    };
    format!("diff --git a/{from} b/{to}\n{act}")
}
