//! `apply_patch`: both forms of a patch, all of it or nothing, and never in a place that was not meant.

use std::process::Command;

use serde_json::json;

use super::tools::Bench;

const FILES: &str = "//- /a.py\ndef one():\n    return 1\n\n\ndef two():\n    return 1\n//- /b.txt\nalpha\nbeta\ngamma\n//- /crlf.txt\none\r\ntwo\r\nthree\r\n//- /open.txt\nlast";

/// The patch's answer, and what then stands in the files that are named.
fn check(patch: &str, answer: &str, expected: &[(&str, Option<&str>)]) {
    let bench = Bench::new(FILES);
    let said = bench.call("apply_patch", json!({"patch": patch}));
    assert_eq!(said, answer, "{patch}");
    let view = bench.context.view();
    for (path, text) in expected {
        let there = view.read(&bench.fixture.doc(path)).ok().map(|document| document.text.to_string());
        assert_eq!(there.as_deref(), *text, "{path} after {patch}");
    }
}

#[test]
fn both_forms_of_a_patch_are_proposed() {
    check(
        "*** Begin Patch\n*** Update File: a.py\n@@ def two():\n-    return 1\n+    return 2\n*** Add File: new/c.txt\n+hello\n+\n\
         *** Delete File: b.txt\n*** End Patch\n",
        "edited `a.py` at line 6\ncreated `new/c.txt`, 2 lines\ndeleted `b.txt`",
        &[
            ("a.py", Some("def one():\n    return 1\n\n\ndef two():\n    return 2\n")),
            ("new/c.txt", Some("hello\n\n")),
            ("b.txt", None),
        ],
    );
    check(
        "*** Begin Patch\n*** Update File: b.txt\n*** Move to: d.txt\n@@\n alpha\n-beta\n+BETA\n*** End Patch",
        "edited `b.txt` at line 2\nmoved `b.txt` to `d.txt`",
        &[("b.txt", None), ("d.txt", Some("alpha\nBETA\ngamma\n"))],
    );
    check(
        "diff --git a/b.txt b/b.txt\nindex 1..2 100644\n--- a/b.txt\n+++ b/b.txt\n@@ -1,3 +1,4 @@ section\n alpha\n-beta\n+b\n+c\n gamma\n\
         --- /dev/null\n+++ b/e.txt\n@@ -0,0 +1 @@\n+new\n--- a/open.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-last\n\\ No newline at end of file\n",
        "edited `b.txt` at line 2\ncreated `e.txt`, 1 lines\ndeleted `open.txt`",
        &[("b.txt", Some("alpha\nb\nc\ngamma\n")), ("e.txt", Some("new\n")), ("open.txt", None)],
    );
    check(
        "diff --git a/b.txt b/f.txt\nsimilarity index 90%\nrename from b.txt\nrename to f.txt\n",
        "moved `b.txt` to `f.txt`",
        &[("b.txt", None), ("f.txt", Some("alpha\nbeta\ngamma\n"))],
    );
    // Two places are alike: the diff's line decides, for lines that stand there exactly.
    check(
        "--- a/a.py\n+++ b/a.py\n@@ -6 +6 @@\n-    return 1\n+    return 2\n",
        "edited `a.py` at line 6",
        &[("a.py", Some("def one():\n    return 1\n\n\ndef two():\n    return 2\n"))],
    );
    check(
        "--- crlf.txt\n+++ crlf.txt\n@@ -2,0 +3 @@\n+between\n",
        "edited `crlf.txt` at line 3",
        &[("crlf.txt", Some("one\r\ntwo\r\nbetween\r\nthree\r\n"))],
    );
    // A new file has the line ends that it is given.
    check(
        "--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1,2 @@\n+one\r\n+two\r\n",
        "created `new.txt`, 2 lines",
        &[("new.txt", Some("one\r\ntwo\r\n"))],
    );
    check(
        "*** Begin Patch\n*** Update File: open.txt\n@@\n-last\n+the last\n*** End of File\n*** End Patch",
        "edited `open.txt` at line 1",
        &[("open.txt", Some("the last"))],
    );
}

