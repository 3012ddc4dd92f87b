//! Which sessions matter in which folder: `STATE/pending/HASH-OF-FOLDER/SESSION` where one proposes something, and
//! `STATE/applied/…` where something of it was accepted. Empty files.
//!
//! A hint, so that a start need not read every session: a session may stand here and have nothing any more. It never misses
//! one, because it is made before what it tells of is written. Without `pending` both are made anew from the sessions.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use super::sessions::is_id;
use super::{Store, files};

/// Why a session matters in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// It proposes something there.
    Pending,
    /// Something of it was accepted there, and can be taken back.
    Applied,
}

impl Store {
    /// Says that a session matters in `folder`, and returns when that is on the disk.
    pub fn mark(&self, mark: Mark, folder: &Path, id: &str) -> io::Result<()> {
        let place = self.marks(mark, folder);
        let path = place.join(id);
        if path.is_file() {
            return Ok(());
        }
        files::make_folder(&place)?;
        files::private(OpenOptions::new().write(true).create(true)).open(&path)?;
        files::sync_folder_of(&path)
    }

    /// Takes the mark back.
    pub fn unmark(&self, mark: Mark, folder: &Path, id: &str) {
        // A mark that stays costs a look at the next start.
        let _ = std::fs::remove_file(self.marks(mark, folder).join(id));
    }

    /// The sessions that may matter in `folder`, in the order in which they began.
    pub fn marked(&self, mark: Mark, folder: &Path) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.marks(mark, folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut ids: Vec<String> = names.filter(|name| is_id(name)).collect();
        ids.sort();
        Ok(ids)
    }

    /// The sessions that propose something in any folder.
    pub(in crate::store) fn all_pending(&self) -> io::Result<BTreeSet<String>> {
        let mut ids = BTreeSet::new();
        let folders = match std::fs::read_dir(self.root().join("pending")) {
            Ok(folders) => folders,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ids),
            Err(error) => return Err(error),
        };
        for folder in folders {
            let names =
                std::fs::read_dir(folder?.path())?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            ids.extend(names);
        }
        Ok(ids)
    }

    /// Makes the marks anew if there are none at all: the state folder is older than they are, or somebody removed them. `folders`
    /// tells the folders that a session matters in.
    pub fn complete_marks(&self, folders: impl Fn(&str) -> Vec<(Mark, PathBuf)>) -> io::Result<()> {
        let place = self.root().join("pending");
        if place.is_dir() {
            return Ok(());
        }
        let began = std::time::Instant::now();
        let ids = self.ids()?;
        for id in &ids {
            for (mark, folder) in folders(id) {
                self.mark(mark, &folder, id)?;
            }
        }
        files::make_folder(&place)?;
        tracing::info!(sessions = ids.len(), took = ?began.elapsed(), "looked through the sessions for proposals");
        Ok(())
    }

    fn marks(&self, mark: Mark, folder: &Path) -> PathBuf {
        let kind = match mark {
            Mark::Pending => "pending",
            Mark::Applied => "applied",
        };
        let hash = blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex();
        self.root().join(kind).join(hash.get(..16).unwrap_or(&hash))
    }
}
