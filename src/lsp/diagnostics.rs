//! Pending hunks as diagnostics: the one way to show them that every editor has.

use serde_json::json;
use tower_lsp::gen_lsp_types::{Code, Diagnostic, DiagnosticSeverity, Message};

use super::convert;
use super::needs;
use super::review::{Review, ReviewFile, ReviewHunk, small_diff};
use crate::event::{ChangeKind, HunkFlag, HunkState};
use crate::text::hidden::{self, visible_line};
use crate::text::{PositionEncoding, Text};
use crate::workspace::DocPath;

/// The `source` of every diagnostic of ours.
pub const SOURCE: &str = "claw";

/// Lines of diff that a message may hold.
const DIFF_LINES: usize = 12;

/// Hidden characters that a title names.
const MOST_HIDDEN: usize = 3;

/// The diagnostics of `path` in the text `now`, of all sessions. Hunks that can not be placed there are left out: they
/// come back, or become conflicts, when the proposal has been derived again.
pub fn of_document(
    reviews: &[impl AsRef<Review>],
    path: &DocPath,
    now: &Text,
    encoding: PositionEncoding,
) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for review in reviews {
        let review = review.as_ref();
        for placed in review.files_at(path).map(|file| file.placed(now)) {
            for (hunk, range) in placed.hunks() {
                diagnostics.push(Diagnostic {
                    range: convert::range(now, placed.shown(hunk, range), encoding),
                    severity: Some(DiagnosticSeverity::Hint),
                    code: Some(Code::String(state_word(hunk.state).to_owned())),
                    source: Some(SOURCE.to_owned()),
                    message: Message::String(needs::told(review, hunk, message(placed.file(), hunk))),
                    data: Some(json!({"session": review.session, "hunk": hunk.id})),
                    ..Diagnostic::default()
                });
            }
        }
    }
    diagnostics
}

/// What the hunk does, and a small diff of it.
pub fn message(file: &ReviewFile, hunk: &ReviewHunk) -> String {
    let what = headline(file, hunk);
    if hunk.whole_file && file.change == ChangeKind::Rename {
        return what;
    }
    format!("{what}\n{}", small_diff(hunk, DIFF_LINES))
}

/// One line that says what accepting the hunk would do, or why it can not be accepted.
pub fn headline(file: &ReviewFile, hunk: &ReviewHunk) -> String {
    let what = if hunk.whole_file {
        match file.change {
            ChangeKind::Create => format!("create {}", visible_line(&file.name)),
            ChangeKind::Delete => format!("delete {}", visible_line(&file.name)),
            ChangeKind::Rename => format!("rename to {}", visible_line(&file.name)),
            ChangeKind::Edit => hunk.label(),
        }
    } else {
        hunk.label()
    };
    let what = warned(hunk, what);
    match hunk.state {
        HunkState::Pending | HunkState::Accepted | HunkState::Rejected => what,
        HunkState::Conflict => format!("{what} (conflict: these lines were changed meanwhile)"),
        HunkState::Unverified => {
            format!("{what} (not certain: the editor said it applied this, but its text does not show it)")
        }
    }
}

/// With what to look at in front, where no cut reaches it.
fn warned(hunk: &ReviewHunk, what: String) -> String {
    let warnings = hunk.flags.iter().map(|flag| match flag {
        HunkFlag::HiddenCharacters => hides(hunk),
        HunkFlag::Syntax => "adds a syntax error".to_owned(),
        HunkFlag::Protected => "protected path".to_owned(),
    });
    let warnings: Vec<String> = warnings.collect();
    if warnings.is_empty() { what } else { format!("{}: {what}", warnings.join(", ")) }
}

fn hides(hunk: &ReviewHunk) -> String {
    let hidden = hidden::added(&hunk.old_text, &hunk.new_text);
    let shown: Vec<String> = hidden.iter().take(MOST_HIDDEN).map(|c| format!("⟨U+{:04X}⟩", u32::from(*c))).collect();
    match hidden.len().saturating_sub(MOST_HIDDEN) {
        _ if hidden.is_empty() => "hides characters in its name".to_owned(),
        0 => format!("hides {}", shown.join(" ")),
        more => format!("hides {} and {more} more", shown.join(" ")),
    }
}

fn state_word(state: HunkState) -> &'static str {
    match state {
        HunkState::Pending => "pending",
        HunkState::Accepted => "accepted",
        HunkState::Rejected => "rejected",
        HunkState::Conflict => "conflict",
        HunkState::Unverified => "unverified",
    }
}
