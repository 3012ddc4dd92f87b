//! Looks at what commands did to a shadow: one walk over it that reads only what changed.

use std::collections::HashSet;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::folder::{self, Kind, Listed, Stat};
use super::manifest::{Entry, Held, Manifest, Names, Source};
use super::rules::Rules;
use super::{Limits, Start, walk};
use crate::text::ContentHash;
use crate::workspace::Root;

/// Reads a shadow.
pub(super) struct Inspect<'a> {
    pub root: &'a Root,
    pub shadow: &'a OwnedFd,
    pub manifest: &'a Manifest,
    /// Where the workspace has repositories.
    pub repositories: &'a HashSet<PathBuf>,
    pub cancel: &'a (dyn Fn() -> bool + Sync),
    /// Most bytes of a file that are kept, and how many in all may be.
    pub keep: u64,
    pub budget: AtomicU64,
    /// Files larger than this are not read.
    pub limit: u64,
}

/// A name that holds something else than the manifest says.
pub(super) struct Difference {
    pub folder: Box<[u8]>,
    pub name: Box<[u8]>,
    pub entry: Option<Entry>,
    pub now: Now,
}

pub(super) enum Now {
    Gone,
    /// `bytes` where they were to be kept.
    File {
        held: Held,
        bytes: Option<Vec<u8>>,
    },
    Link(Held),
    Folder,
    Special(&'static str, Held),
    Unreadable(String),
}

#[derive(Default)]
pub(super) struct Inspected {
    pub differences: Vec<Difference>,
    /// Files that were touched and hold what they held.
    pub touched: Vec<(Box<[u8]>, Box<[u8]>, Held)>,
    /// Folders that are there.
    pub visited: Vec<Box<[u8]>>,
    /// Something changes that must not be named: the walk was stopped.
    pub stopped: bool,
}

struct Job {
    rel: Vec<u8>,
    /// `None` in a folder that is left out: only what the manifest knows is looked at.
    rules: Option<Rules>,
}

impl Inspect<'_> {
    pub fn run(&self, starts: &[Start]) -> Inspected {
        let jobs = starts
            .iter()
            .map(|start| Job { rel: start.rel.clone(), rules: Some(Rules::around(&start.real)) })
            .collect();
        let mut all = merge(walk::each(jobs, |job, more, out| self.folder(job, more, out)));
        // Folders that are no more there, or that new rules leave out.
        let visited: HashSet<&[u8]> = all.visited.iter().map(|folder| &**folder).collect();
        let rest = self.manifest.folders.keys().filter(|folder| !visited.contains(&***folder));
        let jobs = rest.map(|folder| Job { rel: folder.to_vec(), rules: None }).collect();
        let rest = merge(walk::each(jobs, |job, more, out| self.folder(job, more, out)));
        all.differences.extend(rest.differences);
        all.touched.extend(rest.touched);
        all.stopped |= rest.stopped;
        all.differences.sort_by(|a, b| (&a.folder, &a.name).cmp(&(&b.folder, &b.name)));
        all
    }

    fn folder(&self, job: Job, more: &mut Vec<Job>, out: &mut Inspected) {
        if (self.cancel)() {
            out.stopped = true;
            return;
        }
        let Job { rel, rules } = job;
        let known = self.manifest.folders.get(rel.as_slice());
        let opened = folder::open_ours(self.shadow, &rel).and_then(|shadow| Ok((folder::list(&shadow)?, shadow)));
        let Ok((listed, shadow)) = opened else {
            self.gone(&rel, known, &HashSet::new(), out);
            return;
        };
        let real = super::slot::below(&self.root.path, &rel);
        let here =
            rules.map(|rules| rules.within(&shadow, &real, &listed, self.repositories.contains(&real.join(".git"))));
        let mut seen: HashSet<&[u8]> = HashSet::with_capacity(listed.len());
        let mut path = real.join("x");
        for entry in &listed {
            let name = &*entry.name;
            path.set_file_name(folder::os(name));
            if let Some(known) = known.and_then(|names| names.get(name)) {
                seen.insert(name);
                self.known(&rel, name, &shadow, known, out);
            }
            let Some(rules) = &here else { continue };
            match (entry.kind(&shadow), known.is_some_and(|names| names.contains_key(name))) {
                (_, _) if name == b".git" => {}
                (Some(Kind::Folder), _) => {
                    let child = folder::join(&rel, name);
                    let has = self.manifest.folders.contains_key(child.as_slice());
                    if child.len() <= folder::MAX_NAME && !rules.ignores(&path, true) {
                        more.push(Job { rel: child, rules: Some(rules.clone()) });
                    } else if has {
                        more.push(Job { rel: child, rules: None });
                    }
                }
                (Some(_), false) if !rules.ignores(&path, false) => self.new(&rel, entry, &shadow, out),
                (Some(_) | None, _) => {}
            }
        }
        self.gone(&rel, known, &seen, out);
        out.visited.push(rel.into());
    }

