//! Names of documents, and the gate that every name from outside passes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::Dir;

/// A workspace folder. Ids are never used twice while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RootId(pub u32);

/// A document: a file beneath a root, or one that only the editor knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DocPath {
    /// `rel` is normal: `/` between its parts, none of them empty, `.` or `..`.
    File { root: RootId, rel: Arc<str> },
    /// A URI that is no file beneath a root: `untitled:Untitled-1`, or a file elsewhere that the user has open.
    Virtual(Arc<str>),
}

/// A workspace folder with a handle on it. The handle stays on the directory that was opened, whatever its name leads to
/// later.
#[derive(Clone)]
pub struct Root {
    pub id: RootId,
    /// What the model calls it when there are several: the folder's name, made unique.
    pub name: String,
    /// Absolute and canonical.
    pub path: PathBuf,
    pub(in crate::workspace) dir: Arc<Dir>,
}

/// The workspace folders, in the editor's order.
#[derive(Clone, Default)]
pub struct Roots {
    roots: Vec<Root>,
    next_id: u32,
}

/// Why a name was refused. The text tells the model what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("`{0}` leads out of the workspace: use a path relative to its root, without `..`")]
    Outside(String),
    #[error("`{0}` is absolute: use a path relative to the workspace root, such as `src/main.rs`")]
    Absolute(String),
    #[error("`{0}` is not a usable path: {1}")]
    Malformed(String, &'static str),
    #[error("`{0}` names none of the workspace folders; paths start with one of: {1}")]
    UnknownRoot(String, String),
    #[error("no folder is open")]
    NoRoot,
}

impl Roots {
    /// Opens `path` as one more root; the id of the root that is there already if it is one.
    pub fn add(&mut self, path: &Path) -> std::io::Result<RootId> {
        let _ = path;
        todo!()
    }

    pub fn remove(&mut self, id: RootId) {
        self.roots.retain(|root| root.id != id);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Root> {
        self.roots.iter()
    }

    pub fn get(&self, id: RootId) -> Option<&Root> {
        self.roots.iter().find(|root| root.id == id)
    }

    /// A name as a model or user wrote it. With one root, paths are relative to it; with several they start with a root's
    /// name. `untitled:…` names a virtual document.
    pub fn resolve(&self, name: &str) -> Result<DocPath, PathError> {
        let _ = name;
        todo!()
    }

    /// The inverse of [`Roots::resolve`].
    pub fn display(&self, path: &DocPath) -> String {
        let _ = path;
        todo!()
    }

    /// The document that an absolute file name stands for; `None` if it lies beneath no root. Purely by name.
    pub fn of_absolute(&self, path: &Path) -> Option<DocPath> {
        let _ = path;
        todo!()
    }

    /// Where a document is stored; `None` for one that is not a file.
    pub fn absolute(&self, path: &DocPath) -> Option<PathBuf> {
        let _ = path;
        todo!()
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root").field("id", &self.id).field("name", &self.name).field("path", &self.path).finish()
    }
}
