//! The symbol around the cursor, by the last parse, carried over the typing since then.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::review::Shift;
use crate::syntax::{Language, Symbols};
use crate::text::Text;
use crate::workspace::DocPath;

/// The symbols of open documents. Parsed off the keystroke path; a document that was never parsed has none.
#[derive(Clone, Debug, Default)]
pub struct SymbolCache {
    parsed: BTreeMap<DocPath, Arc<Parsed>>,
}

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

    pub fn set(&mut self, path: DocPath, parsed: Parsed) {
        self.parsed.insert(path, Arc::new(parsed));
    }

    pub fn forget(&mut self, path: &DocPath) {
        self.parsed.remove(path);
    }
}

impl Parsed {
    /// Parses; takes as long as that takes.
    pub fn of(text: Text, language: Language) -> Parsed {
        let symbols = Symbols::of(&text, language);
        Parsed { text, symbols }
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
        let parsed = Parsed::of(old.clone(), Language::Rust);
        let now = Text::new("struct A;\nimpl A {\n    fn one(&self) { typing( }\n    fn two(&self) {}\n}\n");
        let at = |needle: &str| now.to_string().find(needle).unwrap();
        let found = parsed.enclosing(&now, &(at("typing")..at("typing"))).unwrap();
        assert!(found.name.ends_with("one"), "{found:?}");
        let found = parsed.enclosing(&now, &(at("two")..at("two"))).unwrap();
        assert!(found.name.ends_with("two"), "{found:?}");
        assert_eq!(now.slice(found.range).unwrap(), "fn two(&self) {}");
    }
}
