//! The symbols of the workspace as an outline that fits a budget.
//!
//! [`Index`] knows the definitions of every file and keeps them up to date in the background; a [`Snapshot`] is what it
//! knows at one moment; [`Snapshot::render`] chooses what of it to show, from most to least telling, and never shows more
//! than the budget allows. The same snapshot, ranking and budget give the same text.

mod cache;
mod index;
mod symbols;

use std::collections::BTreeSet;

use std::time::Instant;

use super::render::one_line;
use super::sections::Sections;
use super::{Focus, estimate_tokens};
use crate::workspace::{DocPath, RootId, Roots, View};

pub(in crate::context) use index::language_of;
pub use index::{Index, Snapshot, SnapshotState};
pub use symbols::{FileSymbols, Item};

/// What the user is looking at: files near it come first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranking {
    pub focus: Option<DocPath>,
    pub open: BTreeSet<DocPath>,
    /// Files that are not to be shown, because they stand elsewhere.
    pub skip: BTreeSet<DocPath>,
}

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
}

/// A file in the order of a ranking.
#[derive(Clone, Debug)]
pub struct RankedFile<'a> {
    pub path: &'a DocPath,
    /// `None` for a file without a grammar.
    pub symbols: Option<&'a FileSymbols>,
}

/// The part of the remaining budget that one file may take: the first files can not crowd out the others.
const SHARE: u64 = 4;
/// Tokens below which a file is only named.
const LEAST: u64 = 24;
/// Folders whose files say less about what a project is.
const ASIDE: &[&str] =
    &["test", "tests", "testing", "bench", "benches", "examples", "docs", "fixtures", "vendor", "third_party"];

impl Snapshot {
    /// The files from most to least telling: the focus, open ones, those in the same folder, the rest by depth and name;
    /// files with definitions before others.
    pub fn ranked(&self, ranking: &Ranking) -> Vec<RankedFile<'_>> {
        let folder = ranking.focus.as_ref().and_then(folder_of);
        let class = |path: &DocPath, symbols: Option<&FileSymbols>| -> usize {
            let has_symbols = symbols.is_some_and(|symbols| !symbols.is_empty());
            if Some(path) == ranking.focus.as_ref() {
                0
            } else if ranking.open.contains(path) {
                1
            } else if has_symbols && folder.is_some() && folder == folder_of(path) {
                2
            } else if has_symbols && !is_aside(path) {
                3
            } else if has_symbols {
                4
            } else {
                5
            }
        };
        let mut files: Vec<(usize, usize, RankedFile)> = self
            .files
            .iter()
            .filter(|(path, _)| !ranking.skip.contains(path))
            .map(|(path, symbols)| (path, symbols.as_ref()))
            .map(|(path, symbols)| (class(path, symbols), depth_of(path), RankedFile { path, symbols }))
            .collect();
        files.sort_by(|(a, b, one), (x, y, other)| (a, b, one.path).cmp(&(x, y, other.path)));
        files.into_iter().map(|(_, _, file)| file).collect()
    }

    /// As much of the ranked files as `tokens` allow.
    pub fn render(&self, roots: &Roots, ranking: &Ranking, tokens: u64) -> Rendered {
        let files = self.ranked(ranking);
        let mut outline = Fitted::new(tokens);
        let mut shown = 0;
        for (at, file) in files.iter().enumerate() {
            let left = files.len() - at;
            let name = one_line(&roots.display(file.path));
            // Room for the line that says what is missing, if anything will be.
            let reserve = if left > 1 { format!("… {left} more files\n") } else { String::new() };
            let whole_share = if left == 1 { outline.left() } else { outline.left() / SHARE };
            let listed = file.symbols.filter(|_| whole_share >= LEAST);
            let text = match listed {
                Some(symbols) if !symbols.is_empty() => with_symbols(&name, symbols, whole_share),
                _ => format!("{name}\n"),
            };
            if !outline.push(&text, &reserve) && !outline.push(&format!("{name}\n"), &reserve) {
                outline.push(&format!("… {left} more files\n"), "");
                break;
            }
            shown += 1;
        }
        Rendered { tokens: estimate_tokens(&outline.text), text: outline.text, shown, files: files.len() }
    }
}

