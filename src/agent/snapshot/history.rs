//! The accepted hunks of a session, within records: what taking them back needs.

use std::io;

use serde::{Deserialize, Serialize};

use super::{Folders, Held, Name, TextsIn, TextsOut};
use crate::agent::history::Entry;
use crate::workspace::proposal::{Landed, What};
use crate::workspace::{Applied, HunkId, Roots};

/// An [`Entry`] as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::agent) struct Past {
    hunk: String,
    name: Name,
    turn: String,
    what: PastWhat,
    batch: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undone: Option<u64>,
    label: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PastWhat {
    Edit { text: Held, range: (usize, usize), replaced: Held },
    Create(Held),
    Delete(Held),
    Rename { from: Name },
}

impl Past {
    /// `None` if it speaks of a document that can not be named.
    pub fn of(entry: &Entry, folders: &Folders, texts: &mut TextsOut<'_>) -> io::Result<Option<Past>> {
        let Applied { hunk, path, turn, what } = &entry.applied;
        let Some(name) = folders.name(path) else { return Ok(None) };
        let what = match what {
            What::Edit(Landed { text, range, replaced }) => PastWhat::Edit {
                text: texts.hold_text(text)?,
                range: (range.start, range.end),
                replaced: texts.hold(replaced.clone())?,
            },
            What::Create(text) => PastWhat::Create(texts.hold_text(text)?),
            What::Delete(text) => PastWhat::Delete(texts.hold_text(text)?),
            What::Rename { from } => match folders.name(from) {
                Some(from) => PastWhat::Rename { from },
                None => return Ok(None),
            },
        };
        Ok(Some(Past {
            hunk: hunk.0.clone(),
            name,
            turn: turn.clone(),
            what,
            batch: entry.batch,
            undone: entry.undone,
            label: entry.label.clone(),
        }))
    }

    /// `None` if its folder is not open.
    pub fn read(&self, roots: &Roots, texts: &TextsIn<'_>) -> io::Result<Option<Entry>> {
        let Some(path) = self.name.resolve(roots) else { return Ok(None) };
        let what = match &self.what {
            PastWhat::Edit { text, range, replaced } => What::Edit(Landed {
                text: texts.text(text)?,
                range: range.0..range.1,
                replaced: texts.string(replaced)?,
            }),
            PastWhat::Create(text) => What::Create(texts.text(text)?),
            PastWhat::Delete(text) => What::Delete(texts.text(text)?),
            PastWhat::Rename { from } => match from.resolve(roots) {
                Some(from) => What::Rename { from },
                None => return Ok(None),
            },
        };
        let applied = Applied { hunk: HunkId(self.hunk.clone()), path, turn: self.turn.clone(), what };
        Ok(Some(Entry { applied, batch: self.batch, undone: self.undone, label: self.label.clone() }))
    }

    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The texts that it names.
    pub fn texts(&self) -> impl Iterator<Item = &Held> {
        let held: Vec<&Held> = match &self.what {
            PastWhat::Edit { text, replaced, .. } => vec![text, replaced],
            PastWhat::Create(text) | PastWhat::Delete(text) => vec![text],
            PastWhat::Rename { .. } => Vec::new(),
        };
        held.into_iter()
    }
}
