//! A model server for tests: HTTP/1.1 on a loopback port, byte for byte as a test wants it.
//!
//! It records every request and holds each body against the rules of its wire format, more strictly than any real
//! server does: what it lets through, all of them take. A breach fails the test when the server is dropped. It has a thread of its
//! own, so it serves tests with and without a runtime, and real processes.

mod anthropic;
mod ollama;
pub mod recorded;
mod responses;
mod validate;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub use validate::{Format, violations};

/// A running server. Dropping it stops it, and panics if a request broke the protocol.
pub struct MockModel {
    address: std::net::SocketAddr,
    shared: Arc<Shared>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

type Respond = Box<dyn FnMut(&Recorded) -> Answer + Send>;

struct Shared {
    respond: Mutex<Respond>,
    requests: watch::Sender<Vec<Recorded>>,
    /// Connections that the client closed while an answer was under way.
    abandoned: watch::Sender<usize>,
    violations: Mutex<Vec<String>>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What the server does with one request.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    framing: Framing,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// Each piece is a chunk of a chunked body.
    Chunked,
    /// The pieces are all there is on the wire, status line included.
    Raw,
}

#[derive(Clone, Debug)]
enum Step {
    Send(Vec<u8>),
    /// Go on when the gate is open.
    Wait(Gate),
    /// Say nothing more until the client goes away.
    Hold,
    /// Close the connection without ending the body.
    Cut,
}

/// Something that a test opens when it is time.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    pub fn new() -> Gate {
        Gate(Arc::new(watch::Sender::new(false)))
    }

    pub fn open(&self) {
        self.0.send_replace(true);
    }

    async fn passed(&self) {
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}

impl Recorded {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

impl Answer {
    /// A stream of these bytes, in one piece.
    pub fn stream(bytes: impl AsRef<[u8]>) -> Answer {
        Answer::pieces([bytes])
    }

    /// A stream in these pieces.
    pub fn pieces<B: AsRef<[u8]>>(pieces: impl IntoIterator<Item = B>) -> Answer {
        Answer {
            status: 200,
            headers: vec![("content-type".to_owned(), "text/event-stream".to_owned())],
            framing: Framing::Chunked,
            steps: pieces.into_iter().map(|piece| Step::Send(piece.as_ref().to_vec())).collect(),
        }
    }

    /// A well-formed stream in which the model says `text`.
    pub fn text(text: &str) -> Answer {
        let mut chunks = vec![json!({"role": "assistant", "content": ""})];
        let characters: Vec<char> = text.chars().collect();
        chunks.extend(characters.chunks(8).map(|piece| json!({"content": piece.iter().collect::<String>()})));
        Answer::stream(stream_of(&chunks, "stop"))
    }

    /// A well-formed stream in which the model calls tools: names and inputs.
    pub fn calls(calls: &[(&str, Value)]) -> Answer {
        let mut chunks = vec![json!({"role": "assistant", "content": null})];
        for (index, (name, input)) in calls.iter().enumerate() {
            let id = format!("call_{}", uuid_like(index, name, input));
            let head =
                json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}});
            chunks.push(json!({"tool_calls": [head]}));
            let arguments: Vec<char> = input.to_string().chars().collect();
            for piece in arguments.chunks(7) {
                let arguments: String = piece.iter().collect();
                chunks.push(json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}));
            }
        }
        Answer::stream(stream_of(&chunks, "tool_calls"))
    }

    /// A JSON body with a status.
    pub fn json(status: u16, body: &Value) -> Answer {
        Answer { status, ..Answer::stream(body.to_string()) }.header("content-type", "application/json")
    }

    /// Exactly these bytes on the wire, then the connection is closed.
    pub fn raw(bytes: impl AsRef<[u8]>) -> Answer {
        Answer { framing: Framing::Raw, ..Answer::stream(bytes) }
    }

    /// Not a byte, until the client goes away.
    pub fn silence() -> Answer {
        Answer { framing: Framing::Raw, steps: vec![Step::Hold], ..Answer::stream("") }
    }

    pub fn status(mut self, status: u16) -> Answer {
        self.status = status;
        self
    }

    /// Sets a header.
    pub fn header(mut self, name: &str, value: &str) -> Answer {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// All of it, once `gate` is open.
    pub fn after(mut self, gate: &Gate) -> Answer {
        self.steps.insert(0, Step::Wait(gate.clone()));
        self
    }

    /// Then waits for `gate`.
    pub fn wait(mut self, gate: &Gate) -> Answer {
        self.steps.push(Step::Wait(gate.clone()));
        self
    }

    /// Then sends this.
    pub fn then(mut self, bytes: impl AsRef<[u8]>) -> Answer {
        self.steps.push(Step::Send(bytes.as_ref().to_vec()));
        self
    }

    /// Then says nothing more.
    pub fn hold(mut self) -> Answer {
        self.steps.push(Step::Hold);
        self
    }

    /// Then the connection breaks, in the middle of the body.
    pub fn cut(mut self) -> Answer {
        self.steps.push(Step::Cut);
        self
    }
}

/// The server-sent events of a response whose deltas are `chunks`.
pub fn stream_of(chunks: &[Value], finish_reason: &str) -> String {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "mock",
            "choices": choices, "usage": usage,
        });
        format!("data: {chunk}\n\n")
    };
    let choice = |delta: &Value, reason: Value| json!([{"index": 0, "delta": delta, "finish_reason": reason}]);
    let mut stream: String = chunks.iter().map(|delta| chunk(choice(delta, Value::Null), Value::Null)).collect();
    stream += &chunk(choice(&json!({}), finish_reason.into()), Value::Null);
    stream += &chunk(json!([]), json!({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}));
    stream + "data: [DONE]\n\n"
}

