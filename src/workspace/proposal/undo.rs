//! Taking accepted hunks back, in any order and after any typing.
//!
//! What an accepted hunk did is kept as it stood in a text that holds it. Taking it back is a proposal of its own, merged three
//! ways with the live text: it goes where the hunk has gone, and where the user has changed the same lines it is a clash, which
//! is reported and changes nothing.

use std::collections::BTreeMap;
use std::ops::Range;

use super::HunkId;
use super::merge::{Landed, Place, Proposed, merge};
use crate::text::diff::{Change, diff};
use crate::text::{Edit, Text};
use crate::workspace::{Author, DocPath, Overlay, OverlayFile, ReadError, Stamp, View};

/// An accepted hunk, with what takes it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub hunk: HunkId,
    /// The document that the hunk changed: of a rename, under its new name.
    pub path: DocPath,
    /// The turn that proposed it.
    pub turn: String,
    pub what: What,
}

/// What accepting a hunk did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Edit(Landed),
    /// The file was made, with this text.
    Create(Text),
    /// The file went, and held this text.
    Delete(Text),
    Rename {
        from: DocPath,
    },
}

/// What takes some accepted hunks back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakeBack {
    /// A proposal against the live text. Its own, and no session's.
    pub overlay: Overlay,
    /// What comes of each, in the order in which they were given.
    pub outcomes: Vec<TakenBack>,
}

/// What comes of taking back one accepted hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenBack {
    /// With what would undo this again.
    Done(Applied),
    /// The live text does not hold it any more.
    Gone,
    /// The user has changed the same lines, or the file, since.
    Clash,
}

/// What takes `applied` back. They are in the order in which they are taken back: last accepted first. Blocks on the disk.
pub fn take_back<'a>(applied: impl IntoIterator<Item = &'a Applied>, live: &View) -> TakeBack {
    let mut desk = Desk { live, files: BTreeMap::new() };
    let applied: Vec<&Applied> = applied.into_iter().collect();
    let mut outcomes: Vec<TakenBack> = Vec::with_capacity(applied.len());
    while let Some(rest) = applied.get(outcomes.len()..).filter(|rest| !rest.is_empty()) {
        let together = desk.take_back_together(rest);
        if together.is_empty() {
            outcomes.extend(rest.first().map(|applied| desk.take_back(applied)));
        } else {
            outcomes.extend(together);
        }
    }
    TakeBack { overlay: desk.into_overlay(), outcomes }
}

/// The documents as they would be.
struct Desk<'a> {
    live: &'a View,
    files: BTreeMap<DocPath, File>,
}

#[derive(Clone)]
struct File {
    live: Option<Text>,
    stamp: Stamp,
    now: Option<Text>,
    /// Where it moved from.
    from: Option<DocPath>,
}

