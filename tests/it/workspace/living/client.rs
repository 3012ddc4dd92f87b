//! An editor, and what it makes of edits that are sent to it. Its text is its own: characters that each have an identity, so that
//! the right place of an edit is known whatever was typed since.

use claw::text::{Position, PositionEncoding};

use super::random::Random;
use crate::text::positions::offset_at;

/// What an editor does with an edit that is not for the text it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Personality {
    /// Refuses it.
    Strict,
    /// Looks at no version: takes the positions as they are.
    IgnoresVersions,
    /// Applies the first changes only, or the first file.
    AppliesPartly,
    /// Applies it, later, or does not, and says nothing.
    NeverAnswers,
}

/// A document in the editor.
#[derive(Clone, Debug, Default)]
pub struct Document {
    characters: Vec<(char, u32)>,
    next: u32,
    /// Changes of it so far.
    pub version: i32,
}

/// One replacement as it arrives.
#[derive(Clone, Debug)]
pub struct Change {
    pub start: Position,
    pub end: Position,
    pub insert: String,
}

/// Which characters a replacement was meant to take out, or between which it was meant to put its text.
#[derive(Clone, Debug)]
pub struct Meant {
    removed: Vec<u32>,
    text: String,
    before: Option<u32>,
    behind: Option<u32>,
    /// Characters from this one on have been put in since.
    since: u32,
}

/// Whether a replacement was made where it was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    Right,
    Wrong,
    /// The user has typed at the very place, or beside it on the same line: there is no one right place.
    Unclear,
}

impl Meant {
    /// Whether putting in `insert` instead does no more than end the last line with a break.
    pub fn gets_a_break(&self, insert: &str) -> bool {
        let is_unbroken = !self.text.is_empty() && !self.text.ends_with(['\r', '\n']);
        is_unbroken && insert.strip_prefix(&self.text).is_some_and(|rest| matches!(rest, "\n" | "\r\n" | "\r"))
    }
}

impl Document {
    pub fn new(text: &str) -> Document {
        let mut document = Document::default();
        document.splice(0, 0, text);
        document.version = 1;
        document
    }

    pub fn text(&self) -> String {
        self.characters.iter().map(|(character, _)| character).collect()
    }

    pub fn len(&self) -> usize {
        self.characters.len()
    }

    pub fn at(&self, index: usize) -> Option<char> {
        self.characters.get(index).map(|(character, _)| *character)
    }

    /// Replaces `gone` characters at `at`.
    pub fn splice(&mut self, at: usize, gone: usize, insert: &str) {
        let from = self.next;
        let new: Vec<(char, u32)> = insert.chars().zip(from..).collect();
        self.next += new.len() as u32;
        self.characters.splice(at..at + gone, new);
        self.version += 1;
    }

    /// Whether a cursor can stand there: not within a line break.
    pub fn is_place(&self, at: usize) -> bool {
        !(at > 0 && self.at(at - 1) == Some('\r') && self.at(at) == Some('\n'))
    }

    pub fn is_line_start(&self, at: usize) -> bool {
        at == 0 || (matches!(self.at(at - 1), Some('\n' | '\r')) && self.is_place(at))
    }

    fn is_line_edge(&self, at: usize) -> bool {
        at == self.len() || self.is_line_start(at)
    }

    /// Where lines start, and the end.
    pub fn line_edges(&self) -> Vec<usize> {
        (0..=self.len()).filter(|at| self.is_line_edge(*at)).collect()
    }

    fn index_of_byte(&self, offset: usize) -> usize {
        let mut bytes = 0;
        self.characters
            .iter()
            .take_while(|(character, _)| {
                let before = bytes < offset;
                bytes += character.len_utf8();
                before
            })
            .count()
    }

    /// What a replacement of these bytes means.
    pub fn meaning(&self, start: usize, end: usize) -> Meant {
        let (start, end) = (self.index_of_byte(start), self.index_of_byte(end));
        let id = |at: usize| self.characters.get(at).map(|(_, id)| *id);
        Meant {
            removed: self.characters[start..end].iter().map(|(_, id)| *id).collect(),
            text: self.characters[start..end].iter().map(|(character, _)| character).collect(),
            before: start.checked_sub(1).and_then(id),
            behind: id(end),
            since: self.next,
        }
    }

    /// Makes changes whose positions all speak of the text as it is, as editors do: what lies outside is moved inside. Tells how
    /// each landed.
    pub fn apply(&mut self, changes: &[(Change, Meant)], encoding: PositionEncoding) -> Vec<Landing> {
        let text = self.text();
        let mut landings = Vec::new();
        let mut places = Vec::new();
        for (change, meant) in changes {
            let start = self.index_of_byte(offset_at(&text, change.start, encoding));
            let end = self.index_of_byte(offset_at(&text, change.end, encoding));
            let landing =
                match self.characters[start..end].iter().map(|(character, _)| *character).eq(change.insert.chars()) {
                    // It changes nothing.
                    true => Landing::Unclear,
                    false => self.landing(meant, start, end),
                };
            // Where lines repeat, a wrong place can come to the right text.
            let harmless = landing == Landing::Wrong && self.comes_to_the_same(meant, start, end, &change.insert);
            landings.push(if harmless { Landing::Unclear } else { landing });
            places.push((start, end));
        }
        for ((start, end), (change, _)) in places.into_iter().zip(changes).rev() {
            self.splice(start, end - start, &change.insert);
        }
        landings
    }

