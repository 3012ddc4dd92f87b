//! One attempt at a request, from the first byte out to the last byte in.

use std::time::Duration;

use futures::channel::mpsc::Sender;
use futures::{FutureExt, SinkExt};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::time::Instant;

use super::client::client_for;
use super::failure::{self, Failure};
use super::{Auth, Decode, Endpoint, Framing, lines};
use crate::model::sse::{self, Item};
use crate::model::{Delta, ModelError, ModelErrorKind};

/// Bytes of one response that are read, after decompression.
const MAX_RESPONSE_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of an error's body that are read: enough for the provider's words.
const MAX_ERROR_BYTES: usize = 64 * 1024;

pub(super) struct Attempt<'a> {
    pub endpoint: &'a Endpoint,
    pub path: &'static str,
    pub model: &'a str,
    pub body: String,
}

/// What the response turned out to be, whatever its content type says: by its first character.
enum Form {
    Unknown,
    Events(Box<sse::Decoder>),
    Lines(lines::Decoder),
    /// A JSON object, which ends with the response.
    Whole(Vec<u8>),
}

impl Attempt<'_> {
    /// Sends the request and passes on what comes back, up to and with [`Delta::Stop`].
    pub async fn run<D: Decode>(
        self,
        mut decoder: D,
        out: &mut Sender<Result<Delta, ModelError>>,
    ) -> Result<(), Failure> {
        let timing = self.endpoint.timing;
        let request = client(self.endpoint)?
            .post(self.endpoint.at(self.path))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(self.body);
        let request = authorised(self.endpoint, request)?;
        let mut response = match tokio::time::timeout(timing.idle, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(failure::of_connection(self.endpoint, &error)),
            Err(_) => return Err(Failure::is_final(failure::idle(self.endpoint, timing.idle))),
        };
        if !response.status().is_success() {
            let body = read_at_most(&mut response, MAX_ERROR_BYTES, timing.idle).await;
            return Err(failure::of_status(self.endpoint, self.model, &response, &body));
        }

        let mut form = Form::Unknown;
        let mut received = 0_usize;
        let mut items = Vec::new();
        let mut streamed = false;
        let mut progress = Instant::now();
        let ended = loop {
            let patience = (Instant::now() + timing.idle).min(progress + timing.no_progress);
            let chunk = match tokio::time::timeout_at(patience, response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => break None,
                Ok(Err(error)) => {
                    break Some(Failure { try_again: !streamed, ..failure::of_body(self.endpoint, &error) });
                }
                Err(_) => break Some(Failure::is_final(failure::idle(self.endpoint, timing.idle))),
            };
            received = received.saturating_add(chunk.len());
            if received > MAX_RESPONSE_BYTES {
                break Some(Failure::is_final(failure::too_large(self.endpoint, MAX_RESPONSE_BYTES)));
            }
            if matches!(form, Form::Unknown) {
                form = Form::of(self.endpoint, decoder.framing(), &chunk)?;
            }
            let pushed = match &mut form {
                Form::Unknown => continue,
                Form::Whole(body) => {
                    body.extend_from_slice(&chunk);
                    if body.len() > sse::MAX_EVENT_BYTES {
                        break Some(Failure::is_final(failure::too_large(self.endpoint, sse::MAX_EVENT_BYTES)));
                    }
                    continue;
                }
                Form::Events(events) => events.push(&chunk, &mut items),
                Form::Lines(lines) => lines.push(&chunk, &mut items),
            };
            for item in items.drain(..) {
                let Item::Event(event) = item else { continue };
                if decoder.is_done() {
                    break;
                }
                let deltas =
                    decoder.event(&event).map_err(|error| failure::of_stream(self.endpoint, streamed, error))?;
                if !decoder.is_sign_of_life(&event) {
                    progress = Instant::now();
                }
                streamed |= !deltas.is_empty();
                pass_on(out, deltas).await;
            }
            if decoder.is_done() {
                // What is left is the end of the body. If it is here already, the connection can serve the next request.
                let _ = response.chunk().now_or_never();
                break None;
            }
            if pushed.is_err() {
                break Some(Failure::is_final(failure::too_large(self.endpoint, sse::MAX_EVENT_BYTES)));
            }
        };
        if let Form::Whole(body) = &form
            && ended.is_none()
        {
            let deltas = decoder.whole(body).map_err(|error| failure::of_stream(self.endpoint, streamed, error))?;
            pass_on(out, deltas).await;
        }
        if let Form::Lines(lines) = &mut form
            && let Some(event) = lines.finish().filter(|_| ended.is_none() && !decoder.is_done())
        {
            let deltas = decoder.event(&event).map_err(|error| failure::of_stream(self.endpoint, streamed, error))?;
            streamed |= !deltas.is_empty();
            pass_on(out, deltas).await;
        }
        match (decoder.finish(), ended) {
            // The terminal event came, so all is here that was promised, however the connection ended.
            (Some(deltas), _) => {
                pass_on(out, deltas).await;
                Ok(())
            }
            (None, Some(failure)) => Err(failure),
            (None, None) => {
                Err(Failure { error: failure::cut(self.endpoint, received), try_again: !streamed, asked_wait: None })
            }
        }
    }
}

