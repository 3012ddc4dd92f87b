//! Three texts, line by line: the base a change was made from, the text proposed, and the text the user has now.
//!
//! Works on texts alone. Hunks are the changes from base to current; the user's changes are those from base to live. A
//! hunk that the live text holds is *accepted*. One whose lines the user changed to something else is a *conflict*;
//! touching is not overlapping. The rest is *pending* and has its place in the live text.

use std::ops::Range;

use super::distance::{Numbering, distance};
use crate::text::diff::{Change, changed_lines, diff};
use crate::text::{Edit, EditError, Text};

/// A base, what is proposed of it, and the changes between them. The changes are kept with the texts: where lines repeat,
/// a diff made anew may align them another way, and hunks would change under the user's eyes.
#[derive(Clone)]
pub(super) struct Proposed {
    pub base: Text,
    pub current: Text,
    /// In order.
    pub changes: Vec<Change>,
}

/// How base, current and live stand to each other.
pub(super) struct Merge {
    /// One for each of the changes that went in.
    pub places: Vec<Place>,
    /// Without what has been accepted, and with the user's other changes in both texts.
    pub left: Proposed,
    /// One for each of the changes that went in: where an accepted one has become part of a text.
    pub landed: Vec<Option<Landed>>,
}

/// A change that became part of a text, with what is needed to take it back out of any later one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// A text that holds the change. It is the base with what was accepted, so the user's own changes may be missing: a
    /// three-way merge with the live text finds them.
    pub text: Text,
    /// The bytes of `text` that are the change.
    pub range: Range<usize>,
    /// What stood there before.
    pub replaced: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Accepted,
    /// These bytes of the live text are the old text.
    Pending(Range<usize>),
    /// The user made something else of the old text: these bytes.
    Conflict(Range<usize>),
}

/// Most rounds: each takes in what the one before left between hunks, and the second hardly ever finds anything.
const ROUNDS: usize = 8;

/// Places `proposed` in `live`. `looked` is the live text of the last look, where conflicts made it differ from the base:
/// it tells a hunk that was accepted since from what the user had made of its neighbours before.
///
/// Looks again until there is nothing more to take in, so that a later look at the same live text finds the same.
pub(super) fn merge(proposed: &Proposed, looked: Option<&Text>, live: &Text) -> Merge {
    // Most looks are at what nobody has touched.
    if proposed.base == *live && looked.is_none_or(|looked| looked == live) {
        let places = proposed.changes.iter().map(|change| Place::Pending(change.old.clone())).collect();
        let landed = vec![None; proposed.changes.len()];
        return Merge { places, left: Proposed { base: live.clone(), ..proposed.clone() }, landed };
    }
    let mut places = vec![Place::Accepted; proposed.changes.len()];
    let since = match looked {
        Some(looked) if looked != live => accepted_since(proposed, looked, live),
        Some(_) | None => vec![false; places.len()],
    };
    let mut index: Vec<usize> = (0..places.len()).zip(&since).filter(|(_, since)| !**since).map(|(at, _)| at).collect();
    let (mut left, mut landed) = proposed.advance(&since);
    for _ in 0..ROUNDS {
        let round = merge_once(&left, live);
        for ((at, place), round_landed) in index.iter().zip(&round.places).zip(round.landed) {
            if let Some(slot) = places.get_mut(*at) {
                slot.clone_from(place);
            }
            if let Some(slot) = landed.get_mut(*at) {
                *slot = round_landed;
            }
        }
        let open = index.iter().zip(&round.places).filter(|(_, place)| **place != Place::Accepted);
        index = open.map(|(at, _)| *at).collect();
        let settled = round.left.base == left.base && round.left.changes == left.changes;
        left = round.left;
        if settled {
            break;
        }
    }
    // Texts that share their storage are compared at once.
    if left.base == *live {
        left.base.clone_from(live);
    }
    Merge { places, left, landed }
}

