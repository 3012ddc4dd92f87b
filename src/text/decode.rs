//! Bytes of a file to text, and back without changing a byte that was not edited.

use super::Text;

/// How a file stores its text. Only a file whose bytes can be made again from its text may be edited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FileEncoding {
    #[default]
    Utf8,
    /// UTF-8 behind a byte order mark. Editors keep the mark out of the document, and so does [`Text`].
    Utf8Bom,
    Utf16Le,
    Utf16Be,
    /// No encoding this version knows: bytes that are not UTF-8 stand as U+FFFD.
    Unknown,
    /// Holds NUL bytes. Not shown to a model, not edited.
    Binary,
}

/// A file's bytes as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    pub text: Text,
    pub encoding: FileEncoding,
}

impl FileEncoding {
    /// Whether [`encode`] gives back exactly the bytes that were decoded.
    pub fn is_lossless(self) -> bool {
        matches!(self, FileEncoding::Utf8 | FileEncoding::Utf8Bom)
    }

    /// A word for people and models.
    pub fn label(self) -> &'static str {
        match self {
            FileEncoding::Utf8 => "UTF-8",
            FileEncoding::Utf8Bom => "UTF-8 with BOM",
            FileEncoding::Utf16Le => "UTF-16LE",
            FileEncoding::Utf16Be => "UTF-16BE",
            FileEncoding::Unknown => "not UTF-8",
            FileEncoding::Binary => "binary",
        }
    }
}

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

/// Decodes a file. Never fails: what cannot be told is labelled.
pub fn decode(bytes: &[u8]) -> Decoded {
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return decode_utf16(rest, FileEncoding::Utf16Le, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return decode_utf16(rest, FileEncoding::Utf16Be, u16::from_be_bytes);
    }
    let (body, encoding) = match bytes.strip_prefix(UTF8_BOM) {
        Some(rest) => (rest, FileEncoding::Utf8Bom),
        None => (bytes, FileEncoding::Utf8),
    };
    if body.contains(&0) {
        return Decoded { text: Text::new(&String::from_utf8_lossy(body)), encoding: FileEncoding::Binary };
    }
    match std::str::from_utf8(body) {
        Ok(text) => Decoded { text: Text::new(text), encoding },
        Err(_) => Decoded { text: Text::new(&String::from_utf8_lossy(body)), encoding: FileEncoding::Unknown },
    }
}

/// The bytes of a file that holds `text`. `None` for an encoding that is not [lossless](FileEncoding::is_lossless).
pub fn encode(text: &Text, encoding: FileEncoding) -> Option<Vec<u8>> {
    let mut bytes = match encoding {
        FileEncoding::Utf8 => Vec::with_capacity(text.len()),
        FileEncoding::Utf8Bom => UTF8_BOM.to_vec(),
        FileEncoding::Utf16Le | FileEncoding::Utf16Be | FileEncoding::Unknown | FileEncoding::Binary => return None,
    };
    text.chunks().for_each(|chunk| bytes.extend_from_slice(chunk.as_bytes()));
    Some(bytes)
}

fn decode_utf16(bytes: &[u8], encoding: FileEncoding, unit: fn([u8; 2]) -> u16) -> Decoded {
    let (pairs, _odd) = bytes.as_chunks::<2>();
    let text: String = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    // U+0000 is no text either; UTF-32 with its mark looks like this.
    let encoding = if text.contains('\0') { FileEncoding::Binary } else { encoding };
    Decoded { text: Text::new(&text), encoding }
}
