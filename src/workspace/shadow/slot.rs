//! Where a shadow is kept: a folder per workspace folder, in it one slot for each session that uses it at the same time.
//!
//! `CACHE/KEY/SLOT/{lock,manifest,tree}`. Commands see `tree` and nothing else. While they may be changing it the manifest is
//! called `manifest.open`: whoever finds that name looks at all files again.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::ShadowError;
use super::folder;
use super::manifest::Manifest;
use crate::text::ContentHash;

/// Most sessions that have a shadow of the same folder at once.
const SLOTS: usize = 16;

const SETTLED: &str = "manifest";
const OPEN: &str = "manifest.open";
const NEXT: &str = "manifest.new";

/// A slot that is ours until it is dropped.
pub(super) struct Slot {
    /// The folder that stands for the workspace folder.
    pub tree: PathBuf,
    pub handle: OwnedFd,
    path: PathBuf,
    settled: bool,
    _lock: File,
}

impl Slot {
    /// The first free slot for `root`, what is known of it, and whether that is all there is to know.
    pub fn take(cache: &Path, root: &Path) -> Result<(Slot, Manifest, bool), ShadowError> {
        let failed = |error: &io::Error| ShadowError::Cache(cache.display().to_string(), error.to_string());
        let key: String = ContentHash::of(root.as_os_str().as_encoded_bytes()).to_hex().chars().take(32).collect();
        let folder = cache.join(key);
        for path in [cache, &folder] {
            make_private(path).map_err(|error| failed(&error))?;
        }
        for number in 0..SLOTS {
            let path = folder.join(number.to_string());
            make_private(&path).map_err(|error| failed(&error))?;
            let Some(lock) = lock(&path.join("lock")).map_err(|error| failed(&error))? else { continue };
            return Slot::open(path, lock, root).map_err(|error| failed(&error));
        }
        Err(ShadowError::Busy(SLOTS))
    }

    fn open(path: PathBuf, lock: File, root: &Path) -> io::Result<(Slot, Manifest, bool)> {
        let tree = path.join("tree");
        let slot = File::open(&path)?;
        let handle = folder::make(&slot, b"tree")?;
        // A command may have changed the mode of its folder.
        rustix::fs::fchmod(&handle, Mode::from_raw_mode(0o700))?;
        let read = |name: &str| std::fs::read(path.join(name)).ok().and_then(|bytes| Manifest::of_bytes(&bytes, root));
        let (manifest, settled) = match read(SETTLED) {
            Some(manifest) => (manifest, true),
            None => (read(OPEN).unwrap_or_default(), false),
        };
        Ok((Slot { tree, handle, path, settled, _lock: lock }, manifest, settled))
    }

    /// Before anything in the tree may change.
    pub fn begin(&mut self) -> io::Result<()> {
        if self.settled {
            std::fs::rename(self.path.join(SETTLED), self.path.join(OPEN))?;
            self.settled = false;
        }
        Ok(())
    }

    /// Keeps what is known of the tree, in which commands now may run.
    pub fn keep(&mut self, manifest: &Manifest, root: &Path) -> io::Result<()> {
        self.write(OPEN, manifest, root)
    }

    /// All that commands did is known; `manifest` holds it, if it is another than before.
    pub fn settle(&mut self, manifest: Option<&Manifest>, root: &Path) -> io::Result<()> {
        match manifest {
            Some(manifest) => {
                self.write(SETTLED, manifest, root)?;
                drop(std::fs::remove_file(self.path.join(OPEN)));
            }
            None if self.settled => {}
            None => match std::fs::rename(self.path.join(OPEN), self.path.join(SETTLED)) {
                // Of an empty workspace there is nothing to tell yet.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                renamed => renamed?,
            },
        }
        self.settled = true;
        Ok(())
    }

    fn write(&self, name: &str, manifest: &Manifest, root: &Path) -> io::Result<()> {
        // Not synced: one that is torn by a loss of power is as good as none.
        let next = self.path.join(NEXT);
        let mut file = File::create(&next)?;
        file.write_all(&manifest.to_bytes(root))?;
        std::fs::rename(&next, self.path.join(name))
    }
}

/// A folder that is ours alone, made where it is not there.
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let metadata = std::fs::symlink_metadata(path)?;
    let refused = |reason: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    if !metadata.is_dir() {
        return refused("it is a link or no folder: remove it");
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return refused("it belongs to another user");
    }
    if metadata.mode() & 0o022 != 0 {
        return refused("other users can write in it (`chmod 700` mends that)");
    }
    Ok(())
}

/// `None` if another has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::from_raw_mode(0o600))?);
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The folder at `rel` of a slot, as a path to show or to mount.
pub(super) fn below(path: &Path, rel: &[u8]) -> PathBuf {
    if rel.is_empty() { path.to_owned() } else { path.join(folder::os(rel)) }
}
