//! `initialize`, `initialized`, `shutdown`, and the workspace folders.

use serde_json::{Value, json};
use tower_lsp::gen_lsp_types::{
    ChangeNotifications, CodeActionKind, CodeActionOptions, CodeLensOptions, DidChangeWorkspaceFoldersParams,
    ExecuteCommandOptions, InitializeParams, InitializeResult, PositionEncodingKind, RootPath, SaveOptions,
    ServerCapabilities, ServerInfo, TextDocumentSyncKind, TextDocumentSyncOptions, WorkDoneProgressOptions,
    WorkspaceFolders, WorkspaceFoldersServerCapabilities, WorkspaceOptions,
};
use tower_lsp::jsonrpc::Result;

use super::client::ClientFeatures;
use super::edits::EditSupport;
use super::server::Server;
use super::settings::Settings;
use super::{commands, documents, folders, restore, settings};
use crate::text::PositionEncoding;

/// `initialize`. Nothing heavy: no index, no connection, no model.
pub fn initialize(server: &Server, params: InitializeParams) -> Result<InitializeResult> {
    let client = ClientFeatures::of(&params);
    let encoding = client.encoding;
    let mut capabilities = capabilities(encoding);
    if EditSupport::of(&client).preview {
        capabilities.experimental = Some(json!({"claw": {"preview": true}}));
    }
    let folders = folder_uris(&params);
    let initialization = params.initialization_options.unwrap_or(Value::Null);
    let trust = server.trust();
    server.state.with(|state| {
        state.client = client;
        state.settings = Settings::new(initialization);
        for folder in folders {
            folders::add(state, &folder, &trust);
        }
    });
    settings::reload(server);
    if let Some(process) = params.process_id {
        server.watch_parent(process);
    }
    Ok(InitializeResult {
        capabilities,
        server_info: Some(ServerInfo { name: "claw".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) }),
    })
}

/// `initialized`: from here on the client may be asked and told.
pub fn initialized(server: &Server) {
    settings::tell_problems(server);
    settings::pull(server);
    restore::begin(server);
}

/// `shutdown`: turns end, and nothing is asked of the client any more.
pub async fn shutdown(server: &Server) -> Result<()> {
    server.leaving.cancel();
    Ok(())
}

/// `workspace/didChangeWorkspaceFolders`.
pub fn did_change_workspace_folders(server: &Server, params: DidChangeWorkspaceFoldersParams) {
    let trust = server.trust();
    server.state.with(|state| {
        folders::remove(state, params.event.removed.iter().map(|folder| folder.uri.0.as_str()));
        for folder in params.event.added {
            folders::add(state, &folder.uri.0, &trust);
        }
        documents::rename_after_folders_changed(state);
    });
    settings::reload(server);
    settings::tell_problems(server);
    restore::begin(server);
}

/// The URIs of the folders that are open. LSP 3.17: `workspaceFolders` before `rootUri` before `rootPath`.
fn folder_uris(params: &InitializeParams) -> Vec<String> {
    #[expect(deprecated, reason = "clients that know no workspace folders say it this way")]
    let (root_uri, root_path) = (&params.root_uri, &params.root_path);
    match (&params.workspace_folders_initialize_params.workspace_folders, root_uri, root_path) {
        (Some(WorkspaceFolders::WorkspaceFolderList(folders)), _, _) => {
            folders.iter().map(|folder| folder.uri.0.clone()).collect()
        }
        (_, Some(uri), _) => vec![uri.0.clone()],
        (_, None, Some(RootPath::String(path))) => {
            url::Url::from_file_path(path).map(|url| vec![url.into()]).unwrap_or_default()
        }
        (_, None, Some(RootPath::Null) | None) => Vec::new(),
    }
}

fn capabilities(encoding: PositionEncoding) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(match encoding {
            PositionEncoding::Utf8 => PositionEncodingKind::UTF8,
            PositionEncoding::Utf16 => PositionEncodingKind::UTF16,
            PositionEncoding::Utf32 => PositionEncodingKind::UTF32,
        }),
        text_document_sync: Some(
            TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(TextDocumentSyncKind::Incremental),
                save: Some(SaveOptions { include_text: Some(false) }.into()),
                ..TextDocumentSyncOptions::default()
            }
            .into(),
        ),
        code_action_provider: Some(
            CodeActionOptions {
                code_action_kinds: Some(code_action_kinds()),
                resolve_provider: Some(true),
                ..CodeActionOptions::default()
            }
            .into(),
        ),
        code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(false), ..CodeLensOptions::default() }),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: commands::COMMANDS.iter().map(|command| (*command).to_owned()).collect(),
            work_done_progress_options: WorkDoneProgressOptions { work_done_progress: Some(true) },
        }),
        hover_provider: Some(true.into()),
        workspace: Some(WorkspaceOptions {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(ChangeNotifications::Bool(true)),
            }),
            ..WorkspaceOptions::default()
        }),
        ..ServerCapabilities::default()
    }
}

/// The kinds of the contract. Clients such as Zed and Kate ask for the general kinds, so those are announced as well.
fn code_action_kinds() -> Vec<CodeActionKind> {
    let own = ["refactor.rewrite.claw", "refactor.claw", "quickfix.claw", "source.claw.review"];
    [CodeActionKind::QuickFix, CodeActionKind::Refactor, CodeActionKind::RefactorRewrite, CodeActionKind::Source]
        .into_iter()
        .chain(own.map(|kind| CodeActionKind::Custom(kind.into())))
        .collect()
}
