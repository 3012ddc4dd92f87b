//! The tools that edit: exactly, into the overlay, never half.

use serde_json::{Value, json};

use super::tools::Bench;

/// Edits `a.txt`; gives the answer and what the session sees of the file then.
#[track_caller]
fn check(before: &str, input: Value, answer: &str, after: &str) {
    let bench = Bench::new("");
    bench.fixture.write("a.txt", before);
    let mut call = json!({"path": "a.txt"});
    call.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    assert_eq!(bench.call("edit_file", call), answer);
    assert_eq!(bench.text("a.txt").unwrap(), after);
    assert_eq!(bench.overlay().is_empty(), before == after);
    assert_eq!(bench.fixture.on_disk("a.txt").as_deref(), Some(before), "the disk is untouched");
}

fn replace(old: &str, new: &str) -> Value {
    json!({"old_string": old, "new_string": new})
}

#[test]
fn e06_a_unique_match_is_replaced() {
    check(
        "one\ntwo\nthree\nfour\nfive\n",
        replace("three", "THREE"),
        "edited `a.txt` at line 3:\n     1\tone\n     2\ttwo\n     3\tTHREE\n     4\tfour\n     5\tfive\n",
        "one\ntwo\nTHREE\nfour\nfive\n",
    );
    check("a\nb\n", replace("a\nb\n", ""), "edited `a.txt` at line 1:\n", "");
}

#[test]
fn e06_matches_at_several_lines_are_counted_and_nothing_is_replaced() {
    check(
        "x\na\nx\n",
        replace("x", "y"),
        "error: old_string matches at lines 1 and 3: add context, or set replace_all",
        "x\na\nx\n",
    );
    check(
        "x x\n",
        replace("x", "y"),
        "error: old_string matches at lines 1 and 1: add context, or set replace_all",
        "x x\n",
    );
    let bench = Bench::new("");
    bench.fixture.write("a.txt", "x\n".repeat(30));
    let answer = bench.call("edit_file", json!({"path": "a.txt", "old_string": "x", "new_string": "y"}));
    assert_eq!(
        answer,
        "error: old_string matches at lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 and 10 more: \
         add context, or set replace_all"
    );
}

#[test]
fn e06_replace_all_replaces_every_match() {
    check(
        "x\na\nxx\n",
        json!({"old_string": "x", "new_string": "yy", "replace_all": true}),
        "edited `a.txt` at lines 1, 3 and 3:\n     1\tyy\n     2\ta\n     3\tyyyy\n",
        "yy\na\nyyyy\n",
    );
}

#[test]
fn e06_what_is_missing_is_answered_with_the_nearest_text_and_never_applied() {
    let before = "fn main() {\n    let total = 1;\n}\n";
    for old in ["let total = 2;", "  let total = 1;\n  }", "let  total = 1;", "Let total = 1;"] {
        let bench = Bench::new("");
        bench.fixture.write("a.txt", before);
        let answer = bench.call("edit_file", json!({"path": "a.txt", "old_string": old, "new_string": "x"}));
        assert!(answer.starts_with("error: old_string is not in `a.txt` (0 matches). The nearest text, "), "{answer}");
        assert!(answer.contains("     2\t    let total = 1;\n"), "{answer}");
        assert!(bench.overlay().is_empty());
    }
    let bench = Bench::new("");
    bench.fixture.write("a.txt", "a\n");
    let answer = bench.call("edit_file", json!({"path": "a.txt", "old_string": "zzz qqq www", "new_string": "x"}));
    assert!(answer.starts_with("error: old_string is not in `a.txt`"), "{answer}");
}

#[test]
fn e06_empty_and_equal_strings_change_nothing() {
    let empty = "error: old_string is empty: give the text to replace, or use write_file to write the whole file";
    check("a\n", replace("", "b"), empty, "a\n");
    check("a\n", replace("a", "a"), "error: old_string and new_string are the same: nothing would change", "a\n");
    let endings = "error: old_string and new_string differ in line endings only: nothing would change";
    check("a\r\nb\r\n", replace("a\nb", "a\r\nb"), endings, "a\r\nb\r\n");
}

#[test]
fn d02_bytes_outside_of_an_edit_stay_as_they_are() {
    let before = "\u{feff}a\r\nb\nc\rd\u{2028}e\u{85}f\x0cg\n\u{1f600}";
    let bench = Bench::new("");
    bench.fixture.write("a.txt", before);
    bench.call("edit_file", json!({"path": "a.txt", "old_string": "b", "new_string": "B"}));
    assert_eq!(bench.text("a.txt").unwrap(), before.replace('b', "B").trim_start_matches('\u{feff}'));
}

