//! Taking accepted hunks back, in any order, after any typing; and taking that back.

use claw::text::{Edit, PositionEncoding, Text};
use claw::workspace::proposal::{Misapplied, Proposal, Sent, TakenBack, Verdict, observe, take_back};
use claw::workspace::{Applied, HunkId, Overlay};

use super::proposal::{FILES, Session, acts, show_files};
use crate::support::fixture::Fixture;

/// Accepts all hunks, one after the other; what was accepted.
fn accept_all(session: &mut Session) -> Vec<Applied> {
    let mut applied = Vec::new();
    for id in session.ids() {
        session.accept(std::slice::from_ref(&id));
        applied.extend(observe(&mut session.overlay, &session.fixture.live()).accepted);
    }
    assert!(session.overlay.is_empty());
    applied
}

/// Takes these back, as the editor makes it; what came of each, and what would undo it.
fn back(session: &Session, applied: &[&Applied]) -> (Vec<&'static str>, Vec<Applied>) {
    let live = session.fixture.live();
    let back = take_back(applied.iter().copied(), &live);
    let proposal = Proposal::derive(&back.overlay, &live);
    let ids: Vec<HunkId> = proposal.hunks().map(|(_, hunk)| hunk.id.clone()).collect();
    for change in proposal.applied(&ids) {
        session.type_text(&Text::new(&session.live()).apply_all(&change.edits).unwrap().to_string());
    }
    let mut inverse = Vec::new();
    let outcomes = back.outcomes.into_iter().map(|outcome| match outcome {
        TakenBack::Done(applied) => {
            inverse.insert(0, applied);
            "done"
        }
        TakenBack::Gone => "gone",
        TakenBack::Clash => "clash",
    });
    (outcomes.collect(), inverse)
}

/// All hunks are accepted, the user types `typed`, and hunks are taken back, which gives `expected`; redone, `typed` again.
#[track_caller]
fn check(base: &str, current: &str, typed: &str, hunks: &[usize], outcomes: &[&str], expected: &str) {
    let mut session = Session::new(base, current);
    let applied = accept_all(&mut session);
    session.type_text(typed);
    let wanted: Vec<&Applied> = hunks.iter().map(|at| &applied[*at]).collect();
    let (came, inverse) = back(&session, &wanted);
    assert_eq!(came, outcomes);
    assert_eq!(session.live(), expected);
    if outcomes.iter().all(|outcome| *outcome == "done") {
        let (came, _) = back(&session, &inverse.iter().collect::<Vec<_>>());
        assert_eq!(came, outcomes, "redo");
        assert_eq!(session.live(), typed, "redo");
    }
}

const BASE: &str = "a\nb\nc\nd\ne\n";
const CURRENT: &str = "a\nB\nc\nd\nE\nf\n";

#[test]
fn what_was_accepted_is_taken_back() {
    check(BASE, CURRENT, CURRENT, &[1, 0], &["done", "done"], BASE);
    // Out of order.
    check(BASE, CURRENT, CURRENT, &[0], &["done"], "a\nb\nc\nd\nE\nf\n");
    check(BASE, CURRENT, CURRENT, &[0, 1], &["done", "done"], BASE);
    // An insertion and a deletion.
    check("a\nb\n", "a\nnew\nb\n", "a\nnew\nb\n", &[0], &["done"], "a\nb\n");
    check("a\nb\nc\n", "a\nc\n", "a\nc\n", &[0], &["done"], "a\nb\nc\n");
}

#[test]
fn typing_since_then_stays() {
    check(BASE, CURRENT, "0\na\nB\nc\nmine\nd\nE\nf\n", &[0], &["done"], "0\na\nb\nc\nmine\nd\nE\nf\n");
    check(BASE, CURRENT, "0\na\nB\nc\nmine\nd\nE\nf\nlast", &[1], &["done"], "0\na\nB\nc\nmine\nd\ne\nlast");
    check("a\nb\nc\n", "a\nc\n", "0\na\nc\nd\n", &[0], &["done"], "0\na\nb\nc\nd\n");
    check("a\r\nb\r\nc", "a\r\nB\r\nc", "0\r\na\r\nB\r\nc", &[0], &["done"], "0\r\na\r\nb\r\nc");
    check("a\nb", "a\nB", "0\na\nB", &[0], &["done"], "0\na\nb");
    check("", "claw\n", "claw\nmine\n", &[0], &["done"], "mine\n");
}

#[test]
fn what_the_user_has_changed_is_a_clash_and_stays() {
    let typed = "a\nB and mine\nc\nd\nE\nf\n";
    check(BASE, CURRENT, typed, &[0], &["clash"], typed);
    check(BASE, CURRENT, typed, &[1, 0], &["done", "clash"], "a\nB and mine\nc\nd\ne\n");
    check("a\nb\nc\n", "a\nc\n", "mine\nc\n", &[0], &["done"], "mine\nb\nc\n");
    check("a\nb", "a\nB", "a\nB\nmine", &[0], &["clash"], "a\nB\nmine");
}

