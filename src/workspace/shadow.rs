//! A kept folder that holds disk, buffers and overlay, for commands to run in.
//!
//! It prevents accidents and is no security boundary: the sandbox is. What a command changes in it is absorbed into the overlay.
//! Nothing here writes to the user's files, and nothing follows a link: a command may have put one anywhere.
//!
//! A [manifest](manifest) says of every file what it was made from and how it was left. A sync is one walk over the workspace
//! that reads what changed there; a look at what commands did is one walk over the shadow. What is ignored is neither copied
//! nor taken over nor removed: the outputs of builds stay, and builds are incremental. A file that is not written keeps its time.

mod absorb;
mod fill;
mod folder;
mod inspect;
mod layers;
mod left_out;
mod manifest;
mod names;
mod repository;
mod rules;
mod slot;
mod walk;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

pub use absorb::{Absorbed, Changes};
pub use left_out::{LeftOut, Reason};

use super::view::WHOLE_LIMIT;
use super::{Author, Overlay, Root, Roots, View};
use fill::{Fill, Filled};
use inspect::{Difference, Inspect, Inspected, Now};
use layers::Layers;
use manifest::{Entry, Manifest, Source};
use slot::Slot;

/// A kept folder for each workspace folder that holds what a [`View`] holds, for commands to run in. It is this one's alone
/// until it is dropped; another session gets another. All that it does blocks on the disk.
pub struct Shadow {
    cache: PathBuf,
    limits: Limits,
    trees: Vec<Tree>,
    synced: Option<View>,
}

/// How much may be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file; a larger one is left out.
    pub file: u64,
    /// Bytes of one workspace folder, what is ignored not counted.
    pub total: u64,
    /// Files of one workspace folder.
    pub files: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { file: 64 << 20, total: 8 << 30, files: 500_000 }
    }
}

/// What a sync did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// Files that were written, and that were removed.
    pub written: usize,
    pub removed: usize,
    /// What commands do not see.
    pub left_out: Vec<LeftOut>,
    /// What commands that still run changed since the last look, and what the view has there now is another: it is gone.
    pub overwritten: Vec<LeftOut>,
}

/// Why there is no shadow, or it does not hold what the view holds. The text is for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShadowError {
    #[error("no folder is open: there is nothing that a command could run in")]
    NoFolder,
    #[error("the folder for copies of the workspace, {0}, can not be used: {1}")]
    Cache(String, String),
    #[error("{0} sessions run commands in this folder already: wait for one to end")]
    Busy(usize),
    #[error("the workspace folder `{0}` was deleted, moved or replaced while it was open: open it again")]
    Gone(String),
    #[error(
        "the workspace folder `{0}` has more than {1} files or {2} bytes that are not ignored, too much to copy for a command: \
         leave what builds do not need to .gitignore or .ignore"
    )]
    TooMuch(String, u64, u64),
    #[error("`{0}` can not be written in the copy of the workspace: {1}")]
    Write(String, String),
    #[error("it was cancelled")]
    Cancelled,
}

/// The shadow of a workspace folder that lies in no other.
struct Tree {
    root: Root,
    slot: Slot,
    manifest: Manifest,
    /// The manifest tells how the files were left. Where it may not, all are looked at first.
    trusted: bool,
    repositories: HashSet<PathBuf>,
    dependencies: Vec<Vec<u8>>,
}

/// Where a walk starts: a workspace folder, by its path below the outermost one and by where it is.
struct Start {
    rel: Vec<u8>,
    real: PathBuf,
}

impl Shadow {
    /// The shadow of these folders, kept in `cache`, which is made where it is not there.
    pub fn take(cache: &Path, roots: &Roots) -> Result<Shadow, ShadowError> {
        let mut shadow = Shadow { cache: cache.to_owned(), limits: Limits::default(), trees: Vec::new(), synced: None };
        shadow.follow(roots)?;
        Ok(shadow)
    }

    /// With other limits.
    pub fn limited(self, limits: Limits) -> Shadow {
        Shadow { limits, ..self }
    }

