//! Listing and searching a view.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use claw::text::Text;
use claw::workspace::search::{Glob, Pattern, Scope};
use claw::workspace::{Author, Overlay, Roots};

use crate::support::fixture::Fixture;

/// `path:line:text` of each match.
fn search(fixture: &Fixture, pattern: &str) -> Vec<String> {
    let view = fixture.live();
    let pattern = Pattern::new(pattern, true).unwrap();
    let found = view.search(&pattern, &Scope::everything(view.roots()), 100, &|| false);
    found.matches.iter().map(|at| format!("{}:{}:{}", view.roots().display(&at.path), at.line, at.text)).collect()
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let fixture = Fixture::new("");
    fixture.write("a", "x\r\nx\ry\rx\n\u{feff}x");
    assert_eq!(search(&fixture, "x"), ["a:1:x", "a:2:x", "a:4:x", "a:5:\u{feff}x"]);
    fixture.write("a", "\u{feff}x\n");
    assert_eq!(search(&fixture, "^x$"), ["a:1:x"]);
    fixture.write("a", b"\xff\xfex\0\n\0x\0");
    assert_eq!(search(&fixture, "^x$"), ["a:1:x", "a:2:x"]);
    fixture.write("a", b"x\0\nx\n");
    assert_eq!(search(&fixture, "x"), Vec::<String>::new(), "binary files are left out");
}

#[test]
fn long_lines_are_cut_around_the_match() {
    let fixture = Fixture::new("");
    fixture.write("a", format!("{}needle{}\n", "a".repeat(100_000), "b".repeat(100_000)));
    let found = search(&fixture, "needle");
    assert!(found[0].contains("aaneedlebb") && found[0].len() < 400, "{}", found[0].len());
}

#[test]
fn ignored_files_stay_out_in_any_folder_and_without_git() {
    let fixture = Fixture::new(
        "//- /.gitignore\n*.log\n/build\n//- /a.log\nx\n//- /build/b\nx\n//- /src/build/c\nx\n//- /src/.gitignore\n!keep.log\n\
         //- /src/keep.log\nx\n//- /.hidden/d\nx\n//- /.git/config\nx\n//- /sub/.git/config\nx\n",
    );
    assert_eq!(search(&fixture, "^x"), [".hidden/d:1:x", "src/build/c:1:x", "src/keep.log:1:x"]);
}

#[test]
fn the_order_is_that_of_names_part_by_part() {
    let fixture = Fixture::new("//- /b/x\n//- /b.txt\n//- /a/z/y\n//- /a/b\n//- /B\n");
    let view = fixture.live();
    let names =
        |limit| -> Vec<String> { view.files(limit).files.iter().map(|path| view.roots().display(path)).collect() };
    assert_eq!(names(10), ["B", "a/b", "a/z/y", "b/x", "b.txt"]);
    fixture.open("a/c", "");
    let view = fixture.live();
    let listing = view.files(3);
    let shown: Vec<String> = listing.files.iter().map(|path| view.roots().display(path)).collect();
    assert_eq!((shown, listing.more), (vec!["B".to_owned(), "a/b".to_owned(), "a/c".to_owned()], true));
    assert!(!view.files(6).more);
}

#[test]
fn several_roots_are_searched_in_order_and_named() {
    let (first, second) = (Fixture::new("//- /a\nx\n"), Fixture::new("//- /a\nx\n"));
    let mut roots = Roots::default();
    roots.add(&first.root_path()).unwrap();
    roots.add(&second.root_path()).unwrap();
    first.workspace.with_roots(|shared| *shared = roots);
    assert_eq!(search(&first, "x"), ["ws/a:1:x", "ws-2/a:1:x"]);
    let view = first.live();
    let scope = Scope::new(&view, Some("ws-2"), None).unwrap();
    assert_eq!(view.list(&scope, 10, &|| false).files.len(), 1);
    assert!(Scope::new(&view, Some("a"), None).is_err());
}

