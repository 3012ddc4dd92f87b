//! The edits that make hunks, as they go to the editor.

use std::sync::Arc;

use crate::event::HunkFlag;
use crate::lsp::edits::{Annotated, Annotation, EditSupport, Step};
use crate::lsp::flights::Document;
use crate::lsp::review::{PlacedFile, ReviewFile, ReviewHunk, merge_steps};
use crate::lsp::server::Server;
use crate::text::{Edit, PositionEncoding, Text};
use crate::workspace::proposal::Sent;
use crate::workspace::{HunkId, Workspace};

/// The part of a proposal that goes to the editor in one edit.
#[derive(Default)]
pub struct Batch {
    pub steps: Vec<Step>,
    pub hunks: Vec<HunkId>,
    /// Names of the files.
    pub files: Vec<String>,
    /// What is edited, and not made, moved or deleted whole.
    pub documents: Vec<Document>,
    /// The same as `steps`, each with what is shown of it.
    pub annotated: Vec<Annotated>,
}

/// The edits that make the hunks that are wanted, one a file, and why others are not among them.
pub fn batches(
    server: &Server,
    workspace: &Workspace,
    files: &[ReviewFile],
    is_wanted: impl Fn(&ReviewHunk) -> bool,
) -> (Vec<Batch>, Vec<String>) {
    let encoding = server.state.with(|state| state.client.encoding);
    let buffers = workspace.buffers();
    let mut batches: Vec<Batch> = Vec::new();
    let mut complaints = Vec::new();
    for file in files {
        let mut batch = Batch { files: vec![file.name.clone()], ..Batch::default() };
        let buffer = buffers.get(&file.live);
        let now = buffer.map_or(&file.text, |buffer| &buffer.text);
        let placed = file.placed(now);
        let mut edits = Vec::new();
        for hunk in file.hunks.iter().filter(|hunk| is_wanted(hunk)) {
            let Some(step) = placed.accept_step(hunk, buffer.map(|buffer| buffer.version), encoding) else {
                complaints.push(format!("{} was changed just now: a hunk in it was not applied", file.name));
                continue;
            };
            batch.annotated.push(Annotated { step: step.clone(), annotation: annotation(file, hunk) });
            batch.steps.push(step);
            batch.hunks.push(HunkId(hunk.id.clone()));
            edits.extend(edit(&placed, hunk));
        }
        batch.documents.extend(document(file, now, edits, encoding));
        batch.steps = merge_steps(batch.steps);
        if !batch.steps.is_empty() {
            batches.push(batch);
        }
    }
    (batches, complaints)
}

/// One edit for all files where the client takes all or nothing, else one for each.
pub fn group(batches: Vec<Batch>, support: EditSupport) -> Vec<Batch> {
    let steps: Vec<Step> = batches.iter().flat_map(|batch| batch.steps.iter().cloned()).collect();
    if batches.len() < 2 || !support.takes_together(&steps) { batches } else { vec![together(batches)] }
}

pub fn together(batches: Vec<Batch>) -> Batch {
    let mut all = Batch::default();
    for batch in batches {
        all.steps.extend(batch.steps);
        all.hunks.extend(batch.hunks);
        all.files.extend(batch.files);
        all.documents.extend(batch.documents);
        all.annotated.extend(batch.annotated);
    }
    all
}

fn edit(placed: &PlacedFile<'_>, hunk: &ReviewHunk) -> Option<Edit> {
    let range = placed.place(hunk).filter(|_| !hunk.whole_file)?;
    Some(Edit { range, insert: hunk.new_text.clone() })
}

fn document(file: &ReviewFile, now: &Text, edits: Vec<Edit>, encoding: PositionEncoding) -> Option<Document> {
    if edits.is_empty() {
        return None;
    }
    let meant = now.apply_all(&edits);
    match meant.and_then(|meant| Ok((meant, Sent::new(now.clone(), edits, encoding)?))) {
        Ok((meant, sent)) => {
            Some(Document { path: file.live.clone(), name: file.name.clone(), sent: Arc::new(sent), meant })
        }
        Err(error) => {
            tracing::error!(%error, file = file.name, "hunks do not fit the text that they were placed in");
            None
        }
    }
}

/// What a preview shows of a hunk. One that has something to look at is not taken unless the user says so.
fn annotation(file: &ReviewFile, hunk: &ReviewHunk) -> Annotation {
    let flags = hunk.flags.iter().map(|flag| match flag {
        HunkFlag::HiddenCharacters => "hides characters",
        HunkFlag::Syntax => "adds a syntax error",
        HunkFlag::Protected => "protected path",
    });
    let about: Vec<&str> = hunk.symbol.as_deref().into_iter().chain(flags).collect();
    let description = if about.is_empty() { file.name.clone() } else { about.join(", ") };
    Annotation { label: hunk.label(), description, needs_confirmation: !hunk.flags.is_empty() }
}
