//! Brings a shadow in step with a view: one walk over the workspace that reads only what changed.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use super::folder::{self, Kind, Listed, Stat};
use super::inspect::is_unseen;
use super::layers::Layers;
use super::left_out::{LeftOut, Reason, leave_out};
use super::manifest::{Entry, Held, Manifest, Names, Source};
use super::rules::Rules;
use super::{Limits, ShadowError, Start, names, walk};
use crate::text::ContentHash;
use crate::workspace::{Root, View};

/// One workspace folder and what stands for it.
pub(super) struct Fill<'a> {
    pub root: &'a Root,
    pub shadow: &'a OwnedFd,
    pub manifest: &'a Manifest,
    pub view: &'a View,
    pub layers: &'a Layers,
    pub limits: Limits,
    pub cancel: &'a (dyn Fn() -> bool + Sync),
    pub failed: Mutex<Option<ShadowError>>,
    pub files: AtomicU64,
    pub bytes: AtomicU64,
    /// Folders that are walked on their own: workspace folders within this one.
    pub nested: HashSet<Vec<u8>>,
}

#[derive(Default)]
pub(super) struct Filled {
    pub changes: Vec<(Box<[u8]>, Box<[u8]>, Option<Entry>)>,
    pub folders: Vec<Box<[u8]>>,
    pub written: usize,
    pub removed: usize,
    pub left_out: Vec<LeftOut>,
    pub overwritten: Vec<LeftOut>,
    pub repositories: Vec<PathBuf>,
    pub dependencies: Vec<Vec<u8>>,
    bytes: Vec<u8>,
}

pub(super) struct Job {
    rel: Vec<u8>,
    rules: Rules,
}

/// A folder of the workspace and the one that stands for it, opened when something has to be written.
struct Pair<'a> {
    rel: &'a [u8],
    source: OwnedFd,
    shadow: Option<OwnedFd>,
    known: Option<&'a Names>,
}

