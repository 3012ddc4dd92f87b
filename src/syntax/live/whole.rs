//! The tree of a text and its symbols, brought up to date after an edit: only what it touched is looked at again.
//!
//! The symbols are those of the tree, whatever happened. The tree itself costs a walk over all items of the file.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use crate::syntax::search::Found;
use crate::syntax::symbols::{Symbol, Symbols};
use crate::syntax::{Language, Parsed};
use crate::text::{Edit, Shift, Text};

/// A text with its tree and its symbols.
#[derive(Debug)]
pub(in crate::syntax) struct Whole {
    parsed: Parsed,
    /// As they were found, in source order.
    found: Vec<Symbol>,
}

impl Whole {
    /// Parses a text whole. `None` if it is too large, or too strange to parse in time.
    pub fn of(text: &Text, language: Language) -> Option<Whole> {
        let parsed = Parsed::of(text, language)?;
        let found = Symbols::found(&parsed, &Found::search(&parsed));
        Some(Whole { parsed, found })
    }

    /// Brought up to date with a text that came from this one, by whatever edits. `None` where it can not be parsed in time.
    pub fn update(&self, text: &Text) -> Option<Whole> {
        let shift = Shift::between(self.parsed.text(), text);
        let insert = text.slice(shift.new.clone());
        let edit = insert.map(|insert| Edit { range: shift.old.clone(), insert });
        let Some((parsed, before)) = edit.and_then(|edit| self.parsed.advance(text, &edit)) else {
            return Whole::of(text, self.parsed.language());
        };
        let place = Place::of(&before, &parsed, &shift.new);
        let touched = place.range;
        // Where that was before: it holds the edit, and what the edit took away.
        let was = touched.start..(touched.end + shift.old.end).saturating_sub(shift.new.end);
        let is_within = |range: &Range<usize>, place: &Range<usize>| range.start < place.end && place.start < range.end;
        // Of what holds the place only the end is another, which lies behind the edit.
        let is_holder = |range: &Range<usize>| range.start < place.inside && range.end > touched.start;
        let mut fresh = Symbols::found(&parsed, &Found::search_in(&parsed, touched.clone()));
        fresh.retain(|symbol| is_within(&symbol.range, &touched) && !is_holder(&symbol.range));
        let reaches_out = |range: &Range<usize>, place: &Range<usize>| {
            is_within(range, place) && !is_holder(range) && (range.start < place.start || place.end < range.end)
        };
        // What reaches out of the place has another end now, and perhaps another head: everything is looked at.
        if self.found.iter().any(|symbol| reaches_out(&symbol.range, &was))
            || fresh.iter().any(|symbol| reaches_out(&symbol.range, &touched))
        {
            let found = Symbols::found(&parsed, &Found::search(&parsed));
            return Some(Whole { parsed, found });
        }
        let kept = self.found.iter().filter(|symbol| !is_within(&symbol.range, &was) || is_holder(&symbol.range));
        let kept = kept.map(|symbol| Symbol {
            range: shift.forth(symbol.range.start)..shift.forth(symbol.range.end),
            name_range: shift.forth(symbol.name_range.start)..shift.forth(symbol.name_range.end),
            ..symbol.clone()
        });
        let mut found: Vec<Symbol> = kept.chain(fresh).collect();
        found.sort_by_key(|symbol| symbol.range.start);
        Some(Whole { parsed, found })
    }

    pub fn parsed(&self) -> &Parsed {
        &self.parsed
    }

    /// As they were found, in source order.
    pub fn found(&self) -> &[Symbol] {
        &self.found
    }
}

/// What an edit changed of a tree.
struct Place {
    /// The outermost nodes that it changed, with what belongs to them: comments and attributes before an item, and the item behind
    /// comments.
    range: Range<usize>,
    /// Where the body starts that holds them; 0 where none does. What holds that body is as it was but for its end.
    inside: usize,
}

impl Place {
    /// `before` is the old tree, with its nodes where the edit put them.
    fn of(before: &Tree, parsed: &Parsed, edit: &Range<usize>) -> Place {
        let tree = parsed.tree();
        let (mut start, mut end) = (edit.start, edit.end);
        for range in before.changed_ranges(tree) {
            start = start.min(range.start_byte);
            end = end.max(range.end_byte);
        }
        let body = innermost_body(before.root_node(), tree.root_node(), &(start..end), parsed.language());
        let holder = body.unwrap_or_else(|| tree.root_node());
        Place {
            range: touched(holder, start..end, parsed.text().len()),
            inside: body.map_or(0, |body| body.start_byte()),
        }
    }
}

