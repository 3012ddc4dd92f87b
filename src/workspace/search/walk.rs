//! The files beneath some folders.

use std::cmp::Ordering;
use std::path::Path;
use std::sync::atomic::{self, AtomicBool};
use std::sync::{Arc, Mutex, PoisonError};

use globset::{GlobBuilder, GlobMatcher};
use ignore::{DirEntry, WalkBuilder, WalkState};

use crate::workspace::disk::through_link;
use crate::workspace::path::Folder;
use crate::workspace::{DocPath, PathError, ReadError, Root, RootId, Roots, View};

/// Where to look: some folders or one file, and which names there.
#[derive(Clone, Debug)]
pub struct Scope {
    places: Places,
    glob: Option<Glob>,
}

#[derive(Clone, Debug)]
enum Places {
    Folders(Vec<Folder>),
    File(DocPath),
}

/// A pattern of names: `*.rs` anywhere, `src/**/*.rs` from the folder that is looked into, `{a,b}`, `[a-z]`, `?`.
#[derive(Clone, Debug)]
pub struct Glob {
    matcher: GlobMatcher,
}

/// Why a scope can not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("`{0}` does not exist")]
    NotFound(String),
    #[error("`{0}` is reached through a link: name the folder that the link leads to")]
    Link(String),
    #[error(transparent)]
    Excluded(ReadError),
    #[error(
        "the workspace folder `{0}` was deleted, moved or replaced while it was open: nothing can be found in it until the user \
         opens it again"
    )]
    Gone(String),
    #[error("{0}")]
    Glob(String),
}

/// Some files of a view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// In the order of their names, part by part.
    pub files: Vec<DocPath>,
    /// There are more than were asked for.
    pub more: bool,
    /// It was stopped before it had seen everything.
    pub stopped: bool,
}

/// Who asks for so many files wants all of them: then two threads look, and begin again in order if there are more.
const SIDE_BY_SIDE: usize = 10_000;
const THREADS: usize = 2;

/// Longest glob, in bytes, and most `*` in it.
const MAX_GLOB: usize = 1_024;
const MAX_STARS: usize = 64;

impl Glob {
    pub fn new(glob: &str) -> Result<Glob, ScopeError> {
        let stars = glob.bytes().filter(|byte| *byte == b'*').count();
        if glob.len() > MAX_GLOB || stars > MAX_STARS {
            let message =
                format!("the glob is too long: at most {MAX_GLOB} bytes and {MAX_STARS} `*`; use a plainer one");
            return Err(ScopeError::Glob(message));
        }
        let glob = glob.strip_prefix("./").unwrap_or(glob);
        // As in .gitignore: a glob without a slash is about the name alone, in any folder.
        let anywhere = if glob.contains('/') { glob.trim_start_matches('/').to_owned() } else { format!("**/{glob}") };
        let built = GlobBuilder::new(&anywhere).literal_separator(true).backslash_escape(true).build();
        match built {
            Ok(glob) => Ok(Glob { matcher: glob.compile_matcher() }),
            Err(error) => Err(ScopeError::Glob(format!("`{glob}` is no valid glob: {}", error.kind()))),
        }
    }

    pub(in crate::workspace) fn matches(&self, name: &str) -> bool {
        self.matcher.is_match(Path::new(name))
    }
}

impl Scope {
    pub fn everything(roots: &Roots) -> Scope {
        let folders = roots.iter().map(|root| Folder { root: root.id, rel: "".into() }).collect();
        Scope { places: Places::Folders(folders), glob: None }
    }

    /// All of one root.
    pub fn folder(root: RootId) -> Scope {
        Scope { places: Places::Folders(vec![Folder { root, rel: "".into() }]), glob: None }
    }

    /// `path` is a folder or a file; without it all roots. Blocks on the disk.
    pub fn new(view: &View, path: Option<&str>, glob: Option<&str>) -> Result<Scope, ScopeError> {
        let glob = glob.filter(|glob| !glob.is_empty()).map(Glob::new).transpose()?;
        let name = path.unwrap_or_default();
        if let Ok(file) = view.roots().resolve(name) {
            if view.excludes(&file) {
                return Err(ScopeError::Excluded(ReadError::Excluded(name.to_owned())));
            }
            if view.exists(&file) {
                return Ok(Scope { places: Places::File(file), glob });
            }
        }
        let folders = view.roots().resolve_folders(name)?;
        for folder in &folders {
            check_folder(view, folder, name)?;
        }
        let roots = || folders.iter().filter_map(|folder| view.roots().get(folder.root));
        if let Some(root) = roots().next()
            && !roots().any(Root::is_in_place)
        {
            return Err(ScopeError::Gone(root.name.clone()));
        }
        Ok(Scope { places: Places::Folders(folders), glob })
    }

