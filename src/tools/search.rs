//! `search`: lines that match a regular expression.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Deserialize;

use super::builtin::Builtin;
use super::show::layer_label;
use super::{Effect, ToolContext, ToolError, ToolOutput};
use crate::context::Shown;
use crate::text::hidden::visible_line;
use crate::workspace::search::{Match, Pattern, Scope};
use crate::workspace::{DocPath, View};

pub(in crate::tools) struct Search;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// Regular expression in the syntax of Rust and ripgrep, matched line by line. Escape `(`, `[`, `{`, `.` and the like
    /// to find them literally.
    pattern: String,
    /// Folder or file to search, relative to the workspace root. Default: the whole workspace.
    path: Option<String>,
    /// Only files of these names, such as `*.rs`.
    glob: Option<String>,
    /// Whether upper and lower case are told apart. Default: true.
    case: Option<bool>,
}

/// Most lines of one answer.
const MOST: usize = 500;
/// How long a search may take.
const TIME: Duration = Duration::from_secs(20);

impl Builtin for Search {
    type Arguments = Arguments;
    const NAME: &'static str = "search";
    const DESCRIPTION: &'static str = "Searches the files of the workspace for a regular expression and shows the lines \
        that match, with their numbers, file by file. Searches unsaved text of the user's editor and your own proposed \
        edits. Files that .gitignore excludes and binary files are left out.";
    const EFFECT: Effect = Effect::Reads;

    fn run(context: &ToolContext, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        let view = context.view();
        let pattern = Pattern::new(&arguments.pattern, arguments.case.unwrap_or(true))
            .map_err(|error| ToolError::model(error.to_string()))?;
        let scope = Scope::new(&view, arguments.path.as_deref(), arguments.glob.as_deref())
            .map_err(|error| ToolError::model(error.to_string()))?;
        let start = Instant::now();
        let stop = || context.cancel.is_cancelled() || start.elapsed() > TIME;
        let found = view.search(&pattern, &scope, MOST, &stop);

        let most = context.max_output.saturating_sub(400);
        let mut shown = String::new();
        let mut count = 0usize;
        let mut last = None;
        let mut files = Files::default();
        let matches: Vec<(&Match, Cow<'_, str>)> =
            found.matches.iter().filter_map(|found| Some((found, files.line(&view, &pattern, found)?))).collect();
        for (found, line) in &matches {
            let mut row = String::new();
            if last != Some(&found.path) {
                row = format!(
                    "{}{}\n",
                    visible_line(&view.roots().display(&found.path)),
                    layer_label(&view, &found.path)
                );
                last = Some(&found.path);
            }
            row.push_str(&format!("{:>6}\t{}\n", found.line, line));
            if shown.len().saturating_add(row.len()) > most {
                break;
            }
            shown.push_str(&row);
            count = count.saturating_add(1);
        }
        let cut = found.more || count < matches.len();
        if matches.is_empty() {
            shown = format!("no line matches, in {} files\n", found.searched);
        }
        if cut {
            shown.push_str(&format!("[the first {count} matches; narrow the search to see others]\n"));
        }
        if found.stopped {
            shown.push_str("[stopped before all files were searched: narrow the search by path or glob]\n");
        }
        if !found.too_large.is_empty() {
            let names: Vec<String> = found
                .too_large
                .iter()
                .take(3)
                .map(|path| visible_line(&view.roots().display(path)).into_owned())
                .collect();
            shown.push_str(&format!(
                "[not searched, too large: {} files, such as {}]\n",
                found.too_large.len(),
                names.join(", ")
            ));
        }
        Ok(ToolOutput { text: shown, truncated: cut || found.stopped })
    }
}

/// The file that was looked at last, as it may be shown; `None` where nothing of it is masked.
#[derive(Default)]
struct Files<'a> {
    last: Option<(&'a DocPath, Option<Shown>)>,
}

impl<'a> Files<'a> {
    /// A line that matched, as it may be shown. `None` if it matched by what is masked: who could ask for a part of a secret
    /// would learn the whole.
    fn line(&mut self, view: &View, pattern: &Pattern, found: &'a Match) -> Option<Cow<'a, str>> {
        if self.last.as_ref().is_none_or(|(path, _)| *path != &found.path) {
            // Gone since it was searched: then nothing can be told of it.
            let document = view.read(&found.path).ok()?;
            let shown = Shown::of(view, &found.path, &document.text);
            self.last = Some((&found.path, Some(shown).filter(|shown| !shown.found.is_empty())));
        }
        let Some((_, Some(shown))) = &self.last else { return Some(Cow::Borrowed(&found.text)) };
        let line = shown.text.slice(shown.text.line_range(found.line.saturating_sub(1)))?;
        pattern.shown_line(line.trim_end_matches(['\r', '\n'])).map(Cow::Owned)
    }
}
