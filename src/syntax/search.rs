//! Running a grammar's query over a tree, within bounds.

use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use tree_sitter::{Node, QueryCursor, QueryCursorOptions, QueryMatch, StreamingIterator};

use super::grammar::{Capture, Grammar};
use super::roots::{Aside, Root, Roots};
use super::symbols::whole;
use super::{Language, Parsed, SymbolKind};

/// How long the search of one tree may take. What was found until then is the answer.
const MOST_TIME: Duration = Duration::from_millis(500);

/// What the query found in a tree, each in source order.
#[derive(Default)]
pub(in crate::syntax) struct Found<'tree> {
    pub definitions: Vec<Definition<'tree>>,
    pub comments: Vec<Range<usize>>,
    /// Comments and attributes: what no signature holds.
    pub aside: Vec<Range<usize>>,
    pub imports: Vec<Range<usize>>,
    /// Literals, in which nothing is a name.
    pub texts: Vec<Range<usize>>,
}

pub(in crate::syntax) struct Definition<'tree> {
    pub kind: SymbolKind,
    pub node: Node<'tree>,
    pub name: Node<'tree>,
    pub body: Option<Node<'tree>>,
    pub signature: Option<Node<'tree>>,
    /// What lies around `node`, where a walk has met it on its way.
    pub around: Option<Around<'tree>>,
}

#[derive(Clone, Copy)]
pub(in crate::syntax) struct Around<'tree> {
    /// The definition with what is wrapped around it.
    pub whole: Node<'tree>,
    /// Where its first attribute stands; `None` if that is still to be looked for.
    pub start: Option<usize>,
}

/// What a walk keeps in mind of the nodes around the one it has come to. A node knows neither its parent nor its neighbours: to ask
/// it is to go down from the root.
#[derive(Default)]
struct Trail<'tree> {
    parents: Vec<Node<'tree>>,
    /// On each level, where the attributes begin that stand right before the node.
    attributes: Vec<Option<usize>>,
}

