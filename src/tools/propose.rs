//! What the editing tools share: the way from a name to a document that may be edited, and into the overlay.

use super::{ToolContext, ToolError};
use crate::secrets;
use crate::text::Text;
use crate::workspace::{DocPath, Document, ReadError, Stamp, View};

/// A name from the model as a document.
pub(in crate::tools) fn resolve(view: &View, name: &str) -> Result<DocPath, ToolError> {
    view.roots().resolve(name).map_err(|error| ToolError::model(error.to_string()))
}

/// The document at `path`, which must be there and may be edited.
pub(in crate::tools) fn editable(view: &View, path: &DocPath) -> Result<Document, ToolError> {
    let document = view.read(path).map_err(|error| unreadable(view, path, &error))?;
    match &document.read_only {
        None => Ok(document),
        Some(reason) => Err(ToolError::model(format!(
            "`{}` can not be edited: {reason}. Tell the user, or work without it",
            view.roots().display(path)
        ))),
    }
}

/// The document at `path` if there is one; it may be edited, or made.
pub(in crate::tools) fn editable_or_new(view: &View, path: &DocPath) -> Result<Option<Document>, ToolError> {
    if view.exists(path) {
        return editable(view, path).map(Some);
    }
    view.check_new(path).map_err(|error| ToolError::model(error.to_string()))?;
    Ok(None)
}

/// Why `path` can not be read, with a hint what to do instead.
pub(in crate::tools) fn unreadable(view: &View, path: &DocPath, error: &ReadError) -> ToolError {
    let hint = match error {
        ReadError::NotFound(_) => match similar(view, path).as_slice() {
            [] => ": look with list_files".to_owned(),
            names => format!(". Did you mean {}?", names.join(" or ")),
        },
        ReadError::Directory(name) => format!(": use list_files {{\"path\": \"{name}\"}}"),
        ReadError::TooLarge { .. } => ": read_file shows its start".to_owned(),
        ReadError::Excluded(_) => ": work without it, or tell the user that you need it".to_owned(),
        ReadError::NotOpen(_) | ReadError::Outside(_) | ReadError::Special(..) | ReadError::Io(..) => String::new(),
    };
    ToolError::model(format!("{error}{hint}"))
}

/// Proposes `text` for `path`, if the document still is what `seen` says.
pub(in crate::tools) fn propose(
    context: &ToolContext,
    path: &DocPath,
    seen: Option<&Document>,
    text: Option<Text>,
) -> Result<(), ToolError> {
    let view = context.view();
    still_there(&view, path, seen)?;
    let hash = text.as_ref().map(Text::hash);
    context
        .with_overlay(|overlay| overlay.write(path, seen, text, context.author.clone()))
        .map_err(|_| stale(&view, path))?;
    match hash {
        Some(hash) => context.seen.note(path.clone(), hash),
        None => context.seen.forget(path),
    }
    Ok(())
}

/// Whether a text that a model gives back holds the mark of something it was not shown.
pub(in crate::tools) fn holds_mark(text: &str) -> bool {
    secrets::marks(text).next().is_some()
}

pub(in crate::tools) fn masked_old() -> ToolError {
    ToolError::model("the text you copied holds a masked value: use a shorter old_string without it")
}

/// Refuses a text that would put a mark where a secret stands, or anywhere it was not.
pub(in crate::tools) fn refuse_mark(old: &str, new: &str) -> Result<(), ToolError> {
    match secrets::added_mark(old, new) {
        None => Ok(()),
        Some(mark) => Err(ToolError::model(format!(
            "would write the mask into the file: `{mark}` stands for a value that you are not shown. Leave the line that holds the \
             value as it is, by edit_file on what stands around it"
        ))),
    }
}

/// Looks at the live document again: it may have changed since `seen` was read.
pub(in crate::tools) fn still_there(view: &View, path: &DocPath, seen: Option<&Document>) -> Result<(), ToolError> {
    if view.overlay().get(path).is_some() {
        return Ok(());
    }
    let expected = seen.map_or(Stamp::Absent, |document| document.stamp);
    match view.live_stamp(path) {
        Ok(stamp) if stamp == expected => Ok(()),
        Ok(_) => Err(stale(view, path)),
        Err(error) => Err(unreadable(view, path, &error)),
    }
}

pub(in crate::tools) fn stale(view: &View, path: &DocPath) -> ToolError {
    ToolError::model(format!("`{}` changed since it was read: read it again", view.roots().display(path)))
}

/// Files elsewhere with the same name, at most three.
fn similar(view: &View, path: &DocPath) -> Vec<String> {
    let name = |path: &DocPath| match path {
        DocPath::File { rel, .. } => rel.rsplit('/').next().map(str::to_lowercase),
        DocPath::Virtual(_) => None,
    };
    let Some(wanted) = name(path) else { return Vec::new() };
    view.files(20_000)
        .files
        .iter()
        .filter(|path| name(path).as_ref() == Some(&wanted))
        .take(3)
        .map(|path| format!("`{}`", view.roots().display(path)))
        .collect()
}
