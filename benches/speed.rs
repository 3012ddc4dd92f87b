//! The speed that users feel, measured from outside: `cargo bench --bench speed`.
//!
//! Drives the real binary over its standard streams, as an editor and a shell do, and prints one table. Beside the start of
//! `claw lsp` stands that of an empty tower-lsp server in the same run, since machines differ and ratios hold.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

const CLAW: &str = env!("CARGO_BIN_EXE_claw");

fn main() -> Result<(), Failure> {
    if std::env::args().any(|argument| argument == "--empty-server") {
        return empty_server::serve();
    }
    let mut table = Table::default();
    start_of_server(&mut table)?;
    busy_server(&mut table)?;
    start_of_run(&mut table)?;
    harness_time(&mut table)?;
    table.print();
    Ok(())
}

/// spawn → `initialize` answered, and what an idle server holds.
fn start_of_server(table: &mut Table) -> Result<(), Failure> {
    let state = tempfile::tempdir()?;
    let own = std::env::current_exe()?;
    let (mut claw, mut empty) = (Vec::new(), Vec::new());
    let mut resident = 0;
    for round in 0..45 {
        let started = Instant::now();
        let mut server = Client::spawn(Command::new(CLAW).arg("lsp"), state.path())?;
        server.initialize(Value::Null, json!({}))?;
        let taken = started.elapsed();
        resident = server.resident_kilobytes()?;
        server.stop();

        let started = Instant::now();
        let mut server = Client::spawn(Command::new(&own).arg("--empty-server"), state.path())?;
        server.initialize(Value::Null, json!({}))?;
        let taken_by_empty = started.elapsed();
        server.stop();
        if round >= 5 {
            claw.push(taken);
            empty.push(taken_by_empty);
        }
    }
    table.times("spawn to initialize, claw lsp", &mut claw, "p50 <= 6 ms");
    table.times("spawn to initialize, empty tower-lsp server", &mut empty, "");
    let ratio = percentile(&claw, 50).as_secs_f64() / percentile(&empty, 50).as_secs_f64();
    table.row("  ratio of the medians", format!("{ratio:.2} x"), "<= 3 x");
    table.row("resident memory, idle server", format!("{:.1} MB", resident as f64 / 1024.0), "<= 20 MB");
    Ok(())
}

