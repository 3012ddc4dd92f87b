//! Keys and tokens never reach a trace, a log or another process.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// What stands where a secret stood.
const REDACTED: &str = "[REDACTED]";

/// Shorter keys are words: redacting them would garble everything and hide nothing.
const SHORTEST_KEY: usize = 8;

/// Formats of keys in common use, each with a prefix or shape of its own, so that source code is not mistaken for one.
const FORMATS: &[&str] = &[
    // OpenAI, Anthropic, DeepSeek, OpenRouter and others.
    r"\bsk-[A-Za-z0-9][A-Za-z0-9_-]{18,}[A-Za-z0-9]",
    r"\b(?:gsk_|xai-|pplx-|fw_|r8_|hf_|nvapi-)[A-Za-z0-9_-]{24,}",
    // GitHub, GitLab, Bitbucket.
    r"\bgh[pousr]_[A-Za-z0-9]{30,}",
    r"\bgithub_pat_[A-Za-z0-9_]{22,}",
    r"\bgl(?:pat|ptt|rt|dt|cbt)-[A-Za-z0-9_-]{20,}",
    r"\bATBB[A-Za-z0-9]{28,}",
    r"\bATATT3[A-Za-z0-9_=-]{20,}",
    // Clouds.
    r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b",
    r"\bAIza[0-9A-Za-z_-]{35}",
    r"\bya29\.[0-9A-Za-z_-]{20,}",
    r"\bdo[opr]_v1_[a-f0-9]{64}",
    r"\bdapi[a-f0-9]{32}\b",
    r"\bhvs\.[A-Za-z0-9_-]{24,}",
    // Packages.
    r"\bnpm_[A-Za-z0-9]{36}",
    r"\bpypi-[A-Za-z0-9_-]{32,}",
    r"\bcio[A-Za-z0-9]{32}\b",
    r"\bdckr_pat_[A-Za-z0-9_-]{20,}",
    r"\brubygems_[a-f0-9]{48}",
    // Services.
    r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}",
    r"https://hooks\.slack\.com/services/[A-Za-z0-9/]{30,}",
    r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}",
    r"\bwhsec_[0-9A-Za-z]{24,}",
    r"\bSG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{39,50}",
    r"\bkey-[0-9a-f]{32}\b",
    r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
    r"\blin_api_[A-Za-z0-9]{32,}",
    r"\bntn_[A-Za-z0-9]{40,}",
    r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b",
    r"\bsq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,}",
    r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}",
    r"\bglsa_[A-Za-z0-9]{32}_[a-f0-9]{8}",
    r"\bsntrys_[A-Za-z0-9+/=_-]{40,}",
    // JSON web tokens, age keys, private keys.
    r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}",
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\z)",
];

/// A secret known by what stands before it: `keep` stays, `secret` goes.
const NAMED: &[&str] = &[
    r"(?P<keep>\b[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:)(?P<secret>[^/\s@\[]{3,})(?P<after>@)",
    r"(?i)(?P<keep>\bauthorization\W{1,4}(?:bearer|basic|token)\s+)(?P<secret>[A-Za-z0-9+/=._~-]{12,})(?P<after>)",
    r"(?i)(?P<keep>\baws_?secret_?(?:access_?)?key\W{1,6})(?P<secret>[A-Za-z0-9/+=]{40})(?P<after>\b|$)",
    r"(?P<keep>\b_authToken\s*=\s*)(?P<secret>[A-Za-z0-9_-]{12,})(?P<after>)",
];

static BUILT_IN: LazyLock<Option<Regex>> = LazyLock::new(|| compile(&FORMATS.join("|")));
static BUILT_IN_NAMED: LazyLock<Vec<Regex>> =
    LazyLock::new(|| NAMED.iter().filter_map(|pattern| compile(pattern)).collect());

/// Word boundaries are those of ASCII: a letter beyond it before a key hides no key, and Unicode's boundaries keep the regex
/// engine from its fast paths.
fn compile(pattern: &str) -> Option<Regex> {
    Regex::new(&pattern.replace(r"\b", r"(?-u:\b)")).ok()
}

