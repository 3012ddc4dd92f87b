//! The folder of sessions: `STATE/sessions/ID/trace.jsonl`, `blobs/`, and what else is kept of a session.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::chain::{self, Edited};
use super::journal::{Journal, stream_journal, whole_lines};
use super::ledger::{self, Ledger, Record};
use super::{files, folder, read_journal};
use crate::event::{Event, EventKind, TurnStatus, Usage};

/// The user's own title of a session.
const TITLE: &str = "title";

/// Characters of a title that is cut from a task.
const TITLE_LENGTH: usize = 72;

/// The state folder.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// One line of `claw sessions`, and an object of the `claw.sessions` command.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionSummary {
    #[serde(rename = "session")]
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
    /// Of all turns that have ended, with that of their subagents.
    pub usage: Usage,
    /// What that cost in US dollars; `None` where the price of a part of it is not known.
    pub cost: Option<f64>,
    /// The session whose turn asked for this one: a subagent's, or one about a hunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

impl Store {
    /// The state folder.
    pub fn folder(&self) -> &Path {
        &self.root
    }

    /// Opens, and makes where need be (mode 0700), the state folder. One that is a link, belongs to another user, or that others
    /// can write in is refused.
    pub fn open(root: &Path) -> io::Result<Store> {
        folder::check(root)?;
        files::make_folder(&root.join("sessions"))?;
        Ok(Store { root: root.to_owned() })
    }

    /// The state folder if there is one; makes nothing. An error tells why it can not be used, or not be written.
    pub fn existing(root: &Path) -> io::Result<Option<Store>> {
        folder::check(root)?;
        if !root.is_dir() {
            return Ok(None);
        }
        folder::check_writable(root)?;
        Ok(root.join("sessions").is_dir().then(|| Store { root: root.to_owned() }))
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
        let mut summaries: Vec<SessionSummary> = self.ids()?.iter().filter_map(|id| self.summary(id).ok()).collect();
        summaries.sort_by(|a, b| (&b.updated, &b.id).cmp(&(&a.updated, &a.id)));
        Ok(summaries)
    }

    pub fn summary(&self, id: &str) -> io::Result<SessionSummary> {
        let lines = whole_lines(&self.trace_path(id))?;
        let mut summary = summarise(id, &lines)?;
        if let Ok(title) = std::fs::read_to_string(self.session_folder(id).join(TITLE)) {
            summary.title = title;
        }
        Ok(summary)
    }

    /// The whole id of the session that `name` means: an id, an id's unique beginning, a title, or `last`, which is never one
    /// that another session's turn asked for. The error's text is for the user.
    pub fn find(&self, name: &str) -> io::Result<String> {
        let not_found = |reason: String| Err(io::Error::new(io::ErrorKind::NotFound, reason));
        if is_id(name) && self.trace_path(name).is_file() {
            return Ok(name.to_owned());
        }
        if name == "last" {
            return match self.sessions()?.into_iter().find(|summary| summary.parent.is_none()) {
                Some(summary) => Ok(summary.id),
                None => not_found("there are no sessions yet: `claw run` makes one".to_owned()),
            };
        }
        let mut matching: Vec<String> = self.ids()?.into_iter().filter(|id| id.starts_with(name)).collect();
        if matching.is_empty() {
            let titled = self.sessions()?.into_iter().filter(|summary| summary.title == name);
            matching = titled.map(|summary| summary.id).collect();
        }
        match matching.as_slice() {
            [id] => Ok(id.clone()),
            [] => not_found(format!("there is no session `{name}`: `claw sessions` lists them")),
            [first, second, ..] => not_found(format!(
                "`{name}` means {} sessions, among them {first} and {second}: give more of the id",
                matching.len()
            )),
        }
    }

    /// The session's stored events in order.
    pub fn events(&self, id: &str) -> io::Result<Vec<Event>> {
        read_journal(&self.trace_path(id))
    }

