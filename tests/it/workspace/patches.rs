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
        "edited `b.txt` at line 1\nmoved `b.txt` to `d.txt`",
        &[("b.txt", None), ("d.txt", Some("alpha\nBETA\ngamma\n"))],
    );
    check(
        "diff --git a/b.txt b/b.txt\nindex 1..2 100644\n--- a/b.txt\n+++ b/b.txt\n@@ -1,3 +1,4 @@ section\n alpha\n-beta\n+b\n+c\n gamma\n\
         --- /dev/null\n+++ b/e.txt\n@@ -0,0 +1 @@\n+new\n--- a/open.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-last\n\\ No newline at end of file\n",
        "edited `b.txt` at line 1\ncreated `e.txt`, 1 lines\ndeleted `open.txt`",
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
