//! Scripts of sed. Most of its commands only change text; `e`, `w`, `W` and two flags of `s` run programs and write files.

use super::carriers::is_long_option;
use super::{Meaning, Part};

pub(super) fn meaning(part: &Part) -> Meaning {
    let mut words = part.arguments().iter();
    let mut has_script = false;
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        let script = match text {
            "-e" => match words.next() {
                Some(word) => word,
                None => return Meaning::unclear("`sed -e` without a script"),
            },
            "--" | "-s" | "-u" | "-z" | "--null-data" | "--quiet" | "--silent" | "--regexp-extended" | "--posix" => {
                continue;
            }
            _ if text == "-i"
                || text.starts_with("-i.")
                || text == "--in-place"
                || text.starts_with("--in-place=.") =>
            {
                continue;
            }
            _ if is_long_option(text, "expression") || is_long_option(text, "file") || text.starts_with("--") => {
                return Meaning::Unclear(format!("`sed {text}` is not known"));
            }
            _ if text.strip_prefix('-').is_some_and(|letters| {
                !letters.is_empty()
                    && letters.chars().all(|c| "nErsuzi".contains(c))
                    && !letters.trim_end_matches('i').contains('i')
            }) =>
            {
                continue;
            }
            _ if text.starts_with("-e") || (text.starts_with('-') && text.len() > 1) => {
                return Meaning::Unclear(format!("`sed {text}` is not known"));
            }
            _ if !has_script => word,
            _ => continue,
        };
        has_script = true;
        if !script.is_fixed() || !Script::of(&script.text).only_changes_text() {
            return Meaning::unclear("the script of `sed` can run a program or write a file");
        }
    }
    Meaning::Plain { known: true }
}

struct Script<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
}

impl Script<'_> {
    fn of(text: &str) -> Script<'_> {
        Script { chars: text.chars().peekable() }
    }

    /// Whether every command is one that only changes text.
    fn only_changes_text(mut self) -> bool {
        loop {
            while self.chars.next_if(|c| c.is_whitespace() || matches!(c, ';' | '{' | '}')).is_some() {}
            if self.chars.peek().is_none() {
                return true;
            }
            if self.command().is_none() {
                return false;
            }
        }
    }

    fn command(&mut self) -> Option<()> {
        self.address()?;
        if self.chars.next_if_eq(&',').is_some() {
            self.chars.next_if(|c| matches!(c, '+' | '~'));
            self.address()?;
        }
        while self.chars.next_if(|c| matches!(c, ' ' | '!')).is_some() {}
        match self.chars.next()? {
            '{' => Some(()),
            '#' | 'a' | 'i' | 'c' => {
                while self.chars.next_if(|c| *c != '\n').is_some() {}
                Some(())
            }
            'p' | 'd' | 'D' | 'P' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'x' | '=' | 'q' | 'Q' => {
                while self.chars.next_if(|c| c.is_ascii_digit() || *c == ' ').is_some() {}
                self.chars.peek().is_none_or(|c| matches!(c, ';' | '\n' | '}')).then_some(())
            }
            's' => {
                let delimiter = self.chars.next().filter(|c| !c.is_alphanumeric() && !matches!(c, '\\' | '\n'))?;
                self.until(delimiter)?;
                self.until(delimiter)?;
                while self
                    .chars
                    .next_if(|c| c.is_ascii_digit() || matches!(c, 'g' | 'p' | 'i' | 'I' | 'm' | 'M' | ' '))
                    .is_some()
                {}
                self.chars.peek().is_none_or(|c| matches!(c, ';' | '\n' | '}')).then_some(())
            }
            'y' => {
                let delimiter = self.chars.next().filter(|c| !c.is_alphanumeric() && !matches!(c, '\\' | '\n'))?;
                self.until(delimiter)?;
                self.until(delimiter)
            }
            _ => None,
        }
    }

    /// A number, `$`, `/…/`, or nothing.
    fn address(&mut self) -> Option<()> {
        match self.chars.peek() {
            Some('$') => {
                self.chars.next();
            }
            Some('/') => {
                self.chars.next();
                self.until('/')?;
                self.chars.next_if(|c| matches!(c, 'I' | 'M'));
            }
            _ => while self.chars.next_if(|c| c.is_ascii_digit() || *c == '~').is_some() {},
        }
        Some(())
    }

    /// Goes behind the next `end`. A bracket, in which it would mean itself, is not read.
    fn until(&mut self, end: char) -> Option<()> {
        let mut in_brackets = false;
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => {
                    self.chars.next()?;
                }
                c if c == end => return (!in_brackets).then_some(()),
                '[' => in_brackets = true,
                ']' => in_brackets = false,
                '\n' => return None,
                _ => {}
            }
        }
        None
    }
}
