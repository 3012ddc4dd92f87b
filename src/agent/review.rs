//! What a session proposes, and what the user decides about it.
//!
//! Nothing here believes an answer: a hunk counts as accepted when the live text holds it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Session;
use crate::context::Index;
use crate::event::{
    ChangeKind, Event, EventKind, HunkState, ProposedFile, ProposedHunk, ReviewDecided, ReviewDecision,
};
use crate::syntax::{Language, Symbols};
use crate::text::Text;
use crate::text::diff::unified;
use crate::workspace::proposal::{Applied, observe, reject};
use crate::workspace::{DocPath, FileProposal, Hunk, HunkId, Overlay, Proposal, View};

/// Lines of a diff that the model is told of what the user typed.
const DIFF_LINES: usize = 60;

/// What a session remembers of reviews.
#[derive(Debug, Default)]
pub(in crate::agent) struct Reviews {
    /// The hunks as they were last shown: a decided one is derived no more.
    shown: Vec<ProposedFile>,
    /// Decided since the last turn began, one hunk each.
    decided: Vec<ProposedFile>,
    /// Hunks that are on their way to the editor, on whose word, and with which others.
    accepting: BTreeMap<HunkId, Accepting>,
    /// Hunks whose text the user made another, with the ids they had.
    amended: BTreeMap<HunkId, HunkId>,
    unverified: BTreeSet<HunkId>,
    conflicts: BTreeSet<HunkId>,
    /// What the model is told at its next step, or at the next turn.
    notes: Vec<String>,
    /// Documents as the model left them: what is another by then, the user changed.
    left: BTreeMap<DocPath, Text>,
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
        self.look().0
    }

    /// The contract's `proposal` object: pending and conflicting hunks, and those decided since the last turn began. Blocks on
    /// the disk.
    pub fn proposed_files(&self) -> Vec<ProposedFile> {
        let (_, mut files) = self.look();
        for decided in &self.state().reviews.decided {
            match files.iter_mut().find(|file| file.uri == decided.uri && file.old_uri == decided.old_uri) {
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

    /// Of the hunks that are on their way to the editor, it has answered about `answered`. The others may be there by half,
    /// a file made and its text not yet: that is no conflict.
    fn observe_answered(&self, answered: &[HunkId]) -> Vec<(HunkId, ReviewDecision)> {
        let _one_at_a_time = self.lock_observing();
        if self.lock_overlay().is_empty() {
            return Vec::new();
        }
        // What is shown first is what can be told of a hunk when it is gone.
        if self.state().reviews.shown.is_empty() {
            self.look();
        }
        let live = self.parts().workspace.live();
        let observed = observe(&mut self.lock_overlay(), &live);
        let mut accepted = Vec::new();
        let next_batch = self.next_batch();
        for applied in observed.accepted {
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
            accepted.push((hunk, decision, by));
        }
        if !accepted.is_empty() {
            // Before anybody is told.
            self.save();
        }
        let mut settled = Vec::new();
        for (hunk, decision, by) in accepted {
            self.decide(&hunk, decision, &by, None);
            settled.push((hunk, decision));
        }
        let mut conflicts: BTreeSet<HunkId> = observed.conflicts.into_iter().collect();
        let known = {
            let reviews = &mut self.state().reviews;
            conflicts.retain(|hunk| answered.contains(hunk) || !reviews.accepting.contains_key(hunk));
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

    /// Says that the editor has answered about hunks that went to it, and that what it sent since has been taken in. Looks at the
    /// live text; what `applied` and yet not there becomes unverified, what was not applied is pending again. Returns how
    /// each stands now. Blocks on the disk.
    pub fn settle(&self, hunks: &[HunkId], applied: bool) -> Vec<(HunkId, HunkState)> {
        self.observe_answered(hunks);
        let proposal = self.proposal();
        let mut standing = Vec::new();
        for hunk in hunks {
            let by = self.state().reviews.accepting.remove(hunk);
            let state = match proposal.hunk(hunk).map(|(_, hunk)| hunk.state) {
                Some(HunkState::Pending) if applied => {
                    let is_news = self.state().reviews.unverified.insert(hunk.clone());
                    if is_news {
                        self.record_review(
                            hunk,
                            ReviewDecision::Accepted,
                            by.as_ref().map_or("user", |on| &on.by),
                            false,
                            None,
                        );
                    }
                    HunkState::Unverified
                }
                Some(state) => state,
                None => self.state().reviews.state_of(hunk).unwrap_or(HunkState::Unverified),
            };
            standing.push((hunk.clone(), state));
        }
        standing
    }

    /// Takes a hunk out of the proposal and records it; the model is told at the next turn, with the reason. `false` if there is
    /// no such pending hunk. Blocks on the disk.
    pub fn reject(&self, hunk: &HunkId, by: &str, reason: Option<&str>) -> bool {
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
        let rejected: Vec<&HunkId> =
            proposal.hunks().map(|(_, hunk)| &hunk.id).filter(|hunk| self.take_out(hunk)).collect();
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
    fn look(&self) -> (Proposal, Vec<ProposedFile>) {
        let (overlay, live) = (self.overlay(), self.parts().workspace.live());
        // Most looks find nothing, and nothing needs no disk.
        let proposal = if overlay.is_empty() { Proposal::default() } else { Proposal::derive(&overlay, &live) };
        let mut files: Vec<ProposedFile> =
            proposal.files.iter().map(|file| show(file, &live, &self.parts().index)).collect();
        let mut state = self.state();
        for hunk in files.iter_mut().flat_map(|file| &mut file.hunks) {
            hunk.state = state.reviews.shown_state(hunk);
        }
        state.reviews.shown.clone_from(&files);
        drop(state);
        (proposal, files)
    }

    /// Takes a hunk out of the proposal. `false` if there is no such pending hunk.
    fn take_out(&self, hunk: &HunkId) -> bool {
        if !self.state().reviews.is_shown(hunk) {
            self.look();
        }
        let live = self.parts().workspace.live();
        reject(&mut self.lock_overlay(), &live, hunk)
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
    }

    /// Takes up what a trace tells: what was shown last, and decided since.
    pub fn restore(&mut self, events: &[Event]) {
        for event in events {
            match &event.kind {
                EventKind::TurnStart(_) => self.begin_turn(),
                EventKind::Context(_) => self.notes.clear(),
                EventKind::Proposal { files } => self.shown.clone_from(files),
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
        let id = self.original(hunk);
        let shown = self.shown.iter().find_map(|file| only(file, hunk));
        // What was accepted and is undone, or undone and brought back, is shown no more.
        let known = || self.decided.iter().find_map(|file| only(file, &id));
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
            hunk.hunk.clone_from(&id.0);
        }
        self.decided.iter_mut().for_each(|file| file.hunks.retain(|hunk| hunk.hunk != id.0));
        self.decided.retain(|file| !file.hunks.is_empty());
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

    /// The id that a hunk had before the user made another text of it.
    fn original(&self, hunk: &HunkId) -> HunkId {
        self.amended.get(hunk).unwrap_or(hunk).clone()
    }

    /// A shown hunk in one line, for the user.
    fn label(&self, hunk: &HunkId) -> String {
        let Some(file) = self.shown.iter().find_map(|file| only(file, hunk)) else { return String::new() };
        let summary = file.hunks.first().and_then(|hunk| hunk.summary.clone()).unwrap_or_default();
        format!("{summary} in {}", file.path)
    }

    /// A hunk's state, by what is known besides the texts.
    fn shown_state(&self, hunk: &ProposedHunk) -> HunkState {
        let id = HunkId(hunk.hunk.clone());
        match hunk.state {
            HunkState::Pending if self.unverified.contains(&id) => HunkState::Unverified,
            HunkState::Conflict if self.accepting.contains_key(&id) => HunkState::Pending,
            state => state,
        }
    }

    fn is_shown(&self, hunk: &HunkId) -> bool {
        self.shown.iter().any(|file| only(file, hunk).is_some())
    }

    fn state_of(&self, hunk: &HunkId) -> Option<HunkState> {
        let id = self.original(hunk);
        self.decided.iter().flat_map(|file| &file.hunks).find(|decided| decided.hunk == id.0).map(|hunk| hunk.state)
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

/// The file with this hunk alone.
fn only(file: &ProposedFile, hunk: &HunkId) -> Option<ProposedFile> {
    let found = file.hunks.iter().find(|other| other.hunk == hunk.0)?;
    Some(ProposedFile { hunks: vec![found.clone()], ..without_hunks(file) })
}

fn without_hunks(file: &ProposedFile) -> ProposedFile {
    ProposedFile {
        uri: file.uri.clone(),
        path: file.path.clone(),
        change: file.change,
        old_uri: file.old_uri.clone(),
        hunks: Vec::new(),
    }
}

/// A file's proposal as clients are shown it.
fn show(file: &FileProposal, live: &View, index: &Index) -> ProposedFile {
    let place = file.old_path.as_ref().unwrap_or(&file.path);
    let symbols = symbols_of(place, live, index);
    ProposedFile {
        uri: live.uri(&file.path),
        path: live.roots().display(&file.path),
        change: file.change,
        old_uri: file.old_path.as_ref().map(|path| live.uri(path)),
        hunks: file.hunks.iter().map(|hunk| show_hunk(file, hunk, symbols.as_deref(), live)).collect(),
    }
}

fn show_hunk(file: &FileProposal, hunk: &Hunk, symbols: Option<&Symbols>, live: &View) -> ProposedHunk {
    ProposedHunk {
        hunk: hunk.id.0.clone(),
        state: hunk.state,
        start_line: hunk.start_line,
        old_text: hunk.old_text.clone(),
        new_text: hunk.new_text.clone(),
        symbol: symbols.and_then(|symbols| {
            let enclosing = symbols.enclosing(hunk.live.start);
            let names: Vec<&str> = enclosing.iter().map(|symbol| symbol.name.as_str()).collect();
            (!names.is_empty()).then(|| names.join("."))
        }),
        summary: Some(summary(file, hunk, live)),
    }
}

/// What is done to the file as a whole; within a file `+3 −1`, and the first new line that says something.
fn summary(file: &FileProposal, hunk: &Hunk, live: &View) -> String {
    let name = live.roots().display(&file.path);
    match (file.change, &file.old_path) {
        (ChangeKind::Create, _) => return format!("create {name}"),
        (ChangeKind::Delete, _) => return format!("delete {name}"),
        (ChangeKind::Rename, Some(old)) if hunk.old_text == hunk.new_text => {
            return format!("rename {} to {name}", live.roots().display(old));
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

fn symbols_of(path: &DocPath, live: &View, index: &Index) -> Option<Arc<Symbols>> {
    let language = Language::of_path(&live.roots().display(path))?;
    let document = live.read_live(path).ok()?;
    Some(index.symbols_of(&document.text, language))
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
