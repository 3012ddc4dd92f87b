//! The grammar of rules, their order, and what becomes of those that can not be read.

use claw::event::{DecidedBy, PermissionMode};
use claw::permission::{Act, Address, List, Rules, Taint, Verdict, decide};
use serde_json::json;

use super::{decided, rules, shell, word};

fn acts() -> Vec<(&'static str, Act)> {
    vec![
        ("shell", shell("cargo test")),
        ("fetch", Act::Fetch { url: Address::parse("https://docs.rs/").expect("an address") }),
        ("search", Act::Search { provider: "brave".to_owned(), query: "x".to_owned() }),
        ("read", Act::Read { path: ".env".to_owned() }),
        ("edit", Act::Edit { path: ".git/config".to_owned() }),
        ("mcp", Act::Mcp { server: "github".to_owned(), tool: "get".to_owned(), input: json!({}) }),
        ("other", Act::Other { tool: "deploy".to_owned(), input: json!({}) }),
    ]
}

#[test]
fn modes_without_rules() {
    let said = |mode| -> Vec<String> {
        acts().iter().map(|(name, act)| format!("{name} {}", word(&decided(mode, &Rules::default(), act)))).collect()
    };
    assert_eq!(
        said(PermissionMode::ReadOnly),
        ["shell deny", "fetch deny", "search deny", "read ask", "edit deny", "mcp deny", "other deny"]
    );
    assert_eq!(
        said(PermissionMode::Ask),
        ["shell ask", "fetch ask", "search ask", "read ask", "edit ask", "mcp ask", "other ask"]
    );
    assert_eq!(
        said(PermissionMode::Auto),
        ["shell allow", "fetch ask", "search ask", "read ask", "edit ask", "mcp ask", "other ask"]
    );
}

#[test]
fn auto_allows_only_what_is_confined_and_without_network() {
    for (network, confined, expected) in
        [(false, true, "allow"), (true, true, "ask"), (false, false, "ask"), (true, false, "ask")]
    {
        let act = Act::Shell {
            command: "cargo test".to_owned(),
            cwd: ".".to_owned(),
            network,
            background: false,
            confined,
            scripts: None,
        };
        assert_eq!(word(&decided(PermissionMode::Auto, &Rules::default(), &act)), expected, "{act:?}");
        // Outside of a cage only the very command that was written down is covered.
        let by_star = word(&decided(PermissionMode::Ask, &rules(&["shell(cargo *)", "shell"], &[], &[]), &act));
        assert_eq!(by_star, if confined { "allow" } else { "ask" }, "{act:?}");
        assert_eq!(
            word(&decided(PermissionMode::Ask, &rules(&["shell(cargo test)"], &[], &[]), &act)),
            "allow",
            "{act:?}"
        );
    }
}

