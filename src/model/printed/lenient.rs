//! JSON as models print it: with quotes of either kind, line breaks within strings, commas too many, Python's words.
//!
//! What is not there is never made up: a value that does not end is no value. A key that stands twice is none either.

use serde_json::{Map, Number, Value};

/// Deepest nesting.
const MAX_DEPTH: usize = 32;

/// What one family has for a quote.
const QUOTE: &str = "<|\"|>";

/// The value at the start of `text`, and how many bytes it takes. `None` if there is no whole one.
pub(super) fn value(text: &str) -> Option<(Value, usize)> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    Some((value, reader.at))
}

/// An object or list at the start of `text`.
pub(super) fn structure(text: &str) -> Option<(Value, usize)> {
    if text.starts_with(['{', '[']) { value(text) } else { None }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn take(&mut self, wanted: &str) -> bool {
        let is_there = self.rest().starts_with(wanted);
        if is_there {
            self.at += wanted.len();
        }
        is_there
    }

    /// White space, and comments to the end of a line.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            let blank = rest.len() - trimmed.len();
            let comment = if trimmed.starts_with("//") { trimmed.find('\n').unwrap_or(trimmed.len()) } else { 0 };
            if blank + comment == 0 {
                return;
            }
            self.at += blank + comment;
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.skip();
        if self.take(QUOTE) {
            let text = self.rest().split_once(QUOTE)?.0.to_owned();
            self.at += text.len() + QUOTE.len();
            return Some(Value::String(text));
        }
        match self.peek()? {
            '{' => self.object(depth),
            '[' => self.list(depth),
            '"' | '\'' | '`' => self.string().map(Value::String),
            character if character.is_ascii_digit() || character == '-' => self.number(),
            _ => {
                let word = self.word()?;
                match word.as_str() {
                    "true" | "True" => Some(Value::Bool(true)),
                    "false" | "False" => Some(Value::Bool(false)),
                    "null" | "None" => Some(Value::Null),
                    _ => None,
                }
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.next()?;
        let mut object = Map::new();
        loop {
            self.skip();
            if self.take("}") {
                return Some(Value::Object(object));
            }
            let key = if matches!(self.peek()?, '"' | '\'') { self.string()? } else { self.word()? };
            self.skip();
            if !self.take(":") {
                return None;
            }
            let value = self.value(depth + 1)?;
            if object.insert(key, value).is_some() {
                return None;
            }
            self.skip();
            if !self.take(",") && self.peek()? != '}' {
                return None;
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        self.next()?;
        let mut list = Vec::new();
        loop {
            self.skip();
            if self.take("]") {
                return Some(Value::Array(list));
            }
            list.push(self.value(depth + 1)?);
            self.skip();
            if !self.take(",") && self.peek()? != ']' {
                return None;
            }
        }
    }

    fn word(&mut self) -> Option<String> {
        let rest = self.rest();
        let end = rest.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(rest.len());
        let word = rest.get(..end).filter(|word| !word.is_empty())?.to_owned();
        self.at += end;
        Some(word)
    }

    fn number(&mut self) -> Option<Value> {
        let rest = self.rest();
        let is_part = |character: char| character.is_ascii_digit() || matches!(character, '-' | '+' | '.' | 'e' | 'E');
        let end = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
        let number: Number = rest.get(..end)?.parse().ok()?;
        self.at += end;
        Some(Value::Number(number))
    }

    /// A string in quotes of one kind, or in three of them as Python has it.
    fn string(&mut self) -> Option<String> {
        let quote = self.next()?;
        let triple: String = [quote; 3].iter().collect();
        let end = if self.text.get(self.at - quote.len_utf8()..)?.starts_with(&triple) {
            self.at += 2 * quote.len_utf8();
            triple
        } else {
            quote.to_string()
        };
        let mut text = String::new();
        loop {
            if self.take(&end) {
                return Some(text);
            }
            match self.next()? {
                '\\' => self.escape(quote, &mut text)?,
                character => text.push(character),
            }
        }
    }

    /// What stands behind a backslash. One that escapes nothing, as in a regular expression, is itself.
    fn escape(&mut self, quote: char, text: &mut String) -> Option<()> {
        let character = self.next()?;
        match character {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            '"' | '\'' | '\\' | '/' | '`' => text.push(character),
            '\n' if quote != '`' => {}
            'u' => match self.unit() {
                Some(high @ 0xd800..=0xdbff) if self.take("\\u") => {
                    let low = self.unit().filter(|low| (0xdc00..=0xdfff).contains(low));
                    let code = low.map(|low| 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
                    text.push(code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                Some(unit) => text.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)),
                None => text.push_str("\\u"),
            },
            other => {
                text.push('\\');
                text.push(other);
            }
        }
        Some(())
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let unit = u32::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(unit)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_models_print() {
        let check =
            |text: &str, expected: Value| assert_eq!(value(text).map(|(value, _)| value), Some(expected), "{text}");
        check(r#"{"a": 1, "b": [true, null,],}"#, json!({"a": 1, "b": [true, null]}));
        check("{'a': True, 'b': None, c: \"it's\"}", json!({"a": true, "b": null, "c": "it's"}));
        check("{\"a\": \"one\n\ttwo\"}", json!({"a": "one\n\ttwo"}));
        check(r#"{"a": "\d+\.rs \"x\" é 😀"}"#, json!({"a": "\\d+\\.rs \"x\" é 😀"}));
        check("{\"a\": \"\"\"say \"hi\"\n\"\"\"}", json!({"a": "say \"hi\"\n"}));
        check("{\n// why\n\"a\": -1.5e3}", json!({"a": -1500.0}));
        assert_eq!(value("{\"a\": 1} and more").map(|(_, end)| end), Some(8));
    }

    #[test]
    fn m02_what_does_not_end_is_nothing() {
        for text in
            ["{\"a\": \"x", "{\"a\": 1", "[1, 2", "{", "{a}", "{a: b}", "{\"a\" 1}", "", "nope", "{\"a\":1,\"a\":2}"]
        {
            assert_eq!(value(text), None, "{text}");
        }
        assert_eq!(value(&"[".repeat(100_000)), None);
    }
}
