//! kill -9 at sampled points of a session: what was acknowledged is there after the restart, and the restart is quick.
//!
//! strace kills the real server as it enters its n-th call of a kind, before the call is made: the points are the calls by which
//! an undisturbed run touches the state folder. 40 of them here; `CLAW_TEST_KILLS=200 cargo nextest run -E
//! 'test(kill_9)' --no-capture` takes 200 and prints what it found.
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::lsp_client::{PATIENCE, file_uri};

const POINTS: usize = 40;

/// How long a restarted server may take to show what waits, for half of the points; a busy machine is allowed more for the rest.
const RESTART: Duration = Duration::from_secs(1);

/// The kinds of calls that change files.
const CALLS: [&str; 8] = ["write", "fsync", "fdatasync", "openat", "rename", "ftruncate", "mkdir", "unlink"];

/// Servers at once.
const SIDE_BY_SIDE: usize = 3;

/// What is pending after each step of the script, by file.
const STEPS: [&[&str]; 7] = [
    &[],
    &["a.txt"],
    &["a.txt", "b.txt"],
    &["a.txt", "b.txt", "large.txt"],
    &["a.txt", "large.txt"],
    &["large.txt"],
    &["large.txt", "c.txt"],
];

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(place.root()).unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(place.root().join(format!("{name}.txt")), format!("one {name}\ntwo {name}\nthree {name}\n"))
                .unwrap();
        }
        let edit = |name: &str| {
            let input = json!({"path": format!("{name}.txt"), "old_string": format!("two {name}"), "new_string": format!("2 {name}")});
            json!({"tools": [{"name": "edit_file", "input": input}]})
        };
        let large = "a line of a large file\n".repeat(2_000);
        let turns = [
            edit("a"),
            edit("b"),
            json!({"tools": [{"name": "write_file", "input": {"path": "large.txt", "content": large}}]}),
            json!({"text": "Proposed."}),
            edit("c"),
            json!({"text": "One more."}),
        ];
        let script: String = turns.iter().map(|turn| format!("{turn}\n")).collect();
        std::fs::write(place.folder.path().join("turns.jsonl"), script).unwrap();
        place
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The server, behind `before`.
    fn start(&self, before: &[String]) -> Client {
        let words: Vec<String> =
            before.iter().cloned().chain([env!("CARGO_BIN_EXE_claw").to_owned(), "lsp".to_owned()]).collect();
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env("CLAW_STATE_DIR", self.state())
            .env("HOME", self.folder.path().join("home"))
            .stderr(Stdio::null());
        let mut client = Client::start(command);
        let params = json!({
            "processId": null,
            "capabilities": {
                "workspace": {"applyEdit": true, "workspaceEdit": {"documentChanges": true, "resourceOperations": ["create"]}},
                "experimental": {"claw": {"events": true, "review": 1}},
            },
            "workspaceFolders": [{"uri": file_uri(&self.root()), "name": "work"}],
            "initializationOptions": {
                "trusted": true, "provider": "script", "script": self.folder.path().join("turns.jsonl"),
            },
        });
        client.request("initialize", params);
        client.notify("initialized", json!({}));
        client
    }
}

/// A client that takes a server's death as it comes.
struct Client {
    child: Child,
    input: std::process::ChildStdin,
    messages: Receiver<Value>,
    next_id: i64,
}

/// The server is gone.
struct Gone;

impl Client {
    fn start(mut command: Command) -> Client {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("strace and the server");
        let (input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (send, messages) = channel();
        std::thread::spawn(move || {
            let mut bytes: Vec<u8> = Vec::new();
            let mut block = vec![0; 1 << 16];
            while let Ok(count @ 1..) = output.read(&mut block) {
                bytes.extend_from_slice(&block[..count]);
                while let Some(header) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                    let length: usize = String::from_utf8_lossy(&bytes[..header])
                        .trim_start_matches("Content-Length: ")
                        .parse()
                        .unwrap();
                    let end = header + 4 + length;
                    if bytes.len() < end {
                        break;
                    }
                    let message = serde_json::from_slice(&bytes[header + 4..end]).unwrap();
                    bytes.drain(..end);
                    let _ = send.send(message);
                }
            }
        });
        Client { child, input, messages, next_id: 0 }
    }