impl Fill<'_> {
    pub fn run(&self, starts: &[Start]) -> Vec<Filled> {
        let jobs =
            starts.iter().map(|start| Job { rel: start.rel.clone(), rules: Rules::around(&start.real) }).collect();
        walk::each(jobs, |job, more, out| {
            if self.stopped() {
                return;
            }
            if let Err(error) = self.folder(job, more, out) {
                self.fail(error);
            }
        })
        .collect()
    }

    pub fn stopped(&self) -> bool {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.is_none() && (self.cancel)() {
            *failed = Some(ShadowError::Cancelled);
        }
        failed.is_some()
    }

    fn fail(&self, error: ShadowError) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn folder(&self, job: Job, more: &mut Vec<Job>, out: &mut Filled) -> Result<(), ShadowError> {
        let Job { rel, rules } = job;
        let opened = folder::open(&*self.root.dir, &rel).and_then(|source| Ok((folder::list(&source)?, source)));
        let (listed, source) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                // Gone since it was listed, or not for us.
                if error.kind() == io::ErrorKind::PermissionDenied {
                    leave_out(&mut out.left_out, &rel, Reason::Unreadable(error.to_string()));
                }
                return Ok(());
            }
        };
        let real = super::slot::below(&self.root.path, &rel);
        let rules = rules.within(&source, &real, &listed, listed.iter().any(|entry| *entry.name == *b".git"));
        let known = self.manifest.folders.get(rel.as_slice());
        let mut pair = Pair { rel: &rel, source, shadow: None, known };
        if known.is_none() {
            let made = folder::make(self.shadow, &rel).map_err(|error| self.write_error(&rel, &error))?;
            pair.shadow = Some(made);
        }
        let mut path = real.join("x");
        let mut kept: Vec<&[u8]> = Vec::with_capacity(known.map_or(0, Names::len));
        for entry in &listed {
            path.set_file_name(folder::os(&entry.name));
            if self.entry(entry, &path, &rules, &mut pair, more, out)? {
                kept.push(&entry.name);
            }
        }
        self.remove_gone(&mut pair, &kept, out)?;
        out.folders.push(rel.into());
        Ok(())
    }

    /// Whether the shadow has it by a file of the disk.
    fn entry(
        &self,
        entry: &Listed,
        path: &Path,
        rules: &Rules,
        pair: &mut Pair<'_>,
        more: &mut Vec<Job>,
        out: &mut Filled,
    ) -> Result<bool, ShadowError> {
        let name = &*entry.name;
        if name == b".git" {
            out.repositories.push(path.to_owned());
            return Ok(false);
        }
        let Some(kind) = entry.kind(&pair.source) else { return Ok(false) };
        let rel = || folder::join(pair.rel, name);
        if kind == Kind::Folder {
            let rel = rel();
            if rules.ignores(path, true) {
                if names::is_dependency(name) && !self.excludes(&rel) {
                    out.dependencies.push(rel);
                }
            } else if rel.len() > folder::MAX_NAME {
                leave_out(&mut out.left_out, &rel, Reason::Name("it is longer than 4,096 bytes".to_owned()));
            } else if !self.nested.contains(&rel) && !self.excludes(&rel) {
                more.push(Job { rel, rules: rules.clone() });
            }
            return Ok(false);
        }
        if self.layers.has(pair.rel, name) || rules.ignores(path, false) {
            return Ok(false);
        }
        // What was copied before is no such file: a name is judged once.
        let copied = pair.known.and_then(|names| names.get(name));
        let copied = copied.is_some_and(|entry| matches!(entry.source, Source::Disk { .. }));
        if !copied && names::is_secret(name) {
            leave_out(&mut out.left_out, &rel(), Reason::Secret);
            return Ok(false);
        }
        if self.view.excludes_something() && self.excludes(&rel()) {
            return Ok(false);
        }
        match kind {
            Kind::File => self.file(name, pair, out),
            Kind::Link => self.link(name, pair, out),
            Kind::Special(what) => {
                leave_out(&mut out.left_out, &rel(), Reason::Special(what));
                Ok(false)
            }
            Kind::Folder => Ok(false),
        }
    }

    fn file(&self, name: &[u8], pair: &mut Pair<'_>, out: &mut Filled) -> Result<bool, ShadowError> {
        let Ok(Some(stat)) = folder::stat(&pair.source, name) else { return Ok(false) };
        if stat.size > self.limits.file {
            let reason = Reason::TooLarge(stat.size, self.limits.file);
            leave_out(&mut out.left_out, &folder::join(pair.rel, name), reason);
            return Ok(false);
        }
        self.count(stat.size)?;
        let known = pair.known.and_then(|names| names.get(name));
        if let Some(Entry { source: Source::Disk { stat: then, racy: false, .. }, .. }) = known
            && *then == stat
        {
            return Ok(true);
        }
        let mut bytes = std::mem::take(&mut out.bytes);
        let read = folder::read(&pair.source, name, self.limits.file, &mut bytes);
        out.bytes = bytes;
        let stat = match read {
            Ok(Some(stat)) => stat,
            // Another thing by now: the next look tells.
            Ok(None) => return Ok(false),
            Err(error) => {
                leave_out(&mut out.left_out, &folder::join(pair.rel, name), Reason::Unreadable(error.to_string()));
                return Ok(false);
            }
        };
        let hash = ContentHash::of(&out.bytes);
        let racy = stat.is_fresh_at(folder::now());
        let source = Source::Disk { stat, hash, racy };
        let held = match known {
            // The workspace has what it had: what a command put there and nobody can review may stay.
            Some(Entry { source: Source::Disk { hash: then, stat: before, .. }, held })
                if *then == hash && before.is_executable() == stat.is_executable() =>
            {
                *held
            }
            Some(Entry { held: Some(held), .. }) if held.is_file(hash, stat.is_executable()) => Some(*held),
            Some(_) | None => Some(self.write(name, hash, stat.is_executable(), pair, out)?),
        };
        self.set(pair.rel, name, source, held, out);
        Ok(true)
    }

    fn link(&self, name: &[u8], pair: &mut Pair<'_>, out: &mut Filled) -> Result<bool, ShadowError> {
        let Ok(target) = folder::target(&pair.source, name) else { return Ok(false) };
        let rel = folder::join(pair.rel, name);
        if !self.stays_inside(&rel, &target) {
            leave_out(&mut out.left_out, &rel, Reason::LeadsOut);
            return Ok(false);
        }
        self.count(0)?;
        let hash = ContentHash::of(&target);
        let known = pair.known.and_then(|names| names.get(name));
        match known {
            Some(Entry { source: Source::Link { hash: then }, .. }) if *then == hash => return Ok(true),
            Some(Entry { held: Some(held), .. }) if held.stat.kind() == Kind::Link && held.hash == hash => {
                self.set(pair.rel, name, Source::Link { hash }, Some(*held), out);
                return Ok(true);
            }
            Some(_) | None => {}
        }
        self.tell_overwritten(pair, name, Some(hash), out)?;
        let shadow = self.shadow_of(pair)?;
        let stat = folder::link(shadow, name, &target).map_err(|error| self.write_error(&rel, &error))?;
        out.written = out.written.saturating_add(1);
        self.set(pair.rel, name, Source::Link { hash }, Some(Held { stat, hash, racy: true }), out);
        Ok(true)
    }

    /// Whether a link leads to something beneath the root, by its text and by what the disk makes of it.
    fn stays_inside(&self, rel: &[u8], target: &[u8]) -> bool {
        let target = Path::new(OsStr::from_bytes(target));
        let above = folder::split(rel).0;
        let mut depth = above.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).count();
        if target.is_absolute() {
            // Commands have the shadow where the root is.
            return target
                .strip_prefix(&self.root.path)
                .is_ok_and(|rest| rest.components().all(|part| matches!(part, std::path::Component::Normal(_))));
        }
        for part in target.components() {
            match part {
                std::path::Component::Normal(_) => depth = depth.saturating_add(1),
                std::path::Component::CurDir => {}
                std::path::Component::ParentDir => match depth.checked_sub(1) {
                    Some(above) => depth = above,
                    None => return false,
                },
                std::path::Component::RootDir | std::path::Component::Prefix(_) => return false,
            }
        }
        match self.root.dir.canonicalize(OsStr::from_bytes(rel)) {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    fn write(
        &self,
        name: &[u8],
        hash: ContentHash,
        executable: bool,
        pair: &mut Pair<'_>,
        out: &mut Filled,
    ) -> Result<Held, ShadowError> {
        self.tell_overwritten(pair, name, Some(hash), out)?;
        let new = pair.known.and_then(|names| names.get(name)).is_none();
        let (rel, bytes) = (pair.rel, std::mem::take(&mut out.bytes));
        let shadow = self.shadow_of(pair)?;
        let written = folder::write(shadow, name, &bytes, executable, new);
        out.bytes = bytes;
        out.written = out.written.saturating_add(1);
        let stat = written.map_err(|error| self.write_error(&folder::join(rel, name), &error))?;
        Ok(Held { stat, hash, racy: true })
    }

    /// What the workspace no longer has, of what was put there.
    fn remove_gone(&self, pair: &mut Pair<'_>, kept: &[&[u8]], out: &mut Filled) -> Result<(), ShadowError> {
        let Some(known) = pair.known else { return Ok(()) };
        if kept.len() == known.len() && kept.iter().all(|name| known.contains_key(*name)) {
            return Ok(());
        }
        let kept: HashSet<&[u8]> = kept.iter().copied().collect();
        for (name, entry) in known {
            if kept.contains(&**name) || self.layers.puts(pair.rel, name) || entry.source == Source::Command {
                continue;
            }
            let rel = pair.rel;
            if entry.held.is_some() {
                self.tell_overwritten(pair, name, None, out)?;
                let shadow = self.shadow_of(pair)?;
                folder::remove(shadow, name).map_err(|error| self.write_error(&folder::join(rel, name), &error))?;
                out.removed = out.removed.saturating_add(1);
            }
            out.changes.push((rel.into(), name.clone(), None));
        }
        Ok(())
    }

    /// Before something is put in place of what commands may have changed.
    fn tell_overwritten(
        &self,
        pair: &mut Pair<'_>,
        name: &[u8],
        wanted: Option<ContentHash>,
        out: &mut Filled,
    ) -> Result<(), ShadowError> {
        let (rel, known) = (pair.rel, pair.known);
        // In a folder that is new there is nothing.
        if let Some(known) = known
            && is_unseen(self.shadow_of(pair)?, name, known.get(name), wanted)
        {
            leave_out(&mut out.overwritten, &folder::join(rel, name), Reason::Overwritten);
        }
        Ok(())
    }

    fn shadow_of<'p>(&self, pair: &'p mut Pair<'_>) -> Result<&'p OwnedFd, ShadowError> {
        let shadow = match pair.shadow.take() {
            Some(shadow) => shadow,
            None => folder::make(self.shadow, pair.rel).map_err(|error| self.write_error(pair.rel, &error))?,
        };
        Ok(pair.shadow.insert(shadow))
    }

    fn set(&self, rel: &[u8], name: &[u8], source: Source, held: Option<Held>, out: &mut Filled) {
        out.changes.push((rel.into(), name.into(), Some(Entry { source, held })));
    }

    fn count(&self, bytes: u64) -> Result<(), ShadowError> {
        let files = self.files.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let all = self.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if files > self.limits.files || all > self.limits.total {
            return Err(ShadowError::TooMuch(self.root.name.clone(), self.limits.files, self.limits.total));
        }
        Ok(())
    }

    fn excludes(&self, rel: &[u8]) -> bool {
        self.view.excludes_something() && {
            let path = self.root.path.join(String::from_utf8_lossy(rel).as_ref());
            self.view.roots().of_absolute(&path).is_some_and(|path| self.view.excludes_name(&path))
        }
    }

    fn write_error(&self, rel: &[u8], error: &io::Error) -> ShadowError {
        ShadowError::write(rel, error)
    }
}

impl Held {
    pub fn is_file(&self, hash: ContentHash, executable: bool) -> bool {
        self.stat.kind() == Kind::File && self.hash == hash && self.stat.is_executable() == executable
    }
}

/// What a look at the disk says of a file that a buffer or a proposal stands for.
pub(super) fn disk_stat(root: &Root, rel: &[u8]) -> Option<Stat> {
    let (above, name) = folder::split(rel);
    let source = folder::open(&*root.dir, above).ok()?;
    folder::stat(source, name).ok().flatten().filter(|stat| stat.kind() == Kind::File)
}
