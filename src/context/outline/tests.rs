//! Outlines within budgets, and the index across runs.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::syntax::{Language, Parsed};
use crate::text::Text;
use crate::workspace::{Overlay, Roots, Workspace};

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
        ..Ranking::default()
    };
    let rendered = snapshot.render(view.roots(), &ranking, 150);
    expect![[r#"
        src/part_07.rs
             1 pub struct Part7
             2 impl Part7
             3   pub fn new() -> Part7
             4   fn helper(&self)
        README.md
             1 # Project
        src/deep/down/low.py
             1 class Low
             2   def go(self)
        src/part_01.rs
             1 pub struct Part1
               … 3 more
        src/part_02.rs
             1 pub struct Part2
               … 3 more
        src/part_03.rs
             1 pub struct Part3
               … 3 more
        src/part_04.rs
             1 pub struct Part4
               … 3 more
        src/part_05.rs
             1 pub struct Part5
               … 3 more
        src/part_06.rs
        src/part_08.rs
        src/part_09.rs
        src/part_10.rs
        src/part_11.rs
        src/part_12.rs
        … 19 more files
    "#]]
    .assert_eq(&rendered.text);
    let whole = snapshot.render(view.roots(), &ranking, 100_000);
    let names: Vec<String> = whole.listed.iter().map(|file| view.roots().display(&file.path)).collect();
    assert_eq!((names.len(), names.first().map(String::as_str)), (33, Some("src/part_07.rs")));
    assert!(!names.contains(&"src/part_00.rs".to_owned()));
}

/// A project in which `main` calls `one`, and nobody calls what many files define.
fn calling() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "src/main.rs", "mod one;\nfn main() { one::entry(); }\nfn idle() {}\n");
    write(folder.path(), "src/one.rs", "/// Begins.\npub fn entry() { crate::two::deeper() }\npub fn unused_a() {}\n");
    write(folder.path(), "src/two.rs", "pub fn deeper() { helper() }\nfn helper() {}\npub fn unused_b() {}\n");
    write(
        folder.path(),
        "src/three.rs",
        "pub fn unused_c() {}\npub fn unused_d() {}\npub fn calls() { super::two::deeper() }\n",
    );
    write(folder.path(), "web/app.ts", "export function deeper() {}\nexport function other() { deeper() }\n");
    write(folder.path(), "notes.md", "# Notes\n\nAbout `deeper`.\n");
    folder
}

/// Definitions that come in this order, perhaps with others between them.
#[track_caller]
fn check_ranking(rank: impl Fn(&View) -> Ranking, expected: &[&str]) {
    let folder = calling();
    let view = view_of(folder.path());
    let snapshot = Index::default().snapshot(&view, soon());
    let ranked = rank(&view).ranked(&snapshot);
    let mut order = Vec::new();
    for ((path, symbols), ranks) in snapshot.files.iter().zip(&ranked.items) {
        let stem = view.roots().display(path);
        let names = symbols.iter().flat_map(|symbols| symbols.items().map(|item| item.name.to_owned()));
        order.extend(names.zip(ranks).map(|(name, rank)| (*rank, format!("{stem} {name}"))));
    }
    order.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let place = |name: &str| order.iter().position(|(_, other)| other == name).unwrap();
    assert!(expected.is_sorted_by_key(|name| place(name)), "{order:?}");
}

