//! Tool calls as the model wrote them, made into something that can be run or refused.
//!
//! Arguments are parsed strictly and never mended: a call that is cut, doubled or malformed is told to the model. What goes
//! into history is always well-formed, because providers refuse requests that repeat their own models' mistakes.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::event::ToolCallRequested;

/// Bytes of arguments that a call may have.
pub(in crate::agent) const MAX_ARGUMENTS: usize = 1024 * 1024;

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
            let input = parse(&call.arguments);
            let arguments = match &input {
                Ok(value) => canonical(value),
                Err(_) => call.arguments.clone(),
            };
            Call {
                index,
                id: unique_id(&call.id, taken),
                tool: if is_name(&call.name) { call.name.clone() } else { "malformed_name".to_owned() },
                requested: call.name.clone(),
                fingerprint: format!("{} {arguments}", call.name),
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

/// Strict JSON: one object, no key twice, no number out of range, bounded in size and depth. No arguments at all are an
/// empty object: many models write so for tools that need none.
pub(in crate::agent) fn parse(arguments: &str) -> Result<Value, String> {
    if arguments.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    if arguments.len() > MAX_ARGUMENTS {
        return Err(format!("they are longer than {MAX_ARGUMENTS} bytes: do it in several smaller calls"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(arguments);
    let value = Strict.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("they are JSON, but not an object".to_owned()),
        Err(error) => Err(error.to_string()),
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

/// Builds a [`Value`] and refuses what serde_json lets pass: a key that stands twice.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("the key {} stands twice", Value::from(name))));
            }
            object.insert(name, fields.next_value_seed(Strict)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(arguments: &str) -> String {
        parse(arguments).unwrap_err()
    }

    #[test]
    fn m02_truncated_arguments_are_not_repaired() {
        for arguments in
            [r#"{"command":"rm -rf /tmp/x"#, r#"{"command":"x""#, "{", r#"{"a":1}}"#, r#"{"a":1} {"b":2}"#, "```"]
        {
            refused(arguments);
        }
    }

    #[test]
    fn m03_arguments_are_one_strict_object() {
        assert_eq!(parse("").unwrap(), json!({}));
        assert_eq!(
            parse(r#" {"a": [1, -2, 0.5, null, true, {"b": "é"}]} "#).unwrap(),
            json!({"a": [1, -2, 0.5, null, true, {"b": "é"}]})
        );
        assert!(refused(r#"{"path": "a", "path": "b"}"#).contains("stands twice"));
        assert!(refused(r#"{"x": {"y": 1, "y": 1}}"#).contains("stands twice"));
        assert!(refused(r#"{"n": 1e999}"#).contains("out of range"));
        assert!(refused(r#""text""#).contains("not an object"));
        assert!(refused("[]").contains("not an object"));
        assert!(refused(&format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000))).contains("recursion"));
        assert!(refused(&format!("{{\"a\":\"{}\"}}", "x".repeat(10 * 1024 * 1024))).contains("smaller calls"));
    }

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
