//! OpenAI's Responses API, and the servers that speak it.
//!
//! Nothing is stored at the provider (`store: false`). Reasoning comes encrypted, is kept as it came
//! ([`Opaque`](super::Opaque)) and goes back with the next request, so that a model goes on with the thoughts that led to its calls.

mod body;
mod stream;

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::Request;
use super::http::Endpoint;
use super::remote::{Asked, Format, Remote};

/// The format's name.
#[derive(Clone, Copy, Debug)]
pub struct ResponsesApi;

/// A model behind a Responses endpoint.
pub type Responses = Remote<ResponsesApi>;

impl Responses {
    pub fn new(endpoint: Endpoint, model: impl Into<String>) -> Responses {
        Remote::at(endpoint, model)
    }
}

impl Format for ResponsesApi {
    const PROVIDER: &'static str = "openai-responses";
    const PATH: &'static str = "responses";
    const LISTING: &'static str = "models";
    type Decoder = stream::Decoder;

    fn body(model: &Responses, request: &Request) -> Value {
        body::body(&model.model, model.facts.effort, request)
    }

    fn decoder(asked: Asked) -> stream::Decoder {
        stream::Decoder::new(asked)
    }
}
