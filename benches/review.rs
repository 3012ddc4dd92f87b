//! A large review: `cargo bench --bench review`.
//!
//! 5,000 hunks in 500 files, in a server within this process and a headless client that applies every edit at once, as an editor
//! does with files that nobody looks at. Prints one table.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use claw::lsp::{ServeOptions, serve};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;

type Failure = Box<dyn std::error::Error>;

const FILES: usize = 500;
const HUNKS: usize = 10;

/// Calls of one step of the model.
const CALLS: usize = 100;

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure())
}

async fn measure() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("work");
    std::fs::create_dir(&root)?;
    for file in 0..FILES {
        std::fs::write(root.join(name(file)), text(false))?;
    }
    let call = |name: &str, input: Value| json!({"name": name, "input": input});
    let reads: Vec<Value> = (0..FILES).map(|file| call("read_file", json!({"path": name(file)}))).collect();
    let writes = (0..FILES).map(|file| call("write_file", json!({"path": name(file), "content": text(true)})));
    let writes: Vec<Value> = writes.collect();
    let script = folder.path().join("script.jsonl");
    let steps = reads.chunks(CALLS).chain(writes.chunks(CALLS)).map(|calls| json!({"tools": calls}));
    let lines: String = steps.chain([json!({"text": "Done."})]).map(|step| format!("{step}\n")).collect();
    std::fs::write(&script, lines)?;

    let (mut client, server) = start(folder.path(), &root, &script).await?;
    let asked = client.command("claw.ask", json!({"instruction": "change everything"})).await?;
    let session = asked.get("session").cloned().ok_or("no session")?;
    client.until(|message| is_event(message, "turn_end")).await?;
    client.until(|message| method(message) == "claw/proposal" && count(message, "pending") == FILES * HUNKS).await?;

    let mut listed = Vec::new();
    for _ in 0..10 {
        let started = Instant::now();
        client.command("claw.proposal", json!({"session": session})).await?;
        listed.push(started.elapsed());
    }
    row("claw.proposal, 5,000 hunks in 500 files", &mut listed, "<= 100 ms")?;

    client.leave(server).await?;
    let started = Instant::now();
    let (mut client, server) = start(folder.path(), &root, &script).await?;
    let mut first = loop {
        let asked = Instant::now();
        // Not before the session is open again.
        if client.command("claw.proposal", json!({"session": session})).await.is_ok() {
            break vec![asked.elapsed()];
        }
    };
    let mut restarted = vec![started.elapsed()];
    row("claw.proposal, the first after a restart", &mut first, "")?;
    row("from the start to the first claw.proposal", &mut restarted, "<= 1000 ms")?;

    let started = Instant::now();
    client.command("claw.acceptAll", json!({"session": session})).await?;
    let answered = started.elapsed();
    let mut statuses = Vec::new();
    loop {
        let asked = Instant::now();
        let status = client.command("claw.status", json!({})).await?;
        statuses.push(asked.elapsed());
        if status.get("pending") == Some(&json!(0)) {
            break;
        }
        if started.elapsed() > Duration::from_secs(60) {
            return Err(format!("not accepted: {status}").into());
        }
        // No pause: what the server asks is answered while an answer is awaited.
    }
    let accepted = started.elapsed();
    let mut out = std::io::stdout();
    writeln!(out, "{:<58} {:>10.1} ms", "claw.acceptAll answered", milliseconds(answered))?;
    writeln!(out, "{:<58} {:>10.1} ms   <= 2000 ms", "all of it accepted", milliseconds(accepted))?;
    row("claw.status meanwhile", &mut statuses, "p99 <= 20 ms")?;
    for file in 0..FILES {
        let uri = format!("file://{}", root.join(name(file)).display());
        if client.open.get(&uri).map(|(text, _)| text.as_str()) != Some(text(true).as_str()) {
            return Err(format!("{uri} is not as proposed").into());
        }
    }
    client.leave(server).await
}

