//! A text read less strictly, and the way back from a place in it to the bytes that stand there.

use std::ops::Range;

/// What a comparison overlooks, beside the kind of line breaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Overlook {
    /// White space at the ends of lines, and a missing break at the end of the text.
    pub trailing: bool,
    /// White space at the starts of lines.
    pub indent: bool,
    /// Characters that look like one of the keyboard.
    pub look: bool,
}

/// A text without what is overlooked.
pub(super) struct Folded {
    pub text: String,
    /// In order, without a gap in `text`.
    pieces: Vec<Piece>,
}

/// A stretch of the folded text, and what it stands for.
struct Piece {
    at: usize,
    len: usize,
    from: usize,
    from_len: usize,
    /// It stands there byte for byte; else it stands for one character and can not be cut.
    is_same: bool,
}

impl Overlook {
    /// Folds `text`, which has `\n` for every line break. `is_whole` says that it is a whole document.
    pub fn fold(self, text: &str, is_whole: bool) -> Folded {
        let mut folded = Folded { text: String::with_capacity(text.len()), pieces: Vec::new() };
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let content = line.strip_suffix('\n').unwrap_or(line);
            let kept = self.kept(content);
            self.push(&mut folded, content.get(kept.clone()).unwrap_or_default(), at + kept.start);
            if content.len() < line.len() {
                folded.push("\n", at + content.len(), 1, true);
            }
            at += line.len();
        }
        if is_whole && self.trailing && !folded.text.is_empty() && !folded.text.ends_with('\n') {
            folded.push("\n", at, 0, false);
        }
        folded
    }

    /// What is left of a line.
    pub fn kept(self, content: &str) -> Range<usize> {
        let is_blank = |character| is_blank(character, self.look);
        let end = if self.trailing { content.trim_end_matches(is_blank).len() } else { content.len() };
        let rest = content.get(..end).unwrap_or(content);
        let start = if self.indent { end - rest.trim_start_matches(is_blank).len() } else { 0 };
        start..end
    }

    fn push(self, folded: &mut Folded, text: &str, from: usize) {
        if !self.look || text.is_ascii() {
            return folded.push(text, from, text.len(), true);
        }
        let mut done = 0;
        for (at, character) in text.char_indices() {
            let Some(plain) = plain(character) else { continue };
            folded.push(text.get(done..at).unwrap_or_default(), from + done, at - done, true);
            folded.push(plain, from + at, character.len_utf8(), false);
            done = at + character.len_utf8();
        }
        folded.push(text.get(done..).unwrap_or_default(), from + done, text.len() - done, true);
    }
}

impl Folded {
    fn push(&mut self, text: &str, from: usize, from_len: usize, is_same: bool) {
        if text.is_empty() {
            return;
        }
        let (at, len) = (self.text.len(), text.len());
        self.text.push_str(text);
        match self.pieces.last_mut() {
            Some(last) if last.is_same && is_same && last.from + last.from_len == from => {
                last.len += len;
                last.from_len += len;
            }
            _ => self.pieces.push(Piece { at, len, from, from_len, is_same }),
        }
    }

    /// What a range of the folded text stands for; `None` if it begins or ends within a character.
    pub fn original(&self, range: Range<usize>) -> Option<Range<usize>> {
        let first = self.piece(range.start)?;
        let last = self.piece(range.end.checked_sub(1)?)?;
        let start = match range.start - first.at {
            0 => first.from,
            inside if first.is_same => first.from + inside,
            _ => return None,
        };
        let end = match range.end - last.at {
            all if all == last.len => last.from + last.from_len,
            inside if last.is_same => last.from + inside,
            _ => return None,
        };
        Some(start..end)
    }

    fn piece(&self, at: usize) -> Option<&Piece> {
        self.pieces.get(self.pieces.partition_point(|piece| piece.at <= at).checked_sub(1)?)
    }
}

/// White space within a line.
pub(super) fn is_blank(character: char, look: bool) -> bool {
    matches!(character, ' ' | '\t') || look && plain(character) == Some(" ")
}

/// What a keyboard has for a character that looks like it. Beside Unicode's own there are those that Windows' code page 1252 leaves
/// where it was read as Latin-1.
pub(super) fn plain(character: char) -> Option<&'static str> {
    Some(match character {
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{91}' | '\u{92}' => "'",
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{93}' | '\u{94}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{96}' | '\u{97}' => "-",
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        '\u{2026}' | '\u{85}' => "...",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(overlook: Overlook, text: &str, expected: &str) {
        let folded = overlook.fold(text, true);
        assert_eq!(folded.text, expected, "{text:?}");
        for (at, character) in folded.text.char_indices() {
            let Some(origin) = folded.original(at..at + character.len_utf8()) else { continue };
            let there = text.get(origin).unwrap();
            let same = there == character.to_string() || there.chars().next().is_none_or(|c| plain(c).is_some());
            assert!(same, "{there:?} for {character:?} of {text:?}");
        }
    }

    #[test]
    fn what_is_overlooked_is_gone_and_the_rest_leads_back() {
        let (trailing, indent) = (Overlook { trailing: true, ..Overlook::default() }, Overlook::default());
        let all = Overlook { trailing: true, indent: true, look: true };
        check(indent, " a \n", " a \n");
        check(trailing, "a \t\n \n  b", "a\n\n  b\n");
        check(trailing, "", "");
        check(all, "\u{a0}\ta\u{a0}b\u{2026} \n\u{201c}c\u{201d}", "a b...\n\"c\"\n");
        let folded = all.fold("x\u{2026}y", true);
        assert_eq!(folded.original(1..4), Some(1..4));
        assert_eq!(folded.original(1..2), None);
        assert_eq!(folded.original(2..5), None);
        assert_eq!(folded.original(4..6), Some(4..5));
    }
}
