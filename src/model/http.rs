//! One HTTP request to a provider: clients, addresses, keys, and the stream of deltas that comes back.
//!
//! Clients are shared by the whole process and built when first needed. Redirects are never followed: a key goes to the address
//! that was configured and nowhere else. What a wire format means is its [`Decode`]'s to know, not this module's.

mod attempt;
mod client;
pub mod failure;
pub(super) mod lines;

use std::fmt;
use std::time::Duration;

use futures::channel::mpsc;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, SinkExt, StreamExt};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::retry::{self, Backoff};
use super::{Delta, ModelError, ModelErrorKind, sse};

/// A provider's address and what is needed to speak to it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where the API begins, without a slash at its end.
    base: Url,
    pub key: Option<Key>,
    pub timing: Timing,
    /// It is an Ollama, so advice can name its commands.
    pub is_ollama: bool,
    /// How the key is sent.
    pub auth: Auth,
    /// Headers that every request has.
    pub headers: Vec<(&'static str, &'static str)>,
    /// What a base_url looks like here, for advice.
    pub base_hint: &'static str,
}

/// How a key is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// As `Authorization: Bearer …`.
    #[default]
    Bearer,
    /// As this header.
    Header(&'static str),
}

/// A provider's key. It prints as `[REDACTED]`.
#[derive(Clone, Debug)]
pub struct Key {
    pub value: SecretString,
    /// The environment variable it comes from.
    pub variable: String,
}

/// How long a provider may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long nothing at all may come.
    pub idle: Duration,
    /// How long only signs of life may come: comments, pings, pieces of an event that does not end.
    pub no_progress: Duration,
    pub backoff: Backoff,
}

impl Timing {
    /// The patience that follows from the configured idle time.
    pub fn with_idle(idle: Duration) -> Timing {
        Timing { idle, no_progress: idle.saturating_mul(4), backoff: Backoff::default() }
    }
}

impl Default for Timing {
    fn default() -> Timing {
        Timing::with_idle(Duration::from_secs(60))
    }
}

/// How the pieces of a streamed response are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// They are server-sent events.
    Events,
    /// Each is a line.
    Lines,
}

/// A wire format's side of a response.
pub trait Decode: Send {
    fn framing(&self) -> Framing {
        Framing::Events
    }

    /// Whether an event says nothing but that the provider is there.
    fn is_sign_of_life(&self, _event: &sse::Event) -> bool {
        false
    }

    /// An event of the stream.
    fn event(&mut self, event: &sse::Event) -> Result<Vec<Delta>, ModelError>;

    /// The whole response, from a provider that does not stream.
    fn whole(&mut self, body: &[u8]) -> Result<Vec<Delta>, ModelError>;

    /// The provider has said that nothing follows.
    fn is_done(&self) -> bool;

    /// The stream has ended: what was held back, and [`Delta::Stop`] if the terminal event came. Nothing if it did not.
    fn finish(&mut self) -> Option<Vec<Delta>>;
}

