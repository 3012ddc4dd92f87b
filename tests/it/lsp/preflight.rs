//! Flags and needs of hunks, as an editor sees them.

use serde_json::{Value, json};

use crate::support::lsp_editor::{Editor, Setup, states};

const MAIN: &str = "fn main() {\n    one();\n}\n\nfn one() {\n    1;\n}\n";

/// An editor with `main.rs` open, whose model makes these replacements in it.
async fn proposed(files: Vec<(&'static str, String)>, replacements: &[(&str, &str, &str)]) -> (Editor, String, Value) {
    let edits: Vec<Value> = replacements
        .iter()
        .map(|(path, old, new)| json!({"name": "edit_file", "input": {"path": path, "old_string": old, "new_string": new}}))
        .collect();
    let script = vec![json!({"tools": edits}), json!({"text": "Done."})];
    let mut editor = Editor::start(Setup { files, script, ..Setup::default() }).await;
    editor.open("main.rs");
    let session = editor.ask(json!({"instruction": "go on"})).await;
    let proposal = editor.pending(replacements.len()).await;
    (editor, session, proposal)
}

/// The hunk that puts in `needle`.
fn hunk<'a>(proposal: &'a Value, needle: &str) -> &'a Value {
    let hunks = proposal["files"].as_array().unwrap().iter().flat_map(|file| file["hunks"].as_array().unwrap());
    hunks.into_iter().find(|hunk| hunk["new_text"].as_str().unwrap().contains(needle)).expect("a hunk")
}

