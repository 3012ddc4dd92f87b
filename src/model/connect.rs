//! From configuration to a model: which provider, where, with which key.
//!
//! Nothing here happens when a server starts or an agent is built: a [`Connector`] is a promise, and [`Connector::model`] keeps it
//! when a turn needs the model. So a missing model is a failed turn with a message, never a server that does not start.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use secrecy::SecretString;

use super::anthropic::{self, Anthropic};
use super::http::{Endpoint, Key, Timing};
use super::ollama::{self, Ollama};
use super::openai::{self, OpenAi};
use super::responses::Responses;
use super::script::Script;
use super::{Model, ModelError, ModelErrorKind, SharedModel};
use crate::config::{Config, Environment, Provider};

/// Where OpenAI itself is.
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// The model that is asked of OpenAI itself when none is configured.
pub const OPENAI_DEFAULT_MODEL: &str = "gpt-5.4";

/// How long a server may take to list its models before Claw looks elsewhere.
const PROBE_PATIENCE: Duration = Duration::from_millis(1500);

/// How long an Ollama may take to tell about a model.
const SHOW_PATIENCE: Duration = Duration::from_secs(5);

/// Everything there is to say when no model was found.
const NO_MODEL: &str = "\
no model is configured, and none was found. One of these is enough:
  - a local one: install Ollama, then `ollama pull qwen2.5-coder:7b` and `ollama serve`
  - OpenAI: put your key into the environment variable OPENAI_API_KEY
  - Anthropic: put your key into the environment variable ANTHROPIC_API_KEY
  - any other OpenAI-compatible server: in ~/.config/claw/config.toml
        provider = \"openai\"
        base_url = \"https://…/v1\"
        model = \"…\"
        api_key_env = \"NAME_OF_THE_VARIABLE_THAT_HOLDS_THE_KEY\"
`claw doctor` checks what you have; `claw demo` needs no model at all.";

/// A model that is found when it is needed. Cheap to clone; clones share what was found.
#[derive(Clone)]
pub struct Connector {
    source: Source,
}

#[derive(Clone)]
enum Source {
    /// One that is there already.
    Ready(SharedModel),
    Configured(Arc<Configured>),
}

struct Configured {
    config: Config,
    environment: Environment,
    /// What a server told about its models, so that it is asked once. A failure is not kept: the user may mend it meanwhile.
    found: RwLock<Option<SharedModel>>,
}

impl Connector {
    /// The model that `config` and `environment` describe.
    pub fn new(config: Config, environment: Environment) -> Connector {
        Connector { source: Source::Configured(Arc::new(Configured { config, environment, found: RwLock::default() })) }
    }

    /// The model. May read a script or ask a server which models it has; a failure is one plain message.
    pub async fn model(&self) -> Result<SharedModel, ModelError> {
        let configured = match &self.source {
            Source::Ready(model) => return Ok(Arc::clone(model)),
            Source::Configured(configured) => configured,
        };
        if let Some(model) = &*configured.found.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Arc::clone(model));
        }
        let model = connect(&configured.config, &configured.environment).await?;
        // A script is read anew each time: whoever writes one wants to see the change.
        if configured.config.provider != Some(Provider::Script) {
            *configured.found.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&model));
        }
        Ok(model)
    }
}

impl From<SharedModel> for Connector {
    fn from(model: SharedModel) -> Connector {
        Connector { source: Source::Ready(model) }
    }
}

/// A model that builds the same bodies as the one of this provider, name and window in a trace, for a replay. `None` for a
/// provider that is not ours. It is not meant to be sent to.
pub fn encoder(provider: &str, model: &str, window: Option<u64>) -> Option<SharedModel> {
    match provider {
        "openai" => Some(Arc::new(OpenAi::new(Endpoint::new(OPENAI_BASE_URL).ok()?, model))),
        "anthropic" => Some(Arc::new(Anthropic::new(Anthropic::endpoint(anthropic::BASE_URL).ok()?, model))),
        "openai-responses" => Some(Arc::new(Responses::new(Endpoint::new(OPENAI_BASE_URL).ok()?, model))),
        "ollama" => {
            let endpoint = Ollama::endpoint(&ollama_host(None)).ok()?;
            Some(Arc::new(Ollama::new(endpoint, model, window.unwrap_or(ollama::MOST_WINDOW))))
        }
        "script" => Some(Arc::new(Script::parse("replay", "").ok()?)),
        _ => None,
    }
}

