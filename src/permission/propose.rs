//! The rule that would allow an act for good, where a safe one exists.

use super::act::Act;
use super::command::{Part, base_name, parse};

/// Programs with a command as their first word, and the commands that are safe with any arguments.
const COMMANDS: &[(&str, &[&str])] = &[
    (
        "git",
        &[
            "status",
            "diff",
            "log",
            "show",
            "blame",
            "add",
            "commit",
            "ls-files",
            "rev-parse",
            "branch",
            "stash",
            "grep",
        ],
    ),
    (
        "cargo",
        &["build", "check", "test", "clippy", "fmt", "doc", "bench", "nextest", "tree", "metadata", "fetch", "update"],
    ),
    ("go", &["build", "test", "vet", "fmt", "list", "mod"]),
    ("npm", &["test", "ci", "install", "ls", "outdated"]),
    ("pnpm", &["test", "install", "ls", "lint", "build"]),
    ("yarn", &["test", "install", "lint", "build"]),
    ("deno", &["test", "fmt", "lint", "check"]),
    ("bun", &["test", "install"]),
    ("dotnet", &["build", "test", "restore"]),
    ("gradle", &["build", "test", "check"]),
    ("mvn", &["test", "compile", "verify"]),
    ("terraform", &["fmt", "validate", "plan"]),
];

/// Programs that look, and checkers of a project, which are safe with any arguments.
const ALL: &[&str] = &[
    "ls", "cat", "head", "tail", "wc", "grep", "rg", "stat", "du", "df", "diff", "cmp", "echo", "pwd", "which", "cd",
    "cut", "uniq", "tr", "sort", "tree", "file", "jq", "true", "basename", "dirname", "realpath", "date", "nl", "comm",
    "printf", "test", "pytest", "mypy", "ruff", "black", "flake8", "isort", "eslint", "prettier", "tsc", "jest",
    "vitest", "mocha", "rustfmt", "ctest", "find",
];

pub(super) fn patterns(act: &Act) -> Vec<String> {
    match act {
        // A pattern with a star covers nothing outside of a cage.
        Act::Shell { confined: false, .. } => Vec::new(),
        Act::Shell { command, .. } => {
            let line = parse(command);
            if line.unclear.is_some() {
                return Vec::new();
            }
            let mut patterns: Vec<String> = Vec::new();
            for part in &line.parts {
                match of_part(part) {
                    Some(pattern) if patterns.contains(&pattern) => {}
                    Some(pattern) => patterns.push(pattern),
                    None => return Vec::new(),
                }
            }
            patterns
        }
        Act::Fetch { url } => url.pattern().into_iter().collect(),
        Act::Search { provider, .. } if is_name(provider) => vec![format!("web_search({provider})")],
        Act::Read { path } => of_path("read_file", path),
        Act::Edit { path } => of_path("edit_file", path),
        Act::Mcp { server, tool, .. } if is_name(server) && is_name(tool) && !server.contains("__") => {
            vec![format!("{server}__{tool}")]
        }
        // One that is another program the next time is asked again.
        Act::StartServer { server, .. } if is_name(server) => vec![format!("mcp_start({server}#{})", started(act))],
        Act::Other { tool, .. } if is_name(tool) && !tool.contains("__") => vec![tool.clone()],
        Act::Search { .. } | Act::Mcp { .. } | Act::StartServer { .. } | Act::Other { .. } => Vec::new(),
    }
}

/// What tells one way to start a server from every other, in a rule.
pub(super) fn started(act: &Act) -> String {
    act.identity().chars().take(16).collect()
}

fn of_part(part: &Part) -> Option<String> {
    let program = part.program();
    let words: Vec<&str> = part.words.iter().map(|word| word.text.as_str()).collect();
    let is_contained = part
        .files
        .iter()
        .all(|file| !file.starts_with('/') && !file.split('/').any(|name| matches!(name, ".." | ".git")));
    if !is_contained || program.contains('/') || part.words.iter().take(3).any(|word| word.unknown) {
        return None;
    }
    if ALL.contains(&program) {
        return Some(format!("shell({program} *)"));
    }
    let first = words.get(1).copied()?;
    if let Some((_, commands)) = COMMANDS.iter().find(|(name, _)| *name == program) {
        if commands.contains(&first) {
            return Some(format!("shell({program} {first} *)"));
        }
        let script = words.get(2).copied().filter(|script| first == "run" && is_name(script))?;
        return matches!(program, "npm" | "pnpm" | "yarn" | "bun").then(|| format!("shell({program} run {script} *)"));
    }
    if program == "make" && is_name(first) {
        return (words.len() == 2).then(|| format!("shell(make {first})"));
    }
    if base_name(program) == "python" {
        let module = words.get(2).copied().filter(|_| first == "-m")?;
        return matches!(module, "pytest" | "unittest" | "mypy" | "ruff" | "black")
            .then(|| format!("shell({program} -m {module} *)"));
    }
    None
}

fn of_path(tool: &str, path: &str) -> Vec<String> {
    let is_plain = path.contains('/')
        && !path.is_empty()
        && path.chars().all(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-'))
        && !path.starts_with('/')
        && path.split('/').all(|name| !matches!(name, "" | "." | ".."));
    if is_plain { vec![format!("{tool}({path})")] } else { Vec::new() }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
        && !text.starts_with(['-', '.'])
}
