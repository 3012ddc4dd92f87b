//! Texts made of what breaks text handling.

use claw::text::floor_char_boundary;
use proptest::prelude::*;

/// Pieces in which editors, files and protocols disagree about lines and widths.
const PIECES: &[&str] = &[
    "\n",
    "\r\n",
    "\r",
    "\n\r",
    "a",
    "let x = 1;",
    "    ",
    "\t",
    "é",
    "e\u{301}",
    "日本語",
    "😀",
    "👩\u{200d}🚀",
    "\u{feff}",
    "\u{2028}",
    "\u{2029}",
    "\u{85}",
    "\u{c}",
    "\u{b}",
    "\u{0}",
    "\u{10ffff}",
    "\u{ffff}",
    "}",
    "fn f() {",
    "\u{202e}",
];

/// Any text of such pieces, now and then long enough to fill several nodes of a rope.
pub fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![9 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => "\\PC{0,8}"];
    let short = prop::collection::vec(piece.clone(), 0..24).prop_map(|pieces| pieces.concat());
    let long =
        (prop::collection::vec(piece, 0..24), 1usize..120).prop_map(|(pieces, times)| pieces.concat().repeat(times));
    prop_oneof![4 => short, 1 => long]
}

/// An offset of `text` that a character starts at, chosen by `share`.
pub fn boundary(text: &str, share: prop::sample::Index) -> usize {
    floor_char_boundary(text, share.index(text.len() + 1))
}