/// The model that `config` and `environment` describe.
pub async fn connect(config: &Config, environment: &Environment) -> Result<SharedModel, ModelError> {
    let timing = Timing::with_idle(Duration::from_secs(config.limits.model_idle_timeout_s));
    match config.provider {
        Some(Provider::Script) => script(config).await,
        Some(wire @ (Provider::Openai | Provider::OpenaiResponses)) => {
            let base_url = match (&config.base_url, environment.get("OPENAI_BASE_URL")) {
                (Some(url), _) => url,
                (None, Some(url)) => url,
                (None, None) => OPENAI_BASE_URL,
            };
            openai(config, environment, base_url, timing, wire).await
        }
        Some(Provider::Ollama) => {
            let host = || ollama_host(environment.get("OLLAMA_HOST"));
            let mut endpoint = Ollama::endpoint(&config.base_url.clone().unwrap_or_else(host))?;
            endpoint.timing = timing;
            endpoint.key = key(config, environment, &endpoint, &OLLAMA)?;
            let models = match &config.model {
                Some(_) => Vec::new(),
                None => ollama::list_models(&endpoint, PROBE_PATIENCE.max(timing.idle / 6)).await?,
            };
            ollama(config, endpoint, models).await
        }
        Some(Provider::Anthropic) => anthropic(config, environment, timing).await,
        None => match (&config.base_url, &config.script) {
            (Some(base_url), _) => openai(config, environment, base_url, timing, Provider::Openai).await,
            (None, Some(_)) => script(config).await,
            (None, None) => search(config, environment, timing).await,
        },
    }
}

async fn script(config: &Config) -> Result<SharedModel, ModelError> {
    let Some(path) = config.script.clone() else {
        return Err(config_error("provider = \"script\" plays model turns from a file: set `script` to its path"));
    };
    match tokio::task::spawn_blocking(move || Script::load(Path::new(&path))).await {
        Ok(script) => Ok(Arc::new(script?)),
        Err(error) => Err(config_error(format!("the script was not read: {error}"))),
    }
}

/// A configured endpoint.
async fn openai(
    config: &Config,
    environment: &Environment,
    base_url: &str,
    timing: Timing,
    wire: Provider,
) -> Result<SharedModel, ModelError> {
    let mut endpoint = Endpoint::new(base_url)?;
    endpoint.timing = timing;
    endpoint.key = key(config, environment, &endpoint, &OPENAI)?;
    let model = match &config.model {
        Some(model) => model.clone(),
        None if endpoint.host() == OPENAI.host => OPENAI_DEFAULT_MODEL.to_owned(),
        None => first_model(&endpoint).await?,
    };
    Ok(match wire {
        Provider::OpenaiResponses => Arc::new(Responses::new(endpoint, model)),
        Provider::Openai | Provider::Anthropic | Provider::Ollama | Provider::Script => {
            Arc::new(OpenAi::new(endpoint, model))
        }
    })
}

/// The configured model of an Ollama, else the first of those that it has.
async fn ollama(config: &Config, endpoint: Endpoint, models: Vec<String>) -> Result<SharedModel, ModelError> {
    let Some(model) = config.model.clone().or_else(|| models.into_iter().next()) else {
        return Err(config_error(format!(
            "the Ollama at {endpoint} has no model yet: get one, for example with `ollama pull qwen2.5-coder:7b`"
        )));
    };
    let window = match config.context.window {
        Some(window) => window,
        None => ollama::window(&endpoint, &model, SHOW_PATIENCE).await?,
    };
    Ok(Arc::new(Ollama::new(endpoint, model, window)))
}