/// A server for the folder `root`, and a client that has said hello to it.
async fn start(folder: &Path, root: &Path, script: &Path) -> Result<(Client, JoinHandle<i32>), Failure> {
    let variables = [("CLAW_STATE_DIR", folder.join("state")), ("HOME", folder.join("home"))];
    let environment = variables.map(|(name, path)| (name.to_owned(), path.display().to_string()));
    let options = ServeOptions { environment: Some(environment.into_iter().collect()), ..ServeOptions::default() };
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (input, output) = tokio::io::split(theirs);
    let server = tokio::spawn(serve(input, output, options));
    let mut client = Client::new(ours);

    let edits = json!({"documentChanges": true, "resourceOperations": ["create", "rename", "delete"]});
    client
        .request(
            "initialize",
            json!({
                "processId": null, "rootUri": format!("file://{}", root.display()),
                "capabilities": {"workspace": {"applyEdit": true, "workspaceEdit": edits},
                    "experimental": {"claw": {"events": true, "review": 1}}},
                "initializationOptions": {"provider": "script", "script": script, "trusted": true},
            }),
        )
        .await?;
    client.notify("initialized", json!({})).await?;
    Ok((client, server))
}

fn name(file: usize) -> String {
    format!("file{file}.rs")
}

fn text(changed: bool) -> String {
    let function = |n: usize| {
        let body = if changed { n + 1 } else { n };
        format!("fn function_{n}() -> usize {{\n    {body}\n}}\n\n// Between {n}.\n\n")
    };
    (0..HUNKS).map(function).collect()
}

fn method(message: &Value) -> &str {
    message.get("method").and_then(Value::as_str).unwrap_or_default()
}

fn is_event(message: &Value, kind: &str) -> bool {
    method(message) == "claw/event" && message.pointer("/params/type") == Some(&json!(kind))
}

