//! Fine grain: some lines of a hunk, another text for it, a conflict settled.

use std::ops::Range;

use claw::event::HunkState;
use claw::text::Text;
use claw::workspace::proposal::{
    Proposal, Settle, Unsettled, amend, cut, observe, settle_conflict, settle_file_conflict,
};
use claw::workspace::{Author, HunkId};

use super::proposal::{FILES, Session, acts, show, show_files};
use crate::support::fixture::Fixture;

/// Cuts `lines` out of the only hunk; `expected` is what is left to decide, the cut one first in the answer.
#[track_caller]
fn check_cut(base: &str, current: &str, lines: Range<usize>, expected: Option<(usize, &str)>) {
    let mut session = Session::new(base, current);
    let ids = session.ids();
    let [whole] = &ids[..] else { panic!("{ids:?}") };
    let piece = cut(&mut session.overlay, &session.fixture.live(), whole, lines);
    match expected {
        None => {
            assert_eq!(piece, None);
            assert_eq!(session.ids(), ids, "nothing has changed");
        }
        Some((index, expected)) => {
            let piece = piece.expect("there are such lines");
            assert_eq!(show(&session.proposal()), expected);
            assert_eq!(session.ids()[index], piece);
            assert_eq!(session.current(), current, "the same is proposed");
            // The piece alone is accepted, and seen; the rest waits.
            let rest: Vec<HunkId> = session.ids().into_iter().filter(|id| *id != piece).collect();
            session.accept(std::slice::from_ref(&piece));
            assert_eq!(session.observe(), (1, 0));
            assert_eq!(session.ids(), rest);
            assert!(!session.ids().contains(whole), "an id does not come back");
            session.accept(&rest);
            session.observe();
            assert_eq!((session.live().as_str(), session.overlay.is_empty()), (current, true));
        }
    }
}

#[test]
fn some_lines_of_a_hunk_become_a_hunk() {
    let (base, current) = ("a\nb\nc\nd\n", "a\nB\nC\nd\n");
    let both = "pending 2: \"b\\n\" -> \"B\\n\"\npending 3: \"c\\n\" -> \"C\\n\"\n";
    check_cut(base, current, 0..1, Some((0, both)));
    check_cut(base, current, 1..2, Some((1, both)));
    let three = "pending 1: \"\" -> \"x\\n\"\npending 1: \"\" -> \"y\\n\"\npending 1: \"\" -> \"z\\n\"\n";
    check_cut("a\n", "x\ny\nz\na\n", 1..2, Some((1, three)));
    // Old lines that are too many go with the last new one; lines of a deletion are old ones.
    let fewer = "pending 1: \"a\\n\" -> \"A\\n\"\npending 2: \"b\\nc\\n\" -> \"B\\n\"\n";
    check_cut("a\nb\nc\nd\n", "A\nB\nd\n", 0..1, Some((0, fewer)));
    check_cut("a\nb\nc\n", "c\n", 1..2, Some((1, "pending 1: \"a\\n\" -> \"\"\npending 2: \"b\\n\" -> \"\"\n")));
    // All of it, none of it, and more than there is.
    check_cut(base, current, 0..2, Some((0, "pending 2: \"b\\nc\\n\" -> \"B\\nC\\n\"\n")));
    check_cut(base, current, 1..1, None);
    check_cut(base, current, 1..3, None);
}

#[test]
fn a_cut_keeps_line_endings_and_a_missing_last_break() {
    let crlf = "pending 1: \"a\\r\\n\" -> \"A\\r\\n\"\npending 2: \"b\\r\\n\" -> \"B\\r\\n\"\n";
    check_cut("a\r\nb\r\nc", "A\r\nB\r\nc", 1..2, Some((1, crlf)));
    check_cut("a\nb", "A\nB", 1..2, Some((1, "pending 1: \"a\\n\" -> \"A\\n\"\npending 2: \"b\" -> \"B\"\n")));
    // A last line without a break that is more on one side can not be parted from what comes before it.
    check_cut("a\nb", "A\nB\nC", 1..2, None);
    check_cut("", "a\nb", 0..1, None);
}

