//! Language models behind one trait.
//!
//! A request is built once, as the exact body that goes on the wire ([`Model::body`]), shown in the trace, and then sent
//! ([`Model::send`]); so what the trace shows is what was sent, and a replay can compare bodies without a network. This
//! module must never know what the conversation is about: no workspace, no tools, no sessions. reqwest stays in here.
//!
//! Dropping the stream cancels the request.

pub mod anthropic;
mod calls;
pub mod connect;
pub mod error;
pub mod family;
pub mod http;
mod json;
pub mod known;
mod layout;
pub mod ollama;
pub mod openai;
#[cfg(test)]
mod playing;
pub mod printed;
pub mod probe;
pub mod remote;
pub mod response;
pub mod responses;
pub mod retry;
pub mod script;
pub mod shortened;
pub mod sse;
pub mod surrogates;
pub mod tokenizer;
mod told;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use crate::event::{Effort, Opaque, StopReason, ToolCallRequested, ToolForm, Usage};
pub use connect::Connector;
pub use error::{ModelError, ModelErrorKind};
pub use known::Price;
pub use response::{Collector, Response};

/// A model at a provider.
pub trait Model: Send + Sync {
    /// `openai`, `script`, …
    fn provider(&self) -> &str;

    /// The model's name as the provider knows it.
    fn name(&self) -> &str;

    /// Tokens of its window, where it is known. An Ollama is told it with each request.
    fn window(&self) -> Option<u64> {
        None
    }

    /// Its window as its provider tells it, asked once and only where nothing else is known. Takes a moment, and never long. A
    /// price that comes with it is known from then on.
    fn told_window(&self) -> BoxFuture<'static, Option<u64>> {
        Box::pin(std::future::ready(self.window()))
    }

    /// What it costs, where that is known.
    fn price(&self) -> Option<Price> {
        None
    }

    /// How much it is asked to think; the provider's default if not set.
    fn effort(&self) -> Option<Effort> {
        None
    }

    /// The body that [`Model::send`] puts on the wire for `request`. A pure function of model and request: the same request
    /// gives the same bytes, in every process.
    fn body(&self, request: &Request) -> Value;

    /// Sends a body that [`Model::body`] made. The stream ends after [`Delta::Stop`] or with an error; a stream that ends
    /// without either was cut.
    fn send(&self, body: Value) -> BoxStream<'static, Result<Delta, ModelError>>;

    /// What the provider says it has, asked at no cost; `None` where there is nobody to ask. For `claw doctor`.
    fn listing(&self) -> BoxFuture<'static, Result<Option<Listing>, ModelError>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// A provider's own list of models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The address that answered, as messages show it.
    pub endpoint: String,
    pub models: Vec<String>,
    /// The window of the model that was asked for, where it is told.
    pub window: Option<u64>,
}

/// What a model is asked, free of any wire format.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub system: String,
    pub messages: Vec<Message>,
    pub tools: Vec<ToolSchema>,
    pub max_output_tokens: Option<u32>,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    User {
        text: String,
    },
    Assistant {
        text: String,
        reasoning: String,
        tool_calls: Vec<ToolCallRequested>,
        /// What its provider wants to have back with it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        opaque: Option<Opaque>,
    },
    /// The answer to one call of the assistant message before it. Every call has exactly one.
    ToolResult {
        call: String,
        name: String,
        ok: bool,
        output: String,
    },
}

/// A tool as it is offered to the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSchema {
    pub name: String,
    pub description: String,
    /// JSON Schema of the arguments object.
    pub parameters: Value,
}

/// A piece of a streamed response.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    Text(String),
    Reasoning(String),
    /// A piece of the tool call at `index`; providers interleave them and cut them anywhere.
    ToolCall {
        index: usize,
        id: Option<String>,
        name: Option<String>,
        arguments: String,
    },
    Usage(Usage),
    /// What the provider wants to have back with this response.
    Opaque(Opaque),
    /// Something the user has to know about this response, which is worth less than it seems.
    Notice(ModelError),
    /// An attempt failed before anything of it was streamed, and another follows after `wait`. Worth a notice to the user: a
    /// wait may last two minutes.
    Retry {
        /// The attempt that comes: 2, 3, …
        attempt: u32,
        wait: Duration,
        /// Why the one before failed.
        error: ModelError,
    },
    /// The provider's terminal event. Nothing that was asked for may run before it.
    Stop(StopReason),
}

/// A model shared between sessions.
pub type SharedModel = Arc<dyn Model>;
