//! What a session's accepted hunks did, kept so that each can be taken back, in any order and however late.
//!
//! A list of values: it must never know how a hunk came to be accepted, or who makes the edit that takes it back.

use std::collections::BTreeSet;

use crate::text::diff::diff;
use crate::workspace::proposal::{Applied, Landed, Misapplied, TakeBack, TakenBack, What, take_back};
use crate::workspace::{DocPath, HunkId, Overlay, View};

/// What the id of a step begins with that is no hunk.
const WRONG: &str = "misapplied-";

/// Whether an entry of this id is no hunk but a step that an editor made in the wrong place.
pub(in crate::agent) fn is_wrong_step(id: &HunkId) -> bool {
    id.0.starts_with(WRONG)
}

/// The accepted hunks of a session, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::agent) struct History {
    pub entries: Vec<Entry>,
}

/// An accepted hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::agent) struct Entry {
    /// While it is undone: what would bring it back.
    pub applied: Applied,
    /// What was accepted at one word of the user has one number, and is taken back together.
    pub batch: u64,
    /// Undoing has numbers of its own; `None` while the hunk is applied.
    pub undone: Option<u64>,
    /// One line for the user.
    pub label: String,
}

/// Which accepted hunks are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UndoTarget {
    /// What was accepted last, at one word.
    Last,
    Hunk(HunkId),
    Turn(String),
    /// What has this number ([`Session::next_batch`](super::Session::next_batch)).
    Batch(u64),
    /// All of the session.
    Session,
}

/// What takes accepted hunks back, or brings undone ones back: a proposal of its own against the live text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoPlan {
    pub overlay: Overlay,
    /// Brings back instead of taking back.
    pub redo: bool,
    /// One line for the user.
    pub label: String,
    /// The hunks that go.
    pub hunks: Vec<HunkId>,
    /// Those whose lines the user has changed since: they stay.
    pub clashes: Vec<HunkId>,
    /// Those that the text does not hold any more.
    pub gone: Vec<HunkId>,
    /// The entry, and what it becomes.
    steps: Vec<(usize, Applied)>,
}

impl UndoPlan {
    /// The text holds nothing of what would go.
    pub fn is_gone(&self) -> bool {
        self.hunks.is_empty() && self.clashes.is_empty()
    }
}

impl History {
    /// The number of the next batch.
    pub fn next_batch(&self) -> u64 {
        self.entries.iter().map(|entry| entry.batch).max().map_or(1, |batch| batch.saturating_add(1))
    }

    pub fn push(&mut self, applied: Applied, batch: u64, label: String) {
        self.entries.push(Entry { applied, batch, undone: None, label });
    }

    /// A step that an editor made in the wrong place: no hunk, and taken back as if it were one.
    pub fn push_wrong(&mut self, path: &DocPath, wrong: &Misapplied, turn: &str, batch: u64, label: &str) {
        let Misapplied { before, after } = wrong;
        for change in diff(before, after) {
            let replaced = before.slice(change.old).unwrap_or_default();
            let what = What::Edit(Landed { text: after.clone(), range: change.new, replaced });
            let hunk = HunkId(format!("{WRONG}{batch}-{}", self.entries.len()));
            let applied = Applied { hunk, path: path.clone(), turn: turn.to_owned(), what };
            self.push(applied, batch, label.to_owned());
        }
    }

