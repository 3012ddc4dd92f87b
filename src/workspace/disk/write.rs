//! The only writer of the user's files.
//!
//! Every function takes the stamp that the decision to write was made on, and looks again right before it writes: what
//! changed since is [`WriteError::Stale`], and nothing is written. A file is replaced by renaming a finished one over it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::{Dir, Metadata, OpenOptions, Permissions};

use super::read::read_whole;
use crate::text::decode::{decode, encode};
use crate::text::{ContentHash, FileEncoding, Text};
use crate::workspace::view::WHOLE_LIMIT;
use crate::workspace::{DocPath, ReadError, Roots, Stamp};

/// Why a file was not written. It is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("`{0}` changed on disk meanwhile: it was not written")]
    Stale(String),
    #[error("`{0}` exists already: it was not written")]
    Exists(String),
    #[error("`{0}` is reached through a symbolic link: change the file that the link leads to")]
    Link(String),
    #[error("`{0}` has several names (hard links), and replacing it would part them: change it by hand")]
    HardLinked(String),
    #[error("`{0}` is write-protected: make it writable first")]
    WriteProtected(String),
    #[error("`{0}` is {1}: writing would change bytes that nobody edited")]
    NotText(String, &'static str),
    #[error("`{0}` is no file of the workspace")]
    NoFile(String),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("`{0}` can not be written: {1}")]
    Io(String, String),
}

/// Replaces the file at `path`, which must hold what `seen` says, by `text` in the same encoding and mode.
pub fn replace(roots: &Roots, path: &DocPath, seen: Stamp, text: &Text) -> Result<(), WriteError> {
    let place = Place::of(roots, path)?;
    let current = place.existing(seen)?;
    let bytes = place.encode(text, current.encoding)?;
    let temporary = place.write_temporary(&bytes, Some(current.metadata.permissions()))?;
    place.existing(seen).inspect_err(|_| temporary.discard())?;
    temporary.rename_over(&place)
}

/// Makes a file where there is none, and the folders it needs.
pub fn create(roots: &Roots, path: &DocPath, text: &Text) -> Result<(), WriteError> {
    let place = Place::make(roots, path)?;
    place.absent()?;
    let bytes = place.encode(text, FileEncoding::Utf8)?;
    place.write_temporary(&bytes, None)?.link_new(&place)
}

/// Removes the file at `path`, which must hold what `seen` says.
pub fn delete(roots: &Roots, path: &DocPath, seen: Stamp) -> Result<(), WriteError> {
    let place = Place::of(roots, path)?;
    place.existing(seen)?;
    place.dir.remove_file(&place.file).map_err(|error| place.io(&error))
}

/// Moves the file at `from`, which must hold what `seen` says, to `to`, where there must be none, with `text` in it.
pub fn rename(roots: &Roots, from: &DocPath, seen: Stamp, to: &DocPath, text: &Text) -> Result<(), WriteError> {
    let source = Place::of(roots, from)?;
    let current = source.existing(seen)?;
    let bytes = source.encode(text, current.encoding)?;
    let target = Place::make(roots, to)?;
    target.absent()?;
    target.write_temporary(&bytes, Some(current.metadata.permissions()))?.link_new(&target)?;
    let removed =
        source.existing(seen).and_then(|_| source.dir.remove_file(&source.file).map_err(|error| source.io(&error)));
    // Half a move would leave the file twice: the new one is ours and goes again.
    removed.inspect_err(|_| drop(target.dir.remove_file(&target.file)))
}

/// A file's folder, opened, and its name in it.
struct Place {
    dir: Dir,
    file: String,
    shown: String,
}

struct Existing {
    metadata: Metadata,
    encoding: FileEncoding,
}

impl Place {
    fn of(roots: &Roots, path: &DocPath) -> Result<Place, WriteError> {
        Place::open(roots, path, false)
    }

    fn make(roots: &Roots, path: &DocPath) -> Result<Place, WriteError> {
        Place::open(roots, path, true)
    }

