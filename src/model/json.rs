//! JSON as providers write it: halves of characters, counts beyond reason.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{ToolCallRequested, surrogates};

/// A count of tokens beyond this is a mistake of the provider's.
const MAX_TOKENS_COUNTED: u64 = 1_000_000_000;

/// The value of a JSON text. Escapes of half characters are marked, for a [`Joiner`](surrogates::Joiner). Of a key that stands
/// twice in an object neither place is taken for the other: arguments that hold one are refused by the tool that does not know the
/// second name.
pub fn parse(json: &str) -> Option<Value> {
    let read = |json: &str| serde_json::from_str::<Whole>(json).map(|Whole(value)| value);
    match read(json) {
        Ok(value) => Some(value),
        Err(_) => read(&surrogates::mark(json)?).ok(),
    }
}

/// A value in which every key that came is there.
struct Whole(Value);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Whole, D::Error> {
        struct Visit;

        impl<'de> Visitor<'de> for Visit {
            type Value = Whole;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Whole, E> {
                Ok(Whole(Value::Null))
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Whole, E> {
                Ok(Whole(truth.into()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Whole, E> {
                Ok(Whole(number.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Whole, E> {
                Ok(Whole(number.into()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Whole, E> {
                Ok(Whole(number.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Whole, E> {
                Ok(Whole(text.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Whole, A::Error> {
                let mut list = Vec::new();
                while let Some(Whole(item)) = items.next_element()? {
                    list.push(item);
                }
                Ok(Whole(Value::Array(list)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Whole, A::Error> {
                let mut object = Map::new();
                while let Some((mut key, Whole(value))) = entries.next_entry::<String, Whole>()? {
                    while object.contains_key(&key) {
                        key.push_str(" (again)");
                    }
                    object.insert(key, value);
                }
                Ok(Whole(Value::Object(object)))
            }
        }

        deserializer.deserialize_any(Visit)
    }
}

/// A count of tokens: nothing sensible is zero, and nothing is beyond reason.
pub fn tokens(count: Option<&Value>) -> u64 {
    let Some(count) = count else { return 0 };
    match (count.as_u64(), count.as_f64()) {
        (Some(count), _) => count.min(MAX_TOKENS_COUNTED),
        (None, Some(count)) if count >= 1.0 => {
            // Larger than u64 or with a fraction.
            format!("{:.0}", count.min(1e9)).parse().unwrap_or(0)
        }
        (None, _) => 0,
    }
}

/// The string at `name`, empty if there is none.
pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The arguments of a call as an object. What the model wrote wrong is wrapped: the model sees it, and the request stays valid.
pub fn arguments(call: &ToolCallRequested) -> Map<String, Value> {
    if call.arguments.trim().is_empty() {
        return Map::new();
    }
    serde_json::from_str(&call.arguments)
        .unwrap_or_else(|_| Map::from_iter([("malformed_arguments".to_owned(), Value::from(call.arguments.as_str()))]))
}

/// What goes into the ids that a provider leaves out: it follows from the request, so that a replay makes the same ones.
pub fn seed(body: &Value) -> String {
    blake3::hash(body.to_string().as_bytes()).to_hex().chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn m03_a_key_that_stands_twice_is_not_taken_for_one() {
        assert_eq!(
            parse(r#"{"a": {"path": "x", "path": "y", "path": 3}, "b": [1, -2, 0.5, true, null, "t"]}"#),
            Some(json!({
                "a": {"path": "x", "path (again)": "y", "path (again) (again)": 3},
                "b": [1, -2, 0.5, true, null, "t"],
            }))
        );
        assert_eq!(parse(r#"{"n": 18446744073709551615, "m": 1e30}"#), Some(json!({"n": u64::MAX, "m": 1e30})));
        for nonsense in ["", "{", "[1,]", "1e999", "{\"a\":}", "{} {}", &"[".repeat(100_000)] {
            assert_eq!(parse(nonsense), None, "{}", nonsense.get(..10).unwrap_or(nonsense));
        }
    }
}