/// Adds the section, but for the documents that are `outlined` already, and gives what `index` knows by `deadline`.
pub(in crate::context) fn outline(
    sections: &mut Sections,
    view: &View,
    index: &Index,
    focus: Option<&Focus>,
    outlined: BTreeSet<DocPath>,
    tokens: u64,
    deadline: Instant,
) -> Snapshot {
    let snapshot = index.snapshot(view, deadline);
    let ranking = Ranking {
        focus: focus.map(|focus| focus.path.clone()),
        open: view.buffers().iter().map(|(path, _)| path.clone()).collect(),
        skip: outlined,
    };
    let rendered = snapshot.render(view.roots(), &ranking, sections.room(100).min(tokens));
    let reason = match snapshot.state {
        SnapshotState::Incomplete { missing: None } => Some("not ready".to_owned()),
        SnapshotState::Incomplete { missing: Some(missing) } => {
            tracing::debug!(missing, "the request leaves before the index is ready");
            Some("not ready".to_owned())
        }
        SnapshotState::Earlier => Some("as of the last turn".to_owned()),
        SnapshotState::Ready if rendered.shown < rendered.files => {
            Some(format!("shortened: {} of {} files", rendered.shown, rendered.files))
        }
        SnapshotState::Ready => None,
    };
    match (rendered.files, rendered.shown) {
        (0, _) => {
            let reason = reason.unwrap_or_else(|| "there are no other files".to_owned());
            sections.leave_out("outline", "workspace", &reason);
        }
        (_, 0) => sections.leave_out("outline", "workspace", "no budget is left"),
        _ => sections.include("outline", "workspace", rendered.text, reason),
    }
    snapshot
}

/// A file's name and as many of its definitions as fit, outer ones first.
pub(in crate::context) fn with_symbols(name: &str, symbols: &FileSymbols, tokens: u64) -> String {
    let items: Vec<Item> = symbols.items().collect();
    let deepest = items.iter().map(|item| item.depth).max().unwrap_or_default();
    let line = |item: &Item| format!("{:>6} {}{}\n", item.line, "  ".repeat(item.depth), item.signature);
    let head = format!("{name}\n");
    let more = |left: usize| if left > 0 { format!("       … {left} more definitions\n") } else { String::new() };
    // The deepest level at which everything fits; if none does, the first of the outermost.
    for depth in (0..=deepest).rev() {
        let chosen: Vec<&Item> = items.iter().filter(|item| item.depth <= depth).collect();
        let lines: String = chosen.iter().map(|item| line(item)).collect();
        let text = format!("{head}{lines}{}", more(items.len() - chosen.len()));
        if estimate_tokens(&text) <= tokens {
            return text;
        }
    }
    let mut text = head;
    let mut left = items.len();
    for item in items.iter().filter(|item| item.depth == 0) {
        let line = line(item);
        let with_line = text.len() + line.len() + more(left).len();
        if with_line.div_ceil(4) as u64 > tokens {
            break;
        }
        text.push_str(&line);
        left -= 1;
    }
    format!("{text}{}", more(left))
}

/// Text that never outgrows its budget.
struct Fitted {
    text: String,
    /// Bytes, as [`estimate_tokens`] counts them.
    most: usize,
}

impl Fitted {
    fn new(tokens: u64) -> Fitted {
        Fitted { text: String::new(), most: usize::try_from(tokens.saturating_mul(4)).unwrap_or(usize::MAX) }
    }

    /// Adds `text` if it fits with `reserve` still to come.
    fn push(&mut self, text: &str, reserve: &str) -> bool {
        let fits = self.text.len() + text.len() + reserve.len() <= self.most;
        if fits {
            self.text.push_str(text);
        }
        fits
    }

    /// Tokens that are free.
    fn left(&self) -> u64 {
        ((self.most - self.text.len()) / 4) as u64
    }
}

fn folder_of(path: &DocPath) -> Option<(RootId, &str)> {
    match path {
        DocPath::File { root, rel } => Some((*root, rel.rsplit_once('/').map_or("", |(folder, _)| folder))),
        DocPath::Virtual(_) => None,
    }
}

/// How many folders a file lies in.
fn depth_of(path: &DocPath) -> usize {
    match path {
        DocPath::File { rel, .. } => rel.bytes().filter(|byte| *byte == b'/').count(),
        DocPath::Virtual(_) => 0,
    }
}

fn is_aside(path: &DocPath) -> bool {
    match path {
        DocPath::File { rel, .. } => rel.split('/').any(|part| ASIDE.contains(&part)),
        DocPath::Virtual(_) => false,
    }
}

#[cfg(test)]
mod tests;