    /// Goes down folder by folder, so that a link on the way is seen and refused.
    fn open(roots: &Roots, path: &DocPath, make: bool) -> Result<Place, WriteError> {
        let shown = roots.display(path);
        let no_file = || WriteError::NoFile(shown.clone());
        let DocPath::File { root, rel } = path else { return Err(no_file()) };
        let root = roots.get(*root).ok_or_else(no_file)?;
        let io_error = |error: &io::Error| WriteError::Io(shown.clone(), error.to_string());
        let mut dir = root.dir.try_clone().map_err(|error| io_error(&error))?;
        let mut parts: Vec<&str> = rel.split('/').collect();
        let file = parts.pop().filter(|file| !file.is_empty()).ok_or_else(no_file)?.to_owned();
        for part in parts {
            match dir.symlink_metadata(part) {
                Ok(metadata) if metadata.is_symlink() => return Err(WriteError::Link(shown)),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound && make => match dir.create_dir(part) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(io_error(&error)),
                    Ok(()) | Err(_) => {}
                },
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(WriteError::Stale(shown)),
                Err(error) => return Err(io_error(&error)),
            }
            dir = dir.open_dir(part).map_err(|error| io_error(&error))?;
        }
        Ok(Place { dir, file, shown })
    }

    /// Checks that the file may be replaced and is what `seen` says.
    fn existing(&self, seen: Stamp) -> Result<Existing, WriteError> {
        let stale = || WriteError::Stale(self.shown.clone());
        let metadata = match self.dir.symlink_metadata(&self.file) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(stale()),
            Err(error) => return Err(self.io(&error)),
        };
        if metadata.is_symlink() {
            return Err(WriteError::Link(self.shown.clone()));
        }
        if metadata.permissions().readonly() {
            return Err(WriteError::WriteProtected(self.shown.clone()));
        }
        if hard_links(&metadata) > 1 {
            return Err(WriteError::HardLinked(self.shown.clone()));
        }
        let bytes = read_whole(&self.dir, &self.file, &self.shown, WHOLE_LIMIT)?;
        let decoded = decode(&bytes);
        let same = match seen {
            Stamp::Disk { hash } => ContentHash::of(&bytes) == hash,
            // Accepted over an open document: what counts is that the disk holds the same text.
            Stamp::Buffer { hash, .. } => decoded.text.hash() == hash,
            Stamp::Absent => false,
        };
        if !same {
            return Err(stale());
        }
        Ok(Existing { metadata, encoding: decoded.encoding })
    }

    fn absent(&self) -> Result<(), WriteError> {
        match self.dir.symlink_metadata(&self.file) {
            Ok(_) => Err(WriteError::Exists(self.shown.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.io(&error)),
        }
    }

    fn encode(&self, text: &Text, encoding: FileEncoding) -> Result<Vec<u8>, WriteError> {
        encode(text, encoding).ok_or_else(|| WriteError::NotText(self.shown.clone(), encoding.label()))
    }

    fn write_temporary(&self, bytes: &[u8], mode: Option<Permissions>) -> Result<Temporary<'_>, WriteError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!(".claw-{}-{number}.tmp", std::process::id());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let mut file = self.dir.open_with(&name, &options).map_err(|error| self.io(&error))?;
        let temporary = Temporary { dir: &self.dir, name };
        let written = file.write_all(bytes).and_then(|()| match mode {
            Some(mode) => file.set_permissions(mode),
            None => Ok(()),
        });
        written.and_then(|()| file.sync_all()).map_err(|error| self.io(&error)).inspect_err(|_| temporary.discard())?;
        Ok(temporary)
    }

    fn io(&self, error: &io::Error) -> WriteError {
        WriteError::Io(self.shown.clone(), error.to_string())
    }
}

/// A finished file under a name of ours, in the folder where it is to be.
struct Temporary<'a> {
    dir: &'a Dir,
    name: String,
}

impl Temporary<'_> {
    fn discard(&self) {
        if let Err(error) = self.dir.remove_file(&self.name) {
            tracing::warn!(%error, name = self.name, "a temporary file stays behind");
        }
    }

    fn rename_over(self, place: &Place) -> Result<(), WriteError> {
        self.dir
            .rename(&self.name, &place.dir, &place.file)
            .map_err(|error| place.io(&error))
            .inspect_err(|_| self.discard())
    }

    /// Gives the file its name only if nothing has that name: a hard link fails where a rename would replace.
    fn link_new(self, place: &Place) -> Result<(), WriteError> {
        match self.dir.hard_link(&self.name, &place.dir, &place.file) {
            Ok(()) => {
                self.discard();
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.discard();
                Err(WriteError::Exists(place.shown.clone()))
            }
            // File systems without hard links: look once more, then rename.
            Err(_) => {
                place.absent().inspect_err(|_| self.discard())?;
                self.rename_over(place)
            }
        }
    }
}

#[cfg(unix)]
fn hard_links(metadata: &Metadata) -> u64 {
    use cap_std::fs::MetadataExt;
    metadata.nlink()
}

#[cfg(not(unix))]
fn hard_links(_metadata: &Metadata) -> u64 {
    1
}
