//! The methods of the protocol, each one line that leads to where it is handled, and what every handler can reach.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_lsp::gen_lsp_types::{
    CodeAction, CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, DidChangeConfigurationParams,
    DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams, DidSaveTextDocumentParams, ExecuteCommandParams,
    Hover, HoverParams, InitializeParams, InitializeResult, InitializedParams, LspAny, WorkDoneProgressCancelParams,
};
use tower_lsp::jsonrpc::Result;
use tower_lsp::{LanguageServer, LspServiceBuilder};

use super::outbox::Outbox;
use super::progress::ProgressCancels;
use super::serve::ServeOptions;
use super::state::ServerState;
use super::{actions, commands, documents, hover, lenses, lifecycle, parent, progress, settings, watched};
use crate::config::{self, Environment};
use crate::store::Trust;

/// What every handler can reach. Cheap to clone; clones are the same server.
#[derive(Clone)]
pub struct Server {
    pub state: ServerState,
    /// Everything that is sent in order: notifications, and requests with a deadline.
    pub outbox: Outbox,
    /// The progress that the user can cancel.
    pub progress: ProgressCancels,
    pub options: Arc<ServeOptions>,
    /// Fired when the client leaves. Turns and tasks end by it.
    pub leaving: CancellationToken,
    /// Fired when the client is gone without a word.
    pub gone: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    pub fn new(outbox: Outbox, options: Arc<ServeOptions>) -> Server {
        let state = ServerState::default();
        state.with(|state| state.workspace = options.workspace.clone());
        Server {
            state,
            outbox,
            progress: ProgressCancels::default(),
            options,
            leaving: CancellationToken::new(),
            gone: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Runs `work` beside the handlers until it ends or the client leaves. A panic in it is logged and ends only it.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let leaving = self.leaving.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = leaving.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Runs the body of a request in a task of its own, so that it neither holds up the messages behind it nor takes the
    /// server down. Dropping the future, as `$/cancelRequest` does, stops the task.
    pub async fn request<R: Send + 'static>(
        &self,
        body: impl Future<Output = Result<R>> + Send + 'static,
    ) -> Result<R> {
        let task = tokio_util::task::AbortOnDropHandle::new(self.tasks.spawn(body));
        task.await.unwrap_or_else(|_| Err(tower_lsp::jsonrpc::Error::internal_error()))
    }

    /// Waits, for at most `patience`, until what was spawned has ended.
    pub async fn finish(&self, patience: Duration) {
        self.tasks.close();
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.tasks.len(), "left with work still running");
        }
    }

    /// The environment variables to go by.
    pub fn environment(&self) -> Environment {
        self.options.environment.clone().unwrap_or_else(Environment::of_process)
    }

    /// Which folders the user has marked as trusted. Where no state can be kept, none.
    pub fn trust(&self) -> Trust {
        Trust::new(&config::state_dir(&self.environment()).unwrap_or_default())
    }

    /// Leaves when the process `id` is gone.
    pub fn watch_parent(&self, id: i32) {
        let server = self.clone();
        self.spawn(async move {
            parent::gone(id).await;
            tracing::info!(id, "the client's process is gone");
            server.gone.cancel();
        });
    }
}

/// What every server has. The other methods are in [`register`].
impl LanguageServer for Server {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        lifecycle::initialize(self, params)
    }

    async fn initialized(&self, _: InitializedParams) {
        lifecycle::initialized(self);
    }

    async fn shutdown(&self) -> Result<()> {
        lifecycle::shutdown(self).await
    }
}

/// The methods of this server. What is not named here is answered with "method not found".
pub fn register(builder: LspServiceBuilder<Server>) -> LspServiceBuilder<Server> {
    builder
        .custom_method("textDocument/didOpen", Server::did_open)
        .custom_method("textDocument/didChange", Server::did_change)
        .custom_method("textDocument/didSave", Server::did_save)
        .custom_method("textDocument/didClose", Server::did_close)
        .custom_method("workspace/didChangeWorkspaceFolders", Server::did_change_workspace_folders)
        .custom_method("workspace/didChangeConfiguration", Server::did_change_configuration)
        .custom_method("workspace/didChangeWatchedFiles", Server::did_change_watched_files)
        .custom_method("textDocument/codeAction", Server::code_action)
        .custom_method("codeAction/resolve", Server::code_action_resolve)
        .custom_method("textDocument/codeLens", Server::code_lens)
        .custom_method("textDocument/hover", Server::hover)
        .custom_method("workspace/executeCommand", Server::execute_command)
        .custom_method("window/workDoneProgress/cancel", Server::work_done_progress_cancel)
}

impl Server {
    async fn did_open(&self, params: LspAny) {
        documents::did_open(self, params);
    }

    async fn did_change(&self, params: LspAny) {
        documents::did_change(self, params);
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        documents::did_save(self, params);
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        documents::did_close(self, params);
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        lifecycle::did_change_workspace_folders(self, params);
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        settings::did_change_configuration(self, params);
    }

    async fn did_change_watched_files(&self, _: LspAny) {
        watched::did_change_watched_files(self);
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<Vec<CodeActionResponse>>> {
        actions::code_action(self, params).await
    }

    async fn code_action_resolve(&self, params: CodeAction) -> Result<CodeAction> {
        actions::resolve(self, params).await
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        lenses::code_lens(self, params).await
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        hover::hover(self, params).await
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<LspAny>> {
        commands::execute(self, params).await
    }

    async fn work_done_progress_cancel(&self, params: WorkDoneProgressCancelParams) {
        progress::cancelled(self, params);
    }
}
