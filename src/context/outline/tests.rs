//! Outlines within budgets, and the index across runs.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use expect_test::expect;

use super::*;
use crate::workspace::{Overlay, Workspace};

fn write(folder: &Path, rel: &str, text: &str) {
    let path = folder.join(rel);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn view_of(folder: &Path) -> View {
    let mut roots = Roots::default();
    roots.add(folder).unwrap();
    Workspace::new(roots).view(&Overlay::default())
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let source = |name: &str| {
        format!(
            "pub struct {name};\nimpl {name} {{\n    pub fn new() -> {name} {{ {name} }}\n    fn helper(&self) {{}}\n}}\n"
        )
    };
    for index in 0..30 {
        write(folder.path(), &format!("src/part_{index:02}.rs"), &source(&format!("Part{index}")));
    }
    write(folder.path(), "src/lib.rs", "pub mod part_00;\n");
    write(folder.path(), "src/deep/down/low.py", "class Low:\n    def go(self): pass\n");
    write(folder.path(), "tests/all.rs", "#[test]\nfn all() {}\n");
    write(folder.path(), "README.md", "# Project\n");
    folder
}

#[test]
fn an_outline_never_outgrows_its_budget_and_says_what_is_missing() {
    let folder = project();
    let view = view_of(folder.path());
    let snapshot = Index::default().snapshot(&view, soon());
    assert_eq!(snapshot.state, SnapshotState::Ready);
    for tokens in 0..1_500 {
        let rendered = snapshot.render(view.roots(), &Ranking::default(), tokens);
        assert!(rendered.tokens <= tokens, "{tokens}: {rendered:?}");
        assert_eq!(rendered.tokens, estimate_tokens(&rendered.text));
        assert_eq!(rendered.files, 34);
        let named = rendered.text.lines().filter(|line| !line.starts_with([' ', '…'])).count();
        assert_eq!(named, rendered.shown, "{}", rendered.text);
        if rendered.shown < rendered.files && tokens > 10 {
            let missing = format!("… {} more files\n", rendered.files - rendered.shown);
            assert!(rendered.text.ends_with(&missing), "{tokens}: {}", rendered.text);
        }
    }
}

#[test]
fn what_is_near_comes_first() {
    let folder = project();
    let view = view_of(folder.path());
    let path = |name: &str| view.roots().resolve(name).unwrap();
    let snapshot = Index::default().snapshot(&view, soon());
    let ranking = Ranking {
        focus: Some(path("src/part_07.rs")),
        open: BTreeSet::from([path("README.md")]),
        skip: BTreeSet::from([path("src/part_00.rs")]),
    };
    let rendered = snapshot.render(view.roots(), &ranking, 150);
    expect![[r#"
        src/part_07.rs
             1 pub struct Part7
             2 impl Part7
             3   pub fn new() -> Part7
             4   fn helper(&self)
        README.md
        src/part_01.rs
             1 pub struct Part1
             2 impl Part1
             3   pub fn new() -> Part1
             4   fn helper(&self)
        src/part_02.rs
        src/part_03.rs
        src/part_04.rs
        src/part_05.rs
        src/part_06.rs
        src/part_08.rs
        src/part_09.rs
        src/part_10.rs
        src/part_11.rs
        src/part_12.rs
        src/part_13.rs
        src/part_14.rs
        src/part_15.rs
        src/part_16.rs
        src/part_17.rs
        src/part_18.rs
        src/part_19.rs
        src/part_20.rs
        src/part_21.rs
        src/part_22.rs
        src/part_23.rs
        src/part_24.rs
        src/part_25.rs
        … 7 more files
    "#]]
    .assert_eq(&rendered.text);
    let names: Vec<String> = snapshot.ranked(&ranking).iter().map(|file| view.roots().display(file.path)).collect();
    let last: Vec<&str> = names.iter().rev().take(4).map(String::as_str).collect();
    assert_eq!(last, ["src/lib.rs", "tests/all.rs", "src/deep/down/low.py", "src/part_29.rs"]);
}

#[test]
fn the_index_follows_the_disk() {
    let folder = project();
    let cache = tempfile::tempdir().unwrap();
    let view = view_of(folder.path());
    let index = Index::new(Some(cache.path().join("outline")));
    let text = || index.snapshot(&view, soon()).render(view.roots(), &Ranking::default(), 100_000).text;
    assert!(text().contains("struct Part3\n"));
    write(folder.path(), "src/part_03.rs", "pub struct Replaced;\n");
    std::fs::remove_file(folder.path().join("src/part_04.rs")).unwrap();
    let after = text();
    assert!(!after.contains("struct Part3\n") && after.contains("struct Replaced\n"), "{after}");
    assert!(!after.contains("part_04.rs"), "{after}");
}

#[test]
fn a_later_run_starts_from_what_was_kept() {
    let folder = project();
    let cache = tempfile::tempdir().unwrap();
    let kept = cache.path().join("outline");
    // What was written this instant is not kept: let it age.
    for entry in std::fs::read_dir(folder.path().join("src")).unwrap() {
        let file = std::fs::File::open(entry.unwrap().path()).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(60)).unwrap();
    }
    let view = view_of(folder.path());
    let first = Index::new(Some(kept.clone()));
    let before = first.snapshot(&view, soon());
    wait_for(|| {
        kept.read_dir().is_ok_and(|mut files| {
            files.any(|file| file.unwrap().path().extension().is_some_and(|end| end == "outline"))
        })
    });
    // A second run takes the kept definitions for files that look the same, without reading them.
    let rows = cache::load(&kept, &view.roots().iter().next().unwrap().path);
    assert!(rows.iter().any(|(rel, ..)| rel.as_ref() == "src/part_03.rs"), "{rows:?}");
    assert_eq!(Index::new(Some(kept)).snapshot(&view, soon()), before);
}

/// Waits for a background thread that tells nobody when it is done.
fn wait_for(done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain");
        std::thread::yield_now();
    }
}

#[test]
fn a_deadline_that_has_passed_gives_what_is_there() {
    let folder = project();
    let view = view_of(folder.path());
    let index = Index::default();
    let cold = index.snapshot(&view, Instant::now());
    assert!(matches!(cold.state, SnapshotState::Incomplete { .. } | SnapshotState::Ready), "{:?}", cold.state);
    assert_eq!(index.snapshot(&view, soon()).state, SnapshotState::Ready);
    // Warm, an impatient question gets the last look's answer.
    let again = index.snapshot(&view, Instant::now());
    assert!(matches!(again.state, SnapshotState::Earlier | SnapshotState::Ready), "{:?}", again.state);
    assert_eq!(again.files.len(), 34);
}
