//! The words of a command line, for the part of the shell's language in which a word means the same to every reader.
//!
//! Quotes, backslashes, `;` `&&` `||` `|` and new lines, redirections to plain files, comments. Nothing is expanded: what would
//! be is refused with the reason. `bash` and `dash` split what is accepted here into the same words; a test holds that.

use super::table::{HARMLESS_VARIABLES, RESERVED, SHELL_WORDS, is_system_program};
use super::{Part, Word};
use crate::text::hidden::is_hidden;

/// A program with its words, what is assigned before it, and the files that are opened for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::permission) struct Simple {
    pub assigned: Vec<String>,
    pub words: Vec<Word>,
    pub files: Vec<String>,
}

impl Simple {
    pub fn of(words: Vec<Word>) -> Simple {
        Simple { words, ..Simple::default() }
    }

    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.assigned.is_empty() && self.files.is_empty()
    }
}

/// The simple commands of a line.
pub(in crate::permission) fn split(command: &str) -> Result<Vec<Simple>, String> {
    let chars: Vec<char> = command.chars().collect();
    check_characters(&chars)?;
    Lexer { chars, at: 0 }.commands()
}

fn check_characters(chars: &[char]) -> Result<(), String> {
    for (index, c) in chars.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| chars.get(index)).copied();
        let after = chars.get(index.saturating_add(1)).copied();
        let is_odd = match c {
            '\n' | '\t' | ' ' => false,
            c if c.is_ascii() => c.is_control(),
            c => c.is_whitespace() || is_hidden(*c, before, after),
        };
        if is_odd {
            return Err(format!("it holds the hidden character U+{:04X}", u32::from(*c)));
        }
    }
    Ok(())
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at.saturating_add(ahead)).copied()
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    fn commands(mut self) -> Result<Vec<Simple>, String> {
        let mut done = Vec::new();
        let mut simple = Simple::default();
        // A command must follow: the line is behind `&&`, `||` or `|`.
        let mut awaited = false;
        loop {
            let ends = match self.peek(0) {
                None => {
                    if !simple.is_empty() {
                        done.push(checked(simple)?);
                    } else if awaited {
                        return Err("it ends where a command must follow".to_owned());
                    }
                    return Ok(done);
                }
                Some(' ' | '\t') => {
                    self.skip(1);
                    continue;
                }
                Some('\\') if self.peek(1) == Some('\n') => {
                    self.skip(2);
                    continue;
                }
                Some('#') => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.skip(1);
                    }
                    continue;
                }
                Some('\n') => {
                    self.skip(1);
                    if simple.is_empty() {
                        continue;
                    }
                    false
                }
                Some(';') => match self.peek(1) {
                    Some(';' | '&') => return Err("`;;` is not read".to_owned()),
                    _ => {
                        self.skip(1);
                        false
                    }
                },
                Some('&') => match self.peek(1) {
                    Some('&') => {
                        self.skip(2);
                        true
                    }
                    Some('>') => return Err("`&>` is not read: write `> FILE 2>&1`".to_owned()),
                    _ => return Err("`&` leaves a command running behind".to_owned()),
                },
                Some('|') => match self.peek(1) {
                    Some('|') => {
                        self.skip(2);
                        true
                    }
                    Some('&') => return Err("`|&` is not read: write `2>&1 |`".to_owned()),
                    _ => {
                        self.skip(1);
                        true
                    }
                },
                Some('(' | ')') => return Err("it holds a subshell or a function".to_owned()),
                Some('<' | '>') => {
                    self.redirection(&mut simple)?;
                    continue;
                }
                Some(c) if c.is_ascii_digit() && self.is_descriptor() => {
                    self.skip(1);
                    // `dash` takes more than one digit for a word.
                    if self.peek(0).is_some_and(|c| c.is_ascii_digit()) {
                        return Err("a redirection that is not read".to_owned());
                    }
                    self.redirection(&mut simple)?;
                    continue;
                }
                Some(_) => {
                    let word = self.word()?;
                    match assignment(&word) {
                        Some(name) if simple.words.is_empty() => simple.assigned.push(name.to_owned()),
                        _ => simple.words.push(word),
                    }
                    continue;
                }
            };
            if simple.is_empty() {
                return Err("a command is missing".to_owned());
            }
            done.push(checked(std::mem::take(&mut simple))?);
            awaited = ends;
        }
    }

    /// Digits that a redirection follows without a space.
    fn is_descriptor(&self) -> bool {
        let mut ahead = 0_usize;
        while self.peek(ahead).is_some_and(|c| c.is_ascii_digit()) {
            ahead = ahead.saturating_add(1);
        }
        matches!(self.peek(ahead), Some('<' | '>'))
    }

    fn redirection(&mut self, simple: &mut Simple) -> Result<(), String> {
        let writes = self.peek(0) == Some('>');
        self.skip(1);
        match (writes, self.peek(0)) {
            (true, Some('>')) => self.skip(1),
            (true, Some('&')) => {
                let is_plain = matches!(self.peek(1), Some('0'..='2')) && self.peek(2).is_none_or(ends_word);
                self.skip(2);
                return if is_plain { Ok(()) } else { Err("a redirection that is not read".to_owned()) };
            }
            (false, Some('<')) => return Err("it holds a here-document".to_owned()),
            (_, Some('&' | '|' | '(' | '<' | '>')) => return Err("a redirection that is not read".to_owned()),
            (_, _) => {}
        }
        while matches!(self.peek(0), Some(' ' | '\t')) {
            self.skip(1);
        }
        if self.peek(0).is_none_or(|c| ends_word(c) || c == '#') {
            return Err("a redirection without a file".to_owned());
        }
        let word = self.word()?;
        if !word.wild.is_empty() || word.text.is_empty() {
            return Err("a redirection to a file that is not named".to_owned());
        }
        if word.text.starts_with("/dev/") && !matches!(word.text.as_str(), "/dev/null" | "/dev/stdout" | "/dev/stderr")
        {
            return Err(format!("a redirection to `{}`", word.text));
        }
        if word.text != "/dev/null" {
            simple.files.push(word.text);
        }
        Ok(())
    }

    fn word(&mut self) -> Result<Word, String> {
        let mut word = Word::default();
        let mut last = None;
        while let Some(c) = self.peek(0) {
            if ends_word(c) {
                break;
            }
            self.skip(1);
            match c {
                '\'' => {
                    word.quote();
                    self.single_quoted(&mut word.text)?;
                }
                '"' => {
                    word.quote();
                    self.double_quoted(&mut word.text)?;
                }
                '\\' => match self.peek(0) {
                    None => return Err("it ends in a backslash".to_owned()),
                    Some('\n') => return Err("a word goes on in the next line".to_owned()),
                    Some(escaped) => {
                        word.quote();
                        word.text.push(escaped);
                        self.skip(1);
                    }
                },
                '$' => return Err("it holds an expansion (`$`)".to_owned()),
                '`' => return Err("it holds a command in backquotes".to_owned()),
                '{' if self.peek(0) == Some('}') => {
                    word.text.push_str("{}");
                    self.skip(1);
                }
                '{' | '}' => return Err("it holds braces".to_owned()),
                '~' if last.is_none_or(|last| matches!(last, '=' | ':')) => {
                    return Err("it holds the name of a home (`~`)".to_owned());
                }
                '*' | '?' | '[' => {
                    word.wild.push(word.text.len());
                    word.text.push(c);
                }
                c => word.text.push(c),
            }
            last = Some(c);
        }
        Ok(word)
    }

    fn single_quoted(&mut self, text: &mut String) -> Result<(), String> {
        while let Some(c) = self.peek(0) {
            self.skip(1);
            if c == '\'' {
                return Ok(());
            }
            text.push(c);
        }
        Err("a quote is not closed".to_owned())
    }

    fn double_quoted(&mut self, text: &mut String) -> Result<(), String> {
        while let Some(c) = self.peek(0) {
            self.skip(1);
            match (c, self.peek(0)) {
                ('"', _) => return Ok(()),
                ('`', _) => return Err("it holds a command in backquotes".to_owned()),
                // The end of a regular expression: nothing that could be expanded follows.
                ('$', Some('"' | ' ' | '|')) => text.push('$'),
                ('$', _) => return Err("it holds an expansion (`$`)".to_owned()),
                ('\\', Some('\n')) => return Err("a word goes on in the next line".to_owned()),
                ('\\', Some(escaped @ ('$' | '`' | '"' | '\\'))) => {
                    text.push(escaped);
                    self.skip(1);
                }
                (c, _) => text.push(c),
            }
        }
        Err("a quote is not closed".to_owned())
    }
}

