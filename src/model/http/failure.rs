//! From what went wrong to one plain message: what happened, whose fault it is, what to do.

use std::error::Error;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use serde_json::Value;

use super::Endpoint;
use super::client::CONNECT_TIMEOUT;
use crate::model::{ModelError, ModelErrorKind, retry};

/// Characters of a provider's own words that a message repeats.
const MAX_WORDS: usize = 300;

/// A failed attempt.
#[derive(Clone, Debug)]
pub struct Failure {
    pub error: ModelError,
    /// The same request may succeed at once or in a moment.
    pub try_again: bool,
    /// The wait that the provider asked for.
    pub asked_wait: Option<Duration>,
}

impl Failure {
    pub fn is_final(error: ModelError) -> Failure {
        Failure { error, try_again: false, asked_wait: None }
    }
}

/// The innermost cause of an error. reqwest's own texts name the address with its query, these do not.
pub fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.source().is_none() { "the request could not be made".to_owned() } else { cause.to_string() }
}

/// No response came.
pub fn of_connection(endpoint: &Endpoint, error: &reqwest::Error) -> Failure {
    let connect = |message: String| Failure::is_final(ModelError::new(ModelErrorKind::Connect, message));
    if error.is_dns() {
        return connect(format!(
            "the host {} was not found: check base_url ({endpoint}) and the network",
            endpoint.host()
        ));
    }
    let io = io_error(error);
    if error.is_connect() {
        if error.is_timeout() {
            return connect(format!(
                "no connection to {endpoint} within {} s: check base_url, the network and the proxy",
                CONNECT_TIMEOUT.as_secs()
            ));
        }
        return match io {
            Some(std::io::ErrorKind::ConnectionRefused) => connect(refused(endpoint)),
            Some(std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::UnexpectedEof) if !endpoint.is_secure() => {
                lost(endpoint, error)
            }
            Some(_) | None if endpoint.is_secure() => connect(format!(
                "no secure connection to {endpoint}: {}. If the server speaks plain HTTP, let base_url begin with http://",
                root_cause(error)
            )),
            Some(_) | None => connect(format!("no connection to {endpoint}: {}", root_cause(error))),
        };
    }
    if error.is_builder() {
        return Failure::is_final(ModelError::new(
            ModelErrorKind::Config,
            format!("no request can be made to {endpoint}: {}", root_cause(error)),
        ));
    }
    lost(endpoint, error)
}

fn refused(endpoint: &Endpoint) -> String {
    if endpoint.is_ollama {
        format!(
            "no connection to {endpoint}: is Ollama running? Start it with `ollama serve`, or set base_url to where it is"
        )
    } else {
        format!("no connection to {endpoint}: is the server running? Start it, or set base_url to where it is")
    }
}

fn lost(endpoint: &Endpoint, error: &reqwest::Error) -> Failure {
    let message = format!("the connection to {endpoint} was lost before an answer came: {}", root_cause(error));
    Failure { error: ModelError::new(ModelErrorKind::Connect, message), try_again: true, asked_wait: None }
}

/// The body broke off or could not be decompressed.
pub fn of_body(endpoint: &Endpoint, error: &reqwest::Error) -> Failure {
    let message = format!("the answer of {endpoint} broke off: {}. Ask again", root_cause(error));
    Failure { error: ModelError::new(ModelErrorKind::Cut, message), try_again: true, asked_wait: None }
}

/// The decoder found an error in the stream.
pub fn of_stream(endpoint: &Endpoint, streamed: bool, error: ModelError) -> Failure {
    let try_again = !streamed && matches!(error.kind, ModelErrorKind::RateLimit | ModelErrorKind::Server);
    let message = endpoint.without_key(&error.message);
    Failure { error: ModelError::new(error.kind, message), try_again, asked_wait: None }
}

pub fn idle(endpoint: &Endpoint, idle: Duration) -> ModelError {
    let message = format!(
        "{endpoint} said nothing of use for {} s. Ask again; a slow local model may need a larger \
         limits.model_idle_timeout_s",
        idle.as_secs_f64()
    );
    ModelError::new(ModelErrorKind::Idle, message)
}

pub fn too_large(endpoint: &Endpoint, limit: usize) -> ModelError {
    let message = format!("{endpoint} sent more than {} MB: the answer was not taken", limit / 1024 / 1024);
    ModelError::new(ModelErrorKind::TooLarge, message)
}

pub fn cut(endpoint: &Endpoint, received: usize) -> ModelError {
    let message = if received == 0 {
        format!("{endpoint} answered with nothing. Ask again; if it stays so, look at the server's own log")
    } else {
        format!("the answer of {endpoint} ended before it was complete. Ask again")
    };
    ModelError::new(ModelErrorKind::Cut, message)
}

