//! The index: definitions of every file of a workspace, brought up to date in the background.
//!
//! One thread at a time looks at the workspace and parses what changed; whoever asks waits for it no longer than until a
//! deadline, and takes what is there. The lock is held for moments only, never over a read or a parse.

mod look;

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::FileSymbols;
use super::cache::{Content, Fingerprint};
use super::graph::Graph;
use super::reader::{Reader, reader_of};
use crate::syntax::{Language, Survey, Symbols};
use crate::text::{ContentHash, Text};
use crate::workspace::{DocPath, RootId, View};
use look::Looker;

/// Largest file that is parsed.
const MOST_BYTES: u64 = 1 << 20;
/// Open documents whose definitions are remembered.
const MOST_OPEN: usize = 512;
/// Contents that no file has any more, and that may come back with another branch.
const MOST_RETIRED: usize = 4_096;

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
        let survey = || (text.len() as u64 <= MOST_BYTES).then(|| Survey::of(text, language));
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
    use std::time::SystemTime;

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
