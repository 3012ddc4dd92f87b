//! Everything that is sent, in the order in which it was put in: responses, notifications, and requests to the client.
//!
//! Putting something in never waits, so it can be done from anywhere; one task writes. A client that does not read is
//! noticed by the bytes that pile up: then the reader pauses, and what is only a convenience is not sent at all.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc, oneshot};
use tower_lsp::gen_lsp_types::{
    CancelNotification, CancelParams, MessageType, Notification, Request, ShowMessageNotification, ShowMessageParams,
};
use tower_lsp::jsonrpc::{Error, Id, Response};

use super::{frame, message};

/// Bytes that may wait for the client to read them before the server stops reading the client.
const FULL: usize = 64 << 20;

/// Bytes that may wait before streamed pieces of text, which come whole later, are left out.
const CROWDED: usize = 4 << 20;

/// A handle on the queue. Clones put into the same queue.
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

struct Shared {
    queue: mpsc::UnboundedSender<Vec<u8>>,
    /// Bytes in the queue.
    waiting: Arc<AtomicUsize>,
    drained: Arc<Notify>,
    next_id: AtomicI64,
    unanswered: Mutex<HashMap<i64, oneshot::Sender<Result<Value, Error>>>>,
}

/// The other end of the queue.
pub struct Pump {
    queue: mpsc::UnboundedReceiver<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
    drained: Arc<Notify>,
}

/// Why a request to the client has no result. Whatever it asked for, the answer is no.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AskError {
    #[error("the editor did not answer in time")]
    Deadline,
    #[error("the editor refused: {0}")]
    Refused(String),
    #[error("the editor's answer makes no sense: {0}")]
    Malformed(String),
    #[error("the editor is gone")]
    Gone,
}

#[derive(Serialize)]
struct Written<'a> {
    jsonrpc: &'static str,
    result: &'a RawValue,
    id: &'a Id,
}

#[derive(Serialize)]
struct Call<'a, P> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    method: &'a str,
    params: P,
}

