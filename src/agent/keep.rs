//! Keeps a session's proposal on the disk: what is different from what stands there is appended, and is there when the save has
//! returned.
//!
//! A disk that fails costs nothing but durability: the session goes on in memory, and the next save writes all that is missing.

mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use super::Session;
use super::history::Entry;
use super::snapshot::{
    BACKUP, Doubt, FILE, FIRST_FILE, File, Folders, Name, Past, Record, State, TextsIn, TextsOut, Touched, VERSION,
    read_first,
};
use crate::event::{ErrorReported, EventKind};
use crate::store::{Ledger, Mark, Store};
use crate::text::ContentHash;
use crate::workspace::{DocPath, HunkId, Overlay, OverlayFile, Roots, Stamp};

/// Sessions with proposals that are brought back at once: each keeps two files open.
const MOST_PENDING: usize = 64;

/// Sessions that are brought back because something of them can be taken back.
const MOST_APPLIED: usize = 4;

/// What of a session outlives the process, beside its trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::agent) struct Kept {
    pub overlay: Overlay,
    /// Accepted hunks, oldest first.
    pub history: Vec<Entry>,
    /// Hunks whose text the user changed, and the ids that they had before.
    pub amended: BTreeMap<String, String>,
    /// Hunks that were sent to the editor and not found in the text, and what their documents held then.
    pub unverified: BTreeMap<HunkId, (DocPath, Stamp)>,
}

/// The disk's side of a session.
#[derive(Debug, Default)]
pub(in crate::agent) struct Keeper {
    ledger: Option<Ledger>,
    /// What the disk holds.
    written: Kept,
    /// Texts that stand in the ledger.
    known: BTreeSet<ContentHash>,
    folders: Folders,
    /// What lies in folders that are not open: it is kept as it is.
    absent: Absent,
    /// The folders that the session is marked in.
    marked: BTreeSet<(Mark, PathBuf)>,
    /// A newer version wrote the ledger: it is not touched.
    is_foreign: bool,
    /// The disk fails, and the user knows.
    pub reported: bool,
}

#[derive(Debug, Default)]
struct Absent {
    files: BTreeMap<Name, File>,
    /// These stand first in the ledger's history once it is written again.
    history: Vec<Past>,
    unverified: BTreeMap<String, Doubt>,
    texts: BTreeMap<String, String>,
    /// The history stands in another order on the disk.
    is_moved: bool,
}

/// What came to light because folders were opened.
#[derive(Debug, Default)]
pub(in crate::agent) struct Found {
    /// To be set in the overlay, in this order.
    pub files: Vec<(DocPath, Option<OverlayFile>)>,
    /// To stand before the rest of the history.
    pub history: Vec<Entry>,
    pub unverified: BTreeMap<HunkId, (DocPath, Stamp)>,
}

/// A session that is taken up again.
#[derive(Debug)]
pub(in crate::agent) struct Restored {
    pub keeper: Keeper,
    pub kept: Kept,
    /// What the user should know.
    pub trouble: Option<String>,
}

impl Keeper {
    /// Reads what is kept of a session, and goes on from there. Blocks on the disk.
    pub fn open(store: &Store, id: &str, roots: &Roots) -> io::Result<Restored> {
        let mut keeper = Keeper::default();
        keeper.folders.learn(roots);
        if store.file_exists(id, FILE) {
            return keeper.open_ledger(store, id, roots);
        }
        match store.file(id, FIRST_FILE)? {
            Some(bytes) => keeper.migrate(store, id, roots, &bytes),
            None => Ok(Restored { keeper, kept: Kept::default(), trouble: None }),
        }
    }

