//! Calls behind marks: the tags that families of models were taught, as their chat templates and servers show them.

use serde_json::{Map, Value};

use super::lenient;
use super::shape::{self, Mark, call, calls, typed};
use super::syntax;
use crate::model::{ToolCallRequested, ToolSchema};

/// What stands behind a mark.
pub(super) enum Marked {
    /// Calls, and the bytes that they take with their mark.
    Calls(Vec<ToolCallRequested>, usize),
    /// Somebody begins a call and it is none.
    Malformed(usize),
}

/// Marks behind which JSON follows, or one of the other forms.
const OPENERS: [&str; 18] = [
    "<tool_call>",
    "<tool_calls>",
    "<toolcall>",
    "<tool_use>",
    "<function_call>",
    "<function_calls>",
    "<tools>",
    "<action>",
    "<|tool_call|>",
    "<|tool_calls|>",
    "<|tool_call>",
    "<|tool_call_start|>",
    "<|python_tag|>",
    "<｜tool▁calls▁begin｜>",
    "<|tool_calls_section_begin|>",
    "[TOOL_CALLS]",
    "[TOOL_CALL]",
    "functools",
];

/// What may stand behind calls and belongs to them.
const CLOSERS: [&str; 25] = [
    "</tool_call>",
    "</tool_calls>",
    "<tool_call|>",
    "</toolcall>",
    "</tool_use>",
    "</function_call>",
    "</function_calls>",
    "</tools>",
    "</action>",
    "</function>",
    "</invoke>",
    "<|/tool_call|>",
    "<|tool_call_end|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<｜tool▁call▁end｜>",
    "<｜tool▁calls▁end｜>",
    "<|tool_calls_section_end|>",
    "[/TOOL_CALLS]",
    "[/TOOL_CALL]",
    "<|im_end|>",
    "<|call|>",
    "```",
    "<|end|>",
    "</s>",
];

/// Where the first mark stands in `text`.
pub(super) fn find(text: &str, tools: &[ToolSchema]) -> Option<usize> {
    let others = ["<function=", "<invoke name=", "<｜tool▁call▁begin｜>", "<|tool_call_begin|>", "to=functions."];
    let fixed = OPENERS.iter().chain(&others).filter_map(|mark| text.find(mark));
    let own = tools.iter().filter_map(|tool| text.find(&format!("<{}>", tool.name)));
    fixed.chain(own).min()
}

/// The calls behind the mark at the start of `text`; `None` where it is only the word.
pub(super) fn read(text: &str, tools: &[ToolSchema]) -> Option<Marked> {
    if let Some(opener) = OPENERS.iter().find(|opener| text.starts_with(**opener)) {
        let (mut at, mut found) = (opener.len(), Vec::new());
        // One mark may stand before several calls, and a mark of its own before each.
        while let Some((more, end)) = one(text.get(at..)?, tools) {
            found.extend(more);
            at += end;
            at += closers(text.get(at..)?);
            let rest = text.get(at..)?;
            let next =
                rest.trim_start_matches(|character: char| character.is_whitespace() || matches!(character, ',' | ';'));
            let again = OPENERS.iter().find(|opener| next.starts_with(**opener));
            let goes_on = again.is_some()
                || next.starts_with(['{', '['])
                || next.starts_with("<function=")
                || next.starts_with("<invoke");
            if !goes_on {
                break;
            }
            at += rest.len() - next.len() + again.map_or(0, |again| again.len());
        }
        let rest = text.get(opener.len()..)?;
        return match (found.is_empty(), begins_a_call(rest)) {
            (false, _) => Some(Marked::Calls(found, at)),
            (true, true) => Some(Marked::Malformed(end_of(text))),
            (true, false) => None,
        };
    }
    if let Some((found, end)) = element(text, tools) {
        let end = end + closers(text.get(end..)?);
        return Some(Marked::Calls(found, end));
    }
    let is_begun = text.starts_with("<function=") && text.contains("<parameter=") || text.starts_with("<invoke name=");
    is_begun.then(|| Marked::Malformed(end_of(text)))
}

