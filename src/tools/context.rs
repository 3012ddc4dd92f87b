//! What a tool may reach: the workspace, the session's overlay, the plan, and the host.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::ToolError;
use crate::event::PlanItem;
use crate::text::ContentHash;
use crate::workspace::{Author, DocPath, Document, Overlay, View, Workspace};

/// What the surroundings offer to an agent. Front ends implement it; tests fake it.
pub trait Host: Send + Sync {
    /// What the editor's language servers say about `path`, or about everything it knows.
    fn diagnostics(&self, path: Option<DocPath>) -> BoxFuture<'static, Diagnostics>;
}

/// A host that offers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl Host for NoHost {
    fn diagnostics(&self, _path: Option<DocPath>) -> BoxFuture<'static, Diagnostics> {
        Box::pin(std::future::ready(Diagnostics::Unknown))
    }
}

/// What is known about problems in documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Diagnostics {
    /// Nobody here can tell.
    Unknown,
    Known(Vec<Diagnostic>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub path: DocPath,
    /// Bytes of the document's live text.
    pub range: std::ops::Range<usize>,
    /// First line, 1-based.
    pub line: u32,
    pub severity: Severity,
    pub message: String,
    pub source: Option<String>,
    pub code: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
    Information,
    Hint,
}

impl Severity {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "information",
            Severity::Hint => "hint",
        }
    }
}

/// Handed to each call. Cheap to clone.
#[derive(Clone)]
pub struct ToolContext {
    pub workspace: Workspace,
    pub overlay: Arc<Mutex<Overlay>>,
    pub plan: Arc<Mutex<Vec<PlanItem>>>,
    /// What the session's model has been shown of documents.
    pub seen: Seen,
    pub host: Arc<dyn Host>,
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
