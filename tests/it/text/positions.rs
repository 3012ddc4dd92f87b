//! Positions against a model that walks the text character by character, as LSP 3.17 describes it.

use std::ops::Range;

use claw::text::{Position, PositionEncoding, Text, floor_char_boundary};
use proptest::prelude::*;

use super::generate;

const ENCODINGS: [PositionEncoding; 3] = [PositionEncoding::Utf8, PositionEncoding::Utf16, PositionEncoding::Utf32];

/// Each line's bytes, its break left out.
fn lines(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let (mut lines, mut start, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        let width = match bytes[at..] {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
        if width > 0 {
            lines.push(start..at);
            start = at + width;
        }
        at += width.max(1);
    }
    lines.push(start..bytes.len());
    lines
}

fn units(text: &str, encoding: PositionEncoding) -> usize {
    match encoding {
        PositionEncoding::Utf8 => text.len(),
        PositionEncoding::Utf16 => text.encode_utf16().count(),
        PositionEncoding::Utf32 => text.chars().count(),
    }
}

/// LSP's rule, the slow way.
pub fn offset_at(text: &str, position: Position, encoding: PositionEncoding) -> usize {
    let Some(line) = lines(text).get(position.line as usize).cloned() else { return text.len() };
    let mut at = line.start;
    for character in text[line.clone()].chars() {
        let next = at + character.len_utf8();
        if units(&text[line.start..next], encoding) > position.character as usize {
            break;
        }
        at = next;
    }
    at
}

pub fn position_at(text: &str, offset: usize, encoding: PositionEncoding) -> Position {
    let offset = floor_char_boundary(text, offset);
    let lines = lines(text);
    let line = lines.iter().rposition(|line| line.start <= offset).unwrap();
    let Range { start, end } = lines[line].clone();
    Position { line: line as u32, character: units(&text[start..offset.min(end)], encoding) as u32 }
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0u32..40, 1 => Just(1 << 31), 1 => Just(u32::MAX), 1 => any::<u32>()]
}

fn position() -> impl Strategy<Value = Position> {
    (number(), number()).prop_map(|(line, character)| Position { line, character })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn d01_any_position_is_a_place_of_the_text(source in generate::text(), position in position()) {
        let text = Text::new(&source);
        for encoding in ENCODINGS {
            let offset = text.offset_at(position, encoding);
            prop_assert!(source.is_char_boundary(offset));
            prop_assert!(!source[..offset].ends_with('\r') || !source[offset..].starts_with('\n'), "inside a line break");
            prop_assert_eq!(offset, offset_at(&source, position, encoding), "{:?}", encoding);
        }
    }

    #[test]
    fn any_offset_has_a_position_and_the_position_leads_back(source in generate::text(), share: prop::sample::Index) {
        let text = Text::new(&source);
        let offset = share.index(source.len() + 3);
        for encoding in ENCODINGS {
            let position = text.position_at(offset, encoding);
            prop_assert_eq!(position, position_at(&source, offset, encoding), "{:?}", encoding);
            let back = text.offset_at(position, encoding);
            prop_assert!(back <= offset);
            prop_assert_eq!(text.position_at(back, encoding), position);
        }
    }

    #[test]
    fn d01_a_change_between_any_positions_is_a_change_of_whole_characters(
        source in generate::text(),
        changes in prop::collection::vec((position(), position(), generate::text()), 1..5),
        encoding in prop::sample::select(&ENCODINGS[..]),
    ) {
        let (mut text, mut model) = (Text::new(&source), source);
        for (start, end, insert) in changes {
            let (from, to) = (offset_at(&model, start, encoding), offset_at(&model, end, encoding));
            let range = from.min(to)..from.max(to);
            let exact = position_at(&model, range.start, encoding) == start
                && position_at(&model, range.end, encoding) == end;
            model.replace_range(range.clone(), &insert);
            let replaced = text.replace(start, end, encoding, &insert);
            prop_assert_eq!(replaced.exact, exact);
            prop_assert_eq!(&replaced.edit.range, &range);
            prop_assert_eq!(text.apply(&replaced.edit).unwrap(), replaced.text.clone());
            text = replaced.text;
            prop_assert_eq!(text.to_string(), model.clone());
        }
        let starts: Vec<usize> = (0..text.line_count()).map(|line| text.line_start(line)).collect();
        prop_assert_eq!(starts, lines(&model).into_iter().map(|line| line.start).collect::<Vec<_>>());
    }
}

#[test]
fn d01_positions_inside_characters_and_line_breaks_are_clamped() {
    let text = Text::new("a😀b\r\nc\re\u{2028}f\n");
    let check = |line, character, encoding, expected| {
        assert_eq!(text.offset_at(Position { line, character }, encoding), expected, "{line}:{character} {encoding:?}");
    };
    use PositionEncoding::{Utf8, Utf16, Utf32};
    // Between the halves of a surrogate pair, and between the bytes of a character.
    check(0, 2, Utf16, 1);
    check(0, 3, Utf16, 5);
    check(0, 3, Utf8, 1);
    check(0, 2, Utf32, 5);
    // Past the end of a line: before its break, never between `\r` and `\n`.
    check(0, 5, Utf16, 6);
    check(0, u32::MAX, Utf16, 6);
    check(1, 1 << 31, Utf8, 9);
    // U+2028 ends no line.
    check(2, 3, Utf16, 15);
    check(3, 0, Utf16, 16);
    check(4, 0, Utf16, 16);
    check(u32::MAX, u32::MAX, Utf32, 16);
    assert_eq!(text.position_at(7, Utf16), Position { line: 0, character: 4 });
}

#[test]
fn d05_positions_on_a_line_of_many_megabytes_do_not_walk_it() {
    let text = Text::new(&"héllo 😀 ".repeat(2 << 20));
    let start = std::time::Instant::now();
    for step in 0..10_000u32 {
        let position = Position { line: 0, character: step.wrapping_mul(2_654_435_761) % (16 << 20) };
        let offset = text.offset_at(position, PositionEncoding::Utf16);
        assert!(offset <= text.len());
    }
    // A walk takes tens of milliseconds each, the tree some microseconds.
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
}
