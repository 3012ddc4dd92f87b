//! What changed, as git writes it: the whole step as one diff, and file by file as an envelope with as many lines around a hunk as
//! make it stand once.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::{Bench, Release};

/// How much there was.
#[derive(Debug, Default)]
pub struct Patches {
    pub diffs: usize,
    pub envelopes: usize,
    /// Envelopes that were refused for a place that was not the only one, and given again with more around it.
    pub refused: usize,
    pub hunks: usize,
}

/// A repository that holds one release after the other.
pub struct Repository(tempfile::TempDir);

impl Repository {
    pub fn new(first: &Release) -> Repository {
        let repository = Repository(tempfile::tempdir().unwrap());
        repository.git(&["init", "-q"]);
        repository.stage(first);
        repository
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(["-c", "core.autocrlf=false", "-c", "core.safecrlf=false"]).args(arguments);
        git.current_dir(self.path()).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "Claw").env(format!("GIT_{who}_EMAIL"), "claw@example.org");
        }
        let output = git.output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes `release` what is staged.
    fn stage(&self, release: &Release) {
        for entry in std::fs::read_dir(self.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with(".git") {
                std::fs::remove_dir_all(path).unwrap();
            } else if path.is_file() {
                std::fs::remove_file(path).unwrap();
            }
        }
        for (path, text) in release {
            let path = self.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        self.git(&["add", "-A", "-f", "."]);
    }

    /// Commits what is staged and stages `next`.
    pub fn go_on(&self, next: &Release) {
        self.git(&["commit", "-q", "--allow-empty", "--no-verify", "-m", "A release"]);
        self.stage(next);
    }

    /// All that is staged: renames as such, unless a file comes in the old place.
    fn diff(&self, lines: usize, path: Option<&str>) -> String {
        let around = format!("-U{lines}");
        let diff = |renames: &str| {
            let mut arguments = vec!["diff", "--cached", "--no-ext-diff", "--no-textconv", renames, &around];
            arguments.extend(path.iter().flat_map(|path| ["--", path]));
            self.git(&arguments)
        };
        let with = diff("--find-renames");
        let meets = with.lines().filter_map(|line| line.strip_prefix("rename from ")).any(|from| {
            let stays = format!("+++ b/{from}");
            with.lines().any(|line| line == stays || line == format!("rename to {from}"))
        });
        if meets || path.is_some() { diff("--no-renames") } else { with }
    }
}

/// Proposes all that is staged by one diff.
pub fn by_diff(bench: &Bench, repository: &Repository, patches: &mut Patches) -> Option<String> {
    let patch = repository.diff(3, None);
    if patch.is_empty() {
        return None;
    }
    patches.diffs += 1;
    patches.hunks += patch.lines().filter(|line| line.starts_with("@@ ")).count();
    let said = bench.call("apply_patch", json!({"patch": patch}));
    said.starts_with("error: ").then_some(said)
}

/// Proposes what changed file by file.
pub fn by_envelopes(
    bench: &Bench,
    repository: &Repository,
    last: &Release,
    next: &Release,
    patches: &mut Patches,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, old) in last {
        let Some(new) = next.get(path).filter(|new| *new != old) else { continue };
        patches.envelopes += 1;
        let has_end = |text: &str| text.ends_with('\n');
        if has_end(old) != has_end(new) || old.is_empty() {
            // An envelope has no word for a last line without an end.
            let said = bench.call("apply_patch", json!({"patch": repository.diff(3, Some(path))}));
            wrong.extend(said.starts_with("error: ").then_some(said));
            continue;
        }
        let mut said = String::new();
        for around in [1, 3, 10, 40, 1_000_000] {
            let diff = repository.diff(around, Some(path));
            let hunks = diff.lines().skip_while(|line| !line.starts_with("@@ ")).filter(|line| !line.starts_with('\\'));
            let bare = |line: &str| if line.starts_with("@@ ") { "@@".to_owned() } else { line.to_owned() };
            let hunks: Vec<String> = hunks.map(bare).collect();
            let patch = format!("*** Begin Patch\n*** Update File: {path}\n{}\n*** End Patch", hunks.join("\n"));
            said = bench.call("apply_patch", json!({"patch": patch}));
            if !said.starts_with("error: ")
                || !(said.contains(" matches at lines ") || said.contains(" has no lines that "))
            {
                break;
            }
            patches.refused += 1;
        }
        if said.starts_with("error: ") {
            wrong.push(format!("{path}: {said}"));
        } else {
            // Whatever was taken was taken right.
            assert_eq!(bench.text(path).as_ref(), Some(new), "{path}");
        }
    }
    wrong
}
