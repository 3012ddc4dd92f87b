//! Rights that grow while a turn runs.

use serde_json::json;

use crate::support::lsp_editor::{Editor, Setup};

#[tokio::test]
async fn c05_rights_that_grow_while_a_turn_runs_do_not_count_for_it() {
    let fetch = |number: u32, delay: u32| {
        let call = json!({"name": "web_fetch", "input": {"url": format!("http://nowhere.invalid/{number}")}});
        json!({"tools": [call], "delay_ms": delay})
    };
    let script = vec![fetch(1, 0), fetch(2, 1_000), json!({"text": "Done."})];
    let mut editor =
        Editor::start(Setup { files: vec![("a.txt", "x\n".to_owned())], script, ..Setup::default() }).await;
    let answer = editor.command("claw.ask", json!({"instruction": "fetch"})).await;
    editor.until(|editor| editor.was_asked("nowhere.invalid/1")).await;
    let loose =
        json!({"permissionMode": "auto", "permissions": {"allow": ["web_fetch(nowhere.invalid)", "web_fetch(*)"]}});
    editor.client.notify("workspace/didChangeConfiguration", json!({"settings": {"claw": loose}}));
    editor.client.ignore("window/showMessage");
    editor.turn_end(&answer["turn"]).await;
    assert!(editor.was_asked("nowhere.invalid/2"), "{:?}", editor.asked("window/showMessageRequest"));
    editor.finish().await;
}