    /// Makes it hold what the view holds. Writes only what differs, and removes what it had put there and the view no longer
    /// has. What commands changed and nobody absorbed is kept until the view has another text for it.
    pub fn sync(&mut self, view: &View, cancel: &(dyn Fn() -> bool + Sync)) -> Result<Synced, ShadowError> {
        self.follow(view.roots())?;
        let mut synced = Synced::default();
        for tree in &mut self.trees {
            if !tree.root.is_in_place() {
                return Err(ShadowError::Gone(tree.root.name.clone()));
            }
            tree.begin()?;
            if !tree.trusted {
                tree.verify(view, cancel)?;
            }
            tree.fill(view, self.limits, cancel, &mut synced)?;
            tree.trusted = true;
        }
        self.synced = Some(view.clone());
        Ok(synced)
    }

    /// What commands changed since the sync, taken into the overlay as edits of `author`: [`Shadow::look`] and
    /// [`Changes::propose`] in one.
    pub fn absorb(&mut self, view: &View, overlay: &mut Overlay, author: &Author) -> Result<Absorbed, ShadowError> {
        let changes = self.look(&view.with_overlay(overlay), &|| false)?;
        Ok(changes.propose(view.roots(), overlay, author))
    }

    /// What commands changed since the sync. Each change is found once: what is not proposed then is lost to the proposal.
    pub fn look(&mut self, view: &View, cancel: &(dyn Fn() -> bool + Sync)) -> Result<Changes, ShadowError> {
        let mut changes = Changes::default();
        let Some(synced) = self.synced.clone() else { return Ok(changes) };
        let mut view = view.clone();
        for tree in &mut self.trees {
            let keep = u64::try_from(WHOLE_LIMIT).unwrap_or(u64::MAX);
            let found = tree.inspect(&view, cancel, keep)?;
            let another = !found.differences.is_empty() || !found.touched.is_empty();
            tree.touched(&found);
            let mut sort = absorb::Sort {
                root: &tree.root,
                view,
                synced: &synced,
                manifest: &mut tree.manifest,
                changes: &mut changes,
            };
            sort.take(found.differences);
            view = sort.view;
            tree.settle(another)?;
        }
        Ok(changes)
    }

    /// Nothing that commands changed since the sync counts: the next sync looks at all files, and undoes it.
    pub fn forget(&mut self) {
        self.trees.iter_mut().for_each(|tree| tree.trusted = false);
    }

    /// The shadow of each workspace folder that lies in no other, and the folder that it stands for: where the sandbox mounts it.
    pub fn folders(&self) -> Vec<(PathBuf, PathBuf)> {
        self.trees.iter().map(|tree| (tree.slot.tree.clone(), tree.root.path.clone())).collect()
    }

    /// Folders of what builds depend on, such as `node_modules`, that are ignored and so not copied: where they are, and where
    /// commands expect them once the shadow is mounted. As of the last sync.
    pub fn dependencies(&self, view: &View) -> Vec<(PathBuf, PathBuf)> {
        let all = self.trees.iter().flat_map(|tree| tree.dependencies.iter().map(move |rel| (tree, rel)));
        let real = all.map(|(tree, rel)| slot::below(&tree.root.path, rel));
        let shown = real.filter(|real| view.roots().of_absolute(real).is_none_or(|path| !view.excludes_name(&path)));
        shown.map(|real| (real.clone(), real)).collect()
    }

    /// The repositories of the workspace: folders `.git`, or files of that name and the repositories that know of them. As of
    /// the last sync.
    pub fn repositories(&self) -> Vec<PathBuf> {
        let here: Vec<PathBuf> = self.trees.iter().flat_map(|tree| tree.repositories.iter().cloned()).collect();
        let elsewhere = here.iter().filter_map(|path| repository::led_to(path));
        let elsewhere: Vec<PathBuf> =
            elsewhere.filter(|path| !here.iter().any(|known| path.starts_with(known))).collect();
        let mut all = [here, elsewhere].concat();
        all.sort();
        all.dedup();
        all
    }

    /// Has a tree for each outermost folder, and keeps those that it has.
    fn follow(&mut self, roots: &Roots) -> Result<(), ShadowError> {
        if roots.is_empty() {
            return Err(ShadowError::NoFolder);
        }
        let is_outermost =
            |root: &&Root| !roots.iter().any(|other| other.id != root.id && root.path.starts_with(&other.path));
        let mut before = std::mem::take(&mut self.trees);
        for root in roots.iter().filter(is_outermost) {
            let tree = match before.iter().position(|tree| tree.root.id == root.id && tree.root.path == root.path) {
                Some(at) => before.swap_remove(at),
                None => Tree::take(&self.cache, root)?,
            };
            self.trees.push(tree);
        }
        Ok(())
    }
}