/// Anthropic itself, or a configured endpoint that speaks its API.
async fn anthropic(config: &Config, environment: &Environment, timing: Timing) -> Result<SharedModel, ModelError> {
    let mut endpoint = Anthropic::endpoint(config.base_url.as_deref().unwrap_or(anthropic::BASE_URL))?;
    endpoint.timing = timing;
    endpoint.key = key(config, environment, &endpoint, &ANTHROPIC)?;
    let model = match &config.model {
        Some(model) => model.clone(),
        None if endpoint.host() == ANTHROPIC.host => anthropic::DEFAULT_MODEL.to_owned(),
        None => {
            let model = Anthropic::new(endpoint.clone(), "");
            first(&endpoint, model.listing().await?.map(|listing| listing.models).unwrap_or_default())?
        }
    };
    Ok(Arc::new(Anthropic::new(endpoint, model)))
}

/// Nothing is configured: a local Ollama, else the provider whose key is there.
async fn search(config: &Config, environment: &Environment, timing: Timing) -> Result<SharedModel, ModelError> {
    let mut local = Ollama::endpoint(&ollama_host(environment.get("OLLAMA_HOST")))?;
    local.timing = timing;
    let has_key = environment.get("OPENAI_API_KEY").is_some() || environment.get("CLAW_API_KEY").is_some();
    let has_anthropic_key = environment.get(ANTHROPIC.variable).is_some();
    match (ollama::list_models(&local, PROBE_PATIENCE).await, &config.model) {
        (Ok(models), model) if model.is_some() || !models.is_empty() => ollama(config, local, models).await,
        (Ok(_) | Err(_), _) if has_key => {
            let base_url = environment.get("OPENAI_BASE_URL").unwrap_or(OPENAI_BASE_URL);
            openai(config, environment, base_url, timing, Provider::Openai).await
        }
        (Ok(_) | Err(_), _) if has_anthropic_key => anthropic(config, environment, timing).await,
        (Ok(models), _) => ollama(config, local, models).await,
        (Err(_), _) => Err(config_error(NO_MODEL)),
    }
}

async fn first_model(endpoint: &Endpoint) -> Result<String, ModelError> {
    let models = openai::list_models(endpoint, PROBE_PATIENCE.max(endpoint.timing.idle / 6)).await?;
    first(endpoint, models)
}

fn first(endpoint: &Endpoint, models: Vec<String>) -> Result<String, ModelError> {
    models.into_iter().next().ok_or_else(|| {
        let message = format!("{endpoint} lists no model: set `model`");
        ModelError::new(ModelErrorKind::ModelNotFound, message)
    })
}

/// Who runs an API, and where its key usually is.
struct Vendor {
    name: &'static str,
    host: &'static str,
    variable: &'static str,
}

const OPENAI: Vendor = Vendor { name: "OpenAI", host: "api.openai.com", variable: "OPENAI_API_KEY" };
/// An Ollama asks for no key; where something before it does, the user names it.
const OLLAMA: Vendor = Vendor { name: "Ollama", host: "", variable: "" };
const ANTHROPIC: Vendor = Vendor { name: "Anthropic", host: "api.anthropic.com", variable: "ANTHROPIC_API_KEY" };

/// The key for `endpoint`. One that the user named goes where the user said. That of the vendor, which is there for other programs
/// too, goes to no other machine in the clear.
fn key(
    config: &Config,
    environment: &Environment,
    endpoint: &Endpoint,
    vendor: &Vendor,
) -> Result<Option<Key>, ModelError> {
    let from = |variable: &str| {
        environment
            .get(variable)
            .map(|value| Key { value: SecretString::from(value.trim()), variable: variable.to_owned() })
    };
    if let Some(key) = from("CLAW_API_KEY") {
        return Ok(Some(key));
    }
    if let Some(variable) = &config.api_key_env {
        // A local server needs no key, whatever a shared configuration says.
        return match from(variable) {
            Some(key) => Ok(Some(key)),
            None if endpoint.is_loopback() => Ok(None),
            None => Err(ModelError::new(
                ModelErrorKind::Auth,
                format!("api_key_env names {variable}, which is not set: put the key for {endpoint} there"),
            )),
        };
    }
    let key = from(vendor.variable).filter(|_| endpoint.is_secure() || endpoint.is_loopback());
    if key.is_none() && endpoint.host() == vendor.host {
        return Err(ModelError::new(
            ModelErrorKind::Auth,
            format!("no key for {}: put it into the environment variable {}", vendor.name, vendor.variable),
        ));
    }
    Ok(key)
}

