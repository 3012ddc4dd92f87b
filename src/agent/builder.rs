//! Putting an agent together.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::clock::{Clock, SystemClock};
use super::keep::Keeper;
use super::manual::manner;
use super::rules::configured;
use super::{Ask, RunResult, Session, Turn, context_of, prompt, servers};
use crate::config::{
    self, Config, Environment, PermissionMode, Provider, Sandbox, Sources, always_file, load, state_dir,
};
use crate::context::Index;
use crate::event::{ContextReceipt, Event, Frontend, TurnStatus};
use crate::mcp::Servers;
use crate::model::{Connector, SharedModel};
use crate::permission::Rules;
use crate::store::{Always, Redactor, Store, Trust};
use crate::tools::shell::{CommandSetup, Wanted};
use crate::tools::{Host, NoHost, SharedTool, Tool, Tools};
use crate::web::{Proxies, SearchProvider, SearchSettings, Web, WebSettings};
use crate::workspace::{Exclude, Roots, Workspace};

/// Seconds that a command may take where `shell.timeout_s` does not say.
const LONGEST_COMMAND_S: u64 = 600;

/// A model, tools and a workspace. Cheap to clone.
#[derive(Clone)]
pub struct Agent {
    pub(in crate::agent) parts: Arc<Parts>,
}

/// Sees every event of every session, in a session's order, streamed ones included. Called while the session's recorder is
/// locked: it must not wait, and must not call the session. Send the event somewhere and return.
pub type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

pub(in crate::agent) struct Parts {
    pub config: Config,
    pub connector: Connector,
    pub tools: Tools,
    /// All of it, for the user's own reviews.
    pub workspace: Workspace,
    /// What models may see of it.
    pub visible: Workspace,
    pub index: Index,
    pub host: Arc<dyn Host>,
    pub clock: Arc<dyn Clock>,
    pub frontend: Frontend,
    /// Where traces go; `None` keeps none.
    pub store: Option<Store>,
    pub observer: Option<Observer>,
    pub redactor: Arc<Redactor>,
    pub commands: Arc<CommandSetup>,
    pub web: Web,
    pub servers: Servers,
    /// What the configuration allows, asks and denies.
    pub rules: Arc<Rules>,
    /// Where rules are kept that the user allows for good.
    pub always: Option<Always>,
    /// Whether the workspace is trusted, where whoever built the agent knows.
    pub trusted: Option<bool>,
}

/// What an [`Agent`] is made of. Everything has a default: the user's configuration, the current directory as workspace,
/// the built-in tools, the user's state folder.
#[derive(Default)]
pub struct AgentBuilder {
    config: Option<Config>,
    environment: Option<Environment>,
    model_name: Option<String>,
    base_url: Option<String>,
    provider: Option<String>,
    permission_mode: Option<PermissionMode>,
    connector: Option<Connector>,
    tools: Option<Tools>,
    extra_tools: Vec<SharedTool>,
    workspace: Option<Workspace>,
    index: Option<Index>,
    host: Option<Arc<dyn Host>>,
    clock: Option<Arc<dyn Clock>>,
    frontend: Option<Frontend>,
    state: State,
    observer: Option<Observer>,
    trusted: Option<bool>,
    broker: Option<PathBuf>,
    web: Option<Web>,
    servers: Option<Servers>,
}

/// Where an agent keeps its sessions.
#[derive(Default)]
enum State {
    #[default]
    Default,
    At(PathBuf),
    Nowhere,
}

/// Why an agent can not be built: the user's to mend, in one plain message.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(pub String);

/// Why a session can not go on: the user's to mend, in one plain message.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ResumeError(pub String);

/// A task whose turn failed. What came of it until then is in `result`, its trace included.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct RunError {
    pub message: String,
    pub result: Box<RunResult>,
}

impl Agent {
    pub fn builder() -> AgentBuilder {
        AgentBuilder::default()
    }

    /// A new session. Nothing is written before its first turn.
    pub fn session(&self) -> Session {
        Session::new(Arc::clone(&self.parts), self.parts.clock.new_id(), None)
    }

    /// A session of the store, with its conversation and its pending proposal, to go on with. An id's unique beginning, a
    /// title or `last` will do. Blocks on the disk.
    pub fn resume(&self, id: &str) -> Result<Session, ResumeError> {
        let store = self.store().ok_or_else(|| ResumeError("no sessions are kept".to_owned()))?;
        let id = store.find(id).map_err(|error| ResumeError(error.to_string()))?;
        let unusable = |error: std::io::Error| ResumeError(format!("session {id} can not go on: {error}"));
        let journal = store.open_trace(&id).map_err(unusable)?;
        let events = store.events(&id).map_err(unusable)?;
        let title = store.summary(&id).map_err(unusable)?.title;
        let restored = Keeper::open(store, &id, &self.parts.workspace.roots()).map_err(unusable)?;
        let session = Session::new(Arc::clone(&self.parts), id.clone(), Some(journal));
        session.restore(&events, title, restored);
        Ok(session)
    }

