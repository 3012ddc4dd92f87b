//! Bounded reads.

use std::io::{self, Read};

use cap_std::fs::{Dir, File, FileType, Metadata, OpenOptions};

use crate::workspace::ReadError;

/// The start of a file, or all of it.
pub(in crate::workspace) struct Bytes {
    pub bytes: Vec<u8>,
    /// The size the file says it has. Files of the kernel say 0 and hold more.
    pub size: u64,
    /// There is more than `bytes`.
    pub cut: bool,
}

/// Reads at most `limit` bytes of `rel`, from its start. `name` is what messages call it.
pub(in crate::workspace) fn read_bytes(dir: &Dir, rel: &str, name: &str, limit: usize) -> Result<Bytes, ReadError> {
    let (file, size) = open(dir, rel, name)?;
    take(file, size, limit).map_err(|error| read_error(&error, name))
}

/// Reads all of `rel`; refuses, without reading, what is larger than `limit` bytes.
pub(in crate::workspace) fn read_whole(dir: &Dir, rel: &str, name: &str, limit: usize) -> Result<Vec<u8>, ReadError> {
    let (file, size) = open(dir, rel, name)?;
    let limit_bytes = u64::try_from(limit).unwrap_or(u64::MAX);
    let too_large = |bytes| ReadError::TooLarge { path: name.to_owned(), bytes, limit: limit_bytes };
    if size > limit_bytes {
        return Err(too_large(size));
    }
    let read = take(file, size, limit).map_err(|error| read_error(&error, name))?;
    if read.cut { Err(too_large(limit_bytes.saturating_add(1))) } else { Ok(read.bytes) }
}

fn open(dir: &Dir, rel: &str, name: &str) -> Result<(File, u64), ReadError> {
    let fail = |error: io::Error| read_error(&error, name);
    // Looked at before it is opened, because opening a device can do something; and again after, because it may be
    // another by then.
    check_kind(&dir.metadata(rel).map_err(fail)?, name)?;
    let mut options = OpenOptions::new();
    options.read(true);
    do_not_wait(&mut options);
    let file = dir.open_with(rel, &options).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    check_kind(&metadata, name)?;
    Ok((file, metadata.len()))
}

fn take(file: File, size: u64, limit: usize) -> io::Result<Bytes> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(limit).min(limit).saturating_add(1));
    file.take(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1)).read_to_end(&mut bytes)?;
    let cut = bytes.len() > limit;
    bytes.truncate(limit);
    Ok(Bytes { bytes, size, cut })
}

/// What tells a file that was written from one that was not, as far as its entry shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    size: u64,
    modified: Option<std::time::SystemTime>,
    /// Seconds and nanoseconds of the last change of anything, which no program can set back, and which file it is.
    changed: (i64, i64, u64),
    is_file: bool,
}

/// A file that was written so short a time ago can be written again without its entry showing it: clocks of files tick, and those
/// of other machines differ.
const SETTLES: i64 = 2;

impl Entry {
    /// In bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn modified(&self) -> Option<std::time::SystemTime> {
        self.modified
    }

    /// Nanoseconds since 1970 of the last change of anything about it; 0 where the system does not tell.
    pub fn changed(&self) -> i128 {
        i128::from(self.changed.0) * 1_000_000_000 + i128::from(self.changed.1)
    }

    /// Whether a later write will show in it. Not for links: what they lead to is another entry.
    pub fn is_settled(&self) -> bool {
        let now = std::time::UNIX_EPOCH.elapsed().ok().and_then(|now| i64::try_from(now.as_secs()).ok());
        cfg!(unix) && self.is_file && now.is_some_and(|now| now.saturating_sub(self.changed.0) > SETTLES)
    }
}

/// What is asked of many files that come folder by folder: opens each folder once.
pub(in crate::workspace) struct Entries<'a> {
    dir: &'a Dir,
    /// The folder that was asked for last; no handle where there is none.
    folder: Option<(String, Option<Dir>)>,
}

