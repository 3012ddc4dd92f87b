//! The definitions in a text: what they are called, where they stand, what they hold.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tree_sitter::Node;

use super::roots::Aside;
use super::search::{Definition, Found};
use super::{Language, Parsed, docs, indent};
use crate::text::Text;

/// The largest text that [`Symbols::parse`] takes.
const MOST_BYTES: usize = 1 << 20;
/// How deep a definition may lie in others. Nobody writes so; what is made to hurt would cost the square of it.
const DEEPEST: usize = 64;
/// How long the making of symbols may take. What was made until then is the answer.
const MOST_TIME: Duration = Duration::from_millis(500);
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
    Interface,
    Property,
    /// Of a data file.
    Key,
    Heading,
    /// Of a style sheet.
    Selector,
    /// Of a page, with a name.
    Element,
    /// Lines that stand deeper than the one above them, in a language without a grammar.
    Block,
}

/// One definition. Cheap to clone: all of a file's are, at every keystroke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    pub kind: SymbolKind,
    /// For an `impl`, the name of the type.
    pub name: Arc<str>,
    /// The definition from its first attribute or decorator to its end.
    pub range: Range<usize>,
    /// The name alone.
    pub name_range: Range<usize>,
    /// The head of the definition on one line, without attributes, comments and body: `pub fn area(&self) -> f64`.
    pub signature: Arc<str>,
    /// The first line of what is written about it.
    pub doc: Option<Arc<str>>,
    /// Index of the symbol that holds this one, in [`Symbols::all`].
    pub parent: Option<usize>,
}

/// All definitions of a text, in source order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols {
    pub all: Vec<Symbol>,
}

impl Symbols {
    /// Parses `text`. Broken code gives what can be told, one too strange to parse its outline by indentation, a text that is too
    /// large nothing.
    pub fn of(text: &Text, language: Language) -> Symbols {
        Symbols::parse(text, language).unwrap_or_else(|| indent::outline_of(text, Some(language)))
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
        Symbols::of_found(parsed, &Found::search(parsed))
    }

    pub(in crate::syntax) fn of_found(parsed: &Parsed, found: &Found) -> Symbols {
        Symbols::arranged(Symbols::found(parsed, found), parsed.language())
    }

    /// The symbols as they stand in the tree, some perhaps twice.
    pub(in crate::syntax) fn found(parsed: &Parsed, found: &Found) -> Vec<Symbol> {
        let (source, language) = (parsed.text(), parsed.language());
        let start = Instant::now();
        let in_time = found.definitions.iter().take_while(|_| start.elapsed() < MOST_TIME);
        in_time.filter_map(|definition| definition.symbol(source, language, found)).collect()
    }

    /// In source order, each once and with its holder.
    pub(in crate::syntax) fn arranged(mut all: Vec<Symbol>, language: Language) -> Symbols {
        // Of two answers for one definition the more telling one stays.
        let is_vague = |kind| matches!(kind, SymbolKind::Constant | SymbolKind::TypeAlias);
        let place = |symbol: &Symbol| (symbol.range.start, std::cmp::Reverse(symbol.range.end));
        all.sort_by_key(|symbol| (place(symbol), symbol.name_range.start, is_vague(symbol.kind)));
        all.dedup_by(|later, first| later.range == first.range && later.name_range == first.name_range);
        if matches!(language, Language::Python | Language::Bash) {
            forget_reassignments(&mut all);
        }
        forget_deep(&mut all);
        set_parents(&mut all);
        Symbols { all }
    }

