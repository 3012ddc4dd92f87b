//! What commands changed in a shadow, as proposals.

use super::folder;
use super::inspect::{Difference, Now};
use super::left_out::{LeftOut, Reason, leave_out};
use super::manifest::{Entry, Manifest, Source};
use super::names;
use crate::text::decode::decode;
use crate::text::{ContentHash, FileEncoding, Text};
use crate::workspace::protected::is_in_repository;
use crate::workspace::view::WHOLE_LIMIT;
use crate::workspace::{Author, DocPath, Document, Overlay, Root, Roots, Stamp, View};

/// Most files that are taken over at once.
const MOST: usize = 2_000;
/// Most names of each sort that a summary names.
const NAMED: usize = 20;

/// What commands changed, ready to be proposed.
#[derive(Default)]
pub struct Changes {
    pub(super) documents: Vec<Change>,
    pub(super) left_out: Vec<LeftOut>,
}

pub(super) struct Change {
    path: DocPath,
    seen: Option<Document>,
    text: Option<Text>,
}

/// What was taken into the overlay, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Absorbed {
    pub changed: Vec<DocPath>,
    pub created: Vec<DocPath>,
    pub deleted: Vec<DocPath>,
    pub left_out: Vec<LeftOut>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.left_out.is_empty()
    }

    /// Proposes them. Waits for nothing, so an overlay may be locked for it.
    pub fn propose(self, roots: &Roots, overlay: &mut Overlay, author: &Author) -> Absorbed {
        let mut absorbed = Absorbed { left_out: self.left_out, ..Absorbed::default() };
        for Change { path, seen, text } in self.documents {
            let (had, has) = (seen.is_some(), text.is_some());
            if overlay.write(&path, seen.as_ref(), text, author.clone()).is_err() {
                leave_out(&mut absorbed.left_out, roots.display(&path).as_bytes(), Reason::Stale);
                continue;
            }
            match (had, has) {
                (true, true) => absorbed.changed.push(path),
                (false, _) => absorbed.created.push(path),
                (true, false) => absorbed.deleted.push(path),
            }
        }
        absorbed
    }
}

impl Absorbed {
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.created.is_empty() && self.deleted.is_empty() && self.left_out.is_empty()
    }

    /// A line for each sort of change, for the model; empty if there was none.
    pub fn summary(&self, roots: &Roots) -> String {
        let names = |paths: &[DocPath]| -> Vec<String> {
            paths.iter().map(|path| format!("`{}`", super::left_out::shown(roots.display(path).as_bytes()))).collect()
        };
        let left_out = self.left_out.iter().map(|out| format!("`{}` ({})", out.name, out.reason)).collect();
        let sorts = [
            ("changed", names(&self.changed)),
            ("created", names(&self.created)),
            ("deleted", names(&self.deleted)),
            ("not taken over", left_out),
        ];
        sorts.into_iter().filter(|(_, names)| !names.is_empty()).map(|(sort, names)| line(sort, &names)).collect()
    }
}

fn line(sort: &str, names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    match more {
        0 => format!("{sort}: {}\n", named.join(", ")),
        more => format!("{sort}: {}, and {more} more\n", named.join(", ")),
    }
}

/// Sorts what was found into what can be proposed and what not, and brings the manifest up to it.
pub(super) struct Sort<'a> {
    pub root: &'a Root,
    /// What there is now, the overlay with what of this was taken already.
    pub view: View,
    /// What the shadow was last brought in step with.
    pub synced: &'a View,
    pub manifest: &'a mut Manifest,
    pub changes: &'a mut Changes,
}

enum Outcome {
    Propose(Change, Entry),
    /// It stays in the shadow as it is.
    Stay(Reason, Entry),
    /// The shadow gets the workspace's own again.
    Restore(Reason),
    Forget,
}

