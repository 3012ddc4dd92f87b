//! `apply_patch`: several places of several files at once, all of them or none.

use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;

use super::builtin::Builtin;
use super::patch::{Change, FilePatch, Hunk, parse};
use super::places::{NotThere, Places, join, missing, nearest, places};
use super::preflight::note;
use super::propose::{editable, editable_or_new, propose, refuse_mark, resolve, stale};
use super::show::line_count;
use super::{Effect, ToolContext, ToolError, ToolOutput};
use crate::context::{Shown, secret_name};
use crate::secrets::is_secret_file;
use crate::text::{Edit, Text};
use crate::workspace::{DocPath, Document, View};

pub(in crate::tools) struct ApplyPatch;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// A unified diff, or `*** Begin Patch`, then for each file `*** Add File: path`, `*** Delete File: path` or
    /// `*** Update File: path` with hunks below `@@`, then `*** End Patch`.
    patch: String,
}

/// What becomes of one file.
struct Planned {
    path: DocPath,
    seen: Option<Document>,
    text: Option<Text>,
    to: Option<DocPath>,
    report: String,
}

impl Builtin for ApplyPatch {
    type Arguments = Arguments;
    const NAME: &'static str = "apply_patch";
    const DESCRIPTION: &'static str = "Proposes the changes of a patch to one or more files, all of them or none. Lines that stay \
        say where a hunk belongs: give enough of them. The user reviews the proposal.";
    const EFFECT: Effect = Effect::Edits;

    fn run(context: &ToolContext, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        let files = parse(&arguments.patch).map_err(ToolError::model)?;
        let view = context.view();
        let mut planned: Vec<Planned> = Vec::new();
        for file in files {
            let next = plan(context, &view, file)?;
            let touches = |other: &Planned| [Some(&other.path), other.to.as_ref()].contains(&Some(&next.path));
            if planned.iter().any(touches) {
                let name = view.roots().display(&next.path);
                return Err(ToolError::model(format!("the patch names `{name}` twice: put its hunks together")));
            }
            planned.push(next);
        }
        let before = context.with_overlay(|overlay| overlay.clone());
        let done = planned.iter().try_for_each(|planned| carry_out(context, planned));
        if let Err(error) = done {
            // None of it: half a patch is no state that anybody meant.
            context.with_overlay(|overlay| *overlay = before);
            return Err(error);
        }
        let reports: Vec<&str> = planned.iter().map(|planned| planned.report.trim_end()).collect();
        Ok(ToolOutput::from(reports.join("\n")))
    }
}

fn plan(context: &ToolContext, view: &View, file: FilePatch) -> Result<Planned, ToolError> {
    let path = resolve(view, &file.path)?;
    let name = view.roots().display(&path);
    match file.change {
        Change::Add(content) => {
            if editable_or_new(view, &path)?.is_some() {
                return Err(ToolError::model(format!("`{name}` exists already: the patch should update it")));
            }
            refuse_mark("", &content)?;
            let text = Text::new(&content);
            let report = format!("created `{name}`, {} lines{}", line_count(&text), note(&name, None, &text));
            Ok(Planned { path, seen: None, text: Some(text), to: None, report })
        }
        Change::Delete => {
            let document = editable(view, &path)?;
            context.refuse_outdated(&path, &document, &name)?;
            Ok(Planned { path, seen: Some(document), text: None, to: None, report: format!("deleted `{name}`") })
        }
        Change::Update { to, hunks } => {
            let document = editable(view, &path)?;
            let shown = Shown::of(view, &path, &document.text);
            let (text, at) = patched(&document.text, &shown, &name, &hunks)?;
            refuse_mark(&document.text.to_string(), &text.to_string())?;
            let note = note(&name, Some(&document.text), &text);
            let word = if at.len() == 1 { "line" } else { "lines" };
            let mut report = match at.as_slice() {
                [] => String::new(),
                lines => format!("edited `{name}` at {word} {}{note}", join(lines)),
            };
            let to = to.map(|to| target(view, &path, &to)).transpose()?;
            if let Some(to) = &to {
                report = format!("{report}\nmoved `{name}` to `{}`", view.roots().display(to)).trim_start().to_owned();
            }
            if to.is_none() && text == document.text {
                return Err(ToolError::model(format!("the patch changes nothing in `{name}`")));
            }
            Ok(Planned { path, seen: Some(document), text: Some(text), to, report })
        }
    }
}

/// Where a file is moved to.
fn target(view: &View, from: &DocPath, to: &str) -> Result<DocPath, ToolError> {
    let (from_name, path) = (view.roots().display(from), resolve(view, to)?);
    let name = view.roots().display(&path);
    if let (DocPath::Virtual(_), _) | (_, DocPath::Virtual(_)) = (from, &path) {
        return Err(ToolError::model("only files of the workspace can be moved, and only within it"));
    }
    if secret_name(view, from).is_some() && !is_secret_file(&name) {
        return Err(ToolError::model(format!("`{from_name}` holds secrets, and `{name}` is no name for such a file")));
    }
    if view.exists(&path) {
        return Err(ToolError::model(format!("`{name}` exists already: choose another name")));
    }
    view.check_new(&path).map_err(|error| ToolError::model(error.to_string()))?;
    Ok(path)
}