    /// One task from start to end, in a session of its own. A cancelled turn or one that reached a limit is a result with
    /// that status; a failed one is an error that holds the result. Needs a Tokio runtime.
    pub async fn run(&self, task: &str) -> Result<RunResult, RunError> {
        let result = self.run_stream(task).finish().await;
        match result.status {
            TurnStatus::Done | TurnStatus::Cancelled | TurnStatus::Limit => Ok(result),
            TurnStatus::Failed => {
                let message = result.error().map_or("the turn failed".to_owned(), |error| error.message.clone());
                Err(RunError { message, result: Box::new(result) })
            }
        }
    }

    /// One task in a session of its own, its events as they come: read [`Turn::next`], then [`Turn::finish`]. Needs a Tokio
    /// runtime.
    pub fn run_stream(&self, task: &str) -> Turn {
        loop {
            // Nobody else has the new session, so it has no running turn and starts at the first try.
            if let Some(turn) = self.session().start(Ask { instruction: task.to_owned(), ..Ask::default() }) {
                return turn;
            }
        }
    }

    /// What the first request of a new session's turn would hold. Asks no model, writes nothing. Blocks on the disk.
    pub fn preview(&self, ask: &Ask) -> ContextReceipt {
        let config = &self.parts.config;
        let (form, lean) =
            manner(config, config.provider.map_or("", Provider::name), config.model.as_deref().unwrap_or_default());
        let nobody = context_of::Window { known: None, ask: &|| None };
        let mut receipt = context_of::gather(&self.session(), ask, "", &nobody, lean).receipt;
        if let Some(section) = prompt::answer_section(ask.mode, config.permission_mode, form, lean) {
            receipt.tokens += section.tokens;
            receipt.sections.push(section);
        }
        self.parts.redactor.redact_receipt(&mut receipt);
        receipt
    }

    /// Where sessions are kept; `None` if they are not.
    pub fn store(&self) -> Option<&Store> {
        self.parts.store.as_ref()
    }

    pub fn config(&self) -> &Config {
        &self.parts.config
    }

    pub fn workspace(&self) -> &Workspace {
        &self.parts.workspace
    }

    /// The workspace as a model may see it: without what `context.exclude` names.
    pub fn visible(&self) -> &Workspace {
        &self.parts.visible
    }

    /// The symbol index of the workspace, shared by all sessions.
    pub fn index(&self) -> &Index {
        &self.parts.index
    }

    pub fn tools(&self) -> &Tools {
        &self.parts.tools
    }

    /// The MCP servers, which run as far as a turn has needed them.
    pub fn servers(&self) -> &Servers {
        &self.parts.servers
    }

    pub fn connector(&self) -> &Connector {
        &self.parts.connector
    }
}

impl AgentBuilder {
    /// The model's name as its provider knows it.
    pub fn model(mut self, name: &str) -> AgentBuilder {
        self.model_name = Some(name.to_owned());
        self
    }

    /// An OpenAI-compatible endpoint.
    pub fn base_url(mut self, url: &str) -> AgentBuilder {
        self.base_url = Some(url.to_owned());
        self
    }

    /// A provider by its name in the configuration: `openai`, `script`.
    pub fn provider(mut self, name: &str) -> AgentBuilder {
        self.provider = Some(name.to_owned());
        self
    }

    pub fn permission_mode(mut self, mode: PermissionMode) -> AgentBuilder {
        self.permission_mode = Some(mode);
        self
    }

    /// A model of one's own, instead of a configured one.
    pub fn model_client(mut self, model: SharedModel) -> AgentBuilder {
        self.connector = Some(Connector::from(model));
        self
    }

    /// How to find the model when a turn needs it, instead of by configuration and environment.
    pub fn connector(mut self, connector: Connector) -> AgentBuilder {
        self.connector = Some(connector);
        self
    }

    /// The whole set of tools.
    pub fn tools(mut self, tools: Tools) -> AgentBuilder {
        self.tools = Some(tools);
        self
    }

    /// One more tool.
    pub fn tool(mut self, tool: impl Tool + 'static) -> AgentBuilder {
        self.extra_tools.push(Arc::new(tool));
        self
    }

    pub fn workspace(mut self, workspace: Workspace) -> AgentBuilder {
        self.workspace = Some(workspace);
        self
    }

    /// A symbol index that is shared with others on the same workspace.
    pub fn index(mut self, index: Index) -> AgentBuilder {
        self.index = Some(index);
        self
    }

