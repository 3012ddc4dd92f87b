//! What an index knows about a root, kept between runs in a folder of Claw's own.
//!
//! One file a root: a head that can be read at once, and the packed definitions, which are read when they are shown. It is
//! only a cache: a file that is torn, of another version or of another root is as good as none, and nothing depends on one
//! being written.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::FileSymbols;
use crate::text::ContentHash;

/// Changes with the format, the grammars and the queries.
const VERSION: &str = concat!("claw-outline 1 ", env!("CARGO_PKG_VERSION"));
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

/// A file below the root: its path, what it looked like when it was parsed, and what it defines.
pub(super) type Row = (Arc<str>, Fingerprint, FileSymbols);

impl Fingerprint {
    /// Of a regular file; `None` for anything else.
    pub fn of(path: &Path) -> Option<Fingerprint> {
        let metadata = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        #[cfg(unix)]
        let changed = {
            use std::os::unix::fs::MetadataExt;
            i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec())
        };
        #[cfg(not(unix))]
        let changed = 0;
        Some(Fingerprint { modified, changed, len: metadata.len() })
    }
}

/// What is kept about `root`; nothing if there is no usable file.
pub(super) fn load(folder: &Path, root: &Path) -> Vec<Row> {
    read(&file(folder, root), root).unwrap_or_default()
}

/// Keeps `rows` for the next run. The file is replaced at once or not at all.
pub(super) fn save<'a>(
    folder: &Path,
    root: &Path,
    rows: impl Iterator<Item = (&'a str, Fingerprint, &'a FileSymbols)>,
) -> std::io::Result<()> {
    let (mut head, mut body) = (String::new(), String::new());
    for (rel, fingerprint, symbols) in rows {
        if rel.contains(['\n', '\t']) {
            continue;
        }
        let start = body.len();
        body.push_str(symbols.packed());
        let Fingerprint { modified, changed, len } = fingerprint;
        head.push_str(&format!("{modified}\t{changed}\t{len}\t{start}\t{}\t{rel}\n", body.len()));
    }
    let content = format!("{}\n{head}\n{body}", root.display());
    let hash = ContentHash::of(content.as_bytes()).to_hex();
    create_private(folder)?;
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(format!("{VERSION}\n{hash}\n{content}").as_bytes())?;
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
    let whole = fs::read_to_string(path).ok()?;
    let rest = whole.strip_prefix(VERSION)?.strip_prefix('\n')?;
    let (hash, content) = rest.split_once('\n')?;
    if ContentHash::of(content.as_bytes()).to_hex() != hash {
        return None;
    }
    let rest = content.strip_prefix(&root.display().to_string())?.strip_prefix('\n')?;
    let (head, body) = match rest.strip_prefix('\n') {
        Some(body) => ("", body),
        None => rest.split_once("\n\n")?,
    };
    let body: Arc<str> = body.into();
    head.lines()
        .map(|line| {
            let mut fields = line.splitn(6, '\t');
            let fingerprint = Fingerprint {
                modified: fields.next()?.parse().ok()?,
                changed: fields.next()?.parse().ok()?,
                len: fields.next()?.parse().ok()?,
            };
            let (start, end) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
            Some((fields.next()?.into(), fingerprint, FileSymbols::unpacked(&body, start..end)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Language;

    fn row(rel: &str, source: &str) -> Row {
        let fingerprint = Fingerprint { modified: 1, changed: -2, len: source.len() as u64 };
        (rel.into(), fingerprint, FileSymbols::of(&source.into(), Language::Rust))
    }

    fn save_rows(folder: &Path, root: &Path, rows: &[Row]) {
        save(folder, root, rows.iter().map(|(rel, print, symbols)| (rel.as_ref(), *print, symbols))).unwrap();
    }

    #[test]
    fn what_is_kept_is_what_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new("/somewhere/project");
        for rows in
            [vec![], vec![row("a.rs", "fn a() {}")], vec![row("a.rs", "x"), row("b/é.rs", "struct B; fn c() {}")]]
        {
            save_rows(folder.path(), root, &rows);
            assert_eq!(load(folder.path(), root), rows);
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
