//! The order of a response's pieces, where some of them go back to the provider as they came.
//!
//! A response is kept as its text, its calls and [`Opaque`] pieces. The pieces have marks between them where text and calls
//! stood, so that the next request can hold all of it in the order in which it came.

use serde_json::{Map, Value, json};

use super::{Opaque, ToolCallRequested};

/// The field that tells a mark from a piece of the provider's.
const MARK: &str = "claw";

/// A part of an assistant message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part<'a> {
    Opaque(&'a Value),
    /// Text, and the mark that stood for it, if there was one.
    Text(&'a str, Option<&'a Value>),
    Call(&'a ToolCallRequested),
}

/// The mark of a text of so many bytes, with what else is known of it.
pub fn text_mark(bytes: usize, more: Map<String, Value>) -> Value {
    let mut mark = more;
    mark.insert(MARK.to_owned(), "text".into());
    mark.insert("bytes".to_owned(), bytes.into());
    Value::Object(mark)
}

/// The mark of a call.
pub fn call_mark() -> Value {
    json!({MARK: "call"})
}

/// What has to be kept of a response's pieces: nothing, if all of them are marks that say nothing.
pub fn opaque(provider: &str, model: &str, pieces: Vec<Value>) -> Option<Opaque> {
    let says_something = |piece: &Value| match mark(piece) {
        None => true,
        Some("text") => piece.as_object().is_some_and(|fields| fields.len() > 2),
        Some(_) => false,
    };
    pieces.iter().any(says_something).then(|| Opaque { provider: provider.to_owned(), model: model.to_owned(), pieces })
}

/// The parts of an assistant message in their order. Where the text is another by now, because something was masked in it, the
/// opaque pieces come first: that is where reasoning stands.
pub fn parts<'a>(
    provider: &str,
    model: &str,
    opaque: Option<&'a Opaque>,
    text: &'a str,
    calls: &'a [ToolCallRequested],
) -> Vec<Part<'a>> {
    let pieces = opaque
        .filter(|opaque| opaque.provider == provider && opaque.model == model)
        .map(|opaque| opaque.pieces.as_slice())
        .unwrap_or_default();
    in_order(pieces, text, calls).unwrap_or_else(|| {
        let opaque = pieces.iter().filter(|piece| mark(piece).is_none()).map(Part::Opaque);
        let text = (!text.is_empty()).then_some(Part::Text(text, None));
        opaque.chain(text).chain(calls.iter().map(Part::Call)).collect()
    })
}

fn in_order<'a>(pieces: &'a [Value], text: &'a str, calls: &'a [ToolCallRequested]) -> Option<Vec<Part<'a>>> {
    let (mut text, mut calls, mut parts) = (text, calls.iter(), Vec::new());
    for piece in pieces {
        parts.push(match mark(piece) {
            None => Part::Opaque(piece),
            Some("text") => {
                let bytes = usize::try_from(piece.get("bytes")?.as_u64()?).ok()?;
                let (head, rest) = text.split_at_checked(bytes)?;
                text = rest;
                Part::Text(head, Some(piece))
            }
            Some(_) => Part::Call(calls.next()?),
        });
    }
    (text.is_empty() && calls.next().is_none()).then_some(parts)
}

fn mark(piece: &Value) -> Option<&str> {
    piece.get(MARK).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_what_was_masked_or_is_another_models_is_not_mixed_up() {
        let calls: Vec<ToolCallRequested> = ["a", "b"]
            .map(|id| ToolCallRequested { id: id.to_owned(), name: "f".to_owned(), arguments: "{}".to_owned() })
            .to_vec();
        let thought = |n: u32| json!({"type": "thinking", "signature": n.to_string()});
        let pieces =
            vec![thought(1), text_mark(3, Map::new()), thought(2), call_mark(), text_mark(2, Map::new()), call_mark()];
        let opaque = opaque("p", "m", pieces).unwrap();
        let (one, two) = (&opaque.pieces[0], &opaque.pieces[2]);
        assert_eq!(
            parts("p", "m", Some(&opaque), "abcde", &calls),
            [
                Part::Opaque(one),
                Part::Text("abc", Some(&opaque.pieces[1])),
                Part::Opaque(two),
                Part::Call(&calls[0]),
                Part::Text("de", Some(&opaque.pieces[4])),
                Part::Call(&calls[1]),
            ]
        );
        let plain = |text| [Part::Text(text, None), Part::Call(&calls[0]), Part::Call(&calls[1])];
        assert_eq!(
            parts("p", "m", Some(&opaque), "[masked]", &calls),
            [&[Part::Opaque(one), Part::Opaque(two)], &plain("[masked]")[..]].concat()
        );
        assert_eq!(parts("p", "other", Some(&opaque), "abcde", &calls), plain("abcde"));
        assert_eq!(parts("q", "m", Some(&opaque), "abcde", &calls), plain("abcde"));
        assert_eq!(super::opaque("p", "m", vec![text_mark(3, Map::new()), call_mark()]), None);
    }
}
