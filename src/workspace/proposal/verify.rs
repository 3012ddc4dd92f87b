//! What became of an edit that went to an editor.
//!
//! An editor may drop an edit and say that it applied it, apply some of it, or apply it to a text that it was not made for: then
//! positions that lie outside are moved inside, and lines are replaced that nobody meant. Its answer does not tell; the
//! texts that it shows afterwards do. A step from one of them to a later one that is exactly what the positions do to the
//! former is the editor's work. Whether it is the right work is another question: where the edit's lines are in that text by
//! now. Where no step is exact, because typing came in the same message, a three-way merge tells what of the edit is there;
//! and it is in the wrong place where its positions with typing beside it lead there, and nothing else does.

use std::ops::Range;

use super::merge::{Place, Proposed, merge, moved_by, overlaps};
use crate::text::diff::{Change, diff};
use crate::text::shift::are_lines;
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

/// A step of the editor's.
struct Made<'a> {
    before: &'a Text,
    /// The text that taking it back leads to. What was typed between `before` and it is gone, and may have gone with the step.
    since: &'a Text,
    /// How many of the texts there are up to `before`, with it.
    count: usize,
    /// The edits that it made.
    which: Range<usize>,
    /// Those of them that change nothing in it.
    idle: Vec<usize>,
    /// They are where they were meant.
    is_right: bool,
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
        let mut steps: Vec<(usize, Made<'_>)> = Vec::new();
        for (index, after) in texts.iter().enumerate() {
            let earlier = texts.get(..index).unwrap_or_default();
            // The nearest text before that leads to it: from one further back, typing may have led there too.
            let nearest = (1..=index).rev().find_map(|count| Some((count, self.made(earlier.get(..count)?, after)?)));
            let Some((count, mut made)) = nearest else { continue };
            made.since = texts.get(index.saturating_sub(1)).copied().unwrap_or(made.before);
            // An editor may tell of its edits one by one: then that text is itself a step of its own, and both are one.
            let before = steps.iter().find(|(step, _)| step.saturating_add(1) == count).map(|(_, made)| made.count);
            let whole = before.and_then(|count| self.made(earlier.get(..count)?, after));
            if let Some(whole) = whole.filter(|whole| whole.telling() > made.telling()) {
                made = whole;
            }
            steps.push((index, made));
        }
        // An editor makes an edit once. Where a step is all of it, one that is a part of it was the user's: lines that are deleted
        // can well be the same. But if that step put nothing in, it may itself be the user's, and a part that follows the editor's.
        let count = self.edits.len();
        if let Some((last, whole)) = steps.iter().rev().find(|(_, made)| made.which.len() == count) {
            let (last, only_deletes) = (*last, self.puts_nothing_in(whole));
            steps.retain(|(index, made)| made.which.len() == count || (only_deletes && *index > last));
        }
        let stands = |(index, made): &&(usize, Made<'_>)| texts.iter().skip(*index).all(|text| *text != made.before);
        let wrong = steps.iter().filter(|(_, made)| !made.is_right).filter(stands);
        if let Some((index, made)) = wrong.max_by_key(|(index, made)| (made.which.len(), *index))
            && let Some(after) = texts.get(*index)
        {
            return Verdict::Misapplied(Misapplied { before: made.since.clone(), after: (*after).clone() });
        }
        let mut landed = vec![false; count];
        for (_, made) in steps.iter().filter(|(_, made)| made.is_right) {
            for at in made.which.clone().filter(|at| !made.idle.contains(at)) {
                landed.iter_mut().skip(at).take(1).for_each(|landed| *landed = true);
            }
        }
        if let Some(last) = texts.last()
            && landed.contains(&false)
        {
            self.look_for_the_rest(last, &mut landed);
        }
        match (landed.contains(&true), landed.contains(&false)) {
            (_, false) => Verdict::Applied,
            (false, true) => match self.misapplied_among_typing(&texts).filter(|_| steps.is_empty()) {
                Some(misapplied) => Verdict::Misapplied(misapplied),
                None => Verdict::NotYet,
            },
            (true, true) => Verdict::Partly(landed),
        }
    }

    /// The step to `after` from the last of the texts `until` then, if the positions make it: all of them, else as many as do.
    fn made<'a>(&self, until: &[&'a Text], after: &Text) -> Option<Made<'a>> {
        let before = until.last().copied().filter(|before| *before != after)?;
        let edits = self.by_positions(before);
        let count = edits.len();
        let all = std::iter::once(0..count);
        let first = (1..count).rev().map(|end| 0..end);
        let last = (1..count).map(|start| start..count);
        let single = (0..count).map(|at| at..at.saturating_add(1));
        let which = all.chain(first).chain(last).chain(single).find(|which| {
            let Some(some) = edits.get(which.clone()) else { return false };
            // Most steps are none of them: their lengths tell.
            let grown: usize = some.iter().map(|edit| edit.insert.len()).sum();
            let shrunk: usize = some.iter().map(|edit| edit.range.len()).sum();
            let length = before.len().saturating_add(grown).checked_sub(shrunk);
            length == Some(after.len()) && before.apply_all(some).is_ok_and(|made| made == *after)
        })?;
        let made = edits.get(which.clone())?;
        let is_idle = |edit: &Edit| before.slice(edit.range.clone()).as_ref() == Some(&edit.insert);
        let idle: Vec<usize> = which.clone().zip(made).filter(|(_, edit)| is_idle(edit)).map(|(at, _)| at).collect();
        let is_right = self.is_right(&which, made, &idle, until, after);
        Some(Made { before, since: before, count: until.len(), which, idle, is_right })
    }

    /// Whether these edits, made to the last of the texts `until` then, are where they were meant. Those that changed nothing are
    /// nowhere.
    fn is_right(&self, which: &Range<usize>, made: &[Edit], idle: &[usize], until: &[&Text], after: &Text) -> bool {
        let Some(now) = until.last() else { return false };
        let Some(right) = self.at_their_places(which, made, idle, until) else { return false };
        // Where lines repeat, another place may come to the same text.
        right == made || now.apply_all(&right).is_ok_and(|text| text == *after)
    }

    /// These edits where they were meant in the last of the texts `until` then; those that changed nothing stay. `None` if one of
    /// them has no place there any more.
    fn at_their_places(
        &self,
        which: &Range<usize>,
        made: &[Edit],
        idle: &[usize],
        until: &[&Text],
    ) -> Option<Vec<Edit>> {
        let now = until.last()?;
        let mut merged: Option<Vec<Place>> = None;
        let mut right = Vec::with_capacity(made.len());
        for (index, edit) in which.clone().zip(made) {
            if idle.contains(&index) {
                right.push(edit.clone());
                continue;
            }
            let meant = self.edits.get(index)?;
            let place = carried(&meant.range, until).or_else(|| {
                let merged = merged.get_or_insert_with(|| merge(&self.proposed(), None, now).places);
                match merged.get(index) {
                    Some(Place::Pending(range)) => Some(range.clone()),
                    Some(Place::Accepted | Place::Conflict(_)) | None => None,
                }
            });
            right.push(Edit { range: place?, insert: edit.insert.clone() });
        }
        Some(right)
    }

    /// The edits as an editor makes them that takes the positions as they are.
    fn by_positions(&self, before: &Text) -> Vec<Edit> {
        let edits = self.positions.iter().zip(&self.edits);
        let range = |position: &Range<Position>| before.range_at(position.start, position.end, self.encoding);
        edits.map(|(position, edit)| Edit { range: range(position), insert: edit.insert.clone() }).collect()
    }

    /// The step that an editor made with all of the edits in the wrong place, where the user's typing came in the same message.
    /// Only where that is sure: text that was not there before stands where the positions put it, beside one stretch of typing;
    /// and the right places would not lead there by one stretch too.
    fn misapplied_among_typing(&self, texts: &[&Text]) -> Option<Misapplied> {
        (1..texts.len()).rev().find_map(|index| {
            let (until, after) = (texts.get(..index)?, *texts.get(index)?);
            let before = *until.last()?;
            let edits = self.by_positions(before);
            let made = before.apply_all(&edits).ok()?;
            let is_idle = |edit: &Edit| before.slice(edit.range.clone()).as_ref() == Some(&edit.insert);
            let idle: Vec<usize> = (0..).zip(&edits).filter(|(_, edit)| is_idle(edit)).map(|(at, _)| at).collect();
            let all_stand = |edits: &[Edit], made: &Text| {
                let shift = Shift::between(made, after);
                // Where lines only go, typing that touches the place may have put them back.
                let is_apart = |at: &Range<usize>| at.end < shift.old.start || shift.old.end < at.start;
                let stands = |at: &Range<usize>| match at.is_empty() {
                    true => is_apart(at),
                    false => shift.carry_lines(at, after).is_some(),
                };
                changes_of(edits).iter().all(|change| stands(&change.new))
            };
            if !all_stand(&edits, &made) || texts.iter().skip(index).any(|text| *text == before) {
                return None;
            }
            let text = before.to_string();
            let is_news = |edit: &Edit| !edit.insert.trim().is_empty() && !text.contains(edit.insert.trim());
            if !edits.iter().any(is_news) {
                return None;
            }
            if let Some(right) = self.at_their_places(&(0..edits.len()), &edits, &idle, until)
                && (right == edits || before.apply_all(&right).is_ok_and(|made| all_stand(&right, &made)))
            {
                return None;
            }
            Some(Misapplied { before: before.clone(), after: made })
        })
    }

    /// Whether a step could as well be a user's who deletes lines.
    fn puts_nothing_in(&self, made: &Made<'_>) -> bool {
        let telling = made.which.clone().filter(|index| !made.idle.contains(index));
        telling.filter_map(|index| self.edits.get(index)).all(|edit| edit.insert.is_empty())
    }

    /// Marks the edits that a text holds among other changes.
    fn look_for_the_rest(&self, now: &Text, landed: &mut [bool]) {
        for (landed, place) in landed.iter_mut().zip(merge(&self.proposed(), None, now).places) {
            *landed |= place == Place::Accepted;
        }
    }

    fn proposed(&self) -> Proposed {
        Proposed { base: self.text.clone(), current: self.meant.clone(), changes: changes_of(&self.edits) }
    }
}