    /// Whether `path` is one of the files meant.
    fn holds(&self, roots: &Roots, path: &DocPath) -> bool {
        let DocPath::File { root, rel } = path else {
            return matches!(&self.places, Places::File(file) if file == path);
        };
        let within = match &self.places {
            Places::File(file) => (file == path).then_some(rel.as_ref()),
            Places::Folders(folders) => {
                folders.iter().filter(|folder| folder.root == *root).find_map(|folder| below(folder, rel))
            }
        };
        let Some(within) = within else { return false };
        match &self.glob {
            None => true,
            Some(glob) => glob.matches(within) || glob.matches(rel) || glob.matches(&roots.display(path)),
        }
    }
}

pub(super) fn list(view: &View, scope: &Scope, limit: usize, cancelled: &(dyn Fn() -> bool + Sync)) -> Listing {
    let folders = match &scope.places {
        Places::File(file) => {
            let files = if scope.holds(view.roots(), file) { vec![file.clone()] } else { Vec::new() };
            return Listing { files, ..Listing::default() };
        }
        Places::Folders(folders) => folders,
    };
    let mut listing = Listing::default();
    let layered: Vec<Ordered> = layered(view, scope);
    for folder in folders {
        // The walk goes by names: in another directory of the same name it would find what nobody opened.
        let Some(root) = view.roots().get(folder.root).filter(|root| root.is_in_place()) else { continue };
        let most = limit.saturating_add(1).saturating_add(view.overlay().iter().count());
        Walk { view, scope, root, folder, most, cancelled }.add_to(&mut listing);
    }
    let on_disk = std::mem::take(&mut listing.files);
    let mut all: Vec<Ordered> =
        on_disk.into_iter().filter(|path| view.overlay().get(path).is_none()).map(Ordered).collect();
    all.extend(layered);
    all.sort();
    all.dedup();
    listing.more = all.len() > limit;
    listing.files = all.into_iter().take(limit).map(|Ordered(path)| path).collect();
    listing
}

/// What buffers and overlay add to the disk.
fn layered(view: &View, scope: &Scope) -> Vec<Ordered> {
    let proposed = view.overlay().iter().filter(|(_, file)| file.current.is_some()).map(|(path, _)| path);
    let open = view.buffers().iter().map(|(path, _)| path).filter(|path| view.overlay().get(path).is_none());
    proposed
        .chain(open)
        .filter(|path| !in_git_folder(path) && scope.holds(view.roots(), path) && !view.excludes(path))
        .cloned()
        .map(Ordered)
        .collect()
}

/// Files that say what is ignored in a folder, and most bytes of one.
const RULES: [&str; 3] = [".gitignore", ".ignore", ".git/info/exclude"];
const MAX_RULES: u64 = 1024 * 1024;

/// Whether reading the folder's rules comes to an end: a pipe holds its reader for ever, a device has no end.
fn has_plain_rules(folder: &Path) -> bool {
    RULES.iter().all(|name| match folder.join(name).metadata() {
        Ok(found) => found.is_file() && found.len() <= MAX_RULES,
        Err(_) => true,
    })
}

/// Looks for the files of one folder on the disk.
struct Walk<'a> {
    view: &'a View,
    scope: &'a Scope,
    root: &'a Root,
    folder: &'a Folder,
    /// Enough: there may be more than are asked for, by one, and by what the overlay takes away again.
    most: usize,
    cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// How a walk ended.
enum End {
    /// It has seen all, or enough in order.
    Whole,
    Stopped,
    /// Rules can not be read.
    Unruly,
}

