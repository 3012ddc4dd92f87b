//! Where the text that an edit names stands in a document, and what the model is told where it does not.

use std::ops::Range;

use super::ToolError;
use super::propose::{holds_mark, masked_old};
use super::show::numbered;
use crate::context::Shown;
use crate::text::locate::{Located, Nearest, Rung, again_within, climb, locate, locate_lines};
use crate::text::{Edit, Text};

/// Most places that a message names.
const NAMED: usize = 20;

/// The places at which a text stands, at least one, all compared alike.
pub(in crate::tools) struct Places {
    /// In order.
    pub ranges: Vec<Range<usize>>,
    /// What was overlooked; `None` where the text stands there as it was given.
    pub rung: Option<Rung>,
}

/// Where `old` stands in `text`. What lies within a secret, or ends in one, is not there for who can not see it: else a secret could
/// be found out letter by letter. What is read less strictly may not touch one at all.
pub(in crate::tools) fn places(text: &Text, old: &str, shown: &Shown) -> Result<Places, NotThere> {
    let ranges = match locate(text, old) {
        Located::Unique(range) => {
            let again = again_within(text, &range, old);
            [range].into_iter().chain(again).collect()
        }
        Located::Many(ranges) => ranges,
        Located::Missing { .. } => Vec::new(),
    };
    visible(text, old, shown, ranges)
}

/// Where `old`, which is whole lines, stands as such: else as [`places`].
pub(in crate::tools) fn places_of_lines(text: &Text, old: &str, shown: &Shown) -> Result<Places, NotThere> {
    let mut found = visible(text, old, shown, locate_lines(text, old))?;
    found.ranges.retain(|range| text.line_start(text.line_of(range.start)) == range.start);
    if found.ranges.is_empty() { Err(NotThere) } else { Ok(found) }
}

/// Of `ranges`, where `old` stands to the byte, those that may be seen; if there is none, where it stands but for a little.
fn visible(text: &Text, old: &str, shown: &Shown, mut ranges: Vec<Range<usize>>) -> Result<Places, NotThere> {
    let touches = |range: &Range<usize>, secret: &Range<usize>| range.start < secret.end && secret.start < range.end;
    let secrets = || shown.found.iter().map(|found| &found.range);
    let cuts = |range: &Range<usize>| {
        secrets().any(|secret| touches(range, secret) && !(range.start <= secret.start && secret.end <= range.end))
    };
    ranges.retain(|range| !cuts(range));
    if !ranges.is_empty() {
        return Ok(Places { ranges, rung: None });
    }
    let climbed = climb(text, old).filter(|_| !holds_mark(old));
    let climbed =
        climbed.filter(|climbed| !climbed.ranges.iter().any(|range| secrets().any(|secret| touches(range, secret))));
    match climbed {
        Some(climbed) => Ok(Places { ranges: climbed.ranges, rung: Some(climbed.rung) }),
        None => Err(NotThere),
    }
}

/// What comes closest to `old`, as far as the model may see it.
pub(in crate::tools) fn nearest(shown: &Shown, old: &str) -> Option<Nearest> {
    match locate(&shown.text, old) {
        Located::Missing { nearest } => nearest,
        Located::Unique(_) | Located::Many(_) => None,
    }
}

/// No place was found.
pub(in crate::tools) struct NotThere;

impl Places {
    /// The edit that puts `new` at `range`, one of these places, where `old` was to stand. `None` if the new text does not fit there.
    pub fn edit(&self, text: &Text, range: &Range<usize>, old: &str, new: &str) -> Option<Edit> {
        let insert = match self.rung {
            None => text.with_line_endings_of(range.clone(), new),
            Some(rung) => rung.carry(text, range.clone(), old, new),
        }?;
        Some(Edit { range: range.clone(), insert })
    }

    /// What a result says of how the place was found: nothing, where it was found as it was given.
    pub fn how(&self, text: &Text, old: &str) -> String {
        let overlooked = match (self.rung, self.ranges.first().and_then(|range| text.slice(range.clone()))) {
            (Some(rung), _) => rung.to_string(),
            (None, Some(there)) if there != old && self.ranges.len() == 1 => "line breaks".to_owned(),
            (None, _) => return String::new(),
        };
        format!(" (matched but for {overlooked})")
    }

    /// Without those that overlap one before.
    pub fn apart(mut self) -> Places {
        let mut end = 0;
        self.ranges.retain(|range| {
            let is_apart = range.start >= end;
            end = if is_apart { range.end } else { end };
            is_apart
        });
        self
    }

    pub fn lines(&self, text: &Text) -> Vec<usize> {
        self.ranges.iter().map(|range| text.line_of(range.start)).collect()
    }
}

/// What the model is told where `old`, which it calls `what`, is nowhere in the document `name`.
pub(in crate::tools) fn missing(what: &str, name: &str, old: &str, nearest: Option<Nearest>) -> ToolError {
    if holds_mark(old) {
        return masked_old();
    }
    ToolError::model(match nearest {
        None => format!("{what} is not in `{name}`, and nothing like it: read the file again"),
        Some(Nearest { line, text, why }) => {
            let (shown, _) = numbered(&Text::new(&text), 0..text.lines().count(), 4_000);
            let shown: String = shown
                .lines()
                .enumerate()
                .map(|(index, row)| {
                    let content = row.split_once('\t').map_or(row, |(_, content)| content);
                    format!("{:>6}\t{content}\n", line.saturating_add(index))
                })
                .collect();
            format!("{what} is not in `{name}` (0 matches). The nearest text, {why}:\n{shown}Give it exactly")
        }
    })
}

/// 0-based lines as `12`, `12 and 40`, `1, 2 and 3`.
pub(in crate::tools) fn join(lines: &[usize]) -> String {
    let more = lines.len().saturating_sub(NAMED);
    let mut named: Vec<String> = lines.iter().take(NAMED).map(|line| line.saturating_add(1).to_string()).collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    match named.pop() {
        Some(last) if !named.is_empty() => format!("{} and {last}", named.join(", ")),
        Some(last) => last,
        None => String::new(),
    }
}