impl<'a> Entries<'a> {
    pub fn new(dir: &'a Dir) -> Entries<'a> {
        Entries { dir, folder: None }
    }

    /// The entry of `rel` if it is a file, and no link to one.
    pub fn file(&mut self, rel: &str) -> Option<Entry> {
        let entry = match rel.rsplit_once('/') {
            None => entry_in(self.dir, rel),
            Some((folder, name)) => {
                if self.folder.as_ref().is_none_or(|(last, _)| last != folder) {
                    self.folder = Some((folder.to_owned(), self.dir.open_dir(folder).ok()));
                }
                entry_in(self.folder.as_ref()?.1.as_ref()?, name)
            }
        };
        entry.filter(|entry| entry.is_file)
    }
}

/// The entry of a name without a folder. One call to the system instead of four, on a handle that holds the folder.
#[cfg(unix)]
fn entry_in(dir: &Dir, name: &str) -> Option<Entry> {
    use std::os::fd::AsFd;
    use std::time::{Duration, UNIX_EPOCH};
    if name.contains('/') || matches!(name, "" | "." | "..") {
        return None;
    }
    let stat = rustix::fs::statat(dir.as_fd(), name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let since = Duration::new(u64::try_from(stat.st_mtime).ok()?, u32::try_from(stat.st_mtime_nsec).ok()?);
    Some(Entry {
        size: u64::try_from(stat.st_size).ok()?,
        modified: UNIX_EPOCH.checked_add(since),
        changed: (stat.st_ctime, i64::try_from(stat.st_ctime_nsec).ok()?, stat.st_ino),
        is_file: rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file(),
    })
}

#[cfg(not(unix))]
fn entry_in(dir: &Dir, name: &str) -> Option<Entry> {
    entry(dir, name)
}

#[cfg(unix)]
fn changed(metadata: &Metadata) -> (i64, i64, u64) {
    use cap_std::fs::MetadataExt as _;
    (metadata.ctime(), metadata.ctime_nsec(), metadata.ino())
}

#[cfg(not(unix))]
fn changed(_metadata: &Metadata) -> (i64, i64, u64) {
    (0, 0, 0)
}

/// The entry of `rel`; `None` where there is none.
pub(in crate::workspace) fn entry(dir: &Dir, rel: &str) -> Option<Entry> {
    let metadata = dir.symlink_metadata(rel).ok()?;
    let modified = metadata.modified().ok().map(cap_std::time::SystemTime::into_std);
    Some(Entry { size: metadata.len(), modified, changed: changed(&metadata), is_file: metadata.is_file() })
}

/// Whether `rel` leads to a file.
pub(in crate::workspace) fn is_file(dir: &Dir, rel: &str) -> bool {
    dir.metadata(rel).is_ok_and(|metadata| metadata.is_file())
}

/// Whether `rel` or a folder on the way to it is a symbolic link: then it has a second name, and is not written to. `rel`
/// need not exist.
pub(in crate::workspace) fn through_link(dir: &Dir, rel: &str) -> bool {
    let ends = rel.match_indices('/').map(|(at, _)| at).chain([rel.len()]);
    for end in ends {
        match dir.symlink_metadata(rel.get(..end).unwrap_or_default()) {
            Ok(metadata) if metadata.is_symlink() => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    false
}

/// An error of the system as one that can be told.
pub(in crate::workspace) fn read_error(error: &io::Error, name: &str) -> ReadError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::NotFound(name.to_owned()),
        io::ErrorKind::IsADirectory => ReadError::Directory(name.to_owned()),
        // cap-std's own refusal has no number from the system behind it.
        io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => ReadError::Outside(name.to_owned()),
        _ if is_escape(error) => ReadError::Outside(name.to_owned()),
        _ => ReadError::Io(name.to_owned(), error.to_string()),
    }
}

/// What `openat2` answers when a link leads out of the folder.
#[cfg(target_os = "linux")]
fn is_escape(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::XDEV.raw_os_error())
}

#[cfg(not(target_os = "linux"))]
fn is_escape(_error: &io::Error) -> bool {
    false
}

/// A pipe without a writer would hold the open for ever.
#[cfg(unix)]
fn do_not_wait(options: &mut OpenOptions) {
    use cap_std::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
}

#[cfg(not(unix))]
fn do_not_wait(_options: &mut OpenOptions) {}

fn check_kind(metadata: &Metadata, name: &str) -> Result<(), ReadError> {
    if metadata.is_file() {
        Ok(())
    } else if metadata.is_dir() {
        Err(ReadError::Directory(name.to_owned()))
    } else {
        Err(ReadError::Special(name.to_owned(), kind(metadata.file_type())))
    }
}

#[cfg(unix)]
fn kind(file_type: FileType) -> &'static str {
    use cap_std::fs::FileTypeExt;
    if file_type.is_fifo() {
        "a pipe, which is not read"
    } else if file_type.is_socket() {
        "a socket, which is not read"
    } else {
        "a device, which is not read"
    }
}

#[cfg(not(unix))]
fn kind(_file_type: FileType) -> &'static str {
    "no regular file"
}