#[test]
fn line_endings_of_the_document_are_kept() {
    let bench = Bench::new("//- /dos.txt crlf\na\nb\nc\n");
    bench.call("edit_file", json!({"path": "dos.txt", "old_string": "a\nb", "new_string": "a\nnew\nb"}));
    assert_eq!(bench.text("dos.txt").unwrap(), "a\r\nnew\r\nb\r\nc\r\n");
    bench.call("read_file", json!({"path": "dos.txt"}));
    bench.call("write_file", json!({"path": "dos.txt", "content": "a\nb\nlast\n"}));
    assert_eq!(bench.text("dos.txt").unwrap(), "a\r\nb\r\nlast\r\n");
}

#[test]
fn edits_go_on_from_proposed_and_unsaved_text() {
    let bench = Bench::new("//- /a.txt\ndisk\n//- /a.txt buffer\nunsaved\n");
    let edit =
        |old: &str, new: &str| bench.call("edit_file", json!({"path": "a.txt", "old_string": old, "new_string": new}));
    assert!(edit("disk", "x").starts_with("error: old_string is not in"));
    assert!(edit("unsaved", "first").starts_with("edited"));
    assert!(edit("first", "second").starts_with("edited"));
    let overlay = bench.overlay();
    let file = overlay.get(&bench.fixture.doc("a.txt")).unwrap();
    assert_eq!(file.base.as_ref().unwrap().to_string(), "unsaved\n");
    assert_eq!(file.current.as_ref().unwrap().to_string(), "second\n");
    assert_eq!((file.author.turn.as_str(), file.author.call.as_str()), ("t1", "c1"));
}

#[test]
fn whole_files_are_not_written_or_deleted_by_what_they_were() {
    let bench = Bench::new("//- /a.txt\none\n");
    let write = || bench.call("write_file", json!({"path": "a.txt", "content": "new\n"}));
    let delete = || bench.call("delete_file", json!({"path": "a.txt"}));
    bench.call("read_file", json!({"path": "a.txt"}));
    bench.fixture.open("a.txt", "typed meanwhile\n");
    assert_eq!(write(), "error: `a.txt` changed since you read it: read it again");
    assert_eq!(delete(), "error: `a.txt` changed since you read it: read it again");
    bench.call("read_file", json!({"path": "a.txt"}));
    assert_eq!(write(), "wrote `a.txt`, 1 lines");
    assert_eq!(write(), "`a.txt` holds exactly this already: nothing to change");
    assert_eq!(delete(), "deleted `a.txt`", "what it wrote itself it knows");
    assert_eq!(bench.text("a.txt"), None);
}

#[test]
fn new_files_need_a_place_of_their_own() {
    let bench = Bench::new("//- /a.txt\na\n//- /dir/b.txt\nb\n");
    let write = |path: &str| bench.call("write_file", json!({"path": path, "content": "x\n"}));
    assert_eq!(write("new/deep/c.txt"), "created `new/deep/c.txt`, 1 lines");
    assert_eq!(write("dir"), "error: `dir` is a directory");
    assert_eq!(write("a.txt/b"), "error: `a.txt/b` is beneath a file: choose another folder");
    assert_eq!(write("new/deep/c.txt/d"), "error: `new/deep/c.txt/d` is beneath a file: choose another folder");
    assert_eq!(write("new/deep"), "error: `new/deep` is a directory");
    assert_eq!(
        write("untitled:1"),
        "error: `untitled:1` is not open in the editor, and only open documents can be read outside the workspace folders"
    );
    assert_eq!(bench.fixture.on_disk("new/deep/c.txt"), None);
}

