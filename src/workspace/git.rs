//! What the user has changed since the last commit, read from the repository itself.
//!
//! No `git` is run: a repository's settings can name programs, and it comes with the workspace. Its files are read as they lie
//! there; what can not be read this way has no changes to tell.

mod index;
mod objects;
mod repository;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::time::UNIX_EPOCH;

use cap_std::fs::Dir;

use super::path::Root;
use super::search::Scope;
use super::{DocPath, RootId, View};
use crate::text::Text;
use index::Entry;
use objects::Id;
use repository::Repository;

/// The largest text that is compared.
const MOST_BYTES: usize = 1 << 20;
/// Most changed files that are told.
const MOST_FILES: usize = 200;
const MOST_TOUCHED: usize = 500;
/// Most files among which new ones are looked for, and submodules that are looked into.
const MOST_LISTED: usize = 20_000;
const MOST_MODULES: usize = 64;

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

/// The files that git tracks in a folder, by their paths below it. Empty where they can not be read.
pub(super) fn tracked(folder: Dir, path: &Path) -> BTreeSet<String> {
    let repository = Repository::open(folder, path, String::new());
    repository.map(|repository| repository.staged.files.into_keys().collect()).unwrap_or_default()
}

impl View {
    /// The files below a root that are not as they were committed, in its submodules too; `None` where there is no repository that
    /// can be read. New files that nothing ignores are among them. With `only`, that file alone. Blocks on the disk; ends early
    /// when `stop` says so.
    pub fn git_changes(
        &self,
        root: RootId,
        only: Option<&DocPath>,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Option<GitChanges> {
        let root = self.roots().get(root)?;
        let repositories = repositories(root)?;
        let mut found = GitChanges::default();
        match only {
            Some(DocPath::Virtual(_)) => return None,
            Some(DocPath::File { rel, .. }) => {
                // The innermost that it lies in.
                let repository = repositories.iter().rfind(|repository| rel.starts_with(&repository.prefix))?;
                let name = rel.strip_prefix(&repository.prefix)?;
                let committed = repository.committed_file(name);
                found.changes.extend(self.git_change(root, repository, name, committed.as_ref()));
            }
            None => {
                let new = self.untracked(root, &repositories, stop);
                for repository in &repositories {
                    self.changes_of(root, repository, new.get(&repository.prefix), &mut found, stop);
                }
            }
        }
        found.changes.sort_by(|one, other| one.path.cmp(&other.path));
        Some(found)
    }

    /// Files that may not be as they were committed, by what their entries look like: nothing is read. New files that were never
    /// staged are not among them.
    pub fn git_touched(&self, root: RootId, stop: &(dyn Fn() -> bool + Sync)) -> BTreeSet<DocPath> {
        let Some(root) = self.roots().get(root) else { return BTreeSet::new() };
        let mut touched = BTreeSet::new();
        for repository in repositories(root).unwrap_or_default() {
            let committed = repository.committed(stop);
            let is_touched = |path: &str, entry: &Entry| {
                let staged = committed.as_ref().is_some_and(|files| files.get(path) != Some(&entry.id));
                staged || !looks_alike(&repository.dir, path, entry)
            };
            let entries = repository.staged.files.iter().take_while(|_| !stop());
            let names = entries.filter(|(path, entry)| is_touched(path, entry)).map(|(path, _)| path.as_str());
            touched.extend(names.map(|path| repository.path(root, path)));
        }
        // A tree that was copied has other times everywhere, which says nothing.
        if touched.len() <= MOST_TOUCHED { touched } else { BTreeSet::new() }
    }

    fn changes_of(
        &self,
        root: &Root,
        repository: &Repository,
        new: Option<&BTreeSet<String>>,
        found: &mut GitChanges,
        stop: &(dyn Fn() -> bool + Sync),
    ) {
        let entries = &repository.staged.files;
        let committed = repository.committed(stop);
        found.is_cut |= committed.is_none();
        let committed =
            committed.unwrap_or_else(|| entries.iter().map(|(path, entry)| (path.clone(), entry.id)).collect());
        let gone = committed.keys().filter(|path| !entries.contains_key(*path));
        let names: BTreeSet<&str> =
            entries.keys().chain(gone).chain(new.into_iter().flatten()).map(String::as_str).collect();
        for name in names {
            if stop() || found.changes.len() >= MOST_FILES {
                found.is_cut = true;
                break;
            }
            found.changes.extend(self.git_change(root, repository, name, committed.get(name)));
        }
    }

    /// The files of a root that are in no index, as their repositories call them, by the prefixes of these.
    fn untracked(
        &self,
        root: &Root,
        repositories: &[Repository],
        stop: &(dyn Fn() -> bool + Sync),
    ) -> BTreeMap<String, BTreeSet<String>> {
        let mut new: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut foreign: HashMap<String, bool> = HashMap::new();
        for path in self.list(&Scope::folder(root.id), MOST_LISTED, stop).files {
            let DocPath::File { rel, .. } = path else { continue };
            let repository = repositories.iter().rfind(|repository| rel.starts_with(&repository.prefix));
            let Some((repository, name)) =
                repository.and_then(|repository| Some((repository, rel.strip_prefix(&repository.prefix)?)))
            else {
                continue;
            };
            // What lies in a repository that is none of these is new in that, or not.
            let is_foreign = name.match_indices('/').any(|(at, _)| {
                let folder = rel.get(..repository.prefix.len() + at).unwrap_or_default();
                let has_repository = || root.dir.symlink_metadata(format!("{folder}/.git")).is_ok();
                *foreign.entry(folder.to_owned()).or_insert_with(has_repository)
            });
            if !is_foreign && !repository.staged.files.contains_key(name) {
                new.entry(repository.prefix.clone()).or_default().insert(name.to_owned());
            }
        }
        new
    }

    fn git_change(
        &self,
        root: &Root,
        repository: &Repository,
        name: &str,
        committed: Option<&Id>,
    ) -> Option<GitChange> {
        let path = repository.path(root, name);
        if self.excludes(&path) {
            return None;
        }
        let entry = repository.staged.files.get(name);
        let is_staged = entry.map(|entry| &entry.id) != committed;
        let is_open = self.buffers().get(&path).is_some();
        let looks_alike = entry.is_some_and(|entry| looks_alike(&repository.dir, name, entry));
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

impl Repository {
    /// Of a file that it calls `name`.
    fn path(&self, root: &Root, name: &str) -> DocPath {
        DocPath::File { root: root.id, rel: format!("{}{name}", self.prefix).into() }
    }
}

/// The repository of a root, and those of its submodules behind it.
fn repositories(root: &Root) -> Option<Vec<Repository>> {
    let mut found = vec![Repository::open(root.dir.try_clone().ok()?, &root.path, String::new())?];
    let mut next = 0;
    while let Some(repository) = found.get(next) {
        let inner: Vec<Repository> = repository
            .staged
            .modules
            .iter()
            .filter_map(|name| {
                let prefix = format!("{}{name}/", repository.prefix);
                let dir = repository.dir.open_dir(name).ok()?;
                Repository::open(dir, &root.path.join(prefix.trim_end_matches('/')), prefix)
            })
            .take(MOST_MODULES.saturating_sub(found.len()))
            .collect();
        found.extend(inner);
        next += 1;
    }
    found.sort_by(|one, other| one.prefix.cmp(&other.prefix));
    Some(found)
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
