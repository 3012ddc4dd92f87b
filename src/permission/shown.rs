//! An act as a person is shown it, so that what he sees is what happens.
//!
//! One line, in which nothing is hidden: characters without a shape of their own are written as `\u{…}`, runs of space and breaks
//! of lines as what they are, and what is cut is counted. The head, the tail and every program of a command are always there.

use std::fmt::Write as _;

use super::act::Act;
use super::command::parse;
use crate::text::hidden::is_hidden;

/// Longest text that is shown whole, in characters.
const WHOLE: usize = 1_200;
/// How much of the beginning and of the end is shown of a longer one.
const HEAD: usize = 500;
const TAIL: usize = 500;
/// Longest run of spaces that is shown as such.
const SPACES: usize = 8;
/// How much of each part of a long command is shown, and of how many parts.
const PART: usize = 80;
const PARTS: usize = 40;
/// How much of a text is looked at for its head or its tail.
const LOOK: usize = 20_000;

pub(super) fn shown(act: &Act) -> String {
    match act {
        Act::Shell { command, cwd, network, background, confined, scripts: _ } => {
            let mut text = cut(command);
            if is_cut(command, &text) {
                text.push_str(&parts(command));
            }
            let mut notes = Vec::new();
            if cwd != "." {
                notes.push(format!("in {}", cut(cwd)));
            }
            if *network {
                notes.push("with the network".to_owned());
            }
            if *background {
                notes.push("in the background".to_owned());
            }
            if !*confined {
                notes.push("NOT confined".to_owned());
            }
            if !notes.is_empty() {
                let _ = write!(text, " ⟨{}⟩", notes.join(", "));
            }
            text
        }
        Act::Fetch { url } => cut(url.as_str()),
        Act::Search { provider, query } => format!("{} ⟨to {}⟩", cut(query), cut(provider)),
        Act::Read { path } | Act::Edit { path } => cut(path),
        Act::Mcp { server, tool, input } => format!("{}__{} {}", cut(server), cut(tool), cut(&input.to_string())),
        Act::StartServer { server, program, rights } => {
            let rights: Vec<String> = rights.iter().map(|right| cut(right)).collect();
            let rights = if rights.is_empty() { String::new() } else { format!(" ⟨{}⟩", rights.join(", ")) };
            format!("{}: {}{rights}", cut(server), cut(program))
        }
        Act::Other { tool, input } => format!("{} {}", cut(tool), cut(&input.to_string())),
    }
}

/// The text with its middle left out if it is long.
fn cut(text: &str) -> String {
    if text.len() <= LOOK {
        let whole = visible(text);
        let count = whole.chars().count();
        if count <= WHOLE {
            return whole;
        }
        let head: String = whole.chars().take(HEAD).collect();
        let tail: String = whole.chars().skip(count.saturating_sub(TAIL)).collect();
        return format!("{head} ⟨… {} characters …⟩ {tail}", count.saturating_sub(HEAD).saturating_sub(TAIL));
    }
    let head: String = visible(&text.chars().take(LOOK).collect::<String>()).chars().take(HEAD).collect();
    let end: String = text.chars().rev().take(LOOK).collect::<Vec<char>>().into_iter().rev().collect();
    let end = visible(&end);
    let tail: String = end.chars().skip(end.chars().count().saturating_sub(TAIL)).collect();
    let left = text.chars().count();
    format!("{head} ⟨… of {left} characters in all …⟩ {tail}")
}

fn is_cut(text: &str, shown: &str) -> bool {
    text.len() > LOOK || (text.chars().count() > HEAD.saturating_add(TAIL) && shown.contains("⟨… "))
}

/// Every program of a long command, with the beginning of its words.
fn parts(command: &str) -> String {
    let line = parse(command);
    let mut seen: Vec<(String, usize)> = Vec::new();
    for part in &line.parts {
        let words: Vec<&str> = part.words.iter().map(|word| word.text.as_str()).collect();
        let text: String = visible(&words.join(" ").chars().take(LOOK).collect::<String>());
        let short: String = text.chars().take(PART).collect();
        let short = if short.len() < text.len() { format!("{short}…") } else { short };
        match seen.iter_mut().find(|(known, _)| *known == short) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => seen.push((short, 1)),
        }
    }
    let mut text = String::from(" ⟨runs:");
    for (index, (part, count)) in seen.iter().take(PARTS).enumerate() {
        let _ = write!(text, "{} {part}", if index == 0 { "" } else { ";" });
        if *count > 1 {
            let _ = write!(text, " ({count} times)");
        }
    }
    if seen.len() > PARTS {
        let _ = write!(text, "; {} more", seen.len().saturating_sub(PARTS));
    }
    if let Some(why) = &line.unclear {
        let _ = write!(text, "{} not clear: {}", if seen.is_empty() { "" } else { ";" }, visible(why));
    }
    text.push('⟩');
    text
}

/// The text in one line, every character of it to be seen.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if matches!(c, ' ' | '\n') {
            let (mut spaces, mut lines) = (0_usize, 0_usize);
            let mut next = Some(c);
            while let Some(space) = next {
                match space {
                    ' ' => spaces = spaces.saturating_add(1),
                    _ => lines = lines.saturating_add(1),
                }
                next = chars.next_if(|c| matches!(c, ' ' | '\n'));
            }
            space(&mut shown, spaces, lines);
            continue;
        }
        let is_ours = matches!(c, '⟨' | '⟩' | '⏎') || (c == '\\' && chars.peek() == Some(&'u'));
        let is_blank = c.is_whitespace() || c == '\u{2800}';
        if is_ours || is_blank || is_hidden(c, None, None) || is_mark(c) {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

fn space(shown: &mut String, spaces: usize, lines: usize) {
    match (spaces, lines) {
        (spaces, 0) if spaces <= SPACES => shown.extend(std::iter::repeat_n(' ', spaces)),
        (spaces, 0) => {
            let _ = write!(shown, " ⟨{spaces} spaces⟩ ");
        }
        (spaces, 1) if spaces <= SPACES => shown.push_str(" ⏎ "),
        (spaces, lines) => {
            let _ = write!(shown, " ⟨{lines} line breaks, {spaces} spaces⟩ ");
        }
    }
}

/// Marks that stand on the letter before: many of them cover what is around.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}
