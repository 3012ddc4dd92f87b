//! The parser against the real thing: what it calls clear, `bash` and `dash` split into the same words.

use std::process::Command;
use std::time::{Duration, Instant};

use claw::permission::command::{MAX_BYTES, parse};
use claw::permission::script_sources;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::shell;

/// Pieces of which lines are made: quotes, escapes, and what shells expand.
const PIECES: &[&str] = &[
    "a",
    "b c",
    " ",
    "  ",
    "\t",
    "'",
    "\"",
    "'x y'",
    "\"x y\"",
    "\\",
    "\\ ",
    "\\'",
    "\\\"",
    "\\\\",
    "\\$",
    "\\a",
    "\"a\\$b\"",
    "\"a\\b\"",
    "\"\\\\\"",
    "\"x$\"",
    "\"x$ y\"",
    "\"x$|\"",
    "{}",
    "{",
    "}",
    "a{}b",
    "#",
    "a#b",
    " #c",
    "=",
    "a=b",
    "A=1",
    "~",
    "a~b",
    "!",
    "a!b",
    "%",
    "^",
    "@",
    "+",
    ",",
    ":",
    ".",
    "/",
    "-",
    "--x=y",
    "]",
    "é",
    "日本",
    "''",
    "\"\"",
    "\\\n",
    " \\\n ",
    "'\n'",
    "\"\n\"",
    "0",
    "2",
    "1>&2",
    "2>&1",
    "2>/dev/null",
    "a2>&1",
    "*",
    "?",
    "[",
    "$",
    "$x",
    "`",
    "(",
    ")",
    "|",
    "&",
    ";",
    "<",
    ">",
    "\n",
    "in",
    "do",
    "\\#",
    "\"#\"",
    "\"!\"",
    "'!'",
    "a\\=b",
    "x:y",
];

fn lines() -> impl Strategy<Value = String> {
    let piece = prop_oneof![12 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => "[ -~]{0,6}"];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// The words of each call of `t`, as a shell splits the line.
fn really(shell: &str, line: &str) -> Option<Vec<Vec<String>>> {
    let script = format!("t() {{ printf '%s\\0' \"$#\" \"$@\"; }} 3>&1\n{line}\n");
    let script = script.replacen("} 3>&1", "} >&3", 1);
    let folder = tempfile::tempdir().expect("an empty folder");
    let out = folder.path().join("out");
    let output = Command::new(shell)
        .arg("-c")
        .arg(format!("exec 3>\"$1\"; cd \"$2\"\n{script}"))
        .args([shell, out.to_str()?, folder.path().to_str()?])
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{shell} refuses {line:?}: {}", String::from_utf8_lossy(&output.stderr));
    let told = std::fs::read_to_string(&out).expect("what was told");
    let mut fields = told.split_terminator('\0').map(str::to_owned);
    let mut calls = Vec::new();
    while let Some(count) = fields.next() {
        let count: usize = count.parse().expect("a count");
        calls.push(fields.by_ref().take(count).collect());
    }
    Some(calls)
}

#[test]
fn what_is_clear_is_split_as_shells_do() {
    let mut runner =
        TestRunner::new(Config { cases: 6_000, failure_persistence: None, max_global_rejects: 0, ..Config::default() });
    let mut batch: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    runner
        .run(&lines(), |arguments| {
            let line = format!("t {arguments}");
            let parsed = parse(&line);
            let is_ours = parsed
                .parts
                .iter()
                .all(|part| part.program() == "t" && part.words.iter().all(|word| word.wild.is_empty()));
            if parsed.unclear.is_none() && is_ours && parsed.parts.iter().all(|part| part.files.is_empty()) {
                let words = |part: &claw::permission::command::Part| {
                    part.words.iter().skip(1).map(|word| word.text.clone()).collect()
                };
                CLEAR.with_borrow_mut(|clear| clear.push((line, parsed.parts.iter().map(words).collect())));
            }
            Ok(())
        })
        .expect("no panic");
    CLEAR.with_borrow_mut(|clear| batch.append(clear));
    batch.sort();
    batch.dedup();
    assert!(batch.len() > 300, "{} clear lines", batch.len());
    for shell in ["bash", "dash"] {
        // One process for many lines, with a mark between them; a line that goes wrong is then found alone.
        for lines in batch.chunks(100) {
            let joined: String = lines.iter().map(|(line, _)| format!("{line}\n")).collect();
            let wanted: Vec<Vec<String>> = lines.iter().flat_map(|(_, words)| words.clone()).collect();
            if really(shell, &joined) != Some(wanted) {
                for (line, words) in lines {
                    assert_eq!(really(shell, line).as_ref(), Some(words), "{shell}: {line:?}");
                }
                panic!("{shell}: lines are right alone and wrong together:\n{joined}");
            }
        }
    }
}

thread_local! {
    static CLEAR: std::cell::RefCell<Vec<(String, Vec<Vec<String>>)>> = const { std::cell::RefCell::new(Vec::new()) };
}

proptest! {
    #![proptest_config(Config { cases: 2_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_text_is_read_and_shown(text in prop_oneof![lines(), any::<String>(), "(sed|git|find|xargs|env|bash -c|awk|tar|make|fd|npm) .{0,40}"]) {
        let act = shell(&text);
        let line = parse(&text);
        prop_assert!(line.unclear.is_some() || !line.parts.is_empty());
        let shown = act.shown();
        prop_assert!(!shown.chars().any(char::is_control), "{shown:?}");
        let _ = (act.identity(), act.patterns(), script_sources(&text));
    }
}

#[test]
fn long_commands_are_quick() {
    let forms: [fn(usize) -> String; 7] = [
        |size| "a".repeat(size),
        |size| format!("ls {}", " ".repeat(size)),
        |size| "true;".repeat(size / 5),
        |size| format!("ls {}", "'a' ".repeat(size / 4)),
        |size| "\n".repeat(size),
        |size| format!("bash -c '{}'", "x ".repeat(size / 2)),
        |size| "$(git ".repeat(size / 6),
    ];
    let rules = super::rules(&["shell(git *)"], &[], &["shell(git push *)", "shell(curl *)", "shell(rm -rf *)"]);
    for size in [MAX_BYTES - 100, 10_000_000] {
        for (index, form) in forms.iter().enumerate() {
            let act = shell(&form(size));
            let begun = Instant::now();
            let verdict = super::decided(claw::event::PermissionMode::Auto, &rules, &act);
            let _ = (act.shown(), act.identity(), act.patterns());
            let took = begun.elapsed();
            assert!(took < Duration::from_secs(3), "form {index} of {size} bytes took {took:?}");
            assert!(size < 10_000_000 || super::word(&verdict) == "ask", "form {index}: {verdict:?}");
        }
    }
}
