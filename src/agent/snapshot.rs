//! A session's proposal as records: what a restart needs beside the trace, and what is written of it.
//!
//! Each record tells what differs from all records before it. Files are named by their root's folder, because the ids of roots
//! live no longer than the process. A text is named by its hash wherever it is not short: it stands in the record that first
//! names it, or, where it is large, in the session's blobs.

mod first;
mod history;
mod texts;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::text::diff::Change;
use crate::text::{ContentHash, Edit, Text};
use crate::workspace::{Author, DocPath, HunkId, OverlayFile, RootId, Roots, Stamp};

pub(in crate::agent) use first::{BACKUP, FILE as FIRST_FILE, read as read_first};
pub(in crate::agent) use history::Past;
pub(in crate::agent) use texts::{Held, TextsIn, TextsOut};

/// The file's name in the session's folder.
pub(in crate::agent) const FILE: &str = "proposal.ledger";

/// The version of the records that are written: the first was a file that held all of it.
pub(in crate::agent) const VERSION: u32 = 2;

/// What became different.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::agent) struct Record {
    /// This is all there is: what stood before is void.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Touched>,
    /// Places in the history of accepted hunks, and what stands there now; each is among those before, or the next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<(usize, Past)>,
    /// The history ends here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_length: Option<usize>,
    /// Hunks whose text the user changed, and the ids that they had before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub amended: BTreeMap<String, String>,
    /// All hunks that were sent to an editor and not found in the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unverified: Option<BTreeMap<String, Doubt>>,
    /// Texts that this record and later ones name, by their hash.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, String>,
}

/// What a document held when a hunk that had been sent was not found in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::agent) struct Doubt {
    name: Name,
    /// The hash of its text; without one there was no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// A touched document; without a `file` nothing is proposed for it any more.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::agent) struct Touched {
    pub name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<File>,
}

/// What is proposed for a document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::agent) struct File {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<Held>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current: Option<Current>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    looked: Option<Held>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved_from: Option<Name>,
    turn: String,
    call: String,
    /// Ids that must not be given to other hunks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    decided: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Current {
    Text(Held),
    /// The base with these changes: hunks that touch stay apart, which a diff made anew would join.
    Changes(Vec<Changed>),
}

/// Bytes of the base, and what stands there instead.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Changed {
    old: (usize, usize),
    new: Held,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hunk: Option<String>,
}

/// A document, whatever number its root has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::agent) enum Name {
    File { root: PathBuf, path: String },
    Virtual(String),
}

/// The folders of roots, also of those that have been closed.
#[derive(Debug, Default)]
pub(in crate::agent) struct Folders {
    paths: BTreeMap<RootId, PathBuf>,
}

/// All records, one after the other.
#[derive(Debug, Default)]
pub(in crate::agent) struct State {
    pub files: BTreeMap<Name, File>,
    pub history: Vec<Past>,
    pub amended: BTreeMap<String, String>,
    pub unverified: BTreeMap<String, Doubt>,
    pub texts: BTreeMap<String, String>,
}

impl State {
    pub fn add(&mut self, record: Record) {
        let Record { whole, files, history, history_length, amended, unverified, texts } = record;
        if whole {
            *self = State::default();
        }
        self.texts.extend(texts);
        self.amended.extend(amended);
        self.unverified = unverified.unwrap_or_else(|| std::mem::take(&mut self.unverified));
        for Touched { name, file } in files {
            match file {
                Some(file) => drop(self.files.insert(name, file)),
                None => drop(self.files.remove(&name)),
            }
        }
        for (at, past) in history {
            match self.history.get_mut(at) {
                Some(place) => *place = past,
                None => self.history.push(past),
            }
        }
        if let Some(length) = history_length {
            self.history.truncate(length);
        }
    }
}

impl Doubt {
    /// `None` where the document can not be named.
    pub fn of(path: &DocPath, stamp: Stamp, folders: &Folders) -> Option<Doubt> {
        let text = match stamp {
            Stamp::Buffer { hash, .. } | Stamp::Disk { hash } => Some(hash.to_hex()),
            Stamp::Absent => None,
        };
        Some(Doubt { name: folders.name(path)?, text })
    }

    /// `None` where it lies in a folder that is not open.
    pub fn read(&self, roots: &Roots) -> Option<(DocPath, Stamp)> {
        let stamp = match &self.text {
            Some(hash) => Stamp::Disk { hash: ContentHash::of_hex(hash)? },
            None => Stamp::Absent,
        };
        Some((self.name.resolve(roots)?, stamp))
    }
}

impl File {
    /// `file` as it is written. `None` if it moved from a document that can not be named.
    pub fn of(file: &OverlayFile, folders: &Folders, texts: &mut TextsOut<'_>) -> io::Result<Option<File>> {
        let moved_from = match &file.moved_from {
            Some(from) => match folders.name(from) {
                Some(name) => Some(name),
                None => return Ok(None),
            },
            None => None,
        };
        Ok(Some(File {
            base: file.base.as_ref().map(|base| texts.hold_text(base)).transpose()?,
            current: file.current.as_ref().map(|current| Current::of(file, current, texts)).transpose()?,
            looked: file.looked().map(|looked| texts.hold_text(looked)).transpose()?,
            moved_from,
            turn: file.author.turn.clone(),
            call: file.author.call.clone(),
            decided: file.decided.iter().map(|id| id.0.clone()).collect(),
        }))
    }

