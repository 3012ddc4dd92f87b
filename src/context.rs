//! What the model should see for an ask, within a budget.
//!
//! A function of what the editor holds: an [`Inquiry`], a [`View`] and an [`Index`] go in, sections with receipts come out.
//! This module must never know how the sections are sent, or to whom.
//!
//! Everything but the instruction is somebody else's text: [`render`] puts it into blocks that it can not end.

mod buffers;
pub mod focus;
pub mod outline;
mod render;
pub mod rules;
mod sections;
pub mod shown;

use std::ops::Range;
use std::time::Instant;

use crate::event::ContextReceipt;
use crate::workspace::{DocPath, View};
use sections::Sections;

pub use outline::{Index, RankedFile, Ranking, Rendered, Snapshot, SnapshotState};
pub use render::render;
pub use shown::{Shown, secret_name};

/// What is asked, and where the user is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inquiry {
    pub instruction: String,
    pub focus: Option<Focus>,
    /// Problems that the editor knows at the focus, rendered one a line.
    pub diagnostics: Vec<String>,
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

/// Assembles the sections of a turn's first message: `instruction`, `selection`, `symbol`, `diagnostics`, `buffers`,
/// `outline` and `rules`, in this order, left out ones with the reason. Together they take no more than the budget, but the
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
    focus::diagnostics(&mut sections, &inquiry.diagnostics, &place);
    focus::symbol(&mut sections, &place);
    rules::rules(&mut sections, &live, inquiry.focus.as_ref());
    let outlined = buffers::buffers(&mut sections, &live, index, inquiry.focus.as_ref(), deadline);
    let snapshot = outline::outline(&mut sections, view, index, inquiry.focus.as_ref(), outlined, budget.map, deadline);
    rules::elsewhere(&mut sections, &live, inquiry.focus.as_ref(), snapshot.files.iter().map(|(path, _)| path));
    sections.into_receipt()
}

/// A cheap estimate: providers count within a quarter of it for source code.
pub fn estimate_tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}
