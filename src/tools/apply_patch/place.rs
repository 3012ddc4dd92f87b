//! Where the hunks of a patch belong in a text: one place each, that the hunk itself tells, or none. A hunk is made of whole lines:
//! what only ends like one is another.

use std::ops::Range;

use super::super::ToolError;
use super::super::patch::Hunk;
use super::super::places::{NotThere, Places, join, missing, nearest, places_of_lines};
use crate::context::Shown;
use crate::text::{Edit, Text};

/// The edits that all hunks come to, in order, without the lines that stay. `is_current` says whether the text is the one that line
/// numbers speak of.
pub(super) fn edits(
    text: &Text,
    shown: &Shown,
    name: &str,
    hunks: &[Hunk],
    is_current: &dyn Fn() -> Result<(), ToolError>,
) -> Result<Vec<Edit>, ToolError> {
    let place = Placing { text, shown, name, is_current };
    let mut edits = Vec::new();
    for (number, hunk) in (1..).zip(hunks) {
        let in_hunk = |error| match error {
            ToolError::Model(told) if hunks.len() > 1 => {
                ToolError::Model(format!("hunk {number} of {}: {told}", hunks.len()))
            }
            other => other,
        };
        edits.push(place.edit(hunk).map_err(in_hunk)?);
    }
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    // Two that come in at the same place would stand in an order that nobody gave.
    let clash = |one: &Edit, other: &Edit| {
        other.range.start < one.range.end || (one.range.is_empty() && other.range.start == one.range.start)
    };
    if edits.windows(2).any(|pair| matches!(pair, [one, other] if clash(one, other))) {
        return Err(ToolError::model(format!("two hunks of `{name}` change the same lines: put them together")));
    }
    Ok(edits)
}

struct Placing<'a> {
    text: &'a Text,
    shown: &'a Shown,
    name: &'a str,
    is_current: &'a dyn Fn() -> Result<(), ToolError>,
}

impl Placing<'_> {
    /// What the one place that a hunk means becomes.
    fn edit(&self, hunk: &Hunk) -> Result<Edit, ToolError> {
        let anchors = self.anchors(hunk)?;
        let whole = if hunk.old.is_empty() { self.insertion(hunk, &anchors)? } else { self.change(hunk, &anchors)? };
        let edit = trimmed(self.text, whole);
        if edit.range.is_empty() && edit.insert.is_empty() {
            return Err(ToolError::model(format!(
                "a hunk of `{}` changes nothing there: line ends stay as the file has them",
                self.name
            )));
        }
        Ok(edit)
    }

    fn change(&self, hunk: &Hunk, anchors: &[usize]) -> Result<Edit, ToolError> {
        let text = self.text;
        let not_there = || missing("a hunk's old text", self.name, &hunk.old, nearest(self.shown, &hunk.old));
        let (old, new, mut found) = match places_of_lines(text, &hunk.old, self.shown) {
            Ok(found) => (hunk.old.as_str(), hunk.new.as_str(), found),
            // The last line of a file may have no end, which few patches say.
            Err(NotThere) => {
                let [old, new] = [&hunk.old, &hunk.new].map(|side| side.strip_suffix('\n').unwrap_or(side));
                if old.is_empty() {
                    return Err(not_there());
                }
                let mut found = places_of_lines(text, old, self.shown).map_err(|NotThere| not_there())?;
                found.ranges.retain(|range| range.end == text.len());
                if found.ranges.is_empty() {
                    return Err(not_there());
                }
                (old, new, found)
            }
        };
        let all = found.ranges.len();
        // A line without an end is the last, on either side: behind another it would run into what follows.
        let is_last = |side: &str| !side.is_empty() && !side.ends_with('\n');
        if hunk.at_end || is_last(old) || is_last(new) {
            found.ranges.retain(|range| range.end == text.len());
        }
        if found.ranges.is_empty() {
            return Err(ToolError::model(format!(
                "a hunk of `{}` ends with the file, and its lines do not: say so no more, or give the last ones too",
                self.name
            )));
        }
        if let Some(first) = anchors.first().map(|line| text.line_start(*line)) {
            found.ranges.retain(|range| range.end > first);
        }
        if found.ranges.is_empty() {
            return Err(ToolError::model(format!(
                "a hunk of `{}` stands above the line that it names after `@@`",
                self.name
            )));
        }
        let range = self.chosen(&found, all, hunk, anchors)?.ok_or_else(|| {
            let lines = join(&found.lines(text));
            ToolError::model(format!(
                "a hunk of `{}` matches at lines {lines}: give more lines that stay, or name a line above it after `@@`",
                self.name
            ))
        })?;
        found.edit(text, &range, old, new).ok_or_else(not_there)
    }

    /// The only place; of several the one that begins at the line that the hunk names, or the first in what its anchor heads. Where a
    /// text was compared less strictly nothing decides between several.
    fn chosen(
        &self,
        found: &Places,
        all: usize,
        hunk: &Hunk,
        anchors: &[usize],
    ) -> Result<Option<Range<usize>>, ToolError> {
        let text = self.text;
        let first = found.ranges.first().cloned();
        if all == 1 || (found.ranges.len() == 1 && hunk.at_end) {
            return Ok(first);
        }
        if found.rung.is_some() {
            return Ok(None);
        }
        if let Some(line) = hunk.line {
            let range = found.ranges.iter().find(|range| text.line_of(range.start) == line).cloned();
            if range.is_some() {
                (self.is_current)()?;
            }
            return Ok(range);
        }
        let (Some(range), [anchor]) = (first, anchors) else { return Ok(None) };
        Ok(heads(text, *anchor, text.line_of(range.start)).then_some(range))
    }

    /// Where lines come in that nothing stands around: behind a line by its number or its name, or at the end.
    fn insertion(&self, hunk: &Hunk, anchors: &[usize]) -> Result<Edit, ToolError> {
        let text = self.text;
        let at = match (hunk.line, anchors) {
            (None, [line]) => text.line_range(*line).end,
            _ if text.is_empty() => 0,
            (Some(line), _) if line <= text.line_count() => {
                (self.is_current)()?;
                text.line_start(line)
            }
            (None, []) if hunk.at_end => text.len(),
            _ => {
                return Err(ToolError::model(format!(
                    "a hunk of `{}` has no lines that say where it belongs: give some that stay",
                    self.name
                )));
            }
        };
        if !hunk.new.ends_with('\n') && at < text.len() {
            return Err(ToolError::model(format!(
                "a hunk of `{}` ends with the file, and is not at its end",
                self.name
            )));
        }
        let before = text.slice(0..at).unwrap_or_default();
        let begin = if before.is_empty() || before.ends_with(['\n', '\r']) { "" } else { "\n" };
        let insert = text.with_line_endings_of(at..at, &format!("{begin}{}", hunk.new));
        let insert = insert.ok_or_else(|| ToolError::Internal("a text is no range of itself".to_owned()))?;
        Ok(Edit { range: at..at, insert })
    }

    /// The lines that the hunk's anchors come to: each line that its last one names, below one that the one before names, and so on.
    fn anchors(&self, hunk: &Hunk) -> Result<Vec<usize>, ToolError> {
        let mut found: Option<Vec<usize>> = None;
        if hunk.anchors.is_empty() {
            return Ok(Vec::new());
        }
        let whole = self.text.to_string();
        let mut starts = Vec::new();
        let mut at = 0;
        for line in whole.split_inclusive('\n') {
            starts.push((at, line.trim()));
            at += line.len();
        }
        for anchor in &hunk.anchors {
            let lines = lines_named(&starts, anchor.trim());
            let lines = match found {
                None => lines,
                Some(above) => {
                    let below = |above: &usize| lines.get(lines.partition_point(|line| line <= above)).copied();
                    let mut below: Vec<usize> = above.iter().filter_map(below).collect();
                    below.dedup();
                    below
                }
            };
            if lines.is_empty() {
                return Err(ToolError::model(format!(
                    "the line `{anchor}`, which a hunk of `{}` names after `@@`, is not there: name one as it stands, or none",
                    self.name
                )));
            }
            found = Some(lines);
        }
        Ok(found.unwrap_or_default().into_iter().map(|at| self.text.line_of(at)).collect())
    }
}