#[test]
fn e08_a_piece_never_takes_the_id_of_an_equal_hunk() {
    let mut session = Session::new("x\ny\n1\nx\n", "1\n");
    let ids = session.ids();
    let [first, second] = &ids[..] else { panic!("{ids:?}") };
    let piece = cut(&mut session.overlay, &session.fixture.live(), first, 0..1).unwrap();
    assert_ne!(&piece, second);
    assert_eq!(session.ids()[0], piece);
    assert_eq!(&session.ids()[2], second, "the last hunk is who it was");
}

#[test]
fn a_cut_stays_where_the_agent_edits_elsewhere() {
    let mut session = Session::new("a\nb\nc\nd\n", "a\nB\nC\nd\n");
    let whole = session.ids().remove(0);
    cut(&mut session.overlay, &session.fixture.live(), &whole, 0..1).expect("there is such a line");
    let ids = session.ids();
    let write = |session: &mut Session, text: &str| {
        let doc = session.doc();
        let seen = session.fixture.workspace.view(&session.overlay).read(&doc).unwrap();
        session.overlay.write(&doc, Some(&seen), Some(Text::new(text)), Author::default()).unwrap();
    };
    write(&mut session, "new\na\nB\nC\nd\n");
    let new = "pending 1: \"\" -> \"new\\n\"\n";
    let pieces = "pending 2: \"b\\n\" -> \"B\\n\"\npending 3: \"c\\n\" -> \"C\\n\"\n";
    assert_eq!(show(&session.proposal()), [new, pieces].concat());
    assert_eq!(session.ids()[1..], ids, "they are who they were");
    // What the agent makes another is one hunk again.
    write(&mut session, "new\na\nB\nCC\nd\n");
    assert_eq!(show(&session.proposal()), [new, "pending 2: \"b\\nc\\n\" -> \"B\\nCC\\n\"\n"].concat());
}

#[track_caller]
fn check_amend(base: &str, current: &str, text: &str, expected: Option<&str>) {
    let mut session = Session::new(base, current);
    let ids = session.ids();
    let amended = amend(&mut session.overlay, &session.fixture.live(), &ids[0], text);
    match expected {
        None => {
            assert_eq!(amended, None);
            assert_eq!(session.ids(), ids);
        }
        Some(expected) => {
            assert_eq!(show(&session.proposal()), expected);
            assert_eq!(session.ids()[0], amended.unwrap());
            assert!(!session.ids().contains(&ids[0]));
            assert_eq!(session.ids()[1..], ids[1..], "the others are who they were");
            session.accept(&session.ids());
            session.observe();
            assert!(session.overlay.is_empty());
        }
    }
}

#[test]
fn a_hunk_puts_in_another_text() {
    let others = "pending 4: \"d\\n\" -> \"D\\n\"\n";
    let amended = |old: &str, new: &str| Some(format!("pending 2: {old:?} -> {new:?}\n{others}"));
    let (base, current) = ("a\nb\nc\nd\n", "a\nB\nc\nD\n");
    check_amend(base, current, "mine\n", amended("b\n", "mine\n").as_deref());
    check_amend(base, current, "mine", amended("b\n", "mine\n").as_deref());
    check_amend(base, current, "one\ntwo\nthree\n", amended("b\n", "one\ntwo\nthree\n").as_deref());
    check_amend(base, current, "", amended("b\n", "").as_deref());
    check_amend(base, current, "b\n", None);
    // The file's endings, and no break where the file ends without one.
    check_amend("a\r\nb\r\n", "a\r\nB\r\n", "x\ny\n", Some("pending 2: \"b\\r\\n\" -> \"x\\r\\ny\\r\\n\"\n"));
    check_amend("a\nb", "a\nB", "x", Some("pending 2: \"b\" -> \"x\"\n"));
    check_amend("a\n", "a\nb\n", "", None);
}

