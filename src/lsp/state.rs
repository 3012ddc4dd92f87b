//! What the handlers share: one mutable state, changed in closures that never wait.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::client::ClientFeatures;
use super::delegated::Subagent;
use super::keeper::Reviews;
use super::settings::Settings;
use super::uri;
use crate::agent::{Agent, Session};
use crate::config::Choice;
use crate::context::Focus;
use crate::mcp::Servers;
use crate::workspace::{DocPath, RootId, Workspace};

/// A handle on the state. Clones are the same state.
#[derive(Clone, Default)]
pub struct ServerState {
    shared: Arc<Mutex<State>>,
}

/// The state itself. What outlives a request stands here; what can be derived does not.
#[derive(Default)]
pub struct State {
    pub client: ClientFeatures,
    /// Shared by all sessions; has its own lock.
    pub workspace: Workspace,
    pub settings: Settings,
    /// The workspace folders as the client names them.
    pub folders: Vec<Folder>,
    /// Why a folder was left out, for the user.
    pub folder_problems: Vec<String>,
    /// By session id.
    pub sessions: BTreeMap<String, SessionEntry>,
    /// Held while a session of the state folder is opened, so that each is opened once. Never locked within this state's lock.
    pub opening: Arc<Mutex<()>>,
    /// The place the user last acted on. Commands without arguments act there.
    pub focus: Option<Focus>,
    /// The session the user last acted on.
    pub last_session: Option<String>,
    /// What is proposed, as the editor is shown it.
    pub reviews: Reviews,
    /// Built when something first needs it, and again after the settings changed.
    pub agent: Option<Agent>,
    /// The MCP servers of the last agent, which the next one goes on with.
    pub servers: Option<Servers>,
    /// Subagents at work, by their session.
    pub subagents: BTreeMap<String, Subagent>,
    /// The user was told that a limit of cost does not hold.
    pub told_unknown_cost: bool,
}

/// A session of this server.
#[derive(Clone)]
pub struct SessionEntry {
    pub session: Session,
    /// Cut from the first task.
    pub title: String,
    /// What the user chose of its model, which then outlasts a change of the settings.
    pub choice: Choice,
    /// The user chose its permission mode, which no change of the settings loosens.
    pub own_mode: bool,
}

impl SessionEntry {
    /// An entry whose model and permissions are those of the settings.
    pub fn new(session: &Session, title: String) -> SessionEntry {
        SessionEntry { session: session.clone(), title, choice: Choice::default(), own_mode: false }
    }
}

/// A workspace folder of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    pub uri: String,
    /// As the client spells it; the root's own path may differ by symbolic links.
    pub path: PathBuf,
    pub root: RootId,
}

impl State {
    /// The document that a URI of the client names.
    pub fn doc_path(&self, uri: &str) -> DocPath {
        let in_folder = || {
            let path = uri::file_path(uri)?;
            let roots = self.workspace.roots();
            roots.of_absolute(&path).or_else(|| {
                self.folders.iter().find_map(|folder| {
                    let relative = path.strip_prefix(&folder.path).ok()?;
                    roots.of_absolute(&roots.get(folder.root)?.path.join(relative))
                })
            })
        };
        in_folder().unwrap_or_else(|| DocPath::Virtual(uri.into()))
    }
}

impl ServerState {
    /// Looks at the state or changes it. The closure must not wait for anything: it runs on the task that reads the
    /// client's messages. A panic in it does not poison the state; it is one failed request.
    pub fn with<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the client can do.
    pub fn client(&self) -> ClientFeatures {
        self.with(|state| state.client.clone())
    }

    /// Lets go of all sessions, so that others can open them: the agent and what watches it hold each other.
    pub fn close_sessions(&self) {
        let closed = self.with(|state| {
            let flights = std::mem::take(&mut state.reviews.flights);
            (std::mem::take(&mut state.sessions), flights, state.agent.take())
        });
        drop(closed);
    }

    pub fn workspace(&self) -> Workspace {
        self.with(|state| state.workspace.clone())
    }
}
