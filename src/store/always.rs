//! Rules that the user allowed for good, by workspace: a file that the user can read and edit.
//!
//! `permissions.toml` beside the user's `config.toml`. A rule holds for the workspace it was given in and for no other.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

/// Stands at the top of the file, for whoever opens it.
const HEADER: &str = "# What you allowed for good, by workspace. Delete a line to be asked again.\n\n";

/// Most bytes of a file that is believed.
const MOST_BYTES: u64 = 1024 * 1024;

/// The file of rules that were allowed for good.
#[derive(Debug)]
pub struct Always {
    file: PathBuf,
    /// Held while a rule is added: two at once must not overwrite each other.
    adding: Mutex<()>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    #[serde(default)]
    workspace: BTreeMap<String, Allowed>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    #[serde(default)]
    allow: Vec<String>,
}

impl Always {
    /// The file may not exist yet.
    pub fn at(file: PathBuf) -> Always {
        Always { file, adding: Mutex::default() }
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The rules that hold where exactly these folders are open: those that every one of them has. Blocks on the disk.
    pub fn rules(&self, folders: &[PathBuf]) -> io::Result<Vec<String>> {
        let kept = self.read()?;
        let of = |folder: &PathBuf| {
            kept.workspace.get(&folder.display().to_string()).map(|allowed| allowed.allow.clone()).unwrap_or_default()
        };
        let mut each = folders.iter().map(of);
        let first = each.next().unwrap_or_default();
        Ok(each.fold(first, |common, other| common.into_iter().filter(|rule| other.contains(rule)).collect()))
    }

    /// Adds a rule for these folders. Blocks on the disk.
    pub fn add(&self, folders: &[PathBuf], rule: &str) -> io::Result<()> {
        let _one_at_a_time = self.adding.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let parent = self.file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent)?;
        let lock = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.file.with_extension("lock"))?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)?;
        let mut kept = self.read()?;
        for folder in folders {
            let allow = &mut kept.workspace.entry(folder.display().to_string()).or_default().allow;
            if !allow.iter().any(|other| other == rule) {
                allow.push(rule.to_owned());
            }
        }
        let text = toml::to_string_pretty(&kept).map_err(io::Error::other)?;
        let mut file = tempfile::NamedTempFile::new_in(parent)?;
        io::Write::write_all(&mut file, format!("{HEADER}{text}").as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.file)?;
        Ok(())
    }

    /// A file that is not the user's alone, or not as it should be, allows nothing.
    fn read(&self) -> io::Result<Kept> {
        let metadata = match std::fs::symlink_metadata(&self.file) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
            Err(error) => return Err(error),
        };
        if let Some(reason) = suspect(&metadata) {
            return Err(io::Error::other(format!("{} {reason}: nothing in it counts", self.file.display())));
        }
        let text = std::fs::read_to_string(&self.file)?;
        toml::from_str(&text).map_err(|error| io::Error::other(format!("{}: {error}", self.file.display())))
    }
}

/// Why another than the user may have written the file.
fn suspect(metadata: &std::fs::Metadata) -> Option<&'static str> {
    if !metadata.is_file() {
        return Some("is no ordinary file");
    }
    if metadata.len() > MOST_BYTES {
        return Some("is too large");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Some("belongs to another user");
        }
        if metadata.mode() & 0o022 != 0 {
            return Some("can be written by others");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_hold_where_they_were_given() {
        let folder = tempfile::tempdir().unwrap();
        let always = Always::at(folder.path().join("claw/permissions.toml"));
        let (a, b) = (PathBuf::from("/home/u/a"), PathBuf::from("/home/u/b \"x\""));
        assert_eq!(always.rules(std::slice::from_ref(&a)).unwrap(), Vec::<String>::new());
        always.add(std::slice::from_ref(&a), "shell(cargo test *)").unwrap();
        always.add(&[a.clone(), b.clone()], "web_fetch(docs.rs)").unwrap();
        always.add(std::slice::from_ref(&a), "shell(cargo test *)").unwrap();
        assert_eq!(always.rules(std::slice::from_ref(&a)).unwrap(), ["shell(cargo test *)", "web_fetch(docs.rs)"]);
        assert_eq!(always.rules(&[b.clone(), a]).unwrap(), ["web_fetch(docs.rs)"]);
        assert!(std::fs::read_to_string(always.file()).unwrap().starts_with("# What you allowed"));
    }

    #[test]
    fn c06_a_file_that_others_can_write_allows_nothing() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let always = Always::at(folder.path().join("permissions.toml"));
        let a = [PathBuf::from("/home/u/a")];
        always.add(&a, "shell").unwrap();
        std::fs::set_permissions(always.file(), std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(always.rules(&a).unwrap_err().to_string().contains("written by others"));
        std::fs::set_permissions(always.file(), std::fs::Permissions::from_mode(0o600)).unwrap();
        let other = folder.path().join("other.toml");
        std::fs::rename(always.file(), &other).unwrap();
        std::os::unix::fs::symlink(&other, always.file()).unwrap();
        assert!(always.rules(&a).is_err());
    }
}
