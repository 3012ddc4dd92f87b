//! The folder of sessions: `STATE/sessions/ID/trace.jsonl`, `blobs/`, and what else is kept of a session.

use std::io;
use std::path::{Path, PathBuf};

use crate::event::Event;

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
    /// RFC 3339, of the first event.
    pub started: String,
    /// RFC 3339, of the last event.
    pub updated: String,
    pub turns: u32,
    /// Of the last turn: `done`, `cancelled`, `failed`, `limit`; `unfinished` where its end is missing.
    pub status: String,
    pub model: String,
    pub workspace: String,
}

impl Store {
    /// Opens, and makes where need be (mode 0700), the state folder.
    pub fn open(root: &Path) -> io::Result<Store> {
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

    /// All sessions, the last used first. A folder that holds no readable trace is passed over.
    pub fn sessions(&self) -> io::Result<Vec<SessionSummary>> {
        todo!()
    }

    pub fn summary(&self, id: &str) -> io::Result<SessionSummary> {
        let _ = id;
        todo!()
    }

    /// The whole id of the session that `name` means: an id, an id's unique beginning, a title, or `last`. The error's text is
    /// for the user.
    pub fn find(&self, name: &str) -> io::Result<String> {
        let _ = name;
        todo!()
    }

    /// The session's stored events in order.
    pub fn events(&self, id: &str) -> io::Result<Vec<Event>> {
        let _ = id;
        todo!()
    }

    /// What a `model_request` event names by hash instead of holding it.
    pub fn blob(&self, id: &str, hash: &str) -> io::Result<Vec<u8>> {
        let _ = (id, hash);
        todo!()
    }

    /// Gives a session a title of the user's own.
    pub fn rename(&self, id: &str, title: &str) -> io::Result<()> {
        let _ = (id, title);
        todo!()
    }

    /// Removes a session and all that is kept of it. One that is open in a running process is refused.
    pub fn remove(&self, id: &str) -> io::Result<()> {
        let _ = id;
        todo!()
    }

    /// Removes the sessions whose last event is older than `days` days before `now` (RFC 3339); their summaries.
    pub fn prune(&self, days: u32, now: &str) -> io::Result<Vec<SessionSummary>> {
        let _ = (days, now);
        todo!()
    }

    /// The session as one JSON value: its summary, events, and blobs by hash.
    pub fn export(&self, id: &str) -> io::Result<serde_json::Value> {
        let _ = id;
        todo!()
    }
}
