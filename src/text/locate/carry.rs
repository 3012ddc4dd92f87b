//! From a replacement of what a writer thought stands there to one of what does.
//!
//! The edit is what differs between the writer's old and new text. Lines that both have keep the bytes of the place; lines that are
//! new take on its indentation; in a line that was changed, only what was changed changes.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::fold::{Overlook, is_blank};
use super::indent::{Shift, indent_of};

/// A place, by lines.
pub(super) struct Lines<'a> {
    document: &'a str,
    /// What stands there, split at line breaks.
    lines: Vec<&'a str>,
    /// What stands before it on its first line.
    before: &'a str,
}

impl<'a> Lines<'a> {
    pub fn of(document: &'a str, range: Range<usize>) -> Lines<'a> {
        let head = document.get(..range.start).unwrap_or_default();
        let before = head.rsplit('\n').next().unwrap_or_default();
        Lines { document, lines: document.get(range).unwrap_or_default().split('\n').collect(), before }
    }
}

/// What has to stand at `place`, which is the same as `old` but for what is overlooked, for `new` to stand there. Every line break is
/// `\n`. `None` if the indentations do not fit.
pub(super) fn carry(overlook: Overlook, place: &Lines<'_>, old: &str, new: &str) -> Option<String> {
    let (mut old, mut new): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
    // The text ends without the break that the writer gave it.
    if old.len() == place.lines.len() + 1 && old.last() == Some(&"") {
        old.pop();
        if new.len() > 1 && new.last() == Some(&"") {
            new.pop();
        }
    }
    if old.len() != place.lines.len() {
        return None;
    }
    // What stands behind the last break of all of them is no line.
    let mut there = place.lines.as_slice();
    let mut end = "";
    if new.len() > 1
        && let ([.., ""], [.., ""], [lines @ .., ""]) = (old.as_slice(), new.as_slice(), there)
    {
        there = lines;
        end = "\n";
        old.pop();
        new.pop();
    }
    let shift = if overlook.indent { Some(shift(place, &old, &new)?) } else { None };
    let writer = Writer { overlook, place, shift };
    let mut carried: Vec<String> = Vec::with_capacity(new.len());
    for op in capture_diff_slices(Algorithm::Histogram, &old, &new) {
        let (old_range, new_range) = (op.old_range(), op.new_range());
        let olds = old.get(old_range.clone())?;
        let news = new.get(new_range)?;
        let there = there.get(old_range)?;
        match op {
            DiffOp::Equal { .. } => carried.extend(there.iter().map(|line| (*line).to_owned())),
            DiffOp::Delete { .. } => {}
            DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
                for (line, mate) in news.iter().zip(mates(olds, news)) {
                    let mate = mate.and_then(|index| {
                        let is_first = op.old_range().start + index == 0;
                        Some(Mate { old: olds.get(index)?, there: there.get(index)?, is_first })
                    });
                    let is_first = carried.is_empty();
                    carried.push(writer.line(line, mate, is_first)?);
                }
            }
        }
    }
    Some(carried.join("\n") + end)
}

/// How the writer's indentation stands to the place's, and whether the first line takes part in that: where it begins within a line,
/// or without its indentation, it need not.
struct Shifted {
    shift: Shift,
    with_first: bool,
}

fn shift(place: &Lines<'_>, old: &[&str], new: &[&str]) -> Option<Shifted> {
    let of = |with_first: bool| {
        let skipped = usize::from(!with_first);
        let is_text = |line: &&&str| !line.trim().is_empty();
        let pairs: Vec<(&str, &str)> = old
            .iter()
            .zip(&place.lines)
            .enumerate()
            .skip(skipped)
            .filter(|(_, (line, _))| is_text(line))
            .map(|(_, (line, there))| (indent_of(line), indent_of(there)))
            .collect();
        let all = new.iter().skip(skipped).filter(is_text).map(|line| indent_of(line));
        Shift::of(&pairs, all, place.document).map(|shift| Shifted { shift, with_first })
    };
    let has_indent = old.first().is_some_and(|line| !indent_of(line).is_empty());
    match (place.before.is_empty(), has_indent) {
        (true, true) => of(true),
        (true, false) => of(true).or_else(|| of(false)),
        (false, _) => of(false),
    }
}

/// An old line that a new one is made of, as given and as it stands.
#[derive(Clone, Copy)]
struct Mate<'a> {
    old: &'a str,
    there: &'a str,
    is_first: bool,
}

struct Writer<'a> {
    overlook: Overlook,
    place: &'a Lines<'a>,
    shift: Option<Shifted>,
}