fn merge_once(proposed: &Proposed, live: &Text) -> Merge {
    let Proposed { base, current, changes: hunks } = proposed;
    let in_base: Vec<Option<Range<usize>>> = hunks.iter().map(|hunk| Some(hunk.old.clone())).collect();
    let accepted = accepted(base, &in_base, current, live, hunks);
    let (kept, landed) = proposed.advance(&accepted);
    let user = sides(diff(&kept.base, live), live);
    let open = sides(kept.changes.clone(), &kept.current);

    let mut conflicting = vec![false; user.len()];
    let mut open_hunks = open.iter();
    let mut places = Vec::with_capacity(hunks.len());
    for accepted in accepted {
        places.push(match if accepted { None } else { open_hunks.next() } {
            None => Place::Accepted,
            Some(hunk) => {
                let old_text = kept.base.slice(hunk.change.old.clone()).unwrap_or_default();
                place(hunk, &old_text, &user, live, &mut conflicting)
            }
        });
    }
    let free: Vec<&Side> =
        user.iter().zip(&conflicting).filter(|(_, conflicting)| !**conflicting).map(|(change, _)| change).collect();
    match take_in(&kept, &open, &free, live) {
        Ok(left) => Merge { places, left, landed },
        Err(error) => {
            tracing::error!(%error, "a user's change did not fit the proposal, which is shown without it");
            Merge { places, left: kept, landed }
        }
    }
}

/// A change, and whether what it puts in is a last line without a break.
struct Side {
    change: Change,
    is_unbroken: bool,
}

/// Where a change of the user stands to a hunk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Before,
    Behind,
    /// Both change the same lines, or would make one line of two.
    Overlap,
}

fn sides(changes: Vec<Change>, new: &Text) -> Vec<Side> {
    let is_unbroken = !new.is_empty() && !new.line_range(new.line_count().saturating_sub(1)).is_empty();
    let side = |change: Change| {
        let is_last = !change.new.is_empty() && change.new.end == new.len();
        Side { is_unbroken: is_unbroken && is_last, change }
    };
    changes.into_iter().map(side).collect()
}

fn order(user: &Side, hunk: &Side) -> Order {
    let (users, hunks) = (&user.change.old, &hunk.change.old);
    if overlaps(hunks, users) {
        return Order::Overlap;
    }
    if users.is_empty() && hunks.is_empty() && users.start == hunks.start {
        // What the user inserted at the same place stays before, if a line can follow it.
        return match (user.is_unbroken, hunk.is_unbroken) {
            (false, _) => Order::Before,
            (true, false) => Order::Behind,
            (true, true) => Order::Overlap,
        };
    }
    let (order, first_is_unbroken) = match users.end <= hunks.start {
        true => (Order::Before, user.is_unbroken && !hunk.change.new.is_empty()),
        false => (Order::Behind, hunk.is_unbroken && !user.change.new.is_empty()),
    };
    if first_is_unbroken { Order::Overlap } else { order }
}

/// The user's changes, made to base and current alike, so that they are no part of what is proposed.
fn take_in(proposed: &Proposed, hunks: &[Side], user: &[&Side], live: &Text) -> Result<Proposed, EditError> {
    let Proposed { base, current, changes: _ } = proposed;
    let (mut in_base, mut in_current) = (Vec::new(), Vec::new());
    for side in user {
        let Change { old, new } = &side.change;
        let insert = live.slice(new.clone()).unwrap_or_default();
        let before = hunks.iter().filter(|hunk| order(side, hunk) == Order::Behind);
        let start = moved_by(before.map(|hunk| &hunk.change), old.start);
        in_current.push(Edit { range: start..start.saturating_add(old.len()), insert: insert.clone() });
        in_base.push(Edit { range: old.clone(), insert });
    }
    let moved = |hunk: &Side| {
        let before = user.iter().filter(|side| order(side, hunk) == Order::Before);
        let (grown, shrunk) = growth(before.map(|side| &side.change));
        let at = |offset: usize| offset.saturating_add(grown).saturating_sub(shrunk);
        let Change { old, new } = &hunk.change;
        Change { old: at(old.start)..at(old.end), new: at(new.start)..at(new.end) }
    };
    Ok(Proposed {
        base: base.apply_all(&in_base)?,
        current: current.apply_all(&in_current)?,
        changes: hunks.iter().map(moved).collect(),
    })
}

