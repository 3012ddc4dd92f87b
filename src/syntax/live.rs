//! The symbols of a text that is being typed, at the cost of what an edit touched and not of the file.
//!
//! A tree of a file with thousands of items takes many milliseconds to bring up to date, however small the edit. So at first only
//! the items around the edit are parsed, by themselves. Where these come out sound, between neighbours that are what they were, a
//! parse of the whole would find the same. Where they do not, such as while a bracket is open, the symbols of the moment before
//! stand in until somebody has the time to [settle](Live::settled) it.

mod whole;
mod window;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::symbols::{Symbol, Symbols};
use super::{Language, Survey};
use crate::text::{Shift, Text};
use whole::Whole;
use window::Tops;

/// The largest text that is followed.
const MOST_BYTES: usize = 1 << 20;
/// A text is parsed whole where that takes no longer than a part of it. In tests only an empty one is.
const SMALL: usize = if cfg!(test) { 1 } else { 8 << 10 };

/// A text with its symbols, and a tree of it or of an earlier state.
#[derive(Clone, Debug)]
pub struct Live {
    text: Text,
    language: Language,
    /// As they were found, in source order.
    found: Vec<Symbol>,
    tops: Tops,
    /// Where the text is not what the symbols are of.
    unsettled: Option<Range<usize>>,
    /// Of the last text that was parsed whole.
    base: Arc<Whole>,
    /// Of this one, once somebody asked for it. `None` in it where it can not be parsed in time.
    whole: Arc<OnceLock<Option<Arc<Whole>>>>,
}

impl Live {
    /// Parses a text whole. `None` if it is too large, or too strange to parse in time.
    pub fn of(text: &Text, language: Language) -> Option<Live> {
        let whole = (text.len() <= MOST_BYTES).then(|| Whole::of(text, language)).flatten()?;
        Some(Live::of_whole(Arc::new(whole)))
    }

    /// Brought up to date with a text that came from this one, by whatever edits. `None` where it can not be parsed in time.
    pub fn update(&self, text: &Text) -> Option<Live> {
        if text.len() > MOST_BYTES {
            return None;
        }
        if text.len() < SMALL || !window::fits(self.language) {
            return self.next(text).whole().map(Live::of_whole);
        }
        let shift = Shift::between(&self.text, text);
        let Some(window) = self.tops.window(&self.touched(&shift), &self.text) else { return Some(self.next(text)) };
        let Some(fresh) = window.parse(&shift, text, self.language) else { return Some(self.next(text)) };
        let moved = |symbol: &Symbol| moved(symbol, &shift);
        let before = self.found.iter().take_while(|symbol| symbol.range.start < window.inner.start).cloned();
        let after = self.found.iter().filter(|symbol| symbol.range.start >= window.inner.end).map(moved);
        let found = before.chain(fresh.symbols).chain(after).collect();
        let tops = self.tops.replaced(&window, fresh.tops, &shift);
        let (base, whole) = (Arc::clone(&self.base), Arc::default());
        Some(Live { text: text.clone(), language: self.language, found, tops, unsettled: None, base, whole })
    }

    pub fn text(&self) -> &Text {
        &self.text
    }

    pub fn language(&self) -> Language {
        self.language
    }

    /// Whether the symbols are those of the text, and not in part of a moment before.
    pub fn is_settled(&self) -> bool {
        self.unsettled.is_none()
    }

    /// The same with the symbols of the text. Parses all of it where that is needed; `None` where it takes too long.
    pub fn settled(&self) -> Option<Live> {
        if self.is_settled() { Some(self.clone()) } else { self.whole().map(Live::of_whole) }
    }

    /// In source order, each with its holder.
    pub fn symbols(&self) -> Symbols {
        Symbols::arranged(self.found.clone(), self.language)
    }

    /// Looks at all of the text. `None` where it can not be parsed in time.
    pub fn survey(&self) -> Option<Survey> {
        self.whole().map(|whole| Survey::of_parsed(whole.parsed()))
    }

