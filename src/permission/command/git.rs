//! `git`, which runs editors, pagers, hooks, helpers and aliases: the subcommands and options with which it runs none from the
//! line. A subcommand that is not known can be an alias or a program of that name.

use super::carriers::is_long_option;
use super::{Carried, Meaning, Part, Word};

const GLOBAL_FLAGS: &[&str] =
    &["--no-pager", "-P", "--no-optional-locks", "--literal-pathspecs", "--no-replace-objects"];

const CLEAR: &[&str] = &[
    "add",
    "apply",
    "blame",
    "branch",
    "cat-file",
    "check-ignore",
    "checkout",
    "cherry-pick",
    "clean",
    "clone",
    "commit",
    "count-objects",
    "describe",
    "diff",
    "diff-tree",
    "fetch",
    "for-each-ref",
    "format-patch",
    "fsck",
    "grep",
    "hash-object",
    "init",
    "log",
    "ls-files",
    "ls-remote",
    "ls-tree",
    "merge",
    "merge-base",
    "mv",
    "name-rev",
    "pull",
    "push",
    "rebase",
    "reflog",
    "remote",
    "reset",
    "restore",
    "rev-list",
    "rev-parse",
    "revert",
    "rm",
    "shortlog",
    "show",
    "show-ref",
    "stash",
    "status",
    "switch",
    "symbolic-ref",
    "tag",
    "version",
    "whatchanged",
    "worktree",
];

/// Options that name a program, or open an editor, wherever they stand.
const RUNNING: &[&str] = &[
    "upload-pack",
    "receive-pack",
    "exec",
    "ext-diff",
    "textconv",
    "filters",
    "open-files-in-pager",
    "template",
    "config",
    "edit-description",
    "edit",
    "interactive",
    "server-option",
    "output",
    "gpg-sign",
    "strategy",
    "separate-git-dir",
    "paginate",
    "config-env",
    "exec-path",
    "git-dir",
    "work-tree",
];

pub(super) fn meaning(part: &Part) -> Meaning {
    let words = part.arguments();
    let mut at = 0_usize;
    while let Some(word) = words.get(at) {
        match word.text.as_str() {
            "-C" => at = at.saturating_add(2),
            text if GLOBAL_FLAGS.contains(&text) => at = at.saturating_add(1),
            "--version" | "--help" | "-h" | "-v" => return Meaning::Plain { known: true },
            text if text.starts_with('-') => return Meaning::Unclear(format!("`git {text}` can change what git runs")),
            _ => break,
        }
    }
    let Some(command) = words.get(at) else { return Meaning::Plain { known: true } };
    let rest = words.get(at.saturating_add(1)..).unwrap_or_default();
    if !command.is_fixed() {
        return Meaning::unclear("the command of `git` depends on names of files");
    }
    if let Some(word) = rest.iter().find(|word| word.text.starts_with("ext::") || word.text.contains("://-")) {
        return Meaning::Unclear(format!("`git` runs a program for `{}`", word.text));
    }
    match command.text.as_str() {
        "config" => config(rest),
        "submodule" => submodule(rest, part.open),
        "bisect" => bisect(rest, part.open),
        name if CLEAR.contains(&name) => subcommand(name, rest),
        name => Meaning::Unclear(format!("`git {name}` can be an alias or run another program")),
    }
}

fn subcommand(name: &str, rest: &[Word]) -> Meaning {
    let options = rest.iter().take_while(|word| word.text != "--");
    for word in options {
        let text = word.text.as_str();
        let is_running =
            text.starts_with("--") && RUNNING.iter().any(|option| is_long_option(text, option) && !is_other(text));
        let letters = match name {
            "grep" => "O",
            "clone" | "ls-remote" => "uc",
            "rebase" => "xi",
            "add" | "checkout" | "reset" | "restore" => "ie",
            "commit" | "merge" | "revert" | "cherry-pick" => "e",
            _ => "",
        };
        let is_short = text.strip_prefix('-').is_some_and(|cluster| {
            // Behind a letter that takes a value stands the value.
            let cluster = cluster.split(['m', 'F', 'C', 'b', 'n', 'A']).next().unwrap_or_default();
            !cluster.starts_with('-') && cluster.chars().any(|letter| letters.contains(letter))
        });
        if is_running || is_short {
            return Meaning::Unclear(format!("`git {name} {text}` can run another program"));
        }
    }
    let has = |options: &[&str]| {
        rest.iter().any(|word| {
            options.iter().any(|option| {
                word.text == *option || (option.starts_with("--") && word.text.starts_with(&format!("{option}=")))
            }) || (word.text.starts_with('-')
                && !word.text.starts_with("--")
                && options.contains(&"-m")
                && word.text.contains('m'))
        })
    };
    let opens_editor = match name {
        "commit" => !has(&["-m", "--message", "-F", "--file", "--no-edit", "--dry-run"]),
        "rebase" => has(&["-i"]),
        _ => false,
    };
    match opens_editor {
        true => Meaning::Unclear(format!("`git {name}` opens an editor")),
        false => Meaning::Plain { known: true },
    }
}

/// Options that only begin like one that runs something.
fn is_other(text: &str) -> bool {
    matches!(text.split('=').next().unwrap_or_default(), "--ex" | "--out" | "--text" | "--filter")
}

/// Reading is clear; every setting can name a program.
fn config(rest: &[Word]) -> Meaning {
    const READS: &[&str] = &["get", "list", "--get", "--get-all", "--get-regexp", "--list", "-l"];
    match rest.first().map(|word| word.text.as_str()) {
        Some(first) if READS.contains(&first) => Meaning::Plain { known: true },
        _ => Meaning::unclear("`git config` can name programs that git runs"),
    }
}

fn submodule(rest: &[Word], open: bool) -> Meaning {
    match rest.first().map(|word| word.text.as_str()) {
        None | Some("status" | "summary") => Meaning::Plain { known: true },
        Some("foreach") => {
            let words: Vec<Word> = rest
                .iter()
                .skip(1)
                .skip_while(|word| matches!(word.text.as_str(), "--recursive" | "--quiet"))
                .cloned()
                .collect();
            match words.as_slice() {
                [script] if script.is_fixed() && !open => {
                    Meaning::Carries { itself: true, carried: vec![Carried::Script(script.text.clone())] }
                }
                _ => Meaning::unclear("`git submodule foreach` runs a command"),
            }
        }
        Some(command) => Meaning::Unclear(format!("`git submodule {command}` runs what the repository names")),
    }
}

fn bisect(rest: &[Word], open: bool) -> Meaning {
    match rest.first().map(|word| word.text.as_str()) {
        Some("run") => {
            let words = rest.iter().skip(1).cloned().collect();
            Meaning::Carries { itself: true, carried: vec![Carried::Words { words, open }] }
        }
        Some("start" | "good" | "bad" | "old" | "new" | "reset" | "skip" | "log") => Meaning::Plain { known: true },
        _ => Meaning::unclear("`git bisect` with a command that is not known"),
    }
}
