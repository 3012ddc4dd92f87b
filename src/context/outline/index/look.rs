//! One look at the workspace: what there is, what has changed, what that defines.

use std::collections::{HashMap, HashSet};
use std::num::NonZero;
use std::path::Path;
use std::sync::Weak;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Entry, FileSymbols, MOST_BYTES, Shared};
use crate::context::outline::cache::{self, Content, Fingerprint, Row};
use crate::context::outline::reader::reader_of;
use crate::workspace::search::Scope;
use crate::workspace::{DocPath, View, disk};

/// Most files that are looked at.
const MOST_FILES: usize = 20_000;
/// How long a look at the names of all files may take.
const WALK_TIME: Duration = Duration::from_secs(20);
/// A file that was changed so shortly before it was read may change again without looking different: not kept on disk.
const RACY: Duration = Duration::from_millis(50);
/// How often a look that takes long keeps what it knows, at most; it may take one part in so many of the time.
const KEPT_EVERY: Duration = Duration::from_millis(50);
const KEEPING_SHARE: u32 = 30;
/// Threads that parse side by side.
const WORKERS: usize = 4;

/// One look at the workspace, on its own thread. Stops when nobody holds the index any more.
pub(super) struct Looker {
    pub shared: Weak<Shared>,
    /// What the user has: the index knows nothing of proposals.
    pub view: View,
    pub look: u64,
}

impl Looker {
    pub fn run(self) {
        // Whatever happens here, nobody may wait for it for ever.
        let _done = Done { shared: self.shared.clone(), look: self.look };
        let start = Instant::now();
        let Some(cache) = self.shared.upgrade().map(|shared| shared.cache.clone()) else { return };
        let gone = || self.shared.strong_count() == 0 || start.elapsed() > WALK_TIME;
        // What was kept is read while the disk is walked: a run of the command line waits for both.
        let listed = std::thread::scope(|scope| {
            if let Some(folder) = &cache {
                scope.spawn(|| self.load(folder));
            }
            self.view.list_entries(&Scope::everything(self.view.roots()), MOST_FILES, &gone)
        });
        let changed = self.look_at(&listed);
        let listed = listed.into_iter().map(|(path, _)| path).collect();
        let parsed = self.parse(&changed, cache.as_deref());
        let keeps = self.finish(listed, parsed > 0);
        tracing::debug!(files = parsed, elapsed = ?start.elapsed(), "the index is up to date");
        if let (Some(folder), true) = (&cache, keeps) {
            self.save(folder);
        }
    }

    fn load(&self, folder: &Path) {
        for root in self.view.roots().iter() {
            let Some(shared) = self.shared.upgrade() else { return };
            if !shared.lock().loaded.insert(root.id) {
                continue;
            }
            let rows = cache::load(folder, &root.path);
            let mut state = shared.lock();
            for Row { rel, fingerprint, content, symbols } in rows {
                let Some(rel) = rel else {
                    state.retired.push_back((content, symbols));
                    continue;
                };
                let path = DocPath::File { root: root.id, rel };
                let entry = Entry { fingerprint, content, settled: true, look: 0, symbols };
                state.files.entry(path).or_insert(entry);
            }
        }
    }

    /// Publishes the names, and says which files have to be parsed.
    fn look_at(&self, listed: &[(DocPath, Option<disk::Entry>)]) -> Vec<(DocPath, Fingerprint)> {
        let prints = listed.iter().filter_map(|(path, entry)| {
            let entry = entry.as_ref().filter(|entry| entry.size() <= MOST_BYTES)?;
            reader_of(&self.view, path)?;
            Some((path, Fingerprint::of(entry)?))
        });
        let Some(shared) = self.shared.upgrade() else { return Vec::new() };
        let mut state = shared.lock();
        let mut changed = Vec::new();
        for (path, print) in prints {
            match state.files.get_mut(path) {
                Some(entry) if entry.fingerprint == print => entry.look = self.look,
                Some(_) | None => changed.push((path.clone(), print)),
            }
        }
        let changed_paths: HashSet<&DocPath> = changed.iter().map(|(path, _)| path).collect();
        if state.finished == 0 {
            // What an earlier run knew about files that have changed since is not true any more. Under another name, or when
            // the file is again what it was, it is.
            let stale: Vec<Entry> =
                state.files.extract_if(|path, _| changed_paths.contains(path)).map(|(_, entry)| entry).collect();
            for entry in stale {
                state.retire(entry);
            }
            state.listed = Some(listed.iter().map(|(path, _)| path.clone()).collect());
        }
        changed
    }

