//! The index: definitions of every file of a workspace, brought up to date in the background.
//!
//! One thread at a time looks at the workspace and parses what changed; whoever asks waits for it no longer than until a
//! deadline, and takes what is there. The lock is held for moments only, never over a read or a parse.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::FileSymbols;
use super::cache::{self, Content, Fingerprint, Row};
use super::graph::Graph;
use crate::syntax::{Language, Survey, Symbols};
use crate::text::{ContentHash, Text};
use crate::workspace::search::Scope;
use crate::workspace::{DocPath, RootId, View};

/// Most files that are looked at.
const MOST_FILES: usize = 20_000;
/// Largest file that is parsed.
const MOST_BYTES: u64 = 1 << 20;
/// How long a look at the names of all files may take.
const WALK_TIME: Duration = Duration::from_secs(20);
/// A file that was changed so shortly before it was read may change again without looking different: not kept on disk.
const RACY: Duration = Duration::from_millis(50);
/// How often a look that takes long keeps what it knows.
const KEPT_EVERY: Duration = Duration::from_millis(50);
/// Open documents whose definitions are remembered.
const MOST_OPEN: usize = 512;
/// Contents that no file has any more, and that may come back with another branch.
const MOST_RETIRED: usize = 4_096;
/// Threads that parse side by side.
const WORKERS: usize = 4;

/// The definitions of a workspace's files, kept up to date in the background. One for each [`Workspace`], shared by all its
/// sessions: clones are the same index. Idle until it is asked.
///
/// [`Workspace`]: crate::workspace::Workspace
#[derive(Clone, Default)]
pub struct Index {
    shared: Arc<Shared>,
}

/// What an index knows at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Every file in the order of names, open and proposed ones as they are in the editor and the overlay. `None` for one
    /// without a grammar.
    pub files: Vec<(DocPath, Option<FileSymbols>)>,
    pub state: SnapshotState,
    /// Who uses whom, found out when it is first asked for.
    pub(super) graph: SharedGraph,
}

/// The graph of a snapshot. Snapshots of the same files have the same.
#[derive(Clone, Default)]
pub(super) struct SharedGraph(pub Arc<OnceLock<Graph>>);

/// How far a [`Snapshot`] can be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SnapshotState {
    /// Everything was looked at since it was asked for.
    #[default]
    Ready,
    /// The time was too short to look again: as of the last look.
    Earlier,
    /// Of the files whose names are known, so many were not parsed in time; with `None`, not even the names are known.
    Incomplete { missing: Option<usize> },
}

#[derive(Default)]
struct Shared {
    /// Where to keep what is known between runs.
    cache: Option<PathBuf>,
    state: Mutex<State>,
    progress: Condvar,
}

#[derive(Default)]
struct State {
    /// A thread is looking.
    looking: bool,
    /// A thread is keeping what it saw, for the next run.
    keeping: bool,
    /// The number of the look that is under way or was the last.
    look: u64,
    /// Looks that came to their end.
    finished: u64,
    /// Roots whose cache has been read.
    loaded: HashSet<RootId>,
    /// What the last walk saw, in the order of names; `None` before the first.
    listed: Option<Arc<[DocPath]>>,
    files: HashMap<DocPath, Entry>,
    /// What was known of contents that no file has any more, oldest first.
    retired: VecDeque<(Content, FileSymbols)>,
    /// The graph of the last snapshot, with what it was made from.
    graph: (u64, SharedGraph),
    /// Open and proposed texts. Whoever comes first parses; others who want the same wait for that.
    open: HashMap<(ContentHash, Option<Language>), Arc<OnceLock<Parse>>>,
}

/// What a text that is at hand defines.
#[derive(Clone)]
struct Parse {
    symbols: Arc<Symbols>,
    outline: FileSymbols,
}

#[derive(Clone)]
struct Entry {
    fingerprint: Fingerprint,
    content: Content,
    /// May be kept between runs.
    settled: bool,
    /// The look that last found it unchanged.
    look: u64,
    symbols: FileSymbols,
}

impl Index {
    /// An empty index. `cache` is a folder of Claw's own in which it may keep what it knows between runs.
    pub fn new(cache: Option<PathBuf>) -> Index {
        Index { shared: Arc::new(Shared { cache, ..Shared::default() }) }
    }

    /// Begins a look at the files of `view` in the background, if none is under way. Returns at once.
    pub fn refresh(&self, view: &View) {
        let look = {
            let mut state = self.shared.lock();
            if state.looking {
                return;
            }
            state.looking = true;
            state.look += 1;
            state.look
        };
        let looker = Looker { shared: Arc::downgrade(&self.shared), view: view.live(), look };
        let spawned = std::thread::Builder::new().name("claw-index".to_owned()).spawn(move || looker.run());
        if let Err(error) = spawned {
            tracing::warn!(%error, "no thread for the index: the outline stays as it is");
            self.shared.lock().looking = false;
        }
    }