    fn comes_to_the_same(&self, meant: &Meant, start: usize, end: usize, insert: &str) -> bool {
        let position = |id: Option<u32>| id.and_then(|id| self.characters.iter().position(|(_, other)| *other == id));
        let count = meant.removed.len();
        let right = match position(meant.removed.first().copied()) {
            Some(first) => Some(first),
            None if meant.removed.is_empty() => {
                position(meant.behind).or(position(meant.before).map(|before| before + 1))
            }
            None => None,
        };
        let Some(right) = right.filter(|right| right + count <= self.len()) else { return false };
        if !self.characters[right..right + count].iter().map(|(_, id)| id).eq(&meant.removed) {
            return false;
        }
        let with = |start: usize, end: usize| {
            let mut document = self.clone();
            document.splice(start, end - start, insert);
            document.text()
        };
        with(right, right + count) == with(start, end)
    }

    fn is_text(&self, start: usize, end: usize, meant: &Meant) -> bool {
        let here = &self.characters[start..end];
        let text: String = here.iter().map(|(character, _)| character).collect();
        // Where two lines start alike, what goes may be the one and the end of the other: the texts are the same.
        let same_start = here.first().map(|(_, id)| id) == meant.removed.first();
        let same_end = here.last().map(|(_, id)| id) == meant.removed.last();
        text == meant.text && (same_start || same_end || text.trim().is_empty())
    }

    /// Whether nothing but line breaks stands between a place and the gap `low..=high`, and in the run of breaks that they belong
    /// to those from before `since` can as well be others of them: such that the place is in the gap.
    fn are_breaks_of_both(&self, place: usize, low: usize, high: usize, since: u32) -> bool {
        let between = if place < low { place..low } else { high..place };
        let is_break = |at: &usize| matches!(self.at(*at), Some('\n' | '\r'));
        if !between.clone().all(|at| is_break(&at)) {
            return false;
        }
        let before = (0..between.start).rev().take_while(is_break).count();
        let behind = (between.end..self.len()).take_while(is_break).count();
        let run = between.start - before..between.end + behind;
        let old = |range: std::ops::Range<usize>| {
            self.characters[range].iter().filter(|(_, id)| *id < since).map(|(character, _)| *character)
        };
        // The user only puts in: what was there before the gap is there still, in its order, among what is before the place.
        let holds = |range: std::ops::Range<usize>, mut old: std::iter::Peekable<std::vec::IntoIter<char>>| {
            for (character, _) in &self.characters[range] {
                old.next_if_eq(character);
            }
            old.peek().is_none()
        };
        let (low, high) = (low.clamp(run.start, run.end), high.clamp(run.start, run.end));
        let before: Vec<char> = old(run.start..low).collect();
        let behind: Vec<char> = old(high..run.end).collect();
        holds(run.start..place, before.into_iter().peekable()) && holds(place..run.end, behind.into_iter().peekable())
    }

    fn landing(&self, meant: &Meant, start: usize, end: usize) -> Landing {
        let on_edges = self.is_line_edge(start) && self.is_line_edge(end);
        if !meant.removed.is_empty() {
            let same = self.characters[start..end].iter().map(|(_, id)| id).eq(&meant.removed);
            return match (same, on_edges) {
                (true, true) => Landing::Right,
                (true, false) => Landing::Unclear,
                // A break was put in beside another, and nobody can tell which is which.
                (false, true) if self.is_text(start, end, meant) => Landing::Unclear,
                (false, _) => Landing::Wrong,
            };
        }
        let index = |id: Option<u32>| id.and_then(|id| self.characters.iter().position(|(_, other)| *other == id));
        let (before, behind) = (index(meant.before), index(meant.behind));
        // What stood beside it has gone, and it may have gone with it.
        let gone = (meant.before.is_some() && before.is_none()) || (meant.behind.is_some() && behind.is_none());
        let low = before.map_or(0, |before| before + 1);
        let high = behind.unwrap_or(self.len());
        let within = low <= start && start <= high && start == end;
        match (within, gone) {
            // Of breaks that stand together nobody can tell which are the ones that the user has put in since.
            (false, _) if start == end && on_edges && self.are_breaks_of_both(start, low, high, meant.since) => {
                Landing::Unclear
            }
            (false, _) => Landing::Wrong,
            (true, false) if self.is_line_start(start) && start == high => Landing::Right,
            (true, _) => Landing::Unclear,
        }
    }
}

impl Personality {
    pub const ALL: [Personality; 4] =
        [Personality::Strict, Personality::IgnoresVersions, Personality::AppliesPartly, Personality::NeverAnswers];

    /// How many of a document's `count` changes it makes, where the document is at another version than the edit or not.
    /// `nth` is the document's place in the edit.
    pub fn takes(self, count: usize, is_stale: bool, nth: usize, random: &mut Random) -> usize {
        match self {
            Personality::Strict => {
                if is_stale {
                    0
                } else {
                    count
                }
            }
            Personality::IgnoresVersions => count,
            Personality::AppliesPartly if is_stale && random.once_in(3) => 0,
            Personality::AppliesPartly if nth > 0 && random.once_in(2) => 0,
            Personality::AppliesPartly => 1 + random.below(count),
            Personality::NeverAnswers => match random.below(4) {
                0 => 0,
                1 if is_stale => 0,
                _ => count,
            },
        }
    }
}
