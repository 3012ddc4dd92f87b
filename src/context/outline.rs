//! The symbols of the workspace as an outline that fits a budget.

use std::path::PathBuf;

/// The symbols of a workspace's files, kept up to date in the background. One for each [`Workspace`], shared by all its
/// sessions: clones are the same index.
///
/// [`Workspace`]: crate::workspace::Workspace
#[derive(Clone, Debug, Default)]
pub struct Index {
    _cache: Option<PathBuf>,
}

impl Index {
    /// An empty index. `cache` is a folder of Claw's own in which it may keep what it knows between runs.
    pub fn new(cache: Option<PathBuf>) -> Index {
        Index { _cache: cache }
    }
}