    /// Looks at the files of `view` and gives what is known by `deadline`. Reads no closed file itself.
    pub fn snapshot(&self, view: &View, deadline: Instant) -> Snapshot {
        self.refresh(view);
        let open = self.open_documents(view, deadline);
        let mut state = self.shared.lock();
        while state.looking {
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                break;
            };
            let waited = self.shared.progress.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let snapshot = state.snapshot();
        drop(state);
        self.with_graph(snapshot.with_open(view, open))
    }

    /// The snapshot with the graph of the one before, where that is of the same files.
    fn with_graph(&self, mut snapshot: Snapshot) -> Snapshot {
        let print = snapshot.print();
        let mut state = self.shared.lock();
        if state.graph.0 != print {
            state.graph = (print, SharedGraph::default());
        }
        snapshot.graph = state.graph.1.clone();
        snapshot
    }

    /// Waits until what was seen is kept for the next run, if that is being done, but no longer than `patience`. For a process
    /// that is about to end.
    pub fn wait_kept(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.lock();
        while state.keeping {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { return };
            state = self.shared.progress.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The definitions of a text that is at hand, remembered by its content.
    pub fn symbols_of(&self, text: &Text, language: Language) -> Arc<Symbols> {
        self.parse_of(text, Some(language)).symbols
    }

    /// The same as an outline; without a language by its indentation.
    pub fn outline_of(&self, text: &Text, language: Option<Language>) -> FileSymbols {
        self.parse_of(text, language).outline
    }

    /// What was made of a text already, such as by somebody who keeps its tree up to date from edit to edit. What was known of
    /// the text `before` it goes.
    pub fn put(&self, before: Option<&Text>, text: &Text, language: Language, survey: impl FnOnce() -> Survey) {
        if let Some(before) = before.filter(|before| before.hash() != text.hash()) {
            self.shared.lock().open.remove(&(before.hash(), Some(language)));
        }
        self.slot(text, Some(language)).get_or_init(|| Parse::of(text, survey()));
    }

    fn parse_of(&self, text: &Text, language: Option<Language>) -> Parse {
        let slot = self.slot(text, language);
        let survey = || (text.len() as u64 <= MOST_BYTES).then(|| Survey::of(text, language)).flatten();
        slot.get_or_init(|| Parse::of(text, survey().unwrap_or_default())).clone()
    }

    fn slot(&self, text: &Text, language: Option<Language>) -> Arc<OnceLock<Parse>> {
        let mut state = self.shared.lock();
        if state.open.len() >= MOST_OPEN {
            state.open.clear();
        }
        Arc::clone(state.open.entry((text.hash(), language)).or_default())
    }

    /// The definitions of what is open or proposed. Stops at the deadline.
    fn open_documents(&self, view: &View, deadline: Instant) -> HashMap<DocPath, FileSymbols> {
        let proposed = view.overlay().iter().map(|(path, _)| path);
        let open = view.buffers().iter().map(|(path, _)| path);
        let mut documents = HashMap::new();
        for path in proposed.chain(open) {
            if Instant::now() >= deadline {
                break;
            }
            let Some(reader) = reader_of(view, path) else { continue };
            if let Ok(document) = view.read(path) {
                documents.insert(path.clone(), self.outline_of(&document.text, reader.language()));
            }
        }
        documents
    }
}

impl Parse {
    fn of(text: &Text, survey: Survey) -> Parse {
        Parse { outline: FileSymbols::pack(text, &survey), symbols: Arc::new(survey.symbols) }
    }
}

/// How the definitions of a file are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    Grammar(Language),
    /// A language of which no grammar is at hand.
    Indentation,
}

impl Reader {
    pub fn language(self) -> Option<Language> {
        match self {
            Reader::Grammar(language) => Some(language),
            Reader::Indentation => None,
        }
    }

