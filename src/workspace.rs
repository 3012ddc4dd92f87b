//! What there is to read and to propose changes to: `disk < open buffers < overlay`.
//!
//! A [`Workspace`] holds the roots and what the editor has open. [`Workspace::view`] takes a consistent picture of them
//! with a session's [`Overlay`] on top; tools read through the picture and write into the overlay, nothing else. This
//! module must never know models, tools, sessions or the protocol: positions are byte offsets, names are [`DocPath`]s.
//!
//! Every path that comes from outside passes [`Roots::resolve`], and every open goes through a directory handle of its
//! root, so that a name can not lead out of it: the one path gate.

pub mod buffers;
pub mod disk;
pub mod exclude;
pub mod git;
pub mod halves;
pub mod overlay;
pub mod path;
pub mod proposal;
pub mod protected;
pub mod search;
pub mod shadow;
pub mod view;

use std::sync::{Arc, PoisonError, RwLock};

pub use buffers::{Buffer, Buffers};
pub use exclude::Exclude;
pub use git::{GitChange, GitChanges};
pub use overlay::{Author, Overlay, OverlayFile, Stale};
pub use path::{DocPath, Folder, PathError, Root, RootId, Roots};
pub use proposal::{Act, Applied, FileChange, FileProposal, Hunk, HunkId, Observed, Proposal};
pub use protected::is_protected;
pub use view::{Document, Glimpse, Layer, ReadError, Stamp, View};

/// Roots and open buffers, shared by everything that runs. Cheap to clone: clones are the same workspace.
#[derive(Clone, Default)]
pub struct Workspace {
    shared: Arc<RwLock<Shared>>,
    exclude: Exclude,
}

#[derive(Clone, Default)]
struct Shared {
    roots: Arc<Roots>,
    buffers: Arc<Buffers>,
}

impl Workspace {
    pub fn new(roots: Roots) -> Workspace {
        let shared = Shared { roots: Arc::new(roots), buffers: Arc::default() };
        Workspace { shared: Arc::new(RwLock::new(shared)), exclude: Exclude::default() }
    }

    /// The same workspace as a model may see it: its views leave out what is excluded.
    pub fn excluding(&self, exclude: Exclude) -> Workspace {
        Workspace { shared: Arc::clone(&self.shared), exclude }
    }

    pub fn roots(&self) -> Arc<Roots> {
        self.read().roots
    }

    pub fn buffers(&self) -> Arc<Buffers> {
        self.read().buffers
    }

    /// Changes the set of roots. Root ids of roots that stay must stay.
    pub fn with_roots<R>(&self, change: impl FnOnce(&mut Roots) -> R) -> R {
        let mut shared = self.shared.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut shared.roots))
    }

    /// Changes the set of open buffers. The closure must not wait for anything.
    pub fn with_buffers<R>(&self, change: impl FnOnce(&mut Buffers) -> R) -> R {
        let mut shared = self.shared.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut shared.buffers))
    }

    /// One consistent picture of the three layers.
    pub fn view(&self, overlay: &Overlay) -> View {
        let Shared { roots, buffers } = self.read();
        View::new(roots, buffers, overlay.clone(), self.exclude.clone())
    }

    /// The picture without anybody's proposals: what the user has.
    pub fn live(&self) -> View {
        self.view(&Overlay::default())
    }

    fn read(&self) -> Shared {
        self.shared.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