impl Walk<'_> {
    /// Adds the files, those of the first names where there are too many. Where rules can not be read nothing is ignored.
    fn add_to(&self, listing: &mut Listing) {
        let before = listing.files.len();
        for rules in [true, false] {
            match self.look(rules, &mut listing.files) {
                End::Whole => return,
                End::Stopped => {
                    listing.stopped = true;
                    return;
                }
                End::Unruly => listing.files.truncate(before),
            }
        }
    }

    fn look(&self, rules: bool, files: &mut Vec<DocPath>) -> End {
        let wants_all = self.most >= SIDE_BY_SIDE;
        let end = wants_all.then(|| self.side_by_side(rules, files)).flatten();
        end.unwrap_or_else(|| self.in_order(rules, files))
    }

    fn in_order(&self, rules: bool, files: &mut Vec<DocPath>) -> End {
        let Some((mut walk, unreadable)) = self.builder(rules) else { return End::Unruly };
        let mut taken = 0usize;
        for entry in walk.sort_by_file_name(|a, b| a.cmp(b)).build() {
            if (self.cancelled)() {
                return End::Stopped;
            }
            if unreadable.load(atomic::Ordering::Relaxed) {
                return End::Unruly;
            }
            let Some(path) = self.file(entry) else { continue };
            files.push(path);
            taken = taken.saturating_add(1);
            if taken >= self.most {
                return End::Whole;
            }
        }
        if unreadable.load(atomic::Ordering::Relaxed) { End::Unruly } else { End::Whole }
    }

    /// In no order, by two threads: a walk mostly waits for the kernel. `None` where there are more than enough, of which nobody knows
    /// the first.
    fn side_by_side(&self, rules: bool, files: &mut Vec<DocPath>) -> Option<End> {
        let Some((mut walk, unreadable)) = self.builder(rules) else { return Some(End::Unruly) };
        let (stopped, found) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        walk.threads(THREADS).build_parallel().run(|| {
            Box::new(|entry| {
                if (self.cancelled)() {
                    stopped.store(true, atomic::Ordering::Relaxed);
                    return WalkState::Quit;
                }
                if unreadable.load(atomic::Ordering::Relaxed) {
                    return WalkState::Quit;
                }
                let Some(path) = self.file(entry) else { return WalkState::Continue };
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                found.push(path);
                if found.len() >= self.most { WalkState::Quit } else { WalkState::Continue }
            })
        });
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        if unreadable.load(atomic::Ordering::Relaxed) {
            return Some(End::Unruly);
        }
        if found.len() >= self.most {
            return None;
        }
        files.extend(found);
        Some(if stopped.load(atomic::Ordering::Relaxed) { End::Stopped } else { End::Whole })
    }

    /// A walk by the rules or without, and what says that it has met some that can not be read; `None` if the first are such.
    fn builder(&self, rules: bool) -> Option<(WalkBuilder, Arc<AtomicBool>)> {
        let start = self.root.path.join(self.folder.rel.as_ref());
        if rules && !has_plain_rules(&start) {
            return None;
        }
        let unreadable = Arc::new(AtomicBool::new(false));
        let found = Arc::clone(&unreadable);
        let mut walk = WalkBuilder::new(start);
        walk.hidden(false)
            .require_git(false)
            .ignore(rules)
            .git_ignore(rules)
            .git_exclude(rules)
            .follow_links(false)
            .filter_entry(move |entry| {
                if entry.file_name() == ".git" {
                    return false;
                }
                let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
                // Before it is entered, which reads them.
                if rules && is_folder && !has_plain_rules(entry.path()) {
                    found.store(true, atomic::Ordering::Relaxed);
                    return false;
                }
                true
            });
        Some((walk, unreadable))
    }

    /// What was met, if it is a file that is meant.
    fn file(&self, entry: Result<DirEntry, ignore::Error>) -> Option<DocPath> {
        // What can not be read is not there for us.
        let entry = entry.ok().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))?;
        let path = DocPath::File { root: self.root.id, rel: relative(self.root, entry.path())? };
        (self.scope.holds(self.view.roots(), &path) && !self.view.excludes_name(&path)).then_some(path)
    }
}

fn check_folder(view: &View, folder: &Folder, name: &str) -> Result<(), ScopeError> {
    let Some(root) = view.roots().get(folder.root) else { return Err(ScopeError::NotFound(name.to_owned())) };
    if folder.rel.is_empty() {
        return Ok(());
    }
    if through_link(&root.dir, &folder.rel) {
        return Err(ScopeError::Link(name.to_owned()));
    }
    if root.dir.is_dir(folder.rel.as_ref()) {
        return Ok(());
    }
    // A folder that exists only in what is proposed or open.
    let paths = view.overlay().iter().map(|(path, _)| path).chain(view.buffers().iter().map(|(path, _)| path));
    let mut inside = paths.filter(|path| match path {
        DocPath::File { root, rel } => *root == folder.root && below(folder, rel).is_some(),
        DocPath::Virtual(_) => false,
    });
    if inside.next().is_some() { Ok(()) } else { Err(ScopeError::NotFound(name.to_owned())) }
}

/// `rel` from `folder` on; `None` if it is not beneath.
fn below<'a>(folder: &Folder, rel: &'a str) -> Option<&'a str> {
    match folder.rel.as_ref() {
        "" => Some(rel),
        prefix => rel.strip_prefix(prefix)?.strip_prefix('/'),
    }
}

fn relative(root: &Root, path: &Path) -> Option<Arc<str>> {
    let parts: Option<Vec<&str>> =
        path.strip_prefix(&root.path).ok()?.components().map(|part| part.as_os_str().to_str()).collect();
    Some(parts?.join("/").into())
}

fn in_git_folder(path: &DocPath) -> bool {
    match path {
        DocPath::File { rel, .. } => rel.split('/').any(|part| part == ".git"),
        DocPath::Virtual(_) => false,
    }
}

/// A path that sorts as a walk meets it: part by part, so that what is in a folder stays together.
#[derive(PartialEq, Eq)]
struct Ordered(DocPath);

impl Ord for Ordered {
    fn cmp(&self, other: &Ordered) -> Ordering {
        match (&self.0, &other.0) {
            (DocPath::File { root: a, rel: x }, DocPath::File { root: b, rel: y }) => {
                a.cmp(b).then_with(|| by_parts(x).cmp(by_parts(y)))
            }
            (a, b) => a.cmp(b),
        }
    }
}

/// The bytes of a path so that it stands before another if its first part that differs does: what ends a part comes before all that
/// a longer one goes on with. No name holds a zero.
fn by_parts(rel: &str) -> impl Iterator<Item = u8> {
    rel.bytes().map(|byte| if byte == b'/' { 0 } else { byte })
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Ordered) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
