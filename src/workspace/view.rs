//! One consistent reader over disk, buffers and overlay.

use std::sync::Arc;

use super::disk::{Entry, entry, is_file, read_bytes, read_whole, through_link};
use super::exclude::target_of;
use super::overlay::Mark;
use super::{Buffer, Buffers, DocPath, Exclude, Overlay, OverlayFile, Root, Roots};
use crate::text::decode::decode;
use crate::text::{ContentHash, FileEncoding, Text};

/// Most bytes of a file that is taken whole: to be read, searched or edited.
pub const WHOLE_LIMIT: usize = 8 * 1024 * 1024;

/// What a read saw. A write presents it; if the document is another by then, the write is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    Buffer { version: i32, hash: ContentHash },
    Disk { hash: ContentHash },
    Absent,
}

impl Stamp {
    /// The same of a document that no editor has open: what was read, whatever the layer.
    pub fn content(self) -> Stamp {
        match self {
            Stamp::Buffer { hash, .. } => Stamp::Disk { hash },
            Stamp::Disk { .. } | Stamp::Absent => self,
        }
    }
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

/// The start of a file that may be too large to be taken whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub text: Text,
    pub encoding: FileEncoding,
    /// Bytes of the whole file.
    pub size: u64,
    /// There is more than `text`.
    pub cut: bool,
}

/// Why a document can not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("`{0}` does not exist")]
    NotFound(String),
    #[error("`{0}` is a directory")]
    Directory(String),
    #[error("`{0}` is not open in the editor, and only open documents can be read outside the workspace folders")]
    NotOpen(String),
    #[error("`{0}` leads out of the workspace through a link")]
    Outside(String),
    #[error("`{0}` is excluded by context.exclude")]
    Excluded(String),
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
    exclude: Exclude,
}

/// Tells one state of an overlay and of the documents beneath it from others, without their texts.
pub struct Glimpse {
    roots: Arc<Roots>,
    overlay: Mark,
    live: Vec<(Option<Arc<Buffer>>, Option<Entry>)>,
}

impl std::fmt::Debug for Glimpse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Glimpse").field("documents", &self.live.len()).finish_non_exhaustive()
    }
}

impl PartialEq for Glimpse {
    fn eq(&self, other: &Glimpse) -> bool {
        let same_buffer = |a: &Option<Arc<Buffer>>, b: &Option<Arc<Buffer>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        Arc::ptr_eq(&self.roots, &other.roots)
            && self.overlay == other.overlay
            && self.live.len() == other.live.len()
            && self.live.iter().zip(&other.live).all(|((a, entry), (b, other))| same_buffer(a, b) && entry == other)
    }
}

impl View {
    pub(in crate::workspace) fn new(
        roots: Arc<Roots>,
        buffers: Arc<Buffers>,
        overlay: Overlay,
        exclude: Exclude,
    ) -> View {
        let buffers = match exclude.is_empty() {
            true => buffers,
            false => Arc::new(buffers.without(|path| exclude.holds(&roots, path))),
        };
        View { roots, buffers, overlay, exclude }
    }

    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// The open documents but for excluded ones.
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

    /// The same picture with another buffer at `path`: what the editor held there before.
    pub fn with_buffer(&self, path: &DocPath, buffer: Buffer) -> View {
        let mut buffers = Buffers::clone(&self.buffers);
        buffers.set(path.clone(), buffer);
        View { buffers: Arc::new(buffers), ..self.clone() }
    }

    /// What a look at a file's entry on the disk tells, without reading it: another one says that it was written. `None` where
    /// there is no file. Blocks on the disk, for microseconds.
    pub fn entry(&self, path: &DocPath) -> Option<Entry> {
        let (root, rel) = self.file(path).ok()?;
        entry(&root.dir, rel)
    }

