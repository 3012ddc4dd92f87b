//! The files beneath some folders.

use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicBool};

use globset::{GlobBuilder, GlobMatcher};
use ignore::WalkBuilder;

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

pub(super) fn list(view: &View, scope: &Scope, limit: usize, cancelled: &dyn Fn() -> bool) -> Listing {
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
        walk(view, scope, root, folder, limit, cancelled, &mut listing);
    }
    let on_disk = std::mem::take(&mut listing.files);
    let mut all: Vec<Ordered> =
        on_disk.into_iter().filter(|path| view.overlay().get(path).is_none()).map(Ordered).collect();
    all.extend(layered);
    // Quick, since a walk meets the files almost in this order.
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

/// Adds the files of the disk in order, at least `limit` and one more where there are so many. Where rules can not be read
/// nothing is ignored.
fn walk(
    view: &View,
    scope: &Scope,
    root: &Root,
    folder: &Folder,
    limit: usize,
    cancelled: &dyn Fn() -> bool,
    listing: &mut Listing,
) {
    let before = listing.files.len();
    if !walk_by(true, view, scope, root, folder, limit, cancelled, listing) {
        listing.files.truncate(before);
        walk_by(false, view, scope, root, folder, limit, cancelled, listing);
    }
}

/// `false` if rules should count and can not be read.
#[expect(clippy::too_many_arguments, reason = "those of `walk`")]
fn walk_by(
    rules: bool,
    view: &View,
    scope: &Scope,
    root: &Root,
    folder: &Folder,
    limit: usize,
    cancelled: &dyn Fn() -> bool,
    listing: &mut Listing,
) -> bool {
    let start = root.path.join(folder.rel.as_ref());
    if rules && !has_plain_rules(&start) {
        return false;
    }
    let unreadable = Arc::new(AtomicBool::new(false));
    let found = Arc::clone(&unreadable);
    let walk = WalkBuilder::new(start)
        .hidden(false)
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
        })
        .sort_by_file_name(|a, b| a.cmp(b))
        .build();
    let most = limit.saturating_add(1).saturating_add(view.overlay().iter().count());
    let mut taken = 0usize;
    for entry in walk {
        if cancelled() {
            listing.stopped = true;
            return true;
        }
        if unreadable.load(atomic::Ordering::Relaxed) {
            return false;
        }
        // What can not be read is not there for us.
        let Ok(entry) = entry else { continue };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let Some(rel) = relative(root, entry.path()) else { continue };
        let path = DocPath::File { root: root.id, rel };
        if scope.holds(view.roots(), &path) && !view.excludes_name(&path) {
            listing.files.push(path);
            taken = taken.saturating_add(1);
            if taken >= most {
                return true;
            }
        }
    }
    !unreadable.load(atomic::Ordering::Relaxed)
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
                a.cmp(b).then_with(|| x.split('/').cmp(y.split('/')))
            }
            (a, b) => a.cmp(b),
        }
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Ordered) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