/// A 10,000-line file under the user's fingers while 24 asks wait on a slow model.
fn busy_server(table: &mut Table) -> Result<(), Failure> {
    let state = tempfile::tempdir()?;
    let workspace = tempfile::tempdir()?;
    let script = workspace.path().join("slow.jsonl");
    std::fs::write(&script, "{\"text\": \"late\", \"delay_ms\": 600000}\n")?;
    let path = workspace.path().join("big.rs");
    let text: String = (0..2_500).map(|n| format!("/// Number {n}.\nfn f{n}() -> u32 {{\n    {n}\n}}\n")).collect();
    std::fs::write(&path, &text)?;
    let uri = format!("file://{}", path.display());

    let mut server = Client::spawn(Command::new(CLAW).arg("lsp"), state.path())?;
    let options = json!({"provider": "script", "script": script, "model": "slow"});
    server.initialize(json!(format!("file://{}", workspace.path().display())), options)?;
    server.notify(
        "textDocument/didOpen",
        json!({"textDocument": {"uri": uri, "languageId": "rust", "version": 1, "text": text}}),
    )?;
    let (mut asked, mut acknowledged, mut actions) = (Vec::new(), Vec::new(), Vec::new());
    let command = |name: &str, argument: Value| json!({"command": name, "arguments": [argument]});
    for n in 0..24 {
        let started = Instant::now();
        let answer = server.request(
            "workspace/executeCommand",
            command("claw.ask", json!({"instruction": format!("ask {n}"), "uri": uri})),
        )?;
        asked.push(started.elapsed());
        if answer.get("ok") != Some(&json!(true)) {
            return Err(format!("claw.ask answered {answer}").into());
        }
    }
    let mut version = 1;
    let mut keystroke = |server: &mut Client, line: u64| -> Result<(), Failure> {
        version += 1;
        server.notify(
            "textDocument/didChange",
            json!({"textDocument": {"uri": uri, "version": version},
                "contentChanges": [{"range": {"start": {"line": line, "character": 0}, "end": {"line": line, "character": 0}}, "text": "/"}]}),
        )
    };
    for n in 0..300 {
        let line = (n * 29) % 9_900;
        keystroke(&mut server, line)?;
        let started = Instant::now();
        server.request(
            "textDocument/codeAction",
            json!({"textDocument": {"uri": uri}, "range": {"start": {"line": line + 2, "character": 1}, "end": {"line": line + 2, "character": 1}},
                "context": {"diagnostics": []}}),
        )?;
        actions.push(started.elapsed());
        let started = Instant::now();
        server.request("workspace/executeCommand", command("claw.status", json!({})))?;
        acknowledged.push(started.elapsed());
    }
    table.times("claw.ask acknowledged, the first 24", &mut asked, "p99 <= 20 ms");
    table.times("command acknowledged, 24 asks waiting", &mut acknowledged, "p99 <= 20 ms");
    table.times("code action after a keystroke, 10,000 lines", &mut actions, "p99 <= 10 ms");

    let mut bursts = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        for line in 0..1_000 {
            keystroke(&mut server, line)?;
        }
        server.request("workspace/executeCommand", command("claw.status", json!({})))?;
        bursts.push(started.elapsed() / 1_000);
    }
    table.times("didChange, each of a burst of 1,000", &mut bursts, "<= 0.2 ms");
    server.stop();
    Ok(())
}

/// Start of `claw run` → first byte at the model, in a repository of 2,000 files.
fn start_of_run(table: &mut Table) -> Result<(), Failure> {
    let workspace = tempfile::tempdir()?;
    for n in 0..2_000 {
        let folder = workspace.path().join(format!("pkg{}", n / 50));
        std::fs::create_dir_all(&folder)?;
        let source: String = (0..20)
            .map(|k| format!("class C{n}_{k}:\n    def method(self, value):\n        return value + {k}\n\n"))
            .collect();
        std::fs::write(folder.join(format!("module{n}.py")), source)?;
    }
    let server = ModelServer::start()?;
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let state = tempfile::tempdir()?;
        cold.push(server.first_byte(workspace.path(), state.path())?);
    }
    // A model that answers at once ends a run before the outline is whole: `claw map` waits for it, and keeps it.
    let state = tempfile::tempdir()?;
    let mut map = Command::new(CLAW);
    isolate(map.arg("map").current_dir(workspace.path()).stdout(Stdio::null()).stderr(Stdio::null()), state.path());
    map.status()?;
    for round in 0..25 {
        let taken = server.first_byte(workspace.path(), state.path())?;
        if round >= 5 {
            warm.push(taken);
        }
    }
    table.times("claw run to first byte at the model, warm", &mut warm, "p50 <= 30 ms");
    table.times("claw run to first byte at the model, cold", &mut cold, "");
    Ok(())
}

/// What the harness itself takes: a session of 100 scripted requests against one of 1.
fn harness_time(table: &mut Table) -> Result<(), Failure> {
    let workspace = tempfile::tempdir()?;
    std::fs::write(workspace.path().join("a.py"), "x = 1\n")?;
    let script = |requests: usize| -> Result<std::path::PathBuf, Failure> {
        let path = workspace.path().join(format!("{requests}.jsonl"));
        let mut lines = String::new();
        for n in 1..requests {
            lines.push_str(
                &json!({"tools": [{"name": "read_file", "input": {"path": "a.py", "offset": 1, "limit": n}}]})
                    .to_string(),
            );
            lines.push('\n');
        }
        lines.push_str("{\"text\": \"done\"}\n");
        std::fs::write(&path, lines)?;
        Ok(path)
    };
    let (short, long) = (script(1)?, script(91)?);
    let mut per_request = Vec::new();
    for _ in 0..7 {
        let one = run_script(workspace.path(), &short)?;
        let many = run_script(workspace.path(), &long)?;
        per_request.push(many.saturating_sub(one) / 90);
    }
    table.times("harness time a request, tool call included", &mut per_request, "<= 2 ms");
    Ok(())
}