/// Where an offset is once changes before it are made.
pub(super) fn moved_by<'a>(changes: impl Iterator<Item = &'a Change>, offset: usize) -> usize {
    let (grown, shrunk) = growth(changes);
    offset.saturating_add(grown).saturating_sub(shrunk)
}

/// By how many bytes changes make a text longer, and shorter.
fn growth<'a>(changes: impl Iterator<Item = &'a Change>) -> (usize, usize) {
    changes.fold((0usize, 0usize), |(grown, shrunk), change| {
        (grown.saturating_add(change.new.len()), shrunk.saturating_add(change.old.len()))
    })
}

impl Proposed {
    /// With some of the changes as part of the base, and where those stand in it.
    fn advance(&self, accepted: &[bool]) -> (Proposed, Vec<Option<Landed>>) {
        let taken = self.changes.iter().zip(accepted).filter(|(_, accepted)| **accepted).map(|(change, _)| change);
        let edits: Vec<Edit> = taken
            .filter_map(|change| {
                Some(Edit { range: change.old.clone(), insert: self.current.slice(change.new.clone())? })
            })
            .collect();
        let base = self.base.apply_all(&edits).unwrap_or_else(|error| {
            tracing::error!(%error, "a diff does not fit the text it was made of");
            self.base.clone()
        });
        let (mut changes, mut landed) = (Vec::new(), Vec::new());
        for ((old, change), accepted) in shift(&self.changes, accepted).into_iter().zip(&self.changes).zip(accepted) {
            if *accepted {
                let range = old.start..old.start.saturating_add(change.new.len());
                let replaced = self.base.slice(change.old.clone()).unwrap_or_default();
                landed.push(Some(Landed { text: base.clone(), range, replaced }));
            } else {
                changes.push(Change { old, new: change.new.clone() });
                landed.push(None);
            }
        }
        (Proposed { base, current: self.current.clone(), changes }, landed)
    }

    /// With `text` instead of what the change at `index` puts in. `None` if there is no such change.
    pub(super) fn with_new_text(&self, index: usize, text: &str) -> Option<Proposed> {
        let change = self.changes.get(index)?;
        let current = self.current.apply(&Edit { range: change.new.clone(), insert: text.to_owned() }).ok()?;
        let (gone, length) = (change.new.len(), text.len());
        let mut changes = self.changes.clone();
        for (at, change) in changes.iter_mut().enumerate().skip(index) {
            let moved = |offset: usize| offset.saturating_add(length).saturating_sub(gone);
            let start = if at == index { change.new.start } else { moved(change.new.start) };
            change.new = start..moved(change.new.end);
        }
        Some(Proposed { base: self.base.clone(), current, changes })
    }

    /// With `text` as what the change at `index` replaces.
    pub(super) fn with_old_text(&self, index: usize, text: &str) -> Option<Proposed> {
        let flip = |change: &Change| Change { old: change.new.clone(), new: change.old.clone() };
        let flipped = Proposed {
            base: self.current.clone(),
            current: self.base.clone(),
            changes: self.changes.iter().map(flip).collect(),
        };
        let Proposed { base, current, changes } = flipped.with_new_text(index, text)?;
        Some(Proposed { base: current, current: base, changes: changes.iter().map(flip).collect() })
    }

    /// With the change at `index` cut in pieces that touch, and which of them the one between the cuts is. `cuts` are offsets from
    /// the starts of its old and new text, in order; pieces that would change nothing are left out.
    pub(super) fn cut(&self, index: usize, cuts: &[(usize, usize); 2]) -> Option<(Proposed, usize)> {
        let change = self.changes.get(index)?;
        let ends = [(change.old.len(), change.new.len())];
        let mut pieces = Vec::new();
        let mut wanted = None;
        let (mut old, mut new) = (0usize, 0usize);
        for (at, (next_old, next_new)) in cuts.iter().chain(&ends).enumerate() {
            let piece = Change {
                old: change.old.start.saturating_add(old)..change.old.start.saturating_add(*next_old),
                new: change.new.start.saturating_add(new)..change.new.start.saturating_add(*next_new),
            };
            if self.base.slice(piece.old.clone()) != self.current.slice(piece.new.clone()) {
                if at == 1 {
                    wanted = Some(index.saturating_add(pieces.len()));
                }
                pieces.push(piece);
            }
            (old, new) = (*next_old, *next_new);
        }
        let mut changes = self.changes.clone();
        changes.splice(index..=index, pieces);
        Some((Proposed { base: self.base.clone(), current: self.current.clone(), changes }, wanted?))
    }

