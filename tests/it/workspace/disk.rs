//! The writer of the user's files.

use claw::text::{ContentHash, Text};
use claw::workspace::disk::{WriteError, create, delete, rename, replace};
use claw::workspace::{Roots, Stamp};

use crate::support::fixture::Fixture;

fn seen(text: &str) -> Stamp {
    Stamp::Disk { hash: ContentHash::of(text.as_bytes()) }
}

fn roots(fixture: &Fixture) -> std::sync::Arc<Roots> {
    fixture.workspace.roots()
}

/// Everything below the root, temporary files too.
fn tree(fixture: &Fixture) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(fixture.root_path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_replaced_as_it_was_stored() {
    let fixture = Fixture::new("");
    fixture.write("a", "\u{feff}one\r\ntwo");
    replace(&roots(&fixture), &fixture.doc("a"), seen("\u{feff}one\r\ntwo"), &Text::new("ONE\r\ntwo")).unwrap();
    assert_eq!(fixture.on_disk("a").as_deref(), Some("\u{feff}ONE\r\ntwo"));
    assert_eq!(tree(&fixture), ["a"]);
}

#[test]
fn what_changed_since_is_not_written() {
    let fixture = Fixture::new("//- /a\nnew\n");
    let (roots, a) = (roots(&fixture), fixture.doc("a"));
    let stale = Err(WriteError::Stale("a".to_owned()));
    assert_eq!(replace(&roots, &a, seen("old\n"), &Text::new("x")), stale);
    assert_eq!(delete(&roots, &a, seen("old\n")), stale);
    assert_eq!(rename(&roots, &a, seen("old\n"), &fixture.doc("b"), &Text::new("x")), stale);
    assert_eq!(create(&roots, &a, &Text::new("x")), Err(WriteError::Exists("a".to_owned())));
    assert_eq!(
        replace(&roots, &fixture.doc("none"), seen(""), &Text::new("x")),
        Err(WriteError::Stale("none".to_owned()))
    );
    fixture.write("b", "there\n");
    assert_eq!(
        rename(&roots, &a, seen("new\n"), &fixture.doc("b"), &Text::new("x")),
        Err(WriteError::Exists("b".to_owned()))
    );
    assert_eq!((fixture.on_disk("a").as_deref(), fixture.on_disk("b").as_deref()), (Some("new\n"), Some("there\n")));
    assert_eq!(tree(&fixture), ["a", "b"]);
}

#[test]
fn d04_what_can_not_be_encoded_again_is_not_written() {
    let fixture = Fixture::new("");
    fixture.write("a", b"caf\xe9");
    let stamp = Stamp::Disk { hash: ContentHash::of(b"caf\xe9") };
    let error = replace(&roots(&fixture), &fixture.doc("a"), stamp, &Text::new("x")).unwrap_err();
    assert_eq!(error, WriteError::NotText("a".to_owned(), "not UTF-8"));
}

#[cfg(unix)]
#[test]
fn e14_mode_is_kept_and_links_and_protected_files_are_refused() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let fixture = Fixture::new("//- /run.sh\nold\n//- /linked\nold\n//- /fixed\nold\n//- /dir/inner\nold\n");
    let root = fixture.root_path();
    let (roots, old, new) = (roots(&fixture), seen("old\n"), Text::new("new\n"));
    let mode = |name: &str| std::fs::metadata(root.join(name)).unwrap().permissions().mode() & 0o7777;

    std::fs::set_permissions(root.join("run.sh"), PermissionsExt::from_mode(0o750)).unwrap();
    replace(&roots, &fixture.doc("run.sh"), old, &new).unwrap();
    assert_eq!(mode("run.sh"), 0o750);
    rename(&roots, &fixture.doc("run.sh"), seen("new\n"), &fixture.doc("bin/run.sh"), &new).unwrap();
    assert_eq!(mode("bin/run.sh"), 0o750);
    assert_eq!(fixture.on_disk("run.sh"), None);

    std::fs::hard_link(root.join("linked"), root.join("twin")).unwrap();
    assert_eq!(replace(&roots, &fixture.doc("linked"), old, &new), Err(WriteError::HardLinked("linked".to_owned())));
    std::fs::set_permissions(root.join("fixed"), PermissionsExt::from_mode(0o444)).unwrap();
    assert_eq!(replace(&roots, &fixture.doc("fixed"), old, &new), Err(WriteError::WriteProtected("fixed".to_owned())));

    symlink("dir/inner", root.join("link")).unwrap();
    symlink("dir", root.join("folder")).unwrap();
    symlink(fixture.folder.path(), root.join("outside")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    for name in ["link", "folder/inner"] {
        let refused = Err(WriteError::Link(name.to_owned()));
        assert_eq!(replace(&roots, &fixture.doc(name), old, &new), refused);
        assert_eq!(delete(&roots, &fixture.doc(name), old), refused);
    }
    assert_eq!(create(&roots, &fixture.doc("outside/x"), &new), Err(WriteError::Link("outside/x".to_owned())));
    assert_eq!(create(&roots, &fixture.doc("folder/x"), &new), Err(WriteError::Link("folder/x".to_owned())));
    assert_eq!(create(&roots, &fixture.doc("dangling"), &new), Err(WriteError::Exists("dangling".to_owned())));
    assert_eq!(fixture.on_disk("dir/inner").as_deref(), Some("old\n"));
    assert!(!fixture.folder.path().join("x").exists());
}

#[test]
fn folders_are_made_for_new_files() {
    let fixture = Fixture::new("");
    create(&roots(&fixture), &fixture.doc("a/b/c"), &Text::new("new\n")).unwrap();
    assert_eq!(fixture.on_disk("a/b/c").as_deref(), Some("new\n"));
    delete(&roots(&fixture), &fixture.doc("a/b/c"), seen("new\n")).unwrap();
    assert_eq!(fixture.on_disk("a/b/c"), None);
}
