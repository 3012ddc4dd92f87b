//! Proposals: what is left to decide while the user types, accepts and rejects.

use claw::event::{ChangeKind, HunkState};
use claw::text::Text;
use claw::workspace::proposal::{Act, Observed, Proposal, observe, reject, reject_some};
use claw::workspace::{Author, DocPath, HunkId, Overlay};
use proptest::prelude::*;

use crate::support::fixture::Fixture;

/// A session that proposes `current` for a file that held `base`.
pub struct Session {
    pub fixture: Fixture,
    pub overlay: Overlay,
}

impl Session {
    pub fn new(base: &str, current: &str) -> Session {
        let fixture = Fixture::new("");
        let mut session = Session { fixture, overlay: Overlay::default() };
        session.restart(base, current);
        session
    }

    /// The same folder with other texts: a folder for each case of a property would take too long.
    pub fn restart(&mut self, base: &str, current: &str) {
        self.overlay = Overlay::default();
        self.type_text(base);
        let seen = self.fixture.live().read(&self.doc()).unwrap();
        self.overlay.write(&self.doc(), Some(&seen), Some(Text::new(current)), Author::default()).unwrap();
    }

    pub fn doc(&self) -> DocPath {
        self.fixture.doc("a.txt")
    }

    pub fn type_text(&self, text: &str) {
        self.fixture.open("a.txt", text);
    }

    pub fn live(&self) -> String {
        self.fixture.live().read(&self.doc()).unwrap().text.to_string()
    }

    pub fn current(&self) -> String {
        match self.overlay.get(&self.doc()) {
            Some(file) => file.current.as_ref().unwrap().to_string(),
            None => self.live(),
        }
    }

    pub fn proposal(&self) -> Proposal {
        Proposal::derive(&self.overlay, &self.fixture.live())
    }

    pub fn observe(&mut self) -> (usize, usize) {
        let observed = observe(&mut self.overlay, &self.fixture.live());
        (observed.accepted.len(), observed.conflicts.len())
    }

    pub fn ids(&self) -> Vec<HunkId> {
        self.proposal().hunks().map(|(_, hunk)| hunk.id.clone()).collect()
    }

    /// What an editor does that accepts `hunks`.
    pub fn accept(&self, hunks: &[HunkId]) {
        for change in self.proposal().applied(hunks) {
            assert_eq!(change.act, Act::Edit);
            let live = Text::new(&self.live());
            self.type_text(&live.apply_all(&change.edits).unwrap().to_string());
        }
    }

    pub fn reject(&mut self, hunk: &HunkId) -> bool {
        reject(&mut self.overlay, &self.fixture.live(), hunk)
    }
}

/// The hunks that a look found accepted.
pub fn hunks(observed: &Observed) -> Vec<HunkId> {
    observed.accepted.iter().map(|applied| applied.hunk.clone()).collect()
}

/// One line a hunk: `pending 3: old -> new`.
pub fn show(proposal: &Proposal) -> String {
    proposal
        .hunks()
        .map(|(_, hunk)| {
            let state = match hunk.state {
                HunkState::Pending => "pending",
                HunkState::Conflict => "conflict",
                other => panic!("{other:?} is not derived"),
            };
            format!("{state} {}: {:?} -> {:?}\n", hunk.start_line, hunk.old_text, hunk.new_text)
        })
        .collect()
}

/// Claw turned `base` into `current`; the user has made `live` of `base` meanwhile. `expected` is what is left to decide,
/// `merged` the text that the session then proposes.
#[track_caller]
fn check(base: &str, current: &str, live: &str, expected: &str, merged: &str) {
    let mut session = Session::new(base, current);
    let ids = session.ids();
    session.type_text(live);
    let before = session.proposal();
    assert_eq!(show(&before), expected);
    for (file, hunk) in before.hunks() {
        assert!(ids.contains(&hunk.id), "an id changed because the user typed");
        assert_eq!(file.stamp, session.fixture.live().read(&session.doc()).unwrap().stamp);
        if hunk.state == HunkState::Pending {
            assert_eq!(live[hunk.live.clone()], hunk.old_text);
        }
    }
    session.observe();
    assert_eq!(session.proposal(), before, "a look changes nothing that is left to decide");
    assert_eq!(session.current(), merged);
}