    fn open_ledger(mut self, store: &Store, id: &str, roots: &Roots) -> io::Result<Restored> {
        let opened = match store.open_ledger(id, FILE, VERSION) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                self.is_foreign = true;
                let trouble =
                    "a newer version of Claw keeps the proposal of this session: this one leaves it as it is, shows \
                               nothing of it, and keeps nothing new of it. Go on with the newer version"
                        .to_owned();
                return Ok(Restored { keeper: self, kept: Kept::default(), trouble: Some(trouble) });
            }
            Err(error) => return Err(error),
        };
        let trouble = opened.quarantined.map(|place| {
            format!(
                "the end of what was kept of this session's proposal was broken: what can be proved stands, the rest was \
                 moved to {}",
                place.display()
            )
        });
        let mut state = State::default();
        for record in opened.records {
            // The checksum was right, so this is no damage of the disk's.
            let record: Record = serde_json::from_str(&record.payload)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{FILE}: {error}")))?;
            state.add(record);
        }
        self.ledger = Some(opened.ledger);
        self.known = state.texts.keys().filter_map(|hash| ContentHash::of_hex(hash)).collect();
        self.marked = folders_of(&state);
        let kept = self.resolve(store, id, roots, state);
        self.written = kept.clone();
        Ok(Restored { keeper: self, kept, trouble })
    }

    /// Takes up the one file of the first version, and keeps it as a backup.
    fn migrate(mut self, store: &Store, id: &str, roots: &Roots, bytes: &[u8]) -> io::Result<Restored> {
        let files = match read_first(bytes) {
            Ok(files) => files,
            Err(error) => {
                tracing::warn!(session = id, %error, "the kept proposal can not be read");
                store.rename_file(id, FIRST_FILE, &format!("{FIRST_FILE}.broken"))?;
                let trouble = format!(
                    "what was kept of this session's proposal can not be read: it was moved to {FIRST_FILE}.broken in {}",
                    store.session_folder(id).display()
                );
                return Ok(Restored { keeper: self, kept: Kept::default(), trouble: Some(trouble) });
            }
        };
        // Everything is written first, by names: so that nothing depends on which folders are open now.
        let mut texts = TextsOut::new(store, id, &self.known);
        let mut state = State::default();
        for (name, file, moved_from) in files {
            if let Some(file) = File::of(&file, &self.folders, &mut texts)? {
                state.files.insert(name, file.moved_from(moved_from));
            }
        }
        let touched = state.files.iter().map(|(name, file)| Touched { name: name.clone(), file: Some(file.clone()) });
        let record = Record { files: touched.collect(), texts: texts.fresh, ..Record::default() };
        let known = texts.hashes;
        for (mark, folder) in folders_of(&state) {
            store.mark(mark, &folder, id)?;
        }
        let mut ledger = store.open_ledger(id, FILE, VERSION)?.ledger;
        ledger.append(&serde_json::to_string(&record)?)?;
        store.rename_file(id, FIRST_FILE, BACKUP)?;
        tracing::info!(session = id, backup = BACKUP, "the kept proposal was taken over from an older version");
        self.ledger = Some(ledger);
        self.known = known;
        self.marked = folders_of(&state);
        state.texts = record.texts;
        let kept = self.resolve(store, id, roots, state);
        self.written = kept.clone();
        Ok(Restored { keeper: self, kept, trouble: None })
    }

    /// What lies in open folders. The rest stays beside.
    fn resolve(&mut self, store: &Store, session: &str, roots: &Roots, state: State) -> Kept {
        let State { files, history, amended, unverified, texts: table } = state;
        let mut kept = Kept { amended, ..Kept::default() };
        let texts = TextsIn { store, session, table: &table };
        let mut absent = Absent::default();
        for (name, file) in files {
            let read = name.resolve(roots).map(|path| (path, file.read(roots, &texts)));
            match read {
                Some((path, Ok(Some(file)))) => kept.overlay.set(path, Some(file)),
                Some((_, Err(error))) => {
                    tracing::error!(session, ?name, %error, "a proposed file can not be brought back, and is left as it is kept");
                    absent.files.insert(name, file);
                }
                Some((_, Ok(None))) | None => drop(absent.files.insert(name, file)),
            }
        }
        for past in history {
            match past.read(roots, &texts) {
                Ok(Some(entry)) => kept.history.push(entry),
                Ok(None) => absent.history.push(past),
                Err(error) => {
                    tracing::error!(session, %error, "an accepted hunk can not be brought back, and is left as it is kept");
                    absent.history.push(past);
                }
            }
        }
        for (hunk, doubt) in unverified {
            match doubt.read(roots) {
                Some(doubt) => drop(kept.unverified.insert(HunkId(hunk), doubt)),
                None => drop(absent.unverified.insert(hunk, doubt)),
            }
        }
        if !absent.files.is_empty() || !absent.history.is_empty() {
            tracing::info!(
                session,
                files = absent.files.len(),
                accepted = absent.history.len(),
                "what is kept for folders that are not open stays as it is"
            );
        }
        absent.is_moved = !absent.history.is_empty();
        let named = absent.files.values().flat_map(File::texts).chain(absent.history.iter().flat_map(Past::texts));
        absent.texts = named.filter_map(|held| held.of_table(&table)).collect();
        self.absent = absent;
        kept
    }

    /// What lies in folders that have been opened since, and what lies in folders that were closed and are open again under
    /// another id.
    pub fn follow_folders(&mut self, store: &Store, session: &str, roots: &Roots, overlay: &Overlay) -> Found {
        self.folders.learn(roots);
        let mut found = Found::default();
        for (path, file) in overlay.iter().filter(|(path, _)| !is_open(path, roots)) {
            let again = |path: &DocPath| self.folders.name(path)?.resolve(roots);
            if let Some(place) = again(path) {
                let mut file = file.clone();
                file.moved_from = file.moved_from.as_ref().and_then(again);
                found.files.extend([(path.clone(), None), (place, Some(file))]);
            }
        }
        let texts = TextsIn { store, session, table: &self.absent.texts };
        self.absent.files.retain(|name, file| {
            let Some(path) = name.resolve(roots) else { return true };
            let Ok(Some(file)) = file.read(roots, &texts) else { return true };
            found.files.push((path, Some(file)));
            false
        });
        self.absent.history.retain(|past| {
            let Ok(Some(entry)) = past.read(roots, &texts) else { return true };
            found.history.push(entry);
            false
        });
        self.absent.unverified.retain(|hunk, doubt| {
            let Some(doubt) = doubt.read(roots) else { return true };
            found.unverified.insert(HunkId(hunk.clone()), doubt);
            false
        });
        self.written.unverified.extend(found.unverified.clone());
        for (path, file) in &found.files {
            self.written.overlay.set(path.clone(), file.clone());
        }
        self.written.history.splice(0..0, found.history.iter().cloned());
        self.absent.is_moved |= !found.history.is_empty();
        found
    }

    /// Writes what is different from what stands on the disk, and returns when it is there. Blocks on the disk.
    pub fn save(&mut self, store: &Store, session: &str, kept: Kept, roots: &Roots) -> io::Result<()> {
        if self.is_foreign || self.written == kept {
            return Ok(());
        }
        self.folders.learn(roots);
        if self.ledger.is_none() {
            self.ledger = Some(store.open_ledger(session, FILE, VERSION)?.ledger);
        }
        let folders = self.folders_of(&kept);
        for (mark, folder) in folders.difference(&self.marked) {
            store.mark(*mark, folder, session)?;
        }
        let is_whole = self.ledger.as_ref().is_some_and(Ledger::wants_rewrite);
        let none = BTreeSet::new();
        let mut texts = TextsOut::new(store, session, if is_whole { &none } else { &self.known });
        let mut record = if is_whole {
            self.absent.put_into(&mut texts);
            self.record(&Kept::default(), &kept, &mut texts, true)?
        } else {
            self.record(&self.written, &kept, &mut texts, false)?
        };
        let TextsOut { fresh, hashes, .. } = texts;
        record.texts = fresh;
        let payload = serde_json::to_string(&record)?;
        if let Some(ledger) = &mut self.ledger {
            if is_whole { ledger.rewrite(&payload)? } else { ledger.append(&payload)? }
        }
        if is_whole {
            self.known.clear();
        }
        self.known.extend(hashes);
        self.absent.is_moved &= record.history.is_empty();
        for (mark, folder) in self.marked.difference(&folders) {
            store.unmark(*mark, folder, session);
        }
        self.marked = folders;
        self.written = kept;
        Ok(())
    }

    /// What makes `after` of `before`; with `whole` of nothing, and with what lies in folders that are not open.
    fn record(&self, before: &Kept, after: &Kept, texts: &mut TextsOut<'_>, whole: bool) -> io::Result<Record> {
        let mut record = Record { whole, ..Record::default() };
        let paths: BTreeSet<&DocPath> =
            before.overlay.iter().chain(after.overlay.iter()).map(|(path, _)| path).collect();
        for path in paths {
            let (old, new) = (before.overlay.get(path), after.overlay.get(path));
            let Some(name) = (if old == new { None } else { self.folders.name(path) }) else { continue };
            let file = match new {
                Some(file) => File::of(file, &self.folders, texts)?,
                None => None,
            };
            record.files.push(Touched { name, file });
        }
        let first = self.absent.history.len();
        if whole || before.history != after.history {
            if whole || self.absent.is_moved {
                record.history.extend(self.absent.history.iter().cloned().enumerate());
            }
            for (at, entry) in after.history.iter().enumerate() {
                let is_news = whole || self.absent.is_moved || before.history.get(at) != Some(entry);
                if let Some(past) = if is_news { Past::of(entry, &self.folders, texts)? } else { None } {
                    record.history.push((first + at, past));
                }
            }
            record.history_length = (after.history.len() < before.history.len()).then(|| first + after.history.len());
        }
        let amended = after.amended.iter().filter(|(id, original)| before.amended.get(*id) != Some(original));
        record.amended = amended.map(|(id, original)| (id.clone(), original.clone())).collect();
        if whole || before.unverified != after.unverified {
            let known = after.unverified.iter();
            let known = known
                .filter_map(|(hunk, (path, stamp))| Some((hunk.0.clone(), Doubt::of(path, *stamp, &self.folders)?)));
            record.unverified = Some(known.chain(self.absent.unverified.clone()).collect());
        }
        if whole {
            let absent = self.absent.files.iter();
            record.files.extend(absent.map(|(name, file)| Touched { name: name.clone(), file: Some(file.clone()) }));
        }
        Ok(record)
    }

    /// The folders that the session matters in.
    fn folders_of(&self, kept: &Kept) -> BTreeSet<(Mark, PathBuf)> {
        let proposed: Vec<Name> = kept.overlay.iter().filter_map(|(path, _)| self.folders.name(path)).collect();
        let accepted: Vec<Name> =
            kept.history.iter().filter_map(|entry| self.folders.name(&entry.applied.path)).collect();
        marks(
            proposed.iter().chain(self.absent.files.keys()),
            accepted.iter().chain(self.absent.history.iter().map(Past::name)),
        )
    }
}

