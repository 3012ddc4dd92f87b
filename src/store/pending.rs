//! Which sessions propose something in which folder: `STATE/pending/HASH-OF-FOLDER/SESSION`, empty files.
//!
//! A hint, so that a start need not read every session: a session may stand here and propose nothing any more. It never
//! misses one, because it is made before what it tells of is written. Without the folder it is made anew from the sessions.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use super::sessions::is_id;
use super::{Store, files};

impl Store {
    /// Says that a session proposes something beneath `folder`, and returns when that is on the disk.
    pub fn mark_pending(&self, folder: &Path, id: &str) -> io::Result<()> {
        let path = self.pending_folder(folder).join(id);
        if path.is_file() {
            return Ok(());
        }
        files::make_folder(&self.pending_folder(folder))?;
        files::private(OpenOptions::new().write(true).create(true)).open(&path)?;
        files::sync_folder_of(&path)
    }

    /// Takes the mark back.
    pub fn unmark_pending(&self, folder: &Path, id: &str) {
        // A mark that stays costs a look at the next start.
        let _ = std::fs::remove_file(self.pending_folder(folder).join(id));
    }

    /// The sessions that may propose something beneath `folder`, in the order in which they began.
    pub fn pending_in(&self, folder: &Path) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.pending_folder(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut ids: Vec<String> = names.filter(|name| is_id(name)).collect();
        ids.sort();
        Ok(ids)
    }

    /// Makes the marks anew if there are none at all: the state folder is older than they are, or somebody removed them. `folders`
    /// tells the folders that a session proposes something in.
    pub fn complete_pending(&self, folders: impl Fn(&str) -> Vec<PathBuf>) -> io::Result<()> {
        let place = self.root().join("pending");
        if place.is_dir() {
            return Ok(());
        }
        let began = std::time::Instant::now();
        let ids = self.ids()?;
        for id in &ids {
            for folder in folders(id) {
                self.mark_pending(&folder, id)?;
            }
        }
        files::make_folder(&place)?;
        tracing::info!(sessions = ids.len(), took = ?began.elapsed(), "looked through the sessions for proposals");
        Ok(())
    }

    fn pending_folder(&self, folder: &Path) -> PathBuf {
        let hash = blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex();
        self.root().join("pending").join(hash.get(..16).unwrap_or(&hash))
    }
}
