//! A real server with few file descriptors, with much open in its editor, and with a client that sends rubbish.
#![cfg(unix)]

use std::process::Command;

use serde_json::{Value, json};

use crate::support::lsp_client::{LspClient, Reply, file_uri};
use crate::support::lsp_editor::served_by;
use crate::support::mock_model::{Answer, MockModel};

const FILES: usize = 2_000;
const OPEN: usize = 1_000;

fn text(number: usize) -> String {
    format!("pub fn function_{number}() -> usize {{\n    {number} // needle\n}}\n")
}

#[tokio::test]
async fn d09_256_descriptors_are_enough_for_2000_files_and_1000_open_documents() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("work");
    for number in 0..FILES {
        let path = root.join(format!("m{}/f{number}.rs", number % 40));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text(number)).unwrap();
    }
    // Sixteen side by side: more than run at once.
    let looks = |round: usize| {
        let searches = (0..8).map(move |at| ("search", json!({"pattern": format!("{round}{at} // needle")})));
        let symbols = (0..8).map(move |at| ("symbols", json!({"query": format!("function_{round}{at}")})));
        searches.chain(symbols).collect::<Vec<_>>()
    };
    let model = MockModel::start([Answer::calls(&looks(1)), Answer::calls(&looks(2)), Answer::text("Enough.")]);

    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 256; exec \"$0\" lsp 2>\"$1\"", env!("CARGO_BIN_EXE_claw")])
        .arg(folder.path().join("log"))
        .env("CLAW_STATE_DIR", folder.path().join("state"))
        .env("HOME", folder.path().join("home"));
    let mut client = LspClient::process(command);
    client.on_request(|_, _| Some(Reply::Result(Value::Null)));
    for method in ["textDocument/publishDiagnostics", "claw/event", "claw/proposal"] {
        client.ignore(method);
    }
    let mut settings = served_by(&model);
    settings["trusted"] = json!(true);
    client.initialize(json!({"experimental": {"claw": {"events": true}}}), Some(&root), settings).await;
    let process = client.process_id().unwrap();
    #[cfg(target_os = "linux")]
    {
        let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        assert_eq!(line.split_whitespace().nth(3), Some("256"), "{line}");
    }
    for number in 0..OPEN {
        let uri = file_uri(&root.join(format!("m{}/f{number}.rs", number % 40)));
        client.open(&uri, "rust", &text(number));
    }
    let ask = json!({"command": "claw.ask", "arguments": [{"instruction": "look at everything"}]});
    let answer = client.request("workspace/executeCommand", ask).await;
    assert_eq!(answer["ok"], true, "{answer}");
    let mut results = Vec::new();
    let end = loop {
        let event = client.notification("claw/event").await;
        match event["type"].as_str() {
            Some("tool_result") => results.push(event),
            Some("turn_end") => break event,
            _ => {}
        }
    };
    assert_eq!(end["status"], "done", "{end}");
    let mut counts = Vec::new();
    for result in &results {
        let output = result["output"].as_str().unwrap();
        // A file that could not be opened would be missing.
        let found = output.matches("// needle").count() + output.matches("fn function_").count();
        counts.push((result["tool"].as_str().unwrap().to_owned(), found));
    }
    // Numbers below 2000 that end in two given digits; those that begin with 1 and another, with 2 and another.
    let expected = [("search", 20, 16), ("symbols", 1 + 10 + 100, 8), ("symbols", 1 + 10, 8)];
    for (tool, found, times) in expected {
        let same = counts.iter().filter(|count| **count == (tool.to_owned(), found)).count();
        assert_eq!(same, times, "{tool} {found} in {counts:?}");
    }
    let told = client.notification("window/showMessage").await;
    assert_eq!(told["message"], "Claw: Enough.");
    assert_eq!(client.finish().await, 0);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(!log.to_lowercase().contains("too many open files"), "{log}");
}

/// The memory of a process in kilobytes.
#[cfg(target_os = "linux")]
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn l03_bad_headers_and_garbage_cost_no_more_than_eight_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_claw"));
    command
        .arg("lsp")
        .stderr(std::process::Stdio::null())
        .env("CLAW_STATE_DIR", folder.path().join("state"))
        .env("HOME", folder.path().join("home"));
    let mut client = LspClient::process(command);
    client.initialize(json!({}), None, json!({})).await;
    let process = client.process_id().unwrap();
    let status = json!({"command": "claw.status", "arguments": []});
    client.request("workspace/executeCommand", status.clone()).await;
    let before = resident(process);
    let long_line = format!("X-Long: {}\r\n", "a".repeat(1 << 20));
    let garbage = "garbage ".repeat(1 << 19);
    let reported = [
        "Content-Length: -1\r\n\r\n",
        "Content-Length: 100000000000\r\n\r\n{}",
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        "Content-Type: text/plain\r\n\r\n{}",
    ];
    for round in 0..16 {
        for bytes in [long_line.as_str(), garbage.as_str()].into_iter().chain(reported) {
            client.send_bytes(bytes.as_bytes().to_vec());
            if reported.contains(&bytes) {
                assert!(client.response(&Value::Null).await.is_err(), "{bytes:.40}");
            }
            client.request("workspace/executeCommand", status.clone()).await;
        }
        let grown = resident(process).saturating_sub(before);
        assert!(grown <= 8 << 10, "{grown} KB more after round {round}");
    }
    assert_eq!(client.finish().await, 0);
}