impl Writer<'_> {
    /// A line of the new text, made of `mate`.
    fn line(&self, new: &str, mate: Option<Mate<'_>>, is_first: bool) -> Option<String> {
        if new.trim().is_empty() && mate.is_none() {
            return Some(if self.overlook.indent { String::new() } else { new.to_owned() });
        }
        let indent = self.indent(new, mate, is_first)?;
        let body = new.get(indent_of(new).len()..).unwrap_or_default();
        let Some(Mate { old, there, .. }) = mate else { return Some(format!("{indent}{body}")) };
        let (old, there) = (without_indent(old), without_indent(there));
        let (old, old_end) = split_end(old);
        let (there, there_end) = split_end(there);
        let (body, end) = split_end(body);
        let end = if end == old_end { there_end } else { end };
        Some(format!("{indent}{}{end}", merge(old, there, body)))
    }

    fn indent(&self, new: &str, mate: Option<Mate<'_>>, is_first: bool) -> Option<String> {
        let given = indent_of(new);
        let same = mate.filter(|mate| indent_of(mate.old) == given);
        let there = |mate: Mate<'_>| indent_of(mate.there).to_owned();
        let Some(Shifted { shift, with_first }) = &self.shift else {
            return Some(same.map_or_else(|| given.to_owned(), there));
        };
        if !is_first {
            return same.filter(|mate| !mate.is_first || *with_first).map(there).or_else(|| shift.map(given));
        }
        // Where the writer gave the first line without its indentation, that stays.
        if *with_first {
            return shift.map(given);
        }
        Some(format!("{}{given}", indent_of(self.place.lines.first().copied().unwrap_or_default())))
    }
}

/// For each new line the old one that it is made of. Lines are compared in their order where there are as many, else from both ends.
fn mates(old: &[&str], new: &[&str]) -> Vec<Option<usize>> {
    let is_alike = |(old, new): (&&str, &&str)| alike(old, new);
    if old.len() == new.len() {
        return old.iter().zip(new).enumerate().map(|(index, pair)| is_alike(pair).then_some(index)).collect();
    }
    let fewer = old.len().min(new.len());
    let head = old.iter().zip(new).take_while(|pair| is_alike(*pair)).count();
    let tail = old.iter().rev().zip(new.iter().rev()).take(fewer - head).take_while(|pair| is_alike(*pair)).count();
    let mate = |index: usize| match index {
        index if index < head => Some(index),
        index if index >= new.len() - tail => Some(index + old.len() - new.len()),
        _ => None,
    };
    (0..new.len()).map(mate).collect()
}

/// Whether half of two lines is the same.
fn alike(one: &str, other: &str) -> bool {
    let (one, other) = (tokens(one.trim()), tokens(other.trim()));
    let length = |tokens: &[&str]| tokens.iter().map(|token| token.len()).sum::<usize>();
    let all = length(&one) + length(&other);
    let same: usize = capture_diff_slices(Algorithm::Myers, &one, &other)
        .iter()
        .filter(|op| matches!(op, DiffOp::Equal { .. }))
        .map(|op| length(one.get(op.old_range()).unwrap_or_default()))
        .sum();
    4 * same >= all
}

/// `new`, with the spelling of `there` for what it repeats of `old`. Those two look alike.
fn merge(old: &str, there: &str, new: &str) -> String {
    if old == there {
        return new.to_owned();
    }
    let look = Overlook { look: true, ..Overlook::default() };
    let folded = look.fold(there, false);
    let (old, new) = (tokens(old), tokens(new));
    // Where each old token begins in the folded text.
    let mut starts = vec![0];
    for token in &old {
        starts.push(starts.last().copied().unwrap_or_default() + look.fold(token, false).text.len());
    }
    let spelling = |tokens: Range<usize>| {
        let range = *starts.get(tokens.start)?..*starts.get(tokens.end)?;
        there.get(folded.original(range)?)
    };
    let mut merged = String::with_capacity(there.len());
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let as_given = || new.get(op.new_range()).unwrap_or_default().concat();
        match op {
            DiffOp::Equal { .. } => match spelling(op.old_range()) {
                Some(there) => merged.push_str(there),
                None => merged.push_str(&as_given()),
            },
            DiffOp::Insert { .. } | DiffOp::Replace { .. } => merged.push_str(&as_given()),
            DiffOp::Delete { .. } => {}
        }
    }
    merged
}

/// Words, white space, three dots, and every other character by itself.
fn tokens(text: &str) -> Vec<&str> {
    let kind = |character: char| match character {
        character if character.is_alphanumeric() => 1,
        character if character.is_whitespace() => 2,
        '.' => 3,
        _ => 0,
    };
    let mut tokens = Vec::new();
    let (mut from, mut before) = (0, None);
    for (at, character) in text.char_indices() {
        let here = kind(character);
        if before.is_some_and(|before| before != here || here == 0) {
            tokens.extend(text.get(from..at));
            from = at;
        }
        before = Some(here);
    }
    tokens.extend(text.get(from..).filter(|rest| !rest.is_empty()));
    tokens
}

fn without_indent(line: &str) -> &str {
    line.get(indent_of(line).len()..).unwrap_or_default()
}

