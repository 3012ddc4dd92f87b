//! What the editor has open, kept in step with every change it tells.
//!
//! Each handler changes the state before it could wait for anything, so changes happen in the order in which they came. A
//! change that can not be made exactly marks its document as lossy: it can be read, and is not edited until the editor sends
//! it whole.

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use tower_lsp::gen_lsp_types::{self as lsp, DidCloseTextDocumentParams, DidSaveTextDocumentParams};

use super::server::Server;
use super::state::State;
use super::{convert, review};
use crate::context::Focus;
use crate::text::{Edit, PositionEncoding, Text};
use crate::workspace::{Buffer, DocPath};

/// Changes of one message whose texts are looked at one by one while an edit is on its way.
const MOST_STEPS: usize = 8;

tokio::task_local! {
    /// Whether the message being handled held a string that could not be represented, so that its text differs from the
    /// client's.
    pub static MESSAGE_IS_LOSSY: bool;
}

/// `DidChangeTextDocumentParams`. Our own, because the library's takes an event whose range it can not read for one that
/// replaces the whole document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DidChangeParams {
    text_document: Document,
    content_changes: Vec<ContentChange>,
}

/// `TextDocumentContentChangeEvent`.
#[derive(Deserialize)]
struct ContentChange {
    /// What is replaced; absent where that is everything.
    range: Option<lsp::Range>,
    text: String,
}

/// `TextDocumentItem` and `VersionedTextDocumentIdentifier`, less strict: a document whose version is missing is still open.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    uri: String,
    #[serde(default)]
    language_id: String,
    #[serde(default)]
    version: Option<i32>,
    #[serde(default)]
    text: String,
}

/// `textDocument/didOpen`. A document that is open already is opened anew: the client's last word counts.
pub fn did_open(server: &Server, mut params: Value) {
    let document = params.get_mut("textDocument").map(Value::take).unwrap_or_default();
    let document: Document = match serde_json::from_value(document) {
        Ok(document) => document,
        Err(error) => return tracing::warn!(%error, "a document that makes no sense was opened"),
    };
    let uri: Arc<str> = document.uri.into();
    let path = server.state.with(|state| {
        let path = state.doc_path(&uri);
        let buffer = Buffer {
            text: Text::new(&document.text),
            version: document.version.unwrap_or(0),
            uri: Arc::clone(&uri),
            language_id: document.language_id.into(),
            lossy: message_is_lossy(),
        };
        state.reviews.flights.passed(&path, std::slice::from_ref(&buffer));
        state.workspace.with_buffers(|buffers| buffers.set(path.clone(), buffer));
        path
    });
    review::document_opened(server, &uri, &path);
}

/// `textDocument/didChange`. Takes the parameters as they came: a change that can not be read is still a change.
pub fn did_change(server: &Server, params: Value) {
    let uri = params.pointer("/textDocument/uri").and_then(Value::as_str).map(str::to_owned);
    let params = match serde_json::from_value::<DidChangeParams>(params) {
        Ok(params) => params,
        Err(error) => {
            tracing::warn!(?uri, %error, "a change that makes no sense: the document is out of step until it comes whole");
            if let Some(uri) = uri {
                out_of_step(server, &uri);
            }
            return;
        }
    };
    let document = params.text_document;
    let path = server.state.with(|state| {
        let path = state.doc_path(&document.uri);
        let encoding = state.client.encoding;
        let known = state.workspace.buffers().get(&path).cloned();
        if known.is_none() {
            tracing::warn!(uri = document.uri, "a change to a document that is not open");
        }
        let mut change = Change {
            text: known.as_ref().map(|buffer| buffer.text.clone()),
            lossy: known.as_ref().is_some_and(|buffer| buffer.lossy),
            edited: None,
        };
        // Every step between, unless there are so many that it is one act of the editor's.
        let is_in_flight = params.content_changes.len() <= MOST_STEPS && state.reviews.flights.is_in_flight(&path);
        let mut passed = Vec::new();
        for event in params.content_changes {
            change.apply(event, encoding);
            passed.extend(change.text.clone().filter(|_| is_in_flight));
        }
        // A change to a document that was never opened, and not whole: there is nothing it could be made to.
        let text = change.text?;
        let buffer = Buffer {
            text,
            version: document
                .version
                .unwrap_or_else(|| known.as_ref().map_or(0, |buffer| buffer.version.wrapping_add(1))),
            uri: known.as_ref().map_or_else(|| Arc::from(document.uri), |buffer| Arc::clone(&buffer.uri)),
            language_id: known.map_or_else(|| Arc::from(""), |buffer| Arc::clone(&buffer.language_id)),
            lossy: change.lossy,
        };
        passed.push(buffer.text.clone());
        let passed: Vec<Buffer> = passed.into_iter().map(|text| Buffer { text, ..buffer.clone() }).collect();
        state.reviews.flights.passed(&path, &passed);
        state.workspace.with_buffers(|buffers| buffers.set(path.clone(), buffer));
        if let Some(range) = change.edited {
            state.focus = Some(Focus { path: path.clone(), range });
        }
        Some(path)
    });
    if let Some(path) = path {
        review::document_changed(server, &path);
    }
}

