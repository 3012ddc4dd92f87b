//! Keys and tokens never reach a trace, a log or another process.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use regex::Regex;
use serde_json::Value;

use crate::event::{ContextReceipt, Opaque};
use crate::secrets;

/// What stands where a secret stood.
const REDACTED: &str = "[REDACTED]";

/// Shorter keys are words: redacting them would garble everything and hide nothing.
const SHORTEST_KEY: usize = 8;

/// Replaces secrets in what is about to be written.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// The exact values in all their forms, as one pattern.
    exact: Option<Regex>,
    patterns: Vec<Regex>,
    /// Long texts that were found to hold nothing: a conversation is sent again and again, and only what is new in it is read.
    clean: Arc<Mutex<HashSet<blake3::Hash>>>,
}

/// Shorter texts are read again sooner than looked up.
const LONG: usize = 1024;
/// Texts that are remembered.
const REMEMBERED: usize = 8192;

impl Redactor {
    /// Redacts these exact values (the keys in use; also their base64, hexadecimal and URL-encoded forms) and the user's
    /// patterns, beside the built-in ones.
    pub fn new(exact: Vec<String>, patterns: Vec<Regex>) -> Redactor {
        let mut forms: Vec<String> =
            exact.iter().filter(|key| key.len() >= SHORTEST_KEY).flat_map(|key| forms(key)).collect();
        // The longest first: an alternation takes the first that fits.
        forms.sort_by(|a, b| (b.len(), a).cmp(&(a.len(), b)));
        forms.dedup();
        let escaped: Vec<String> = forms.iter().map(|form| regex::escape(form)).collect();
        let exact = if escaped.is_empty() { None } else { Regex::new(&escaped.join("|")).ok() };
        Redactor { exact, patterns, clean: Arc::default() }
    }

    /// `text` without secrets: `[REDACTED]` stands for those that were named, the mark of its kind for what looks like one.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut redacted = Cow::Borrowed(text);
        if let Some(pattern) = &self.exact {
            redacted = replaced(redacted, pattern);
        }
        if let Cow::Owned(masked) = secrets::mask(&redacted).text {
            redacted = Cow::Owned(masked);
        }
        for pattern in &self.patterns {
            redacted = replaced(redacted, pattern);
        }
        redacted
    }

    fn redact_string(&self, text: &mut String) -> bool {
        let hash = (text.len() >= LONG).then(|| blake3::hash(text.as_bytes()));
        let clean = || self.clean.lock().unwrap_or_else(PoisonError::into_inner);
        if hash.is_some_and(|hash| clean().contains(&hash)) {
            return false;
        }
        match self.redact(text) {
            Cow::Owned(redacted) if redacted != *text => {
                *text = redacted;
                true
            }
            Cow::Owned(_) | Cow::Borrowed(_) => {
                if let Some(hash) = hash {
                    let mut clean = clean();
                    if clean.len() >= REMEMBERED {
                        clean.clear();
                    }
                    clean.insert(hash);
                }
                false
            }
        }
    }

    /// Redacts the texts of a context.
    pub fn redact_receipt(&self, receipt: &mut ContextReceipt) {
        for text in receipt.sections.iter_mut().filter_map(|section| section.text.as_mut()) {
            if let Cow::Owned(redacted) = self.redact(text) {
                *text = redacted;
            }
        }
    }

    /// Redacts every string within a JSON value, keys excepted. `true` if there was anything to redact.
    pub fn redact_value(&self, value: &mut Value) -> bool {
        self.redact_value_but(value, &HashSet::new())
    }

    /// The same, past the strings that are `sealed`.
    pub fn redact_value_but(&self, value: &mut Value, sealed: &HashSet<String>) -> bool {
        let redact = |value: &mut Value| self.redact_value_but(value, sealed);
        match value {
            Value::String(text) => !sealed.contains(text.as_str()) && self.redact_string(text),
            Value::Array(items) => items.iter_mut().fold(false, |changed, item| redact(item) | changed),
            Value::Object(fields) => fields.values_mut().fold(false, |changed, field| redact(field) | changed),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// Whether what a provider wants back holds no secret. What nobody but the provider can read is noise that may look like any
    /// key by chance, so in that only those that were named count.
    pub fn is_clean(&self, opaque: &Opaque) -> bool {
        let is_named = |text: &str| self.exact.iter().chain(&self.patterns).any(|pattern| pattern.is_match(text));
        opaque.texts().into_iter().all(|(name, text)| match Opaque::SEALED.contains(&name) {
            true => !is_named(text),
            false => self.redact(text) == text,
        })
    }
}

fn replaced<'a>(text: Cow<'a, str>, pattern: &Regex) -> Cow<'a, str> {
    if pattern.is_match(&text) { Cow::Owned(pattern.replace_all(&text, REDACTED).into_owned()) } else { text }
}

