//! Traces take no more room than they may: the sessions that were used longest ago go first.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::Store;

/// Bytes that all sessions together may take.
pub const MOST: u64 = 4 << 30;

impl Store {
    /// Removes sessions, the one used longest ago first, until all together take at most `most` bytes; their ids. The last used
    /// stays, and so does what a running process has open or somebody has yet to decide about. Blocks on the disk.
    pub fn make_room(&self, most: u64) -> io::Result<Vec<String>> {
        let mut sessions: Vec<(SystemTime, String, u64)> = Vec::new();
        for id in self.ids()? {
            let Ok(used) = std::fs::metadata(self.trace_path(&id)).and_then(|trace| trace.modified()) else { continue };
            let size = size_of(&self.session_folder(&id)).unwrap_or(0);
            sessions.push((used, id, size));
        }
        let mut total: u64 = sessions.iter().map(|(.., size)| size).sum();
        if total <= most {
            return Ok(Vec::new());
        }
        sessions.sort();
        sessions.pop();
        let waiting = self.all_pending()?;
        let mut removed = Vec::new();
        for (_, id, size) in sessions {
            if total <= most {
                break;
            }
            if waiting.contains(&id) || self.remove(&id).is_err() {
                continue;
            }
            tracing::info!(session = id, bytes = size, "removed: the traces took more room than they may");
            total = total.saturating_sub(size);
            removed.push(id);
        }
        Ok(removed)
    }
}

/// Bytes of the files beneath a folder. Links are not followed.
fn size_of(folder: &Path) -> io::Result<u64> {
    let mut size = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        size += if metadata.is_dir() { size_of(&entry.path())? } else { metadata.len() };
    }
    Ok(size)
}
