//! What became of an edit that went to an editor.
//!
//! An editor may drop an edit and say that it applied it, apply some of it, or apply it to a text that it was not made for: then
//! positions that lie outside are moved inside, and lines are replaced that nobody meant. Its answer does not tell; the
//! texts that it shows afterwards do. A step from one of them to a later one that is exactly what the positions do to the
//! former is the editor's work. Whether it is the right work is another question: where the edit's lines are in that text by
//! now. Where no step is exact, because typing came in the same message, a three-way merge tells what of the edit is there.

use std::ops::Range;

use super::merge::{Place, Proposed, merge};
use crate::text::diff::{Change, diff};
use crate::text::shift::is_line_edge;
use crate::text::{Edit, EditError, Position, PositionEncoding, Shift, Text};

/// An edit of one document, as it was sent: its ranges speak of one text, and the editor reads them as positions.
#[derive(Clone, Debug)]
pub struct Sent {
    text: Text,
    /// In order.
    edits: Vec<Edit>,
    positions: Vec<Range<Position>>,
    encoding: PositionEncoding,
    /// `text` with all of the edits.
    meant: Text,
}

/// What the live texts show of an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing of it.
    NotYet,
    /// All of it is where it was meant.
    Applied,
    /// Some of it is where it was meant, the rest nowhere: one for each edit, in the order of their places.
    Partly(Vec<bool>),
    /// It was applied to a text that it was not made for, and is in the wrong place.
    Misapplied(Misapplied),
}

/// The step that an editor made with an edit that was not for its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misapplied {
    pub before: Text,
    pub after: Text,
}

/// Edits that an editor may have made by themselves, and a text that they lead to.
struct Made {
    edits: Vec<Edit>,
    which: Range<usize>,
    /// The index of the text.
    at: usize,
}

impl Sent {
    /// `edits` made for `text`, as whole lines. An error if they do not fit it.
    pub fn new(text: Text, mut edits: Vec<Edit>, encoding: PositionEncoding) -> Result<Sent, EditError> {
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let meant = text.apply_all(&edits)?;
        let at = |offset: usize| text.position_at(offset, encoding);
        let positions = edits.iter().map(|edit| at(edit.range.start)..at(edit.range.end)).collect();
        Ok(Sent { text, edits, positions, encoding, meant })
    }

    /// The text that it was made for.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// What became of it. `seen` are the live texts since it was sent, in order; each change of the document should be one, so
    /// that the editor's step can be told from the typing. A misapplication that has been undone since is none.
    pub fn verdict(&self, seen: &[Text]) -> Verdict {
        let mut texts: Vec<&Text> = Vec::with_capacity(seen.len().saturating_add(1));
        for text in std::iter::once(&self.text).chain(seen) {
            if texts.last().is_none_or(|last| *last != text) {
                texts.push(text);
            }
        }
        let mut landed = vec![false; self.edits.len()];
        for (index, before) in texts.iter().enumerate() {
            let later = texts.get(index.saturating_add(1)..).unwrap_or_default();
            let Some(made) = self.made(before, later) else { continue };
            if self.is_right(&made, texts.get(..=index).unwrap_or_default()) {
                landed.iter_mut().take(made.which.end).skip(made.which.start).for_each(|landed| *landed = true);
            } else if let Some((after, rest)) = later.get(made.at..).and_then(<[&Text]>::split_first)
                && !rest.contains(before)
            {
                return Verdict::Misapplied(Misapplied { before: (*before).clone(), after: (*after).clone() });
            }
        }
        if let Some(last) = texts.last()
            && landed.contains(&false)
        {
            self.look_for_the_rest(last, &mut landed);
        }
        match (landed.contains(&true), landed.contains(&false)) {
            (_, false) => Verdict::Applied,
            (false, true) => Verdict::NotYet,
            (true, true) => Verdict::Partly(landed),
        }
    }

    /// The first of the `later` texts that the positions make of `before`: all of them, else as many as lead to one.
    fn made(&self, before: &Text, later: &[&Text]) -> Option<Made> {
        let edits: Vec<Edit> = self
            .positions
            .iter()
            .zip(&self.edits)
            .map(|(position, edit)| Edit {
                range: before.range_at(position.start, position.end, self.encoding),
                insert: edit.insert.clone(),
            })
            .collect();
        let count = edits.len();
        let all = std::iter::once(0..count);
        let first = (1..count).rev().map(|end| 0..end);
        let last = (1..count).map(|start| start..count);
        let single = (0..count).map(|at| at..at.saturating_add(1));
        all.chain(first).chain(last).chain(single).find_map(|which| {
            let some = edits.get(which.clone()).filter(|some| !some.is_empty())?;
            // Most texts are none of them: their lengths tell.
            let grown: usize = some.iter().map(|edit| edit.insert.len()).sum();
            let shrunk: usize = some.iter().map(|edit| edit.range.len()).sum();
            let length = before.len().saturating_add(grown).checked_sub(shrunk)?;
            let mut candidates = later.iter().enumerate().filter(|(_, text)| text.len() == length).peekable();
            candidates.peek()?;
            let after = before.apply_all(some).ok().filter(|after| after != before)?;
            let (at, _) = candidates.find(|(_, text)| ***text == after)?;
            Some(Made { edits: some.to_vec(), which, at })
        })
    }