#[test]
fn a_created_file_is_made_with_another_text_and_other_acts_are_not_amended() {
    let fixture = Fixture::new(FILES);
    let mut overlay = acts(&fixture, &["write c=new\n", "delete a"]);
    let live = fixture.live();
    let proposal = Proposal::derive(&overlay, &live);
    assert_eq!(show_files(&fixture, &proposal), "Delete a: Delete\nCreate c: Create\n");
    let id = |file: usize| proposal.files[file].hunks[0].id.clone();
    assert_eq!(amend(&mut overlay, &live, &id(0), "x\n"), None);
    assert_eq!(cut(&mut overlay, &live, &id(1), 0..1), None);
    let amended = amend(&mut overlay, &live, &id(1), "mine\n").unwrap();
    let proposal = Proposal::derive(&overlay, &live);
    let (_, hunk) = proposal.hunk(&amended).unwrap();
    assert_eq!((hunk.state, hunk.new_text.as_str()), (HunkState::Pending, "mine\n"));
}

#[test]
fn a_piece_that_changes_nothing_is_no_hunk() {
    let mut session = Session::new("a\nb\nc\n", "A\nb\nC\n");
    let ids = session.ids();
    // The two become one, as an amendment.
    let live = session.fixture.live();
    let one = amend(&mut session.overlay, &live, &ids[0], "A\na\n").unwrap();
    assert_eq!(cut(&mut session.overlay, &live, &one, 1..2), Some(session.ids()[1].clone()));
    let first = session.ids()[0].clone();
    assert_eq!(cut(&mut session.overlay, &live, &first, 0..1), Some(session.ids()[0].clone()));
}

/// The user has made `live` of the base, and settles the first conflict.
#[track_caller]
fn check_settle(base: &str, current: &str, live: &str, how: Settle, expected: Option<(&str, &str)>) {
    let mut session = Session::new(base, current);
    session.type_text(live);
    session.observe();
    let before = session.proposal();
    let conflict = before.hunks().find(|(_, hunk)| hunk.state == HunkState::Conflict).unwrap().1.id.clone();
    let settled = settle_conflict(&mut session.overlay, &session.fixture.live(), &conflict, how);
    match expected {
        None => {
            assert_eq!(settled, None);
            assert_eq!(session.proposal(), before);
        }
        Some((expected, accepted)) => {
            assert_eq!(show(&session.proposal()), expected);
            let settled = settled.unwrap();
            assert!(session.ids().contains(&settled) && !session.ids().contains(&conflict));
            session.accept(&session.ids());
            session.observe();
            assert_eq!((session.live().as_str(), session.overlay.is_empty()), (accepted, true));
        }
    }
}

#[test]
fn a_conflict_is_settled_for_claw_or_for_both() {
    let (base, current, live) = ("a\nb\nc\n", "a\nB\nc\n", "a\nmine\nc\n");
    let claw = ("pending 2: \"mine\\n\" -> \"B\\n\"\n", "a\nB\nc\n");
    check_settle(base, current, live, Settle::Claw, Some(claw));
    let both = ("pending 3: \"\" -> \"B\\n\"\n", "a\nmine\nB\nc\n");
    check_settle(base, current, live, Settle::Both, Some(both));
    // The user has deleted the lines, or more of them.
    check_settle(base, current, "a\nc\n", Settle::Claw, Some(("pending 2: \"\" -> \"B\\n\"\n", "a\nB\nc\n")));
    let more = ("pending 1: \"mine\\n\" -> \"B\\n\"\n", "B\n");
    check_settle(base, current, "mine\n", Settle::Claw, Some(more));
    // Claw deletes: both is what the user wrote, and nothing is left to decide but that.
    check_settle(base, "a\nc\n", live, Settle::Both, None);
    check_settle(base, "a\nc\n", live, Settle::Claw, Some(("pending 2: \"mine\\n\" -> \"\"\n", "a\nc\n")));
    // Line endings, and a last line without a break.
    let crlf = ("pending 3: \"\" -> \"B\\r\\n\"\n", "a\r\nmine\r\nB\r\nc");
    check_settle("a\r\nb\r\nc", "a\r\nB\r\nc", "a\r\nmine\r\nc", Settle::Both, Some(crlf));
    check_settle("a\nb", "a\nB", "a\nmine", Settle::Claw, Some(("pending 2: \"mine\" -> \"B\"\n", "a\nB")));
    let both = ("pending 2: \"mine\" -> \"mine\\nB\"\n", "a\nmine\nB");
    check_settle("a\nb", "a\nB", "a\nmine", Settle::Both, Some(both));
}

