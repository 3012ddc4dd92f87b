//! JSON as providers write it: halves of characters, counts beyond reason.

use serde_json::{Map, Value};

use super::{ToolCallRequested, surrogates};

/// A count of tokens beyond this is a mistake of the provider's.
const MAX_TOKENS_COUNTED: u64 = 1_000_000_000;

/// The value of a JSON text. Escapes of half characters are marked, for a [`Joiner`](surrogates::Joiner).
pub fn parse(json: &str) -> Option<Value> {
    match serde_json::from_str(json) {
        Ok(value) => Some(value),
        Err(_) => serde_json::from_str(&surrogates::mark(json)?).ok(),
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