/// What edits, in order, change, in the text before and in the text that they make.
fn changes_of(edits: &[Edit]) -> Vec<Change> {
    let (mut grown, mut shrunk) = (0usize, 0usize);
    let change = |edit: &Edit| {
        let start = edit.range.start.saturating_add(grown).saturating_sub(shrunk);
        grown = grown.saturating_add(edit.insert.len());
        shrunk = shrunk.saturating_add(edit.range.len());
        Change { old: edit.range.clone(), new: start..start.saturating_add(edit.insert.len()) }
    };
    edits.iter().map(change).collect()
}

impl Made<'_> {
    /// How many of its edits changed something.
    fn telling(&self) -> usize {
        self.which.len().saturating_sub(self.idle.len())
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

/// Where lines of the first text are in the last. `None` if something was changed in them. What the user put in right before
/// them stays before them, as it does in a merge.
fn carried(range: &Range<usize>, texts: &[&Text]) -> Option<Range<usize>> {
    let mut now = range.clone();
    for (old, new) in texts.iter().zip(texts.iter().skip(1)) {
        // A keystroke changes one stretch. Where more was changed at once, lines tell what.
        now = Shift::between(old, new).carry(&now).or_else(|| carried_by_lines(&now, old, new))?;
    }
    let (first, last) = (texts.first()?, texts.last()?);
    (are_lines(last, &now) || !are_lines(first, range)).then_some(now)
}

fn carried_by_lines(range: &Range<usize>, old: &Text, new: &Text) -> Option<Range<usize>> {
    let changes: Vec<Change> = diff(old, new).into_iter().flat_map(|change| line_by_line(change, old, new)).collect();
    if changes.iter().any(|change| overlaps(range, &change.old)) {
        return None;
    }
    let start = moved_by(changes.iter().filter(|change| change.old.end <= range.start), range.start);
    Some(start..start.saturating_add(range.len()))
}

/// A change as one of each of its lines, where all that happened to them is the white space at their ends: a formatter does that to
/// many lines at once, and between two of them is still the same place.
fn line_by_line(change: Change, old: &Text, new: &Text) -> Vec<Change> {
    let lines = |text: &Text, range: &Range<usize>| -> Vec<Range<usize>> {
        let (mut lines, mut at) = (Vec::new(), range.start);
        while at < range.end {
            let line = text.line_range(text.line_of(at));
            at = line.end.max(at.saturating_add(1));
            lines.push(line);
        }
        lines
    };
    let content = |text: &Text, line: &Range<usize>| text.slice(line.clone()).unwrap_or_default();
    let (in_old, in_new) = (lines(old, &change.old), lines(new, &change.new));
    let mut pairs = in_old.iter().zip(&in_new);
    if in_old.len() != in_new.len() || !pairs.all(|(a, b)| content(old, a).trim_end() == content(new, b).trim_end()) {
        return vec![change];
    }
    in_old.into_iter().zip(in_new).map(|(old, new)| Change { old, new }).collect()
}
