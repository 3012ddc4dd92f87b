//! Progress of long work, and the user's way to cancel it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tower_lsp::gen_lsp_types::{
    ProgressNotification, ProgressParams, ProgressToken, WorkDoneProgressBegin, WorkDoneProgressCancelParams,
    WorkDoneProgressCreateParams, WorkDoneProgressCreateRequest, WorkDoneProgressEnd, WorkDoneProgressReport,
};

use super::outbox::Outbox;
use super::server::Server;

/// How long a client may take to answer `window/workDoneProgress/create`. Work does not wait for it.
const CREATE_DEADLINE: Duration = Duration::from_secs(30);

/// What `window/workDoneProgress/cancel` cancels, by token. Clones are the same table.
#[derive(Clone, Default)]
pub struct ProgressCancels {
    tokens: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    /// By the token as JSON: integer and string tokens do not meet.
    cancels: BTreeMap<String, CancellationToken>,
    /// What shows the running turn of a session, by the session.
    turns: BTreeMap<String, (ProgressToken, Outbox)>,
    created: u64,
}

/// A piece of work that the client shows. It ends when this is dropped, if not before.
pub struct Progress {
    shown: Option<Shown>,
}

struct Shown {
    token: ProgressToken,
    outbox: Outbox,
    cancels: ProgressCancels,
}

impl Progress {
    /// Begins to show work under `title`: on the client's own `token` if its request had one, else on one the server makes
    /// where the client can show that, else nowhere. `cancel` fires when the user cancels it.
    pub fn begin(server: &Server, token: Option<ProgressToken>, title: &str, cancel: CancellationToken) -> Progress {
        let creates = server.state.with(|state| state.client.work_done_progress);
        let token = match token {
            Some(token) => token,
            None if creates => server.progress.create(server),
            None => return Progress { shown: None },
        };
        server.progress.with(|table| table.cancels.insert(key(&token), cancel));
        let shown = Shown { token, outbox: server.outbox.clone(), cancels: server.progress.clone() };
        shown.send(WorkDoneProgressBegin { title: title.to_owned(), cancellable: Some(true), ..Default::default() });
        Progress { shown: Some(shown) }
    }

    /// Also shows what [`ProgressCancels::report_for`] says of the session.
    pub fn shows(&self, session: &str) {
        if let Some(shown) = &self.shown {
            let place = (shown.token.clone(), shown.outbox.clone());
            shown.cancels.with(|table| table.turns.insert(session.to_owned(), place));
        }
    }

    /// Shows one line about how far it is.
    pub fn report(&self, message: &str) {
        if let Some(shown) = &self.shown {
            send(&shown.outbox, &shown.token, report(message));
        }
    }

    /// Ends it, with one line about what came of it.
    pub fn end(mut self, message: &str) {
        if let Some(shown) = self.shown.take() {
            shown.end(Some(message.to_owned()));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(shown) = self.shown.take() {
            shown.end(None);
        }
    }
}

impl Shown {
    fn end(self, message: Option<String>) {
        self.cancels.with(|table| {
            table.cancels.remove(&key(&self.token));
            table.turns.retain(|_, (token, _)| *token != self.token);
        });
        self.send(WorkDoneProgressEnd { message });
    }

    fn send(&self, value: impl Serialize) {
        send(&self.outbox, &self.token, value);
    }
}

fn report(message: &str) -> WorkDoneProgressReport {
    WorkDoneProgressReport { message: Some(message.to_owned()), cancellable: Some(true), ..Default::default() }
}

fn send(outbox: &Outbox, token: &ProgressToken, value: impl Serialize) {
    match serde_json::to_value(value) {
        Ok(value) => outbox.notify::<ProgressNotification>(ProgressParams { token: token.clone(), value }),
        Err(error) => tracing::error!(%error, "progress can not be written as JSON"),
    }
}

impl ProgressCancels {
    /// Shows one line where the session's turn is shown, if it is.
    pub fn report_for(&self, session: &str, message: &str) {
        if let Some((token, outbox)) = self.with(|table| table.turns.get(session).cloned()) {
            send(&outbox, &token, report(message));
        }
    }

    /// Makes a token and tells the client. Tokens are strings: some clients know no others.
    fn create(&self, server: &Server) -> ProgressToken {
        let number = self.with(|table| {
            table.created += 1;
            table.created
        });
        let token = ProgressToken::String(format!("claw/{number}"));
        let params = WorkDoneProgressCreateParams { token: token.clone() };
        let created = server.outbox.ask::<WorkDoneProgressCreateRequest>(params, CREATE_DEADLINE);
        server.spawn(async move {
            if let Err(error) = created.await {
                tracing::debug!(%error, "the client did not create progress");
            }
        });
        token
    }

    fn with<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        change(&mut self.tokens.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `window/workDoneProgress/cancel`.
pub fn cancelled(server: &Server, params: WorkDoneProgressCancelParams) {
    match server.progress.with(|table| table.cancels.get(&key(&params.token)).cloned()) {
        Some(cancel) => cancel.cancel(),
        None => tracing::debug!(token = ?params.token, "no work of this token is running"),
    }
}

fn key(token: &ProgressToken) -> String {
    match token {
        ProgressToken::Int(number) => number.to_string(),
        ProgressToken::String(text) => format!("\"{text}"),
    }
}
