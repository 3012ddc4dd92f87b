//! The loop: frames in, messages to their handlers in the order in which they came, frames out.
//!
//! Our own around tower-lsp's [`LspService`], because the stock loop ends with the first malformed frame or panic, and stands
//! still when handlers wait for a client that does not answer. Each handler is polled once right here, in order, and what is
//! not done by then goes on in a task of its own. The reader waits for nothing but the client's next bytes.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{AbortHandle, Abortable, Aborted, BoxFuture};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::oneshot;
use tower::Service;
use tower_lsp::jsonrpc::{Error, ErrorCode, Id, Request, Response};
use tower_lsp::{ExitedError, LspService};

use super::accept::Patience;
use super::documents::MESSAGE_IS_LOSSY;
use super::frame::{Frame, FrameDecoder};
use super::message::{self, Message};
use super::outbox::Outbox;
use super::server::{self, Server};
use super::written;
use crate::config::Environment;
use crate::workspace::Workspace;

/// Requests that may be in the works at once. More than any editor has; beyond it a request is refused, not kept.
const MAX_RUNNING: usize = 1024;

/// How long work in the making may go on after the client has left.
const FAREWELL: Duration = Duration::from_millis(400);

/// How a server is started.
#[derive(Clone, Default)]
pub struct ServeOptions {
    /// A process to leave with, from `--clientProcessId`, beside the one that `initialize` names.
    pub client_process_id: Option<i32>,
    /// Holds the client's folders and open documents. Whoever keeps a clone sees what the server sees.
    pub workspace: Workspace,
    /// The environment variables to go by, instead of those of the process.
    pub environment: Option<Environment>,
    /// The `claw` program that confines commands, where this program is another one.
    pub broker: Option<PathBuf>,
    /// How long editors are waited for.
    pub patience: Patience,
    /// For tests: what each handler does first.
    pub on_method: Option<OnMethod>,
}

/// Called with a method's name; the handler goes on when the future has completed. It may panic, and it may never complete.
pub type OnMethod = Arc<dyn Fn(&str) -> BoxFuture<'static, ()> + Send + Sync>;

/// Runs the server on standard input and output, to its exit code. Builds its own runtime.
pub fn run(options: ServeOptions) -> i32 {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no runtime");
            return 1;
        }
    };
    let code = runtime.block_on(serve(tokio::io::stdin(), tokio::io::stdout(), options));
    // Standard input is read on a thread that nothing can stop.
    runtime.shutdown_background();
    code
}

/// Serves one client until it leaves. 0 if it said `shutdown` before, else 1.
pub async fn serve(
    mut input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin + Send + 'static,
    options: ServeOptions,
) -> i32 {
    let (outbox, pump) = Outbox::new();
    let (close, closing) = oneshot::channel::<()>();
    let mut dispatcher = Dispatcher::new(outbox.clone(), options);
    let server = dispatcher.server.clone();
    let gone = server.gone.clone();
    let writing = tokio::spawn({
        let gone = gone.clone();
        async move {
            let result = pump.run(output, async { drop(closing.await) }).await;
            if let Err(error) = result {
                tracing::info!(%error, "the client takes nothing any more");
                gone.cancel();
            }
        }
    });
    if let Some(process) = server.options.client_process_id {
        server.watch_parent(process);
    }
    let mut decoder = FrameDecoder::default();
    'reading: loop {
        while let Some(frame) = decoder.next_frame() {
            let body = match frame {
                Frame::Body(body) => body,
                Frame::Malformed(why) => {
                    tracing::warn!(why, "not a frame");
                    outbox.respond(&parse_error(why));
                    continue;
                }
            };
            tracing::trace!(body = %message::logged(&body), "<-");
            match message::parse(&body) {
                Ok(message) => {
                    if dispatcher.dispatch(message).await == Next::Leave {
                        break 'reading;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "not a message");
                    if error.code == ErrorCode::ParseError {
                        decoder.resume_within(&body);
                    }
                    outbox.respond(&Response::from_error(Id::Null, error));
                }
            }
        }
        tokio::select! {
            biased;
            () = gone.cancelled() => break,
            read = async {
                outbox.room().await;
                input.read_buf(decoder.input()).await
            } => match read {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::info!(%error, "the client can not be read any more");
                    break;
                }
            },
        }
    }
    server.leaving.cancel();
    outbox.abandon();
    server.finish(FAREWELL).await;
    server.state.close_sessions();
    drop(close);
    if tokio::time::timeout(FAREWELL, writing).await.is_err() {
        tracing::warn!("left with answers that the client did not take");
    }
    match dispatcher.phase {
        Phase::ShutDown => 0,
        Phase::Uninitialized | Phase::Initialized => 1,
    }
}

