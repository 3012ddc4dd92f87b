//! The first line of what is written about a definition: the comment before it, or the string it begins with.

use std::ops::Range;

use tree_sitter::Node;

use super::Language;
use super::comments::comment_body;
use crate::text::Text;

/// Characters of a line; longer ones are cut.
const WIDTH: usize = 120;
/// Comments of one block that are gone back over.
const MOST: usize = 200;
/// Bytes between a comment and what it is about: a break and the space before a line.
const NEAR: usize = 512;

/// The first line of the comments that end right before `at`. They stand in source order.
pub(in crate::syntax) fn before(at: usize, comments: &[Range<usize>], source: &Text) -> Option<String> {
    let mut first = comments.partition_point(|comment| comment.end <= at);
    let end = first;
    let mut next = at;
    while first > 0 && end - first < MOST {
        let comment = comments.get(first - 1)?;
        if next.saturating_sub(comment.end) > NEAR {
            break;
        }
        let between = source.slice(comment.end..next)?;
        // A comment's node may hold the break behind it.
        let ends_line = source.slice(comment.end.saturating_sub(1)..comment.end).is_some_and(|last| last == "\n");
        let breaks = between.matches('\n').count() + usize::from(ends_line);
        let line = source.line_start(source.line_of(comment.start));
        let is_alone = source.slice(line..comment.start)?.trim().is_empty();
        if !between.trim().is_empty() || breaks > 1 || !is_alone {
            break;
        }
        next = comment.start;
        first -= 1;
    }
    comments.get(first..end)?.iter().find_map(|comment| {
        let comment = source.slice(comment.clone())?;
        comment_body(&comment).lines().map(|line| line.trim().trim_start_matches('*').trim()).find_map(told)
    })
}

/// The first line of the string that a body begins with, where that is how the language writes it.
pub(in crate::syntax) fn inside(body: Node<'_>, language: Language, source: &Text) -> Option<String> {
    if language != Language::Python {
        return None;
    }
    let statement = body.named_child(0).filter(|node| node.kind() == "expression_statement")?;
    let string = statement.named_child(0).filter(|node| node.kind() == "string")?;
    let text = source.slice(string.byte_range())?;
    let text = text.trim_start_matches(|prefix: char| prefix.is_ascii_alphabetic());
    text.trim_matches(['"', '\'']).lines().find_map(told)
}

/// A line that says something.
fn told(line: &str) -> Option<String> {
    let line = without_tags(line).split_whitespace().collect::<Vec<_>>().join(" ");
    if !line.chars().any(char::is_alphanumeric) {
        return None;
    }
    Some(match line.char_indices().nth(WIDTH) {
        Some((cut, _)) => format!("{}…", line.get(..cut)?),
        None => line,
    })
}

/// `A shape.` of `<summary>A shape.</summary>`.
fn without_tags(line: &str) -> &str {
    let mut line = line.trim();
    while let Some((_, rest)) = line.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        line = rest.trim_start();
    }
    while let Some((rest, _)) = line.strip_suffix('>').and_then(|rest| rest.rsplit_once("</")) {
        line = rest.trim_end();
    }
    line
}
