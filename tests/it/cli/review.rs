//! Hunk by hunk on a terminal.

use serde_json::{Value, json};

use super::place::{Place, calls, edit, says};
use super::terminal::Terminal;

const LINES: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

fn two_files() -> Place {
    Place::new(&[("a.txt", LINES), ("b.txt", LINES)])
}

fn turns() -> Vec<Value> {
    vec![
        calls(&[
            edit("a.txt", "one\n", "ONE\n"),
            edit("a.txt", "ten\n", "TEN\n"),
            edit("b.txt", "one\n", "ONE\n"),
            edit("b.txt", "ten\n", "TEN\n"),
        ]),
        says("Louder now."),
    ]
}

fn start(place: &Place, turns: &[Value]) -> Terminal {
    let script = place.script(turns);
    Terminal::run(place.claw(&["run", "--script", script.to_str().unwrap(), "Louder"]))
}

/// Answers each question as it comes, and checks what the files hold in the end.
#[track_caller]
fn check(answers: &[&str], a: &str, b: &str) {
    let place = two_files();
    let mut terminal = start(&place, &turns());
    for answer in answers {
        terminal.expect("[y,n,a,d,q,?] ");
        terminal.forget();
        terminal.types(answer);
    }
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!((place.read("a.txt").as_str(), place.read("b.txt").as_str()), (a, b), "{shown}");
}

fn with(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(LINES.to_owned(), |text, (old, new)| text.replace(old, new))
}

#[test]
fn yes_and_no() {
    check(&["y\n", "n\n", "n\n", "y\n"], &with(&[("one", "ONE")]), &with(&[("ten", "TEN")]));
}

#[test]
fn a_takes_the_rest_of_a_file_and_d_leaves_it() {
    check(&["a\n", "d\n"], &with(&[("one", "ONE"), ("ten", "TEN")]), LINES);
    check(&["n\n", "a\n", "y\n", "d\n"], &with(&[("ten", "TEN")]), &with(&[("one", "ONE")]));
}

#[test]
fn q_keeps_what_was_taken_and_an_end_of_input_is_a_q() {
    check(&["y\n", "q\n"], &with(&[("one", "ONE")]), LINES);
    check(&["\u{4}"], LINES, LINES);
}

#[test]
fn other_keys_explain() {
    check(
        &["?\n", "what\n", "\n", "a\n", "a\n"],
        &with(&[("one", "ONE"), ("ten", "TEN")]),
        &with(&[("one", "ONE"), ("ten", "TEN")]),
    );
}

#[test]
fn a_terminal_gets_colour_a_live_line_and_the_hunks() {
    let place = two_files();
    let mut terminal = start(&place, &turns());
    terminal.expect("[y,n,a,d,q,?] ");
    let shown = terminal.forget();
    assert!(shown.contains("Louder now."), "{shown}");
    assert!(shown.contains("\u{1b}[31m-one"), "{shown}");
    assert!(shown.contains("\u{1b}[32m+ONE"), "{shown}");
    assert!(shown.contains("\r\u{1b}[2K"), "no live line: {shown}");
    terminal.types("q\n");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn no_color_is_respected() {
    let place = two_files();
    let script = place.script(&turns());
    let mut command = place.claw(&["run", "--script", script.to_str().unwrap(), "Louder"]);
    command.env("NO_COLOR", "1");
    let mut terminal = Terminal::run(command);
    terminal.expect("[y,n,a,d,q,?] ");
    let shown = terminal.forget();
    assert!(!shown.contains("\u{1b}[3"), "{shown:?}");
    assert!(shown.contains("-one"), "{shown}");
    terminal.types("q\n");
    assert_eq!(terminal.end().0, 0);
}

#[test]
fn interrupting_a_question_writes_nothing() {
    let place = two_files();
    let mut terminal = start(&place, &turns());
    terminal.expect("(1/4)");
    terminal.types("y\n");
    terminal.expect("(2/4)");
    terminal.interrupt();
    let (code, shown) = terminal.end();
    assert_eq!(code, 130, "{shown}");
    assert_eq!((place.read("a.txt").as_str(), place.read("b.txt").as_str()), (LINES, LINES));
}

#[test]
fn interrupting_a_turn_on_a_terminal_cancels_it() {
    let place = two_files();
    let mut terminal = start(&place, &[json!({"delay_ms": 600_000, "text": "Never said."})]);
    terminal.expect("asking the model");
    terminal.interrupt();
    let (code, shown) = terminal.end();
    assert_eq!(code, 130, "{shown}");
}

#[test]
fn e12_a_protected_path_needs_its_own_yes_for_each_hunk() {
    let place = Place::new(&[("AGENTS.md", LINES)]);
    let turns =
        [calls(&[edit("AGENTS.md", "one\n", "ONE\n"), edit("AGENTS.md", "ten\n", "TEN\n")]), says("Louder now.")];
    let mut terminal = start(&place, &turns);
    terminal.expect("(1/2)");
    terminal.types("a\n");
    terminal.expect("(2/2)");
    terminal.types("n\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(place.read("AGENTS.md"), with(&[("one", "ONE")]), "{shown}");
}

#[test]
fn t09_nothing_in_a_hunk_acts_on_the_terminal() {
    let place = Place::new(&[("a.txt", "plain\n")]);
    let turns = [calls(&[edit("a.txt", "plain\n", "\u{1b}[2Jevil\u{202e}\n")]), says("Done.")];
    let mut terminal = start(&place, &turns);
    terminal.expect("[y,n,a,d,q,?] ");
    let shown = terminal.forget();
    assert!(shown.contains("⟨U+001B⟩[2Jevil⟨U+202E⟩"), "{shown}");
    assert!(!shown.contains("\u{1b}[2Jevil"), "{shown:?}");
    terminal.types("n\n");
    assert_eq!(terminal.end().0, 0);
    assert_eq!(place.read("a.txt"), "plain\n");
}

#[test]
fn d11_what_hides_needs_its_own_yes_among_others() {
    let place = two_files();
    let turns = [
        calls(&[
            edit("a.txt", "one\n", "ONE\n"),
            edit("a.txt", "five\n", "FI\u{202e}VE\n"),
            edit("a.txt", "ten\n", "TEN\n"),
        ]),
        says("Louder now."),
    ];
    let mut terminal = start(&place, &turns);
    terminal.expect("(1/3)");
    terminal.types("a\n");
    terminal.expect("(2/3)");
    terminal.types("n\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("characters that can not be seen: U+202E right-to-left override"), "{shown}");
    assert!(!shown.contains("(3/3)"), "the others go with the first: {shown}");
    assert_eq!(place.read("a.txt"), with(&[("one", "ONE"), ("ten", "TEN")]), "{shown}");
}
