//! One look at one touched document: what stands in the overlay, beside what stands in the live text.

use super::merge::{Merge, Place, Proposed, merge};
use super::{FileProposal, Hunk, HunkId, line_of};
use crate::event::{ChangeKind, HunkState};
use crate::text::Text;
use crate::workspace::{DocPath, Overlay, OverlayFile, ReadError, Stamp, View};

/// What a look at a document showed.
pub(super) struct Look {
    path: DocPath,
    file: OverlayFile,
    change: ChangeKind,
    stamp: Stamp,
    /// In order; accepted ones too.
    pub hunks: Vec<Hunk>,
    /// How many of `hunks` come before the edits.
    acts: usize,
    /// What is left of the edits, with what the live text adds, and the live text; `None` where there is no live text to look at.
    left: Option<(Proposed, Text)>,
}

/// All documents that `overlay` touches. A document that moves away is part of the look at its new place. One in a folder
/// that was closed is left alone: that nothing is found there does not say that it was deleted.
pub(super) fn all(overlay: &Overlay, live: &View) -> Vec<Look> {
    overlay
        .iter()
        .filter(|(path, file)| file.current.is_some() || overlay.moved_to(path).is_none())
        .filter(|(path, file)| {
            [Some(*path), file.moved_from.as_ref()].into_iter().flatten().all(|path| live.roots().is_open(path))
        })
        .map(|(path, file)| Look::at(path, file, live))
        .collect()
}

/// A live document: what it holds, that it is not there, or that nobody can tell.
enum Live {
    Text(Text, Stamp),
    Absent,
    Unreadable,
}

impl Look {
    fn at(path: &DocPath, file: &OverlayFile, live: &View) -> Look {
        let here = Live::of(live, path);
        match (&file.moved_from, &file.base, &file.current) {
            (Some(from), Some(base), Some(current)) => {
                Look::renamed(path, file, base, current, Live::of(live, from), here)
            }
            (_, None, Some(current)) => Look::created(path, file, current, here),
            (_, Some(base), None) => Look::deleted(path, file, base, here),
            (None, Some(base), Some(current)) => Look::edited(path, file, base, current, here),
            (_, None, None) => Look::new(path, file, ChangeKind::Edit, &here),
        }
    }

    fn new(path: &DocPath, file: &OverlayFile, change: ChangeKind, live: &Live) -> Look {
        let stamp = match live {
            Live::Text(_, stamp) => *stamp,
            Live::Absent | Live::Unreadable => Stamp::Absent,
        };
        Look { path: path.clone(), file: file.clone(), change, stamp, hunks: Vec::new(), acts: 0, left: None }
    }

    fn created(path: &DocPath, file: &OverlayFile, current: &Text, live: Live) -> Look {
        let mut look = Look::new(path, file, ChangeKind::Create, &live);
        let state = match &live {
            Live::Absent => HunkState::Pending,
            Live::Text(text, _) if text == current => HunkState::Accepted,
            Live::Text(..) | Live::Unreadable => HunkState::Conflict,
        };
        look.push_act(state, String::new(), current.to_string(), live.text());
        look
    }

    fn deleted(path: &DocPath, file: &OverlayFile, base: &Text, live: Live) -> Look {
        let mut look = Look::new(path, file, ChangeKind::Delete, &live);
        let state = match &live {
            Live::Absent => HunkState::Accepted,
            Live::Text(text, _) if text == base => HunkState::Pending,
            Live::Text(..) | Live::Unreadable => HunkState::Conflict,
        };
        look.push_act(state, base.to_string(), String::new(), live.text());
        look
    }

    fn renamed(path: &DocPath, file: &OverlayFile, base: &Text, current: &Text, from: Live, here: Live) -> Look {
        let (state, live) = match (&from, here) {
            (Live::Text(..), Live::Absent) => (HunkState::Pending, from),
            (Live::Absent, here @ Live::Text(..)) => (HunkState::Accepted, here),
            _ => (HunkState::Conflict, from),
        };
        let mut look = Look::new(path, file, ChangeKind::Rename, &live);
        look.push_act(state, base.to_string(), base.to_string(), live.text());
        look.push_edits(base, current, &live);
        look
    }

    fn edited(path: &DocPath, file: &OverlayFile, base: &Text, current: &Text, live: Live) -> Look {
        let mut look = Look::new(path, file, ChangeKind::Edit, &live);
        look.push_edits(base, current, &live);
        look
    }

    fn push_act(&mut self, state: HunkState, old_text: String, new_text: String, live: Option<&Text>) {
        let live = 0..live.map_or(0, Text::len);
        let id = match &self.file.moved_from {
            // A move means the same whatever the user types meanwhile.
            Some(from) => self.id(self.change, &format!("{from:?}"), ""),
            None => self.id(self.change, &old_text, &new_text),
        };
        self.hunks.push(Hunk { id, kind: self.change, state, live, old_text, new_text, start_line: 1 });
        self.acts = self.hunks.len();
    }

