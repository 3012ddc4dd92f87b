//! The selection, the symbol around it with its signature chain, the problems there.

use std::ops::Range;

use super::Focus;
use super::outline::{Index, language_of};
use super::sections::Sections;
use super::shown::Shown;
use crate::secrets;
use crate::syntax::Symbol;
use crate::text::Text;
use crate::workspace::{ReadError, View};

/// Parts of a hundred of the budget that a section may take.
const SELECTION_SHARE: u64 = 40;
const SYMBOL_SHARE: u64 = 25;
const DIAGNOSTICS_SHARE: u64 = 10;
/// Lines shown on each side of a cursor that stands in no symbol.
const AROUND: usize = 10;

/// The focus, read.
pub(in crate::context) struct Place {
    source: String,
    text: Text,
    /// The text as it may be shown, line for line.
    shown: Text,
    /// What is masked in it.
    note: Option<String>,
    is_secret_file: bool,
    /// Bytes of `text`, on characters.
    range: Range<usize>,
    /// The symbols around it, outermost first.
    holders: Vec<Symbol>,
    /// The session itself has proposed changes to the document.
    proposed: bool,
}

impl Place {
    /// Fails if the document can not be read, or may not be shown.
    pub fn of(focus: &Focus, view: &View, index: &Index) -> Result<Place, ReadError> {
        let document = view.read_live(&focus.path)?;
        let text = document.text;
        let on_character = |offset: usize| {
            let offset = offset.min(text.len());
            (offset.saturating_sub(3)..=offset).rev().find(|at| text.slice(*at..*at).is_some()).unwrap_or_default()
        };
        let (start, end) = (on_character(focus.range.start), on_character(focus.range.end));
        let range = start.min(end)..start.max(end);
        let visible = visible(&text, &range);
        let symbols =
            language_of(view, &focus.path).map(|language| index.symbols_of(&text, language)).unwrap_or_default();
        let holders = symbols
            .all
            .iter()
            .filter(|symbol| symbol.range.start <= visible.start && visible.end <= symbol.range.end)
            .cloned()
            .collect();
        let source = view.roots().display(&focus.path);
        let masked = Shown::of(view, &focus.path, &text);
        let (note, shown) = (masked.note(), masked.text.clone());
        Ok(Place {
            is_secret_file: masked.is_secret_file,
            shown,
            note,
            source,
            range,
            holders,
            proposed: view.overlay().get(&focus.path).is_some(),
            text,
        })
    }

    /// The 0-based lines that the focus touches; a selection that ends at the start of a line does not touch it.
    fn lines(&self) -> Range<usize> {
        let first = self.text.line_of(self.range.start);
        let last = self.text.line_of(self.range.end);
        let last = if last > first && self.text.line_start(last) == self.range.end { last - 1 } else { last };
        first..last + 1
    }
}

/// `range` without the white space at its ends; for a cursor in a line's indentation, the line's first character.
fn visible(text: &Text, range: &Range<usize>) -> Range<usize> {
    let selected = text.slice(range.clone()).unwrap_or_default();
    let end = range.start + selected.trim_end().len();
    let start = end - selected.trim().len();
    if start < end {
        return start..end;
    }
    let line = text.line_range(text.line_of(range.start));
    let content = text.slice(line.clone()).unwrap_or_default();
    let indent = content.len() - content.trim_start_matches([' ', '\t']).len();
    let cursor = range.start.max(line.start + indent);
    cursor..cursor
}

/// Where the user is; `None` where nobody knows.
type Looked = Result<Option<Place>, ReadError>;

pub(in crate::context) fn selection(sections: &mut Sections, place: &Looked) {
    let place = match place {
        Ok(Some(place)) => place,
        Ok(None) => return sections.leave_out("selection", "editor", "nothing is selected"),
        Err(error) => return sections.leave_out("selection", "editor", &error.to_string()),
    };
    let lines = place.lines();
    let what = if place.range.is_empty() {
        let column = place.text.slice(place.text.line_start(lines.start)..place.range.start);
        format!("Cursor at line {}, column {}.", lines.start + 1, column.map_or(1, |before| before.chars().count() + 1))
    } else {
        format!("Selected: {}.", line_words(&lines))
    };
    let pending =
        if place.proposed { " You have proposed changes to this file that are not part of what is shown." } else { "" };
    let masked = place.note.as_ref().map(|note| format!(" In this file: {note}.")).unwrap_or_default();
    let head = format!("{what}{pending}{masked}\n");
    let shown = match (place.range.is_empty(), place.holders.is_empty()) {
        (true, true) => {
            lines.start.saturating_sub(AROUND)..lines.end.saturating_add(AROUND).min(place.text.line_count())
        }
        (true, false) | (false, _) => lines.clone(),
    };
    let room = sections.room(SELECTION_SHARE).saturating_sub(super::estimate_tokens(&head));
    let (numbered, kept) = numbered(&place.shown, &shown, room);
    let reason = (kept < shown.len()).then(|| format!("shortened: {kept} of {} lines", shown.len()));
    sections.include("selection", &place.source, format!("{head}{numbered}"), reason);
}