    fn known(&self, rel: &[u8], name: &[u8], shadow: &OwnedFd, known: &Entry, out: &mut Inspected) {
        let Ok(Some(stat)) = folder::stat(shadow, name) else { return };
        if let Some(held) = &known.held
            && held.stat == stat
            && !held.racy
        {
            return;
        }
        let now = self.look(name, shadow, stat);
        let held = match &now {
            Now::File { held, .. } | Now::Link(held) | Now::Special(_, held) => Some(*held),
            Now::Gone | Now::Folder | Now::Unreadable(_) => None,
        };
        match (known.held, held) {
            (Some(then), Some(held)) if then.hash == held.hash && same_kind(&then.stat, &held.stat) => {
                out.touched.push((rel.into(), name.into(), held));
            }
            (_, _) => {
                out.differences.push(Difference { folder: rel.into(), name: name.into(), entry: Some(*known), now });
            }
        }
    }

    fn new(&self, rel: &[u8], entry: &Listed, shadow: &OwnedFd, out: &mut Inspected) {
        let name = &*entry.name;
        let Ok(Some(stat)) = folder::stat(shadow, name) else { return };
        let now = self.look(name, shadow, stat);
        out.differences.push(Difference { folder: rel.into(), name: name.into(), entry: None, now });
    }

    fn gone(&self, rel: &[u8], known: Option<&Names>, seen: &HashSet<&[u8]>, out: &mut Inspected) {
        let Some(known) = known.filter(|known| known.len() != seen.len()) else { return };
        for (name, entry) in known.iter().filter(|(name, entry)| !seen.contains(&***name) && entry.held.is_some()) {
            let (folder, name) = (rel.into(), name.clone());
            out.differences.push(Difference { folder, name, entry: Some(*entry), now: Now::Gone });
        }
    }

    fn look(&self, name: &[u8], shadow: &OwnedFd, stat: Stat) -> Now {
        let held = |stat: Stat, hash| Held { stat, hash, racy: stat.is_fresh_at(folder::now()) };
        match stat.kind() {
            Kind::Folder => Now::Folder,
            Kind::Special(what) => Now::Special(what, held(stat, ContentHash::of(what.as_bytes()))),
            Kind::Link => match folder::target(shadow, name) {
                Ok(target) => Now::Link(held(stat, ContentHash::of(&target))),
                Err(error) => Now::Unreadable(error.to_string()),
            },
            Kind::File => match self.read(name, shadow) {
                Ok(Some((stat, hash, bytes))) => Now::File { held: held(stat, hash), bytes },
                Ok(None) => Now::Gone,
                Err(error) => Now::Unreadable(error.to_string()),
            },
        }
    }

    fn read(&self, name: &[u8], shadow: &OwnedFd) -> std::io::Result<Option<(Stat, ContentHash, Option<Vec<u8>>)>> {
        let Some((file, stat)) = folder::open_file(shadow, name)? else { return Ok(None) };
        // Looked at before it is read: what is written meanwhile then shows at the next look.
        let stat = folder::clear_set_id(&file, stat)?;
        if stat.size > self.limit {
            // It is told and not read: what it holds does not matter, only that it is another.
            return Ok(Some((stat, ContentHash::of(&stat.size.to_le_bytes()), None)));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(stat.size).unwrap_or_default().saturating_add(1));
        file.take(self.limit.saturating_add(1)).read_to_end(&mut bytes)?;
        let hash = ContentHash::of(&bytes);
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let kept = size <= self.keep
            && self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(size)).is_ok();
        Ok(Some((stat, hash, kept.then_some(bytes))))
    }
}

/// Whether a command left something under `name` that nobody has looked at since, or nothing, and that is not what is `wanted`.
pub(super) fn is_unseen(folder: &OwnedFd, name: &[u8], known: Option<&Entry>, wanted: Option<ContentHash>) -> bool {
    let stat = match folder::stat(folder, name) {
        Ok(Some(stat)) => stat,
        Ok(None) => return wanted.is_some() && known.is_some_and(|entry| entry.held.is_some()),
        Err(_) => return false,
    };
    let held = match known {
        Some(Entry { held: Some(held), .. }) if held.stat == stat && !held.racy => return false,
        Some(Entry { held: Some(held), .. }) => Some(held),
        // What stands there was looked at, and told then.
        Some(Entry { source: Source::Unknown, held: None }) => return false,
        Some(Entry { held: None, .. }) | None => None,
    };
    let hash = match stat.kind() {
        Kind::File => {
            let mut bytes = Vec::new();
            match folder::read(folder, name, Limits::default().file, &mut bytes) {
                Ok(Some(_)) => Some(ContentHash::of(&bytes)),
                Ok(None) | Err(_) => None,
            }
        }
        Kind::Link => folder::target(folder, name).ok().map(|target| ContentHash::of(&target)),
        Kind::Folder | Kind::Special(_) => None,
    };
    let is_as_left = held.is_some_and(|held| Some(held.hash) == hash && held.stat.kind() == stat.kind());
    !is_as_left && (hash.is_none() || hash != wanted)
}

fn merge(parts: impl Iterator<Item = Inspected>) -> Inspected {
    parts.fold(Inspected::default(), |mut all, part| {
        all.differences.extend(part.differences);
        all.touched.extend(part.touched);
        all.visited.extend(part.visited);
        all.stopped |= part.stopped;
        all
    })
}

fn same_kind(a: &Stat, b: &Stat) -> bool {
    a.kind() == b.kind() && a.is_executable() == b.is_executable()
}
