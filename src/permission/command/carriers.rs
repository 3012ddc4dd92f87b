//! Programs that run other programs, or code, from their arguments.
//!
//! Where the command that is carried stands there in words it becomes a further part of the line, so that rules see it. Where it
//! can not be told the line is unclear.

use super::table::{FLAGGED, Flagged, NEVER_CLEAR, PLAIN, base_name};
use super::{Carried, Meaning, Part, Word, git, interpreters, sed, wrappers};

pub(super) fn meaning(part: &Part) -> Meaning {
    let base = base_name(part.program());
    let base = base.as_str();
    if let Some((_, why)) = NEVER_CLEAR.iter().find(|(name, _)| *name == base) {
        return Meaning::Unclear(format!("`{}`: {why}", part.program()));
    }
    if base.starts_with("ld-linux") || base.starts_with("ld-musl") || base.starts_with("ld.so") {
        return Meaning::Unclear(format!("`{}` runs a program", part.program()));
    }
    for flagged in FLAGGED.iter().filter(|flagged| flagged.programs.contains(&base)) {
        if let Some(why) = flagged_option(flagged, part) {
            return Meaning::Unclear(why);
        }
    }
    if PLAIN.contains(&base) {
        return Meaning::Plain { known: true };
    }
    // From here on an option can make a program run something: names of files and of `xargs` must not become one.
    if let Some(why) = may_hold_options(part) {
        return Meaning::Unclear(why);
    }
    match base {
        "git" => git::meaning(part),
        "sed" | "gsed" => sed::meaning(part),
        "awk" | "gawk" | "mawk" | "nawk" => interpreters::awk(part),
        "find" => find(part),
        "fd" | "fdfind" => fd(part),
        "xargs" => wrappers::xargs(part),
        "make" | "gmake" => make(part),
        "npm" | "pnpm" | "yarn" => node_packages(base, part),
        _ if wrappers::is_wrapper(base) => wrappers::meaning(base, part),
        _ if interpreters::is_interpreter(base) => interpreters::meaning(base, part),
        _ => Meaning::Plain { known: FLAGGED.iter().any(|flagged| flagged.programs.contains(&base)) },
    }
}

fn may_hold_options(part: &Part) -> Option<String> {
    let end = part.words.iter().position(|word| word.text == "--" && word.is_fixed()).unwrap_or(part.words.len());
    let before = part.words.get(..end).unwrap_or_default();
    if let Some(word) = before.iter().skip(1).find(|word| word.may_become_an_option()) {
        return Some(format!("names of files that match `{}` can be options of `{}`", word.text, part.program()));
    }
    (part.open && end == part.words.len()).then(|| format!("what `{}` gets can be an option of it", part.program()))
}

/// The first option that makes the program run something.
fn flagged_option(flagged: &Flagged, part: &Part) -> Option<String> {
    for (index, word) in part.arguments().iter().enumerate() {
        let text = word.text.as_str();
        let is_bundle =
            index == 0 && flagged.programs.contains(&"tar") && text.contains(['I', 'F']) && is_letters(text);
        let begins = flagged
            .begins
            .iter()
            .any(|begin| text.starts_with(begin) && (begin.len() > 1 || text == *begin || *begin == "@"));
        let is_short = text.strip_prefix('-').is_some_and(|letters| {
            !letters.starts_with('-') && letters.chars().any(|letter| flagged.short.contains(letter))
        });
        let is_long = flagged.long.iter().any(|long| is_long_option(text, long));
        let becomes = word.may_become_an_option() && !(flagged.long.is_empty() && flagged.begins.is_empty());
        if is_bundle || begins || is_short || is_long || becomes {
            return Some(format!("`{} {text}` can run another program", part.program()));
        }
    }
    None
}

fn is_letters(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphabetic())
}

/// `--name`, `--name=value`, and its beginnings: programs take an option that is cut short.
pub(super) fn is_long_option(word: &str, name: &str) -> bool {
    let Some(option) = word.strip_prefix("--") else { return false };
    let option = option.split('=').next().unwrap_or_default();
    option == name || (option.len() >= 2 && name.starts_with(option))
}

