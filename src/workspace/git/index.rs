//! The index of a repository: what is staged.

use std::collections::BTreeMap;

use cap_std::fs::Dir;

use super::objects::Id;

/// The largest index that is read.
const MOST_BYTES: u64 = 64 << 20;
/// Of an entry before its name.
const FIXED: usize = 62;
/// Says that two bytes of further flags follow.
const EXTENDED: u16 = 0x4000;
/// Which side of a merge an entry is; only what is settled counts.
const STAGE: u16 = 0x3000;

/// What is staged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Staged {
    /// The regular files, by path.
    pub files: BTreeMap<String, Entry>,
    /// Folders that are repositories of their own.
    pub modules: Vec<String>,
}

/// A staged file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub id: Id,
    /// What the file looked like.
    pub size: u32,
    pub seconds: u32,
    pub nanos: u32,
    /// It was staged in the moment in which the index was written, and may have changed since without looking different.
    pub is_racy: bool,
}

/// The index of a repository. `None` where there is none that can be read.
pub(super) fn read(dir: &Dir) -> Option<Staged> {
    let metadata = dir.metadata("index").ok()?;
    if !metadata.is_file() || metadata.len() > MOST_BYTES {
        return None;
    }
    let written = metadata.modified().ok()?.into_std().duration_since(std::time::UNIX_EPOCH).ok()?;
    let bytes = dir.read("index").ok()?;
    let mut staged = parse(&bytes)?;
    for entry in staged.files.values_mut() {
        entry.is_racy = u64::from(entry.seconds) >= written.as_secs() & 0xffff_ffff;
    }
    Some(staged)
}

fn parse(bytes: &[u8]) -> Option<Staged> {
    let version = number(bytes.strip_prefix(b"DIRC")?, 0)?;
    if !(2..=4).contains(&version) {
        return None;
    }
    let count = number(bytes, 8)?;
    let mut staged = Staged::default();
    let (mut at, mut last) = (12usize, Vec::new());
    for _ in 0..count {
        let entry = bytes.get(at..)?;
        let mode = number(entry, 24)?;
        let flags = u16::from_be_bytes(entry.get(60..62)?.try_into().ok()?);
        let start = FIXED + if version >= 3 && flags & EXTENDED != 0 { 2 } else { 0 };
        let rest = entry.get(start..)?;
        let (name, len) = match version {
            4 => {
                // As many bytes of the name before go, and the rest follows.
                let (drop, used) = varint(rest)?;
                let tail = rest.get(used..)?;
                let end = tail.iter().position(|byte| *byte == 0)?;
                last.truncate(last.len().checked_sub(drop)?);
                last.extend_from_slice(tail.get(..end)?);
                (last.clone(), start + used + end + 1)
            }
            _ => {
                let end = rest.iter().position(|byte| *byte == 0)?;
                // Padded with zeros to a multiple of eight, one at least.
                (rest.get(..end)?.to_vec(), (start + end + 8) / 8 * 8)
            }
        };
        if let (0, Ok(name)) = (flags & STAGE, String::from_utf8(name)) {
            let id = Id::of_bytes(entry.get(40..60)?)?;
            let (seconds, nanos, size) = (number(entry, 8)?, number(entry, 12)?, number(entry, 36)?);
            match mode & 0o170_000 {
                0o100_000 => drop(staged.files.insert(name, Entry { id, size, seconds, nanos, is_racy: false })),
                0o160_000 => staged.modules.push(name),
                _ => {}
            }
        }
        at = at.checked_add(len)?;
    }
    Some(staged)
}

/// Four bytes, the highest first.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// A number in groups of seven bits, and how many bytes it takes.
fn varint(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0usize;
    for (at, byte) in bytes.iter().take(8).enumerate() {
        value = value.checked_shl(7)? | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
        value = value.checked_add(1)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_index_is_none() {
        for bytes in [&b""[..], b"DIRC", b"DIRC\0\0\0\x02\0\0\0\x09", b"DIRC\0\0\0\x09\0\0\0\0", &[0xff; 200]] {
            assert_eq!(parse(bytes), None);
        }
        assert_eq!(parse(b"DIRC\0\0\0\x02\0\0\0\0"), Some(Staged::default()));
    }
}
