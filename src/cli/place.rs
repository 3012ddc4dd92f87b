//! Places in the workspace as a user writes them: `FILE` and `FILE:LINE`.

use super::error::CliError;
use crate::context::Focus;
use crate::workspace::{DocPath, View};

/// The file that `name` means, relative to the workspace or absolute beneath it.
pub fn file(view: &View, name: &str) -> Result<DocPath, CliError> {
    let roots = view.roots();
    let path = std::path::Path::new(name);
    let found = match path.is_absolute() {
        true => roots.of_absolute(path).ok_or_else(|| CliError::usage(format!("{name} is not in the workspace")))?,
        false => roots.resolve(name).map_err(|error| CliError::usage(error.to_string()))?,
    };
    match view.exists(&found) {
        true => Ok(found),
        false => Err(CliError::usage(format!("{name} does not exist: name a file relative to the workspace"))),
    }
}

/// `FILE`, or `FILE:LINE` with a 1-based line: the cursor stands at the first character there.
pub fn focus(view: &View, place: &str) -> Result<Focus, CliError> {
    let (name, line) = match place.rsplit_once(':').and_then(|(name, line)| Some((name, line.parse::<usize>().ok()?))) {
        Some((_, 0)) => return Err(CliError::usage(format!("{place}: lines are counted from 1"))),
        Some((name, line)) => (name, line),
        None => (place, 1),
    };
    let path = file(view, name)?;
    let document = view.read(&path).map_err(|error| CliError::usage(error.to_string()))?;
    let lines = document.text.line_count();
    if line > lines {
        return Err(CliError::usage(format!("{name} has {lines} lines, and {place} is past them")));
    }
    let range = document.text.line_range(line - 1);
    let content = document.text.slice(range.clone()).unwrap_or_default();
    let start = range.start + (content.len() - content.trim_start_matches([' ', '\t']).len());
    Ok(Focus { path, range: start..start })
}
