//! Whether a folder may be the state folder: it holds what the user said and what their files say, so it has to be theirs.

use std::io;
use std::path::Path;

/// Refuses a folder that others could read from or plant files in: one behind a link, of another user, or that others can
/// write. One that is not there yet is fine. The error's text is for the user.
pub(in crate::store) fn check(path: &Path) -> io::Result<()> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let refused = |reason: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    if metadata.is_symlink() {
        let target = std::fs::read_link(path).unwrap_or_default();
        return refused(format!("it is a symbolic link, to {}", target.display()));
    }
    if !metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, "it is no folder"));
    }
    match of_others(&metadata) {
        Some(reason) => refused(reason),
        None => Ok(()),
    }
}

/// Whether something can be written in the folder. Asks the system, which also knows of a disk that is read-only.
pub(in crate::store) fn check_writable(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).map_err(io::Error::from)?;
    #[cfg(not(unix))]
    std::fs::metadata(path)?;
    Ok(())
}

#[cfg(unix)]
fn of_others(metadata: &std::fs::Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Some(format!("it belongs to another user (uid {})", metadata.uid()));
    }
    (metadata.mode() & 0o022 != 0).then(|| "other users can write in it (`chmod 700` mends that)".to_owned())
}

#[cfg(not(unix))]
fn of_others(_metadata: &std::fs::Metadata) -> Option<String> {
    None
}
