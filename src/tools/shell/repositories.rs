//! What commands see of the workspace's repositories: all of it but the passwords in its settings.
//!
//! A masked output would not do: a command can print a password in any disguise.

use std::io;
use std::path::{Path, PathBuf};

use crate::secrets;

/// Settings of a repository, by their names in it.
const SETTINGS: &[&str] = &["config", "config.worktree"];

/// Folders with settings of submodules and worktrees, and how deep they are looked for.
const MORE: &[&str] = &["modules", "worktrees"];
const DEPTH: usize = 4;

/// Longest settings that are read. Longer ones are none that a person wrote, and are shown empty.
const LONGEST: u64 = 1024 * 1024;

/// A folder `.git` that is a link may lead anywhere, to the user's keys too.
pub(super) fn is_in_place(repository: &Path) -> bool {
    repository.symlink_metadata().is_ok_and(|found| !found.is_symlink())
}

/// Copies, beneath `folder`, of those settings of `repository` that hold a secret: each without it, and what it stands for.
pub(super) fn masked_settings(repository: &Path, folder: &Path) -> io::Result<Vec<(PathBuf, PathBuf)>> {
    let mut masked = Vec::new();
    let mut folders = vec![(repository.to_owned(), 0)];
    while let Some((next, depth)) = folders.pop() {
        for path in SETTINGS.iter().map(|name| next.join(name)) {
            let Some(text) = without_secrets(&path)? else { continue };
            let copy = folder.join(format!("settings-{}", blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex()));
            std::fs::write(&copy, text)?;
            masked.push((copy, path));
        }
        let below: Vec<PathBuf> = match depth {
            0 => MORE.iter().map(|name| next.join(name)).collect(),
            DEPTH.. => Vec::new(),
            _ => std::fs::read_dir(&next)?.flatten().map(|entry| entry.path()).collect(),
        };
        let is_folder = |path: &PathBuf| path.symlink_metadata().is_ok_and(|found| found.is_dir());
        folders.extend(below.into_iter().filter(is_folder).map(|path| (path, depth + 1)));
    }
    Ok(masked)
}

/// The settings without their secrets; `None` where there are none.
fn without_secrets(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let found = match path.symlink_metadata() {
        Ok(found) if found.is_file() => found,
        Ok(_) | Err(_) => return Ok(None),
    };
    if found.len() > LONGEST {
        return Ok(Some(Vec::new()));
    }
    let bytes = std::fs::read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let masked = secrets::mask(&text).text;
    Ok((*masked != *text).then(|| masked.into_owned().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x03_passwords_of_remotes_are_masked_and_the_rest_is_as_it_was() {
        let (repository, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |name: &str, text: &str| {
            let path = repository.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let remote = |password: &str| format!("[remote \"origin\"]\n\turl = https://me:{password}@example.org/x.git\n");
        write("config", &remote("hUnt3r-two-remote"));
        write("modules/a/config", &remote("hUnt3r-two-module"));
        write("modules/b/c/config", "[core]\n\tbare = false\n");
        write("worktrees/w/config.worktree", &remote("hUnt3r-two-tree"));
        write("refs/heads/config", &remote("no-settings-at-all"));
        let mut masked: Vec<(String, String)> = masked_settings(repository.path(), copies.path())
            .unwrap()
            .into_iter()
            .map(|(copy, path)| {
                let name = path.strip_prefix(repository.path()).unwrap().display().to_string();
                (name, std::fs::read_to_string(copy).unwrap())
            })
            .collect();
        masked.sort();
        let expected = ["config", "modules/a/config", "worktrees/w/config.worktree"];
        assert_eq!(masked, expected.map(|name| (name.to_owned(), remote("[secret: password in a URL]"))));
    }
}