#[test]
fn nothing_typed_leaves_all_pending() {
    check(
        "a\nb\nc\n",
        "a\nB\nc\nd\n",
        "a\nb\nc\n",
        "pending 2: \"b\\n\" -> \"B\\n\"\npending 4: \"\" -> \"d\\n\"\n",
        "a\nB\nc\nd\n",
    );
}

#[test]
fn typing_elsewhere_moves_a_hunk_along() {
    let expected = "pending 3: \"b\\n\" -> \"B\\n\"\n";
    check("a\nb\nc\n", "a\nB\nc\n", "0\na\nb\nc\n", expected, "0\na\nB\nc\n");
    check("a\nx\nb\nc\n", "a\nx\nB\nc\n", "A\nx\nb\nc\nd\n", expected, "A\nx\nB\nc\nd\n");
}

#[test]
fn touching_is_not_overlap() {
    let pending = |line: u32| format!("pending {line}: \"b\\n\" -> \"B\\n\"\n");
    for (live, line, merged) in [
        ("a\nnew\nb\nc\n", 3, "a\nnew\nB\nc\n"),
        ("a\nb\nnew\nc\n", 2, "a\nB\nnew\nc\n"),
        ("A\nb\nc\n", 2, "A\nB\nc\n"),
        ("a\nb\nC\n", 2, "a\nB\nC\n"),
        ("b\nc\n", 1, "B\nc\n"),
        ("a\nb\n", 2, "a\nB\n"),
        ("A\nb\nC\n", 2, "A\nB\nC\n"),
        ("b\n", 1, "B\n"),
    ] {
        check("a\nb\nc\n", "a\nB\nc\n", live, &pending(line), merged);
    }
}

#[test]
fn an_insertion_at_its_start_stays_before_it() {
    check("a\nb\n", "a\nclaw\nb\n", "a\nuser\nb\n", "pending 3: \"\" -> \"claw\\n\"\n", "a\nuser\nclaw\nb\n");
    check("a\nb\n", "a\nclaw\nb\n", "A\nb\n", "pending 2: \"\" -> \"claw\\n\"\n", "A\nclaw\nb\n");
    check("a\nb\n", "a\nclaw\nb\n", "a\nB\n", "pending 2: \"\" -> \"claw\\n\"\n", "a\nclaw\nB\n");
    check("a\nb\n", "b\n", "user\na\nb\n", "pending 2: \"a\\n\" -> \"\"\n", "user\nb\n");
}

#[test]
fn a_true_overlap_is_a_conflict_kept_and_shown() {
    let conflict = "conflict 2: \"b\\n\" -> \"B\\n\"\n";
    check("a\nb\nc\n", "a\nB\nc\n", "a\nmine\nc\n", conflict, "a\nB\nc\n");
    check("a\nb\nc\n", "a\nB\nc\n", "a\nc\n", conflict, "a\nB\nc\n");
    // Elsewhere the user's text is taken in all the same.
    check("a\nb\nc\n", "a\nB\nc\n", "a\nmine\nc\nd\n", conflict, "a\nB\nc\nd\n");
    // Claw deletes what the user changed.
    check("a\nb\nc\n", "a\nc\n", "a\nmine\nc\n", "conflict 2: \"b\\n\" -> \"\"\n", "a\nc\n");
    // The user deleted the lines between which Claw inserts.
    check("a\nb\nc\nd\n", "a\nb\nx\nc\nd\n", "a\nd\n", "conflict 2: \"\" -> \"x\\n\"\n", "a\nb\nx\nc\nd\n");
}

#[test]
fn what_the_live_text_holds_is_accepted_whoever_put_it_there() {
    check("a\nb\nc\n", "a\nB\nc\n", "a\nB\nc\n", "", "a\nB\nc\n");
    check("a\nb\nc\n", "a\nB\nc\nd\n", "a\nB\nc\n", "pending 4: \"\" -> \"d\\n\"\n", "a\nB\nc\nd\n");
    // Accepted, and typed beside it before anybody looked.
    check(
        "a\nb\nc\nd\ne\n",
        "a\nB\nc\nd\nE\n",
        "a\nB\nmine\nc\nd\ne\n",
        "pending 6: \"e\\n\" -> \"E\\n\"\n",
        "a\nB\nmine\nc\nd\nE\n",
    );
    check("a\nc\n", "a\nclaw\nc\n", "a\nclaw\nmine\nc\n", "", "a\nclaw\nmine\nc\n");
    // Of two insertions of the same line one is there.
    check("x\nx\ny\n", "x\nx\nx\ny\nx\n", "x\nx\nx\ny\n", "pending 5: \"\" -> \"x\\n\"\n", "x\nx\nx\ny\nx\n");
}

