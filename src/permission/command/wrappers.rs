//! Programs whose arguments are options and then a command: `timeout 60 cargo test` is `cargo test`.

use super::interpreters::shell;
use super::lexer::is_harmless;
use super::{Carried, Meaning, Part, Word};

/// A wrapper: what may stand before the command.
struct Wrapper {
    name: &'static str,
    /// Options that stand alone.
    flags: &'static [&'static str],
    /// Options that take the next word, which must be a plain one.
    valued: &'static [&'static str],
    /// Words that must stand before the command, as a time does.
    operands: usize,
}

const WRAPPERS: &[Wrapper] = &[
    Wrapper { name: "command", flags: &["--"], valued: &[], operands: 0 },
    Wrapper { name: "nice", flags: &["--"], valued: &["-n"], operands: 0 },
    Wrapper { name: "nohup", flags: &["--"], valued: &[], operands: 0 },
    Wrapper { name: "setsid", flags: &["--", "-w", "--wait"], valued: &[], operands: 0 },
    Wrapper {
        name: "stdbuf",
        flags: &["-oL", "-eL", "-iL", "-o0", "-e0", "-i0", "--"],
        valued: &["-o", "-e", "-i"],
        operands: 0,
    },
    Wrapper { name: "time", flags: &["-p", "-v", "--"], valued: &[], operands: 0 },
    Wrapper {
        name: "timeout",
        flags: &["--", "--foreground", "--preserve-status", "-v", "--verbose"],
        valued: &["-s", "-k", "--signal", "--kill-after"],
        operands: 1,
    },
    Wrapper { name: "busybox", flags: &[], valued: &[], operands: 0 },
    Wrapper { name: "toybox", flags: &[], valued: &[], operands: 0 },
    Wrapper {
        name: "npx",
        flags: &["-y", "--yes", "--no", "--no-install", "--offline", "--"],
        valued: &[],
        operands: 0,
    },
    Wrapper { name: "bunx", flags: &[], valued: &[], operands: 0 },
    Wrapper { name: "uvx", flags: &["--offline", "-q"], valued: &[], operands: 0 },
];

/// Programs of which one command runs another program in an environment.
const RUNNERS: &[(&str, &str, &[&str])] = &[
    ("uv", "run", &["--frozen", "--locked", "--offline", "--no-sync", "-q", "--quiet", "--"]),
    ("poetry", "run", &["--"]),
    ("pipenv", "run", &["--"]),
    ("pdm", "run", &["--"]),
    ("rye", "run", &["--"]),
    ("hatch", "run", &["--"]),
    ("bundle", "exec", &["--"]),
];

const ENVIRONMENT: &str = "env";

pub(super) fn is_wrapper(base: &str) -> bool {
    base == ENVIRONMENT
        || WRAPPERS.iter().any(|wrapper| wrapper.name == base)
        || RUNNERS.iter().any(|(name, _, _)| *name == base)
        || shell::is_shell(base)
}

pub(super) fn meaning(base: &str, part: &Part) -> Meaning {
    if base == ENVIRONMENT {
        return environment(part);
    }
    if shell::is_shell(base) {
        return shell::meaning(part);
    }
    if let Some((name, command, flags)) = RUNNERS.iter().find(|(name, _, _)| *name == base) {
        return runner(name, command, flags, part);
    }
    match WRAPPERS.iter().find(|wrapper| wrapper.name == base) {
        Some(wrapper) => wrapped(wrapper, part),
        None => Meaning::Plain { known: false },
    }
}

fn wrapped(wrapper: &Wrapper, part: &Part) -> Meaning {
    let words = part.arguments();
    let mut at = 0_usize;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        if wrapper.name == "command" && matches!(text, "-v" | "-V") {
            return Meaning::Plain { known: true };
        }
        let is_joined = wrapper
            .valued
            .iter()
            .any(|option| option.starts_with("--") && text.split_once('=').is_some_and(|(name, _)| name == *option));
        let is_number =
            wrapper.name == "nice" && text.strip_prefix("-n").or(text.strip_prefix('-')).is_some_and(is_digits);
        if !text.starts_with('-') {
            break;
        } else if wrapper.flags.contains(&text) || is_joined || is_number {
            at = at.saturating_add(1);
        } else if wrapper.valued.contains(&text) {
            at = at.saturating_add(2);
        } else {
            return Meaning::Unclear(format!("`{} {text}` is not known", wrapper.name));
        }
    }
    let operands = words.iter().skip(at).take(wrapper.operands);
    if operands.clone().any(|word| !word.text.starts_with(|c: char| c.is_ascii_digit() || c == '.')) {
        return Meaning::Unclear(format!("`{}` without its number", wrapper.name));
    }
    rest(words, at.saturating_add(wrapper.operands), part.open)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// The command from the word `at` on.