/// A line, and the white space at its end.
fn split_end(line: &str) -> (&str, &str) {
    line.split_at(line.trim_end_matches(|character| is_blank(character, true)).len())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use crate::text::Text;
    use crate::text::locate::{Located, climb, locate};

    #[track_caller]
    fn check(text: &str, old: &str, new: &str, expected: Expect) {
        let text = Text::new(text);
        assert!(matches!(locate(&text, old), Located::Missing { .. }), "it stands there exactly");
        let shown = match climb(&text, old) {
            None => "nowhere".to_owned(),
            Some(climbed) => match climbed.ranges.as_slice() {
                [range] => match climbed.rung.carry(&text, range.clone(), old, new) {
                    Some(insert) => {
                        let edit = crate::text::Edit { range: range.clone(), insert };
                        format!("{}: {:?}", climbed.rung, text.apply(&edit).unwrap().to_string())
                    }
                    None => format!("{}: does not fit", climbed.rung),
                },
                more => format!("{}: {} places", climbed.rung, more.len()),
            },
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn white_space_at_the_ends_of_lines() {
        check(
            "a  \n\t\nb\nc\n",
            "a\n\nb",
            "a\n\nB",
            expect![[r#"white space at the ends of lines: "a  \n\t\nB\nc\n""#]],
        );
        check("x\na\nb", "a\nb\n", "a\nb\nc\n", expect![[r#"white space at the ends of lines: "x\na\nb\nc""#]]);
        check("x\na\nb", "b\n", "", expect![[r#"white space at the ends of lines: "x\na\n""#]]);
        check("aa\na b\n", "a  ", "c", expect![[r#"white space at the ends of lines: "ac\na b\n""#]]);
        check(
            "foo  \r\nbar\r\nbaz",
            "foo\nbar",
            "foo\nnew\nbar",
            expect![[r#"white space at the ends of lines: "foo  \r\nnew\r\nbar\r\nbaz""#]],
        );
        check("a \nb\na \nb\n", "a\nb", "c", expect!["white space at the ends of lines: 2 places"]);
        check(
            "key: value  \nnext\n",
            "key: value\nnext",
            "key: other\nnext",
            expect![[r#"white space at the ends of lines: "key: other  \nnext\n""#]],
        );
    }

    #[test]
    fn indentation_with_that_of_the_new_text() {
        let source = "fn a() {\n\tif b {\n\t\tc();\n\t}\n}\n";
        check(
            source,
            "if b {\n    c();\n}",
            "if b {\n    c();\n    if d {\n        e();\n    }\n}",
            expect![[r#"indentation: "fn a() {\n\tif b {\n\t\tc();\n\t\tif d {\n\t\t\te();\n\t\t}\n\t}\n}\n""#]],
        );
        check(
            source,
            "    if b {\n        c();\n    }\n",
            "    c();\n",
            expect![[r#"indentation: "fn a() {\n\tc();\n}\n""#]],
        );
        check(source, "  }\n", "  }\n  x();\n", expect!["nowhere"]);
        check(
            "def a():\n    x = 1\n    y = 2\n",
            "  x = 1\n  y = 2\n",
            "  x = 1\n  if x:\n    y = 3\n",
            expect![[r#"indentation: "def a():\n    x = 1\n    if x:\n        y = 3\n""#]],
        );
        check(
            "  a:\n    b\n  c\n",
            "a:\n        b",
            "a:\n        d",
            expect![[r#"indentation: "  a:\n    d\n  c\n""#]],
        );
        check(
            "let x = f(\n            a,\n        );\n",
            "f(\n    a,\n);",
            "f(\n    a,\n    b,\n);",
            expect![[r#"indentation: "let x = f(\n            a,\n            b,\n        );\n""#]],
        );
        check("if x:\n    a\n    b\n", "if x:\n        a\n    b\n", "c", expect!["indentation: does not fit"]);
        check("    a()\n    b()\n  a()\n  b()\n", "a() \nb()", "c()", expect!["indentation: 2 places"]);
    }

    #[test]
    fn characters_that_look_alike() {
        check(
            "say “hi” — it’s ok…\n",
            "say \"hi\" - it's ok...",
            "say \"ho\" - it's not ok...",
            expect![[r#"characters that look alike: "say “ho” — it’s not ok…\n""#]],
        );
        check("a\u{a0}= 1\n", "a = 1", "a = 2", expect![[r#"characters that look alike: "a\u{a0}= 2\n""#]]);
        check("a…b\n", "a..", "c", expect!["nowhere"]);
        check(
            "x = “a”  \n  y\n",
            "x = \"a\"\ny",
            "x = \"a\"\nz = \"b\"\ny",
            expect![[r#"indentation and characters that look alike: "x = “a”  \n  z = \"b\"\n  y\n""#]],
        );
        check(
            "it’s\nits\n",
            "it's\nits\n",
            "it's\n\"new\"\nits\n",
            expect![[r#"characters that look alike: "it’s\n\"new\"\nits\n""#]],
        );
        check("“a”\n“a”\n", "\"a\"", "b", expect!["characters that look alike: 2 places"]);
    }
}
