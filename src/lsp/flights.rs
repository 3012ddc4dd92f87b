//! Edits that are on their way to the editor, and what their documents held since they were sent.
//!
//! The editor's answer does not tell what it did; the texts do ([`Sent::verdict`]). They are kept for the documents in flight only,
//! change by change, so that the editor's step can be told from the typing. A flight ends when its edit is seen where it was
//! meant, or in the wrong place, which is told once; or when nobody expects it any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::agent::Session;
use crate::text::Text;
use crate::workspace::proposal::{Misapplied, Sent, Verdict};
use crate::workspace::{Buffer, DocPath, View};

/// Texts of a document that are kept. Older ones have been looked at by then: a look follows every pause in the typing.
const MOST_TEXTS: usize = 96;

/// Names a flight.
pub type FlightId = u64;

#[derive(Default)]
pub struct Flights {
    by_id: BTreeMap<FlightId, Flight>,
    next: FlightId,
}

/// What goes to the editor for one document.
#[derive(Clone, Debug)]
pub struct Document {
    pub path: DocPath,
    /// As people name it.
    pub name: String,
    pub sent: Arc<Sent>,
    /// What the document holds when nothing else happens.
    pub meant: Text,
}

struct Flight {
    session: Session,
    document: Document,
    texts: Vec<Text>,
    went: Went,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Went {
    Open,
    Right,
    Wrong,
}

/// An edit that is in the wrong place.
#[derive(Clone, Debug)]
pub struct Wrong {
    pub path: DocPath,
    pub name: String,
    pub step: Misapplied,
}

impl Flights {
    /// From here on the texts of these documents are kept.
    pub fn begin(&mut self, session: &Session, documents: Vec<Document>) -> Vec<FlightId> {
        let mut ids = Vec::with_capacity(documents.len());
        for document in documents {
            let flight = Flight { session: session.clone(), document, texts: Vec::new(), went: Went::Open };
            self.by_id.insert(self.next, flight);
            ids.push(self.next);
            self.next = self.next.wrapping_add(1);
        }
        ids
    }

    pub fn is_in_flight(&self, path: &DocPath) -> bool {
        self.by_id.values().any(|flight| flight.document.path == *path)
    }

    /// A document holds these texts one after the other. Called before the workspace has the last of them.
    pub fn passed(&mut self, path: &DocPath, buffers: &[Buffer]) {
        for flight in self.by_id.values_mut().filter(|flight| flight.document.path == *path) {
            for buffer in buffers {
                flight.session.passed(path, buffer.clone());
                flight.texts.push(buffer.text.clone());
            }
            let excess = flight.texts.len().saturating_sub(MOST_TEXTS);
            flight.texts.drain(..excess);
        }
    }

    pub fn end(&mut self, ids: &[FlightId]) {
        ids.iter().for_each(|id| drop(self.by_id.remove(id)));
    }

    pub fn is_any_open(&self, ids: &[FlightId]) -> bool {
        ids.iter().any(|id| self.by_id.get(id).is_some_and(|flight| flight.went == Went::Open))
    }

    /// Names of the documents whose edits went wrong.
    pub fn wrong(&self, ids: &[FlightId]) -> Vec<String> {
        let flights = ids.iter().filter_map(|id| self.by_id.get(id));
        flights.filter(|flight| flight.went == Went::Wrong).map(|flight| flight.document.name.clone()).collect()
    }

    /// The flights among `ids` that have come to no end, and what their documents held.
    pub fn open(&self, ids: &[FlightId]) -> Vec<(FlightId, Document, Vec<Text>)> {
        let open = |id: &FlightId| {
            let flight = self.by_id.get(id).filter(|flight| flight.went == Went::Open)?;
            Some((*id, flight.document.clone(), flight.texts.clone()))
        };
        ids.iter().filter_map(open).collect()
    }

    /// Takes note of what was found; what is news of the wrong ones.
    pub fn found(&mut self, found: Vec<(FlightId, Option<Wrong>)>) -> Vec<Wrong> {
        let mut news = Vec::new();
        for (id, wrong) in found {
            let Some(flight) = self.by_id.get_mut(&id).filter(|flight| flight.went == Went::Open) else { continue };
            flight.went = if wrong.is_some() { Went::Wrong } else { Went::Right };
            news.extend(wrong);
        }
        news
    }
}

/// What became of an edit, where that is clear: `Some(None)` if it is where it was meant. Blocks on the disk.
pub fn look(document: &Document, mut texts: Vec<Text>, live: &View) -> Option<Option<Wrong>> {
    if texts.is_empty() {
        // An editor may write a file that it never opens.
        texts.extend(live.read_live(&document.path).ok().map(|read| read.text));
    }
    if texts.last() == Some(&document.meant) {
        return Some(None);
    }
    match document.sent.verdict(&texts) {
        Verdict::Applied => Some(None),
        Verdict::Misapplied(step) => {
            Some(Some(Wrong { path: document.path.clone(), name: document.name.clone(), step }))
        }
        Verdict::NotYet | Verdict::Partly(_) => None,
    }
}
