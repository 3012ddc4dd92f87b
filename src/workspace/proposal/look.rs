//! One look at one touched document: what stands in the overlay, beside what stands in the live text.

mod act;

use super::merge::{Landed, Merge, Place, Proposed, merge};
use super::undo::{Applied, What};
use super::{FileProposal, Hunk, HunkId, line_of};
use std::ops::Range;

use crate::event::{ChangeKind, HunkState};
use crate::text::line_ending::line_ends;
use crate::text::{Edit, Text};
use crate::workspace::{DocPath, Overlay, OverlayFile, ReadError, Stamp, View};

/// What a look at a document showed.
pub(super) struct Look {
    path: DocPath,
    file: OverlayFile,
    change: ChangeKind,
    stamp: Stamp,
    /// In order; accepted ones too.
    pub hunks: Vec<Hunk>,
    /// One for each hunk: where an accepted edit stands.
    landed: Vec<Option<Landed>>,
    /// How many of `hunks` come before the edits.
    acts: usize,
    /// What is left of the edits, with what the live text adds, and the live text; `None` where there is no live text to look at.
    left: Option<(Proposed, Text)>,
}

/// All documents that `overlay` touches. A document that moves away is part of the look at its new place. One in a folder
/// that was closed is left alone: that nothing is found there does not say that it was deleted.
pub(super) fn all(overlay: &Overlay, live: &View) -> Vec<Look> {
    some(overlay, live, &|_| true)
}

