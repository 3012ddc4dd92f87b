//! What is saved comes back, whatever was proposed, decided and closed.
#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::text::Text;
use crate::workspace::proposal::{Landed, What, cut, observe};
use crate::workspace::{Applied, Author, Proposal, Stamp, Workspace};

const SESSION: &str = "s";

/// Two folders, a state folder, and a session's keeper.
struct Desk {
    folder: tempfile::TempDir,
    store: Store,
    workspace: Workspace,
    keeper: Keeper,
    kept: Kept,
}

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let mut roots = Roots::default();
        for name in ["first", "second"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            roots.add(&folder.path().join(name)).unwrap();
        }
        let store = Store::open(&folder.path().join("state")).unwrap();
        let workspace = Workspace::new(roots);
        Desk { folder, store, workspace, keeper: Keeper::default(), kept: Kept::default() }
    }

    fn path(&self, root: usize, rel: &str) -> DocPath {
        let root = self.workspace.roots().iter().nth(root).unwrap().id;
        DocPath::File { root, rel: rel.into() }
    }

    fn on_disk(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Proposes `text` for a document.
    fn write(&mut self, path: &DocPath, text: Option<&str>) {
        let seen = self.workspace.view(&self.kept.overlay).read(path).ok();
        let author = Author { turn: "t".to_owned(), call: "c".to_owned() };
        self.kept.overlay.write(path, seen.as_ref(), text.map(Text::new), author).unwrap();
    }

    fn save(&mut self) {
        self.keeper.save(&self.store, SESSION, self.kept.clone(), &self.workspace.roots()).unwrap();
    }

    fn reopen(&mut self) {
        self.keeper = Keeper::default();
        let Restored { keeper, kept, trouble } = Keeper::open(&self.store, SESSION, &self.workspace.roots()).unwrap();
        assert_eq!(trouble, None);
        self.keeper = keeper;
        self.kept = kept;
    }

    /// What a restart gives back is what there was.
    #[track_caller]
    fn check(&mut self) {
        let mut before = self.kept.clone();
        let proposal = Proposal::derive(&before.overlay, &self.workspace.live());
        // A stamp says what a read saw of the base: after a restart that is the base.
        for (path, file) in self.kept.overlay.iter() {
            let mut file = file.clone();
            file.stamp = file.base.as_ref().map_or(Stamp::Absent, |base| Stamp::Disk { hash: base.hash() });
            before.overlay.set(path.clone(), Some(file));
        }
        self.reopen();
        assert_eq!(self.kept, before);
        assert_eq!(Proposal::derive(&self.kept.overlay, &self.workspace.live()), proposal);
    }

    fn length(&self) -> u64 {
        std::fs::metadata(self.store.session_folder(SESSION).join(FILE)).unwrap().len()
    }
}

#[test]
fn r08_hunks_that_were_cut_stay_apart() {
    let mut desk = Desk::new();
    desk.on_disk("first/a", "one\ntwo\nthree\nfour\n");
    let path = desk.path(0, "a");
    desk.write(&path, Some("1\n2\n3\n4\n"));
    let live = desk.workspace.live();
    let hunk = Proposal::derive(&desk.kept.overlay, &live).hunks().next().unwrap().1.id.clone();
    cut(&mut desk.kept.overlay, &live, &hunk, 1..2).unwrap();
    assert_eq!(Proposal::derive(&desk.kept.overlay, &live).hunks().count(), 3);
    desk.save();
    desk.check();
}

#[test]
fn r08_conflicts_and_decisions_come_back() {
    let mut desk = Desk::new();
    desk.on_disk("first/a", "one\ntwo\nthree\nfour\nfive\n");
    let path = desk.path(0, "a");
    desk.write(&path, Some("1\ntwo\n3\nfour\n5\n"));
    desk.save();
    // One is accepted, one is in conflict, one is pending.
    desk.on_disk("first/a", "1\ntwo\nthird\nfour\nfive\n");
    let observed = observe(&mut desk.kept.overlay, &desk.workspace.live());
    assert_eq!((observed.accepted.len(), observed.conflicts.len()), (1, 1));
    assert!(desk.kept.overlay.get(&path).unwrap().looked().is_some());
    desk.save();
    desk.check();
    desk.kept.overlay.set(path, None);
    desk.save();
    desk.check();
    assert!(desk.kept.overlay.is_empty());
}

#[test]
fn every_kind_of_change_comes_back() {
    let mut desk = Desk::new();
    for name in ["edited", "deleted", "moved"] {
        desk.on_disk(&format!("first/{name}"), &format!("{name}\r\nno end"));
    }
    desk.on_disk("second/edited", "é😀\u{2028}\n");
    for (root, rel, text) in [
        (0, "edited", Some("another\r\nno end")),
        (0, "deleted", None),
        (0, "made/here", Some("")),
        (0, "made/long", Some("words of some length\n".repeat(100).as_str())),
        (0, "made/large", Some("words of some length\n".repeat(5_000).as_str())),
        (1, "edited", Some("é😀😀\u{2028}\n")),
    ] {
        desk.write(&desk.path(root, rel), text);
        desk.save();
    }
    let (from, to) = (desk.path(0, "moved"), desk.path(0, "there"));
    let seen = desk.workspace.live().read(&from).unwrap();
    desk.kept.overlay.rename(&from, &seen, &to, Author::default()).unwrap();
    desk.write(&DocPath::Virtual("untitled:1".into()), Some("text"));
    desk.save();
    desk.check();
    // Once more, from one record.
    desk.keeper.ledger.as_mut().unwrap().rewrite("{\"whole\":true}").unwrap();
    desk.keeper.written = Kept::default();
    desk.keeper.known.clear();
    desk.save();
    desk.check();
}