#[test]
fn deny_comes_before_ask_and_ask_before_allow() {
    let check = |allow: &[&str], ask: &[&str], deny: &[&str], command: &str, expected: Verdict| {
        assert_eq!(decided(PermissionMode::Ask, &rules(allow, ask, deny), &shell(command)), expected, "{command}");
    };
    let allow = |rule: &str| Verdict::Allow { by: DecidedBy::Rule, rule: Some(rule.to_owned()) };
    let ask = |rule: &str| Verdict::Ask { why: format!("the rule `{rule}` asks for it"), rule: Some(rule.to_owned()) };
    let deny = |rule: &str| Verdict::Deny {
        by: DecidedBy::Rule,
        rule: Some(rule.to_owned()),
        why: format!("the rule `{rule}` denies it"),
    };
    let (all, test, ls) = ("shell(cargo *)", "shell(cargo test *)", "shell(ls *)");
    check(&[all], &[], &[], "cargo test", allow(all));
    check(&[all], &[test], &[], "cargo test", ask(test));
    check(&[all], &[test], &[all], "cargo test", deny(all));
    check(&[all, ls], &[], &[], "cargo test && ls", allow("shell(cargo *), shell(ls *)"));
    check(&[all, ls], &[ls], &[], "cargo test && ls", ask(ls));
    check(&[all, ls], &[all], &[ls], "cargo test && ls", deny(ls));
    let asked = Verdict::Ask { why: "commands are asked in this mode".to_owned(), rule: None };
    check(&[all], &[], &[], "cargo test && ls", asked.clone());
    check(&["shell(cargo test)"], &[], &[], "cargo test", allow("shell(cargo test)"));
    check(&["shell(cargo test)"], &[], &[], "cargo test x", asked.clone());
    check(&["shell(cargo * --quiet)"], &[], &[], "cargo test --quiet", allow("shell(cargo * --quiet)"));
    check(&["shell(cargo * --quiet)"], &[], &[], "cargo a b --quiet", asked.clone());
    check(&["shell(cat src/*)"], &[], &[], "cat src/lib.rs", allow("shell(cat src/*)"));
    check(&["shell(cat src/*)"], &[], &[], "cat src/a/b", asked.clone());
    check(&["shell(cat src/*)"], &[], &[], "cat src/..", asked.clone());
    check(&["shell(cat src/*)"], &[], &[], "cat src/.[.]", asked.clone());
    check(&["shell(grep 'a*' *)"], &[], &[], "grep 'a*' x", allow("shell(grep 'a*' *)"));
    check(&["shell(grep 'a*' *)"], &[], &[], "grep ab x", asked.clone());
    check(&["shell(rm build *)"], &[], &[], "ls build | xargs rm build", asked.clone());
    check(&["shell(xargs *)", "shell(ls *)", "shell(rm -f x)"], &[], &[], "ls | xargs rm -f x", asked.clone());
    check(&["shell"], &[], &[], "cargo test && ls", allow("shell"));
    check(&["shell(*)"], &[], &[], "cargo test && ls", allow("shell(*)"));
}

#[test]
fn a_rule_that_denies_is_read_generously() {
    let check = |rule: &str, command: &str, expected: &str| {
        let verdict = decided(PermissionMode::Auto, &rules(&[], &[], &[rule]), &shell(command));
        assert_eq!(word(&verdict), expected, "{rule}: {command}");
    };
    check("shell(rm -rf *)", "rm -fr x", "deny");
    check("shell(rm -rf *)", "rm -r -f x", "deny");
    check("shell(rm -rf *)", "rm x -Rf", "deny");
    check("shell(rm -rf *)", "rm -r x", "allow");
    check("shell(git push --force *)", "git push origin main --force", "deny");
    check("shell(git push --force *)", "git -C x push --forc", "deny");
    check("shell(git push *)", "git stash push", "allow");
    check("shell(git push *)", "git commit -m push", "allow");
    check("shell(curl *)", "grep curl README.md", "allow");
    check("shell(curl *)", "unknown curl x", "deny");
    check("shell(python *)", "python3.12 x.py", "deny");
    check("shell(cat secrets/*)", "cat ./SECRETS/key", "deny");
    check("shell(cat secrets/*)", "cat secret[s]/a", "deny");
    check("shell(cat secrets/*)", "cat public/*", "allow");
    check("shell(make deploy)", "make deploy", "deny");
    check("shell(make deploy)", "make deploy-docs", "allow");
}

#[test]
fn taint_asks_for_what_sends_even_under_a_rule() {
    let allow = rules(&["shell", "web_fetch", "web_search", "github__*", "deploy"], &[], &[]);
    let deny = rules(&[], &[], &["web_fetch"]);
    let both = Taint { untrusted: true, private: true };
    let network = Act::Shell {
        command: "cargo test".to_owned(),
        cwd: ".".to_owned(),
        network: true,
        background: false,
        confined: true,
        scripts: None,
    };
    for taint in
        [Taint::default(), Taint { untrusted: true, private: false }, Taint { untrusted: false, private: true }, both]
    {
        for (name, act) in acts().into_iter().chain([("network", network.clone())]) {
            if matches!(name, "read" | "edit") {
                continue;
            }
            let mut session = Rules::default();
            session.grant(&act);
            let sends = matches!(name, "fetch" | "search" | "mcp" | "network");
            let expected = if taint == both && sends { "ask" } else { "allow" };
            assert_eq!(
                word(&decide(PermissionMode::Auto, &allow, &session, &act, taint)),
                expected,
                "{name}, {taint:?}"
            );
            if name == "fetch" {
                assert_eq!(word(&decide(PermissionMode::Auto, &deny, &session, &act, taint)), "deny");
            }
        }
    }
}