impl ShadowError {
    fn write(rel: &[u8], error: &io::Error) -> ShadowError {
        let why = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => format!("{error}: free some space there"),
            _ => error.to_string(),
        };
        ShadowError::Write(left_out::shown(rel), why)
    }
}

impl Tree {
    fn take(cache: &Path, root: &Root) -> Result<Tree, ShadowError> {
        let (slot, manifest, trusted) = Slot::take(cache, &root.path)?;
        let (repositories, dependencies) = (HashSet::new(), Vec::new());
        Ok(Tree { root: root.clone(), slot, manifest, trusted, repositories, dependencies })
    }

    fn begin(&mut self) -> Result<(), ShadowError> {
        self.slot.begin().map_err(|error| ShadowError::write(b"manifest", &error))
    }

    fn settle(&mut self, another: bool) -> Result<(), ShadowError> {
        let manifest = another.then_some(&self.manifest);
        let settled = self.slot.settle(manifest, &self.root.path);
        settled.map_err(|error| ShadowError::write(b"manifest", &error))
    }

    fn starts(&self, view: &View) -> Vec<Start> {
        let inside = view.roots().iter().filter_map(|root| Some((root, root.path.strip_prefix(&self.root.path).ok()?)));
        inside
            .map(|(root, rel)| Start { rel: rel.as_os_str().as_encoded_bytes().to_vec(), real: root.path.clone() })
            .collect()
    }

    fn inspect(&self, view: &View, cancel: &(dyn Fn() -> bool + Sync), keep: u64) -> Result<Inspected, ShadowError> {
        let inspect = Inspect {
            root: &self.root,
            shadow: &self.slot.handle,
            manifest: &self.manifest,
            repositories: &self.repositories,
            cancel,
            keep,
            budget: AtomicU64::new(if keep == 0 { 0 } else { 256 << 20 }),
            limit: Limits::default().file,
        };
        let found = inspect.run(&self.starts(view));
        if found.stopped { Err(ShadowError::Cancelled) } else { Ok(found) }
    }

    fn touched(&mut self, found: &Inspected) {
        for (folder, name, held) in &found.touched {
            if let Some(entry) = self.manifest.get(folder, name).copied() {
                self.manifest.set(folder, name, Some(Entry { held: Some(*held), ..entry }));
            }
        }
    }

    /// Looks at all that is there, because nobody can tell how it was left. What differs from the manifest is compared with the
    /// view by content, and goes if the view does not have it.
    fn verify(&mut self, view: &View, cancel: &(dyn Fn() -> bool + Sync)) -> Result<(), ShadowError> {
        let found = self.inspect(view, cancel, 0)?;
        self.touched(&found);
        for folder in found.visited {
            self.manifest.folders.entry(folder).or_default();
        }
        for Difference { folder, name, entry, now } in found.differences {
            let held = match now {
                Now::Gone | Now::Unreadable(_) => None,
                Now::File { held, .. } | Now::Link(held) | Now::Special(_, held) => Some(held),
                Now::Folder if entry.is_some() => None,
                Now::Folder => continue,
            };
            self.manifest.set(&folder, &name, Some(Entry { source: Source::Unknown, held }));
        }
        Ok(())
    }

    fn fill(
        &mut self,
        view: &View,
        limits: Limits,
        cancel: &(dyn Fn() -> bool + Sync),
        synced: &mut Synced,
    ) -> Result<(), ShadowError> {
        let starts = self.starts(view);
        let layers = Layers::of(view, &self.root);
        let fill = Fill {
            root: &self.root,
            shadow: &self.slot.handle,
            manifest: &self.manifest,
            view,
            layers: &layers,
            limits,
            cancel,
            failed: Mutex::new(None),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            nested: starts.iter().map(|start| start.rel.clone()).collect(),
        };
        let parts = fill.run(&starts);
        let failed = fill.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        // What was written was written, and is known of, whatever came then.
        let (mut another, visited) = self.take_over(parts, synced);
        let result = match failed {
            Some(error) => Err(error),
            None => {
                another |= self.remove_folders(&visited, &layers, synced);
                layers.put(view, &self.root, &self.slot.handle, &self.manifest, limits)
            }
        };
        let result = result.map(|put| {
            synced.written = synced.written.saturating_add(put.written);
            synced.overwritten.extend(put.overwritten);
            another |= !put.changes.is_empty();
            self.apply(put.changes);
        });
        if another {
            let kept = self.slot.keep(&self.manifest, &self.root.path);
            kept.map_err(|error| ShadowError::write(b"manifest", &error))?;
        }
        if result.is_err() {
            self.trusted = false;
        }
        result
    }

