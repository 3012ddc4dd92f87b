//! Lone surrogates in JSON: characters beyond U+FFFF that a provider cut in two.
//!
//! JSON writes such a character as two escapes, `\ud83d\ude00`. A provider that streams may put the two into two strings, and a
//! program that cuts text by UTF-16 units loses one of them; JSON that holds half a pair is an error to most parsers. Here the
//! halves get through: [`mark`] makes the JSON parse, [`Joiner`] puts the halves together, and what stays alone becomes U+FFFD.

use std::borrow::Cow;

/// Announces a marked half: a noncharacter, which no text holds (Unicode 16, section 23.7).
const MARK: char = '\u{10ffff}';

/// A marked half follows the mark as this plus its distance from U+D800.
const BASE: u32 = 0x10_0000;

const REPLACEMENT: char = '\u{fffd}';

/// `json` with each escape of a lone surrogate replaced by a mark that [`Joiner`] knows. `None` if there is none.
pub fn mark(json: &str) -> Option<String> {
    rewrite(json, |half, out| {
        out.push(MARK);
        out.extend(char::from_u32(BASE + u32::from(half) - 0xd800));
    })
}

/// `json` with each escape of a lone surrogate replaced by the escape of U+FFFD.
pub fn replace(json: &str) -> Cow<'_, str> {
    rewrite(json, |_, out| out.push_str("\\ufffd")).map_or(Cow::Borrowed(json), Cow::Owned)
}

/// Joins halves across the strings of one text.
#[derive(Clone, Debug, Default)]
pub struct Joiner {
    /// The first half of a character whose second has not come.
    pending: Option<u16>,
}

impl Joiner {
    /// The next piece of the text, with its marks resolved. A first half at its end is held back.
    pub fn push<'a>(&mut self, piece: &'a str) -> Cow<'a, str> {
        if piece.is_empty() || (self.pending.is_none() && !piece.contains(MARK)) {
            return Cow::Borrowed(piece);
        }
        let mut out = String::with_capacity(piece.len());
        let mut characters = piece.chars();
        while let Some(character) = characters.next() {
            let half = characters.clone().next().and_then(marked_half).filter(|_| character == MARK);
            if half.is_some() {
                characters.next();
            }
            let first = self.pending.take();
            match (first, half) {
                (Some(first), Some(second @ 0xdc00..=0xdfff)) => {
                    out.push(char::decode_utf16([first, second]).next().and_then(Result::ok).unwrap_or(REPLACEMENT));
                    continue;
                }
                (Some(_), _) => out.push(REPLACEMENT),
                (None, _) => {}
            }
            match half {
                Some(first @ 0xd800..=0xdbff) => self.pending = Some(first),
                Some(_) => out.push(REPLACEMENT),
                None if character == MARK => out.push(REPLACEMENT),
                None => out.push(character),
            }
        }
        Cow::Owned(out)
    }

    /// What is left when the text ends.
    pub fn finish(&mut self) -> Option<&'static str> {
        self.pending.take().map(|_| "\u{fffd}")
    }
}

fn marked_half(character: char) -> Option<u16> {
    let distance = u32::from(character).checked_sub(BASE)?;
    (distance < 0x800).then(|| u16::try_from(0xd800 + distance).ok()).flatten()
}

/// Passes each escape of a lone surrogate in `json` to `write`, and copies the rest. `None` if there is none.
fn rewrite(json: &str, write: impl Fn(u16, &mut String)) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = json.get(at..).and_then(|rest| rest.find('\\')) {
        let start = at + found;
        let Some(first @ 0xd800..=0xdfff) = escape(json, start) else {
            // A backslash escapes at least the character after it, which may be another backslash.
            at = start + 1 + json.get(start + 1..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
            continue;
        };
        at = start + 6;
        if first < 0xdc00 && matches!(escape(json, at), Some(0xdc00..=0xdfff)) {
            at += 6;
            continue;
        }
        out.push_str(json.get(copied..start)?);
        write(first, &mut out);
        copied = at;
    }
    if copied == 0 {
        return None;
    }
    out.push_str(json.get(copied..)?);
    Some(out)
}

/// The UTF-16 unit of the `\uXXXX` at `start`.
fn escape(json: &str, start: usize) -> Option<u16> {
    let digits = json.get(start..)?.strip_prefix("\\u")?.get(..4)?;
    // from_str_radix would also take a sign.
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> String {
        serde_json::from_str(&mark(json).unwrap_or_else(|| json.to_owned())).unwrap()
    }

    fn join(pieces: &[&str]) -> String {
        let mut joiner = Joiner::default();
        let mut text: String = pieces.iter().map(|piece| joiner.push(&parse(piece)).into_owned()).collect();
        text.extend(joiner.finish());
        text
    }

    #[test]
    fn m13_halves_are_joined_across_strings_and_lone_ones_replaced() {
        assert_eq!(join(&[r#""\ud83d\ude00""#]), "😀");
        assert_eq!(join(&[r#""a\ud83d""#, r#""\ude00b""#]), "a😀b");
        assert_eq!(join(&[r#""a\uD83D""#, r#""""#, r#""\uDE00b""#]), "a😀b");
        assert_eq!(join(&[r#""a\ud83d""#, r#""b""#]), "a\u{fffd}b");
        assert_eq!(join(&[r#""a\ud83d""#]), "a\u{fffd}");
        assert_eq!(join(&[r#""\ude00\ud83d""#]), "\u{fffd}\u{fffd}");
        assert_eq!(join(&[r#""\ud83d\ud83d\ude00""#]), "\u{fffd}😀");
        assert_eq!(join(&[r#""\ud83d""#, r#""\ud83d""#, r#""\ude00""#]), "\u{fffd}😀");
        assert_eq!(join(&[r#""\\ud83d \u00e9""#]), "\\ud83d é");
    }

    #[test]
    fn what_has_no_lone_half_stays() {
        assert_eq!(mark(r#"{"a": "\\ud83d", "b": "\ud83d\ude00 \u00e9 \\\\"}"#), None);
        assert_eq!(mark("\\"), None);
        assert_eq!(mark("\\u+123 \\ud8"), None);
        assert_eq!(replace(r#"{"a": "x\ud83d"}"#), r#"{"a": "x\ufffd"}"#);
        assert_eq!(replace("plain"), "plain");
        assert_eq!(Joiner::default().push("x\u{10ffff}"), "x\u{fffd}");
        assert_eq!(Joiner::default().push("\u{10ffff}é"), "\u{fffd}é");
    }
}
