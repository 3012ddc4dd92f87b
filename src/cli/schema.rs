//! Names and descriptions out of JSON Schemas: what the manifest, flags and help say about the code's own types.

use schemars::JsonSchema;
use serde_json::{Map, Value};

/// One alternative of an enum, with its description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    pub name: String,
    pub description: String,
}

/// The alternatives of `T` that are plain names.
pub fn alternatives<T: JsonSchema>() -> Vec<Alternative> {
    let schema = schemars::schema_for!(T).to_value();
    let mut found = Vec::new();
    collect(&schema, &mut found);
    found
}

fn collect(schema: &Value, found: &mut Vec<Alternative>) {
    let description = text(schema, "description");
    let mut add = |name: &str| found.push(Alternative { name: name.to_owned(), description: description.clone() });
    if let Some(name) = schema.get("const").and_then(Value::as_str) {
        add(name);
    }
    for name in schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        add(name);
    }
    for alternative in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
        collect(alternative, found);
    }
}

/// A key of a configuration file.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Key {
    /// With its table: `limits.max_steps`.
    pub key: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub description: String,
    pub default: Value,
}

/// Every key that `T` has, those of its tables included, in the order of their declaration.
pub fn keys<T: JsonSchema + Default + serde::Serialize>() -> Vec<Key> {
    let schema = schemars::schema_for!(T).to_value();
    let defaults = serde_json::to_value(T::default()).unwrap_or_default();
    let mut found = Vec::new();
    walk(&schema, &schema, &defaults, "", &mut found);
    found
}

fn walk(whole: &Value, table: &Value, defaults: &Value, prefix: &str, found: &mut Vec<Key>) {
    let no_properties = Map::new();
    let properties = table.get("properties").and_then(Value::as_object).unwrap_or(&no_properties);
    for (name, property) in properties {
        let key = format!("{prefix}{name}");
        let default = defaults.get(name).cloned().unwrap_or_default();
        let target = resolve(whole, property);
        if target.get("properties").is_some() {
            walk(whole, target, &default, &format!("{key}."), found);
            continue;
        }
        let described = [text(property, "description"), text(target, "description")];
        let description = described.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        found.push(Key { key, kind: kind(whole, property), description, default });
    }
}

/// The type in words: `integer`, `string or null`, `array of string`, `openai | script`.
fn kind(whole: &Value, schema: &Value) -> String {
    let schema = resolve(whole, schema);
    if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
        return any.iter().map(|one| kind(whole, one)).collect::<Vec<_>>().join(" or ");
    }
    let mut alternatives = Vec::new();
    collect(schema, &mut alternatives);
    if !alternatives.is_empty() {
        return alternatives.into_iter().map(|one| one.name).collect::<Vec<_>>().join(" | ");
    }
    match schema.get("type") {
        Some(Value::String(name)) if name == "array" => match schema.get("items") {
            Some(items) => format!("array of {}", kind(whole, items)),
            None => name.clone(),
        },
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    }
}

/// Follows a `$ref` into the schema's own definitions.
fn resolve<'a>(whole: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
    target.and_then(|pointer| whole.pointer(pointer)).unwrap_or(schema)
}

fn text(schema: &Value, name: &str) -> String {
    schema.get(name).and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, PermissionMode};

    #[test]
    fn alternatives_are_the_names_that_serde_takes() {
        let names: Vec<String> = alternatives::<PermissionMode>().into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["read-only", "ask", "auto"]);
    }

    #[test]
    fn keys_carry_table_type_description_and_default() {
        let keys = keys::<Config>();
        let steps = keys.iter().find(|key| key.key == "limits.max_steps").unwrap();
        assert_eq!((steps.kind.as_str(), &steps.default), ("integer", &Value::from(100)));
        assert!(!steps.description.is_empty());
        assert!(keys.iter().all(|key| !key.description.is_empty()), "{keys:?}");
    }
}