#[test]
fn e07_a_patch_that_does_not_fit_changes_nothing() {
    let untouched = [
        ("b.txt", Some("alpha\nbeta\ngamma\n")),
        ("a.py", Some("def one():\n    return 1\n\n\ndef two():\n    return 1\n")),
    ];
    let both = |hunk: &str| {
        format!(
            "*** Begin Patch\n*** Update File: b.txt\n@@\n-beta\n+BETA\n*** Update File: a.py\n@@\n{hunk}*** End Patch"
        )
    };
    for (patch, words) in [
        (both("-    return 1\n+    return 2\n"), "a hunk of `a.py` matches at lines 2 and 6"),
        (both("-    return 3\n+    return 2\n"), "a hunk's old text is not in `a.py`"),
        // The end of a line is no line.
        (both("-one():\n+uno():\n"), "a hunk's old text is not in `a.py`"),
        (both("+    return 2\n"), "no lines that say where it belongs"),
        (both("oops\n"), "line 8 of the patch, `oops`, does not begin with ` `, `-` or `+`"),
        (both("-def one():\n+def uno():\n*** Add File: b.txt\n+x\n"), "`b.txt` exists already"),
        (both("-def one():\n+def uno():\n*** Update File: b.txt\n@@\n-gamma\n+g\n"), "the patch names `b.txt` twice"),
        ("--- a/b.txt\n+++ b/b.txt\n@@ -1,3 +1,3 @@\n alpha\n-beta\n".to_owned(), "ends before all the lines"),
        ("--- a/b.txt\n+++ b/b.txt\n@@ beta\n-beta\n".to_owned(), "should be like `@@ -3,4 +3,5 @@`"),
        ("*** Begin Patch\n*** Update File: ../x\n@@\n-a\n+b\n*** End Patch".to_owned(), "leads out of the workspace"),
        ("make it better".to_owned(), "the patch changes no file"),
    ] {
        let bench = Bench::new(FILES);
        let said = bench.call("apply_patch", json!({"patch": patch}));
        assert!(said.starts_with("error: ") && said.contains(words), "{patch}\n{said}");
        for (path, text) in untouched {
            let there =
                bench.context.view().read(&bench.fixture.doc(path)).ok().map(|document| document.text.to_string());
            assert_eq!(there.as_deref(), text, "{path} after {patch}");
        }
    }
}

/// A hunk that stands in a place that its patch does not mean is refused, however well its lines fit.
#[test]
fn a_hunk_in_another_place_than_it_says_is_refused() {
    let unchanged = "def one():\n    return 1\n\n\ndef two():\n    return 2\n";
    let fixture = format!("//- /a.py\n{unchanged}//- /l.txt\nlastly one\nmore\n");
    let python = |hunk: &str| format!("*** Begin Patch\n*** Update File: a.py\n@@ def two():\n{hunk}\n*** End Patch\n");
    let lines = |hunk: &str| format!("--- a/l.txt\n+++ b/l.txt\n@@ -1 +1 @@\n{hunk}\n");
    for (patch, words) in [
        // It was done already, and what is left of it is somewhere else.
        (python("-    return 1\n+    return 3"), "stands above the line that it names"),
        (
            python("-    return 2\n+    return 3").replace("two", "three"),
            "`def three():`, which a hunk of `a.py` names",
        ),
        // A line without an end is the last one, not the beginning of another, and nothing comes behind it.
        (lines("-last\n\\ No newline at end of file\n+first"), "ends with the file, and its lines do not"),
        (lines("-lastly one\n+first\n\\ No newline at end of file"), "ends with the file, and its lines do not"),
        (
            "*** Begin Patch\n*** Update File: l.txt\n-lastly one\n+x\n*** End of File\n*** End Patch".to_owned(),
            "ends with the file",
        ),
        (lines("-lastly one\r\n+lastly one"), "changes nothing there: line ends stay"),
        ("--- a/l.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-lastly one\n-less\n".to_owned(), "holds something else"),
    ] {
        let bench = Bench::new(&fixture);
        let said = bench.call("apply_patch", json!({"patch": patch}));
        assert!(said.starts_with("error: ") && said.contains(words), "{patch}\n{said}");
        assert!(said.ends_with(". Nothing was changed"), "{said}");
        assert!(bench.overlay().is_empty(), "{patch}");
    }
}

