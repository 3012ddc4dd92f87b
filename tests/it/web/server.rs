//! A web server for tests: HTTP/1.1 on a loopback port, byte for byte as a test wants it. It records every request.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn header_names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }
}

#[derive(Clone, Debug)]
pub enum Step {
    Send(Vec<u8>),
    Pause(Duration),
    /// The same again and again, until the client goes away.
    Endless(Vec<u8>, Duration),
    /// Nothing more, until the client goes away.
    Hold,
}

/// What goes over the wire for one request; then the connection is closed.
#[derive(Clone, Debug)]
pub struct Reply(pub Vec<Step>);

impl Reply {
    pub fn raw(bytes: impl AsRef<[u8]>) -> Reply {
        Reply(vec![Step::Send(bytes.as_ref().to_vec())])
    }

    pub fn head(status: u16, headers: &[(&str, &str)]) -> String {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("HTTP/1.1 {status} Some Reason\r\n{headers}connection: close\r\n")
    }

    pub fn new(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
        let body = body.as_ref();
        let mut bytes = format!("{}content-length: {}\r\n\r\n", Reply::head(status, headers), body.len()).into_bytes();
        bytes.extend_from_slice(body);
        Reply::raw(bytes)
    }

    pub fn of(content_type: &str, body: impl AsRef<[u8]>) -> Reply {
        Reply::new(200, &[("content-type", content_type)], body)
    }

    pub fn html(body: &str) -> Reply {
        Reply::of("text/html; charset=utf-8", body)
    }

    pub fn json(body: &serde_json::Value) -> Reply {
        Reply::of("application/json", body.to_string())
    }

    pub fn to(location: &str) -> Reply {
        Reply::new(302, &[("location", location)], "")
    }

    pub fn then(mut self, step: Step) -> Reply {
        self.0.push(step);
        self
    }
}

pub struct Server {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

type Respond = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

impl Server {
    pub fn new(respond: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
        let respond: Respond = Arc::new(respond);
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let record = Arc::clone(&requests);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                let accept = async {
                    while let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(serve(stream, Arc::clone(&respond), Arc::clone(&record)));
                    }
                };
                tokio::select! { () = accept => {}, _ = stopped => {} }
            });
        });
        Server { address, requests, stop: Some(stop), thread: Some(thread) }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The methods and targets that were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.requests().iter().map(|request| format!("{} {}", request.method, request.target)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(mut stream: TcpStream, respond: Respond, record: Arc<Mutex<Vec<Request>>>) {
    let Some(request) = read(&mut stream).await else { return };
    record.lock().unwrap().push(request.clone());
    for step in respond(&request).0 {
        let went = match step {
            Step::Send(bytes) => stream.write_all(&bytes).await.is_ok(),
            Step::Pause(time) => {
                tokio::time::sleep(time).await;
                true
            }
            Step::Endless(bytes, pause) => {
                while stream.write_all(&bytes).await.is_ok() {
                    tokio::time::sleep(pause).await;
                }
                false
            }
            Step::Hold => {
                let _ = stream.read(&mut [0; 16]).await;
                false
            }
        };
        if !went {
            return;
        }
    }
    let _ = stream.shutdown().await;
    // What the client still sends must not turn the end into a reset.
    let _ = tokio::time::timeout(Duration::from_secs(2), async {
        while matches!(stream.read(&mut [0; 1024]).await, Ok(1..)) {}
    })
    .await;
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head in ASCII");
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let method = first.next().unwrap().to_owned();
    let target = first.next().unwrap().to_owned();
    assert_eq!(first.next(), Some("HTTP/1.1"));
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").expect("a header"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => body.extend_from_slice(&piece[..count]),
        }
    }
    Some(Request { method, target, headers, body: String::from_utf8(body).expect("a body in UTF-8") })
}
