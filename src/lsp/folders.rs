//! The workspace folders of the client, as roots of the workspace.

use std::path::Path;

use super::state::{Folder, State};
use super::uri;
use crate::agent::Session;
use crate::store::Trust;
use crate::workspace::RootId;

/// Opens a folder. One that can not be opened, or is too wide to be a project, is told to the user and left out: its documents
/// are then known only while they are open. `trust` tells whether the user has marked a folder as trusted.
pub fn add(state: &mut State, folder: &str, trust: &Trust) {
    let Some(path) = uri::file_path(folder) else {
        tracing::info!(folder, "a workspace folder that is not on this disk");
        return;
    };
    let is_too_wide = is_too_wide(&path, std::env::home_dir().as_deref());
    if is_too_wide && !state.settings.trusted && !trust.is_trusted(&path) {
        state.folder_problems.push(format!(
            "Claw does not look into {} because it is no project: open the project's own folder, or trust this one \
             (`claw trust {}`).",
            path.display(),
            path.display()
        ));
        return;
    }
    match state.workspace.with_roots(|roots| roots.add(&path)) {
        Ok(root) => {
            state.folders.retain(|other| other.uri != folder);
            state.folders.push(Folder { uri: folder.to_owned(), path, root });
        }
        Err(error) => {
            state.folder_problems.push(format!("Claw can not open the folder {}: {error}", path.display()));
        }
    }
}

/// Closes folders, and cancels the turns at work in them: with no folder left every turn. A folder that is the same directory
/// as one that stays keeps it open.
pub fn remove<'a>(state: &mut State, folders: impl IntoIterator<Item = &'a str>) {
    let roots: Vec<RootId> = folders.into_iter().filter_map(|folder| remove_one(state, folder)).collect();
    if roots.is_empty() {
        return;
    }
    let none_is_left = state.workspace.roots().is_empty();
    let is_homeless = |session: &Session| none_is_left || roots.iter().any(|root| session.is_running_in(*root));
    for session in state.sessions.values().map(|entry| &entry.session).filter(|session| is_homeless(session)) {
        if session.cancel() {
            tracing::info!(session = session.id(), "cancelled: the folder that its turn was at work in was closed");
        }
    }
}

/// The root that is gone with `folder`.
fn remove_one(state: &mut State, folder: &str) -> Option<RootId> {
    let index = state.folders.iter().position(|other| other.uri == folder)?;
    let root = state.folders.remove(index).root;
    if state.folders.iter().any(|other| other.root == root) {
        return None;
    }
    state.workspace.with_roots(|roots| roots.remove(root));
    Some(root)
}

/// Whether a folder is too wide to be a project: the root of the file system, a home, or what holds one.
fn is_too_wide(path: &Path, home: Option<&Path>) -> bool {
    path.parent().is_none() || home.is_some_and(|home| home.starts_with(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l15_the_whole_disk_and_a_home_are_no_project() {
        let home = Some(Path::new("/home/ada"));
        for (path, expected) in
            [("/", true), ("/home", true), ("/home/ada", true), ("/home/ada/code", false), ("/w", false)]
        {
            assert_eq!(is_too_wide(Path::new(path), home), expected, "{path}");
        }
    }
}