    /// Parses files, several side by side; says how many. What is known is kept now and then on the way: a command that ends
    /// before the look does leaves the next one less to parse.
    fn parse(&self, changed: &[(DocPath, Fingerprint)], cache: Option<&Path>) -> usize {
        let (next, parsed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let Some(known) = self.shared.upgrade().map(|shared| shared.lock().known()) else { return 0 };
        let work = |keeps: bool| {
            let (mut kept, mut pause) = (Instant::now(), KEPT_EVERY);
            while let Some((path, fingerprint)) = changed.get(next.fetch_add(1, Ordering::Relaxed)) {
                let Some(done) = self.parse_file(path, *fingerprint, &known) else { return };
                parsed.fetch_add(usize::from(done), Ordering::Relaxed);
                if let Some(folder) = cache.filter(|_| keeps && kept.elapsed() > pause) {
                    let start = Instant::now();
                    self.save(folder);
                    kept = Instant::now();
                    pause = KEPT_EVERY.max(start.elapsed() * KEEPING_SHARE);
                }
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        std::thread::scope(|scope| {
            for _ in 1..cores.min(WORKERS).min(changed.len()) {
                scope.spawn(|| work(false));
            }
            work(true);
        });
        parsed.into_inner()
    }

    /// Whether the file could be read; `None` where nobody wants to know any more.
    fn parse_file(
        &self,
        path: &DocPath,
        fingerprint: Fingerprint,
        known: &HashMap<Content, FileSymbols>,
    ) -> Option<bool> {
        let Some(reader) = reader_of(&self.view, path) else { return Some(false) };
        let Ok(document) = self.view.read_live(path) else { return Some(false) };
        let content = Content::of(&document.text, reader.language());
        let symbols =
            known.get(&content).cloned().unwrap_or_else(|| FileSymbols::of(&document.text, reader.language()));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let settled = fingerprint.modified + RACY.as_nanos() < now.as_nanos();
        let entry = Entry { fingerprint, content, settled, look: self.look, symbols };
        let shared = self.shared.upgrade()?;
        let mut state = shared.lock();
        if let Some(before) = state.files.insert(path.clone(), entry) {
            state.retire(before);
        }
        Some(true)
    }

    /// Forgets what is gone, and tells who waits. Whether there is anything new to keep.
    fn finish(&self, listed: Vec<DocPath>, parsed: bool) -> bool {
        let Some(shared) = self.shared.upgrade() else { return false };
        let mut state = shared.lock();
        let before = state.files.len();
        let look = self.look;
        // Of open documents the index keeps what it knew: it is right again once they are closed.
        let open = self.view.buffers();
        let gone = |path: &DocPath, entry: &mut Entry| entry.look != look && open.get(path).is_none();
        let gone: Vec<Entry> = state.files.extract_if(gone).map(|(_, entry)| entry).collect();
        for entry in gone {
            state.retire(entry);
        }
        let keeps = parsed || state.files.len() < before;
        state.keeping = keeps;
        state.listed = Some(listed.into());
        state.finished += 1;
        state.looking = false;
        shared.progress.notify_all();
        keeps
    }

    fn save(&self, folder: &Path) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut files: Vec<(DocPath, Entry)> = {
            let state = shared.lock();
            state.files.iter().map(|(path, entry)| (path.clone(), entry.clone())).collect()
        };
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut retired: Vec<(Content, FileSymbols)> = shared.lock().retired.iter().cloned().collect();
        for root in self.view.roots().iter() {
            let rows = files.iter().filter_map(|(path, entry)| match path {
                DocPath::File { root: of, rel } if *of == root.id && entry.settled => Some(Row {
                    rel: Some(rel.clone()),
                    fingerprint: entry.fingerprint,
                    content: entry.content,
                    symbols: entry.symbols.clone(),
                }),
                DocPath::File { .. } | DocPath::Virtual(_) => None,
            });
            // Where there are several, the first keeps what belongs to none.
            let homeless = std::mem::take(&mut retired).into_iter().map(|(content, symbols)| Row {
                rel: None,
                fingerprint: Fingerprint::NONE,
                content,
                symbols,
            });
            if let Err(error) = cache::save(folder, &root.path, rows.chain(homeless)) {
                tracing::debug!(%error, "the index is not kept: the next run will parse again");
            }
        }
    }
}

/// Ends a look even if it panicked.
struct Done {
    shared: Weak<Shared>,
    look: u64,
}

impl Drop for Done {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut state = shared.lock();
        // By now the next look may be under way.
        if state.look == self.look {
            state.looking = false;
            state.keeping = false;
            shared.progress.notify_all();
        }
    }
}
