//! Shells: `bash -c 'ls'` is `ls`, `bash script.sh` is a script, and everything else is unclear.

use crate::permission::command::{Carried, Meaning, Part};

const SHELLS: &[&str] =
    &["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "rbash", "csh", "tcsh", "elvish", "nu"];
/// Those that read what our own reader reads.
const READ: &[&str] = &["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"];

pub(in crate::permission::command) fn is_shell(base: &str) -> bool {
    SHELLS.contains(&base)
}

pub(in crate::permission::command) fn meaning(part: &Part) -> Meaning {
    let base = super::super::table::base_name(part.program());
    let mut words = part.arguments().iter();
    let mut is_text = false;
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        match text.strip_prefix('-') {
            None if is_text && word.unknown => {
                return Meaning::unclear("the text that a shell runs does not stand on the line");
            }
            None if is_text && READ.contains(&base.as_str()) => {
                return Meaning::Carries { itself: false, carried: vec![Carried::Script(text.to_owned())] };
            }
            None if is_text => return Meaning::Unclear(format!("`{base} -c` is not read")),
            None if !word.wild.is_empty()
                || text.is_empty()
                || text.starts_with("/dev/")
                || text.starts_with("/proc/") =>
            {
                return Meaning::Unclear(format!("`{base}` runs a script that is not named"));
            }
            None if text.starts_with('+') => return Meaning::Unclear(format!("`{base} {text}` is not known")),
            None => return Meaning::Plain { known: true },
            Some("-version" | "-help") => return Meaning::Plain { known: true },
            Some("n") => {}
            Some(letters) if !letters.is_empty() && letters.chars().all(|c| "ceux".contains(c)) => {
                is_text |= letters.contains('c');
            }
            Some("o") if words.next().is_some_and(|word| word.text == "pipefail") => {}
            Some(_) => return Meaning::Unclear(format!("`{base} {text}` is not known")),
        }
    }
    Meaning::Unclear(format!("`{base}` runs what comes in by its standard input"))
}
