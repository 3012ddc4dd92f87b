//! The layer that an agent edits: what it proposes, and what it saw when it did.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Weak};

use super::{DocPath, Document, HunkId, Layer, Stamp};
use crate::event::ChangeKind;
use crate::text::Text;
use crate::text::diff::{Change, readable};

/// Who made a change: the turn and the tool call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Author {
    pub turn: String,
    pub call: String,
}

/// A touched document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayFile {
    /// The live text the proposal starts from; `None` where there was no file.
    pub base: Option<Text>,
    /// What the read saw that `base` came from.
    pub stamp: Stamp,
    /// What is proposed; `None` proposes that there be no file.
    pub current: Option<Text>,
    /// The name it is proposed to move from, which then is proposed to go: [`Overlay`] holds it without a `current`.
    pub moved_from: Option<DocPath>,
    pub author: Author,
    /// Hunks of it that have been accepted or rejected: their ids are not given to others.
    pub decided: Vec<HunkId>,
    /// The changes from `base` to `current`, where there are both. They are kept, because a diff made anew may align lines
    /// that repeat another way.
    pub(in crate::workspace) changes: Vec<Change>,
    /// One for each change. Kept too: counted anew, an id would come to mean another one of equal changes. `None` until the
    /// file has a place in an overlay.
    pub(in crate::workspace) ids: Vec<Option<HunkId>>,
    /// The live text at the last look, where conflicts keep it from being `base`.
    pub(in crate::workspace) looked: Option<Text>,
}

impl OverlayFile {
    /// `current` proposed for a document that held `base` when it was read.
    pub fn new(base: Option<Text>, stamp: Stamp, current: Option<Text>, author: Author) -> OverlayFile {
        let changes = changes(base.as_ref(), current.as_ref());
        let ids = vec![None; changes.len()];
        OverlayFile { base, stamp, current, moved_from: None, author, decided: Vec::new(), changes, ids, looked: None }
    }

    /// One that was kept, as it was: with its changes from `base` to `current` and their ids, and the live text of the last look.
    pub fn kept(
        base: Option<Text>,
        current: Option<Text>,
        changes: Vec<(Change, Option<HunkId>)>,
        looked: Option<Text>,
        author: Author,
    ) -> OverlayFile {
        let stamp = base.as_ref().map_or(Stamp::Absent, |base| Stamp::Disk { hash: base.hash() });
        let (changes, ids) = changes.into_iter().unzip();
        OverlayFile { base, stamp, current, moved_from: None, author, decided: Vec::new(), changes, ids, looked }
    }

    /// The changes from `base` to `current`, where there are both, in order, and the ids of their hunks.
    pub fn changes(&self) -> impl Iterator<Item = (&Change, Option<&HunkId>)> {
        self.changes.iter().zip(self.ids.iter().map(Option::as_ref).chain(std::iter::repeat(None)))
    }

    /// The live text at the last look, where conflicts keep it from being `base`.
    pub fn looked(&self) -> Option<&Text> {
        self.looked.as_ref()
    }

    fn with_current(self, current: Option<Text>, author: Author) -> OverlayFile {
        let changes = changes(self.base.as_ref(), current.as_ref());
        // What the user has cut stays cut.
        let changes: Vec<Change> = changes
            .into_iter()
            .flat_map(|change| self.pieces(&change, current.as_ref()).unwrap_or(vec![change]))
            .collect();
        let new_text = |text: Option<&Text>, change: &Change| text.and_then(|text| text.slice(change.new.clone()));
        // A change that is made again is the same hunk. Pieces of one can be equal: each has its own id.
        let mut known: HashMap<(Range<usize>, Option<String>), VecDeque<&HunkId>> = HashMap::new();
        for (change, id) in self.changes.iter().zip(&self.ids) {
            let key = (change.old.clone(), new_text(self.current.as_ref(), change));
            known.entry(key).or_default().extend(id);
        }
        let id_of = |change: &Change| {
            let known = known.get_mut(&(change.old.clone(), new_text(current.as_ref(), change)));
            known.and_then(VecDeque::pop_front).cloned()
        };
        let ids = changes.iter().map(id_of).collect();
        OverlayFile { current, author, changes, ids, ..self }
    }