impl Session {
    /// Keeps the pending proposal on disk, and returns when it is there: what is told of it afterwards is no lie when the process
    /// dies. Where the disk fails the session goes on in memory, the user is told once, and the next save writes what is missing.
    /// Blocks on the disk.
    pub(in crate::agent) fn save(&self) {
        if self.is_aside() {
            return;
        }
        let Some(store) = &self.parts().store else { return };
        let trouble = {
            let mut keeper = self.lock_keeper();
            let saved = keeper.save(store, self.id(), self.kept(), &self.parts().workspace.roots());
            let was_reported = std::mem::replace(&mut keeper.reported, saved.is_err());
            saved.err().filter(|_| !was_reported)
        };
        if let Some(error) = trouble {
            tracing::error!(session = self.id(), %error, "the proposal is not on disk");
            self.report_trouble(format!(
                "the proposal of this session can not be kept on the disk ({error}). It stands in memory, and is kept when the \
                 disk takes it: make room, or mend {}",
                store.root().display()
            ));
        }
    }

    /// Takes in what is kept for folders that have been opened since. `true` if there was anything. Blocks on the disk.
    pub fn follow_folders(&self) -> bool {
        let Some(store) = &self.parts().store else { return false };
        let mut keeper = self.lock_keeper();
        let found = keeper.follow_folders(store, self.id(), &self.parts().workspace.roots(), &self.overlay());
        self.lock_history().entries.splice(0..0, found.history);
        self.state().reviews.restore_unverified(found.unverified);
        let mut overlay = self.lock_overlay();
        let any = !found.files.is_empty();
        found.files.into_iter().for_each(|(path, file)| overlay.set(path, file));
        any
    }

