//! `initialize`, folders, and how a real process ends.

use std::path::{Path, PathBuf};

use claw::lsp::ServeOptions;
use claw::workspace::{DocPath, Workspace};
use serde_json::{Value, json};

use crate::support::lsp_client::{LspClient, file_uri, no_capabilities};

fn canonical(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().canonicalize().expect("its path")
}

async fn settle(client: &mut LspClient) {
    let params = json!({"textDocument": {"uri": "untitled:a"}, "position": {"line": 0, "character": 0}});
    client.request("textDocument/hover", params).await;
}

fn roots(workspace: &Workspace) -> Vec<PathBuf> {
    workspace.roots().iter().map(|root| root.path.clone()).collect()
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
    assert_eq!(roots(&workspace), [second.clone()]);
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