#[tokio::test]
async fn d11_what_hides_is_never_part_of_a_batch_and_shows_what_it_hides() {
    let files = vec![("main.rs", MAIN.to_owned())];
    let replacements = [
        ("main.rs", "    one();\n", "    one(); /*\u{202e} } \u{2066}if admin\u{2069} */\n"),
        ("main.rs", "    1;\n", "    2;\n"),
    ];
    let (mut editor, session, proposal) = proposed(files, &replacements).await;
    let hiding = hunk(&proposal, "admin");
    assert_eq!(hiding["flags"], json!(["hidden_characters"]));
    assert_eq!(hunk(&proposal, "2;").get("flags"), None);

    let told = editor.diagnostics("main.rs", |diagnostics| diagnostics.len() == 2).await;
    let message = told[0]["message"].as_str().unwrap();
    assert!(message.starts_with("hides ⟨U+202E⟩ ⟨U+2066⟩ ⟨U+2069⟩: main: "), "{message}");
    assert!(message.contains("+    one(); /*⟨U+202E⟩ } ⟨U+2066⟩if admin⟨U+2069⟩ */"), "{message}");
    assert!(!message.contains('\u{202e}'), "{message}");
    let range = editor.range("main.rs", "one();");
    let hover = json!({"textDocument": {"uri": editor.uri("main.rs")}, "position": range["start"]});
    let hover = editor.client.request("textDocument/hover", hover).await;
    let shown = hover["contents"]["value"].as_str().unwrap();
    assert!(shown.contains("⟨U+202E⟩") && !shown.contains('\u{202e}'), "{shown}");

    let actions = editor.code_actions("main.rs", range, json!({"triggerKind": 1})).await;
    let accept = actions.iter().find(|action| action["kind"] == "quickfix.claw.accept").expect("an accept");
    let title = accept["title"].as_str().unwrap();
    assert!(title.starts_with("Claw: accept hunk 1/2 — hides ⟨U+202E⟩"), "{title}");
    assert!(!title.contains('\u{202e}'), "{title}");
    assert_eq!(accept.get("isPreferred"), None, "no key takes it unasked");
    let all = actions.iter().find(|action| action["kind"] == "refactor.rewrite.claw.acceptAll").expect("accept all");
    assert_eq!(all["title"], "Claw: accept the 1 hunk in 1 file");

    let why = "characters that can not be seen are accepted one by one: main.rs";
    let answer = editor.command("claw.acceptFile", json!({"uri": editor.uri("main.rs")})).await;
    assert_eq!((&answer["ok"], &answer["skipped"]), (&json!(true), &json!(["main.rs"])), "{answer}");
    assert!(answer["message"].as_str().unwrap().contains(why), "{answer}");
    let after = editor.pending(1).await;
    assert_eq!(hunk(&after, "admin")["state"], "pending", "{after}");
    let answer = editor.command("claw.acceptAll", json!({"session": session})).await;
    assert_eq!(answer["ok"], false, "{answer}");
    assert!(answer["message"].as_str().unwrap().contains(why), "{answer}");
    assert_eq!(editor.text("main.rs").unwrap(), MAIN.replace("1;", "2;"));
    editor.client.notification("window/showMessage").await;

    let answer = editor.command("claw.acceptHunk", json!({"session": session, "hunk": hiding["hunk"]})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    editor.pending(0).await;
    assert!(editor.text("main.rs").unwrap().contains('\u{202e}'));
    editor.finish().await;
}

const HELPER: [(&str, &str, &str); 3] = [
    ("main.rs", "    one();\n", "    one(helper());\n"),
    ("main.rs", "    1;\n}\n", "    1;\n}\n\nfn helper() {\n    base();\n}\n"),
    ("base.rs", "// here\n", "pub fn base() {}\n"),
];

fn helper_files() -> Vec<(&'static str, String)> {
    vec![("main.rs", MAIN.to_owned()), ("base.rs", "// here\n".to_owned())]
}

#[tokio::test]
async fn accepting_a_hunk_names_those_that_it_needs() {
    let (mut editor, session, proposal) = proposed(helper_files(), &HELPER).await;
    let (user, helper, base) =
        (hunk(&proposal, "one(helper())"), hunk(&proposal, "fn helper"), hunk(&proposal, "fn base"));
    assert_eq!(user["needs"], json!([helper["hunk"]]));
    assert_eq!(helper["needs"], json!([base["hunk"]]));
    assert_eq!((helper["symbol"].as_str(), base.get("needs")), (Some("helper"), None));
    let told = editor.diagnostics("main.rs", |diagnostics| diagnostics.len() == 2).await;
    let message = told[0]["message"].as_str().unwrap();
    assert!(message.contains("\nneeds base.rs (base: +1 −1 pub fn base() {}), main.rs (helper: "), "{message}");

    let answer = editor.command("claw.acceptHunk", json!({"session": session, "hunk": user["hunk"]})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    assert_eq!(answer["hunks"], json!([user["hunk"]]));
    let mut needs: Vec<&str> = answer["needs"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let mut expected = [helper["hunk"].as_str().unwrap(), base["hunk"].as_str().unwrap()];
    needs.sort();
    expected.sort();
    assert_eq!(needs, expected);
    assert!(answer["message"].as_str().unwrap().starts_with("this hunk needs "), "{answer}");
    // What was accepted is no more among those that wait.
    let after = editor.pending(2).await;
    assert_eq!(hunk(&after, "fn helper")["needs"], json!([base["hunk"]]));
    let answer = editor.command("claw.acceptHunk", json!({"session": session, "hunk": base["hunk"]})).await;
    assert_eq!((&answer["ok"], answer.get("needs")), (&json!(true), None), "{answer}");
    editor.pending(1).await;
    editor.finish().await;
}

#[tokio::test]
async fn a_hunk_is_accepted_with_those_that_it_needs() {
    let (mut editor, _, _) = proposed(helper_files(), &HELPER).await;
    let range = editor.range("main.rs", "one();");
    let actions = editor.code_actions("main.rs", range, json!({"triggerKind": 1})).await;
    let accepts: Vec<&Value> = actions.iter().filter(|action| action["kind"] == "quickfix.claw.accept").collect();
    let titles: Vec<&str> = accepts.iter().filter_map(|action| action["title"].as_str()).collect();
    assert_eq!(titles[1..], ["Claw: accept hunk 2/3 with the 2 it needs"]);
    assert_eq!((&accepts[0]["isPreferred"], accepts[1].get("isPreferred")), (&json!(true), None));
    assert_eq!(accepts[1].get("edit"), None);
    let command = &accepts[1]["command"];
    let answer = editor.command(command["command"].as_str().unwrap(), command["arguments"][0].clone()).await;
    assert_eq!((&answer["ok"], answer.get("needs"), answer.get("message")), (&json!(true), None, None), "{answer}");
    assert_eq!(answer["hunks"].as_array().unwrap().len(), 3, "{answer}");
    let after = editor.pending(0).await;
    assert_eq!(states(&after), ["accepted", "accepted", "accepted"]);
    assert_eq!(editor.text("base.rs").unwrap(), "pub fn base() {}\n");
    assert!(editor.text("main.rs").unwrap().contains("one(helper());"));
    editor.finish().await;
}

#[tokio::test]
async fn d11_a_needed_hunk_that_hides_something_is_left_and_named() {
    let replacements = [
        ("main.rs", "    one();\n", "    one(helper());\n"),
        ("main.rs", "    1;\n}\n", "    1;\n}\n\nfn helper() { /* \u{202e} */ }\n"),
    ];
    let (mut editor, session, proposal) = proposed(vec![("main.rs", MAIN.to_owned())], &replacements).await;
    let (user, helper) = (hunk(&proposal, "one(helper())"), hunk(&proposal, "fn helper"));
    let argument = json!({"session": session, "hunk": user["hunk"], "with_needs": true});
    let answer = editor.command("claw.acceptHunk", argument).await;
    assert_eq!(answer["hunks"], json!([user["hunk"]]), "{answer}");
    assert_eq!((&answer["needs"], &answer["skipped"]), (&json!([helper["hunk"]]), &json!(["main.rs"])), "{answer}");
    editor.client.notification("window/showMessage").await;
    editor.pending(1).await;
    editor.finish().await;
}

#[tokio::test]
async fn a_hunk_with_a_syntax_error_says_so_and_may_go_with_others() {
    let script = vec![
        json!({"tools": [{"name": "edit_file", "input": {"path": "main.rs", "old_string": "    1;\n", "new_string": "    (1;\n"}}]}),
        json!({"text": "Done."}),
        json!({"text": "Done, I say."}),
        json!({"text": "Done and done."}),
    ];
    let mut editor =
        Editor::start(Setup { files: vec![("main.rs", MAIN.to_owned())], script, ..Setup::default() }).await;
    editor.open("main.rs");
    editor.ask(json!({"instruction": "go on"})).await;
    let proposal = editor.pending(1).await;
    assert_eq!(hunk(&proposal, "(1;")["flags"], json!(["syntax"]));
    let told = editor.diagnostics("main.rs", |diagnostics| diagnostics.len() == 1).await;
    assert!(told[0]["message"].as_str().unwrap().starts_with("adds a syntax error: one: "), "{told:?}");
    let answer = editor.command("claw.acceptAll", Value::Null).await;
    assert_eq!((&answer["ok"], answer.get("skipped")), (&json!(true), None), "{answer}");
    editor.pending(0).await;
    editor.finish().await;
}
