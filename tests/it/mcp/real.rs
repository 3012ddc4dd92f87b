//! Servers that others wrote, with two libraries and both transports.

use std::io::BufRead;
use std::process::{Command, Stdio};

use super::*;

fn tools() -> PathBuf {
    let folder = std::env::var_os("CLAW_TOOLS").map(PathBuf::from);
    folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools")).join("mcp")
}

fn everything() -> PathBuf {
    tools().join("node_modules/@modelcontextprotocol/server-everything/dist/index.js")
}

fn program(command: &str, args: &[&str]) -> McpServer {
    McpServer {
        command: Some(command.to_owned()),
        args: args.iter().map(|argument| argument.to_string()).collect(),
        network: false,
        read: vec![tools().canonicalize().expect("tests/setup/all mcp-servers").display().to_string()],
        ..McpServer::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_protocols_own_example_server() {
    let server = program("node", &[&everything().display().to_string(), "stdio"]);
    let calls = [
        ("every__echo", json!({"message": "hello"})),
        ("every__get-sum", json!({"a": 2, "b": 40})),
        ("every__get-tiny-image", json!({})),
        ("every__echo", json!({"wrong": true})),
    ];
    let (_, result, results) = run(config([("every", server)]), &calls).await;
    assert!(offered(&result).len() > 20, "{:?}", offered(&result));
    assert_eq!(answer(&results[0]), "Echo: hello");
    assert!(answer(&results[1]).contains("42"), "{}", results[1].1);
    assert!(answer(&results[2]).contains("[an image that is not shown: image/png"), "{}", results[2].1);
    assert!(!results[3].0, "{}", results[3].1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_from_python() {
    let python = tools().join("python/bin/python").display().to_string();
    let time = program(&python, &["-m", "mcp_server_time"]);
    let git = program(&python, &["-m", "mcp_server_git"]);
    let calls = [
        ("time__convert_time", json!({"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"})),
        ("git__git_status", json!({"repo_path": "/"})),
    ];
    let (_, result, results) = run(config([("time", time), ("git", git)]), &calls).await;
    assert!(connected(&result).unwrap().servers.iter().all(|server| server.ok), "{:?}", connected(&result));
    assert!(answer(&results[0]).contains("21:00"), "{}", results[0].1);
    // There is no repository at `/` of its sandbox.
    assert!(!results[1].0 || results[1].1.contains("error") || results[1].1.contains("not"), "{}", results[1].1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_over_http() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut process = Command::new("node")
        .args([everything().display().to_string(), "streamableHttp".to_owned()])
        .env("PORT", port.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = process.stderr.take().unwrap();
    let mut lines = std::io::BufReader::new(stderr).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains(&port.to_string()))), "it listens");
    std::thread::spawn(move || lines.for_each(drop));
    let server = McpServer { url: Some(format!("http://127.0.0.1:{port}/mcp")), ..McpServer::default() };
    let (_, result, results) = run(config([("web", server)]), &[("web__echo", json!({"message": "over HTTP"}))]).await;
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(connected(&result).unwrap().servers[0].ok, "{:?}", connected(&result));
    assert_eq!(answer(&results[0]), "Echo: over HTTP");
}
