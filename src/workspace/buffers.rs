//! What the editor has open: the truth about those documents, saved or not.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::DocPath;
use crate::text::Text;

/// An open document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    pub text: Text,
    /// The editor's version of it.
    pub version: i32,
    /// The URI as the editor spells it: answers must use its spelling.
    pub uri: Arc<str>,
    pub language_id: Arc<str>,
    /// Something in a change could not be represented (a lone surrogate), so `text` may differ from what the editor
    /// shows. Not edited until the editor sends the document whole.
    pub lossy: bool,
}

/// The open documents. A value: clones are cheap enough to take at every request.
#[derive(Clone, Debug, Default)]
pub struct Buffers {
    open: BTreeMap<DocPath, Arc<Buffer>>,
}

impl Buffers {
    pub fn get(&self, path: &DocPath) -> Option<&Arc<Buffer>> {
        self.open.get(path)
    }

    pub fn set(&mut self, path: DocPath, buffer: Buffer) {
        self.open.insert(path, Arc::new(buffer));
    }

    pub fn close(&mut self, path: &DocPath) -> Option<Arc<Buffer>> {
        self.open.remove(path)
    }

    pub(in crate::workspace) fn without(&self, left_out: impl Fn(&DocPath) -> bool) -> Buffers {
        let kept = self.open.iter().filter(|(path, _)| !left_out(path));
        Buffers { open: kept.map(|(path, buffer)| (path.clone(), Arc::clone(buffer))).collect() }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&DocPath, &Arc<Buffer>)> {
        self.open.iter()
    }

    pub fn len(&self) -> usize {
        self.open.len()
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}