#[test]
fn line_endings_and_a_missing_last_break_are_part_of_the_text() {
    check("a\r\nb\nc", "a\r\nB\nc", "0\r\na\r\nb\nc", "pending 3: \"b\\n\" -> \"B\\n\"\n", "0\r\na\r\nB\nc");
    check("a\nb", "a\nB", "a\nb\n", "conflict 2: \"b\" -> \"B\"\n", "a\nB");
    check("a\nb", "A\nb", "a\nb\nc\n", "pending 1: \"a\\n\" -> \"A\\n\"\n", "A\nb\nc\n");
    check(
        "\u{1f600}\nb\n",
        "\u{1f600}\nB\n",
        "\u{1f600}\u{1f600}\nb\n",
        "pending 2: \"b\\n\" -> \"B\\n\"\n",
        "\u{1f600}\u{1f600}\nB\n",
    );
    check("", "a\n", "", "pending 1: \"\" -> \"a\\n\"\n", "a\n");
}

#[test]
fn e08_an_id_never_comes_to_mean_another_hunk() {
    let (base, current) = ("x\n1\nx\n2\nx\n", "y\n1\ny\n2\ny\n");
    for first in 0..3 {
        let mut session = Session::new(base, current);
        let ids = session.ids();
        session.accept(&ids[first..=first]);
        assert_eq!(session.observe(), (1, 0));
        let rest: Vec<HunkId> = ids.iter().filter(|id| **id != ids[first]).cloned().collect();
        assert_eq!(session.ids(), rest);
        assert_eq!(session.proposal().applied(&ids[first..=first]), [], "accepting twice does nothing");
        assert!(!session.reject(&ids[first]), "rejecting what was accepted does nothing");

        let mut session = Session::new(base, current);
        assert!(session.reject(&ids[first]));
        assert_eq!(session.ids(), rest);
        assert!(!session.reject(&ids[first]));
        session.accept(&ids);
        let lines: Vec<&str> = base.lines().collect();
        let mut expected: Vec<String> = lines.iter().map(|line| line.replace('x', "y")).collect();
        expected[first * 2] = "x".to_owned();
        assert_eq!(session.live(), expected.join("\n") + "\n");
    }
}

#[test]
fn e09_undo_after_accepting_is_the_users_edit_and_not_proposed_again() {
    let mut session = Session::new("a\nb\nc\nd\ne\n", "a\nB\nc\nd\nE\n");
    let ids = session.ids();
    session.accept(&ids[..1]);
    session.observe();
    session.type_text("a\nb\nc\nd\ne\n");
    assert_eq!(session.ids(), ids[1..]);
    session.observe();
    assert_eq!(session.ids(), ids[1..]);
    assert_eq!(session.current(), "a\nb\nc\nd\nE\n");
}

#[test]
fn some_of_many_hunks_are_rejected_at_one_look() {
    let mut session = Session::new("a\nb\nc\nd\ne\nf\ng\n", "A\nb\nC\nd\nE\nf\nG\n");
    let ids = session.ids();
    let some = [ids[0].clone(), ids[2].clone(), HunkId("none".to_owned())];
    let live = session.fixture.live();
    assert_eq!(reject_some(&mut session.overlay, &live, &|hunk| some.contains(hunk)), [ids[0].clone(), ids[2].clone()]);
    assert_eq!(
        (session.ids(), session.current().as_str()),
        (vec![ids[1].clone(), ids[3].clone()], "a\nb\nC\nd\ne\nf\nG\n")
    );
    assert_eq!(reject_some(&mut session.overlay, &live, &|_| true), [ids[1].clone(), ids[3].clone()]);
    assert!(session.overlay.is_empty());
}

#[test]
fn a_rejected_conflict_leaves_what_the_user_wrote() {
    let mut session = Session::new("a\nb\nc\n", "a\nB\nc\n");
    session.type_text("a\nmine\nc\n");
    assert_eq!(session.observe(), (0, 1));
    let ids = session.ids();
    assert_eq!(session.proposal().applied(&ids), [], "a conflict can not be accepted");
    assert!(session.reject(&ids[0]));
    assert_eq!(session.proposal(), Proposal::default());
    assert!(session.overlay.is_empty());
    assert_eq!(session.live(), "a\nmine\nc\n");
}

