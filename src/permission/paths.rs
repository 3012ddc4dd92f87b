//! Patterns of paths, and of anything else with stars in it.
//!
//! A path that is allowed is compared as it is written; one that is forbidden is compared as forgiving file systems do, without
//! case, composed letters, hidden characters and dots at the end.

use crate::text::hidden::{is_hidden, is_ignorable};

/// `src/**`, `*.md`, `.env`: `*` stays in a name, `**` crosses folders. Without a slash it is a name in any folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PathPattern {
    parts: Vec<String>,
    folded: Vec<String>,
}

impl PathPattern {
    pub fn parse(text: &str) -> Result<PathPattern, String> {
        if text.is_empty() {
            return Err("the path is missing, as in edit_file(src/**)".to_owned());
        }
        if text.starts_with(['/', '~', '!']) || text.contains(['\\', '[', ']', '{', '}']) || is_odd(text) {
            return Err("paths are relative to the workspace, with `/`, `*`, `**` and `?` only".to_owned());
        }
        let text = text.strip_prefix("./").unwrap_or(text);
        let text = match text.strip_suffix('/') {
            Some(folder) => format!("{folder}/**"),
            None if text.contains('/') => text.to_owned(),
            None => format!("**/{text}"),
        };
        let parts: Vec<String> = text.split('/').map(str::to_owned).collect();
        if parts.iter().any(|part| part.is_empty() || part == "." || part == "..") {
            return Err("a path may not hold `..`, `.` or an empty name".to_owned());
        }
        let folded = parts.iter().map(|part| fold(part)).collect();
        Ok(PathPattern { parts, folded })
    }

    pub fn allows(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        let is_odd = is_odd(path) || path.contains('\\') || names.iter().any(|name| matches!(*name, "" | "." | ".."));
        !is_odd && parts_match(&self.parts, &names)
    }

    pub fn forbids(&self, path: &str) -> bool {
        let mut names: Vec<String> = Vec::new();
        for name in path.split(['/', '\\']) {
            match name {
                "" | "." => {}
                ".." => {
                    names.pop();
                }
                name => names.push(fold(name)),
            }
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        parts_match(&self.folded, &names)
    }
}

fn is_odd(text: &str) -> bool {
    text.chars().any(|c| c.is_control() || is_hidden(c, None, None))
}

/// Whole names against parts, where `**` stands for any number of them, none among them.
fn parts_match(parts: &[String], names: &[&str]) -> bool {
    let (mut part, mut name) = (0_usize, 0_usize);
    let mut last: Option<(usize, usize)> = None;
    loop {
        match (parts.get(part), names.get(name)) {
            (Some(pattern), _) if pattern == "**" => {
                last = Some((part, name));
                part = part.saturating_add(1);
                continue;
            }
            (None, None) => return true,
            (Some(pattern), Some(text)) if matches(pattern, text) => {
                part = part.saturating_add(1);
                name = name.saturating_add(1);
                continue;
            }
            _ => {}
        }
        match last {
            Some((from, at)) if at < names.len() => {
                last = Some((from, at.saturating_add(1)));
                part = from.saturating_add(1);
                name = at.saturating_add(1);
            }
            _ => return false,
        }
    }
}

/// `*` is any text, `?` any one character.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    matches_where(pattern, text, |_| true, |_| true)
}

/// The same, where `*` and `?` at a byte of the pattern count only if `is_wild` says so, and `*` takes only what `may_take` lets it.
pub(super) fn matches_where(
    pattern: &str,
    text: &str,
    is_wild: impl Fn(usize) -> bool,
    may_take: impl Fn(char) -> bool,
) -> bool {
    let (mut rest, mut text) = (pattern, text);
    let mut last: Option<(&str, &str)> = None;
    loop {
        let at = pattern.len().saturating_sub(rest.len());
        let mut pattern_chars = rest.chars();
        let mut text_chars = text.chars();
        match (pattern_chars.next(), text_chars.next()) {
            (Some('*'), _) if is_wild(at) => {
                rest = pattern_chars.as_str();
                last = Some((rest, text));
                continue;
            }
            (None, None) => return true,
            (Some(p), Some(c)) if p == c || (p == '?' && is_wild(at)) => {
                rest = pattern_chars.as_str();
                text = text_chars.as_str();
                continue;
            }
            _ => {}
        }
        let Some((from, taken)) = last else { return false };
        let mut taken = taken.chars();
        match taken.next() {
            Some(c) if may_take(c) => {
                last = Some((from, taken.as_str()));
                rest = from;
                text = taken.as_str();
            }
            _ => return false,
        }
    }
}

/// A name as forgiving file systems compare it.
pub(super) fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        let is_mark = matches!(c, '\u{300}'..='\u{36f}' | '\u{3099}' | '\u{309a}');
        if !is_mark && !is_ignorable(c) {
            folded.push(base_letter(c));
        }
    }
    let trimmed = folded.trim_end_matches(['.', ' ']);
    if trimmed.is_empty() { folded } else { trimmed.to_owned() }
}

/// The letter without its mark, so that `é` is one letter however it is composed.
fn base_letter(c: char) -> char {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' => 'i',
        'ĵ' => 'j',
        'ķ' | '\u{212a}' => 'k',
        'ĺ' | 'ļ' | 'ľ' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ō' | 'ŏ' | 'ő' | 'ơ' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ſ' => 's',
        'ţ' | 'ť' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}
