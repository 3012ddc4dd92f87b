//! What the editor has open: names, whether they are saved, and their outlines.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::outline::{self, Index, reader_of};
use super::render::one_line;
use super::sections::{Sections, fit};
use super::{Focus, estimate_tokens};
use crate::workspace::{Buffer, DocPath, View};

/// Parts of a hundred of the budget that the section may take.
const SHARE: u64 = 15;
/// Open documents that are named.
const MOST: usize = 50;
/// Tokens that one document's outline may take, of those that are left.
const PART: u64 = 3;

/// Adds the section, and gives the documents whose outlines stand in it.
pub(super) fn buffers(
    sections: &mut Sections,
    live: &View,
    index: &Index,
    focus: Option<&Focus>,
    deadline: Instant,
) -> BTreeSet<DocPath> {
    let mut open: Vec<(&DocPath, &Arc<Buffer>)> = live.buffers().iter().collect();
    if open.is_empty() {
        sections.leave_out("buffers", "editor", "nothing is open");
        return BTreeSet::new();
    }
    let is_focus = |path: &DocPath| focus.is_some_and(|focus| &focus.path == path);
    open.sort_by_key(|(path, _)| (!is_focus(path), (*path).clone()));
    let room = sections.room(SHARE);
    let names: Vec<String> = open.iter().take(MOST).map(|(path, buffer)| name(live, path, buffer, deadline)).collect();
    let more = open.len() - names.len();
    // Every name first, then outlines as far as they fit.
    let mut left = room.saturating_sub(names.iter().map(|name| estimate_tokens(name) + 1).sum());
    let mut outlined = BTreeSet::new();
    let mut text = String::new();
    for ((path, buffer), name) in open.iter().zip(&names) {
        let in_time = Instant::now() < deadline;
        let reader = reader_of(live, path).filter(|_| in_time && left > 0);
        let symbols = reader.map(|reader| index.outline_of(&buffer.text, reader.language()));
        match symbols.filter(|symbols| !symbols.is_empty()) {
            Some(symbols) => {
                let entry = outline::with_symbols(name, &symbols, estimate_tokens(name) + 1 + left / PART);
                left = left.saturating_sub(estimate_tokens(&entry).saturating_sub(estimate_tokens(name)));
                text.push_str(&entry);
                outlined.insert((*path).clone());
            }
            None => text.push_str(&format!("{name}\n")),
        }
    }
    if more > 0 {
        text.push_str(&format!("… {more} more\n"));
    }
    let (shown, cut) = fit(&text, room);
    let reason = match (cut, more) {
        (true, _) => Some("shortened to its share of the budget".to_owned()),
        (false, 0) => None,
        (false, more) => Some(format!("shortened: {more} more are open")),
    };
    sections.include("buffers", "editor", shown.to_owned(), reason);
    if cut { BTreeSet::new() } else { outlined }
}

fn name(live: &View, path: &DocPath, buffer: &Buffer, deadline: Instant) -> String {
    let saved = match path {
        DocPath::Virtual(_) => ", not saved to a file",
        DocPath::File { .. } if Instant::now() < deadline && live.is_dirty(path) => ", modified",
        DocPath::File { .. } => "",
    };
    format!("{} ({} lines{saved})", one_line(&live.roots().display(path)), buffer.text.line_count())
}
