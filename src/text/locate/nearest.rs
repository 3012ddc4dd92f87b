//! What comes closest to a text that is not there, and why it is not the same.
//!
//! Looks for the mistakes that writers of edits make, in the order of how little they change: white space, letter case,
//! characters that look alike, one escape too many, line numbers taken for text. Then for the place where most lines are
//! the same, then for the one line that looks most alike.

use std::collections::HashMap;
use std::ops::Range;

use super::Nearest;
use super::fold::plain;
use crate::text::floor_char_boundary;

/// Bytes of the document that are looked at.
const MOST_BYTES: usize = 2 << 20;
/// Bytes of what is sought that are looked at.
const MOST_NEEDLE_BYTES: usize = 64 << 10;
/// Lines shown.
const MOST_LINES: usize = 40;
/// Characters shown of one line.
const LINE_WIDTH: usize = 400;
/// Needle lines that stand so often in the needle say nothing about a place.
const MOST_REPEATS: usize = 16;
/// How alike two single lines must be, of 1.
const LEAST_LIKENESS: f64 = 0.5;

/// The lines of `document` nearest to `needle`, which does not stand in it. Both have `\n` for every line break.
pub(super) fn nearest(document: &str, needle: &str) -> Option<Nearest> {
    let document = document.get(..floor_char_boundary(document, MOST_BYTES))?;
    let needle = needle.get(..floor_char_boundary(needle, MOST_NEEDLE_BYTES))?;
    if needle.trim().is_empty() {
        return None;
    }
    by_spelling(document, needle).or_else(|| by_misreading(document, needle)).or_else(|| by_lines(document, needle))
}

/// The whole needle, read less strictly.
fn by_spelling(document: &str, needle: &str) -> Option<Nearest> {
    let spellings: [(Fold, &str); 5] = [
        (Fold { space: true, ..Fold::NONE }, ""),
        (Fold { case: true, ..Fold::NONE }, "differs in letter case only"),
        (Fold { look: true, ..Fold::NONE }, "differs only in characters that look alike, such as quotes or dashes"),
        (Fold { space: true, case: true, look: false }, "differs in white space and letter case only"),
        (Fold { space: true, case: true, look: true }, "differs in white space, letter case and look-alike characters"),
    ];
    spellings.into_iter().find_map(|(fold, why)| {
        let range = fold.find(document, needle)?;
        let found = document.get(range.clone())?;
        let why =
            if why.is_empty() { white_space(found, needle, document.get(..range.start)?) } else { why.to_owned() };
        Some(show(document, range, why))
    })
}

/// The needle without what a writer may have added to it.
fn by_misreading(document: &str, needle: &str) -> Option<Nearest> {
    let readings = [
        (
            unescape(needle),
            "has one escape too many: write line breaks, tabs and quotes as themselves, without a backslash",
        ),
        (without_line_numbers(needle), "starts with line numbers: they are not part of the text"),
    ];
    readings.into_iter().find_map(|(reading, why)| {
        let reading = reading.filter(|reading| !reading.trim().is_empty())?;
        let range = Fold { space: true, ..Fold::NONE }.find(document, &reading)?;
        Some(show(document, range, why.to_owned()))
    })
}

/// The place where most lines agree, or the line that looks most like one that is sought.
fn by_lines<'a>(document: &'a str, needle: &'a str) -> Option<Nearest> {
    let lines = |text: &'a str| -> Vec<&'a str> { text.strip_suffix('\n').unwrap_or(text).split('\n').collect() };
    let (document_lines, needle_lines) = (lines(document), lines(needle));
    let first = best_window(&document_lines, &needle_lines)
        .or_else(|| most_alike(&document_lines, &needle_lines))?
        .min(document_lines.len().saturating_sub(1));
    let differing = needle_lines
        .iter()
        .enumerate()
        .find(|(index, line)| document_lines.get(first + index).is_none_or(|there| there.trim() != line.trim()));
    let why = match differing {
        Some((index, _)) if first + index >= document_lines.len() => {
            format!("line {} of {} lies past the end of the text", index + 1, needle_lines.len())
        }
        Some(_) if needle_lines.len() == 1 => "the line differs".to_owned(),
        Some((index, _)) => format!("line {} of {} differs", index + 1, needle_lines.len()),
        None => "differs in white space only".to_owned(),
    };
    let last = first.saturating_add(needle_lines.len()).min(document_lines.len());
    let start = document_lines.iter().take(first).map(|line| line.len() + 1).sum();
    let end = document_lines.iter().take(last).map(|line| line.len() + 1).sum::<usize>().min(document.len());
    Some(show(document, start..end, why))
}