    /// The changes that a change to `current` is made of, where it is just several of those that there are.
    fn pieces(&self, whole: &Change, current: Option<&Text>) -> Option<Vec<Change>> {
        let is_within = |change: &&Change| whole.old.start <= change.old.start && change.old.end <= whole.old.end;
        let pieces: Vec<&Change> = self.changes.iter().filter(is_within).collect();
        let (first, last) = (pieces.first()?, pieces.last()?);
        let touch = |pair: &[&Change]| matches!(pair, [a, b] if a.old.end == b.old.start && a.new.end == b.new.start);
        let is_whole = pieces.len() > 1
            && pieces.windows(2).all(touch)
            && (first.old.start..last.old.end) == whole.old
            && self.current.as_ref()?.slice(first.new.start..last.new.end) == current?.slice(whole.new.clone());
        let moved = |at: usize| at.saturating_sub(first.new.start).saturating_add(whole.new.start);
        let here =
            |piece: &&Change| Change { old: piece.old.clone(), new: moved(piece.new.start)..moved(piece.new.end) };
        is_whole.then(|| pieces.iter().map(here).collect())
    }

    /// Gives those changes ids that have none: ones that no other change of the file has or had.
    pub(in crate::workspace) fn name_changes(&mut self, path: &DocPath) {
        self.ids.resize(self.changes.len(), None);
        if self.ids.iter().all(Option::is_some) {
            return;
        }
        let mut taken: HashSet<HunkId> = self.ids.iter().flatten().chain(&self.decided).cloned().collect();
        let mut occurrences: HashMap<(String, String), usize> = HashMap::new();
        for (change, id) in self.changes.iter().zip(&mut self.ids).filter(|(_, id)| id.is_none()) {
            let slice = |text: Option<&Text>, range: &Range<usize>| {
                text.and_then(|text| text.slice(range.clone())).unwrap_or_default()
            };
            let texts = (slice(self.base.as_ref(), &change.old), slice(self.current.as_ref(), &change.new));
            let occurrence = occurrences.entry(texts.clone()).or_default();
            let free = loop {
                let free = HunkId::new(path, ChangeKind::Edit, &texts.0, &texts.1, *occurrence);
                *occurrence += 1;
                if taken.insert(free.clone()) {
                    break free;
                }
            };
            *id = Some(free);
        }
    }

    /// Nothing is proposed: not another text, not another place.
    fn is_nothing(&self) -> bool {
        match self.moved_from {
            Some(_) => self.current.is_none(),
            // Hunks that come to nothing together are still hunks, to be decided one by one.
            None => self.current == self.base && self.changes.is_empty(),
        }
    }
}

fn changes(base: Option<&Text>, current: Option<&Text>) -> Vec<Change> {
    match (base, current) {
        (Some(base), Some(current)) => readable(base, current),
        (None, _) | (_, None) => Vec::new(),
    }
}

/// The document changed since it was read: read it again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` changed since it was read: read it again")]
pub struct Stale {
    pub path: String,
}

/// A session's proposed edits. A value; clones share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    files: Arc<BTreeMap<DocPath, OverlayFile>>,
}

/// Tells one state of an overlay from all others, and keeps nothing of it.
#[derive(Debug)]
pub(in crate::workspace) struct Mark(Weak<BTreeMap<DocPath, OverlayFile>>);

