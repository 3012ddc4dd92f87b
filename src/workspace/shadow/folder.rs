//! Files by the handle of their folder, one name at a time, and never through a link.
//!
//! Commands can put links and folders in place of each other while this runs. Every name here is a single part, opened without
//! following it, so nothing that they swap leads out of the folder that the first handle stands for.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

/// Longest name beneath a root, in bytes, as on Linux.
pub(super) const MAX_NAME: usize = 4_096;
/// Folders in one another that removing holds open at once.
const MAX_OPEN: usize = 64;
/// How often a folder is made again that something else is put in place of.
const TRIES: usize = 16;

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    /// A pipe, a socket, a device.
    Special(&'static str),
}

/// What tells a file that was written from one that was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stat {
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified: i64,
    pub changed: i64,
    pub inode: u64,
    pub mode: u32,
}

#[derive(Debug)]
pub(super) struct Listed {
    pub name: Box<[u8]>,
    /// `None` where the file system does not say.
    kind: Option<Kind>,
}

impl Stat {
    pub fn kind(&self) -> Kind {
        kind(FileType::from_raw_mode(self.mode as _)).unwrap_or(Kind::Special("no file"))
    }

    pub fn is_executable(&self) -> bool {
        self.mode & 0o100 != 0
    }

    /// Whether it may have been written once more without showing it: clocks of file systems tick slowly.
    pub fn is_fresh_at(&self, now: i64) -> bool {
        const TICK: i64 = 20_000_000;
        const COARSE: i64 = 2_100_000_000;
        let coarse = self.changed % 1_000_000_000 == 0 && self.modified % 1_000_000_000 == 0;
        self.changed.saturating_add(if coarse { COARSE } else { TICK }) > now
    }

    // The types of what the system tells are not the same everywhere.
    #[allow(clippy::unnecessary_cast)]
    fn of(stat: &rustix::fs::Stat) -> Stat {
        let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Stat {
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            modified: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            inode: stat.st_ino as u64,
            mode: stat.st_mode as u32,
        }
    }
}

impl Listed {
    pub fn kind(&self, folder: impl AsFd) -> Option<Kind> {
        self.kind.or_else(|| stat(folder, &self.name).ok().flatten().map(|stat| stat.kind()))
    }
}

/// Now, as file systems tell it.
pub(super) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// The folder at `rel` below `root`.
pub(super) fn open(root: impl AsFd, rel: &[u8]) -> io::Result<OwnedFd> {
    let mut folder = open_one(root, b".")?;
    for part in parts(rel) {
        folder = open_one(&folder, part)?;
    }
    Ok(folder)
}

/// The same in a shadow, where a command may have made it unreadable.
pub(super) fn open_ours(root: impl AsFd, rel: &[u8]) -> io::Result<OwnedFd> {
    let mut folder = open_one(root, b".")?;
    for part in parts(rel) {
        folder = open_one_ours(&folder, part)?;
    }
    Ok(folder)
}

/// The same, made where it is not there, and writable. What stands in its way goes.
pub(super) fn make(root: impl AsFd, rel: &[u8]) -> io::Result<OwnedFd> {
    let mut folder = open_one(root, b".")?;
    for part in parts(rel) {
        folder = make_one(&folder, part)?;
    }
    if Stat::of(&rustix::fs::fstat(&folder)?).mode & 0o300 != 0o300 {
        rustix::fs::fchmod(&folder, Mode::from_raw_mode(0o755))?;
    }
    Ok(folder)
}

pub(super) fn list(folder: impl AsFd) -> io::Result<Vec<Listed>> {
    let mut found = Vec::new();
    for entry in rustix::fs::Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            found.push(Listed { name: name.into(), kind: kind(entry.file_type()) });
        }
    }
    Ok(found)
}

/// `None` where there is nothing.
pub(super) fn stat(folder: impl AsFd, name: &[u8]) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(Stat::of(&stat))),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Opens a regular file. `None` where there is none.
pub(super) fn open_file(folder: impl AsFd, name: &[u8]) -> io::Result<Option<(File, Stat)>> {
    // A pipe without a writer would hold the open for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(folder, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let stat = Stat::of(&rustix::fs::fstat(&file)?);
    Ok((stat.kind() == Kind::File).then_some((file, stat)))
}

/// Reads a regular file of at most `limit` bytes into `bytes`; its state when all was read. `None` where there is none such.
pub(super) fn read(folder: impl AsFd, name: &[u8], limit: u64, bytes: &mut Vec<u8>) -> io::Result<Option<Stat>> {
    bytes.clear();
    let Some((file, before)) = open_file(folder, name)? else { return Ok(None) };
    if before.size > limit {
        return Ok(None);
    }
    bytes.reserve(usize::try_from(before.size).unwrap_or_default().saturating_add(1));
    (&file).take(limit.saturating_add(1)).read_to_end(bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Ok(None);
    }
    // One that grew meanwhile is told by its time; one that can not be told is looked at again.
    Ok(Some(before))
}