    /// With the change at `index` less the text at its start that it leaves as it is.
    pub(super) fn without_start(&self, index: usize, length: usize) -> Proposed {
        let mut trimmed = self.clone();
        if let Some(change) = trimmed.changes.get_mut(index) {
            change.old.start = change.old.start.saturating_add(length).min(change.old.end);
            change.new.start = change.new.start.saturating_add(length).min(change.new.end);
        }
        trimmed
    }

    /// Without the change at `index`: current goes back to the base there.
    pub(super) fn without(&self, index: usize) -> Option<Proposed> {
        let old_text = self.base.slice(self.changes.get(index)?.old.clone())?;
        let mut without = self.with_new_text(index, &old_text)?;
        without.changes.remove(index);
        Some(without)
    }
}

/// Which hunks have been accepted since the last look.
fn accepted_since(proposed: &Proposed, looked: &Text, live: &Text) -> Vec<bool> {
    let then = merge(proposed, None, looked);
    let in_looked: Vec<Option<Range<usize>>> = then
        .places
        .into_iter()
        .map(|place| match place {
            Place::Pending(range) => Some(range),
            Place::Accepted | Place::Conflict(_) => None,
        })
        .collect();
    accepted(looked, &in_looked, &proposed.current, live, &proposed.changes)
}

