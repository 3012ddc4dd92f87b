//! Secrets that stand in base64, in hexadecimal, or as an address spells them: what is decoded is looked at like any text, and what
//! is found there is masked where it came from.
//!
//! One pass over the text for each encoding. Bytes that spell no text are dropped before they are searched: random bytes fit any
//! pattern now and then.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Found, assigned, formats};

/// A shorter secret is none that a format knows.
const SHORTEST: usize = 16;

/// A line of this many letters may go on in the next: who breaks lines breaks them later than here.
const SHORTEST_LINE: usize = 32;

/// Where a run can begin. What is shorter spells no secret.
static BASE64: LazyLock<Option<Regex>> = LazyLock::new(|| formats::compile(r"[A-Za-z0-9+/_-]{21}"));
static HEX: LazyLock<Option<Regex>> = LazyLock::new(|| formats::compile(r"[0-9A-Fa-f]{32}"));
static SPACED: LazyLock<Option<Regex>> =
    LazyLock::new(|| formats::compile(r"(?:[0-9A-Fa-f]{2}[ \t\r\n,:\\xX0]{1,12}){15}[0-9A-Fa-f]{2}\b"));
static PERCENT: LazyLock<Option<Regex>> = LazyLock::new(|| formats::compile("%[0-9A-Fa-f]{2}"));

pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    let mut decoded = Decoded { found };
    each(&BASE64, text, |at| {
        let (run, end) = run(text, at, is_base64);
        for skipped in 0..4 {
            decoded.base64(run.get(skipped..).unwrap_or_default());
        }
        end
    });
    each(&HEX, text, |at| {
        let (run, end) = run(text, at, |byte| byte.is_ascii_hexdigit());
        for skipped in 0..2 {
            decoded.pairs(run.get(skipped..).unwrap_or_default());
        }
        end
    });
    each(&SPACED, text, |at| decoded.spaced(text, at));
    each(&PERCENT, text, |at| decoded.percent(text, at));
}

/// Looks at each place that begins as `pattern` says; `look` tells where to go on.
fn each(pattern: &LazyLock<Option<Regex>>, text: &str, mut look: impl FnMut(usize) -> usize) {
    let mut from = 0;
    while let Some(at) = pattern.as_ref().filter(|_| from <= text.len()).and_then(|pattern| pattern.find_at(text, from))
    {
        from = look(at.start()).max(at.end());
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// The most letters between two bytes of a dump.
const MOST_BETWEEN: usize = 12;

/// A letter and where it stands.
type Letter = (u8, usize);

/// Letters of an encoding that follow each other from here, also over the ends of lines, and where that ends.
fn run(text: &str, mut at: usize, belongs: impl Fn(u8) -> bool) -> (Vec<Letter>, usize) {
    let mut run: Vec<Letter> = Vec::new();
    loop {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| belongs(**byte)).count();
        run.extend(rest.iter().take(length).enumerate().map(|(nth, byte)| (*byte, at + nth)));
        at += length;
        let rest = rest.get(length..).unwrap_or_default();
        let broken = line_break(rest);
        if broken == 0 || length < SHORTEST_LINE || !rest.get(broken).copied().is_some_and(&belongs) {
            return (run, at);
        }
        at += broken;
    }
}

/// The bytes of a line's end and of the blanks that the next one begins with.
fn line_break(rest: &[u8]) -> usize {
    let returned = usize::from(rest.first() == Some(&b'\r'));
    if rest.get(returned) != Some(&b'\n') {
        return 0;
    }
    let blanks = rest.iter().skip(returned + 1).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    returned + 1 + blanks
}

/// What is decoded goes in, what is found there comes out.
struct Decoded<'a> {
    found: &'a mut Vec<Found>,
}