    fn of_whole(whole: Arc<Whole>) -> Live {
        let parsed = whole.parsed();
        Live {
            text: parsed.text().clone(),
            language: parsed.language(),
            found: whole.found().to_vec(),
            tops: Tops::of(parsed),
            unsettled: None,
            whole: Arc::new(OnceLock::from(Some(Arc::clone(&whole)))),
            base: whole,
        }
    }

    fn whole(&self) -> Option<Arc<Whole>> {
        self.whole.get_or_init(|| self.base.update(&self.text).map(Arc::new)).clone()
    }

    /// What of this text is not, or no longer, what the symbols are of.
    fn touched(&self, shift: &Shift) -> Range<usize> {
        match &self.unsettled {
            Some(range) => range.start.min(shift.old.start)..range.end.max(shift.old.end),
            None => shift.old.clone(),
        }
    }

    /// The next text with the symbols of this one.
    fn next(&self, text: &Text) -> Live {
        let shift = Shift::between(&self.text, text);
        let touched = self.touched(&shift);
        let found = self.found.iter().map(|symbol| moved(symbol, &shift));
        Live {
            text: text.clone(),
            language: self.language,
            // What was taken away with all its text is gone.
            found: found.filter(|symbol| !symbol.range.is_empty()).collect(),
            tops: self.tops.moved(&shift),
            unsettled: Some(touched.start..shift.forth(touched.end).max(shift.new.end)),
            base: Arc::clone(&self.base),
            whole: Arc::default(),
        }
    }
}

fn moved(symbol: &Symbol, shift: &Shift) -> Symbol {
    let moved = |range: &Range<usize>| shift.forth(range.start)..shift.forth(range.end);
    Symbol { range: moved(&symbol.range), name_range: moved(&symbol.name_range), ..symbol.clone() }
}

