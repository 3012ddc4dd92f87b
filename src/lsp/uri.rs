//! URIs of the client to documents.
//!
//! Only a `file:` URI of this machine, beneath a workspace folder, in which every part is a plain name, is a file. All else is
//! a document that only the editor knows: it can be read while it is open, and no path ever comes of it.

use std::path::PathBuf;

/// The absolute path that a `file:` URI names; `None` for any other URI, and for one whose parts would mean something else
/// on disk than they say: `..`, an escaped `/`, NUL, bytes that are not UTF-8.
pub fn file_path(uri: &str) -> Option<PathBuf> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("file") || rest.contains(['?', '#', '\\']) {
        return None;
    }
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let (host, _) = rest.split_once('/')?;
            if !host.is_empty() && !host.eq_ignore_ascii_case("localhost") {
                return None;
            }
            rest.get(host.len()..)?
        }
        None => rest,
    };
    let path = path.strip_prefix('/')?;
    if path.is_empty() {
        return Some(PathBuf::from("/"));
    }
    let mut absolute = String::with_capacity(path.len() + 1);
    for part in path.strip_suffix('/').unwrap_or(path).split('/') {
        let part = percent_decode(part)?;
        if part.is_empty() || part == "." || part == ".." || part.contains(['/', '\0']) {
            return None;
        }
        absolute.push('/');
        absolute.push_str(&part);
    }
    Some(PathBuf::from(absolute))
}

/// `text` with its `%xx` decoded; `None` if one is malformed or the result is not UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l16_only_plain_file_uris_are_paths() {
        let cases: &[(&str, Option<&str>)] = &[
            ("file:///w/src/a.rs", Some("/w/src/a.rs")),
            ("FILE:///w/a.rs", Some("/w/a.rs")),
            ("file://localhost/w/a.rs", Some("/w/a.rs")),
            ("file:/w/a.rs", Some("/w/a.rs")),
            ("file:///w/a%20b%23%C3%A4.rs", Some("/w/a b#ä.rs")),
            ("file:///w/ä b.rs", Some("/w/ä b.rs")),
            ("file:///w/", Some("/w")),
            ("file:///", Some("/")),
            ("file:///w/..hidden", Some("/w/..hidden")),
            ("file://host/share/a.rs", None),
            ("file:////server/share", None),
            ("file:////", None),
            ("file:///w//a.rs", None),
            ("file:///w/../etc/passwd", None),
            ("file:///w/..%2f..%2fetc/passwd", None),
            ("file:///w/%2e%2e/etc/passwd", None),
            ("file:///w/./a.rs", None),
            ("file:///w/a%00.rs", None),
            ("file:///w/a%ff.rs", None),
            ("file:///w/a%2", None),
            ("file:///w/a%+1.rs", None),
            ("file:///w/..\\a.rs", None),
            ("file:///w/a.rs?x", None),
            ("file:///w/a.ipynb#cell", None),
            ("file:a.rs", None),
            ("untitled:Untitled-1", None),
            ("git:/w/a.rs?%7B%22ref%22%3A%22HEAD%22%7D", None),
            ("vscode-notebook-cell:/w/a.ipynb#W0", None),
            ("", None),
            ("/w/a.rs", None),
        ];
        for (uri, expected) in cases {
            assert_eq!(file_path(uri), expected.map(PathBuf::from), "{uri}");
        }
    }
}
