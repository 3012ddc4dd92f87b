//! What changed, as `edit_file` and its like: hunk by hunk, each with as much around it as makes it stand once.

use std::collections::BTreeSet;

use claw::text::Text;
use claw::text::diff::diff;
use serde_json::{Value, json};

use super::{Bench, Release};

/// How many tool calls there were, of which kind.
#[derive(Debug, Default)]
pub struct Calls {
    pub files: usize,
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

/// Proposes all that changed from `last` to `next`.
pub fn propose(bench: &Bench, last: &Release, next: &Release, calls: &mut Calls) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut fresh: Vec<&String> = next.keys().filter(|path| !last.contains_key(*path)).collect();
    for (path, old) in last {
        match next.get(path) {
            Some(new) if new == old => continue,
            Some(new) => edit(bench, path, old, new, calls, &mut wrong),
            None => match moved_to(old, &fresh, next) {
                Some(to) => {
                    calls.move_file += 1;
                    call(bench, "move_file", json!({"from": path, "to": to}), &mut wrong);
                    edit(bench, to, old, &next[to], calls, &mut wrong);
                    fresh.retain(|path| *path != to);
                }
                None => {
                    calls.delete_file += 1;
                    call(bench, "delete_file", json!({"path": path}), &mut wrong);
                }
            },
        }
        calls.files += 1;
    }
    for path in fresh {
        calls.files += 1;
        calls.write_file += 1;
        call(bench, "write_file", json!({"path": path, "content": next[path]}), &mut wrong);
    }
    wrong
}
