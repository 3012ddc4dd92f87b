//! What `.ignore` and `.gitignore` leave out, folder by folder, as the walk of a view sees it. What git tracks although a rule
//! ignores it is not left out: a build that works from a fresh clone works from the copy.
//!
//! Rules are read from the tree that is walked, which may be the shadow; those of the folders around the root and of the
//! repository itself always from where the root really is.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::Dir;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::folder::{self, Listed};
use crate::workspace::git;

/// Most bytes of a file of rules that are read.
const MAX_RULES: u64 = 1 << 20;

/// The rules that hold in one folder. Cheap to clone.
#[derive(Clone)]
pub(super) struct Rules {
    level: Option<Arc<Level>>,
    /// The user's own, for everything.
    global: Arc<Gitignore>,
    tracked: Arc<Tracked>,
    /// In a folder that is ignored: what is not tracked is left out, whatever its name.
    only_tracked: bool,
}

/// What the repository at the root tracks.
struct Tracked {
    root: PathBuf,
    files: BTreeSet<String>,
}

impl Tracked {
    fn of(root: &Path) -> Tracked {
        let opened = File::open(root).ok().map(Dir::from_std_file);
        Tracked { root: root.to_owned(), files: opened.map(|dir| git::tracked(dir, root)).unwrap_or_default() }
    }

    /// Whether this is a tracked file, or a folder below the root with one in it.
    fn has(&self, path: &Path, is_folder: bool) -> bool {
        let Some(path) = path.strip_prefix(&self.root).ok().and_then(Path::to_str) else { return false };
        match is_folder {
            false => self.files.contains(path),
            true if path.is_empty() => false,
            true => {
                let within = format!("{path}/");
                self.files.range(within.clone()..).next().is_some_and(|file| file.starts_with(&within))
            }
        }
    }
}

struct Level {
    above: Option<Arc<Level>>,
    ignore: Gitignore,
    gitignore: Gitignore,
    exclude: Gitignore,
}

impl Rules {
    /// What holds in `root` by the folders around it.
    pub fn around(root: &Path) -> Rules {
        let (global, _) = GitignoreBuilder::new(root).build_global();
        let tracked = Arc::new(Tracked::of(root));
        let mut rules = Rules { level: None, global: Arc::new(global), tracked, only_tracked: false };
        let mut around: Vec<&Path> = root.ancestors().skip(1).collect();
        around.reverse();
        for path in around {
            rules.push(path, at(&path.join(".ignore")), at(&path.join(".gitignore")), excluded(path));
        }
        rules
    }

    /// With those of a folder that stands for `real`, where a repository is or not, and whose entries are `listed`.
    pub fn within(&self, folder: impl AsFd, real: &Path, listed: &[Listed], repository: bool) -> Rules {
        let folder = folder.as_fd();
        let has = |name: &str| listed.iter().any(|entry| *entry.name == *name.as_bytes());
        let read = |name: &str| {
            let opened = has(name).then(|| folder::open_file(folder, name.as_bytes()).ok().flatten()).flatten();
            opened.map(|(file, _)| whole(file))
        };
        let exclude = repository.then(|| excluded(real)).flatten();
        let mut rules = self.clone();
        rules.only_tracked |= self.tracked.has(real, true) && self.matches(real, true);
        rules.push(real, read(".ignore"), read(".gitignore"), exclude);
        rules
    }

    /// Whether `path`, in the folder of these rules, is left out. `path` is where it really is.
    pub fn ignores(&self, path: &Path, is_folder: bool) -> bool {
        (self.only_tracked || self.matches(path, is_folder)) && !self.tracked.has(path, is_folder)
    }

    fn matches(&self, path: &Path, is_folder: bool) -> bool {
        let levels = || std::iter::successors(self.level.as_deref(), |level| level.above.as_deref());
        let first = |rules: fn(&Level) -> &Gitignore| {
            levels().map(|level| rules(level).matched(path, is_folder)).find(|found| !found.is_none())
        };
        first(|level| &level.ignore)
            .or_else(|| first(|level| &level.gitignore))
            .or_else(|| first(|level| &level.exclude))
            .map_or_else(|| self.global.matched(path, is_folder).is_ignore(), |found| matches!(found, Match::Ignore(_)))
    }

    fn push(&mut self, path: &Path, ignore: Option<String>, gitignore: Option<String>, exclude: Option<String>) {
        if ignore.is_none() && gitignore.is_none() && exclude.is_none() {
            return;
        }
        let build = |text: Option<String>| text.map_or_else(Gitignore::empty, |text| compile(path, &text));
        let level = Level {
            above: self.level.take(),
            ignore: build(ignore),
            gitignore: build(gitignore),
            exclude: build(exclude),
        };
        self.level = Some(Arc::new(level));
    }
}

fn compile(path: &Path, text: &str) -> Gitignore {
    let mut builder = GitignoreBuilder::new(path);
    for line in text.trim_start_matches('\u{feff}').lines() {
        if let Err(error) = builder.add_line(None, line) {
            tracing::debug!(%error, "a rule is no glob");
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

fn whole(file: File) -> String {
    let mut bytes = Vec::new();
    // What can be read of it counts.
    let _ = file.take(MAX_RULES).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn excluded(repository: &Path) -> Option<String> {
    at(&repository.join(".git/info/exclude"))
}

/// Looked at before it is opened: a pipe would hold the open for ever.
fn at(path: &Path) -> Option<String> {
    let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    is_file.then(|| File::open(path).ok()).flatten().map(whole)
}
