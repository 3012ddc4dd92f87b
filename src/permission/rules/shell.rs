//! Patterns of commands, word by word.
//!
//! One pattern is read in two ways. To allow, a word is what it is: the program as it is written, each argument in its place. To
//! forbid, it is the program by any path and in any case, behind options, in any order of its switches.

use crate::permission::command::{Part, Word, base_name, split};
use crate::permission::paths::{matches, matches_where};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShellPattern {
    words: Vec<Word>,
    /// Any further arguments, none among them.
    open: bool,
}

impl ShellPattern {
    /// None stands for any command: `shell(*)`.
    pub fn parse(text: &str) -> Result<Option<ShellPattern>, String> {
        let mut commands = split(text).map_err(|why| format!("a pattern must be a clear command: {why}"))?;
        let simple = match (commands.pop(), commands.is_empty()) {
            (Some(simple), true) => simple,
            _ => return Err("a pattern is one command: write a rule for each".to_owned()),
        };
        if !simple.assigned.is_empty() || !simple.files.is_empty() {
            return Err("a pattern holds no variables and no redirections".to_owned());
        }
        let mut words = simple.words;
        if words
            .iter()
            .any(|word| word.wild.iter().any(|at| !word.text.get(*at..).is_some_and(|rest| rest.starts_with('*'))))
        {
            return Err("only `*` is a wildcard here: quote `?` and `[`".to_owned());
        }
        let open = words.last().is_some_and(is_any);
        if open {
            words.pop();
        }
        match words.first() {
            None => Ok(None),
            Some(program) if !program.wild.is_empty() => Err("a pattern names its program without `*`".to_owned()),
            Some(_) => Ok(Some(ShellPattern { words, open })),
        }
    }

    /// It matches one command only.
    pub fn is_exact(&self) -> bool {
        !self.open && self.words.iter().all(|word| word.wild.is_empty())
    }

    pub fn allows(&self, part: &Part) -> bool {
        let fits = match self.open {
            true => part.words.len() >= self.words.len(),
            false => part.words.len() == self.words.len() && !part.open,
        };
        fits && self.words.iter().zip(&part.words).all(|(pattern, word)| allows_word(pattern, word))
    }

    pub fn restricts(&self, part: &Part) -> bool {
        let starts = if part.known { 1 } else { part.words.len() };
        (0..starts)
            .any(|start| self.restricts_from(part.words.get(start..).unwrap_or_default(), part.open || !part.known))
    }

    /// The same among words of which nothing is known.
    pub fn restricts_words(&self, suspects: &[String]) -> bool {
        let Some(program) = self.words.first().map(|word| base_name(&word.text)) else { return true };
        suspects.iter().enumerate().any(|(start, word)| {
            if base_name(word) != program {
                return false;
            }
            let words: Vec<Word> = suspects.iter().skip(start).take(MOST_WORDS).map(|word| suspect(word)).collect();
            self.restricts_from(&words, true)
        })
    }

    /// `loose`: where the command ends is not known.
    fn restricts_from(&self, words: &[Word], loose: bool) -> bool {
        let (Some(pattern), Some(program)) = (self.words.first(), words.first()) else { return false };
        if base_name(&pattern.text) != base_name(&program.text) {
            return false;
        }
        let arguments = words.get(1..).unwrap_or_default();
        let mut at = 0_usize;
        for pattern in self.words.iter().skip(1) {
            if pattern.text.starts_with('-') {
                if !holds_option(arguments, &pattern.text) {
                    return false;
                }
                continue;
            }
            // Before it options may stand, with their values.
            let mut values = 0_u8;
            loop {
                let Some(word) = arguments.get(at) else { return false };
                at = at.saturating_add(1);
                if restricts_word(pattern, word) {
                    break;
                }
                if word.text.starts_with('-') {
                    values = if loose { 2 } else { 1 };
                } else if values > 0 {
                    values = values.saturating_sub(1);
                } else {
                    return false;
                }
            }
        }
        let rest = arguments.get(at..).unwrap_or_default();
        self.open || loose || rest.iter().all(|word| word.text.starts_with('-'))
    }
}

/// How far behind a program its arguments are looked for.
const MOST_WORDS: usize = 64;

/// A star alone.
fn is_any(word: &Word) -> bool {
    word.text == "*" && word.wild == [0]
}

fn suspect(word: &str) -> Word {
    let wild = word.char_indices().filter(|(_, c)| matches!(c, '*' | '?' | '[')).map(|(at, _)| at).collect();
    Word { text: word.to_owned(), wild, ..Word::default() }
}

fn allows_word(pattern: &Word, word: &Word) -> bool {
    if is_any(pattern) {
        return word.wild.is_empty();
    }
    if word.unknown {
        return false;
    }
    if pattern.wild.is_empty() {
        return word.wild.is_empty() && pattern.text == word.text;
    }
    let climbs =
        word.text.split('/').any(|name| name == ".." || (name.starts_with('.') && name.contains(['*', '?', '['])));
    !climbs && matches_where(&pattern.text, &word.text, |at| pattern.wild.contains(&at), |c| c != '/')
}

fn restricts_word(pattern: &Word, word: &Word) -> bool {
    if word.unknown {
        return true;
    }
    let (wanted, given) = (plain(&pattern.text), plain(&word.text));
    if wanted == given || (!pattern.wild.is_empty() && matches(&wanted, &given)) {
        return true;
    }
    // Names of files that the shell puts in its place. What stands in brackets may be any letter.
    match (word.wild.is_empty(), pattern.wild.is_empty()) {
        (true, _) => false,
        (false, true) => matches(&brackets_as_letters(&given), &wanted),
        // Both stand for many words: they can mean the same one unless they begin otherwise.
        (false, false) => {
            let (wanted, given) = (fixed_beginning(&wanted), fixed_beginning(&given));
            wanted.starts_with(given) || given.starts_with(wanted)
        }
    }
}

fn fixed_beginning(text: &str) -> &str {
    text.split(['*', '?', '[']).next().unwrap_or_default()
}

fn plain(text: &str) -> String {
    let mut text = text.to_lowercase();
    while text.contains("//") {
        text = text.replace("//", "/");
    }
    let text = text.replace("/./", "/");
    text.strip_prefix("./").map(str::to_owned).unwrap_or(text)
}

fn brackets_as_letters(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('[') {
        plain.push_str(before);
        plain.push('?');
        rest = behind.split_once(']').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain
}

/// Switches in any order, alone or together, long ones also cut short.
fn holds_option(arguments: &[Word], option: &str) -> bool {
    let mut letters = String::new();
    for word in arguments {
        let text = word.text.as_str();
        let name = text.split('=').next().unwrap_or_default();
        if name.eq_ignore_ascii_case(option) || (name.len() > 3 && name.starts_with("--") && option.starts_with(name)) {
            return true;
        }
        if let Some(cluster) = text.strip_prefix('-').filter(|cluster| !cluster.starts_with('-')) {
            letters.push_str(&cluster.to_lowercase());
        }
    }
    let wanted = option.strip_prefix('-').filter(|wanted| !wanted.starts_with('-')).unwrap_or_default().to_lowercase();
    !wanted.is_empty() && wanted.chars().all(|letter| letters.contains(letter))
}