    /// The same, one after the other: a trace may be larger than memory should hold.
    pub fn stream(&self, id: &str) -> io::Result<impl Iterator<Item = io::Result<Event>> + use<>> {
        if !is_id(id) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a session id"));
        }
        stream_journal(&self.trace_path(id))
    }

    /// The lines of the session's trace, as they stand; a torn last one is dropped.
    pub fn lines(&self, id: &str) -> io::Result<Vec<String>> {
        whole_lines(&self.trace_path(id))
    }

    /// Opens the session's trace for appending, and makes its folder where need be.
    pub fn open_trace(&self, id: &str) -> io::Result<Journal> {
        if !is_id(id) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a session id"));
        }
        files::make_folder(&self.session_folder(id))?;
        Journal::open_chained(&self.trace_path(id))
    }

    /// Where the session's trace is not as it was written. Changes nothing.
    pub fn check_trace(&self, id: &str) -> io::Result<Option<Edited>> {
        chain::check(&self.trace_path(id))
    }

    /// Whether a running process has the session open.
    pub fn is_open(&self, id: &str) -> bool {
        let path = self.trace_path(id);
        path.is_file() && Journal::open(&path).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Opens a ledger of the session, and makes its folder where need be.
    pub fn open_ledger(&self, id: &str, name: &str, version: u32) -> io::Result<ledger::Opened> {
        if !is_id(id) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a session id"));
        }
        files::make_folder(&self.session_folder(id))?;
        Ledger::open(&self.session_folder(id).join(name), version)
    }

    /// What a ledger of the session holds that can be proved; `None` if there is none. Changes nothing.
    pub fn read_ledger(&self, id: &str, name: &str, version: u32) -> io::Result<Option<Vec<Record>>> {
        found(ledger::read_ledger(&self.session_folder(id).join(name), version))
    }

    /// What a `model_request` event names by hash instead of holding it.
    pub fn blob(&self, id: &str, hash: &str) -> io::Result<Vec<u8>> {
        if !is_id(hash) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a hash"));
        }
        std::fs::read(self.session_folder(id).join("blobs").join(hash))
    }

    /// Keeps `bytes` in the session's `blobs/` under their BLAKE3 hash, which is returned.
    pub fn put_blob(&self, id: &str, bytes: &[u8]) -> io::Result<String> {
        let hash = blake3::hash(bytes).to_hex().to_string();
        let folder = self.session_folder(id).join("blobs");
        let path = folder.join(&hash);
        if !path.is_file() {
            files::make_folder(&folder)?;
            files::replace(&path, bytes)?;
        }
        Ok(hash)
    }

    /// Like [`Store::put_blob`], and returns when the blob is on the disk.
    pub fn put_durable_blob(&self, id: &str, bytes: &[u8]) -> io::Result<String> {
        let hash = blake3::hash(bytes).to_hex().to_string();
        let folder = self.session_folder(id).join("blobs");
        let path = folder.join(&hash);
        if !path.is_file() {
            files::make_folder(&folder)?;
            files::replace_durably(&path, bytes)?;
        }
        Ok(hash)
    }

    /// A file of the session's folder; `None` if there is none.
    pub fn file(&self, id: &str, name: &str) -> io::Result<Option<Vec<u8>>> {
        found(std::fs::read(self.session_folder(id).join(name)))
    }

    /// Whether the session's folder holds a file of that name.
    pub fn file_exists(&self, id: &str, name: &str) -> bool {
        self.session_folder(id).join(name).is_file()
    }

    /// Gives a file of the session's folder another name.
    pub fn rename_file(&self, id: &str, from: &str, to: &str) -> io::Result<()> {
        let folder = self.session_folder(id);
        std::fs::rename(folder.join(from), folder.join(to))
    }

    /// Gives a session a title of the user's own; an empty one takes it back.
    pub fn rename(&self, id: &str, title: &str) -> io::Result<()> {
        let title = cut_title(title);
        self.summary(id)?;
        let path = self.session_folder(id).join(TITLE);
        if title.is_empty() {
            return match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        files::replace(&path, title.as_bytes())
    }

    /// Gives a session a title, unless it has one that is not cut from its task.
    pub fn name_unnamed(&self, id: &str, title: &str) -> io::Result<()> {
        if self.file_exists(id, TITLE) { Ok(()) } else { self.rename(id, title) }
    }

    /// Removes a session and all that is kept of it. One that is open in a running process is refused.
    pub fn remove(&self, id: &str) -> io::Result<()> {
        if !is_id(id) || !self.trace_path(id).is_file() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no session `{id}`")));
        }
        // Holding the lock until the folder is gone keeps a process from opening it meanwhile.
        let _lock = Journal::open(&self.trace_path(id))?;
        std::fs::remove_dir_all(self.session_folder(id))
    }

    /// Removes the sessions whose last event is older than `days` days before `now` (RFC 3339); their summaries. Sessions
    /// that are open in a running process stay.
    pub fn prune(&self, days: u32, now: &str) -> io::Result<Vec<SessionSummary>> {
        let invalid = |error: jiff::Error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string());
        let now: jiff::Timestamp = now.parse().map_err(invalid)?;
        let oldest = now.checked_sub(jiff::SignedDuration::from_hours(24 * i64::from(days))).map_err(invalid)?;
        let mut removed = Vec::new();
        for summary in self.sessions()? {
            let is_old = summary.updated.parse::<jiff::Timestamp>().is_ok_and(|updated| updated < oldest);
            if is_old && self.remove(&summary.id).is_ok() {
                removed.push(summary);
            }
        }
        Ok(removed)
    }

    /// The session as one JSON value: its summary, events, and blobs by hash.
    pub fn export(&self, id: &str) -> io::Result<Value> {
        let summary = self.summary(id)?;
        let events: Vec<Value> = read_journal(&self.trace_path(id))?;
        let mut blobs = Map::new();
        for hash in events.iter().filter_map(|event| event.get("blob")?.as_str()) {
            let bytes = self.blob(id, hash)?;
            let blob = serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into());
            blobs.insert(hash.to_owned(), blob);
        }
        Ok(json!({
            "session": summary.id,
            "title": summary.title,
            "started": summary.started,
            "updated": summary.updated,
            "events": events,
            "blobs": blobs,
        }))
    }

    pub(in crate::store) fn ids(&self) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.root.join("sessions")) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.filter(|name| is_id(name)).collect())
    }
}

