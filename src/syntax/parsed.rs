//! A text with its syntax tree, and the tree brought up to date after edits.

use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use tree_sitter::{InputEdit, ParseOptions, Parser, Point, Tree};

use super::Language;
use super::grammar::Grammar;
use super::scanner;
use super::search::Found;
use crate::text::{Edit, Text};

/// The largest text that is parsed. Above it, tree-sitter's tree would cost more memory than an answer is worth.
const MOST_BYTES: usize = 8 << 20;
/// How long one parse may take.
const MOST_TIME: Duration = Duration::from_secs(1);
/// Hundreds of the parser's steps that one parse may take. Source takes one or two a byte, and less where it is large; what is ambiguous
/// and nests without end takes many, and keeps hundreds of bytes of each.
const MOST_STEPS: u32 = 12_000;

/// A text and its tree. Cheap to clone, and may be used on any thread.
#[derive(Clone)]
pub struct Parsed {
    language: Language,
    text: Text,
    tree: Tree,
}

impl Parsed {
    /// Parses a text whole. `None` if it is too large, or too strange to parse in time.
    pub fn of(text: &Text, language: Language) -> Option<Parsed> {
        Parsed::parse(text, language, None, MOST_STEPS)
    }

    /// The same, if it takes no more than so many hundreds of the parser's steps: a measure that is the same on every machine.
    pub(in crate::syntax) fn of_few_steps(text: &Text, language: Language, hundreds: u32) -> Option<Parsed> {
        Parsed::parse(text, language, None, hundreds)
    }

    /// The tree of `text`, which came from this one's by `edits`, each made on the outcome of the one before it. Parses
    /// what they touched; if they do not lead to `text`, all of it.
    pub fn update(&self, text: &Text, edits: &[Edit]) -> Option<Parsed> {
        Parsed::parse(text, self.language, self.edited_tree(text, edits).as_ref(), MOST_STEPS)
    }

    /// The same after one edit, with the old tree moved to where the edit put it; `None` where only a parse of the whole helps.
    pub(in crate::syntax) fn advance(&self, text: &Text, edit: &Edit) -> Option<(Parsed, Tree)> {
        let before = self.edited_tree(text, std::slice::from_ref(edit))?;
        let parsed = Parsed::parse(text, self.language, Some(&before), MOST_STEPS)?;
        Some((parsed, before))
    }

    pub fn language(&self) -> Language {
        self.language
    }

    pub fn text(&self) -> &Text {
        &self.text
    }

    /// The statements that make names of elsewhere known, in source order.
    pub fn imports(&self) -> Vec<Range<usize>> {
        Found::search(self).imports
    }

    pub(in crate::syntax) fn tree(&self) -> &Tree {
        &self.tree
    }

    fn parse(text: &Text, language: Language, old_tree: Option<&Tree>, hundreds: u32) -> Option<Parsed> {
        if text.len() > MOST_BYTES || !scanner::takes(text, language) {
            return None;
        }
        let mut parser = Parser::new();
        parser.set_language(&Grammar::of(language)?.language).ok()?;
        let start = Instant::now();
        let mut steps = 0_u32;
        // Asked every hundred steps.
        let mut in_time = |_: &tree_sitter::ParseState| {
            steps += 1;
            match steps > hundreds || start.elapsed() > MOST_TIME {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let mut read = |offset: usize, _: Point| {
            let (chunk, start) = text.chunk_at(offset);
            chunk.as_bytes().get(offset - start..).unwrap_or_default()
        };
        let options = ParseOptions::new().progress_callback(&mut in_time);
        let tree = parser.parse_with_options(&mut read, old_tree, Some(options))?;
        Some(Parsed { language, text: text.clone(), tree })
    }

    /// The old tree with its nodes moved to where `edits` put them.
    fn edited_tree(&self, text: &Text, edits: &[Edit]) -> Option<Tree> {
        // tree-sitter counts rows by `\n`, a text also by lone `\r`.
        if has_lone_cr(&self.text) || has_lone_cr(text) {
            return None;
        }
        let mut tree = self.tree.clone();
        let mut current = self.text.clone();
        for edit in edits {
            let next = current.apply(edit).ok()?;
            let new_end = edit.range.start + edit.insert.len();
            tree.edit(&InputEdit {
                start_byte: edit.range.start,
                old_end_byte: edit.range.end,
                new_end_byte: new_end,
                start_position: point(&current, edit.range.start),
                old_end_position: point(&current, edit.range.end),
                new_end_position: point(&next, new_end),
            });
            current = next;
        }
        (&current == text).then_some(tree)
    }
}

impl std::fmt::Debug for Parsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parsed").field("language", &self.language).field("bytes", &self.text.len()).finish()
    }
}

