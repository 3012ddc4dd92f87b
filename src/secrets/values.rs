//! The values in a file that is known to hold secrets: names, comments and structure stay, every value goes.
//!
//! Reads line by line and forgives everything: a file that is broken must not show more than a whole one. What is no name is
//! taken for a value.

use std::ops::Range;

use super::names::parts;
use super::{Found, VALUE, masked};

/// What stands in place of a value.
const MASKED: &str = "[secret: value]";

/// How a file of secrets is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `NAME=value`, and all that is near it: sections, `export`, values of several lines.
    Assigned,
    /// The same, where `//` begins a name: `.npmrc`.
    Npm,
    Json,
    Yaml,
    /// `machine … login … password …`.
    Netrc,
    /// `name:value`, the value being what stands behind the last colon.
    Colons,
    /// Addresses with a user.
    Addresses,
    /// Texts in quotes.
    Program,
    /// Keys as text, or no text at all.
    Key,
}

/// The text of a file whose values are secrets: `KEY=[secret: value]`.
pub fn mask_values(path: &str, text: &str) -> String {
    masked(text, find(path, text)).text.into_owned()
}

pub(super) fn find(path: &str, text: &str) -> Vec<Found> {
    let mut found = Ranges { text, ranges: Vec::new() };
    match form(path, text) {
        Form::Assigned => found.assigned(b"=:", false),
        Form::Npm => found.assigned(b"=", true),
        Form::Json => found.json(),
        Form::Yaml => found.yaml(),
        Form::Netrc => found.netrc(),
        Form::Colons => found.colons(),
        Form::Addresses => found.addresses(),
        Form::Program => found.program(),
        Form::Key => found.key(),
    }
    found.ranges.into_iter().map(|range| Found { kind: VALUE, range }).collect()
}

fn form(path: &str, text: &str) -> Form {
    let parts = parts(path);
    let name = parts.last().map_or("", String::as_str);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let begins = text.trim_start_matches('\u{feff}').trim_start();
    match name {
        ".npmrc" | ".yarnrc" => return Form::Npm,
        ".netrc" | "_netrc" => return Form::Netrc,
        ".htpasswd" | ".pgpass" | "pgpass.conf" => return Form::Colons,
        ".git-credentials" => return Form::Addresses,
        ".vault-token" | ".vault_pass" | "master.key" => return Form::Key,
        "kubeconfig" | "hosts.yml" if !begins.starts_with('{') => return Form::Yaml,
        _ => {}
    }
    if begins.contains("-----BEGIN ") && !begins.starts_with(['{', '#']) && begins.starts_with("-----BEGIN ") {
        return Form::Key;
    }
    match ending {
        "json" | "dockercfg" | "dockerconfigjson" | "tfstate" | "backup" => Form::Json,
        "yaml" | "yml" | "kubeconfig" => Form::Yaml,
        "php" => Form::Program,
        "pem" | "key" | "p12" | "pfx" | "jks" | "keystore" | "kdbx" | "p8" | "ppk" => Form::Key,
        _ if begins.starts_with('{') => Form::Json,
        _ if parts.iter().rev().nth(1).is_some_and(|folder| folder == ".kube") => Form::Yaml,
        _ if parts.iter().rev().nth(1).is_some_and(|folder| folder == ".ssh") || name.starts_with("id_") => Form::Key,
        _ => Form::Assigned,
    }
}

struct Ranges<'a> {
    text: &'a str,
    ranges: Vec<Range<usize>>,
}

/// A line without its break, and where it begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive(['\n', '\r']).map(move |line| {
        let start = at;
        at += line.len();
        (start, line.trim_end_matches(['\n', '\r']))
    })
}

fn is_blank_or_bracket(line: &str) -> bool {
    line.chars().all(|c| c.is_whitespace() || matches!(c, '[' | ']' | '{' | '}' | '(' | ')' | ',' | ';' | '\u{feff}'))
}