fn run_script(workspace: &Path, script: &Path) -> Result<Duration, Failure> {
    let state = tempfile::tempdir()?;
    let started = Instant::now();
    let status = claw_run(workspace, state.path())
        .args(["--provider", "script", "--model", "recorded", "--script"])
        .arg(script)
        .arg("go")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if status.success() { Ok(started.elapsed()) } else { Err(format!("claw run ended with {status}").into()) }
}

fn claw_run(workspace: &Path, state: &Path) -> Command {
    let mut command = Command::new(CLAW);
    command.arg("run").arg("-C").arg(workspace).stdin(Stdio::null());
    isolate(&mut command, state);
    command
}

/// No configuration, key or cache of the machine the bench runs on.
fn isolate(command: &mut Command, state: &Path) {
    for name in [
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "ANTHROPIC_API_KEY",
        "OLLAMA_HOST",
        "CLAW_MODEL",
        "CLAW_PROVIDER",
        "CLAW_BASE_URL",
    ] {
        command.env_remove(name);
    }
    command
        .env("CLAW_STATE_DIR", state.join("state"))
        .env("XDG_CACHE_HOME", state.join("cache"))
        .env("XDG_CONFIG_HOME", state.join("config"))
        .env("HOME", state);
}

/// An editor's side of the protocol, as plain as can be.
struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    next: u64,
}

impl Client {
    fn spawn(command: &mut Command, state: &Path) -> Result<Client, Failure> {
        isolate(command, state);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let input = child.stdin.take().ok_or("no stdin")?;
        let output = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        Ok(Client { child, input, output, next: 1 })
    }

    fn initialize(&mut self, root: Value, options: Value) -> Result<(), Failure> {
        let parameters = json!({"processId": std::process::id(), "rootUri": root, "capabilities": {}, "initializationOptions": options});
        self.request("initialize", parameters)?;
        self.notify("initialized", json!({}))
    }

    fn notify(&mut self, method: &str, parameters: Value) -> Result<(), Failure> {
        self.write(&json!({"jsonrpc": "2.0", "method": method, "params": parameters}))
    }

    /// The answer to a request; what else the server says meanwhile is passed over, its own requests answered by `null`.
    fn request(&mut self, method: &str, parameters: Value) -> Result<Value, Failure> {
        let id = self.next;
        self.next += 1;
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": parameters}))?;
        loop {
            let message = self.read()?;
            if message.get("method").is_some() {
                if let Some(theirs) = message.get("id") {
                    self.write(&json!({"jsonrpc": "2.0", "id": theirs, "result": null}))?;
                }
            } else if message.get("id") == Some(&json!(id)) {
                return match message.get("result") {
                    Some(result) => Ok(result.clone()),
                    None => Err(format!("{method}: {message}").into()),
                };
            }
        }
    }

