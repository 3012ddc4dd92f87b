//! The body of a private key that stands as text: as it is, as a string of a program, as a line of a log.

use std::ops::Range;

/// Longest body that is looked at: a key of 16,384 bits has 13,000 bytes.
const LONGEST: usize = 64 * 1024;
/// Fewest characters in a row that are part of a key where nothing tells its end.
const LONG: usize = 32;

/// What of `text` behind `start`, where the line that begins a key ends, is the key. Empty if there is none: whoever names such
/// a line in a program has no key there.
pub(super) fn body(text: &str, start: usize) -> Range<usize> {
    let most = text.len().min(start.saturating_add(LONGEST));
    let most = (start..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(start);
    let rest = text.get(start..most).unwrap_or_default();
    let end = rest.find("-----").and_then(|at| rest.get(..at)).filter(|body| is_body(body));
    let body = match end {
        Some(body) => body,
        None => cut_off(rest),
    };
    let body_start = body.len() - body.trim_start_matches(is_between).len();
    // A line break that is written out is no part of the key: `\n`.
    let body_start =
        if body.get(body_start..).is_some_and(|body| body.starts_with("\\n")) { body_start + 2 } else { body_start };
    let body_end = body.trim_end_matches(is_between).len();
    start + body_start..start + body_end.max(body_start)
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | ',')
}

fn is_of_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

/// Whether all of it may be a key with its headers, in quotes or behind the marks of a comment.
fn is_body(body: &str) -> bool {
    let fits = |c: char| {
        is_of_key(c)
            || c.is_whitespace()
            || matches!(c, '\\' | '"' | '\'' | ',' | '.' | ':' | '-' | '#' | '*' | '>' | '|' | '%' | '(' | ')')
    };
    body.chars().all(fits) && body.split(|c| !is_of_key(c)).any(|word| word.len() >= 4)
}

/// The lines that are a key's, where its end is not there.
fn cut_off(rest: &str) -> &str {
    let (mut end, mut seen) = (0, false);
    for line in rest.split_inclusive('\n') {
        let longest = line.split(|c| !is_of_key(c)).map(str::len).max().unwrap_or_default();
        let is_header = line.contains(": ") && line.len() < 80 && !seen;
        let is_blank = line.trim_matches(is_between).is_empty();
        if longest >= LONG {
            seen = true;
        } else if seen {
            // The last line of a key is a shorter one.
            let is_last = longest >= 4 && line.split_whitespace().next_back().is_some_and(|word| word.len() == longest);
            end += if is_last { line.len() } else { 0 };
            break;
        } else if !is_header && !is_blank {
            break;
        }
        end += line.len();
    }
    if seen { rest.get(..end).unwrap_or_default() } else { "" }
}