/// Whether what follows a mark can only be meant as a call.
fn begins_a_call(rest: &str) -> bool {
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("```json").or_else(|| rest.strip_prefix("```")).unwrap_or(rest).trim_start();
    rest.starts_with(['{', '['])
        || rest.starts_with("<function=")
        || rest.starts_with("<invoke name=")
        || rest.starts_with("<arg_key>")
}

/// Up to the next blank line.
fn end_of(text: &str) -> usize {
    text.find("\n\n").unwrap_or(text.len())
}

/// The bytes of the marks that close a call.
fn closers(text: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let next = rest.trim_start();
        let Some(closer) = CLOSERS.iter().find(|closer| next.starts_with(**closer)) else { return at };
        at += rest.len() - next.len() + closer.len();
    }
}

/// One call, or a list of them, without the mark before it.
fn one(text: &str, tools: &[ToolSchema]) -> Option<(Vec<ToolCallRequested>, usize)> {
    let body = text.trim_start();
    let mut at = text.len() - body.len();
    let unfenced = ["```json\n", "```\n", "```json", "json\n"].iter().find_map(|fence| body.strip_prefix(fence));
    if let Some(inner) = unfenced {
        at += body.len() - inner.len();
    }
    let body = unfenced.unwrap_or(body);
    let spaces = body.len() - body.trim_start().len();
    let (body, at) = (body.trim_start(), at + spaces);
    if let Some((value, end)) = lenient::structure(body) {
        return Some((calls(&value, tools, Mark::Marked)?, at + end));
    }
    if let Some((found, end)) = syntax::list(body, tools) {
        return Some((found, at + end));
    }
    if let Some((found, end)) = element(body, tools) {
        return Some((found, at + end));
    }
    let (found, end) = named(body, tools)?;
    Some((vec![found], at + end))
}

/// A name, and its arguments as JSON or in tags of key and value.
fn named(text: &str, tools: &[ToolSchema]) -> Option<(ToolCallRequested, usize)> {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | ':');
    let end = text.find(|character| !is_part(character)).unwrap_or(text.len());
    let name = text.get(..end).filter(|name| !name.is_empty())?;
    let tool = shape::tool(name, tools);
    let rest = text.get(end..)?;
    let next = rest.trim_start();
    let next =
        next.strip_prefix("[ARGS]").or_else(|| next.strip_prefix("<|tool_call_argument_begin|>")).unwrap_or(next);
    let next = next.trim_start();
    let at = text.len() - next.len();
    if let Some((Value::Object(arguments), end)) = lenient::structure(next) {
        return Some((call(name, &arguments), at + end));
    }
    let mut arguments = Map::new();
    let mut rest = next;
    while let Some((key, after)) = between(rest, "<arg_key>", "</arg_key>") {
        let (value, after) = between(after, "<arg_value>", "</arg_value>")?;
        arguments.insert(key.trim().to_owned(), typed(tool, key.trim(), value));
        rest = after.trim_start();
    }
    (!arguments.is_empty()).then(|| (call(name, &arguments), text.len() - rest.len()))
}