#[test]
fn who_is_used_comes_before_who_is_not() {
    let path = |view: &View, name: &str| view.roots().resolve(name).unwrap();
    let default = ["src/two.rs deeper", "src/one.rs entry", "src/one.rs unused_a", "notes.md Notes"];
    check_ranking(|_| Ranking::default(), &default);
    check_ranking(|_| Ranking::default(), &["src/two.rs helper", "src/two.rs unused_b"]);
    // What the focus calls, and who calls it.
    let at_helper = |view: &View| Ranking { focus: Some(path(view, "src/two.rs")), lines: 2..3, ..Ranking::default() };
    check_ranking(at_helper, &["src/two.rs helper", "src/two.rs deeper", "src/one.rs entry", "web/app.ts deeper"]);
    let at_calls = |view: &View| Ranking { focus: Some(path(view, "src/three.rs")), lines: 3..4, ..Ranking::default() };
    check_ranking(at_calls, &["src/two.rs deeper", "src/three.rs calls", "src/three.rs unused_c", "web/app.ts deeper"]);
    // What an instruction, a problem, or a change points to.
    let mentioned = Ranking::mentioned_in("Why is `unused_d` here?");
    let mentions = |_: &View| Ranking { mentioned: mentioned.clone(), ..Ranking::default() };
    check_ranking(mentions, &["src/three.rs unused_d", "src/two.rs deeper", "src/three.rs unused_c"]);
    let files = Ranking::mentioned_in("Look at web/app.ts.");
    let names_file = |_: &View| Ranking { mentioned: files.clone(), ..Ranking::default() };
    check_ranking(names_file, &["web/app.ts other", "src/one.rs entry"]);
    let troubled = |view: &View| Ranking { troubled: BTreeSet::from([path(view, "web/app.ts")]), ..Ranking::default() };
    check_ranking(troubled, &["web/app.ts deeper", "src/one.rs entry"]);
    let changed = |view: &View| Ranking { changed: BTreeSet::from([path(view, "web/app.ts")]), ..Ranking::default() };
    check_ranking(changed, &["web/app.ts deeper", "src/one.rs entry"]);
    let open = |view: &View| Ranking { open: BTreeSet::from([path(view, "web/app.ts")]), ..Ranking::default() };
    check_ranking(open, &["web/app.ts deeper", "src/one.rs unused_a"]);
}

#[test]
fn what_has_to_do_with_a_definition_is_told() {
    let folder = calling();
    write(folder.path(), "tests/all.rs", "#[test]\nfn it_goes_deeper() { two::deeper() }\n");
    let view = view_of(folder.path());
    let snapshot = Index::default().snapshot(&view, soon());
    let related = snapshot.related(&view.roots().resolve("src/two.rs").unwrap(), 1);
    let names = |places: &[Place]| places.iter().map(|place| place.item.name.to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&related.callers), ["entry", "calls"]);
    assert_eq!(names(&related.tests), ["it_goes_deeper"]);
    assert_eq!(names(&related.callees), ["helper"]);
    let nowhere = snapshot.related(&view.roots().resolve("src/nowhere.rs").unwrap(), 1);
    assert_eq!(nowhere, Related::default());
    assert_eq!(names(&snapshot.defined("deeper")), ["deeper", "deeper"]);
    assert_eq!(names(&snapshot.defined("nothing")), Vec::<String>::new());
}

#[test]
fn a_map_is_full_and_never_over() {
    let folder = project();
    let view = view_of(folder.path());
    let snapshot = Index::default().snapshot(&view, soon());
    let whole = snapshot.render(view.roots(), &Ranking::default(), 100_000);
    for tokens in (250..whole.tokens).step_by(7) {
        let rendered = snapshot.render(view.roots(), &Ranking::default(), tokens);
        assert!(rendered.tokens <= tokens && rendered.tokens * 100 >= tokens * 98, "{tokens}: {rendered:?}");
    }
    // The same in, the same out, whoever makes it.
    let again = Index::default().snapshot(&view, soon()).render(view.roots(), &Ranking::default(), 500);
    assert_eq!(again, snapshot.render(view.roots(), &Ranking::default(), 500));
}