#[test]
fn a_place_among_several_is_the_one_that_its_anchor_heads() {
    let source = "class A:\n    def f(\n        self,\n    ):\n        return 1\n\n    def g(self):\n        return 1\n\nclass B:\n    def f(\n        self,\n    ):\n        return 1\n";
    let check = |anchors: &str, line: Result<usize, &str>| {
        let bench = Bench::new(&format!("//- /a.py\n{source}"));
        let patch = format!(
            "*** Begin Patch\n*** Update File: a.py\n{anchors}\n-        return 1\n+        return 2\n*** End Patch"
        );
        let said = bench.call("apply_patch", json!({"patch": patch}));
        match line {
            Ok(line) => {
                assert_eq!(said, format!("edited `a.py` at line {line}"), "{patch}");
                let mut lines: Vec<&str> = source.lines().collect();
                lines[line - 1] = "        return 2";
                assert_eq!(bench.text("a.py").unwrap(), lines.join("\n") + "\n", "{patch}");
            }
            Err(words) => assert!(said.starts_with("error: ") && said.contains(words), "{patch}\n{said}"),
        }
    };
    check("@@ def g(self):", Ok(8));
    check("@@ class B:\n@@ def f(", Ok(14));
    check("@@ class A:\n@@ def f(", Ok(5));
    check("@@ class B", Ok(14));
    check("@@ def f(", Err("matches at lines 5, 8 and 14"));
    check("@@ class A:\n@@ class B:\n@@ def g", Err("is not there"));
    check("@@ class B:\n@@ class A:", Err("is not there"));
}

/// Whole lines that overlap, beside a line that only ends like one.
#[test]
fn lines_that_repeat_are_several_places() {
    let bench = Bench::new("//- /a.txt\nxA\nA\nA\nA\n");
    let patch = "*** Begin Patch\n*** Update File: a.txt\n-A\n-A\n+B\n*** End Patch";
    let said = bench.call("apply_patch", json!({"patch": patch}));
    assert!(said.contains("matches at lines 2 and 3"), "{said}");
    let bench = Bench::new("//- /a.txt\nx\n\n\ny\n");
    let patch = "*** Begin Patch\n*** Update File: a.txt\n \n+B\n \n*** End Patch";
    assert_eq!(bench.call("apply_patch", json!({"patch": patch})), "edited `a.txt` at line 3");
    assert_eq!(bench.text("a.txt").unwrap(), "x\n\nB\n\ny\n");
}

#[test]
fn hunks_may_show_the_same_lines_and_not_change_them() {
    check(
        "--- a/b.txt\n+++ b/b.txt\n@@ -1,2 +1,3 @@\n alpha\n+a\n beta\n@@ -2,2 +3,3 @@\n beta\n+b\n gamma\n",
        "edited `b.txt` at lines 2 and 4",
        &[("b.txt", Some("alpha\na\nbeta\nb\ngamma\n"))],
    );
    for (one, other) in [(" alpha\n+a\n", " alpha\n+b\n"), ("-beta\n+a\n", " alpha\n-beta\n")] {
        let bench = Bench::new(FILES);
        let patch = format!("*** Begin Patch\n*** Update File: b.txt\n@@\n{one}@@\n{other}*** End Patch");
        let said = bench.call("apply_patch", json!({"patch": patch}));
        assert!(said.contains("two hunks of `b.txt` change the same lines"), "{said}");
        assert!(bench.overlay().is_empty());
    }
}

/// What a line number means is the text that was read.
#[test]
fn a_line_number_of_another_text_places_nothing() {
    for hunk in ["@@ -2,0 +3 @@\n+x\n", "@@ -6 +6 @@\n-    return 1\n+    return 2\n"] {
        let bench = Bench::new(FILES);
        bench.call("read_file", json!({"path": "a.py"}));
        bench.fixture.write("a.py", "# first\ndef one():\n    return 1\n\n\n    return 1\n");
        let said = bench.call("apply_patch", json!({"patch": format!("--- a/a.py\n+++ b/a.py\n{hunk}")}));
        assert!(said.contains("`a.py` changed since you read it"), "{said}");
    }
}

