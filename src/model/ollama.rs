//! Ollama's own API.
//!
//! Its OpenAI-compatible endpoint has a window of its own choosing and drops the front of a longer prompt without a word. Here each
//! request says how many tokens it needs (`num_ctx`), asks that nothing be dropped, and counts afterwards what was read.

mod body;
mod stream;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::{Value, json};

use super::http::Endpoint;
use super::remote::{Asked, Facts, Format, Remote};
use super::{ModelError, ModelErrorKind, Request, json as provider_json};

/// The window that is asked for where nobody tells another: the memory that a window takes grows with it.
pub const MOST_WINDOW: u64 = 32_768;

/// The window of a model whose own nobody tells.
const UNKNOWN_WINDOW: u64 = 8192;

/// The format's name.
#[derive(Clone, Copy, Debug)]
pub struct Native;

/// A model of an Ollama.
pub type Ollama = Remote<Native>;

impl Ollama {
    /// The endpoint of an Ollama. Its address may be written as that of one of its APIs.
    pub fn endpoint(base_url: &str) -> Result<Endpoint, ModelError> {
        let trimmed = base_url.trim().trim_end_matches('/');
        let root = ["/v1", "/api"].iter().find_map(|api| trimmed.strip_suffix(api)).unwrap_or(trimmed);
        let mut endpoint = Endpoint::new(root)?;
        endpoint.is_ollama = true;
        endpoint.base_hint = "it ends before /api/chat";
        Ok(endpoint)
    }

    /// A model at what [`Ollama::endpoint`] made, with a window of so many tokens.
    pub fn new(endpoint: Endpoint, model: impl Into<String>, window: u64) -> Ollama {
        Remote::at(endpoint, model).with(Facts { window: Some(window), ..Facts::default() })
    }

    fn asked_window(&self) -> u64 {
        self.facts.window.unwrap_or(UNKNOWN_WINDOW)
    }
}

impl Format for Native {
    const PROVIDER: &'static str = "ollama";
    const PATH: &'static str = "api/chat";
    const LISTING: &'static str = "api/tags";
    type Decoder = stream::Decoder;

    fn body(model: &Ollama, request: &Request) -> Value {
        body::body(&model.model, model.asked_window(), model.facts.effort, request)
    }

    fn decoder(asked: Asked) -> stream::Decoder {
        stream::Decoder::new(asked)
    }

    fn size(body: &Value) -> usize {
        body::size(body)
    }

    fn refuses(model: &Ollama, size: usize) -> Option<ModelError> {
        let window = model.asked_window();
        let is_too_long = stream::least_tokens(size) > window;
        is_too_long.then(|| stream::too_long(&model.endpoint, &model.model, size, window))
    }
}

/// The window to ask for: the model's own, as far as it is not larger than memory usually bears.
pub async fn window(endpoint: &Endpoint, model: &str, patience: Duration) -> Result<u64, ModelError> {
    let shown = match endpoint.post_json("api/show", &json!({"model": model}), patience).await {
        Ok(shown) => shown,
        // That there is no such model is said better by its first request.
        Err(error) if matches!(error.kind, ModelErrorKind::ModelNotFound | ModelErrorKind::Protocol) => Value::Null,
        Err(error) => return Err(error),
    };
    let fields = shown.get("model_info").and_then(Value::as_object).into_iter().flatten();
    let length = fields
        .filter(|(name, _)| name.ends_with(".context_length"))
        .find_map(|(_, length)| Some(provider_json::tokens(Some(length))).filter(|length| *length > 0));
    Ok(length.map_or(UNKNOWN_WINDOW, |length| length.min(MOST_WINDOW)))
}
