//! A ranked snapshot as text that fits its budget.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::ranking::Ranked;
use super::symbols::{FileSymbols, Item};
use super::{Ranking, Snapshot};
use crate::context::estimate_tokens;
use crate::context::render::one_line;
use crate::workspace::{DocPath, Roots};

/// Of the budget, parts of a hundred that definitions may take while files are left that are not even named.
const DEFINITIONS: usize = 85;
/// How many definitions that do not fit are passed over before it is full.
const PATIENCE: usize = 400;
/// Bytes of the narrowest [`line`].
const NARROWEST: usize = 8;

/// An outline as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// A line for each file, its definitions beneath it with their 1-based line numbers.
    pub text: String,
    /// Of `text`; at most the budget.
    pub tokens: u64,
    /// Files that are named in `text`.
    pub shown: usize,
    /// Files that could have been.
    pub files: usize,
    /// What is named, in the order of `text`.
    pub listed: Vec<Listed>,
}

/// A file that an outline names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub path: DocPath,
    /// `None` for a file that nobody can take apart.
    pub symbols: Option<FileSymbols>,
    /// Which of its definitions are shown.
    pub shown: BTreeSet<usize>,
}

/// A file while the outline is put together.
struct Entry<'a> {
    file: usize,
    name: String,
    symbols: Option<&'a FileSymbols>,
    /// Taken out of `symbols` when one of them is wanted first: most files are none of those.
    items: OnceCell<Vec<Item<'a>>>,
    shown: BTreeSet<usize>,
    is_named: bool,
}

/// What the outline takes so far, in bytes.
struct Room {
    used: usize,
    most: usize,
    /// Files that are not named.
    left: usize,
}

impl Snapshot {
    /// As much of the ranked files as `tokens` allow, and hardly less.
    pub fn render(&self, roots: &Roots, ranking: &Ranking, tokens: u64) -> Rendered {
        let ranked = ranking.ranked(self);
        let mut entries: Vec<Entry> = ranked.order.iter().filter_map(|file| self.entry(*file, roots)).collect();
        let most = usize::try_from(tokens.saturating_mul(4)).unwrap_or(usize::MAX);
        let mut room = Room { used: 0, most, left: entries.len() };
        // The most important definitions of all files, until little is left.
        let order = definitions(&ranked, &entries, most);
        let for_definitions = most / 100 * DEFINITIONS;
        let whole = Room { most: for_definitions.max(most.saturating_sub(names(&entries))), ..room };
        let mut first = whole;
        show(&mut entries, &order, &mut first);
        // Then the names of the others, then whatever fits.
        room = Room { most, ..first };
        for entry in entries.iter_mut().filter(|entry| !entry.is_named) {
            if room.takes(entry.name.len() + 1, true) {
                entry.is_named = true;
            }
        }
        show(&mut entries, &order, &mut room);
        self.written(entries, room)
    }

    fn entry<'a>(&'a self, file: usize, roots: &Roots) -> Option<Entry<'a>> {
        let (path, symbols) = self.files.get(file)?;
        Some(Entry {
            file,
            name: one_line(&roots.display(path)),
            symbols: symbols.as_ref(),
            items: OnceCell::new(),
            shown: BTreeSet::new(),
            is_named: false,
        })
    }

    fn written(&self, entries: Vec<Entry>, room: Room) -> Rendered {
        let files = entries.len();
        let mut text = String::new();
        let mut listed = Vec::new();
        for entry in entries.into_iter().filter(|entry| entry.is_named) {
            text.push_str(&entry.name);
            text.push('\n');
            for item in entry.shown.iter().filter_map(|item| entry.items().get(*item)) {
                text.push_str(&line(item));
            }
            text.push_str(&more(&entry));
            if let Some((path, symbols)) = self.files.get(entry.file) {
                listed.push(Listed { path: path.clone(), symbols: symbols.clone(), shown: entry.shown });
            }
        }
        if room.left > 0 && text.len() + missing(room.left).len() <= room.most {
            text.push_str(&missing(room.left));
        }
        Rendered { tokens: estimate_tokens(&text), text, shown: listed.len(), files, listed }
    }
}

