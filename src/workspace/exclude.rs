//! What a model is never shown: `context.exclude`.
//!
//! The set is held by a [`Workspace`](super::Workspace) that is made for a model, and every [`View`](super::View) of it goes
//! by it: what is excluded can not be read, listed, searched or proposed through such a view.

use std::sync::Arc;

use super::disk::through_link;
use super::search::{Glob, ScopeError};
use super::{DocPath, Roots};

/// Globs of files, compiled. A glob that names a folder stands for all that lies in it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Exclude {
    globs: Arc<[Glob]>,
}

impl Exclude {
    /// Globs as in a `.gitignore`: without a slash they are about a name in any folder, else about a path from a root.
    pub fn new(globs: &[String]) -> Result<Exclude, ScopeError> {
        let globs: Result<Vec<Glob>, ScopeError> =
            globs.iter().map(|glob| Glob::new(glob.strip_suffix('/').unwrap_or(glob))).collect();
        Ok(Exclude { globs: globs?.into() })
    }

    pub fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    /// Whether `path`, or what a link there leads to, is excluded. Asks the disk about links.
    pub(in crate::workspace) fn holds(&self, roots: &Roots, path: &DocPath) -> bool {
        if self.is_empty() {
            return false;
        }
        self.names(roots, path) || target_of(roots, path).is_some_and(|target| self.names(roots, &target))
    }

    /// Whether `path` is excluded by its name alone.
    pub(in crate::workspace) fn names(&self, roots: &Roots, path: &DocPath) -> bool {
        !self.is_empty() && spellings(roots, path).iter().any(|name| self.matches(name))
    }

    fn matches(&self, name: &str) -> bool {
        let folders = name.match_indices('/').filter_map(|(at, _)| name.get(..at));
        folders.chain([name]).any(|part| self.globs.iter().any(|glob| glob.matches(part)))
    }
}

/// The names under which a glob may mean `path`: from its root, from another root around it, with its root's name before it.
fn spellings(roots: &Roots, path: &DocPath) -> Vec<String> {
    match (path, roots.absolute(path)) {
        (DocPath::File { .. }, Some(absolute)) => {
            let from_roots = roots.iter().filter_map(|root| absolute.strip_prefix(&root.path).ok()?.to_str());
            from_roots.map(str::to_owned).chain([roots.display(path)]).collect()
        }
        (DocPath::File { rel, .. }, None) => vec![rel.to_string()],
        (DocPath::Virtual(uri), _) => {
            let file = url::Url::parse(uri).ok().and_then(|url| url.to_file_path().ok());
            let name = file.as_deref().and_then(|file| file.to_str());
            let name = name.or_else(|| uri.split_once(':').map(|(_, rest)| rest)).unwrap_or(uri);
            vec![name.trim_start_matches('/').to_owned()]
        }
    }
}

/// The file that `path` leads to by a link.
pub(in crate::workspace) fn target_of(roots: &Roots, path: &DocPath) -> Option<DocPath> {
    let DocPath::File { root, rel } = path else { return None };
    let root = roots.get(*root).filter(|root| through_link(&root.dir, rel))?;
    let target = root.dir.canonicalize(rel.as_ref()).ok()?;
    Some(DocPath::File { root: root.id, rel: target.to_str()?.into() })
}
