//! Putting an agent together.

use std::path::PathBuf;
use std::sync::Arc;

use super::clock::Clock;
use super::{RunResult, Session};
use crate::config::Config;
use crate::event::Frontend;
use crate::model::SharedModel;
use crate::tools::{Host, SharedTool, Tool, Tools};
use crate::workspace::Workspace;

/// A model, tools and a workspace. Cheap to clone.
#[derive(Clone)]
pub struct Agent {
    pub(in crate::agent) parts: Arc<Parts>,
}

pub(in crate::agent) struct Parts {
    pub config: Config,
    pub model: SharedModel,
    pub tools: Tools,
    pub workspace: Workspace,
    pub host: Arc<dyn Host>,
    pub clock: Arc<dyn Clock>,
    pub frontend: Frontend,
    /// Where traces go; `None` keeps none.
    pub state_dir: Option<PathBuf>,
}

/// What an [`Agent`] is made of. Everything has a default: the user's configuration, the current directory as workspace,
/// the built-in tools.
#[derive(Default)]
pub struct AgentBuilder {
    config: Option<Config>,
    model_name: Option<String>,
    base_url: Option<String>,
    model: Option<SharedModel>,
    tools: Option<Tools>,
    extra_tools: Vec<SharedTool>,
    workspace: Option<Workspace>,
    host: Option<Arc<dyn Host>>,
    clock: Option<Arc<dyn Clock>>,
    frontend: Option<Frontend>,
    state_dir: Option<PathBuf>,
}

/// Why an agent can not be built: the user's to mend, in one plain message.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(pub String);

impl Agent {
    pub fn builder() -> AgentBuilder {
        AgentBuilder::default()
    }

    /// A new session.
    pub fn session(&self) -> Session {
        todo!()
    }

    /// One task from start to end, in a session of its own.
    pub async fn run(&self, task: &str) -> Result<RunResult, BuildError> {
        let _ = task;
        todo!()
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

    /// A model of one's own, instead of a configured one.
    pub fn model_client(mut self, model: SharedModel) -> AgentBuilder {
        self.model = Some(model);
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

    pub fn config(mut self, config: Config) -> AgentBuilder {
        self.config = Some(config);
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

    /// Where traces go.
    pub fn state_dir(mut self, path: PathBuf) -> AgentBuilder {
        self.state_dir = Some(path);
        self
    }

    pub fn build(self) -> Result<Agent, BuildError> {
        todo!()
    }
}
