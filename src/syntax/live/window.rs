//! The outermost items of a text, and the few of them around an edit, parsed by themselves.

use std::ops::Range;

use tree_sitter::Node;

use crate::syntax::search::Found;
use crate::syntax::symbols::{Symbol, Symbols};
use crate::syntax::{Language, Parsed};
use crate::text::{Shift, Text};

/// More is not parsed by itself: it would take as long as all.
const MOST_BYTES: usize = 48 << 10;
/// Nor what takes longer than a keystroke may, such as what a quote without its end makes of the text behind it. Hundreds of the
/// parser's steps.
const MOST_STEPS: u32 = 30;

/// Whether a file of this language is one item after the other, each of which means the same wherever it stands.
pub(super) fn fits(language: Language) -> bool {
    matches!(
        language,
        Language::Rust
            | Language::Python
            | Language::JavaScript
            | Language::TypeScript
            | Language::Tsx
            | Language::Go
            | Language::C
            | Language::Cpp
            | Language::Java
    )
}

/// The outermost nodes of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tops(Vec<Top>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Top {
    range: Range<usize>,
    kind: u16,
    /// Belongs to what stands behind it.
    is_aside: bool,
    is_broken: bool,
}

/// Items around an edit, with a neighbour on each side, where there is one.
pub(super) struct Window {
    /// Which they are.
    tops: Range<usize>,
    /// Bytes of the old text.
    range: Range<usize>,
    /// Where what may be another begins and ends: behind the neighbour before, with that behind.
    pub inner: Range<usize>,
    /// What the neighbours have to be again.
    before: Option<Top>,
    behind: Option<Top>,
}

/// What a window came to be, in bytes of the new text.
pub(super) struct Fresh {
    pub symbols: Vec<Symbol>,
    pub tops: Tops,
}

impl Tops {
    pub fn of(parsed: &Parsed) -> Tops {
        let root = parsed.tree().root_node();
        if root.is_error() {
            let range = 0..parsed.text().len();
            return Tops(vec![Top { range, kind: root.kind_id(), is_aside: false, is_broken: true }]);
        }
        let top = |node: Node<'_>| Top {
            range: node.byte_range(),
            kind: node.kind_id(),
            is_aside: !node.is_named() || node.is_extra() || matches!(node.kind(), "attribute_item" | "decorator"),
            is_broken: node.has_error() || node.is_missing(),
        };
        Tops(root.children(&mut root.walk()).map(top).collect())
    }

    /// Around `touched`, in a text that is sound elsewhere.
    pub fn window(&self, touched: &Range<usize>, text: &Text) -> Option<Window> {
        let Tops(tops) = self;
        let first = tops.partition_point(|top| top.range.end < touched.start);
        let last = tops.partition_point(|top| top.range.start <= touched.end).max(first);
        let items = tops.get(..first)?;
        let before = items.iter().rposition(|top| !top.is_aside);
        let rest = tops.get(last..)?;
        let behind = rest.iter().position(|top| !top.is_aside).map(|at| last + at);
        let chosen = before.unwrap_or(0)..behind.map_or(tops.len(), |at| at + 1);
        let (before, behind) = (before.and_then(|at| tops.get(at)), behind.and_then(|at| tops.get(at)));
        let range = before.map_or(0, |top| top.range.start)..behind.map_or(text.len(), |top| top.range.end);
        let inner = before.map_or(0, |top| top.range.end)..range.end;
        let neighbours = before.into_iter().chain(behind);
        let others = tops.get(..chosen.start)?.iter().chain(tops.get(chosen.end..)?);
        let is_sound = !neighbours.chain(others).any(|top| top.is_broken);
        (is_sound && range.len() <= MOST_BYTES).then(|| Window {
            tops: chosen,
            range,
            inner,
            before: before.cloned(),
            behind: behind.cloned(),
        })
    }

    pub fn moved(&self, shift: &Shift) -> Tops {
        Tops(self.0.iter().map(|top| top.moved(shift)).collect())
    }

    /// With others in place of those of a window.
    pub fn replaced(&self, window: &Window, fresh: Tops, shift: &Shift) -> Tops {
        let before = self.0.iter().take(window.tops.start).cloned();
        let after = self.0.iter().skip(window.tops.end).map(|top| top.moved(shift));
        Tops(before.chain(fresh.0).chain(after).collect())
    }
}

impl Top {
    fn moved(&self, shift: &Shift) -> Top {
        Top { range: shift.forth(self.range.start)..shift.forth(self.range.end), ..self.clone() }
    }
}

/// Whether something begins here that may end outside, and is taken for something else by itself: `a /* b` for a division.
fn has_open_end(parsed: &Parsed) -> bool {
    /// What begins a comment or a text of many lines, but is more than one word where that has no end.
    const BEGINNINGS: &[&str] = &["/*", "r#\"", "r##", "R\""];
    let source = parsed.text().to_string();
    let root = parsed.tree().root_node();
    BEGINNINGS.iter().flat_map(|beginning| source.match_indices(beginning)).any(|(at, _)| {
        let Some(leaf) = root.descendant_for_byte_range(at, at + 1) else { return true };
        let is_whole = |node: Node<'_>| node.kind().contains("comment") || node.kind().contains("string");
        leaf.start_byte() == at && !is_whole(leaf) && !leaf.parent().is_some_and(is_whole)
    })
}

impl Window {
    /// Parses what stands there in the new text. `None` where it is not sound, or makes something else of its neighbours.
    pub fn parse(&self, shift: &Shift, text: &Text, language: Language) -> Option<Fresh> {
        let start = self.range.start;
        let range = start..shift.forth(self.range.end);
        let parsed = Parsed::of_few_steps(&Text::new(&text.slice(range.clone())?), language, MOST_STEPS)?;
        if parsed.tree().root_node().has_error() || has_open_end(&parsed) {
            return None;
        }
        let Tops(mut tops) = Tops::of(&parsed);
        for top in &mut tops {
            top.range = top.range.start + start..top.range.end + start;
        }
        let is_same =
            |was: &Option<Top>, is: Option<&Top>| was.as_ref().is_none_or(|was| is == Some(&was.moved(shift)));
        if !is_same(&self.before, tops.first()) || !is_same(&self.behind, tops.last()) {
            return None;
        }
        let inner = self.inner.start - start;
        let symbols = Symbols::found(&parsed, &Found::search(&parsed)).into_iter();
        let symbols = symbols.filter(|symbol| symbol.range.start >= inner).map(|symbol| Symbol {
            range: symbol.range.start + start..symbol.range.end + start,
            name_range: symbol.name_range.start + start..symbol.name_range.end + start,
            ..symbol
        });
        Some(Fresh { symbols: symbols.collect(), tops: Tops(tops) })
    }
}
