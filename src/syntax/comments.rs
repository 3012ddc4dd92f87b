//! Comments, by grammar where there is one, else by how lines begin.

use std::ops::Range;

use super::search::Found;
use super::{Language, Parsed};
use crate::text::Text;

/// The largest text that is searched.
const MOST_BYTES: usize = 8 << 20;

/// What starts a comment that runs to the end of its line, in one language or another.
const LINE_MARKS: &[&str] = &["//", "#", "--", ";", "%"];
/// What a comment stands between that may run over lines.
const BLOCK_MARKS: &[(&str, &str)] = &[("/*", "*/"), ("<!--", "-->")];

/// The byte ranges of comments, in order, without the line break behind them. Without a language, or for a text that can
/// not be parsed, they are found by what a line begins with, or holds between spaces: good enough to find a marked
/// comment, not to tell code from strings.
pub fn comments(text: &Text, language: Option<Language>) -> Vec<Range<usize>> {
    if text.len() > MOST_BYTES {
        return Vec::new();
    }
    match language.and_then(|language| Parsed::of(text, language)) {
        Some(parsed) => comments_of(&parsed),
        None => by_marks(&text.to_string()),
    }
}

/// The comments in a tree that is at hand.
pub fn comments_of(parsed: &Parsed) -> Vec<Range<usize>> {
    let found = Found::search(parsed);
    found.comments.into_iter().map(|comment| without_break(parsed.text(), comment)).collect()
}

/// What a comment says, without the marks around it: `claw: do it` of `/// claw: do it`.
pub fn comment_body(comment: &str) -> &str {
    let comment = comment.trim();
    for (open, close) in BLOCK_MARKS {
        if let Some(body) = comment.strip_prefix(open) {
            let body = body.strip_suffix(close).unwrap_or(body);
            return body.trim_start_matches(['*', '!']).trim();
        }
    }
    LINE_MARKS.iter().filter_map(|mark| comment.strip_prefix(mark).map(|body| (mark, body))).next().map_or(
        comment,
        |(mark, body)| {
            // `///`, `//!`, `##` and `;;` are marks too.
            let last = mark.chars().next_back().unwrap_or_default();
            body.trim_start_matches([last, '!']).trim()
        },
    )
}

fn without_break(text: &Text, range: Range<usize>) -> Range<usize> {
    let tail = range.end.saturating_sub(2).max(range.start)..range.end;
    let breaks = text.slice(tail).map_or(0, |tail| tail.len() - tail.trim_end_matches(['\r', '\n']).len());
    range.start..range.end - breaks
}

fn by_marks(text: &str) -> Vec<Range<usize>> {
    let mut comments = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let end = rest.find(['\n', '\r']).map_or(text.len(), |end| at + end);
        let Some(start) = text.get(at..end).and_then(comment_start).map(|start| at + start) else {
            at = end + 1;
            continue;
        };
        let comment = text.get(start..).unwrap_or_default();
        let block = BLOCK_MARKS.iter().find(|(open, _)| comment.starts_with(open));
        // A block that is never closed ends with its line.
        let closed = block.and_then(|(open, close)| {
            let body = start + open.len();
            text.get(body..)?.find(close).map(|at| body + at + close.len())
        });
        let comment_end = closed.unwrap_or(end);
        let trimmed = text.get(start..comment_end).unwrap_or_default().trim_end().len();
        comments.push(start..start + trimmed);
        at = if closed.is_some() { comment_end } else { end + 1 };
    }
    comments
}

/// Where a comment starts in a line: behind its indentation, or between two spaces further on.
fn comment_start(line: &str) -> Option<usize> {
    let marks = || LINE_MARKS.iter().copied().chain(BLOCK_MARKS.iter().map(|(open, _)| *open));
    let indent = line.len() - line.trim_start().len();
    let code = line.get(indent..)?;
    if marks().any(|mark| code.starts_with(mark)) && !code.starts_with("-->") {
        return Some(indent);
    }
    marks()
        .filter_map(|mark| {
            code.match_indices(mark).map(|(at, _)| at).find(|at| {
                let before = code.get(..*at).is_some_and(|before| before.ends_with(char::is_whitespace));
                let after = code.get(at + mark.len()..).is_some_and(|after| after.starts_with(char::is_whitespace));
                before && after
            })
        })
        .min()
        .map(|at| indent + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, language: Option<Language>, expected: &[&str]) {
        let text = Text::new(source);
        let found: Vec<&str> = comments(&text, language).into_iter().map(|range| &source[range]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn grammars_tell_comments_from_strings() {
        let rust = "//! docs\r\nfn f() { let a = \"// no\"; } // claw: do it\r\n/* b\n b */\n/// doc\nfn g() {}";
        check(rust, Some(Language::Rust), &["//! docs", "// claw: do it", "/* b\n b */", "/// doc"]);
        let python = "x = '# no'  # yes AI!\n# two\ndef f():\n    \"\"\"# no\"\"\"\n    # three\n";
        check(python, Some(Language::Python), &["# yes AI!", "# two", "# three"]);
    }

    #[test]
    fn without_a_grammar_marks_tell() {
        check("# a\nx = 1 # b\ny = 'c#d'\nhttp://e\n", None, &["# a", "# b"]);
        check("-- sql\r\n  ; lisp\r% tex\n", None, &["-- sql", "; lisp", "% tex"]);
        check(
            "<p><!--no\n -->\n<!-- two\nlines --> x\n/* c */ int x; // d",
            None,
            &["<!-- two\nlines -->", "/* c */", "// d"],
        );
        check("/* never closed\nint x;\n// e", None, &["/* never closed", "// e"]);
        check("", None, &[]);
    }

    #[test]
    fn a_comment_says_what_stands_between_its_marks() {
        let check = |comment: &str, body: &str| assert_eq!(comment_body(comment), body, "{comment}");
        check("// claw: do it", "claw: do it");
        check("/// do it AI!", "do it AI!");
        check("//! a", "a");
        check("#claw: a", "claw: a");
        check("#! a", "a");
        check("--- a", "a");
        check(";; a", "a");
        check("/** a\n b */", "a\n b");
        check("<!-- claw: a -->", "claw: a");
        check("plain", "plain");
    }
}