    fn of_path(path: &str) -> Option<Reader> {
        let end = || path.rsplit('/').next()?.rsplit_once('.').map(|(_, end)| end);
        let by_indentation = || end().is_some_and(|end| WITHOUT_GRAMMAR.contains(&end));
        match Language::of_path(path) {
            Some(language) => Some(Reader::Grammar(language)),
            None => by_indentation().then_some(Reader::Indentation),
        }
    }
}

/// How the names of code end that no grammar is at hand for.
const WITHOUT_GRAMMAR: &[&str] = &[
    "kt", "kts", "swift", "scala", "sbt", "zig", "ex", "exs", "erl", "hs", "ml", "mli", "fs", "fsx", "clj", "cljs",
    "lisp", "el", "scm", "rkt", "pl", "pm", "r", "R", "jl", "dart", "sql", "proto", "tf", "vim", "nix", "cmake",
    "gradle", "groovy", "vue", "svelte", "m", "mm", "cr", "nim", "d", "v", "sv", "vhd", "sol", "ps1", "fish",
    "graphql", "thrift", "scss", "sass", "less", "elm", "purs", "pas", "f90", "jsonnet", "mk",
];

/// How the definitions of a document are found, if at all.
pub fn reader_of(view: &View, path: &DocPath) -> Option<Reader> {
    let name = match path {
        DocPath::File { rel, .. } => rel.as_ref(),
        DocPath::Virtual(uri) => uri.as_ref(),
    };
    language_of(view, path).map(Reader::Grammar).or_else(|| Reader::of_path(name))
}

/// By name, or for an open document by what the editor says.
pub(in crate::context) fn language_of(view: &View, path: &DocPath) -> Option<Language> {
    let by_name = match path {
        DocPath::File { rel, .. } => Language::of_path(rel),
        DocPath::Virtual(uri) => Language::of_path(uri),
    };
    by_name.or_else(|| Language::of_id(&view.buffers().get(path)?.language_id))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn snapshot(&self) -> Snapshot {
        let Some(listed) = &self.listed else {
            let state = SnapshotState::Incomplete { missing: None };
            return Snapshot { state, ..Snapshot::default() };
        };
        let mut missing = 0;
        let mut files = Vec::with_capacity(listed.len());
        for path in listed.iter() {
            let symbols = self.files.get(path).map(|entry| entry.symbols.clone());
            let parsable = matches!(path, DocPath::File { rel, .. } if Reader::of_path(rel).is_some());
            missing += usize::from(parsable && symbols.is_none());
            files.push((path.clone(), symbols));
        }
        let state = match (self.looking, self.finished) {
            (false, _) => SnapshotState::Ready,
            (true, 0) => SnapshotState::Incomplete { missing: Some(missing) },
            (true, _) => SnapshotState::Earlier,
        };
        Snapshot { files, state, graph: SharedGraph::default() }
    }

    /// What is known of the contents that some file has or had.
    fn known(&self) -> HashMap<Content, FileSymbols> {
        let current = self.files.values().map(|entry| (entry.content, &entry.symbols));
        let retired = self.retired.iter().map(|(content, symbols)| (*content, symbols));
        retired.chain(current).map(|(content, symbols)| (content, symbols.clone())).collect()
    }

    fn retire(&mut self, entry: Entry) {
        if self.retired.iter().any(|(content, _)| *content == entry.content) {
            return;
        }
        if self.retired.len() >= MOST_RETIRED {
            self.retired.pop_front();
        }
        self.retired.push_back((entry.content, entry.symbols));
    }
}

impl Snapshot {
    /// What the graph depends on.
    fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (path, symbols) in &self.files {
            path.hash(&mut hasher);
            symbols.as_ref().map(FileSymbols::print).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The snapshot with open and proposed documents as they are.
    fn with_open(mut self, view: &View, mut open: HashMap<DocPath, FileSymbols>) -> Snapshot {
        // The index may have been brought up to date through a view that leaves out less.
        self.files.retain(|(path, _)| {
            view.overlay().get(path).is_none_or(|file| file.current.is_some()) && !view.excludes_name(path)
        });
        for (path, symbols) in &mut self.files {
            if let Some(live) = open.remove(path) {
                *symbols = Some(live);
            }
        }
        let mut unlisted: Vec<(DocPath, FileSymbols)> = open.into_iter().collect();
        unlisted.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.files.extend(unlisted.into_iter().map(|(path, symbols)| (path, Some(symbols))));
        self
    }
}

/// One look at the workspace, on its own thread. Stops when nobody holds the index any more.
struct Looker {
    shared: Weak<Shared>,
    /// What the user has: the index knows nothing of proposals.
    view: View,
    look: u64,
}

impl Looker {
    fn run(self) {
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
            self.view.list(&Scope::everything(self.view.roots()), MOST_FILES, &gone).files
        });
        let changed = self.look_at(&listed);
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
    fn look_at(&self, listed: &[DocPath]) -> Vec<(DocPath, Fingerprint)> {
        let prints: Vec<(&DocPath, Fingerprint)> = listed
            .iter()
            .filter(|path| reader_of(&self.view, path).is_some() && self.view.buffers().get(path).is_none())
            .filter_map(|path| Some((path, Fingerprint::of(&self.view.roots().absolute(path)?)?)))
            .filter(|(_, print)| print.len <= MOST_BYTES)
            .collect();
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
            state.listed = Some(listed.into());
        }
        changed
    }

