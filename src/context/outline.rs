//! The symbols of the workspace as an outline that fits a budget.
//!
//! [`Index`] knows the definitions of every file and keeps them up to date in the background; a [`Snapshot`] is what it
//! knows at one moment; [`Snapshot::render`] chooses what of it to show, by who uses whom and where the user stands, and never
//! shows more than the budget allows. The same snapshot, ranking and budget give the same text.

mod cache;
mod graph;
mod index;
mod ranking;
mod reader;
mod related;
mod rendered;
mod symbols;

use std::borrow::Cow;

use super::estimate_tokens;
use super::sections::Sections;
use crate::workspace::{DocPath, View};

pub use index::{Index, Snapshot, SnapshotState};
pub use ranking::Ranking;
pub(in crate::context) use reader::language_of;
pub use reader::{Reader, reader_of};
pub use related::{Place, Related};
pub use rendered::{Listed, Rendered};
pub use symbols::{FileSymbols, Item};

/// Folders whose files say less about what a project is.
const ASIDE: &[&str] =
    &["test", "tests", "testing", "bench", "benches", "examples", "docs", "fixtures", "vendor", "third_party"];

/// Adds the section: as much of the snapshot as `tokens` allow.
pub(in crate::context) fn outline(
    sections: &mut Sections,
    view: &View,
    snapshot: &Snapshot,
    ranking: &Ranking,
    tokens: u64,
) {
    let rendered = snapshot.render(view.roots(), ranking, sections.room(100).min(tokens));
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
}

/// A file's name and as many of its definitions as fit, outer ones first.
pub(in crate::context) fn with_symbols(name: &str, symbols: &FileSymbols, tokens: u64) -> String {
    let items: Vec<Item> = symbols.items().collect();
    let deepest = items.iter().map(|item| item.depth).max().unwrap_or_default();
    let line = |item: &Item| format!("{:>6} {}{}\n", item.line, "  ".repeat(item.depth), item.signature);
    let head = format!("{name}\n");
    let more = |left: usize| if left > 0 { format!("       … {left} more\n") } else { String::new() };
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

/// A path as the name tells its language.
fn name_of(path: &DocPath) -> Cow<'_, str> {
    match path {
        DocPath::File { rel, .. } => Cow::Borrowed(rel),
        DocPath::Virtual(uri) => Cow::Borrowed(uri),
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
