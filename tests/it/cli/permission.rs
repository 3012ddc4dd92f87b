//! Permissions on the command line: prompts on a terminal, none without one, and what tells of them afterwards.

use std::fs;

use claw::event::{Event, EventKind};
use serde_json::{Value, json};

use super::place::{Place, Ran, calls, says};
use super::terminal::Terminal;

/// A command that a rule can allow.
const LOOK: &str = "cat notes.txt";

/// A command for which there is no safe rule.
const MAKE: &str = "touch made.txt";

fn place() -> Place {
    Place::new(&[("notes.txt", "one\ntwo\n")])
}

fn shell(command: &str) -> Value {
    calls(&[("shell", json!({"command": command}))])
}

fn trusted() -> Place {
    let place = place();
    place.output(&["trust"]).exits(0);
    place
}

/// `claw run` on a new terminal.
fn on_terminal(place: &Place, turns: &[Value], arguments: &[&str]) -> Terminal {
    let script = place.script(turns);
    let mut all = vec!["run", "--script", script.to_str().unwrap()];
    all.extend(arguments);
    Terminal::run(place.claw(&all))
}

/// What was decided in the last session: decision, who, rule.
fn decided(place: &Place) -> Vec<Value> {
    let ran = place.output(&["sessions", "show", "last", "--json"]).exits(0).json();
    let permissions = ran["permissions"].as_array().unwrap().iter();
    permissions.map(|decided| json!([decided["decision"], decided["by"], decided["rule"]])).collect()
}

#[test]
fn a_terminal_is_asked_and_each_answer_does_what_it_says() {
    let question = "Allow it? [y]es, for this [s]ession, [a]lways shell(cat *), [n]o ";
    let (yes, no) = (json!(["allow", "user", null]), json!(["deny", "user", null]));
    let always = json!(["allow", "user", "shell(cat *)"]);
    let cases: [(&str, usize, [Value; 2]); 4] = [
        ("y", 2, [yes.clone(), yes.clone()]),
        ("s", 1, [yes.clone(), yes]),
        ("a", 1, [always, json!(["allow", "rule", "shell(cat *)"])]),
        ("n", 2, [no.clone(), no]),
    ];
    for (answer, asked, expected) in cases {
        let place = trusted();
        let mut terminal = on_terminal(&place, &[shell(LOOK), shell(LOOK), says("Done.")], &["Look"]);
        for _ in 0..asked {
            terminal.expect(question);
            let shown = terminal.forget();
            assert!(
                shown.contains("shell: cat notes.txt") && shown.contains("commands are asked in this mode"),
                "{shown}"
            );
            // What is no answer is asked again.
            terminal.types("maybe\n");
            terminal.expect(question);
            terminal.forget();
            terminal.types(&format!("{answer}\n"));
        }
        let (code, shown) = terminal.end();
        assert_eq!(code, 0, "{shown}");
        assert_eq!(decided(&place), expected, "{answer}");
        let file = place.user_config().with_file_name("permissions.toml");
        let root = place.project().canonicalize().unwrap();
        let kept =
            fs::read_to_string(file).ok().map(|text| text.contains(&format!("[workspace.\"{}\"]", root.display())));
        assert_eq!(kept, (answer == "a").then_some(true), "{answer}");
    }
}

#[test]
fn a_terminal_asks_for_trust_first_and_keeps_a_yes() {
    let place = place();
    let turns = [shell(MAKE), says("Done.")];
    let mut terminal = on_terminal(&place, &turns, &["Make"]);
    terminal.expect("which is not trusted.");
    terminal.expect("Trust it? [y,n] ");
    terminal.types("n\n");
    terminal.end();
    let rule = "the workspace is not trusted";
    assert_eq!(decided(&place), [json!(["deny", "user", rule])]);

    let mut terminal = on_terminal(&place, &turns, &["Make"]);
    terminal.expect("Trust it? [y,n] ");
    terminal.types("y\n");
    // No safe rule allows it for good.
    terminal.expect("Allow it? [y]es, for this [s]ession, [n]o ");
    terminal.types("y\n");
    // What it made is proposed, and the disk waits for a yes of its own.
    terminal.expect("made.txt");
    terminal.types("n\n");
    terminal.end();
    assert_eq!(decided(&place), [json!(["allow", "user", null])]);
    assert!(!place.project().join("made.txt").exists());

    let mut terminal = on_terminal(&place, &turns, &["Make"]);
    terminal.expect("Allow it? ");
    assert!(!terminal.forget().contains("Trust it?"));
    terminal.types("n\n");
    terminal.end();
}

