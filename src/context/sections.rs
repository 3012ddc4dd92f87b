//! Sections while they are put together, and what they may still take.

use super::render::{block, one_line};
use crate::event::{ContextReceipt, ContextSection};
use crate::text::floor_char_boundary;

/// The order in which sections are shown.
const ORDER: &[&str] = &[
    "instruction",
    "file",
    "selection",
    "symbol",
    "related",
    "mention",
    "diff",
    "diagnostics",
    "buffers",
    "outline",
    "rules",
    "memory",
];
/// Tokens that a block's marks take, at most.
const MARKS: u64 = 60;

pub(in crate::context) struct Sections {
    sections: Vec<ContextSection>,
    budget: u64,
    used: u64,
}

impl Sections {
    pub fn new(budget: u64) -> Sections {
        Sections { sections: Vec::new(), budget, used: 0 }
    }

    /// What the user says is never cut.
    pub fn instruction(&mut self, instruction: &str) {
        self.include("instruction", "user", instruction.to_owned(), None);
    }

    /// Tokens for the text of one more section: `share` parts of a hundred of the budget, or what is left of it.
    pub fn room(&self, share: u64) -> u64 {
        let left = self.budget.saturating_sub(self.used);
        (self.budget.saturating_mul(share) / 100).min(left).saturating_sub(MARKS)
    }

    /// Adds a section. `reason` says how it was shortened, if it was.
    pub fn include(&mut self, name: &str, source: &str, text: String, reason: Option<String>) {
        let mut section = ContextSection {
            name: name.to_owned(),
            source: one_line(source),
            tokens: 0,
            included: true,
            reason,
            text: Some(text),
        };
        section.tokens = super::estimate_tokens(&block(&section));
        if section.tokens > self.budget.saturating_sub(self.used) && name != "instruction" {
            return self.leave_out(name, source, "no budget is left");
        }
        self.used += section.tokens;
        self.sections.push(section);
    }

    /// Names a section that is not there.
    pub fn leave_out(&mut self, name: &str, source: &str, reason: &str) {
        self.sections.push(ContextSection {
            name: name.to_owned(),
            source: one_line(source),
            tokens: 0,
            included: false,
            reason: Some(reason.to_owned()),
            text: None,
        });
    }

    pub fn into_receipt(mut self) -> ContextReceipt {
        self.sections.sort_by_key(|section| ORDER.iter().position(|name| *name == section.name));
        ContextReceipt { sections: self.sections, tokens: self.used, budget: self.budget }
    }
}

/// `text` cut to whole lines that take no more than `tokens`, and whether it was.
pub(in crate::context) fn fit(text: &str, tokens: u64) -> (&str, bool) {
    let most = usize::try_from(tokens.saturating_mul(4)).unwrap_or(usize::MAX);
    if text.len() <= most {
        return (text, false);
    }
    let end = floor_char_boundary(text, most);
    let end = text.get(..end).and_then(|head| head.rfind('\n')).map_or(end, |at| at + 1);
    (text.get(..end).unwrap_or_default(), true)
}
