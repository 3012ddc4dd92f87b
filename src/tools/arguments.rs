//! Arguments of a call: strictly parsed, and refused with what would have been right.
//!
//! A model's mistake is the model's to mend, so nothing is repaired here: not a missing brace, not a number in quotes.
//! Each refusal names the mistake and the arguments that are expected.

use std::fmt;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::ToolError;

/// Most bytes of one call's arguments.
pub const MAX_ARGUMENTS: usize = 1024 * 1024;
/// Deepest nesting of arguments.
const MAX_DEPTH: usize = 32;

/// The object that a model wrote as arguments, or what is wrong with it: strict JSON, no member twice, no number out of
/// range, bounded in size and depth. No text at all is an object without members: some providers leave it out where a tool
/// needs none.
pub fn parse(arguments: &str) -> Result<Value, String> {
    if arguments.len() > MAX_ARGUMENTS {
        return Err(format!("they are longer than {MAX_ARGUMENTS} bytes: do it in several smaller calls"));
    }
    if arguments.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let mut deserializer = serde_json::Deserializer::from_str(arguments);
    let value = Strict { depth: 0 }.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(other) => Err(format!("they are JSON, but {} and not an object", kind(&other))),
        Err(error) => Err(error.to_string()),
    }
}

/// The arguments as a tool's struct.
pub fn decode<A: DeserializeOwned + JsonSchema>(tool: &str, input: Value) -> Result<A, ToolError> {
    let mistake = misfit(&schema::<A>(), &input);
    let refuse = |mistake: &str| ToolError::model(format!("{mistake}. Expected: {}", usage(tool, &schema::<A>())));
    match (mistake, serde_json::from_value(input)) {
        (None, Ok(arguments)) => Ok(arguments),
        (Some(mistake), _) => Err(refuse(&mistake)),
        (None, Err(error)) => Err(refuse(&error.to_string())),
    }
}

/// JSON Schema of a tool's arguments, as models are sent it: everything in place, no dialect, nothing nullable.
pub fn schema<A: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<A>().to_value();
    if let Some(object) = schema.as_object_mut() {
        object.remove("title");
        object.remove("description");
    }
    plain(&mut schema);
    schema
}

/// Takes out what tells a model nothing: number formats, and `null` as another way to leave an argument out.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("format").is_some_and(Value::is_string) {
                object.remove("format");
            }
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            object.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What is wrong with the members of `input`, in words that name them.
fn misfit(schema: &Value, input: &Value) -> Option<String> {
    let (Some(properties), Some(members)) = (schema.get("properties").and_then(Value::as_object), input.as_object())
    else {
        return None;
    };
    for (name, value) in members {
        let Some(property) = properties.get(name) else { return Some(format!("there is no argument `{name}`")) };
        let Some(expected) = property.get("type").and_then(Value::as_str) else { continue };
        let fits = match (expected, value) {
            (_, Value::Null) => !required(schema).any(|required| required == name),
            ("string", Value::String(_)) | ("boolean", Value::Bool(_)) => true,
            ("array", Value::Array(_)) | ("object", Value::Object(_)) => true,
            ("integer", Value::Number(number)) => number.is_u64() || number.is_i64(),
            ("number", Value::Number(_)) => true,
            ("string" | "boolean" | "array" | "object" | "integer" | "number", _) => false,
            _ => true,
        };
        if !fits {
            return Some(format!("`{name}` must be {}, not {}", with_article(expected), kind(value)));
        }
    }
    let missing = required(schema).find(|name| !members.contains_key(*name))?;
    Some(format!("`{missing}` is missing"))
}

/// `edit_file {path: string, old_string: string, new_string: string, replace_all?: boolean}`
fn usage(tool: &str, schema: &Value) -> String {
    let members: Vec<String> = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, property)| {
            let optional = if required(schema).any(|required| required == name) { "" } else { "?" };
            let kind = property.get("type").and_then(Value::as_str).unwrap_or("value");
            format!("{name}{optional}: {kind}")
        })
        .collect();
    format!("{tool} {{{}}}", members.join(", "))
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {kind}")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Reads any JSON value, but refuses what serde_json would take silently: a member that stands twice.
struct Strict {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.depth > MAX_DEPTH {
            return Err(de::Error::custom(format!("nested deeper than {MAX_DEPTH}")));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
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

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Strict { depth: self.depth + 1 })? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(de::Error::custom(format!("the key {} stands twice", Value::from(name))));
            }
            object.insert(name, members.next_value_seed(Strict { depth: self.depth + 1 })?);
        }
        Ok(Value::Object(object))
    }
}