/// A session with tools' acts on files of the disk, named by short scripts: `write a.txt=new`, `delete a.txt`, `move a b`.
pub fn acts(fixture: &Fixture, script: &[&str]) -> Overlay {
    let mut overlay = Overlay::default();
    for act in script {
        let (verb, rest) = act.split_once(' ').unwrap();
        let view = fixture.workspace.view(&overlay);
        let author = Author::default();
        let seen = |name: &str| view.read(&fixture.doc(name)).ok();
        match verb {
            "write" => {
                let (name, text) = rest.split_once('=').unwrap();
                overlay.write(&fixture.doc(name), seen(name).as_ref(), Some(Text::new(text)), author).unwrap();
            }
            "delete" => overlay.write(&fixture.doc(rest), seen(rest).as_ref(), None, author).unwrap(),
            "move" => {
                let (from, to) = rest.split_once(' ').unwrap();
                overlay.rename(&fixture.doc(from), &seen(from).unwrap(), &fixture.doc(to), author).unwrap();
            }
            other => panic!("{other}"),
        }
    }
    overlay
}

/// Files of a proposal: `rename a -> b: rename, edit`.
pub fn show_files(fixture: &Fixture, proposal: &Proposal) -> String {
    let roots = fixture.workspace.roots();
    proposal
        .files
        .iter()
        .map(|file| {
            let old = file.old_path.as_ref().map(|old| format!("{} -> ", roots.display(old))).unwrap_or_default();
            let hunks: Vec<String> = file
                .hunks
                .iter()
                .map(|hunk| match hunk.state {
                    HunkState::Pending => format!("{:?}", hunk.kind),
                    state => format!("{:?} {state:?}", hunk.kind),
                })
                .collect();
            format!("{:?} {old}{}: {}\n", file.change, roots.display(&file.path), hunks.join(", "))
        })
        .collect()
}

pub const FILES: &str = "//- /a\none\ntwo\nthree\n//- /b\nbee\n";

#[track_caller]
fn check_acts(script: &[&str], expected: &str) {
    let fixture = Fixture::new(FILES);
    let overlay = acts(&fixture, script);
    let proposal = Proposal::derive(&overlay, &fixture.live());
    assert_eq!(show_files(&fixture, &proposal), expected);
    // Accepting all on the disk gives what the overlay shows, and leaves nothing to decide.
    let view = fixture.workspace.view(&overlay);
    let ids: Vec<HunkId> = proposal.hunks().map(|(_, hunk)| hunk.id.clone()).collect();
    for written in proposal.apply_to_disk(&fixture.live(), &ids) {
        assert_eq!(written.result, Ok(()));
    }
    for name in ["a", "b", "c", "d", "dir/c"] {
        let proposed = view.read(&fixture.doc(name)).ok().map(|document| document.text.to_string());
        assert_eq!(fixture.on_disk(name), proposed, "{name}");
    }
    let mut overlay = overlay;
    let observed = observe(&mut overlay, &fixture.live());
    assert_eq!((hunks(&observed), observed.conflicts), (ids, vec![]));
    assert!(overlay.is_empty(), "{overlay:?}");
    let left: Vec<_> =
        std::fs::read_dir(fixture.root_path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("claw")), "no temporary file stays: {left:?}");
}

#[test]
fn e07_chains_of_acts_collapse_to_what_they_come_to() {
    check_acts(&["write c=new\n"], "Create c: Create\n");
    check_acts(&["write dir/c=new\n"], "Create dir/c: Create\n");
    check_acts(&["delete a"], "Delete a: Delete\n");
    check_acts(&["move a c"], "Rename a -> c: Rename\n");
    check_acts(&["move a c", "write c=one\nTWO\nthree\n"], "Rename a -> c: Rename, Edit\n");
    check_acts(&["write a=one\nTWO\nthree\n", "move a c"], "Rename a -> c: Rename, Edit\n");
    check_acts(&["move a c", "move c d"], "Rename a -> d: Rename\n");
    check_acts(&["move a c", "move c a"], "");
    check_acts(&["write a=other\n", "move a c", "move c a"], "Edit a: Edit\n");
    check_acts(&["write c=new\n", "move c d"], "Create d: Create\n");
    check_acts(&["write c=new\n", "move c d", "delete d"], "");
    check_acts(&["write c=new\n", "write c=newer\n", "delete c"], "");
    check_acts(&["move a c", "delete c"], "Delete a: Delete\n");
    check_acts(&["delete a", "write a=one\ntwo\nthree\n"], "");
    check_acts(&["delete a", "write a=ONE\n"], "Edit a: Edit\n");
    // Where a file moves to, another one goes first.
    check_acts(&["delete b", "move a b"], "Delete a: Delete\nEdit b: Edit\n");
    // Something new stands where a file moved away from.
    check_acts(&["move a c", "write a=new\n"], "Edit a: Edit\nCreate c: Create\n");
    // Two files change places.
    check_acts(&["move a c", "move b a", "move c b"], "Edit a: Edit\nEdit b: Edit\n");
    check_acts(&["write c=new\n", "write c=one\n", "move c d", "write d=two\n", "move d c"], "Create c: Create\n");
}

