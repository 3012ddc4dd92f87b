//! A language client for tests, in memory or over the pipes of a real process.
//!
//! Strict: a request of the server that the test did not foresee, and a message that it never read, fail the test. Nothing waits
//! longer than [`PATIENCE`].

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use claw::lsp::{ServeOptions, serve};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How long a test waits for any one thing.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What a client answers to a request of the server.
pub enum Reply {
    Result(Value),
    Error(i64, &'static str),
    /// What [`LspClient::answer_held`] says.
    Later,
    /// Nothing, ever.
    Silence,
}

type OnRequest = Box<dyn FnMut(&str, &Value) -> Option<Reply> + Send>;

pub struct LspClient {
    outgoing: mpsc::UnboundedSender<Vec<u8>>,
    incoming: mpsc::UnboundedReceiver<Value>,
    server: Server,
    next_id: i64,
    /// Came, and was not asked for yet.
    unread: VecDeque<Value>,
    /// Ids of requests that are answered later.
    held: VecDeque<Value>,
    on_request: OnRequest,
    ignored: Vec<&'static str>,
    finished: bool,
}

enum Server {
    InMemory(JoinHandle<i32>),
    Process(Child),
}

impl LspClient {
    /// A server within this process.
    pub fn in_memory(options: ServeOptions) -> LspClient {
        let (client_end, server_end) = tokio::io::duplex(1 << 20);
        let (server_input, server_output) = tokio::io::split(server_end);
        let server = tokio::spawn(serve(server_input, server_output, options));
        let (mut input, mut output) = tokio::io::split(client_end);
        let (outgoing, mut to_write) = mpsc::unbounded_channel::<Vec<u8>>();
        let (read, incoming) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(bytes) = to_write.recv().await {
                if output.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            let _ = output.shutdown().await;
        });
        tokio::spawn(async move {
            let mut splitter = Splitter::default();
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = input.read(&mut buffer).await {
                splitter.push(&buffer[..count], &read);
            }
        });
        LspClient::new(outgoing, incoming, Server::InMemory(server))
    }

