//! What changed between two texts, by whole lines, in byte offsets.

use std::ops::Range;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use super::{Edit, Shift, Text};

/// How long a diff may look for the shortest answer before it takes a good one.
const DEADLINE: Duration = Duration::from_millis(500);

/// Unchanged lines around a change in a unified diff.
const CONTEXT: usize = 3;

/// Lines of the old text that became lines of the new. One side may be empty, never both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Bytes of the old text.
    pub old: Range<usize>,
    /// Bytes of the new text.
    pub new: Range<usize>,
}

/// The changed line runs from `old` to `new`, in order. Runs that touch are one.
pub fn diff(old: &Text, new: &Text) -> Vec<Change> {
    if old == new {
        return Vec::new();
    }
    let (in_old, in_new) = changed_lines(old, new);
    let start = in_old.start;
    let (old, new) = (old.slice(in_old).unwrap_or_default(), new.slice(in_new).unwrap_or_default());
    let (old_lines, new_lines) = (Lines::of(&old), Lines::of(&new));
    let mut changes: Vec<Change> = Vec::new();
    for op in diff_lines(&old_lines.lines, &new_lines.lines) {
        if let DiffOp::Equal { .. } = op {
            continue;
        }
        let here = |range: Range<usize>| start.saturating_add(range.start)..start.saturating_add(range.end);
        let change = Change { old: here(old_lines.bytes(op.old_range())), new: here(new_lines.bytes(op.new_range())) };
        match changes.last_mut() {
            Some(last) if last.old.end == change.old.start && last.new.end == change.new.start => {
                last.old.end = change.old.end;
                last.new.end = change.new.end;
            }
            _ => changes.push(change),
        }
    }
    changes
}

/// The whole lines, from the first to the last, in which two texts differ. What a diff costs is what stands in there.
pub fn changed_lines(old: &Text, new: &Text) -> (Range<usize>, Range<usize>) {
    let Shift { old: in_old, new: in_new } = Shift::between(old, new);
    let line_start = |text: &Text, at: usize| text.line_start(text.line_of(at));
    // Of a `\r` and a `\n`, one may be common and the other not: then a line starts in one of the texts only.
    let start = line_start(new, line_start(old, in_old.start));
    let start = line_start(old, start);
    let is_start = |text: &Text, at: usize| line_start(text, at) == at;
    let rest = if is_start(old, in_old.end) && is_start(new, in_new.end) {
        old.len().saturating_sub(in_old.end)
    } else {
        old.len().saturating_sub(old.line_start(old.line_of(in_old.end).saturating_add(1)))
    };
    (start..old.len().saturating_sub(rest).max(start), start..new.len().saturating_sub(rest).max(start))
}

/// Like [`diff`], with every run that could as well stand some lines higher or lower put where it reads best: a new function
/// begins with its own first line and not with the last brace of the one before.
pub fn readable(old: &Text, new: &Text) -> Vec<Change> {
    let mut changes = diff(old, new);
    for index in 0..changes.len() {
        let above = index.checked_sub(1).and_then(|above| changes.get(above)).cloned();
        let below = changes.get(index.saturating_add(1)).cloned();
        let Some(change) = changes.get_mut(index) else { break };
        let is_insertion = change.old.is_empty();
        if !is_insertion && !change.new.is_empty() {
            continue;
        }
        // The run stands in one of the texts; in the other only its place moves along.
        let side = |change: &Change| if is_insertion { change.new.clone() } else { change.old.clone() };
        let text = if is_insertion { new } else { old };
        let run = side(change);
        let best =
            best_place(text, run.clone(), above.map(|above| side(&above).end), below.map(|below| side(&below).start));
        let moved = |range: &Range<usize>| {
            let at = |offset: usize| offset.saturating_add(best).saturating_sub(run.start);
            at(range.start)..at(range.end)
        };
        *change = Change { old: moved(&change.old), new: moved(&change.new) };
    }
    changes
}

