//! Pending hunks as code lenses: accept and reject above the lines they concern.

use std::sync::Arc;

use serde_json::json;
use tower_lsp::gen_lsp_types::{CodeLens, CodeLensParams, Command};
use tower_lsp::jsonrpc::Result;

use super::convert;
use super::diagnostics::headline;
use super::review::{PlacedFile, Review, shorten};
use super::server::Server;
use crate::event::HunkState;
use crate::text::{PositionEncoding, Text};
use crate::workspace::DocPath;

/// The lenses of `path` in the text `now`: two for each hunk that can be accepted, three for a conflict, one for any other.
pub fn of_document(
    reviews: &[impl AsRef<Review>],
    path: &DocPath,
    now: &Text,
    encoding: PositionEncoding,
) -> Vec<CodeLens> {
    let mut lenses = Vec::new();
    for review in reviews {
        let review = review.as_ref();
        let placed: Vec<PlacedFile<'_>> = review.files_at(path).map(|file| file.placed(now)).collect();
        let hunks = placed.iter().flat_map(|placed| placed.hunks().map(move |(hunk, range)| (placed, hunk, range)));
        for (placed, hunk, range) in hunks {
            let range = convert::range(now, placed.shown(hunk, range), encoding);
            let lens = |title: String, command: &str, take: Option<&str>| {
                let mut arguments = json!({"session": review.session, "hunk": hunk.id});
                if let (Some(take), Some(arguments)) = (take, arguments.as_object_mut()) {
                    arguments.insert("take".to_owned(), json!(take));
                }
                let command =
                    Command { title, tooltip: None, command: command.to_owned(), arguments: Some(vec![arguments]) };
                CodeLens { range, command: Some(command), data: None }
            };
            if hunk.state == HunkState::Conflict && !hunk.whole_file {
                lenses.push(lens("Conflict: take mine".to_owned(), "claw.resolveHunk", Some("mine")));
                lenses.push(lens("Take Claw's".to_owned(), "claw.resolveHunk", Some("claw")));
                lenses.push(lens("Take both".to_owned(), "claw.resolveHunk", Some("both")));
                continue;
            }
            if hunk.can_be_accepted() {
                let title = format!("Accept: {}", shorten(&headline(placed.file(), hunk), 60));
                lenses.push(lens(title, "claw.acceptHunk", None));
            }
            lenses.push(lens("Reject".to_owned(), "claw.rejectHunk", None));
        }
    }
    lenses
}

/// `textDocument/codeLens`.
pub async fn code_lens(server: &Server, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
    let owned = server.clone();
    let body = async move {
        let server = &owned;
        let seen = server.state.with(|state| {
            let path = state.doc_path(&params.text_document.uri.0);
            let buffer = Arc::clone(state.workspace.buffers().get(&path)?);
            Some((path, buffer, state.reviews.all(), state.client.encoding))
        });
        Ok(seen.map(|(path, buffer, reviews, encoding)| of_document(&reviews, &path, &buffer.text, encoding)))
    };
    server.request(body).await
}
