//! Plans, questions and subagents in `claw run`.

use serde_json::{Value, json};

use super::place::{Place, calls, edit, says};
use super::terminal::Terminal;

fn place() -> Place {
    Place::new(&[("a.txt", "one\ntwo\n")])
}

fn planning() -> Vec<Value> {
    vec![says("1. Write ONE."), calls(&[edit("a.txt", "one", "ONE")]), says("Louder now.")]
}

fn start(place: &Place, turns: &[Value], arguments: &[&str]) -> Terminal {
    let script = place.script(turns);
    let all = [&["run", "--script", script.to_str().unwrap()], arguments].concat();
    Terminal::run(place.claw(&all))
}

#[test]
fn without_a_terminal_a_plan_is_shown_and_nothing_else_happens() {
    let place = place();
    let ran = place.run(&planning(), &["--plan", "Louder"]).exits(0);
    assert_eq!(ran.stdout, "1. Write ONE.\n\n");
    let session = place.session();
    let hint = format!("to have the plan carried out: claw run --session {session} \"Carry out the plan\"");
    assert!(ran.stderr.contains(&hint), "{}", ran.stderr);
    // And so it is.
    let script = place.script(&planning());
    let all = ["run", "--script", script.to_str().unwrap(), "--session", &session, "--apply", "Carry out the plan"];
    place.output(&all).exits(0);
    assert_eq!(place.read("a.txt"), "ONE\ntwo\n");
    place.output(&["replay", &session]).exits(0);
}

#[test]
fn a_plan_is_carried_out_when_the_user_says_yes() {
    let place = place();
    let mut terminal = start(&place, &planning(), &["--plan", "--apply", "Louder"]);
    terminal.expect("Carry out the plan? [y]es, [c]hange it, [d]iscard it ");
    assert!(terminal.forget().contains("1. Write ONE."));
    assert_eq!(place.read("a.txt"), "one\ntwo\n");
    terminal.types("y\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("Louder now."), "{shown}");
    assert_eq!(place.read("a.txt"), "ONE\ntwo\n");
    place.output(&["replay", "last"]).exits(0);
}

#[test]
fn a_plan_is_changed_and_left() {
    let place = place();
    let turns = [says("1. Write ONE."), says("1. Write Two.")];
    let mut terminal = start(&place, &turns, &["--plan", "Louder"]);
    terminal.expect("[d]iscard it ");
    terminal.forget();
    terminal.types("c\n");
    terminal.expect("What should be different? ");
    terminal.types("only the second line\n");
    terminal.expect("1. Write Two.");
    terminal.expect("[d]iscard it ");
    terminal.types("d\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(shown.matches("1. Write Two.").count(), 1, "{shown}");
    assert_eq!(place.read("a.txt"), "one\ntwo\n");
    let events = place.output(&["trace", "last", "--json"]).exits(0).events();
    let tasks: Vec<String> =
        events.iter().filter(|event| event.kind() == "turn_start").map(|e| e.description()).collect();
    assert_eq!(tasks, ["Louder", "only the second line"]);
}

#[test]
fn the_model_asks_and_the_user_answers() {
    let place = place();
    let question = json!({"question": "Which\nline?", "options": ["the first", "the second"]});
    let turns = [calls(&[("ask_user", question)]), says("So be it.")];
    let mut terminal = start(&place, &turns, &["Louder"]);
    terminal.expect("Claw asks, for \"Louder\": Which");
    terminal.expect("[1-2] ");
    terminal.types("7\n");
    terminal.types("2\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, 0, "{shown}");
    assert!(place.trace(&place.session()).contains("The user answers: the second"));
    // Without a terminal nobody is there.
    place.run(&turns, &["Louder"]).exits(0);
    let events = place.output(&["trace", "last", "--json"]).exits(0).events();
    let told = events.iter().find(|event| event.kind() == "tool_result").unwrap().description();
    assert!(told.contains("nobody answered"), "{told}");
}

fn delegating() -> Vec<Value> {
    let task = |about: &str| ("task", json!({"description": about, "prompt": "Please count the lines."}));
    vec![
        calls(&[task("count lines"), task("count again")]),
        says("Two."),
        json!({"when": "Please count", "tools": [{"name": "read_file", "input": {"path": "a.txt"}}]}),
        json!({"when": "Please count", "text": "a.txt has two lines."}),
    ]
}

#[test]
fn subagents_are_shown_and_have_traces_that_replay() {
    let place = place();
    let ran = place.run(&delegating(), &["How many lines?"]).exits(0);
    assert_eq!(ran.stdout, "Two.\n\n");
    assert!(ran.stderr.contains("    task \"count lines\": read_file a.txt"), "{}", ran.stderr);
    assert!(ran.stderr.contains("✓ task count again · a.txt has two lines."), "{}", ran.stderr);
    let sessions = place.output(&["sessions", "--json"]).exits(0).json();
    let sessions = sessions.as_array().unwrap();
    let own: Vec<&str> =
        sessions.iter().filter(|one| one.get("parent").is_none()).filter_map(|one| one["session"].as_str()).collect();
    let children: Vec<&str> =
        sessions.iter().filter(|one| one["parent"] == own[0]).filter_map(|one| one["session"].as_str()).collect();
    assert_eq!((own.len(), children.len()), (1, 2));
    assert_eq!(place.output(&["sessions", "show", "last", "--json"]).exits(0).json()["session"], own[0]);
    let tree = place.output(&["trace", own[0]]).exits(0).stdout;
    for child in children {
        assert!(tree.contains(&format!("subagent {child} · done · 2 requests")), "{tree}");
        place.output(&["replay", child]).exits(0);
    }
    place.output(&["replay", "last"]).exits(0);
    // `--continue` goes on with what the user asked, and the stream holds that session alone.
    let ran = place
        .run(&[delegating(), vec![says("Still two.")]].concat(), &["--continue", "--output", "stream-json", "Sure?"]);
    let ran = ran.exits(0);
    let events = ran.events();
    assert!(events.iter().all(|event| event.session == own[0]));
}

#[test]
fn the_limit_of_children_is_3() {
    let place = place();
    std::fs::create_dir_all(place.user_config().parent().unwrap()).unwrap();
    std::fs::write(place.user_config(), "limits.max_children = 1\n").unwrap();
    let more = calls(&[("task", json!({"description": "and again", "prompt": "Please count the lines."}))]);
    let mut turns = delegating();
    turns.insert(1, more);
    let ran = place.run(&turns, &["--output", "json", "How many lines?"]).exits(3).json();
    assert_eq!(ran["status"], "limit");
    assert_eq!(ran["error"], "stopped after 1 subagents (limits.max_children): ask again to go on from here");
}

#[test]
fn a_limit_of_cost_that_does_not_hold_is_said() {
    let place = place();
    let ran = place.run(&[says("Yes.")], &["--max-cost", "0.5", "Is it?"]).exits(0);
    assert_eq!(ran.stderr.matches("limits.max_cost is set and does not hold").count(), 1, "{}", ran.stderr);
}
