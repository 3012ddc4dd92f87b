//! How many tokens a model takes and what it costs, as far as its provider tells: each has its own words for it, and most have
//! none.

use std::time::Duration;

use serde_json::Value;

use super::http::Endpoint;
use super::json::tokens;
use super::known::{Price, Rate};
use super::remote::{Format, list, name_of};

/// What lists of models call it: vLLM, OpenRouter and Together, Groq, Mistral, Anthropic, and servers of their kinds.
const NAMES: [&str; 6] = [
    "max_model_len",
    "context_length",
    "context_window",
    "max_context_length",
    "max_input_tokens",
    "max_context_tokens",
];

/// How long a server may take for a second question.
const PATIENCE: Duration = Duration::from_millis(1000);

/// What a provider tells of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Told {
    pub window: Option<u64>,
    pub price: Option<Price>,
}

/// What the endpoint tells of `model` when it is asked.
pub async fn ask<F: Format>(endpoint: &Endpoint, model: &str) -> Told {
    match list::<F>(endpoint, PATIENCE).await {
        Ok(listed) => of_listing(endpoint, &listed, model).await,
        Err(_) => Told::default(),
    }
}

/// What is told of `model` by the list that the endpoint gave, and beside it.
pub async fn of_listing(endpoint: &Endpoint, listed: &[Value], model: &str) -> Told {
    let entry = listed.iter().find(|entry| name_of(entry).as_deref() == Some(model));
    // A server with one model answers to any name.
    let Some(entry) = entry.or(if let [only] = listed { Some(only) } else { None }) else { return Told::default() };
    let window = match of_entry(entry) {
        Some(window) => Some(window),
        None => of_others(endpoint, entry, model).await,
    };
    Told { window, price: entry.get("pricing").and_then(price) }
}

/// Two kinds of local servers tell the window elsewhere.
async fn of_others(endpoint: &Endpoint, entry: &Value, model: &str) -> Option<u64> {
    match entry.get("owned_by").and_then(Value::as_str) {
        // What it was trained for stands in its list, what it was started with elsewhere.
        Some("llamacpp") => {
            let props = endpoint.get_json_beside("props", PATIENCE).await.ok()?;
            count(props.pointer("/default_generation_settings/n_ctx"))
        }
        Some("organization_owner") => {
            let listed = endpoint.get_json_beside("api/v0/models", PATIENCE).await.ok()?;
            let models = listed.get("data").and_then(Value::as_array)?;
            let entry = models.iter().find(|entry| name_of(entry).as_deref() == Some(model))?;
            count(entry.get("loaded_context_length")).or_else(|| of_entry(entry))
        }
        Some(_) | None => None,
    }
}

/// OpenRouter's prices: texts of dollars for a token. One that is below zero is none: it is told afterwards.
fn price(pricing: &Value) -> Option<Price> {
    let of = |name: &str| {
        let dollars: f64 = pricing.get(name)?.as_str()?.trim().parse().ok()?;
        (dollars.is_finite() && dollars >= 0.0).then_some(dollars * 1e6)
    };
    let (input, output) = (of("prompt")?, of("completion")?);
    let rate = Rate {
        input,
        output,
        cached: of("input_cache_read").unwrap_or(input),
        cache_write: of("input_cache_write").unwrap_or(input),
    };
    Some(Price { rate, long: None })
}

fn of_entry(entry: &Value) -> Option<u64> {
    NAMES.iter().find_map(|name| count(entry.get(*name))).or_else(|| count(entry.pointer("/meta/n_ctx")))
}

fn count(value: Option<&Value>) -> Option<u64> {
    Some(tokens(value)).filter(|tokens| *tokens > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prices_as_openrouter_tells_them() {
        let pricing =
            json!({"prompt": "0.000003", "completion": "0.000015", "input_cache_read": "0.0000003", "image": "0"});
        let rate = price(&pricing).unwrap().rate;
        let near = |left: f64, right: f64| (left - right).abs() < 1e-9;
        assert!(
            near(rate.input, 3.0) && near(rate.output, 15.0) && near(rate.cached, 0.3) && near(rate.cache_write, 3.0)
        );
        assert!(price(&json!({"prompt": "0", "completion": "0"})).is_some(), "told to be free");
        for nothing in [
            json!({"prompt": "-1", "completion": "-1"}),
            json!({"prompt": "1"}),
            json!({"prompt": "NaN", "completion": "1"}),
            json!(null),
        ] {
            assert_eq!(price(&nothing), None, "{nothing}");
        }
    }
}
