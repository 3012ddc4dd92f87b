//! What is known of a hunk before it is shown: its symbol, its flags, the hunks that it needs; and what the model is told
//! before the user is shown anything.

use std::collections::HashMap;

use claw::agent::replay::Outcome;
use claw::event::{EventKind, TurnStatus};
use claw::text::hidden::visible_line;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::rig::{Rig, ask, check_with, shown};

fn replace(path: &str, old: &str, new: &str) -> Value {
    json!({"name": "edit_file", "input": {"path": path, "old_string": old, "new_string": new}})
}

fn write(path: &str, content: &str) -> Value {
    json!({"name": "write_file", "input": {"path": path, "content": content}})
}

/// The model makes these calls and answers; then each hunk is a line: number, place, symbol, flags, and the numbers of those
/// that it needs.
async fn check(fixture: &str, calls: &[Value], expected: Expect) {
    let script = format!(
        "{}\n{{\"text\": \"Done.\"}}\n{{\"text\": \"So be it.\"}}\n{{\"text\": \"So be it.\"}}",
        json!({"tools": calls})
    );
    let rig = Rig::with(fixture, &script, |builder| builder);
    let result = rig.run("Do it").await;
    assert_eq!(result.status, TurnStatus::Done);
    for event in &result.trace {
        if let EventKind::ToolResult(result) = &event.kind {
            assert!(result.ok, "{}", result.output);
        }
    }
    let files = result.session.proposed_files();
    let hunks: Vec<_> = files.iter().flat_map(|file| file.hunks.iter().map(move |hunk| (file, hunk))).collect();
    let numbers: HashMap<&str, usize> =
        hunks.iter().enumerate().map(|(index, (_, hunk))| (hunk.hunk.as_str(), index + 1)).collect();
    let mut lines = String::new();
    for (index, (file, hunk)) in hunks.iter().enumerate() {
        lines.push_str(&format!("{} {}:{}", index + 1, visible_line(&file.path), hunk.start_line));
        if let Some(symbol) = &hunk.symbol {
            lines.push_str(&format!(" {symbol}"));
        }
        if !hunk.flags.is_empty() {
            lines.push_str(&format!(" {}", serde_json::to_string(&hunk.flags).unwrap()));
        }
        if !hunk.needs.is_empty() {
            let needs: Vec<String> = hunk.needs.iter().map(|id| numbers[id.as_str()].to_string()).collect();
            lines.push_str(&format!(" needs {}", needs.join(" ")));
        }
        lines.push('\n');
    }
    expected.assert_eq(&lines);
    rig.check_session(result.session.id()).await;
}

const SHAPES: &str = "\
//- /src/shapes.rs
use std::fmt;

pub struct Square(u32);

impl Square {
    pub fn area(&self) -> u32 {
        self.0 * self.0
    }

    pub fn side(&self) -> u32 {
        self.0
    }
}

mod inner {
    pub fn one() -> u32 {
        1
    }
}
//- /src/main.rs
mod shapes;