pub(super) fn target(folder: impl AsFd, name: &[u8]) -> io::Result<Vec<u8>> {
    Ok(rustix::fs::readlinkat(folder, name, Vec::new())?.into_bytes())
}

/// Puts a file under `name`, in place of whatever stands there. `new` says that nothing should.
pub(super) fn write(folder: impl AsFd, name: &[u8], bytes: &[u8], executable: bool, new: bool) -> io::Result<Stat> {
    let folder = folder.as_fd();
    if new {
        match write_new(folder, name, bytes, executable) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => return other,
        }
    }
    let temporary = temporary_name();
    let written = write_new(folder, &temporary, bytes, executable)?;
    let put = || -> io::Result<Stat> {
        set_apart(folder, name, &temporary, written)?;
        match rustix::fs::renameat(folder, temporary.as_slice(), folder, name) {
            Err(Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST) => {
                remove(folder, name)?;
                rustix::fs::renameat(folder, temporary.as_slice(), folder, name)?;
            }
            other => other?,
        }
        // The time of its last change is that of the renaming.
        stat(folder, name)?.ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    put().inspect_err(|_| discard(folder, &temporary))
}

/// Python knows a module that it compiled by its size and the second of its last change. A file of the same size that follows another
/// within a second gets the next one.
fn set_apart(folder: impl AsFd, name: &[u8], successor: &[u8], written: Stat) -> io::Result<()> {
    const SECOND: i64 = 1_000_000_000;
    let Some(before) = stat(&folder, name)?.filter(|before| before.size == written.size) else { return Ok(()) };
    let second = before.modified.div_euclid(SECOND);
    if second < written.modified.div_euclid(SECOND) {
        return Ok(());
    }
    let omit = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };
    let next = Timespec { tv_sec: second + 1, tv_nsec: 0 };
    let times = Timestamps { last_access: omit, last_modification: next };
    rustix::fs::utimensat(&folder, successor, &times, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}

/// Puts a symbolic link under `name`, in place of whatever stands there.
pub(super) fn link(folder: impl AsFd, name: &[u8], target: &[u8]) -> io::Result<Stat> {
    let folder = folder.as_fd();
    match rustix::fs::symlinkat(target, folder, name) {
        Err(Errno::EXIST) => {
            remove(folder, name)?;
            rustix::fs::symlinkat(target, folder, name)?;
        }
        other => other?,
    }
    stat(folder, name)?.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Removes what stands under `name`, a folder with all that is in it. Nothing there is fine.
pub(super) fn remove(folder: impl AsFd, name: &[u8]) -> io::Result<()> {
    let folder = folder.as_fd();
    let mut waiting = vec![name.to_vec()];
    while let Some(name) = waiting.pop() {
        if unlink(folder, &name)? {
            remove_folder(folder, folder, &name, 0, &mut waiting)?;
        }
    }
    Ok(())
}

/// Removes the place where a repository was mounted: an empty folder, or an empty file.
pub(super) fn remove_mount_point(folder: impl AsFd) {
    let name = b".git";
    match stat(&folder, name) {
        Ok(Some(found)) if found.kind() == Kind::Folder => remove_empty(folder, name),
        Ok(Some(found)) if found.kind() == Kind::File && found.size == 0 => discard(folder, name),
        Ok(Some(_) | None) | Err(_) => {}
    }
}

/// Removes a folder if it is empty.
pub(super) fn remove_empty(folder: impl AsFd, name: &[u8]) {
    // The outputs of builds keep it.
    let _ = rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR);
}

/// Takes away what lets a program run as another user; its state after.
pub(super) fn clear_set_id(file: &File, stat: Stat) -> io::Result<Stat> {
    if stat.mode & 0o6000 == 0 {
        return Ok(stat);
    }
    if let Err(error) = rustix::fs::fchmod(file, Mode::from_raw_mode((stat.mode & 0o777) as _)) {
        tracing::debug!(%error, "a file in the shadow keeps its mode");
    }
    Ok(Stat::of(&rustix::fs::fstat(file)?))
}

pub(super) fn os(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name)
}

/// `folder` and `name` as one path below a root.
pub(super) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(folder.len().saturating_add(name.len()).saturating_add(1));
    joined.extend_from_slice(folder);
    if !folder.is_empty() {
        joined.push(b'/');
    }
    joined.extend_from_slice(name);
    joined
}

/// A path below a root as its folder and its name.
pub(super) fn split(rel: &[u8]) -> (&[u8], &[u8]) {
    match rel.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (rel.get(..at).unwrap_or_default(), rel.get(at.saturating_add(1)..).unwrap_or_default()),
        None => (&[], rel),
    }
}

fn parts(rel: &[u8]) -> impl Iterator<Item = &[u8]> {
    rel.split(|byte| *byte == b'/').filter(|part| !part.is_empty())
}