#[test]
fn t06_patterns_are_linear_and_bounded() {
    let fixture = Fixture::new("");
    fixture.write("a", format!("{}!\n", "a".repeat(100_000)));
    let start = Instant::now();
    assert_eq!(search(&fixture, "(a+)+$"), Vec::<String>::new());
    assert_eq!(search(&fixture, "(a|aa)+$"), Vec::<String>::new());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());

    let start = Instant::now();
    let error = |pattern: &str| Pattern::new(pattern, true).err().unwrap().to_string();
    assert!(error(&"a".repeat(10 << 20)).contains("search for a part of it"));
    assert!(error("((a{1000}){1000}){1000}").contains("no valid regular expression"));
    assert!(error(&format!("{}a{}", "(".repeat(1_000), ")".repeat(1_000))).contains("no valid regular expression"));
    assert!(error("").contains("empty"));
    assert!(Glob::new(&"*".repeat(1_000)).is_err());
    assert!(Glob::new(&"*a".repeat(1_000)).is_err());
    assert!(Glob::new(&"{a,b}".repeat(10_000)).is_err());
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());

    let start = Instant::now();
    let glob = Glob::new(&"*a".repeat(30)).unwrap();
    drop(glob);
    fixture.write(&"a".repeat(200), "");
    let view = fixture.live();
    let scope = Scope::new(&view, None, Some(&format!("{}b", "*a".repeat(30)))).unwrap();
    assert_eq!(view.list(&scope, 10, &|| false).files, []);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn t06_a_search_stops_where_it_is_told_to() {
    let fixture = Fixture::new("//- /a\nx\nx\nx\n//- /b\nx\n");
    let view = fixture.live();
    let everything = Scope::everything(view.roots());
    let pattern = Pattern::new("x", true).unwrap();
    let found = view.search(&pattern, &everything, 2, &|| false);
    assert_eq!((found.matches.len(), found.more, found.stopped), (2, true, false));
    let found = view.search(&pattern, &everything, 4, &|| false);
    assert_eq!((found.matches.len(), found.more), (4, false));
    let calls = AtomicUsize::new(0);
    let found = view.search(&pattern, &everything, 100, &|| calls.fetch_add(1, Ordering::Relaxed) >= 7);
    assert!(found.stopped && found.matches.len() < 4, "{found:?}");
    assert!(view.list(&everything, 10, &|| true).stopped);
}

#[test]
fn who_asks_for_all_files_gets_those_of_a_walk_in_order() {
    let mut files = String::from("//- /.gitignore\n*.log\n//- /m/.ignore\nb/\n");
    for folder in ["", "m/", "m/d/", "m/b/", "m/b/c/", "z/", "m-1/", "é/"] {
        for file in ["a", "b.log", "c.rs", "m"] {
            files.push_str(&format!("//- /{folder}{file}{}\nx\n", if folder.is_empty() { "0" } else { "" }));
        }
    }
    let fixture = Fixture::new(&files);
    let view = fixture.live();
    let everything = Scope::everything(view.roots());
    let some = view.list(&everything, 9_000, &|| false);
    assert_eq!(some.files.len(), 21, "{:?}", some.files);
    assert_eq!(view.list(&everything, 20_000, &|| false), some);
    let entries = view.list_entries(&everything, 20_000, &|| false);
    assert!(entries.iter().map(|(path, _)| path).eq(&some.files), "{entries:?}");
    assert!(entries.iter().all(|(path, entry)| *entry == view.entry(path) && entry.is_some()), "{entries:?}");
}

#[cfg(unix)]
#[test]
fn links_are_neither_followed_nor_listed() {
    let fixture = Fixture::new("//- /a\nx\n");
    std::fs::write(fixture.folder.path().join("secret"), "x\n").unwrap();
    std::os::unix::fs::symlink(fixture.folder.path(), fixture.root_path().join("up")).unwrap();
    std::os::unix::fs::symlink("a", fixture.root_path().join("b")).unwrap();
    assert_eq!(search(&fixture, "x"), ["a:1:x"]);
}

#[test]
fn a_search_sees_disk_buffers_and_proposed_text() {
    let fixture = Fixture::new(
        "//- /a/disk.txt\none\nneedle on disk\n//- /dos.txt crlf\nneedle\nx\n//- /b.txt\nneedle gone\n//- /b.txt buffer\n\nunsaved needle\n\
         //- /c.txt\nnothing\n",
    );
    let c = fixture.live().read(&fixture.doc("c.txt")).unwrap();
    let mut overlay = Overlay::default();
    overlay.write(&fixture.doc("c.txt"), Some(&c), Some(Text::new("proposed needle")), Author::default()).unwrap();
    let view = fixture.workspace.view(&overlay);
    let search = |pattern: &str, glob: Option<&str>| {
        let scope = Scope::new(&view, None, glob).unwrap();
        let found = view.search(&Pattern::new(pattern, true).unwrap(), &scope, 100, &|| false);
        found
            .matches
            .iter()
            .map(|found| format!("{}:{}: {}", view.roots().display(&found.path), found.line, found.text))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        search("needle", None),
        ["a/disk.txt:2: needle on disk", "b.txt:2: unsaved needle", "c.txt:1: proposed needle", "dos.txt:1: needle"]
    );
    assert_eq!(
        search("needle$", Some("*.txt")),
        ["b.txt:2: unsaved needle", "c.txt:1: proposed needle", "dos.txt:1: needle"]
    );
    assert_eq!(search("Needle", None), Vec::<String>::new());
}