#[test]
fn without_a_terminal_the_answer_is_no_and_it_says_so() {
    for (place, expected, said) in [
        (
            place(),
            json!(["deny", "timeout", "the workspace is not trusted"]),
            "because nobody answered (the workspace is not trusted)",
        ),
        (trusted(), json!(["deny", "timeout", null]), "because nobody answered"),
    ] {
        for output in ["text", "json", "stream-json"] {
            let ran = place.run(&[shell(MAKE), says("I could not.")], &["--output", output, "Make"]).exits(0);
            assert_eq!(decided(&place), std::slice::from_ref(&expected), "{output}");
            let line = format!("not allowed: shell touch made.txt, {said}");
            assert!(ran.stderr.contains(&line), "{}", ran.stderr);
            assert!(!ran.stderr.contains("Allow it?") && !ran.stderr.contains("Trust it?"), "{}", ran.stderr);
        }
    }
}

#[test]
fn auto_runs_commands_in_a_trusted_folder_and_streams_what_they_print() {
    let place = trusted();
    let turns = [shell("echo printed; touch made.txt"), says("Made.")];
    let ran = place.run(&turns, &["--permission-mode", "auto", "--output", "stream-json", "Make"]).exits(0);
    let events: Vec<Event> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let printed: String = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::ToolOutput(part) => Some(part.delta.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(printed, "printed\n");
    assert_eq!(decided(&place), [json!(["allow", "mode", null])]);
    assert!(!place.project().join("made.txt").exists());
    // Where the folder is not trusted the mode is not enough.
    let place = self::place();
    place.run(&turns, &["--permission-mode", "auto", "Make"]).exits(0);
    assert_eq!(decided(&place), [json!(["deny", "timeout", "the workspace is not trusted"])]);
}

const RULES: &str =
    "permission_mode = \"auto\"\n[permissions]\nallow = [\"web_fetch(docs.rs)\"]\ndeny = [\"shell(cat *)\"]\n";

fn configure(place: &Place, text: &str) {
    fs::create_dir_all(place.user_config().parent().unwrap()).unwrap();
    fs::write(place.user_config(), text).unwrap();
}

#[test]
fn what_was_decided_is_shown_by_trace_and_sessions() {
    let place = trusted();
    configure(&place, RULES);
    let task = json!({"description": "find it", "prompt": "Please find it."});
    let turns = [
        shell(LOOK),
        shell(MAKE),
        calls(&[("task", task)]),
        says("Done."),
        json!({"when": "Please find it.", "text": "Nowhere."}),
    ];
    let ran = place.run(&turns, &["Look"]).exits(0);
    assert!(ran.stderr.contains("not allowed: shell cat notes.txt, by rule shell(cat *)"), "{}", ran.stderr);
    let tree = place.output(&["trace", "last"]).exits(0).stdout;
    for line in [
        "permission shell cat notes.txt: denied by rule shell(cat *)",
        "permission shell touch made.txt: allowed by the permission mode",
        "subagent ",
    ] {
        assert!(tree.contains(line), "{line:?} in\n{tree}");
    }
    let shown = place.output(&["sessions", "show", "last"]).exits(0).stdout;
    for line in ["shell cat notes.txt: denied by rule shell(cat *)", "sessions that it began", "done        find it"] {
        assert!(shown.contains(line), "{line:?} in\n{shown}");
    }
    let whole = place.output(&["sessions", "show", "last", "--json"]).exits(0).json();
    let children = whole["children"].as_array().unwrap();
    assert_eq!(children.len(), 1);
    assert_eq!(children[0]["parent"], whole["session"], "{whole}");
    place.output(&["replay", "last"]).exits(0);
}

fn inspected(place: &Place) -> Value {
    place.output(&["inspect", "permissions", "--json"]).exits(0).json()
}

#[test]
fn inspect_permissions_tells_each_rule_with_its_file_and_what_is_ignored() {
    let place = place();
    let empty = inspected(&place);
    let file = place.user_config().with_file_name("permissions.toml");
    let nothing = json!({
        "mode": {"value": "ask", "source": "default"}, "trusted": false, "rules": [],
        "always": {"file": file, "allow": []}, "ignored": [],
    });
    assert_eq!(empty, nothing);
    assert!(place.output(&["inspect", "permissions"]).exits(0).stdout.contains("no rules: the mode decides"));

    configure(&place, RULES);
    let root = place.project().canonicalize().unwrap();
    fs::write(
        &file,
        format!(
            "[workspace.\"{}\"]\nallow = [\"shell(ls *)\"]\n[workspace.\"/else\"]\nallow = [\"shell\"]\n",
            root.display()
        ),
    )
    .unwrap();
    place.write(".claw/config.toml", "[permissions]\nallow = [\"shell\"]\n");
    let source = |line: u32| format!("{}:{line}", place.user_config().display());
    let rules = json!([
        {"list": "deny", "rule": "shell(cat *)", "source": source(4)},
        {"list": "allow", "rule": "web_fetch(docs.rs)", "source": source(3)},
    ]);
    let all = inspected(&place);
    assert_eq!((&all["rules"], &all["mode"]), (&rules, &json!({"value": "auto", "source": source(1)})));
    assert_eq!(all["always"]["allow"], json!(["shell(ls *)"]));
    let ignored = all["ignored"].to_string();
    assert!(ignored.contains("permissions.allow") && ignored.contains("not trusted"), "{ignored}");
    let shown = place.output(&["inspect", "permissions"]).exits(0).stdout;
    for words in ["shell(cat *)", "shell(ls *)", "is ignored: the workspace is not trusted", &source(4)] {
        assert!(shown.contains(words), "{words:?} in\n{shown}");
    }

    // A file that others can write allows nothing, and says so.
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let always = inspected(&place)["always"].clone();
    assert_eq!(always["allow"], json!([]));
    assert!(always["problem"].as_str().unwrap().contains("can be written by others"), "{always}");
}

#[test]
fn a_rule_that_can_not_be_read_stops_a_run_and_is_told_with_its_file() {
    let place = trusted();
    configure(&place, "[permissions]\ndeny = [\"shell(rm\"]\n");
    let says_so = |ran: &Ran| {
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(all.contains("config.toml:2") && all.contains("permissions.deny, rule 1 `shell(rm`"), "{all}");
        assert!(all.contains("the closing `)` is missing; until then every shell command is denied"), "{all}");
    };
    says_so(&place.run(&[says("Hello.")], &["Go"]).exits(2));
    says_so(&place.output(&["doctor"]).exits(1));
    let rules = inspected(&place)["rules"].clone();
    assert_eq!(rules[0]["problem"], "the closing `)` is missing; until then every shell command is denied");
}

#[test]
fn trust_tells_what_it_changes() {
    let place = place();
    let note = place.output(&["doctor"]).stdout;
    assert!(note.contains("not trusted; no command runs in it before you are asked"), "{note}");
    let said = place.output(&["trust"]).exits(0).stdout;
    assert!(said.contains("is trusted: commands may run in it, as the permission mode says"), "{said}");
    let said = place.output(&["untrust"]).exits(0).stdout;
    assert!(said.contains("no command runs in it before you are asked"), "{said}");
}

#[test]
fn doctor_tells_of_sandbox_web_and_searches() {
    let check = |config: &str, variable: Option<(&str, &str)>, expected: (&str, &str)| {
        let place = place();
        configure(&place, config);
        let script = place.script(&[says("Hello.")]);
        let mut command = place.claw(&["doctor", "--json", "--script", script.to_str().unwrap()]);
        command.envs(variable);
        let report = Ran::of(command.output().unwrap()).json();
        let of = |name: &str| {
            report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap().clone()
        };
        assert_eq!(of("sandbox")["status"], "ok", "{report}");
        let web = of("web");
        assert!(web["status"] == "ok" && web["message"].as_str().unwrap().starts_with("pages of public addresses"));
        let search = of("search");
        assert_eq!(search["status"], expected.0, "{search}");
        assert!(search["message"].as_str().unwrap().contains(expected.1), "{search}");
    };
    check("", None, ("note", "no web searches"));
    check("[search]\nprovider = \"searxng\"\n", None, ("failed", "url"));
    check("[search]\nprovider = \"searxng\"\nurl = \"http://127.0.0.1:8888\"\n", None, ("ok", "searxng"));
    let brave = "[search]\nprovider = \"brave\"\napi_key_env = \"BRAVE\"\n";
    check(brave, None, ("failed", "Brave wants a key"));
    check(brave, Some(("BRAVE", "k")), ("ok", "brave"));
}

#[test]
fn a_rule_on_the_command_line_adds_to_what_the_user_denies() {
    let place = place();
    fs::create_dir_all(place.user_config().parent().unwrap()).unwrap();
    fs::write(place.user_config(), "[permissions]\ndeny = [\"edit_file(a.txt)\"]\n").unwrap();
    let write = |path: &str| ("write_file", json!({"path": path, "content": "new\n"}));
    let turns = [calls(&[write("a.txt"), write("b/b.txt"), write("c.txt")]), says("Done.")];
    place.run(&turns, &["--deny", "edit_file(b/**)", "--deny", "shell", "Write"]).exits(0);
    let denied = |rule: &str| json!(["deny", "rule", rule]);
    assert_eq!(decided(&place), [denied("edit_file(a.txt)"), denied("edit_file(b/**)")]);
    let ran = place.run(&turns, &["--deny", "shell(", "Write"]).exits(2);
    assert!(ran.stderr.contains("--deny") && ran.stderr.contains("shell("), "{}", ran.stderr);
}
