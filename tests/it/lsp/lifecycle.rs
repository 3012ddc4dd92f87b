//! `initialize`, folders, and how a real process ends.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use claw::config::Environment;
use claw::lsp::ServeOptions;
use claw::workspace::{DocPath, Workspace};
use serde_json::{Value, json};

use crate::support::lsp_client::{LspClient, Reply, file_uri, no_capabilities};

fn canonical(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().canonicalize().expect("its path")
}

async fn settle(client: &mut LspClient) {
    let params = json!({"textDocument": {"uri": "untitled:a"}, "position": {"line": 0, "character": 0}});
    client.request("textDocument/hover", params).await;
}

/// A server that reads nobody's files of configuration.
fn without_user_config() -> ServeOptions {
    ServeOptions { environment: Some(Environment::default()), ..ServeOptions::default() }
}

fn roots(workspace: &Workspace) -> Vec<PathBuf> {
    workspace.roots().iter().map(|root| root.path.clone()).collect()
}

#[tokio::test]
async fn a_preview_is_announced_to_clients_that_can_show_one() {
    for (edits, expected) in [
        (json!({"documentChanges": true, "changeAnnotationSupport": {}}), json!({"claw": {"preview": true}})),
        (json!({"documentChanges": true}), Value::Null),
    ] {
        let mut client = LspClient::in_memory(ServeOptions::default());
        let capabilities = json!({"workspace": {"applyEdit": true, "workspaceEdit": edits}});
        let result = client.initialize(capabilities, None, Value::Null).await;
        assert_eq!(result["capabilities"]["experimental"], expected);
        client.finish().await;
    }
}