fn find(part: &Part) -> Meaning {
    let mut carried = Vec::new();
    let mut words = part.arguments().iter();
    while let Some(word) = words.next() {
        match word.text.as_str() {
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let mut command = Vec::new();
                let mut is_closed = false;
                for word in words.by_ref() {
                    let ends = word.text == ";"
                        || (word.text == "+" && command.last().is_some_and(|word: &Word| word.text == "{}"));
                    if ends {
                        is_closed = true;
                        break;
                    }
                    command.push(Word { unknown: word.text.contains("{}"), ..word.clone() });
                }
                if !is_closed {
                    return Meaning::unclear("`find -exec` without an end");
                }
                carried.push(Carried::Words { words: command, open: false });
            }
            "-delete" => carried.push(Carried::Words { words: vec![Word::plain("rm"), unknown_word()], open: false }),
            "-fprintf" | "-fprint" | "-fprint0" | "-fls" | "-files0-from" => {
                return Meaning::Unclear(format!("`find {}` writes or reads a file of its choice", word.text));
            }
            _ => {}
        }
    }
    let starts = part.arguments().iter().take_while(|word| !word.text.starts_with(['-', '(', '!']));
    let has_odd_start = starts.clone().any(|word| word.unknown);
    if has_odd_start {
        Meaning::unclear("`find` in unknown places")
    } else {
        Meaning::Carries { itself: true, carried }.or_plain()
    }
}

fn fd(part: &Part) -> Meaning {
    let is_exec = |word: &Word| {
        is_long_option(&word.text, "exec")
            || is_long_option(&word.text, "exec-batch")
            || (word.text.starts_with('-') && !word.text.starts_with("--") && word.text.contains(['x', 'X']))
    };
    let Some(at) = part.words.iter().position(is_exec) else { return Meaning::Plain { known: true } };
    let is_alone =
        part.words.get(at).is_some_and(|word| matches!(word.text.as_str(), "-x" | "-X" | "--exec" | "--exec-batch"));
    let rest: Vec<Word> = part.words.iter().skip(at.saturating_add(1)).cloned().collect();
    if !is_alone || rest.iter().any(|word| word.text == ";") {
        return Meaning::unclear("`fd` with commands that are not told apart");
    }
    let words = rest.into_iter().map(|word| Word { unknown: word.text.contains('{'), ..word }).collect();
    Meaning::Carries { itself: true, carried: vec![Carried::Words { words, open: true }] }
}

/// Goals and a few switches; what sets a variable can name another shell or compiler.
fn make(part: &Part) -> Meaning {
    const FREE: &[&str] = &["V", "VERBOSE", "DEBUG", "RELEASE", "NO_COLOR", "CI"];
    for word in part.arguments() {
        if let Some((name, value)) = word.text.split_once('=') {
            let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric());
            let is_free = FREE.contains(&name) && is_plain;
            if !is_free && !word.text.starts_with('-') {
                return Meaning::Unclear(format!("`make {name}=` can change what runs"));
            }
        }
    }
    Meaning::Plain { known: true }
}

fn node_packages(base: &str, part: &Part) -> Meaning {
    let words = part.arguments();
    let Some(at) = words.iter().position(|word| !word.text.starts_with('-')) else {
        return Meaning::Plain { known: true };
    };
    if words.get(..at).unwrap_or_default().iter().any(|word| {
        !matches!(word.text.as_str(), "-s" | "--silent" | "--no-audit" | "--no-fund" | "--offline" | "-v" | "--version")
    }) {
        return Meaning::Unclear(format!("`{base}` with options before its command"));
    }
    let rest = || words.iter().skip(at.saturating_add(1)).cloned().collect::<Vec<Word>>();
    match words.get(at).map_or("", |word| word.text.as_str()) {
        "exec" if base != "npm" => {
            let mut words = rest();
            if words.first().is_some_and(|word| word.text == "--") {
                words.remove(0);
            }
            Meaning::Carries { itself: false, carried: vec![Carried::Words { words, open: part.open }] }
        }
        command @ ("exec" | "x" | "dlx" | "explore" | "config" | "c" | "set" | "edit" | "init" | "create" | "node"
        | "completion") => Meaning::Unclear(format!("`{base} {command}` can run another program")),
        _ => Meaning::Plain { known: true },
    }
}

fn unknown_word() -> Word {
    Word { text: "{}".to_owned(), unknown: true, ..Word::default() }
}

impl Meaning {
    /// Nothing is carried after all.
    fn or_plain(self) -> Meaning {
        match self {
            Meaning::Carries { itself: true, carried } if carried.is_empty() => Meaning::Plain { known: true },
            other => other,
        }
    }
}
