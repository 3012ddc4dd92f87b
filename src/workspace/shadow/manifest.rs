//! What was put into a shadow and from what, so that a look at the entries of files tells what changed on either side.
//!
//! It is a cache: one that is missing, torn or of another version is as good as none, and everything is compared by content.

use std::collections::HashMap;
use std::path::Path;

use super::folder::Stat;
use crate::text::{ContentHash, FileEncoding};

/// By the name of their folder below the root, which is empty for the root itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Manifest {
    pub folders: HashMap<Box<[u8]>, Names>,
}

pub(super) type Names = HashMap<Box<[u8]>, Entry>;

/// One name of the shadow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    pub source: Source,
    /// What stands there; `None` if nothing does.
    pub held: Option<Held>,
}

/// What the view had when the entry was last brought in step with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Source {
    /// Not known: to be compared by content.
    Unknown,
    /// Nothing: a command made it, and it is not taken into the proposal.
    Command,
    /// A file of the disk. `racy`: it may have been written again without showing it.
    Disk { stat: Stat, hash: ContentHash, racy: bool },
    /// A symbolic link, by the hash of where it leads.
    Link { hash: ContentHash },
    /// A buffer or what is proposed, in the encoding of its file.
    Text { hash: ContentHash, encoding: FileEncoding, executable: bool },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Held {
    pub stat: Stat,
    /// Of a file's bytes, or of where a link leads.
    pub hash: ContentHash,
    /// It may be written again without showing it, so soon was it looked at.
    pub racy: bool,
}

/// A folder, a name in it and what the manifest comes to say of it.
pub(super) type Said = (Box<[u8]>, Box<[u8]>, Option<Entry>);

const MAGIC: &[u8] = b"claw shadow 1\n";

impl Manifest {
    pub fn get(&self, folder: &[u8], name: &[u8]) -> Option<&Entry> {
        self.folders.get(folder)?.get(name)
    }

    pub fn set(&mut self, folder: &[u8], name: &[u8], entry: Option<Entry>) {
        match (entry, self.folders.get_mut(folder)) {
            (Some(entry), Some(names)) => {
                // Most are there already: the name is not made again.
                match names.get_mut(name) {
                    Some(place) => *place = entry,
                    None => drop(names.insert(name.into(), entry)),
                }
            }
            (Some(entry), None) => {
                self.folders.insert(folder.into(), Names::from([(name.into(), entry)]));
            }
            (None, Some(names)) => drop(names.remove(name)),
            (None, None) => {}
        }
    }

    /// For the shadow of `root`.
    pub fn to_bytes(&self, root: &Path) -> Vec<u8> {
        let mut out = Vec::with_capacity(4096);
        out.extend_from_slice(MAGIC);
        put_bytes(&mut out, root.as_os_str().as_encoded_bytes());
        put_number(&mut out, self.folders.len());
        for (folder, names) in &self.folders {
            put_bytes(&mut out, folder);
            put_number(&mut out, names.len());
            for (name, entry) in names {
                put_bytes(&mut out, name);
                put_source(&mut out, &entry.source);
                out.push(entry.held.map_or(0, |held| 1 + u8::from(held.racy)));
                if let Some(held) = &entry.held {
                    put_stat(&mut out, &held.stat);
                    out.extend_from_slice(held.hash.as_bytes());
                }
            }
        }
        let checksum = ContentHash::of(&out);
        out.extend_from_slice(checksum.as_bytes());
        out
    }

    /// What [`Manifest::to_bytes`] wrote for the same root, whole.
    pub fn of_bytes(bytes: &[u8], root: &Path) -> Option<Manifest> {
        let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        if ContentHash::of(body).as_bytes() != checksum {
            return None;
        }
        let mut reader = Reader { rest: body.strip_prefix(MAGIC)? };
        if reader.bytes()? != root.as_os_str().as_encoded_bytes() {
            return None;
        }
        let mut manifest = Manifest::default();
        for _ in 0..reader.number()? {
            let folder = reader.bytes()?.into();
            let mut names = Names::new();
            for _ in 0..reader.number()? {
                let name = reader.bytes()?.into();
                let source = reader.source()?;
                let held = match reader.byte()? {
                    0 => None,
                    held => Some(Held { stat: reader.stat()?, hash: reader.hash()?, racy: held > 1 }),
                };
                names.insert(name, Entry { source, held });
            }
            manifest.folders.insert(folder, names);
        }
        reader.rest.is_empty().then_some(manifest)
    }
}

