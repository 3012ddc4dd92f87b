//! Frames, ids, lifecycle, panics: what no client should send and some do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use claw::lsp::{OnMethod, ServeOptions};
use claw::workspace::Workspace;
use serde_json::{Value, json};

use crate::support::lsp_client::{LspClient, Reply, no_capabilities};

const URI: &str = "untitled:a";

async fn initialized() -> LspClient {
    LspClient::start(no_capabilities(), None, Value::Null).await
}

/// A client whose server's documents can be looked at.
async fn initialized_with_workspace() -> (LspClient, Workspace) {
    let workspace = Workspace::default();
    let mut client = LspClient::in_memory(ServeOptions { workspace: workspace.clone(), ..ServeOptions::default() });
    client.initialize(no_capabilities(), None, Value::Null).await;
    (client, workspace)
}

fn text_of(workspace: &Workspace, uri: &str) -> Option<String> {
    let buffers = workspace.buffers();
    buffers.iter().find(|(_, buffer)| &*buffer.uri == uri).map(|(_, buffer)| buffer.text.to_string())
}

fn hover_params() -> Value {
    json!({"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}})
}

/// Waits until everything that was sent before has been handled.
async fn settle(client: &mut LspClient) {
    assert_eq!(client.request("textDocument/hover", hover_params()).await, Value::Null);
}

fn insert_at_start(text: &str) -> Value {
    let start = json!({"line": 0, "character": 0});
    json!([{"range": {"start": start, "end": start}, "text": text}])
}

#[tokio::test]
async fn l02_malformed_bodies_are_answered_with_id_null_and_the_next_request_is_served() {
    let cases: &[(&[u8], i64)] = &[
        (b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":", -32700),
        (b"\xff\xfe\xfd", -32700),
        (b"", -32700),
        (b"[]", -32600),
        (b"\"x\"", -32600),
        (b"[{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"textDocument/hover\"}]", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":5}", -32600),
    ];
    let mut client = initialized().await;
    for (body, code) in cases {
        client.send_body(body);
        let error = client.response(&Value::Null).await.expect_err("an error");
        assert_eq!(error["code"], *code, "{}", String::from_utf8_lossy(body));
        settle(&mut client).await;
    }
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn l03_a_bad_header_costs_one_error_at_most() {
    let long_line = format!("X-Long: {}\r\n", "a".repeat(1 << 20));
    let endless = "a".repeat(1 << 20);
    let cases: &[(&str, bool)] = &[
        ("Content-Length: -1\r\n\r\n", true),
        ("Content-Length: 100000000000\r\n\r\n{}", true),
        ("Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}", true),
        ("Content-Type: text/plain\r\n\r\n{}", true),
        ("garbage between frames", false),
        ("\u{1b}[31mlog line\n", false),
        (&long_line, false),
        (&endless, false),
    ];
    let mut client = initialized().await;
    for (before, is_reported) in cases {
        client.send_bytes(before.as_bytes().to_vec());
        if *is_reported {
            let error = client.response(&Value::Null).await.expect_err("an error");
            assert_eq!(error["code"], -32700, "{before:.40}");
        }
        settle(&mut client).await;
    }
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn l04_deep_json_is_refused_and_a_huge_document_is_taken() {
    let (mut client, workspace) = initialized_with_workspace().await;
    client.send_body("[".repeat(200_000).as_bytes());
    assert_eq!(client.response(&Value::Null).await.expect_err("an error")["code"], -32700);
    client.open(URI, "plaintext", "");
    let text = "0123456789abcde\n".repeat(60 << 16);
    client.change(URI, 2, json!([{"text": text}]));
    settle(&mut client).await;
    assert_eq!(text_of(&workspace, URI).map(|text| text.len()), Some(text.len()));
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn l05_frames_in_pieces_are_the_same_as_whole() {
    let (mut client, workspace) = initialized_with_workspace().await;
    client.open(URI, "plaintext", "");
    let mut frames = Vec::new();
    let mut expected = String::new();
    for number in 0..50 {
        let text = format!("{number}ä😀 ");
        expected.insert_str(0, &text);
        let body = json!({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {
            "textDocument": {"uri": URI, "version": number + 2},
            "contentChanges": insert_at_start(&text),
        }})
        .to_string();
        frames.extend_from_slice(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }
    for byte in &frames {
        client.send_bytes(vec![*byte]);
    }
    settle(&mut client).await;
    assert_eq!(text_of(&workspace, URI).as_deref(), Some(expected.as_str()), "a byte at a time");

    client.change(URI, 100, json!([{"text": ""}]));
    client.send_bytes(frames);
    settle(&mut client).await;
    assert_eq!(text_of(&workspace, URI).as_deref(), Some(expected.as_str()), "in one write");
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn l07_a_burst_of_changes_is_made_in_order() {
    let (mut client, workspace) = initialized_with_workspace().await;
    client.open(URI, "plaintext", "");
    let mut expected = String::new();
    let mut requests = Vec::new();
    for number in 0..1000 {
        client.change(URI, number + 2, insert_at_start(&format!("{number},")));
        expected.insert_str(0, &format!("{number},"));
        if number % 50 == 0 {
            let start = json!({"line": 0, "character": 0});
            requests.push(client.send_request(
                "textDocument/codeAction",
                json!({
                    "textDocument": {"uri": URI},
                    "range": {"start": start, "end": start},
                    "context": {"diagnostics": []},
                }),
            ));
        }
    }
    settle(&mut client).await;
    assert_eq!(text_of(&workspace, URI).as_deref(), Some(expected.as_str()));
    for id in requests {
        client.response(&json!(id)).await.expect("code actions");
    }
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn l08_requests_out_of_their_time_are_refused() {
    let mut client = LspClient::in_memory(ServeOptions::default());
    for method in ["textDocument/hover", "shutdown", "no/such/method"] {
        let error = client.try_request(method, Value::Null).await.expect_err("an error");
        assert_eq!(error["code"], -32002, "{method}");
    }
    client.notify("textDocument/didOpen", json!({}));
    client.initialize(no_capabilities(), None, Value::Null).await;
    settle(&mut client).await;
    let error = client.try_request("initialize", json!({"capabilities": {}})).await.expect_err("an error");
    assert_eq!(error["code"], -32600);
    settle(&mut client).await;
    assert_eq!(client.request("shutdown", Value::Null).await, Value::Null);
    for method in ["textDocument/hover", "shutdown", "initialize"] {
        let error = client.try_request(method, Value::Null).await.expect_err("an error");
        assert_eq!(error["code"], -32600, "{method}");
    }
    client.send(&json!({"jsonrpc": "2.0", "method": "exit"}));
    assert_eq!(client.exit_code().await, 0);
}

#[tokio::test]
async fn l08_a_failed_initialize_may_be_tried_again() {
    let mut client = LspClient::in_memory(ServeOptions::default());
    let error = client.try_request("initialize", json!({"capabilities": 5})).await.expect_err("an error");
    assert_eq!(error["code"], -32602);
    client.initialize(no_capabilities(), None, Value::Null).await;
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn l08_leaving_without_a_word_is_a_failure_within_a_second() {
    for initialize in [false, true] {
        for exit in [false, true] {
            let mut client = LspClient::in_memory(ServeOptions::default());
            if initialize {
                client.initialize(no_capabilities(), None, Value::Null).await;
            }
            let start = Instant::now();
            let code = if exit {
                client.send(&json!({"jsonrpc": "2.0", "method": "exit"}));
                client.exit_code().await
            } else {
                client.hang_up().await
            };
            assert_eq!(code, 1);
            assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        }
    }
}

#[tokio::test]
async fn l09_ids_of_every_kind_are_answered_once() {
    let mut client = initialized().await;
    for id in [json!("a"), json!(""), json!("1"), json!(-1), json!(0), json!(i64::MAX), json!(5_000_000_000_i64)] {
        client.send(&json!({"jsonrpc": "2.0", "id": id, "method": "textDocument/hover", "params": hover_params()}));
        assert_eq!(client.response(&id).await, Ok(Value::Null), "{id}");
    }
    for id in [json!(9_223_372_036_854_775_808_u64), json!(1.5), json!([]), json!(true)] {
        client.send(&json!({"jsonrpc": "2.0", "id": id, "method": "textDocument/hover", "params": hover_params()}));
        let error = client.response(&Value::Null).await.expect_err("an error");
        assert_eq!(error["code"], -32600, "{id}");
    }
    client.send(&json!({"jsonrpc": "2.0", "id": null, "method": "textDocument/hover", "params": hover_params()}));
    assert_eq!(client.response(&Value::Null).await, Ok(Value::Null));
    for id in 0..1000 {
        client.notify("$/cancelRequest", json!({"id": 10_000 + id}));
    }
    client.notify("$/cancelRequest", json!({"id": {}}));
    client.notify("$/cancelRequest", Value::Null);
    settle(&mut client).await;
    assert_eq!(client.finish().await, 0);
}

/// A server whose `workspace/executeCommand` never gets anywhere.
fn stuck() -> ServeOptions {
    let on_method: OnMethod = Arc::new(|method| match method {
        "workspace/executeCommand" => Box::pin(std::future::pending()),
        _ => Box::pin(std::future::ready(())),
    });
    ServeOptions { on_method: Some(on_method), ..ServeOptions::default() }
}

#[tokio::test]
async fn l09_requests_in_the_works_keep_their_ids_and_can_be_cancelled() {
    let mut client = LspClient::in_memory(stuck());
    client.initialize(no_capabilities(), None, Value::Null).await;
    for id in [json!("a"), json!(7), json!(5_000_000_000_i64)] {
        let command = json!({
            "jsonrpc": "2.0", "id": id, "method": "workspace/executeCommand", "params": {"command": "claw.status"},
        });
        client.send(&command);
        client.send(&command);
        let error = client.response(&id).await.expect_err("a second of the same id");
        assert_eq!(error["code"], -32600, "{id}");
        settle(&mut client).await;
        client.notify("$/cancelRequest", json!({"id": id}));
        let error = client.response(&id).await.expect_err("cancelled");
        assert_eq!(error["code"], -32800, "{id}");
        client.send(&command);
        client.notify("$/cancelRequest", json!({"id": id}));
        let error = client.response(&id).await.expect_err("cancelled again");
        assert_eq!(error["code"], -32800, "{id}");
    }
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn l09_more_requests_than_any_editor_has_are_refused_and_the_rest_is_served() {
    let mut client = LspClient::in_memory(stuck());
    client.initialize(no_capabilities(), None, Value::Null).await;
    let mut ids: Vec<i64> =
        (0..1100).map(|_| client.send_request("workspace/executeCommand", json!({"command": "x"}))).collect();
    for id in ids.split_off(1024) {
        let error = client.response(&json!(id)).await.expect_err("too many");
        assert_eq!(error["code"], -32803);
    }
    for id in ids {
        client.notify("$/cancelRequest", json!({"id": id}));
        let error = client.response(&json!(id)).await.expect_err("cancelled");
        assert_eq!(error["code"], -32800);
    }
    settle(&mut client).await;
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn l06_unanswered_prompts_hold_up_nothing() {
    let workspace = Workspace::default();
    let mut client = LspClient::in_memory(ServeOptions { workspace: workspace.clone(), ..ServeOptions::default() });
    let prompts = Arc::new(AtomicUsize::new(0));
    client.on_request({
        let prompts = Arc::clone(&prompts);
        move |method, _| {
            assert_eq!(method, "workspace/configuration");
            prompts.fetch_add(1, Ordering::SeqCst);
            Some(Reply::Silence)
        }
    });
    client.initialize(json!({"workspace": {"configuration": true}}), None, Value::Null).await;
    for _ in 0..63 {
        client.notify("workspace/didChangeConfiguration", json!({"settings": null}));
    }
    client.open(URI, "plaintext", "");
    let mut slowest = Duration::ZERO;
    let mut expected = String::new();
    for number in 0..400 {
        client.change(URI, number + 2, insert_at_start(&format!("{number},")));
        expected.insert_str(0, &format!("{number},"));
        if number % 10 == 0 {
            let start = Instant::now();
            settle(&mut client).await;
            slowest = slowest.max(start.elapsed());
        }
    }
    settle(&mut client).await;
    assert_eq!(text_of(&workspace, URI).as_deref(), Some(expected.as_str()));
    assert_eq!(prompts.load(Ordering::SeqCst), 64);
    assert!(slowest < Duration::from_millis(50), "the slowest hover took {slowest:?}");
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn what_was_asked_before_the_client_hung_up_is_answered() {
    let mut client = initialized().await;
    let id = client.send_request("textDocument/hover", hover_params());
    client.stop_writing();
    assert_eq!(client.response(&json!(id)).await, Ok(Value::Null));
    assert_eq!(client.exit_code().await, 1);
}

#[tokio::test]
async fn l09_unknown_methods_are_told_so_and_unknown_notifications_passed_over() {
    let mut client = initialized().await;
    for method in ["no/such/method", "textDocument/definition", ""] {
        let error = client.try_request(method, json!({})).await.expect_err("an error");
        assert_eq!(error["code"], -32601, "{method}");
    }
    let error = client.try_request("textDocument/didOpen", json!({})).await.expect_err("a notification");
    assert_eq!(error["code"], -32600);
    client.notify("no/such/notification", json!({}));
    client.notify("$/setTrace", json!({"value": "verbose"}));
    client.notify("textDocument/hover", hover_params());
    settle(&mut client).await;
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn l11_answers_to_nothing_are_passed_over() {
    let mut client = initialized().await;
    for id in [json!(999), json!("999"), Value::Null] {
        client.send(&json!({"jsonrpc": "2.0", "id": id, "result": {"applied": "yes"}}));
        client.send(&json!({"jsonrpc": "2.0", "id": id, "result": 1, "error": {"code": "odd", "message": 5}}));
        client.send(&json!({"jsonrpc": "2.0", "id": id, "error": "odd"}));
    }
    settle(&mut client).await;
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn l12_a_panic_in_any_handler_is_one_failed_request() {
    let victim = Arc::new(Mutex::new(String::new()));
    let panics = Arc::new(AtomicUsize::new(0));
    let options = ServeOptions {
        on_method: Some(Arc::new({
            let (victim, panics) = (Arc::clone(&victim), Arc::clone(&panics));
            move |method| {
                if *victim.lock().unwrap() == method {
                    panics.fetch_add(1, Ordering::SeqCst);
                    std::panic::resume_unwind(Box::new("injected"));
                }
                Box::pin(std::future::ready(()))
            }
        })),
        ..ServeOptions::default()
    };
    let mut client = LspClient::in_memory(options);
    let set = |method: &str| {
        *victim.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = method.to_owned();
        victim.clear_poison();
    };
    set("initialize");
    let error = client.try_request("initialize", json!({"capabilities": {}})).await.expect_err("an error");
    assert_eq!(error["code"], -32603);
    set("initialized");
    client.initialize(no_capabilities(), None, Value::Null).await;
    settle(&mut client).await;
    let requests = [
        "textDocument/hover",
        "textDocument/codeAction",
        "codeAction/resolve",
        "textDocument/codeLens",
        "workspace/executeCommand",
    ];
    for method in requests {
        set(method);
        let params = json!({
            "textDocument": {"uri": URI}, "position": {"line": 0, "character": 0},
            "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
            "context": {"diagnostics": []}, "title": "t", "command": "c",
        });
        let error = client.try_request(method, params).await.expect_err("an error");
        assert_eq!(error["code"], -32603, "{method}");
        set("");
        settle(&mut client).await;
    }
    let notifications = [
        "textDocument/didOpen",
        "textDocument/didChange",
        "textDocument/didSave",
        "textDocument/didClose",
        "workspace/didChangeWorkspaceFolders",
        "workspace/didChangeConfiguration",
        "window/workDoneProgress/cancel",
    ];
    for method in notifications {
        set(method);
        client.notify(method, json!({}));
        settle(&mut client).await;
    }
    assert_eq!(panics.load(Ordering::SeqCst), 2 + requests.len() + notifications.len());
    set("shutdown");
    let error = client.try_request("shutdown", Value::Null).await.expect_err("an error");
    assert_eq!(error["code"], -32603);
    client.send(&json!({"jsonrpc": "2.0", "method": "exit"}));
    assert_eq!(client.exit_code().await, 0);
}
