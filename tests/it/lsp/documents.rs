//! Open documents: encodings, odd ranges, odd URIs, odd orders.

use claw::lsp::ServeOptions;
use claw::text::{Position, PositionEncoding};
use claw::workspace::{Buffer, DocPath, Workspace};
use serde_json::{Value, json};

use crate::support::lsp_client::{LspClient, file_uri, no_capabilities};
use crate::text::sync::{Model, piece};
use crate::workspace::Random;

const URI: &str = "untitled:a";

struct Editor {
    client: LspClient,
    workspace: Workspace,
    version: i64,
}

impl Editor {
    async fn start(capabilities: Value, root: Option<&std::path::Path>) -> Editor {
        let workspace = Workspace::default();
        let mut client = LspClient::in_memory(ServeOptions { workspace: workspace.clone(), ..ServeOptions::default() });
        client.initialize(capabilities, root, Value::Null).await;
        Editor { client, workspace, version: 1 }
    }

    fn change(&mut self, changes: Value) {
        self.version += 1;
        self.client.change(URI, self.version, changes);
    }

    /// Sends a change whose JSON is written by hand.
    fn change_raw(&mut self, changes: &str) {
        self.version += 1;
        let document = format!(r#"{{"uri":"{URI}","version":{}}}"#, self.version);
        let params = format!(r#"{{"textDocument":{document},"contentChanges":{changes}}}"#);
        let body = format!(r#"{{"jsonrpc":"2.0","method":"textDocument/didChange","params":{params}}}"#);
        self.client.send_body(body.as_bytes());
    }

    async fn settle(&mut self) {
        let params = json!({"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}});
        self.client.request("textDocument/hover", params).await;
    }

    async fn buffer(&mut self, uri: &str) -> Option<Buffer> {
        self.settle().await;
        let buffers = self.workspace.buffers();
        buffers.iter().find(|(_, buffer)| &*buffer.uri == uri).map(|(_, buffer)| Buffer::clone(buffer))
    }

    /// The text of the document, and whether it is out of step.
    async fn text(&mut self) -> (String, bool) {
        let buffer = self.buffer(URI).await.expect("an open document");
        (buffer.text.to_string(), buffer.lossy)
    }
}

fn range(start: (u32, u32), end: (u32, u32)) -> Value {
    json!({"start": {"line": start.0, "character": start.1}, "end": {"line": end.0, "character": end.1}})
}

fn encodings(offered: &[&str]) -> Value {
    json!({"general": {"positionEncodings": offered}})
}

#[tokio::test]
async fn l14_the_encoding_is_agreed_and_positions_are_in_it() {
    let text = "ä😀x\nend";
    // Where `x` stands in each encoding.
    let cases: &[(Value, &str, u32)] = &[
        (no_capabilities(), "utf-16", 3),
        (encodings(&[]), "utf-16", 3),
        (encodings(&["utf-16"]), "utf-16", 3),
        (encodings(&["utf-16", "utf-8"]), "utf-8", 6),
        (encodings(&["utf-8", "utf-16", "utf-32"]), "utf-8", 6),
        (encodings(&["utf-32", "utf-16"]), "utf-16", 3),
        (encodings(&["utf-32"]), "utf-32", 2),
        (encodings(&["utf-7", "klingon"]), "utf-16", 3),
    ];
    for (capabilities, expected, character) in cases {
        let workspace = Workspace::default();
        let mut client = LspClient::in_memory(ServeOptions { workspace: workspace.clone(), ..ServeOptions::default() });
        let result = client.initialize(capabilities.clone(), None, Value::Null).await;
        assert_eq!(result["capabilities"]["positionEncoding"], *expected, "{capabilities}");
        let mut editor = Editor { client, workspace, version: 1 };
        editor.client.open(URI, "plaintext", text);
        editor.change(json!([{"range": range((0, *character), (0, character + 1)), "text": "YZ"}]));
        assert_eq!(editor.text().await, ("ä😀YZ\nend".to_owned(), false), "{expected}");
        assert_eq!(editor.client.finish().await, 0);
    }
}

#[tokio::test]
async fn d01_odd_ranges_are_clamped_or_mark_the_document() {
    const BEYOND: u32 = 1 << 31;
    let cases = [
        // Past the end of a line, of the text, of everything.
        (range((0, 99), (0, 99)), "ab!\r\n😀c\rd", false),
        (range((1, 3), (1, 99)), "ab\r\n😀c!\rd", false),
        (range((2, 0), (9, 9)), "ab\r\n😀c\r!", false),
        (range((99, 0), (99, 0)), "ab\r\n😀c\rd!", false),
        (range((0, 0), (BEYOND, BEYOND)), "!", false),
        // Between CR and LF is past the end of the line.
        (range((0, 3), (0, 3)), "ab!\r\n😀c\rd", false),
        // Inside a surrogate pair: never mid-character, and the document is marked.
        (range((1, 1), (1, 1)), "ab\r\n!😀c\rd", true),
        (range((1, 0), (1, 1)), "ab\r\n!😀c\rd", true),
        // Backwards: not made.
        (range((1, 0), (0, 0)), "ab\r\n😀c\rd", true),
        (range((0, 2), (0, 1)), "ab\r\n😀c\rd", true),
    ];
    let mut editor = Editor::start(no_capabilities(), None).await;
    for (range, expected, lossy) in cases {
        editor.client.open(URI, "plaintext", "ab\r\n😀c\rd");
        editor.change(json!([{"range": range, "text": "!"}]));
        assert_eq!(editor.text().await, (expected.to_owned(), lossy), "{range}");
        editor.change(json!([{"text": "whole"}]));
        assert_eq!(editor.text().await, ("whole".to_owned(), false), "a whole text heals");
    }
    assert_eq!(editor.client.finish().await, 0);
}

#[tokio::test]
async fn d01_a_change_that_can_not_be_read_marks_the_document() {
    let mut editor = Editor::start(no_capabilities(), None).await;
    let cases = [
        r#"[{"range":{"start":{"line":-1,"character":0},"end":{"line":0,"character":0}},"text":"x"}]"#,
        r#"[{"range":{"start":{"line":4294967296,"character":0},"end":{"line":0,"character":0}},"text":"x"}]"#,
        r#"[{"range":{"start":{"line":0.5,"character":0},"end":{"line":0,"character":0}},"text":"x"}]"#,
        r#"[{"text":5}]"#,
        "null",
    ];
    for changes in cases {
        editor.client.open(URI, "plaintext", "text");
        editor.change_raw(changes);
        assert_eq!(editor.text().await, ("text".to_owned(), true), "{changes}");
    }
    assert_eq!(editor.client.finish().await, 0);
}

#[tokio::test]
async fn d01_a_lone_surrogate_marks_the_document_until_it_comes_whole() {
    let mut editor = Editor::start(no_capabilities(), None).await;
    editor.client.open(URI, "plaintext", "ab");
    editor
        .change_raw(r#"[{"range":{"start":{"line":0,"character":1},"end":{"line":0,"character":1}},"text":"\ud83d"}]"#);
    assert_eq!(editor.text().await, ("a\u{fffd}b".to_owned(), true));
    // The other half arrives: JavaScript has a whole character now, and Claw still does not know that.
    editor
        .change_raw(r#"[{"range":{"start":{"line":0,"character":2},"end":{"line":0,"character":2}},"text":"\ude00"}]"#);
    assert_eq!(editor.text().await, ("a\u{fffd}\u{fffd}b".to_owned(), true));
    editor.change(json!([{"text": "a😀b"}]));
    assert_eq!(editor.text().await, ("a😀b".to_owned(), false));
    editor.change_raw(r#"[{"text":"\udead"}]"#);
    assert_eq!(editor.text().await, ("\u{fffd}".to_owned(), true));
    assert_eq!(editor.client.finish().await, 0);
}

#[tokio::test]
async fn changes_of_one_notification_build_on_each_other() {
    let mut editor = Editor::start(no_capabilities(), None).await;
    editor.client.open(URI, "plaintext", "one\ntwo\n");
    editor.change(json!([
        {"range": range((0, 0), (1, 0)), "text": ""},
        {"range": range((0, 3), (0, 3)), "text": "!\n"},
        {"text": "whole"},
        {"range": range((0, 5), (0, 5)), "text": " again", "rangeLength": 0},
    ]));
    assert_eq!(editor.text().await, ("whole again".to_owned(), false));
    assert_eq!(editor.buffer(URI).await.expect("open").version, 2);
    assert_eq!(editor.client.finish().await, 0);
}

#[tokio::test]
async fn documents_may_be_changed_before_they_are_open_and_opened_twice() {
    let mut editor = Editor::start(no_capabilities(), None).await;
    editor.change(json!([{"range": range((0, 0), (0, 0)), "text": "x"}]));
    assert_eq!(editor.buffer(URI).await, None, "a piece of a document that nobody knows");
    editor.change(json!([{"text": "whole"}]));
    assert_eq!(editor.text().await, ("whole".to_owned(), false));
    editor.client.open(URI, "rust", "opened");
    editor.client.open(URI, "python", "opened again");
    let buffer = editor.buffer(URI).await.expect("open");
    assert_eq!((buffer.text.to_string().as_str(), &*buffer.language_id), ("opened again", "python"));
    let close = json!({"textDocument": {"uri": URI}});
    editor.client.notify("textDocument/didClose", close.clone());
    editor.client.notify("textDocument/didClose", close);
    assert_eq!(editor.buffer(URI).await, None);
    assert_eq!(editor.client.finish().await, 0);
}

#[tokio::test]
async fn l16_only_files_beneath_a_folder_are_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().canonicalize().expect("its path");
    let base = file_uri(&root);
    let cases = [
        (format!("{base}/src/a.rs"), Some("src/a.rs")),
        (format!("{base}/src/%C3%A4%20b.rs"), Some("src/ä b.rs")),
        (format!("{base}/a%23b"), Some("a#b")),
        ("untitled:Untitled-1".to_owned(), None),
        (format!("git:{}/src/a.rs?%7B%22ref%22%3A%22%22%7D", root.display()), None),
        (format!("vscode-notebook-cell:{}/a.ipynb#W0sZmlsZQ", root.display()), None),
        ("file://host/share/a.rs".to_owned(), None),
        (format!("{base}/..%2fescape"), None),
        (format!("{base}/../escape"), None),
        (format!("{base}/%2e%2e/escape"), None),
        (format!("{base}/a%00b"), None),
        (format!("{base}/a%ffb"), None),
        ("file:///elsewhere/a.rs".to_owned(), None),
        (format!("{base}-evil/a.rs"), None),
        ("not a uri".to_owned(), None),
        (String::new(), None),
    ];
    let mut editor = Editor::start(no_capabilities(), Some(&root)).await;
    for (uri, _) in &cases {
        editor.client.open(uri, "rust", uri);
    }
    editor.settle().await;
    let buffers = editor.workspace.buffers();
    assert_eq!(buffers.len(), cases.len());
    for (uri, expected) in &cases {
        let (path, buffer) = buffers.iter().find(|(_, buffer)| &*buffer.uri == uri).expect(uri);
        assert_eq!(buffer.text.to_string(), *uri);
        match (path, expected) {
            (DocPath::File { rel, .. }, Some(expected)) => assert_eq!(&**rel, *expected),
            (DocPath::Virtual(name), None) => assert_eq!(&**name, uri),
            (path, expected) => panic!("{uri} is {path:?}, not {expected:?}"),
        }
    }
    assert_eq!(editor.client.finish().await, 0);
}

#[tokio::test]
async fn d09_ten_thousand_documents_are_open_at_once() {
    let mut editor = Editor::start(no_capabilities(), None).await;
    for number in 0..10_000 {
        editor.client.open(&format!("untitled:{number}"), "plaintext", &format!("text {number}\n"));
    }
    for number in (0..10_000).step_by(10) {
        let changes = json!([{"range": range((0, 0), (0, 4)), "text": "changed"}]);
        editor.client.change(&format!("untitled:{number}"), 2, changes);
    }
    editor.settle().await;
    let buffers = editor.workspace.buffers();
    assert_eq!(buffers.len(), 10_000);
    assert!(buffers.iter().all(|(_, buffer)| {
        let number: usize = buffer.uri["untitled:".len()..].parse().expect("a number");
        let word = if number.is_multiple_of(10) { "changed" } else { "text" };
        buffer.text.to_string() == format!("{word} {number}\n")
    }));
    for number in 0..10_000 {
        editor.client.notify("textDocument/didClose", json!({"textDocument": {"uri": format!("untitled:{number}")}}));
    }
    editor.settle().await;
    assert!(editor.workspace.buffers().is_empty());
    assert_eq!(editor.client.finish().await, 0);
}

/// Changes of this many notifications' worth, in each encoding: some 7,000 each.
const NOTIFICATIONS: usize = 800;

#[tokio::test]
async fn d01_what_an_editor_tells_of_its_changes_is_what_another_model_says() {
    let encodings_of =
        [("utf-8", PositionEncoding::Utf8), ("utf-16", PositionEncoding::Utf16), ("utf-32", PositionEncoding::Utf32)];
    let endings: [&[&str]; 4] = [&["\n"], &["\r\n"], &["\r"], &["\n", "\r\n", "\r"]];
    let mut random = Random::new(2);
    let mut changes = 0;
    for (name, encoding) in encodings_of {
        let mut editor = Editor::start(encodings(&[name]), None).await;
        editor.client.open(URI, "plaintext", "");
        let mut model = Model::new("", encoding);
        for notification in 0..NOTIFICATIONS {
            let endings = endings[notification / 50 % 4];
            let mut told = Vec::new();
            if notification % 50 == 0 {
                let text: String = (0..8).map(|_| piece(&mut random, endings)).collect();
                model = Model::new(&text, encoding);
                told.push(json!({"text": text}));
            }
            for _ in 0..1 + random.below(16) {
                let insert = piece(&mut random, endings);
                let (start, end) = model.range(&mut random);
                model.change(start, end, &insert);
                let pair = |at: Position| (at.line, at.character);
                told.push(json!({"range": range(pair(start), pair(end)), "text": insert}));
            }
            changes += told.len();
            editor.change(json!(told));
            assert_eq!(editor.text().await, (model.text(), false), "{name}, {notification}: {told:?}");
        }
        assert_eq!(editor.client.finish().await, 0);
    }
    assert!(changes >= 20_000, "{changes}");
}
