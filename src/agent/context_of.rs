//! What a turn's first message holds: the context of the ask, and what the user decided since the last turn.

use std::time::{Duration, Instant};

use super::prompt;
use super::session::{Ask, Session};
use crate::context::{Budget, Focus, Inquiry, assemble, estimate_tokens};
use crate::event::ContextReceipt;
use crate::text::Edit;
use crate::workspace::{Author, Overlay};

/// How long a request waits for an index that is still being made.
const PATIENCE: Duration = Duration::from_millis(100);

/// Tokens of a model's window when nobody tells. A larger one is for the conversation: more at its beginning is not better.
const DEFAULT_WINDOW: u64 = 32_768;

/// Sections of so many tokens fit any window.
const FIT_ANYWHERE: u64 = 2048;

/// Who knows the window of the turn's model: what is known at once, and what its provider tells when it is asked, which takes a
/// moment.
pub(in crate::agent) struct Window<'a> {
    pub known: Option<u64>,
    pub ask: &'a dyn Fn() -> Option<u64>,
}

/// Tokens of context for a small model, and how many of them the outline of the workspace may take.
const LEAN_TOTAL: u64 = 900;
const LEAN_MAP: u64 = 200;

pub(in crate::agent) struct Gathered {
    pub receipt: ContextReceipt,
    /// The overlay before and after the comment that asks was taken out.
    pub overlay: Option<(Overlay, Overlay)>,
}

/// Looks at the workspace. Blocks on the disk.
pub(in crate::agent) fn gather(session: &Session, ask: &Ask, turn: &str, window: &Window<'_>, lean: bool) -> Gathered {
    let parts = session.parts();
    // Whatever the user did since the last look is part of what the turn begins with.
    session.observe();
    let overlay = session.overlay();
    let view = parts.visible.view(&overlay);
    let inquiry = Inquiry {
        instruction: ask.instruction.clone(),
        focus: ask.focus.clone(),
        diagnostics: ask.diagnostics.clone(),
        lean,
    };
    let within = |window: u64| {
        let mut budget = Budget { total: window / 2, map: parts.config.context.map_tokens };
        if lean {
            budget = Budget { total: budget.total.min(LEAN_TOTAL), map: budget.map.min(LEAN_MAP) };
        }
        assemble(&inquiry, &view, budget, &parts.index, Instant::now() + PATIENCE)
    };
    let at_most = |window: u64| window.min(DEFAULT_WINDOW);
    let mut receipt = match (parts.config.context.window, window.known) {
        (Some(window), _) => within(window),
        (None, Some(window)) => within(at_most(window)),
        (None, None) => {
            let receipt = within(DEFAULT_WINDOW);
            let told = (receipt.tokens > FIT_ANYWHERE).then(|| (window.ask)()).flatten();
            told.filter(|window| window / 2 < receipt.tokens).map_or(receipt, within)
        }
    };
    if let Some(text) = session.take_review_notes() {
        let section = prompt::section("review", "user", &text);
        receipt.tokens += section.tokens;
        receipt.sections.insert(0, section);
    }
    let without = ask.comment.as_ref().and_then(|comment| without_comment(session, &overlay, comment, turn));
    Gathered { receipt, overlay: without.map(|after| (overlay, after)) }
}

/// The instruction alone, when nothing else could be had.
pub(in crate::agent) fn bare(ask: &Ask) -> Gathered {
    let tokens = estimate_tokens(&ask.instruction);
    let section = prompt::section("instruction", "user", &ask.instruction);
    Gathered { receipt: ContextReceipt { sections: vec![section], tokens, budget: tokens }, overlay: None }
}

/// The overlay with the comment taken out of its document; `None` where it does not stand any more.
fn without_comment(session: &Session, overlay: &Overlay, comment: &Focus, turn: &str) -> Option<Overlay> {
    let view = session.parts().workspace.view(overlay);
    let live = view.read_live(&comment.path).ok()?;
    let words = live.text.slice(comment.range.clone())?;
    let document = view.read(&comment.path).ok().filter(|document| document.read_only.is_none())?;
    // Earlier proposals may have moved it: it is taken out where it stands now, if that is one place.
    let range = if document.text.slice(comment.range.clone()).as_ref() == Some(&words) {
        comment.range.clone()
    } else {
        match crate::text::locate::locate(&document.text, &words) {
            crate::text::locate::Located::Unique(range) => range,
            crate::text::locate::Located::Many(_) | crate::text::locate::Located::Missing { .. } => return None,
        }
    };
    let text = document.text.apply(&Edit { range, insert: String::new() }).ok()?;
    let mut after = overlay.clone();
    let author = Author { turn: turn.to_owned(), call: "comment".to_owned() };
    after.write(&comment.path, Some(&document), Some(text), author).ok()?;
    Some(after)
}