/// Where the client is in LSP 3.17's "Lifecycle Messages".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Uninitialized,
    Initialized,
    ShutDown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Read,
    Leave,
}

/// Sends messages on to handlers and their answers back.
struct Dispatcher {
    service: LspService<Server>,
    server: Server,
    outbox: Outbox,
    phase: Phase,
    running: Running,
    last_id: i32,
}

/// The requests in the works, by the client's id.
type Running = Arc<Mutex<HashMap<Id, InTheWorks>>>;

struct InTheWorks {
    /// The id that the service sees: it never repeats, and fits the service's `$/cancelRequest`.
    inner_id: i32,
    abort: AbortHandle,
}

/// A handler on its way, polled or not.
type Handling = BoxFuture<'static, Outcome>;

/// What came of a handler, and the answer it left where that is not what it gave; the outer error is a panic.
type Outcome = std::thread::Result<(Result<Option<Response>, ExitedError>, Option<Box<RawValue>>)>;

impl Dispatcher {
    fn new(outbox: Outbox, options: ServeOptions) -> Dispatcher {
        let options = Arc::new(options);
        // The service's own channel to the client stays unused: the outbox keeps everything in one order.
        let (service, _socket) =
            server::register(LspService::build_with_lifecycle_methods(|_client| Server::new(outbox.clone(), options)))
                .finish();
        let server = service.inner().clone();
        Dispatcher { service, server, outbox, phase: Phase::Uninitialized, running: Running::default(), last_id: 0 }
    }

    async fn dispatch(&mut self, message: Message) -> Next {
        match message {
            Message::Response { id, result } => self.outbox.answered(&id, result),
            Message::Call { id: None, method, params, lossy } => match method.as_str() {
                "exit" => return Next::Leave,
                "$/cancelRequest" => self.cancel(params).await,
                _ => self.notification(method, params, lossy).await,
            },
            Message::Call { id: Some(id), method, params, lossy } => self.request(id, method, params, lossy).await,
        }
        Next::Read
    }

    async fn notification(&mut self, method: String, params: Option<Value>, lossy: bool) {
        // LSP 3.17, "initialize": notifications before it are dropped.
        if self.phase != Phase::Initialized {
            return tracing::warn!(method, phase = ?self.phase, "a notification out of its time");
        }
        let mut handling = self.call(build(method.clone(), None, params), lossy);
        let log = move |outcome: &Outcome| {
            if let Err(panic) = outcome {
                tracing::error!(method, panic = panic_message(panic.as_ref()), "a handler panicked");
            }
        };
        match poll_once(&mut handling).await {
            Poll::Ready(outcome) => log(&outcome),
            Poll::Pending => drop(tokio::spawn(async move { log(&handling.await) })),
        }
    }

    async fn request(&mut self, id: Id, method: String, params: Option<Value>, lossy: bool) {
        if let Err(error) = self.admit(&id, &method) {
            return self.outbox.respond(&Response::from_error(id, error));
        }
        self.last_id = self.last_id.wrapping_add(1);
        let inner_id = self.last_id;
        let (abort, registration) = AbortHandle::new_pair();
        self.with_running(|running| running.insert(id.clone(), InTheWorks { inner_id, abort }));
        let handling = self.call(build(method.clone(), Some(inner_id), params), lossy);
        let mut handling = Abortable::new(handling, registration);
        let answer = Answer { id, method: method.clone(), outbox: self.outbox.clone(), running: self.running.clone() };
        if method == "initialize" {
            // Everything else depends on it, and it waits for nothing.
            let is_ok = answer.send(handling.await);
            if is_ok {
                self.phase = Phase::Initialized;
            }
            return;
        }
        if method == "shutdown" {
            self.phase = Phase::ShutDown;
        }
        match poll_once(&mut handling).await {
            Poll::Ready(outcome) => drop(answer.send(outcome)),
            Poll::Pending => drop(tokio::spawn(async move { answer.send(handling.await) })),
        }
    }

