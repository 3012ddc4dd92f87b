//! Whatever user, agent and commands do in whatever order, the shadow holds what the view holds.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::{Absorbed, Rig, times};
use crate::workspace::Random;

const NAMES: &[&str] = &["a", "b.txt", "d/a", "d/b.txt", "d/e/c", "x/y/z", "x/w", "long name.rs"];
const TEXTS: &[&str] = &["", "one\n", "one\ntwo\n", "eins\r\nzwei\r\n", "no end", "\u{1f600}\nb\n"];

/// What there is for the model, by name.
fn view_holds(rig: &Rig) -> BTreeMap<String, String> {
    let view = rig.view();
    let files = view.files(1_000).files;
    files.iter().map(|path| (view.roots().display(path), view.read(path).unwrap().text.to_string())).collect()
}

/// What commands see, outputs of builds left out.
fn shadow_holds(rig: &Rig) -> BTreeMap<String, String> {
    let top = rig.shadow.folders()[0].0.clone();
    let files = times(&top).into_iter().map(|(path, ..)| path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned());
    let visible = files.filter(|name| !name.ends_with(".o"));
    visible.map(|name| (name.clone(), rig.held(&name).unwrap())).collect()
}

/// A file put there, with what is in its way removed.
fn put(path: PathBuf, text: &str) {
    for above in path.ancestors().skip(1).take(3) {
        if above.is_file() {
            std::fs::remove_file(above).unwrap();
        }
    }
    if path.is_dir() {
        std::fs::remove_dir_all(&path).unwrap();
    }
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn s15_the_shadow_holds_what_the_view_holds() {
    for seed in 0..60 {
        run(seed);
    }
}

fn run(seed: u64) {
    let mut random = Random::new(seed);
    let mut rig = Rig::new("//- /.gitignore\n*.o\n//- /a\none\n//- /d/b.txt\none\ntwo\n//- /x/w\nw\n");
    rig.sync();
    std::fs::write(rig.inside("d/out.o"), "built").unwrap();
    for step in 0..25 {
        let at = format!("seed {seed}, step {step}");
        for _ in 0..random.below(4) {
            let (name, text) = (*random.pick(NAMES).unwrap(), *random.pick(TEXTS).unwrap());
            let on_disk = rig.fixture.root_path().join(name);
            match random.below(6) {
                0 | 1 => put(on_disk, text),
                2 => drop(std::fs::remove_file(on_disk)),
                3 => rig.fixture.open(name, text),
                4 => rig.fixture.workspace.with_buffers(|buffers| drop(buffers.close(&rig.fixture.doc(name)))),
                _ if rig.view().exists(&rig.fixture.doc(name)) => {
                    rig.propose(name, (!random.once_in(4)).then_some(text));
                }
                _ if rig.view().check_new(&rig.fixture.doc(name)).is_ok() => rig.propose(name, Some(text)),
                _ => {}
            }
        }
        if random.once_in(6) {
            rig.overlay = Default::default();
        }
        if random.once_in(8) {
            rig = rig.again();
        }
        let before: BTreeMap<PathBuf, (i64, i64, u64, String)> = state(&rig);
        let user = times(&rig.fixture.root_path());
        assert_eq!(rig.sync().overwritten, [], "{at}: all that commands did was looked at");
        assert_eq!(shadow_holds(&rig), view_holds(&rig), "{at}: synced");
        assert_eq!(rig.held("d/out.o").as_deref(), Some("built"), "{at}");
        for (path, (seconds, rest, inode, text)) in state(&rig) {
            if let Some(then) = before.get(&path).filter(|then| then.3 == text) {
                assert_eq!((then.0, then.1, then.2), (seconds, rest, inode), "{at}: {path:?} was written for nothing");
            }
        }
        for _ in 0..random.below(4) {
            let (name, text) = (*random.pick(NAMES).unwrap(), *random.pick(TEXTS).unwrap());
            let path = rig.inside(name);
            match random.below(4) {
                // A command that puts a file where a folder is would take a build's output along.
                0 | 1 if !path.is_dir() && path.parent().unwrap().is_dir() => std::fs::write(path, text).unwrap(),
                2 => drop(std::fs::remove_file(path)),
                3 if path.is_file() => drop(std::fs::rename(path, rig.inside("d/renamed"))),
                _ => {}
            }
        }
        let left = shadow_holds(&rig);
        let absorbed: Absorbed = rig.absorb();
        assert_eq!(absorbed.left_out, [], "{at}");
        assert_eq!(shadow_holds(&rig), left, "{at}: a look writes nothing");
        // A command that makes what the proposal began with ends the proposal for that name. Then the view has what the user has
        // there by now, and the shadow what the command left, until the next sync.
        let mut expected = view_holds(&rig);
        for path in absorbed.changed.iter().chain(&absorbed.created).chain(&absorbed.deleted) {
            let name = rig.view().roots().display(path);
            match left.get(&name) {
                _ if rig.overlay.get(path).is_some() => {}
                Some(text) => drop(expected.insert(name, text.clone())),
                None => drop(expected.remove(&name)),
            }
        }
        assert_eq!(left, expected, "{at}: absorbed {absorbed:?}");
        assert_eq!(rig.absorb(), Absorbed::default(), "{at}: again");
        assert_eq!(times(&rig.fixture.root_path()), user, "{at}: the user's files");
    }
}

fn state(rig: &Rig) -> BTreeMap<PathBuf, (i64, i64, u64, String)> {
    let files = times(&rig.inside("")).into_iter();
    files
        .map(|(path, seconds, rest)| {
            let inode = std::fs::metadata(&path).unwrap().ino();
            let text = std::fs::read_to_string(&path).unwrap();
            (path, (seconds, rest, inode, text))
        })
        .collect()
}
