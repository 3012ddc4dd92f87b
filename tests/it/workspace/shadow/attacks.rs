//! Commands that put links in the way: nothing is written or read outside, whenever they do it.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use claw::workspace::shadow::{Absorbed, Synced};

use super::Rig;
use crate::workspace::races::{Stop, races, swap};

const TREE: &str = "//- /d/a.txt\na\n//- /d/e/b.txt\nb\n//- /f.txt\nf\n";

/// A folder beside the workspace with files of the same names.
fn outside(rig: &Rig) -> std::path::PathBuf {
    let outside = rig.fixture.folder.path().join("outside");
    for name in ["a.txt", "e/b.txt", "f.txt"] {
        let path = outside.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "canary").unwrap();
    }
    outside
}

/// What lies outside, all of it.
fn canaries(outside: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![outside.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap())),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn s15_planted_links_are_removed_and_not_followed() {
    type Plant = (&'static str, fn(&Rig, &Path));
    let plant: [Plant; 5] = [
        ("a folder", |rig, outside| {
            std::fs::rename(rig.inside("d"), rig.inside("moved")).unwrap();
            symlink(outside, rig.inside("d")).unwrap();
        }),
        ("a folder further down", |rig, outside| {
            std::fs::remove_dir_all(rig.inside("d/e")).unwrap();
            symlink(outside.join("e"), rig.inside("d/e")).unwrap();
        }),
        ("a file", |rig, outside| {
            std::fs::remove_file(rig.inside("f.txt")).unwrap();
            symlink(outside.join("f.txt"), rig.inside("f.txt")).unwrap();
        }),
        ("a hard link", |rig, outside| {
            std::fs::remove_file(rig.inside("f.txt")).unwrap();
            std::fs::hard_link(outside.join("f.txt"), rig.inside("f.txt")).unwrap();
        }),
        ("a link to the root", |rig, _| {
            std::fs::remove_dir_all(rig.inside("d")).unwrap();
            symlink("/", rig.inside("d")).unwrap();
        }),
    ];
    for absorbs in [false, true] {
        for (what, plant) in plant {
            let mut rig = Rig::new(TREE);
            let outside = outside(&rig);
            let before = canaries(&outside);
            rig.sync();
            plant(&rig, &outside);
            if absorbs {
                let absorbed = rig.absorb();
                let hard = what == "a hard link";
                let read = absorbed.changed.iter().chain(&absorbed.created).any(|path| {
                    rig.overlay.get(path).unwrap().current.as_ref().unwrap().to_string().contains("canary")
                });
                assert_eq!(read, hard, "{what}: {absorbed:?}");
                rig.overlay = Default::default();
            }
            // Everything is written anew, and some of it removed.
            for (name, text) in [("d/a.txt", "A\n"), ("d/e/b.txt", "B\n"), ("f.txt", "F\n")] {
                rig.fixture.write(name, text);
            }
            rig.sync();
            assert_eq!(rig.held("d/a.txt").as_deref(), Some("A\n"), "{what}");
            assert_eq!(rig.held("d/e/b.txt").as_deref(), Some("B\n"), "{what}");
            assert_eq!(rig.held("f.txt").as_deref(), Some("F\n"), "{what}");
            std::fs::remove_dir_all(rig.fixture.root_path().join("d")).unwrap();
            rig.sync();
            assert_eq!(canaries(&outside), before, "{what}");
        }
    }
}

#[test]
fn s15_folders_deeper_than_any_stack_and_without_rights_go_too() {
    let mut rig = Rig::new("//- /d\nfile\n");
    rig.sync();
    std::fs::remove_file(rig.inside("d")).unwrap();
    // By handles, as a command that goes down step by step: the whole name is far longer than one may be.
    let mode = rustix::fs::Mode::from_raw_mode(0o755);
    let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::RDONLY;
    std::fs::create_dir(rig.inside("d")).unwrap();
    let mut folder = rustix::fs::open(rig.inside("d"), flags, mode).unwrap();
    for _ in 0..6_000 {
        rustix::fs::mkdirat(&folder, "d", mode).unwrap();
        folder = rustix::fs::openat(&folder, "d", flags, mode).unwrap();
    }
    std::fs::create_dir_all(rig.inside("d/locked/x")).unwrap();
    std::fs::set_permissions(rig.inside("d/locked"), PermissionsExt::from_mode(0o000)).unwrap();
    let absorbed = rig.absorb();
    assert_eq!(absorbed.left_out.len(), 1, "{absorbed:?}");
    assert_eq!(rig.sync(), Synced { written: 1, ..Synced::default() });
    assert_eq!((rig.held("d").as_deref(), rig.absorb()), (Some("file\n"), Absorbed::default()));
}

#[test]
fn s15_links_that_come_and_go_while_it_works_lead_nowhere() {
    let mut rig = Rig::new(TREE);
    let outside = outside(&rig);
    rig.sync();
    let before = canaries(&outside);
    symlink(&outside, rig.inside("x.o")).unwrap();
    symlink(outside.join("f.txt"), rig.inside("y.o")).unwrap();
    rig.fixture.write(".gitignore", "*.o\n");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (d, f, x, y) = (rig.inside("d"), rig.inside("f.txt"), rig.inside("x.o"), rig.inside("y.o"));
        let plant = outside.clone();
        let stop = &stop;
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                swap(&d, &x);
                swap(&f, &y);
                // A sync may have removed them.
                let _ = symlink(&plant, &x);
                let _ = symlink(plant.join("f.txt"), &y);
            }
        });
        let _stop = Stop(stop);
        for round in 0..races(2_000) {
            for (name, text) in [("d/a.txt", "A"), ("d/e/b.txt", "B"), ("f.txt", "F")] {
                rig.fixture.write(name, format!("{text} {round}\n"));
            }
            let view = rig.view();
            // What is swapped away right then may fail; it is told, and nothing else happens.
            let _ = rig.shadow.sync(&view, &|| false);
            rig.absorb();
            let read = rig
                .overlay
                .iter()
                .any(|(_, file)| file.current.as_ref().is_some_and(|text| text.to_string().contains("canary")));
            assert!(!read, "{:?}", rig.overlay);
            rig.overlay = Default::default();
        }
    });
    assert_eq!(canaries(&outside), before);
}