impl Form {
    /// The form of a response that begins with `chunk`.
    fn of(endpoint: &Endpoint, framing: Framing, chunk: &[u8]) -> Result<Form, Failure> {
        let begin = chunk.strip_prefix(b"\xef\xbb\xbf").unwrap_or(chunk).trim_ascii_start();
        match begin.first() {
            // Blank lines are legal at the start of a stream and of a JSON text.
            None => Ok(Form::Unknown),
            Some(b'<') => Err(Failure::is_final(failure::web_page(endpoint))),
            Some(_) if framing == Framing::Lines => Ok(Form::Lines(lines::Decoder::default())),
            Some(b'{' | b'[' | b'"') => Ok(Form::Whole(Vec::new())),
            Some(_) => Ok(Form::Events(Box::default())),
        }
    }
}

/// The JSON at `path` of `endpoint`, or what it answers to `body`.
pub(super) async fn fetch_json(
    endpoint: &Endpoint,
    path: &str,
    body: Option<&Value>,
    patience: Duration,
) -> Result<Value, ModelError> {
    let fetch = async {
        let (client, url) = (client(endpoint)?, endpoint.at(path));
        let request = match body {
            None => client.get(url),
            Some(body) => client
                .post(url)
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.to_string()),
        };
        let request = authorised(endpoint, request)?;
        let mut response = request.send().await.map_err(|error| failure::of_connection(endpoint, &error))?;
        let body = read_at_most(&mut response, sse::MAX_EVENT_BYTES, patience).await;
        if !response.status().is_success() {
            return Err(failure::of_status(endpoint, "", &response, &body));
        }
        serde_json::from_slice(&body).map_err(|_| Failure::is_final(failure::not_the_api(endpoint)))
    };
    match tokio::time::timeout(patience, fetch).await {
        Ok(result) => result.map_err(|failure| failure.error),
        Err(_) => Err(failure::idle(endpoint, patience)),
    }
}

async fn pass_on(out: &mut Sender<Result<Delta, ModelError>>, deltas: Vec<Delta>) {
    for delta in deltas {
        // Nobody listens any more: then nobody polls this either.
        let _ = out.send(Ok(delta)).await;
    }
}

fn client(endpoint: &Endpoint) -> Result<&'static reqwest::Client, Failure> {
    client_for(endpoint).map_err(|cause| {
        let message = format!("no secure connection can be made on this machine: {cause}");
        Failure::is_final(ModelError::new(ModelErrorKind::Config, message))
    })
}

fn authorised(endpoint: &Endpoint, request: reqwest::RequestBuilder) -> Result<reqwest::RequestBuilder, Failure> {
    let request = endpoint.headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let Some(key) = &endpoint.key else { return Ok(request) };
    let secret = key.value.expose_secret().trim();
    let (name, value) = match endpoint.auth {
        Auth::Bearer => (AUTHORIZATION.as_str(), HeaderValue::from_str(&format!("Bearer {secret}"))),
        Auth::Header(name) => (name, HeaderValue::from_str(secret)),
    };
    let mut value = value.map_err(|_| {
        let message = format!("the key in {} holds characters that no key has: set it again", key.variable);
        Failure::is_final(ModelError::new(ModelErrorKind::Auth, message))
    })?;
    value.set_sensitive(true);
    Ok(request.header(name, value))
}

/// The beginning of a body, as far as it comes in time.
async fn read_at_most(response: &mut reqwest::Response, limit: usize, patience: Duration) -> Vec<u8> {
    let mut body = Vec::new();
    let deadline = Instant::now() + patience;
    while let Ok(Ok(Some(chunk))) = tokio::time::timeout_at(deadline, response.chunk()).await {
        let room = limit.saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
        if body.len() >= limit {
            break;
        }
    }
    body
}
