//! A server's list of tools, made safe to be shown: names that every provider takes, descriptions that are capped and hold nothing
//! that can not be seen, arguments that are a schema of an object.

use std::collections::{BTreeMap, HashSet};

use rmcp::model::Tool;
use serde_json::{Map, Value};

use crate::event::McpTool;
use crate::text::hidden::is_hidden;

/// Most tools of one server.
const MOST_TOOLS: usize = 64;
/// Most bytes of all their definitions.
const MOST_BYTES: usize = 64 * 1024;
/// Most bytes of a description.
const DESCRIPTION: usize = 2 * 1024;
/// Most bytes of a schema.
const SCHEMA: usize = 16 * 1024;
/// Deepest nesting of a schema.
const DEPTH: usize = 24;
/// Most characters of `SERVER__TOOL`: what OpenAI and Anthropic take.
const NAME: usize = 64;
/// How many are named of those that are left out.
const NAMED: usize = 16;

/// What is offered of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Listed {
    pub tools: Vec<McpTool>,
    /// The server's own name of each, by ours.
    pub names: BTreeMap<String, String>,
    pub left_out: Vec<String>,
}

/// In the order of the list. The same list always comes out the same.
pub(super) fn of(server: &str, tools: &[Tool]) -> Listed {
    let mut listed = Listed::default();
    let mut taken = HashSet::new();
    let (mut room, mut unnamed) = (MOST_BYTES, 0_usize);
    for tool in tools {
        let reason = match offered(server, tool, &mut taken) {
            Ok(_) if listed.tools.len() >= MOST_TOOLS => format!("only {MOST_TOOLS} tools of a server are offered"),
            Ok((offered, size)) if size <= room => {
                room -= size;
                listed.names.insert(offered.tool.clone(), tool.name.to_string());
                listed.tools.push(offered);
                continue;
            }
            Ok(_) => format!("the definitions of a server may have {} KiB together", MOST_BYTES / 1024),
            Err(reason) => reason,
        };
        match listed.left_out.len() < NAMED {
            true => listed.left_out.push(format!("{}: {reason}", clean(&tool.name, NAME))),
            false => unnamed += 1,
        }
    }
    if unnamed > 0 {
        listed.left_out.push(format!("and {unnamed} more"));
    }
    listed
}

/// `text` without what can not be seen, and at most about `most` bytes of it.
pub(super) fn clean(text: &str, most: usize) -> String {
    let mut cleaned = String::with_capacity(text.len().min(most));
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if cleaned.len() >= most {
            cleaned.push_str("\n[… the rest was left out]");
            break;
        }
        if matches!(character, '\n' | '\t') || !is_hidden(character, before, characters.peek().copied()) {
            cleaned.push(character);
        }
        before = Some(character);
    }
    cleaned
}

/// A tool as it is offered, and how much room it takes.
fn offered(server: &str, tool: &Tool, taken: &mut HashSet<String>) -> Result<(McpTool, usize), String> {
    let parameters = schema(&tool.input_schema)?;
    let name = name(server, &tool.name, taken);
    let described = tool.description.as_deref().or(tool.title.as_deref()).unwrap_or_default();
    let description = clean(described.trim(), DESCRIPTION);
    let size = name.len() + description.len() + parameters.to_string().len();
    Ok((McpTool { server: server.to_owned(), tool: name, description, parameters }, size))
}

/// A name in the letters that every provider takes, which no other tool of the server has. Letters that look like others become
/// `_`, so that no name can be taken for another.
fn name(server: &str, told: &str, taken: &mut HashSet<String>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    let most = NAME.saturating_sub(server.len() + 2).max(8);
    let mut name: String = told.chars().map(plain).take(most).collect();
    if name.is_empty() {
        name.push_str("tool");
    }
    if taken.insert(name.clone()) {
        return name;
    }
    let mut number = 2_u32;
    loop {
        let suffix = format!("_{number}");
        let head: String = name.chars().take(most - suffix.len()).collect();
        let numbered = format!("{head}{suffix}");
        if taken.insert(numbered.clone()) {
            return numbered;
        }
        number += 1;
    }
}