/// Calls that are marked by their own form: `<function=…>`, `<invoke …>`, a tag of a tool's name, a model's special tokens.
fn element(text: &str, tools: &[ToolSchema]) -> Option<(Vec<ToolCallRequested>, usize)> {
    let length = text.len();
    let one = |call, rest: &str| Some((vec![call], length - rest.len()));
    if let Some(rest) = text.strip_prefix("<function=") {
        let (name, rest) = rest.split_once('>')?;
        let name = name.trim_matches(['"', '\'']);
        let (body, after) =
            rest.split_once("</function>").unwrap_or_else(|| (rest, rest.get(rest.len()..).unwrap_or_default()));
        return one(call(name, &parameters(name, body, tools)?), after);
    }
    if let Some(rest) = text.strip_prefix("<invoke name=") {
        let (name, rest) = rest.split_once('>')?;
        let name = name.trim().trim_matches(['"', '\'']);
        let (body, after) = rest.split_once("</invoke>")?;
        return one(call(name, &parameters(name, body, tools)?), after);
    }
    if let Some(rest) = text.strip_prefix("<｜tool▁call▁begin｜>") {
        let rest = rest.strip_prefix("function").unwrap_or(rest);
        let rest = rest.strip_prefix("<｜tool▁sep｜>").unwrap_or(rest);
        let (name, rest) = rest.split_once(['\n', '<'])?;
        let json = rest.find('{')?;
        let (Value::Object(arguments), end) = lenient::structure(rest.get(json..)?)? else { return None };
        return one(call(name.trim(), &arguments), rest.get(json + end..)?);
    }
    if let Some(rest) = text.strip_prefix("<|tool_call_begin|>").or_else(|| text.strip_prefix("to=")) {
        let rest = rest.trim_start();
        let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | ':');
        let end = rest.find(|character| !is_part(character))?;
        let name = rest.get(..end)?;
        let json = rest.find('{')?;
        // Between name and arguments stand special tokens and no prose.
        if rest.get(end..json)?.contains('\n') && !rest.get(end..json)?.trim().starts_with('<') {
            return None;
        }
        let (Value::Object(arguments), length) = lenient::structure(rest.get(json..)?)? else { return None };
        return one(call(name, &arguments), rest.get(json + length..)?);
    }
    let tool = tools.iter().find(|tool| text.starts_with(&format!("<{}>", tool.name)))?;
    let (body, after) = between(text, &format!("<{}>", tool.name), &format!("</{}>", tool.name))?;
    let mut arguments = Map::new();
    let names = tool.parameters.get("properties").and_then(Value::as_object)?;
    for name in names.keys() {
        if let Some((_, rest)) = body.split_once(&format!("<{name}>"))
            && let Some((value, _)) = rest.rsplit_once(&format!("</{name}>"))
        {
            arguments.insert(name.clone(), typed(Some(tool), name, trimmed(value)));
        }
    }
    if let (true, Some((Value::Object(given), _))) = (arguments.is_empty(), lenient::structure(body.trim())) {
        arguments = given;
    }
    let needs_some = shape::required(tool).next().is_some();
    if arguments.is_empty() && needs_some { None } else { one(call(&tool.name, &arguments), after) }
}

/// The arguments within a call's tag: JSON, or a tag each.
fn parameters(name: &str, body: &str, tools: &[ToolSchema]) -> Option<Map<String, Value>> {
    let body = body.trim();
    if let Some((Value::Object(arguments), _)) = lenient::structure(body) {
        return Some(arguments);
    }
    let tool = shape::tool(name, tools);
    let mut arguments = Map::new();
    let mut rest = body;
    while let Some(at) = rest.find("<parameter") {
        let (head, after) = rest.get(at + "<parameter".len()..)?.split_once('>')?;
        let name = head.trim().trim_start_matches("name").trim_start_matches(['=', ' ']).trim_matches(['"', '\'']);
        // Some leave the end of a value to the start of the next.
        let end = after.find("</parameter>").or_else(|| after.find("<parameter")).unwrap_or(after.len());
        let (value, after) = after.split_at_checked(end)?;
        arguments.insert(name.to_owned(), typed(tool, name, trimmed(value)));
        rest = after;
    }
    let is_bare = body.is_empty() && tool.is_some_and(|tool| shape::required(tool).next().is_none());
    (is_bare || !arguments.is_empty()).then_some(arguments)
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<(&'a str, &'a str)> {
    text.trim_start().strip_prefix(start)?.split_once(end)
}

/// Without the line breaks that set a value apart from its tags.
fn trimmed(value: &str) -> &str {
    match value.strip_prefix('\n') {
        Some(value) => value.strip_suffix('\n').unwrap_or(value),
        None => value,
    }
}