    /// What tells whether a look at the documents of `overlay` would find what it finds now. Costs a look at an entry for each
    /// that is not open. `None` where entries can not tell. Take it before the look.
    pub fn glimpse(&self, overlay: &Overlay) -> Option<Glimpse> {
        let mut live = Vec::new();
        for path in overlay.iter().flat_map(|(path, file)| std::iter::once(path).chain(&file.moved_from)) {
            let entry = match self.buffers.get(path) {
                Some(_) => None,
                None => self.entry(path),
            };
            if entry.is_some_and(|entry| !entry.is_settled()) {
                return None;
            }
            live.push((self.buffers.get(path).cloned(), entry));
        }
        Some(Glimpse { roots: Arc::clone(&self.roots), overlay: overlay.mark(), live })
    }

    /// Whether `path` is kept from whom this view is for: then it can not be read, and nothing be proposed for it.
    pub fn excludes(&self, path: &DocPath) -> bool {
        self.exclude.holds(&self.roots, path)
    }

    /// Whether a file that a walk met, and which is no link, is excluded. Asks nothing of the disk.
    pub fn excludes_name(&self, path: &DocPath) -> bool {
        self.exclude.names(&self.roots, path)
    }

    /// Whether anything is kept from whom this view is for.
    pub(in crate::workspace) fn excludes_something(&self) -> bool {
        !self.exclude.is_empty()
    }

    /// The same picture with another overlay.
    pub(in crate::workspace) fn with_overlay(&self, overlay: &Overlay) -> View {
        View { overlay: overlay.clone(), ..self.clone() }
    }

    /// The file that `path` leads to by a link: another name for what is read there. Asks the disk.
    pub fn link_target(&self, path: &DocPath) -> Option<DocPath> {
        target_of(&self.roots, path)
    }

    /// The document whole.
    pub fn read(&self, path: &DocPath) -> Result<Document, ReadError> {
        let Some(file) = self.overlay.get(path) else { return self.read_live(path) };
        self.check_shown(path)?;
        let text = file.current.clone().ok_or_else(|| ReadError::NotFound(self.roots.display(path)))?;
        let read_only = self.buffers.get(path).and_then(|buffer| lossy(buffer));
        Ok(Document { text, layer: Layer::Overlay, stamp: file.stamp, encoding: FileEncoding::Utf8, read_only })
    }

    /// The document whole, without the overlay: what the user has.
    pub fn read_live(&self, path: &DocPath) -> Result<Document, ReadError> {
        match self.buffers.get(path) {
            Some(buffer) => Ok(Document {
                text: buffer.text.clone(),
                layer: Layer::Buffer,
                stamp: Stamp::Buffer { version: buffer.version, hash: buffer.text.hash() },
                encoding: FileEncoding::Utf8,
                read_only: lossy(buffer),
            }),
            None => self.read_disk(path),
        }
    }

    /// What a read of the live document would see. Unreadable documents are not absent.
    pub fn live_stamp(&self, path: &DocPath) -> Result<Stamp, ReadError> {
        match self.read_live(path) {
            Ok(document) => Ok(document.stamp),
            Err(ReadError::NotFound(_)) => Ok(Stamp::Absent),
            Err(error) => Err(error),
        }
    }

    /// At most `limit` bytes from the start of a document, for files that [`View::read`] refuses as too large.
    pub fn read_head(&self, path: &DocPath, limit: usize) -> Result<Head, ReadError> {
        let (root, rel) = self.file(path)?;
        let read = read_bytes(&root.dir, rel, &self.roots.display(path), limit)?;
        let whole = if read.cut { trim_to_character(&read.bytes) } else { &read.bytes };
        let decoded = decode(whole);
        Ok(Head { text: decoded.text, encoding: decoded.encoding, size: read.size, cut: read.cut })
    }

    /// Whether a read would find a document.
    pub fn exists(&self, path: &DocPath) -> bool {
        match self.overlay.get(path) {
            Some(file) => file.current.is_some() && !self.excludes(path),
            None => self.exists_live(path),
        }
    }

    /// Whether a read without the overlay would find a document.
    pub fn exists_live(&self, path: &DocPath) -> bool {
        self.buffers.get(path).is_some() || self.file(path).is_ok_and(|(root, rel)| is_file(&root.dir, rel))
    }

