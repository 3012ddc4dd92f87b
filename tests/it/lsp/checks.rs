//! What the check commands said of a proposal, in an editor.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::lsp_client::{LspClient, file_uri, no_capabilities};

#[tokio::test]
async fn a_hover_and_the_proposal_tell_which_checks_passed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("work");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("a.txt"), "one\ntwo\n").unwrap();
    let edit = json!({"path": "a.txt", "old_string": "two", "new_string": "2"});
    let turns = [json!({"tools": [{"name": "edit_file", "input": edit}]}), json!({"text": "Done."})];
    let script = folder.path().join("script.jsonl");
    std::fs::write(&script, turns.map(|turn| format!("{turn}\n")).concat()).unwrap();

    // A process, because only the program itself can put up the sandbox.
    let mut claw = Command::new(env!("CARGO_BIN_EXE_claw"));
    claw.arg("lsp").env("HOME", folder.path()).env("CLAW_STATE_DIR", folder.path().join("state"));
    let mut client = LspClient::process(claw);
    for method in ["textDocument/publishDiagnostics", "$/progress", "window/showMessage", "window/logMessage"] {
        client.ignore(method);
    }
    let mut capabilities = no_capabilities();
    capabilities["experimental"] = json!({"claw": {"review": 1}});
    let checks = ["grep -q 2 a.txt", "grep -q three a.txt"];
    let settings = json!({"provider": "script", "script": script, "trusted": true, "check": {"commands": checks}});
    client.initialize(capabilities, Some(&root), settings).await;
    let uri = file_uri(&root.join("a.txt"));
    client.open(&uri, "plaintext", "one\ntwo\n");
    let ask = json!({"command": "claw.ask", "arguments": [{"instruction": "go"}]});
    let answer = client.request("workspace/executeCommand", ask).await;
    assert_eq!(answer["ok"], true, "{answer}");

    let expected = json!([
        {"command": checks[0], "ok": true},
        {"command": checks[1], "ok": false, "before": true},
    ]);
    loop {
        let proposal = client.notification("claw/proposal").await;
        if let Some(told) = proposal.get("checks") {
            assert_eq!(*told, expected);
            break;
        }
    }
    let place = json!({"textDocument": {"uri": uri}, "position": {"line": 1, "character": 0}});
    let hover: Value = client.request("textDocument/hover", place).await;
    let shown = hover["contents"]["value"].as_str().expect("a hover");
    let line = "checks: grep -q 2 a.txt ✓, grep -q three a.txt ✗ (failed before too)";
    assert!(shown.replace('\\', "").ends_with(line), "{shown}");
    let proposal = json!({"command": "claw.proposal", "arguments": []});
    assert_eq!(client.request("workspace/executeCommand", proposal).await["checks"], expected);

    let hunks = json!({"command": "claw.rejectAll", "arguments": []});
    assert_eq!(client.request("workspace/executeCommand", hunks).await["rejected"], 1);
    let proposal = client.notification("claw/proposal").await;
    assert_eq!(proposal.get("checks"), None, "{proposal}");
    client.finish().await;
}
