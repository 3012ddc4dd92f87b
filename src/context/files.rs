//! The files that an instruction is about, whole and as they are: for small models, which write files anew.
//!
//! Without line numbers, in the form in which such a model is to answer. One that it has to ask for first it often makes up.

use super::sections::Sections;
use super::{Inquiry, Shown, Snapshot, estimate_tokens};
use crate::workspace::{DocPath, View};

/// Files that are shown.
const MOST: usize = 4;

/// Adds the focused file, those whose paths the instruction holds, or where it holds none those that define what it names in
/// backquotes, as far as they fit. Whether there is any.
pub(in crate::context) fn files(sections: &mut Sections, inquiry: &Inquiry, view: &View, snapshot: &Snapshot) -> bool {
    let mut paths: Vec<DocPath> = inquiry.focus.iter().map(|focus| focus.path.clone()).collect();
    paths.extend(named(&inquiry.instruction, view));
    if paths.is_empty() {
        paths.extend(defining(&inquiry.instruction, snapshot));
    }
    let mut seen: Vec<DocPath> = Vec::new();
    let mut any = false;
    for path in paths {
        if seen.len() == MOST || seen.contains(&path) {
            continue;
        }
        any |= file(sections, &path, view);
        seen.push(path);
    }
    any
}

fn named<'a>(instruction: &'a str, view: &'a View) -> impl Iterator<Item = DocPath> + 'a {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '/' | '-' | '+');
    let words = instruction.split(move |letter| !is_part(letter)).map(|word| word.trim_matches(['.', '/', '-', '+']));
    // A plain word may be the name of a file, and is meant as a word.
    let paths = words.filter(|word| word.contains(['.', '/'])).filter_map(|word| view.roots().resolve(word).ok());
    paths.filter(|path| view.exists_live(path))
}

fn defining<'a>(instruction: &'a str, snapshot: &'a Snapshot) -> impl Iterator<Item = DocPath> + 'a {
    let quoted = instruction.split('`').skip(1).step_by(2).map(|name| name.trim_end_matches("()"));
    quoted.filter_map(|name| match snapshot.defined(name).as_slice() {
        [only] => Some(only.path.clone()),
        _ => None,
    })
}

fn file(sections: &mut Sections, path: &DocPath, view: &View) -> bool {
    let name = view.roots().display(path);
    let document = match view.read_live(path) {
        Ok(document) => document,
        Err(error) => {
            sections.leave_out("file", &name, &error.to_string());
            return false;
        }
    };
    let shown = Shown::of(view, path, &document.text);
    if shown.note().is_some() {
        // Who writes it anew would write the masks.
        sections.leave_out("file", &name, "it holds secrets");
        return false;
    }
    let text = shown.text.to_string();
    let fits = estimate_tokens(&text) <= sections.room(100);
    if fits {
        sections.include("file", &name, text, None);
    } else {
        sections.leave_out("file", &name, "too large");
    }
    fits
}