    /// Whether a request may run now.
    fn admit(&self, id: &Id, method: &str) -> Result<(), Error> {
        match (self.phase, method) {
            (Phase::Uninitialized, "initialize") | (Phase::Initialized, _) => {}
            (Phase::Uninitialized, _) => {
                return Err(Error {
                    // ServerNotInitialized
                    code: ErrorCode::ServerError(-32002),
                    message: "the first request must be `initialize`".into(),
                    data: None,
                });
            }
            (Phase::ShutDown, _) => return Err(invalid_request("the server was told to shut down")),
        }
        if self.phase == Phase::Initialized && method == "initialize" {
            return Err(invalid_request("`initialize` comes once"));
        }
        let (is_running, count) = self.with_running(|running| (running.contains_key(id), running.len()));
        if is_running {
            return Err(invalid_request("a request with this id is still in the works"));
        }
        if count >= MAX_RUNNING {
            return Err(Error {
                // RequestFailed
                code: ErrorCode::ServerError(-32803),
                message: format!("{count} requests are in the works already").into(),
                data: None,
            });
        }
        Ok(())
    }

    /// `$/cancelRequest`. The task of the request answers that it was cancelled.
    async fn cancel(&mut self, params: Option<Value>) {
        let id = match params.as_ref().and_then(|params| params.get("id")) {
            Some(Value::Number(number)) => number.as_i64().map(Id::Number),
            Some(Value::String(id)) => Some(Id::String(id.clone())),
            _ => None,
        };
        let inner_id = id.and_then(|id| {
            self.with_running(|running| {
                running.get(&id).map(|request| {
                    request.abort.abort();
                    request.inner_id
                })
            })
        });
        let Some(inner_id) = inner_id else { return };
        // The service keeps a note of its own.
        let cancel = build("$/cancelRequest".to_owned(), None, Some(json!({ "id": inner_id })));
        drop(poll_once(&mut self.call(cancel, false)).await);
    }

    fn call(&mut self, request: Request, lossy: bool) -> Handling {
        let method = request.method().to_owned();
        // Out of readiness only once it has exited, which it is never told.
        let handled = self.service.call(request);
        let server = self.server.clone();
        let handled = async move {
            if let Some(on_method) = &server.options.on_method {
                // With the state locked, so that a panic shows that no lock is lost by it.
                let first = server.state.with(|_| on_method(&method));
                first.await;
            }
            handled.await
        };
        AssertUnwindSafe(MESSAGE_IS_LOSSY.scope(lossy, written::look_for(handled))).catch_unwind().boxed()
    }

    fn with_running<T>(&self, change: impl FnOnce(&mut HashMap<Id, InTheWorks>) -> T) -> T {
        change(&mut self.running.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The one answer that a request gets.
struct Answer {
    id: Id,
    method: String,
    outbox: Outbox,
    running: Running,
}

impl Answer {
    /// Answers with what came of the handler. `true` if that was a result.
    fn send(self, outcome: Result<Outcome, Aborted>) -> bool {
        let (result, left) = match outcome {
            Err(Aborted) => (Err(Error::request_cancelled()), None),
            Ok(Ok((given, left))) => (self.result(Ok(given)), left),
            Ok(Err(panic)) => (self.result(Err(panic)), None),
        };
        let is_ok = result.is_ok();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        match left.filter(|_| is_ok) {
            Some(left) => self.outbox.respond_written(&self.id, &left),
            None => self.outbox.respond(&Response::from_parts(self.id, result)),
        }
        is_ok
    }

    fn result(&self, given: std::thread::Result<Result<Option<Response>, ExitedError>>) -> Result<Value, Error> {
        match given {
            Ok(Ok(Some(response))) => response.into_parts().1,
            // A notification's name with an id.
            Ok(Ok(None)) => Err(invalid_request("this method is a notification")),
            Ok(Err(ExitedError { .. })) => Err(invalid_request("the server has exited")),
            Err(panic) => {
                tracing::error!(method = self.method, panic = panic_message(panic.as_ref()), "a handler panicked");
                Err(Error { message: "the request failed within the server".into(), ..Error::internal_error() })
            }
        }
    }
}

async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    futures::poll!(future)
}

fn build(method: String, id: Option<i32>, params: Option<Value>) -> Request {
    let mut request = Request::build(method);
    if let Some(params) = params {
        request = request.params(params);
    }
    if let Some(id) = id {
        request = request.id(i64::from(id));
    }
    request.finish()
}

fn parse_error(why: &'static str) -> Response {
    Response::from_error(Id::Null, Error { message: why.into(), ..Error::parse_error() })
}

fn invalid_request(why: &'static str) -> Error {
    Error { message: why.into(), ..Error::invalid_request() }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