#[test]
fn e07_files_of_a_patch_that_stand_in_each_others_way() {
    let patch = |sections: &str| format!("*** Begin Patch\n{sections}*** End Patch\n");
    let moved = |from: &str, to: &str| format!("*** Update File: {from}\n*** Move to: {to}\n");
    for (sections, words) in [
        (moved("b.txt", "a.py"), "`a.py` exists already"),
        (moved("b.txt", "b.txt"), "is moved to where it is"),
        (moved("b.txt", "c") + &moved("a.py", "c"), "`c` exists already"),
        ("*** Add File: c\n+x\n".to_owned() + &moved("b.txt", "c"), "`c` exists already"),
        (moved("b.txt", "c") + "*** Update File: c\n-beta\n+x\n", "the patch names `c` twice"),
        (moved("b.txt", "c") + "*** Add File: b.txt\n+x\n", "the patch names `b.txt` twice"),
        ("*** Delete File: b.txt\n*** Delete File: b.txt\n".to_owned(), "`b.txt` does not exist"),
        ("*** Delete File: b.txt\n".to_owned() + &moved("a.py", "b.txt"), "the patch names `b.txt` twice"),
        ("*** Add File: d/x\n+x\n*** Add File: d\n+x\n".to_owned(), "`d` is a directory"),
        ("*** Add File: d\n+x\n*** Add File: d/x\n+x\n".to_owned(), "beneath a file"),
        (moved("b.txt", "a.py/b.txt"), "beneath a file"),
        (moved("b.txt", "../b.txt"), "leads out of the workspace"),
        (moved("b.txt", "/tmp/b.txt"), "is absolute"),
        ("*** Add File: /etc/x\n+x\n".to_owned(), "is absolute"),
        ("*** Delete File: a.py/../../x\n".to_owned(), "leads out of the workspace"),
        ("*** Delete File: untitled:One\n".to_owned(), "can not be deleted"),
        ("*** Add File:\n+x\n".to_owned(), "names no file"),
        ("*** Update File: b.txt\n".to_owned(), "changes nothing in `b.txt`"),
    ] {
        let bench = Bench::new(FILES);
        let said = bench.call("apply_patch", json!({"patch": patch(&sections)}));
        assert!(said.starts_with("error: ") && said.contains(words), "{sections}\n{said}");
        assert!(bench.overlay().is_empty(), "{sections}");
    }
}

/// What was read of a file that is gone again counts as never read.
#[test]
fn a_patch_that_failed_leaves_no_trace_in_what_the_model_has_seen() {
    let bench = Bench::new(FILES);
    bench.call("read_file", json!({"path": "b.txt"}));
    let patch = "*** Begin Patch\n*** Update File: b.txt\n-beta\n+B\n*** Update File: a.py\n-nothing\n*** End Patch";
    let said = bench.call("apply_patch", json!({"patch": patch}));
    assert!(said.starts_with("error: "), "{said}");
    assert_eq!(bench.call("delete_file", json!({"path": "b.txt"})), "deleted `b.txt`");
}

/// Diffs of real source, by another program, give exactly what that program compared.
#[test]
fn e06_diffs_by_another_program_give_exactly_its_bytes() {
    let sources = [include_str!("../../../src/text/diff.rs"), include_str!("../../../src/workspace/path.rs")];
    let mut state = 7_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for case in 0..200 {
        let folder = tempfile::tempdir().unwrap();
        let mut lines: Vec<String> = sources[case % 2].lines().map(str::to_owned).collect();
        let old = lines.clone();
        for _ in 0..=random(6) {
            let at = random(lines.len());
            match random(4) {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, format!("// inserted {}", random(3))),
                2 => lines[at] = lines[random(old.len().min(lines.len()))].clone(),
                _ => {
                    let other = random(lines.len());
                    lines.swap(at, other);
                }
            }
        }
        let (ending, last) = (["\n", "\r\n"][random(2)], random(2));
        let text = |lines: &[String]| format!("{}{}", lines.join(ending), ending.repeat(last));
        let (old, new) = (text(&old), text(&lines));
        if old == new {
            continue;
        }
        for (name, text) in [("old", &old), ("new", &new)] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let context = format!("-U{}", 1 + random(3));
        let diff = Command::new("diff").args([&context, "old", "new"]).current_dir(folder.path()).output().unwrap();
        let diff = String::from_utf8(diff.stdout).unwrap();
        let diff = diff.replacen("--- old", "--- a/a.rs", 1).replacen("+++ new", "+++ b/a.rs", 1);
        let bench = Bench::new("//- /a.rs\n");
        bench.fixture.write("a.rs", &old);
        let said = bench.call("apply_patch", json!({"patch": diff}));
        let there = bench.context.view().read(&bench.fixture.doc("a.rs")).unwrap().text.to_string();
        assert_eq!(there, new, "case {case}: {said}\n{diff}");
    }
}