/// The line at which the needle would start so that most of its lines agree with the document's, ends of lines aside.
fn best_window(document: &[&str], needle: &[&str]) -> Option<usize> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, line) in needle.iter().enumerate() {
        places.entry(line.trim()).or_default().push(index);
    }
    // Votes for a first line, weighed by how much a line says.
    let mut votes: HashMap<usize, usize> = HashMap::new();
    for (at, line) in document.iter().enumerate() {
        let line = line.trim();
        let weight = line.chars().filter(|character| character.is_alphanumeric()).count();
        let Some(indexes) = places.get(line).filter(|indexes| weight > 0 && indexes.len() <= MOST_REPEATS) else {
            continue;
        };
        for index in indexes {
            if let Some(first) = at.checked_sub(*index) {
                *votes.entry(first).or_default() += weight.min(80);
            }
        }
    }
    let (first, votes) = votes.into_iter().max_by_key(|(first, votes)| (*votes, std::cmp::Reverse(*first)))?;
    // A `}` or `else` that agrees is no sign of a place.
    (votes >= 8).then_some(first)
}

/// The line at which the needle would start so that its most telling line falls on the one that looks most like it.
fn most_alike(document: &[&str], needle: &[&str]) -> Option<usize> {
    let (index, telling) = needle.iter().enumerate().max_by_key(|(index, line)| {
        let letters = line.chars().filter(|character| character.is_alphanumeric()).count();
        (letters.min(LINE_WIDTH), std::cmp::Reverse(*index))
    })?;
    let wanted = pairs(telling);
    let (mut best, mut best_likeness) = (None, LEAST_LIKENESS);
    for (at, line) in document.iter().enumerate() {
        let likeness = likeness(&wanted, &pairs(line));
        if likeness > best_likeness {
            (best, best_likeness) = (Some(at), likeness);
        }
    }
    Some(best?.saturating_sub(index))
}

/// The neighbouring characters of a line, white space left out, sorted.
fn pairs(line: &str) -> Vec<(char, char)> {
    let characters = || line.chars().filter(|character| !character.is_whitespace()).take(LINE_WIDTH);
    let mut pairs: Vec<(char, char)> = characters().zip(characters().skip(1)).collect();
    pairs.sort_unstable();
    pairs
}

/// Dice's coefficient of two sorted lists: twice what they share, of all they hold.
fn likeness(one: &[(char, char)], other: &[(char, char)]) -> f64 {
    let (mut left, mut right) = (one.iter().peekable(), other.iter().peekable());
    let mut shared = 0usize;
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        match a.cmp(b) {
            std::cmp::Ordering::Less => drop(left.next()),
            std::cmp::Ordering::Greater => drop(right.next()),
            std::cmp::Ordering::Equal => {
                shared += 1;
                left.next();
                right.next();
            }
        }
    }
    let all = one.len() + other.len();
    if all == 0 { 0.0 } else { 2.0 * shared as f64 / all as f64 }
}

/// What a comparison overlooks.
#[derive(Clone, Copy)]
struct Fold {
    space: bool,
    case: bool,
    look: bool,
}

impl Fold {
    const NONE: Fold = Fold { space: false, case: false, look: false };

    /// The first place in `document` that is the same as `needle` but for what is overlooked.
    fn find(self, document: &str, needle: &str) -> Option<Range<usize>> {
        let (folded_needle, _) = self.fold(needle, false);
        if folded_needle.is_empty() {
            return None;
        }
        let (folded, origins) = self.fold(document, true);
        let at = folded.find(&folded_needle)?;
        let start = *origins.get(at)? as usize;
        let last = *origins.get(at + folded_needle.len() - 1)? as usize;
        let end = last + document.get(last..)?.chars().next()?.len_utf8();
        Some(start..end)
    }

    /// The folded text, and for each of its bytes where the character stood that it came from.
    fn fold(self, text: &str, trace: bool) -> (String, Vec<u32>) {
        let (mut folded, mut origins) = (String::with_capacity(text.len()), Vec::new());
        for (at, character) in text.char_indices() {
            let alike = if self.look { plain(character) } else { None };
            if self.space && (character.is_whitespace() || alike == Some(" ")) {
                continue;
            }
            match alike {
                Some(alike) => folded.push_str(alike),
                None if self.case => folded.extend(character.to_lowercase()),
                None => folded.push(character),
            }
            if trace {
                // At most MOST_BYTES, so a u32 holds it.
                origins.resize(folded.len(), u32::try_from(at).unwrap_or(u32::MAX));
            }
        }
        (folded, origins)
    }
}

