//! The objects of a repository, loose and packed.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::sync::OnceLock;

use cap_std::fs::{Dir, File};
use flate2::read::ZlibDecoder;

/// The largest object that is read.
const MOST_BYTES: usize = 8 << 20;
/// The largest index of a pack that is read.
const MOST_INDEX: u64 = 256 << 20;
/// Changes upon one another that a packed object may be made of.
const MOST_DELTAS: usize = 256;
/// Folders in one another.
const DEEPEST: usize = 64;

/// The name of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id([u8; 20]);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Commit,
    Tree,
    Blob,
}

pub(super) struct Objects {
    dir: Dir,
    packs: OnceLock<Vec<Pack>>,
}

struct Pack {
    name: String,
    /// The index: a table of a byte each, names, checksums, places.
    index: Vec<u8>,
    count: usize,
}

impl Id {
    pub fn of_hex(hex: &str) -> Option<Id> {
        let bytes = hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        Id::of_bytes(&bytes.collect::<Option<Vec<u8>>>()?)
    }

    pub fn of_bytes(bytes: &[u8]) -> Option<Id> {
        Some(Id(bytes.try_into().ok()?))
    }

    fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Objects {
    pub fn open(dir: Dir) -> Objects {
        Objects { dir, packs: OnceLock::new() }
    }

    /// The content of a file, if it is no larger than `most`.
    pub fn blob(&self, id: &Id, most: usize) -> Option<Vec<u8>> {
        let (kind, bytes) = self.read(id)?;
        (kind == Kind::Blob && bytes.len() <= most).then_some(bytes)
    }

    /// The regular files of a commit, by path.
    pub fn files(&self, commit: &Id, stop: &(dyn Fn() -> bool + Sync), files: &mut BTreeMap<String, Id>) -> Option<()> {
        self.tree(&self.root(commit)?, "", 0, stop, files)
    }

    /// The file of a commit at a path.
    pub fn file(&self, commit: &Id, path: &str) -> Option<Id> {
        let mut id = self.root(commit)?;
        for part in path.split('/') {
            let (kind, bytes) = self.read(&id)?;
            if kind != Kind::Tree {
                return None;
            }
            id = entries(&bytes).find(|(_, name, _)| *name == part).map(|(_, _, id)| id)?;
        }
        Some(id)
    }

    fn root(&self, commit: &Id) -> Option<Id> {
        let (kind, bytes) = self.read(commit)?;
        let head = std::str::from_utf8(bytes.get(..45)?).ok().filter(|_| kind == Kind::Commit)?;
        Id::of_hex(head.strip_prefix("tree ")?.get(..40)?)
    }

    fn tree(
        &self,
        id: &Id,
        folder: &str,
        depth: usize,
        stop: &(dyn Fn() -> bool + Sync),
        files: &mut BTreeMap<String, Id>,
    ) -> Option<()> {
        if depth > DEEPEST || stop() {
            return None;
        }
        let (_, bytes) = self.read(id).filter(|(kind, _)| *kind == Kind::Tree)?;
        for (mode, name, id) in entries(&bytes) {
            match mode {
                "40000" => self.tree(&id, &format!("{folder}{name}/"), depth + 1, stop, files)?,
                // Neither links nor other repositories.
                mode if mode.starts_with("100") => {
                    files.insert(format!("{folder}{name}"), id);
                }
                _ => {}
            }
        }
        Some(())
    }

    fn read(&self, id: &Id) -> Option<(Kind, Vec<u8>)> {
        self.loose(id).or_else(|| self.packed(id))
    }

    fn loose(&self, id: &Id) -> Option<(Kind, Vec<u8>)> {
        let hex = id.hex();
        let (folder, name) = hex.split_at_checked(2)?;
        let file = self.dir.open(format!("{folder}/{name}")).ok()?;
        let bytes = inflated(file, MOST_BYTES)?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let (kind, _) = std::str::from_utf8(bytes.get(..end)?).ok()?.split_once(' ')?;
        let kind = match kind {
            "commit" => Kind::Commit,
            "tree" => Kind::Tree,
            "blob" => Kind::Blob,
            _ => return None,
        };
        Some((kind, bytes.get(end + 1..)?.to_vec()))
    }

    fn packed(&self, id: &Id) -> Option<(Kind, Vec<u8>)> {
        let packs = self.packs.get_or_init(|| self.packs());
        let (pack, at) = packs.iter().find_map(|pack| Some((pack, pack.place(id)?)))?;
        let mut file = self.dir.open(format!("pack/{}.pack", pack.name)).ok()?;
        let mut deltas = Vec::new();
        let mut at = at;
        let (kind, mut bytes) = loop {
            file.seek(SeekFrom::Start(at)).ok()?;
            let (kind, size) = head(&mut file)?;
            if size > MOST_BYTES || deltas.len() > MOST_DELTAS {
                return None;
            }
            match kind {
                1 => break (Kind::Commit, inflated(&mut file, size)?),
                2 => break (Kind::Tree, inflated(&mut file, size)?),
                3 => break (Kind::Blob, inflated(&mut file, size)?),
                // What it changes stands so many bytes before it.
                6 => {
                    let back = offset(&mut file)?;
                    deltas.push(inflated(&mut file, size)?);
                    at = at.checked_sub(back).filter(|_| back > 0)?;
                }
                7 => {
                    let base = Id::of_bytes(&taken::<20>(&mut file)?)?;
                    deltas.push(inflated(&mut file, size)?);
                    at = pack.place(&base)?;
                }
                _ => return None,
            }
        };
        for delta in deltas.iter().rev() {
            bytes = applied(&bytes, delta)?;
        }
        Some((kind, bytes))
    }

    fn packs(&self) -> Vec<Pack> {
        let Ok(entries) = self.dir.read_dir("pack") else { return Vec::new() };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(".idx")?.to_owned())).collect();
        names.sort();
        names.into_iter().filter_map(|name| Pack::open(&self.dir, name)).collect()
    }
}