pub fn web_page(endpoint: &Endpoint) -> ModelError {
    let message = format!(
        "{endpoint} answered with a web page, not with a model: check base_url (it usually ends in /v1) and the proxy"
    );
    ModelError::new(ModelErrorKind::Protocol, message)
}

pub fn not_the_api(endpoint: &Endpoint) -> ModelError {
    let message = format!("{endpoint} answered with something that is not its API: check base_url");
    ModelError::new(ModelErrorKind::Protocol, message)
}

/// A response that is not a success.
pub fn of_status(endpoint: &Endpoint, model: &str, response: &reqwest::Response, body: &[u8]) -> Failure {
    let status = response.status().as_u16();
    let headers = response.headers();
    if response.status().is_redirection() {
        let to = headers.get(LOCATION).and_then(|location| location.to_str().ok()).unwrap_or("nowhere");
        let to = endpoint.without_key(&plain(to));
        let message = format!(
            "{endpoint} redirects to {to}, which Claw does not follow with a key. If you trust that address, set base_url to it"
        );
        return Failure::is_final(ModelError::new(ModelErrorKind::Refused, message));
    }
    let complaint = Complaint::read(endpoint, headers, body);
    let error = classify(endpoint, model, status, &complaint);
    let try_again = match error.kind {
        ModelErrorKind::RateLimit => true,
        // 501 and 505 stay as they are.
        ModelErrorKind::Server => !matches!(status, 501 | 505),
        _ => false,
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let asked_wait = retry::asked_wait(header("retry-after-ms"), header(RETRY_AFTER.as_str()), jiff::Timestamp::now());
    Failure { error, try_again, asked_wait }
}

/// What a provider says about an error, in its own words.
#[derive(Clone, Debug, Default)]
pub struct Complaint {
    /// Its message, shortened, on one line, without the key.
    pub words: String,
    /// Its `code` and `type`, in lower case.
    pub code: String,
    /// The body was a page for people.
    pub is_web_page: bool,
}

impl Complaint {
    fn read(endpoint: &Endpoint, headers: &HeaderMap, body: &[u8]) -> Complaint {
        let text = String::from_utf8_lossy(body);
        let mut complaint = match serde_json::from_str::<Value>(&text) {
            Ok(json) => Complaint::of_json(&json),
            Err(_) => {
                let says_html = headers
                    .get(CONTENT_TYPE)
                    .and_then(|value| value.to_str().ok())
                    .is_some_and(|value| value.starts_with("text/html"));
                let is_web_page = says_html || text.trim_start().starts_with('<');
                Complaint {
                    words: if is_web_page { String::new() } else { plain(&text) },
                    is_web_page,
                    ..Complaint::default()
                }
            }
        };
        complaint.words = endpoint.without_key(&complaint.words);
        complaint
    }

    /// Reads `{"error": {"message", "code", "type"}}` and its relatives.
    pub fn of_json(json: &Value) -> Complaint {
        // Some gateways put the object into a list.
        let json = json.as_array().and_then(|list| list.first()).unwrap_or(json);
        let error = json.get("error").filter(|error| !error.is_null()).unwrap_or(json);
        let words = error
            .as_str()
            .or_else(|| ["message", "detail", "error", "msg"].iter().find_map(|name| error.get(name)?.as_str()))
            .map_or_else(|| error.to_string(), str::to_owned);
        let code = |name: &str| match error.get(name).or_else(|| json.get(name)) {
            Some(Value::String(code)) => code.to_lowercase(),
            Some(Value::Number(code)) => code.to_string(),
            _ => String::new(),
        };
        Complaint { words: plain(&words), code: format!("{} {}", code("code"), code("type")), is_web_page: false }
    }

    /// The status that the code stands for, where an error comes without one.
    pub fn status(&self) -> u16 {
        let number = self.code.split_whitespace().find_map(|code| code.parse::<u16>().ok());
        match number {
            Some(status @ 400..=599) => status,
            _ if self.has(&["rate_limit", "too many requests"]) => 429,
            _ if self.has(&["insufficient_quota", "billing_error"]) => 402,
            _ if self.has(&["invalid_api_key", "authentication", "unauthorized"]) => 401,
            _ if self.has(&["permission_error"]) => 403,
            _ if self.has(&["request_too_large"]) => 413,
            _ if self.has(&["not_found"]) || self.is_about_model() => 404,
            _ if self.has(&["invalid_prompt", "invalid_request", "invalid_argument", "bad_request"]) => 400,
            _ => 500,
        }
    }

    fn has(&self, needles: &[&str]) -> bool {
        let words = self.words.to_lowercase();
        needles.iter().any(|needle| words.contains(needle) || self.code.contains(needle))
    }

    fn is_about_length(&self) -> bool {
        self.has(&[
            "context_length",
            "context length",
            "context window",
            "context size",
            "maximum context",
            "too many tokens",
            "prompt is too long",
            "prompt too long",
            "input is too long",
            "maximum prompt length",
            "exceeds the limit of",
            "token limit",
            "request_too_large",
            "exceeds maximum allowed number of bytes",
        ])
    }

    /// That tools may not be offered, in the words of Ollama, vLLM, llama.cpp, OpenRouter, Groq and their like.
    fn is_about_tools(&self) -> bool {
        self.has(&[
            "not support tool",
            "n't support tool",
            "not support function",
            "support tool use",
            "tool use is not supported",
            "tools are not supported",
            "tools is not supported",
            "`tools` is not supported",
            "tool calling is not supported",
            "`tool calling` is not supported",
            "function calling is not supported",
            "function calling is not enabled",
            "--enable-auto-tool-choice",
            "tools param requires",
        ])
    }

    fn is_about_model(&self) -> bool {
        self.has(&["model_not_found", "invalid_model", "invalid model", "unknown model", "no such model"])
            || (self.has(&["model"])
                && self.has(&[
                    "not found",
                    "does not exist",
                    "doesn't exist",
                    "not exist",
                    "not a valid model",
                    "not available",
                ]))
    }
}

/// The error that a status and the provider's words stand for.
pub fn classify(endpoint: &Endpoint, model: &str, status: u16, complaint: &Complaint) -> ModelError {
    use ModelErrorKind::{Auth, ContextLength, ModelNotFound, NoTools, Protocol, RateLimit, Refused, Server};
    let words = if complaint.words.is_empty() { String::new() } else { format!(" It says: {}", complaint.words) };
    let (kind, message) = match status {
        _ if complaint.is_about_length() && matches!(status, 400 | 413 | 422 | 500) => (
            ContextLength,
            format!(
                "the request is longer than {model} takes at {endpoint}: start a new session, ask about less, or choose a model \
                 with a larger window.{words}"
            ),
        ),
        402 | 403 | 429 if complaint.has(&["insufficient_quota", "insufficient balance", "billing", "credit"]) => {
            (Refused, format!("the account at {endpoint} has nothing left to spend: check its billing.{words}"))
        }
        400 | 404 | 422 | 500 | 501 if complaint.is_about_tools() => (
            NoTools,
            format!("{model} can not be offered tools at {endpoint}: it is told of them in words instead.{words}"),
        ),
        401 | 403 => (Auth, key_advice(endpoint, status, &words)),
        400 | 404 | 422 if complaint.is_about_model() => (ModelNotFound, model_advice(endpoint, model, &words)),
        404 | 405 => {
            (Protocol, format!("{endpoint} has no such API ({status}): check base_url, {}.{words}", endpoint.base_hint))
        }
        408 | 425 | 500..=599 => {
            (Server, format!("{endpoint} failed ({status}): its own fault, ask again in a moment.{words}"))
        }
        429 => {
            (RateLimit, format!("{endpoint} takes no more requests for now (429): wait a little and ask again.{words}"))
        }
        _ if complaint.is_web_page => return web_page(endpoint),
        _ => (Refused, format!("{endpoint} refused the request ({status}).{words}")),
    };
    ModelError::new(kind, message)
}

fn key_advice(endpoint: &Endpoint, status: u16, words: &str) -> String {
    match &endpoint.key {
        Some(key) => format!(
            "{endpoint} refused the key in {} ({status}): put a valid one there and start again.{words}",
            key.variable
        ),
        None => format!(
            "{endpoint} asks for a key ({status}): set CLAW_API_KEY, or name the variable that holds it in api_key_env.{words}"
        ),
    }
}

fn model_advice(endpoint: &Endpoint, model: &str, words: &str) -> String {
    if endpoint.is_ollama {
        format!(
            "{endpoint} has no model {model}: get it with `ollama pull {model}`, or set model to one that `ollama list` shows.{words}"
        )
    } else {
        format!("{endpoint} has no model {model}: set model to one that it has.{words}")
    }
}

/// `text` on one line, without characters that a terminal would act on, shortened. Words stay whole: part of a key would get past
/// [`Endpoint::without_key`].
fn plain(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut short = String::new();
    let mut length = 0;
    for word in spaced.split_whitespace() {
        length += word.chars().count() + 1;
        if length > MAX_WORDS {
            short.push('…');
            break;
        }
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
    }
    short
}

fn io_error(error: &reqwest::Error) -> Option<std::io::ErrorKind> {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    let mut found = None;
    while let Some(source) = cause {
        if let Some(io) = source.downcast_ref::<std::io::Error>() {
            found = Some(io.kind());
        }
        cause = source.source();
    }
    found
}