fn point(text: &Text, offset: usize) -> Point {
    let row = text.line_of(offset);
    Point { row, column: offset - text.line_start(row) }
}

fn has_lone_cr(text: &Text) -> bool {
    let mut after_cr = false;
    for chunk in text.chunks() {
        if !after_cr && !chunk.contains('\r') {
            continue;
        }
        for byte in chunk.bytes() {
            if after_cr && byte != b'\n' {
                return true;
            }
            after_cr = byte == b'\r';
        }
    }
    after_cr
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::syntax::Symbols;
    use crate::text::floor_char_boundary;

    const RUST: &str = "mod a {\n    /// Docs é 😀.\n    #[test]\n    pub fn one(x: u32) -> u32 { x }\r\n}\n\nimpl B {\n    fn two() {\n        (1, \"\")\n    }\n}\n";
    const PYTHON: &str = "class A:\n    @prop\n    def b(self):\n        if x:\n            return 'é😀'\n\n\tdef c(): pass\n\ndef d():\n    pass\n";

    /// Updates the tree of `source` through `edits` and compares with a parse from nothing.
    fn check(language: Language, source: &str, edits: &[Edit]) -> Result<(), TestCaseError> {
        let before = Parsed::of(&Text::new(source), language).unwrap();
        let text = edits.iter().fold(Text::new(source), |text, edit| text.apply(edit).unwrap());
        let (updated, fresh) = (before.update(&text, edits).unwrap(), Parsed::of(&text, language).unwrap());
        prop_assert_eq!(updated.text(), &text);
        // After errors the two parses may recover in different ways, both of them right.
        if !fresh.tree.root_node().has_error() {
            prop_assert_eq!(updated.tree.root_node().to_sexp(), fresh.tree.root_node().to_sexp());
            prop_assert_eq!(Symbols::of_parsed(&updated), Symbols::of_parsed(&fresh));
        }
        for symbol in Symbols::of_parsed(&updated).all {
            prop_assert!(text.slice(symbol.range).is_some() && text.slice(symbol.name_range).is_some());
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn a_tree_brought_up_to_date_is_the_tree_of_the_text(
            changes in prop::collection::vec(
                (any::<prop::sample::Index>(), 0usize..6, prop::sample::select(&[
                    "", "\n", "\r\n", "\r", " ", "    ", "x", "é😀", "fn three() {}\n", "    def e(): pass\n", "{", "}", "\"", "#",
                ][..])),
                1..5,
            ),
        ) {
            for (language, source) in [(Language::Rust, RUST), (Language::Python, PYTHON)] {
                let (mut current, mut edits) = (source.to_owned(), Vec::new());
                for (at, len, insert) in &changes {
                    let start = floor_char_boundary(&current, at.index(current.len() + 1));
                    let end = floor_char_boundary(&current, (start + len).min(current.len()));
                    edits.push(Edit { range: start..end, insert: (*insert).to_owned() });
                    current.replace_range(start..end, insert);
                }
                check(language, source, &edits)?;
            }
        }
    }

    #[test]
    fn d01_what_is_ambiguous_without_end_is_given_up_by_its_steps() {
        for (language, piece) in
            [(Language::Go, "(a"), (Language::C, "(a"), (Language::Cpp, "a<"), (Language::Ruby, "-")]
        {
            let few = Text::new(&piece.repeat(1_000));
            assert!(Parsed::of(&few, language).is_some(), "{language:?}");
            let many = Text::new(&piece.repeat(500_000));
            assert!(Parsed::of(&many, language).is_none(), "{language:?}");
        }
    }

    #[test]
    fn edits_that_lead_elsewhere_parse_the_text_itself() {
        let before = Parsed::of(&Text::new(RUST), Language::Rust).unwrap();
        let text = Text::new("fn other() {}\n");
        let wrong = Edit { range: 0..1, insert: "x".to_owned() };
        for edits in [vec![], vec![wrong], vec![Edit { range: 900..901, insert: String::new() }]] {
            let updated = before.update(&text, &edits).unwrap();
            let symbols = Symbols::of_parsed(&updated);
            assert_eq!(symbols, Symbols::of(&text, Language::Rust));
            assert_eq!(symbols.all.len(), 1);
        }
    }
}
