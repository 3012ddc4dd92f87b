//! The layer that an agent edits: what it proposes, and what it saw when it did.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{DocPath, Document, Stamp};
use crate::text::Text;

/// Who made a change: the turn and the tool call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Author {
    pub turn: String,
    pub call: String,
}

/// A touched document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayFile {
    /// The live text the proposal starts from; `None` where there was no file.
    pub base: Option<Text>,
    /// What the read saw that `base` came from.
    pub stamp: Stamp,
    /// What is proposed; `None` proposes that there be no file.
    pub current: Option<Text>,
    /// The name it is proposed to move from.
    pub moved_from: Option<DocPath>,
    pub author: Author,
}

/// The document changed since it was read: read it again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` changed since it was read: read it again")]
pub struct Stale {
    pub path: String,
}

/// A session's proposed edits. A value; clones share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    files: Arc<BTreeMap<DocPath, OverlayFile>>,
}

impl Overlay {
    pub fn get(&self, path: &DocPath) -> Option<&OverlayFile> {
        self.files.get(path)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&DocPath, &OverlayFile)> {
        self.files.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The one function through which tools write: proposes that `path` hold `text` (or not be, with `None`). `seen` is
    /// the document the change was made from, `None` where it was absent; it must be what the overlay holds or, for an
    /// untouched document, what is live.
    pub fn write(
        &mut self,
        path: &DocPath,
        seen: Option<&Document>,
        text: Option<Text>,
        author: Author,
    ) -> Result<(), Stale> {
        let _ = (path, seen, text, author);
        todo!()
    }

    /// Sets a touched document to exactly `file`; `None` forgets it. For reviews, not for tools.
    pub fn set(&mut self, path: DocPath, file: Option<OverlayFile>) {
        let files = Arc::make_mut(&mut self.files);
        match file {
            Some(file) => {
                files.insert(path, file);
            }
            None => {
                files.remove(&path);
            }
        }
    }
}
