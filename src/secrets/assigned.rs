//! Secrets that are known by the name before them: a password in an address, a header, `api_key = "…"`.
//!
//! One search finds the names; what follows each is read by hand, no further than a value can be long. What stands for a secret
//! (`os.environ["X"]`, `changeme`, `token: String`) is none.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::formats::compile;
use super::{Found, MARK};

const URL: &str = "password in a URL";
const HEADER: &str = "credentials of a header";
const PASSWORD: &str = "password";
const NAMED: &str = "named secret";

pub(super) const KINDS: [&str; 4] = [URL, HEADER, PASSWORD, NAMED];

/// Longest value that is looked at. A longer one is data.
const LONGEST: usize = 640;

static NAMES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(
        r"(?i-u)://|authorization|\bbearer[ \t]|passw(?:or)?d|passphrase|pwd|[_-]pass\b|secret|token|api[_. -]?key|account[_-]?key|\
access[_-]?key|private[_-]?key|auth[_-]?key|signing[_-]?key|encryption[_-]?key|master[_-]?key|shared[_-]?key|credential|\
[_-]key\b|connection[_-]?string|[?&;]sig=|_auth\b"
            .replace("\\\n", "")
            .as_str(),
    )
});

pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    let mut behind = 0;
    for name in NAMES.iter().flat_map(|names| names.find_iter(text)) {
        // What lies in a value that was found is no name.
        if name.start() < behind {
            continue;
        }
        let word = name.as_str();
        let rest = window(text, name.end());
        let value = if word == "://" {
            in_address(rest).map(|range| (URL, range))
        } else if word.eq_ignore_ascii_case("authorization") {
            in_header(rest).map(|range| (HEADER, range))
        } else if word.len() == 7 && word.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("bearer")) {
            bare(rest, 0).filter(|range| is_random(rest, range, false, false)).map(|range| (HEADER, range))
        } else {
            let is_password = starts_with_any(word, &["passw", "passp", "pwd", "_pass", "-pass"]);
            let kind = if is_password { PASSWORD } else { NAMED };
            let is_flag = word.starts_with(['?', '&', ';']);
            let before = text.as_bytes().get(name.start().saturating_sub(40)..name.start()).unwrap_or_default();
            of_name(rest, before, is_flag, is_password).map(|range| (kind, range))
        };
        if let Some((kind, range)) = value {
            behind = name.end() + range.end;
            found.push(Found { kind, range: name.end() + range.start..behind });
        }
    }
}

fn starts_with_any(word: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| word.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)))
}

/// What of `text` behind `start` is looked at.
fn window(text: &str, start: usize) -> &str {
    let most = text.len().min(start + LONGEST);
    let most = (start..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(start);
    text.get(start..most).unwrap_or_default()
}

/// `user:password@host`: the password; a long random user, where it stands alone.
fn in_address(rest: &str) -> Option<Range<usize>> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '"' | '\'' | '`' | '<' | '>' | '\\' | '(' | '{');
    let authority = rest.get(..rest.find(ends).unwrap_or(rest.len()).min(512).min(rest.len()))?;
    let user = authority.get(..authority.rfind('@')?)?;
    match user.find(':') {
        Some(colon) => {
            let password = user.get(colon + 1..)?;
            let stands_for_one = password.len() < 3
                || password.starts_with(['$', '[', '<', '%', '*'])
                || ["password", "passwd", "pass", "pwd", "pw", "secret", "token", "xxx", "xxxx", "..."]
                    .iter()
                    .any(|word| password.eq_ignore_ascii_case(word));
            (!stands_for_one).then_some(colon + 1..user.len())
        }
        None => Some(0..user.len()).filter(|range| user.len() >= 20 && is_random(rest, range, false, false)),
    }
}

/// `: Bearer …` and its like.
fn in_header(rest: &str) -> Option<Range<usize>> {
    let scheme_at = rest.find(|c: char| c.is_ascii_alphanumeric()).filter(|at| *at > 0 && *at <= 6)?;
    let between = rest.get(..scheme_at)?;
    if between.contains('\n') || !between.contains([':', '=', ',', '"', '\'', ' ']) {
        return None;
    }
    let scheme = rest.get(scheme_at..)?;
    const SCHEMES: [&str; 8] = ["bearer", "basic", "token", "bot", "apikey", "ssws", "key", "digest"];
    let name = SCHEMES.iter().find(|name| starts_with_any(scheme, &[*name]))?;
    let after = scheme.get(name.len()..)?;
    let value_at = after.find(|c| c != ' ' && c != '\t')?;
    if value_at == 0 {
        return None;
    }
    let start = scheme_at + name.len() + value_at;
    let range = bare(rest, start)?;
    let value = rest.get(range.clone())?;
    let is_value = value.len() >= 12
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=._~-:".contains(&byte))
        && !stands_for_another(value)
        && !value.contains("..")
        && (*name != "bot" && *name != "key" || value.bytes().any(|byte| byte.is_ascii_digit()));
    // `Bearer access_token`, `Basic authentication`: words.
    let is_word =
        value.split(['_', '-', '.']).all(|part| part.len() < 16 && part.bytes().all(|byte| byte.is_ascii_lowercase()));
    (is_value && !is_word).then_some(range)
}