    /// Whether nothing is kept of it that a user could decide about, take back or bring back.
    pub fn is_settled(&self) -> bool {
        self.overlay().is_empty() && self.lock_history().entries.is_empty() && !self.lock_keeper().is_foreign
    }

    fn kept(&self) -> Kept {
        let history = self.lock_history().entries.clone();
        let (amended, unverified) = {
            let state = self.state();
            (state.reviews.amended_ids(), state.reviews.unverified())
        };
        Kept { overlay: self.overlay(), history, amended, unverified }
    }

    pub(in crate::agent) fn set_kept(&self, kept: Kept) {
        let Kept { overlay, history, amended, unverified } = kept;
        *self.lock_overlay() = overlay;
        self.lock_history().entries = history;
        for (amended, original) in amended {
            self.state().reviews.amended(&HunkId(amended), &HunkId(original));
        }
        self.state().reviews.restore_unverified(unverified);
    }

    /// Tells the user of something about what is kept. It is no part of a turn.
    pub(in crate::agent) fn report_trouble(&self, message: String) {
        let trouble = ErrorReported { code: "trace".to_owned(), message, retryable: true };
        self.recorder().record(EventKind::Error(trouble));
    }
}

impl Absent {
    fn put_into(&self, texts: &mut TextsOut<'_>) {
        for (hash, text) in &self.texts {
            texts.fresh.insert(hash.clone(), text.clone());
            texts.hashes.extend(ContentHash::of_hex(hash));
        }
    }
}

