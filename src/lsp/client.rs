//! What the client can do, digested once at `initialize` to plain values.
//!
//! Declared capabilities decide, never a client's name. What is absent is off.

use tower_lsp::gen_lsp_types::{
    ClientCapabilities, FailureHandlingKind, InitializeParams, PositionEncodingKind, ResourceOperationKind,
};

use super::ext::ClawFeatures;
use crate::text::PositionEncoding;

/// What a client declared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientFeatures {
    /// Agreed at `initialize`; every position of the protocol is in it.
    pub encoding: PositionEncoding,
    pub apply_edit: bool,
    /// The client says something about workspace edits at all.
    pub workspace_edit: bool,
    /// Versioned edits, where the client says so either way.
    pub document_changes: Option<bool>,
    pub create_files: bool,
    pub rename_files: bool,
    pub delete_files: bool,
    pub failure_handling: FailureHandling,
    pub change_annotations: bool,
    /// It watches files when it is asked to.
    pub watched_files: bool,
    /// `workspace/configuration` can be asked.
    pub configuration: bool,
    /// It tells of changes of its settings when it is asked to.
    pub configuration_registration: bool,
    pub work_done_progress: bool,
    pub show_document: bool,
    pub code_lens_refresh: bool,
    /// The client understands `CodeAction` literals, not only commands.
    pub code_action_literals: bool,
    /// The client fills in these properties of a code action by `codeAction/resolve`.
    pub code_action_resolve: Vec<String>,
    pub code_action_data: bool,
    pub code_action_preferred: bool,
    pub code_action_disabled: bool,
    pub diagnostic_data: bool,
    /// Hovers may be Markdown.
    pub hover_markdown: bool,
    /// What of our own the client knows.
    pub claw: ClawFeatures,
}

/// What a client does when a part of a workspace edit fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailureHandling {
    /// It stops and leaves the edit half made: also what is assumed of a client that says nothing.
    #[default]
    Abort,
    /// All or nothing.
    Transactional,
    /// All or nothing while no files are created, renamed or deleted.
    TextOnlyTransactional,
    /// It tries to take back what it did.
    Undo,
}

impl ClientFeatures {
    pub fn of(params: &InitializeParams) -> ClientFeatures {
        let capabilities = &params.capabilities;
        let workspace = capabilities.workspace.as_ref();
        let edit = workspace.and_then(|workspace| workspace.workspace_edit.as_ref());
        let text_document = capabilities.text_document.as_ref();
        let code_action = text_document.and_then(|document| document.code_action.as_ref());
        let window = capabilities.window.as_ref();
        let operation = |kind: ResourceOperationKind| {
            edit.and_then(|edit| edit.resource_operations.as_ref()).is_some_and(|kinds| kinds.contains(&kind))
        };
        ClientFeatures {
            encoding: negotiate_encoding(capabilities),
            apply_edit: on(workspace.and_then(|workspace| workspace.apply_edit)),
            workspace_edit: edit.is_some(),
            document_changes: edit.and_then(|edit| edit.document_changes),
            create_files: operation(ResourceOperationKind::Create),
            rename_files: operation(ResourceOperationKind::Rename),
            delete_files: operation(ResourceOperationKind::Delete),
            failure_handling: edit.and_then(|edit| edit.failure_handling.as_ref()).map_or_else(
                FailureHandling::default,
                |kind| match kind {
                    FailureHandlingKind::Transactional => FailureHandling::Transactional,
                    FailureHandlingKind::TextOnlyTransactional => FailureHandling::TextOnlyTransactional,
                    FailureHandlingKind::Undo => FailureHandling::Undo,
                    FailureHandlingKind::Abort | FailureHandlingKind::Custom(_) => FailureHandling::Abort,
                },
            ),
            change_annotations: edit.is_some_and(|edit| edit.change_annotation_support.is_some()),
            watched_files: on(workspace
                .and_then(|workspace| workspace.did_change_watched_files.as_ref())
                .and_then(|watched| watched.dynamic_registration)),
            configuration: on(workspace.and_then(|workspace| workspace.configuration)),
            configuration_registration: on(workspace
                .and_then(|workspace| workspace.did_change_configuration.as_ref())
                .and_then(|configuration| configuration.dynamic_registration)),
            work_done_progress: on(window.and_then(|window| window.work_done_progress)),
            show_document: window.and_then(|window| window.show_document.as_ref()).is_some_and(|show| show.support),
            code_lens_refresh: on(workspace
                .and_then(|workspace| workspace.code_lens.as_ref())
                .and_then(|lens| lens.refresh_support)),
            code_action_literals: code_action.is_some_and(|action| action.code_action_literal_support.is_some()),
            code_action_resolve: code_action
                .and_then(|action| action.resolve_support.as_ref())
                .map(|resolve| resolve.properties.clone())
                .unwrap_or_default(),
            code_action_data: on(code_action.and_then(|action| action.data_support)),
            code_action_preferred: on(code_action.and_then(|action| action.is_preferred_support)),
            code_action_disabled: on(code_action.and_then(|action| action.disabled_support)),
            diagnostic_data: on(text_document
                .and_then(|document| document.publish_diagnostics.as_ref())
                .and_then(|diagnostics| diagnostics.diagnostics_capabilities.data_support)),
            hover_markdown: text_document
                .and_then(|document| document.hover.as_ref())
                .and_then(|hover| hover.content_format.as_ref())
                .is_some_and(|formats| formats.contains(&tower_lsp::gen_lsp_types::MarkupKind::Markdown)),
            claw: ClawFeatures::of(capabilities.experimental.as_ref()),
        }
    }
}

/// LSP 3.17, `general.positionEncodings`: the client's list is in order of preference, and utf-16 is understood by all.
/// UTF-8 costs us nothing, so it is taken wherever it is offered; UTF-32 only from a client that does not offer UTF-16.
fn negotiate_encoding(capabilities: &ClientCapabilities) -> PositionEncoding {
    let Some(offered) = capabilities.general.as_ref().and_then(|general| general.position_encodings.as_ref()) else {
        return PositionEncoding::Utf16;
    };
    if offered.contains(&PositionEncodingKind::UTF8) {
        PositionEncoding::Utf8
    } else if offered.contains(&PositionEncodingKind::UTF32) && !offered.contains(&PositionEncodingKind::UTF16) {
        PositionEncoding::Utf32
    } else {
        PositionEncoding::Utf16
    }
}

fn on(flag: Option<bool>) -> bool {
    flag.unwrap_or(false)
}
