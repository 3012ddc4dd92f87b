//! Names that lead out of the workspace, given to every tool that takes one.

use serde_json::json;

use super::case::{Attack, read, rename, tool, write};

/// A file outside by each way to write its name. `link` leads to the folder beside, `file-link` to the file in it.
const NAMES: &[&str] = &[
    "../beside/canary.txt",
    "./../beside/canary.txt",
    "src/../../beside/canary.txt",
    "nowhere/../../beside/canary.txt",
    "{OUT}/canary.txt",
    "{HOME}/.bashrc",
    "{WS}/../beside/canary.txt",
    "~/.bashrc",
    "$HOME/.bashrc",
    "file://{OUT}/canary.txt",
    "//{OUT}/canary.txt",
    "..\\beside\\canary.txt",
    "src\\..\\..\\beside\\canary.txt",
    "%2e%2e/beside/canary.txt",
    "..%2fbeside%2fcanary.txt",
    "\u{ff0e}\u{ff0e}/beside/canary.txt",
    "..\u{2215}beside\u{2215}canary.txt",
    ".\u{200b}./beside/canary.txt",
    "link/canary.txt",
    "link/new.txt",
    "file-link",
    "dangling",
    "/proc/self/root{OUT}/canary.txt",
    "/proc/self/cwd/../beside/canary.txt",
    "root-link{OUT}/canary.txt",
    "cwd-link/../beside/canary.txt",
    "fd-link",
    "fd-link/canary.txt",
    "/dev/stdin",
    "/etc/passwd",
    "C:\\Windows\\win.ini",
    "\\\\?\\{OUT}\\canary.txt",
    "notes.txt/../../beside/canary.txt",
    "../ws-evil/f",
    "a\0b",
    "",
    ".",
    "..",
    "/",
];

pub fn attacks() -> Vec<Attack> {
    let mut attacks: Vec<Attack> = NAMES.iter().map(|name| every_tool(name)).collect();
    attacks.push(every_tool(&"x".repeat(5_000)).told("longer"));
    attacks.push(every_tool(&"a/".repeat(3_000)));
    attacks
}

fn every_tool(name: &str) -> Attack {
    let edit = |old: &str| tool("edit_file", json!({"path": name, "old_string": old, "new_string": "evil"}));
    let short: String = name.chars().take(60).collect();
    Attack::new(format!("the name {short:?}"))
        .link("link", "{OUT}")
        .link("root-link", "/proc/self/root")
        .link("cwd-link", "/proc/self/cwd")
        .link("fd-link", "/proc/self/fd/3")
        .link("file-link", "{OUT}/canary.txt")
        .link("dangling", "{OUT}/new.txt")
        .calls(&[
            read(name),
            tool("search", json!({"pattern": "password", "path": name})),
            tool("symbols", json!({"path": name})),
        ])
        .calls(&[tool("list_files", json!({"path": name})), tool("list_files", json!({"glob": name}))])
        .calls(&[edit("password"), edit(""), write(name, "evil\n"), tool("delete_file", json!({"path": name}))])
        .calls(&[rename("notes.txt", name), rename(name, "taken.txt")])
        .shell("cat notes.txt")
        .not_told("password: ")
}