impl Sort<'_> {
    pub fn take(&mut self, mut differences: Vec<Difference>) {
        // What goes makes room for what comes under the same name.
        differences.sort_by_key(|difference| !matches!(difference.now, Now::Gone));
        for difference in differences {
            let rel = folder::join(&difference.folder, &difference.name);
            let outcome = self.outcome(&rel, &difference.name, difference.entry, difference.now);
            let entry = match outcome {
                Outcome::Propose(change, _) if self.changes.documents.len() >= MOST => {
                    self.leave(self.shown(&change.path), Reason::TooMany);
                    difference.entry.map(|entry| Entry { source: Source::Unknown, ..entry })
                }
                Outcome::Propose(change, entry) => self.propose(change, entry, difference.entry),
                Outcome::Stay(reason, entry) => {
                    self.leave(self.name(&rel), reason);
                    Some(entry)
                }
                Outcome::Restore(reason) => {
                    self.leave(self.name(&rel), reason);
                    difference.entry.map(|_| Entry { source: Source::Unknown, held: None })
                }
                Outcome::Forget => None,
            };
            self.manifest.set(&difference.folder, &difference.name, entry);
        }
    }

    /// Tries it on an overlay of its own, so that what follows is judged by it.
    fn propose(&mut self, change: Change, entry: Entry, before: Option<Entry>) -> Option<Entry> {
        let mut overlay = self.view.overlay().clone();
        let (seen, text) = (change.seen.as_ref(), change.text.clone());
        if overlay.write(&change.path, seen, text, Author::default()).is_err() {
            self.leave(self.shown(&change.path), Reason::Stale);
            return before.map(|_| Entry { source: Source::Unknown, held: None });
        }
        self.view = self.view.with_overlay(&overlay);
        self.changes.documents.push(change);
        Some(entry)
    }

    fn outcome(&self, rel: &[u8], name: &[u8], entry: Option<Entry>, now: Now) -> Outcome {
        let made_by_command = entry.is_none_or(|entry| entry.source == Source::Command);
        let (held, bytes) = match now {
            Now::Gone if made_by_command => return Outcome::Forget,
            Now::Gone => return self.gone(rel, entry),
            Now::Folder if made_by_command => return Outcome::Forget,
            Now::Folder => return Outcome::Restore(Reason::Special("a folder in place of a file")),
            Now::Unreadable(error) => {
                let (reason, held) = (Reason::Unreadable(error), entry.and_then(|entry| entry.held));
                let source = entry.map_or(Source::Command, |entry| entry.source);
                return Outcome::Stay(reason, Entry { source, held });
            }
            Now::Link(held) if made_by_command => {
                return Outcome::Stay(Reason::Link, Entry { source: Source::Command, held: Some(held) });
            }
            Now::Special(what, held) if made_by_command => {
                return Outcome::Stay(Reason::Special(what), Entry { source: Source::Command, held: Some(held) });
            }
            Now::Link(_) => return Outcome::Restore(Reason::Link),
            Now::Special(what, _) => return Outcome::Restore(Reason::Special(what)),
            Now::File { held, bytes } => (held, bytes),
        };
        let source = match entry {
            Some(Entry { source: Source::Link { .. }, .. }) => {
                return Outcome::Restore(Reason::Special("a file in place of a link"));
            }
            Some(entry) if !made_by_command => Some(entry.source),
            Some(_) | None => None,
        };
        let stay =
            |reason| Outcome::Stay(reason, Entry { source: source.unwrap_or(Source::Command), held: Some(held) });
        let path = match self.document(rel) {
            Ok(path) => path,
            Err(reason) => return stay(reason),
        };
        let Some(bytes) = bytes else {
            let limit = u64::try_from(WHOLE_LIMIT).unwrap_or(u64::MAX);
            let reason = if held.stat.size > limit { Reason::TooLarge(held.stat.size, limit) } else { Reason::TooMany };
            return stay(reason);
        };
        let decoded = decode(&bytes);
        if !decoded.encoding.is_lossless() {
            return stay(Reason::NotText(decoded.encoding.label()));
        }
        let seen = match source {
            None if names::is_secret(name) && self.view.exists_live(&path) => return stay(Reason::Kept),
            None if self.view.exists(&path) => return stay(Reason::Kept),
            None => match self.view.check_new(&path) {
                Ok(()) => None,
                Err(error) => return stay(Reason::NotNew(error.to_string())),
            },
            Some(source) => match self.base(&path, source) {
                Ok(document) => Some(document),
                // The workspace's own is as good as a command's: the next sync tells.
                Err(Reason::Stale) => return Outcome::Restore(Reason::Stale),
                Err(reason) => return stay(reason),
            },
        };
        if seen.as_ref().is_some_and(|seen| seen.text == decoded.text) {
            return stay(Reason::NotItsText);
        }
        let executable = held.stat.is_executable();
        let source = Source::Text { hash: decoded.text.hash(), encoding: decoded.encoding, executable };
        let change = Change { path, seen, text: Some(decoded.text) };
        Outcome::Propose(change, Entry { source, held: Some(held) })
    }

    fn gone(&self, rel: &[u8], entry: Option<Entry>) -> Outcome {
        let Some(entry) = entry else { return Outcome::Forget };
        let stay = |reason| Outcome::Stay(reason, Entry { source: entry.source, held: None });
        if let Source::Link { .. } = entry.source {
            return stay(Reason::Link);
        }
        let path = match self.document(rel) {
            Ok(path) => path,
            Err(reason) => return stay(reason),
        };
        match self.base(&path, entry.source) {
            Ok(seen) => {
                let change = Change { path, seen: Some(seen), text: None };
                Outcome::Propose(change, Entry { source: Source::Unknown, held: None })
            }
            Err(Reason::Stale) => Outcome::Restore(Reason::Stale),
            Err(reason) => stay(reason),
        }
    }

    /// The document a command made its change from: what the shadow held when the command began.
    fn base(&self, path: &DocPath, source: Source) -> Result<Document, Reason> {
        let is_base = |document: &Document| match source {
            Source::Text { hash, .. } => document.text.hash() == hash,
            Source::Disk { hash, .. } => holds(document, hash),
            Source::Unknown | Source::Command | Source::Link { .. } => false,
        };
        let document = [&self.view, self.synced].into_iter().filter_map(|view| view.read(path).ok()).find(is_base);
        match document {
            None => Err(match self.view.read(path) {
                Ok(Document { read_only: Some(reason), .. }) => Reason::ReadOnly(reason),
                Ok(_) | Err(_) => Reason::Stale,
            }),
            Some(Document { read_only: Some(reason), .. }) => Err(Reason::ReadOnly(reason)),
            Some(document) => Ok(document),
        }
    }

    /// The document that a file of the shadow stands for, if it may be one.
    fn document(&self, rel: &[u8]) -> Result<DocPath, Reason> {
        let name = std::str::from_utf8(rel).map_err(|_| Reason::Name("it is not UTF-8".to_owned()))?;
        if is_in_repository(name) {
            return Err(Reason::Repository);
        }
        let roots = self.view.roots();
        let path = roots.of_absolute(&self.root.path.join(name));
        let path = path.ok_or_else(|| Reason::Name("it lies in no workspace folder".to_owned()))?;
        if self.view.excludes(&path) {
            return Err(Reason::Kept);
        }
        // A name that a command gave comes from outside; one that the workspace has is there.
        if !self.view.exists(&path) {
            roots.resolve(&roots.display(&path)).map_err(|error| Reason::Name(error.to_string()))?;
        }
        Ok(path)
    }

    fn leave(&mut self, name: Vec<u8>, reason: Reason) {
        leave_out(&mut self.changes.left_out, &name, reason);
    }

    fn shown(&self, path: &DocPath) -> Vec<u8> {
        self.view.roots().display(path).into_bytes()
    }

    fn name(&self, rel: &[u8]) -> Vec<u8> {
        match self.view.roots().len() {
            0 | 1 => rel.to_vec(),
            _ => folder::join(self.root.name.as_bytes(), rel),
        }
    }
}

/// Whether a document has exactly the bytes of this hash, wherever it was read.
fn holds(document: &Document, hash: ContentHash) -> bool {
    match document.stamp {
        Stamp::Disk { hash: stored } if document.layer == crate::workspace::Layer::Disk => stored == hash,
        Stamp::Disk { .. } | Stamp::Buffer { .. } | Stamp::Absent => [FileEncoding::Utf8, FileEncoding::Utf8Bom]
            .into_iter()
            .filter_map(|encoding| crate::text::decode::encode(&document.text, encoding))
            .any(|bytes| ContentHash::of(&bytes) == hash),
    }
}
