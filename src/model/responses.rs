//! OpenAI's Responses API, and the servers that speak it.
//!
//! Nothing is stored at the provider (`store: false`). Reasoning comes encrypted, is kept as it came
//! ([`Opaque`](super::Opaque)) and goes back with the next request, so that a model goes on with the thoughts that led to its calls.

mod body;
mod stream;

#[cfg(test)]
mod tests;

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde_json::Value;

use super::http::Endpoint;
use super::{Delta, Listing, Model, ModelError, Request, json, openai};

/// How long an endpoint may take to list its models when a user waits for the answer.
const LIST_PATIENCE: Duration = Duration::from_secs(10);

/// The name that traces and configurations have for it.
const PROVIDER: &str = "openai-responses";

/// A model behind a Responses endpoint.
#[derive(Clone, Debug)]
pub struct Responses {
    endpoint: Endpoint,
    model: String,
}

impl Responses {
    pub fn new(endpoint: Endpoint, model: impl Into<String>) -> Responses {
        Responses { endpoint, model: model.into() }
    }
}

impl Model for Responses {
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
        endpoint.stream("responses", model, &body, decoder)
    }

    fn listing(&self) -> BoxFuture<'static, Result<Option<Listing>, ModelError>> {
        let endpoint = self.endpoint.clone();
        Box::pin(async move {
            let models = openai::list_models(&endpoint, LIST_PATIENCE).await?;
            Ok(Some(Listing { endpoint: endpoint.shown(), models }))
        })
    }
}