    pub fn config(mut self, config: Config) -> AgentBuilder {
        self.config = Some(config);
        self
    }

    /// The environment variables to go by, instead of those of the process.
    pub fn environment(mut self, environment: Environment) -> AgentBuilder {
        self.environment = Some(environment);
        self
    }

    pub fn host(mut self, host: Arc<dyn Host>) -> AgentBuilder {
        self.host = Some(host);
        self
    }

    pub fn clock(mut self, clock: Arc<dyn Clock>) -> AgentBuilder {
        self.clock = Some(clock);
        self
    }

    pub fn frontend(mut self, frontend: Frontend) -> AgentBuilder {
        self.frontend = Some(frontend);
        self
    }

    /// The state folder, beneath which traces go. Default: `CLAW_STATE_DIR`, else the user's.
    pub fn state_dir(mut self, path: impl Into<PathBuf>) -> AgentBuilder {
        self.state = State::At(path.into());
        self
    }

    /// Keeps no trace and no session on disk.
    pub fn without_state(mut self) -> AgentBuilder {
        self.state = State::Nowhere;
        self
    }

    /// Whether the workspace is trusted, and commands may run in it. Default: as the user marked its folders (`claw trust`).
    pub fn trusted(mut self, trusted: bool) -> AgentBuilder {
        self.trusted = Some(trusted);
        self
    }

    /// The web, instead of what the configuration and the environment say.
    pub fn web(mut self, web: Web) -> AgentBuilder {
        self.web = Some(web);
        self
    }

    /// MCP servers that run already, where they are those that are configured. They are not started a second time.
    pub fn servers(mut self, running: Servers) -> AgentBuilder {
        self.servers = Some(running);
        self
    }

    /// The `claw` program that puts up the sandbox for commands. Default: this program, one beside it, or one along `PATH`.
    pub fn broker(mut self, program: impl Into<PathBuf>) -> AgentBuilder {
        self.broker = Some(program.into());
        self
    }

    /// Sees every event of every session, in order, also the streamed ones and those between turns.
    pub fn on_event(mut self, observer: Observer) -> AgentBuilder {
        self.observer = Some(observer);
        self
    }

    /// Fails only for what the user must mend before anything can work: a workspace or state folder that can not be opened, a
    /// provider nobody knows. A missing model is not among it: it fails the turn that needs it, with a message.
    pub fn build(self) -> Result<Agent, BuildError> {
        let environment = self.environment.unwrap_or_else(Environment::of_process);
        let workspace = match self.workspace {
            Some(workspace) => workspace,
            None => current_directory()?,
        };
        let folder = match self.state {
            State::Default => Some(state_dir(&environment).ok_or_else(|| {
                BuildError("there is no home folder to keep state in: set CLAW_STATE_DIR".to_owned())
            })?),
            State::At(path) => Some(path),
            State::Nowhere => None,
        };
        let mut config = self.config.unwrap_or_else(|| load_config(&environment, &workspace, folder.as_deref()));
        if let Some(provider) = &self.provider {
            config.provider = Some(provider_of(provider)?);
        }
        config.model = self.model_name.or(config.model);
        config.base_url = self.base_url.or(config.base_url);
        config.permission_mode = self.permission_mode.unwrap_or(config.permission_mode);

        let mut tools = self.tools.unwrap_or_default();
        self.extra_tools.into_iter().for_each(|tool| tools.add(tool));
        let store = folder.as_deref().map(open_store).transpose()?;
        let redactor = Arc::new(redactor(&config, &environment)?);
        let exclude = exclude(&config)?;
        let commands = Arc::new(commands(&config, &environment, folder.as_deref(), self.broker));
        let web = self.web.unwrap_or_else(|| web_of(&config, &environment));
        let root = workspace.roots().iter().next().map(|root| root.path.clone());
        let servers = servers::configured(&config, &environment, &commands, root.as_deref(), folder.as_deref());
        let servers = self.servers.filter(|running| running.are(&servers)).unwrap_or(servers);
        let always = always_file(&environment).map(Always::at);
        let rules = Arc::new(configured(&config));
        let parts = Parts {
            connector: self.connector.unwrap_or_else(|| Connector::new(config.clone(), environment)),
            config,
            tools,
            visible: workspace.excluding(exclude),
            workspace,
            index: self.index.unwrap_or_else(|| Index::new(folder.map(|folder| folder.join("cache")))),
            host: self.host.unwrap_or_else(|| Arc::new(NoHost)),
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock::default())),
            frontend: self.frontend.unwrap_or(Frontend::Library),
            store,
            observer: self.observer,
            redactor,
            commands,
            web,
            servers,
            rules,
            always,
            trusted: self.trusted,
        };
        Ok(Agent { parts: Arc::new(parts) })
    }
}