    /// Brings the manifest up to what was done; says whether it is another now, and which folders the workspace has.
    fn take_over(&mut self, parts: Vec<Filled>, synced: &mut Synced) -> (bool, HashSet<Box<[u8]>>) {
        let mut another = false;
        let mut visited = HashSet::new();
        self.repositories.clear();
        self.dependencies.clear();
        for part in parts {
            another |= !part.changes.is_empty();
            self.apply(part.changes);
            for folder in part.folders {
                if !self.manifest.folders.contains_key(&folder) {
                    self.manifest.folders.insert(folder.clone(), HashMap::new());
                    another = true;
                }
                visited.insert(folder);
            }
            synced.written = synced.written.saturating_add(part.written);
            synced.removed = synced.removed.saturating_add(part.removed);
            synced.left_out.extend(part.left_out);
            synced.overwritten.extend(part.overwritten);
            self.repositories.extend(part.repositories);
            self.dependencies.extend(part.dependencies);
        }
        self.dependencies.sort();
        synced.left_out.sort_by(|a, b| a.name.cmp(&b.name));
        synced.left_out.truncate(left_out::MOST);
        synced.overwritten.sort_by(|a, b| a.name.cmp(&b.name));
        synced.overwritten.truncate(left_out::MOST);
        (another, visited)
    }

    /// What was put into folders that the workspace no longer has goes, and the folders where nothing else is in them.
    fn remove_folders(&mut self, visited: &HashSet<Box<[u8]>>, layers: &Layers, synced: &mut Synced) -> bool {
        let mut gone: Vec<Box<[u8]>> =
            self.manifest.folders.keys().filter(|folder| !visited.contains(*folder)).cloned().collect();
        // The deepest first.
        gone.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        let mut another = false;
        for folder in gone {
            let Some(names) = self.manifest.folders.get_mut(&folder) else { continue };
            let opened = folder::open_ours(&self.slot.handle, &folder).ok();
            names.retain(|name, entry| {
                let stays = layers.puts(&folder, name) || entry.source == Source::Command;
                if !stays && entry.held.is_some() {
                    synced.removed = synced.removed.saturating_add(1);
                    if opened.as_ref().is_some_and(|opened| inspect::is_unseen(opened, name, Some(entry), None)) {
                        let rel = folder::join(&folder, name);
                        left_out::leave_out(&mut synced.overwritten, &rel, Reason::Overwritten);
                    }
                    // What can not be removed is found by the next look.
                    if let Some(Err(error)) = opened.as_ref().map(|opened| folder::remove(opened, name)) {
                        tracing::warn!(%error, "a file stays in the shadow");
                    }
                }
                another |= !stays;
                stays
            });
            if names.is_empty() {
                if let Some(opened) = &opened {
                    folder::remove_mount_point(opened);
                }
                let (above, name) = folder::split(&folder);
                if let Ok(above) = folder::open_ours(&self.slot.handle, above) {
                    folder::remove_empty(above, name);
                }
                self.manifest.folders.remove(&folder);
                another = true;
            }
        }
        another
    }

    /// What was just written may be written again in the same tick of the clock.
    fn apply(&mut self, changes: Vec<(Box<[u8]>, Box<[u8]>, Option<Entry>)>) {
        let now = folder::now();
        for (folder, name, entry) in changes {
            let entry = entry.map(|entry| {
                let held = entry.held.map(|held| manifest::Held { racy: held.stat.is_fresh_at(now), ..held });
                Entry { held, ..entry }
            });
            self.manifest.set(&folder, &name, entry);
        }
    }
}