    fn push_edits(&mut self, base: &Text, current: &Text, live: &Live) {
        let changes = self.file.changes.clone();
        let proposed = Proposed { base: base.clone(), current: current.clone(), changes };
        // Without a text to place them in, all hunks are shown as conflicts.
        let text = live.text();
        let Merge { places, left } = merge(&proposed, self.file.looked.as_ref(), text.unwrap_or(base));
        for (change, place) in proposed.changes.iter().zip(places) {
            let (state, range) = match (text, place) {
                (None, _) => (HunkState::Conflict, 0..0),
                (Some(_), Place::Accepted) => (HunkState::Accepted, 0..0),
                (Some(_), Place::Pending(range)) => (HunkState::Pending, range),
                (Some(_), Place::Conflict(range)) => (HunkState::Conflict, range),
            };
            let old_text = base.slice(change.old.clone()).unwrap_or_default();
            let new_text = current.slice(change.new.clone()).unwrap_or_default();
            self.hunks.push(Hunk {
                id: self.id(ChangeKind::Edit, &old_text, &new_text),
                kind: ChangeKind::Edit,
                state,
                start_line: line_of(text, range.start),
                live: range,
                old_text,
                new_text,
            });
        }
        self.left = text.map(|text| (left, text.clone()));
    }

    /// The first id of this change that no other hunk has or had.
    fn id(&self, kind: ChangeKind, old: &str, new: &str) -> HunkId {
        let free = |id: &HunkId| !self.file.decided.contains(id) && self.hunks.iter().all(|hunk| &hunk.id != id);
        let mut occurrence = 0;
        loop {
            let id = HunkId::new(&self.path, kind, old, new, occurrence);
            if free(&id) {
                return id;
            }
            occurrence += 1;
        }
    }

    /// What is left to decide.
    pub(super) fn into_proposal(self) -> Option<FileProposal> {
        let renamed =
            self.hunks.iter().any(|hunk| hunk.kind == ChangeKind::Rename && hunk.state != HunkState::Accepted);
        let change = match self.change {
            // Renamed already: what is left are edits of the file at its new place.
            ChangeKind::Rename if !renamed => ChangeKind::Edit,
            other => other,
        };
        let hunks: Vec<Hunk> = self.hunks.into_iter().filter(|hunk| hunk.state != HunkState::Accepted).collect();
        let old_path = self.file.moved_from.filter(|_| renamed);
        (!hunks.is_empty()).then_some(FileProposal { path: self.path, change, old_path, stamp: self.stamp, hunks })
    }

    /// Writes what was seen into the overlay.
    pub(super) fn settle(self, overlay: &mut Overlay) {
        let accepted: Vec<&Hunk> = self.hunks.iter().filter(|hunk| hunk.state == HunkState::Accepted).collect();
        let act_accepted = accepted.iter().any(|hunk| hunk.kind != ChangeKind::Edit);
        let mut file = self.file.clone();
        file.decided.extend(accepted.iter().map(|hunk| hunk.id.clone()));
        if act_accepted {
            match self.change {
                ChangeKind::Create | ChangeKind::Delete => return overlay.set(self.path, None),
                ChangeKind::Rename => {
                    if let Some(from) = file.moved_from.take() {
                        overlay.set(from, None);
                    }
                }
                ChangeKind::Edit => {}
            }
        }
        if let Some((left, live)) = self.left {
            file.stamp = self.stamp;
            file.looked = (left.base != live).then_some(live);
            put(&mut file, left);
            // The document that moves away starts from the same text as its new place.
            if let Some((from, mut leaving)) =
                file.moved_from.as_ref().and_then(|from| Some((from, overlay.get(from)?.clone())))
            {
                leaving.base.clone_from(&file.base);
                leaving.stamp = file.stamp;
                overlay.set(from.clone(), Some(leaving));
            }
        }
        overlay.set_or_forget(self.path, file);
    }

    /// Takes `id` out of the overlay; `false` if it is none of these hunks.
    pub(super) fn reject(&self, overlay: &mut Overlay, id: &HunkId) -> bool {
        let found = self.hunks.iter().enumerate().find(|(_, hunk)| &hunk.id == id);
        let Some((index, hunk)) = found.filter(|(_, hunk)| hunk.state != HunkState::Accepted) else { return false };
        let mut file = self.file.clone();
        file.decided.push(id.clone());
        match hunk.kind {
            ChangeKind::Create | ChangeKind::Delete => overlay.set(self.path.clone(), None),
            ChangeKind::Rename => {
                // The text stays proposed, at the old place.
                let Some(from) = file.moved_from.take() else { return false };
                overlay.set(self.path.clone(), None);
                overlay.set_or_forget(from, file);
            }
            ChangeKind::Edit => {
                let (Some(base), Some(current)) = (file.base.clone(), file.current.clone()) else { return false };
                let proposed = Proposed { base, current, changes: file.changes.clone() };
                let Some(left) = proposed.without(index.saturating_sub(self.acts)) else { return false };
                put(&mut file, left);
                overlay.set_or_forget(self.path.clone(), file);
            }
        }
        true
    }
}

fn put(file: &mut OverlayFile, proposed: Proposed) {
    file.base = Some(proposed.base);
    file.current = Some(proposed.current);
    file.changes = proposed.changes;
}

impl Live {
    fn of(live: &View, path: &DocPath) -> Live {
        match live.read_live(path) {
            Ok(document) => Live::Text(document.text, document.stamp),
            Err(ReadError::NotFound(_) | ReadError::NotOpen(_)) => Live::Absent,
            Err(_) => Live::Unreadable,
        }
    }

    fn text(&self) -> Option<&Text> {
        match self {
            Live::Text(text, _) => Some(text),
            Live::Absent | Live::Unreadable => None,
        }
    }
}
