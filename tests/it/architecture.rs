//! The rules of `ARCHITECTURE.md` that a reader of the sources can hold: which module may import which, where an outside
//! crate is at home, what never stands in the code.

use std::fs;
use std::path::{Path, PathBuf};

/// A module and the modules it may import. What is not named here is forbidden.
const IMPORTS: &[(&str, &[&str])] = &[
    ("event", &[]),
    ("text", &[]),
    ("syntax", &["text"]),
    ("secrets", &[]),
    ("permission", &["event", "text"]),
    ("sandbox", &[]),
    ("web", &["text"]),
    ("mcp", &["event", "text", "sandbox"]),
    ("workspace", &["event", "text"]),
    ("context", &["event", "text", "secrets", "syntax", "workspace"]),
    ("config", &["event"]),
    ("model", &["event", "config"]),
    ("store", &["event", "text", "secrets"]),
    ("tools", &["event", "text", "syntax", "secrets", "permission", "sandbox", "web", "mcp", "workspace", "context"]),
    (
        "agent",
        &[
            "event",
            "text",
            "syntax",
            "secrets",
            "permission",
            "sandbox",
            "web",
            "mcp",
            "workspace",
            "context",
            "config",
            "model",
            "store",
            "tools",
        ],
    ),
    (
        "lsp",
        &[
            "event",
            "text",
            "syntax",
            "secrets",
            "permission",
            "sandbox",
            "web",
            "mcp",
            "workspace",
            "context",
            "config",
            "model",
            "store",
            "tools",
            "agent",
        ],
    ),
    (
        "cli",
        &[
            "event",
            "text",
            "syntax",
            "secrets",
            "permission",
            "sandbox",
            "web",
            "mcp",
            "workspace",
            "context",
            "config",
            "model",
            "store",
            "tools",
            "agent",
            "lsp",
        ],
    ),
    ("main", &["cli", "lsp"]),
    ("lib", &["agent"]),
];

/// An outside crate, or a piece of the standard library, and the places below `src/` that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("tower_lsp", &["lsp"]),
    ("reqwest", &["model", "web", "mcp/http.rs"]),
    ("rmcp", &["mcp"]),
    ("tree_sitter", &["syntax"]),
    ("tiktoken_rs", &["model"]),
    ("ropey", &["text"]),
    ("cap_std", &["workspace"]),
    ("grep_searcher", &["workspace"]),
    ("clap", &["cli", "main.rs"]),
    ("std::process::Command", &["sandbox"]),
    ("tokio::process", &["sandbox", "tools/shell", "mcp/process.rs"]),
    ("unsafe {", &["sandbox"]),
    ("landlock", &["sandbox"]),
    ("seccompiler", &["sandbox"]),
    ("dom_smoothie", &["web"]),
    ("dom_query", &["web"]),
    ("html5ever", &["web"]),
];

/// What writes, and the files that may. The user's files are written in one place only.
const WRITERS: &[&str] = &[
    "workspace/disk.rs",
    "workspace/disk",
    "workspace/shadow.rs",
    "workspace/shadow",
    "store",
    "cli",
    "context/outline",
    "context/cache.rs",
    // Beside a shadow: settings of repositories, without their passwords.
    "tools/shell/repositories.rs",
    // Inside of a sandbox only: who the user is, in an `/etc` of its own, and what must be refused.
    "sandbox/broker",
];
const WRITES: &[&str] =
    &["fs::write(", "File::create", "OpenOptions", "remove_file(", "remove_dir_all(", "fs::rename("];

/// Longest a source file may be before it no longer fits in a head.
const MAX_LINES: usize = 700;

#[test]
fn modules_import_only_what_stands_below_them() {
    let mut wrong = Vec::new();
    for source in sources() {
        let module = source.module();
        let Some((_, allowed)) = IMPORTS.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{}: module `{module}` has no row in IMPORTS", source.name()));
            continue;
        };
        for (number, line) in source.code() {
            for imported in crate_paths(line) {
                let is_module = IMPORTS.iter().any(|(name, _)| *name == imported);
                if is_module && imported != module && !allowed.contains(&imported) {
                    wrong.push(format!("{}:{number}: `{module}` imports `{imported}`", source.name()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn outside_crates_have_one_home() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.code() {
            for (name, homes) in HOMES {
                if names(line, name) && !homes.iter().any(|home| source.lies_in(home)) {
                    wrong.push(format!("{}:{number}: `{name}` belongs in {homes:?}", source.name()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_written_in_few_places() {
    let mut wrong = Vec::new();
    for source in sources() {
        if WRITERS.iter().any(|home| source.lies_in(home)) {
            continue;
        }
        for (number, line) in source.code() {
            if let Some(write) = WRITES.iter().find(|write| line.contains(**write)) {
                wrong.push(format!("{}:{number}: `{write}` belongs in {WRITERS:?}", source.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_says_what_it_is_for_and_fits_in_a_head() {
    let mut wrong = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//! ") {
            wrong.push(format!("{}: starts without `//!`", source.name()));
        }
        let lines = source.text.lines().count();
        if lines > MAX_LINES {
            wrong.push(format!("{}: {lines} lines, more than {MAX_LINES}", source.name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_map_in_architecture_names_every_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let missing: Vec<&str> = IMPORTS
        .iter()
        .map(|(module, _)| *module)
        .filter(|module| !map.contains(&format!("`{module}`")) && !map.contains(&format!("`src/{module}.rs`")))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "modules that ARCHITECTURE.md does not name");
}

struct Source {
    /// Relative to `src/`.
    path: PathBuf,
    text: String,
}

impl Source {
    fn name(&self) -> String {
        format!("src/{}", self.path.display())
    }

    /// The top-level module: `text` for `text.rs` and `text/diff.rs`.
    fn module(&self) -> &str {
        let first = self.path.iter().next().and_then(|part| part.to_str()).unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn lies_in(&self, home: &str) -> bool {
        self.path.starts_with(home) || self.path == Path::new(&format!("{home}.rs"))
    }

    /// Lines that are neither comment nor unit test, numbered from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .take_while(|(_, line)| !matches!(line.trim(), "#[cfg(test)]" | "#![cfg(test)]"))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable source folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("UTF-8 source");
                found.push(Source { path: path.strip_prefix(&root).expect("below src").to_owned(), text });
            }
        }
    }
    assert!(found.len() > 20, "the sources are there");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// First segments of `crate::…` and, in `main.rs`, `claw::…` paths in a line.
fn crate_paths(line: &str) -> Vec<&str> {
    ["crate::", "claw::"]
        .iter()
        .flat_map(|prefix| line.split(prefix).skip(1))
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
        .collect()
}

/// Whether `line` names `name` as a path of its own, and not as a part of a longer word.
fn names(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        let after = line.get(at + name.len()..).and_then(|tail| tail.chars().next());
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
            && !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}
