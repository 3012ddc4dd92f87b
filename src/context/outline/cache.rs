//! What an index knows about a root, kept between runs in a folder of Claw's own.
//!
//! One file a root: a head that can be read at once, the packed definitions, which are read when they are shown, and the uses.
//! Rows are found by path as long as the file looks the same, and by content otherwise: after a change of branches, or a copy,
//! nothing is parsed again. It is only a cache: a file that is torn, of another version or of another root is as good as none,
//! and nothing depends on one being written.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::FileSymbols;
use crate::syntax::Language;
use crate::text::{ContentHash, Text};
use crate::workspace::disk::Entry;

/// Changes with the format, the grammars and the queries.
const VERSION: &str = concat!("claw-outline 3 ", env!("CARGO_PKG_VERSION"));
/// Largest cache that is read.
const MOST_BYTES: u64 = 64 << 20;

/// Tells a file that has changed from one that has not, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// Nanoseconds since 1970.
    pub modified: u128,
    /// Nanoseconds since 1970 of the last change of anything about the file, where the system tells.
    pub changed: i128,
    pub len: u64,
}

/// What identifies the content of a file, and how it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Content(pub u128);

/// A file below the root: its path, what it looked like when it was parsed, and what it defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// `None` for a content that no file has any more.
    pub rel: Option<Arc<str>>,
    pub fingerprint: Fingerprint,
    pub content: Content,
    pub symbols: FileSymbols,
}

impl Content {
    /// A shorter number, that tells the files of a workspace from each other.
    fn print(self) -> u64 {
        u64::try_from(self.0 & u128::from(u64::MAX)).unwrap_or_default()
    }

    pub fn of(text: &Text, language: Option<Language>) -> Content {
        let name = language.map_or("", Language::name);
        let hash = ContentHash::of(format!("{name} {}", text.hash().to_hex()).as_bytes()).to_hex();
        Content(hash.get(..32).and_then(|hash| u128::from_str_radix(hash, 16).ok()).unwrap_or_default())
    }
}

impl Fingerprint {
    /// Of nothing that is there.
    pub const NONE: Fingerprint = Fingerprint { modified: 0, changed: 0, len: 0 };

    /// `None` where the system does not tell when it was written.
    pub fn of(entry: &Entry) -> Option<Fingerprint> {
        let modified = entry.modified()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        Some(Fingerprint { modified, changed: entry.changed(), len: entry.size() })
    }
}

/// What is kept about `root`; nothing if there is no usable file.
pub(super) fn load(folder: &Path, root: &Path) -> Vec<Row> {
    read(&file(folder, root), root).unwrap_or_default()
}

/// Keeps `rows` for the next run. The file is replaced at once or not at all.
pub(super) fn save(folder: &Path, root: &Path, rows: impl Iterator<Item = Row>) -> std::io::Result<()> {
    let (mut head, mut body, mut uses) = (String::new(), String::new(), Vec::new());
    let mut count = 0;
    for Row { rel, fingerprint, content, symbols } in rows {
        let rel = rel.as_deref().unwrap_or_default();
        if rel.contains(['\n', '\t']) {
            continue;
        }
        let start = body.len();
        body.push_str(symbols.packed());
        let Fingerprint { modified, changed, len } = fingerprint;
        let (end, first) = (body.len(), count);
        count += symbols.packed_uses().len();
        uses.extend(symbols.packed_uses().iter().flat_map(|packed| packed.to_le_bytes()));
        let content = content.0;
        // Writing to a string does not fail.
        let _ = writeln!(head, "{modified}\t{changed}\t{len}\t{content:x}\t{start}\t{end}\t{first}\t{count}\t{rel}");
    }
    let lengths = format!("{}\n{} {} {}\n", root.display(), head.len(), body.len(), uses.len());
    let content = [lengths.as_bytes(), head.as_bytes(), body.as_bytes(), &uses].concat();
    let hash = ContentHash::of(&content).to_hex();
    create_private(folder)?;
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(format!("{VERSION}\n{hash}\n").as_bytes())?;
    temporary.write_all(&content)?;
    temporary.persist(file(folder, root))?;
    Ok(())
}

