//! The folder of sessions: `STATE/sessions/ID/trace.jsonl` and `blobs/`.

use std::path::{Path, PathBuf};

/// The state folder.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// One line of `claw sessions`.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionSummary {
    pub id: String,
    /// Cut from the first task, or given by the user.
    pub title: String,
    pub started: String,
    pub turns: u32,
    pub status: String,
    pub model: String,
    pub workspace: String,
}

impl Store {
    /// Opens, and makes where need be (mode 0700), the state folder.
    pub fn open(root: &Path) -> std::io::Result<Store> {
        Ok(Store { root: root.to_owned() })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn session_folder(&self, id: &str) -> PathBuf {
        self.root.join("sessions").join(id)
    }

    pub fn trace_path(&self, id: &str) -> PathBuf {
        self.session_folder(id).join("trace.jsonl")
    }
}
