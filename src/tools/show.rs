//! How tools show documents: numbered lines, labels, and where something was cut.

use std::fmt::Write;
use std::ops::Range;

use crate::text::Text;
use crate::workspace::{DocPath, Layer, View};

/// Longest line that is shown whole, in characters.
pub(in crate::tools) const MAX_LINE: usize = 2_000;

/// Lines `lines` (0-based) of `text` with their 1-based numbers, as long as they fit in `most` bytes. Gives back the
/// first line that is not shown.
pub(in crate::tools) fn numbered(text: &Text, lines: Range<usize>, most: usize) -> (String, usize) {
    let mut shown = String::new();
    for line in lines.clone() {
        let whole = text.slice(text.line_range(line)).unwrap_or_default();
        let row = format!("{:>6}\t{}\n", line.saturating_add(1), cut_line(whole.trim_end_matches(['\r', '\n'])));
        if !shown.is_empty() && shown.len().saturating_add(row.len()) > most {
            return (shown, line);
        }
        shown.push_str(&row);
    }
    (shown, lines.end)
}

/// Lines that a text has to show: none after its last line break.
pub(in crate::tools) fn line_count(text: &Text) -> usize {
    let last = text.line_count().saturating_sub(1);
    if text.line_range(last).is_empty() { last } else { text.line_count() }
}

/// What a reader must know of where a document comes from: ` [unsaved in the editor]`; nothing for a plain file.
pub(in crate::tools) fn layer_label(view: &View, path: &DocPath) -> &'static str {
    match (view.overlay().get(path).is_some(), view.is_dirty(path)) {
        (true, _) => " [with your proposed edits]",
        (false, true) => " [unsaved in the editor]",
        (false, false) => "",
    }
}

/// The same for a document that has been read.
pub(in crate::tools) fn label(view: &View, path: &DocPath, layer: Layer) -> Option<&'static str> {
    match layer {
        Layer::Overlay => Some("with your proposed edits, which the user has not accepted yet"),
        Layer::Buffer if view.is_dirty(path) => Some("as it stands unsaved in the editor"),
        Layer::Buffer | Layer::Disk => None,
    }
}

/// The end of `text` replaced by a note where it is longer than `most` bytes; cuts between lines where it can.
pub(in crate::tools) fn cap(text: String, most: usize) -> (String, bool) {
    if text.len() <= most {
        return (text, false);
    }
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let kept = text.get(..end).unwrap_or_default();
    let kept = match kept.rfind('\n') {
        Some(at) if at > most / 2 => kept.get(..at).unwrap_or(kept),
        Some(_) | None => kept,
    };
    let left_out = text.len().saturating_sub(kept.len());
    let mut capped = kept.to_owned();
    // Writing to a string does not fail.
    let _ = write!(capped, "\n[{left_out} more bytes were cut: ask for less at a time]");
    (capped, true)
}

fn cut_line(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE) {
        None => line.to_owned(),
        Some((at, _)) => {
            let left_out = line.get(at..).unwrap_or_default().chars().count();
            format!("{}… [{left_out} more characters in this line]", line.get(..at).unwrap_or_default())
        }
    }
}