    fn write(&mut self, message: &Value) -> Result<(), Failure> {
        let body = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len())?;
        Ok(self.input.flush()?)
    }

    fn read(&mut self) -> Result<Value, Failure> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                return Err("the server ended".into());
            }
            match line.trim().strip_prefix("Content-Length:") {
                Some(value) => length = value.trim().parse()?,
                None if line.trim().is_empty() => break,
                None => {}
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body)?;
        Ok(serde_json::from_slice(&body)?)
    }

    /// `VmRSS`, once the work that follows `initialized` has settled.
    fn resident_kilobytes(&mut self) -> Result<u64, Failure> {
        std::thread::sleep(Duration::from_millis(50));
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }

    fn stop(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Chat Completions endpoint that says `done`, and when a request reached it.
struct ModelServer {
    address: String,
    arrivals: mpsc::Receiver<Instant>,
}

impl ModelServer {
    fn start() -> Result<ModelServer, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = format!("http://{}/v1", listener.local_addr()?);
        let (sender, arrivals) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, &sender);
            }
        });
        Ok(ModelServer { address, arrivals })
    }

    fn first_byte(&self, workspace: &Path, state: &Path) -> Result<Duration, Failure> {
        let started = Instant::now();
        let status = claw_run(workspace, state)
            .args(["--provider", "openai", "--model", "bench", "--base-url", &self.address, "say done"])
            .env("OPENAI_API_KEY", "unused")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(format!("claw run ended with {status}").into());
        }
        Ok(self.arrivals.recv_timeout(Duration::from_secs(5))?.duration_since(started))
    }
}

fn answer(mut stream: TcpStream, arrivals: &mpsc::Sender<Instant>) -> Result<(), Failure> {
    let mut seen = Vec::new();
    let mut buffer = [0; 65536];
    let mut body_at = None;
    loop {
        let count = stream.read(&mut buffer)?;
        if seen.is_empty() {
            arrivals.send(Instant::now())?;
        }
        seen.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let text = String::from_utf8_lossy(&seen).into_owned();
        body_at = body_at.or_else(|| text.find("\r\n\r\n").map(|at| at + 4));
        let length = text.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")
                .and_then(|value| value.trim().parse::<usize>().ok())
        });
        if count == 0 || matches!((body_at, length), (Some(at), Some(length)) if seen.len() >= at + length) {
            break;
        }
    }
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": "done"}, "finish_reason": "stop"}]});
    let body = format!("data: {chunk}\n\ndata: [DONE]\n\n");
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    Ok(())
}

/// What is measured, printed once at the end.
#[derive(Default)]
struct Table {
    rows: Vec<(String, String, String)>,
}

impl Table {
    fn times(&mut self, name: &str, samples: &mut [Duration], goal: &str) {
        samples.sort();
        let milliseconds = |percent| percentile(samples, percent).as_secs_f64() * 1e3;
        let value = format!("p50 {:8.3} ms   p99 {:8.3} ms   n {}", milliseconds(50), milliseconds(99), samples.len());
        self.row(name, value, goal);
    }

    fn row(&mut self, name: &str, value: String, goal: &str) {
        self.rows.push((name.to_owned(), value, goal.to_owned()));
    }

    fn print(&self) {
        let mut out = std::io::stdout().lock();
        for (name, value, goal) in &self.rows {
            let _ = writeln!(out, "{name:<48} {value:<44} {goal}");
        }
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let mut samples = sorted.to_vec();
    samples.sort();
    let index = (samples.len().saturating_sub(1) * percent).div_ceil(100);
    samples.get(index).copied().unwrap_or_default()
}

/// The least that a tower-lsp server can be.
mod empty_server {
    use tower_lsp::gen_lsp_types::{InitializeParams, InitializeResult};
    use tower_lsp::jsonrpc::Result;
    use tower_lsp::{LanguageServer, LspService, Server};

    struct Empty;

    impl LanguageServer for Empty {
        async fn initialize(&self, _: InitializeParams) -> Result<InitializeResult> {
            Ok(InitializeResult::default())
        }

        async fn shutdown(&self) -> Result<()> {
            Ok(())
        }
    }

    pub fn serve() -> std::result::Result<(), super::Failure> {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
            let (service, socket) = LspService::new(|_| Empty);
            Server::new(tokio::io::stdin(), tokio::io::stdout(), socket).serve(service).await;
        });
        Ok(())
    }
}
