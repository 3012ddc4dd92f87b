//! Any endpoint that speaks OpenAI's Chat Completions: OpenAI, Ollama, llama.cpp, vLLM, LM Studio, OpenRouter and many more.
//!
//! What they send differs in every detail that the first one left open, so decoding asks for little: a piece of text is text
//! under any of its names, a tool call may come in one chunk or in fifty, with an index, an id, both or neither.

mod body;
mod chunk;

pub(super) use body::conversation;
use serde_json::Value;

use super::Request;
use super::http::Endpoint;
use super::remote::{Asked, Format, Remote};

/// The format's name.
#[derive(Clone, Copy, Debug)]
pub struct ChatCompletions;

/// A model behind a Chat Completions endpoint.
pub type OpenAi = Remote<ChatCompletions>;

impl OpenAi {
    pub fn new(endpoint: Endpoint, model: impl Into<String>) -> OpenAi {
        Remote::at(endpoint, model)
    }
}

impl Format for ChatCompletions {
    const PROVIDER: &'static str = "openai";
    const PATH: &'static str = "chat/completions";
    const LISTING: &'static str = "models";
    type Decoder = chunk::Decoder;

    fn body(model: &OpenAi, request: &Request) -> Value {
        // OpenAI's own newer models refuse the name that everybody else knows.
        let limit = if model.endpoint.host() == "api.openai.com" { "max_completion_tokens" } else { "max_tokens" };
        body::body(&model.model, model.facts.effort, request, limit)
    }

    fn decoder(asked: Asked) -> chunk::Decoder {
        chunk::Decoder::new(asked)
    }
}