fn main() {
    println!(\"one\");
}

fn other() {
    println!(\"two\");
}
";

#[tokio::test]
async fn a_hunk_carries_the_path_of_its_symbol() {
    check(
        SHAPES,
        &[
            replace("src/shapes.rs", "        self.0 * self.0\n", "        self.0.pow(2)\n"),
            replace(
                "src/shapes.rs",
                "        self.0\n    }\n}\n",
                "        self.0\n    }\n\n    pub fn twice(&self) -> u32 {\n        2\n    }\n}\n",
            ),
            replace(
                "src/shapes.rs",
                "mod inner {\n    pub fn one() -> u32 {\n        1\n    }\n}\n",
                "mod inner {\n    /// One.\n    pub fn one() -> u8 {\n        1\n    }\n}\n",
            ),
            replace("src/main.rs", "fn other() {\n    println!(\"two\");\n}\n", "/// Docs.\nfn another() {}\n"),
        ],
        expect![[r#"
            1 src/main.rs:7 another
            2 src/shapes.rs:7 Square.area
            3 src/shapes.rs:13 Square.twice
            4 src/shapes.rs:16 inner.one
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_only_goes_is_named_by_what_it_was() {
    check(
        SHAPES,
        &[
            replace("src/shapes.rs", "    pub fn side(&self) -> u32 {\n        self.0\n    }\n", ""),
            replace("src/main.rs", "    println!(\"one\");\n", ""),
        ],
        expect![[r#"
            1 src/main.rs:4 main
            2 src/shapes.rs:10 Square.side
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_use_needs_its_definition_and_its_import() {
    check(
        SHAPES,
        &[
            replace("src/main.rs", "mod shapes;\n", "mod shapes;\nmod tools;\n\nuse tools::helper;\n"),
            replace("src/main.rs", "    println!(\"one\");\n", "    println!(\"{}\", helper());\n"),
            replace("src/main.rs", "    println!(\"two\");\n", "    println!(\"three\");\n"),
            write("src/tools.rs", "pub fn helper() -> u32 {\n    1\n}\n"),
            replace("src/shapes.rs", "        self.0 * self.0\n", "        self.cube() / self.0\n"),
            replace(
                "src/shapes.rs",
                "mod inner {\n",
                "impl Square {\n    fn cube(&self) -> u32 {\n        9\n    }\n}\n\nmod inner {\n",
            ),
        ],
        expect![[r#"
            1 src/main.rs:2 needs 6
            2 src/main.rs:4 main needs 1
            3 src/main.rs:8 other
            4 src/shapes.rs:7 Square.area needs 5
            5 src/shapes.rs:15 Square.cube
            6 src/tools.rs:1
        "#]],
    )
    .await;
}

const SHOP: &str = "\
//- /shop.py
import json


def total(prices):
    return sum(prices)


def show(prices):
    print(json.dumps(prices))


def main():
    show([1, 2])
    print(total([1, 2]))
";

#[tokio::test]
async fn a_rename_and_its_uses_need_each_other() {
    check(
        SHOP,
        &[
            replace("shop.py", "def total(prices):\n", "def add_up(prices):\n"),
            replace("shop.py", "    print(total([1, 2]))\n", "    print(add_up([1, 2]))\n"),
        ],
        expect![[r#"
            1 shop.py:4 add_up needs 2
            2 shop.py:14 main needs 1
        "#]],
    )
    .await;
}

#[tokio::test]
async fn an_import_and_its_use_need_each_other_when_they_come_and_when_they_go() {
    check(
        SHOP,
        &[
            replace("shop.py", "import json\n", "from pprint import pprint\n"),
            replace("shop.py", "    print(json.dumps(prices))\n", "    pprint(prices)\n"),
            replace("shop.py", "    return sum(prices)\n", "    return sum(prices) + 0\n"),
        ],
        expect![[r#"
            1 shop.py:1 needs 3
            2 shop.py:5 total
            3 shop.py:9 show needs 1
        "#]],
    )
    .await;
}

#[tokio::test]
async fn names_that_were_known_or_are_only_local_need_nothing() {
    check(
        SHOP,
        &[
            // `show` is known; `items` is a variable in one hunk and a function in another; `size` is a keyword argument.
            replace("shop.py", "    return sum(prices)\n", "    items = show(prices)\n    return sum(items, size=1)\n"),
            replace("shop.py", "def main():\n", "def items():\n    pass\n\n\ndef size():\n    pass\n\n\ndef main():\n"),
        ],
        expect![[r#"
            1 shop.py:5 total
            2 shop.py:12 items
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_deleted_module_needs_that_nobody_imports_it() {
    check(
        "//- /old.py\ndef helper():\n    pass\n//- /main.py\nfrom old import helper\n\nprint(1)\n\n\ndef run():\n    helper()\n",
        &[
            replace("main.py", "from old import helper\n", "import sys\n"),
            replace("main.py", "    helper()\n", "    sys.exit()\n"),
            json!({"name": "delete_file", "input": {"path": "old.py"}}),
        ],
        expect![[r#"
            1 main.py:1 needs 2
            2 main.py:7 run needs 1
            3 old.py:1 needs 1
        "#]],
    )
    .await;
}

#[tokio::test]
async fn d11_hidden_characters_and_protected_paths_are_flagged() {
    check(
        "//- /access.py\nlevel = 'user'\n\n\n\nif level != 'user':\n    print('admin')\n//- /old.txt\nan old \u{202e} one\n//- /AGENTS.md\nBe kind.\n",
        &[
            // The early return of "Trojan Source", 2021: it shows as a comment.
            replace("access.py", "if level != 'user':", "if level != 'user\u{202e} \u{2066}# Check if admin\u{2069} \u{2066}':"),
            replace("access.py", "level = 'user'\n", "level = 'user'  # 👩\u{200d}👧 ✔\u{fe0f}\n"),
            replace("old.txt", "an old \u{202e} one\n", "the old \u{202e} one\n"),
            write("tags.txt", "hello\u{e0068}\u{e0069}\n"),
            write("na\u{200b}me.txt", "plain\n"),
            replace("AGENTS.md", "Be kind.", "Obey\u{200b}."),
        ],
        expect![[r#"
            1 AGENTS.md:1 ["hidden_characters","protected"]
            2 access.py:1 level
            3 access.py:5 ["hidden_characters"]
            4 na⟨U+200B⟩me.txt:1 ["hidden_characters"]
            5 old.txt:1
            6 tags.txt:1 ["hidden_characters"]
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_hunk_that_breaks_the_file_is_flagged_though_the_error_shows_elsewhere() {
    check(
        SHAPES,
        &[
            replace("src/shapes.rs", "        self.0 * self.0\n    }\n", "        self.0 * self.0\n"),
            replace("src/shapes.rs", "        1\n", "        2\n"),
            replace("src/main.rs", "    println!(\"two\");\n", "    println!(\"two\"));\n"),
            replace("src/main.rs", "    println!(\"one\");\n", "    println!(\"1\");\n"),
        ],
        expect![[r#"
            1 src/main.rs:4 main
            2 src/main.rs:8 other ["syntax"]
            3 src/shapes.rs:8 Square.area ["syntax"]
            4 src/shapes.rs:17 inner.one
        "#]],
    )
    .await;
}

const BREAKS: &str = r#"{"tools": [{"name": "edit_file", "input": {"path": "src/lib.rs", "old_string": "a - b", "new_string": "(a + b"}}]}"#;
const MENDS: &str = r#"{"tools": [{"name": "edit_file", "input": {"path": "src/lib.rs", "old_string": "(a + b", "new_string": "a + b"}}]}"#;

#[tokio::test]
async fn a_syntax_error_goes_back_to_the_model_before_anything_is_shown() {
    let script = format!("{BREAKS}\n{{\"text\": \"Done.\"}}\n{MENDS}\n{{\"text\": \"Now it is.\"}}");
    check_with(
        &script,
        |builder| builder,
        expect![[r#"
            turn_start Do it
            context
            model_request 1
            model_response 1 tool call
            tool_call call_1_1 edit_file src/lib.rs
            tool_result call_1_1 ok: edited `src/lib.rs` at line 2:
            model_request 2
            model_response Done.
            check syntax failed
            model_request 3
            model_response 1 tool call
            tool_call call_3_1 edit_file src/lib.rs
            tool_result call_3_1 ok: edited `src/lib.rs` at line 2:
            model_request 4
            model_response Now it is.
            check syntax passed
            proposal 1 hunk in 1 file: src/lib.rs
            turn_end Done after 4 steps: Now it is.
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_trace_whose_checks_were_changed_diverges() {
    let rig = Rig::new(&format!("{BREAKS}\n{{\"text\": \"Done.\"}}\n{MENDS}\n{{\"text\": \"Now it is.\"}}"));
    let id = rig.run("Do it").await.session.id().to_owned();
    rig.check_session(&id).await;
    let whole = rig.trace(&id);
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let checks: Vec<usize> = (0..lines.len()).filter(|index| lines[*index].contains("\"type\":\"check\"")).collect();
    assert_eq!(checks.len(), 2);
    let mut changed: Vec<Vec<String>> = Vec::new();
    for check in checks {
        let owned = || lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let (mut without, mut doubled, mut turned) = (owned(), owned(), owned());
        without.remove(check);
        doubled.insert(check, lines[check].to_owned());
        turned[check] = match lines[check].contains("\"ok\":true") {
            true => lines[check].replace("\"ok\":true", "\"ok\":false"),
            false => lines[check].replace("\"ok\":false", "\"ok\":true"),
        };
        changed.extend([without, doubled, turned]);
        if lines[check].contains("missing") {
            let mut other = owned();
            other[check] = lines[check].replace("missing", "lacking");
            changed.push(other);
        }
    }
    for lines in changed {
        std::fs::write(rig.store().trace_path(&id), lines.concat()).unwrap();
        let outcome = rig.replay(&id).await;
        assert!(matches!(outcome, Outcome::Diverged { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_model_that_does_not_listen_is_told_twice_and_the_hunk_is_flagged() {
    let rig = Rig::new(&format!(
        "{BREAKS}\n{{\"text\": \"Done.\"}}\n{{\"text\": \"It is done.\"}}\n{{\"text\": \"It stays.\"}}\n{{\"text\": \"Nothing.\"}}"
    ));
    let session = rig.agent.session();
    let result = ask(&session, "Do it").await;
    expect![[r#"
        turn_start Do it
        context
        model_request 1
        model_response 1 tool call
        tool_call call_1_1 edit_file src/lib.rs
        tool_result call_1_1 ok: edited `src/lib.rs` at line 2:
        model_request 2
        model_response Done.
        check syntax failed
        model_request 3
        model_response It is done.
        check syntax failed
        model_request 4
        model_response It stays.
        proposal 1 hunk in 1 file: src/lib.rs
        turn_end Done after 4 steps: It stays.
    "#]]
    .assert_eq(&shown(&result.trace));
    let told: Vec<_> = result
        .trace
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Check(check) => Some((check.output.as_str(), check.before)),
            EventKind::ToolResult(result) => Some((result.output.lines().last().unwrap(), None)),
            _ => None,
        })
        .collect();
    let line = "src/lib.rs:2: missing `)`";
    assert_eq!(
        told,
        [("note: this adds a syntax error at line 2: missing `)`", None), (line, Some(false)), (line, Some(false))]
    );
    let files = session.proposed_files();
    assert_eq!(files[0].hunks[0].flags, [claw::event::HunkFlag::Syntax]);
    // The flag alone keeps nothing out of a batch.
    assert_eq!(session.apply_all().unwrap().files, ["src/lib.rs"]);
    // A turn that touches nothing is not checked for what came before it.
    let next = ask(&session, "Well?").await;
    assert!(!next.trace.iter().any(|event| event.kind() == "check"));
    rig.check_session(session.id()).await;
}

#[tokio::test]
async fn what_was_broken_before_and_what_has_no_grammar_is_no_failed_check() {
    let fixture = "//- /broken.py\ndef a(:\n    pass\n//- /notes.txt\none\n";
    let calls =
        json!({"tools": [replace("broken.py", "    pass", "    return 1"), replace("notes.txt", "one", "((((")]});
    let rig = Rig::with(fixture, &format!("{calls}\n{{\"text\": \"Done.\"}}"), |builder| builder);
    let result = rig.run("Do it").await;
    assert!(!result.trace.iter().any(|event| event.kind() == "check"), "{}", shown(&result.trace));
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn without_a_request_left_nobody_is_told_and_the_turn_is_done() {
    let script = format!("{BREAKS}\n{{\"text\": \"Done.\"}}\n{{\"text\": \"Never asked.\"}}");
    let mut config = claw::config::Config::default();
    config.limits.max_steps = 2;
    let rig = Rig::with(super::rig::PROJECT, &script, |builder| builder.config(config));
    let result = rig.run("Do it").await;
    assert_eq!((result.status, result.answer.as_str()), (TurnStatus::Done, "Done."));
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn d11_a_batch_leaves_what_hides_and_one_by_one_it_is_written() {
    let rig = Rig::new(
        r#"
        {"tools": [{"name": "edit_file", "input": {"path": "notes.txt", "old_string": "two", "new_string": "t\u202ewo"}}, {"name": "write_file", "input": {"path": "ok.txt", "content": "ok\n"}}]}
        {"text": "Done."}
        "#,
    );
    let result = rig.run("Go").await;
    let applied = result.proposal.apply().unwrap();
    assert_eq!(applied.files, ["ok.txt"]);
    let skipped: Vec<_> = applied.skipped.iter().map(|left| (left.path.as_str(), left.reason.as_str())).collect();
    assert_eq!(
        skipped,
        [(
            "notes.txt",
            "it puts in characters that can not be seen (U+202E right-to-left override): accept the hunk by itself"
        )]
    );
    assert_eq!(rig.fixture.on_disk("notes.txt").as_deref(), Some("one\ntwo\nthree\n"));
    result.proposal.apply_hunks(&[applied.skipped[0].hunk.clone()]).unwrap();
    assert_eq!(rig.fixture.on_disk("notes.txt").as_deref(), Some("one\nt\u{202e}wo\nthree\n"));
    rig.check_session(result.session.id()).await;
}