#[test]
fn c04_a_rule_that_can_not_be_read_closes() {
    let check = |rule: &str, closed: &[&str], message: &str| {
        for (list, verdict) in [(List::Ask, "ask"), (List::Deny, "deny")] {
            let one = vec![rule.to_owned()];
            let (ask, deny) = if list == List::Ask { (one.as_slice(), &[][..]) } else { (&[][..], one.as_slice()) };
            let everything: Vec<String> =
                ["shell", "web_fetch", "web_search", "read_file", "edit_file", "github__*", "deploy"]
                    .map(str::to_owned)
                    .to_vec();
            let (rules, problems) = Rules::parse(&everything, ask, deny);
            assert_eq!(problems.len(), 1, "{rule}");
            assert_eq!((problems[0].list, problems[0].index, problems[0].rule.as_str()), (list, 0, rule));
            assert!(problems[0].message.starts_with(message), "{rule}: {}", problems[0].message);
            for (name, act) in acts() {
                let expected = if closed.contains(&name) || closed == ["all"] { verdict } else { "allow" };
                assert_eq!(word(&decided(PermissionMode::Ask, &rules, &act)), expected, "{rule}: {name}");
            }
        }
        let (rules, problems) = Rules::parse(&[rule.to_owned()], &[], &[]);
        assert_eq!(problems.len(), 1, "{rule}");
        assert!(rules.is_empty(), "{rule} allows nothing");
        assert!(Rules::default().add_allow(rule).is_err(), "{rule}");
    };
    check("shell(curl", &["shell"], "the closing `)` is missing");
    check("shell()", &["shell"], "the pattern is empty");
    check("shell(curl $x)", &["shell"], "a pattern must be a clear command: it holds an expansion");
    check("shell(curl | sh)", &["shell"], "a pattern is one command");
    check("shell(*url x)", &["shell"], "a pattern names its program without `*`");
    check("shell(curl ?)", &["shell"], "only `*` is a wildcard here");
    check("shell(curl > x)", &["shell"], "a pattern holds no variables");
    check("Shell(curl *)", &["shell"], "tools are written in small letters: `shell`");
    check("web_fetch(https://docs.rs)", &["fetch"], "leave out `https://`");
    check("web_fetch(docs.*)", &["fetch"], "`*` may stand only before the first dot");
    check("web_fetch(DOCS.rs)", &["fetch"], "write the host as it is compared: `docs.rs`");
    check("web_fetch(a@docs.rs)", &["fetch"], "the URL holds a user name");
    check("web_fetch(docs.rs/a*)", &["fetch"], "`*` in a path may only follow its last `/`");
    check("read_file(/etc/passwd)", &["read"], "paths are relative to the workspace");
    check("edit_file(a/../b)", &["edit"], "a path may not hold");
    check("delete_file([a])", &["edit"], "paths are relative to the workspace");
    check("github__get(x)", &["mcp"], "`github__get` takes no pattern");
    check("github__", &["mcp"], "write `github__*`");
    check("Bash(curl *)", &["all"], "`Bash` takes no pattern");
    check("*", &["all"], "`*` may stand only in the tool");
    check("(curl)", &["all"], "write it as `tool(pattern)`");
    check("", &["all"], "write it as `tool(pattern)`");
    check("no shell", &["all"], "write it as `tool(pattern)`");
}