/// Which hunks the live text holds and `before`, where they replace `ranges`, did not. A hunk is there when the very change of
/// it is among the user's, or else when the way from one to the other leads over it: when the text before, with the hunk,
/// is nearer to the live text by all that the hunk changes. This does not depend on how a diff happens to align lines that
/// repeat.
fn accepted(
    before: &Text,
    ranges: &[Option<Range<usize>>],
    current: &Text,
    live: &Text,
    hunks: &[Change],
) -> Vec<bool> {
    let mut accepted = vec![false; hunks.len()];
    if before == live {
        return accepted;
    }
    let user = diff(before, live);
    let (changed, _) = changed_lines(before, live);
    // The hunks that the user's changes can have to do with, and the lines from the first to the last of all of them.
    let mut region = changed.clone();
    let mut near: Vec<(usize, Range<usize>, String, bool)> = Vec::new();
    let is_there = |range: &Range<usize>, new: &str| {
        let at = user.binary_search_by_key(&range.start, |change| change.old.start);
        at.ok()
            .and_then(|at| user.get(at))
            .is_some_and(|change| change.old == *range && live.slice(change.new.clone()).as_deref() == Some(new))
    };
    let placed: Vec<(usize, &Change, &Range<usize>)> = hunks
        .iter()
        .zip(ranges)
        .enumerate()
        .filter_map(|(at, (hunk, range))| Some((at, hunk, range.as_ref()?)))
        .collect();
    // Pieces of one hunk touch: what the user did with all of them at once may look like none of them.
    for run in placed.chunk_by(|(_, _, a), (_, _, b)| a.end == b.start) {
        let (Some((_, first, from)), Some((_, last, to))) = (run.first(), run.last()) else { continue };
        let (range, new) = (from.start..to.end, first.new.start..last.new.end);
        let is_far = range.end < changed.start || changed.end < range.start;
        if is_far && !slides(before, &range, current, &new, range.end < changed.start) {
            continue;
        }
        region = region.start.min(range.start)..region.end.max(range.end);
        let all = run.len() > 1 && is_there(&range, &current.slice(new).unwrap_or_default());
        for (index, hunk, range) in run {
            let new = current.slice(hunk.new.clone()).unwrap_or_default();
            let is_there = all || is_there(range, &new);
            near.push((*index, (*range).clone(), new, is_there));
        }
    }
    if near.is_empty() {
        return accepted;
    }
    let mut numbering = Numbering::default();
    let before_lines = numbering.lines(&before.slice(region.clone()).unwrap_or_default(), region.start);
    let in_live = region.start..live.len().saturating_sub(before.len().saturating_sub(region.end));
    let live_lines = numbering.lines(&live.slice(in_live.clone()).unwrap_or_default(), in_live.start);
    let window = window(&before_lines.numbers, &live_lines.numbers);

    let mut advanced = Advanced::new(&before_lines.numbers);
    // Those that are there for sure come first: measuring takes its time.
    for (index, range, new, _) in near.iter().filter(|(.., is_there)| *is_there) {
        let new = numbering.lines(new, 0).numbers;
        if advanced.put(before_lines.of_bytes(range), &new)
            && let Some(accepted) = accepted.get_mut(*index)
        {
            *accepted = true;
        }
    }
    let open: Vec<(usize, Range<usize>, Vec<u32>)> = near
        .into_iter()
        .filter(|(.., is_there)| !*is_there)
        .map(|(index, range, new, _)| (index, range, numbering.lines(&new, 0).numbers))
        .collect();
    let mut rest = None;
    let mut holds = |some: &[(usize, Range<usize>, Vec<u32>)]| -> bool {
        let (Some((_, first, _)), Some((_, last, _))) = (some.first(), some.last()) else { return false };
        let together: Vec<u32> = some.iter().flat_map(|(.., new)| new).copied().collect();
        let reach = reach(&before_lines.numbers, &before_lines.of_bytes(&(first.start..last.end)), &together);
        if reach.end < window.start || window.end < reach.start {
            return false;
        }
        let mut candidate = advanced.clone();
        for (_, range, new) in some {
            let old = before_lines.of_bytes(range);
            if (new.is_empty() && is_replaced(range, &user)) || !candidate.put(old, new) {
                return false;
            }
        }
        let all = *rest.get_or_insert_with(|| distance(&advanced.lines, &live_lines.numbers));
        let after = distance(&candidate.lines, &live_lines.numbers);
        // Too far apart to measure: then only the very same change counts.
        let (Some(all), Some(hunk), Some(after)) = (all, distance(&advanced.lines, &candidate.lines), after) else {
            return false;
        };
        let holds = all == hunk.saturating_add(after);
        if holds {
            advanced = candidate.clone();
            rest = Some(Some(after));
        }
        holds
    };
    // Pieces of one hunk may be there together where none is by itself: a line can be what one takes out and another puts in.
    for run in open.chunk_by(|(_, a, _), (_, b, _)| a.end == b.start) {
        let together = run.len() > 1 && holds(run);
        for one in run {
            if (together || holds(std::slice::from_ref(one)))
                && let Some(accepted) = accepted.get_mut(one.0)
            {
                *accepted = true;
            }
        }
    }
    accepted
}

/// Lines with some hunks in them, which can come in any order.
#[derive(Clone)]
struct Advanced {
    lines: Vec<u32>,
    /// What was replaced, in lines as they were, and by how many.
    put: Vec<(Range<usize>, usize)>,
}

impl Advanced {
    fn new(lines: &[u32]) -> Advanced {
        Advanced { lines: lines.to_vec(), put: Vec::new() }
    }

    /// `false` if there are no such lines.
    fn put(&mut self, old: Range<usize>, new: &[u32]) -> bool {
        let (mut grown, mut shrunk) = (0usize, 0usize);
        for (lines, count) in self.put.iter().filter(|(lines, _)| lines.end <= old.start) {
            grown = grown.saturating_add(*count);
            shrunk = shrunk.saturating_add(lines.len());
        }
        let at = |line: usize| line.saturating_add(grown).saturating_sub(shrunk);
        let place = at(old.start)..at(old.end);
        if self.lines.get(place.clone()).is_none() {
            return false;
        }
        self.lines.splice(place, new.iter().copied());
        self.put.push((old, new.len()));
        true
    }
}

/// Whether lines that are put in or taken out could as well be those next to them, behind or before: then a change further
/// that way may be this one.
fn slides(before: &Text, range: &Range<usize>, current: &Text, new: &Range<usize>, behind: bool) -> bool {
    let (text, moving) = match (range.is_empty(), new.is_empty()) {
        (true, _) => (current, new),
        (false, true) => (before, range),
        (false, false) => return false,
    };
    let first_line = |text: &Text, at: usize| text.slice(text.line_range(text.line_of(at)));
    let line_before = |text: &Text, at: usize| text.slice(text.line_range(text.line_of(at.checked_sub(1)?)));
    if behind {
        first_line(text, moving.start) == first_line(before, range.end)
    } else {
        line_before(text, moving.end) == line_before(before, range.start)
    }
}

