//! Buffers and proposals in a shadow: what they put there, and which files of the disk they stand for.

use std::collections::HashMap;

use super::fill::disk_stat;
use super::inspect::is_unseen;
use super::left_out::{LeftOut, Reason, leave_out};
use super::manifest::{Entry, Held, Manifest, Source};
use super::{Limits, ShadowError, folder, names};
use crate::text::decode::{decode, encode};
use crate::text::{ContentHash, FileEncoding};
use crate::workspace::{DocPath, Root, View};

/// What lies above the disk in one workspace folder, by folder and name.
#[derive(Default)]
pub(super) struct Layers {
    folders: HashMap<Vec<u8>, HashMap<Vec<u8>, Option<DocPath>>>,
}

/// What was done with what lies above the disk.
#[derive(Default)]
pub(super) struct Put {
    pub changes: Vec<(Box<[u8]>, Box<[u8]>, Option<Entry>)>,
    pub written: usize,
    pub overwritten: Vec<LeftOut>,
}

impl Layers {
    pub fn of(view: &View, root: &Root) -> Layers {
        let mut layers = Layers::default();
        let proposed = view.overlay().iter().map(|(path, file)| (path, file.current.is_some(), file.base.is_none()));
        let open = view.buffers().iter().map(|(path, _)| (path, true, false));
        for (path, puts, ours) in open.chain(proposed) {
            let Some(absolute) = view.roots().absolute(path) else { continue };
            let Ok(rel) = absolute.strip_prefix(&root.path) else { continue };
            let rel = rel.as_os_str().as_encoded_bytes();
            let (folder, name) = folder::split(rel);
            let in_repository = rel.split(|byte| *byte == b'/').any(|part| part == b".git");
            // A file with keys that the model wrote itself is no secret.
            if in_repository || (names::is_secret(name) && !ours) || view.excludes(path) {
                continue;
            }
            let names = layers.folders.entry(folder.to_vec()).or_default();
            names.insert(name.to_vec(), puts.then(|| path.clone()));
        }
        layers
    }

    /// Whether something stands for the file of the disk, or for its absence.
    pub fn has(&self, folder: &[u8], name: &[u8]) -> bool {
        !self.folders.is_empty() && self.folders.get(folder).is_some_and(|names| names.contains_key(name))
    }

    /// Whether there is a text for this name.
    pub fn puts(&self, folder: &[u8], name: &[u8]) -> bool {
        self.folders.get(folder).and_then(|names| names.get(name)).is_some_and(Option::is_some)
    }

    /// Writes the texts that the shadow does not hold yet.
    pub fn put(
        &self,
        view: &View,
        root: &Root,
        shadow: &std::os::fd::OwnedFd,
        manifest: &Manifest,
        limits: Limits,
    ) -> Result<Put, ShadowError> {
        let mut put = Put::default();
        for (folder, names) in &self.folders {
            for (name, path) in names {
                let Some(document) = path.as_ref().and_then(|path| view.read(path).ok()) else { continue };
                let rel = folder::join(folder, name);
                let failed = |error: &std::io::Error| ShadowError::write(&rel, error);
                let known = manifest.get(folder, name);
                let disk = path.as_ref().and_then(|path| stored(view, root, &rel, path));
                let encoding = disk.map_or(FileEncoding::Utf8, |disk| disk.encoding);
                // A mode that a command gave to its own file stays: a text has none.
                let held_mode = known.and_then(|entry| entry.held).is_some_and(|held| held.stat.is_executable());
                let executable = disk.map_or(held_mode, |disk| disk.executable);
                let source = Source::Text { hash: document.text.hash(), encoding, executable };
                if known.is_some_and(|entry| entry.source == source) {
                    continue;
                }
                let Some(bytes) = encode(&document.text, encoding) else { continue };
                if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limits.file {
                    continue;
                }
                let hash = ContentHash::of(&bytes);
                let held = match known.and_then(|entry| entry.held) {
                    Some(held) if held.is_file(hash, executable) => held,
                    Some(_) | None => {
                        let opened = folder::make(shadow, folder).map_err(|error| failed(&error))?;
                        if is_unseen(&opened, name, known, Some(hash)) {
                            leave_out(&mut put.overwritten, &rel, Reason::Overwritten);
                        }
                        let stat = folder::write(opened, name, &bytes, executable, known.is_none());
                        put.written = put.written.saturating_add(1);
                        Held { stat: stat.map_err(|error| failed(&error))?, hash, racy: true }
                    }
                };
                let entry = Entry { source, held: Some(held) };
                put.changes.push((folder.as_slice().into(), name.as_slice().into(), Some(entry)));
            }
        }
        Ok(put)
    }
}

/// How a document's file is stored.
#[derive(Clone, Copy)]
struct Stored {
    encoding: FileEncoding,
    executable: bool,
}

/// The file of a document, or the one that it is proposed to move from.
fn stored(view: &View, root: &Root, rel: &[u8], path: &DocPath) -> Option<Stored> {
    let at = |rel: &[u8]| {
        let stat = disk_stat(root, rel)?;
        let (above, name) = folder::split(rel);
        let mut start = Vec::new();
        let opened = folder::open(&*root.dir, above).ok()?;
        let (file, _) = folder::open_file(opened, name).ok().flatten()?;
        std::io::Read::read_to_end(&mut std::io::Read::take(file, 3), &mut start).ok()?;
        let encoding = decode(&start).encoding;
        // A text that an editor has of a file in another encoding is given as the text it is.
        let encoding = if encoding == FileEncoding::Utf8Bom { encoding } else { FileEncoding::Utf8 };
        Some(Stored { encoding, executable: stat.is_executable() })
    };
    at(rel).or_else(|| {
        let from = view.overlay().get(path)?.moved_from.as_ref()?;
        let absolute = view.roots().absolute(from)?;
        at(absolute.strip_prefix(&root.path).ok()?.as_os_str().as_encoded_bytes())
    })
}