impl Outbox {
    pub fn new() -> (Outbox, Pump) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let drained = Arc::new(Notify::new());
        let pump = Pump { queue: receiver, waiting: Arc::clone(&waiting), drained: Arc::clone(&drained) };
        let shared =
            Shared { queue: sender, waiting, drained, next_id: AtomicI64::new(1), unanswered: Mutex::default() };
        (Outbox { shared: Arc::new(shared) }, pump)
    }

    /// Sends a notification.
    pub fn notify<N: Notification>(&self, params: N::Params) {
        self.put(&Call { jsonrpc: "2.0", id: None, method: &N::METHOD.to_string(), params });
    }

    /// Sends a notification that may be left out when the client is slow to read.
    pub fn notify_if_room<N: Notification>(&self, params: N::Params) {
        if self.shared.waiting.load(Ordering::Relaxed) < CROWDED {
            self.notify::<N>(params);
        }
    }

    /// Sends a request, now, and gives back its answer, which is awaited for at most `deadline`. Never await it in a
    /// handler: only a reader that goes on reading can deliver the answer.
    pub fn ask<R: Request>(
        &self,
        params: R::Params,
        deadline: Duration,
    ) -> impl Future<Output = Result<R::Result, AskError>> + Send + 'static + use<R> {
        self.send::<R>(params, deadline, false)
    }

    /// As [`Outbox::ask`], and withdraws the request (`$/cancelRequest`) once nobody waits for its answer any more.
    pub fn ask_until<R: Request>(
        &self,
        params: R::Params,
        deadline: Duration,
    ) -> impl Future<Output = Result<R::Result, AskError>> + Send + 'static + use<R> {
        self.send::<R>(params, deadline, true)
    }

    fn send<R: Request>(
        &self,
        params: R::Params,
        deadline: Duration,
        withdraws: bool,
    ) -> impl Future<Output = Result<R::Result, AskError>> + Send + 'static + use<R> {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.unanswered(|unanswered| unanswered.insert(id, sender));
        let forget = ForgetOnDrop { outbox: self.clone(), id, withdraws };
        self.put(&Call { jsonrpc: "2.0", id: Some(id), method: &R::METHOD.to_string(), params });
        async move {
            let answer = tokio::time::timeout(deadline, receiver).await;
            drop(forget);
            match answer {
                Err(_) => Err(AskError::Deadline),
                Ok(Err(_)) => Err(AskError::Gone),
                Ok(Ok(Err(error))) => Err(AskError::Refused(error.message.into_owned())),
                Ok(Ok(Ok(result))) => {
                    serde_json::from_value(result).map_err(|error| AskError::Malformed(error.to_string()))
                }
            }
        }
    }

    /// Shows the user one plain message.
    pub fn show_message(&self, kind: MessageType, message: impl Into<String>) {
        self.notify::<ShowMessageNotification>(ShowMessageParams { kind, message: message.into() });
    }

    /// Answers a request of the client.
    pub fn respond(&self, response: &Response) {
        self.put(response);
    }

    /// Answers a request of the client by what is written already.
    pub fn respond_written(&self, id: &Id, result: &RawValue) {
        self.put(&Written { jsonrpc: "2.0", result, id });
    }

    /// Delivers the client's answer to a request of ours.
    pub fn answered(&self, id: &Id, result: Result<Value, Error>) {
        let waiter = match id {
            Id::Number(id) => self.unanswered(|unanswered| unanswered.remove(id)),
            Id::String(_) | Id::Null => None,
        };
        match waiter {
            // Nobody may be waiting any more: that is as good as an answer to nothing.
            Some(waiter) => drop(waiter.send(result)),
            None => tracing::warn!(%id, "an answer to no request, or after its deadline"),
        }
    }

    /// Drops all waiting requests: the client is gone.
    pub fn abandon(&self) {
        self.unanswered(HashMap::clear);
    }

    /// Waits while more lies unread by the client than it is sensible to keep.
    pub async fn room(&self) {
        while self.shared.waiting.load(Ordering::Acquire) > FULL {
            self.shared.drained.notified().await;
        }
    }

    fn put(&self, message: &impl Serialize) {
        let body = match serde_json::to_vec(message) {
            Ok(body) => body,
            Err(error) => return tracing::error!(%error, "a message can not be written as JSON"),
        };
        tracing::trace!(body = %message::logged(&body), "->");
        self.shared.waiting.fetch_add(body.len(), Ordering::AcqRel);
        // The pump ends with the client, and then nobody reads.
        let _ = self.shared.queue.send(body);
    }

    fn unanswered<T>(&self, change: impl FnOnce(&mut HashMap<i64, oneshot::Sender<Result<Value, Error>>>) -> T) -> T {
        change(&mut self.shared.unanswered.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Forgets a request whose answer nobody waits for any more.
struct ForgetOnDrop {
    outbox: Outbox,
    id: i64,
    withdraws: bool,
}

impl Drop for ForgetOnDrop {
    fn drop(&mut self) {
        let was_open = self.outbox.unanswered(|unanswered| unanswered.remove(&self.id)).is_some();
        if was_open && self.withdraws {
            let id = tower_lsp::gen_lsp_types::Id::Int(i32::try_from(self.id).unwrap_or(i32::MAX));
            self.outbox.notify::<CancelNotification>(CancelParams { id });
        }
    }
}

impl Pump {
    /// Writes what is put in, until `closing` completes and the queue is empty, or the client stops taking it.
    pub async fn run(
        mut self,
        mut output: impl AsyncWrite + Unpin,
        closing: impl Future<Output = ()>,
    ) -> std::io::Result<()> {
        let mut closing = std::pin::pin!(closing);
        let mut is_closing = false;
        let mut bodies = Vec::new();
        let mut bytes = Vec::new();
        loop {
            let count = if is_closing {
                match self.queue.try_recv() {
                    Ok(body) => {
                        bodies.push(body);
                        1
                    }
                    Err(_) => return Ok(()),
                }
            } else {
                tokio::select! {
                    biased;
                    count = self.queue.recv_many(&mut bodies, 64) => count,
                    () = &mut closing => {
                        is_closing = true;
                        continue;
                    }
                }
            };
            if count == 0 {
                return Ok(());
            }
            let written: usize = bodies.iter().map(Vec::len).sum();
            for body in bodies.drain(..) {
                frame::encode(&body, &mut bytes);
            }
            output.write_all(&bytes).await?;
            output.flush().await?;
            bytes.clear();
            bytes.shrink_to(1 << 20);
            self.waiting.fetch_sub(written, Ordering::AcqRel);
            self.drained.notify_one();
        }
    }
}