/// Where the lines begin that a name stands for: those that are just that, else those that begin with it, else those that hold it.
fn lines_named(lines: &[(usize, &str)], name: &str) -> Vec<usize> {
    let with = |is: fn(&str, &str) -> bool| -> Vec<usize> {
        lines.iter().filter(|(_, line)| is(line, name)).map(|(at, _)| *at).collect()
    };
    let ways: [fn(&str, &str) -> bool; 3] =
        [|line, name| line == name, |line, name| line.starts_with(name), |line, name| line.contains(name)];
    ways.into_iter().map(with).find(|found| !found.is_empty()).unwrap_or_default()
}

/// Whether `line` belongs to what begins at the line `anchor`: nothing between them stands as far out as it and begins something else.
fn heads(text: &Text, anchor: usize, line: usize) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let content = |number: usize| text.slice(text.line_range(number)).unwrap_or_default();
    let outermost = indent(&content(anchor));
    (anchor + 1..line).map(content).all(|line| {
        let word = line.trim();
        word.is_empty() || word == "{" || word.starts_with([')', ']']) || indent(&line) > outermost
    })
}

/// The edit without the lines at its ends that stay as they are: two hunks may show the same ones.
fn trimmed(text: &Text, edit: Edit) -> Edit {
    let Some(old) = text.slice(edit.range.clone()) else { return edit };
    let lines = |text: &str| text.split_inclusive('\n').map(str::to_owned).collect::<Vec<String>>();
    let (old, new) = (lines(&old), lines(&edit.insert));
    let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let most = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(old, new)| old == new).count();
    let bytes = |lines: &[String]| lines.iter().map(String::len).sum::<usize>();
    let (before, after) =
        (bytes(old.get(..start).unwrap_or_default()), bytes(old.get(old.len() - end..).unwrap_or_default()));
    let insert = new.get(start..new.len() - end).unwrap_or_default().concat();
    Edit { range: edit.range.start + before..edit.range.end - after, insert }
}
