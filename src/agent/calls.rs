//! Tool calls as the model wrote them, made into something that can be run or refused.
//!
//! Arguments are parsed strictly and never mended: a call that is cut, doubled or malformed is told to the model. What goes
//! into history is always well-formed, because providers refuse requests that repeat their own models' mistakes.

use std::collections::HashSet;

use serde_json::Value;

use crate::event::ToolCallRequested;
use crate::tools::arguments;

/// A call, its id unique within its session.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::agent) struct Call {
    /// Its place in the response.
    pub index: usize,
    pub id: String,
    /// The name as it may stand in history; [`Call::requested`] is what the model wrote.
    pub tool: String,
    pub requested: String,
    /// The arguments object, or what is wrong with it.
    pub input: Result<Value, String>,
    /// The same for two calls that ask for the same.
    pub fingerprint: String,
    /// What its result says beside its output.
    pub note: Option<String>,
}

/// The calls of a response, ids made unique among those `taken`, which grow by them.
pub(in crate::agent) fn prepare(requested: &[ToolCallRequested], taken: &mut HashSet<String>) -> Vec<Call> {
    requested
        .iter()
        .enumerate()
        .map(|(index, call)| {
            let input = arguments::parse(&call.arguments);
            let written = match &input {
                Ok(value) => canonical(value),
                Err(_) => call.arguments.clone(),
            };
            Call {
                index,
                id: unique_id(&call.id, taken),
                tool: if is_name(&call.name) { call.name.clone() } else { "malformed_name".to_owned() },
                requested: call.name.clone(),
                fingerprint: format!("{} {written}", call.name),
                input,
                note: None,
            }
        })
        .collect()
}

impl Call {
    /// The call as history repeats it.
    pub fn as_history(&self) -> ToolCallRequested {
        let arguments = match &self.input {
            Ok(value) => value.to_string(),
            Err(_) => "{}".to_owned(),
        };
        ToolCallRequested { id: self.id.clone(), name: self.tool.clone(), arguments }
    }

    /// The name for messages, with what is not plain ASCII made visible: a look-alike must not look alike.
    pub fn shown_name(&self) -> String {
        let shown: String = self.requested.chars().take(80).map(visible).collect();
        if shown.is_empty() { "(empty)".to_owned() } else { shown }
    }
}

/// Equal for equal values, however their keys are ordered.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// The id as it came, if it is usable and new; else one that follows from those before it.
fn unique_id(id: &str, taken: &mut HashSet<String>) -> String {
    let usable = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    let is_usable = !id.is_empty() && id.len() <= 128 && id.bytes().all(usable);
    if is_usable && taken.insert(id.to_owned()) {
        return id.to_owned();
    }
    let mut number = taken.len() + 1;
    loop {
        let made = format!("claw_call_{number}");
        if taken.insert(made.clone()) {
            return made;
        }
        number += 1;
    }
}

/// What every provider accepts as a function's name.
fn is_name(name: &str) -> bool {
    let usable = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !name.is_empty() && name.len() <= 64 && name.bytes().all(usable)
}

fn visible(character: char) -> String {
    if character.is_ascii_graphic() { character.to_string() } else { character.escape_unicode().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m04_ids_are_unique_and_names_usable() {
        let call = |id: &str, name: &str| ToolCallRequested {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: r#"{"b":1,"a":2}"#.to_owned(),
        };
        let mut taken = HashSet::new();
        let requested = [
            call("a", "read_file"),
            call("a", "read_file"),
            call("", "r\u{435}ad_file"),
            call("x\n", ""),
            call("claw_call_2", "x y"),
        ];
        let calls = prepare(&requested, &mut taken);
        let ids: Vec<&str> = calls.iter().map(|call| call.id.as_str()).collect();
        assert_eq!(ids, ["a", "claw_call_2", "claw_call_3", "claw_call_4", "claw_call_5"]);
        let names: Vec<&str> = calls.iter().map(|call| call.tool.as_str()).collect();
        assert_eq!(names, ["read_file", "read_file", "malformed_name", "malformed_name", "malformed_name"]);
        assert_eq!(calls[2].shown_name(), "r\\u{435}ad_file");
        assert_eq!(prepare(&requested[..1], &mut taken)[0].id, "claw_call_6");
    }

    #[test]
    fn a_fingerprint_ignores_the_order_of_keys() {
        let fingerprint = |arguments: &str| {
            let call = ToolCallRequested { id: String::new(), name: "x".to_owned(), arguments: arguments.to_owned() };
            prepare(&[call], &mut HashSet::new())[0].fingerprint.clone()
        };
        assert_eq!(fingerprint(r#"{"a":1,"b":{"c":[1,2],"d":2}}"#), fingerprint(r#"{"b":{"d":2,"c":[1,2]},"a":1}"#));
        assert_ne!(fingerprint(r#"{"a":[1,2]}"#), fingerprint(r#"{"a":[2,1]}"#));
    }
}