#[test]
fn what_the_user_took_back_himself_is_gone() {
    check(BASE, CURRENT, BASE, &[1, 0], &["gone", "gone"], BASE);
    check(BASE, CURRENT, "a\nb\nc\nmine\nd\nE\nf\n", &[0], &["gone"], "a\nb\nc\nmine\nd\nE\nf\n");
}

#[test]
fn one_that_stands_on_another_is_taken_back_before_it() {
    let mut session = Session::new("a\nb\nc\n", "a\nB\nc\n");
    let mut applied = accept_all(&mut session);
    session.restart("a\nB\nc\n", "a\nB2\nc\n");
    applied.extend(accept_all(&mut session));
    // The first alone: its lines are another's now.
    assert_eq!(back(&session, &[&applied[0]]).0, ["clash"]);
    assert_eq!(session.live(), "a\nB2\nc\n");
    let (came, inverse) = back(&session, &[&applied[1], &applied[0]]);
    assert_eq!((came, session.live().as_str()), (vec!["done", "done"], "a\nb\nc\n"));
    let (came, _) = back(&session, &inverse.iter().collect::<Vec<_>>());
    assert_eq!((came, session.live().as_str()), (vec!["done", "done"], "a\nB2\nc\n"));
}

/// Tools' acts on files are accepted on the disk, `meanwhile` happens, and all is taken back, last first.
#[track_caller]
fn check_acts(script: &[&str], meanwhile: impl Fn(&Fixture), outcomes: &str, files: &[(&str, Option<&str>)]) {
    let fixture = Fixture::new(FILES);
    let mut overlay = acts(&fixture, script);
    let write_all = |overlay: &Overlay| {
        let proposal = Proposal::derive(overlay, &fixture.live());
        let ids: Vec<HunkId> = proposal.hunks().map(|(_, hunk)| hunk.id.clone()).collect();
        for written in proposal.apply_to_disk(&fixture.live(), &ids) {
            assert_eq!(written.result, Ok(()), "{}", show_files(&fixture, &proposal));
        }
    };
    let names: Vec<&str> = ["a", "b", "c", "d"].to_vec();
    let state = || names.iter().map(|name| fixture.on_disk(name)).collect::<Vec<_>>();
    write_all(&overlay);
    let mut applied = observe(&mut overlay, &fixture.live()).accepted;
    applied.reverse();
    meanwhile(&fixture);
    let then = state();
    let back = take_back(&applied, &fixture.live());
    let names_of = |outcomes: &[TakenBack]| -> String {
        let name = |outcome: &TakenBack| match outcome {
            TakenBack::Done(_) => "done",
            TakenBack::Gone => "gone",
            TakenBack::Clash => "clash",
        };
        outcomes.iter().map(name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names_of(&back.outcomes), outcomes);
    write_all(&back.overlay);
    for (name, text) in files {
        assert_eq!(fixture.on_disk(name).as_deref(), *text, "{name}");
    }
    if back.outcomes.iter().all(|outcome| matches!(outcome, TakenBack::Done(_))) {
        let inverse: Vec<Applied> = back
            .outcomes
            .iter()
            .rev()
            .filter_map(|outcome| match outcome {
                TakenBack::Done(applied) => Some(applied.clone()),
                TakenBack::Gone | TakenBack::Clash => None,
            })
            .collect();
        let again = take_back(&inverse, &fixture.live());
        assert_eq!(names_of(&again.outcomes), outcomes, "redo");
        write_all(&again.overlay);
        assert_eq!(state(), then, "redo");
    }
}

#[test]
fn files_that_came_went_and_moved_are_taken_back() {
    let nothing = |_: &Fixture| {};
    let a = "one\ntwo\nthree\n";
    check_acts(&["write c=new\n"], nothing, "done", &[("c", None)]);
    check_acts(&["delete a"], nothing, "done", &[("a", Some(a))]);
    check_acts(&["move a c"], nothing, "done", &[("a", Some(a)), ("c", None)]);
    let moved = ["move a c", "write c=one\nTWO\nthree\n"];
    check_acts(&moved, nothing, "done done", &[("a", Some(a)), ("c", None)]);
    // Typed in since: a new file is the user's now, a moved one takes it along.
    let types = |fixture: &Fixture| fixture.write("c", "one\nTWO\nthree\nmine\n");
    check_acts(&moved, types, "done done", &[("a", Some("one\ntwo\nthree\nmine\n")), ("c", None)]);
    check_acts(&["write c=new\n"], |fixture| fixture.write("c", "mine\n"), "clash", &[("c", Some("mine\n"))]);
    check_acts(&["delete a"], |fixture| fixture.write("a", "mine\n"), "clash", &[("a", Some("mine\n"))]);
    check_acts(&["delete a"], |fixture| fixture.write("a", a), "gone", &[("a", Some(a))]);
    check_acts(&["move a c"], |fixture| fixture.write("a", "mine\n"), "clash", &[("a", Some("mine\n"))]);
    let removes = |fixture: &Fixture| std::fs::remove_file(fixture.root_path().join("c")).unwrap();
    check_acts(&["write c=new\n"], removes, "gone", &[("c", None)]);
    check_acts(&["move a c"], removes, "clash", &[("a", None), ("c", None)]);
}

/// An edit made for `made_for` and what the editor showed since.
#[track_caller]
fn check_verdict(made_for: &str, edits: &[(std::ops::Range<usize>, &str)], seen: &[&str], expected: &Verdict) {
    let edits =
        edits.iter().map(|(range, insert)| Edit { range: range.clone(), insert: (*insert).to_owned() }).collect();
    let sent = Sent::new(Text::new(made_for), edits, PositionEncoding::Utf16).unwrap();
    let seen: Vec<Text> = seen.iter().map(|text| Text::new(text)).collect();
    assert_eq!(&sent.verdict(&seen), expected);
}

#[test]
fn e03_what_became_of_an_edit_is_told_by_the_texts() {
    let base = "a\nb\nc\nd\n";
    let two = [(2..4, "B\n"), (6..8, "D\n")];
    check_verdict(base, &two, &[], &Verdict::NotYet);
    check_verdict(base, &two, &[base, "x\na\nb\nc\nd\n"], &Verdict::NotYet);
    check_verdict(base, &two, &["a\nB\nc\nD\n"], &Verdict::Applied);
    check_verdict(base, &two, &["a\nb\nc\nD\n", "a\nB\nc\nD\n"], &Verdict::Applied);
    check_verdict(base, &two, &["a\nB\nc\nd\n"], &Verdict::Partly(vec![true, false]));
    check_verdict(base, &two, &["a\nb\nc\nD\n"], &Verdict::Partly(vec![false, true]));
    // In one message with typing; and undone later: it was applied.
    check_verdict(base, &two, &["a\nB\nmine\nc\nD\n"], &Verdict::Applied);
    check_verdict(base, &two, &["a\nB\nc\nD\n", base], &Verdict::Applied);
    // Typed behind it, so the positions are right; typed before it, so they are not.
    check_verdict(base, &two[..1], &["a\nb\nc\nd\nx\n", "a\nB\nc\nd\nx\n"], &Verdict::Applied);
    let misapplied =
        |before: &str, after: &str| Verdict::Misapplied(Misapplied { before: before.into(), after: after.into() });
    let (before, after) = ("x\na\nb\nc\nd\n", "x\nB\nb\nD\nd\n");
    check_verdict(base, &two, &[before, after], &misapplied(before, after));
    check_verdict(base, &two, &[before, after, "x\nB\nb\nD\nd\ny\n"], &misapplied(before, after));
    // Told of one by one.
    check_verdict(base, &two, &[before, "x\na\nb\nD\nd\n", after], &misapplied(before, after));
    check_verdict(base, &two, &[before, "x\nB\nb\nc\nd\n"], &misapplied(before, "x\nB\nb\nc\nd\n"));
    // Taken back since.
    check_verdict(base, &two, &[before, after, before], &Verdict::NotYet);
    // Over what the user typed into the line.
    let typed = "a\nb mine\nc\nd\n";
    check_verdict(base, &two[..1], &[typed, "a\nB\nc\nd\n"], &misapplied(typed, "a\nB\nc\nd\n"));
    // A formatter took the white space from both lines beside it at once; a line went and another came.
    check_verdict("a  \nb  \nc\n", &[(4..4, "B\n")], &["a\nb\nc\n", "a\nB\nb\nc\n"], &Verdict::Applied);
    check_verdict(base, &two[1..], &["a\nb\nd\n", "x\na\nb\nd\n", "x\na\nb\nD\n"], &Verdict::Applied);
    // Both lines beside it became others: nobody knows whether it is where it was meant.
    let (before, after) = ("x\ny\nc\n", "x\nB\ny\nc\n");
    check_verdict("a\nb\nc\n", &[(2..2, "B\n")], &[before, after], &misapplied(before, after));
    // Positions past the end are moved inside.
    check_verdict(base, &two[1..], &["a\n", "a\nD\n"], &misapplied("a\n", "a\nD\n"));
}

#[test]
fn e03_a_misapplied_edit_is_taken_back_in_one_step() {
    let misapplied = Misapplied { before: "x\na\nb\nc\n".into(), after: "x\nB\nb\nc\n".into() };
    let restored = |live: &str| {
        let live = Text::new(live);
        misapplied.restore(&live).map(|edits| live.apply_all(&edits).unwrap().to_string())
    };
    assert_eq!(restored("x\nB\nb\nc\n").as_deref(), Some("x\na\nb\nc\n"));
    assert_eq!(restored("0\nx\nB\nb\nc\nmine\n").as_deref(), Some("0\nx\na\nb\nc\nmine\n"));
    assert_eq!(restored("x\nB mine\nb\nc\n"), None);
    assert_eq!(misapplied.restore(&"x\na\nb\nc\nmore\n".into()), Some(vec![]));
}
