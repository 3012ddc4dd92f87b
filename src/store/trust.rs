//! Which workspaces the user has marked as trusted: `claw trust`, `claw untrust`.
//!
//! Trust belongs to one folder as it was when the user said so: its canonical path together with its identity on the file
//! system. A folder that was moved away and replaced by another of the same name is a stranger, and so is a folder within a
//! trusted one.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The list of trusted folders, `STATE/trust.json`.
#[derive(Clone, Debug)]
pub struct Trust {
    file: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TrustedFolder {
    path: PathBuf,
    /// What tells the folder from another that comes to have its name; absent where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<(u64, u64)>,
}

impl Trust {
    pub fn new(state: &Path) -> Trust {
        Trust { file: state.join("trust.json") }
    }

    /// Whether `folder` is trusted as it is now. What can not be read is not trusted.
    pub fn is_trusted(&self, folder: &Path) -> bool {
        let Ok(folder) = TrustedFolder::of(folder) else { return false };
        self.read().is_ok_and(|trusted| trusted.contains(&folder))
    }

    /// Marks `folder` as trusted; the canonical path that was marked.
    pub fn trust(&self, folder: &Path) -> io::Result<PathBuf> {
        let folder = TrustedFolder::of(folder)?;
        let mut trusted = self.read()?;
        trusted.retain(|other| other.path != folder.path);
        trusted.push(folder.clone());
        self.write(&trusted)?;
        Ok(folder.path)
    }

    /// Takes the mark back; `false` if there was none.
    pub fn untrust(&self, folder: &Path) -> io::Result<bool> {
        let path = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let mut trusted = self.read()?;
        let before = trusted.len();
        trusted.retain(|other| other.path != path);
        if trusted.len() == before {
            return Ok(false);
        }
        self.write(&trusted)?;
        Ok(true)
    }

    fn read(&self) -> io::Result<Vec<TrustedFolder>> {
        match std::fs::read(&self.file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn write(&self, trusted: &[TrustedFolder]) -> io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        // Named temporary files have mode 0600; the rename keeps it.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, trusted)?;
        file.as_file().sync_all()?;
        file.persist(&self.file)?;
        Ok(())
    }
}

impl TrustedFolder {
    fn of(folder: &Path) -> io::Result<TrustedFolder> {
        let path = folder.canonicalize()?;
        let metadata = std::fs::metadata(&path)?;
        if !metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, format!("{} is not a folder", path.display())));
        }
        Ok(TrustedFolder { path, identity: identity(&metadata) })
    }
}

#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_metadata: &std::fs::Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c07_a_folder_that_was_replaced_is_a_stranger() {
        let state = tempfile::tempdir().unwrap();
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("project");
        std::fs::create_dir_all(folder.join("nested")).unwrap();
        let trust = Trust::new(&state.path().join("state"));
        assert!(!trust.is_trusted(&folder));

        trust.trust(&folder).unwrap();
        assert!(trust.is_trusted(&folder));
        assert!(trust.is_trusted(&folder.join("nested/..")));
        assert!(!trust.is_trusted(&folder.join("nested")));

        std::fs::rename(&folder, place.path().join("moved")).unwrap();
        std::fs::create_dir(&folder).unwrap();
        assert!(!trust.is_trusted(&folder));
    }

    #[test]
    fn untrust_takes_the_mark_back() {
        let state = tempfile::tempdir().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let trust = Trust::new(state.path());
        trust.trust(folder.path()).unwrap();
        assert!(trust.untrust(folder.path()).unwrap());
        assert!(!trust.untrust(folder.path()).unwrap());
        assert!(!trust.is_trusted(folder.path()));
    }

    #[test]
    fn an_unreadable_list_trusts_nobody() {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join("trust.json"), "{").unwrap();
        let trust = Trust::new(state.path());
        assert!(!trust.is_trusted(state.path()));
        assert!(trust.trust(state.path()).is_err());
    }
}
