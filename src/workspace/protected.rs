//! Files that run, or decide what runs, outside of any sandbox: hooks, editors' settings, build tools' configuration,
//! instructions to agents. Changes of them are approved one by one, never among others.
//!
//! Works by name alone, and a name is folded first as the most forgiving file system would: so `.GIT`, `.g\u{200c}it`,
//! `.git.` and `GIT~1` are `.git`. A name that is folded too far costs a question; one folded too little, the machine.

use super::DocPath;
use crate::text::hidden::is_ignorable;

/// Protected with everything in them, in any folder.
const FOLDERS: &[&str] = &[".git", "git~1", ".claw", ".vscode", ".idea", ".zed", ".helix", ".husky"];

/// Protected in any folder.
const FILES: &[&str] = &[
    ".gitmodules",
    ".gitattributes",
    ".mcp.json",
    ".nvim.lua",
    ".nvimrc",
    ".exrc",
    ".vimrc",
    ".dir-locals.el",
    ".dir-locals-2.el",
    ".envrc",
    ".npmrc",
    "agents.md",
    "claude.md",
    "claw.md",
];

/// Whether `path` is protected.
pub fn is_protected(path: &DocPath) -> bool {
    match path {
        DocPath::File { rel, .. } => is_protected_name(rel),
        DocPath::Virtual(uri) => is_protected_name(uri.split_once(':').map_or(uri, |(_, rest)| rest)),
    }
}

/// Whether `name` lies in a repository's own folder, in any spelling that some file system takes for it.
pub(in crate::workspace) fn is_in_repository(name: &str) -> bool {
    name.split(['/', '\\']).map(fold).any(|part| part == ".git" || part == "git~1")
}

fn is_protected_name(name: &str) -> bool {
    let parts: Vec<String> = name.split(['/', '\\']).map(fold).collect();
    let pairs = parts.iter().zip(parts.iter().skip(1));
    parts.iter().any(|part| is_protected_part(part))
        || pairs.into_iter().any(|(folder, inside)| {
            (folder == ".cargo" && inside.starts_with("config")) || (folder == ".github" && inside == "workflows")
        })
}

fn is_protected_part(part: &str) -> bool {
    FOLDERS.contains(&part)
        || FILES.contains(&part)
        || part.ends_with(".code-workspace")
        || part.starts_with("rust-toolchain")
}

/// One part of a name as the most forgiving of file systems reads it.
fn fold(part: &str) -> String {
    // NTFS: what follows a colon names a stream of the same file.
    let part = part.split(':').next().unwrap_or(part);
    let folded: String = part
        .chars()
        // HFS+ leaves them out of a comparison: joiners, marks of direction, variation selectors.
        .filter(|c| !is_ignorable(*c))
        .map(narrow)
        // Up and down again, so that letters with one capital in common are one: K and the Kelvin sign, s and long s.
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect();
    // Windows: dots and spaces at the end do not count.
    folded.trim_end_matches(['.', ' ']).to_owned()
}

/// Full-width forms are their plain letters.
fn narrow(c: char) -> char {
    match u32::from(c) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(c),
        0x3002 | 0xff61 => '.',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protected_in_any_spelling_and_depth() {
        for name in [
            ".git/hooks/pre-commit",
            ".GIT/config",
            "vendor/lib/.git/config",
            "vendor/.git",
            ".g\u{200c}it/config",
            ".git./config",
            ".git /config",
            ".git::$INDEX_ALLOCATION/config",
            "GIT~1/config",
            "．ｇｉｔ/config",
            ".gitmodules",
            ".gitattribute\u{17f}",
            "a/.claw/config.toml",
            ".mcp.json",
            ".vscode/tasks.json",
            ".VSCode/settings.json",
            ".idea/x",
            ".zed/settings.json",
            ".helix/config.toml",
            ".nvim.lua",
            ".exrc",
            ".vimrc",
            ".dir-locals.el",
            "Project.code-workspace",
            ".envrc",
            ".cargo/config",
            ".cargo/config.toml",
            "crates/a/.Cargo/Config.toml",
            "rust-toolchain",
            "rust-toolchain.toml",
            ".npmrc",
            ".hus\u{212a}y/pre-commit",
            ".github/workflows/ci.yml",
            "AGENTS.md",
            "docs/agents.md",
            "CLAUDE.md",
        ] {
            assert!(is_protected_name(name), "{name:?}");
        }
    }

    #[test]
    fn other_names_are_not() {
        for name in [
            "src/git.rs",
            ".github/CODEOWNERS",
            ".gitignore",
            "cargo/config.toml",
            "agents/md",
            "my.git/x",
            "src/main.rs",
        ] {
            assert!(!is_protected_name(name), "{name:?}");
        }
    }
}