impl Ranges<'_> {
    /// Adds the part of a line from `start`, without the white space and the quotes around it. `line_at` is where the line begins.
    fn value(&mut self, line_at: usize, line: &str, start: usize) {
        let Some(value) = line.get(start..) else { return };
        let from = start + value.len() - value.trim_start().len();
        let value = value.trim();
        let value = value.strip_suffix(';').or_else(|| value.strip_suffix(',')).unwrap_or(value).trim_end();
        if value.chars().all(|c| matches!(c, '"' | '\'' | '`')) {
            return;
        }
        let quotes = ["\"\"\"", "'''", "\"", "'", "`"];
        let quote = quotes
            .iter()
            .find(|quote| value.starts_with(**quote) && value.ends_with(**quote) && value.len() >= 2 * quote.len());
        let inset = quote.map_or(0, |quote| quote.len());
        let open = if inset > 0 {
            0
        } else {
            quotes.iter().find(|quote| value.starts_with(**quote)).map_or(0, |quote| quote.len())
        };
        let range = line_at + from + inset + open..line_at + from + value.len() - inset;
        if range.start < range.end && !is_mark(self.text.get(range.clone()).unwrap_or_default()) {
            self.ranges.push(range);
        }
    }

    fn assigned(&mut self, signs: &[u8], slashes_are_names: bool) {
        // The quote that a value of several lines waits for.
        let mut open: Option<&'static str> = None;
        for (at, line) in lines(self.text) {
            if let Some(quote) = open {
                let last = line.find(quote);
                open = if last.is_some() { None } else { open };
                // The quote that ends it stays, where it ends the line.
                let last = last.filter(|last| line.get(last + quote.len()..).is_some_and(is_blank_or_bracket));
                self.value(at, last.and_then(|last| line.get(..last)).unwrap_or(line), 0);
                continue;
            }
            let content = line.trim_start_matches('\u{feff}').trim_start();
            let indent = line.len() - content.len();
            let is_comment = content.starts_with(['#', ';']) || (content.starts_with("//") && !slashes_are_names);
            let is_section =
                content.starts_with('[') && content.trim_end().ends_with(']') && !content.contains(['=', '"', ',']);
            if content.is_empty() || is_section || is_blank_or_bracket(content) {
                continue;
            }
            let sign = content.bytes().position(|byte| signs.contains(&byte));
            let is_name = |name: &str| {
                let name = name.trim_start_matches(['#', ';', '/', ' ', '\t']).trim();
                let name = name.strip_prefix("export ").or_else(|| name.strip_prefix("set ")).unwrap_or(name).trim();
                // `"user:pass",` is one text of a list.
                let quote = name.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
                quote.is_none_or(|quote| name.len() > 1 && name.ends_with(quote))
                    && name.len() <= 256
                    && (name.split_whitespace().count() <= 1 || slashes_are_names)
            };
            match sign.filter(|sign| content.get(..*sign).is_some_and(is_name)) {
                Some(sign) => {
                    let value = content.get(sign + 1..).unwrap_or_default().trim();
                    if !is_comment {
                        open = ["\"\"\"", "'''", "\"", "'"]
                            .into_iter()
                            .find(|quote| value.starts_with(*quote))
                            .filter(|quote| !value.get(quote.len()..).unwrap_or_default().contains(*quote));
                    }
                    if !is_blank_or_bracket(value) {
                        self.value(at, line, indent + sign + 1);
                    }
                }
                // Words to people stay; a secret in them is found by its look.
                None if is_comment => self.by_look(at, line),
                // `resource "x" {`: a block.
                None if content.trim_end().ends_with('{') => {}
                None => self.value(at, line, 0),
            }
        }
    }

    fn by_look(&mut self, at: usize, text: &str) {
        let found = super::mask(text).found;
        self.ranges.extend(found.into_iter().map(|found| at + found.range.start..at + found.range.end));
    }

    /// Every scalar that is no key.
    fn json(&mut self) {
        let bytes = self.text.as_bytes();
        let at = |index: usize| bytes.get(index).copied();
        let mut index = 0;
        while let Some(byte) = at(index) {
            match byte {
                b'"' => {
                    let start = index + 1;
                    let mut end = start;
                    while let Some(byte) = at(end) {
                        match byte {
                            b'\\' => end += 2,
                            b'"' => break,
                            _ => end += 1,
                        }
                    }
                    let end = end.min(bytes.len());
                    index = end + 1;
                    let mut next = index;
                    while at(next).is_some_and(|byte| byte.is_ascii_whitespace()) {
                        next += 1;
                    }
                    if at(next) != Some(b':') {
                        self.scalar(start..end);
                    }
                }
                // A scalar that is masked already.
                b'[' if self.text.get(index..).is_some_and(|rest| rest.starts_with(MASKED)) => index += MASKED.len(),
                b'/' if at(index + 1) == Some(b'/') => {
                    while at(index).is_some_and(|byte| byte != b'\n') {
                        index += 1;
                    }
                }
                b'{' | b'}' | b'[' | b']' | b',' | b':' => index += 1,
                _ if byte.is_ascii_whitespace() => index += 1,
                _ => {
                    let start = index;
                    while at(index).is_some_and(|byte| !byte.is_ascii_whitespace() && !b"{}[],:\"".contains(&byte)) {
                        index += 1;
                    }
                    self.scalar(start..index);
                }
            }
        }
    }

    fn scalar(&mut self, range: Range<usize>) {
        match self.text.get(range.clone()) {
            Some("" | "null" | "\u{feff}") => {}
            Some(value) if is_mark(value) => {}
            Some(_) => self.ranges.push(range),
            // A broken escape at the end of the file.
            None => self.ranges.push(range.start..self.text.len()),
        }
    }

    fn yaml(&mut self) {
        // The indentation of the key whose value follows on lines that are further in.
        let mut block: Option<usize> = None;
        for (at, line) in lines(self.text) {
            let content = line.trim_start_matches(['\u{feff}', ' ', '\t']);
            let indent = line.len() - content.len();
            if content.is_empty() {
                continue;
            }
            if block.is_some_and(|key| indent > key) {
                self.value(at, line, 0);
                continue;
            }
            block = None;
            if content.starts_with('#') {
                match content
                    .split_once(':')
                    .filter(|(name, _)| name.trim_start_matches(['#', ' ']).split_whitespace().count() == 1)
                {
                    Some((name, _)) => self.value(at, line, indent + name.len() + 1),
                    None => self.by_look(at, line),
                }
                continue;
            }
            if content.starts_with("---") || content.starts_with("...") || content.starts_with('%') {
                continue;
            }
            let dashes = content.len() - content.trim_start_matches(['-', ' ']).len();
            let item = content.get(dashes..).unwrap_or_default();
            let value_at = match key_of(item) {
                Some(length) => indent + dashes + length,
                None => indent + dashes,
            };
            let value = line.get(value_at..).unwrap_or_default().trim();
            // `key: |`, `key: >-`, `key: !!binary |`: the value follows.
            let is_block = value.ends_with('|')
                || value.ends_with('>')
                || value.trim_end_matches(['-', '+']).ends_with(['|', '>']);
            if (is_block && value.len() < 16) || value.starts_with('#') {
                block = is_block.then_some(indent + dashes);
                continue;
            }
            if !value.is_empty() && !is_blank_or_bracket(value) && value != "null" && value != "~" {
                self.value(at, line, value_at);
                // A plain or quoted value may go on, further in.
                block = Some(indent + dashes);
            }
        }
    }

    fn netrc(&mut self) {
        for (at, line) in lines(self.text) {
            if line.trim_start().starts_with('#') {
                self.by_look(at, line);
                continue;
            }
            const NAMES: [&str; 6] = ["machine", "default", "login", "password", "account", "macdef"];
            let mut name = "";
            let mut any = false;
            for word in line.split_whitespace() {
                let start = word.as_ptr() as usize - line.as_ptr() as usize;
                let shown = matches!(name, "machine" | "login" | "macdef");
                if NAMES.contains(&word) && !matches!(name, "password" | "account") {
                    name = word;
                    any = true;
                } else if shown && any {
                    name = "";
                } else {
                    self.ranges.push(at + start..at + start + word.len());
                    name = "";
                }
            }
        }
        self.ranges.retain(|range| {
            !self.text.get(range.clone()).is_some_and(|value| value.starts_with("[secret:") || value == "value]")
        });
    }

    fn colons(&mut self) {
        for (at, line) in lines(self.text) {
            if !line.trim_start().starts_with('#') {
                let bare = line.trim_end_matches(MASKED);
                if bare.len() == line.len() {
                    self.value(at, line, line.rfind(':').map_or(0, |colon| colon + 1));
                }
            }
        }
    }

    fn addresses(&mut self) {
        for (at, line) in lines(self.text) {
            let start = line.find("://").map_or(0, |sign| sign + 3);
            let end = line.rfind('@').filter(|end| *end > start).unwrap_or(line.len());
            let user = line.get(start..end).unwrap_or_default();
            let from = user.find(':').map_or(start, |colon| start + colon + 1);
            if from < end && !is_mark(line.get(from..end).unwrap_or_default()) {
                self.ranges.push(at + from..at + end);
            }
        }
    }

    /// Every text in quotes, but for the name in `define('NAME', …)` and in `['name']`.
    fn program(&mut self) {
        let mut index = 0;
        while let Some(start) = self.text.get(index..).and_then(|rest| rest.find(['"', '\''])).map(|at| index + at) {
            let quote = self.text.as_bytes().get(start).copied().unwrap_or_default();
            let mut end = start + 1;
            while let Some(byte) = self.text.as_bytes().get(end) {
                match byte {
                    b'\\' => end += 2,
                    byte if *byte == quote => break,
                    _ => end += 1,
                }
            }
            let before = self.text.get(start.saturating_sub(16)..start).unwrap_or_default().trim_end();
            if !(before.ends_with("define(") || before.ends_with("getenv(") || before.ends_with('[')) {
                self.scalar(start + 1..end.min(self.text.len()));
            }
            index = (end + 1).min(self.text.len());
            while !self.text.is_char_boundary(index) {
                index += 1;
            }
        }
    }

    /// All but the lines that say what begins and ends.
    fn key(&mut self) {
        for (at, line) in lines(self.text) {
            let is_mark_line = line.starts_with("-----") || line.starts_with("---- ") || line.starts_with('#');
            let is_header = line.split_once(": ").is_some_and(|(name, _)| {
                matches!(
                    name,
                    "Proc-Type" | "DEK-Info" | "Version" | "Comment" | "Public-Lines" | "Private-Lines" | "Encryption"
                )
            });
            if !is_mark_line && !is_header {
                self.value(at, line, 0);
            } else if line.starts_with('#') || line.matches("-----").count() > 2 {
                self.by_look(at, line);
            }
        }
    }
}

fn is_mark(value: &str) -> bool {
    value == MASKED
}

/// How long the key at the start of a YAML line is, with its colon; `None` where there is none.
fn key_of(item: &str) -> Option<usize> {
    let quote = item.chars().next().filter(|c| matches!(c, '"' | '\''));
    let name_end = match quote {
        Some(quote) => item.get(1..)?.find(quote)? + 2,
        None => item.find(": ").or_else(|| item.trim_end().strip_suffix(':').map(str::len))?,
    };
    let rest = item.get(name_end..)?;
    let colon = rest.find(':').filter(|at| rest.get(..*at).is_some_and(|between| between.trim().is_empty()))?;
    let name = item.get(..name_end)?;
    (!name.starts_with(['{', '[', '|', '>', '&', '*'])).then_some(name_end + colon + 1)
}
