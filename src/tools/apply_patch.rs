//! `apply_patch`: several places of several files at once, all of them or none.
//!
//! Each file is planned on what the files before it in the patch would leave, and the whole plan is carried out under one lock.

mod place;

use schemars::JsonSchema;
use serde::Deserialize;

use self::place::edits;
use super::builtin::Builtin;
use super::patch::{Change, FilePatch, parse};
use super::places::join;
use super::preflight::note;
use super::propose::{editable, editable_or_new, refuse_mark, resolve, stale, still_there};
use super::show::line_count;
use super::{Effect, ToolContext, ToolError, ToolOutput};
use crate::context::{Shown, secret_name};
use crate::secrets::is_secret_file;
use crate::text::{Edit, LineEnding, Text};
use crate::workspace::{Author, DocPath, Document, Layer, Overlay, Stale, View};

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
        let planned = apply(context, &arguments.patch).map_err(|error| match error {
            ToolError::Model(told) => ToolError::Model(format!("{told}. Nothing was changed")),
            other => other,
        })?;
        let reports: Vec<&str> = planned.iter().map(|planned| planned.report.trim_end()).collect();
        Ok(ToolOutput::from(reports.join("\n")))
    }
}

fn apply(context: &ToolContext, patch: &str) -> Result<Vec<Planned>, ToolError> {
    let files = parse(patch).map_err(ToolError::model)?;
    let mut overlay = context.with_overlay(|overlay| overlay.clone());
    let mut planned: Vec<Planned> = Vec::new();
    for file in files {
        if context.cancel.is_cancelled() {
            return Err(ToolError::Cancelled);
        }
        let view = context.workspace.view(&overlay);
        let next = plan(context, &view, file)?;
        let of_next = [Some(&next.path), next.to.as_ref()];
        let meets = |other: &Planned| {
            let of_other = [Some(&other.path), other.to.as_ref()];
            of_next.iter().flatten().find(|path| of_other.contains(&Some(path))).copied()
        };
        if let Some(path) = planned.iter().find_map(meets) {
            let name = view.roots().display(path);
            return Err(ToolError::model(format!("the patch names `{name}` twice: put its hunks together")));
        }
        next.carry_out(&mut overlay, &context.author).map_err(|_| stale(&view, &next.path))?;
        planned.push(next);
    }
    commit(context, &planned)?;
    Ok(planned)
}

/// Makes all of it the session's state, or nothing: what others do to the overlay meanwhile comes before it or behind it.
fn commit(context: &ToolContext, planned: &[Planned]) -> Result<(), ToolError> {
    let view = context.view();
    for Planned { path, seen, to, .. } in planned {
        still_there(&view, path, seen.as_ref())?;
        if let Some(to) = to {
            still_there(&view, to, None)?;
        }
    }
    context.with_overlay(|overlay| {
        let mut whole = overlay.clone();
        for planned in planned {
            planned.carry_out(&mut whole, &context.author).map_err(|_| stale(&view, &planned.path))?;
        }
        *overlay = whole;
        Ok(())
    })?;
    for Planned { path, text, to, .. } in planned {
        match (text, to) {
            (Some(text), None) => context.seen.note(path.clone(), text.hash()),
            (Some(text), Some(to)) => {
                context.seen.note(to.clone(), text.hash());
                context.seen.forget(path);
            }
            (None, _) => context.seen.forget(path),
        }
    }
    Ok(())
}

impl Planned {
    fn carry_out(&self, overlay: &mut Overlay, author: &Author) -> Result<(), Stale> {
        let is_same = self.seen.as_ref().map(|document| &document.text) == self.text.as_ref();
        if !is_same {
            overlay.write(&self.path, self.seen.as_ref(), self.text.clone(), author.clone())?;
        }
        match (&self.to, &self.seen, &self.text) {
            (Some(to), Some(seen), _) if is_same => overlay.rename(&self.path, seen, to, author.clone()),
            (Some(to), Some(seen), Some(text)) => {
                let edited = Document { text: text.clone(), layer: Layer::Overlay, ..seen.clone() };
                overlay.rename(&self.path, &edited, to, author.clone())
            }
            _ => Ok(()),
        }
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
        Change::Delete { old } => {
            if let DocPath::Virtual(_) = path {
                return Err(ToolError::model(format!("`{name}` is no file of the workspace and can not be deleted")));
            }
            let document = editable(view, &path)?;
            context.refuse_outdated(&path, &document, &name)?;
            let shown = Shown::of(view, &path, &document.text);
            if old.is_some_and(|old| !is_same_text(&old, &shown.text) && !is_same_text(&old, &document.text)) {
                return Err(ToolError::model(format!(
                    "`{name}` holds something else than the lines that the patch takes away: read it again, or delete it with `*** Delete File: {name}`"
                )));
            }
            Ok(Planned { path, seen: Some(document), text: None, to: None, report: format!("deleted `{name}`") })
        }
        Change::Update { to, hunks } => {
            let document = editable(view, &path)?;
            let shown = Shown::of(view, &path, &document.text);
            let is_current = || context.refuse_outdated(&path, &document, &name);
            let edits = edits(&document.text, &shown, &name, &hunks, &is_current)?;
            let text = document.text.apply_all(&edits).map_err(|error| ToolError::Internal(error.to_string()))?;
            refuse_mark(&document.text.to_string(), &text.to_string())?;
            let to = to.map(|to| target(view, &path, &to)).transpose()?;
            if to.is_none() && text == document.text {
                return Err(ToolError::model(format!("the patch changes nothing in `{name}`")));
            }
            let mut reports = Vec::new();
            if !edits.is_empty() {
                let word = if edits.len() == 1 { "line" } else { "lines" };
                let note = note(&name, Some(&document.text), &text);
                reports.push(format!("edited `{name}` at {word} {}{note}", join(&lines(&edits, &text))));
            }
            reports.extend(to.as_ref().map(|to| format!("moved `{name}` to `{}`", view.roots().display(to))));
            Ok(Planned { path, seen: Some(document), text: Some(text), to, report: reports.join("\n") })
        }
    }
}

fn is_same_text(patch: &str, text: &Text) -> bool {
    LineEnding::Lf.normalize(patch) == LineEnding::Lf.normalize(&text.to_string())
}

/// The lines of `new`, from 0, at which edits begin that made it, in order.
fn lines(edits: &[Edit], new: &Text) -> Vec<usize> {
    let (mut grown, mut shrunk) = (0_usize, 0_usize);
    let mut lines = Vec::new();
    for edit in edits {
        lines.push(new.line_of((edit.range.start + grown).saturating_sub(shrunk)));
        grown += edit.insert.len();
        shrunk += edit.range.len();
    }
    lines
}

/// Where a file is moved to.
fn target(view: &View, from: &DocPath, to: &str) -> Result<DocPath, ToolError> {
    let (from_name, path) = (view.roots().display(from), resolve(view, to)?);
    let name = view.roots().display(&path);
    if let (DocPath::Virtual(_), _) | (_, DocPath::Virtual(_)) = (from, &path) {
        return Err(ToolError::model("only files of the workspace can be moved, and only within it"));
    }
    if *from == path {
        return Err(ToolError::model(format!("`{name}` is moved to where it is")));
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
