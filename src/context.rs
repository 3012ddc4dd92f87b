//! What the model should see for an ask, within a budget.
//!
//! A function of what the editor holds: an [`Inquiry`], a [`View`] and an [`Index`] go in, sections with receipts come out.
//! This module must never know how the sections are sent, or to whom.
//!
//! Everything but the instruction is somebody else's text: [`render`] puts it into blocks that it can not end.

mod buffers;
mod files;
pub mod focus;
mod mentions;
pub mod outline;
mod overview;
pub mod references;
mod related;
mod render;
pub mod rules;
mod sections;
pub mod shown;

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::event::ContextReceipt;
use crate::workspace::{DocPath, View};
use mentions::Mention;
use sections::Sections;

pub use mentions::asks_for_diagnostics;
pub use outline::{Index, Listed, Ranking, Rendered, Snapshot, SnapshotState};
pub use overview::overview;
pub use render::render;
pub use shown::{Shown, secret_name};

/// What is asked, and where the user is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inquiry {
    pub instruction: String,
    pub focus: Option<Focus>,
    /// Problems that the editor knows at the focus, or all where the instruction asks for them, rendered one a line.
    pub diagnostics: Vec<String>,
    /// The model reads slowly and is lost in much: it gets the files that the instruction is about, and little else.
    pub lean: bool,
}

/// A place in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Focus {
    pub path: DocPath,
    /// Bytes of the live text; empty for a cursor.
    pub range: Range<usize>,
}

/// How many tokens the sections may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub total: u64,
    /// The part of it that the outline of the workspace may take.
    pub map: u64,
}

/// Assembles the sections of a turn's first message: `instruction`, `file`, `selection`, `symbol`, `related`,
/// `mention`, `diff`, `diagnostics`, `buffers`, `outline`, `rules` and `memory`, in this order, left out ones with the reason. Together they take no more than the budget, but the
/// instruction is always whole.
///
/// What of the workspace is not known by `deadline` is named as `not ready`; the index goes on with it in the background.
/// Blocks on the disk.
pub fn assemble(inquiry: &Inquiry, view: &View, budget: Budget, index: &Index, deadline: Instant) -> ContextReceipt {
    // The index works while the rest is put together.
    index.refresh(view);
    let live = view.live();
    let place = inquiry.focus.as_ref().map(|focus| focus::Place::of(focus, view, index)).transpose();
    // Filled in the order of what matters, which is not the order they are shown in.
    let mut sections = Sections::new(budget.total);
    sections.instruction(&inquiry.instruction);
    focus::selection(&mut sections, &place);
    let mentions = mentions::mentions(&inquiry.instruction);
    let asks = |mention: &Mention| mentions.contains(mention);
    focus::diagnostics(&mut sections, &inquiry.diagnostics, &place, asks(&Mention::Diagnostics));
    focus::symbol(&mut sections, &place);
    rules::rules(&mut sections, &live, inquiry.focus.as_ref());
    rules::memory(&mut sections, &live);
    let outlined = buffers::buffers(&mut sections, &live, index, inquiry.focus.as_ref(), deadline);
    let snapshot = index.snapshot(view, deadline);
    let has_files = inquiry.lean && files::files(&mut sections, inquiry, &live, &snapshot);
    mentions::mentioned(&mut sections, &mentions, &live, index, &snapshot, inquiry.focus.as_ref());
    // What is asked for by name may take its time.
    let patience = if asks(&Mention::Diff) { ASKED_DIFF } else { DIFF };
    let latest = Instant::now().max(deadline) + patience;
    let late = || Instant::now() > latest;
    related::diff(&mut sections, &live, inquiry.focus.as_ref(), asks(&Mention::Diff), &late);
    related::related(&mut sections, &live, &snapshot, inquiry.focus.as_ref());
    let ranking = Ranking { skip: outlined, ..ranking(inquiry, view, &late) };
    if has_files {
        sections.leave_out("outline", "workspace", "the files that the instruction is about are there");
    } else {
        outline::outline(&mut sections, view, &snapshot, &ranking, budget.map);
    }
    rules::elsewhere(&mut sections, &live, inquiry.focus.as_ref(), snapshot.files.iter().map(|(path, _)| path));
    sections.into_receipt()
}

/// How long the repository may be looked at when the index is ready, and when the instruction asks for it.
const DIFF: Duration = Duration::from_millis(50);
const ASKED_DIFF: Duration = Duration::from_secs(3);

/// What the ask is about, for the outline.
fn ranking(inquiry: &Inquiry, view: &View, stop: &(dyn Fn() -> bool + Sync)) -> Ranking {
    let mut ranking = Ranking::of(view, inquiry.focus.as_ref(), stop);
    ranking.mentioned = Ranking::mentioned_in(&inquiry.instruction);
    if !inquiry.diagnostics.is_empty() {
        ranking.troubled.extend(ranking.focus.clone());
    }
    ranking
}

/// A cheap estimate: providers count within a quarter of it for source code.
pub fn estimate_tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}
