//! The facts of one file.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::ops::Range;

use super::needs::{Link, Reach};
use super::{FileFacts, HunkFacts, content};
use crate::event::{ChangeKind, HunkFlag, HunkState};
use crate::syntax::names::{Name, Role};
use crate::syntax::problems::{self, Problem};
use crate::syntax::{Language, Parsed, Symbols};
use crate::text::{Edit, Text, hidden};
use crate::workspace::{FileProposal, Hunk, View};

/// Bytes of the largest text that is parsed here.
const MOST_BYTES: usize = 1 << 20;

/// Hunks that are tried one by one to tell which of them breaks a file.
const MOST_TRIED: usize = 32;

/// Blocks on the disk.
pub(super) fn of(file: &FileProposal, live: &View) -> FileFacts {
    let name = live.roots().display(&file.path);
    let language = Language::of_path(&name);
    let old_name = file.old_path.as_ref().map(|path| live.roots().display(path));
    let place = file.old_path.as_ref().unwrap_or(&file.path);
    let of_hunk = |hunk: &Hunk| HunkFacts {
        id: Some(hunk.id.clone()),
        flags: sure_flags(file, hunk, live),
        ..HunkFacts::default()
    };
    let mut facts = FileFacts { language, hunks: file.hunks.iter().map(of_hunk).collect(), ..FileFacts::default() };
    let Some(language) = language else { return facts };
    let text = match file.change {
        ChangeKind::Create => None,
        ChangeKind::Edit | ChangeKind::Delete | ChangeKind::Rename => {
            match live.read_live(place) {
                // Another by now: the hunks speak of a text that is gone, and are derived again.
                Ok(document) if content(document.stamp) != content(file.stamp) => return facts,
                Ok(document) => Some(document.text),
                Err(_) => return facts,
            }
        }
    };
    let sides = Sides::of(file, text, language);
    sides.check(file, &mut facts);
    let broken = !facts.problems.is_empty();
    for (index, (hunk, facts)) in file.hunks.iter().zip(&mut facts.hunks).enumerate() {
        facts.symbol = sides.symbol(index, hunk, broken);
    }
    sides.link(file, &mut facts);
    link_modules(file, &name, old_name.as_deref(), &mut facts);
    facts
}

/// The flags that follow from the hunk and its path alone: those that keep it out of batches among them.
pub fn sure_flags(file: &FileProposal, hunk: &Hunk, live: &View) -> Vec<HunkFlag> {
    let mut flags = Vec::new();
    let brings_name = || {
        // A name that hides something is as bad as a text that does.
        let name = |path| live.roots().display(path);
        let old = file.old_path.as_ref().map(name).unwrap_or_default();
        !hidden::added(&old, &name(&file.path)).is_empty()
    };
    if !hidden::added(&hunk.old_text, &hunk.new_text).is_empty()
        || (matches!(hunk.kind, ChangeKind::Create | ChangeKind::Rename) && brings_name())
    {
        flags.push(HunkFlag::HiddenCharacters);
    }
    if file.is_protected() {
        flags.push(HunkFlag::Protected);
    }
    flags
}

/// A file as it is and as it would be with all pending hunks.
struct Sides {
    text: Option<Text>,
    live: Option<Side>,
    proposed: Option<Side>,
    /// Where each hunk stands in the proposed text; `None` for one that is not pending.
    places: Vec<Option<Range<usize>>>,
}

struct Side {
    parsed: Parsed,
    symbols: OnceCell<Symbols>,
}

impl Side {
    fn of(text: &Text, language: Language) -> Option<Side> {
        let parsed = (text.len() <= MOST_BYTES).then(|| Parsed::of(text, language))??;
        Some(Side { parsed, symbols: OnceCell::new() })
    }

    fn symbols(&self) -> &Symbols {
        self.symbols.get_or_init(|| Symbols::of_parsed(&self.parsed))
    }
}

impl Sides {
    fn of(file: &FileProposal, text: Option<Text>, language: Language) -> Sides {
        let mut places = vec![None; file.hunks.len()];
        let mut edits = Vec::new();
        let mut order: Vec<(usize, &Hunk)> = file.hunks.iter().enumerate().filter(|(_, hunk)| is_edit(hunk)).collect();
        order.sort_by_key(|(_, hunk)| (hunk.live.start, hunk.live.end));
        let (mut grown, mut shrunk) = (0, 0);
        for (index, hunk) in order {
            let start = (hunk.live.start + grown).saturating_sub(shrunk);
            if let Some(place) = places.get_mut(index) {
                *place = Some(start..start + hunk.new_text.len());
            }
            grown += hunk.new_text.len();
            shrunk += hunk.live.len();
            edits.push(Edit { range: hunk.live.clone(), insert: hunk.new_text.clone() });
        }
        let proposed = match (file.change, &text) {
            (ChangeKind::Delete, _) => None,
            (_, Some(text)) => text.apply_all(&edits).ok(),
            (_, None) => edits.first().map(|edit| Text::new(&edit.insert)),
        };
        Sides {
            live: text.as_ref().and_then(|text| Side::of(text, language)),
            proposed: proposed.as_ref().and_then(|text| Side::of(text, language)),
            text,
            places,
        }
    }

