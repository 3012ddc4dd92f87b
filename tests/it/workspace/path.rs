//! The path gate.

use std::path::Path;

use claw::workspace::{DocPath, PathError, Roots};

use crate::support::fixture::Fixture;

/// What resolving gives, as text: the document's display, or the error.
fn resolve(roots: &Roots, name: &str) -> String {
    match roots.resolve(name) {
        Ok(path) => roots.display(&path),
        Err(error) => format!("error: {error}"),
    }
}

fn check(name: &str, expected: &str) {
    let fixture = Fixture::new("//- /src/main.rs\n");
    assert_eq!(resolve(&fixture.workspace.roots(), name), expected, "{name:?}");
}

#[test]
fn plain_names_are_documents() {
    check("src/main.rs", "src/main.rs");
    check("./src/main.rs", "src/main.rs");
    check("not/there/yet.rs", "not/there/yet.rs");
    check("..hidden/...rs", "..hidden/...rs");
    check("straße/日本.txt", "straße/日本.txt");
    check("100% sure.txt", "100% sure.txt");
    check("--help", "--help");
    check("$(id)", "$(id)");
    check("untitled:Untitled-1", "untitled:Untitled-1");
    check("file:///elsewhere/x.rs", "file:///elsewhere/x.rs");
}

#[test]
fn t01_names_that_lead_elsewhere_are_refused_by_type() {
    let fixture = Fixture::new("//- /src/main.rs\n");
    let roots = fixture.workspace.roots();
    let kind = |name: &str| match roots.resolve(name) {
        Ok(path) => panic!("{name:?} is {path:?}"),
        Err(PathError::Outside(_)) => "outside",
        Err(PathError::Absolute(_)) => "absolute",
        Err(PathError::AbsoluteInside { .. }) => "absolute inside",
        Err(PathError::Malformed(..)) => "malformed",
        Err(PathError::UnknownRoot(..)) => "unknown root",
        Err(PathError::NoRoot) => "no root",
    };
    let inside = fixture.root_path().join("src/main.rs").display().to_string();
    let sibling = format!("{}-evil/x", fixture.root_path().display());
    let climbing = format!("{}/../ws-evil/x", fixture.root_path().display());
    let long = "a/".repeat(2_500);
    let long_part = "a".repeat(300);
    for (name, expected) in [
        ("..", "outside"),
        ("../x", "outside"),
        ("src/../../x", "outside"),
        ("src/..", "outside"),
        ("./../x", "outside"),
        ("/etc/passwd", "absolute"),
        ("//etc/passwd", "absolute"),
        ("C:/windows/win.ini", "absolute"),
        ("/", "absolute"),
        (sibling.as_str(), "absolute"),
        (climbing.as_str(), "absolute"),
        (inside.as_str(), "absolute inside"),
        (&format!("file://{inside}"), "absolute inside"),
        ("~", "malformed"),
        ("~/x", "malformed"),
        ("~root/x", "malformed"),
        ("src//main.rs", "malformed"),
        ("src/./main.rs", "malformed"),
        ("src\\main.rs", "malformed"),
        ("..\\x", "malformed"),
        ("C:\\x", "malformed"),
        ("%2e%2e/x", "malformed"),
        ("%2E%2E%2Fx", "malformed"),
        ("..%2fx", "malformed"),
        ("..%5cx", "malformed"),
        ("%252e%252e/x", "malformed"),
        ("a%00b", "malformed"),
        ("a\0b", "malformed"),
        ("a\nb", "malformed"),
        ("a\x1b[2Jb", "malformed"),
        ("a\u{85}b", "malformed"),
        ("", "malformed"),
        (".", "malformed"),
        ("src/", "malformed"),
        (long.as_str(), "malformed"),
        (long_part.as_str(), "malformed"),
    ] {
        assert_eq!(kind(name), expected, "{name:?}");
    }
}

#[test]
fn t01_an_absolute_name_inside_is_answered_with_the_relative_one() {
    let fixture = Fixture::new("//- /src/main.rs\n");
    let name = fixture.root_path().join("src/main.rs").display().to_string();
    let expected = format!("error: `{name}` is absolute: write `src/main.rs`");
    assert_eq!(resolve(&fixture.workspace.roots(), &name), expected);
}

#[test]
fn messages_show_no_control_characters_and_no_endless_names() {
    let fixture = Fixture::new("//- /a\n");
    let roots = fixture.workspace.roots();
    assert_eq!(resolve(&roots, "a\x1bb"), "error: `a\\u{1b}b` is not a usable path: it holds a control character");
    assert!(resolve(&roots, &"x".repeat(100_000)).len() < 300);
}

#[test]
fn several_roots_are_told_apart_by_unique_names() {
    let outer = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let path = outer.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    };
    let mut roots = Roots::default();
    let first = roots.add(&folder("one/app")).unwrap();
    assert_eq!(resolve(&roots, "x.rs"), "x.rs");
    let second = roots.add(&folder("two/app")).unwrap();
    assert_eq!(roots.add(&folder("one/app")).unwrap(), first, "the same folder is the same root");
    assert_eq!(roots.resolve("app/x.rs").unwrap(), DocPath::File { root: first, rel: "x.rs".into() });
    assert_eq!(roots.resolve("app-2/x.rs").unwrap(), DocPath::File { root: second, rel: "x.rs".into() });
    assert_eq!(resolve(&roots, "app-2/x.rs"), "app-2/x.rs");
    assert_eq!(
        resolve(&roots, "x.rs"),
        "error: `x.rs` names none of the workspace folders; paths start with one of: app, app-2"
    );
    assert_eq!(resolve(&roots, "app"), "error: `app` is not a usable path: it names a folder, not a file");

    roots.remove(first);
    let third = roots.add(&folder("three")).unwrap();
    assert_eq!(
        roots.iter().map(|root| root.id).collect::<Vec<_>>(),
        [second, third],
        "ids stay, and are not used twice"
    );
    assert_ne!(third, first);
    assert_eq!(resolve(&roots, "three/x"), "three/x");
}

#[test]
fn a_file_of_nested_roots_is_one_document() {
    let outer = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(outer.path().join("repo/crate")).unwrap();
    let mut roots = Roots::default();
    roots.add(&outer.path().join("repo")).unwrap();
    roots.add(&outer.path().join("repo/crate")).unwrap();
    assert_eq!(roots.resolve("repo/crate/x.rs").unwrap(), roots.resolve("crate/x.rs").unwrap());
}

#[test]
fn no_folder_open() {
    assert_eq!(resolve(&Roots::default(), "x"), "error: no folder is open");
    assert_eq!(resolve(&Roots::default(), "untitled:1"), "untitled:1");
}

#[cfg(unix)]
#[test]
fn a_root_opened_through_a_link_is_known_by_both_names() {
    let outer = tempfile::tempdir().unwrap();
    let real = outer.path().canonicalize().unwrap().join("real");
    let link = outer.path().canonicalize().unwrap().join("link");
    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let mut roots = Roots::default();
    let root = roots.add(&link).unwrap();
    let expected = Some(DocPath::File { root, rel: "a.rs".into() });
    assert_eq!(roots.of_absolute(&link.join("a.rs")), expected);
    assert_eq!(roots.of_absolute(&real.join("a.rs")), expected);
    assert_eq!(roots.of_absolute(&real), None);
    assert_eq!(roots.of_absolute(Path::new("/elsewhere")), None);
    assert_eq!(roots.of_absolute(&real.join("x/../../y")), None);
}