impl Endpoint {
    /// An endpoint at `base_url`, which must be an `http` or `https` address.
    pub fn new(base_url: &str) -> Result<Endpoint, ModelError> {
        let wrong = |reason: &str| {
            let message = format!("base_url is not usable: {reason}. Write it like http://127.0.0.1:11434/v1");
            ModelError::new(ModelErrorKind::Config, message)
        };
        let mut base = Url::parse(base_url.trim()).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong(&format!("it begins with {}:, and only http: and https: are spoken", base.scheme())));
        }
        if base.host_str().is_none_or(str::is_empty) {
            return Err(wrong("it names no host"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("it holds a user name or password; keys come from the variable that api_key_env names"));
        }
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        base.set_fragment(None);
        let is_ollama = base.port() == Some(11434);
        Ok(Endpoint {
            base,
            key: None,
            timing: Timing::default(),
            is_ollama,
            auth: Auth::default(),
            headers: Vec::new(),
            base_hint: "it usually ends in /v1",
        })
    }

    /// The address, as messages show it: without a query, which might hold a key.
    pub fn shown(&self) -> String {
        let mut shown = self.base.clone();
        shown.set_query(None);
        shown.as_str().trim_end_matches('/').to_owned()
    }

    pub fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// Whether the address is this machine.
    pub fn is_loopback(&self) -> bool {
        let host = self.host().trim_matches(['[', ']']);
        host.eq_ignore_ascii_case("localhost")
            || host.to_ascii_lowercase().ends_with(".localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    pub fn is_secure(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// The address of `path` below the base, with the base's query.
    fn at(&self, path: &str) -> Url {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        if let Some(query) = query {
            let all = [url.query(), Some(query)].into_iter().flatten().collect::<Vec<_>>().join("&");
            url.set_query(Some(&all));
        }
        url
    }

    /// `text` without the key, should it hold it.
    fn without_key(&self, text: &str) -> String {
        match &self.key {
            Some(key) if !key.value.expose_secret().is_empty() => text.replace(key.value.expose_secret(), "[REDACTED]"),
            Some(_) | None => text.to_owned(),
        }
    }

    /// Posts `body` to `path` and streams what comes back, decoded by what `decoder` makes: a fresh one an attempt. A request that
    /// fails before anything was streamed is tried again where that helps. Dropping the stream cancels.
    pub fn stream<D: Decode + 'static>(
        self,
        path: &'static str,
        model: String,
        body: &Value,
        decoder: impl Fn() -> D + Send + 'static,
    ) -> BoxStream<'static, Result<Delta, ModelError>> {
        let body = body.to_string();
        let (mut out, deltas) = mpsc::channel(16);
        let work = async move {
            let mut number = 1;
            loop {
                let attempt = attempt::Attempt { endpoint: &self, path, model: &model, body: body.clone() };
                let Err(failure) = attempt.run(decoder(), &mut out).await else { return };
                let again = failure.try_again && number < self.timing.backoff.attempts;
                if !again {
                    let _ = out.send(Err(failure.error)).await;
                    return;
                }
                number += 1;
                let wait = self.timing.backoff.wait(number, failure.asked_wait, retry::random());
                tracing::warn!(attempt = number, ?wait, "trying again: {}", failure.error);
                let _ = out.send(Ok(Delta::Retry { attempt: number, wait, error: failure.error })).await;
                tokio::time::sleep(wait).await;
            }
        };
        // The work runs as the stream is polled, so nothing of it outlives the stream.
        let work = work.into_stream().filter_map(|()| std::future::ready(None));
        stream::select(deltas, work).boxed()
    }

    /// Gets the JSON at `path`, waiting no longer than `patience`.
    pub async fn get_json(&self, path: &str, patience: Duration) -> Result<Value, ModelError> {
        attempt::fetch_json(self, path, None, patience).await
    }

    /// Gets the JSON at `path` beside the API's `/v1`, where servers tell what the API has no words for.
    pub async fn get_json_beside(&self, path: &str, patience: Duration) -> Result<Value, ModelError> {
        let mut root = self.clone();
        let base = self.base.path().trim_end_matches('/').to_owned();
        root.base.set_path(base.strip_suffix("/v1").unwrap_or(&base));
        attempt::fetch_json(&root, path, None, patience).await
    }

    /// Posts `body` to `path` and takes the JSON that is answered at once.
    pub async fn post_json(&self, path: &str, body: &Value, patience: Duration) -> Result<Value, ModelError> {
        attempt::fetch_json(self, path, Some(body), patience).await
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let endpoint = Endpoint::new(" http://127.0.0.1:11434/v1/ ").unwrap();
        assert_eq!(endpoint.shown(), "http://127.0.0.1:11434/v1");
        assert_eq!(endpoint.at("chat/completions").as_str(), "http://127.0.0.1:11434/v1/chat/completions");
        assert!(endpoint.is_loopback() && endpoint.is_ollama && !endpoint.is_secure());
        let azure = Endpoint::new("https://x.example/openai/v1?api-version=1&code=secret").unwrap();
        assert_eq!(azure.at("models").as_str(), "https://x.example/openai/v1/models?api-version=1&code=secret");
        assert_eq!(azure.at("models?limit=9").query(), Some("api-version=1&code=secret&limit=9"));
        assert_eq!(azure.to_string(), "https://x.example/openai/v1");
        for (address, loopback) in [
            ("http://localhost:1", true),
            ("http://[::1]:1/v1", true),
            ("http://127.9.9.9", true),
            ("http://model.localhost/v1", true),
            ("http://localhost.example.com", false),
            ("http://192.168.0.2/v1", false),
            ("http://127.0.0.1.example.com", false),
        ] {
            assert_eq!(Endpoint::new(address).unwrap().is_loopback(), loopback, "{address}");
        }
    }

    #[test]
    fn x01_addresses_that_hold_secrets_or_are_no_addresses_are_refused_without_repeating_them() {
        for address in
            ["ftp://host/v1", "file:///etc/passwd", "127.0.0.1:11434", "", "http://", "https://u:sk-canary@host/v1"]
        {
            let error = Endpoint::new(address).unwrap_err();
            assert_eq!(error.kind, ModelErrorKind::Config, "{address}");
            assert!(!error.message.contains("canary"), "{}", error.message);
        }
    }

    #[test]
    fn x01_a_key_does_not_print() {
        let mut endpoint = Endpoint::new("http://127.0.0.1:1").unwrap();
        endpoint.key = Some(Key { value: SecretString::from("sk-canary"), variable: "OPENAI_API_KEY".to_owned() });
        assert!(!format!("{endpoint:?} {endpoint:#?}").contains("canary"));
        assert_eq!(endpoint.without_key("bad key sk-canary."), "bad key [REDACTED].");
    }
}
