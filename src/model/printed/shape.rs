//! Which JSON values are calls.

use serde_json::{Map, Value};

use super::lenient;
use crate::model::{ToolCallRequested, ToolSchema};

/// How sure it is that somebody wants to call something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It stands behind a mark that says so: what names no tool is a call of a tool that does not exist.
    Marked,
    /// It is JSON that might be anything: it must name a tool and arguments of that tool.
    Bare,
}

const NAMES: [&str; 7] = ["name", "tool", "function", "tool_name", "function_name", "action", "recipient_name"];
const ARGUMENTS: [&str; 9] =
    ["arguments", "parameters", "args", "input", "tool_input", "action_input", "params", "kwargs", "tool_parameters"];
const LISTS: [&str; 5] = ["tool_calls", "calls", "function_calls", "tool_uses", "actions"];
/// What may stand beside name and arguments.
const BESIDE: [&str; 6] = ["id", "type", "index", "call_id", "tool_call_id", "thought"];

/// The calls in `value`; none if it is not made of calls.
pub(super) fn calls(value: &Value, tools: &[ToolSchema], mark: Mark) -> Option<Vec<ToolCallRequested>> {
    match value {
        Value::Array(items) if !items.is_empty() => {
            items.iter().map(|item| calls(item, tools, mark)).collect::<Option<Vec<_>>>().map(|calls| calls.concat())
        }
        Value::Object(object) => {
            if let Some(list @ Value::Array(_)) = LISTS.iter().find_map(|name| object.get(*name)) {
                return calls(list, tools, mark);
            }
            if let Some(inner @ Value::Object(_)) = object.get("function").or_else(|| object.get("function_call")) {
                return calls(inner, tools, mark);
            }
            one(object, tools, mark).map(|call| vec![call])
        }
        _ => None,
    }
}

fn one(object: &Map<String, Value>, tools: &[ToolSchema], mark: Mark) -> Option<ToolCallRequested> {
    let named = NAMES.iter().find_map(|key| Some((*key, object.get(*key)?.as_str()?)));
    let Some((key, name)) = named else {
        // {"read_file": {"path": "a"}}
        let (name, arguments) = object.iter().next().filter(|_| object.len() == 1)?;
        let arguments = arguments.as_object()?;
        return fits(tool(name, tools)?, arguments).then(|| call(name, arguments));
    };
    let Some(tool) = tool(name, tools) else {
        let given = ARGUMENTS.iter().find_map(|key| object.get(*key)?.as_object());
        return if mark == Mark::Marked { Some(call(name, given?)) } else { None };
    };
    let given = ARGUMENTS.iter().filter(|other| **other != key).find_map(|key| object.get(*key));
    let arguments = match given {
        Some(Value::Object(arguments)) => arguments.clone(),
        Some(Value::String(text)) => match lenient::structure(text.trim()) {
            Some((Value::Object(arguments), _)) => arguments,
            _ if text.trim().is_empty() => Map::new(),
            _ => Map::from_iter([(only_argument(tool)?, Value::String(text.clone()))]),
        },
        Some(Value::Null) => Map::new(),
        Some(_) => return None,
        // {"tool": "read_file", "path": "a"}
        None => {
            let mut rest = object.clone();
            rest.retain(|name, _| name != key && !BESIDE.contains(&name.as_str()));
            if mark == Mark::Bare && (rest.is_empty() || !is_whole(tool, &rest)) {
                return None;
            }
            rest
        }
    };
    let is_call = match (mark, arguments.is_empty()) {
        (Mark::Marked, _) => true,
        (Mark::Bare, true) => required(tool).next().is_none(),
        (Mark::Bare, false) => fits(tool, &arguments),
    };
    is_call.then(|| call(&tool.name, &arguments))
}

pub(super) fn call(name: &str, arguments: &Map<String, Value>) -> ToolCallRequested {
    ToolCallRequested {
        id: String::new(),
        name: plain(name).to_owned(),
        arguments: Value::from(arguments.clone()).to_string(),
    }
}

/// The tool of this name, as models write names: `functions.read_file`, `default_api.read_file:0`.
pub(super) fn tool<'a>(name: &str, tools: &'a [ToolSchema]) -> Option<&'a ToolSchema> {
    tools.iter().find(|tool| tool.name == name).or_else(|| tools.iter().find(|tool| tool.name == plain(name)))
}

fn plain(name: &str) -> &str {
    let name = name.trim();
    let name = name.split_once(':').filter(|(_, number)| number.parse::<u32>().is_ok()).map_or(name, |(name, _)| name);
    ["functions.", "function.", "tools.", "tool.", "default_api.", "call:"]
        .iter()
        .find_map(|head| name.strip_prefix(head))
        .unwrap_or(name)
}

/// Whether the arguments are a tool's: some of them it has. A schema of the tool has none.
fn fits(tool: &ToolSchema, arguments: &Map<String, Value>) -> bool {
    let is_known = |name: &String| property(tool, name).is_some();
    if arguments.is_empty() { required(tool).next().is_none() } else { arguments.keys().any(is_known) }
}

/// Whether these are arguments of the tool and nothing else, none missing.
fn is_whole(tool: &ToolSchema, arguments: &Map<String, Value>) -> bool {
    arguments.keys().all(|name| property(tool, name).is_some())
        && required(tool).all(|name| arguments.contains_key(name))
}

pub(super) fn property<'a>(tool: &'a ToolSchema, name: &str) -> Option<&'a Value> {
    tool.parameters.get("properties")?.get(name)
}

pub(super) fn required(tool: &ToolSchema) -> impl Iterator<Item = &str> {
    tool.parameters.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn only_argument(tool: &ToolSchema) -> Option<String> {
    let mut required = required(tool);
    required.next().filter(|_| required.next().is_none()).map(str::to_owned)
}

/// The value of an argument that was given as text, as the tool's schema has it.
pub(super) fn typed(tool: Option<&ToolSchema>, name: &str, text: &str) -> Value {
    let kind =
        tool.and_then(|tool| property(tool, name)).and_then(|property| property.get("type")).and_then(Value::as_str);
    match kind {
        Some("integer" | "number" | "boolean" | "array" | "object") => {
            let text = text.trim();
            lenient::value(text).filter(|(_, end)| *end == text.len()).map_or_else(|| text.into(), |(value, _)| value)
        }
        _ => text.into(),
    }
}