#[test]
fn lines_are_never_glued_to_a_last_line_without_a_break() {
    let check = |base: &str, current: &str, live: &str, expected: &str| {
        let mut session = Session::new(base, current);
        session.type_text(live);
        assert_eq!(show(&session.proposal()), expected, "{live:?}");
        let before = session.proposal();
        session.observe();
        assert_eq!(session.proposal(), before);
    };
    // What Claw adds at the end goes before what the user began there, and where neither has a break nobody knows.
    check("a\n", "a\nclaw\n", "a\nmine", "pending 2: \"\" -> \"claw\\n\"\n");
    check("", "claw\n", "mine", "pending 1: \"\" -> \"claw\\n\"\n");
    check("a\n", "a\nclaw\n", "a\nmine\n", "pending 3: \"\" -> \"claw\\n\"\n");
    check("a\n", "a\nclaw", "a\nmine\n", "pending 3: \"\" -> \"claw\"\n");
    check("a\n", "a\nclaw", "a\nmine", "conflict 2: \"\" -> \"claw\"\n");
    // The last line before what is added loses its break.
    check("a\nb\n", "a\nb\nclaw\n", "a\nB", "conflict 2: \"\" -> \"claw\\n\"\n");
    // Claw takes the last break away, and the user goes on behind it.
    check("a\nb\n", "a\nB", "a\nb\nmine\n", "conflict 2: \"b\\n\" -> \"B\"\n");
}

/// `script` is proposed, the user does what `users` says (`a=text` writes, `a` removes), and the first conflict is settled. `expected` is
/// what is left to decide then, by files and hunk by hunk, or why it can not be settled so. What is there comes to what is proposed.
#[track_caller]
fn check_settle_file(script: &[&str], users: &[&str], how: Settle, expected: Result<(&str, &str), Unsettled>) {
    let fixture = Fixture::new(FILES);
    let mut overlay = acts(&fixture, script);
    for act in users {
        match act.split_once('=') {
            Some((name, text)) => fixture.write(name, text),
            None => std::fs::remove_file(fixture.root_path().join(act)).unwrap(),
        }
    }
    let before = Proposal::derive(&overlay, &fixture.live());
    let (_, conflict) = before.hunks().find(|(_, hunk)| hunk.state == HunkState::Conflict).expect("a conflict");
    let settled = settle_file_conflict(&mut overlay, &fixture.live(), &conflict.id, how);
    let after = Proposal::derive(&overlay, &fixture.live());
    let (files, hunks) = match expected {
        Err(why) => {
            assert_eq!((settled, after), (Err(why), before));
            return;
        }
        Ok(expected) => expected,
    };
    let settled = settled.expect("it can be settled");
    assert_eq!((show_files(&fixture, &after).as_str(), show(&after).as_str()), (files, hunks));
    assert_eq!(settled, after.hunks().map(|(_, hunk)| hunk.id.clone()).collect::<Vec<_>>());
    assert!(!settled.contains(&conflict.id), "an id does not come back");
    let view = fixture.workspace.view(&overlay);
    for written in after.apply_to_disk(&fixture.live(), &settled) {
        assert_eq!(written.result, Ok(()));
    }
    for name in ["a", "b", "c"] {
        let proposed = view.read(&fixture.doc(name)).ok().map(|document| document.text.to_string());
        assert_eq!(fixture.on_disk(name), proposed, "{name}");
    }
    observe(&mut overlay, &fixture.live());
    assert!(overlay.is_empty(), "{overlay:?}");
}

