//! Anthropic's Messages API, and the servers that speak it.
//!
//! Thinking that the model signed is kept as it came ([`Opaque`](super::Opaque)) and goes back with the next request: after a tool
//! call the provider refuses one in which it is missing or changed.

mod body;
mod stream;

#[cfg(test)]
mod tests;

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde_json::Value;

use super::http::{Auth, Endpoint};
use super::{Delta, Listing, Model, ModelError, Request, json, openai};

/// Where Anthropic itself is.
pub const BASE_URL: &str = "https://api.anthropic.com";

/// The model that is asked of Anthropic itself when none is configured.
pub const DEFAULT_MODEL: &str = "claude-sonnet-4-6";

/// The version of the protocol that is spoken here.
const VERSION: &str = "2023-06-01";

/// How long an endpoint may take to list its models when a user waits for the answer.
const LIST_PATIENCE: Duration = Duration::from_secs(10);

/// The name that traces and configurations have for it.
const PROVIDER: &str = "anthropic";

/// A model behind a Messages endpoint.
#[derive(Clone, Debug)]
pub struct Anthropic {
    endpoint: Endpoint,
    model: String,
}

impl Anthropic {
    /// An endpoint whose paths begin with `v1`. It may be written with it or without.
    pub fn endpoint(base_url: &str) -> Result<Endpoint, ModelError> {
        let trimmed = base_url.trim().trim_end_matches('/');
        let mut endpoint = Endpoint::new(trimmed.strip_suffix("/v1").unwrap_or(trimmed))?;
        endpoint.auth = Auth::Header("x-api-key");
        endpoint.headers = vec![("anthropic-version", VERSION)];
        endpoint.base_hint = "it ends before /v1/messages";
        Ok(endpoint)
    }

    /// A model at what [`Anthropic::endpoint`] made.
    pub fn new(endpoint: Endpoint, model: impl Into<String>) -> Anthropic {
        Anthropic { endpoint, model: model.into() }
    }
}

impl Model for Anthropic {
    fn provider(&self) -> &str {
        PROVIDER
    }

    fn name(&self) -> &str {
        &self.model
    }

    fn body(&self, request: &Request) -> Value {
        body::body(&self.model, request)
    }

    fn send(&self, body: Value) -> BoxStream<'static, Result<Delta, ModelError>> {
        let seed = json::seed(&body);
        let (endpoint, model) = (self.endpoint.clone(), self.model.clone());
        let decoder = {
            let (endpoint, model) = (endpoint.clone(), model.clone());
            move || stream::Decoder::new(endpoint.clone(), &model, &seed)
        };
        endpoint.stream("v1/messages", model, &body, decoder)
    }

    fn listing(&self) -> BoxFuture<'static, Result<Option<Listing>, ModelError>> {
        let endpoint = self.endpoint.clone();
        Box::pin(async move {
            let models = openai::list_models_at(&endpoint, "v1/models?limit=1000", LIST_PATIENCE).await?;
            Ok(Some(Listing { endpoint: endpoint.shown(), models }))
        })
    }
}
