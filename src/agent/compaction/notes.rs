//! What a model is shown of messages that go, and its notes in the summary.

use serde::Deserialize;

use super::Kept;
use crate::context::estimate_tokens;
use crate::event::Compacted;
use crate::model::Message;
use crate::text::floor_char_boundary;

/// Bytes of all that is shown: a window of 32,000 tokens holds it twice.
const MOST: usize = 64 * 1024;
/// Of what was said in one message, of a call's arguments, of a result.
const SAID: usize = 2_000;
const ARGUMENTS: usize = 300;
const RESULT: usize = 400;
/// Of the first message, which may be the summary of what went before.
const FIRST: usize = 8 * 1024;
/// Bytes that notes may have, and the part of the history that they may be.
const NOTES: u64 = 6_000;
const SHARE: u64 = 24;

const HEAD: &str = "\n\n## Notes\n";

/// The messages that a compaction takes out, as text: the first, and as many of the latest as there is room for. `None` if it takes out
/// none.
pub(in crate::agent) fn going(messages: &[Message], compacted: &Compacted) -> Option<String> {
    let Ok(Kept::Summary { messages: kept }) = Kept::deserialize(&compacted.kept) else { return None };
    let gone = messages.get(..messages.len().checked_sub(kept)?)?;
    let (first, others) = gone.split_first()?;
    let first = told(first, FIRST);
    let mut latest: Vec<String> = Vec::new();
    let mut room = MOST.saturating_sub(first.len());
    for message in others.iter().rev() {
        let message = told(message, SAID);
        let Some(left) = room.checked_sub(message.len()) else {
            latest.push("…\n\n".to_owned());
            break;
        };
        room = left;
        latest.push(message);
    }
    latest.reverse();
    Some(format!("{first}{}", latest.concat()))
}

/// The compaction with notes behind its summary, as far as there is room for them.
pub(in crate::agent) fn with_notes(compacted: Compacted, notes: &str, per_1000: u64) -> Compacted {
    let most = (compacted.tokens_before / SHARE).saturating_mul(per_1000) / 1000;
    let notes = cut(notes.trim(), usize::try_from(most.min(NOTES)).unwrap_or_default());
    if notes.is_empty() {
        return compacted;
    }
    let added = format!("{HEAD}{notes}");
    let tokens = estimate_tokens(&added).saturating_mul(4000) / per_1000.max(1);
    Compacted {
        tokens_after: compacted.tokens_after.saturating_add(tokens),
        summary: format!("{}{added}", compacted.summary),
        ..compacted
    }
}

/// The notes behind a summary that was kept, if it begins with this one.
pub(in crate::agent) fn notes_behind(summary: &str, kept: &Compacted) -> Option<String> {
    Some(kept.summary.strip_prefix(summary)?.strip_prefix(HEAD)?.to_owned())
}

fn told(message: &Message, most: usize) -> String {
    match message {
        Message::User { text } => format!("User: {}\n\n", cut(text, most)),
        Message::Assistant { text, tool_calls, .. } => {
            let calls =
                tool_calls.iter().map(|call| format!("\ncalls {} {}", call.name, cut(&call.arguments, ARGUMENTS)));
            format!("Agent: {}{}\n\n", cut(text, most), calls.collect::<String>())
        }
        Message::ToolResult { output, .. } => format!("Result: {}\n\n", cut(output, RESULT)),
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.get(..floor_char_boundary(text, most.min(text.len()))) {
        Some(beginning) if beginning.len() < text.len() => format!("{beginning}…"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Message {
        Message::User { text: text.to_owned() }
    }

    fn summary(kept: usize) -> Compacted {
        let kept = serde_json::to_value(Kept::Summary { messages: kept }).unwrap();
        Compacted { tokens_before: 24_000, tokens_after: 9_000, kept, summary: "S".to_owned() }
    }

    #[test]
    fn the_first_and_the_latest_are_shown() {
        let mut messages = vec![user("first")];
        messages.extend((0..100).map(|at| user(&format!("{at} {}", "x".repeat(1_500)))));
        messages.extend([user("stays"), user("stays too")]);
        let shown = going(&messages, &summary(2)).unwrap();
        assert!(shown.starts_with("User: first\n\n…\n\nUser: ") && shown.contains("User: 99 x"), "{shown}");
        assert!(!shown.contains("stays") && shown.len() <= MOST + 8);
        assert_eq!(going(&messages, &summary(200)), None);
    }

    #[test]
    fn notes_come_back_from_what_was_kept() {
        let (before, notes) = (summary(1), "- a\n- b");
        let after = with_notes(before.clone(), notes, 4_000);
        assert_eq!(notes_behind(&before.summary, &after).as_deref(), Some(notes));
        assert_eq!((notes_behind("other", &after), notes_behind("S", &before)), (None, None));
        assert!(after.tokens_after > before.tokens_after);
        let long = with_notes(before.clone(), &"é".repeat(9_000), 4_000);
        let kept = notes_behind("S", &long).unwrap();
        assert!(kept.len() < 4_010 && kept.ends_with('…'), "{}", kept.len());
        // What was cut once is not cut again.
        assert_eq!(with_notes(before.clone(), &kept, 4_000).summary, long.summary);
        assert_eq!(with_notes(before.clone(), " \n", 4_000), before);
    }
}
