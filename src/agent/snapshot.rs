//! A session's pending proposal on disk, `STATE/sessions/ID/overlay.json`: what a restart needs beside the trace.
//!
//! Written whole after every step that changed the overlay and after every review. Files are named by their root's folder,
//! because the ids of roots live no longer than the process.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::text::Text;
use crate::workspace::{Author, DocPath, HunkId, Overlay, OverlayFile, Roots, Stamp};

/// The file's name in the session's folder.
pub(in crate::agent) const FILE: &str = "overlay.json";

#[derive(Serialize, Deserialize)]
struct Snapshot {
    v: u32,
    files: Vec<File>,
}

#[derive(Serialize, Deserialize)]
struct File {
    name: Name,
    base: Option<String>,
    current: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    moved_from: Option<Name>,
    turn: String,
    call: String,
    /// Ids that must not be given to other hunks.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    decided: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    File { root: PathBuf, path: String },
    Virtual(String),
}

/// The overlay as it is kept.
pub(in crate::agent) fn write(overlay: &Overlay, roots: &Roots) -> serde_json::Result<Vec<u8>> {
    let files = overlay
        .iter()
        .filter_map(|(path, file)| {
            Some(File {
                name: Name::of(path, roots)?,
                base: file.base.as_ref().map(Text::to_string),
                current: file.current.as_ref().map(Text::to_string),
                moved_from: file.moved_from.as_ref().and_then(|from| Name::of(from, roots)),
                turn: file.author.turn.clone(),
                call: file.author.call.clone(),
                decided: file.decided.iter().map(|id| id.0.clone()).collect(),
            })
        })
        .collect();
    serde_json::to_vec(&Snapshot { v: 1, files })
}

/// The overlay as it was kept. Files of folders that are not open now are left out; their names are the second value.
pub(in crate::agent) fn read(bytes: &[u8], roots: &Roots) -> serde_json::Result<(Overlay, Vec<String>)> {
    let snapshot: Snapshot = serde_json::from_slice(bytes)?;
    let mut overlay = Overlay::default();
    let mut left_out = Vec::new();
    for file in snapshot.files {
        let Some(path) = file.name.resolve(roots) else {
            left_out.push(file.name.shown());
            continue;
        };
        let base = file.base.as_deref().map(Text::new);
        let stamp = base.as_ref().map_or(Stamp::Absent, |base| Stamp::Disk { hash: base.hash() });
        let current = file.current.as_deref().map(Text::new);
        let mut entry = OverlayFile::new(base, stamp, current, Author { turn: file.turn, call: file.call });
        entry.moved_from = file.moved_from.as_ref().and_then(|from| from.resolve(roots));
        entry.decided = file.decided.into_iter().map(HunkId).collect();
        overlay.set(path, Some(entry));
    }
    Ok((overlay, left_out))
}

impl Name {
    fn of(path: &DocPath, roots: &Roots) -> Option<Name> {
        match path {
            DocPath::File { root, rel } => {
                Some(Name::File { root: roots.get(*root)?.path.clone(), path: rel.to_string() })
            }
            DocPath::Virtual(uri) => Some(Name::Virtual(uri.to_string())),
        }
    }

    fn resolve(&self, roots: &Roots) -> Option<DocPath> {
        match self {
            Name::File { root, path } => {
                let root = roots.iter().find(|open| open.path == *root)?;
                Some(DocPath::File { root: root.id, rel: path.as_str().into() })
            }
            Name::Virtual(uri) => Some(DocPath::Virtual(uri.as_str().into())),
        }
    }

    fn shown(&self) -> String {
        match self {
            Name::File { root, path } => root.join(path).display().to_string(),
            Name::Virtual(uri) => uri.clone(),
        }
    }
}