/// The schema of the arguments, cleaned; an error where a model could not be told it.
fn schema(told: &Map<String, Value>) -> Result<Value, String> {
    let mut schema = Map::new();
    for (key, value) in told.iter().filter(|(key, _)| key.as_str() != "$schema") {
        schema.insert(clean(key, DESCRIPTION), cleaned(value, DEPTH).ok_or("its arguments nest too deeply")?);
    }
    // Some servers leave it out where a tool takes nothing; providers insist on it.
    schema.insert("type".to_owned(), "object".into());
    schema.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    let schema = Value::Object(schema);
    match schema.to_string().len() > SCHEMA {
        true => Err(format!("its arguments take more than {} KiB to describe", SCHEMA / 1024)),
        false => Ok(schema),
    }
}

fn cleaned(value: &Value, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    Some(match value {
        Value::String(text) => clean(text, DESCRIPTION).into(),
        Value::Array(items) => items.iter().map(|item| cleaned(item, depth)).collect::<Option<Vec<_>>>()?.into(),
        Value::Object(object) => {
            let fields = object.iter().map(|(key, value)| Some((clean(key, DESCRIPTION), cleaned(value, depth)?)));
            Value::Object(fields.collect::<Option<_>>()?)
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(name: &str, description: &str, schema: Value) -> Tool {
        serde_json::from_value(json!({"name": name, "description": description, "inputSchema": schema})).unwrap()
    }

    fn names(tools: &[Tool]) -> Vec<String> {
        of("srv", tools).tools.into_iter().map(|tool| tool.name()).collect()
    }

    #[test]
    fn p04_names_are_the_servers_own_and_plain() {
        let plain = |name: &str| tool(name, "", json!({"type": "object"}));
        let told = ["read_file", "r\u{435}ad_file", "read file", "", "other__x", &"n".repeat(90), &"n".repeat(91)];
        let tools: Vec<Tool> = told.iter().map(|name| plain(name)).collect();
        let expected = ["read_file", "r_ad_file", "read_file_2", "tool", "other__x"].map(|name| format!("srv__{name}"));
        let long = ["n".repeat(59), format!("{}_2", "n".repeat(57))].map(|name| format!("srv__{name}"));
        assert_eq!(names(&tools), [&expected[..], &long[..]].concat());
        assert!(names(&tools).iter().all(|name| name.len() <= NAME));
        let listed = of("srv", &tools);
        assert_eq!(listed.names["r_ad_file"], "r\u{435}ad_file");
    }

    #[test]
    fn p03_descriptions_are_capped_and_hold_nothing_hidden() {
        let hostile = format!("Adds.\u{1b}]0;x\u{7}\u{e0049}\u{202e}{}", "a".repeat(1 << 20));
        let schema = json!({"type": "object", "properties": {"a\u{200b}": {"description": "b\u{e0041}c"}}});
        let listed = of("srv", &[tool("add", &hostile, schema)]);
        let add = &listed.tools[0];
        assert!(add.description.len() < DESCRIPTION + 40, "{}", add.description.len());
        assert!(add.description.starts_with("Adds.]0;xaaa"), "{}", &add.description[..20]);
        assert!(add.description.ends_with("[… the rest was left out]"));
        assert_eq!(add.parameters["properties"], json!({"a": {"description": "bc"}}));
    }

    #[test]
    fn p03_what_is_too_large_is_left_out_and_told() {
        let nested = (0..40).fold(json!({}), |inner, _| json!({"properties": {"x": inner}}));
        let large = json!({"properties": {"x": {"enum": vec!["y".repeat(100); 400]}}});
        let mut tools = vec![tool("deep", "", nested), tool("large", "", large), tool("small", "", json!({}))];
        tools.extend((0..200).map(|number| tool(&format!("t{number}"), "does", json!({}))));
        let listed = of("srv", &tools);
        assert_eq!(listed.tools.len(), MOST_TOOLS);
        assert_eq!(listed.tools[0].tool, "small");
        assert_eq!(listed.tools[0].parameters, json!({"type": "object", "properties": {}}));
        assert_eq!(listed.left_out[0], "deep: its arguments nest too deeply");
        assert_eq!(listed.left_out[1], "large: its arguments take more than 16 KiB to describe");
        assert_eq!(listed.left_out.last().unwrap(), "and 123 more");
        let many: Vec<Tool> = (0..60).map(|n| tool(&format!("t{n}"), &"d".repeat(2000), json!({}))).collect();
        let bytes: usize = of("srv", &many).tools.iter().map(|tool| tool.description.len()).sum();
        assert!(bytes <= MOST_BYTES, "{bytes}");
    }
}
