//! Any endpoint that speaks OpenAI's Chat Completions: OpenAI, Ollama, llama.cpp, vLLM, LM Studio, OpenRouter and many more.
//!
//! What they send differs in every detail that the first one left open, so decoding asks for little: a piece of text is text
//! under any of its names, a tool call may come in one chunk or in fifty, with an index, an id, both or neither.

mod body;
mod chunk;

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde_json::Value;

use super::http::Endpoint;
use super::{Delta, Listing, Model, ModelError, Request, json};

/// How long an endpoint may take to list its models when a user waits for the answer.
const LIST_PATIENCE: Duration = Duration::from_secs(10);

/// A model behind a Chat Completions endpoint.
#[derive(Clone, Debug)]
pub struct OpenAi {
    endpoint: Endpoint,
    model: String,
}

impl OpenAi {
    pub fn new(endpoint: Endpoint, model: impl Into<String>) -> OpenAi {
        OpenAi { endpoint, model: model.into() }
    }
}

impl Model for OpenAi {
    fn provider(&self) -> &str {
        "openai"
    }

    fn name(&self) -> &str {
        &self.model
    }

    fn body(&self, request: &Request) -> Value {
        // OpenAI's own newer models refuse the name that everybody else knows.
        let limit = if self.endpoint.host() == "api.openai.com" { "max_completion_tokens" } else { "max_tokens" };
        body::body(&self.model, request, limit)
    }

    fn send(&self, body: Value) -> BoxStream<'static, Result<Delta, ModelError>> {
        let seed = json::seed(&body);
        let (endpoint, model) = (self.endpoint.clone(), self.model.clone());
        let decoder = {
            let (endpoint, model) = (endpoint.clone(), model.clone());
            move || chunk::Decoder::new(endpoint.clone(), &model, &seed)
        };
        endpoint.stream("chat/completions", model, &body, decoder)
    }

    fn listing(&self) -> BoxFuture<'static, Result<Option<Listing>, ModelError>> {
        let endpoint = self.endpoint.clone();
        Box::pin(async move {
            let models = list_models(&endpoint, LIST_PATIENCE).await?;
            Ok(Some(Listing { endpoint: endpoint.shown(), models }))
        })
    }
}

/// The names of the models that `endpoint` lists.
pub async fn list_models(endpoint: &Endpoint, patience: Duration) -> Result<Vec<String>, ModelError> {
    list_models_at(endpoint, "models", patience).await
}

/// The names in the list at `path`, in any of the forms that lists of models have.
pub async fn list_models_at(endpoint: &Endpoint, path: &str, patience: Duration) -> Result<Vec<String>, ModelError> {
    let listed = endpoint.get_json(path, patience).await?;
    let models = listed.get("data").or_else(|| listed.get("models")).and_then(Value::as_array);
    let names = models.into_iter().flatten().filter_map(|model| {
        let name = model.get("id").or_else(|| model.get("name")).and_then(Value::as_str)?;
        Some(name.to_owned())
    });
    Ok(names.collect())
}
