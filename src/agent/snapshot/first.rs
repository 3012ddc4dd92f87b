//! The first form of a kept proposal, `overlay.json`: one file that was written whole. It is read, and kept as a backup.

use serde::Deserialize;

use super::Name;
use crate::text::Text;
use crate::workspace::{Author, HunkId, OverlayFile, Stamp};

/// The file's name in the session's folder.
pub(in crate::agent) const FILE: &str = "overlay.json";

/// Its name when it has been read.
pub(in crate::agent) const BACKUP: &str = "overlay.v1.json";

#[derive(Deserialize)]
struct Snapshot {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    name: Name,
    base: Option<String>,
    current: Option<String>,
    #[serde(default)]
    moved_from: Option<Name>,
    turn: String,
    call: String,
    #[serde(default)]
    decided: Vec<String>,
}

/// The touched documents as they were kept, each with the name that it moved from.
pub(in crate::agent) fn read(bytes: &[u8]) -> serde_json::Result<Vec<(Name, OverlayFile, Option<Name>)>> {
    let snapshot: Snapshot = serde_json::from_slice(bytes)?;
    let files = snapshot.files.into_iter().map(|file| {
        let text = |text: &Option<String>| text.as_deref().map(Text::new);
        let base = text(&file.base);
        let stamp = base.as_ref().map_or(Stamp::Absent, |base| Stamp::Disk { hash: base.hash() });
        let author = Author { turn: file.turn, call: file.call };
        let mut entry = OverlayFile::new(base, stamp, text(&file.current), author);
        entry.decided = file.decided.into_iter().map(HunkId).collect();
        (file.name, entry, file.moved_from)
    });
    Ok(files.collect())
}