/// The value that is given to a name. `rest` begins behind the word of the name that was found.
fn of_name(rest: &str, before: &[u8], is_flag: bool, is_password: bool) -> Option<Range<usize>> {
    if is_flag {
        return bare(rest, 0).filter(|range| is_random(rest, range, false, is_password));
    }
    let bytes = rest.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or_default();
    let skip = |mut index: usize, set: &[u8]| {
        while set.contains(&at(index)) && index < bytes.len() {
            index += 1;
        }
        index
    };
    let mut index = 0;
    while index < 40 && (at(index).is_ascii_alphanumeric() || b"_-.".contains(&at(index))) {
        index += 1;
    }
    let name_end = rest.get(..index)?;
    if tells_about(name_end) {
        return None;
    }
    // The name may stand in quotes, escaped ones too, or be an index: `["token"]`.
    index = skip(index, b"\\\"'`])");
    let quoted_name = index > name_end.len();
    let spaced = skip(index, b" \t");
    let command_line = !quoted_name && spaced > index && is_option(before);
    let mut strict = true;
    index = match (at(spaced), at(spaced + 1)) {
        (b':' | b'=' | b'!', b'=') => spaced + 2,
        (b'=', b'>') => spaced + 2,
        (b'=', _) => {
            strict = spaced > index;
            spaced + 1
        }
        (b':', b':') => return None,
        (b':', _) => {
            strict = false;
            spaced + 1
        }
        (b',', _) if quoted_name => spaced + 1,
        (b'(', b'"' | b'\'') => spaced + 1,
        (b'>', _) => {
            strict = false;
            spaced + 1
        }
        _ if command_line => spaced,
        _ => return None,
    };
    index = skip(index, b" \t=");
    // `token: &str = "…"`.
    let annotation = rest.get(index..).and_then(|rest| {
        let end = rest.find(|c: char| {
            !(c.is_ascii_alphanumeric() || matches!(c, '&' | '\'' | '<' | '>' | '_' | ' ' | ':' | '?'))
        })?;
        let is_short = (1..40).contains(&end) && rest.as_bytes().get(end) == Some(&b'=');
        is_short
            .then_some(end + 1)
            .filter(|_| rest.get(..end).is_some_and(|ty| !ty.trim().is_empty() && ty.ends_with(' ')))
    });
    if let Some(length) = annotation {
        index = skip(index + length, b" \t");
    }
    // What a literal may begin with: `b"…"`, `r#"…"`, `String::from("…")`.
    for prefix in ["String::from(", "Some(", "br#", "r#", "b", "r", "f", "u", "@", "&", "!!str "] {
        let after = index + prefix.len();
        if rest.get(index..).is_some_and(|rest| rest.starts_with(prefix)) && matches!(at(after), b'"' | b'\'') {
            index = after;
            break;
        }
    }
    index = skip(index, b"\\");
    match at(index) {
        quote @ (b'"' | b'\'' | b'`') => {
            let start = index + 1;
            let length = rest.get(start..)?.bytes().position(|byte| byte == quote || byte == b'\n' || byte == b'\\')?;
            let range = start..start + length;
            is_random(rest, &range, true, is_password).then_some(range)
        }
        _ => {
            let range = bare(rest, index)?;
            // `x = y(…)`, `x = y[…]`, `x: y::z` are expressions, `x = a.b.c;` may be one.
            if matches!(at(range.end), b'(' | b'[' | b'{') {
                return None;
            }
            is_random(rest, &range, false, is_password && !strict).then_some(range)
        }
    }
}

/// Whether a name before a space is an option of a command line: `--token`.
fn is_option(before: &[u8]) -> bool {
    let word = before.rsplit(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b'_')).next();
    word.is_some_and(|word| word.starts_with(b"--"))
}

/// Whether a name with this end tells something about a secret, and holds none.
fn tells_about(name_end: &str) -> bool {
    const ENDS: [&str; 28] = [
        "id",
        "ids",
        "name",
        "names",
        "type",
        "url",
        "uri",
        "path",
        "file",
        "endpoint",
        "expiry",
        "expires",
        "expires_in",
        "length",
        "len",
        "count",
        "size",
        "version",
        "arn",
        "ref",
        "field",
        "header",
        "kind",
        "hash",
        "prefix",
        "regex",
        "pattern",
        "algorithm",
    ];
    let last = name_end.rsplit(['_', '-', '.']).next().unwrap_or(name_end);
    ENDS.iter().any(|end| last.eq_ignore_ascii_case(end))
        || ["Id", "Name", "Type", "Url", "Uri", "Path", "File", "Hash"].iter().any(|end| last.ends_with(end))
}

