//! `read_file`: the lines of a document, as the session sees it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::builtin::Builtin;
use super::propose::{resolve, unreadable};
use super::show::{cap, label, line_count, numbered};
use super::symbols;
use super::{Effect, ToolContext, ToolError, ToolOutput};
use crate::context::Shown;
use crate::context::outline::{Reader, reader_of};
use crate::text::{FileEncoding, LineEnding, Text};
use crate::workspace::{DocPath, ReadError, View};

pub(in crate::tools) struct ReadFile;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// File to read, relative to the workspace root.
    path: String,
    /// First line to show, counted from 1. Default: 1.
    offset: Option<usize>,
    /// Most lines to show. Default: 2000.
    limit: Option<usize>,
}

/// Lines that are shown when no limit is given.
const LINES: usize = 2_000;
/// A file of more lines, or bytes, is shown by its outline where nobody says what of it is wanted.
const LARGE_LINES: usize = 1_000;
const LARGE_BYTES: usize = 48 * 1024;
/// Definitions that an outline must have to be worth more than the text.
const LEAST_DEFINITIONS: usize = 8;
/// Lines at the start of a large file that are shown beside its outline: what it is, and what it imports.
const FIRST_LINES: usize = 40;
/// What is read of a file too large to be taken whole, in bytes.
const HEAD: usize = 256 * 1024;

impl Builtin for ReadFile {
    type Arguments = Arguments;
    const NAME: &'static str = "read_file";
    const DESCRIPTION: &'static str = "Reads a text file of the workspace: each line with its number, a tab, then the \
        line. Shows unsaved text of the user's editor and your own proposed edits. Of a large file of code it shows the \
        outline: ask for the lines you need with offset and limit. Long files are cut; the last line of the result then \
        says how to go on. `[secret: …]` stands in place of a secret.";
    const EFFECT: Effect = Effect::Reads;

    fn run(context: &ToolContext, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        let view = context.view();
        let path = resolve(&view, &arguments.path)?;
        let page = Page {
            name: view.roots().display(&path),
            first: arguments.offset.unwrap_or(1).max(1).saturating_sub(1),
            limit: arguments.limit.unwrap_or(LINES).max(1),
            most: context.max_output.saturating_sub(400),
        };
        let document = match view.read(&path) {
            Ok(document) => document,
            Err(ReadError::TooLarge { .. }) => return read_head(&view, &path, &page),
            Err(error) => return Err(unreadable(&view, &path, &error)),
        };
        let mut labels: Vec<String> = label(&view, &path, document.layer).map(str::to_owned).into_iter().collect();
        match document.encoding {
            FileEncoding::Utf8 => {}
            FileEncoding::Binary => {
                let bytes = document.text.len();
                return Err(ToolError::model(format!("`{}` is binary ({bytes} bytes): it is not shown", page.name)));
            }
            other => labels.push(other.label().to_owned()),
        }
        match document.text.line_ending() {
            LineEnding::Lf => {}
            LineEnding::CrLf => labels.push("lines end in CRLF; write \\n, it is kept".to_owned()),
            LineEnding::Cr => labels.push("lines end in CR; write \\n, it is kept".to_owned()),
        }
        if let Some(reason) = &document.read_only {
            labels.push(format!("can not be edited: {reason}"));
        }
        let shown = Shown::of(&view, &path, &document.text);
        labels.extend(shown.note());
        let whole = arguments.offset.is_none() && arguments.limit.is_none();
        let output = match whole.then(|| page.outline(&shown.text, &labels, reader_of(&view, &path))).flatten() {
            Some(outline) => outline,
            None => page.show(&shown.text, &labels, None)?,
        };
        context.seen.note(path, document.text.hash());
        Ok(output)
    }
}

/// Which lines to show, of what, in how many bytes.
struct Page {
    name: String,
    /// 0-based.
    first: usize,
    limit: usize,
    most: usize,
}

impl Page {
    /// The first lines and the definitions of a large file, where it has many.
    fn outline(&self, text: &Text, labels: &[String], reader: Option<Reader>) -> Option<ToolOutput> {
        let count = line_count(text);
        if count <= LARGE_LINES && text.len() <= LARGE_BYTES {
            return None;
        }
        let rows = symbols::rows(text, reader?.language(), None);
        if rows.lines().count() < LEAST_DEFINITIONS {
            return None;
        }
        let mut labels = labels.to_vec();
        labels.push(format!("{count} lines, so this is its start and its outline"));
        let (first, _) = numbered(text, 0..FIRST_LINES.min(count), self.most / 2);
        let last = "[ask for lines with offset and limit]\n";
        let head = format!("[{}: {}]\n{first}[definitions]\n", self.name, labels.join("; "));
        let room = self.most.saturating_sub(head.len() + last.len());
        let rows = match rows.len() > room {
            false => rows,
            // Those that stand in others are the first to go.
            true => {
                let is_outer = |row: &&str| row.split_once('\t').is_some_and(|(_, rest)| !rest.starts_with("    "));
                rows.lines().filter(is_outer).map(|row| format!("{row}\n")).collect()
            }
        };
        let (rows, _) = cap(rows, room);
        let rows = format!("{}\n", rows.trim_end_matches('\n'));
        Some(ToolOutput { text: format!("{head}{rows}{last}"), truncated: true })
    }

    /// `beyond` says what there is behind `text`, where it is the start of something larger.
    fn show(&self, text: &Text, labels: &[String], beyond: Option<&str>) -> Result<ToolOutput, ToolError> {
        let count = line_count(text);
        let name = &self.name;
        if self.first >= count && self.first > 0 {
            let rest = beyond.map(|beyond| format!(" ({beyond})")).unwrap_or_default();
            return Err(ToolError::model(format!(
                "`{name}` has {count} lines{rest}: offset {} lies behind them",
                self.first.saturating_add(1)
            )));
        }
        let wanted = self.first..self.first.saturating_add(self.limit).min(count);
        let (mut shown, next) = numbered(text, wanted, self.most);
        if !labels.is_empty() {
            shown.insert_str(0, &format!("[{name}: {}]\n", labels.join("; ")));
        }
        if count == 0 {
            shown.push_str(&format!("[{name} is empty]\n"));
        }
        let mut truncated = next < count;
        if next < count {
            let (first, after) = (self.first.saturating_add(1), next.saturating_add(1));
            shown.push_str(&format!("[lines {first} to {next} of {count}; go on with offset {after}]\n"));
        }
        if let Some(beyond) = beyond {
            truncated = true;
            shown.push_str(&format!("[{beyond}]\n"));
        }
        Ok(ToolOutput { text: shown, truncated })
    }
}

/// The start of a file that is too large to be taken whole.
fn read_head(view: &View, path: &DocPath, page: &Page) -> Result<ToolOutput, ToolError> {
    let head = view.read_head(path, HEAD).map_err(|error| unreadable(view, path, &error))?;
    if head.encoding == FileEncoding::Binary {
        return Err(ToolError::model(format!("`{}` is binary ({} bytes): it is not shown", page.name, head.size)));
    }
    let beyond = format!("only the first {HEAD} bytes of {} can be read of so large a file", head.size);
    let shown = Shown::of(view, path, &head.text);
    let labels: Vec<String> = std::iter::once("too large to be edited".to_owned()).chain(shown.note()).collect();
    page.show(&shown.text, &labels, Some(&beyond))
}