    /// Of definitions in the order of their starts, holders first.
    pub(in crate::syntax) fn nested(mut all: Vec<Symbol>) -> Symbols {
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
            names.push(&*symbol.name);
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
        (SymbolKind::Interface, "interface"),
        (SymbolKind::Property, "property"),
        (SymbolKind::Key, "key"),
        (SymbolKind::Heading, "heading"),
        (SymbolKind::Selector, "selector"),
        (SymbolKind::Element, "element"),
        (SymbolKind::Block, "block"),
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
            SymbolKind::Trait
            | SymbolKind::Impl
            | SymbolKind::Class
            | SymbolKind::Interface
            | SymbolKind::Struct
            | SymbolKind::Union => true,
            SymbolKind::Module
            | SymbolKind::Enum
            | SymbolKind::Function
            | SymbolKind::Method
            | SymbolKind::Constant
            | SymbolKind::Static
            | SymbolKind::TypeAlias
            | SymbolKind::Macro
            | SymbolKind::Property
            | SymbolKind::Key
            | SymbolKind::Heading
            | SymbolKind::Selector
            | SymbolKind::Element
            | SymbolKind::Block => false,
        }
    }

    /// Whether what is inside is its own affair.
    pub fn is_function(self) -> bool {
        matches!(self, SymbolKind::Function | SymbolKind::Method)
    }
}

impl Definition<'_> {
    fn symbol(&self, source: &Text, language: Language, found: &Found) -> Option<Symbol> {
        let name_node = bare_name(self.name);
        let name = one_line(&source.slice(name_node.byte_range())?);
        if name.is_empty() {
            // A name that is missing in broken code.
            return None;
        }
        let (whole, start) = self.extent(language);
        Some(Symbol {
            kind: self.kind,
            name: name.into(),
            range: start..whole.end,
            name_range: name_node.byte_range(),
            signature: self.signature(source, language, whole.start, found)?.into(),
            doc: self.doc(source, language, start, found).map(Arc::from),
            parent: None,
        })
    }

    fn doc(&self, source: &Text, language: Language, start: usize, found: &Found) -> Option<String> {
        self.body.and_then(|body| docs::inside(body, language, source)).or_else(|| {
            let has_docs = !matches!(language, Language::Json | Language::Markdown);
            has_docs.then(|| docs::before(start, &found.comments, source)).flatten()
        })
    }

    /// The definition with what is wrapped around it, and where its first attribute or decorator stands.
    pub(in crate::syntax) fn extent(&self, language: Language) -> (Range<usize>, usize) {
        let whole = match self.around {
            Some(around) => around.whole,
            None => whole(self.node, language, std::iter::successors(self.node.parent(), Node::parent)),
        };
        let start = self.around.and_then(|around| around.start);
        (whole.byte_range(), start.unwrap_or_else(|| start_of(whole, language)))
    }

    fn signature(&self, source: &Text, language: Language, start: usize, found: &Found) -> Option<String> {
        let (start, end) = match (self.signature, self.body, self.kind) {
            (Some(signature), ..) => (signature.start_byte(), signature.end_byte()),
            _ if self.has_broken_head() => {
                let line = source.line_range(source.line_of(self.name.end_byte())).end;
                // What stands behind the definition is not its head.
                (start, line.min(self.node.end_byte()).max(self.name.end_byte()))
            }
            (None, Some(body), _) => (start, body.start_byte()),
            (None, None, SymbolKind::Macro) => (start, self.name.end_byte()),
            (None, None, _) => (start, self.node.end_byte()),
        };
        let mut head = String::new();
        let mut at = start;
        let first = found.aside.partition_point(|aside| aside.end <= at);
        for aside in found.aside.iter().skip(first).take_while(|aside| aside.start < end) {
            head.push_str(&source.slice(at..aside.start.max(at))?);
            head.push(' ');
            at = aside.end.max(at);
        }
        head.push_str(&source.slice(at.min(end.max(at))..end.max(at))?);
        let head = one_line(&head);
        let mut head = head.trim();
        if self.body.is_none() && matches!(language, Language::Ruby | Language::Lua) {
            head = head.strip_suffix(" end").unwrap_or(head);
        }
        if self.kind != SymbolKind::Selector && self.kind != SymbolKind::Heading {
            let head_end = |end: char| end.is_whitespace() || matches!(end, '=' | ':' | ';' | '{' | '(');
            head = head.trim_end_matches(head_end);
            head = head.strip_suffix("=>").unwrap_or(head).trim_end();
        }
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

/// A definition with what is wrapped around it: `export`, `template<…>`, `const`, decorators. `parents` are those of `node`, from
/// the innermost.
pub(in crate::syntax) fn whole<'tree>(
    node: Node<'tree>,
    language: Language,
    parents: impl Iterator<Item = Node<'tree>>,
) -> Node<'tree> {
    if !matches!(
        language,
        Language::Python
            | Language::JavaScript
            | Language::TypeScript
            | Language::Tsx
            | Language::Go
            | Language::Cpp
            | Language::Lua
    ) {
        return node;
    }
    let wraps = |parent: &Node<'_>| match parent.kind() {
        "decorated_definition" | "export_statement" | "template_declaration" | "ambient_declaration" => true,
        // One of several has the words before them not to itself.
        "lexical_declaration"
        | "variable_declaration"
        | "type_declaration"
        | "const_declaration"
        | "var_declaration" => parent.named_child_count() == 1,
        _ => false,
    };
    parents.take_while(wraps).last().unwrap_or(node)
}

