//! Calls in the syntax of functions: `read_file(path="a")`, alone or in a list.

use serde_json::{Map, Value};

use super::lenient;
use super::shape::{self, call};
use crate::model::{ToolCallRequested, ToolSchema};

/// A list of such calls at the start of `text`.
pub(super) fn list(text: &str, tools: &[ToolSchema]) -> Option<(Vec<ToolCallRequested>, usize)> {
    let mut rest = text.strip_prefix('[')?.trim_start();
    let mut calls = Vec::new();
    loop {
        let (call, after) = one(rest, tools)?;
        calls.push(call);
        let after = after.trim_start();
        let after = after.strip_prefix(',').unwrap_or(after).trim_start();
        if let Some(after) = after.strip_prefix(']') {
            return Some((calls, text.len() - after.len()));
        }
        rest = after;
    }
}

/// The calls that `text` is made of, and of nothing else.
pub(super) fn all(text: &str, tools: &[ToolSchema]) -> Option<Vec<ToolCallRequested>> {
    let mut rest = text.trim();
    if let Some((calls, end)) = list(rest, tools) {
        return rest.get(end..).is_some_and(|rest| rest.trim().is_empty()).then_some(calls);
    }
    let mut calls = Vec::new();
    while !rest.is_empty() {
        // Some print what the call gives.
        let printed = rest.strip_prefix("print(").map(str::trim_start);
        let (call, after) = one(printed.unwrap_or(rest), tools)?;
        let after = if printed.is_some() { after.trim_start().strip_prefix(')')? } else { after };
        calls.push(call);
        rest = after.trim_start_matches(|character: char| character.is_whitespace() || matches!(character, ';' | ','));
    }
    (!calls.is_empty()).then_some(calls)
}

/// A call at the start of `text`, and what follows it.
fn one<'a>(text: &'a str, tools: &[ToolSchema]) -> Option<(ToolCallRequested, &'a str)> {
    let (name, rest) = text.split_once('(')?;
    let tool = shape::tool(name.trim(), tools)?;
    let mut arguments = Map::new();
    let mut rest = rest.trim_start();
    // One object that holds them all.
    if let Some((Value::Object(given), end)) = lenient::structure(rest)
        && let Some(after) = rest.get(end..)?.trim_start().strip_prefix(')')
    {
        return Some((call(&tool.name, &given), after));
    }
    let mut by_place = shape::required(tool);
    loop {
        if let Some(after) = rest.strip_prefix(')') {
            return Some((call(&tool.name, &arguments), after));
        }
        let end = rest.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(rest.len());
        let key = rest.get(..end).unwrap_or_default();
        let after = rest.get(end..)?.trim_start();
        let value = after.strip_prefix('=').or_else(|| after.strip_prefix(':')).filter(|_| !key.is_empty());
        let (key, text) = match value {
            Some(value) if shape::property(tool, key).is_some() => (key, value.trim_start()),
            Some(_) => return None,
            None => (by_place.next()?, rest),
        };
        let (value, end) = lenient::value(text)?;
        arguments.insert(key.to_owned(), value);
        rest = text.get(end..)?.trim_start();
        rest = match rest.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if rest.starts_with(')') => rest,
            None => return None,
        };
    }
}