/// The lines of `before` that the user's changes lie in, from the first to the last.
fn window(base: &[u32], live: &[u32]) -> Range<usize> {
    let start = base.iter().zip(live).take_while(|(a, b)| a == b).count();
    let most = base.len().min(live.len()).saturating_sub(start);
    let same_end = base.iter().rev().zip(live.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    start..base.len().saturating_sub(same_end)
}

/// The lines of `base` among which a hunk could as well stand. Where lines repeat, taking out or putting in one of them is
/// the same as another.
fn reach(base: &[u32], old: &Range<usize>, new: &[u32]) -> Range<usize> {
    let moving = match (base.get(old.clone()).unwrap_or_default(), new) {
        ([], new) => new,
        (old, []) => old,
        _ => return old.clone(),
    };
    let before = base.get(..old.start).unwrap_or_default().iter().rev();
    let after = base.get(old.end..).unwrap_or_default().iter();
    let up = before.zip(moving.iter().rev().cycle()).take_while(|(a, b)| a == b).count();
    let down = after.zip(moving.iter().cycle()).take_while(|(a, b)| a == b).count();
    old.start.saturating_sub(up)..old.end.saturating_add(down)
}

/// Whether the user wrote something else in place of `range`: then a hunk that only deletes it has not happened.
fn is_replaced(range: &Range<usize>, user: &[Change]) -> bool {
    user.iter().any(|change| overlaps(range, &change.old) && !change.new.is_empty())
}

/// Where the hunks stand in the base once the accepted ones are part of it.
fn shift(hunks: &[Change], accepted: &[bool]) -> Vec<Range<usize>> {
    let (mut grown, mut shrunk) = (0usize, 0usize);
    let mut shifted = Vec::with_capacity(hunks.len());
    for (hunk, accepted) in hunks.iter().zip(accepted) {
        let at = |offset: usize| offset.saturating_add(grown).saturating_sub(shrunk);
        shifted.push(at(hunk.old.start)..at(hunk.old.end));
        if *accepted {
            grown = grown.saturating_add(hunk.new.len());
            shrunk = shrunk.saturating_add(hunk.old.len());
        }
    }
    shifted
}

/// Where the base's `hunk` stands in the live text; marks the user's changes that are in its way.
fn place(hunk: &Side, old_text: &str, user: &[Side], live: &Text, conflicting: &mut [bool]) -> Place {
    let old = &hunk.change.old;
    let overlapping: Vec<(&Change, &mut bool)> = user
        .iter()
        .zip(conflicting)
        .filter(|(side, _)| order(side, hunk) == Order::Overlap)
        .map(|(side, conflicting)| (&side.change, conflicting))
        .collect();
    if let (Some((first, _)), Some((last, _))) = (overlapping.first(), overlapping.last()) {
        let start = first.new.start.saturating_sub(first.old.start.saturating_sub(old.start));
        let end = last.new.end.saturating_add(old.end.saturating_sub(last.old.end));
        overlapping.into_iter().for_each(|(_, conflicting)| *conflicting = true);
        return Place::Conflict(start..end);
    }
    let before = user.iter().filter(|side| order(side, hunk) == Order::Before);
    let start = moved_by(before.map(|side| &side.change), old.start);
    let range = start..start.saturating_add(old.len());
    // This must hold; if it did not, replacing the range would destroy what the user wrote.
    if live.slice(range.clone()).as_deref() == Some(old_text) { Place::Pending(range) } else { Place::Conflict(range) }
}

/// Whether two changed ranges of one text have something in common. Those that only touch do not; an insertion is in the
/// way only of what stands on both sides of it.
pub(super) fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => false,
        (true, false) => b.start < a.start && a.start < b.end,
        (false, true) => a.start < b.start && b.start < a.end,
        (false, false) => a.start < b.end && b.start < a.end,
    }
}