#[test]
fn d07_a_conflict_about_a_whole_file_is_settled_for_what_is_there_now() {
    let (create, delete, rename) = (["write c=new\n"], ["delete a"], ["move a c", "write c=one\nTWO\nthree\n"]);
    // A file that was to come is there already.
    let over = ("Edit c: Edit\n", "pending 1: \"other\\n\" -> \"new\\n\"\n");
    check_settle_file(&create, &["c=other\n"], Settle::Claw, Ok(over));
    let both = ("Edit c: Edit\n", "pending 2: \"\" -> \"new\\n\"\n");
    check_settle_file(&create, &["c=other\n"], Settle::Both, Ok(both));
    let unbroken = ("Edit c: Edit\n", "pending 2: \"other\" -> \"other\\r\\nnew\\r\\n\"\n");
    check_settle_file(&create, &["c=x\r\nother"], Settle::Both, Ok(unbroken));
    check_settle_file(&["write c="], &["c=other\n"], Settle::Both, Err(Unsettled::Nothing));
    // A file that was to go has another text.
    let go = ("Delete a: Delete\n", "pending 1: \"mine\\n\" -> \"\"\n");
    check_settle_file(&delete, &["a=mine\n"], Settle::Claw, Ok(go));
    check_settle_file(&delete, &["a=mine\n"], Settle::Both, Err(Unsettled::NotBoth));
    // A file that was to be edited is gone.
    let again = ("Create a: Create\n", "pending 1: \"\" -> \"one\\nTWO\\nthree\\n\"\n");
    check_settle_file(&["write a=one\nTWO\nthree\n"], &["a"], Settle::Claw, Ok(again));
    check_settle_file(&["write a=one\nTWO\nthree\n"], &["a"], Settle::Both, Err(Unsettled::Gone));
    // A file that was to move is gone, or another stands where it was to go.
    let made = ("Create c: Create\n", "pending 1: \"\" -> \"one\\nTWO\\nthree\\n\"\n");
    check_settle_file(&rename, &["a"], Settle::Claw, Ok(made));
    let replaced = (
        "Delete a: Delete\nEdit c: Edit\n",
        "pending 1: \"one\\ntwo\\nthree\\n\" -> \"\"\npending 1: \"other\\n\" -> \"one\\nTWO\\nthree\\n\"\n",
    );
    check_settle_file(&rename, &["c=other\n"], Settle::Claw, Ok(replaced));
    check_settle_file(&rename, &["c=other\n"], Settle::Both, Err(Unsettled::NotBoth));
}

#[test]
fn d07_what_can_not_be_read_is_not_replaced() {
    let fixture = Fixture::new(FILES);
    let mut overlay = acts(&fixture, &["write c=new\n", "write a=one\nTWO\n"]);
    std::fs::create_dir(fixture.root_path().join("c")).unwrap();
    let proposal = Proposal::derive(&overlay, &fixture.live());
    let by_state = |state| proposal.hunks().find(|(_, hunk)| hunk.state == state).unwrap().1.id.clone();
    let mut settle = |hunk: &HunkId| settle_file_conflict(&mut overlay, &fixture.live(), hunk, Settle::Claw);
    assert_eq!(settle(&by_state(HunkState::Conflict)), Err(Unsettled::Unreadable));
    assert_eq!(settle(&by_state(HunkState::Pending)), Err(Unsettled::NoConflict));
    assert_eq!(settle(&HunkId("none".to_owned())), Err(Unsettled::NoConflict));
}