/// Where a run of lines starts best, of all the places that mean the same. A line stays between it and the runs beside it, of
/// which one ends at `above` and one begins at `below`.
fn best_place(text: &Text, run: Range<usize>, above: Option<usize>, below: Option<usize>) -> usize {
    let line_at = |at: usize| text.line_range(text.line_of(at));
    let same = |a: &Range<usize>, b: &Range<usize>| text.slice(a.clone()) == text.slice(b.clone());
    let mut place = run;
    // As high as it goes.
    while let Some(before) = place.start.checked_sub(1).map(line_at) {
        let last = line_at(place.end.saturating_sub(1));
        if above.is_some_and(|above| before.start <= above) || !same(&before, &last) {
            break;
        }
        place = before.start..place.end.saturating_sub(last.len());
    }
    // Then down again, and the best of all: what follows is indented least, and the lowest of those.
    let (mut best, mut least) = (place.start, indent_at(text, place.end));
    while place.end < text.len() {
        let (first, next) = (line_at(place.start), line_at(place.end));
        if below.is_some_and(|below| next.end >= below) || !same(&first, &next) {
            break;
        }
        place = place.start.saturating_add(first.len())..next.end;
        let indent = indent_at(text, place.end);
        if indent <= least {
            (best, least) = (place.start, indent);
        }
    }
    best
}

/// White space before what follows at `at`, blank lines aside, and one more; nothing at the end.
fn indent_at(text: &Text, at: usize) -> usize {
    let lines = (text.line_of(at)..text.line_count()).filter_map(|line| text.slice(text.line_range(line)));
    let following = if at < text.len() { lines.into_iter().find(|line| !line.trim().is_empty()) } else { None };
    following.map_or(0, |line| line.chars().take_while(|character| character.is_whitespace()).count() + 1)
}

/// The edits that turn `old` into `new`.
pub fn edits(old: &Text, new: &Text) -> Vec<Edit> {
    diff(old, new)
        .into_iter()
        .filter_map(|change| Some(Edit { range: change.old, insert: new.slice(change.new)? }))
        .collect()
}

/// A unified diff with three lines of context, as git writes and reads it: lines end at `\n` only. Empty where nothing
/// changed. `None` stands for a file that is not there, shown as `/dev/null`.
pub fn unified(old_path: Option<&str>, old: &Text, new_path: Option<&str>, new: &Text) -> String {
    let (old, new) = (old.to_string(), new.to_string());
    let old_lines: Vec<&str> = old.split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new.split_inclusive('\n').collect();
    let mut out = String::new();
    for hunk in similar::group_diff_ops(diff_lines(&old_lines, &new_lines), CONTEXT) {
        if out.is_empty() {
            out = format!("--- {}\n+++ {}\n", header(old_path, "a"), header(new_path, "b"));
        }
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { continue };
        let old_range = first.old_range().start..last.old_range().end;
        let new_range = first.new_range().start..last.new_range().end;
        out.push_str(&format!("@@ -{} +{} @@\n", hunk_range(&old_range), hunk_range(&new_range)));
        for op in &hunk {
            let (old_side, new_side) = (old_lines.get(op.old_range()), new_lines.get(op.new_range()));
            match op {
                DiffOp::Equal { .. } => push_lines(&mut out, ' ', old_side),
                DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
                    push_lines(&mut out, '-', old_side);
                    push_lines(&mut out, '+', new_side);
                }
            }
        }
    }
    out
}

fn diff_lines(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    capture_diff_slices_deadline(Algorithm::Histogram, old, new, Instant::now().checked_add(DEADLINE))
}

fn push_lines(out: &mut String, sign: char, lines: Option<&[&str]>) {
    for line in lines.unwrap_or_default() {
        out.push(sign);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// `start,count` with 1-based lines; the start of an empty range is the line before it, and a count of 1 is left out.
fn hunk_range(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        count => format!("{},{count}", lines.start + 1),
    }
}

/// The name of one side. Names that a reader of diffs could take for something else are quoted as git quotes them, so that
/// a file's name can not forge a line.
fn header(path: Option<&str>, side: &str) -> String {
    let Some(path) = path else { return "/dev/null".to_owned() };
    if !path.contains(|character: char| character.is_control() || matches!(character, '"' | '\\')) {
        // A tab ends a name that holds spaces.
        let end = if path.contains(' ') { "\t" } else { "" };
        return format!("{side}/{path}{end}");
    }
    let mut quoted = format!("\"{side}/");
    for character in path.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            _ if character.is_control() => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    quoted.push_str(&format!("\\{byte:03o}"));
                }
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// Lines with their breaks, and the byte offset at which each starts.
struct Lines<'a> {
    lines: Vec<&'a str>,
    starts: Vec<usize>,
}