#[test]
fn r08_accepted_hunks_come_back() {
    let mut desk = Desk::new();
    let text = Text::new(&"a line\n".repeat(100));
    let entry = |number: u64, path: DocPath, what: What| Entry {
        applied: Applied { hunk: HunkId(format!("{number:016x}")), path, turn: "t".to_owned(), what },
        batch: number,
        undone: (number == 2).then_some(1),
        label: format!("entry {number}"),
    };
    let landed = Landed { text: text.clone(), range: 7..14, replaced: "the line\n".to_owned() };
    desk.kept.history = vec![
        entry(1, desk.path(0, "a"), What::Edit(landed.clone())),
        entry(2, desk.path(1, "b"), What::Create(text.clone())),
    ];
    desk.kept.amended.insert("new".to_owned(), "old".to_owned());
    desk.save();
    desk.check();
    let length = desk.length();
    desk.kept.history.push(entry(3, desk.path(0, "a"), What::Edit(Landed { range: 21..28, ..landed })));
    desk.kept.history.push(entry(4, desk.path(0, "c"), What::Delete(text)));
    desk.kept.history.push(entry(5, desk.path(0, "d"), What::Rename { from: desk.path(0, "e") }));
    desk.save();
    desk.check();
    assert!(desk.length() - length < 1_500, "a text that is known is not written again: {}", desk.length() - length);
    desk.kept.history.remove(1);
    desk.kept.history[2].undone = Some(9);
    desk.save();
    desk.check();
}

#[test]
fn what_lies_in_a_folder_that_is_not_open_stays() {
    let mut desk = Desk::new();
    let long = "words of some length\n".repeat(100);
    for root in [0, 1] {
        desk.write(&desk.path(root, "made"), Some(&long));
        let what = What::Create(Text::new(&format!("{root}{long}")));
        let applied =
            Applied { hunk: HunkId(format!("h{root}")), path: desk.path(root, "was"), turn: "t".to_owned(), what };
        desk.kept.history.push(Entry { applied, batch: 1, undone: None, label: String::new() });
    }
    desk.save();
    let whole = desk.kept.clone();
    let closed = desk.workspace.roots().iter().next().unwrap().id;
    let first = desk.workspace.roots().get(closed).unwrap().path.clone();
    desk.workspace.with_roots(|roots| roots.remove(closed));
    desk.reopen();
    assert_eq!((desk.kept.overlay.iter().count(), desk.kept.history.len()), (1, 1));
    desk.kept.history[0].label = "seen".to_owned();
    desk.save();
    desk.reopen();
    // All in one record, with what is not open.
    desk.kept.history[0].label = "seen again".to_owned();
    let record = desk.whole_record();
    desk.keeper.ledger.as_mut().unwrap().rewrite(&record).unwrap();
    desk.reopen();
    assert_eq!(desk.kept.history[0].label, "seen again");
    // It is opened: under another id, and found where it was.
    let again = desk.workspace.with_roots(|roots| roots.add(&first)).unwrap();
    let found = desk.keeper.follow_folders(&desk.store, SESSION, &desk.workspace.roots(), &desk.kept.overlay);
    let expected = whole.overlay.iter().next().unwrap().1.clone();
    assert_eq!(found.files, [(DocPath::File { root: again, rel: "made".into() }, Some(expected))]);
    assert_eq!(found.history.len(), 1);
    assert_eq!(found.history[0].applied.hunk, HunkId("h0".to_owned()));
}

impl Desk {
    /// What a compaction would write.
    fn whole_record(&self) -> String {
        let none = BTreeSet::new();
        let mut texts = TextsOut::new(&self.store, SESSION, &none);
        self.keeper.absent.put_into(&mut texts);
        let mut record = self.keeper.record(&Kept::default(), &self.kept, &mut texts, true).unwrap();
        record.texts = texts.fresh;
        serde_json::to_string(&record).unwrap()
    }
}

#[test]
fn a_long_life_is_compacted() {
    let mut desk = Desk::new();
    let path = desk.path(0, "made");
    let mut longest = 0;
    for number in 0..400 {
        desk.write(&path, Some(&format!("{number}\n").repeat(2_000)));
        desk.save();
        longest = longest.max(desk.length());
    }
    assert!((1_000_000..1_100_000).contains(&longest), "{longest}");
    assert!(desk.length() < longest);
    desk.check();
}

#[test]
fn a_session_is_marked_where_it_proposes_something() {
    let mut desk = Desk::new();
    let folders: Vec<PathBuf> = desk.workspace.roots().iter().map(|root| root.path.clone()).collect();
    let marked = |desk: &Desk| {
        folders.iter().map(|folder| desk.store.marked(Mark::Pending, folder).unwrap().len()).collect::<Vec<_>>()
    };
    desk.save();
    assert_eq!(marked(&desk), [0, 0]);
    let (first, second) = (desk.path(0, "a"), desk.path(1, "b"));
    desk.write(&first, Some("a"));
    desk.write(&second, Some("b"));
    desk.save();
    assert_eq!(marked(&desk), [1, 1]);
    desk.kept.overlay.set(first, None);
    desk.save();
    assert_eq!(marked(&desk), [0, 1]);
    desk.reopen();
    desk.kept.overlay.set(second, None);
    desk.save();
    assert_eq!(marked(&desk), [0, 0]);
}