#[test]
fn c08_deny_wins_on_the_resolved_path_in_any_spelling() {
    let check = |deny: &str, path: &str, expected: &str| {
        let rules =
            rules(&["read_file", "edit_file"], &[], &[&format!("read_file({deny})"), &format!("edit_file({deny})")]);
        for act in [Act::Read { path: path.to_owned() }, Act::Edit { path: path.to_owned() }] {
            assert_eq!(word(&decided(PermissionMode::Ask, &rules, &act)), expected, "{deny}: {path}");
        }
    };
    for path in [
        "secrets/key",
        "SECRETS/key",
        "Secrets/a/b",
        "secrets",
        "./secrets/key",
        "a/../secrets/key",
        "secrets//key",
        "secrets\\key",
        "se\u{200b}crets/key",
        "secrets./key",
        "ſecrets/key",
    ] {
        check("secrets/**", path, "deny");
    }
    check("secrets/**", "src/secrets.rs", "allow");
    check("secrets/**", "src/secrets/key", "allow");
    check("secrets/", "secrets/key", "deny");
    check("café/*", "cafe\u{301}/x", "deny");
    check("cafe\u{301}/*", "CAFÉ/x", "deny");
    check(".env", "deep/in/.ENV", "deny");
    check(".env", ".env.example", "allow");
    check("*.pem", "a/b.PEM", "deny");
    check("src/**/*.key", "src/a.key", "deny");
    check("src/**/*.key", "src/a/b/c.key", "deny");
    // The other way round a rule is read to the letter.
    let check = |allow: &str, path: &str, expected: &str| {
        let rules = rules(&[&format!("read_file({allow})")], &[], &[]);
        assert_eq!(
            word(&decided(PermissionMode::Ask, &rules, &Act::Read { path: path.to_owned() })),
            expected,
            "{allow}: {path}"
        );
    };
    check("src/**", "src/a/b.rs", "allow");
    for path in ["SRC/a", "src/../x", "./src/a", "src//a", "src\\a", "/src/a", "x/src/a", "src/a\u{200b}", "src/a\n"] {
        check("src/**", path, "ask");
    }
}

#[test]
fn tools_of_servers_and_programs() {
    let check = |rule: &str, act: &Act, allowed: &str, denied: &str| {
        assert_eq!(word(&decided(PermissionMode::Auto, &rules(&[rule], &[], &[]), act)), allowed, "{rule}");
        assert_eq!(word(&decided(PermissionMode::Auto, &rules(&[], &[], &[rule]), act)), denied, "{rule}");
    };
    let call =
        |server: &str, tool: &str| Act::Mcp { server: server.to_owned(), tool: tool.to_owned(), input: json!({}) };
    check("github__get_issue", &call("github", "get_issue"), "allow", "deny");
    check("github__get_*", &call("github", "get_issue"), "allow", "deny");
    check("github__*", &call("github", "delete_repo"), "allow", "deny");
    check("github__*", &call("GitHub", "get"), "ask", "deny");
    check("github__*", &call("github__x", "get"), "ask", "deny");
    check("github__*", &call("github2", "get"), "ask", "ask");
    check("github__get_*", &call("github", "set_x"), "ask", "ask");
    let own = Act::Other { tool: "deploy".to_owned(), input: json!({}) };
    check("deploy", &own, "allow", "deny");
    check("deploy_all", &own, "ask", "ask");
    let search = Act::Search { provider: "brave".to_owned(), query: "x".to_owned() };
    check("web_search", &search, "allow", "deny");
    check("web_search(brave)", &search, "allow", "deny");
    check("web_search(tavily)", &search, "ask", "ask");
}

#[test]
fn rules_are_listed_as_they_were_written() {
    let mut rules = rules(&["shell(ls *)"], &["web_fetch"], &["shell(rm *)"]);
    rules.add_allow("shell(cat *)").expect("a rule");
    rules.add_allow("shell(cat *)").expect("the same rule");
    let listed: Vec<(List, &str)> = rules.iter().collect();
    let expected = [
        (List::Allow, "shell(ls *)"),
        (List::Ask, "web_fetch"),
        (List::Deny, "shell(rm *)"),
        (List::Allow, "shell(cat *)"),
    ];
    assert_eq!(listed, expected);
}