#[test]
fn a_map_of_a_real_tree_is_full_at_every_focus() {
    let view = view_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/workspace"));
    let snapshot = Index::default().snapshot(&view, soon());
    let whole = snapshot.render(view.roots(), &Ranking::default(), 1_000_000);
    let files: Vec<&DocPath> = snapshot.files.iter().map(|(path, _)| path).collect();
    let focused = files.iter().step_by(files.len() / 6).enumerate().map(|(at, path)| {
        let mentioned =
            if at % 2 == 0 { BTreeSet::from(["text".to_owned(), "View".to_owned()]) } else { BTreeSet::new() };
        Ranking { focus: Some((*path).clone()), lines: 1 + at * 9..30 + at * 9, mentioned, ..Ranking::default() }
    });
    for ranking in focused.chain([Ranking::default()]) {
        for tokens in [250, 333, 500, 777, 1_000, 1_500, 2_000, 3_001, 5_000, 8_191, 12_000, 20_000] {
            let rendered = snapshot.render(view.roots(), &ranking, tokens);
            let is_full = rendered.tokens * 100 >= tokens * 98 || rendered.tokens >= whole.tokens;
            assert!(rendered.tokens <= tokens && is_full, "{tokens}: {} at {:?}", rendered.tokens, ranking.focus);
            assert_eq!(rendered.tokens, estimate_tokens(&rendered.text));
        }
    }
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
    assert!(rows.iter().any(|row| row.rel.as_deref() == Some("src/part_03.rs")), "{rows:?}");
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

/// What is done to a folder of files.
#[derive(Clone, Debug)]
enum Step {
    Write(usize, usize),
    Remove(usize),
    Rename(usize, usize),
    Look,
    Restart,
    Damage(usize),
}

const FILES: &[&str] = &["a.rs", "b.py", "src/c.rs", "src/d.ts", "e.kt", "notes.md", "f.json"];
const TEXTS: &[&str] = &[
    "pub fn one() { two() }\n",
    "fn two() {}\nstruct Three;\n",
    "def four():\n    return two()\n",
    "fn broken( {\n",
    "# Title\n",
    "{\"key\": {\"inner\": 1}}",
    "",
    "class Five {\n  six() { return 1 }\n}\n",
];

fn step() -> impl Strategy<Value = Step> {
    let file = 0..FILES.len();
    prop_oneof![
        6 => (file.clone(), 0..TEXTS.len()).prop_map(|(file, text)| Step::Write(file, text)),
        2 => file.clone().prop_map(Step::Remove),
        2 => (file.clone(), file).prop_map(|(from, to)| Step::Rename(from, to)),
        3 => Just(Step::Look),
        2 => Just(Step::Restart),
        1 => (0..10_000usize).prop_map(Step::Damage),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever happened to the files, to the index and to what it keeps: what it tells is what a new one finds.
    #[test]
    fn an_index_brought_up_to_date_is_one_made_anew(steps in prop::collection::vec(step(), 1..14)) {
        let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let kept = cache.path().join("outline");
        let view = view_of(folder.path());
        let mut index = Index::new(Some(kept.clone()));
        for step in steps {
            match step {
                Step::Write(file, text) => write(folder.path(), FILES[file], TEXTS[text]),
                Step::Remove(file) => drop(std::fs::remove_file(folder.path().join(FILES[file]))),
                Step::Rename(from, to) => {
                    write(folder.path(), FILES[to], "");
                    drop(std::fs::rename(folder.path().join(FILES[from]), folder.path().join(FILES[to])));
                }
                Step::Look => drop(index.snapshot(&view, soon())),
                Step::Restart => {
                    index.wait_kept(Duration::from_secs(10));
                    index = Index::new(Some(kept.clone()));
                }
                Step::Damage(at) => {
                    index.wait_kept(Duration::from_secs(10));
                    for file in std::fs::read_dir(&kept).into_iter().flatten() {
                        let path = file.unwrap().path();
                        let mut bytes = std::fs::read(&path).unwrap();
                        let at = at % bytes.len().max(1);
                        bytes.truncate(at);
                        bytes.push(7);
                        std::fs::write(&path, bytes).unwrap();
                    }
                }
            }
        }
        let (snapshot, cold) = (index.snapshot(&view, soon()), Index::default().snapshot(&view, soon()));
        prop_assert_eq!(&snapshot, &cold);
        let render = |snapshot: &Snapshot| snapshot.render(view.roots(), &Ranking::default(), 300);
        prop_assert_eq!(render(&snapshot), render(&cold));
    }
}

#[test]
fn d01_hostile_source_costs_an_answer_in_every_language() {
    let read = |source: &str, language: Language| {
        let text = Text::new(source);
        let symbols = FileSymbols::of(&text, Some(language));
        assert!(symbols.items().all(|item| item.depth <= 64), "{language:?}");
        if let Some(parsed) = Parsed::of(&text, language) {
            let all = 0..text.len();
            drop(parsed.names(std::slice::from_ref(&all), |_| true));
        }
    };
    for language in Language::ALL {
        for piece in ["(", "{", "<a>", "class A{"] {
            read(&piece.repeat(500), *language);
        }
    }
    for language in [Language::Rust, Language::Python] {
        read(&"(".repeat(200_000), language);
        read(&"mod a{".repeat(150_000), language);
        read(&"word ".repeat(10 << 20), language);
    }
}
