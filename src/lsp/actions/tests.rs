//! What is offered where, as a table.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use expect_test::{Expect, expect};
use tower_lsp::gen_lsp_types::DiagnosticSeverity;

use super::*;
use crate::event::HunkState;
use crate::lsp::client::ClientFeatures;
use crate::lsp::diagnostics::of_document;
use crate::workspace::HunkId;

const SOURCE: &str = "fn area(w: u32, h: u32) -> u32 {\n    w * h\n}\n\n// claw: add perimeter\nfn other() {}\n";

fn path() -> DocPath {
    DocPath::Virtual("untitled:a.rs".into())
}

/// A client that can do everything, with the cursor at `needle` in [`SOURCE`].
fn scene(needle: &str) -> Scene {
    let text = Text::new(SOURCE);
    let at = SOURCE.find(needle).unwrap();
    let client = ClientFeatures {
        apply_edit: true,
        workspace_edit: true,
        document_changes: Some(true),
        create_files: true,
        rename_files: true,
        delete_files: true,
        ..ClientFeatures::default()
    };
    Scene {
        path: path(),
        uri: "untitled:a.rs".to_owned(),
        text,
        version: 7,
        lossy: false,
        language_id: "rust".to_owned(),
        selection: at..at,
        symbol: None,
        reviews: Vec::new(),
        running: Vec::new(),
        undoable: Vec::new(),
        encoding: PositionEncoding::Utf16,
        edits: EditSupport::of(&client),
        input: false,
    }
}

fn hunk(text: &str, old: &str, new: &str) -> ReviewHunk {
    let start = text.find(old).unwrap();
    ReviewHunk {
        id: HunkId(format!("id-{}", new.trim())).0,
        state: HunkState::Pending,
        range: start..start + old.len(),
        old_text: old.to_owned(),
        new_text: new.to_owned(),
        symbol: None,
        summary: None,
        flags: Vec::new(),
        needs: Vec::new(),
        whole_file: false,
    }
}

fn file(path: DocPath, name: &str, change: ChangeKind, text: &str, hunks: Vec<ReviewHunk>) -> ReviewFile {
    let uri = if name == "a.rs" { "untitled:a.rs".to_owned() } else { format!("file:///w/{name}") };
    ReviewFile {
        live: path.clone(),
        live_uri: uri.clone(),
        path,
        uri,
        name: name.to_owned(),
        change,
        protected: false,
        text: Text::new(text),
        hunks,
    }
}

/// Two hunks here, one file to be made.
fn review() -> Arc<Review> {
    let here = vec![hunk(SOURCE, "    w * h\n", "    w.saturating_mul(h)\n"), hunk(SOURCE, "fn other() {}\n", "")];
    let other = DocPath::Virtual("untitled:new.rs".into());
    let made = ReviewHunk { whole_file: true, ..hunk("", "", "fn new() {}\n") };
    let pending = vec![
        file(path(), "a.rs", ChangeKind::Edit, SOURCE, here),
        file(other, "new.rs", ChangeKind::Create, "", vec![made]),
    ];
    Arc::new(Review::new("s1".to_owned(), "make it saturate".to_owned(), Arc::default(), pending))
}

fn problem(message: &str) -> Diagnostic {
    Diagnostic {
        message: Message::String(message.to_owned()),
        severity: Some(DiagnosticSeverity::Error),
        source: Some("rustc".to_owned()),
        ..Diagnostic::default()
    }
}

