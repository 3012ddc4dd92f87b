//! Anthropic's Messages API, and the servers that speak it.
//!
//! Thinking that the model signed is kept as it came ([`Opaque`](super::Opaque)) and goes back with the next request: after a tool
//! call the provider refuses one in which it is missing or changed.

mod body;
mod stream;

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::http::{Auth, Endpoint};
use super::remote::{Asked, Format, Remote};
use super::{ModelError, Request};

/// Where Anthropic itself is.
pub const BASE_URL: &str = "https://api.anthropic.com";

/// The model that is asked of Anthropic itself when none is configured.
pub const DEFAULT_MODEL: &str = "claude-sonnet-4-6";

/// The version of the protocol that is spoken here.
const VERSION: &str = "2023-06-01";

/// The format's name.
#[derive(Clone, Copy, Debug)]
pub struct Messages;

/// A model behind a Messages endpoint.
pub type Anthropic = Remote<Messages>;

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
        Remote::at(endpoint, model)
    }
}

impl Format for Messages {
    const PROVIDER: &'static str = "anthropic";
    const PATH: &'static str = "v1/messages";
    const LISTING: &'static str = "v1/models?limit=1000";
    type Decoder = stream::Decoder;

    fn body(model: &Anthropic, request: &Request) -> Value {
        body::body(&model.model, model.facts.effort, request)
    }

    fn decoder(asked: Asked) -> stream::Decoder {
        stream::Decoder::new(asked)
    }
}
