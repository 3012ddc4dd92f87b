//! Programs that run code: shells, and the interpreters of languages. A script that is named is clear; code that stands in the
//! arguments, or comes in by standard input, is not.

pub(super) mod shell;

use super::{Meaning, Part, Word};

/// An interpreter and the words with which its use is clear.
struct Interpreter {
    name: &'static str,
    /// Options that change nothing of what runs.
    flags: &'static [&'static str],
    /// Words that may stand in the place of the script: they only look, or run the project's own tests.
    commands: &'static [&'static str],
}

const VERSION: &[&str] = &["--version", "-V", "-v", "--help", "-h"];

const INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        name: "python",
        flags: &["-B", "-E", "-I", "-O", "-OO", "-s", "-S", "-u", "-q", "-b", "-bb"],
        commands: &[],
    },
    Interpreter { name: "pypy", flags: &["-B", "-u"], commands: &[] },
    Interpreter { name: "node", flags: &["--test", "--check", "--no-warnings", "--trace-warnings"], commands: &[] },
    Interpreter { name: "ts-node", flags: &[], commands: &[] },
    Interpreter { name: "tsx", flags: &[], commands: &[] },
    Interpreter { name: "deno", flags: &[], commands: &["test", "fmt", "lint", "check", "task", "info", "doc"] },
    Interpreter { name: "bun", flags: &[], commands: &["test", "run", "install", "build", "add"] },
    Interpreter { name: "ruby", flags: &["-c", "-w"], commands: &[] },
    Interpreter { name: "irb", flags: &[], commands: &[] },
    Interpreter { name: "perl", flags: &["-c", "-w"], commands: &[] },
    Interpreter { name: "php", flags: &["-l"], commands: &[] },
    Interpreter { name: "lua", flags: &[], commands: &[] },
    Interpreter { name: "luajit", flags: &[], commands: &[] },
    Interpreter { name: "rscript", flags: &["--vanilla"], commands: &[] },
    Interpreter { name: "r", flags: &[], commands: &[] },
    Interpreter { name: "julia", flags: &[], commands: &[] },
    Interpreter { name: "tclsh", flags: &[], commands: &[] },
    Interpreter { name: "osascript", flags: &[], commands: &[] },
    Interpreter { name: "pwsh", flags: &[], commands: &[] },
    Interpreter { name: "powershell", flags: &[], commands: &[] },
    Interpreter { name: "groovy", flags: &[], commands: &[] },
    Interpreter { name: "scala", flags: &[], commands: &[] },
    Interpreter { name: "elixir", flags: &[], commands: &[] },
    Interpreter { name: "erl", flags: &[], commands: &[] },
    Interpreter { name: "ghci", flags: &[], commands: &[] },
    Interpreter { name: "guile", flags: &[], commands: &[] },
    Interpreter { name: "sbcl", flags: &[], commands: &[] },
];

/// Modules of Python that run what stands behind them, or ask on a terminal.
const RUNNING_MODULES: &[&str] =
    &["timeit", "code", "pdb", "trace", "profile", "cProfile", "runpy", "idlelib", "site", "cmd"];

pub(super) fn is_interpreter(base: &str) -> bool {
    base == "awk" || INTERPRETERS.iter().any(|interpreter| interpreter.name == base)
}

pub(super) fn meaning(base: &str, part: &Part) -> Meaning {
    let Some(interpreter) = INTERPRETERS.iter().find(|interpreter| interpreter.name == base) else {
        return Meaning::Plain { known: false };
    };
    let mut words = part.arguments().iter().map(|word| (word.text.as_str(), word));
    while let Some((text, word)) = words.next() {
        match text {
            _ if VERSION.contains(&text) => return Meaning::Plain { known: true },
            _ if interpreter.flags.contains(&text) => {
                if base == "node" && text == "--test" {
                    return tests_of_node(words.map(|(_, word)| word));
                }
            }
            "-X" if base == "python" => match words.next() {
                Some(("dev" | "utf8" | "utf8=1" | "importtime" | "faulthandler", _)) => {}
                _ => return code(part, text),
            },
            "-m" if base == "python" || base == "pypy" => {
                return match words.next() {
                    Some((module, word)) if word.is_fixed() && !RUNNING_MODULES.contains(&module) => {
                        Meaning::Plain { known: true }
                    }
                    Some((module, _)) => Meaning::Unclear(format!("`{base} -m {module}` runs code from its arguments")),
                    None => code(part, text),
                };
            }
            _ if text.starts_with('-') || text.is_empty() => return code(part, text),
            _ if base == "deno" || base == "bun" => {
                return match interpreter.commands.contains(&text) {
                    true => Meaning::Plain { known: true },
                    false => code(part, text),
                };
            }
            _ if !word.wild.is_empty()
                || text.starts_with("/dev/")
                || text.starts_with("/proc/")
                || text.contains("://") =>
            {
                return code(part, text);
            }
            _ => return Meaning::Plain { known: true },
        }
    }
    Meaning::Unclear(format!("`{}` runs what comes in by its standard input", part.program()))
}

fn code(part: &Part, option: &str) -> Meaning {
    Meaning::Unclear(format!("`{} {option}` runs code from its arguments or its input", part.program()))
}

fn tests_of_node<'a>(words: impl Iterator<Item = &'a Word>) -> Meaning {
    for word in words {
        let is_known = word.text.starts_with("--test-") && !word.text.contains("reporter");
        if word.text.starts_with('-') && !is_known {
            return Meaning::Unclear(format!("`node --test {}` is not known", word.text));
        }
    }
    Meaning::Plain { known: true }
}

/// A program of awk, if it only looks and prints.
pub(super) fn awk(part: &Part) -> Meaning {
    let mut words = part.arguments().iter();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        match text {
            "-F" | "-v" => {
                words.next();
            }
            _ if text.starts_with("-F") || text.starts_with("-v") => {}
            "--" => {}
            _ if text.starts_with('-') => return Meaning::Unclear(format!("`awk {text}` is not known")),
            _ if word.unknown => return Meaning::unclear("the program of `awk` does not stand on the line"),
            _ => {
                let runs = text.contains("system")
                    || text.contains("getline")
                    || text.contains('@')
                    || text.contains("close")
                    || text.replace("||", "").contains('|')
                    || text.split_once("print").is_some_and(|(_, rest)| rest.contains('>'));
                return match runs {
                    true => Meaning::unclear("the program of `awk` can run another program or write a file"),
                    false => Meaning::Plain { known: true },
                };
            }
        }
    }
    Meaning::Plain { known: true }
}
