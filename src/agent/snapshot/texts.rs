//! Texts within records: the short ones as they are, the others by their hash.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::{Deserialize, Serialize};

use super::invalid;
use crate::store::Store;
use crate::text::{ContentHash, Text};

/// Bytes of a text that is not worth a hash.
const SHORT: usize = 128;

/// Bytes of a text from which on it is a blob: most source files are not, and one record costs one wait for the disk.
const LARGE: usize = 32 * 1024;

/// A text, or the hash of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::agent) enum Held {
    Text(String),
    Hash(String),
}

impl Held {
    /// Its entry in a table of texts, if it stands there.
    pub fn of_table(&self, table: &BTreeMap<String, String>) -> Option<(String, String)> {
        match self {
            Held::Text(_) => None,
            Held::Hash(hash) => table.get(hash).map(|text| (hash.clone(), text.clone())),
        }
    }
}

/// Takes the texts of a record that is being made.
pub(in crate::agent) struct TextsOut<'a> {
    store: &'a Store,
    session: &'a str,
    /// Those that stand in earlier records.
    known: &'a BTreeSet<ContentHash>,
    /// Those that this record brings.
    pub fresh: BTreeMap<String, String>,
    pub hashes: BTreeSet<ContentHash>,
}

impl<'a> TextsOut<'a> {
    pub fn new(store: &'a Store, session: &'a str, known: &'a BTreeSet<ContentHash>) -> TextsOut<'a> {
        TextsOut { store, session, known, fresh: BTreeMap::new(), hashes: BTreeSet::new() }
    }

    pub fn hold_text(&mut self, text: &Text) -> io::Result<Held> {
        if text.len() > SHORT && self.has(text.hash()) {
            return Ok(Held::Hash(text.hash().to_hex()));
        }
        self.hold(text.to_string())
    }

    /// A blob is on the disk when this returns: before the record that names it.
    pub fn hold(&mut self, text: String) -> io::Result<Held> {
        if text.len() <= SHORT {
            return Ok(Held::Text(text));
        }
        if text.len() >= LARGE {
            return Ok(Held::Hash(self.store.put_durable_blob(self.session, text.as_bytes())?));
        }
        let hash = ContentHash::of(text.as_bytes());
        if !self.has(hash) {
            self.hashes.insert(hash);
            self.fresh.insert(hash.to_hex(), text);
        }
        Ok(Held::Hash(hash.to_hex()))
    }

    fn has(&self, hash: ContentHash) -> bool {
        self.known.contains(&hash) || self.hashes.contains(&hash)
    }
}

/// Gives the texts of records back.
pub(in crate::agent) struct TextsIn<'a> {
    pub store: &'a Store,
    pub session: &'a str,
    pub table: &'a BTreeMap<String, String>,
}

impl TextsIn<'_> {
    pub fn text(&self, held: &Held) -> io::Result<Text> {
        Ok(Text::new(&self.string(held)?))
    }

    pub fn string(&self, held: &Held) -> io::Result<String> {
        let hash = match held {
            Held::Text(text) => return Ok(text.clone()),
            Held::Hash(hash) => hash,
        };
        if let Some(text) = self.table.get(hash) {
            return Ok(text.clone());
        }
        let bytes = self.store.blob(self.session, hash)?;
        if ContentHash::of(&bytes).to_hex() != *hash {
            return Err(invalid("a blob that is not what it was"));
        }
        String::from_utf8(bytes).map_err(|_| invalid("a blob that is no text"))
    }
}
