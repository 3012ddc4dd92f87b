//! A session as a conversation to be read: what was asked, what was answered, and between them a line for each thing that was done.
//! It is made of the events alone, and must never know where it is shown.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::event::{Event, EventKind, TurnStatus};
use crate::text::hidden::{visible, visible_line};

/// Most bytes of it. Of a longer one the end is what matters.
const MOST: usize = 1024 * 1024;

/// The conversation as Markdown. What stands in it is text, with everything visible that is not; nothing is fetched to show it.
pub fn transcript(title: &str, events: &[Event]) -> String {
    let turns: Vec<String> = events.chunk_by(|one, next| one.turn == next.turn).map(turn).collect();
    let mut kept = 0;
    let shown = turns.iter().rev().take_while(|turn| {
        kept += turn.len();
        kept <= MOST
    });
    let shown = shown.count().max(1).min(turns.len());
    let left_out = turns.len() - shown;
    let mut text = format!("# {}\n", visible_line(title.trim()));
    if left_out > 0 {
        let _ = write!(text, "\n*The first {left_out} parts are in the trace only.*\n");
    }
    turns.iter().skip(left_out).for_each(|turn| text.push_str(turn));
    text
}

fn turn(events: &[Event]) -> String {
    let mut text = String::new();
    // Lines of a list stand together.
    let mut in_list = false;
    let mut calls = HashMap::new();
    for event in events {
        match &event.kind {
            EventKind::TurnStart(start) => {
                let model = format!("{}/{}", start.provider, start.model);
                let _ = write!(text, "\n## You\n\n{}\n", quoted(&start.task));
                let _ = write!(text, "\n## Claw\n\n*{} · {}*\n", visible_line(&model), moment(&event.time));
                in_list = false;
            }
            EventKind::Steer { message } => {
                let _ = write!(text, "\n## You, meanwhile\n\n{}\n\n## Claw\n", quoted(message));
                in_list = false;
            }
            EventKind::ModelResponse(response) if !response.text.trim().is_empty() => {
                let _ = write!(text, "\n{}\n", visible(response.text.trim()));
                in_list = false;
            }
            EventKind::ToolCall(started) => {
                calls.insert(started.call.as_str(), event.description());
            }
            EventKind::ToolResult(result) => {
                let called = calls.remove(result.call.as_str()).unwrap_or_else(|| result.tool.clone());
                let said = event.description();
                let why = said.split_once(": ").map_or(said.as_str(), |(_, why)| why);
                match result.ok {
                    true => item(&mut text, &mut in_list, &format!("✓ {called}")),
                    false => item(&mut text, &mut in_list, &format!("✗ {called}: {why}")),
                }
            }
            EventKind::Check(_)
            | EventKind::Proposal { .. }
            | EventKind::Review(_)
            | EventKind::Compaction(_)
            | EventKind::Error(_) => item(&mut text, &mut in_list, &named(event)),
            EventKind::TurnEnd(end) if end.status != TurnStatus::Done => item(&mut text, &mut in_list, &named(event)),
            EventKind::TurnEnd(_)
            | EventKind::Mcp(_)
            | EventKind::Context(_)
            | EventKind::ModelRequest(_)
            | EventKind::Text(_)
            | EventKind::Reasoning(_)
            | EventKind::ToolOutput(_)
            | EventKind::ModelResponse(_)
            | EventKind::Plan { .. }
            | EventKind::Permission(_) => {}
        }
    }
    text
}

/// Something that was done, as an item of a list.
fn item(text: &mut String, in_list: &mut bool, done: &str) {
    if !std::mem::replace(in_list, true) {
        text.push('\n');
    }
    let _ = writeln!(text, "- {}", visible_line(done));
}

fn named(event: &Event) -> String {
    format!("{}: {}", event.kind().replace('_', " "), event.description())
}

/// A time as a person writes it, to the second.
fn moment(time: &str) -> String {
    time.get(..19).map_or_else(|| time.to_owned(), |time| format!("{} UTC", time.replace('T', " ")))
}

fn quoted(said: &str) -> String {
    let said = visible(said.trim());
    said.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(turn: &str, mut fields: Value) -> Event {
        let envelope = json!({"v": 1, "session": "s", "turn": turn, "seq": 1, "time": "2026-01-02T03:04:05.000Z"});
        for (name, value) in envelope.as_object().unwrap() {
            fields[name] = value.clone();
        }
        serde_json::from_value(fields).unwrap()
    }

    fn asks(turn: &str, task: &str) -> Event {
        let start = json!({
            "type": "turn_start", "task": task, "frontend": "lsp", "provider": "script", "model": "m", "workspace": "/w",
            "mode": "edit", "permission_mode": "ask",
        });
        event(turn, start)
    }

    #[test]
    fn what_was_said_and_done_stands_in_its_order() {
        let result = json!({
            "type": "tool_result", "call": "c1", "tool": "search", "ok": true, "output": "none", "truncated": false,
            "duration_ms": 1,
        });
        let failed = json!({
            "type": "tool_result", "call": "c2", "tool": "shell", "ok": false, "output": "not run: no", "truncated": false,
            "duration_ms": 0,
        });
        let events = [
            asks("t1", "Mend it,\n\nall of it\u{202e}"),
            event("t1", json!({"type": "tool_call", "call": "c1", "tool": "search", "input": {"pattern": "a.b"}})),
            event("t1", result),
            event("t1", failed),
            event("t1", json!({"type": "steer", "message": "also this"})),
            event("t1", json!({"type": "error", "code": "limit", "message": "stopped", "retryable": false})),
        ];
        let expected = "# A \u{27e8}U+200B\u{27e9}title\n\n## You\n\n> Mend it,\n>\n> all of it\u{27e8}U+202E\u{27e9}\n\n\
                        ## Claw\n\n*script/m · 2026-01-02 03:04:05 UTC*\n\n- ✓ search a.b\n- ✗ shell: not run: no\n\n\
                        ## You, meanwhile\n\n> also this\n\n## Claw\n\n- error: limit: stopped\n";
        assert_eq!(transcript("A \u{200b}title", &events), expected);
    }

    #[test]
    fn of_a_long_one_the_end_is_kept() {
        let events: Vec<Event> = (0..5).map(|turn| asks(&turn.to_string(), &"x".repeat(MOST / 3))).collect();
        let text = transcript("T", &events);
        assert!(text.starts_with("# T\n\n*The first 3 parts are in the trace only.*\n\n## You\n"), "{}", &text[..80]);
        assert_eq!(text.matches("## You").count(), 2);
        // One that is too long by itself stays whole: there would be nothing to read.
        assert_eq!(transcript("T", &[asks("t", &"x".repeat(MOST * 2))]).matches("## You").count(), 1);
    }
}