    /// What was written. `None` if it moved from a folder that is not open.
    pub fn read(&self, roots: &Roots, texts: &TextsIn<'_>) -> io::Result<Option<OverlayFile>> {
        let moved_from = match &self.moved_from {
            Some(name) => match name.resolve(roots) {
                Some(from) => Some(from),
                None => return Ok(None),
            },
            None => None,
        };
        let text = |held: &Held| texts.text(held);
        let base = self.base.as_ref().map(text).transpose()?;
        let looked = self.looked.as_ref().map(text).transpose()?;
        let author = Author { turn: self.turn.clone(), call: self.call.clone() };
        let mut file = match &self.current {
            None => OverlayFile::kept(base, None, Vec::new(), looked, author),
            Some(Current::Text(held)) => {
                let stamp = base.as_ref().map_or(Stamp::Absent, |base| Stamp::Disk { hash: base.hash() });
                OverlayFile::new(base, stamp, Some(text(held)?), author)
            }
            Some(Current::Changes(changes)) => {
                let (current, changes) =
                    apply(base.as_ref().ok_or_else(|| invalid("changes of no text"))?, changes, texts)?;
                OverlayFile::kept(base, Some(current), changes, looked, author)
            }
        };
        file.moved_from = moved_from;
        file.decided = self.decided.iter().cloned().map(HunkId).collect();
        Ok(Some(file))
    }

    /// The same, moved from a document of this name.
    pub fn moved_from(self, moved_from: Option<Name>) -> File {
        File { moved_from, ..self }
    }

    /// The texts that it names.
    pub fn texts(&self) -> impl Iterator<Item = &Held> {
        let current: Vec<&Held> = match &self.current {
            None => Vec::new(),
            Some(Current::Text(held)) => vec![held],
            Some(Current::Changes(changes)) => changes.iter().map(|change| &change.new).collect(),
        };
        self.base.iter().chain(&self.looked).chain(current)
    }
}

impl Current {
    fn of(file: &OverlayFile, current: &Text, texts: &mut TextsOut<'_>) -> io::Result<Current> {
        let Some(base) = &file.base else { return Ok(Current::Text(texts.hold_text(current)?)) };
        let new = |change: &Change| current.slice(change.new.clone()).unwrap_or_default();
        let edits: Vec<Edit> =
            file.changes().map(|(change, _)| Edit { range: change.old.clone(), insert: new(change) }).collect();
        // This must hold; if it did not, other text would come back than went in.
        if base.apply_all(&edits).ok().as_ref() != Some(current) {
            tracing::error!("a proposal's changes do not make its text");
            return Ok(Current::Text(texts.hold_text(current)?));
        }
        let changes = edits.into_iter().zip(file.changes()).map(|(edit, (_, hunk))| {
            let hunk = hunk.map(|hunk| hunk.0.clone());
            Ok(Changed { old: (edit.range.start, edit.range.end), new: texts.hold(edit.insert)?, hunk })
        });
        Ok(Current::Changes(changes.collect::<io::Result<_>>()?))
    }
}

/// A change, and the id of its hunk where it has one.
type Named = (Change, Option<HunkId>);

/// The text that the changes make, and the changes in bytes of both, with the ids of their hunks.
fn apply(base: &Text, changes: &[Changed], texts: &TextsIn<'_>) -> io::Result<(Text, Vec<Named>)> {
    let mut edits = Vec::with_capacity(changes.len());
    let mut kept: Vec<Named> = Vec::with_capacity(changes.len());
    for change in changes {
        let old = change.old.0..change.old.1;
        let insert = texts.string(&change.new)?;
        let (old_end, new_end) = kept.last().map_or((0, 0), |(last, _)| (last.old.end, last.new.end));
        let between = old.start.checked_sub(old_end).ok_or_else(|| invalid("changes out of order"))?;
        let start = new_end.saturating_add(between);
        let made = Change { old: old.clone(), new: start..start.saturating_add(insert.len()) };
        kept.push((made, change.hunk.clone().map(HunkId)));
        edits.push(Edit { range: old, insert });
    }
    let current = base.apply_all(&edits).map_err(|_| invalid("changes that do not fit their text"))?;
    Ok((current, kept))
}

impl Folders {
    /// Remembers the folders that are open.
    pub fn learn(&mut self, roots: &Roots) {
        self.paths.extend(roots.iter().map(|root| (root.id, root.path.clone())));
    }

    pub fn name(&self, path: &DocPath) -> Option<Name> {
        match path {
            DocPath::File { root, rel } => {
                Some(Name::File { root: self.paths.get(root)?.clone(), path: rel.to_string() })
            }
            DocPath::Virtual(uri) => Some(Name::Virtual(uri.to_string())),
        }
    }
}

impl Name {
    /// The document, if its folder is open.
    pub fn resolve(&self, roots: &Roots) -> Option<DocPath> {
        match self {
            Name::File { root, path } => {
                let root = roots.iter().find(|open| open.path == *root)?;
                Some(DocPath::File { root: root.id, rel: path.as_str().into() })
            }
            Name::Virtual(uri) => Some(DocPath::Virtual(uri.as_str().into())),
        }
    }

    /// The folder that it lies in.
    pub fn folder(&self) -> Option<&PathBuf> {
        match self {
            Name::File { root, .. } => Some(root),
            Name::Virtual(_) => None,
        }
    }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
