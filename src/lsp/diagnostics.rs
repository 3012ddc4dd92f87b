//! Pending hunks as diagnostics: the one way to show them that every editor has.

use serde_json::json;
use tower_lsp::gen_lsp_types::{Code, Diagnostic, DiagnosticSeverity, Message};

use super::convert;
use super::review::{Review, ReviewFile, ReviewHunk, small_diff};
use crate::event::{ChangeKind, HunkState};
use crate::text::{PositionEncoding, Text};
use crate::workspace::DocPath;

/// The `source` of every diagnostic of ours.
pub const SOURCE: &str = "claw";

/// Lines of diff that a message may hold.
const DIFF_LINES: usize = 12;

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
                    message: Message::String(message(placed.file(), hunk)),
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
            ChangeKind::Create => format!("create {}", file.name),
            ChangeKind::Delete => format!("delete {}", file.name),
            ChangeKind::Rename => format!("rename to {}", file.name),
            ChangeKind::Edit => hunk.label(),
        }
    } else {
        hunk.label()
    };
    match hunk.state {
        HunkState::Pending | HunkState::Accepted | HunkState::Rejected => what,
        HunkState::Conflict => format!("{what} (conflict: these lines were changed meanwhile)"),
        HunkState::Unverified => {
            format!("{what} (not certain: the editor said it applied this, but its text does not show it)")
        }
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