    fn request(&mut self, method: &str, params: Value) {
        self.next_id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params}));
    }

    fn command(&mut self, command: &str, argument: Value) {
        self.request("workspace/executeCommand", json!({"command": command, "arguments": [argument]}));
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        // Who is gone hears nothing.
        let _ = self.input.write_all(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
        let _ = self.input.flush();
    }

    fn next(&self) -> Result<Value, Gone> {
        match self.messages.recv_timeout(PATIENCE) {
            Ok(message) => Ok(message),
            Err(RecvTimeoutError::Disconnected) => Err(Gone),
            Err(RecvTimeoutError::Timeout) => panic!("the server says nothing any more"),
        }
    }

    fn leave(mut self) {
        self.request("shutdown", Value::Null);
        self.notify("exit", json!({}));
        while self.next().is_ok() {}
        self.child.wait().unwrap();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // strace first would leave its server behind.
        let id = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|id| rustix::process::Pid::from_raw(id.parse().ok()?)) {
            let _ = rustix::process::kill_process(child, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the client knows.
#[derive(Debug, Default)]
struct Known {
    /// The last step of [`STEPS`] that was acknowledged.
    step: usize,
    /// The client has made the accepted edit.
    applied: bool,
    /// Hunk ids, by file.
    ids: BTreeMap<String, String>,
    session: String,
}

/// Goes through the script until it is done or the server dies.
fn go(place: &Place, client: &mut Client, known: &mut Known) -> Result<(), Gone> {
    client.command("claw.ask", json!({"instruction": "Count in digits"}));
    let mut edits = 0;
    let mut asked_again = false;
    loop {
        let message = client.next()?;
        let params = &message["params"];
        match message["method"].as_str() {
            Some("claw/event") => {
                known.session = params["session"].as_str().unwrap().to_owned();
                match params["type"].as_str().unwrap() {
                    "tool_result" => {
                        assert_eq!(params["ok"], true, "{params}");
                        edits += 1;
                        known.step = if asked_again { 6 } else { edits };
                    }
                    "review" if params["decision"] == "rejected" => {
                        known.step = 4;
                        let hunk = &known.ids["a.txt"];
                        client.command("claw.acceptHunk", json!({"session": known.session, "hunk": hunk}));
                    }
                    "review" if params["decision"] == "accepted" => {
                        known.step = 5;
                        asked_again = true;
                        client.command("claw.ask", json!({"instruction": "One more", "session": known.session}));
                    }
                    "turn_end" if asked_again => return Ok(()),
                    _ => {}
                }
            }
            // Proposals are told while the turn runs, too.
            Some("claw/proposal") if known.ids.is_empty() && pending(params).len() == 3 => {
                known.ids = pending(params);
                let hunk = &known.ids["b.txt"];
                client.command("claw.rejectHunk", json!({"session": known.session, "hunk": hunk}));
            }
            Some("workspace/applyEdit") => {
                std::fs::write(place.root().join("a.txt"), "one a\n2 a\nthree a\n").unwrap();
                known.applied = true;
                client.send(&json!({"jsonrpc": "2.0", "id": message["id"], "result": {"applied": true}}));
            }
            Some(_) if message.get("id").is_some() => {
                client.send(&json!({"jsonrpc": "2.0", "id": message["id"], "result": null}));
            }
            _ => {}
        }
    }
}

/// The hunks of a proposal that are not decided, by file.
fn pending(proposal: &Value) -> BTreeMap<String, String> {
    let files = proposal["files"].as_array().unwrap().iter();
    let hunks = files.flat_map(|file| {
        file["hunks"].as_array().unwrap().iter().map(move |hunk| (file["path"].as_str().unwrap().to_owned(), hunk))
    });
    let open = hunks.filter(|(_, hunk)| matches!(hunk["state"].as_str(), Some("pending" | "conflict" | "unverified")));
    open.map(|(path, hunk)| (path, hunk["hunk"].as_str().unwrap().to_owned())).collect()
}

/// The calls by which an undisturbed run touches its state folder, as kind and number within their thread; and the ids.
fn undisturbed() -> (Vec<(String, usize)>, BTreeMap<String, String>) {
    let place = Place::new();
    let log = place.folder.path().join("strace");
    let trace = format!("trace={}", CALLS.join(","));
    let before = ["strace", "-f", "-y", "-qq", "-e", "signal=none", "-e", &trace, "-o", log.to_str().unwrap()]
        .map(str::to_owned);
    let mut client = place.start(&before);
    let mut known = Known::default();
    assert!(go(&place, &mut client, &mut known).is_ok(), "nobody kills this one");
    client.leave();
    assert_eq!((known.step, known.applied), (6, true));
    // The last proposal has the fourth hunk.
    let mut client = place.start(&[]);
    let (found, _) = wait_for_proposal(&mut client, Instant::now());
    known.ids.extend(found);
    client.leave();
    let state = place.state().display().to_string();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut points = BTreeSet::new();
    for line in std::fs::read_to_string(&log).unwrap().lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let Some((kind, arguments)) = call.trim_start().split_once('(') else { continue };
        let count = counts.entry((thread.to_owned(), kind.to_owned())).or_default();
        *count += 1;
        if arguments.contains(&state) && CALLS.contains(&kind) {
            points.insert((kind.to_owned(), *count));
        }
    }
    (points.into_iter().collect(), known.ids)
}

fn wait_for_proposal(client: &mut Client, began: Instant) -> (BTreeMap<String, String>, Duration) {
    loop {
        let message = client.next().unwrap_or_else(|Gone| panic!("the restarted server died"));
        if message["method"] == "claw/proposal" {
            return (pending(&message["params"]), began.elapsed());
        }
    }
}

#[derive(Debug)]
struct Outcome {
    killed: bool,
    /// Of a restart that had something to show.
    restart: Option<Duration>,
}

/// Kills the server at a point, starts it again, and checks what it shows.
fn kill_at(kind: &str, number: usize, ids: &BTreeMap<String, String>) -> Outcome {
    let place = Place::new();
    // Without `--seccomp-bpf`, with which strace 6.1 never counts beyond the first call.
    let inject = format!("inject={kind}:signal=KILL:when={number}");
    let before =
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={kind}"), "-e", &inject].map(str::to_owned);
    let mut client = place.start(&before);
    let mut known = Known::default();
    let killed = go(&place, &mut client, &mut known).is_err();
    drop(client);

    // What of the steps that may have been done is pending: at least the last that was acknowledged.
    let applied: &[&str] = if known.applied { &["a.txt"] } else { &[] };
    let at_step = |step: &[&str]| -> BTreeMap<String, String> {
        step.iter()
            .filter(|name| !applied.contains(*name))
            .map(|name| ((*name).to_owned(), ids[*name].clone()))
            .collect()
    };
    let last = if killed { STEPS.len() } else { known.step + 1 };
    let possible: Vec<BTreeMap<String, String>> = STEPS[known.step..last].iter().map(|step| at_step(step)).collect();
    if possible.contains(&BTreeMap::new()) {
        // It may show nothing. What it must not is to fail.
        let mut client = place.start(&[]);
        client.command("claw.status", json!({}));
        let answer = loop {
            let message = client.next().unwrap_or_else(|Gone| panic!("the restarted server died"));
            if message["id"] == 2 {
                break message;
            }
        };
        assert_eq!(answer["result"]["ok"], true, "{answer}");
        client.leave();
        return Outcome { killed, restart: None };
    }
    let began = Instant::now();
    let mut client = place.start(&[]);
    let (shown, restart) = wait_for_proposal(&mut client, began);
    assert!(
        possible.contains(&shown),
        "killed at {kind} {number}, after step {} ({known:?}): {shown:?} is none of {possible:?}",
        known.step
    );
    client.leave();
    check_state(&place.state());
    Outcome { killed, restart: Some(restart) }
}

/// Nothing is left of half-done writes, and a trace of the killed turn has its end.
fn check_state(state: &Path) {
    for session in std::fs::read_dir(state.join("sessions")).unwrap() {
        let trace = std::fs::read_to_string(session.unwrap().path().join("trace.jsonl")).unwrap();
        let mut open = 0;
        for line in trace.lines() {
            let event: Value = serde_json::from_str(line).expect("a whole event");
            match event["type"].as_str() {
                Some("turn_start") => open += 1,
                Some("turn_end") => open -= 1,
                _ => {}
            }
        }
        assert_eq!(open, 0, "{trace}");
    }
}

#[test]
fn r02_e11_kill_9_at_any_point_loses_nothing_acknowledged() {
    let wanted = std::env::var("CLAW_TEST_KILLS").ok().map_or(POINTS, |count| count.parse().expect("a number"));
    let (points, ids) = undisturbed();
    assert!(points.len() >= 20, "a session touches its state folder more often: {points:?}");
    // Spread evenly; with more wanted than there are, each is taken more than once.
    let sample: Vec<(String, usize)> = (0..wanted)
        .map(|index| points[(index * points.len() / wanted.min(points.len())) % points.len()].clone())
        .collect();
    let queue = Arc::new(Mutex::new(sample.into_iter()));
    let workers: Vec<_> = (0..SIDE_BY_SIDE)
        .map(|_| {
            let (queue, ids) = (Arc::clone(&queue), ids.clone());
            std::thread::spawn(move || {
                let mut outcomes = Vec::new();
                loop {
                    let Some((kind, number)) = queue.lock().unwrap().next() else { return outcomes };
                    // Threads share the work otherwise than they did: a number that none reaches is taken lower.
                    let mut number = number;
                    loop {
                        let outcome = kill_at(&kind, number, &ids);
                        println!("{kind} {number}: {outcome:?}");
                        let again = !outcome.killed && number > 1;
                        outcomes.push(outcome);
                        if !again {
                            break;
                        }
                        number = number * 2 / 3;
                    }
                }
            })
        })
        .collect();
    let outcomes: Vec<Outcome> =
        workers.into_iter().flat_map(|worker| worker.join().expect("a point that holds")).collect();
    let killed = outcomes.iter().filter(|outcome| outcome.killed).count();
    let mut restarts: Vec<Duration> = outcomes.iter().filter_map(|outcome| outcome.restart).collect();
    restarts.sort();
    let median = restarts[restarts.len() / 2];
    println!(
        "{} points of {}, {killed} killed; {} restarts with something to show: median {median:?}, longest {:?}",
        outcomes.len(),
        points.len(),
        restarts.len(),
        restarts.last()
    );
    assert_eq!(killed, wanted, "every sampled point is a kill");
    let telling = outcomes.iter().filter(|outcome| outcome.killed && outcome.restart.is_some()).count();
    assert!(telling * 4 >= wanted, "many come after something was acknowledged: {telling}");
    assert!(median <= RESTART, "{restarts:?}");
}
