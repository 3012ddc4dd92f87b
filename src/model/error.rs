//! What can go wrong with a provider, and what the user can do about it.

/// A failed model request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    pub kind: ModelErrorKind,
    /// One plain message: what happened and what to do. Never holds a key.
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelErrorKind {
    /// No connection to the endpoint.
    Connect,
    /// The key is missing or wrong.
    Auth,
    /// The endpoint does not have this model.
    ModelNotFound,
    RateLimit,
    /// The endpoint's own failure, 5xx.
    Server,
    /// The request is longer than the model's window.
    ContextLength,
    /// The endpoint refused the request.
    Refused,
    /// The endpoint refuses requests that offer tools to this model.
    NoTools,
    /// The endpoint said something that is not the protocol.
    Protocol,
    /// The stream ended before its terminal event.
    Cut,
    /// Nothing came for too long.
    Idle,
    /// More came than is taken.
    TooLarge,
    /// The script, recording or configuration of the model is at fault.
    Config,
}

impl ModelErrorKind {
    /// The `code` of an `error` event.
    pub fn code(self) -> &'static str {
        match self {
            ModelErrorKind::Connect => "connect",
            ModelErrorKind::Auth => "auth",
            ModelErrorKind::ModelNotFound => "model_not_found",
            ModelErrorKind::RateLimit => "rate_limit",
            ModelErrorKind::Server => "server",
            ModelErrorKind::ContextLength => "context_length",
            ModelErrorKind::Refused => "refused",
            ModelErrorKind::NoTools => "no_tools",
            ModelErrorKind::Protocol => "protocol",
            ModelErrorKind::Cut => "cut",
            ModelErrorKind::Idle => "idle",
            ModelErrorKind::TooLarge => "too_large",
            ModelErrorKind::Config => "config",
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            ModelErrorKind::Connect
                | ModelErrorKind::RateLimit
                | ModelErrorKind::Server
                | ModelErrorKind::Cut
                | ModelErrorKind::Idle
        )
    }
}

impl ModelError {
    pub fn new(kind: ModelErrorKind, message: impl Into<String>) -> ModelError {
        ModelError { kind, message: message.into() }
    }
}
