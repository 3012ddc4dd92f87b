//! An outline of a text without a tree, because there is no grammar or it does not take the text: the lines that others stand
//! deeper below.

use std::ops::Range;

use super::Language;
use super::symbols::{Symbol, SymbolKind, Symbols};
use crate::text::Text;

/// The largest text that is looked at.
const MOST_BYTES: usize = 1 << 20;
/// Blocks in one another that are told apart, and of all of them.
const DEEPEST: usize = 3;
const MOST: usize = 2_000;
/// Characters of a line; longer ones are cut.
const WIDTH: usize = 160;
/// What a tab stands for.
const TAB: usize = 4;

/// Of a text of which there is no tree. Data whose grammar does not take it has no outline: its lines name nothing.
pub fn outline_of(text: &Text, language: Option<Language>) -> Symbols {
    let is_data = language.is_some_and(Language::is_data);
    if is_data { Symbols::default() } else { outline(text) }
}

/// Every line that is followed by deeper ones, with them, down to a few levels.
pub fn outline(text: &Text) -> Symbols {
    if text.len() > MOST_BYTES {
        return Symbols::default();
    }
    let lines: Vec<(Range<usize>, usize)> = (0..text.line_count())
        .filter_map(|line| {
            let range = text.line_range(line);
            let content = text.slice(range.clone())?;
            let trimmed = content.trim_end();
            let start = range.start + (trimmed.len() - trimmed.trim_start().len());
            (start < range.start + trimmed.len()).then(|| (start..range.start + trimmed.len(), indent(trimmed)))
        })
        .collect();
    let mut all = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (at, (line, depth)) in lines.iter().enumerate() {
        open.retain(|holder| holder < depth);
        let is_deeper = lines.get(at + 1).is_some_and(|(_, next)| next > depth);
        if !is_deeper || open.len() >= DEEPEST || all.len() >= MOST {
            continue;
        }
        let Some(words) = text.slice(line.clone()) else { continue };
        let Some((name, name_at)) = name_of(&words) else { continue };
        open.push(*depth);
        let rest = lines.get(at + 1..).unwrap_or_default();
        let inside = rest.iter().take_while(|(_, next)| next > depth).last();
        let signature = words.trim_end_matches(|end: char| end.is_whitespace() || matches!(end, '{' | ':' | '('));
        let signature = match signature.char_indices().nth(WIDTH) {
            Some((cut, _)) => format!("{}…", signature.get(..cut).unwrap_or_default()),
            None => signature.to_owned(),
        };
        all.push(Symbol {
            kind: SymbolKind::Block,
            name_range: line.start + name_at..line.start + name_at + name.len(),
            name: name.into(),
            range: line.start..inside.map_or(line.end, |(last, _)| last.end),
            signature: signature.into(),
            doc: None,
            parent: None,
        });
    }
    Symbols::nested(all)
}

fn indent(line: &str) -> usize {
    line.chars().take_while(|space| space.is_whitespace()).map(|space| if space == '\t' { TAB } else { 1 }).sum()
}

/// What a line is about: the word before the first bracket, or the last of the words before a sign.
fn name_of(line: &str) -> Option<(&str, usize)> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let head = line.find(['(', '{', '=', ':', '<']).and_then(|at| line.get(..at)).unwrap_or(line);
    let head = if head.trim().is_empty() { line } else { head };
    let end = head.rfind(is_word)?;
    let end = end + head.get(end..)?.chars().next()?.len_utf8();
    let word = head.get(..end)?;
    let start = word
        .rfind(|letter| !is_word(letter))
        .map_or(0, |at| at + word.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
    Some((word.get(start..)?, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &[(&str, &str)]) {
        let text = Text::new(source);
        let symbols = outline(&text);
        let paths: Vec<(String, &str)> = symbols
            .all
            .iter()
            .enumerate()
            .map(|(at, symbol)| (symbols.path(at).unwrap(), &*symbol.signature))
            .collect();
        let paths: Vec<(&str, &str)> = paths.iter().map(|(path, signature)| (path.as_str(), *signature)).collect();
        assert_eq!(paths, expected, "{source}");
        for symbol in &symbols.all {
            assert_eq!(text.slice(symbol.name_range.clone()).as_deref(), Some(&*symbol.name));
        }
    }

    #[test]
    fn lines_with_deeper_ones_below_are_the_outline() {
        let kotlin = "class Shape(val a: Int) {\n    fun area(): Int {\n        return a\n    }\n\n    fun two() {\n\t\tx()\n    }\n}\n";
        let expected =
            [("Shape", "class Shape(val a: Int)"), ("Shape::area", "fun area(): Int"), ("Shape::two", "fun two()")];
        check(kotlin, &expected);
        check("all:\n\tcc -o a\n\nclean:\n\trm a\n", &[("all", "all"), ("clean", "clean")]);
        check("plain\ntext\n", &[]);
        check("", &[]);
        check("é ß {\n  x\n}", &[("ß", "é ß")]);
    }

    #[test]
    fn hostile_text_costs_an_answer() {
        let deep: String = (0..1_000).map(|depth| format!("{}a\n", " ".repeat(depth))).collect();
        assert!(outline(&Text::new(&deep)).all.len() <= MOST);
        assert_eq!(outline(&Text::new(&"{\n ".repeat(100))).all.len(), 0);
    }
}