    fn place(&self, index: usize) -> Option<Range<usize>> {
        self.places.get(index)?.clone()
    }

    /// What a hunk brings or stands in; where it only takes away, what it takes away or stood in.
    fn symbol(&self, index: usize, hunk: &Hunk, broken: bool) -> Option<String> {
        if hunk.kind != ChangeKind::Edit {
            return None;
        }
        let place = self.place(index).filter(|_| !hunk.new_text.trim().is_empty());
        let proposed = || place.and_then(|place| symbol_at(self.proposed.as_ref()?, place));
        let live = || symbol_at(self.live.as_ref()?, hunk.live.clone());
        // In a text that does not parse things stand in one another that do not belong there.
        if broken { live().or_else(proposed) } else { proposed().or_else(live) }
    }

    /// Names that are in one of the two texts only: what each hunk does with them.
    fn link(&self, file: &FileProposal, facts: &mut FileFacts) {
        let words = |side: &Option<Side>| side.as_ref().map(|side| side.parsed.words()).unwrap_or_default();
        let (known, stays) = (words(&self.live), words(&self.proposed));
        let names = |side: &Option<Side>, mut places: Vec<Range<usize>>, others: &HashSet<String>| {
            places.sort_by_key(|place| (place.start, place.end));
            let side = side.as_ref();
            side.map(|side| side.parsed.names(&places, |name| !others.contains(name))).unwrap_or_default()
        };
        let goes = |hunk: &Hunk| is_edit(hunk) || (hunk.state == HunkState::Pending && hunk.kind == ChangeKind::Delete);
        let going = file.hunks.iter().filter(|hunk| goes(hunk)).map(|hunk| hunk.live.clone()).collect();
        let before = names(&self.live, going, &stays);
        let after = names(&self.proposed, self.places.iter().flatten().cloned().collect(), &known);
        for (index, (hunk, facts)) in file.hunks.iter().zip(&mut facts.hunks).enumerate() {
            if let Some(place) = self.place(index) {
                (facts.links.brings, facts.links.uses) = split(within(&after, &place));
            }
            if goes(hunk) {
                (facts.links.removes, facts.links.frees) = split(within(&before, &hunk.live));
            }
        }
    }

    /// Flags the hunks that make the file worse: those at the place; where none is there, those that break it by themselves;
    /// if none does that, all.
    fn check(&self, file: &FileProposal, facts: &mut FileFacts) {
        facts.was_broken = self.live.as_ref().is_some_and(|live| !live.parsed.problems().is_empty());
        // A live text that could not be parsed says nothing of the proposed one.
        let Some(proposed) = self.proposed.as_ref().filter(|_| self.live.is_some() || self.text.is_none()) else {
            return;
        };
        let live = self.live.as_ref().map(|live| &live.parsed);
        facts.problems = problems::added(live, &proposed.parsed);
        if facts.problems.is_empty() {
            return;
        }
        let pending: Vec<(usize, Range<usize>)> =
            (0..file.hunks.len()).filter_map(|index| Some((index, self.place(index)?))).collect();
        let at = |place: &Range<usize>| facts.problems.iter().any(|problem| touches(problem, place, &proposed.parsed));
        let mut guilty: Vec<usize> = pending.iter().filter(|(_, place)| at(place)).map(|(index, _)| *index).collect();
        if guilty.is_empty() && pending.len() <= MOST_TRIED {
            let alone = |index: usize| file.hunks.get(index).is_some_and(|hunk| self.breaks_alone(hunk));
            guilty = pending.iter().map(|(index, _)| *index).filter(|index| alone(*index)).collect();
        }
        if guilty.is_empty() {
            guilty = pending.iter().map(|(index, _)| *index).collect();
        }
        for (index, facts) in facts.hunks.iter_mut().enumerate() {
            if guilty.contains(&index) {
                facts.flags.push(HunkFlag::Syntax);
                facts.flags.sort();
            }
        }
    }