/// Replaces secrets in what is about to be written.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// The exact values in all their forms, as one pattern.
    exact: Option<Regex>,
    patterns: Vec<Regex>,
}

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
        Redactor { exact, patterns }
    }

    /// `text` with every secret replaced by `[REDACTED]`.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut redacted = Cow::Borrowed(text);
        for pattern in self.exact.iter().chain(BUILT_IN.iter()).chain(&self.patterns) {
            if pattern.is_match(&redacted) {
                redacted = Cow::Owned(pattern.replace_all(&redacted, REDACTED).into_owned());
            }
        }
        for pattern in BUILT_IN_NAMED.iter() {
            if pattern.is_match(&redacted) {
                let replaced = pattern.replace_all(&redacted, |found: &Captures<'_>| {
                    let group = |name| found.name(name).map_or("", |group| group.as_str());
                    format!("{}{REDACTED}{}", group("keep"), group("after"))
                });
                redacted = Cow::Owned(replaced.into_owned());
            }
        }
        redacted
    }

    /// Redacts every string within a JSON value, keys excepted. `true` if there was anything to redact.
    pub fn redact_value(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.redact(text) {
                Cow::Owned(redacted) if redacted != *text => {
                    *text = redacted;
                    true
                }
                Cow::Owned(_) | Cow::Borrowed(_) => false,
            },
            Value::Array(items) => items.iter_mut().fold(false, |changed, item| self.redact_value(item) | changed),
            Value::Object(fields) => {
                fields.values_mut().fold(false, |changed, field| self.redact_value(field) | changed)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
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
    fn x01_common_formats() {
        let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let secrets = [
            format!("sk-proj-{}", &letters[..40]),
            format!("sk-ant-api03-{}", &letters[..40]),
            format!("ghp_{}", &letters[..36]),
            format!("github_pat_{}", &letters[..40]),
            format!("glpat-{}", &letters[..20]),
            format!("AKIA{}", "ABCDEFGHIJKLMNOP"),
            format!("AIza{}", &letters[..35]),
            format!("xoxb-{}", "123456789012-abcdefghijkl"),
            format!("sk_live_{}", &letters[..24]),
            format!("npm_{}", &letters[..36]),
            format!("hf_{}", &letters[..34]),
            format!("eyJ{0}.eyJ{0}.{0}", &letters[..20]),
        ];
        for secret in secrets {
            let text = format!("token = \"{secret}\"");
            assert_eq!(Redactor::default().redact(&text), format!("token = \"{REDACTED}\""));
        }
        let check = |text: &str, expected: &str| assert_eq!(Redactor::default().redact(text), expected);
        check("https://me:hunter22@example.org/x.git", "https://me:[REDACTED]@example.org/x.git");
        check("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer [REDACTED]");
        check("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nrest", "[REDACTED]\nrest");
    }

    #[test]
    fn source_code_stays() {
        for line in [
            "let risk_live_test = sk_index(task-list-of-all-things);",
            "https://docs.rs/regex/latest/regex/struct.Regex.html#method.new",
            "use crate::store::{Journal, Redactor};",
            "git clone git@github.com:rust-lang/rust.git",
            "http://127.0.0.1:11434/v1",
            "fn authorization(header: &str) -> Bearer { basic(header) }",
            "const HASH: &str = \"da39a3ee5e6b4b0d3255bfef95601890afd80709\";",
        ] {
            assert!(matches!(Redactor::default().redact(line), Cow::Borrowed(_)), "{line}");
        }
    }

    #[test]
    fn values_are_redacted_within_and_twice_is_once() {
        let mut value = json!({"a": [format!("x {KEY}"), 3], "b": {"c": "internal-42 and http://u:passw0rd@host/"}});
        assert!(redactor().redact_value(&mut value));
        assert_eq!(value, json!({"a": ["x [REDACTED]", 3], "b": {"c": "[REDACTED] and http://u:[REDACTED]@host/"}}));
        assert!(!redactor().redact_value(&mut value));
    }

    #[test]
    fn a_short_key_is_no_secret() {
        let redactor = Redactor::new(vec!["ollama".to_owned(), String::new()], Vec::new());
        assert_eq!(redactor.redact("the ollama server"), "the ollama server");
    }
}
