//! What the user has changed since the last commit, read from the repository itself.
//!
//! No `git` is run: a repository's settings can name programs, and it comes with the workspace. Its files are read beneath the
//! root like any other; what can not be read this way (a worktree's repository lies elsewhere) has no changes to tell.

mod index;
mod objects;

use std::collections::{BTreeMap, BTreeSet};
use std::time::UNIX_EPOCH;

use cap_std::fs::Dir;

use super::path::Root;
use super::{DocPath, RootId, View};
use crate::text::Text;
use index::Entry;
use objects::{Id, Objects};

/// The largest text that is compared.
const MOST_BYTES: usize = 1 << 20;
/// Most changed files that are told.
const MOST_FILES: usize = 200;
const MOST_TOUCHED: usize = 500;

/// A file that is not as it was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitChange {
    pub path: DocPath,
    /// As committed; `None` where it was not there.
    pub committed: Option<Text>,
    /// As staged; `None` where it is not.
    pub staged: Option<Text>,
    /// As it is now, unsaved text included; `None` where it is not.
    pub current: Option<Text>,
}

impl GitChange {
    pub fn has_staged(&self) -> bool {
        self.committed != self.staged
    }

    pub fn has_unstaged(&self) -> bool {
        self.staged != self.current
    }
}

/// What differs from the last commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitChanges {
    /// In the order of names.
    pub changes: Vec<GitChange>,
    /// Not everything was looked at.
    pub is_cut: bool,
}

/// The files that git tracks, by their paths below the folder whose `.git` this is. Empty where they can not be read.
pub(super) fn tracked(repository: &Dir) -> BTreeSet<String> {
    index::read(repository).unwrap_or_default().into_keys().collect()
}

impl View {
    /// The files below a root that are not as they were committed; `None` where there is no repository that can be read. New
    /// files that were never staged are not among them. With `only`, that file alone. Blocks on the disk; ends early when `stop`
    /// says so.
    pub fn git_changes(&self, root: RootId, only: Option<&DocPath>, stop: &dyn Fn() -> bool) -> Option<GitChanges> {
        let root = self.roots().get(root)?;
        let repository = Repository::open(root)?;
        let mut entries = index::read(&repository.dir)?;
        let committed = match only {
            Some(DocPath::File { rel, .. }) => {
                entries.retain(|path, _| path.as_str() == rel.as_ref());
                Some(repository.committed_file(rel).map(|id| (rel.to_string(), id)).into_iter().collect())
            }
            Some(DocPath::Virtual(_)) => return None,
            None => repository.committed(stop),
        };
        let mut found = GitChanges { is_cut: committed.is_none(), ..GitChanges::default() };
        let committed =
            committed.unwrap_or_else(|| entries.iter().map(|(path, entry)| (path.clone(), entry.id)).collect());
        let gone = committed.keys().filter(|path| !entries.contains_key(*path));
        let mut names: Vec<&String> = entries.keys().chain(gone).collect();
        names.sort();
        for name in names {
            if stop() || found.changes.len() >= MOST_FILES {
                found.is_cut = true;
                break;
            }
            let path = DocPath::File { root: root.id, rel: name.as_str().into() };
            if !self.excludes(&path) {
                found.changes.extend(self.git_change(root, &repository, path, entries.get(name), committed.get(name)));
            }
        }
        Some(found)
    }

    /// Files that may not be as they were committed, by what their entries look like: nothing is read.
    pub fn git_touched(&self, root: RootId, stop: &dyn Fn() -> bool) -> BTreeSet<DocPath> {
        let found = || {
            let root = self.roots().get(root)?;
            let repository = Repository::open(root)?;
            let entries = index::read(&repository.dir)?;
            let committed = repository.committed(stop);
            let is_touched = |path: &str, entry: &Entry| {
                let staged = committed.as_ref().is_some_and(|files| files.get(path) != Some(&entry.id));
                staged || !looks_alike(&root.dir, path, entry)
            };
            let touched = entries.iter().take_while(|_| !stop()).filter(|(path, entry)| is_touched(path, entry));
            let touched: BTreeSet<DocPath> =
                touched.map(|(path, _)| DocPath::File { root: root.id, rel: path.as_str().into() }).collect();
            // A tree that was copied has other times everywhere, which says nothing.
            (touched.len() <= MOST_TOUCHED).then_some(touched)
        };
        found().unwrap_or_default()
    }

