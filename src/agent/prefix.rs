//! How much of a request its provider has read before: what stands unchanged at its beginning since the request before.
//!
//! Providers keep what they have read of a conversation for some minutes and take less for it, as long as every byte from the
//! beginning is the same. So a request goes on where the one before ended, and where it does not the trace says why.

use serde_json::Value;

use crate::event::{EventKind, RequestPrefix};

/// What is no part of a prompt: the marks of where a provider is to keep it, which move on with the conversation.
const MARK: &str = "cache_control";

/// The request before, in pieces.
#[derive(Clone, Debug, Default)]
pub(in crate::agent) struct Before {
    pieces: Vec<Piece>,
    /// The history was made shorter since.
    was_compacted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    name: PieceName,
    hash: blake3::Hash,
    bytes: usize,
}

/// In the order in which providers read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PieceName {
    Model,
    Tools,
    System,
    /// Whatever else it says: the window, how much to think.
    Settings,
    Message(usize),
}

impl Before {
    /// Takes in a request: what of it is as in the one before. `None` for the first of a session.
    pub fn next(&mut self, body: &Value) -> Option<RequestPrefix> {
        let before = std::mem::replace(&mut self.pieces, pieces(body));
        let was_compacted = std::mem::take(&mut self.was_compacted);
        if before.is_empty() {
            return None;
        }
        let same = before.iter().zip(&self.pieces).take_while(|(before, now)| before == now).count();
        let bytes = |pieces: &[Piece]| pieces.iter().map(|piece| piece.bytes as u64).sum();
        let broken = before.get(same).map(|piece| {
            match self.pieces.get(same).map_or(piece.name, |now| now.name.min(piece.name)) {
                PieceName::Model => "model".to_owned(),
                PieceName::Tools => "tools".to_owned(),
                PieceName::System => "system".to_owned(),
                PieceName::Settings => "settings".to_owned(),
                PieceName::Message(_) if was_compacted => "compaction".to_owned(),
                PieceName::Message(number) => format!("message {number}"),
            }
        });
        let kept = self.pieces.get(..same).unwrap_or_default();
        Some(RequestPrefix { bytes: bytes(kept), of: bytes(&self.pieces), broken })
    }

    pub fn absorb(&mut self, event: &EventKind) {
        self.was_compacted |= matches!(event, EventKind::Compaction(_));
    }
}

/// A body in the order in which providers read it.
fn pieces(body: &Value) -> Vec<Piece> {
    let (mut model, mut tools, mut system) = (None, None, None);
    let (mut settings, mut messages) = (Vec::new(), Vec::new());
    for (name, value) in body.as_object().into_iter().flatten() {
        match name.as_str() {
            "model" => model = Some((PieceName::Model, value)),
            "tools" => tools = Some((PieceName::Tools, value)),
            "system" | "instructions" => system = Some((PieceName::System, value)),
            "messages" | "input" if value.is_array() => messages.extend(value.as_array().into_iter().flatten()),
            _ => settings.push((PieceName::Settings, value)),
        }
    }
    let messages = messages.into_iter().enumerate().map(|(index, message)| {
        let is_system = index == 0 && message.get("role").and_then(Value::as_str) == Some("system");
        (if is_system { PieceName::System } else { PieceName::Message(index) }, message)
    });
    let head = [model, tools, system].into_iter().flatten();
    head.chain(settings).chain(messages).flat_map(|(name, value)| split(name, value)).collect()
}

/// A message that holds several blocks is as many pieces: the next request may put one more into it.
fn split(name: PieceName, value: &Value) -> Vec<Piece> {
    let piece = |text: String| Piece { name, hash: blake3::hash(text.as_bytes()), bytes: text.len() };
    match (name, value.get("role"), value.get("content").and_then(Value::as_array)) {
        (PieceName::Message(_), Some(role), Some(blocks)) => {
            let role = piece(role.to_string());
            [role].into_iter().chain(blocks.iter().map(|block| piece(without_marks(block).to_string()))).collect()
        }
        _ => vec![piece(without_marks(value).to_string())],
    }
}

fn without_marks(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| name.as_str() != MARK);
            Value::Object(fields.map(|(name, field)| (name.clone(), without_marks(field))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_marks).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What breaks the prefix between two requests, and whether anything of it is left.
    fn check(before: &Value, after: &Value, broken: Option<&str>, keeps_some: bool) {
        let mut last = Before::default();
        assert_eq!(last.next(before), None);
        let prefix = last.next(after).unwrap();
        assert_eq!((prefix.broken.as_deref(), prefix.bytes > 0), (broken, keeps_some), "{after}");
        assert!(prefix.bytes <= prefix.of);
    }

    #[test]
    fn what_goes_on_and_what_breaks() {
        let body = |model: &str, tools: &[&str], messages: &[&str]| {
            let messages: Vec<Value> = messages.iter().map(|text| json!({"role": "user", "content": text})).collect();
            json!({"model": model, "messages": messages, "tools": tools, "stream": true})
        };
        let before = body("m", &["a", "b"], &["one", "two"]);
        check(&before, &before, None, true);
        check(&before, &body("m", &["a", "b"], &["one", "two", "three"]), None, true);
        check(&before, &body("m", &["b", "a"], &["one", "two"]), Some("tools"), true);
        check(&before, &body("x", &["a", "b"], &["one", "two"]), Some("model"), false);
        check(&before, &body("m", &["a", "b"], &["one", "2", "three"]), Some("message 1"), true);
        check(&before, &body("m", &["a", "b"], &["one"]), Some("message 1"), true);
        let mut louder = before.clone();
        louder["reasoning_effort"] = "high".into();
        check(&before, &louder, Some("settings"), true);
    }

    #[test]
    fn marks_move_and_turns_of_several_blocks_grow() {
        let block = |text: &str, mark: bool| match mark {
            true => json!({"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}),
            false => json!({"type": "text", "text": text}),
        };
        let body =
            |blocks: &[Value]| json!({"system": [block("s", true)], "messages": [{"role": "user", "content": blocks}]});
        check(&body(&[block("one", true)]), &body(&[block("one", false), block("two", true)]), None, true);
        check(&body(&[block("one", true)]), &body(&[block("1", true)]), Some("message 0"), true);
    }

    #[test]
    fn a_shorter_history_is_named() {
        let mut last = Before::default();
        last.next(&json!({"messages": [{"role": "user", "content": "long"}]}));
        let done =
            crate::event::Compacted { tokens_before: 2, tokens_after: 1, kept: Value::Null, summary: String::new() };
        last.absorb(&EventKind::Compaction(done));
        let prefix = last.next(&json!({"messages": [{"role": "user", "content": "short"}]})).unwrap();
        assert_eq!(prefix.broken.as_deref(), Some("compaction"));
    }
}