/// In what way two texts differ that are the same but for white space. `before` is what precedes `found`.
fn white_space(found: &str, needle: &str, before: &str) -> String {
    // What was found starts at its first visible character; its line's indentation stands before it.
    let first_indent = before.rsplit('\n').next().filter(|start| start.trim().is_empty()).unwrap_or_default();
    let found_lines: Vec<&str> = found.split('\n').collect();
    let needle_lines: Vec<&str> = needle.trim_matches('\n').split('\n').collect();
    let same_lines = found_lines.len() == needle_lines.len()
        && found_lines.iter().zip(&needle_lines).all(|(found, needle)| found.trim() == needle.trim());
    if !same_lines {
        let visible = |lines: &[&str]| -> Vec<String> {
            lines.iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
        };
        if visible(&found_lines) == visible(&needle_lines) {
            return "differs in white space only: in blank lines".to_owned();
        }
        return "differs in white space only".to_owned();
    }
    let indents = found_lines.iter().enumerate().zip(&needle_lines).find_map(|((index, found), needle)| {
        let found = if index == 0 { first_indent } else { indent(found) };
        (found != indent(needle)).then(|| (index, found, indent(needle)))
    });
    match indents {
        // A needle may well start behind the indentation of its first line.
        Some((index, found, needle)) if index > 0 || !needle.is_empty() => format!(
            "differs in white space only: line {} is indented with {} in the text, not with {}",
            index + 1,
            describe(found),
            describe(needle)
        ),
        _ => "differs in white space only: at the end of a line".to_owned(),
    }
}

fn indent(line: &str) -> &str {
    line.split_at(line.len() - line.trim_start().len()).0
}

/// An indentation in words.
fn describe(indent: &str) -> String {
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let tabs = indent.chars().filter(|character| *character == '\t').count();
    let spaces = indent.chars().filter(|character| *character == ' ').count();
    match (tabs, spaces) {
        (0, 0) => "nothing".to_owned(),
        (0, spaces) => count(spaces, "space"),
        (tabs, 0) => count(tabs, "tab"),
        (tabs, spaces) => format!("{} and {}", count(tabs, "tab"), count(spaces, "space")),
    }
}

/// `needle` with its backslash escapes made; `None` if it has none.
fn unescape(needle: &str) -> Option<String> {
    if !needle.contains('\\') {
        return None;
    }
    let mut plain = String::with_capacity(needle.len());
    let mut characters = needle.chars().peekable();
    while let Some(character) = characters.next() {
        let made = match (character, characters.peek()) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('t')) => '\t',
            ('\\', Some('r')) => '\n',
            ('\\', Some(quoted @ ('"' | '\'' | '\\' | '`' | '/'))) => *quoted,
            _ => {
                plain.push(character);
                continue;
            }
        };
        plain.push(made);
        characters.next();
    }
    Some(plain)
}

/// `needle` without a number and a separator at the start of every line that is not blank; `None` if one has none.
fn without_line_numbers(needle: &str) -> Option<String> {
    let strip = |line: &str| -> Option<String> {
        if line.trim().is_empty() {
            return Some(String::new());
        }
        let rest = line.trim_start();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let rest = rest.get(digits..).filter(|_| digits > 0)?;
        let separators = ["\t", "→", " | ", "| ", "|", ": ", ":"];
        separators.iter().find_map(|separator| rest.strip_prefix(separator)).map(str::to_owned)
    };
    needle.split('\n').map(strip).collect::<Option<Vec<String>>>().map(|lines| lines.join("\n"))
}

/// The whole lines that `range` touches.
fn show(document: &str, range: Range<usize>, why: String) -> Nearest {
    let before = document.get(..range.start).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let touched = document.get(start..range.end).unwrap_or_default();
    let end = match touched.strip_suffix('\n') {
        Some(whole_lines) => start + whole_lines.len(),
        None => document.get(range.end..).and_then(|rest| rest.find('\n')).map_or(document.len(), |at| range.end + at),
    };
    let lines: Vec<String> = document
        .get(start..end)
        .unwrap_or_default()
        .split('\n')
        .take(MOST_LINES)
        .enumerate()
        .map(|(index, line)| cut(line, if index == 0 { range.start - start } else { 0 }))
        .collect();
    Nearest { line, text: lines.join("\n"), why }
}