fn file(folder: &Path, root: &Path) -> PathBuf {
    let name = ContentHash::of(root.as_os_str().as_encoded_bytes()).to_hex();
    folder.join(format!("{}.outline", name.get(..32).unwrap_or(&name)))
}

fn create_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn read(path: &Path, root: &Path) -> Option<Vec<Row>> {
    if fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?.len() > MOST_BYTES {
        return None;
    }
    let whole = fs::read(path).ok()?;
    let rest = whole.strip_prefix(VERSION.as_bytes())?.strip_prefix(b"\n")?;
    let (hash, content) = line(rest)?;
    if ContentHash::of(content).to_hex() != hash {
        return None;
    }
    let rest = content.strip_prefix(root.display().to_string().as_bytes())?.strip_prefix(b"\n")?;
    let (lengths, rest) = line(rest)?;
    let mut lengths = lengths.split(' ').map(str::parse::<usize>);
    let mut part = |rest: &[u8]| lengths.next()?.ok().filter(|len| *len <= rest.len());
    let (head, rest) = rest.split_at(part(rest)?);
    let (body, rest) = rest.split_at(part(rest)?);
    let (uses, _) = rest.split_at(part(rest)?);
    let body: Arc<str> = std::str::from_utf8(body).ok()?.into();
    let (uses, _) = uses.as_chunks::<8>();
    let uses: Arc<[u64]> = uses.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
    std::str::from_utf8(head).ok()?.lines().map(|line| row(line, &body, &uses)).collect()
}

fn row(line: &str, body: &Arc<str>, uses: &Arc<[u64]>) -> Option<Row> {
    let mut fields = line.splitn(9, '\t');
    let fingerprint = Fingerprint {
        modified: fields.next()?.parse().ok()?,
        changed: fields.next()?.parse().ok()?,
        len: fields.next()?.parse().ok()?,
    };
    let content = Content(u128::from_str_radix(fields.next()?, 16).ok()?);
    let mut number = || fields.next()?.parse::<usize>().ok();
    let (range, uses_range) = (number()?..number()?, number()?..number()?);
    let rel = Some(fields.next()?).filter(|rel| !rel.is_empty()).map(Arc::from);
    Some(Row {
        rel,
        fingerprint,
        content,
        symbols: FileSymbols::unpacked(body, range, uses, uses_range, content.print())?,
    })
}

/// The first line, and what comes after it.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let at = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(bytes.get(..at)?).ok()?, bytes.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(rel: &str, source: &str) -> Row {
        let fingerprint = Fingerprint { modified: 1, changed: -2, len: source.len() as u64 };
        let symbols = FileSymbols::of(&source.into(), Some(Language::Rust));
        let content = Content::of(&source.into(), Some(Language::Rust));
        Row { rel: Some(rel.into()), fingerprint, content, symbols }
    }

    fn save_rows(folder: &Path, root: &Path, rows: &[Row]) {
        save(folder, root, rows.iter().cloned()).unwrap();
    }

    #[test]
    fn what_is_kept_is_what_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new("/somewhere/project");
        for rows in [
            vec![],
            vec![row("a.rs", "fn a() { b1(c1) }")],
            vec![row("a.rs", "x"), row("b/é.rs", "struct B; fn c() { d1() }")],
        ] {
            save_rows(folder.path(), root, &rows);
            assert_eq!(load(folder.path(), root), rows);
            let homeless: Vec<Row> = rows.iter().map(|row| Row { rel: None, ..row.clone() }).collect();
            save_rows(folder.path(), root, &homeless);
            assert_eq!(load(folder.path(), root), homeless);
        }
        assert_eq!(load(folder.path(), Path::new("/somewhere/else")), []);
        assert_eq!(load(&folder.path().join("missing"), root), []);
    }

    #[test]
    fn a_damaged_cache_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new("/r");
        save_rows(folder.path(), root, &[row("a.rs", "fn a() {}"), row("b.rs", "fn b() {}")]);
        let path = file(folder.path(), root);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(load(folder.path(), root), [], "cut at {at}");
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            fs::write(&path, &flipped).unwrap();
            assert_eq!(load(folder.path(), root), [], "flipped at {at}");
        }
    }
}