/// `textDocument/didSave`: the disk may hold now what the buffer held, or what a formatter made of it.
pub fn did_save(server: &Server, params: DidSaveTextDocumentParams) {
    let path = server.state.with(|state| state.doc_path(&params.text_document.uri.0));
    review::document_changed(server, &path);
}

/// `textDocument/didClose`: from here on the disk is the truth.
pub fn did_close(server: &Server, params: DidCloseTextDocumentParams) {
    let path = server.state.with(|state| {
        let path = state.doc_path(&params.text_document.uri.0);
        if state.workspace.with_buffers(|buffers| buffers.close(&path)).is_none() {
            tracing::warn!(uri = params.text_document.uri.0, "closed, but was not open");
        }
        path
    });
    review::document_changed(server, &path);
}

/// Gives every open document the name it has beneath the folders that are open now.
pub fn rename_after_folders_changed(state: &mut State) {
    let buffers = state.workspace.buffers();
    let moved: Vec<(DocPath, DocPath)> = buffers
        .iter()
        .map(|(path, buffer)| (path.clone(), state.doc_path(&buffer.uri)))
        .filter(|(old, new)| old != new)
        .collect();
    state.workspace.with_buffers(|buffers| {
        for (old, new) in moved {
            if let Some(buffer) = buffers.close(&old) {
                buffers.set(new, Buffer::clone(&buffer));
            }
        }
    });
}

fn out_of_step(server: &Server, uri: &str) {
    server.state.with(|state| {
        let path = state.doc_path(uri);
        let Some(buffer) = state.workspace.buffers().get(&path).cloned() else { return };
        state.workspace.with_buffers(|buffers| buffers.set(path, Buffer { lossy: true, ..Buffer::clone(&buffer) }));
    });
}

/// A document on its way through the events of one `didChange`.
struct Change {
    /// `None` while the document is not known.
    text: Option<Text>,
    lossy: bool,
    /// Where the last event put its text.
    edited: Option<Range<usize>>,
}

impl Change {
    fn apply(&mut self, event: ContentChange, encoding: PositionEncoding) {
        let Some(range) = event.range else {
            self.text = Some(Text::new(&event.text));
            self.lossy = message_is_lossy();
            self.edited = None;
            return;
        };
        let Some(text) = &self.text else { return };
        let splits = [range.start, range.end].into_iter().any(|at| convert::splits_character(text, at, encoding));
        let Some(bytes) = convert::byte_range(text, range, encoding) else {
            tracing::warn!(?range, "a change whose range runs backwards is not made");
            self.lossy = true;
            return;
        };
        let end = bytes.start + event.text.len();
        match text.apply(&Edit { range: bytes, insert: event.text }) {
            Ok(text) => {
                self.text = Some(text);
                self.edited = Some(end..end);
                self.lossy |= splits || message_is_lossy();
            }
            Err(error) => {
                tracing::error!(%error, "a change could not be made");
                self.lossy = true;
            }
        }
    }
}

fn message_is_lossy() -> bool {
    MESSAGE_IS_LOSSY.try_with(|lossy| *lossy).unwrap_or(false)
}
