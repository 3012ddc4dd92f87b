//! Real history: what changed from each release of a real package to the next, as a model's tool calls, gives the next release's
//! bytes exactly. `tests/setup/releases` fetches them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use claw::text::Text;
use claw::text::diff::diff;
use claw::workspace::{HunkId, Proposal};
use serde_json::{Value, json};

use super::tools::Bench;

/// A release: its files by path.
type Release = BTreeMap<String, String>;

fn releases() -> Vec<(String, Release)> {
    let folder = tools_folder().join("releases/click");
    let folders = std::fs::read_dir(&folder)
        .unwrap_or_else(|_| panic!("{} is missing: run tests/setup/releases", folder.display()));
    let mut releases: Vec<(Vec<u32>, String, Release)> = folders
        .map(|entry| {
            let path = entry.unwrap().path();
            let version = path.file_name().unwrap().to_str().unwrap().to_owned();
            let mut release = Release::new();
            read(&path, &path, &mut release);
            (version.split('.').map(|number| number.parse().unwrap()).collect(), version, release)
        })
        .collect();
    releases.sort();
    releases.into_iter().map(|(_, version, release)| (version, release)).collect()
}

fn tools_folder() -> PathBuf {
    std::env::var_os("CLAW_TOOLS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools"), PathBuf::from)
}

fn read(root: &Path, folder: &Path, release: &mut Release) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(root, &path, release);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            release.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// How many tool calls there were, of which kind.
#[derive(Debug, Default)]
struct Calls {
    files: usize,
    edit_file: usize,
    write_file: usize,
    delete_file: usize,
    move_file: usize,
}

fn call(bench: &Bench, tool: &str, input: Value, wrong: &mut Vec<String>) {
    let answer = bench.call(tool, input);
    if answer.starts_with("error: ") {
        wrong.push(answer);
    }
}

/// An edit in the middle of `text` as a model gives it: the changed lines, with as many around them as make them stand once.
fn with_context(text: &str, old: std::ops::Range<usize>, new: &str) -> (String, String) {
    let lines: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let (mut start, mut end) = (old.start, old.end);
    loop {
        let around = &text[start..end];
        let stands_once = !around.is_empty() && text.match_indices(around).count() == 1 && {
            // Overlapping occurrences count too.
            let first = text.find(around).unwrap();
            !text[first + text[first..].chars().next().unwrap().len_utf8()..].contains(around)
        };
        if stands_once || (start == 0 && end == text.len()) {
            return (around.to_owned(), [&text[start..old.start], new, &text[old.end..end]].concat());
        }
        start = lines.iter().rev().find(|line| **line < start).copied().unwrap_or(0);
        end = lines.iter().find(|line| **line > end).copied().unwrap_or(text.len());
    }
}

/// Turns `old` into `new`, hunk by hunk, from the last to the first.
fn edit(bench: &Bench, path: &str, old: &str, new: &str, calls: &mut Calls, wrong: &mut Vec<String>) {
    let mut now = old.to_owned();
    for change in diff(&Text::new(old), &Text::new(new)).into_iter().rev() {
        let insert = &new[change.new.clone()];
        let (old_string, new_string) = with_context(&now, change.old.clone(), insert);
        now.replace_range(change.old, insert);
        if old_string.is_empty() {
            calls.write_file += 1;
            bench.call("read_file", json!({"path": path}));
            call(bench, "write_file", json!({"path": path, "content": now}), wrong);
        } else {
            calls.edit_file += 1;
            let input = json!({"path": path, "old_string": old_string, "new_string": new_string});
            call(bench, "edit_file", input, wrong);
        }
        assert_eq!(bench.text(path).as_deref(), Some(now.as_str()), "{path}");
    }
}

/// Where most of a file's lines are in a file that is new.
fn moved_to<'a>(old: &str, fresh: &[&'a String], next: &Release) -> Option<&'a String> {
    let lines: BTreeSet<&str> = old.lines().filter(|line| !line.trim().is_empty()).collect();
    let alike = |path: &&&String| {
        let others: BTreeSet<&str> = next[path.as_str()].lines().filter(|line| !line.trim().is_empty()).collect();
        !lines.is_empty() && lines.intersection(&others).count() * 2 > lines.len()
    };
    fresh.iter().find(alike).copied()
}

#[test]
fn real_history_as_tool_calls_gives_the_next_releases_bytes() {
    let releases = releases();
    let mut calls = Calls::default();
    let mut wrong = Vec::new();
    for pair in releases.windows(2) {
        let ((_, last), (version, next)) = (&pair[0], &pair[1]);
        let bench = Bench::new("");
        for (path, text) in last {
            bench.fixture.write(path, text);
        }
        let mut fresh: Vec<&String> = next.keys().filter(|path| !last.contains_key(*path)).collect();
        for (path, old) in last {
            match next.get(path) {
                Some(new) if new == old => continue,
                Some(new) => edit(&bench, path, old, new, &mut calls, &mut wrong),
                None => match moved_to(old, &fresh, next) {
                    Some(to) => {
                        calls.move_file += 1;
                        call(&bench, "move_file", json!({"from": path, "to": to}), &mut wrong);
                        edit(&bench, to, old, &next[to], &mut calls, &mut wrong);
                        fresh.retain(|path| *path != to);
                    }
                    None => {
                        calls.delete_file += 1;
                        call(&bench, "delete_file", json!({"path": path}), &mut wrong);
                    }
                },
            }
            calls.files += 1;
        }
        for path in fresh {
            calls.files += 1;
            calls.write_file += 1;
            call(&bench, "write_file", json!({"path": path, "content": next[path]}), &mut wrong);
        }
        assert_eq!(wrong, Vec::<String>::new(), "to {version}");
        for path in last.keys().chain(next.keys()) {
            assert!(bench.text(path) == next.get(path).cloned(), "{path} is not that of {version}");
        }
        // And so does accepting all of it.
        let live = bench.fixture.live();
        let proposal = Proposal::derive(&bench.overlay(), &live);
        let ids: Vec<HunkId> = proposal.hunks().map(|(_, hunk)| hunk.id.clone()).collect();
        for written in proposal.apply_to_disk(&live, &ids) {
            assert_eq!(written.result, Ok(()), "{version}");
        }
        for path in last.keys().chain(next.keys()) {
            assert!(bench.fixture.on_disk(path) == next.get(path).cloned(), "{path} is not that of {version}");
        }
    }
    println!("{calls:?}");
    assert!(calls.files >= 300, "{calls:?}");
}
