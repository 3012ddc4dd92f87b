//! An edit with annotations: what a client that knows them shows the user before it is made.

use std::collections::HashMap;

use tower_lsp::gen_lsp_types::{
    AnnotatedTextEdit, ChangeAnnotation, DocumentChange, Edit, TextDocumentEdit, TextEdit, WorkspaceEdit,
};

use super::{EditSupport, Step, Unsupported};

/// A step, and what is shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotated {
    pub step: Step,
    pub annotation: Annotation,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    pub label: String,
    pub description: String,
    /// It is not made unless the user says so.
    pub needs_confirmation: bool,
}

/// Names the change that opens the preview.
const LOOK: &str = "claw.look";

impl EditSupport {
    /// The edit that takes these steps when the user has looked at them. It holds one empty change that needs a yes: with it VS Code
    /// shows its preview, in which those are ticked that need none. The map of annotations names every id that is used.
    pub fn annotated_edit(&self, steps: Vec<Annotated>) -> Result<WorkspaceEdit, Unsupported> {
        let mut annotations: HashMap<String, ChangeAnnotation> = HashMap::new();
        let (mut changes, mut last) = (Vec::new(), Vec::new());
        for (number, Annotated { step, annotation }) in steps.into_iter().enumerate() {
            let id = format!("claw.{number}");
            annotations.insert(id.clone(), annotation.change());
            // After the changes to what goes by this name.
            let is_last = matches!(step, Step::Rename { .. } | Step::Delete { .. });
            let mut made = Vec::new();
            self.push_document_changes(step, &mut made)?;
            let into = if is_last { &mut last } else { &mut changes };
            made.into_iter().for_each(|change| push(into, with_annotation(change, &id)));
        }
        let first = changes.iter_mut().find_map(|change| match change {
            DocumentChange::TextDocumentEdit(edit) => Some(&mut edit.edits),
            DocumentChange::CreateFile(_) | DocumentChange::RenameFile(_) | DocumentChange::DeleteFile(_) => None,
        });
        match first {
            Some(edits) => {
                let look = Annotation {
                    label: "Look through the changes".to_owned(),
                    description: "changes nothing by itself".to_owned(),
                    needs_confirmation: true,
                };
                annotations.insert(LOOK.to_owned(), look.change());
                edits.push(annotated(TextEdit::default(), LOOK));
            }
            // Nothing but files that go or move: each is asked about.
            None => annotations.values_mut().for_each(|annotation| annotation.needs_confirmation = Some(true)),
        }
        changes.append(&mut last);
        let change_annotations = Some(annotations);
        Ok(WorkspaceEdit { document_changes: Some(changes), change_annotations, ..WorkspaceEdit::default() })
    }
}

impl Annotation {
    fn change(self) -> ChangeAnnotation {
        ChangeAnnotation {
            label: self.label,
            needs_confirmation: Some(self.needs_confirmation),
            description: Some(self.description),
        }
    }
}

/// Changes of one document are one.
fn push(changes: &mut Vec<DocumentChange>, change: DocumentChange) {
    if let DocumentChange::TextDocumentEdit(TextDocumentEdit { text_document, edits }) = &change {
        let same = changes.iter_mut().find_map(|other| match other {
            DocumentChange::TextDocumentEdit(other) if other.text_document == *text_document => Some(&mut other.edits),
            _ => None,
        });
        if let Some(others) = same {
            return others.extend(edits.iter().cloned());
        }
    }
    changes.push(change);
}

fn with_annotation(change: DocumentChange, id: &str) -> DocumentChange {
    match change {
        DocumentChange::TextDocumentEdit(mut change) => {
            let edits = change.edits.into_iter().map(|edit| match edit {
                Edit::TextEdit(edit) => annotated(edit, id),
                other => other,
            });
            change.edits = edits.collect();
            DocumentChange::TextDocumentEdit(change)
        }
        DocumentChange::CreateFile(mut change) => {
            change.annotation_id = Some(id.to_owned());
            DocumentChange::CreateFile(change)
        }
        DocumentChange::RenameFile(mut change) => {
            change.annotation_id = Some(id.to_owned());
            DocumentChange::RenameFile(change)
        }
        DocumentChange::DeleteFile(mut change) => {
            change.annotation_id = Some(id.to_owned());
            DocumentChange::DeleteFile(change)
        }
    }
}

fn annotated(text_edit: TextEdit, id: &str) -> Edit {
    Edit::AnnotatedTextEdit(AnnotatedTextEdit { annotation_id: id.to_owned(), text_edit })
}
