//! Files that a command writes because it was told to: exports, pages and the demo's project. Never the user's own.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// A new file that its owner alone can read. One that is there already is an error.
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Why a file was not written.
#[derive(Debug)]
pub enum NotWritten {
    /// Nothing can be written there.
    Place(io::Error),
    /// It began and did not end.
    Content(io::Error),
}

/// Writes a file that its owner alone can read, or replaces one: whole, or not at all. Nothing but a file is replaced; above all
/// no link is followed, and no device.
pub fn replace_private(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), NotWritten> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match std::fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => {
            return Err(NotWritten::Place(io::Error::other("something else than a file stands there")));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(NotWritten::Place(error)),
    }
    let file = tempfile::NamedTempFile::new_in(folder).map_err(|error| {
        // Without the name of the file beside it, which nobody asked for.
        NotWritten::Place(error.kind().into())
    })?;
    let mut out = BufWriter::new(file);
    write(&mut out).map_err(NotWritten::Content)?;
    let file = out.into_inner().map_err(|error| NotWritten::Content(error.into_error()))?;
    file.persist(path).map_err(|error| NotWritten::Place(error.error))?;
    Ok(())
}

/// Writes a new file and the folders above it. One that is there already is an error.
pub fn unpack(path: &Path, content: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(content.as_bytes())
}
