//! Running a grammar's query over a tree, within bounds.

use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use tree_sitter::{Node, QueryCursor, QueryCursorOptions, StreamingIterator};

use super::grammar::{Capture, Grammar};
use super::{Parsed, SymbolKind};

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
}

impl<'tree> Found<'tree> {
    pub fn search(parsed: &'tree Parsed) -> Found<'tree> {
        Found::search_in(parsed, 0..usize::MAX)
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
            let (mut definition, mut name, mut body, mut signature) = (None, None, None, None);
            for capture in found_match.captures() {
                let range = || capture.node.byte_range();
                match grammar.captures.get(capture.index as usize) {
                    Some(Capture::Definition(kind)) => definition = Some((*kind, capture.node)),
                    Some(Capture::Name) => name = Some(capture.node),
                    Some(Capture::Body) => body = Some(capture.node),
                    Some(Capture::Signature) => signature = Some(capture.node),
                    Some(Capture::Comment) => {
                        found.comments.push(range());
                        found.aside.push(range());
                    }
                    Some(Capture::Attribute) => found.aside.push(range()),
                    Some(Capture::Import) => found.imports.push(range()),
                    Some(Capture::Text) => found.texts.push(range()),
                    Some(Capture::Own) | None => {}
                }
            }
            if let (Some((kind, node)), Some(name)) = (definition, name) {
                found.definitions.push(Definition { kind, node, name, body, signature });
            }
        }
        found
    }
}
