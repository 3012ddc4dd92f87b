//! What one file defines and which names each of its definitions uses: all that a map of many files needs of it.

use std::ops::Range;
use std::sync::OnceLock;

use super::search::Found;
use super::{Language, Parsed, Symbols, indent};
use crate::text::Text;

/// Bytes of the longest word that can be a name.
const LONGEST: usize = 100;

/// Words that name nothing in one language or another. Not complete: what is missing costs a little room.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "False", "None", "Self", "True", "abstract", "and", "as", "async", "auto", "await", "bool", "boolean", "break",
    "byte", "case", "catch", "char", "class", "const", "continue", "crate", "def", "default", "del", "do", "double",
    "elif", "else", "elseif", "end", "enum", "except", "export", "extends", "extern", "false", "final", "finally",
    "float", "fn", "for", "from", "func", "function", "global", "goto", "if", "impl", "implements", "import", "in",
    "include", "inline", "instanceof", "int", "interface", "is", "lambda", "let", "local", "long", "loop", "match",
    "mod", "module", "move", "mut", "namespace", "new", "nil", "not", "null", "of", "operator", "or", "override",
    "package", "pass", "private", "protected", "pub", "public", "raise", "ref", "return", "self", "short", "signed",
    "sizeof", "static", "str", "string", "struct", "super", "switch", "template", "then", "this", "throw", "throws",
    "trait", "true", "try", "type", "typedef", "typename", "typeof", "undefined", "union", "unless", "unsafe",
    "unsigned", "until", "use", "using", "var", "virtual", "void", "volatile", "where", "while", "with", "yield",
];

/// The definitions of a text and the words in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    pub symbols: Symbols,
    /// [`word_hash`] of each word that may be a name of elsewhere, and the innermost definition that it stands in; in order,
    /// each once. Definitions do not use their own names.
    pub uses: Vec<(u32, Option<usize>)>,
}

impl Survey {
    /// Of a text in `language`, or by indentation where it has no grammar, or one that does not take the text.
    pub fn of(text: &Text, language: Option<Language>) -> Survey {
        if let Some(parsed) = language.and_then(|language| Parsed::of(text, language)) {
            return Survey::of_parsed(&parsed);
        }
        let symbols = indent::outline_of(text, language);
        let uses = match language {
            Some(language) if language.is_data() => Vec::new(),
            _ => uses(&text.to_string(), &symbols, &[]),
        };
        Survey { symbols, uses }
    }

    /// Of a tree that is at hand.
    pub fn of_parsed(parsed: &Parsed) -> Survey {
        let found = Found::search(parsed);
        let symbols = Symbols::of_found(parsed, &found);
        if parsed.language().is_data() {
            return Survey { symbols, uses: Vec::new() };
        }
        let mut skip = found.comments;
        // What an import names in quotes is a name all the same.
        let imports = found.imports;
        skip.extend(found.texts.into_iter().filter(|text| {
            let next = imports.partition_point(|import| import.end <= text.start);
            imports.get(next).is_none_or(|import| text.start < import.start)
        }));
        skip.sort_by_key(|range| range.start);
        Survey { uses: uses(&parsed.text().to_string(), &symbols, &skip), symbols }
    }
}