impl Lines<'_> {
    fn of(text: &str) -> Lines<'_> {
        let mut lines = Vec::new();
        let mut starts = vec![0];
        let mut at = 0;
        for line in super::line_ending::lines(text) {
            let start = at;
            at += line.content.len() + line.line_break.len();
            lines.extend(text.get(start..at));
            starts.push(at);
        }
        Lines { lines, starts }
    }

    fn bytes(&self, lines: Range<usize>) -> Range<usize> {
        let at = |line: usize| self.starts.get(line).or(self.starts.last()).copied().unwrap_or(0);
        at(lines.start)..at(lines.end)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[test]
    fn a_unified_diff_is_what_git_reads() {
        let check = |old: &str, new: &str, expected: Expect| {
            expected.assert_eq(&unified(Some("src/a.rs"), &old.into(), Some("src/a.rs"), &new.into()));
        };
        check("same\n", "same\n", expect![""]);
        check(
            "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
            "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
            expect![[r#"
                --- a/src/a.rs
                +++ b/src/a.rs
                @@ -2,7 +2,7 @@
                 2
                 3
                 4
                -5
                +five
                 6
                 7
                 8
            "#]],
        );
        check(
            "a",
            "a\nb",
            expect![[r#"
                --- a/src/a.rs
                +++ b/src/a.rs
                @@ -1 +1,2 @@
                -a
                \ No newline at end of file
                +a
                +b
                \ No newline at end of file
            "#]],
        );
    }

    #[test]
    fn a_run_stands_where_it_reads_best() {
        let check = |old: &str, new: &str, expected: &str| {
            let (old, new) = (Text::new(old), Text::new(new));
            let changes = readable(&old, &new);
            let side = |text: &Text, range: &Range<usize>| text.slice(range.clone()).unwrap_or_default();
            let runs: Vec<String> =
                changes.iter().map(|change| side(&old, &change.old) + &side(&new, &change.new)).collect();
            assert_eq!(runs, [expected]);
            let edits: Vec<Edit> = changes
                .iter()
                .map(|change| Edit { range: change.old.clone(), insert: side(&new, &change.new) })
                .collect();
            assert_eq!(old.apply_all(&edits).as_ref(), Ok(&new));
        };
        let (a, b) = ("fn a() {\n    1\n}\n", "fn b() {\n    2\n}\n");
        check(a, &format!("{a}\n{b}"), &format!("\n{b}"));
        check(&format!("{a}\n{b}"), a, &format!("\n{b}"));
        check(b, &format!("{a}\n{b}"), &format!("{a}\n"));
        let within = |inside: &str| format!("impl X {{\n    fn a() {{\n        1\n    }}\n{inside}}}\n");
        let method = "\n    fn b() {\n        2\n    }\n";
        check(&within(""), &within(method), method);
        check("x\r\nx\r\n", "x\r\nx\r\nx\r\n", "x\r\n");
        check("x\nx", "x\nx\nx", "x\n");
    }

    #[test]
    fn names_can_not_forge_lines_of_a_diff() {
        let head = |path: &str| {
            let diff = unified(None, &Text::default(), Some(path), &"x\n".into());
            diff.lines().take(2).collect::<Vec<_>>().join("|")
        };
        assert_eq!(head("a.rs"), "--- /dev/null|+++ b/a.rs");
        assert_eq!(head("a b.rs"), "--- /dev/null|+++ b/a b.rs\t");
        assert_eq!(head("a\n+evil\u{1b}\".rs"), r#"--- /dev/null|+++ "b/a\n+evil\033\".rs""#);
    }

    #[test]
    fn a_lone_carriage_return_is_a_line_of_its_own_change() {
        let changes = diff(&"a\rb\rc".into(), &"a\rX\rc".into());
        assert_eq!(changes, [Change { old: 2..4, new: 2..4 }]);
    }
}