fn invoked(only: &[&'static str], diagnostics: Vec<Diagnostic>) -> CodeActionContext {
    let only = (!only.is_empty()).then(|| only.iter().map(|kind| CodeActionKind::from((*kind).to_owned())).collect());
    CodeActionContext { diagnostics, only, trigger_kind: Some(CodeActionTriggerKind::Invoked) }
}

fn automatic(diagnostics: Vec<Diagnostic>) -> CodeActionContext {
    CodeActionContext { diagnostics, only: None, trigger_kind: Some(CodeActionTriggerKind::Automatic) }
}

/// `kind | title | edit or command`, one a line.
fn check(scene: &Scene, context: &CodeActionContext, expected: Expect) {
    let table: String = offers(scene, context)
        .iter()
        .map(|offer| {
            let does = if offer.edit.is_some() { "edit" } else { offer.command };
            let preferred = if offer.preferred { " (preferred)" } else { "" };
            format!("{} | {} | {does}{preferred}\n", offer.kind, offer.title)
        })
        .collect();
    expected.assert_eq(&table);
}

#[test]
fn a_cursor_in_a_symbol() {
    let mut scene = scene("w * h");
    scene.symbol = Some(Enclosing { name: "area".to_owned(), range: 0..45 });
    check(
        &scene,
        &invoked(&[], vec![problem("mismatched types\nexpected u64")]),
        expect![[r#"
            quickfix.claw.fix | Ask Claw: fix "mismatched types" | claw.fix
            refactor.rewrite.claw.ask | Ask Claw… | edit
            refactor.claw.explain | Ask Claw: explain area | claw.explain
            refactor.rewrite.claw.tests | Ask Claw: write tests for area | claw.ask
            refactor.rewrite.claw.docs | Ask Claw: document area | claw.ask
        "#]],
    );
}

#[test]
fn a_selection_a_comment_and_a_running_turn() {
    let mut scene = scene("// claw:");
    scene.selection = scene.selection.start..SOURCE.len();
    scene.running = vec![RunningTurn { session: "s1".to_owned(), title: "rename everything".to_owned() }];
    scene.input = true;
    check(
        &scene,
        &invoked(&[], Vec::new()),
        expect![[r#"
            refactor.rewrite.claw.comment | Ask Claw: add perimeter | claw.ask
            refactor.rewrite.claw.ask | Ask Claw… | claw.ask
            refactor.claw.explain | Ask Claw: explain selection | claw.explain
            refactor.claw.cancel | Claw: stop "rename everything" | claw.cancel
        "#]],
    );
}

#[test]
fn hunks_where_they_stand_and_whole_files_anywhere() {
    let mut scene = scene("w * h");
    scene.reviews = vec![review()];
    check(
        &scene,
        &invoked(&["quickfix", "refactor.rewrite.claw.acceptFile", "refactor.rewrite.claw.acceptAll"], Vec::new()),
        expect![[r#"
            quickfix.claw.accept | Claw: accept hunk 1/3 — w.saturating_mul(h) | edit (preferred)
            quickfix.claw.reject | Claw: reject hunk 1/3 | claw.rejectHunk
            quickfix.claw.change | Claw: change hunk 1/3… | edit
            quickfix.claw.why | Claw: why? | claw.explain
            quickfix.claw.accept | Claw: accept hunk 3/3 — create new.rs | edit (preferred)
            quickfix.claw.reject | Claw: reject hunk 3/3 | claw.rejectHunk
            quickfix.claw.why | Claw: why? | claw.explain
            refactor.rewrite.claw.acceptFile | Claw: accept all 2 hunks in this file | claw.acceptFile
            refactor.rewrite.claw.acceptAll | Claw: accept all 3 hunks in 2 files | claw.acceptAll
        "#]],
    );
}

#[test]
fn an_automatic_request_gets_hunks_and_fixes_only() {
    let mut scene = scene("fn other");
    scene.reviews = vec![review()];
    scene.running = vec![RunningTurn { session: "s1".to_owned(), title: "t".to_owned() }];
    check(
        &scene,
        &automatic(vec![problem("unused")]),
        expect![[r#"
            quickfix.claw.accept | Claw: accept hunk 2/3 — remove fn other() {} | edit (preferred)
            quickfix.claw.reject | Claw: reject hunk 2/3 | claw.rejectHunk
            quickfix.claw.change | Claw: change hunk 2/3… | edit
            quickfix.claw.why | Claw: why? | claw.explain
            quickfix.claw.fix | Ask Claw: fix "unused" | claw.fix
        "#]],
    );
}

#[test]
fn only_holds_by_prefix_and_reviewing_a_file_must_be_asked_for() {
    let mut scene = scene("fn other");
    scene.reviews = vec![review()];
    let kinds = |only: &[&'static str]| -> Vec<&str> {
        offers(&scene, &invoked(only, vec![problem("x")])).iter().map(|offer| offer.kind).collect()
    };
    assert_eq!(kinds(&["source"]), ["source.claw.review"]);
    assert_eq!(kinds(&["source.claw.review"]), ["source.claw.review"]);
    assert!(kinds(&["source.fixAll"]).is_empty());
    assert!(kinds(&["quick"]).is_empty());
    assert!(!kinds(&[]).contains(&"source.claw.review"));
    assert!(!kinds(&[""]).contains(&"source.claw.review"));
    assert_eq!(kinds(&["quickfix.claw.fix"]), ["quickfix.claw.fix"]);
    assert!(kinds(&["refactor"]).iter().all(|kind| kind.starts_with("refactor.")));
}

#[test]
fn after_a_keystroke_the_edit_is_for_the_new_text_or_none_is_offered() {
    let mut scene = scene("w * h");
    scene.reviews = vec![review()];
    scene.text = Text::new(&format!("// typed\n{SOURCE}"));
    scene.version = 8;
    scene.selection = SOURCE.find("w * h").unwrap() + 9..SOURCE.find("w * h").unwrap() + 9;
    let accept = offers(&scene, &automatic(Vec::new())).remove(0);
    let edit = serde_json::to_value(accept.edit.unwrap()).unwrap();
    assert_eq!(edit["documentChanges"][0]["textDocument"], json!({"uri": "untitled:a.rs", "version": 8}));
    assert_eq!(edit["documentChanges"][0]["edits"][0]["range"]["start"], json!({"line": 2, "character": 0}));
    scene.text = Text::new(&SOURCE.replace("w * h", "w * h + 1"));
    assert!(offers(&scene, &automatic(Vec::new())).is_empty());
}

#[test]
fn l14_what_a_client_did_not_announce_is_not_sent() {
    let mut scene = scene("w * h");
    scene.reviews = vec![review()];
    scene.edits = EditSupport::of(&ClientFeatures::default());
    let offers = offers(&scene, &invoked(&[], Vec::new()));
    let accepts: Vec<&Offer> = offers.iter().filter(|offer| offer.kind == "quickfix.claw.accept").collect();
    let edit = serde_json::to_value(accepts[0].edit.as_ref().unwrap()).unwrap();
    assert!(edit.get("documentChanges").is_none() && edit["changes"]["untitled:a.rs"].is_array(), "{edit}");
    // Creating a file can not be said in `changes`: the command says what to do instead.
    assert_eq!((&accepts[1].edit, accepts[1].command), (&None, "claw.acceptHunk"));
}

#[test]
fn l14_a_client_without_code_action_literals_gets_commands() {
    let mut scene = scene("w * h");
    scene.reviews = vec![review()];
    for offer in offers(&scene, &invoked(&[], Vec::new())) {
        assert!(matches!(offer.into_response(false), CodeActionResponse::Command(_)));
    }
}

#[test]
fn an_action_about_a_hunk_names_its_diagnostic() {
    let mut scene = scene("w * h");
    scene.reviews = vec![review()];
    let ours = of_document(&scene.reviews, &scene.path, &scene.text, scene.encoding);
    assert_eq!(ours.len(), 2);
    let offers = offers(&scene, &automatic(ours.clone()));
    assert_eq!(offers[0].diagnostics, [ours[0].clone()]);
    assert!(offers.iter().all(|offer| offer.kind != "quickfix.claw.fix"), "a hunk is nothing to fix");
}

#[test]
fn a_lossy_document_is_not_edited() {
    let mut scene = scene("w * h");
    scene.reviews = vec![review()];
    scene.lossy = true;
    let offers = offers(&scene, &invoked(&[], Vec::new()));
    assert!(offers.iter().filter(|offer| offer.edit.is_some()).all(|offer| offer.title.contains("create new.rs")));
}
