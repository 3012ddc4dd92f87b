//! Document sync against another model of a text: 100,000 changes, equal bytes after each.
//!
//! The model holds UTF-16 code units and knows nothing but what LSP 3.17 says about positions: lines end at `\n`, `\r\n` and `\r`;
//! a character past the end of its line is the line's end; a line past the last is the end of the document. It shares no
//! code with what it checks.

use claw::text::{Position, PositionEncoding, Text};

use crate::workspace::Random;

const CHANGES: usize = 100_000;

/// Changes to one document, before another begins.
const EACH: usize = 50;

pub struct Model {
    units: Vec<u16>,
    encoding: PositionEncoding,
}

const CR: u16 = b'\r' as u16;
const LF: u16 = b'\n' as u16;

impl Model {
    pub fn new(text: &str, encoding: PositionEncoding) -> Model {
        Model { units: text.encode_utf16().collect(), encoding }
    }

    pub fn text(&self) -> String {
        String::from_utf16(&self.units).unwrap()
    }

    /// How many units of `self.encoding` the character that starts at `at` has, and how many it takes here.
    fn width(&self, at: usize) -> (usize, usize) {
        let is_pair = (0xd800..0xdc00).contains(&self.units[at]);
        let here = if is_pair { 2 } else { 1 };
        let there = match (self.encoding, self.units[at]) {
            (PositionEncoding::Utf16, _) => here,
            (PositionEncoding::Utf32, _) => 1,
            (PositionEncoding::Utf8, _) if is_pair => 4,
            (PositionEncoding::Utf8, 0..0x80) => 1,
            (PositionEncoding::Utf8, 0x80..0x800) => 2,
            (PositionEncoding::Utf8, _) => 3,
        };
        (there, here)
    }

    /// The unit at which a position is.
    fn find(&self, position: Position) -> usize {
        let (mut at, mut line) = (0, 0);
        while line < position.line {
            match self.units.get(at..) {
                None | Some([]) => return self.units.len(),
                Some([CR, LF, ..]) => (at, line) = (at + 2, line + 1),
                Some([CR | LF, ..]) => (at, line) = (at + 1, line + 1),
                Some(_) => at += 1,
            }
        }
        let mut left = position.character as usize;
        while let Some(unit) = self.units.get(at) {
            if *unit == CR || *unit == LF {
                break;
            }
            let (there, here) = self.width(at);
            if there > left {
                break;
            }
            (at, left) = (at + here, left - there);
        }
        at
    }

    /// Two places at which an editor's cursor can stand, in order. Now and then they are told as lying past what they are the end of.
    pub fn range(&self, random: &mut Random) -> (Position, Position) {
        let (a, b) = (self.place(random), self.place(random));
        let (start, end) = (a.min(b), if random.once_in(2) { a.min(b) } else { a.max(b) });
        (self.position_of(start, random), self.position_of(end, random))
    }

    fn place(&self, random: &mut Random) -> usize {
        let at = random.below(self.units.len() + 1);
        let is_inside = match self.units.get(at) {
            Some(0xdc00..0xe000) => true,
            Some(&LF) => at > 0 && self.units[at - 1] == CR,
            _ => false,
        };
        at + usize::from(is_inside)
    }

    fn position_of(&self, place: usize, random: &mut Random) -> Position {
        let mut position = Position::default();
        let mut at = 0;
        while at < place {
            let (there, here) = self.width(at);
            let is_break = match self.units[at] {
                CR => self.units.get(at + 1) != Some(&LF),
                LF => true,
                _ => false,
            };
            position.character += there as u32;
            at += here;
            if is_break {
                position = Position { line: position.line + 1, character: 0 };
            }
        }
        let beyond = if random.once_in(4) { 1 + random.below(1000) as u32 } else { 0 };
        match self.units.get(place) {
            None if beyond > 500 => Position { line: position.line + beyond, ..position },
            None | Some(&(CR | LF)) => Position { character: position.character + beyond, ..position },
            Some(_) => position,
        }
    }

    pub fn change(&mut self, start: Position, end: Position, insert: &str) {
        let (start, end) = (self.find(start), self.find(end));
        let (start, end) = (start.min(end), start.max(end));
        self.units.splice(start..end, insert.encode_utf16());
    }
}

/// Some text, of words that are hard on positions.
pub fn piece(random: &mut Random, endings: &[&str]) -> String {
    const WORDS: &[&str] = &[
        "",
        "a",
        "let x = 1;",
        "é",
        "e\u{301}",
        "日本",
        "😀",
        "👩\u{200d}🚀",
        "\u{2028}",
        "\u{10ffff}",
        "\u{feff}",
        "\t",
    ];
    let mut text = String::new();
    for _ in 0..random.below(4) {
        text.push_str(WORDS[random.below(WORDS.len())]);
        if random.once_in(3) {
            text.push_str(endings[random.below(endings.len())]);
        }
    }
    text
}

fn position(random: &mut Random) -> Position {
    let number = |random: &mut Random| match random.below(20) {
        0 => u32::MAX,
        1 => 1 << 31,
        2 => 100 + random.below(100) as u32,
        _ => random.below(12) as u32,
    };
    Position { line: number(random), character: number(random) }
}

#[test]
fn d01_document_sync_is_what_another_model_says() {
    let mut random = Random::new(1);
    let endings: [&[&str]; 4] = [&["\n"], &["\r\n"], &["\r"], &["\n", "\r\n", "\r"]];
    let encodings = [PositionEncoding::Utf8, PositionEncoding::Utf16, PositionEncoding::Utf32];
    for document in 0..CHANGES / EACH {
        let endings = endings[document % 4];
        let encoding = encodings[random.below(3)];
        let first: String = (0..random.below(8)).map(|_| piece(&mut random, endings)).collect();
        let mut model = Model::new(&first, encoding);
        let mut text = Text::new(&first);
        for change in 0..EACH {
            let insert = piece(&mut random, endings);
            let (start, end) = match random.below(10) {
                // A caret.
                0..4 => {
                    let at = position(&mut random);
                    (at, at)
                }
                // All of it.
                4 if random.once_in(4) => (Position::default(), Position { line: u32::MAX, character: u32::MAX }),
                _ => (position(&mut random), position(&mut random)),
            };
            model.change(start, end, &insert);
            text = text.replace(start, end, encoding, &insert).text;
            assert_eq!(
                text.to_string(),
                model.text(),
                "change {change} of document {document}: {start:?} to {end:?}, {insert:?}, {encoding:?}"
            );
        }
    }
}