fn carry_out(context: &ToolContext, planned: &Planned) -> Result<(), ToolError> {
    let Planned { path, seen, text, to, .. } = planned;
    let is_another = seen.as_ref().map(|document| &document.text) != text.as_ref();
    if is_another || text.is_none() {
        propose(context, path, seen.as_ref(), text.clone())?;
    }
    let Some(to) = to else { return Ok(()) };
    let view = context.view();
    let document = editable(&view, path)?;
    context
        .with_overlay(|overlay| overlay.rename(path, &document, to, context.author.clone()))
        .map_err(|_| stale(&view, path))?;
    if let Some(hash) = context.seen.get(path) {
        context.seen.note(to.clone(), hash);
        context.seen.forget(path);
    }
    Ok(())
}

/// The text with all hunks in it, and the lines at which they stand.
fn patched(text: &Text, shown: &Shown, name: &str, hunks: &[Hunk]) -> Result<(Text, Vec<usize>), ToolError> {
    let mut edits = Vec::new();
    for (number, hunk) in (1..).zip(hunks) {
        edits.push(place(text, shown, name, hunk).map_err(|error| in_hunk(error, number, hunks.len()))?);
    }
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let overlap = edits.windows(2).any(|pair| matches!(pair, [one, other] if other.range.start < one.range.end));
    if overlap {
        return Err(ToolError::model(format!("two hunks of `{name}` change the same lines: put them together")));
    }
    let lines = edits.iter().map(|edit| text.line_of(edit.range.start)).collect();
    let text = text.apply_all(&edits).map_err(|error| ToolError::Internal(error.to_string()))?;
    Ok((text, lines))
}

fn in_hunk(error: ToolError, number: usize, of: usize) -> ToolError {
    match error {
        ToolError::Model(told) if of > 1 => {
            ToolError::Model(format!("hunk {number} of {of}: {told}. Nothing was changed"))
        }
        other => other,
    }
}

/// The one place that a hunk means.
fn place(text: &Text, shown: &Shown, name: &str, hunk: &Hunk) -> Result<Edit, ToolError> {
    if hunk.old.is_empty() {
        return insertion(text, hunk).ok_or_else(|| {
            ToolError::model(format!("a hunk of `{name}` has no lines that say where it belongs: give some that stay"))
        });
    }
    let not_there = || missing("a hunk's old text", name, &hunk.old, nearest(shown, &hunk.old));
    let (old, new, found) = match whole_lines(text, places(text, &hunk.old, shown)) {
        Ok(found) => (hunk.old.as_str(), hunk.new.as_str(), found),
        // The last line of a file may have no end, which few patches say.
        Err(NotThere) => {
            let [old, new] = [&hunk.old, &hunk.new].map(|side| side.strip_suffix('\n').unwrap_or(side));
            let mut found = whole_lines(text, places(text, old, shown)).map_err(|NotThere| not_there())?;
            found.ranges.retain(|range| range.end == text.len());
            if found.ranges.is_empty() || old.is_empty() {
                return Err(not_there());
            }
            (old, new, found)
        }
    };
    let range = chosen(text, &found, hunk).ok_or_else(|| {
        let lines = join(&found.lines(text));
        ToolError::model(format!(
            "a hunk of `{name}` matches at lines {lines}: give more lines that stay, or name a line above it after `@@`"
        ))
    })?;
    found.edit(text, &range, old, new).ok_or_else(not_there)
}

/// A hunk is made of whole lines: what only ends like one is another.
fn whole_lines(text: &Text, found: Result<Places, NotThere>) -> Result<Places, NotThere> {
    let mut found = found?;
    found.ranges.retain(|range| text.line_start(text.line_of(range.start)) == range.start);
    if found.ranges.is_empty() { Err(NotThere) } else { Ok(found) }
}

/// The only place; of several the one that begins at the line that the hunk names, or the first below its anchor. Where a text was
/// compared less strictly nothing decides between several.
fn chosen(text: &Text, found: &Places, hunk: &Hunk) -> Option<Range<usize>> {
    let of_line = |range: &&Range<usize>| Some(text.line_of(range.start)) == hunk.line;
    match found.ranges.as_slice() {
        [range] => Some(range.clone()),
        _ if found.rung.is_some() => None,
        ranges if hunk.at_end => ranges.iter().find(|range| range.end == text.len()).cloned(),
        ranges if hunk.line.is_some() => ranges.iter().find(of_line).cloned(),
        ranges => {
            let anchor = anchor(text, hunk.anchor.as_deref()?)?;
            ranges.iter().find(|range| range.start >= anchor).cloned()
        }
    }
}

/// Where the line ends that the anchor names, if only one is so.
fn anchor(text: &Text, anchor: &str) -> Option<usize> {
    let line = |number: &usize| text.slice(text.line_range(*number)).is_some_and(|line| line.trim() == anchor.trim());
    let mut lines = (0..text.line_count()).filter(line);
    let first = lines.next()?;
    lines.next().is_none().then(|| text.line_range(first).end)
}

/// Where lines come in that nothing stands around: behind a line by its number or its name, or at the end.
fn insertion(text: &Text, hunk: &Hunk) -> Option<Edit> {
    let at = match (hunk.line, &hunk.anchor) {
        _ if text.is_empty() => 0,
        (Some(line), _) if line <= text.line_count() => text.line_start(line),
        (None, Some(name)) => anchor(text, name)?,
        _ if hunk.at_end => text.len(),
        _ => return None,
    };
    let before = text.slice(0..at)?;
    let begin = if before.is_empty() || before.ends_with(['\n', '\r']) { "" } else { "\n" };
    let insert = text.with_line_endings_of(at..at, &format!("{begin}{}", hunk.new))?;
    Some(Edit { range: at..at, insert })
}