    /// Whether edits that were made to the last of `texts` are where they were meant.
    fn is_right(&self, made: &Made, texts: &[&Text]) -> bool {
        let Some(now) = texts.last() else { return false };
        let wanted: Vec<Vec<Range<usize>>> =
            self.edits.iter().map(|edit| carried(&edit.range, texts)).collect();
        let merged = if wanted.iter().any(Vec::is_empty) {
            merge(&self.proposed(), None, now).places
        } else {
            Vec::new()
        };
        let mut right = Vec::new();
        for (index, edit) in made.which.clone().zip(&made.edits) {
            let by_merge = match merged.get(index) {
                Some(Place::Pending(range)) => Some(range),
                Some(Place::Accepted | Place::Conflict(_)) | None => None,
            };
            let places: Vec<&Range<usize>> = match wanted.get(index) {
                Some(places) if !places.is_empty() => places.iter().collect(),
                _ => by_merge.into_iter().collect(),
            };
            match places.iter().find(|place| ***place == edit.range).or(places.first()) {
                Some(place) => right.push(Edit { range: (*place).clone(), insert: edit.insert.clone() }),
                None => return false,
            }
        }
        // Where lines repeat, another place may come to the same text.
        right == made.edits || now.apply_all(&right) == now.apply_all(&made.edits)
    }

    /// Marks the edits that a text holds among other changes.
    fn look_for_the_rest(&self, now: &Text, landed: &mut [bool]) {
        for (landed, place) in landed.iter_mut().zip(merge(&self.proposed(), None, now).places) {
            *landed |= place == Place::Accepted;
        }
    }

    fn proposed(&self) -> Proposed {
        let (mut grown, mut shrunk) = (0usize, 0usize);
        let changes = self.edits.iter().map(|edit| {
            let start = edit.range.start.saturating_add(grown).saturating_sub(shrunk);
            grown = grown.saturating_add(edit.insert.len());
            shrunk = shrunk.saturating_add(edit.range.len());
            Change { old: edit.range.clone(), new: start..start.saturating_add(edit.insert.len()) }
        });
        let changes = changes.collect();
        Proposed { base: self.text.clone(), current: self.meant.clone(), changes }
    }
}

impl Misapplied {
    /// What takes the step back in `live`, a later text, and leaves alone what was typed since. `None` if the typing reached
    /// into it; empty if it has been taken back.
    pub fn restore(&self, live: &Text) -> Option<Vec<Edit>> {
        let Misapplied { before, after } = self;
        let changes = diff(after, before);
        let proposed = Proposed { base: after.clone(), current: before.clone(), changes };
        let mut edits = Vec::new();
        for (change, place) in proposed.changes.iter().zip(merge(&proposed, None, live).places) {
            match place {
                Place::Accepted => {}
                Place::Pending(range) => edits.push(Edit { range, insert: before.slice(change.new.clone())? }),
                Place::Conflict(_) => return None,
            }
        }
        Some(edits)
    }
}

/// Where lines of the first text are in the last: none if something was changed in them. Of what is inserted between lines
/// there are two places, before and behind what the user put in at the same place.
fn carried(range: &Range<usize>, texts: &[&Text]) -> Vec<Range<usize>> {
    let (mut before, mut behind) = (Some(range.clone()), Some(range.clone()));
    for (old, new) in texts.iter().zip(texts.iter().skip(1)) {
        let shift = Shift::between(old, new);
        behind = behind.and_then(|range| shift.carry(&range));
        before = before.and_then(|range| shift.carry_before(&range));
    }
    let (Some(first), Some(last)) = (texts.first(), texts.last()) else { return Vec::new() };
    let is_edge = |text: &Text, range: &Range<usize>| is_line_edge(text, range.start) && is_line_edge(text, range.end);
    let whole = is_edge(first, range);
    let mut places: Vec<Range<usize>> =
        [behind, before].into_iter().flatten().filter(|range| !whole || is_edge(last, range)).collect();
    places.dedup();
    places
}