impl<'tree> Trail<'tree> {
    fn around(&self, node: Node<'tree>, language: Language) -> Around<'tree> {
        let whole = whole(node, language, self.parents.iter().rev().copied());
        let attributes = self.attributes.last().copied().flatten();
        let start = (whole.id() == node.id()).then(|| attributes.unwrap_or(node.start_byte()));
        Around { whole, start }
    }

    fn pass(&mut self, node: Node<'tree>, aside: Aside) {
        let Some(attributes) = self.attributes.last_mut() else { return };
        match aside {
            Aside::Attribute => *attributes = attributes.or(Some(node.start_byte())),
            Aside::Comment => {}
            Aside::Nothing => *attributes = None,
        }
    }

    fn enter(&mut self, node: Node<'tree>) {
        self.parents.push(node);
        self.attributes.push(None);
    }

    fn leave(&mut self) {
        self.parents.pop();
        self.attributes.pop();
    }
}

impl<'tree> Found<'tree> {
    pub fn search(parsed: &'tree Parsed) -> Found<'tree> {
        let Some(grammar) = Grammar::of(parsed.language()) else { return Found::default() };
        match &grammar.roots {
            Some(roots) => Found::from_roots(parsed, grammar, roots),
            None => Found::search_in(parsed, 0..usize::MAX),
        }
    }

    /// What reaches into `range`.
    pub fn search_in(parsed: &'tree Parsed, range: Range<usize>) -> Found<'tree> {
        let mut found = Found::default();
        let Some(grammar) = Grammar::of(parsed.language()) else { return found };
        let start = Instant::now();
        let mut in_time = |_: &tree_sitter::QueryCursorState| match start.elapsed() > MOST_TIME {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let options = QueryCursorOptions::new().progress_callback(&mut in_time);
        let mut cursor = QueryCursor::new();
        cursor.set_byte_range(range);
        let text = |node: Node<'_>| std::iter::once(parsed.text().slice(node.byte_range()).unwrap_or_default());
        let mut matches = cursor.matches_with_options(&grammar.query, parsed.tree().root_node(), text, options);
        while let Some(found_match) = matches.next() {
            found.take(found_match, grammar);
        }
        found
    }

    /// The same of the whole tree, but the query is asked only where it can have an answer.
    fn from_roots(parsed: &'tree Parsed, grammar: &Grammar, roots: &Roots) -> Found<'tree> {
        /// Nodes between two looks at the clock.
        const STRIDE: u32 = 1_024;
        let mut found = Found::default();
        let start = Instant::now();
        let mut query = QueryCursor::new();
        query.set_max_start_depth(Some(0));
        let text = |node: Node<'_>| std::iter::once(parsed.text().slice(node.byte_range()).unwrap_or_default());
        let mut cursor = parsed.tree().walk();
        let mut count = 0_u32;
        let mut trail = Trail { attributes: vec![None], ..Trail::default() };
        'tree: loop {
            let node = cursor.node();
            let kind = node.kind_id();
            match roots.of_kind(kind) {
                Root::Nothing => {}
                Root::Alone(capture) => found.take_range(capture, node.byte_range()),
                Root::Asked => {
                    let before = found.definitions.len();
                    let mut matches = query.matches(&grammar.query, node, text);
                    while let Some(found_match) = matches.next() {
                        found.take(found_match, grammar);
                    }
                    let definitions = found.definitions.iter_mut().skip(before);
                    for definition in definitions.filter(|definition| definition.node.id() == node.id()) {
                        definition.around = Some(trail.around(node, parsed.language()));
                    }
                }
            }
            trail.pass(node, roots.aside(kind));
            count = count.wrapping_add(1);
            if count.is_multiple_of(STRIDE) && start.elapsed() > MOST_TIME {
                break;
            }
            if cursor.goto_first_child() {
                trail.enter(node);
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    break 'tree;
                }
                trail.leave();
            }
        }
        // What is asked of a node may be found deep within it, before what is found at the nodes between.
        found.definitions.sort_by_key(|definition| definition.node.start_byte());
        for ranges in [&mut found.comments, &mut found.aside, &mut found.imports, &mut found.texts] {
            ranges.sort_by_key(|range| range.start);
        }
        found
    }

    fn take(&mut self, found: &QueryMatch<'_, 'tree>, grammar: &Grammar) {
        let (mut definition, mut name, mut body, mut signature) = (None, None, None, None);
        for capture in found.captures() {
            match grammar.captures.get(capture.index as usize) {
                Some(Capture::Definition(kind)) => definition = Some((*kind, capture.node)),
                Some(Capture::Name) => name = Some(capture.node),
                Some(Capture::Body) => body = Some(capture.node),
                Some(Capture::Signature) => signature = Some(capture.node),
                Some(other) => self.take_range(*other, capture.node.byte_range()),
                None => {}
            }
        }
        if let (Some((kind, node)), Some(name)) = (definition, name) {
            self.definitions.push(Definition { kind, node, name, body, signature, around: None });
        }
    }

    fn take_range(&mut self, capture: Capture, range: Range<usize>) {
        match capture {
            Capture::Comment => {
                self.comments.push(range.clone());
                self.aside.push(range);
            }
            Capture::Attribute => self.aside.push(range),
            Capture::Import => self.imports.push(range),
            Capture::Text => self.texts.push(range),
            Capture::Definition(_) | Capture::Name | Capture::Body | Capture::Signature | Capture::Own => {}
        }
    }
}

#[cfg(test)]
pub(in crate::syntax) mod tests {
    use std::path::Path;

    use super::*;
    use crate::text::{Text, floor_char_boundary};

    /// What is found from the roots is what the query finds in the whole tree.
    #[track_caller]
    pub(in crate::syntax) fn check_roots(parsed: &Parsed) {
        let grammar = Grammar::of(parsed.language()).unwrap();
        let roots = grammar.roots.as_ref().unwrap_or_else(|| panic!("{:?}", parsed.language()));
        let sorted = |mut found: Found| {
            for ranges in [&mut found.comments, &mut found.aside, &mut found.imports, &mut found.texts] {
                ranges.sort_by_key(|range| (range.start, range.end));
            }
            let part = |node: Option<Node<'_>>| node.map(|node| node.byte_range());
            let definition = |each: &Definition| {
                let parts = (part(Some(each.node)), part(Some(each.name)), part(each.body), part(each.signature));
                format!("{:?} {parts:?} {:?}", each.kind, each.extent(parsed.language()))
            };
            let mut definitions: Vec<String> = found.definitions.iter().map(definition).collect();
            definitions.sort();
            (definitions, found.comments, found.aside, found.imports, found.texts)
        };
        let (one, other) = (Found::from_roots(parsed, grammar, roots), Found::search_in(parsed, 0..usize::MAX));
        assert_eq!(sorted(one), sorted(other), "{:?}\n{}", parsed.language(), parsed.text());
    }

    #[test]
    fn every_query_begins_with_nodes_that_are_known() {
        for language in Language::ALL {
            assert!(Grammar::of(*language).unwrap().roots.is_some(), "{language:?}");
        }
    }

    #[test]
    fn what_is_found_from_the_roots_is_what_the_query_finds() {
        let mut folders = vec![
            Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            Path::new(env!("CARGO_MANIFEST_DIR")).join("editors"),
        ];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.extend((!path.ends_with("node_modules")).then_some(path));
                    continue;
                }
                let Some(language) = Language::of_path(&path.to_string_lossy()) else { continue };
                let source = std::fs::read_to_string(path).unwrap();
                // Also what is broken.
                let middle = floor_char_boundary(&source, source.len() / 2);
                let parts = [0..source.len(), 0..middle, middle..source.len()];
                for part in parts.into_iter().filter(|part| part.len() < 50_000) {
                    check_roots(&Parsed::of(&Text::new(&source[part]), language).unwrap());
                    count += 1;
                }
            }
        }
        assert!(count > 300, "{count}");
    }
}
