//! HTML to a tree, within bounds: a page is fed in small pieces and left where it grows too large, too deep or too slow.
//!
//! Parsing HTML is not linear. An element may close or repeat all that are open, so a few megabytes of tags can keep a parser
//! for hours. Between two pieces the tree is measured; what one piece can do is bounded by what stood before it.

use std::time::{Duration, Instant};

use dom_query::Document;
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{ParseOpts, parse_document};

/// Bytes of a piece: few enough that it can not do much, at least a tag.
const PIECE: usize = 1024;

/// Most nodes of a tree.
const MAX_NODES: usize = 200_000;

/// How deep elements may lie in each other. Browsers stop at 512.
const MAX_DEPTH: usize = 512;

const MAX_TIME: Duration = Duration::from_secs(5);

pub(super) struct Parsed {
    pub document: Document,
    /// It was left before its end.
    pub is_cut: bool,
}

pub(super) fn parse(html: &str) -> Parsed {
    let mut parser = parse_document(Document::default(), ParseOpts::default());
    let begun = Instant::now();
    let mut rest = html;
    let mut is_cut = false;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(crate::text::floor_char_boundary(rest, PIECE).max(1));
        parser.process(StrTendril::from(piece));
        rest = after;
        let document = &parser.tokenizer.sink.sink;
        let is_full = document.tree.len() > MAX_NODES || open_depth(document) > MAX_DEPTH || begun.elapsed() > MAX_TIME;
        if is_full && !rest.is_empty() {
            is_cut = true;
            break;
        }
    }
    let document = parser.finish();
    // Broken HTML can hang a deep part before the place that is open, where it was not seen.
    is_cut |= cut_depth(&document);
    Parsed { document, is_cut }
}

/// How deep the end of the tree lies, which is where the parser is.
fn open_depth(document: &Document) -> usize {
    let mut depth = 0;
    let mut node = document.root();
    while let Some(last) = node.last_child() {
        node = last;
        depth += 1;
    }
    depth
}

/// Takes away what lies deeper than can be walked through.
fn cut_depth(document: &Document) -> bool {
    const DEEPEST: usize = MAX_DEPTH + PIECE / 3;
    let mut cut = false;
    let mut open = vec![(document.root(), 0_usize)];
    while let Some((node, depth)) = open.pop() {
        if depth > DEEPEST {
            node.remove_from_parent();
            cut = true;
            continue;
        }
        open.extend(node.children_it(false).map(|child| (child, depth + 1)));
    }
    cut
}