impl PartialEq for Mark {
    fn eq(&self, other: &Mark) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

impl Overlay {
    pub fn get(&self, path: &DocPath) -> Option<&OverlayFile> {
        self.files.get(path)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&DocPath, &OverlayFile)> {
        self.files.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The one function through which tools write: proposes that `path` hold `text` (or not be, with `None`). `seen` is
    /// the document the change was made from, `None` where it was absent; it must be what the overlay holds or, for an
    /// untouched document, what was live when it was read: reviews compare with the live text, so a change of it in
    /// between is merged or shown as a conflict, never lost.
    pub fn write(
        &mut self,
        path: &DocPath,
        seen: Option<&Document>,
        text: Option<Text>,
        author: Author,
    ) -> Result<(), Stale> {
        self.check(path, seen)?;
        let file = match self.files.get(path) {
            Some(file) => file.clone().with_current(text, author),
            None => {
                let base = seen.map(|document| document.text.clone());
                let stamp = seen.map_or(Stamp::Absent, |document| document.stamp);
                OverlayFile::new(base, stamp, text, author)
            }
        };
        self.put(path, file);
        Ok(())
    }

    /// Proposes that the document at `from` be at `to`, where the overlay or, for an untouched document, the workspace
    /// has none. Chains collapse: a move of a moved document is one move from where it stands, and a move back is none.
    pub fn rename(&mut self, from: &DocPath, seen: &Document, to: &DocPath, author: Author) -> Result<(), Stale> {
        self.check(from, Some(seen))?;
        self.check(to, None)?;
        if from == to {
            return Ok(());
        }
        let source = self.files.get(from).cloned();
        let (base, stamp, origin) = match source {
            None => (Some(seen.text.clone()), seen.stamp, Some(from.clone())),
            Some(OverlayFile { base: Some(base), stamp, moved_from: Some(origin), .. }) => {
                (Some(base), stamp, Some(origin))
            }
            Some(OverlayFile { base: Some(base), stamp, moved_from: None, .. }) => {
                (Some(base), stamp, Some(from.clone()))
            }
            Some(OverlayFile { base: None, stamp, .. }) => (None, stamp, None),
        };
        self.write(from, Some(seen), None, author.clone())?;
        let current = Some(seen.text.clone());
        match self.files.get(to) {
            // A document stands there for the user, and is proposed to go: what is left of it is an edit, or nothing.
            Some(_) => self.write(to, None, current, author),
            None => {
                let moved = OverlayFile::new(base, stamp, current, author);
                self.put(to, OverlayFile { moved_from: origin, ..moved });
                Ok(())
            }
        }
    }

    /// Tells this state of it from any other.
    pub(in crate::workspace) fn mark(&self) -> Mark {
        Mark(Arc::downgrade(&self.files))
    }

    /// Whether `path` is proposed to go because its document moves elsewhere.
    pub fn moved_to(&self, path: &DocPath) -> Option<&DocPath> {
        self.files.iter().find(|(_, file)| file.moved_from.as_ref() == Some(path)).map(|(to, _)| to)
    }

    /// Sets a touched document to exactly `file`; `None` forgets it. For reviews, not for tools.
    pub fn set(&mut self, path: DocPath, file: Option<OverlayFile>) {
        let file = file.map(|mut file| {
            file.name_changes(&path);
            file
        });
        // What stays as it is is no other state, and needs no copy.
        if self.files.get(&path) == file.as_ref() {
            return;
        }
        let files = Arc::make_mut(&mut self.files);
        match file {
            Some(file) => drop(files.insert(path, file)),
            None => drop(files.remove(&path)),
        }
    }

    /// Sets a touched document, and forgets it where nothing is proposed for it any more.
    pub(in crate::workspace) fn set_or_forget(&mut self, path: DocPath, file: OverlayFile) {
        self.set(path, (!file.is_nothing()).then_some(file));
    }

    fn check(&self, path: &DocPath, seen: Option<&Document>) -> Result<(), Stale> {
        let fresh = match (self.files.get(path), seen) {
            (Some(file), seen) => file.current.as_ref() == seen.map(|document| &document.text),
            // Seen in the overlay, and since decided: what was seen is not what there is.
            (None, Some(document)) => document.layer != Layer::Overlay,
            (None, None) => true,
        };
        if fresh { Ok(()) } else { Err(Stale { path: name(path) }) }
    }

    /// Sets an entry, and keeps what holds of all of them: none proposes nothing; one that moved from elsewhere has that
    /// place proposed to go, and starts from its text.
    fn put(&mut self, path: &DocPath, file: OverlayFile) {
        // Something is put where a document moved away from: then that document's new place is simply a new file.
        if file.current.is_some()
            && let Some(to) = self.moved_to(path).cloned()
            && let Some(moved) = self.files.get(&to).cloned()
        {
            self.set(to, Some(OverlayFile::new(None, Stamp::Absent, moved.current, moved.author)));
        }
        self.set_or_forget(path.clone(), file);
    }
}

fn name(path: &DocPath) -> String {
    match path {
        DocPath::File { rel, .. } => rel.to_string(),
        DocPath::Virtual(uri) => uri.to_string(),
    }
}