#[cfg(test)]
pub(in crate::syntax) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::syntax::Parsed;
    use crate::text::floor_char_boundary;

    pub const SOURCES: &[(Language, &str)] = &[
        (
            Language::Rust,
            "//! Top.\nuse a::b;\n\n/// One é.\n#[test]\nfn one() { two(\"x\") }\n\nmod c {\n    /// Three.\n    pub fn three() {}\n}\n\n/// T.\n\nstruct T;\nimpl T {\n    fn four(&self) {}\n}\n// end\n",
        ),
        (
            Language::Python,
            "import a\n\nX = 1\nX = 2\n\n# About.\n@prop\nclass A:\n    \"\"\"Docs.\"\"\"\n    def b(self):\n        return c\n\ndef d():\n    pass\n",
        ),
        (
            Language::TypeScript,
            "import { a } from 'b';\n/** C. */\n@D()\nexport class C { e(): void {} }\nexport const f = () => 1, g = 2;\n// h\nfunction i() {}\n",
        ),
        (
            Language::Go,
            "package p\n\n// A is.\ntype A struct{ b int }\n\nfunc (a A) c() {}\nconst (\n\tD = 1\n\tE\n)\n",
        ),
        (Language::Markdown, "# A\n\ntext\n\n## B\n\n- x\n\n# C\n"),
        (Language::Json, "{\n  \"a\": {\"b\": 1},\n  \"c\": [1]\n}\n"),
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// While something is broken the symbols may be of the moment before; once nothing is, they are those of the text.
        #[test]
        fn symbols_that_follow_typing_are_those_of_a_parse_from_nothing(
            changes in prop::collection::vec(
                (any::<prop::sample::Index>(), 0usize..12, prop::sample::select(&[
                    "", "\n", "\r\n", "\r", " ", "x", "é", "fn n() {}\n", "/// Doc.\n", "\n\n", "{", "}", "\"", "#", "(", ")", ",", "#[a]\n",
                    "def e(): pass\n", "    ", "/*", "*/", "mod m {\n", "\"\"\"", ";", "else {}", "class K:\n", "//", "@d\n",
                ][..])),
                1..8,
            ),
        ) {
            for (language, source) in SOURCES {
                // Long enough for neighbours on both sides.
                let mut current = [*source, source, source].concat();
                let mut live = Live::of(&Text::new(&current), *language).unwrap();
                for (at, len, insert) in &changes {
                    let start = floor_char_boundary(&current, at.index(current.len() + 1));
                    let end = floor_char_boundary(&current, (start + len).min(current.len()));
                    let (before, removed) = (live.clone(), current[start..end].to_owned());
                    current.replace_range(start..end, insert);
                    live = live.update(&Text::new(&current)).unwrap();
                    prop_assert_eq!(live.text().to_string(), current.as_str());
                    let cold = Parsed::of(&Text::new(&current), *language).unwrap();
                    if !cold.tree().root_node().has_error() {
                        let expected = Symbols::of_parsed(&cold);
                        prop_assert_eq!(live.settled().unwrap().symbols(), expected.clone());
                        prop_assert_eq!(live.survey().unwrap(), Survey::of_parsed(&cold));
                        if live.is_settled() {
                            prop_assert_eq!(live.symbols(), expected, "{:?} {:?}", language, current);
                        }
                    }
                    // Every other one is taken back, as by who types and corrects.
                    if len % 2 == 0 {
                        current.replace_range(start..start + insert.len(), &removed);
                        live = live.update(&Text::new(&current)).unwrap();
                        if before.is_settled() && live.is_settled() {
                            let sound = !Parsed::of(&Text::new(&current), *language).unwrap().tree().root_node().has_error();
                            if sound { prop_assert_eq!(before.symbols(), live.symbols(), "{:?} {:?}", language, current); }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_was_taken_away_at_the_end_and_put_back_is_there_once() {
        let source = "package p\n\nconst (\n\tD = 1\n\tE\n)\n";
        let live = Live::of(&Text::new(source), Language::Go).unwrap();
        let cut = live.update(&Text::new(source.strip_suffix(" 1\n\tE\n)\n").unwrap())).unwrap();
        assert_eq!(cut.update(&Text::new(source)).unwrap().symbols(), live.symbols());
    }

    #[test]
    fn what_was_cut_behind_a_decorated_item_and_put_back_leaves_it() {
        let (language, source) = SOURCES[2];
        let source = source.repeat(3);
        let live = Live::of(&Text::new(&source), language).unwrap();
        let at = source.find("export const").unwrap();
        let cut = live.update(&Text::new(&[&source[..at], &source[at + 2..]].concat())).unwrap();
        let back = cut.update(&Text::new(&source)).unwrap();
        assert_eq!(back.settled().unwrap().symbols(), live.symbols());
        assert_eq!(back.symbols(), live.symbols());
    }

    #[test]
    fn an_edit_in_one_item_is_settled_at_once() {
        for (language, source, at) in [
            (Language::Rust, "/// A.\nfn a() { b(1) }\n".repeat(500), "b(1"),
            (Language::Python, "# A.\ndef a():\n    return b(1)\n\n".repeat(500), "b(1"),
        ] {
            let place = source[source.len() / 2..].find(at).unwrap() + source.len() / 2 + 1;
            let typed = |insert: &str| [&source[..place], insert, &source[place..]].concat();
            let live = Live::of(&Text::new(&source), language).unwrap();
            let word = live.update(&Text::new(&typed("x"))).unwrap();
            assert!(word.is_settled() && word.whole.get().is_none(), "a name was typed: {language:?}");
            let open = word.update(&Text::new(&typed("x("))).unwrap();
            assert!(!open.is_settled() && open.whole.get().is_none());
            assert_eq!(open.symbols().all.len(), 500, "what was known stands in");
            let closed = open.update(&Text::new(&typed("x()+b"))).unwrap();
            assert!(closed.is_settled() && closed.whole.get().is_none(), "{language:?}");
            assert_eq!(closed.symbols(), Symbols::of(&Text::new(&typed("x()+b")), language));
        }
    }
}
