//! What changed between two texts, by whole lines, in byte offsets.

use std::ops::Range;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use super::{Edit, Text};

/// How long a diff may look for the shortest answer before it takes a good one.
const DEADLINE: Duration = Duration::from_millis(500);

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
    let (old_lines, new_lines) = (Lines::of(old), Lines::of(new));
    let ops = capture_diff_slices_deadline(
        Algorithm::Histogram,
        &old_lines.lines,
        &new_lines.lines,
        Instant::now().checked_add(DEADLINE),
    );
    let mut changes: Vec<Change> = Vec::new();
    for op in ops {
        let (old_range, new_range) = match op {
            DiffOp::Equal { .. } => continue,
            other => (other.old_range(), other.new_range()),
        };
        let change = Change { old: old_lines.bytes(old_range), new: new_lines.bytes(new_range) };
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

/// The edits that turn `old` into `new`.
pub fn edits(old: &Text, new: &Text) -> Vec<Edit> {
    diff(old, new)
        .into_iter()
        .filter_map(|change| Some(Edit { range: change.old, insert: new.slice(change.new)? }))
        .collect()
}

/// A unified diff with three lines of context, empty where nothing changed. `None` stands for a file that is not there,
/// shown as `/dev/null`.
pub fn unified(old_path: Option<&str>, old: &Text, new_path: Option<&str>, new: &Text) -> String {
    let (old_text, new_text) = (old.to_string(), new.to_string());
    let header = |path: Option<&str>, side: &str| match path {
        Some(path) => format!("{side}/{path}"),
        None => "/dev/null".to_owned(),
    };
    similar::TextDiff::configure()
        .algorithm(Algorithm::Histogram)
        .timeout(DEADLINE)
        .diff_lines(old_text.as_str(), new_text.as_str())
        .unified_diff()
        .context_radius(3)
        .header(&header(old_path, "a"), &header(new_path, "b"))
        .to_string()
}

/// Lines with their breaks, and the byte offset at which each starts.
struct Lines {
    lines: Vec<String>,
    starts: Vec<usize>,
}

impl Lines {
    fn of(text: &Text) -> Lines {
        let mut lines: Vec<String> =
            (0..text.line_count()).filter_map(|line| text.slice(text.line_range(line))).collect();
        if lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        let mut starts = vec![0];
        let mut at = 0;
        for line in &lines {
            at += line.len();
            starts.push(at);
        }
        Lines { lines, starts }
    }

    fn bytes(&self, lines: Range<usize>) -> Range<usize> {
        let at = |line: usize| self.starts.get(line).or(self.starts.last()).copied().unwrap_or(0);
        at(lines.start)..at(lines.end)
    }
}