/// The identity of a word.
pub fn word_hash(word: &str) -> u32 {
    // FNV-1a: words are short, and nobody gains by two that are alike.
    word.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The words of a text that may be names, with their places, but for those in `skip`. These are in order.
pub fn for_words<'a>(source: &'a str, skip: &[Range<usize>], mut tell: impl FnMut(&'a str, usize)) {
    let bytes = source.as_bytes();
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let (mut at, mut next) = (0, 0);
    while at < bytes.len() {
        while let Some(range) = skip.get(next).filter(|range| range.start <= at) {
            at = at.max(range.end);
            next += 1;
        }
        let Some(byte) = bytes.get(at).copied() else { return };
        if !is_letter(byte) {
            at += 1;
            continue;
        }
        let start = at;
        while bytes.get(at).is_some_and(|byte| is_letter(*byte)) {
            at += 1;
        }
        if !byte.is_ascii_digit()
            && (2..=LONGEST).contains(&(at - start))
            && let Some(word) = source.get(start..at)
        {
            tell(word, start);
        }
    }
}

fn uses(source: &str, symbols: &Symbols, skip: &[Range<usize>]) -> Vec<(u32, Option<usize>)> {
    let mut names: Vec<usize> = symbols.all.iter().map(|symbol| symbol.name_range.start).collect();
    names.sort_unstable();
    let mut uses = Vec::new();
    let (mut open, mut next): (Vec<usize>, usize) = (Vec::new(), 0);
    let mut last = None;
    for_words(source, skip, |word, at| {
        while let Some(symbol) = symbols.all.get(next).filter(|symbol| symbol.range.start <= at) {
            if symbol.range.end > at {
                open.push(next);
            }
            next += 1;
        }
        // What has ended beneath one that has not counts for nothing until that ends too.
        while open.last().is_some_and(|index| symbols.all.get(*index).is_none_or(|symbol| symbol.range.end <= at)) {
            open.pop();
        }
        let hash = word_hash(word);
        if is_keyword(hash) || names.binary_search(&at).is_ok() {
            return;
        }
        let found = (hash, open.last().copied());
        // The same word again and again is common.
        if last != Some(found) {
            uses.push(found);
            last = Some(found);
        }
    });
    uses.sort_unstable();
    uses.dedup();
    uses
}

/// By its [`word_hash`]: this is asked of every word of a workspace.
fn is_keyword(hash: u32) -> bool {
    static HASHES: OnceLock<Vec<u32>> = OnceLock::new();
    let hashes = HASHES.get_or_init(|| {
        let mut hashes: Vec<u32> = KEYWORDS.iter().map(|word| word_hash(word)).collect();
        hashes.sort_unstable();
        hashes
    });
    hashes.binary_search(&hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_found() {
        for word in KEYWORDS {
            assert!(is_keyword(word_hash(word)), "{word}");
        }
        assert!(!is_keyword(word_hash("Shape")) && !is_keyword(word_hash("selfish")));
    }

    #[track_caller]
    fn check(language: Option<Language>, source: &str, expected: &[(&str, Option<&str>)]) {
        let survey = Survey::of(&Text::new(source), language);
        let mut expected: Vec<(u32, Option<usize>)> = expected
            .iter()
            .map(|(word, holder)| {
                let at = |name: &str| survey.symbols.all.iter().position(|symbol| &*symbol.name == name).unwrap();
                (word_hash(word), holder.map(at))
            })
            .collect();
        expected.sort_unstable();
        assert_eq!(survey.uses, expected, "{source}");
    }

    #[test]
    fn words_stand_in_definitions() {
        check(
            Some(Language::Rust),
            "use aa::Bb; // cc\nfn dd(ee: Ff) { dd(\"gg\"); hh() }\nstruct Ii { jj: Kk }\n",
            &[
                ("aa", None),
                ("Bb", None),
                ("ee", Some("dd")),
                ("Ff", Some("dd")),
                ("dd", Some("dd")),
                ("hh", Some("dd")),
                ("jj", Some("Ii")),
                ("Kk", Some("Ii")),
            ],
        );
        check(
            Some(Language::Python),
            "class Aa:\n    \"\"\"Bb.\"\"\"\n    def cc(self):\n        return dd(x, 'ee')\n",
            &[("dd", Some("cc")), ("ee", Some("cc"))],
        );
        check(None, "fun aa() {\n  bb(é1)\n}\n", &[("fun", Some("aa")), ("bb", Some("aa")), ("é1", Some("aa"))]);
        check(Some(Language::Json), "{\"aa\": \"bb\"}", &[]);
    }

    #[test]
    fn what_a_grammar_does_not_take_is_outlined_by_indentation() {
        let many = "  bb <<~RUBY\n    cc\n  RUBY\n".repeat(200);
        let survey = Survey::of(&Text::new(&format!("def aa\n{many}end\n")), Some(Language::Ruby));
        assert_eq!(survey.symbols.all.first().map(|symbol| &*symbol.signature), Some("def aa"));
        assert!(survey.uses.contains(&(word_hash("cc"), Some(1))));
        let deep: String = (0..200).map(|depth| format!("{}aa:\n", " ".repeat(depth))).collect();
        assert_eq!(Survey::of(&Text::new(&deep), Some(Language::Yaml)), Survey::default());
    }

    #[test]
    fn ranges_that_are_left_out_may_touch() {
        let words = |source: &'static str, skip: &[Range<usize>]| {
            let mut words = Vec::new();
            for_words(source, skip, |word, at| words.push((word, at)));
            words
        };
        assert_eq!(words("aa bb cc dd", &[3..5, 5..8]), [("aa", 0), ("dd", 9)]);
        assert_eq!(words("aa", std::slice::from_ref(&(0..2))), []);
        assert_eq!(words("1a aa_1 b 9", &[]), [("aa_1", 3)]);
    }
}