fn put_number(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(&u64::try_from(number).unwrap_or(u64::MAX).to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_stat(out: &mut Vec<u8>, stat: &Stat) {
    out.extend_from_slice(&stat.size.to_le_bytes());
    out.extend_from_slice(&stat.modified.to_le_bytes());
    out.extend_from_slice(&stat.changed.to_le_bytes());
    out.extend_from_slice(&stat.inode.to_le_bytes());
    out.extend_from_slice(&stat.mode.to_le_bytes());
}

fn put_source(out: &mut Vec<u8>, source: &Source) {
    match source {
        Source::Unknown => out.push(0),
        Source::Command => out.push(1),
        Source::Disk { stat, hash, racy } => {
            out.extend_from_slice(&[2, u8::from(*racy)]);
            put_stat(out, stat);
            out.extend_from_slice(hash.as_bytes());
        }
        Source::Link { hash } => {
            out.push(3);
            out.extend_from_slice(hash.as_bytes());
        }
        Source::Text { hash, encoding, executable } => {
            out.extend_from_slice(&[4, u8::from(*encoding == FileEncoding::Utf8Bom), u8::from(*executable)]);
            out.extend_from_slice(hash.as_bytes());
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn unsigned(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn signed(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn number(&mut self) -> Option<usize> {
        usize::try_from(self.unsigned()?).ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let count = self.number()?;
        self.take(count)
    }

    fn hash(&mut self) -> Option<ContentHash> {
        self.array().map(ContentHash::of_bytes)
    }

    fn stat(&mut self) -> Option<Stat> {
        Some(Stat {
            size: self.unsigned()?,
            modified: self.signed()?,
            changed: self.signed()?,
            inode: self.unsigned()?,
            mode: self.array().map(u32::from_le_bytes)?,
        })
    }

    fn source(&mut self) -> Option<Source> {
        match self.byte()? {
            0 => Some(Source::Unknown),
            1 => Some(Source::Command),
            2 => {
                let racy = self.byte()? != 0;
                Some(Source::Disk { stat: self.stat()?, hash: self.hash()?, racy })
            }
            3 => Some(Source::Link { hash: self.hash()? }),
            4 => {
                let encoding = if self.byte()? == 0 { FileEncoding::Utf8 } else { FileEncoding::Utf8Bom };
                let executable = self.byte()? != 0;
                Some(Source::Text { hash: self.hash()?, encoding, executable })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_whole_or_not_at_all() {
        let (hash, root) = (ContentHash::of(b"x"), Path::new("/a"));
        let stat = Stat { size: 1, modified: -2, changed: 3, inode: u64::MAX, mode: 0o100644 };
        let mut manifest = Manifest::default();
        for (name, source) in [
            ("unknown", Source::Unknown),
            ("command", Source::Command),
            ("disk", Source::Disk { stat, hash, racy: true }),
            ("link", Source::Link { hash }),
            ("text", Source::Text { hash, encoding: FileEncoding::Utf8Bom, executable: true }),
        ] {
            manifest.set(
                b"folder",
                name.as_bytes(),
                Some(Entry { source, held: Some(Held { stat, hash, racy: true }) }),
            );
            manifest.set(b"", b"a\nb\xff", Some(Entry { source, held: None }));
        }
        let bytes = manifest.to_bytes(root);
        assert_eq!(Manifest::of_bytes(&bytes, root), Some(manifest));
        assert_eq!(Manifest::of_bytes(&bytes, Path::new("/b")), None);
        for at in 0..bytes.len() {
            assert_eq!(Manifest::of_bytes(&bytes[..at], root), None, "cut at {at}");
            let mut torn = bytes.clone();
            torn[at] ^= 0x40;
            assert_eq!(Manifest::of_bytes(&torn, root), None, "another byte at {at}");
        }
    }
}
