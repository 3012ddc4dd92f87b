//! The definitions in a text: what they are called, where they stand, what they hold.

use std::collections::HashSet;
use std::ops::Range;

use tree_sitter::Node;

use super::search::{Definition, Found};
use super::{Language, Parsed};
use crate::text::Text;

/// The largest text that [`Symbols::parse`] takes.
const MOST_BYTES: usize = 1 << 20;
/// Characters of a signature; longer ones are cut.
const SIGNATURE_WIDTH: usize = 240;

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
    /// For an `impl`, the name of the type.
    pub name: String,
    /// The definition from its first attribute or decorator to its end.
    pub range: Range<usize>,
    /// The name alone.
    pub name_range: Range<usize>,
    /// The head of the definition on one line, without attributes, comments and body: `pub fn area(&self) -> f64`.
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
        Symbols::parse(text, language).unwrap_or_default()
    }

    /// Like [`Symbols::of`], but `None` for a text too large or too strange to parse in time.
    pub fn parse(text: &Text, language: Language) -> Option<Symbols> {
        if text.len() > MOST_BYTES {
            return None;
        }
        Parsed::of(text, language).map(|parsed| Symbols::of_parsed(&parsed))
    }

    /// The definitions in a tree that is at hand.
    pub fn of_parsed(parsed: &Parsed) -> Symbols {
        let found = Found::search(parsed);
        let source = parsed.text();
        let mut all: Vec<Symbol> =
            found.definitions.iter().filter_map(|definition| definition.symbol(source, &found)).collect();
        all.sort_by_key(|symbol| (symbol.range.start, std::cmp::Reverse(symbol.range.end)));
        all.dedup_by(|later, first| later.range == first.range);
        if parsed.language() == Language::Python {
            forget_reassignments(&mut all);
        }
        set_parents(&mut all);
        Symbols { all }
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
            // Holders stand before what they hold.
            next = symbol.parent.filter(|parent| *parent < index);
        }
        names.reverse();
        Some(names.join("::"))
    }
}

impl SymbolKind {
    const NAMES: &[(SymbolKind, &str)] = &[
        (SymbolKind::Module, "module"),
        (SymbolKind::Struct, "struct"),
        (SymbolKind::Enum, "enum"),
        (SymbolKind::Union, "union"),
        (SymbolKind::Trait, "trait"),
        (SymbolKind::Impl, "impl"),
        (SymbolKind::Class, "class"),
        (SymbolKind::Function, "function"),
        (SymbolKind::Method, "method"),
        (SymbolKind::Constant, "constant"),
        (SymbolKind::Static, "static"),
        (SymbolKind::TypeAlias, "type_alias"),
        (SymbolKind::Macro, "macro"),
    ];

    /// One lower-case word: `function`, `type_alias`.
    pub fn name(self) -> &'static str {
        SymbolKind::NAMES.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// The kind of that [name](SymbolKind::name).
    pub fn of_name(name: &str) -> Option<SymbolKind> {
        SymbolKind::NAMES.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// Whether functions in it are methods.
    fn holds_methods(self) -> bool {
        match self {
            SymbolKind::Trait | SymbolKind::Impl | SymbolKind::Class => true,
            SymbolKind::Module
            | SymbolKind::Struct
            | SymbolKind::Enum
            | SymbolKind::Union
            | SymbolKind::Function
            | SymbolKind::Method
            | SymbolKind::Constant
            | SymbolKind::Static
            | SymbolKind::TypeAlias
            | SymbolKind::Macro => false,
        }
    }
}

impl Definition<'_> {
    fn symbol(&self, source: &Text, found: &Found) -> Option<Symbol> {
        let name_node = bare_type(self.name);
        let name = one_line(&source.slice(name_node.byte_range())?);
        if name.is_empty() {
            // A name that is missing in broken code.
            return None;
        }
        Some(Symbol {
            kind: self.kind,
            name,
            range: self.start()..self.node.end_byte(),
            name_range: name_node.byte_range(),
            signature: self.signature(source, found)?,
            parent: None,
        })
    }