fn open_one(folder: impl AsFd, part: &[u8]) -> io::Result<OwnedFd> {
    if part == b".." {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(folder, part, flags, Mode::empty())?)
}

fn open_one_ours(folder: impl AsFd, part: &[u8]) -> io::Result<OwnedFd> {
    match open_one(&folder, part) {
        Err(error) if is(&error, Errno::ACCESS) => {
            unlock(&folder, part)?;
            open_one(&folder, part)
        }
        other => other,
    }
}

/// Makes a folder accessible to its owner, whatever a command did to it. A link that stands there instead is not followed.
#[cfg(target_os = "linux")]
fn unlock(folder: impl AsFd, part: &[u8]) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = rustix::fs::openat(folder, part, flags, Mode::empty())?;
    // The only way to change the mode of exactly what a handle without rights stands for.
    Ok(rustix::fs::chmod(format!("/proc/self/fd/{}", handle.as_raw_fd()), Mode::from_raw_mode(0o755))?)
}

#[cfg(not(target_os = "linux"))]
fn unlock(folder: impl AsFd, part: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::chmodat(folder, part, Mode::from_raw_mode(0o755), AtFlags::SYMLINK_NOFOLLOW)?)
}

fn is(error: &io::Error, number: Errno) -> bool {
    error.raw_os_error() == Some(number.raw_os_error())
}

fn make_one(folder: &OwnedFd, part: &[u8]) -> io::Result<OwnedFd> {
    let mut last = None;
    for _ in 0..TRIES {
        match open_one_ours(folder, part) {
            Ok(opened) => return Ok(opened),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match rustix::fs::mkdirat(folder, part, Mode::from_raw_mode(0o755)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                last = Some(error);
            }
            Err(error) if is_no_folder(&error) => {
                remove(folder, part)?;
                last = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::NotADirectory.into()))
}

fn is_no_folder(error: &io::Error) -> bool {
    is(error, Errno::NOTDIR) || is(error, Errno::LOOP)
}

fn write_new(folder: impl AsFd, name: &[u8], bytes: &[u8], executable: bool) -> io::Result<Stat> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = if executable { 0o755 } else { 0o644 };
    let folder = folder.as_fd();
    let file = rustix::fs::openat(folder, name, flags, Mode::from_raw_mode(mode))?;
    let mut file = File::from(file);
    file.write_all(bytes).inspect_err(|_| discard(folder, name))?;
    Ok(Stat::of(&rustix::fs::fstat(&file)?))
}

/// A file that is not finished; one that stays is found by the next look.
fn discard(folder: impl AsFd, name: &[u8]) {
    let _ = rustix::fs::unlinkat(folder, name, AtFlags::empty());
}

/// Whether a folder stands there, which then is still there.
fn unlink(folder: impl AsFd, name: &[u8]) -> io::Result<bool> {
    match rustix::fs::unlinkat(&folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(false),
        // Linux says the first, others the second.
        Err(Errno::ISDIR | Errno::PERM) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Folders deeper than handles last are moved up to `top` and wait there: a command can make them deeper than any stack.
fn remove_folder(
    top: rustix::fd::BorrowedFd<'_>,
    above: impl AsFd,
    name: &[u8],
    depth: usize,
    waiting: &mut Vec<Vec<u8>>,
) -> io::Result<()> {
    let above = above.as_fd();
    let folder = open_one_ours(above, name)?;
    for entry in list(&folder)? {
        let is_folder = match unlink(&folder, &entry.name) {
            Err(error) if is(&error, Errno::ACCESS) => {
                rustix::fs::fchmod(&folder, Mode::from_raw_mode(0o700))?;
                unlink(&folder, &entry.name)?
            }
            other => other?,
        };
        if !is_folder {
            continue;
        }
        if depth < MAX_OPEN {
            remove_folder(top, &folder, &entry.name, depth.saturating_add(1), waiting)?;
        } else {
            let moved = temporary_name();
            rustix::fs::renameat(&folder, &*entry.name, top, moved.as_slice())?;
            waiting.push(moved);
        }
    }
    Ok(rustix::fs::unlinkat(above, name, AtFlags::REMOVEDIR)?)
}

fn temporary_name() -> Vec<u8> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!(".claw-{}-{number}.tmp", std::process::id()).into_bytes()
}

fn kind(file_type: FileType) -> Option<Kind> {
    match file_type {
        FileType::RegularFile => Some(Kind::File),
        FileType::Directory => Some(Kind::Folder),
        FileType::Symlink => Some(Kind::Link),
        FileType::Fifo => Some(Kind::Special("a pipe")),
        FileType::Socket => Some(Kind::Special("a socket")),
        FileType::CharacterDevice | FileType::BlockDevice => Some(Kind::Special("a device")),
        FileType::Unknown => None,
    }
}
