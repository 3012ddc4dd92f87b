//! The review of pending hunks.

use super::server::Server;
use crate::workspace::DocPath;

/// Called after each change to a document, on the task that reads the client's messages: it must not wait or compute.
pub fn document_changed(server: &Server, path: &DocPath) {
    let _ = (server, path);
}