    /// Where the first attribute or decorator of the definition stands.
    fn start(&self) -> usize {
        let node = match self.node.parent() {
            Some(parent) if parent.kind() == "decorated_definition" => parent,
            _ => self.node,
        };
        let mut start = node.start_byte();
        let mut before = node.prev_sibling();
        while let Some(sibling) = before {
            match sibling.kind() {
                "attribute_item" => start = sibling.start_byte(),
                "line_comment" | "block_comment" => {}
                _ => break,
            }
            before = sibling.prev_sibling();
        }
        start
    }

    fn signature(&self, source: &Text, found: &Found) -> Option<String> {
        let end = match (self.body, self.kind) {
            _ if self.has_broken_head() => source.line_range(source.line_of(self.name.end_byte())).end,
            (Some(body), _) => body.start_byte(),
            (None, SymbolKind::Macro) => self.name.end_byte(),
            (None, _) => self.node.end_byte(),
        };
        let mut head = String::new();
        let mut at = self.node.start_byte();
        let first = found.comments.partition_point(|comment| comment.end <= at);
        for comment in found.comments.iter().skip(first).take_while(|comment| comment.start < end) {
            head.push_str(&source.slice(at..comment.start.max(at))?);
            head.push(' ');
            at = comment.end.max(at);
        }
        head.push_str(&source.slice(at..end.max(at))?);
        let head = one_line(&head);
        let head = head.trim_end_matches(|end: char| end.is_whitespace() || matches!(end, '=' | ':' | ';' | '{' | '('));
        Some(match head.char_indices().nth(SIGNATURE_WIDTH) {
            Some((cut, _)) => format!("{}…", head.get(..cut)?),
            None => head.to_owned(),
        })
    }

    /// Whether it can not be told where the head ends.
    fn has_broken_head(&self) -> bool {
        let head_end = self.body.map_or(self.node.end_byte(), |body| body.start_byte());
        self.node.has_error()
            && self.node.children(&mut self.node.walk()).any(|child| child.start_byte() < head_end && child.has_error())
    }
}

/// The name in a type: `Vec` of `&mut std::vec::Vec<T>`.
fn bare_type(node: Node<'_>) -> Node<'_> {
    let mut node = node;
    loop {
        let inner = match node.kind() {
            "reference_type" => node.child_by_field_name("type"),
            "generic_type" => node.child_by_field_name("type").or_else(|| node.named_child(0)),
            "scoped_type_identifier" => node.child_by_field_name("name"),
            // Python's `type` wraps what it names.
            "type" => node.named_child(0),
            _ => None,
        };
        match inner {
            Some(inner) => node = inner,
            None => return node,
        }
    }
}

fn one_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // What was broken over lines: `( &self, )`.
    words.replace("( ", "(").replace(", )", ")").replace(" )", ")")
}

/// A variable is defined where it is first assigned.
fn forget_reassignments(all: &mut Vec<Symbol>) {
    let mut seen = HashSet::new();
    all.retain(|symbol| symbol.kind != SymbolKind::Constant || seen.insert(symbol.name.clone()));
}

/// Finds each symbol's holder, and names functions in types methods. Symbols stand in the order of their starts, holders
/// first.
fn set_parents(all: &mut [Symbol]) {
    let mut open: Vec<(usize, usize, SymbolKind)> = Vec::new();
    for (index, symbol) in all.iter_mut().enumerate() {
        while open.last().is_some_and(|(_, end, _)| *end <= symbol.range.start) {
            open.pop();
        }
        if let Some((parent, _, kind)) = open.last() {
            symbol.parent = Some(*parent);
            if symbol.kind == SymbolKind::Function && kind.holds_methods() {
                symbol.kind = SymbolKind::Method;
            }
        }
        open.push((index, symbol.range.end, symbol.kind));
    }
}

#[cfg(test)]
mod tests;