/// Definitions as entry and index, from the most important to the least: as many as may be shown or passed over in `most` bytes.
fn definitions(ranked: &Ranked, entries: &[Entry], most: usize) -> Vec<(usize, usize)> {
    let mut order: Vec<(f32, usize, usize)> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let ranks = ranked.items.get(entry.file).map(Vec::as_slice).unwrap_or_default();
        order.extend(ranks.iter().enumerate().map(|(item, rank)| (*rank, at, item)));
    }
    let by_rank = |(rank, at, item): &(f32, usize, usize), (other_rank, other_at, other): &(f32, usize, usize)| {
        other_rank.total_cmp(rank).then((at, item).cmp(&(other_at, other)))
    };
    let enough = most / NARROWEST + 2 * (PATIENCE + 1);
    if enough < order.len() {
        order.select_nth_unstable_by(enough, by_rank);
        order.truncate(enough);
    }
    order.sort_by(by_rank);
    order.into_iter().map(|(_, at, item)| (at, item)).collect()
}

/// What all names take.
fn names(entries: &[Entry]) -> usize {
    entries.iter().map(|entry| entry.name.len() + 1).sum()
}

/// Shows what fits of these definitions, each with those that hold it.
fn show(entries: &mut [Entry], order: &[(usize, usize)], room: &mut Room) {
    /// When so little is left, nothing more will fit.
    const NOTHING: usize = 16;
    let mut refused = 0;
    for (at, item) in order {
        if room.most.saturating_sub(room.used) < NOTHING || refused > PATIENCE {
            return;
        }
        let Some(entry) = entries.get_mut(*at).filter(|entry| !entry.shown.contains(item)) else { continue };
        let wanted = entry.with_holders(*item);
        let before = more(entry).len();
        let lines: usize = wanted.iter().filter_map(|item| entry.items().get(*item)).map(|item| line(item).len()).sum();
        let after = more_of(entry.items().len() - entry.shown.len() - wanted.len()).len();
        let name = if entry.is_named { 0 } else { entry.name.len() + 1 };
        let before = if entry.is_named { before } else { 0 };
        if room.changes(before, name + lines + after, name > 0) {
            entry.is_named = true;
            entry.shown.extend(wanted);
        } else {
            refused += 1;
        }
    }
}

impl<'a> Entry<'a> {
    fn items(&self) -> &[Item<'a>] {
        self.items.get_or_init(|| self.symbols.into_iter().flat_map(FileSymbols::items).collect())
    }

    /// A definition and those around it that are not shown yet.
    fn with_holders(&self, item: usize) -> Vec<usize> {
        let mut wanted = vec![item];
        let mut depth = self.items().get(item).map_or(0, |item| item.depth);
        for at in (0..item).rev() {
            if depth == 0 {
                break;
            }
            if let Some(holder) = self.items().get(at).filter(|holder| holder.depth < depth) {
                depth = holder.depth;
                if !self.shown.contains(&at) {
                    wanted.push(at);
                }
            }
        }
        wanted
    }
}

impl Room {
    /// Makes room for so many bytes in place of others, if they fit beside the line that says how many files are missing.
    fn changes(&mut self, before: usize, after: usize, names_file: bool) -> bool {
        let left = self.left - usize::from(names_file);
        let used = (self.used + after).saturating_sub(before);
        let fits = used + missing(left).len() <= self.most;
        if fits {
            (self.used, self.left) = (used, left);
        }
        fits
    }

    fn takes(&mut self, bytes: usize, names_file: bool) -> bool {
        self.changes(0, bytes, names_file)
    }
}

/// A definition as it stands in an outline.
pub(super) fn line(item: &Item) -> String {
    format!("{:>6} {}{}\n", item.line, "  ".repeat(item.depth), item.signature)
}

fn more(entry: &Entry) -> String {
    match entry.shown.len() {
        // A name alone promises nothing.
        0 => String::new(),
        shown => more_of(entry.items().len() - shown),
    }
}

pub(super) fn more_of(left: usize) -> String {
    if left > 0 { format!("       … {left} more\n") } else { String::new() }
}

fn missing(left: usize) -> String {
    if left > 0 { format!("… {left} more files\n") } else { String::new() }
}
