//! The symbol around the cursor, by the last parse that succeeded, carried over the typing since then.
//!
//! Symbols are kept of every open document. Trees take many times the memory of their texts: they are kept of the few documents
//! that were typed in last, and brought up to date edit by edit.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

#[cfg(test)]
use crate::syntax::Language;
use crate::syntax::{Live, Symbols};
use crate::text::{Shift, Text};
use crate::workspace::DocPath;

/// The symbols of open documents. Parsed off the keystroke path; a document that was never parsed has none.
#[derive(Clone, Debug, Default)]
pub struct SymbolCache {
    parsed: BTreeMap<DocPath, Arc<Parsed>>,
    /// The trees of the documents that were typed in last, the latest behind.
    live: VecDeque<(DocPath, Arc<Live>)>,
}

/// Documents whose trees are kept, and bytes of the largest and of all of them.
const MOST_LIVE: usize = 8;
const LARGEST_LIVE: usize = 1 << 20;
const MOST_LIVE_BYTES: usize = 2 << 20;

/// A text and its symbols.
#[derive(Debug)]
pub struct Parsed {
    text: Text,
    symbols: Symbols,
}

/// A symbol around a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosing {
    /// With its holders: `Shape::area`.
    pub name: String,
    /// Bytes of the text of this moment.
    pub range: Range<usize>,
}

impl SymbolCache {
    pub fn get(&self, path: &DocPath) -> Option<Arc<Parsed>> {
        self.parsed.get(path).cloned()
    }

    /// Takes in what a parse gave. Where it gave nothing, the one before it holds.
    pub fn update(&mut self, path: DocPath, parsed: Option<Parsed>) {
        if let Some(parsed) = parsed {
            self.parsed.insert(path, Arc::new(parsed));
        }
    }

    /// The tree of a document as it was last parsed, where it is kept.
    pub fn live(&self, path: &DocPath) -> Option<Arc<Live>> {
        self.live.iter().find(|(other, _)| other == path).map(|(_, live)| Arc::clone(live))
    }

    /// Takes in a tree; those of documents that were not typed in for longer go.
    pub fn keep_live(&mut self, path: DocPath, live: Arc<Live>) {
        self.live.retain(|(other, _)| *other != path);
        if live.text().len() > LARGEST_LIVE {
            return;
        }
        self.live.push_back((path, live));
        let bytes =
            |live: &VecDeque<(DocPath, Arc<Live>)>| live.iter().map(|(_, live)| live.text().len()).sum::<usize>();
        while self.live.len() > MOST_LIVE || self.live.len() > 1 && bytes(&self.live) > MOST_LIVE_BYTES {
            self.live.pop_front();
        }
    }

    pub fn forget(&mut self, path: &DocPath) {
        self.parsed.remove(path);
        self.live.retain(|(other, _)| other != path);
    }
}

impl Parsed {
    /// Parses; takes as long as that takes. `None` for a text too large or too strange to parse in time.
    #[cfg(test)]
    pub fn of(text: Text, language: Language) -> Option<Parsed> {
        let symbols = Symbols::parse(&text, language)?;
        Some(Parsed { text, symbols })
    }

    /// Of a tree that is at hand.
    pub fn of_live(live: &Live) -> Parsed {
        Parsed { text: live.text().clone(), symbols: live.symbols() }
    }

    pub fn is_of(&self, text: &Text) -> bool {
        self.text == *text
    }

    /// The innermost symbol that holds all of `range`, bytes of `now`.
    pub fn enclosing(&self, now: &Text, range: &Range<usize>) -> Option<Enclosing> {
        let shift = Shift::between(&self.text, now);
        let (start, end) = (shift.back(range.start), shift.back(range.end));
        let (index, symbol) = self
            .symbols
            .all
            .iter()
            .enumerate()
            .filter(|(_, symbol)| symbol.range.start <= start && end <= symbol.range.end && start < symbol.range.end)
            .min_by_key(|(_, symbol)| symbol.range.len())?;
        let range = shift.forth(symbol.range.start)..shift.forth(symbol.range.end).min(now.len());
        Some(Enclosing { name: self.symbols.path(index)?, range })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_symbol_is_found_also_after_typing() {
        let old = Text::new("struct A;\nimpl A {\n    fn one(&self) {}\n    fn two(&self) {}\n}\n");
        let parsed = Parsed::of(old, Language::Rust).unwrap();
        let now = Text::new("struct A;\nimpl A {\n    fn one(&self) { typing( }\n    fn two(&self) {}\n}\n");
        let at = |needle: &str| now.to_string().find(needle).unwrap();
        let found = parsed.enclosing(&now, &(at("typing")..at("typing"))).unwrap();
        assert!(found.name.ends_with("one"), "{found:?}");
        let found = parsed.enclosing(&now, &(at("two")..at("two"))).unwrap();
        assert!(found.name.ends_with("two"), "{found:?}");
        assert_eq!(now.slice(found.range).unwrap(), "fn two(&self) {}");
    }

    #[test]
    fn a_text_that_can_not_be_parsed_leaves_the_symbols_of_the_one_before() {
        let path = DocPath::Virtual("untitled:a.rs".into());
        let mut cache = SymbolCache::default();
        cache.update(path.clone(), Parsed::of(Text::new("fn one() {}\n"), Language::Rust));
        let now = Text::new(&format!("fn one() {{ here }}\n{}", "// a line\n".repeat(200_000)));
        let fresh = Parsed::of(now.clone(), Language::Rust);
        assert!(fresh.is_none());
        cache.update(path.clone(), fresh);
        let found = cache.get(&path).unwrap().enclosing(&now, &(12..12)).unwrap();
        assert_eq!(found.name, "one");
        cache.forget(&path);
        assert!(cache.get(&path).is_none());
    }
}
