//! Where a repository's own files lie: in `.git`, or where the file `.git` of a worktree or a submodule leads.
//!
//! Such a file comes with the workspace and may name any folder. It is followed only where that folder names this one as its
//! own in turn, which is nothing that a workspace could write elsewhere.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::index::{self, Staged};
use super::objects::{Id, Objects};

/// The longest file that names a folder, and the longest configuration.
const MOST_POINTER: u64 = 8 << 10;
const MOST_CONFIG: u64 = 1 << 20;

/// The repository of a folder.
pub(super) struct Repository {
    /// The folder whose files it holds.
    pub dir: Dir,
    /// Of that folder in its root, with a `/` behind it; empty for the root itself.
    pub prefix: String,
    pub staged: Staged,
    /// What belongs to this folder alone: `HEAD` and the index.
    own: Dir,
    /// What all worktrees share.
    common: Dir,
    pub objects: Objects,
}

impl Repository {
    /// Of the folder at `path`, on which `dir` is a handle. `None` where there is none that can be read.
    pub fn open(dir: Dir, path: &Path, prefix: String) -> Option<Repository> {
        let (own, at) = match dir.open_dir(".git") {
            Ok(own) => (own, None),
            Err(_) => {
                let at = followed(&dir, path)?;
                (Dir::open_ambient_dir(&at, ambient_authority()).ok()?, Some(at))
            }
        };
        // Only what named this folder in turn may name a third one.
        let common = match at.and_then(|at| Some(at.join(line(&own, "commondir")?))) {
            Some(common) => Dir::open_ambient_dir(common, ambient_authority()).ok()?,
            None => own.try_clone().ok()?,
        };
        let objects = Objects::open(common.open_dir("objects").ok()?);
        // Before the first file is staged there is none.
        let staged = index::read(&own).or_else(|| (!own.exists("index")).then(Staged::default))?;
        Some(Repository { dir, prefix, staged, own, common, objects })
    }

    /// The files of the last commit; empty before the first, `None` if they can not be read or not in time.
    pub fn committed(&self, stop: &(dyn Fn() -> bool + Sync)) -> Option<BTreeMap<String, Id>> {
        let Some(head) = self.head() else { return Some(BTreeMap::new()) };
        let mut files = BTreeMap::new();
        self.objects.files(&head, stop, &mut files)?;
        Some(files)
    }

    pub fn committed_file(&self, path: &str) -> Option<Id> {
        self.objects.file(&self.head()?, path)
    }

    /// The commit that is checked out.
    fn head(&self) -> Option<Id> {
        let head = self.own.read_to_string("HEAD").ok()?;
        let head = head.trim();
        let Some(name) = head.strip_prefix("ref: ").map(str::trim) else { return Id::of_hex(head) };
        if let Ok(id) = self.own.read_to_string(name).or_else(|_| self.common.read_to_string(name)) {
            return Id::of_hex(id.trim());
        }
        let packed = self.common.read_to_string("packed-refs").ok()?;
        packed.lines().find_map(|line| line.strip_suffix(name)?.strip_suffix(' ').and_then(Id::of_hex))
    }
}

/// The folder that the file `.git` of `path` names, if that names `path` in turn.
fn followed(dir: &Dir, path: &Path) -> Option<PathBuf> {
    let pointer = line(dir, ".git")?;
    let at = path.join(pointer.strip_prefix("gitdir:")?.trim()).canonicalize().ok()?;
    let here = path.canonicalize().ok()?;
    let other = Dir::open_ambient_dir(&at, ambient_authority()).ok()?;
    // A worktree's folder says where the worktree's file is, a submodule's configuration where its files are.
    let worktree = line(&other, "gitdir").and_then(|file| at.join(file).canonicalize().ok());
    let is_worktree = worktree.is_some_and(|file| file == here.join(".git"));
    let submodule = || at.join(core_worktree(&read(&other, "config", MOST_CONFIG)?)?).canonicalize().ok();
    (is_worktree || submodule().is_some_and(|files| files == here)).then_some(at)
}

/// The value of `core.worktree`.
fn core_worktree(config: &str) -> Option<String> {
    let mut is_core = false;
    let mut found = None;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            is_core = line.eq_ignore_ascii_case("[core]");
        } else if let Some((name, value)) = line.split_once('=').filter(|_| is_core)
            && name.trim().eq_ignore_ascii_case("worktree")
        {
            found = Some(value.trim().trim_matches('"').to_owned());
        }
    }
    found
}

fn line(dir: &Dir, name: &str) -> Option<String> {
    let text = read(dir, name, MOST_POINTER)?;
    Some(text.lines().next()?.trim().to_owned()).filter(|line| !line.is_empty())
}

fn read(dir: &Dir, name: &str, most: u64) -> Option<String> {
    let file = dir.open(name).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    file.take(most).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_submodule_are_where_its_configuration_says() {
        let of = |config| core_worktree(config);
        assert_eq!(
            of("[core]\n\tbare = false\n\tworktree = ../../../sub\n[remote \"o\"]\n\tworktree = x\n").as_deref(),
            Some("../../../sub")
        );
        assert_eq!(of("[other]\nworktree = x\n"), None);
        assert_eq!(of("[core]\nworktree\n"), None);
    }
}