/// The innermost body of an item that holds a changed range, if what lies around it is the same in both trees.
fn innermost_body<'tree>(
    old: Node<'_>,
    new: Node<'tree>,
    changed: &Range<usize>,
    language: Language,
) -> Option<Node<'tree>> {
    let (mut old, mut new) = (old, new);
    let (mut body, mut is_item) = (None, false);
    loop {
        let mut cursor = new.walk();
        let Some(at) = cursor.goto_first_child_for_byte(changed.start.saturating_sub(1)) else { return body };
        let child = cursor.node();
        let Some(before) = u32::try_from(at).ok().and_then(|at| old.child(at)) else { return body };
        // Where something is broken, what a head is may depend on its body.
        let is_broken = child.has_error() || before.has_error();
        let is_same = !is_broken && before.kind_id() == child.kind_id() && before.byte_range() == child.byte_range();
        // With a byte to spare, since what touches may belong together.
        if !is_same || child.start_byte() + 1 >= changed.start || changed.end >= child.end_byte() {
            return body;
        }
        if cursor.field_name() == Some("body") && is_item {
            // What a body begins with may be written about the item.
            let begins = |first: Node<'_>| language == Language::Python && first.end_byte() + 1 >= changed.start;
            if child.named_child(0).is_none_or(begins) {
                return body;
            }
            body = Some(child);
            is_item = false;
        } else if is_item && !is_wrapper(new) {
            return body;
        } else {
            is_item = true;
        }
        (old, new) = (before, child);
    }
}

/// Whether a node only adds words before an item.
fn is_wrapper(node: Node<'_>) -> bool {
    matches!(node.kind(), "decorated_definition" | "export_statement" | "template_declaration" | "ambient_declaration")
}

/// The children of `holder` that a changed range touches, with what belongs to them.
fn touched(holder: Node<'_>, changed: Range<usize>, len: usize) -> Range<usize> {
    let Range { mut start, mut end } = changed;
    let mut cursor = holder.walk();
    let (mut first, mut last): (Option<Node<'_>>, Option<Node<'_>>) = (None, None);
    if cursor.goto_first_child_for_byte(start.saturating_sub(1)).is_some() {
        first = Some(cursor.node());
        // A text's last items may be gone: what stands before them is the next to it.
        loop {
            let node = cursor.node();
            last = Some(node);
            let is_behind = node.start_byte() > end && !is_aside(node);
            if is_behind || !cursor.goto_next_sibling() {
                break;
            }
        }
    }
    while let Some(previous) = first.and_then(|node| node.prev_sibling()) {
        if previous.end_byte() < start && !is_aside(previous) {
            break;
        }
        start = start.min(previous.start_byte());
        first = Some(previous);
    }
    match (first, last) {
        (Some(first), Some(last)) => {
            start = start.min(first.start_byte());
            end = end.max(last.end_byte());
        }
        _ => (start, end) = (0, len),
    }
    start..end
}

/// Whether a node belongs to what stands behind it.
fn is_aside(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        "line_comment"
            | "block_comment"
            | "comment"
            | "attribute_item"
            | "inner_attribute_item"
            | "decorator"
            | "html_block"
    ) || !node.is_named()
        // Where something is broken, comments lie anywhere.
        || node.has_error()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::syntax::live::tests::SOURCES;
    use crate::text::floor_char_boundary;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn symbols_brought_up_to_date_are_those_of_the_tree(
            changes in prop::collection::vec(
                (any::<prop::sample::Index>(), 0usize..12, prop::sample::select(&[
                    "", "\n", "\r\n", "\r", " ", "x", "é", "fn n() {}\n", "/// Doc.\n", "\n\n", "{", "}", "\"", "#", "# H\n", "(", ",", "#[a]\n",
                    "def e(): pass\n", "    ",
                ][..])),
                1..6,
            ),
        ) {
            for (language, source) in SOURCES {
                let mut current = (*source).to_owned();
                let mut live = Whole::of(&Text::new(&current), *language).unwrap();
                let symbols = |live: &Whole| Symbols::arranged(live.found().to_vec(), *language);
                for (at, len, insert) in &changes {
                    let start = floor_char_boundary(&current, at.index(current.len() + 1));
                    let end = floor_char_boundary(&current, (start + len).min(current.len()));
                    current.replace_range(start..end, insert);
                    live = live.update(&Text::new(&current)).unwrap();
                    prop_assert_eq!(live.parsed().text().to_string(), current.as_str());
                    prop_assert_eq!(symbols(&live), Symbols::of_parsed(live.parsed()), "{:?} {:?}", language, current);
                    // Where nothing is broken, a parse from nothing gives the same.
                    let cold = Parsed::of(&Text::new(&current), *language).unwrap();
                    if !cold.tree().root_node().has_error() {
                        prop_assert_eq!(symbols(&live), Symbols::of_parsed(&cold));
                    }
                }
            }
        }
    }
}