/// One line cut from a task: what a session is called.
pub fn cut_title(task: &str) -> String {
    let line = task.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line: String = line.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    match line.char_indices().nth(TITLE_LENGTH) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
        None => line,
    }
}

/// `None` for what is not there.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A name that can not lead out of the folder of sessions.
pub(in crate::store) fn is_id(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The envelope, for lines whose content does not matter here.
#[derive(Deserialize)]
struct Envelope {
    time: String,
}

/// Reads only the lines it needs: those that begin and end turns, and the last.
fn summarise(id: &str, lines: &[String]) -> io::Result<SessionSummary> {
    let empty = || io::Error::new(io::ErrorKind::InvalidData, "the trace holds no event");
    let last = lines.last().ok_or_else(empty)?;
    let updated = serde_json::from_str::<Envelope>(last).map_err(|_| empty())?.time;
    let mut summary = SessionSummary {
        id: id.to_owned(),
        title: String::new(),
        started: String::new(),
        updated,
        turns: 0,
        status: String::new(),
        model: String::new(),
        workspace: String::new(),
        usage: Usage::default(),
        cost: None,
        parent: None,
    };
    let mut cost = Some(0.0);
    // The first `type` of a line is the event's own: what tools and models wrote stands behind it.
    let matters = |line: &&String| {
        line.split_once("\"type\":\"")
            .is_some_and(|(_, rest)| rest.starts_with("turn_start\"") || rest.starts_with("turn_end\""))
    };
    for line in lines.iter().filter(matters) {
        let Ok(event) = serde_json::from_str::<Event>(line) else { continue };
        match event.kind {
            EventKind::TurnStart(start) => {
                if summary.turns == 0 {
                    summary.title = cut_title(&start.task);
                    summary.started = event.time;
                    summary.parent = start.parent;
                }
                summary.turns += 1;
                summary.status = "unfinished".to_owned();
                summary.model = start.model;
                summary.workspace = start.workspace;
            }
            EventKind::TurnEnd(end) => {
                summary.status = status_word(end.status).to_owned();
                summary.usage += end.usage;
                let used_nothing = end.usage == Usage::default();
                cost = cost.and_then(|cost| Some(cost + end.cost.or(used_nothing.then_some(0.0))?));
            }
            _ => {}
        }
    }
    // Nine places, as the parts have.
    let cost = cost.map(|cost| (cost * 1e9).round() / 1e9);
    summary.cost = cost.filter(|_| summary.usage != Usage::default());
    if summary.turns == 0 { Err(empty()) } else { Ok(summary) }
}

fn status_word(status: TurnStatus) -> &'static str {
    match status {
        TurnStatus::Done => "done",
        TurnStatus::Cancelled => "cancelled",
        TurnStatus::Failed => "failed",
        TurnStatus::Limit => "limit",
    }
}