/// Those of them that are meant, under their old or their new names.
pub(super) fn some(overlay: &Overlay, live: &View, is_meant: &dyn Fn(&DocPath) -> bool) -> Vec<Look> {
    overlay
        .iter()
        .filter(|(path, file)| is_meant(path) || file.moved_from.as_ref().is_some_and(is_meant))
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
        Look {
            path: path.clone(),
            file: file.clone(),
            change,
            stamp,
            hunks: Vec::new(),
            landed: Vec::new(),
            acts: 0,
            left: None,
        }
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
        // What moves is what the user has by now.
        let moves = live.text().unwrap_or(base).to_string();
        look.push_act(state, moves.clone(), moves, live.text());
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
        self.landed.push(None);
        self.acts = self.hunks.len();
    }

    fn push_edits(&mut self, base: &Text, current: &Text, live: &Live) {
        let changes = self.file.changes.clone();
        let proposed = Proposed { base: base.clone(), current: current.clone(), changes };
        // Without a text to place them in, all hunks are shown as conflicts.
        let text = live.text();
        let Merge { places, left, landed } = merge(&proposed, self.file.looked.as_ref(), text.unwrap_or(base));
        self.landed.extend(landed);
        for ((change, place), id) in proposed.changes.iter().zip(places).zip(&self.file.ids) {
            let (state, range) = match (text, place) {
                (None, _) => (HunkState::Conflict, 0..0),
                (Some(_), Place::Accepted) => (HunkState::Accepted, 0..0),
                (Some(_), Place::Pending(range)) => (HunkState::Pending, range),
                (Some(_), Place::Conflict(range)) => (HunkState::Conflict, range),
            };
            let old_text = base.slice(change.old.clone()).unwrap_or_default();
            let new_text = current.slice(change.new.clone()).unwrap_or_default();
            self.hunks.push(Hunk {
                id: id.clone().unwrap_or_else(|| HunkId::new(&self.path, ChangeKind::Edit, &old_text, &new_text, 0)),
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

    /// The hunks that the live text holds, with what takes each back.
    pub(super) fn applied(&self) -> impl Iterator<Item = Applied> {
        let accepted = self.hunks.iter().zip(&self.landed).filter(|(hunk, _)| hunk.state == HunkState::Accepted);
        accepted.filter_map(|(hunk, landed)| {
            let what = match (hunk.kind, landed) {
                (ChangeKind::Edit, Some(landed)) => What::Edit(landed.clone()),
                (ChangeKind::Edit, None) => return None,
                (ChangeKind::Create, _) => What::Create(self.file.current.clone()?),
                (ChangeKind::Delete, _) => What::Delete(self.file.base.clone()?),
                (ChangeKind::Rename, _) => What::Rename { from: self.file.moved_from.clone()? },
            };
            let turn = self.file.author.turn.clone();
            Some(Applied { hunk: hunk.id.clone(), path: self.path.clone(), turn, what })
        })
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
        let edits = self.hunks.iter().skip(self.acts).filter(|hunk| hunk.state != HunkState::Accepted);
        let ids = edits.map(|hunk| Some(hunk.id.clone())).collect();
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
            put(&mut file, left, ids);
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

    /// Takes the hunks that are meant out of the overlay; which of them there were.
    pub(super) fn reject(&self, overlay: &mut Overlay, is_meant: &dyn Fn(&HunkId) -> bool) -> Vec<HunkId> {
        let meant: Vec<(usize, &Hunk)> = self
            .hunks
            .iter()
            .enumerate()
            .filter(|(_, hunk)| hunk.state != HunkState::Accepted && is_meant(&hunk.id))
            .collect();
        if meant.is_empty() {
            return Vec::new();
        }
        let is = |kind: ChangeKind| meant.iter().any(|(_, hunk)| hunk.kind == kind);
        let mut file = self.file.clone();
        let mut rejected: Vec<HunkId> = Vec::with_capacity(meant.len());
        // From the last to the first: what stands before stays where it is.
        for (at, hunk) in meant.iter().rev().filter(|(_, hunk)| hunk.kind == ChangeKind::Edit) {
            let (Some(base), Some(current)) = (file.base.clone(), file.current.clone()) else { continue };
            let index = at.saturating_sub(self.acts);
            let Some(left) = (Proposed { base, current, changes: file.changes.clone() }).without(index) else {
                continue;
            };
            let mut ids = file.ids.clone();
            ids.remove(index);
            put(&mut file, left, ids);
            rejected.push(hunk.id.clone());
        }
        if is(ChangeKind::Create) || is(ChangeKind::Delete) {
            overlay.set(self.path.clone(), None);
            return meant.iter().map(|(_, hunk)| hunk.id.clone()).collect();
        }
        let moved_from = if is(ChangeKind::Rename) { file.moved_from.take() } else { None };
        if moved_from.is_some() {
            let acts = meant.iter().filter(|(_, hunk)| hunk.kind == ChangeKind::Rename);
            rejected.extend(acts.map(|(_, hunk)| hunk.id.clone()));
        }
        rejected.reverse();
        file.decided.extend(rejected.iter().cloned());
        match moved_from {
            // The text stays proposed, at the old place.
            Some(from) => {
                overlay.set(self.path.clone(), None);
                overlay.set_or_forget(from, file);
            }
            None => overlay.set_or_forget(self.path.clone(), file),
        }
        rejected
    }
}

/// What a decision makes of a hunk before it is accepted.
pub(super) enum Reshape<'a> {
    /// These lines become a hunk of their own.
    Cut(Range<usize>),
    /// It puts in this text instead.
    NewText(&'a str),
    /// A conflict is settled: it replaces what the user wrote, by the first or, if `both`, with the first behind it.
    OverUsers { both: bool },
}

impl Look {
    /// Makes another hunk of the hunk `id`, and tells the new one's id. `None` if that is not possible.
    pub(super) fn reshape(&self, overlay: &mut Overlay, live: &View, id: &HunkId, how: &Reshape<'_>) -> Option<HunkId> {
        let (at, hunk) = self.hunks.iter().enumerate().find(|(_, hunk)| &hunk.id == id)?;
        let mut file = self.file.clone();
        file.decided.push(id.clone());
        match (hunk.kind, hunk.state, how) {
            (ChangeKind::Create, HunkState::Pending, Reshape::NewText(text)) => {
                file.current = Some(Text::new(text));
                overlay.set(self.path.clone(), Some(file.clone()));
                return Look::at(&self.path, &file, live).hunks.first().map(|hunk| hunk.id.clone());
            }
            (ChangeKind::Create | ChangeKind::Delete | ChangeKind::Rename, ..) => return None,
            (ChangeKind::Edit, ..) => {}
        }
        let whole = at.saturating_sub(self.acts);
        let index = whole;
        let base = file.base.clone()?;
        let proposed = Proposed { base: base.clone(), current: file.current.clone()?, changes: file.changes.clone() };
        let (proposed, index) = match (how, hunk.state) {
            (Reshape::NewText(text), HunkState::Pending) => {
                let old = proposed.changes.get(index)?.old.clone();
                let at_end = old.end == base.len();
                let mut text = base.with_line_endings_of(old, text)?;
                if !at_end && !text.is_empty() && !text.ends_with(['\n', '\r']) {
                    text.push_str(base.line_ending().as_str());
                }
                if text == hunk.old_text {
                    return None;
                }
                (proposed.with_new_text(index, &text)?, index)
            }
            (Reshape::Cut(lines), HunkState::Pending) => {
                let cuts = cuts(&hunk.old_text, &hunk.new_text, lines)?;
                proposed.cut(index, &cuts)?
            }
            (Reshape::OverUsers { both }, HunkState::Conflict) => {
                let users = live.read_live(&self.place()).ok()?.text.slice(hunk.live.clone())?;
                let is_line = hunk.new_text.is_empty() || users.is_empty() || users.ends_with(['\n', '\r']);
                let line_break = if is_line { "" } else { base.line_ending().as_str() };
                let new = match both {
                    true => [users.as_str(), line_break, &hunk.new_text].concat(),
                    false => hunk.new_text.clone(),
                };
                // The user's text with nothing behind it is the user's text.
                if new == users {
                    return None;
                }
                let settled = proposed.with_old_text(index, &users)?.with_new_text(index, &new)?;
                // The user's lines stay as they are, and what comes behind them is the hunk.
                let kept = if *both && line_break.is_empty() { users.len() } else { 0 };
                (settled.without_start(index, kept), index)
            }
            _ => return None,
        };
        // One hunk becomes one, or several.
        let become_many = proposed.changes.len().saturating_add(1).saturating_sub(file.changes.len());
        let mut ids = file.ids.clone();
        ids.splice(whole..=whole, std::iter::repeat_n(None, become_many));
        put(&mut file, proposed, ids);
        file.name_changes(&self.path);
        let at = self.acts.saturating_add(index);
        let look = Look::at(&self.path, &file, live);
        // Cutting decides nothing. Where lines repeat, and the user's changes are in the way, a piece may be just what the user
        // has somewhere else: then the cut is refused, before anything comes to stand in another place than it was shown.
        if matches!(how, Reshape::Cut(_)) && look.accepted_text() != self.accepted_text() {
            return None;
        }
        // A conflict that stays one is not settled: of a text whose last line has no break, some can not be.
        let reshaped = look.hunks.get(at).filter(|hunk| hunk.state == HunkState::Pending)?.id.clone();
        overlay.set_or_forget(self.path.clone(), file);
        Some(reshaped)
    }

    /// The live text with all that is pending in it.
    fn accepted_text(&self) -> Option<Text> {
        let (_, live) = self.left.as_ref()?;
        let pending = self.hunks.iter().skip(self.acts).filter(|hunk| hunk.state == HunkState::Pending);
        let edits = pending.map(|hunk| Edit { range: hunk.live.clone(), insert: hunk.new_text.clone() });
        live.apply_all(&edits.collect::<Vec<_>>()).ok()
    }

    /// The bytes of the current text that a hunk puts in.
    pub(super) fn text_of(&self, id: &HunkId) -> Option<Range<usize>> {
        let (at, hunk) = self.hunks.iter().enumerate().find(|(_, hunk)| &hunk.id == id)?;
        match hunk.kind {
            ChangeKind::Create => Some(0..hunk.new_text.len()),
            ChangeKind::Edit => Some(self.file.changes.get(at.checked_sub(self.acts)?)?.new.clone()),
            ChangeKind::Delete | ChangeKind::Rename => None,
        }
    }

    /// The document whose live text the hunks speak of.
    fn place(&self) -> DocPath {
        self.file.moved_from.clone().unwrap_or_else(|| self.path.clone())
    }
}

/// Where to cut a hunk so that `lines` of its new text, or of its old text where it only deletes, stand alone: offsets in both
/// texts. Old and new lines belong together in their order; old lines that are too many go with the last new one.
fn cuts(old: &str, new: &str, lines: &Range<usize>) -> Option<[(usize, usize); 2]> {
    let (old_ends, new_ends) = (line_ends(old), line_ends(new));
    let count = if new.is_empty() { old_ends.len() } else { new_ends.len() };
    // A last line without a break can not be parted from what follows it on one side only.
    let unbroken = [old, new].into_iter().any(|text| !text.is_empty() && !text.ends_with(['\n', '\r']));
    if lines.is_empty() || lines.end > count || (unbroken && old_ends.len() != new_ends.len()) {
        return None;
    }
    let at = |line: usize| {
        let end = |ends: &[usize]| if line == 0 { 0 } else { ends.get(line - 1).or(ends.last()).copied().unwrap_or(0) };
        if line == count { (old.len(), new.len()) } else { (end(&old_ends), end(&new_ends)) }
    };
    Some([at(lines.start), at(lines.end)])
}

fn put(file: &mut OverlayFile, proposed: Proposed, ids: Vec<Option<HunkId>>) {
    file.ids = ids;
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
