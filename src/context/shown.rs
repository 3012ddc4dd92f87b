//! What may be shown of a document: its text without secrets. Every text of a document that goes to a model passes here.

use crate::secrets::{self, Found};
use crate::text::Text;
use crate::workspace::{DocPath, View};

/// A document's text without secrets, line for line that of the document.
pub struct Shown {
    pub text: Text,
    /// The secrets, in bytes of the document.
    pub found: Vec<Found>,
    /// The file's values are secrets by its name: all of them are masked.
    pub is_secret_file: bool,
}

impl Shown {
    /// What stands at `path` in `view`, of which `text` was read.
    pub fn of(view: &View, path: &DocPath, text: &Text) -> Shown {
        let name = secret_name(view, path);
        let whole = text.to_string();
        let masked = secrets::shown(name.as_deref(), &whole);
        let shown = if masked.found.is_empty() { text.clone() } else { Text::new(&masked.text) };
        Shown { text: shown, found: masked.found, is_secret_file: name.is_some() }
    }

    /// What a reader is told, where something is masked.
    pub fn note(&self) -> Option<String> {
        match (self.is_secret_file, self.found.len()) {
            (_, 0) => None,
            (true, _) => Some("holds secrets: names are shown, values are masked".to_owned()),
            (false, 1) => Some("1 value that looks like a secret is masked".to_owned()),
            (false, count) => Some(format!("{count} values that look like secrets are masked")),
        }
    }
}

/// The name under which the values of a document are secrets: its own, that of the file to which a link there leads, that
/// from which it is moved.
pub fn secret_name(view: &View, path: &DocPath) -> Option<String> {
    let own = view.roots().display(path);
    if secrets::is_secret_file(&own) {
        return Some(own);
    }
    let origin = view.overlay().get(path).and_then(|file| file.moved_from.clone());
    let others = view.link_target(path).into_iter().chain(origin);
    others.map(|other| view.roots().display(&other)).find(|other| secrets::is_secret_file(other))
}
