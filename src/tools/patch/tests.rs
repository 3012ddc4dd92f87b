//! What a patch is read as, and what is refused.

use super::*;

#[track_caller]
fn refused(patch: &str, words: &str) {
    let error = parse(patch).map(|files| format!("{files:?}")).expect_err(patch);
    assert!(error.contains(words), "{error}\n{patch}");
}

/// `path`: `+` for a file that comes, `-` for one that goes, `to` for one that moves, and its hunks.
#[track_caller]
fn check(patch: &str, expected: &[&str]) {
    let shown = |file: FilePatch| match file.change {
        Change::Add(text) => format!("+{} {text:?}", file.path),
        Change::Delete { old } => format!("-{} {old:?}", file.path),
        Change::Update { to, hunks } => {
            let hunks = hunks.iter().map(|hunk| {
                let (at, end) = (hunk.line.map(|line| format!("{line} ")), if hunk.at_end { "$" } else { "" });
                let anchors: String = hunk.anchors.iter().map(|anchor| format!("@{anchor} ")).collect();
                format!("{}{anchors}{:?}>{:?}{end}", at.unwrap_or_default(), hunk.old, hunk.new)
            });
            let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
            format!("{}{to} {}", file.path, hunks.collect::<Vec<_>>().join(" "))
        }
    };
    let files = parse(patch).unwrap_or_else(|error| panic!("{error}\n{patch}"));
    let files: Vec<String> = files.into_iter().map(shown).collect();
    assert_eq!(files, expected, "{patch}");
}

#[test]
fn what_stands_around_an_envelope_is_none_of_it() {
    check(
        "apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: a\n-x\n+y\n*** End Patch\nEOF\n```",
        &["a \"x\\n\">\"y\\n\""],
    );
    refused("*** Begin Patch\n*** Update File: a\n-x\n+y\n", "does not end with `*** End Patch`");
    refused("*** End Patch\n*** Begin Patch\n*** Update File: a\n-x\n+y\n", "does not end with");
}

#[test]
fn empty_lines_of_an_envelope_belong_to_what_goes_on() {
    check(
        "*** Begin Patch\n*** Add File: a\n+x\n\n\n+y\n\n*** Update File: b\n@@\n x\n\n-y\n\n*** Delete File: c\n\n*** End Patch",
        &["+a \"x\\n\\n\\ny\\n\"", "b \"x\\n\\ny\\n\">\"x\\n\\n\"", "-c None"],
    );
}

#[test]
fn anchors_lead_down_and_line_numbers_are_none() {
    check(
        "*** Begin Patch\n*** Update File: a\n@@ class A:\n@@ def f(): @@\n-x\n+y\n@@ -1,3 +1,4 @@ fn g()\n-z\n*** End of File\n*** End Patch",
        &["a @class A: @def f(): \"x\\n\">\"y\\n\" \"z\\n\">\"\"$"],
    );
    let below = "*** Begin Patch\n*** Update File: a\n-x\n*** End of File\n-y\n*** End Patch";
    refused(below, "`-y`, stands below `*** End of File`");
}

#[test]
fn a_hunk_that_changes_nothing_is_told() {
    refused("*** Begin Patch\n*** Update File: a\n x\n*** Delete File: b\n*** End Patch", "changes nothing");
    refused("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+a\n", "changes nothing in `x`");
}

#[test]
fn line_ends_are_the_patchs_own_or_a_lines() {
    check("--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\r\n+b\n", &["+x \"a\\r\\nb\\n\""]);
    check("--- /dev/null\r\n+++ b/x\r\n@@ -0,0 +1,2 @@\r\n+a\r\n+b\r\n", &["+x \"a\\nb\\n\""]);
    check("--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n\r\n-b\r\n", &["x 0 \"\\r\\nb\\r\\n\">\"\\r\\n\""]);
}