impl MockModel {
    /// Gives one answer after the other. A request beyond the last is a breach.
    pub fn start(answers: impl IntoIterator<Item = Answer>) -> MockModel {
        let mut answers: VecDeque<Answer> = answers.into_iter().collect();
        MockModel::answer_with(move |_| {
            answers
                .pop_front()
                .unwrap_or_else(|| Answer::json(500, &json!({"error": {"message": "no answer is left"}})))
        })
    }

    /// Gives each request to the model the answer that `respond` finds for it.
    pub fn answer_with(respond: impl FnMut(&Recorded) -> Answer + Send + 'static) -> MockModel {
        let shared = Arc::new(Shared {
            respond: Mutex::new(Box::new(respond)),
            requests: watch::Sender::new(Vec::new()),
            abandoned: watch::Sender::new(0),
            violations: Mutex::default(),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let address = listener.local_addr().expect("the port that was given");
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("a listener");
                let accept = async {
                    while let Ok((stream, _)) = listener.accept().await {
                        let _ = stream.set_nodelay(true);
                        tokio::spawn(serve(stream, Arc::clone(&serving)));
                    }
                };
                tokio::select! {
                    () = accept => {}
                    _ = stopped => {}
                }
            });
        });
        MockModel { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Where the API begins.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Host and port.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.requests.borrow().clone()
    }

    /// The requests, once there are `count`.
    pub async fn requested(&self, count: usize) -> Vec<Recorded> {
        let mut requests = self.shared.requests.subscribe();
        requests.wait_for(|requests| requests.len() >= count).await.expect("the server runs").clone()
    }

    /// Returns once the client has given up on `count` answers.
    pub async fn abandoned(&self, count: usize) {
        let mut abandoned = self.shared.abandoned.subscribe();
        abandoned.wait_for(|abandoned| *abandoned >= count).await.expect("the server runs");
    }

    /// Breaches of the protocol so far, taken: the drop does not fail for them.
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.violations.lock().unwrap())
    }
}

impl Drop for MockModel {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let violations = self.take_violations();
        if !std::thread::panicking() {
            assert!(violations.is_empty(), "requests to the model broke the protocol:\n{}", violations.join("\n"));
        }
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut buffer = Vec::new();
    while let Ok(Some(request)) = read_request(&mut stream, &mut buffer).await {
        let path = request.path.split('?').next().unwrap_or_default();
        let told = match (request.method.as_str(), path) {
            ("GET", path) if path.ends_with("/models") => {
                Some(json!({"object": "list", "data": [{"id": "mock", "object": "model"}]}))
            }
            ("GET", path) if path.ends_with("/api/tags") => {
                Some(json!({"models": [{"name": "mock", "model": "mock"}]}))
            }
            ("POST", path) if path.ends_with("/api/show") => {
                Some(json!({"model_info": {"general.architecture": "x", "x.context_length": 16384}}))
            }
            _ => None,
        };
        if Format::of(path).is_some() {
            let number = shared.requests.borrow().len() + 1;
            let found = violations(&request);
            shared.violations.lock().unwrap().extend(found.into_iter().map(|what| format!("request {number}: {what}")));
        }
        let answer = match told {
            Some(told) => Answer::json(200, &told),
            None => (shared.respond.lock().unwrap())(&request),
        };
        shared.requests.send_modify(|requests| requests.push(request));
        match give(&mut stream, &answer).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => {
                shared.abandoned.send_modify(|abandoned| *abandoned += 1);
                return;
            }
        }
    }
}

/// Whether the connection can serve another request; an error if the client went away.
async fn give(stream: &mut TcpStream, answer: &Answer) -> io::Result<bool> {
    if answer.framing == Framing::Chunked {
        let mut head = format!("HTTP/1.1 {} Mock\r\ntransfer-encoding: chunked\r\n", answer.status);
        for (name, value) in &answer.headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all((head + "\r\n").as_bytes()).await?;
    }
    for step in &answer.steps {
        match step {
            Step::Send(bytes) if answer.framing == Framing::Raw => stream.write_all(bytes).await?,
            Step::Send(bytes) if bytes.is_empty() => {}
            Step::Send(bytes) => {
                let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
                stream.write_all(&chunk).await?;
            }
            Step::Wait(gate) => {
                tokio::select! {
                    () = gate.passed() => {}
                    error = gone(stream) => return Err(error),
                }
            }
            Step::Hold => return Err(gone(stream).await),
            Step::Cut => return Ok(false),
        }
    }
    if answer.framing == Framing::Chunked {
        stream.write_all(b"0\r\n\r\n").await?;
    }
    stream.flush().await?;
    Ok(answer.framing == Framing::Chunked)
}

/// Returns when the client closes the connection.
async fn gone(stream: &TcpStream) -> io::Error {
    let mut byte = [0];
    loop {
        if stream.readable().await.is_err() {
            return io::ErrorKind::ConnectionReset.into();
        }
        match stream.try_read(&mut byte) {
            Ok(0) => return io::ErrorKind::UnexpectedEof.into(),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return error,
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Recorded>> {
    let head_end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
        if buffer.first() == Some(&0x16) {
            // The hello of TLS, to which a server of plain HTTP says what it says to all nonsense.
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").await?;
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    buffer.drain(..head_end + 4);
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (first.next().unwrap_or_default().to_owned(), first.next().unwrap_or_default().to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut request = Recorded { method, path, headers, body: Vec::new() };
    let length: usize = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    request.body = buffer.drain(..length).collect();
    Ok(Some(request))
}

/// An id that differs from call to call and is the same in every run.
fn uuid_like(index: usize, name: &str, input: &Value) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (index, name, input.to_string()).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