/// A line, or of an overlong one the part that starts a little before `at`.
fn cut(line: &str, at: usize) -> String {
    if line.len() <= LINE_WIDTH {
        return line.to_owned();
    }
    let start = if at + 40 <= LINE_WIDTH { 0 } else { floor_char_boundary(line, at - 40) };
    let part: String = line.get(start..).unwrap_or_default().chars().take(LINE_WIDTH).collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if start + part.len() < line.len() { "…" } else { "" };
    format!("{before}{part}{after}")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::{Located, locate};
    use crate::text::Text;

    fn check(text: &str, needle: &str, expected: Expect) {
        let shown = match locate(&Text::new(text), needle) {
            Located::Missing { nearest: Some(nearest) } => {
                format!("{}: {:?}: {}", nearest.line, nearest.text, nearest.why)
            }
            other => format!("{other:?}"),
        };
        expected.assert_eq(&shown);
    }

    const SOURCE: &str =
        "fn first() {\n\tlet a = 1;\n\tlet b = 2;\n}\n\nfn second() {\n\tlet message = \"Hello, World\";\n}\n";

    #[test]
    fn white_space_is_told_from_other_differences() {
        check(
            SOURCE,
            "    let a = 1;\n    let b = 2;\n",
            expect![[
                r#"2: "\tlet a = 1;\n\tlet b = 2;": differs in white space only: line 1 is indented with 1 tab in the text, not with 4 spaces"#
            ]],
        );
        check(
            SOURCE,
            "\tlet a = 1; \n\tlet b = 2;",
            expect![[r#"2: "\tlet a = 1;\n\tlet b = 2;": differs in white space only: at the end of a line"#]],
        );
        check(
            SOURCE,
            "}\nfn second() {",
            expect![[r#"4: "}\n\nfn second() {": differs in white space only: in blank lines"#]],
        );
        check(SOURCE, "let a=1;", expect![[r#"2: "\tlet a = 1;": differs in white space only"#]]);
        check(
            "if x:\n        return 1\n",
            "if x:\n    return 1",
            expect![[
                r#"1: "if x:\n        return 1": differs in white space only: line 2 is indented with 8 spaces in the text, not with 4 spaces"#
            ]],
        );
    }

    #[test]
    fn letter_case_and_look_alikes_are_told() {
        check(
            SOURCE,
            "let message = \"hello, world\";",
            expect![[r#"7: "\tlet message = \"Hello, World\";": differs in letter case only"#]],
        );
        check(
            SOURCE,
            "let message = “Hello, World”;",
            expect![[
                r#"7: "\tlet message = \"Hello, World\";": differs only in characters that look alike, such as quotes or dashes"#
            ]],
        );
        check(
            SOURCE,
            "  let MESSAGE = \"hello, world\";",
            expect![[r#"7: "\tlet message = \"Hello, World\";": differs in white space and letter case only"#]],
        );
    }

    #[test]
    fn escapes_and_line_numbers_are_told() {
        check(
            SOURCE,
            "\\tlet a = 1;\\n\\tlet b = 2;",
            expect![[
                r#"2: "\tlet a = 1;\n\tlet b = 2;": has one escape too many: write line breaks, tabs and quotes as themselves, without a backslash"#
            ]],
        );
        check(
            SOURCE,
            "let message = \\\"Hello, World\\\";",
            expect![[
                r#"7: "\tlet message = \"Hello, World\";": has one escape too many: write line breaks, tabs and quotes as themselves, without a backslash"#
            ]],
        );
        check(
            SOURCE,
            "     2\t\tlet a = 1;\n     3\t\tlet b = 2;",
            expect![[r#"2: "\tlet a = 1;\n\tlet b = 2;": starts with line numbers: they are not part of the text"#]],
        );
    }

    #[test]
    fn other_differences_are_told_by_the_line() {
        check(
            SOURCE,
            "fn first() {\n\tlet a = 1;\n\tlet c = 3;\n}",
            expect![[r#"1: "fn first() {\n\tlet a = 1;\n\tlet b = 2;\n}": line 3 of 4 differs"#]],
        );
        check(
            SOURCE,
            "\tlet massage = \"Hello, Wurld\";",
            expect![[r#"7: "\tlet message = \"Hello, World\";": the line differs"#]],
        );
        check(
            SOURCE,
            "fn second() {\n\tlet message = \"Hello, World\";\n}\nfn third() {}\n",
            expect![[
                r#"6: "fn second() {\n\tlet message = \"Hello, World\";\n}": line 4 of 4 lies past the end of the text"#
            ]],
        );
        check(SOURCE, "something entirely different", expect!["Missing { nearest: None }"]);
        check(SOURCE, "   \n", expect!["Missing { nearest: None }"]);
        check("", "anything", expect!["Missing { nearest: None }"]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let long = format!("{}let  needle = 1;{}", "x".repeat(1 << 20), "y".repeat(1 << 20));
        let Located::Missing { nearest: Some(nearest) } = locate(&Text::new(&long), "let needle = 1;") else {
            panic!("found, or nothing near");
        };
        assert!(nearest.text.starts_with("…x") && nearest.text.ends_with("y…"), "{}", nearest.text);
        assert!(nearest.text.contains("let  needle = 1;"), "{}", nearest.text);
        assert!(nearest.text.chars().count() < 500);
    }
}