    /// With what these plans take back as if it were gone: it is on its way, and not what is meant by the next undo.
    pub fn after<'a>(mut self, going: impl IntoIterator<Item = &'a UndoPlan>) -> History {
        for (index, _) in going.into_iter().filter(|plan| !plan.redo).flat_map(|plan| &plan.steps) {
            if let Some(entry) = self.entries.get_mut(*index) {
                entry.undone = Some(u64::MAX);
            }
        }
        self
    }

    /// What would be undone by [`UndoTarget::Last`], for the user.
    pub fn last_label(&self) -> Option<String> {
        self.chosen(&UndoTarget::Last).ok().map(|chosen| self.label(&chosen))
    }

    /// What takes back what `target` means. The error is for the user. Blocks on the disk.
    ///
    /// What the editor's own undo took out stays known, since the editor can bring it back. As what was accepted last it is
    /// told once: `told_gone` are the batches of which the user knows, and after that the one before is meant.
    pub fn undo(&self, target: &UndoTarget, live: &View, told_gone: &mut BTreeSet<u64>) -> Result<UndoPlan, String> {
        if *target != UndoTarget::Last {
            return Ok(self.take_back(self.chosen(target)?, live));
        }
        let mut batches: Vec<u64> =
            self.entries.iter().filter(|entry| entry.undone.is_none()).map(|entry| entry.batch).collect();
        batches.sort_unstable();
        batches.dedup();
        for batch in batches.into_iter().rev() {
            let plan = self.take_back(self.chosen(&UndoTarget::Batch(batch))?, live);
            if !plan.is_gone() || told_gone.insert(batch) {
                return Ok(plan);
            }
        }
        Ok(self.take_back(self.chosen(target)?, live))
    }

    /// What brings back what was undone last. Blocks on the disk.
    pub fn redo(&self, live: &View) -> Result<UndoPlan, String> {
        let last = self.entries.iter().filter_map(|entry| entry.undone).max();
        let last = last.ok_or("nothing has been undone that could be brought back")?;
        Ok(self.plan(self.entries_where(|entry| entry.undone == Some(last)), true, live))
    }

    /// Takes note of what a plan did. `left` is what of the plan's overlay the text does not show. Returns the hunks that went.
    pub fn settle(&mut self, plan: &UndoPlan, left: &Overlay) -> Vec<HunkId> {
        let open: BTreeSet<&DocPath> = left.iter().map(|(path, _)| path).collect();
        let number =
            self.entries.iter().filter_map(|entry| entry.undone).max().map_or(1, |last| last.saturating_add(1));
        let undone = (!plan.redo).then_some(number);
        let mut done = Vec::new();
        for (index, inverse) in &plan.steps {
            let Some(entry) = self.entries.get_mut(*index) else { continue };
            if open.contains(&entry.applied.path) || open.contains(&inverse.path) {
                continue;
            }
            done.push(entry.applied.hunk.clone());
            entry.applied = inverse.clone();
            entry.undone = undone;
        }
        // Nobody wants a wrong step back.
        self.entries.retain(|entry| entry.undone.is_none() || !is_wrong_step(&entry.applied.hunk));
        done
    }

    fn chosen(&self, target: &UndoTarget) -> Result<Vec<usize>, String> {
        let is_applied = |entry: &Entry| entry.undone.is_none();
        let chosen = match target {
            UndoTarget::Last => {
                let last = self.entries.iter().filter(|entry| is_applied(entry)).map(|entry| entry.batch).max();
                self.entries_where(|entry| is_applied(entry) && Some(entry.batch) == last)
            }
            UndoTarget::Hunk(hunk) => {
                let mut found = self.entries_where(|entry| is_applied(entry) && entry.applied.hunk == *hunk);
                // The same change may have been accepted more than once: the last time is meant.
                found.drain(..found.len().saturating_sub(1));
                if found.is_empty() && self.entries.iter().any(|entry| entry.applied.hunk == *hunk) {
                    return Err("this hunk has been undone already".to_owned());
                }
                found
            }
            UndoTarget::Turn(turn) => self.entries_where(|entry| is_applied(entry) && entry.applied.turn == *turn),
            UndoTarget::Batch(batch) => self.entries_where(|entry| is_applied(entry) && entry.batch == *batch),
            UndoTarget::Session => self.entries_where(is_applied),
        };
        if chosen.is_empty() {
            return Err(match target {
                UndoTarget::Hunk(hunk) => format!("no accepted hunk `{hunk}` is known here"),
                UndoTarget::Last | UndoTarget::Turn(_) | UndoTarget::Batch(_) | UndoTarget::Session => {
                    "nothing that was accepted is left to undo".to_owned()
                }
            });
        }
        Ok(chosen)
    }

    fn entries_where(&self, is_meant: impl Fn(&Entry) -> bool) -> Vec<usize> {
        self.entries.iter().enumerate().filter(|(_, entry)| is_meant(entry)).map(|(index, _)| index).collect()
    }

    fn label(&self, chosen: &[usize]) -> String {
        match chosen {
            [only] => self.entries.get(*only).map(|entry| entry.label.clone()).unwrap_or_default(),
            [first, ..] if self.entries.get(*first).is_some_and(|entry| is_wrong_step(&entry.applied.hunk)) => {
                self.entries.get(*first).map(|entry| entry.label.clone()).unwrap_or_default()
            }
            more => format!("{} hunks", more.len()),
        }
    }

    fn take_back(&self, mut chosen: Vec<usize>, live: &View) -> UndoPlan {
        chosen.reverse();
        self.plan(chosen, false, live)
    }

    /// `chosen` in the order in which they are taken back.
    fn plan(&self, chosen: Vec<usize>, redo: bool, live: &View) -> UndoPlan {
        let label = self.label(&chosen);
        let entries: Vec<&Entry> = chosen.iter().filter_map(|index| self.entries.get(*index)).collect();
        let TakeBack { overlay, outcomes } = take_back(entries.iter().map(|entry| &entry.applied), live);
        let mut plan = UndoPlan {
            overlay,
            redo,
            label,
            hunks: Vec::new(),
            clashes: Vec::new(),
            gone: Vec::new(),
            steps: Vec::new(),
        };
        for ((index, entry), outcome) in chosen.into_iter().zip(entries).zip(outcomes) {
            let hunk = entry.applied.hunk.clone();
            match outcome {
                TakenBack::Done(inverse) => {
                    plan.hunks.push(hunk);
                    plan.steps.push((index, inverse));
                }
                TakenBack::Clash => plan.clashes.push(hunk),
                TakenBack::Gone => plan.gone.push(hunk),
            }
        }
        plan
    }
}
