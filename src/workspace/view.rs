//! One consistent reader over disk, buffers and overlay.

use std::sync::Arc;

use super::{Buffers, DocPath, Overlay, Roots};
use crate::text::{ContentHash, FileEncoding, Text};

/// What a read saw. A write presents it; if the document is another by then, the write is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    Buffer { version: i32, hash: ContentHash },
    Disk { hash: ContentHash },
    Absent,
}

/// Which layer a document came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    Disk,
    Buffer,
    Overlay,
}

/// A document as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub text: Text,
    pub layer: Layer,
    /// Of the live document beneath the overlay.
    pub stamp: Stamp,
    pub encoding: FileEncoding,
    /// Why it must not be edited, where that is so: not UTF-8, binary, too large, out of step with the editor.
    pub read_only: Option<String>,
}

/// Why a document can not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("`{0}` does not exist")]
    NotFound(String),
    #[error("`{0}` is a directory")]
    Directory(String),
    #[error("`{0}` is {1}")]
    Special(String, &'static str),
    #[error("`{path}` has {bytes} bytes, more than the {limit} that can be taken whole")]
    TooLarge { path: String, bytes: u64, limit: u64 },
    #[error("`{0}` can not be read: {1}")]
    Io(String, String),
}

/// A picture of the three layers at one moment. Holds no lock; buffers and overlay stand still in it, closed files are
/// read when they are asked for. Reads block on the disk: call from a blocking thread.
#[derive(Clone)]
pub struct View {
    roots: Arc<Roots>,
    buffers: Arc<Buffers>,
    overlay: Overlay,
}

impl View {
    pub(in crate::workspace) fn new(roots: Arc<Roots>, buffers: Arc<Buffers>, overlay: Overlay) -> View {
        View { roots, buffers, overlay }
    }

    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    pub fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// The same picture without the overlay: what the user has.
    pub fn live(&self) -> View {
        View { overlay: Overlay::default(), ..self.clone() }
    }

    /// The document whole.
    pub fn read(&self, path: &DocPath) -> Result<Document, ReadError> {
        let _ = path;
        todo!()
    }

    pub fn exists(&self, path: &DocPath) -> bool {
        let _ = path;
        todo!()
    }
}
