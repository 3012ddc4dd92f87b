//! What a tool may reach: the workspace, the session's overlay, the plan, and the host.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::shell::commands::{Commands, HearOutput};
use super::task::Delegate;
use super::{Host, ToolError};
use crate::event::PlanItem;
use crate::mcp::Servers;
use crate::permission::Act;
use crate::text::ContentHash;
use crate::web::Web;
use crate::workspace::{Author, DocPath, Document, Overlay, View, Workspace};

/// Handed to each call. Cheap to clone.
#[derive(Clone)]
pub struct ToolContext {
    pub workspace: Workspace,
    pub overlay: Arc<Mutex<Overlay>>,
    pub plan: Arc<Mutex<Vec<PlanItem>>>,
    /// What the session's model has been shown of documents.
    pub seen: Seen,
    pub host: Arc<dyn Host>,
    /// How a question to the user is asked.
    pub asking: Asking,
    /// Has tasks done; `None` where there are no subagents.
    pub delegate: Option<Arc<dyn Delegate>>,
    /// What this call was allowed to do, once. A tool that runs something does this and nothing else, and without it nothing.
    pub permitted: Option<Act>,
    /// Runs commands on the proposed state; `None` where none can run.
    pub commands: Option<Arc<Commands>>,
    /// The web as this session sees it; `None` where it can not be reached.
    pub web: Option<Web>,
    /// The MCP servers of the agent; `None` where none can be called.
    pub servers: Option<Servers>,
    /// Hears what a running command prints.
    pub hear: HearOutput,
    /// The task, where a small model writes files anew: what it leaves out of one stays, if the task does not name it.
    pub rewrites_for: Option<String>,
    pub cancel: CancellationToken,
    /// The turn and the call.
    pub author: Author,
    /// Most bytes a result may have.
    pub max_output: usize,
}

impl ToolContext {
    /// What there is now, the session's own edits included.
    pub fn view(&self) -> View {
        let overlay = self.overlay.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.workspace.view(&overlay)
    }

    /// Changes the overlay. The closure must not wait for anything.
    pub fn with_overlay<R>(&self, change: impl FnOnce(&mut Overlay) -> R) -> R {
        change(&mut self.overlay.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Refuses, with what to do, if the model has been shown an older `document` than there is now: what it writes would
    /// be made from something else. A document it never saw may be replaced or removed: the user reviews that.
    pub fn refuse_outdated(&self, path: &DocPath, document: &Document, name: &str) -> Result<(), ToolError> {
        match self.seen.get(path) {
            Some(hash) if hash == document.text.hash() => Ok(()),
            Some(_) => Err(ToolError::model(format!("`{name}` changed since you read it: read it again"))),
            None => Ok(()),
        }
    }
}

/// What every question to the user has.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// The title of the session that asks.
    pub session: String,
    /// How long it waits for an answer.
    pub deadline: Duration,
}

/// The content of each document when the model last saw it. A session has one; clones are the same. A tool that replaces
/// or removes a whole document asks here first, so that nothing goes that the model knows only as it was.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    shown: Arc<Mutex<BTreeMap<DocPath, ContentHash>>>,
}

impl Seen {
    pub fn note(&self, path: DocPath, hash: ContentHash) {
        self.lock().insert(path, hash);
    }

    pub fn forget(&self, path: &DocPath) {
        self.lock().remove(path);
    }

    pub fn get(&self, path: &DocPath) -> Option<ContentHash> {
        self.lock().get(path).copied()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<DocPath, ContentHash>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