/// The ways in which a key gets written down.
fn forms(key: &str) -> Vec<String> {
    let bytes = key.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let url: String = bytes
        .iter()
        .map(|&byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let json = serde_json::to_string(key).unwrap_or_default();
    let mut forms = vec![
        key.to_owned(),
        hex.to_ascii_uppercase(),
        hex,
        url.to_ascii_lowercase(),
        url,
        json.trim_matches('"').to_owned(),
    ];
    for offset in 0..3 {
        let standard = base64_within(bytes, offset);
        forms.push(standard.replace('+', "-").replace('/', "_"));
        forms.push(standard);
    }
    forms.retain(|form| form.len() >= SHORTEST_KEY);
    forms
}

/// The part of a base64 text that `bytes` alone decide, if they start `offset` bytes into a group of three.
fn base64_within(bytes: &[u8], offset: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = |index: usize| -> Option<usize> {
        let mut value = 0;
        for bit in index * 6..index * 6 + 6 {
            let byte = bytes.get((bit / 8).checked_sub(offset)?)?;
            value = value << 1 | usize::from(byte >> (7 - bit % 8) & 1);
        }
        Some(value)
    };
    let digits = ((bytes.len() + offset) * 8).div_ceil(6);
    (0..digits).filter_map(bits).filter_map(|value| ALPHABET.get(value)).map(|&digit| char::from(digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// No real key: letters in order.
    const KEY: &str = "canary/abcdefghijklmnopqrstuvwxyz+0123";

    fn redactor() -> Redactor {
        Redactor::new(vec![KEY.to_owned()], vec![Regex::new("internal-[0-9]+").unwrap()])
    }

    #[test]
    fn x01_the_key_in_use_goes_in_every_form() {
        let base64 = |bytes: &[u8]| base64_within(bytes, 0);
        let forms = [
            KEY.to_owned(),
            base64(KEY.as_bytes()),
            base64(format!("user:{KEY}").as_bytes()),
            base64(format!("a{KEY}b").as_bytes()),
            KEY.bytes().map(|byte| format!("{byte:02x}")).collect(),
            KEY.bytes().map(|byte| format!("{byte:02X}")).collect(),
            KEY.replace('/', "%2F").replace('+', "%2B"),
        ];
        for form in forms {
            let text = format!("before {form} after");
            let redacted = redactor().redact(&text).into_owned();
            assert!(redacted.contains(REDACTED), "{form} stayed: {redacted}");
            assert!(!redacted.contains("bcdefghijklmnopqrstuvwxy"), "{redacted}");
            assert!(redacted.starts_with("before ") && redacted.ends_with(" after"), "{redacted}");
        }
    }

    #[test]
    fn base64_of_a_known_text() {
        assert_eq!(base64_within(b"light work.", 0), "bGlnaHQgd29yay");
        assert_eq!(base64_within(b"Man", 0), "TWFu");
    }

    #[test]
    fn x01_what_looks_like_a_secret_goes_too() {
        let check = |text: &str, expected: &str| assert_eq!(Redactor::default().redact(text), expected);
        check("ghp_abcdefghijklmnopqrstuvwxyzABCDEFGHIJ", "[secret: GitHub token]");
        check("https://me:hunter22@example.org/x.git", "https://me:[secret: password in a URL]@example.org/x.git");
        assert!(matches!(Redactor::default().redact("const HASH: &str = \"da39a3ee5e6b4b0d32\";"), Cow::Borrowed(_)));
    }

    #[test]
    fn values_are_redacted_within_and_twice_is_once() {
        let mut value = json!({"a": [format!("x {KEY}"), 3], "b": {"c": "internal-42 and http://u:passw0rd@host/"}});
        assert!(redactor().redact_value(&mut value));
        assert_eq!(
            value,
            json!({"a": ["x [REDACTED]", 3], "b": {"c": "[REDACTED] and http://u:[secret: password in a URL]@host/"}})
        );
        assert!(!redactor().redact_value(&mut value));
    }

    #[test]
    fn x01_what_goes_back_as_it_was_is_looked_through_and_then_left_alone() {
        let noise = "EqQBCgIYAhIM/sk-Abcdefghijklmnopqrstuvwx0";
        assert!(redactor().redact(noise) != noise, "noise that looks like a key");
        let opaque = |thinking: &str, signature: &str| Opaque {
            provider: "p".to_owned(),
            model: "m".to_owned(),
            pieces: vec![json!({"type": "thinking", "thinking": thinking, "signature": signature})],
        };
        let check = |thinking: &str, signature: &str, clean: bool| {
            assert_eq!(redactor().is_clean(&opaque(thinking, signature)), clean, "{thinking} {signature}");
        };
        check("Hm.", noise, true);
        check(noise, "c2ln", false);
        check(KEY, "c2ln", false);
        check("Hm.", KEY, false);
        check("Hm.", "internal-42", false);
        let mut body = json!({"a": [noise, {"signature": noise}], "b": KEY});
        assert!(redactor().redact_value_but(&mut body, &HashSet::from([noise.to_owned()])));
        assert_eq!(body, json!({"a": [noise, {"signature": noise}], "b": "[REDACTED]"}));
    }

    #[test]
    fn a_short_key_is_no_secret() {
        let redactor = Redactor::new(vec!["ollama".to_owned(), String::new()], Vec::new());
        assert_eq!(redactor.redact("the ollama server"), "the ollama server");
    }
}
