//! What is read of a command line: the programs that run, and why it is unclear.

use claw::permission::command::parse;
use claw::permission::script_sources;

/// The programs with their words, `…` where more words come from elsewhere, and the reason if the line is unclear.
fn check(command: &str, expected: &[&str]) {
    let line = parse(command);
    let mut read: Vec<String> = Vec::new();
    for part in &line.parts {
        let words: Vec<&str> = part.words.iter().map(|word| word.text.as_str()).collect();
        let files: String = part.files.iter().map(|file| format!(" >{file}")).collect();
        read.push(format!("{}{}{files}", words.join("|"), if part.open { "|…" } else { "" }));
    }
    read.extend(line.unclear.map(|why| format!("? {why}")));
    assert_eq!(read, expected, "{command}");
}

#[test]
fn words_are_what_programs_get() {
    check("git commit -m 'a  b' \"c\\\"d\" e\\ f", &["git|commit|-m|a  b|c\"d|e f"]);
    check("ls -la # all of it", &["ls|-la"]);
    check(
        "cargo build && cargo test || echo no; ls | wc -l\npwd",
        &["cargo|build", "cargo|test", "echo|no", "ls", "wc|-l", "pwd"],
    );
    check("cargo test \\\n  --quiet", &["cargo|test|--quiet"]);
    check("ls > out.txt 2>&1", &["ls >out.txt"]);
    check("sort < in.txt 2>/dev/null >> out.txt", &["sort >in.txt >out.txt"]);
    check("grep \"x$\" file", &["grep|x$|file"]);
    check("RUST_BACKTRACE=1 cargo test", &["cargo|test"]);
    check("find . ! -name x", &["find|.|!|-name|x"]);
}

#[test]
fn what_programs_carry_becomes_a_part() {
    check("timeout -k 5 60 cargo test", &["cargo|test"]);
    check("env RUST_BACKTRACE=1 nice -n 5 cargo test", &["cargo|test"]);
    check("ls | xargs grep foo", &["ls", "xargs|grep|foo", "grep|foo|…"]);
    check("xargs -I{} cp {} out/", &["xargs|-I{}|cp|{}|out/", "cp|{}|out/"]);
    check("find . -name '*.py' -exec grep x {} +", &["find|.|-name|*.py|-exec|grep|x|{}|+", "grep|x|{}"]);
    check("find . -delete", &["find|.|-delete", "rm|{}"]);
    check("bash -c 'ls; cat x' > out", &["ls >out", "cat|x"]);
    check("uv run --frozen pytest -q", &["pytest|-q"]);
    check("pnpm exec eslint .", &["eslint|."]);
    check("git bisect run cargo test", &["git|bisect|run|cargo|test", "cargo|test"]);
    check("command -v cargo", &["command|-v|cargo"]);
}

#[test]
fn what_is_unclear_says_why() {
    check("ls &", &["? `&` leaves a command running behind"]);
    check("ls $HOME", &["? it holds an expansion (`$`)"]);
    check("PATH=. ls", &["ls", "? it sets `PATH`, which can change what runs"]);
    check("ls\r", &["? it holds the hidden character U+000D"]);
    check("for x in a", &["for|x|in|a", "? `for` belongs to the shell's language"]);
    check("sudo ls", &["sudo|ls", "? `sudo`: it runs a command as somebody else"]);
    check("", &["? there is no command in it"]);
    check("# nothing", &["? there is no command in it"]);
    let deep = (0..12).fold("ls".to_owned(), |inner, _| format!("nice {inner}"));
    assert_eq!(parse(&deep).unclear, Some("commands stand too deep in each other".to_owned()));
    assert_eq!(parse(&"true;".repeat(100)).unclear, Some("it runs more than 64 programs".to_owned()));
}

#[test]
fn s12_scripts_behind_a_command_are_named() {
    let check = |command: &str, expected: &[&str]| assert_eq!(script_sources(command), expected, "{command}");
    check("ls -la", &[]);
    check("npm test", &[".npmrc", "package.json"]);
    check("cd web && timeout 60 npm run build", &[".npmrc", "package.json"]);
    check("make test", &["GNUmakefile", "Makefile", "makefile"]);
    check("bash scripts/check.sh --fast", &["scripts/check.sh"]);
    check("./run.sh", &["./run.sh"]);
    check("cargo test", &[".cargo/config.toml", "Cargo.toml", "build.rs", "rust-toolchain.toml"]);
}