#[tokio::test]
async fn capabilities_are_those_of_the_contract() {
    let mut client = LspClient::in_memory(ServeOptions::default());
    let result = client.initialize(no_capabilities(), None, Value::Null).await;
    assert_eq!(result["serverInfo"], json!({"name": "claw", "version": env!("CARGO_PKG_VERSION")}));
    let capabilities = &result["capabilities"];
    assert_eq!(
        capabilities["textDocumentSync"],
        json!({"openClose": true, "change": 2, "save": {"includeText": false}})
    );
    assert_eq!(capabilities["hoverProvider"], true);
    assert_eq!(capabilities["codeLensProvider"], json!({"resolveProvider": false}));
    assert_eq!(capabilities["codeActionProvider"]["resolveProvider"], true);
    assert_eq!(capabilities["workspace"]["workspaceFolders"], json!({"supported": true, "changeNotifications": true}));
    // Nothing that competes with the language's own server.
    for provider in ["completionProvider", "definitionProvider", "documentFormattingProvider", "diagnosticProvider"] {
        assert_eq!(capabilities.get(provider), None, "{provider}");
    }
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn l15_folders_come_and_go_and_documents_with_them() {
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let [first, second] = folders.each_ref().map(canonical);
    let workspace = Workspace::default();
    let mut client = LspClient::in_memory(ServeOptions { workspace: workspace.clone(), ..ServeOptions::default() });
    client.initialize(no_capabilities(), Some(&first), Value::Null).await;
    for folder in [&first, &second] {
        client.open(&format!("{}/a.rs", file_uri(folder)), "rust", "text");
    }
    settle(&mut client).await;
    let are_files = |workspace: &Workspace| {
        let buffers = workspace.buffers();
        [&first, &second].map(|folder| {
            let uri = format!("{}/a.rs", file_uri(folder));
            let (path, _) = buffers.iter().find(|(_, buffer)| *buffer.uri == *uri).expect("it is open");
            matches!(path, DocPath::File { .. })
        })
    };
    assert_eq!(are_files(&workspace), [true, false]);
    let folder = |path: &Path| json!([{"uri": file_uri(path), "name": "x"}]);
    let event = json!({"event": {"added": folder(&second), "removed": folder(&first)}});
    client.notify("workspace/didChangeWorkspaceFolders", event);
    settle(&mut client).await;
    assert_eq!(roots(&workspace), std::slice::from_ref(&second));
    assert_eq!(are_files(&workspace), [false, true]);
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn l15_a_thousand_folders_are_opened() {
    let parent = tempfile::tempdir().expect("a folder");
    let parent = canonical(&parent);
    let folders: Vec<Value> = (0..1000)
        .map(|number| {
            let path = parent.join(number.to_string());
            std::fs::create_dir(&path).expect("a folder");
            json!({"uri": file_uri(&path), "name": number.to_string()})
        })
        .collect();
    let workspace = Workspace::default();
    let mut client = LspClient::in_memory(ServeOptions { workspace: workspace.clone(), ..ServeOptions::default() });
    let params = json!({"processId": null, "capabilities": {}, "workspaceFolders": folders});
    client.request("initialize", params).await;
    client.notify("initialized", json!({}));
    settle(&mut client).await;
    assert_eq!(roots(&workspace).len(), 1000);
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn l15_the_whole_disk_is_no_project_unless_trusted() {
    for (trusted, expected) in [(false, 0), (true, 1)] {
        let workspace = Workspace::default();
        let mut client = LspClient::in_memory(ServeOptions { workspace: workspace.clone(), ..ServeOptions::default() });
        client.initialize(no_capabilities(), Some(Path::new("/")), json!({"trusted": trusted})).await;
        if !trusted {
            let message = client.notification("window/showMessage").await;
            assert!(message["message"].as_str().expect("text").contains("claw trust /"), "{message}");
        }
        settle(&mut client).await;
        assert_eq!(roots(&workspace).len(), expected);
        assert_eq!(client.finish().await, 0);
    }
}

#[tokio::test]
async fn l15_a_folder_that_is_not_there_is_told_once() {
    let mut client = LspClient::in_memory(ServeOptions::default());
    client.initialize(no_capabilities(), Some(Path::new("/no/such/folder")), Value::Null).await;
    let message = client.notification("window/showMessage").await;
    assert!(message["message"].as_str().expect("text").contains("/no/such/folder"), "{message}");
    settle(&mut client).await;
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn wrong_settings_are_told_once_and_the_rest_holds() {
    let mut client = LspClient::in_memory(without_user_config());
    client.initialize(no_capabilities(), None, json!({"modle": "x", "provider": "script"})).await;
    let text = |message: &Value| message["message"].as_str().expect("text").to_owned();
    let message = client.notification("window/showMessage").await;
    assert_eq!(message["type"], 2);
    assert!(text(&message).contains("modle") && text(&message).contains("nearest key is model"), "{message}");
    client.notify("workspace/didChangeConfiguration", json!({"settings": {"claw": {"model": "y"}}}));
    client.notify("workspace/didChangeConfiguration", json!({"settings": null}));
    client.notify("workspace/didChangeConfiguration", json!({"settings": {"claw": {"limits": {"maxSteps": "many"}}}}));
    let message = client.notification("window/showMessage").await;
    assert!(text(&message).contains("limits.max_steps"), "{message}");
    client.notify("workspace/didChangeConfiguration", json!({"settings": {"claw": [1]}}));
    let message = client.notification("window/showMessage").await;
    assert!(text(&message).contains("must be an object"), "{message}");
    settle(&mut client).await;
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn c01_an_untrusted_folder_does_not_configure_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join(".claw")).expect("a folder");
    std::fs::write(folder.path().join(".claw/config.toml"), "base_url = \"http://evil.example/v1\"\n").expect("a file");
    let root = canonical(&folder);
    for (trusted, expected) in [(false, true), (true, false)] {
        let mut client = LspClient::in_memory(without_user_config());
        client.initialize(no_capabilities(), Some(&root), json!({"trusted": trusted})).await;
        if expected {
            let message = client.notification("window/showMessage").await;
            assert!(message["message"].as_str().expect("text").contains("not trusted"), "{message}");
        }
        settle(&mut client).await;
        assert_eq!(client.finish().await, 0);
    }
}

#[tokio::test]
async fn settings_are_asked_for_only_where_the_client_can_be_asked() {
    let capabilities =
        json!({"workspace": {"configuration": true, "didChangeConfiguration": {"dynamicRegistration": true}}});
    let mut client = LspClient::in_memory(ServeOptions::default());
    let asked = Arc::new(Mutex::new(Vec::new()));
    client.on_request({
        let asked = Arc::clone(&asked);
        move |method, params| {
            asked.lock().unwrap().push((method.to_owned(), params.clone()));
            match method {
                "workspace/configuration" => Some(Reply::Result(json!([{"nonsense": 1}]))),
                "client/registerCapability" => Some(Reply::Error(-32601, "not here")),
                _ => None,
            }
        }
    });
    client.initialize(capabilities, None, Value::Null).await;
    client.notification("window/showMessage").await;
    client.notify("workspace/didChangeConfiguration", json!({"settings": null}));
    settle(&mut client).await;
    settle(&mut client).await;
    assert_eq!(client.finish().await, 0);
    let asked: Vec<String> = asked.lock().unwrap().iter().map(|(method, _)| method.clone()).collect();
    assert_eq!(asked, ["client/registerCapability", "workspace/configuration", "workspace/configuration"]);
}

fn claw_lsp(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_claw"));
    command.arg("lsp").args(arguments);
    command
}

#[tokio::test]
async fn l08_a_real_process_ends_with_the_right_code() {
    let mut client = LspClient::process(claw_lsp(&["--stdio"]));
    client.initialize(no_capabilities(), None, Value::Null).await;
    settle(&mut client).await;
    assert_eq!(client.finish().await, 0, "shutdown and exit");

    let start = Instant::now();
    let mut client = LspClient::process(claw_lsp(&[]));
    client.initialize(no_capabilities(), None, Value::Null).await;
    client.send(&json!({"jsonrpc": "2.0", "method": "exit"}));
    assert_eq!(client.exit_code().await, 1, "exit without shutdown");

    let mut client = LspClient::process(claw_lsp(&[]));
    client.initialize(no_capabilities(), None, Value::Null).await;
    assert_eq!(client.hang_up().await, 1, "end of input");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_real_process_writes_nothing_but_the_protocol() {
    // The client fails on anything that is no frame, so asking for every log line there is must not show.
    let mut command = claw_lsp(&[]);
    command.env("CLAW_LOG", "trace").stderr(Stdio::null());
    let mut client = LspClient::process(command);
    client.initialize(no_capabilities(), None, Value::Null).await;
    client.send_bytes(b"garbage\r\n\r\n".to_vec());
    assert_eq!(client.response(&Value::Null).await.expect_err("an error")["code"], -32700);
    settle(&mut client).await;
    assert_eq!(client.finish().await, 0);
}

#[tokio::test]
async fn the_server_ends_with_its_client() {
    for by_argument in [true, false] {
        let mut parent = Command::new("sleep").arg("1000").spawn().expect("a process");
        let id = parent.id().to_string();
        let arguments = [format!("--clientProcessId={id}")];
        let arguments: Vec<&str> = if by_argument { vec![&arguments[0]] } else { Vec::new() };
        let mut client = LspClient::process(claw_lsp(&arguments));
        let process_id = if by_argument { Value::Null } else { json!(parent.id()) };
        client.request("initialize", json!({"processId": process_id, "capabilities": {}})).await;
        client.notify("initialized", json!({}));
        settle(&mut client).await;
        // Not waited for: a client that died is a zombie until somebody does.
        parent.kill().expect("it dies");
        assert_eq!(client.exit_code().await, 1);
        parent.wait().expect("it is dead");
    }
}

#[tokio::test]
async fn a_client_process_that_is_not_there_is_gone() {
    let mut parent = Command::new("true").spawn().expect("a process");
    parent.wait().expect("it ends");
    let client = LspClient::process(claw_lsp(&[&format!("--clientProcessId={}", parent.id())]));
    assert_eq!(client.exit_code().await, 1);
}

#[tokio::test]
async fn a_client_that_closes_its_end_is_gone() {
    let mut command = claw_lsp(&[]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the server starts");
    drop(child.stdout.take());
    let mut input = child.stdin.take().expect("its input");
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}).to_string();
    write!(input, "Content-Length: {}\r\n\r\n{body}", body.len()).expect("it reads");
    let code = tokio::task::spawn_blocking(move || child.wait()).await.expect("waited").expect("it ends").code();
    assert_eq!(code, Some(1));
    drop(input);
}
