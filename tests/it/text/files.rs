//! Files as bytes: what is decoded can be written again to the byte, or is never written.

use claw::text::decode::{decode, encode};
use claw::text::{Edit, FileEncoding, Text};
use proptest::prelude::*;

use super::generate;

/// A file, what it is taken for, and what is shown of it.
#[track_caller]
fn check(bytes: &[u8], encoding: FileEncoding, text: &str) {
    let decoded = decode(bytes);
    assert_eq!((decoded.encoding, decoded.text.to_string().as_str()), (encoding, text));
    let again = encode(&decoded.text, decoded.encoding);
    assert_eq!(again.as_deref(), encoding.is_lossless().then_some(bytes));
}

#[test]
fn d02_marks_endings_and_odd_separators_survive() {
    check(b"", FileEncoding::Utf8, "");
    check(b"a\r\nb\rc\nd", FileEncoding::Utf8, "a\r\nb\rc\nd");
    check(b"\xef\xbb\xbfa\r\n", FileEncoding::Utf8Bom, "a\r\n");
    check(b"\xef\xbb\xbf", FileEncoding::Utf8Bom, "");
    check("\u{2028}\u{85}\u{c}\n".as_bytes(), FileEncoding::Utf8, "\u{2028}\u{85}\u{c}\n");
    // A mark in the middle is a character, and so is a second one at the start.
    check("\u{feff}\u{feff}a\u{feff}".as_bytes(), FileEncoding::Utf8Bom, "\u{feff}a\u{feff}");
}

#[test]
fn d04_what_can_not_be_written_back_is_labelled() {
    check(b"\xff\xfea\0\n\0", FileEncoding::Utf16Le, "a\n");
    check(b"\xfe\xff\0a\0\n", FileEncoding::Utf16Be, "a\n");
    check(b"\xff\xfe\x3d\xd8\x00\xde", FileEncoding::Utf16Le, "😀");
    check(b"\xff\xfe\x3d\xd8", FileEncoding::Utf16Le, "\u{fffd}");
    check(b"\xff\xfea", FileEncoding::Utf16Le, "");
    // Latin-1 and Shift-JIS.
    check(b"caf\xe9\n", FileEncoding::Unknown, "caf\u{fffd}\n");
    check(b"\x93\xfa\x96\x7b", FileEncoding::Unknown, "\u{fffd}\u{fffd}\u{fffd}{");
    check(b"\xef\xbb\xbf\xff", FileEncoding::Unknown, "\u{fffd}");
    // Truncated in the middle of a character.
    check(b"a\xf0\x9f\x98", FileEncoding::Unknown, "a\u{fffd}");
    check(b"\x7fELF\0\0", FileEncoding::Binary, "\u{7f}ELF\0\0");
    // UTF-32, and UTF-16 without a mark.
    check(b"\xff\xfe\0\0a\0\0\0", FileEncoding::Binary, "\0a\0");
    check(b"\0\0\xfe\xff\0\0\0a", FileEncoding::Binary, "\0\0\u{fffd}\u{fffd}\0\0\0a");
    check(b"a\0b\0", FileEncoding::Binary, "a\0b\0");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn d04_any_bytes_are_written_back_as_they_were_or_not_at_all(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..64),
            generate::text().prop_map(String::into_bytes),
            generate::text().prop_map(|text| ["\u{feff}", &text].concat().into_bytes()),
        ],
    ) {
        let decoded = decode(&bytes);
        match encode(&decoded.text, decoded.encoding) {
            Some(again) => {
                prop_assert!(decoded.encoding.is_lossless());
                prop_assert_eq!(again, bytes);
            }
            None => prop_assert!(!decoded.encoding.is_lossless()),
        }
    }

    #[test]
    fn d02_an_edit_of_a_file_keeps_its_other_bytes(source in generate::text(), share: prop::sample::Index) {
        // With a NUL it is no text file, and not edited.
        let source = source.replace('\0', "");
        let bytes = ["\u{feff}", &source].concat().into_bytes();
        let decoded = decode(&bytes);
        prop_assert_eq!(decoded.encoding, FileEncoding::Utf8Bom);
        let at = generate::boundary(&source, share);
        let edited: Text = decoded.text.apply(&Edit { range: at..at, insert: "x".to_owned() }).unwrap();
        let written = encode(&edited, decoded.encoding).unwrap();
        let mut expected = bytes;
        expected.insert(3 + at, b'x');
        prop_assert_eq!(written, expected);
    }
}