/// The web as the configuration and the environment say.
pub fn web_of(config: &Config, environment: &Environment) -> Web {
    let provider = config.search.provider.map(|provider| match provider {
        config::SearchProvider::Searxng => SearchProvider::Searxng,
        config::SearchProvider::Brave => SearchProvider::Brave,
        config::SearchProvider::Tavily => SearchProvider::Tavily,
    });
    let key = config.search.api_key_env.as_deref().and_then(|name| environment.get(name));
    let key = key.map(|key| SecretString::from(key.trim().to_owned()));
    let search = provider.map(|provider| SearchSettings { provider, url: config.search.url.clone(), key });
    let proxies = Proxies::of_variables(|name| environment.get(name).map(str::to_owned));
    Web::new(WebSettings { search, proxies, ..WebSettings::default() })
}

fn commands(config: &Config, environment: &Environment, state: Option<&Path>, broker: Option<PathBuf>) -> CommandSetup {
    let wanted = match config.shell.sandbox {
        Sandbox::Auto => Wanted::Auto,
        Sandbox::Require => Wanted::Require,
        Sandbox::Off => Wanted::Off,
    };
    let longest = Duration::from_secs(config.shell.timeout_s.unwrap_or(LONGEST_COMMAND_S));
    let cache = state.map(|state| state.join("shadows"));
    // What of it commands may see is chosen where they are started.
    let environment = environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
    CommandSetup::new(cache, wanted, config.shell.network, longest, environment, broker)
}

/// What models may not see: what is excluded, and what a rule denies to read, by whichever tool.
fn exclude(config: &Config) -> Result<Exclude, BuildError> {
    let unusable = |key: &str, error| BuildError(format!("{key}: {error}"));
    Exclude::new(&config.context.exclude).map_err(|error| unusable("context.exclude", error))?;
    let denied = config.permissions.deny.iter().filter_map(|rule| match rule.trim().strip_prefix("read_file")? {
        "" => Some("*".to_owned()),
        pattern => Some(pattern.strip_prefix('(')?.strip_suffix(')')?.trim().to_owned()),
    });
    let globs: Vec<String> = config.context.exclude.iter().cloned().chain(denied).collect();
    Exclude::new(&globs).map_err(|error| unusable("permissions.deny", error))
}

fn provider_of(name: &str) -> Result<Provider, BuildError> {
    serde_json::from_value(name.into()).map_err(|error| BuildError(format!("provider `{name}`: {error}")))
}

fn current_directory() -> Result<Workspace, BuildError> {
    let unusable = |error: std::io::Error| BuildError(format!("the current directory can not be opened: {error}"));
    let mut roots = Roots::default();
    roots.add(&std::env::current_dir().map_err(unusable)?).map_err(unusable)?;
    Ok(Workspace::new(roots))
}

/// What the user's files and the environment say. A workspace's own file counts only where the user trusts the folder.
fn load_config(environment: &Environment, workspace: &Workspace, state: Option<&Path>) -> Config {
    let root = workspace.roots().iter().next().map(|root| root.path.clone());
    let trusted = match (&root, state) {
        (Some(root), Some(state)) => Trust::new(state).is_trusted(root),
        (_, None) | (None, _) => false,
    };
    let sources = Sources { environment: Some(environment), workspace: root.as_deref(), trusted, ..Sources::default() };
    let loaded = load(sources);
    for problem in &loaded.problems {
        tracing::warn!(key = problem.key, "configuration: {}", problem.message);
    }
    loaded.config
}

fn open_store(folder: &Path) -> Result<Store, BuildError> {
    Store::open(folder).map_err(|error| {
        BuildError(format!(
            "the state folder {} can not be used: {error}. Mend its permissions, or set CLAW_STATE_DIR to another folder",
            folder.display()
        ))
    })
}

/// Knows the keys that this configuration can use, and the user's patterns.
fn redactor(config: &Config, environment: &Environment) -> Result<Redactor, BuildError> {
    const KEYS: [&str; 3] = ["CLAW_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"];
    let named = [&config.api_key_env, &config.small_model.api_key_env];
    let names = KEYS.into_iter().chain(named.into_iter().filter_map(Option::as_deref));
    let keys = names.filter_map(|name| environment.get(name)).map(|key| key.trim().to_owned());
    let keys = keys.chain(servers::secrets(config, environment)).collect();
    let patterns = config
        .trace
        .redact
        .iter()
        .map(|pattern| regex::Regex::new(pattern).map_err(|error| BuildError(format!("trace.redact: {error}"))));
    Ok(Redactor::new(keys, patterns.collect::<Result<_, _>>()?))
}