    fn git_change(
        &self,
        root: &Root,
        repository: &Repository,
        path: DocPath,
        entry: Option<&Entry>,
        committed: Option<&Id>,
    ) -> Option<GitChange> {
        let is_staged = entry.map(|entry| &entry.id) != committed;
        let is_open = self.buffers().get(&path).is_some();
        let looks_alike = match (&path, entry) {
            (DocPath::File { rel, .. }, Some(entry)) => looks_alike(&root.dir, rel, entry),
            _ => false,
        };
        if !is_staged && !is_open && looks_alike {
            return None;
        }
        let text = |id: &Id| repository.objects.blob(id, MOST_BYTES).and_then(text_of);
        let staged = match entry {
            Some(entry) => Some(text(&entry.id)?),
            None => None,
        };
        let old = match committed {
            Some(_) if !is_staged => staged.clone(),
            Some(id) => Some(text(id)?),
            None => None,
        };
        let current = match (self.read_live(&path), &staged) {
            (Ok(document), _) if document.text.len() > MOST_BYTES => return None,
            // Line ends that git changes on the way are no change of the user's.
            (Ok(document), Some(staged)) if alike(&document.text, staged) => Some(staged.clone()),
            (Ok(document), _) => Some(document.text),
            (Err(_), _) => None,
        };
        let change = GitChange { path, committed: old, staged, current };
        (change.has_staged() || change.has_unstaged()).then_some(change)
    }
}

struct Repository {
    dir: Dir,
    objects: Objects,
}

impl Repository {
    fn open(root: &Root) -> Option<Repository> {
        let dir = root.dir.open_dir(".git").ok()?;
        let objects = Objects::open(dir.open_dir("objects").ok()?);
        Some(Repository { dir, objects })
    }

    /// The files of the last commit; empty before the first, `None` if they can not be read or not in time.
    fn committed(&self, stop: &dyn Fn() -> bool) -> Option<BTreeMap<String, Id>> {
        let Some(head) = self.head() else { return Some(BTreeMap::new()) };
        let mut files = BTreeMap::new();
        self.objects.files(&head, stop, &mut files)?;
        Some(files)
    }

    fn committed_file(&self, path: &str) -> Option<Id> {
        self.objects.file(&self.head()?, path)
    }

    /// The commit that is checked out.
    fn head(&self) -> Option<Id> {
        let head = self.dir.read_to_string("HEAD").ok()?;
        let head = head.trim();
        let Some(name) = head.strip_prefix("ref: ").map(str::trim) else { return Id::of_hex(head) };
        if let Ok(id) = self.dir.read_to_string(name) {
            return Id::of_hex(id.trim());
        }
        let packed = self.dir.read_to_string("packed-refs").ok()?;
        packed.lines().find_map(|line| line.strip_suffix(name)?.strip_suffix(' ').and_then(Id::of_hex))
    }
}

/// Whether a file looks as it did when it was staged, so that nobody need read it.
fn looks_alike(dir: &Dir, rel: &str, entry: &Entry) -> bool {
    let Ok(metadata) = dir.symlink_metadata(rel) else { return false };
    let modified = metadata.modified().ok().and_then(|time| time.into_std().duration_since(UNIX_EPOCH).ok());
    modified.is_some_and(|modified| {
        // What the index was written in the same moment as may have changed since.
        metadata.len() & 0xffff_ffff == u64::from(entry.size)
            && modified.as_secs() & 0xffff_ffff == u64::from(entry.seconds)
            && (entry.nanos == 0 || modified.subsec_nanos() == entry.nanos)
            && !entry.is_racy
    })
}

fn text_of(bytes: Vec<u8>) -> Option<Text> {
    const POINTER: &[u8] = b"version https://git-lfs";
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))?;
    (!text.as_bytes().starts_with(POINTER)).then(|| Text::new(&text))
}

fn alike(one: &Text, other: &Text) -> bool {
    one == other || {
        let plain = |text: &Text| text.to_string().replace("\r\n", "\n");
        one.len().abs_diff(other.len()) <= one.line_count() && plain(one) == plain(other)
    }
}
