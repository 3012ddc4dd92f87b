//! The definitions in a text: what they are called, where they stand, what they hold.

use std::ops::Range;

use super::Language;
use crate::text::Text;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SymbolKind {
    Module,
    Struct,
    Enum,
    Union,
    Trait,
    Impl,
    Class,
    Function,
    Method,
    Constant,
    Static,
    TypeAlias,
    Macro,
}

/// One definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    pub kind: SymbolKind,
    pub name: String,
    /// The definition from its first attribute or decorator to its end.
    pub range: Range<usize>,
    /// The name alone.
    pub name_range: Range<usize>,
    /// The head of the definition on one line, without its body: `pub fn area(&self) -> f64`.
    pub signature: String,
    /// Index of the symbol that holds this one, in [`Symbols::all`].
    pub parent: Option<usize>,
}

/// All definitions of a text, in source order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols {
    pub all: Vec<Symbol>,
}

impl Symbols {
    /// Parses `text`. Broken code gives what can be told; a text too large or too strange to parse in time gives none.
    pub fn of(text: &Text, language: Language) -> Symbols {
        let _ = (text, language);
        todo!()
    }

    /// The symbols that hold `offset`, outermost first.
    pub fn enclosing(&self, offset: usize) -> Vec<&Symbol> {
        self.all.iter().filter(|symbol| symbol.range.contains(&offset)).collect()
    }

    /// Names from the outermost holder to the symbol at `index`: `Shape::area`.
    pub fn path(&self, index: usize) -> Option<String> {
        let mut names = Vec::new();
        let mut next = Some(index);
        while let Some(index) = next {
            let symbol = self.all.get(index)?;
            names.push(symbol.name.as_str());
            next = symbol.parent;
        }
        names.reverse();
        Some(names.join("::"))
    }
}
