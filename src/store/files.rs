//! Files and folders of the state folder: readable by their owner alone, replaced whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Makes a folder and those above it. Mode 0700 for what is made.
pub(in crate::store) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Mode 0600 for a file that is made, and no following of a link that somebody laid there.
pub(in crate::store) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
        options.mode(0o600).custom_flags(no_follow);
    }
    options
}

/// Replaces the file at `path` by one that holds `bytes`: at once, or not at all.
pub(in crate::store) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_beside(path, bytes)?.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Like [`replace`], and returns when the file is on the disk.
pub(in crate::store) fn replace_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = write_beside(path, bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder_of(path)
}

/// Returns when the names in the folder of `path` are on the disk.
#[cfg(unix)]
pub(in crate::store) fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(folder_of(path)?)?.sync_all()
}

/// Folders can not be synced here: the system keeps names by itself.
#[cfg(not(unix))]
pub(in crate::store) fn sync_folder_of(path: &Path) -> io::Result<()> {
    folder_of(path).map(|_| ())
}

/// Whether `path` names the file that is open.
#[cfg(unix)]
pub(in crate::store) fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(open), Ok(named)) = (file.metadata(), std::fs::symlink_metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

/// A file that is open can not be replaced here.
#[cfg(not(unix))]
pub(in crate::store) fn is_same_file(_file: &File, _path: &Path) -> bool {
    true
}

fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new_in(folder_of(path)?)?;
    file.write_all(bytes)?;
    Ok(file)
}

fn folder_of(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or_else(|| io::Error::other("a state file without a folder"))
}
