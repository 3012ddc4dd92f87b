//! What a body is: HTML, text, or something that is not shown.

/// What is done with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Kind {
    Html,
    Text,
    /// Pictures, archives, documents, programs: named and measured, never opened.
    Other,
}

/// How files begin that are no text, whatever a server calls them.
const BEGINNINGS: &[&[u8]] = &[
    b"%PDF-",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x89PNG",
    b"GIF87a",
    b"GIF89a",
    b"\xff\xd8\xff",
    b"RIFF",
    b"OggS",
    b"ID3",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
    b"\x28\xb5\x2f\xfd",
    b"Rar!",
    b"\x7fELF",
    b"\xca\xfe\xba\xbe",
    b"\xcf\xfa\xed\xfe",
    b"MZ\x90",
    b"\0asm",
    b"wOFF",
    b"wOF2",
    b"{\\rtf",
    b"SQLite format 3",
];

/// Bytes that are looked at where a server does not say.
const SNIFFED: usize = 2048;

/// A content type without its parameters, in lower case.
pub(in crate::web) fn essence(declared: Option<&str>) -> Option<String> {
    let essence = declared?.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    (!essence.is_empty()).then_some(essence)
}

/// What the server's word for it means; `None` if it says nothing of use.
pub(in crate::web) fn of_declaration(declared: Option<&str>) -> Option<Kind> {
    let essence = essence(declared)?;
    let (family, name) = essence.split_once('/')?;
    let kind = match (family, name) {
        ("text", "html") | ("application", "xhtml+xml") => Kind::Html,
        ("text", "rtf") => Kind::Other,
        ("text", _) => Kind::Text,
        ("application", "octet-stream" | "unknown" | "x-unknown") | ("unknown" | "binary", _) => return None,
        ("application", name) if is_text(name) => Kind::Text,
        ("message", "rfc822" | "http") => Kind::Text,
        _ => Kind::Other,
    };
    Some(kind)
}

fn is_text(name: &str) -> bool {
    let is_structured = ["json", "xml", "yaml"]
        .iter()
        .any(|form| name.strip_suffix(form).is_some_and(|before| before.is_empty() || before.ends_with(['+', '-'])));
    is_structured
        || matches!(
            name,
            "javascript"
                | "x-javascript"
                | "ecmascript"
                | "typescript"
                | "x-ndjson"
                | "json5"
                | "jsonl"
                | "toml"
                | "x-toml"
                | "x-sh"
                | "x-shellscript"
                | "x-python"
                | "x-httpd-php"
                | "x-perl"
                | "x-ruby"
                | "sql"
                | "graphql"
                | "xml-dtd"
                | "x-tex"
                | "x-patch"
                | "x-www-form-urlencoded"
                | "markdown"
        )
}

/// What the bytes are. A server's word is believed as far as they do not give it the lie.
pub(in crate::web) fn of_body(declared: Option<&str>, bytes: &[u8]) -> Kind {
    let declared = of_declaration(declared);
    if declared == Some(Kind::Other) {
        return Kind::Other;
    }
    if BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning)) {
        return Kind::Other;
    }
    let is_wide = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let start = bytes.get(..SNIFFED).unwrap_or(bytes);
    if !is_wide && start.contains(&0) && !looks_wide(start) {
        return Kind::Other;
    }
    declared.unwrap_or_else(|| if looks_like_html(start) { Kind::Html } else { Kind::Text })
}

/// UTF-16 without its mark: every other byte of what is mostly ASCII is zero.
fn looks_wide(start: &[u8]) -> bool {
    let zeros = |offset: usize| start.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let half = start.len() / 2;
    start.len().is_multiple_of(2) && even.max(odd) * 10 >= half * 8 && even.min(odd) * 10 <= half
}

fn looks_like_html(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start).trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<body", "<title", "<h1", "<div", "<p>", "<table"]
        .iter()
        .any(|beginning| text.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(declared: &str, body: &[u8], expected: Kind) {
        let declared = (!declared.is_empty()).then_some(declared);
        assert_eq!(of_body(declared, body), expected, "{declared:?} {:?}", String::from_utf8_lossy(body));
    }

    #[test]
    fn what_servers_say() {
        for (declared, expected) in [
            ("text/html; charset=utf-8", Kind::Html),
            ("Text/HTML", Kind::Html),
            ("application/xhtml+xml", Kind::Html),
            ("text/plain", Kind::Text),
            ("text/markdown; charset=utf-8", Kind::Text),
            ("application/json", Kind::Text),
            ("application/ld+json", Kind::Text),
            ("application/vnd.github+json", Kind::Text),
            ("application/atom+xml", Kind::Text),
            ("application/xml", Kind::Text),
            ("application/x-yaml", Kind::Text),
            ("application/javascript", Kind::Text),
            ("image/png", Kind::Other),
            ("image/svg+xml", Kind::Other),
            ("application/pdf", Kind::Other),
            ("application/zip", Kind::Other),
            ("application/wasm", Kind::Other),
            ("video/mp4", Kind::Other),
            ("font/woff2", Kind::Other),
            ("text/rtf", Kind::Other),
            ("application/x-what", Kind::Other),
        ] {
            check(declared, b"hello", expected);
        }
    }

    #[test]
    fn t10_bytes_give_a_servers_word_the_lie() {
        for body in [
            &b"%PDF-1.7 <html>"[..],
            b"PK\x03\x04zip",
            b"\x89PNG\r\n",
            b"GIF89a<html><script>",
            b"\xff\xd8\xff\xe0",
            b"\x1f\x8b\x08",
            b"\x7fELF",
            b"\0asm\x01",
            b"text\0with a NUL",
        ] {
            for declared in ["text/html", "text/plain", "application/json", "application/octet-stream", ""] {
                check(declared, body, Kind::Other);
            }
        }
    }

    #[test]
    fn what_servers_do_not_say() {
        for (body, expected) in [
            (&b"<!DOCTYPE html><p>x"[..], Kind::Html),
            (b"\xef\xbb\xbf\n <html>", Kind::Html),
            (b"# A title", Kind::Text),
            (b"{\"a\": 1}", Kind::Text),
            (b"<?xml version='1.0'?><a/>", Kind::Text),
            (b"", Kind::Text),
            (b"\xff\xfeh\0i\0", Kind::Text),
            (b"h\0e\0l\0l\0o\0", Kind::Text),
        ] {
            check("", body, expected);
            check("application/octet-stream", body, expected);
        }
        check("text/plain", b"<html><p>source of a page", Kind::Text);
    }
}