impl Word {
    fn quote(&mut self) {
        self.quoted.get_or_insert(self.text.len());
    }
}

fn ends_word(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
}

fn checked(simple: Simple) -> Result<Simple, String> {
    match simple.words.is_empty() {
        true => Err("it changes variables or files without a command".to_owned()),
        false => Ok(simple),
    }
}

/// The name, if the shell takes the word for an assignment where a command may stand.
fn assignment(word: &Word) -> Option<&str> {
    let (name, _) = word.text.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let mut chars = name.chars();
    let is_name = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_unquoted = word.quoted.is_none_or(|quoted| quoted > name.len());
    (is_name && is_unquoted).then_some(name)
}

/// Whether the variables are harmless and the program is one: a name or a path, and no word of the shell's own language.
pub(super) fn check_program(assigned: &[String], part: &Part) -> Result<(), String> {
    if let Some(name) = assigned.iter().find(|name| !is_harmless(name)) {
        return Err(format!("it sets `{name}`, which can change what runs"));
    }
    let Some(first) = part.words.first() else { return Err("a command is missing".to_owned()) };
    let program = first.text.as_str();
    if !first.is_fixed() {
        return Err("its program depends on names of files".to_owned());
    }
    if program.is_empty() || program.starts_with('-') || program.contains('=') {
        return Err(format!("`{program}` is no program"));
    }
    if !program.chars().all(|c| c.is_ascii_graphic()) || program.contains(['{', '}', '\\', '\'', '"', '`', '$']) {
        return Err("its program has a strange name".to_owned());
    }
    if RESERVED.contains(&program) {
        return Err(format!("`{program}` belongs to the shell's language"));
    }
    if SHELL_WORDS.contains(&program) {
        return Err(format!("`{program}` changes the shell that runs the rest"));
    }
    let Some((folder, base)) = program.rsplit_once('/') else { return Ok(()) };
    if program.starts_with("/proc/") || program.starts_with("/dev/") || program.contains("//") {
        return Err(format!("`{program}` is another name of a program"));
    }
    if !program.starts_with('/') && is_system_program(base) && !is_environment(folder, base) {
        return Err(format!("`{program}` is a file of the workspace under the name of a known program"));
    }
    Ok(())
}

/// A program of a virtual environment: what `python` is there is no disguise.
fn is_environment(folder: &str, base: &str) -> bool {
    let folder = folder.strip_prefix("./").unwrap_or(folder);
    matches!(folder, ".venv/bin" | "venv/bin" | "env/bin") && (base.starts_with("python") || base.starts_with("pip"))
}

pub(super) fn is_harmless(name: &str) -> bool {
    HARMLESS_VARIABLES.contains(&name)
}
