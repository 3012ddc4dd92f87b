//! A command in the repository swaps folders and files for links that lead out, as fast as it can, while the tools work.
//!
//! `CLAW_RACES` is how often each tool is tried.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use claw::text::{ContentHash, Text};
use claw::workspace::disk::{create, delete, replace};
use claw::workspace::search::{Pattern, Scope};
use claw::workspace::{DocPath, Roots, Stamp, Workspace};

/// How often a tool is tried: `usual`, or what the environment says.
pub fn races(usual: usize) -> usize {
    match std::env::var("CLAW_RACES") {
        Ok(number) => number.parse().expect("CLAW_RACES is a number"),
        Err(_) => usual,
    }
}

/// Ends a thread that swaps, also when what it races against fails.
pub struct Stop<'a>(pub &'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Two names change places at once. One that is not there stays so.
pub fn swap(a: &Path, b: &Path) {
    let flags = rustix::fs::RenameFlags::EXCHANGE;
    let _ = rustix::fs::renameat_with(rustix::fs::CWD, a, rustix::fs::CWD, b, flags);
}

struct Race {
    _folder: tempfile::TempDir,
    workspace: Workspace,
    root: PathBuf,
    outside: PathBuf,
}

const MINE: &str = "mine\n";
const CANARY: &str = "canary\n";

impl Race {
    /// `dir/f` in the workspace, and a folder beside it with an `f` and a name of its own.
    fn new() -> Race {
        // In memory where that can be: what is raced for is not the disk.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let (root, outside) = (folder.path().join("ws"), folder.path().join("outside"));
        std::fs::create_dir_all(root.join("dir")).unwrap();
        std::fs::create_dir_all(&outside).unwrap();
        std::fs::write(root.join("dir/f"), MINE).unwrap();
        for name in ["f", "canary-name"] {
            std::fs::write(outside.join(name), CANARY).unwrap();
        }
        symlink(&outside, root.join("other")).unwrap();
        symlink(outside.join("f"), root.join("file")).unwrap();
        let mut roots = Roots::default();
        roots.add(&root).unwrap();
        Race { workspace: Workspace::new(roots), _folder: folder, root, outside }
    }

    fn doc(&self, rel: &str) -> DocPath {
        self.workspace.roots().resolve(rel).unwrap()
    }

    /// Tries `tool` again and again while names are swapped. It says whether it got what is inside: a race that never lets it
    /// would prove nothing, and one that always does neither.
    fn run(&self, mut tool: impl FnMut() -> bool) {
        let stop = AtomicBool::new(false);
        let got = std::thread::scope(|scope| {
            scope.spawn(|| {
                let (dir, other) = (self.root.join("dir"), self.root.join("other"));
                let (f, file) = (self.root.join("dir/f"), self.root.join("file"));
                while !stop.load(Ordering::Relaxed) {
                    swap(&dir, &other);
                    swap(&dir, &other);
                    swap(&f, &file);
                    swap(&f, &file);
                }
            });
            let _stop = Stop(&stop);
            (0..races(8_000)).filter(|_| tool()).count()
        });
        assert!(got > 0 && got < races(8_000), "{got} times it got what is inside");
        let mut names: Vec<_> =
            std::fs::read_dir(&self.outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["canary-name", "f"], "what lies outside is as it was");
        assert_eq!(std::fs::read_to_string(self.outside.join("f")).unwrap(), CANARY);
    }
}

#[test]
fn t02_races_of_read_file() {
    let race = Race::new();
    let (view, doc) = (race.workspace.live(), race.doc("dir/f"));
    race.run(|| match view.read(&doc) {
        Ok(document) => {
            assert_eq!(document.text.to_string(), MINE);
            true
        }
        Err(_) => false,
    });
}

#[test]
fn t02_races_of_list_files() {
    let race = Race::new();
    let (view, doc) = (race.workspace.live(), race.doc("dir/f"));
    race.run(|| {
        let files = view.files(100).files;
        assert!(!files.iter().any(|path| view.roots().display(path).contains("canary")), "{files:?}");
        files.contains(&doc)
    });
}

#[test]
fn t02_races_of_search() {
    let race = Race::new();
    let view = race.workspace.live();
    let (pattern, scope) = (Pattern::new("mine|canary", true).unwrap(), Scope::new(&view, None, None).unwrap());
    race.run(|| {
        let found = view.search(&pattern, &scope, 100, &|| false);
        assert!(found.matches.iter().all(|found| found.text == "mine"), "{found:?}");
        !found.matches.is_empty()
    });
}

#[test]
fn t02_races_of_writing() {
    let race = Race::new();
    let (roots, doc) = (race.workspace.roots(), race.doc("dir/f"));
    let seen = Stamp::Disk { hash: ContentHash::of(MINE.as_bytes()) };
    race.run(|| replace(&roots, &doc, seen, &Text::new(MINE)).is_ok());
}

#[test]
fn t02_races_of_creating() {
    let race = Race::new();
    let (roots, doc) = (race.workspace.roots(), race.doc("dir/new"));
    race.run(|| {
        let made = create(&roots, &doc, &Text::new(MINE)).is_ok();
        for folder in ["dir", "other"] {
            let _ = std::fs::remove_file(race.root.join(folder).join("new"));
        }
        made
    });
}

#[test]
fn t02_races_of_deleting() {
    let race = Race::new();
    let (roots, doc) = (race.workspace.roots(), race.doc("dir/f"));
    let seen = Stamp::Disk { hash: ContentHash::of(MINE.as_bytes()) };
    let (fresh, file) = (race.root.join("fresh"), race.root.join("file"));
    race.run(|| {
        let gone = delete(&roots, &doc, seen).is_ok();
        if gone {
            // There again, file and link, wherever they are right then. What lies outside is there, and never replaced.
            let there = |path: &Path| {
                let flags = rustix::fs::RenameFlags::NOREPLACE;
                let _ = rustix::fs::renameat_with(rustix::fs::CWD, &fresh, rustix::fs::CWD, path, flags);
            };
            std::fs::write(&fresh, MINE).unwrap();
            there(&race.root.join("dir/f"));
            there(&race.root.join("other/f"));
            let _ = std::fs::remove_file(&fresh);
            if !std::fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.is_symlink()) {
                symlink(race.outside.join("f"), &fresh).unwrap();
                let _ = std::fs::rename(&fresh, &file);
            }
        }
        gone
    });
}