/// Where the first attribute or decorator of a definition stands.
fn start_of(whole: Node<'_>, language: Language) -> usize {
    let mut start = whole.start_byte();
    if !matches!(language, Language::Rust | Language::JavaScript | Language::TypeScript | Language::Tsx) {
        return start;
    }
    let mut before = whole.prev_sibling();
    while let Some(sibling) = before {
        match Aside::of_kind(sibling.kind()) {
            Aside::Attribute => start = sibling.start_byte(),
            Aside::Comment => {}
            Aside::Nothing => break,
        }
        before = sibling.prev_sibling();
    }
    start
}

/// The name in a type or a path: `Vec` of `&mut std::vec::Vec<T>`, `area` of `Shape::area`.
fn bare_name(node: Node<'_>) -> Node<'_> {
    let mut node = node;
    loop {
        let inner = match node.kind() {
            "reference_type" => node.child_by_field_name("type"),
            "generic_type" => node.child_by_field_name("type").or_else(|| node.named_child(0)),
            "scoped_type_identifier" | "qualified_identifier" | "scope_resolution" | "template_type" => {
                node.child_by_field_name("name")
            }
            "dot_index_expression" => node.child_by_field_name("field"),
            "method_index_expression" => node.child_by_field_name("method"),
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

fn forget_deep(all: &mut Vec<Symbol>) {
    let mut open: Vec<usize> = Vec::new();
    all.retain(|symbol| {
        while open.last().is_some_and(|end| *end <= symbol.range.start) {
            open.pop();
        }
        let is_kept = open.len() < DEEPEST;
        if is_kept {
            open.push(symbol.range.end);
        }
        is_kept
    });
}

/// Finds each symbol's holder, and names functions in types methods. Symbols stand in the order of their starts, holders
/// first.
fn set_parents(all: &mut [Symbol]) {
    let mut open: Vec<(usize, Range<usize>, SymbolKind)> = Vec::new();
    for (index, symbol) in all.iter_mut().enumerate() {
        // Of two that are declared in one go neither holds the other.
        let ends = |(_, range, _): &(usize, Range<usize>, SymbolKind)| {
            range.end <= symbol.range.start || *range == symbol.range
        };
        while open.last().is_some_and(ends) {
            open.pop();
        }
        if let Some((parent, _, kind)) = open.last() {
            symbol.parent = Some(*parent);
            if symbol.kind == SymbolKind::Function && kind.holds_methods() {
                symbol.kind = SymbolKind::Method;
            }
        }
        open.push((index, symbol.range.clone(), symbol.kind));
    }
}

#[cfg(test)]
mod tests;
