//! Where a file called `.git` leads to: the repository of a worktree or of a submodule lies elsewhere.
//!
//! Such a file comes with the workspace, so what it says is believed only where the other end says the same: a repository
//! knows its worktrees and its submodules. Nobody who only writes the file can make a folder of the user's be shown.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Most bytes that are read of a file that holds a path or a few settings.
const MOST: u64 = 64 * 1024;

/// The folder that a command needs beside `dot_git`, if that is such a file: the repository with all that belongs to it.
pub(super) fn led_to(dot_git: &Path) -> Option<PathBuf> {
    let folder = dot_git.parent()?;
    if !std::fs::symlink_metadata(dot_git).is_ok_and(|found| found.is_file()) {
        return None;
    }
    let told = read(dot_git)?;
    let own = folder.join(told.trim_end_matches(['\n', '\r']).strip_prefix("gitdir:")?.trim_start());
    let own = own.canonicalize().ok()?;
    let common = match read(&own.join("commondir")) {
        Some(common) => {
            let common = own.join(common.trim_end()).canonicalize().ok()?;
            let back = own.join(read(&own.join("gitdir"))?.trim_end()).canonicalize().ok()?;
            let is_its_worktree = own.parent()? == common.join("worktrees") && back == dot_git.canonicalize().ok()?;
            is_its_worktree.then_some(common)?
        }
        None => {
            let settings = read(&own.join("config"))?;
            let worktree =
                settings.lines().find_map(|line| line.trim().strip_prefix("worktree")?.trim().strip_prefix('='));
            let back = own.join(worktree?.trim().trim_matches('"')).canonicalize().ok()?;
            (back == folder.canonicalize().ok()?).then_some(own)?
        }
    };
    let is_repository =
        common.join("HEAD").is_file() && common.join("objects").is_dir() && common.join("refs").is_dir();
    is_repository.then_some(common)
}

/// Looked at before it is opened: a pipe would hold the open for ever.
fn read(path: &Path) -> Option<String> {
    if !std::fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return None;
    }
    let mut text = String::new();
    File::open(path).ok()?.take(MOST).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn repository(path: &Path) {
        for folder in ["objects", "refs"] {
            std::fs::create_dir_all(path.join(folder)).unwrap();
        }
        write(&path.join("HEAD"), "ref: refs/heads/main\n");
    }

    /// A worktree and a submodule as git makes them, and what they lead to.
    fn made() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        repository(&top.join("main/.git"));
        let own = top.join("main/.git/worktrees/tree");
        write(&top.join("tree/.git"), &format!("gitdir: {}\n", own.display()));
        write(&own.join("gitdir"), &format!("{}\n", top.join("tree/.git").display()));
        write(&own.join("commondir"), "../..\n");
        repository(&top.join("main/.git/modules/sub"));
        write(&top.join("main/sub/.git"), "gitdir: ../.git/modules/sub\n");
        let settings = "[core]\n\tbare = false\n\tworktree = ../../../sub\n";
        write(&top.join("main/.git/modules/sub/config"), settings);
        (folder, top)
    }

    #[test]
    fn a_worktree_and_a_submodule_lead_to_their_repositories() {
        let (_folder, top) = made();
        assert_eq!(led_to(&top.join("tree/.git")), Some(top.join("main/.git")));
        assert_eq!(led_to(&top.join("main/sub/.git")), Some(top.join("main/.git/modules/sub")));
        assert_eq!(led_to(&top.join("main/.git")), None, "it is the repository");
    }

    #[test]
    fn s03_a_file_that_leads_to_what_does_not_know_of_it_leads_nowhere() {
        let (_folder, top) = made();
        let evil = |text: &str| {
            write(&top.join("evil/.git"), text);
            led_to(&top.join("evil/.git"))
        };
        repository(&top.join("private/.git"));
        for told in ["private/.git", "private", "main/.git/worktrees/tree", "main/.git/modules/sub", "nowhere"] {
            assert_eq!(evil(&format!("gitdir: {}\n", top.join(told).display())), None, "{told}");
        }
        assert_eq!((evil(""), evil("gitdir:"), evil("ref: x")), (None, None, None));
        // One of its own, which says that it belongs to another's.
        let own = top.join("evil/own");
        write(&own.join("gitdir"), &format!("{}\n", top.join("evil/.git").display()));
        write(&own.join("commondir"), &format!("{}\n", top.join("private/.git").display()));
        assert_eq!(evil(&format!("gitdir: {}\n", own.display())), None);
    }
}
