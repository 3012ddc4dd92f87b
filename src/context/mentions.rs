//! What an instruction names with an `@`: a file, a definition, `@diff`, `@diagnostics`.

use std::ops::Range;

use super::focus::numbered;
use super::outline::{self, Index, Snapshot, reader_of};
use super::render::one_line;
use super::sections::{Sections, fit};
use super::{Focus, Shown, estimate_tokens};
use crate::text::Text;
use crate::workspace::search::Scope;
use crate::workspace::{DocPath, View};

/// Parts of a hundred of the budget that one mention may take, and how many are looked at.
const SHARE: u64 = 20;
const MOST: usize = 12;
/// Definitions of one name that are shown.
const MOST_DEFINITIONS: usize = 3;
/// Names of a folder that are listed.
const MOST_NAMES: usize = 200;

/// What an `@` stands before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::context) enum Mention {
    Diff,
    Diagnostics,
    /// A file, a folder or a definition, as it is written.
    Named(String),
    /// The focused file.
    File,
    /// The definition at the focus.
    Symbol,
}

/// The mentions of an instruction, each once, in order.
pub(in crate::context) fn mentions(instruction: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    for (at, _) in instruction.match_indices('@') {
        let before = instruction.get(..at).and_then(|before| before.chars().next_back());
        // Neither an address nor part of a name.
        if before.is_some_and(|before| before.is_alphanumeric() || matches!(before, '_' | '@' | '/' | '.' | '-')) {
            continue;
        }
        let rest = instruction.get(at + 1..).unwrap_or_default();
        let (name, is_quoted) = match rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            Some((name, _)) => (name, true),
            None => {
                let is_part = |letter: char| {
                    letter.is_alphanumeric() || matches!(letter, '_' | '.' | '/' | ':' | '-' | '#' | '\\' | '+')
                };
                let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
                (rest.get(..end).unwrap_or_default().trim_end_matches(['.', ':', '-', '#']), false)
            }
        };
        if name.is_empty() {
            continue;
        }
        let mention = match name {
            "diff" if !is_quoted => Mention::Diff,
            "diagnostics" if !is_quoted => Mention::Diagnostics,
            "file" if !is_quoted => Mention::File,
            "symbol" if !is_quoted => Mention::Symbol,
            name => Mention::Named(name.to_owned()),
        };
        if !found.contains(&mention) && found.len() < MOST {
            found.push(mention);
        }
    }
    found
}

/// Whether an instruction asks for every problem that is known.
pub fn asks_for_diagnostics(instruction: &str) -> bool {
    mentions(instruction).contains(&Mention::Diagnostics)
}

/// Adds a section for each file, folder and definition that is mentioned.
pub(in crate::context) fn mentioned(
    sections: &mut Sections,
    mentions: &[Mention],
    view: &View,
    index: &Index,
    snapshot: &Snapshot,
    focus: Option<&Focus>,
) {
    for mention in mentions {
        match (mention, focus) {
            (Mention::Diff | Mention::Diagnostics, _) => {}
            (Mention::Named(name), _) => named(sections, name, view, index, snapshot),
            (Mention::File, Some(focus)) => file(sections, &focus.path, None, view, index),
            (Mention::Symbol, Some(focus)) => symbol(sections, focus, view, snapshot),
            (Mention::File, None) => sections.leave_out("mention", "@file", "nothing is focused"),
            (Mention::Symbol, None) => sections.leave_out("mention", "@symbol", "nothing is focused"),
        }
    }
}

fn named(sections: &mut Sections, name: &str, view: &View, index: &Index, snapshot: &Snapshot) {
    let (path, lines) = with_lines(name);
    if let Ok(found) = view.roots().resolve(path)
        && (view.exists_live(&found) || view.excludes_name(&found))
    {
        return file(sections, &found, lines, view, index);
    }
    let defined = snapshot.defined(name);
    if defined.is_empty() {
        if name.contains(['/', '.']) || view.roots().resolve_folders(name).is_ok() {
            folder(sections, name, view);
        } else {
            sections.leave_out("mention", &format!("@{name}"), "no file and no definition has this name");
        }
        return;
    }
    let count = defined.len();
    for (at, place) in defined.into_iter().take(MOST_DEFINITIONS).enumerate() {
        let lines = place.item.line.saturating_sub(1)..place.item.end;
        let note = (at + 1 == MOST_DEFINITIONS.min(count) && count > MOST_DEFINITIONS)
            .then(|| format!("{} more have this name", count - MOST_DEFINITIONS));
        part(sections, place.path, lines, view, note);
    }
}

fn symbol(sections: &mut Sections, focus: &Focus, view: &View, snapshot: &Snapshot) {
    let line = view
        .read_live(&focus.path)
        .map(|document| document.text.line_of(focus.range.start.min(document.text.len())) + 1);
    let items = snapshot.files.iter().find(|(path, _)| *path == focus.path).and_then(|(_, symbols)| symbols.as_ref());
    let inner = line.ok().and_then(|line| items?.items().filter(|item| item.line <= line && line <= item.end).last());
    match inner {
        Some(item) => part(sections, &focus.path, item.line.saturating_sub(1)..item.end, view, None),
        None => sections.leave_out("mention", "@symbol", "no definition holds the place"),
    }
}