/// The sessions that propose something in `roots`, and the last ones of which something was accepted there, in the order in
/// which they began; some of them may have nothing any more. Blocks on the disk, for a moment that does not depend on how many
/// other sessions there are.
pub fn waiting(store: &Store, roots: &Roots) -> Vec<String> {
    if let Err(error) = store.complete_marks(|id| kept_folders(store, id)) {
        tracing::warn!(%error, "the sessions could not be looked through for proposals");
    }
    let last = |mark: Mark, most: usize| -> Vec<String> {
        let mut ids = BTreeSet::new();
        for root in roots.iter() {
            match store.marked(mark, &root.path) {
                Ok(found) => ids.extend(found),
                Err(error) => tracing::warn!(%error, "what waits for review could not be looked up"),
            }
        }
        let older = ids.len().saturating_sub(most);
        if older > 0 && mark == Mark::Pending {
            tracing::warn!(older, "older sessions propose something too: name them to open them");
        }
        ids.into_iter().skip(older).collect()
    };
    let ids: BTreeSet<String> =
        last(Mark::Pending, MOST_PENDING).into_iter().chain(last(Mark::Applied, MOST_APPLIED)).collect();
    ids.into_iter().collect()
}

/// What of a session was accepted in `roots`, oldest first, whoever has the session open. Blocks on the disk.
pub(in crate::agent) fn accepted(store: &Store, id: &str, roots: &Roots) -> io::Result<Vec<Entry>> {
    let mut state = State::default();
    for record in store.read_ledger(id, FILE, VERSION)?.unwrap_or_default() {
        state.add(serde_json::from_str(&record.payload).map_err(io::Error::other)?);
    }
    let texts = TextsIn { store, session: id, table: &state.texts };
    let read = |past: &Past| past.read(roots, &texts).transpose();
    state.history.iter().filter_map(read).collect()
}

/// The folders that a session which nobody has open matters in.
fn kept_folders(store: &Store, id: &str) -> Vec<(Mark, PathBuf)> {
    let mut state = State::default();
    match store.read_ledger(id, FILE, VERSION) {
        Ok(Some(records)) => records
            .iter()
            .filter_map(|record| serde_json::from_str(&record.payload).ok())
            .for_each(|record| state.add(record)),
        Ok(None) => {
            let bytes = store.file(id, FIRST_FILE).ok().flatten().unwrap_or_default();
            let files = read_first(&bytes).unwrap_or_default();
            return marks(files.iter().map(|(name, ..)| name), []).into_iter().collect();
        }
        Err(error) => tracing::warn!(session = id, %error, "what is kept of a session can not be read"),
    }
    folders_of(&state).into_iter().collect()
}

fn folders_of(state: &State) -> BTreeSet<(Mark, PathBuf)> {
    marks(state.files.keys(), state.history.iter().map(Past::name))
}

fn marks<'a>(
    proposed: impl IntoIterator<Item = &'a Name>,
    accepted: impl IntoIterator<Item = &'a Name>,
) -> BTreeSet<(Mark, PathBuf)> {
    let pending = proposed.into_iter().filter_map(|name| Some((Mark::Pending, name.folder()?.clone())));
    let applied = accepted.into_iter().filter_map(|name| Some((Mark::Applied, name.folder()?.clone())));
    pending.chain(applied).collect()
}

fn is_open(path: &DocPath, roots: &Roots) -> bool {
    path.root().is_none_or(|root| roots.get(root).is_some())
}