#[test]
fn a_created_file_that_stands_there_is_accepted_or_in_conflict() {
    let fixture = Fixture::new(FILES);
    let mut overlay = acts(&fixture, &["write c=new\n"]);
    fixture.write("c", "other\n");
    assert_eq!(show_files(&fixture, &Proposal::derive(&overlay, &fixture.live())), "Create c: Create Conflict\n");
    fixture.write("c", "new\n");
    assert_eq!(Proposal::derive(&overlay, &fixture.live()), Proposal::default());
    assert_eq!(observe(&mut overlay, &fixture.live()).accepted.len(), 1);
    assert!(overlay.is_empty());
}

#[test]
fn a_deleted_file_that_the_user_changed_is_in_conflict() {
    let fixture = Fixture::new(FILES);
    let mut overlay = acts(&fixture, &["delete a"]);
    fixture.write("a", "changed\n");
    let proposal = Proposal::derive(&overlay, &fixture.live());
    assert_eq!(show_files(&fixture, &proposal), "Delete a: Delete Conflict\n");
    let id = proposal.files[0].hunks[0].id.clone();
    assert_eq!(proposal.apply_to_disk(&fixture.live(), std::slice::from_ref(&id)), []);
    observe(&mut overlay, &fixture.live());
    assert!(reject(&mut overlay, &fixture.live(), &id));
    assert!(overlay.is_empty());
    assert_eq!(fixture.on_disk("a").as_deref(), Some("changed\n"));
}

#[test]
fn the_hunks_of_a_renamed_file_are_decided_one_by_one() {
    let script = ["move a c", "write c=one\nTWO\nthree\n"];
    // The edit first, at the old place.
    let fixture = Fixture::new(FILES);
    let mut overlay = acts(&fixture, &script);
    let ids: Vec<HunkId> =
        Proposal::derive(&overlay, &fixture.live()).hunks().map(|(_, hunk)| hunk.id.clone()).collect();
    fixture.write("a", "one\nTWO\nthree\n");
    observe(&mut overlay, &fixture.live());
    let proposal = Proposal::derive(&overlay, &fixture.live());
    assert_eq!(show_files(&fixture, &proposal), "Rename a -> c: Rename\n");
    assert_eq!(proposal.files[0].hunks[0].id, ids[0]);

    // The move first, by the user.
    let fixture = Fixture::new(FILES);
    let mut overlay = acts(&fixture, &script);
    std::fs::rename(fixture.root_path().join("a"), fixture.root_path().join("c")).unwrap();
    let before = Proposal::derive(&overlay, &fixture.live());
    assert_eq!(show_files(&fixture, &before), "Edit c: Edit\n");
    assert_eq!(before.files[0].hunks[0].id, ids[1]);
    assert_eq!(hunks(&observe(&mut overlay, &fixture.live())), ids[..1]);
    assert_eq!(Proposal::derive(&overlay, &fixture.live()), before);

    // The move rejected: the edit stays, at the old place.
    let fixture = Fixture::new(FILES);
    let mut overlay = acts(&fixture, &script);
    assert!(reject(&mut overlay, &fixture.live(), &ids[0]));
    assert_eq!(show_files(&fixture, &Proposal::derive(&overlay, &fixture.live())), "Edit a: Edit\n");

    // Both at once: nothing is left, at neither place.
    let fixture = Fixture::new(FILES);
    let mut overlay = acts(&fixture, &script);
    assert_eq!(reject_some(&mut overlay, &fixture.live(), &|_| true), ids);
    assert!(overlay.is_empty(), "{overlay:?}");

    // A file stands where it should move to, or it is gone.
    let fixture = Fixture::new(FILES);
    let overlay = acts(&fixture, &script);
    fixture.write("c", "other\n");
    let proposal = Proposal::derive(&overlay, &fixture.live());
    assert_eq!(show_files(&fixture, &proposal), "Rename a -> c: Rename Conflict, Edit\n");
    std::fs::remove_file(fixture.root_path().join("c")).unwrap();
    std::fs::remove_file(fixture.root_path().join("a")).unwrap();
    let proposal = Proposal::derive(&overlay, &fixture.live());
    assert_eq!(show_files(&fixture, &proposal), "Rename a -> c: Rename Conflict, Edit Conflict\n");
}

