//! From configuration to a model: which provider, where, with which key.
//!
//! Nothing here happens when a server starts or an agent is built: a [`Connector`] is a promise, and [`Connector::model`] keeps it
//! when a turn needs the model. So a missing model is a failed turn with a message, never a server that does not start.

mod keys;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use self::keys::{ANTHROPIC, OLLAMA, OPENAI, key};
use super::anthropic::{self, Anthropic};
use super::http::{Endpoint, Timing};
use super::known::{known, price_of};
use super::ollama::{self, Ollama};
use super::openai::{ChatCompletions, OpenAi};
use super::remote::{self, Facts};
use super::responses::Responses;
use super::script::Script;
use super::{ModelError, ModelErrorKind, SharedModel};
use crate::config::{Choice, Config, Effort, Environment, Provider};

/// Where OpenAI itself is.
pub const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";

/// The model that is asked of OpenAI itself when none is configured.
pub const OPENAI_DEFAULT_MODEL: &str = "gpt-5.4";

/// A reseller whose list of models has their prices.
const PRICED: &str = "openrouter.ai";

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
    small: Option<Connector>,
}

impl Connector {
    /// The model that `config` and `environment` describe.
    pub fn new(config: Config, environment: Environment) -> Connector {
        let small = config.for_small().map(|small| {
            let environment = environment_of(&config, &small, &environment);
            Connector::new(small, environment)
        });
        let configured = Configured { config, environment, found: RwLock::default(), small };
        Connector { source: Source::Configured(Arc::new(configured)) }
    }

    /// The model that `config` describes, but for what is chosen instead.
    pub fn choosing(config: &Config, choice: Choice, environment: &Environment) -> Connector {
        let chosen = config.choosing(choice);
        let environment = environment_of(config, &chosen, environment);
        Connector::new(chosen, environment)
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

    /// The model for what needs no large one; `None` where one model does everything.
    pub fn small(&self) -> Option<Connector> {
        match &self.source {
            Source::Ready(_) => None,
            Source::Configured(configured) => configured.small.clone(),
        }
    }
}

impl From<SharedModel> for Connector {
    fn from(model: SharedModel) -> Connector {
        Connector { source: Source::Ready(model) }
    }
}

/// `CLAW_API_KEY` is the key of the one endpoint that is configured. It is not sent to another.
fn environment_of(config: &Config, other: &Config, environment: &Environment) -> Environment {
    let is_same = config.provider == other.provider && config.base_url == other.base_url;
    if is_same { environment.clone() } else { environment.clone().without("CLAW_API_KEY") }
}

/// A model that builds the same bodies as the one of this provider, name, window and effort in a trace, for a replay. `None` for a
/// provider that is not ours. It is not meant to be sent to.
pub fn encoder(provider: &str, model: &str, window: Option<u64>, effort: Option<Effort>) -> Option<SharedModel> {
    let facts = Facts { window, effort, price: None };
    match provider {
        "openai" => Some(Arc::new(OpenAi::new(Endpoint::new(OPENAI_BASE_URL).ok()?, model).with(facts))),
        "anthropic" => {
            let endpoint = Anthropic::endpoint(anthropic::BASE_URL).ok()?;
            Some(Arc::new(Anthropic::new(endpoint, model).with(facts)))
        }
        "openai-responses" => Some(Arc::new(Responses::new(Endpoint::new(OPENAI_BASE_URL).ok()?, model).with(facts))),
        "ollama" => {
            let endpoint = Ollama::endpoint(&ollama_host(None)).ok()?;
            let window = window.unwrap_or(ollama::MOST_WINDOW);
            Some(Arc::new(Ollama::new(endpoint, model, window).with(Facts { window: Some(window), ..facts })))
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
                None => remote::list_models::<ollama::Native>(&endpoint, PROBE_PATIENCE.max(timing.idle / 6)).await?,
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
    let facts = facts(config, &endpoint, &model);
    Ok(match wire {
        Provider::OpenaiResponses => Arc::new(Responses::new(endpoint, model).with(facts)),
        Provider::Openai | Provider::Anthropic | Provider::Ollama | Provider::Script => {
            let tells_prices = endpoint.host() == PRICED || config.limits.max_cost.is_some();
            let model = OpenAi::new(endpoint, model).with(facts);
            if facts.price.is_none() && tells_prices {
                model.told().await;
            }
            Arc::new(model)
        }
    })
}

/// What is known of a model without asking for it: what the user said, else what Claw's own table says.
fn facts(config: &Config, endpoint: &Endpoint, model: &str) -> Facts {
    let said = config.models.get(model).copied().unwrap_or_default();
    let known = known(endpoint.host(), model);
    Facts {
        window: config.context.window.or(said.window).or(known.window),
        price: price_of(&said).or(known.price),
        effort: config.effort,
    }
}

/// The configured model of an Ollama, else the first of those that it has.
async fn ollama(config: &Config, endpoint: Endpoint, models: Vec<String>) -> Result<SharedModel, ModelError> {
    let Some(model) = config.model.clone().or_else(|| models.into_iter().next()) else {
        return Err(config_error(format!(
            "the Ollama at {endpoint} has no model yet: get one, for example with `ollama pull qwen2.5-coder:7b`"
        )));
    };
    let facts = facts(config, &endpoint, &model);
    let window = match facts.window {
        Some(window) => window,
        None => ollama::window(&endpoint, &model, SHOW_PATIENCE).await?,
    };
    let facts = Facts { window: Some(window), ..facts };
    Ok(Arc::new(Ollama::new(endpoint, model, window).with(facts)))
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
            let patience = PROBE_PATIENCE.max(timing.idle / 6);
            first(&endpoint, remote::list_models::<anthropic::Messages>(&endpoint, patience).await?)?
        }
    };
    let facts = facts(config, &endpoint, &model);
    Ok(Arc::new(Anthropic::new(endpoint, model).with(facts)))
}

/// Nothing is configured: a local Ollama, else the provider whose key is there.
async fn search(config: &Config, environment: &Environment, timing: Timing) -> Result<SharedModel, ModelError> {
    let mut local = Ollama::endpoint(&ollama_host(environment.get("OLLAMA_HOST")))?;
    local.timing = timing;
    let has_key = environment.get("OPENAI_API_KEY").is_some() || environment.get("CLAW_API_KEY").is_some();
    let has_anthropic_key = environment.get(ANTHROPIC.variable).is_some();
    match (remote::list_models::<ollama::Native>(&local, PROBE_PATIENCE).await, &config.model) {
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
    let patience = PROBE_PATIENCE.max(endpoint.timing.idle / 6);
    let models = remote::list_models::<ChatCompletions>(endpoint, patience).await?;
    first(endpoint, models)
}

fn first(endpoint: &Endpoint, models: Vec<String>) -> Result<String, ModelError> {
    models.into_iter().next().ok_or_else(|| {
        let message = format!("{endpoint} lists no model: set `model`");
        ModelError::new(ModelErrorKind::ModelNotFound, message)
    })
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

    #[tokio::test]
    async fn a_script_needs_its_file() {
        let config = Config { provider: Some(Provider::Script), ..Config::default() };
        let error = connect(&config, &Environment::default()).await.err().unwrap();
        assert!(error.message.contains("set `script`"), "{}", error.message);
    }
}