pub(in crate::context) fn symbol(sections: &mut Sections, place: &Looked) {
    let Ok(Some(place)) = place else { return sections.leave_out("symbol", "editor", "nothing is selected") };
    let Some(symbol) = place.holders.last() else {
        return sections.leave_out("symbol", &place.source, "no definition holds the place");
    };
    let mut chain = String::new();
    for (depth, holder) in place.holders.iter().enumerate() {
        let line = place.text.line_of(holder.name_range.start) + 1;
        chain.push_str(&format!("{}{} (line {line})\n", "  ".repeat(depth), secrets::mask(&holder.signature).text));
    }
    let symbol_lines = place.text.line_of(symbol.range.start)..place.text.line_of(symbol.range.end) + 1;
    let focus_lines = place.lines();
    if !place.range.is_empty() && focus_lines.start <= symbol_lines.start && symbol_lines.end <= focus_lines.end {
        let reason = "its text is the selection".to_owned();
        return sections.include("symbol", &place.source, chain, Some(reason));
    }
    let room = sections.room(SYMBOL_SHARE).saturating_sub(super::estimate_tokens(&chain));
    let (text, shown) = around(&place.shown, &symbol_lines, &focus_lines, room);
    let reason =
        (shown != symbol_lines).then(|| format!("shortened: {} of {}", line_words(&shown), line_words(&symbol_lines)));
    sections.include("symbol", &place.source, format!("{chain}\n{text}"), reason);
}

/// `is_asked` by the instruction itself.
pub(in crate::context) fn diagnostics(sections: &mut Sections, diagnostics: &[String], place: &Looked, is_asked: bool) {
    if let Err(error @ ReadError::Excluded(_)) = place {
        return sections.leave_out("diagnostics", "editor", &error.to_string());
    }
    if diagnostics.is_empty() && is_asked {
        return sections.leave_out("diagnostics", "editor", "no problem is known");
    }
    if diagnostics.is_empty() {
        return sections.leave_out("diagnostics", "editor", "none were given");
    }
    if let Ok(Some(place)) = place
        && place.is_secret_file
    {
        return sections.leave_out("diagnostics", &place.source, "they may quote the secrets of the file");
    }
    let all = diagnostics.join("\n");
    let (shown, cut) = super::sections::fit(&all, sections.room(DIAGNOSTICS_SHARE));
    let reason = cut.then(|| format!("shortened: {} of {}", shown.lines().count(), diagnostics.len()));
    sections.include("diagnostics", "editor", shown.to_owned(), reason);
}

/// The lines of `whole` with their numbers if they fit, else as many around `middle` as do.
fn around(text: &Text, whole: &Range<usize>, middle: &Range<usize>, tokens: u64) -> (String, Range<usize>) {
    let (all, kept) = numbered(text, whole, tokens);
    if kept == whole.len() {
        return (all, whole.clone());
    }
    // Grown line by line on both sides, as long as it fits.
    let middle = middle.start.max(whole.start)..middle.end.min(whole.end);
    let most = usize::try_from(tokens.saturating_mul(4)).unwrap_or(usize::MAX);
    let cost = |line: usize| text.line_range(line).len() + NUMBER_WIDTH;
    let mut shown = middle.start..middle.start;
    let mut used = 0usize;
    loop {
        let down = (shown.end < whole.end).then(|| cost(shown.end)).filter(|cost| used + cost <= most);
        if let Some(cost) = down {
            shown.end += 1;
            used += cost;
        }
        let up = (shown.start > whole.start && shown.end >= middle.end)
            .then(|| cost(shown.start - 1))
            .filter(|cost| used + cost <= most);
        if let Some(cost) = up {
            shown.start -= 1;
            used += cost;
        }
        if down.is_none() && up.is_none() {
            break;
        }
    }
    let (text, kept) = numbered(text, &shown, tokens);
    (text, shown.start..shown.start + kept)
}

/// What a line's number and break take, at most.
const NUMBER_WIDTH: usize = 9;

/// Lines with their 1-based numbers, as `read_file` shows them, and how many of them fit.
pub(in crate::context) fn numbered(text: &Text, lines: &Range<usize>, tokens: u64) -> (String, usize) {
    let most = usize::try_from(tokens.saturating_mul(4)).unwrap_or(usize::MAX);
    let mut shown = String::new();
    for (kept, line) in lines.clone().enumerate() {
        let range = text.line_range(line);
        if shown.len().saturating_add(range.len()).saturating_add(NUMBER_WIDTH) > most {
            return (shown, kept);
        }
        let content = text.slice(range).unwrap_or_default();
        shown.push_str(&format!("{:>6}\t{}\n", line + 1, content.trim_end_matches(['\r', '\n'])));
    }
    (shown, lines.len())
}

/// 0-based lines as people say them.
fn line_words(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => "no lines".to_owned(),
        1 => format!("line {}", lines.start + 1),
        _ => format!("lines {} to {}", lines.start + 1, lines.end),
    }
}