    /// Whether a document can be made at `path`, where there is none: no folder stands there, no file on the way to it,
    /// and no link leads it elsewhere.
    pub fn check_new(&self, path: &DocPath) -> Result<(), ReadError> {
        let (root, rel) = self.file(path)?;
        let name = self.roots.display(path);
        let document = |rel: &str| DocPath::File { root: root.id, rel: rel.into() };
        for (at, _) in rel.match_indices('/') {
            let above = rel.get(..at).unwrap_or_default();
            if self.exists(&document(above)) {
                return Err(ReadError::Special(name, "beneath a file: choose another folder"));
            }
        }
        if through_link(&root.dir, rel) {
            return Err(ReadError::Special(name, "reached through a link: choose another name"));
        }
        let proposed_below = |(other, file): (&DocPath, &OverlayFile)| match other {
            DocPath::File { root: other, rel: below } => {
                *other == root.id
                    && file.current.is_some()
                    && below.strip_prefix(rel).is_some_and(|rest| rest.starts_with('/'))
            }
            DocPath::Virtual(_) => false,
        };
        if root.dir.is_dir(rel) || self.overlay.iter().any(proposed_below) {
            return Err(ReadError::Directory(name));
        }
        Ok(())
    }

    /// Whether the editor holds text that is not on the disk.
    pub fn is_dirty(&self, path: &DocPath) -> bool {
        self.buffers.get(path).is_some_and(|buffer| match self.read_disk(path) {
            Ok(document) => document.text != buffer.text,
            Err(_) => true,
        })
    }

    /// The document's URI: as the editor spells it where it is open, else a `file://` URL.
    pub fn uri(&self, path: &DocPath) -> String {
        if let Some(buffer) = self.buffers.get(path) {
            return buffer.uri.to_string();
        }
        let file_url = self.roots.absolute(path).and_then(|absolute| url::Url::from_file_path(absolute).ok());
        file_url.map_or_else(|| self.roots.display(path), String::from)
    }

    fn read_disk(&self, path: &DocPath) -> Result<Document, ReadError> {
        let (root, rel) = self.file(path)?;
        let name = self.roots.display(path);
        let bytes = read_whole(&root.dir, rel, &name, WHOLE_LIMIT)?;
        let decoded = decode(&bytes);
        let read_only = if !decoded.encoding.is_lossless() {
            Some(decoded.encoding.label().to_owned())
        } else if through_link(&root.dir, rel) {
            Some("reached through a symbolic link: edit the file that the link leads to".to_owned())
        } else {
            None
        };
        let stamp = Stamp::Disk { hash: ContentHash::of(&bytes) };
        Ok(Document { text: decoded.text, layer: Layer::Disk, stamp, encoding: decoded.encoding, read_only })
    }

    fn check_shown(&self, path: &DocPath) -> Result<(), ReadError> {
        if self.excludes(path) { Err(ReadError::Excluded(self.roots.display(path))) } else { Ok(()) }
    }

    /// Where a document is stored that may be shown.
    pub(in crate::workspace) fn file<'a>(&'a self, path: &'a DocPath) -> Result<(&'a Root, &'a str), ReadError> {
        self.check_shown(path)?;
        match path {
            DocPath::Virtual(uri) => Err(ReadError::NotOpen(uri.to_string())),
            DocPath::File { root, rel } => match self.roots.get(*root) {
                Some(root) => Ok((root, rel)),
                None => Err(ReadError::NotFound(rel.to_string())),
            },
        }
    }
}

fn lossy(buffer: &Buffer) -> Option<String> {
    buffer.lossy.then(|| "out of step with the editor, which sent characters that are no valid text".to_owned())
}

/// Without the part of a UTF-8 character that a cut left at the end.
fn trim_to_character(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => bytes.get(..error.valid_up_to()).unwrap_or(bytes),
        Ok(_) | Err(_) => bytes,
    }
}