/// A file whole, or of a large one the outline.
fn file(sections: &mut Sections, path: &DocPath, lines: Option<Range<usize>>, view: &View, index: &Index) {
    let name = view.roots().display(path);
    let document = match view.read_live(path) {
        Ok(document) => document,
        Err(error) => return sections.leave_out("mention", &name, &error.to_string()),
    };
    let count = line_count(&document.text);
    if let Some(lines) = lines {
        return part(sections, path, lines.start..lines.end.min(count), view, None);
    }
    let room = sections.room(SHARE);
    let outline = reader_of(view, path).map(|reader| index.outline_of(&document.text, reader.language()));
    match outline.filter(|outline| !outline.is_empty() && document.text.len() as u64 / 4 > room) {
        Some(outline) => {
            let text = outline::with_symbols(&format!("{} ({count} lines)", one_line(&name)), &outline, room);
            sections.include("mention", &name, text, Some("too large: its outline".to_owned()));
        }
        None => part(sections, path, 0..count, view, None),
    }
}

/// Some lines of a file, counted from 0.
fn part(sections: &mut Sections, path: &DocPath, lines: Range<usize>, view: &View, note: Option<String>) {
    let name = view.roots().display(path);
    let document = match view.read_live(path) {
        Ok(document) => document,
        Err(error) => return sections.leave_out("mention", &name, &error.to_string()),
    };
    let lines = lines.start.min(lines.end)..lines.end.min(line_count(&document.text));
    let shown = Shown::of(view, path, &document.text);
    let head = shown.note().map(|note| format!("In this file: {note}.\n")).unwrap_or_default();
    let room = sections.room(SHARE).saturating_sub(estimate_tokens(&head));
    let (text, kept) = numbered(&shown.text, &lines, room);
    let cut = (kept < lines.len()).then(|| format!("shortened: {kept} of {} lines", lines.len()));
    let reason = [cut, note].into_iter().flatten().collect::<Vec<_>>().join("; ");
    sections.include("mention", &name, format!("{head}{text}"), Some(reason).filter(|reason| !reason.is_empty()));
}

fn folder(sections: &mut Sections, name: &str, view: &View) {
    let source = format!("@{name}");
    let listing = match Scope::new(view, Some(name), None) {
        Ok(scope) => view.list(&scope, MOST_NAMES, &|| false),
        Err(_) => return sections.leave_out("mention", &source, "no file and no definition has this name"),
    };
    let names: String =
        listing.files.iter().map(|path| format!("{}\n", one_line(&view.roots().display(path)))).collect();
    let (shown, cut) = fit(&names, sections.room(SHARE));
    let reason = (cut || listing.more).then(|| "shortened: there are more files in it".to_owned());
    sections.include("mention", &source, shown.to_owned(), reason);
}

/// `a.rs:3-5` as the path and its lines, counted from 0.
fn with_lines(name: &str) -> (&str, Option<Range<usize>>) {
    let Some((path, lines)) = name.rsplit_once([':', '#']) else { return (name, None) };
    let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
    let number = |text: &str| text.trim_start_matches('L').parse::<usize>().ok().filter(|line| *line > 0);
    match (number(first), number(last)) {
        (Some(first), Some(last)) => (path, Some(first - 1..last.max(first))),
        _ => (name, None),
    }
}

fn line_count(text: &Text) -> usize {
    let last = text.line_count().saturating_sub(1);
    if text.line_range(last).is_empty() { last } else { text.line_count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_at_sign_before_a_name_mentions_it() {
        let named = |name: &str| Mention::Named(name.to_owned());
        let check =
            |instruction: &str, expected: &[Mention]| assert_eq!(mentions(instruction), expected, "{instruction}");
        check("Fix @src/a.rs, and (@Shape::area).", &[named("src/a.rs"), named("Shape::area")]);
        check(
            "@diff @diagnostics @file @symbol @diff",
            &[Mention::Diff, Mention::Diagnostics, Mention::File, Mention::Symbol],
        );
        check("mail a@b.c or x/@y, @ alone, @@z", &[]);
        check("see @src/a.rs:3-5: there", &[named("src/a.rs:3-5")]);
        check("the file @\"my file.txt\" here", &[named("my file.txt")]);
        check("@different", &[named("different")]);
    }

    #[test]
    fn lines_may_follow_a_path() {
        assert_eq!(with_lines("a.rs:3-5"), ("a.rs", Some(2..5)));
        assert_eq!(with_lines("a.rs#L7"), ("a.rs", Some(6..7)));
        assert_eq!(with_lines("a.rs:5-3"), ("a.rs", Some(4..5)));
        assert_eq!(with_lines("Shape::area"), ("Shape::area", None));
        assert_eq!(with_lines("a.rs:0"), ("a.rs:0", None));
    }
}