/// The address of the Ollama that `OLLAMA_HOST` names, in any of the forms that Ollama takes.
fn ollama_host(host: Option<&str>) -> String {
    let host = host.unwrap_or_default().trim().trim_end_matches('/');
    let (scheme, rest, default_port) = match host.split_once("://") {
        Some(("https", rest)) => ("https", rest, "443"),
        Some(("http", rest)) => ("http", rest, "80"),
        Some((_, rest)) => ("http", rest, "11434"),
        None => ("http", host, "11434"),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port))
            if !name.ends_with(':') && port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() =>
        {
            (name, port)
        }
        _ => (authority, default_port),
    };
    // Where a server listens on every address, a client goes to its own.
    let name = match name {
        "" | "0.0.0.0" | "[::]" => "127.0.0.1",
        name => name,
    };
    let path = if path.is_empty() { String::new() } else { format!("/{path}") };
    format!("{scheme}://{name}:{port}{path}")
}

fn config_error(message: impl Into<String>) -> ModelError {
    ModelError::new(ModelErrorKind::Config, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ollama_hosts() {
        for (host, expected) in [
            (None, "http://127.0.0.1:11434"),
            (Some(""), "http://127.0.0.1:11434"),
            (Some("0.0.0.0"), "http://127.0.0.1:11434"),
            (Some("0.0.0.0:8080"), "http://127.0.0.1:8080"),
            (Some(":8080"), "http://127.0.0.1:8080"),
            (Some("box"), "http://box:11434"),
            (Some("http://box"), "http://box:80"),
            (Some("https://box/"), "https://box:443"),
            (Some("http://box:1234/ollama/"), "http://box:1234/ollama"),
            (Some("[::1]:1234"), "http://[::1]:1234"),
            (Some("[::1]"), "http://[::1]:11434"),
        ] {
            assert_eq!(ollama_host(host), expected, "{host:?}");
        }
    }

    #[test]
    fn x01_keys_go_where_they_are_meant_to() {
        let choose = |variables: &[(&str, &str)], api_key_env: Option<&str>, base_url: &str| {
            let config = Config { api_key_env: api_key_env.map(str::to_owned), ..Config::default() };
            let environment = variables.iter().copied().collect();
            let endpoint = Endpoint::new(base_url).unwrap();
            key(&config, &environment, &endpoint, &OPENAI)
                .map(|key| key.map(|key| key.variable))
                .map_err(|error| error.kind)
        };
        let openai = ("OPENAI_API_KEY", "sk-1");
        let named = |name: &str| Ok(Some(name.to_owned()));
        assert_eq!(choose(&[openai], None, OPENAI_BASE_URL), named("OPENAI_API_KEY"));
        assert_eq!(choose(&[openai], None, "http://127.0.0.1:1/v1"), named("OPENAI_API_KEY"));
        assert_eq!(choose(&[openai], None, "http://192.168.0.2/v1"), Ok(None));
        assert_eq!(choose(&[openai], Some("OPENAI_API_KEY"), "http://192.168.0.2/v1"), named("OPENAI_API_KEY"));
        assert_eq!(choose(&[openai, ("CLAW_API_KEY", "k")], None, OPENAI_BASE_URL), named("CLAW_API_KEY"));
        assert_eq!(choose(&[openai, ("MINE", "k")], Some("MINE"), "https://x.example"), named("MINE"));
        assert_eq!(choose(&[openai], Some("MINE"), "https://x.example"), Err(ModelErrorKind::Auth));
        assert_eq!(choose(&[openai], Some("MINE"), "http://localhost:1"), Ok(None));
        assert_eq!(choose(&[], None, OPENAI_BASE_URL), Err(ModelErrorKind::Auth));
        assert_eq!(choose(&[("OPENAI_API_KEY", "  ")], None, "https://x.example"), Ok(None));
    }

    #[tokio::test]
    async fn a_script_needs_its_file() {
        let config = Config { provider: Some(Provider::Script), ..Config::default() };
        let error = connect(&config, &Environment::default()).await.err().unwrap();
        assert!(error.message.contains("set `script`"), "{}", error.message);
    }
}