impl Decoded<'_> {
    fn base64(&mut self, letters: &[Letter]) {
        // A byte lies in two letters.
        let bytes = |group: &[Letter]| {
            let bits =
                group.iter().fold(0u32, |bits, (letter, _)| bits << 6 | sextet(*letter)) << (6 * (4 - group.len()));
            let [_, bytes @ ..] = bits.to_be_bytes();
            bytes
        };
        if !spells_text(letters.chunks(4).flat_map(bytes)) {
            return;
        }
        let mut piece = Piece::default();
        for group in letters.chunks(4) {
            for (byte, two) in bytes(group).into_iter().zip(group.windows(2)) {
                if let [(_, first), (_, last)] = two {
                    piece.push(byte, *first..last + 1, self);
                }
            }
        }
        piece.end(self);
    }

    fn pairs(&mut self, letters: &[Letter]) {
        let mut piece = Piece::default();
        for pair in letters.chunks_exact(2) {
            if let [(high, from), (low, to)] = pair {
                piece.push(digit(*high) << 4 | digit(*low), *from..to + 1, self);
            }
        }
        piece.end(self);
    }

    /// Pairs of digits with something between them: `67 68`, `\x67\x68`, `0x67, 0x68`, `67:68`.
    fn spaced(&mut self, text: &str, mut at: usize) -> usize {
        let bytes = text.as_bytes();
        let mut piece = Piece::default();
        while let Some([high, low]) = bytes.get(at..at + 2).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit)) {
            piece.push(digit(*high) << 4 | digit(*low), at..at + 2, self);
            at += 2;
            let rest = bytes.get(at..).unwrap_or_default();
            let between = rest.iter().take(MOST_BETWEEN).take_while(|byte| is_between(**byte)).count();
            // The next pair may begin with a nought that looks like what stands between two.
            let mut before = (0..=between).rev();
            let next = before.find(|before| {
                let pair = rest.get(*before..before + 2);
                *before > 0 && pair.is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit))
            });
            match next {
                Some(before) => at += before,
                None => break,
            }
        }
        piece.end(self);
        at
    }

    /// The word around, in which letters are spelled `%5F`.
    fn percent(&mut self, text: &str, at: usize) -> usize {
        let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>');
        let start = text.get(..at).and_then(|before| before.rfind(is_end)).unwrap_or(0);
        let end = text.get(at..).and_then(|rest| rest.find(is_end)).map_or(text.len(), |length| at + length);
        let bytes = text.as_bytes().get(..end).unwrap_or_default();
        let mut piece = Piece::default();
        let mut at = start;
        while let Some(byte) = bytes.get(at).copied() {
            let digits = bytes.get(at + 1..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
            let (byte, length) = match digits {
                Some([high, low]) if byte == b'%' => (digit(*high) << 4 | digit(*low), 3),
                _ => (byte, 1),
            };
            piece.push(byte, at..at + length, self);
            at += length;
        }
        piece.end(self);
        end
    }
}

/// Decoded letters that follow each other and can all be seen, and where each of them stood.
#[derive(Default)]
struct Piece {
    text: String,
    origin: Vec<Range<usize>>,
}

impl Piece {
    fn push(&mut self, byte: u8, from: Range<usize>, decoded: &mut Decoded<'_>) {
        if is_text(byte) {
            self.text.push(char::from(byte));
            self.origin.push(from);
        } else {
            self.end(decoded);
        }
    }

    /// Each piece is looked at apart: what was found apart does not belong together.
    fn end(&mut self, decoded: &mut Decoded<'_>) {
        if self.text.len() >= SHORTEST {
            let mut inner = Vec::new();
            formats::find(&self.text, &mut inner);
            assigned::find(&self.text, &mut inner);
            decoded.found.extend(inner.into_iter().filter_map(|Found { kind, range }| {
                let origin = self.origin.get(range)?;
                Some(Found { kind, range: origin.first()?.start..origin.last()?.end })
            }));
        }
        self.text.clear();
        self.origin.clear();
    }
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}

/// Whether there are enough letters in a row to be looked at.
fn spells_text(bytes: impl Iterator<Item = u8>) -> bool {
    let mut row = 0;
    bytes.into_iter().any(|byte| {
        row = if is_text(byte) { row + 1 } else { 0 };
        row >= SHORTEST
    })
}

/// What may stand between two bytes of a dump.
fn is_between(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b'\\' | b'x' | b'X' | b'0')
}

fn digit(letter: u8) -> u8 {
    char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or_default()
}

fn sextet(letter: u8) -> u32 {
    u32::from(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    })
}
