//! An answer as a document: a real file in the state folder, opened by the editor where it can.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tower_lsp::gen_lsp_types::{MessageType, ShowDocumentParams, ShowDocumentRequest, Uri};

use super::server::Server;

/// Editors exist that never answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Writes `answer` to a file of its session and shows it; where the editor can not open documents, the user is told where
/// it is.
pub async fn show(server: &Server, session: &str, title: &str, answer: &str) {
    let store = match server.state.with(|state| state.agent.clone()).and_then(|agent| agent.store().cloned()) {
        Some(store) => store,
        None => return tell(server, answer),
    };
    let (session, markdown) = (session.to_owned(), format!("# {}\n\n{}\n", title.trim(), answer.trim_end()));
    let written = tokio::task::spawn_blocking(move || store.keep_answer(&session, &markdown)).await;
    let path = match written {
        Ok(Ok(path)) => path,
        Ok(Err(error)) => {
            tracing::error!(%error, "the answer could not be written");
            return tell(server, answer);
        }
        Err(error) => {
            tracing::error!(%error, "the answer could not be written");
            return tell(server, answer);
        }
    };
    show_file(server, &path, "Claw's answer").await;
}

/// Shows a file of a session; where the editor can not open documents, the user is told where it is.
pub async fn show_file(server: &Server, path: &Path, what: &str) {
    if !open(server, path).await {
        server.outbox.show_message(MessageType::Info, format!("{what} is in {}", path.display()));
    }
}

/// Asks the editor to open the file. `false` where it can not, will not or does not say.
async fn open(server: &Server, path: &Path) -> bool {
    if !server.state.client().show_document {
        return false;
    }
    let Some(uri) = file_uri(path) else { return false };
    let params =
        ShowDocumentParams { uri: Uri::from(uri.as_str()), external: None, take_focus: Some(true), selection: None };
    match server.outbox.ask::<ShowDocumentRequest>(params, ANSWER).await {
        Ok(result) => result.success,
        Err(error) => {
            tracing::debug!(%error, "window/showDocument");
            false
        }
    }
}

fn file_uri(path: &Path) -> Option<String> {
    let absolute: PathBuf = std::path::absolute(path).ok()?;
    url::Url::from_file_path(absolute).ok().map(String::from)
}

/// Without a file the message itself must do.
fn tell(server: &Server, answer: &str) {
    server.outbox.show_message(MessageType::Info, format!("Claw: {answer}"));
}