impl Pack {
    fn open(dir: &Dir, name: String) -> Option<Pack> {
        let path = format!("pack/{name}.idx");
        if dir.metadata(&path).ok()?.len() > MOST_INDEX {
            return None;
        }
        let index = dir.read(&path).ok()?;
        let is_known = index.starts_with(b"\xfftOc\0\0\0\x02");
        let mut pack = Pack { name, index, count: 0 };
        pack.count = pack.number(8 + 255 * 4)? as usize;
        is_known.then_some(pack)
    }

    /// Where in the pack an object stands.
    fn place(&self, id: &Id) -> Option<u64> {
        const NAMES: usize = 8 + 256 * 4;
        let first = usize::from(*id.0.first()?);
        let mut from = if first == 0 { 0 } else { self.number(8 + (first - 1) * 4)? as usize };
        let mut to = (self.number(8 + first * 4)? as usize).min(self.count);
        while from < to {
            let middle = from + (to - from) / 2;
            let start = NAMES + middle * 20;
            match self.index.get(start..start + 20)?.cmp(id.0.as_slice()) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
                std::cmp::Ordering::Equal => {
                    let places = NAMES + self.count * 24;
                    let place = self.number(places + middle * 4)?;
                    if place & 0x8000_0000 == 0 {
                        return Some(u64::from(place));
                    }
                    // One too large stands in a table of its own.
                    let far = places + self.count * 4 + (place & 0x7fff_ffff) as usize * 8;
                    return Some(u64::from_be_bytes(self.index.get(far..far + 8)?.try_into().ok()?));
                }
            }
        }
        None
    }

    fn number(&self, at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(self.index.get(at..at.checked_add(4)?)?.try_into().ok()?))
    }
}

/// Mode, name and object of each entry of a tree; those whose name is no text are passed over.
fn entries(tree: &[u8]) -> impl Iterator<Item = (&str, &str, Id)> {
    let mut rest = tree;
    let all = std::iter::from_fn(move || {
        let end = rest.iter().position(|byte| *byte == 0)?;
        let (head, tail) = rest.split_at(end);
        let id = Id::of_bytes(tail.get(1..21)?)?;
        rest = tail.get(21..)?;
        Some((head, id))
    });
    all.filter_map(|(head, id)| {
        let (mode, name) = std::str::from_utf8(head).ok()?.split_once(' ')?;
        Some((mode, name, id))
    })
}

/// What an object that is no larger than `most` unpacks to.
fn inflated(from: impl Read, most: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).ok()?.checked_add(1)?;
    ZlibDecoder::new(from).take(limit).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= most).then_some(bytes)
}

fn taken<const N: usize>(file: &mut File) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// Kind and size of a packed object.
fn head(file: &mut File) -> Option<(u8, usize)> {
    let [mut byte] = taken::<1>(file)?;
    let kind = byte >> 4 & 7;
    let (mut size, mut shift) = (usize::from(byte & 15), 4u32);
    while byte & 0x80 != 0 {
        [byte] = taken::<1>(file)?;
        size |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift = shift.checked_add(7).filter(|shift| *shift < 60)?;
    }
    Some((kind, size))
}

/// How far back the object is that a change is made to.
fn offset(file: &mut File) -> Option<u64> {
    let [mut byte] = taken::<1>(file)?;
    let mut value = u64::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        [byte] = taken::<1>(file)?;
        value = value.checked_add(1)?.checked_mul(128)? | u64::from(byte & 0x7f);
    }
    Some(value)
}

/// What a change makes of `base`.
fn applied(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let mut delta = delta.iter().copied();
    let mut size = || {
        let (mut value, mut shift) = (0usize, 0u32);
        loop {
            let byte = delta.next()?;
            value |= usize::from(byte & 0x7f).checked_shl(shift)?;
            shift = shift.checked_add(7).filter(|shift| *shift < 60)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
    };
    let (_, target) = (size()?, size()?);
    if target > MOST_BYTES {
        return None;
    }
    let mut made = Vec::with_capacity(target);
    while let Some(step) = delta.next() {
        if step & 0x80 != 0 {
            let (mut from, mut len) = (0usize, 0usize);
            for bit in 0..7u32 {
                if step >> bit & 1 == 1 {
                    let byte = usize::from(delta.next()?);
                    if bit < 4 {
                        from |= byte << (8 * bit);
                    } else {
                        len |= byte << (8 * (bit - 4));
                    }
                }
            }
            let len = if len == 0 { 0x10000 } else { len };
            made.extend_from_slice(base.get(from..from.checked_add(len)?)?);
        } else {
            for _ in 0..step {
                made.push(delta.next()?);
            }
        }
        if made.len() > target {
            return None;
        }
    }
    (made.len() == target).then_some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_applied_or_refused() {
        let base = b"hello world";
        // 11 bytes become 11: five copied from 6, one inserted, five copied from 0.
        let delta = [11, 11, 0x91, 6, 5, 1, b'-', 0x90, 5];
        assert_eq!(applied(base, &delta).as_deref(), Some(&b"world-hello"[..]));
        for broken in
            [&[][..], &[11, 11], &[11, 11, 0x91, 60, 5], &[11, 2, 3, 1, 2, 3], &[11, 0xff, 0xff, 0xff, 0xff, 0xff]]
        {
            assert_eq!(applied(base, broken), None, "{broken:?}");
        }
    }
}
