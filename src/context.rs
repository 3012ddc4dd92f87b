//! What the model should see for an ask, within a budget.
//!
//! A pure function of what the editor holds: an [`Inquiry`] and a [`View`] go in, sections with receipts come out. This
//! module must never know how the sections are sent, or to whom.

pub mod focus;
pub mod outline;
pub mod rules;

use std::ops::Range;
use std::time::Instant;

use crate::event::{ContextReceipt, ContextSection};
use crate::workspace::{DocPath, View};

pub use outline::Index;

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

/// Assembles the sections of a turn's first message. What is not at hand by `deadline` is named in the receipt as `not
/// ready`; the index goes on with it in the background. Blocks on the disk.
pub fn assemble(inquiry: &Inquiry, view: &View, budget: Budget, index: &Index, deadline: Instant) -> ContextReceipt {
    let _ = (view, index, deadline);
    let tokens = estimate_tokens(&inquiry.instruction);
    let instruction = ContextSection {
        name: "instruction".to_owned(),
        source: "user".to_owned(),
        tokens,
        included: true,
        reason: None,
        text: Some(inquiry.instruction.clone()),
    };
    ContextReceipt { sections: vec![instruction], tokens, budget: budget.total }
}

/// The text of the message that the sections make.
pub fn render(receipt: &ContextReceipt) -> String {
    let texts: Vec<&str> = receipt.sections.iter().filter_map(|section| section.text.as_deref()).collect();
    texts.join("\n\n")
}

/// A cheap estimate: providers count within a quarter of it for source code.
pub fn estimate_tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}
