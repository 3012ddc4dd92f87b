//! How many tokens a model takes, as far as its provider tells: each has its own word for it, and most have none.

use std::time::Duration;

use serde_json::Value;

use super::http::Endpoint;
use super::json::tokens;
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

/// The window of `model`, asked of the endpoint; `None` where it does not tell.
pub async fn ask<F: Format>(endpoint: &Endpoint, model: &str) -> Option<u64> {
    of_listing(endpoint, &list::<F>(endpoint, PATIENCE).await.ok()?, model).await
}

/// The window of `model` by the list that the endpoint gave. Two kinds of local servers tell it elsewhere.
pub async fn of_listing(endpoint: &Endpoint, listed: &[Value], model: &str) -> Option<u64> {
    let entry = listed.iter().find(|entry| name_of(entry).as_deref() == Some(model));
    // A server with one model answers to any name.
    let entry = entry.or(if let [only] = listed { Some(only) } else { None })?;
    if let Some(window) = of_entry(entry) {
        return Some(window);
    }
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

fn of_entry(entry: &Value) -> Option<u64> {
    NAMES.iter().find_map(|name| count(entry.get(*name))).or_else(|| count(entry.pointer("/meta/n_ctx")))
}

fn count(value: Option<&Value>) -> Option<u64> {
    Some(tokens(value)).filter(|tokens| *tokens > 0)
}