#[test]
fn d07_a_file_that_is_gone_or_a_folder_now_is_a_conflict() {
    for change in ["gone", "folder"] {
        let fixture = Fixture::new(FILES);
        let mut overlay = acts(&fixture, &["write a=one\nTWO\nthree\n"]);
        std::fs::remove_file(fixture.root_path().join("a")).unwrap();
        if change == "folder" {
            std::fs::create_dir(fixture.root_path().join("a")).unwrap();
        }
        let proposal = Proposal::derive(&overlay, &fixture.live());
        assert_eq!(show_files(&fixture, &proposal), "Edit a: Edit Conflict\n", "{change}");
        observe(&mut overlay, &fixture.live());
        assert_eq!(Proposal::derive(&overlay, &fixture.live()), proposal, "kept and shown");
    }
}

#[test]
fn edits_of_the_same_file_are_one_change_in_order() {
    let session = Session::new("a\nb\nc\nd\n", "A\nb\nc\nD\n");
    let changes = session.proposal().applied(&session.ids());
    let [change] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(change.edits.iter().map(|edit| edit.range.clone()).collect::<Vec<_>>(), [0..2, 6..8]);
    assert_eq!(session.proposal().files[0].change, ChangeKind::Edit);
}

/// Texts of few different lines, so that repetitions and ambiguous diffs are common; with all the endings there are.
fn text() -> impl Strategy<Value = Vec<String>> {
    let line = (0usize..5, prop_oneof![6 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\r")])
        .prop_map(|(line, ending)| format!("{}{ending}", ["a", "b", "", "}", "\u{1f600}"][line]));
    (proptest::collection::vec(line, 0..14), any::<bool>()).prop_map(|(mut lines, complete)| {
        if !complete && let Some(last) = lines.last_mut() {
            last.truncate(last.trim_end_matches(['\r', '\n']).len());
        }
        lines
    })
}

/// Lines that are all different.
fn distinct_text() -> impl Strategy<Value = Vec<String>> {
    text().prop_map(|lines| lines.iter().enumerate().map(|(number, line)| format!("{number}{line}")).collect())
}

/// Replaces some lines; `mark` makes new lines unlike any other.
fn edited(lines: &[String], edits: &[(usize, usize, usize)], mark: &str) -> Vec<String> {
    let mut edited = lines.to_vec();
    for (index, (at, removed, added)) in edits.iter().enumerate() {
        let at = at % (edited.len() + 1);
        let end = (at + removed).min(edited.len());
        let new: Vec<String> = (0..*added).map(|line| format!("{mark}{index}.{line}\n")).collect();
        // A line without an ending can only be the last.
        if at > 0 && !new.is_empty() && !edited[at - 1].ends_with(['\n', '\r']) {
            edited[at - 1].push('\n');
        }
        edited.splice(at..end, new);
    }
    edited
}

fn edits() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
    proptest::collection::vec((0usize..16, 0usize..3, 0usize..3), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever Claw and the user did, accepting every pending hunk changes the live text at those hunks only, and writes
    /// nothing of its own.
    #[test]
    fn e01_nothing_outside_of_hunks_is_touched(base in text(), claw in edits(), user in edits()) {
        let live = edited(&base, &user, "user").concat();
        let mut session = Session::new(&base.concat(), &edited(&base, &claw, "claw").concat());
        session.type_text(&live);
        let proposal = session.proposal();
        let mut end = 0;
        let mut expected = String::new();
        for (_, hunk) in proposal.hunks().filter(|(_, hunk)| hunk.state == HunkState::Pending) {
            prop_assert_eq!(&live[hunk.live.clone()], &hunk.old_text);
            expected.push_str(&live[end..hunk.live.start]);
            expected.push_str(&hunk.new_text);
            end = hunk.live.end;
        }
        expected.push_str(&live[end..]);
        session.accept(&session.ids());
        prop_assert_eq!(session.live(), expected.clone());
        session.observe();
        prop_assert_eq!(session.live(), expected);
    }

    /// Where no two lines are the same, everything accepted is recognised, every line of the user is in what is then
    /// proposed, and what is in conflict is what it was.
    #[test]
    fn e01_what_is_accepted_is_recognised(base in distinct_text(), claw in edits(), user in edits()) {
        let live = edited(&base, &user, "user").concat();
        let mut session = Session::new(&base.concat(), &edited(&base, &claw, "claw").concat());
        session.type_text(&live);
        let before = session.proposal();
        session.observe();
        prop_assert_eq!(session.proposal(), before.clone());
        session.accept(&session.ids());
        session.observe();
        let conflicts = |proposal: &Proposal| -> Vec<HunkId> {
            let conflicts = proposal.hunks().filter(|(_, hunk)| hunk.state == HunkState::Conflict);
            conflicts.map(|(_, hunk)| hunk.id.clone()).collect()
        };
        let left = session.proposal();
        prop_assert_eq!(conflicts(&left), conflicts(&before));
        prop_assert_eq!(left.hunks().count(), conflicts(&left).len(), "{:?}", left);
        if conflicts(&left).is_empty() {
            prop_assert_eq!(session.current(), session.live());
        }
        for line in live.split_inclusive('\n').filter(|line| line.starts_with("user")) {
            prop_assert!(session.live().contains(line));
        }
    }

    /// Without the user's edits, accepting all gives what was proposed, in any order and in any portions.
    #[test]
    fn accepting_in_any_order_gives_what_was_proposed(
        base in text(), claw in edits(), order in proptest::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        let current = edited(&base, &claw, "claw").concat();
        let mut session = Session::new(&base.concat(), &current);
        for pick in order {
            let ids = session.ids();
            if ids.is_empty() {
                break;
            }
            let id = pick.get(&ids).clone();
            let (before, live) = (session.proposal(), Text::new(&session.live()));
            let alone = |id: &HunkId| live.apply_all(&before.applied(std::slice::from_ref(id))[0].edits).unwrap();
            session.accept(std::slice::from_ref(&id));
            let observed = observe(&mut session.overlay, &session.fixture.live());
            let accepted = hunks(&observed);
            // Where lines repeat, two hunks can come to the very same text: then either is the one that was accepted.
            prop_assert_eq!(accepted.len(), 1);
            if accepted != [id.clone()] {
                prop_assert_eq!(alone(&accepted[0]), alone(&id));
            }
            prop_assert_eq!(observed.conflicts, vec![]);
            let left: Vec<HunkId> = ids.into_iter().filter(|other| *other != accepted[0]).collect();
            prop_assert_eq!(session.ids(), left);
        }
        session.accept(&session.ids());
        session.observe();
        prop_assert!(session.overlay.is_empty());
        prop_assert_eq!(session.live(), current);
    }

    /// A look in between changes nothing that is left to decide, and a second look nothing at all.
    #[test]
    fn looking_is_idempotent(base in text(), claw in edits(), user in edits()) {
        let current = edited(&base, &claw, "claw").concat();
        let mut session = Session::new(&base.concat(), &current);
        session.type_text(&edited(&base, &user, "user").concat());
        session.observe();
        let (overlay, proposal) = (session.overlay.clone(), session.proposal());
        session.observe();
        prop_assert_eq!(&session.overlay, &overlay);
        prop_assert_eq!(session.proposal(), proposal);
    }

    /// Rejecting everything leaves nothing proposed, and the live text as it was.
    #[test]
    fn rejecting_all_leaves_the_live_text(base in text(), claw in edits(), user in edits()) {
        let current = edited(&base, &claw, "claw").concat();
        let live = edited(&base, &user, "user").concat();
        let mut session = Session::new(&base.concat(), &current);
        session.type_text(&live);
        session.observe();
        for _ in 0..40 {
            let Some(id) = session.ids().first().cloned() else { break };
            prop_assert!(session.reject(&id));
            session.observe();
        }
        prop_assert!(session.overlay.is_empty(), "{:?}", session.proposal());
        prop_assert_eq!(session.live(), live);
    }
}