    /// A server that is a process of its own, speaking on its pipes. Its standard error goes to the test's.
    pub fn process(mut command: Command) -> LspClient {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut input = child.stdout.take().expect("its output");
        let mut output = child.stdin.take().expect("its input");
        let (outgoing, mut to_write) = mpsc::unbounded_channel::<Vec<u8>>();
        let (read, incoming) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            while let Some(bytes) = to_write.blocking_recv() {
                if output.write_all(&bytes).and_then(|()| output.flush()).is_err() {
                    return;
                }
            }
        });
        std::thread::spawn(move || {
            let mut splitter = Splitter::default();
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = input.read(&mut buffer) {
                splitter.push(&buffer[..count], &read);
            }
        });
        LspClient::new(outgoing, incoming, Server::Process(child))
    }

    fn new(
        outgoing: mpsc::UnboundedSender<Vec<u8>>,
        incoming: mpsc::UnboundedReceiver<Value>,
        server: Server,
    ) -> LspClient {
        LspClient {
            outgoing,
            incoming,
            server,
            next_id: 1,
            unread: VecDeque::new(),
            held: VecDeque::new(),
            on_request: Box::new(|_, _| None),
            ignored: Vec::new(),
            finished: false,
        }
    }

    /// A server that is initialised: in memory, with these capabilities, on `root`, with these `initializationOptions`.
    pub async fn start(capabilities: Value, root: Option<&Path>, options: Value) -> LspClient {
        let mut client = LspClient::in_memory(ServeOptions::default());
        client.initialize(capabilities, root, options).await;
        client
    }

    /// Sends `initialize` and `initialized`; what the server answered.
    pub async fn initialize(&mut self, capabilities: Value, root: Option<&Path>, options: Value) -> Value {
        let folders = root.map(|root| json!([{"uri": file_uri(root), "name": "root"}]));
        let params = json!({
            "processId": null,
            "rootUri": null,
            "capabilities": capabilities,
            "workspaceFolders": folders,
            "initializationOptions": options,
        });
        let result = self.request("initialize", params).await;
        self.notify("initialized", json!({}));
        result
    }

    /// How requests of the server are answered; `None` fails the test.
    pub fn on_request(&mut self, answer: impl FnMut(&str, &Value) -> Option<Reply> + Send + 'static) {
        self.on_request = Box::new(answer);
    }

    /// Answers the oldest request that was put off by [`Reply::Later`].
    pub fn answer_held(&mut self, result: Value) {
        let id = self.held.pop_front().expect("a request that waits for its answer");
        self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result}));
    }

    /// Notifications of these methods need not be read.
    pub fn ignore(&mut self, method: &'static str) {
        self.ignored.push(method);
    }

    /// Sends a request and waits for its result. An error fails the test.
    pub async fn request(&mut self, method: &str, params: Value) -> Value {
        self.try_request(method, params).await.unwrap_or_else(|error| panic!("{method} failed: {error}"))
    }

    /// Sends a request and waits for its result or error.
    pub async fn try_request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.send_request(method, params);
        self.response(&json!(id)).await
    }

    /// Sends a request and does not wait; its id.
    pub fn send_request(&mut self, method: &str, params: Value) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// Waits for the answer to the request `id`, answering the server's own requests meanwhile.
    pub async fn response(&mut self, id: &Value) -> Result<Value, Value> {
        let is_answer = |message: &Value| message.get("method").is_none() && message.get("id") == Some(id);
        let mut message = self.next_where(&format!("an answer to {id}"), is_answer).await;
        match message.get_mut("error") {
            Some(error) => Err(error.take()),
            None => Ok(message.get_mut("result").map(Value::take).unwrap_or_else(|| panic!("no result: {message}"))),
        }
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Waits for the next notification of `method`; its parameters.
    pub async fn notification(&mut self, method: &str) -> Value {
        let is_wanted = |message: &Value| message["method"] == method && message.get("id").is_none();
        self.next_where(method, is_wanted).await["params"].take()
    }

    /// The parameters of the notifications of a method that came and were not read.
    pub fn unread_of<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a Value> {
        self.unread.iter().filter(move |message| message["method"] == method).map(|message| &message["params"])
    }

    /// All messages that came and were not read.
    pub fn take_unread(&mut self) -> Vec<Value> {
        self.unread.drain(..).collect()
    }

    /// Sends a message as it is.
    pub fn send(&mut self, message: &Value) {
        self.send_body(message.to_string().as_bytes());
    }

    /// Sends a frame with this body.
    pub fn send_body(&mut self, body: &[u8]) {
        self.send_bytes(frame(body));
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: Vec<u8>) {
        let _ = self.outgoing.send(bytes);
    }

    /// A way to send from within [`LspClient::on_request`].
    pub fn outgoing(&self) -> Outgoing {
        Outgoing(self.outgoing.clone())
    }

    /// Opens a document.
    pub fn open(&mut self, uri: &str, language: &str, text: &str) {
        let document = json!({"uri": uri, "languageId": language, "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    /// Changes a document by these content changes.
    pub fn change(&mut self, uri: &str, version: i64, changes: Value) {
        let document = json!({"uri": uri, "version": version});
        self.notify("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}));
    }

    /// The process id of a server that is a process.
    pub fn process_id(&self) -> Option<u32> {
        match &self.server {
            Server::Process(child) => Some(child.id()),
            Server::InMemory(_) => None,
        }
    }

    /// Says goodbye; the exit code. Fails if a message was never read.
    pub async fn finish(mut self) -> i32 {
        self.request("shutdown", Value::Null).await;
        self.send(&json!({"jsonrpc": "2.0", "method": "exit"}));
        self.exit_code().await
    }

    /// Closes the server's input without a word; the exit code.
    pub async fn hang_up(mut self) -> i32 {
        self.stop_writing();
        self.exit_code().await
    }

    /// Closes the server's input.
    pub fn stop_writing(&mut self) {
        let (closed, _) = mpsc::unbounded_channel();
        self.outgoing = closed;
    }

    /// Waits for the server to end; its exit code. Fails if a message was never read.
    pub async fn exit_code(mut self) -> i32 {
        self.finished = true;
        while let Some(message) = tokio::time::timeout(PATIENCE, self.incoming.recv()).await.expect("the server ends") {
            self.take(message);
        }
        let code = match &mut self.server {
            Server::InMemory(server) => server.await.expect("the server does not panic"),
            Server::Process(child) => child.wait().expect("the server ends").code().unwrap_or(-1),
        };
        let unread: Vec<&Value> = self
            .unread
            .iter()
            .filter(|message| !self.ignored.iter().any(|method| message["method"] == *method))
            .collect();
        assert!(unread.is_empty(), "messages that the test never read: {unread:#?}");
        code
    }

    /// The first unread message that fits, or the next one to come.
    async fn next_where(&mut self, wanted: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(index) = self.unread.iter().position(&fits) {
                return self.unread.remove(index).expect("it was found");
            }
            match tokio::time::timeout_at(deadline, self.incoming.recv()).await {
                Ok(Some(message)) => self.take(message),
                Ok(None) => panic!("the server ended before {wanted} came; unread: {:#?}", self.unread),
                Err(_) => panic!("waited in vain for {wanted}; unread: {:#?}", self.unread),
            }
        }
    }

    /// Answers a request of the server, keeps anything else.
    fn take(&mut self, message: Value) {
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        let (Some(id), Some(method)) = (message.get("id"), message["method"].as_str()) else {
            self.unread.push_back(message);
            return;
        };
        let reply = (self.on_request)(method, &message["params"])
            .unwrap_or_else(|| panic!("a request that the test did not foresee: {message}"));
        match reply {
            Reply::Result(result) => self.send(&json!({"jsonrpc": "2.0", "id": id, "result": result})),
            Reply::Error(code, text) => {
                self.send(&json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": text}}));
            }
            Reply::Later => self.held.push_back(id.clone()),
            Reply::Silence => {}
        }
    }
}

impl Drop for LspClient {
    fn drop(&mut self) {
        if let Server::Process(child) = &mut self.server {
            let _ = child.kill();
            let _ = child.wait();
        }
        if !std::thread::panicking() {
            assert!(self.finished, "end the test with `finish`, `hang_up` or `exit_code`");
        }
    }
}

/// Sends messages into the stream of a client.
#[derive(Clone)]
pub struct Outgoing(mpsc::UnboundedSender<Vec<u8>>);

impl Outgoing {
    pub fn send(&self, message: &Value) {
        let _ = self.0.send(frame(message.to_string().as_bytes()));
    }
}

fn frame(body: &[u8]) -> Vec<u8> {
    let mut frame = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    frame.extend_from_slice(body);
    frame
}

/// Bytes of the server to messages. Anything but the protocol fails the test.
#[derive(Default)]
struct Splitter {
    buffer: Vec<u8>,
}

impl Splitter {
    fn push(&mut self, bytes: &[u8], messages: &mpsc::UnboundedSender<Value>) {
        self.buffer.extend_from_slice(bytes);
        while let Some(header) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = std::str::from_utf8(&self.buffer[..header]).expect("a header is ASCII");
            let length: usize = text
                .strip_prefix("Content-Length: ")
                .and_then(|length| length.parse().ok())
                .unwrap_or_else(|| panic!("the server wrote something that is no frame: {text:?}"));
            let end = header + 4 + length;
            if self.buffer.len() < end {
                return;
            }
            let message = serde_json::from_slice(&self.buffer[header + 4..end]).expect("the server writes JSON");
            self.buffer.drain(..end);
            let _ = messages.send(message);
        }
    }
}

pub fn file_uri(path: &Path) -> String {
    url::Url::from_file_path(path).expect("an absolute path").into()
}

/// Capabilities of a client that says nothing.
pub fn no_capabilities() -> Value {
    json!({})
}
