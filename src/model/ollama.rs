//! Ollama's own API.
//!
//! Its OpenAI-compatible endpoint has a window of its own choosing and drops the front of a longer prompt without a word. Here each
//! request says how many tokens it needs (`num_ctx`), asks that nothing be dropped, and counts afterwards what was read.

mod body;
mod stream;

#[cfg(test)]
mod tests;

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self as streams, BoxStream};
use futures::{FutureExt, StreamExt};
use serde_json::{Value, json};

use super::http::Endpoint;
use super::{Delta, Listing, Model, ModelError, ModelErrorKind, Request, json as provider_json, openai};

/// The window that is asked for where nobody tells another: the memory that a window takes grows with it.
pub const MOST_WINDOW: u64 = 32_768;

/// The window of a model whose own nobody tells.
const UNKNOWN_WINDOW: u64 = 8192;

/// How long an endpoint may take to list its models when a user waits for the answer.
const LIST_PATIENCE: Duration = Duration::from_secs(10);

/// A model of an Ollama.
#[derive(Clone, Debug)]
pub struct Ollama {
    endpoint: Endpoint,
    model: String,
    window: u64,
}

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
        Ollama { endpoint, model: model.into(), window }
    }
}

impl Model for Ollama {
    fn provider(&self) -> &str {
        "ollama"
    }

    fn name(&self) -> &str {
        &self.model
    }

    fn window(&self) -> Option<u64> {
        Some(self.window)
    }

    fn body(&self, request: &Request) -> Value {
        body::body(&self.model, self.window, request)
    }

    fn send(&self, body: Value) -> BoxStream<'static, Result<Delta, ModelError>> {
        let size = body::size(&body);
        if stream::least_tokens(size) > self.window {
            let error = stream::too_long(&self.endpoint, &self.model, size, self.window);
            return streams::iter([Err(error)]).boxed();
        }
        let seed = provider_json::seed(&body);
        let (endpoint, model, window) = (self.endpoint.clone(), self.model.clone(), self.window);
        let decoder = {
            let (endpoint, model) = (endpoint.clone(), model.clone());
            move || stream::Decoder::new(endpoint.clone(), &model, &seed, size, window)
        };
        endpoint.stream("api/chat", model, &body, decoder)
    }

    fn listing(&self) -> BoxFuture<'static, Result<Option<Listing>, ModelError>> {
        let endpoint = self.endpoint.clone();
        async move {
            let models = list_models(&endpoint, LIST_PATIENCE).await?;
            Ok(Some(Listing { endpoint: endpoint.shown(), models }))
        }
        .boxed()
    }
}

/// The names of the models that an Ollama has.
pub async fn list_models(endpoint: &Endpoint, patience: Duration) -> Result<Vec<String>, ModelError> {
    openai::list_models_at(endpoint, "api/tags", patience).await
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