#[test]
fn a_line_past_the_count_is_not_passed_over() {
    for more in ["+d", "-d", " d", "d"] {
        refused(&format!("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n{more}\n"), "is not one of the lines that");
    }
    refused("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n+c\n", "1 old and 1 new ones are missing");
    check(
        "From: someone\n\n+ a message\n---\n x | 2 +-\n\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n-- \n2.30.2\n\n",
        &["x 0 \"a\\nb\\n\">\"a\\nc\\n\""],
    );
    check(
        "--- a/x\n+++ b/x\n@@ ... @@\n a\n--- b\n+++c\n\n@@ @@\n-d\n\\ No newline at end of file\n",
        &["x \"a\\n-- b\\n\">\"a\\n++c\\n\" \"d\">\"\"$"],
    );
}

#[test]
fn hunks_stay_with_their_file() {
    // A file that only moves, and another that only changes.
    check(
        "diff --git a/b b/c\nsimilarity index 100%\nrename from b\nrename to c\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        &["b to c ", "x 0 \"a\\n\">\"b\\n\""],
    );
    check(
        "diff --git a/b b/c\nrename from b\nrename to c\n--- a/b\n+++ b/c\n@@ -2 +2 @@\n-a\n+b\n",
        &["b to c 1 \"a\\n\">\"b\\n\""],
    );
    refused("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n@@ -1 +1 @@\n-a\n+b\n", "names one side of a file only");
    refused("+++ b/y\n@@ -1 +1 @@\n-a\n+b\n", "names one side of a file only");
    refused("@@ -1 +1 @@\n-a\n+b\n", "stands below no");
    refused(
        "diff --git a/x b/y\ncopy from x\ncopy to y\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n",
        "a copy is written as",
    );
    refused("--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n", "names `x` and `y`");
    refused("rename from x\n", "names one side only");
}

#[test]
fn files_come_and_go_whole() {
    check(
        "diff --git a/e b/e\nnew file mode 100644\nindex 0..1\ndiff --git a/g b/g\ndeleted file mode 100644\n\
         diff --git a/f b/f\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n--- a/h\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
        &["+e \"\"", "-g None", "+f \"a\"", "-h Some(\"a\\n\")"],
    );
    refused("--- /dev/null\n+++ b/f\n@@ -1 +1,2 @@\n a\n+b\n", "is not all of a new file");
    refused("--- a/f\n+++ /dev/null\n@@ -1,2 +1 @@\n a\n-b\n", "does not take all");
    refused("diff --git a/e b/e\nnew file mode 100755\n--- /dev/null\n+++ b/e\n@@ -0,0 +1 @@\n+a\n", "who may run it");
    refused("diff --git a/e b/e\nold mode 100644\nnew mode 100755\n", "who may run it");
    refused("diff --git a/e b/e\nBinary files a/e and b/e differ\n", "only text");
    refused("--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n", "names no file");
    refused("--- a/f\n+++ b/f\n@@ -1,2 +1 @@\n-a\n\\ No newline at end of file\n-b\n+c\n", "is not one of the lines");
}

#[test]
fn names_are_read_as_tools_write_them() {
    for (from, to, name) in [
        ("a/x y", "b/x y", "x y"),
        ("a/x\t2024-01-01", "b/x\t2024-01-02", "x"),
        ("x", "x", "x"),
        ("a/x", "a/x", "a/x"),
        ("i/x", "w/x", "x"),
        ("\"a/f\\303\\251\\\"\"", "\"b/f\\303\\251\\\"\"", "fé\""),
    ] {
        let patch = format!("--- {from}\n+++ {to}\n@@ -1 +1 @@\n-a\n+b\n");
        assert_eq!(names(&patch), [name], "{patch}");
    }
}

#[test]
fn a_patch_of_too_many_hunks_is_refused() {
    let hunks: String = (0..=MOST_HUNKS).map(|n| format!("@@\n-{n}\n")).collect();
    refused(&format!("*** Begin Patch\n*** Update File: a\n{hunks}*** End Patch"), "2000 are the most");
}