impl Desk<'_> {
    fn take_back(&mut self, applied: &Applied) -> TakenBack {
        let done = |what, path| TakenBack::Done(Applied { what, path, ..applied.clone() });
        // A file that nobody can read is not to be touched.
        let Some(file) = self.file(&applied.path) else { return TakenBack::Clash };
        match (&applied.what, file.now.clone()) {
            (What::Edit(_), None) => TakenBack::Clash,
            (What::Edit(landed), Some(now)) => match take_out(landed, &now) {
                Ok(Some((text, landed))) => {
                    file.now = Some(text);
                    done(What::Edit(landed), applied.path.clone())
                }
                Ok(None) => TakenBack::Gone,
                Err(Overlaps) => TakenBack::Clash,
            },
            (What::Create(text), Some(now)) if now == *text => {
                file.now = None;
                done(What::Delete(now), applied.path.clone())
            }
            (What::Create(_), Some(_)) => TakenBack::Clash,
            (What::Create(_), None) => TakenBack::Gone,
            (What::Delete(text), None) => {
                file.now = Some(text.clone());
                done(What::Create(text.clone()), applied.path.clone())
            }
            (What::Delete(text), Some(now)) if now == *text => TakenBack::Gone,
            (What::Delete(_), Some(_)) => TakenBack::Clash,
            (What::Rename { from }, Some(now)) => {
                let moved = file.clone();
                let Some(target) = self.file(from) else { return TakenBack::Clash };
                if target.now.is_some() {
                    return TakenBack::Clash;
                }
                target.now = Some(now);
                target.from = moved.live.is_some().then(|| applied.path.clone());
                if let Some(file) = self.files.get_mut(&applied.path) {
                    file.now = None;
                }
                done(What::Rename { from: applied.path.clone() }, from.clone())
            }
            (What::Rename { from }, None) => match self.file(from).map(|file| file.now.is_some()) {
                Some(true) => TakenBack::Gone,
                Some(false) | None => TakenBack::Clash,
            },
        }
    }

    /// Takes back the first of `rest` that are edits of one document and stand apart, from each other and from what the user
    /// changed: their places need no merge. None where that are fewer than two.
    fn take_back_together(&mut self, rest: &[&Applied]) -> Vec<TakenBack> {
        let Some(file) = rest.first().and_then(|first| self.file(&first.path)) else { return Vec::new() };
        let Some(now) = file.now.clone() else { return Vec::new() };
        let mut places: Vec<(Range<usize>, &Applied, &Landed)> = Vec::new();
        let mut known: Option<(&Text, Vec<Change>)> = None;
        for applied in rest {
            let What::Edit(landed) = &applied.what else { break };
            if rest.first().is_none_or(|first| first.path != applied.path) {
                break;
            }
            let changes = match known.take() {
                Some((text, changes)) if *text == landed.text => changes,
                Some(_) | None => diff(&landed.text, &now),
            };
            let at = apart(&landed.range, &changes);
            known = Some((&landed.text, changes));
            let touches =
                |at: &Range<usize>| places.iter().any(|(other, ..)| at.start <= other.end && other.start <= at.end);
            let Some(at) = at.filter(|at| !touches(at)) else { break };
            places.push((at, applied, landed));
        }
        if places.len() < 2 {
            return Vec::new();
        }
        let edit = |(at, _, landed): &(Range<usize>, &Applied, &Landed)| Edit {
            range: at.clone(),
            insert: landed.replaced.clone(),
        };
        let Ok(text) = now.apply_all(&places.iter().map(edit).collect::<Vec<_>>()) else { return Vec::new() };
        file.now = Some(text.clone());
        // Where each stands now that all before it are gone.
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by_key(|index| places.get(*index).map(|(at, ..)| at.start));
        let mut starts = vec![0usize; places.len()];
        let (mut grown, mut shrunk) = (0usize, 0usize);
        for index in order {
            let Some(((at, _, landed), start)) = places.get(index).zip(starts.get_mut(index)) else { continue };
            *start = at.start.saturating_add(grown).saturating_sub(shrunk);
            grown = grown.saturating_add(landed.replaced.len());
            shrunk = shrunk.saturating_add(at.len());
        }
        let outcome = |((at, applied, landed), start): (&(Range<usize>, &Applied, &Landed), usize)| {
            let landed = Landed {
                text: text.clone(),
                range: start..start.saturating_add(landed.replaced.len()),
                replaced: now.slice(at.clone()).unwrap_or_default(),
            };
            TakenBack::Done(Applied { what: What::Edit(landed), ..(*applied).clone() })
        };
        places.iter().zip(starts).map(outcome).collect()
    }

    fn file(&mut self, path: &DocPath) -> Option<&mut File> {
        if !self.files.contains_key(path) {
            let (live, stamp) = match self.live.read_live(path) {
                Ok(document) if document.read_only.is_none() => (Some(document.text), document.stamp),
                Err(ReadError::NotFound(_) | ReadError::NotOpen(_)) => (None, Stamp::Absent),
                Ok(_) | Err(_) => return None,
            };
            self.files.insert(path.clone(), File { now: live.clone(), live, stamp, from: None });
        }
        self.files.get_mut(path)
    }

    fn into_overlay(self) -> Overlay {
        let mut overlay = Overlay::default();
        for (path, file) in &self.files {
            let source = file.from.as_ref().and_then(|from| self.files.get(from));
            let entry = match source {
                Some(source) => {
                    let moved =
                        OverlayFile::new(source.live.clone(), source.stamp, file.now.clone(), Author::default());
                    OverlayFile { moved_from: file.from.clone(), ..moved }
                }
                None => OverlayFile::new(file.live.clone(), file.stamp, file.now.clone(), Author::default()),
            };
            overlay.set_or_forget(path.clone(), entry);
        }
        overlay
    }
}

/// Where a range is when these changes have been made. `None` where one of them overlaps it or touches it.
fn apart(range: &Range<usize>, changes: &[Change]) -> Option<Range<usize>> {
    let (mut grown, mut shrunk) = (0usize, 0usize);
    for change in changes {
        if change.old.start > range.end {
            break;
        }
        if change.old.end >= range.start {
            return None;
        }
        grown = grown.saturating_add(change.new.len());
        shrunk = shrunk.saturating_add(change.old.len());
    }
    let at = |offset: usize| offset.saturating_add(grown).saturating_sub(shrunk);
    Some(at(range.start)..at(range.end))
}

/// The user has changed the same lines.
struct Overlaps;

/// `now` without the change that landed, and where its absence stands; `None` where `now` does not hold it any more.
fn take_out(landed: &Landed, now: &Text) -> Result<Option<(Text, Landed)>, Overlaps> {
    let Landed { text, range, replaced } = landed;
    let written = text.slice(range.clone()).ok_or(Overlaps)?;
    let without = text.apply(&Edit { range: range.clone(), insert: replaced.clone() }).map_err(|_| Overlaps)?;
    let back = range.start..range.start.saturating_add(replaced.len());
    let change = Change { old: range.clone(), new: back };
    let proposed = Proposed { base: text.clone(), current: without, changes: vec![change] };
    match merge(&proposed, None, now).places.into_iter().next() {
        Some(Place::Pending(at)) => {
            let edit = Edit { range: at.clone(), insert: replaced.clone() };
            let text = now.apply(&edit).map_err(|_| Overlaps)?;
            let range = at.start..at.start.saturating_add(replaced.len());
            Ok(Some((text.clone(), Landed { text, range, replaced: written })))
        }
        Some(Place::Accepted) => Ok(None),
        Some(Place::Conflict(_)) | None => Err(Overlaps),
    }
}