    fn breaks_alone(&self, hunk: &Hunk) -> bool {
        let (Some(live), Some(text)) = (&self.live, &self.text) else { return true };
        let edit = Edit { range: hunk.live.clone(), insert: hunk.new_text.clone() };
        let Ok(with_it) = text.apply(&edit) else { return false };
        let parsed = live.parsed.update(&with_it, std::slice::from_ref(&edit));
        parsed.is_some_and(|parsed| !problems::added(Some(&live.parsed), &parsed).is_empty())
    }
}

/// Whether a problem begins on a line of the hunk. What is not closed often shows only later.
fn touches(problem: &Problem, place: &Range<usize>, parsed: &Parsed) -> bool {
    let text = parsed.text();
    let first = text.line_of(place.start);
    let last = text.line_of(place.end.saturating_sub(1).max(place.start));
    (first..=last).contains(&problem.line)
}

/// The path of the symbol at a place: of the innermost that holds all of it, and of the first in that one that it names or
/// touches.
fn symbol_at(side: &Side, place: Range<usize>) -> Option<String> {
    let place = trimmed(side.parsed.text(), place)?;
    let all = &side.symbols().all;
    let holds = |range: &Range<usize>| range.start <= place.start && place.end <= range.end;
    let holder = all.iter().rposition(|symbol| holds(&symbol.range));
    let mut inside = all.iter().enumerate().filter(|(_, symbol)| symbol.parent == holder);
    let named =
        inside.clone().find(|(_, symbol)| place.start <= symbol.name_range.start && symbol.name_range.end <= place.end);
    let touched = || inside.find(|(_, symbol)| symbol.range.start < place.end && place.start < symbol.range.end);
    let index = named.or_else(touched).map(|(index, _)| index).or(holder)?;
    side.symbols().path(index).map(|path| path.replace("::", "."))
}

/// A range without the white space at its ends; `None` if that is all.
fn trimmed(text: &Text, range: Range<usize>) -> Option<Range<usize>> {
    let slice = text.slice(range.clone())?;
    let start = range.start + (slice.len() - slice.trim_start().len());
    let end = range.end - (slice.len() - slice.trim_end().len());
    (start < end).then_some(start..end)
}

/// The names in `range`. Names stand in the order of their places.
fn within<'a>(names: &'a [Name], range: &Range<usize>) -> impl Iterator<Item = &'a Name> + use<'a> {
    let first = names.partition_point(|name| name.range.start < range.start);
    let end = range.end;
    names.iter().skip(first).take_while(move |name| name.range.end <= end)
}

/// What the names make known, and what they use. A name that is also a variable there is no use of anything.
fn split<'a>(names: impl Iterator<Item = &'a Name>) -> (Vec<Link>, Vec<Link>) {
    let (mut makes, mut uses, mut bound) = (Vec::new(), Vec::new(), HashSet::new());
    for name in names {
        let link = |reach| Link { name: name.text.clone(), reach };
        match name.role {
            Role::Defines => makes.push(link(Reach::Item)),
            Role::DefinesMember => makes.push(link(Reach::Member)),
            Role::Imports => makes.push(link(Reach::File)),
            Role::Uses => uses.push(link(Reach::Item)),
            Role::UsesMember => uses.push(link(Reach::Member)),
            Role::Binds => {
                bound.insert(name.text.as_str());
            }
        }
    }
    uses.retain(|link| !bound.contains(link.name.as_str()));
    for links in [&mut makes, &mut uses] {
        links.sort();
        links.dedup();
    }
    (makes, uses)
}

/// The file itself is a module, which comes, goes or moves with it.
fn link_modules(file: &FileProposal, name: &str, old_name: Option<&str>, facts: &mut FileFacts) {
    let act = file.hunks.iter().position(|hunk| hunk.kind != ChangeKind::Edit && hunk.state == HunkState::Pending);
    let Some(facts) = act.and_then(|act| facts.hunks.get_mut(act)) else { return };
    let link = |name: &str| Some(Link { name: module_of(name)?.to_owned(), reach: Reach::Module });
    let (comes, goes) = match file.change {
        ChangeKind::Create => (link(name), None),
        ChangeKind::Delete => (None, link(name)),
        ChangeKind::Rename => (link(name), old_name.and_then(link)),
        ChangeKind::Edit => (None, None),
    };
    if comes != goes {
        facts.links.brings.extend(comes);
        facts.links.removes.extend(goes);
    }
}

/// What other files call the module in the file of this name.
fn module_of(name: &str) -> Option<&str> {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let stem = match stem {
        "mod" | "__init__" => folder.rsplit('/').next().unwrap_or_default(),
        "main" | "lib" => "",
        stem => stem,
    };
    (!stem.is_empty()).then_some(stem)
}

fn is_edit(hunk: &Hunk) -> bool {
    hunk.state == HunkState::Pending && matches!(hunk.kind, ChangeKind::Edit | ChangeKind::Create)
}