/// A value without quotes.
fn bare(rest: &str, start: usize) -> Option<Range<usize>> {
    let value = rest.get(start..)?;
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\'' | '`' | ',' | ';' | '&' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '\\' | '|'
            )
    };
    let length = value.find(ends).unwrap_or(value.len());
    // What goes on behind what is looked at is data.
    (length > 0 && start + length + 4 < LONGEST).then_some(start..start + length)
}

/// Whether a value looks like a secret, and not like a word, an expression or what stands for one.
fn is_random(rest: &str, range: &Range<usize>, quoted: bool, is_password: bool) -> bool {
    let Some(value) = rest.get(range.clone()) else { return false };
    let least = if is_password || quoted { 8 } else { 16 };
    if value.len() < least || value.len() + 8 > LONGEST || value.contains([' ', '\t']) || !value.is_ascii() {
        return false;
    }
    if stands_for_another(value) || is_place(value) || is_run(value) {
        return false;
    }
    let count = |test: fn(&u8) -> bool| value.bytes().filter(test).count();
    let (lower, upper, digits) =
        (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase), count(u8::is_ascii_digit));
    let marks = value.bytes().filter(|byte| !byte.is_ascii_alphanumeric() && !b"_-.:/".contains(byte)).count();
    let letters = lower + upper;
    let entropy = entropy(value);
    if letters == 0 {
        return false;
    }
    let is_word = value.split(['_', '-', '.', ':', '/']).all(|part| {
        let part = part.trim_end_matches(|c: char| c.is_ascii_digit());
        part.bytes().all(|byte| byte.is_ascii_alphabetic()) && turns(part) < part.len() / 4 + 2
    });
    // Base64 without a digit: capitals go up and down.
    let is_mixed = lower > 0 && upper > 0 && turns(value) >= 6 && value.len() >= 20;
    if is_password && (quoted || marks > 0 || digits > 0) {
        let is_passing = (digits >= 2 || marks > 0) && (digits > 0 || quoted || marks > 0);
        return is_passing && entropy >= 2.5 && !(quoted && is_word && digits < 2);
    }
    if value.len() < 16 {
        return digits >= 2 && !is_word && (upper > 0 || marks > 0 || lower > 3) && entropy >= 2.8;
    }
    // A name is short parts, each a word with a number at most.
    if is_word && !is_mixed {
        return false;
    }
    (digits >= 2 || is_mixed) && entropy >= 3.0 && (quoted || digits >= 3 || is_mixed)
}

/// How often capitals begin and end.
fn turns(word: &str) -> usize {
    word.as_bytes()
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_uppercase() != b.is_ascii_uppercase()))
        .count()
}

/// Names of files and places, globs, addresses.
fn is_place(value: &str) -> bool {
    let lower = value.get(..8).unwrap_or(value).to_ascii_lowercase();
    value.starts_with(['/', '.', '~', '#', '@', '!', '-', '*', '^', '(', '+']) && !value.contains('=')
        || [
            "http:", "https:", "file:", "data:", "arn:", "urn:", "ssh:", "git:", "vault:", "sha256", "sha512", "sha1",
            "op:",
        ]
        .iter()
        .any(|scheme| lower.starts_with(scheme))
}

/// What is written where a secret belongs.
fn stands_for_another(value: &str) -> bool {
    const WORDS: [&str; 40] = [
        "example",
        "placeholder",
        "changeme",
        "change_me",
        "change-me",
        "your",
        "xxxx",
        "****",
        "....",
        "dummy",
        "redacted",
        "${",
        "{{",
        "$(",
        "%(",
        "{}",
        "%s",
        "todo",
        "replace",
        "sample",
        "process.env",
        "environ",
        "getenv",
        "env.",
        "env:",
        "secrets.",
        "fake",
        "none",
        "undefined",
        "insert",
        "lorem",
        "config.",
        "self.",
        "this.",
        "::",
        "->",
        "://",
        "()",
        "password",
        "secret",
    ];
    if value.starts_with(['$', '%', '<', '{']) || value.contains(MARK.trim_end()) {
        return true;
    }
    let lower = value.to_ascii_lowercase();
    let mut seen = value.bytes();
    let first = seen.next();
    WORDS.iter().any(|word| lower.contains(word)) || seen.all(|byte| Some(byte) == first)
}

/// `0123456789abcdef`, `abcdefgh`: keys on a keyboard, in order.
fn is_run(value: &str) -> bool {
    let steps =
        value.as_bytes().windows(2).filter(|pair| matches!(pair, [a, b] if a.checked_add(1) == Some(*b))).count();
    steps * 4 > value.len() * 3
}

/// Bits a character.
fn entropy(value: &str) -> f64 {
    let mut counts: HashMap<u8, u32> = HashMap::new();
    for byte in value.bytes() {
        *counts.entry(byte).or_default() += 1;
    }
    let length = value.len() as f64;
    counts.values().map(|count| f64::from(*count) / length).map(|share| -share * share.log2()).sum()
}
