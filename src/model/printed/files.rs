//! Edits as text: blocks of search and replace, and whole files in fences with their path.

use serde_json::{Map, Value};

use super::shape::{self, call};
use crate::model::{ToolCallRequested, ToolSchema};

/// A block of search and replace.
pub(super) struct Block<'a> {
    search: &'a str,
    replace: &'a str,
    /// Bytes up to its end.
    end: usize,
}

/// Whether a block begins at the start of `text`.
pub(super) fn begins_block(text: &str) -> bool {
    marker(text.lines().next().unwrap_or_default(), '<', "SEARCH")
}

/// The block at the start of `text`; `None` if it is not whole.
pub(super) fn block(text: &str) -> Option<Block<'_>> {
    let mut lines = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        lines.push((at, at + line.len(), line.trim_end()));
        at += line.len();
    }
    let mut lines = lines.into_iter();
    let (_, search_start, _) = lines.next().filter(|(_, _, line)| marker(line, '<', "SEARCH"))?;
    let (search_end, replace_start, _) = lines.find(|(_, _, line)| is_divider(line))?;
    let (replace_end, end, _) = lines.find(|(_, _, line)| marker(line, '>', "REPLACE"))?;
    Some(Block { search: text.get(search_start..search_end)?, replace: text.get(replace_start..replace_end)?, end })
}

impl Block<'_> {
    pub fn end(&self) -> usize {
        self.end
    }

    /// The call that makes the edit; one without anything to search for writes the file.
    pub fn call(&self, path: &str, tools: &[ToolSchema]) -> Option<ToolCallRequested> {
        if self.search.trim().is_empty() {
            return write(path, self.replace, tools);
        }
        let [old, new] = [self.search, self.replace].map(|text| Value::from(text.to_owned()));
        let arguments = [("path", path.into()), ("old_string", old), ("new_string", new)];
        let tool = shape::tool("edit_file", tools)?;
        Some(call(
            &tool.name,
            &arguments.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>(),
        ))
    }
}

/// The call that writes a whole file.
pub(super) fn write(path: &str, content: &str, tools: &[ToolSchema]) -> Option<ToolCallRequested> {
    let tool = shape::tool("write_file", tools)?;
    let arguments = [("path", Value::from(path)), ("content", content.into())];
    Some(call(&tool.name, &arguments.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()))
}

/// A file without what was said of the change in its first line, `Change: …`, perhaps as a comment, and the blank lines behind it.
pub(super) fn without_remark(content: &str) -> &str {
    let (first, rest) = content.split_once('\n').unwrap_or((content, ""));
    match remark(first) {
        Some(_) => rest.trim_start_matches(['\r', '\n']),
        None => content,
    }
}

/// What is said of a change in the first line of a file.
pub(super) fn remark(line: &str) -> Option<&str> {
    let said = line.trim_start_matches(|mark: char| mark.is_whitespace() || "#/-*;%<!\"'".contains(mark));
    said.strip_prefix("Change:").map(str::trim)
}

/// The path that a line of prose is, and nothing else: `src/a.py`, `**src/a.py**`, ``### `src/a.py`:``, `File: src/a.py`.
pub(super) fn path(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches(['#', '/', '-', '*', ' ']).trim();
    let line = ["File:", "file:", "FILE:", "Path:", "path:", "Filename:", "filename:"]
        .iter()
        .find_map(|word| line.strip_prefix(word))
        .unwrap_or(line);
    let path = line.trim().trim_matches(['*', '`', ':', '"', '\'', '_']).trim();
    is_path(path).then_some(path)
}

/// The path in what stands behind the marks of a fence: `python src/a.py`, `src/a.py`, `python:src/a.py`, `python title="src/a.py"`.
pub(super) fn path_of_info(info: &str) -> Option<&str> {
    let mut words = info.split([' ', '=', '{', '}']);
    let word = words.rfind(|word| !word.is_empty())?.trim_matches(['"', '\'', '`']);
    let word = word.split_once(':').map_or(word, |(_, path)| path);
    is_path(word).then_some(word)
}

fn is_path(text: &str) -> bool {
    let is_part = |character: char| {
        character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '/' | '+' | '@' | '[' | ']' | '(' | ')')
    };
    let name = text.rsplit('/').next().unwrap_or_default();
    let has_end = name
        .rsplit_once('.')
        .is_some_and(|(_, end)| !end.is_empty() && end.len() <= 10 && !end.bytes().all(|byte| byte.is_ascii_digit()));
    let is_known = ["Makefile", "Dockerfile", "LICENSE", "README", "Justfile", "Gemfile", "Rakefile"].contains(&name);
    !text.is_empty() && text.len() <= 200 && text.chars().all(is_part) && (has_end || is_known) && !text.ends_with('.')
}

/// `<<<<<<< SEARCH`, with at least five of the signs.
fn marker(line: &str, sign: char, word: &str) -> bool {
    let rest = line.trim().trim_start_matches(sign);
    let signs = line.trim().len() - rest.len();
    (5..=9).contains(&signs) && rest.trim().eq_ignore_ascii_case(word)
}

fn is_divider(line: &str) -> bool {
    (5..=9).contains(&line.len()) && line.bytes().all(|byte| byte == b'=')
}
