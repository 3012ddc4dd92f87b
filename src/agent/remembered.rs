//! The hunks that a session remembers as they were shown, found by their ids however many there are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::event::{ProposedFile, ProposedHunk};

/// The proposal as it was last shown.
#[derive(Debug, Default)]
pub(in crate::agent) struct Shown {
    files: Arc<Vec<ProposedFile>>,
    /// File and hunk of each id.
    at: HashMap<String, (usize, usize)>,
    /// Shown before, and neither there any more nor decided: the text may hold them, and nobody has looked yet.
    gone: HashMap<String, ProposedFile>,
}

/// Decided hunks, each in a file of its own, in the order of the decisions.
#[derive(Debug, Default)]
pub(in crate::agent) struct Decided {
    by_number: BTreeMap<u64, ProposedFile>,
    numbers: HashMap<String, u64>,
    next: u64,
}

impl Shown {
    /// Whether these are the files as they were last shown, with nothing decided since.
    pub fn is(&self, files: &Arc<Vec<ProposedFile>>) -> bool {
        self.gone.is_empty()
            && self.at.len() == files.iter().map(|file| file.hunks.len()).sum::<usize>()
            && (Arc::ptr_eq(&self.files, files) || self.files == *files)
    }

    pub fn set(&mut self, files: Arc<Vec<ProposedFile>>) {
        let hunks = files.iter().enumerate().flat_map(|(at, file)| {
            file.hunks.iter().enumerate().map(move |(index, hunk)| (hunk.hunk.clone(), (at, index)))
        });
        let at = hunks.collect::<HashMap<_, _>>();
        let gone: Vec<&String> = self.at.keys().filter(|id| !at.contains_key(*id)).collect();
        let gone: Vec<ProposedFile> = gone.into_iter().filter_map(|id| self.only(id)).collect();
        for file in gone {
            if let Some(hunk) = file.hunks.first() {
                self.gone.insert(hunk.hunk.clone(), file);
            }
        }
        self.gone.retain(|id, _| !at.contains_key(id));
        self.at = at;
        self.files = files;
    }

    /// A hunk has been decided.
    pub fn forget(&mut self, id: &str) {
        self.at.remove(id);
        self.gone.remove(id);
    }

    /// What is neither there nor decided by now, the model has made anew.
    pub fn forget_gone(&mut self) {
        self.gone.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub fn holds(&self, id: &str) -> bool {
        self.at.contains_key(id)
    }

    pub fn hunk(&self, id: &str) -> Option<(&ProposedFile, &ProposedHunk)> {
        let Some((file, hunk)) = self.at.get(id) else {
            let file = self.gone.get(id)?;
            return Some((file, file.hunks.first()?));
        };
        let file = self.files.get(*file)?;
        Some((file, file.hunks.get(*hunk)?))
    }

    /// The file with this hunk alone.
    pub fn only(&self, id: &str) -> Option<ProposedFile> {
        let (file, hunk) = self.hunk(id)?;
        Some(ProposedFile {
            uri: file.uri.clone(),
            path: file.path.clone(),
            change: file.change,
            old_uri: file.old_uri.clone(),
            hunks: vec![hunk.clone()],
        })
    }
}

impl Decided {
    pub fn clear(&mut self) {
        *self = Decided::default();
    }

    /// `file` with one hunk; takes the place of an earlier decision about it.
    pub fn push(&mut self, file: ProposedFile) {
        let Some(hunk) = file.hunks.first() else { return };
        if let Some(earlier) = self.numbers.insert(hunk.hunk.clone(), self.next) {
            self.by_number.remove(&earlier);
        }
        self.by_number.insert(self.next, file);
        self.next = self.next.saturating_add(1);
    }

    pub fn get(&self, id: &str) -> Option<&ProposedFile> {
        self.by_number.get(self.numbers.get(id)?)
    }

    pub fn is_empty(&self) -> bool {
        self.by_number.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &ProposedFile> {
        self.by_number.values()
    }
}
