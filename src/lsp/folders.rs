//! The workspace folders of the client, as roots of the workspace.

use std::path::Path;

use super::state::{Folder, State};
use super::uri;
use crate::store::Trust;

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

/// Closes a folder. Another that is the same directory keeps it open.
pub fn remove(state: &mut State, folder: &str) {
    let Some(index) = state.folders.iter().position(|other| other.uri == folder) else { return };
    let removed = state.folders.remove(index);
    if !state.folders.iter().any(|other| other.root == removed.root) {
        state.workspace.with_roots(|roots| roots.remove(removed.root));
    }
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
