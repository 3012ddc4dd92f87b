//! Hunks as the workspace edits that a client can take.
//!
//! An edit is made for exactly one text: ranges are checked against it here, because clients clamp what lies outside and
//! call it applied. What a client did not announce is not sent.

mod annotated;

use std::collections::HashMap;
use std::ops::Range;

use tower_lsp::gen_lsp_types::{
    CreateFile, CreateFileOptions, DeleteFile, DeleteFileOptions, DocumentChange, Edit,
    OptionalVersionedTextDocumentIdentifier, Position as LspPosition, Range as LspRange, RenameFile, TextDocumentEdit,
    TextDocumentIdentifier, TextEdit, Uri, WorkspaceEdit,
};

pub use annotated::{Annotated, Annotation};

use super::client::{ClientFeatures, FailureHandling};
use super::convert;
use crate::text::{PositionEncoding, Text};

/// What a client says about workspace edits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EditSupport {
    /// `workspace/applyEdit`.
    pub apply: bool,
    /// Versioned edits. Taken for granted from a client that declares anything about workspace edits: Neovim honours
    /// them without saying so. One that declares nothing gets `changes`.
    pub document_changes: bool,
    pub create: bool,
    pub rename: bool,
    pub delete: bool,
    /// What an edit does can be shown to the user before it is made.
    pub preview: bool,
    /// An edit of several files is applied whole or not at all.
    pub transactional: bool,
    /// The same, for edits that hold nothing but text.
    pub text_transactional: bool,
}

/// Something an edit would need that the client can not do: the user is told, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsupported(pub String);

/// One step of a change to the user's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Replaces ranges of one document; all of them speak of the same text.
    Change {
        uri: Uri,
        version: Option<i32>,
        edits: Vec<TextEdit>,
    },
    Create {
        uri: Uri,
        content: String,
    },
    Rename {
        from: Uri,
        to: Uri,
    },
    Delete {
        uri: Uri,
    },
}

impl EditSupport {
    pub fn of(client: &ClientFeatures) -> EditSupport {
        let document_changes = client.document_changes.unwrap_or(client.workspace_edit);
        EditSupport {
            apply: client.apply_edit,
            document_changes,
            create: document_changes && client.create_files,
            rename: document_changes && client.rename_files,
            delete: document_changes && client.delete_files,
            preview: document_changes && client.change_annotations,
            transactional: client.failure_handling == FailureHandling::Transactional,
            text_transactional: client.failure_handling == FailureHandling::TextOnlyTransactional,
        }
    }

    /// Whether these steps may go in one edit: all of them happen, or none.
    pub fn takes_together(&self, steps: &[Step]) -> bool {
        self.transactional || (self.text_transactional && steps.iter().all(|step| matches!(step, Step::Change { .. })))
    }

    /// The edit that takes these steps in order.
    pub fn workspace_edit(&self, steps: Vec<Step>) -> Result<WorkspaceEdit, Unsupported> {
        if self.document_changes {
            let mut changes = Vec::new();
            for step in steps {
                self.push_document_changes(step, &mut changes)?;
            }
            return Ok(WorkspaceEdit { document_changes: Some(changes), ..WorkspaceEdit::default() });
        }
        let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
        for step in steps {
            match step {
                Step::Change { uri, edits, .. } => changes.entry(uri).or_default().extend(edits),
                Step::Create { .. } => return Err(unsupported("create")),
                Step::Rename { .. } => return Err(unsupported("rename")),
                Step::Delete { .. } => return Err(unsupported("delete")),
            }
        }
        Ok(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() })
    }

    fn push_document_changes(&self, step: Step, changes: &mut Vec<DocumentChange>) -> Result<(), Unsupported> {
        match step {
            Step::Change { uri, version, edits } => changes.push(document_edit(uri, version, edits)),
            Step::Create { uri, content } if self.create => {
                let options = CreateFileOptions { overwrite: Some(false), ignore_if_exists: Some(false) };
                changes.push(DocumentChange::CreateFile(CreateFile {
                    uri: uri.clone(),
                    options: Some(options),
                    annotation_id: None,
                }));
                if !content.is_empty() {
                    // Over the one empty line, not before it: Neovim keeps that line after an insertion, and the file would
                    // end with it. Others clamp the range to the empty document.
                    let (start, end) = (LspPosition::default(), LspPosition { line: 1, character: 0 });
                    let insert = TextEdit { range: LspRange { start, end }, new_text: content };
                    changes.push(document_edit(uri, None, vec![insert]));
                }
            }
            Step::Rename { from, to } if self.rename => changes.push(DocumentChange::RenameFile(RenameFile {
                old_uri: from,
                new_uri: to,
                options: None,
                annotation_id: None,
            })),
            Step::Delete { uri } if self.delete => {
                let options = DeleteFileOptions { recursive: Some(false), ignore_if_not_exists: Some(false) };
                changes.push(DocumentChange::DeleteFile(DeleteFile {
                    uri,
                    options: Some(options),
                    annotation_id: None,
                }));
            }
            Step::Create { .. } => return Err(unsupported("create")),
            Step::Rename { .. } => return Err(unsupported("rename")),
            Step::Delete { .. } => return Err(unsupported("delete")),
        }
        Ok(())
    }
}

/// The text edit that replaces the bytes of `range`. `None` if they are no range of `text`.
pub fn text_edit(text: &Text, range: Range<usize>, insert: &str, encoding: PositionEncoding) -> Option<TextEdit> {
    text.slice(range.clone())?;
    Some(TextEdit { range: convert::range(text, range, encoding), new_text: insert.to_owned() })
}

fn document_edit(uri: Uri, version: Option<i32>, edits: Vec<TextEdit>) -> DocumentChange {
    DocumentChange::TextDocumentEdit(TextDocumentEdit {
        text_document: OptionalVersionedTextDocumentIdentifier {
            version,
            text_document_identifier: TextDocumentIdentifier { uri },
        },
        edits: edits.into_iter().map(Edit::TextEdit).collect(),
    })
}

fn unsupported(what: &str) -> Unsupported {
    Unsupported(format!(
        "this editor does not let a language server {what} files: {what} the file by hand, and the hunk counts as accepted \
         when its text is there"
    ))
}
