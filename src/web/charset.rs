//! Bytes of a body to text: by a byte order mark, the server's word, the page's own word, or a guess. In this order.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, X_USER_DEFINED};

/// Bytes in which a page must name its encoding.
const PRESCAN: usize = 4096;

/// Bytes that a guess looks at.
const GUESSED: usize = 256 * 1024;

pub(in crate::web) fn decode(bytes: &[u8], declared: Option<&str>, is_html: bool) -> String {
    let encoding = encoding(bytes, declared, is_html);
    // A byte order mark is taken off, and is stronger than anything else.
    encoding.decode(bytes).0.into_owned()
}

fn encoding(bytes: &[u8], declared: Option<&str>, is_html: bool) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    declared
        .and_then(|declared| after_charset(declared.as_bytes()))
        .or_else(|| is_html.then(|| own_word(bytes)).flatten())
        .unwrap_or_else(|| guess(bytes))
}

/// What `<meta charset=…>`, `<meta content="…; charset=…">` or `<?xml encoding=…?>` says.
fn own_word(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = bytes.get(..PRESCAN).unwrap_or(bytes).to_ascii_lowercase();
    let mut rest = start.as_slice();
    if rest.trim_ascii_start().starts_with(b"<?xml") {
        let end = find(rest, b"?>").unwrap_or(rest.len());
        let declaration = rest.get(..end).unwrap_or_default();
        if let Some(found) = after(declaration, b"encoding") {
            return Some(found);
        }
    }
    while let Some(at) = find(rest, b"<") {
        rest = rest.get(at..)?;
        if rest.starts_with(b"<!--") {
            rest = rest.get(find(rest, b"-->")?..)?;
            continue;
        }
        let end = find(rest, b">").unwrap_or(rest.len());
        let tag = rest.get(..end).unwrap_or_default();
        if tag.starts_with(b"<meta")
            && let Some(found) = after_charset(tag)
        {
            // A page whose letters could be read this far is not what it says there.
            let is_wide = found == UTF_16LE || found == UTF_16BE || found == X_USER_DEFINED;
            return Some(if is_wide { UTF_8 } else { found });
        }
        rest = rest.get(end..)?;
    }
    None
}

fn after_charset(text: &[u8]) -> Option<&'static Encoding> {
    after(&text.to_ascii_lowercase(), b"charset")
}

/// The encoding whose label stands behind `word` and `=`, in quotes or not.
fn after(text: &[u8], word: &[u8]) -> Option<&'static Encoding> {
    let mut rest = text;
    while let Some(at) = find(rest, word) {
        rest = rest.get(at + word.len()..)?;
        let Some(value) = rest.trim_ascii_start().strip_prefix(b"=") else { continue };
        let value = value.trim_ascii_start();
        let label: Vec<u8> = match value.first() {
            Some(quote @ (b'"' | b'\'')) => value.iter().skip(1).take_while(|byte| *byte != quote).copied().collect(),
            _ => value
                .iter()
                .take_while(|byte| !matches!(byte, b' ' | b';' | b'"' | b'\'' | b'/' | b'>'))
                .copied()
                .collect(),
        };
        if let Some(encoding) = Encoding::for_label(&label) {
            return Some(encoding);
        }
    }
    None
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    // NUL bytes are in a text only where letters take two.
    if let [first, second, ..] = bytes
        && (*first == 0) != (*second == 0)
    {
        return if *first == 0 { UTF_16BE } else { UTF_16LE };
    }
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes.get(..GUESSED).unwrap_or(bytes), true);
    detector.guess(None, Utf8Detection::Allow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], declared: &str, expected: &str) {
        let declared = (!declared.is_empty()).then_some(declared);
        assert_eq!(decode(bytes, declared, true), expected, "{declared:?}");
    }

    #[test]
    fn marks_words_and_guesses() {
        // The mark is stronger than the server.
        check(b"\xef\xbb\xbfGr\xc3\xb6\xc3\x9fe", "text/html; charset=iso-8859-1", "Größe");
        check(b"\xff\xfeh\0i\0", "text/html; charset=utf-8", "hi");
        check(b"\xfe\xff\0h\0i", "", "hi");
        // The server is stronger than the page.
        check(b"<meta charset=koi8-r>\xe9", "text/html; charset=ISO-8859-1", "<meta charset=koi8-r>é");
        check(b"Gr\xf6\xdfe", "text/html;charset=\"iso-8859-1\"", "Größe");
        check(b"Gr\xc3\xb6\xc3\x9fe", "text/html; charset=UTF-8", "Größe");
        check(b"\x82\xb1\x82\xf1", "text/html; charset=shift_jis", "こん");
        // The page's own word.
        check(b"<meta charset=\"windows-1251\">\xcf\xf0", "text/html", "<meta charset=\"windows-1251\">Пр");
        check(
            b"<META http-equiv=Content-Type content='text/html; charset=euc-jp'>\xa4\xb3",
            "text/html",
            "<META http-equiv=Content-Type content='text/html; charset=euc-jp'>こ",
        );
        check(
            b"<?xml version='1.0' encoding='iso-8859-2'?>\xb1",
            "application/xhtml+xml",
            "<?xml version='1.0' encoding='iso-8859-2'?>ą",
        );
        check(b"<meta charset=utf-16>\xc3\xb6", "", "<meta charset=utf-16>ö");
        check(b"<!-- <meta charset=koi8-r> -->\xc3\xb6", "", "<!-- <meta charset=koi8-r> -->ö");
        // A word that names nothing is no word.
        check("ö".as_bytes(), "text/html; charset=klingon", "ö");
        check("ö".as_bytes(), "text/html; charset=", "ö");
        // Guesses.
        check("Größe, 中文".as_bytes(), "", "Größe, 中文");
        check(b"h\0i\0", "", "hi");
        check(b"Die Gr\xf6\xdfe der \xdcbung ist f\xfcr alle sch\xf6n.", "", "Die Größe der Übung ist für alle schön.");
        check(b"\xcf\xf0\xe8\xe2\xe5\xf2, \xea\xe0\xea \xe4\xe5\xeb\xe0?", "", "Привет, как дела?");
    }

    #[test]
    fn nothing_is_too_broken() {
        // Encodings that only serve to smuggle are not decoded.
        check(b"+ADw-script+AD4-", "text/html; charset=utf-7", "+ADw-script+AD4-");
        check(b"x", "text/html; charset=iso-2022-kr", "\u{fffd}");
        check(b"", "", "");
        check(b"\xff", "text/html; charset=utf-8", "\u{fffd}");
    }
}