fn rest(words: &[Word], at: usize, open: bool) -> Meaning {
    let words: Vec<Word> = words.iter().skip(at).cloned().collect();
    match words.first() {
        Some(program) if program.is_fixed() => {
            Meaning::Carries { itself: false, carried: vec![Carried::Words { words, open }] }
        }
        Some(_) => Meaning::unclear("the program that it runs does not stand on the line"),
        None => Meaning::unclear("there is no command behind it"),
    }
}

/// `env`, with harmless variables only.
fn environment(part: &Part) -> Meaning {
    let words = part.arguments();
    let mut at = 0_usize;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        match text.split_once('=') {
            _ if matches!(text, "-i" | "--" | "--ignore-environment") => at = at.saturating_add(1),
            _ if text == "-u" => at = at.saturating_add(2),
            _ if text.starts_with('-') => return Meaning::Unclear(format!("`env {text}` is not known")),
            Some((name, _)) if is_harmless(name) => at = at.saturating_add(1),
            Some((name, _)) => return Meaning::Unclear(format!("it sets `{name}`, which can change what runs")),
            None => break,
        }
    }
    if words.get(at).is_none() && !part.open { Meaning::Plain { known: true } } else { rest(words, at, part.open) }
}

fn runner(name: &str, command: &str, flags: &[&str], part: &Part) -> Meaning {
    let words = part.arguments();
    match words.first().map(|word| word.text.as_str()) {
        Some(first) if first == command => {}
        Some(first) if first.starts_with('-') => {
            return Meaning::Unclear(format!("`{name}` with options before its command"));
        }
        Some(first @ ("shell" | "x" | "tool" | "script" | "config" | "env")) => {
            return Meaning::Unclear(format!("`{name} {first}` can run another program"));
        }
        _ => return Meaning::Plain { known: true },
    }
    let options = words.iter().skip(1).take_while(|word| flags.contains(&word.text.as_str())).count();
    let at = options.saturating_add(1);
    match words.get(at) {
        Some(word) if word.text.starts_with('-') => {
            Meaning::Unclear(format!("`{name} {command} {}` is not known", word.text))
        }
        _ => rest(words, at, part.open),
    }
}

/// `xargs`: a command, and more arguments from its input.
pub(super) fn xargs(part: &Part) -> Meaning {
    let words = part.arguments();
    let mut at = 0_usize;
    let mut placeholder: Option<String> = None;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        match text {
            "-0" | "-r" | "-t" | "--null" | "--no-run-if-empty" | "-0r" | "-r0" => at = at.saturating_add(1),
            "-n" | "-P" | "-L" | "-d" | "--max-args" | "--max-procs" => at = at.saturating_add(2),
            "-I" => {
                placeholder = words.get(at.saturating_add(1)).map(|word| word.text.clone());
                at = at.saturating_add(2);
            }
            "-I{}" | "-i" => {
                placeholder = Some("{}".to_owned());
                at = at.saturating_add(1);
            }
            _ if ["-n", "-P", "-L"].iter().any(|option| text.strip_prefix(option).is_some_and(is_digits)) => {
                at = at.saturating_add(1);
            }
            _ if text.starts_with('-') => return Meaning::Unclear(format!("`xargs {text}` is not known")),
            _ => break,
        }
    }
    let mut carried: Vec<Word> = words.iter().skip(at).cloned().collect();
    if carried.is_empty() {
        carried.push(Word::plain("echo"));
    }
    let open = match placeholder.as_deref() {
        Some("") => return Meaning::unclear("`xargs -I` without a name"),
        Some(name) => {
            for word in &mut carried {
                word.unknown |= word.text.contains(name);
                // What comes in its place can begin with a dash.
                if word.unknown && word.text.starts_with(name) && word.wild.is_empty() {
                    word.wild.push(0);
                }
            }
            false
        }
        None => true,
    };
    if carried.first().is_some_and(|word| !word.is_fixed()) {
        return Meaning::unclear("the program that `xargs` runs comes from its input");
    }
    Meaning::Carries { itself: true, carried: vec![Carried::Words { words: carried, open }] }
}