fn count(proposal: &Value, state: &str) -> usize {
    let files = proposal.pointer("/params/files").and_then(Value::as_array).into_iter().flatten();
    let hunks = files.flat_map(|file| file.get("hunks").and_then(Value::as_array).into_iter().flatten());
    hunks.filter(|hunk| hunk.get("state") == Some(&json!(state))).count()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn row(what: &str, times: &mut [Duration], bound: &str) -> Result<(), Failure> {
    times.sort();
    let at =
        |percent: usize| times.get((times.len() * percent / 100).min(times.len() - 1)).copied().unwrap_or_default();
    let (half, most) = (milliseconds(at(50)), milliseconds(at(99)));
    Ok(writeln!(std::io::stdout(), "{what:<58} p50 {half:>6.1} ms  p99 {most:>6.1} ms   {bound}")?)
}

/// A client that opens what it is asked to edit, and tells each change by ranges.
struct Client {
    input: ReadHalf<DuplexStream>,
    output: WriteHalf<DuplexStream>,
    buffer: Vec<u8>,
    next: i64,
    /// Text and version by URI.
    open: HashMap<String, (String, i64)>,
}

impl Client {
    fn new(stream: DuplexStream) -> Client {
        let (input, output) = tokio::io::split(stream);
        Client { input, output, buffer: Vec::new(), next: 1, open: HashMap::new() }
    }

    async fn leave(mut self, server: JoinHandle<i32>) -> Result<(), Failure> {
        self.request("shutdown", Value::Null).await?;
        self.notify("exit", Value::Null).await?;
        server.await?;
        Ok(())
    }

    async fn command(&mut self, command: &str, argument: Value) -> Result<Value, Failure> {
        let answer =
            self.request("workspace/executeCommand", json!({"command": command, "arguments": [argument]})).await?;
        if answer.get("ok") == Some(&json!(true)) { Ok(answer) } else { Err(format!("{command}: {answer}").into()) }
    }

    async fn request(&mut self, method: &str, params: Value) -> Result<Value, Failure> {
        let id = self.next;
        self.next += 1;
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await?;
        let is_answer = |message: &Value| message.get("method").is_none() && message.get("id") == Some(&json!(id));
        let mut answer = self.until(is_answer).await?;
        Ok(answer.get_mut("result").map(Value::take).ok_or_else(|| format!("{method}: {answer}"))?)
    }

    async fn notify(&mut self, method: &str, params: Value) -> Result<(), Failure> {
        self.send(json!({"jsonrpc": "2.0", "method": method, "params": params})).await
    }

    /// The next message that is wanted. Answers the server's requests meanwhile.
    async fn until(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Result<Value, Failure> {
        loop {
            let message = self.receive().await?;
            if let (Some(id), true) = (message.get("id"), message.get("method").is_some()) {
                let result = match method(&message) {
                    "workspace/applyEdit" => {
                        self.apply(message.pointer("/params/edit").unwrap_or(&Value::Null)).await?
                    }
                    _ => Value::Null,
                };
                self.send(json!({"jsonrpc": "2.0", "id": id, "result": result})).await?;
            } else if is_wanted(&message) {
                return Ok(message);
            }
        }
    }

    async fn apply(&mut self, edit: &Value) -> Result<Value, Failure> {
        for change in edit.get("documentChanges").and_then(Value::as_array).into_iter().flatten() {
            let uri = change.pointer("/textDocument/uri").and_then(Value::as_str).ok_or("not a text edit")?.to_owned();
            if !self.open.contains_key(&uri) {
                let text = std::fs::read_to_string(uri.trim_start_matches("file://"))?;
                let document = json!({"uri": uri, "languageId": "rust", "version": 1, "text": text});
                self.open.insert(uri.clone(), (text, 1));
                self.notify("textDocument/didOpen", json!({"textDocument": document})).await?;
            }
            let mut edits = change.get("edits").and_then(Value::as_array).cloned().unwrap_or_default();
            let line = |edit: &Value, end: &str| edit.pointer(&format!("/range/{end}/line")).and_then(Value::as_u64);
            edits.sort_by_key(|edit| std::cmp::Reverse(line(edit, "start")));
            let Some((text, version)) = self.open.get_mut(&uri) else { continue };
            // Whole lines, as every hunk is.
            let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
            let mut changes = Vec::new();
            for edit in &edits {
                let number = |end| line(edit, end).and_then(|line| usize::try_from(line).ok()).ok_or("no line");
                let insert = edit.get("newText").and_then(Value::as_str).unwrap_or_default();
                lines.splice(number("start")?..number("end")?, insert.split_inclusive('\n').map(str::to_owned));
                changes.push(json!({"range": edit.get("range"), "text": insert}));
            }
            *text = lines.concat();
            *version += 1;
            let document = json!({"uri": uri, "version": *version});
            let params = json!({"textDocument": document, "contentChanges": changes});
            self.notify("textDocument/didChange", params).await?;
        }
        Ok(json!({"applied": true}))
    }

    async fn send(&mut self, message: Value) -> Result<(), Failure> {
        let body = message.to_string();
        self.output.write_all(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await?;
        Ok(())
    }

    async fn receive(&mut self) -> Result<Value, Failure> {
        loop {
            if let Some(header) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let text = String::from_utf8_lossy(self.buffer.get(..header).unwrap_or_default()).into_owned();
                let length: usize = text.trim_start_matches("Content-Length: ").trim().parse()?;
                let (start, end) = (header + 4, header + 4 + length);
                if let Some(body) = self.buffer.get(start..end) {
                    let message = serde_json::from_slice(body)?;
                    self.buffer.drain(..end);
                    return Ok(message);
                }
            }
            let mut bytes = vec![0; 1 << 16];
            let count = self.input.read(&mut bytes).await?;
            if count == 0 {
                return Err("the server is gone".into());
            }
            self.buffer.extend_from_slice(bytes.get(..count).unwrap_or_default());
        }
    }
}