#[cfg(unix)]
#[test]
fn links_are_not_edited_through() {
    use std::os::unix::fs::symlink;
    let bench = Bench::new("//- /real/a.txt\na\n//- /.git/hooks/sample\nx\n");
    let root = bench.fixture.root_path();
    symlink("real/a.txt", root.join("link.txt")).unwrap();
    symlink(".git/hooks", root.join("hooks")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    symlink(bench.fixture.folder.path(), root.join("outside")).unwrap();
    for (tool, input) in [
        ("edit_file", json!({"path": "link.txt", "old_string": "a", "new_string": "b"})),
        ("write_file", json!({"path": "hooks/pre-commit", "content": "x"})),
        ("write_file", json!({"path": "dangling", "content": "x"})),
        ("write_file", json!({"path": "outside/x", "content": "x"})),
        ("delete_file", json!({"path": "link.txt"})),
        ("move_file", json!({"from": "real/a.txt", "to": "hooks/post-commit"})),
        ("list_files", json!({"path": "outside"})),
        ("search", json!({"pattern": "x", "path": "hooks"})),
    ] {
        let answer = bench.call(tool, input.clone());
        assert!(answer.starts_with("error: ") && answer.contains("link"), "{tool} {input}: {answer}");
    }
    assert!(bench.overlay().is_empty());
}

/// Runs a script of acts by tools and shows the files that the session then sees, and how each act ended.
#[track_caller]
fn chain(script: &[(&str, Value)], answers: &[&str], files: &[(&str, Option<&str>)]) {
    let bench = Bench::new("//- /a\none\n//- /b\nbee\n");
    for name in ["a", "b"] {
        bench.call("read_file", json!({"path": name}));
    }
    let given: Vec<String> = script.iter().map(|(tool, input)| bench.call(tool, input.clone())).collect();
    assert_eq!(given, answers);
    for (name, text) in files {
        assert_eq!(bench.text(name).as_deref(), *text, "{name}");
    }
    assert_eq!(bench.fixture.on_disk("a").as_deref(), Some("one\n"));
    assert_eq!(bench.fixture.on_disk("c"), None);
}

fn rename(from: &str, to: &str) -> (&'static str, Value) {
    ("move_file", json!({"from": from, "to": to}))
}

#[test]
fn e07_chains_of_acts_are_done_whole_or_refused() {
    chain(
        &[
            ("write_file", json!({"path": "c", "content": "new\n"})),
            ("edit_file", json!({"path": "c", "old_string": "new", "new_string": "newer"})),
            rename("c", "d"),
            ("delete_file", json!({"path": "d"})),
        ],
        &["created `c`, 1 lines", "edited `c` at line 1:\n     1\tnewer\n", "moved `c` to `d`", "deleted `d`"],
        &[("c", None), ("d", None)],
    );
    chain(
        &[rename("a", "c"), rename("c", "a")],
        &["moved `a` to `c`", "moved `c` to `a`"],
        &[("a", Some("one\n")), ("c", None)],
    );
    chain(
        &[rename("a", "b"), rename("a", "a"), rename("x", "c"), rename("a", "b/c"), rename("a", "untitled:1")],
        &[
            "error: `b` exists already: choose another name, or read and delete it first",
            "error: `a` is there already: from and to are the same",
            "error: `x` does not exist: look with list_files",
            "error: `b/c` is beneath a file: choose another folder",
            "error: only files of the workspace can be moved, and only within it",
        ],
        &[("a", Some("one\n")), ("b", Some("bee\n"))],
    );
    chain(
        &[rename("a", "c"), rename("b", "a"), rename("c", "b")],
        &["moved `a` to `c`", "moved `b` to `a`", "moved `c` to `b`"],
        &[("a", Some("bee\n")), ("b", Some("one\n")), ("c", None)],
    );
    chain(
        &[
            ("delete_file", json!({"path": "a"})),
            ("delete_file", json!({"path": "a"})),
            ("edit_file", json!({"path": "a", "old_string": "o", "new_string": "p"})),
        ],
        &[
            "deleted `a`",
            "error: `a` does not exist: look with list_files",
            "error: `a` does not exist: look with list_files",
        ],
        &[("a", None)],
    );
}

#[test]
fn e07_edits_that_overlap_come_one_after_the_other() {
    let bench = Bench::new("//- /a.txt\none two three\n");
    let edit =
        |old: &str, new: &str| bench.call("edit_file", json!({"path": "a.txt", "old_string": old, "new_string": new}));
    assert!(edit("one two", "1 2").starts_with("edited"));
    assert!(edit("two three", "2 3").starts_with("error: old_string is not in"));
    assert_eq!(bench.text("a.txt").unwrap(), "1 2 three\n");
}

#[test]
fn an_edit_that_adds_a_syntax_error_says_so_at_once() {
    let bench = Bench::new("//- /a.rs\nfn a() {\n    b(1);\n}\n//- /broken.py\ndef a(:\n    pass\n//- /a.txt\n(\n");
    let note = |tool: &str, input: Value| {
        let answer = bench.call(tool, input);
        answer.lines().find(|line| line.starts_with("note: ")).map(str::to_owned)
    };
    let edit = |path: &str, old: &str, new: &str| json!({"path": path, "old_string": old, "new_string": new});
    let adds = |what: &str| Some(format!("note: this adds a syntax error at line {what}"));
    assert_eq!(note("edit_file", edit("a.rs", "b(1);", "b(2);")), None);
    assert_eq!(note("edit_file", edit("a.rs", "b(2);", "b(2;")), adds("2: missing `)`"));
    // What was broken before is not told again, nor what is mended.
    assert_eq!(note("edit_file", edit("a.rs", "b(2;", "b(3;")), None);
    assert_eq!(note("edit_file", edit("a.rs", "b(3;", "b(3);")), None);
    assert_eq!(note("edit_file", edit("broken.py", "pass", "return 1")), None);
    assert_eq!(note("edit_file", edit("a.txt", "(", "((")), None);
    assert_eq!(
        note("write_file", json!({"path": "new.py", "content": "x = (1\ny = ]\n"}))
            .map(|note| note.starts_with("note: this adds a syntax error at line ")),
        Some(true)
    );
    assert_eq!(note("write_file", json!({"path": "new.md", "content": "x = (1\n"})), None);
    // The edit stands all the same.
    assert_eq!(bench.text("new.py").as_deref(), Some("x = (1\ny = ]\n"));
}