    /// Parses files, several side by side; says how many. What is known is kept now and then on the way: a command that ends
    /// before the look does leaves the next one less to parse.
    fn parse(&self, changed: &[(DocPath, Fingerprint)], cache: Option<&Path>) -> usize {
        let (next, parsed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let Some(known) = self.shared.upgrade().map(|shared| shared.lock().known()) else { return 0 };
        let work = |keeps: bool| {
            let mut kept = Instant::now();
            while let Some((path, fingerprint)) = changed.get(next.fetch_add(1, Ordering::Relaxed)) {
                let Some(done) = self.parse_file(path, *fingerprint, &known) else { return };
                parsed.fetch_add(usize::from(done), Ordering::Relaxed);
                if let Some(folder) = cache.filter(|_| keeps && kept.elapsed() > KEPT_EVERY) {
                    self.save(folder);
                    kept = Instant::now();
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

impl PartialEq for SharedGraph {
    /// It follows from what else is in a snapshot.
    fn eq(&self, _: &SharedGraph) -> bool {
        true
    }
}

impl Eq for SharedGraph {}

impl std::fmt::Debug for SharedGraph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("files", &self.shared.lock().files.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Budget, Inquiry, assemble};
    use crate::workspace::{Overlay, Roots, Workspace};

    /// An index that has been looking since before the test, and will not come to an end.
    fn looking(view: &View) -> Index {
        let index = Index::default();
        index.shared.lock().looking = true;
        index.refresh(view);
        index
    }

    fn outline(index: &Index, view: &View) -> (bool, Option<String>) {
        let inquiry = Inquiry::default();
        let budget = Budget { total: 4_000, map: 1_000 };
        let receipt = assemble(&inquiry, view, budget, index, Instant::now() + Duration::from_millis(5));
        let outline = receipt.sections.into_iter().find(|section| section.name == "outline").unwrap();
        (outline.included, outline.reason)
    }

    #[test]
    fn what_is_not_ready_at_the_deadline_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut roots = Roots::default();
        let root = roots.add(folder.path()).unwrap();
        let view = Workspace::new(roots).view(&Overlay::default());
        let (seen, unseen) = (DocPath::File { root, rel: "a.rs".into() }, DocPath::File { root, rel: "b.rs".into() });
        let index = looking(&view);
        let state = |index: &Index| index.snapshot(&view, Instant::now()).state;

        assert_eq!(state(&index), SnapshotState::Incomplete { missing: None });
        assert_eq!(outline(&index, &view), (false, Some("not ready".to_owned())));

        let entry = Entry {
            fingerprint: Fingerprint { modified: 0, changed: 0, len: 0 },
            content: Content(0),
            settled: true,
            look: 1,
            symbols: FileSymbols::of(&"fn a() {}".into(), Some(Language::Rust)),
        };
        index.shared.lock().files.insert(seen.clone(), entry);
        index.shared.lock().listed = Some([seen, unseen].into());
        assert_eq!(state(&index), SnapshotState::Incomplete { missing: Some(1) });
        assert_eq!(outline(&index, &view), (true, Some("not ready".to_owned())));

        // A later look that is slow leaves what the earlier one saw.
        index.shared.lock().finished = 1;
        assert_eq!(state(&index), SnapshotState::Earlier);
        assert_eq!(outline(&index, &view), (true, Some("as of the last turn".to_owned())));
    }

    #[test]
    fn what_was_parsed_once_is_known_when_it_comes_back() {
        let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |text: &str| {
            std::fs::write(folder.path().join("a.rs"), text).unwrap();
            let file = std::fs::File::open(folder.path().join("a.rs")).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
        };
        let mut roots = Roots::default();
        roots.add(folder.path()).unwrap();
        let view = Workspace::new(roots).view(&Overlay::default());
        let index = Index::new(Some(cache.path().join("outline")));
        let look = |index: &Index| index.snapshot(&view, Instant::now() + Duration::from_secs(60)).state;
        let one = Content::of(&"fn one() {}\n".into(), Some(Language::Rust));
        write("fn one() {}\n");
        look(&index);
        // As with another branch.
        write("fn another() {}\n");
        look(&index);
        assert_eq!(index.shared.lock().known().get(&one).unwrap().items().next().unwrap().name, "one");
        index.wait_kept(Duration::from_secs(60));
        let later = Index::new(Some(cache.path().join("outline")));
        look(&later);
        assert_eq!(later.shared.lock().known().get(&one).unwrap().items().next().unwrap().name, "one");
    }

    #[test]
    fn a_look_ends_with_its_index() {
        let folder = tempfile::tempdir().unwrap();
        let mut roots = Roots::default();
        roots.add(folder.path()).unwrap();
        let view = Workspace::new(roots).view(&Overlay::default());
        let index = Index::default();
        let shared = Arc::downgrade(&index.shared);
        index.refresh(&view);
        drop(index);
        let start = Instant::now();
        while shared.strong_count() > 0 {
            assert!(start.elapsed() < Duration::from_secs(60), "the thread keeps the index");
            std::thread::yield_now();
        }
    }
}
