//! `symbols`: what a file, a folder or the workspace defines.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Deserialize;

use super::builtin::Builtin;
use super::show::layer_label;
use super::{Effect, ToolContext, ToolError, ToolOutput};
use crate::context::Shown;
use crate::context::outline::{Reader, reader_of};
use crate::syntax::{Language, Symbols, indent};
use crate::text::Text;
use crate::text::hidden::visible_line;
use crate::workspace::search::Scope;

pub(in crate::tools) struct FindSymbols;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// Part of the name of the definitions to show, such as `parse` or `Shape::area`; upper and lower case are the same.
    /// Default: all definitions.
    query: Option<String>,
    /// File or folder to look into, relative to the workspace root. Default: the whole workspace.
    path: Option<String>,
}

/// Most files of one answer, and how long it may take.
const FILES: usize = 5_000;
const TIME: Duration = Duration::from_secs(10);

impl Builtin for FindSymbols {
    type Arguments = Arguments;
    const NAME: &'static str = "symbols";
    const DESCRIPTION: &'static str = "Lists definitions (functions, types, methods, constants) with line numbers and \
        signatures, file by file. Good to find where something is defined, or to see what is in a file without reading \
        it. Files of a language without a grammar are outlined by their indentation.";
    const EFFECT: Effect = Effect::Reads;

    fn run(context: &ToolContext, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        let view = context.view();
        let scope =
            Scope::new(&view, arguments.path.as_deref(), None).map_err(|error| ToolError::model(error.to_string()))?;
        let is_file =
            arguments.path.as_ref().is_some_and(|path| view.roots().resolve(path).is_ok_and(|path| view.exists(&path)));
        let start = Instant::now();
        let stop = || context.cancel.is_cancelled() || start.elapsed() > TIME;
        let listing = view.list(&scope, FILES, &stop);
        let query = arguments.query.filter(|query| !query.is_empty()).map(|query| plain(&query));

        let most = context.max_output.saturating_sub(300);
        let mut shown = String::new();
        let (mut cut, mut parsed) = (listing.more || listing.stopped, 0usize);
        for path in &listing.files {
            if stop() {
                cut = true;
                break;
            }
            let is_named = is_file && listing.files.len() == 1;
            let Some(reader) = reader_of(&view, path).or(is_named.then_some(Reader::Indentation)) else { continue };
            let Ok(document) = view.read(path) else { continue };
            parsed = parsed.saturating_add(1);
            let rows = rows(&Shown::of(&view, path, &document.text).text, reader.language(), query.as_deref());
            if rows.is_empty() {
                continue;
            }
            let section = format!("{}{}\n{rows}", visible_line(&view.roots().display(path)), layer_label(&view, path));
            if shown.len().saturating_add(section.len()) > most && !shown.is_empty() {
                cut = true;
                break;
            }
            shown.push_str(&section);
        }
        if shown.is_empty() {
            shown = format!("no definition matches, in {parsed} files of a known language\n");
        }
        if cut {
            shown.push_str("[more was left out: narrow it by path or query]\n");
        }
        Ok(ToolOutput { text: shown, truncated: cut })
    }
}

/// One line a definition, indented as they lie in one another.
pub(in crate::tools) fn rows(text: &Text, language: Option<Language>, query: Option<&str>) -> String {
    let symbols = language.map_or_else(|| indent::outline(text), |language| Symbols::of(text, language));
    let mut rows = String::new();
    for (index, symbol) in symbols.all.iter().enumerate() {
        let path = symbols.path(index).unwrap_or_else(|| symbol.name.to_string());
        if query.is_some_and(|query| !plain(&path).contains(query)) {
            continue;
        }
        let line = text.line_of(symbol.name_range.start).saturating_add(1);
        let depth = if query.is_some() { 0 } else { depth(&symbols, index) };
        let holder = match (query, symbol.parent.and_then(|parent| symbols.path(parent))) {
            (Some(_), Some(holder)) => format!("  (in {holder})"),
            _ => String::new(),
        };
        // What is written about it helps to tell one of several from the others.
        let doc = symbol.doc.as_ref().filter(|_| query.is_some()).map(|doc| format!("  // {doc}")).unwrap_or_default();
        rows.push_str(&format!("{line:>6}\t{}{}{holder}{doc}\n", "  ".repeat(depth), symbol.signature));
    }
    rows
}

/// `Shape.area` and `shape::area` are the same question.
fn plain(name: &str) -> String {
    name.to_lowercase().replace('.', "::")
}

fn depth(symbols: &Symbols, index: usize) -> usize {
    let parent = |index: &usize| symbols.all.get(*index).and_then(|symbol| symbol.parent);
    std::iter::successors(parent(&index), parent).take(32).count()
}
