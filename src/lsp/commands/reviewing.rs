//! Commands that show what waits for a decision, and lead to it.

use std::ops::Range;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use tower_lsp::gen_lsp_types::{ShowDocumentParams, ShowDocumentRequest, Uri};

use super::meant::named_session;
use super::place::last_focus;
use super::{Answer, Arguments, blocking, done};
use crate::context::Focus;
use crate::event::ChangeKind;
use crate::lsp::review::{Review, ReviewFile, ReviewHunk};
use crate::lsp::server::Server;
use crate::lsp::{convert, ext};
use crate::text::Text;
use crate::workspace::DocPath;

/// How long an editor may take to show a place.
const SHOW: Duration = Duration::from_secs(5);

/// `claw.proposal {session?}`, written: there may be thousands of hunks.
pub async fn proposal(server: &Server, arguments: Arguments) -> Result<Box<RawValue>, String> {
    let session = named_session(server, &arguments)?;
    let listing = move || {
        let files = session.picture().files;
        let checks = if files.is_empty() { Vec::new() } else { session.checks() };
        let proposal = ext::ProposalParams { session: session.id().to_owned(), files, checks };
        to_raw_value(&Listing { ok: true, proposal }).map_err(|error| error.to_string())
    };
    blocking(listing).await
}

#[derive(Serialize)]
struct Listing {
    ok: bool,
    #[serde(flatten)]
    proposal: ext::ProposalParams,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Next,
    Previous,
}

/// `claw.nextHunk` and `claw.prevHunk`: around the last focus, and around the end.
pub fn go_to_hunk(server: &Server, direction: Direction) -> Result<Answer, String> {
    let (reviews, workspace, client) =
        server.state.with(|state| (state.reviews.all(), state.workspace.clone(), state.client.clone()));
    let buffers = workspace.buffers();
    let mut stops = Vec::new();
    for review in &reviews {
        for file in &review.pending {
            let text = buffers.get(&file.live).map_or(&file.text, |buffer| &buffer.text);
            let placed = file.placed(text);
            for (hunk, range) in placed.hunks() {
                stops.push(Stop { shown: placed.shown(hunk, range), review, file, hunk, text });
            }
        }
    }
    stops.sort_by(|a, b| a.place().cmp(&b.place()));
    let here = last_focus(server);
    let here = here.as_ref().map(|here| (&here.path, here.range.start));
    let stop = match direction {
        Direction::Next => stops.iter().find(|stop| here.is_none_or(|here| stop.place() > here)).or(stops.first()),
        Direction::Previous => {
            stops.iter().rev().find(|stop| here.is_none_or(|here| stop.place() < here)).or(stops.last())
        }
    };
    let Some(Stop { shown, review, file, hunk, text }) = stop else { return Err("no hunk is pending".to_owned()) };
    let range = convert::range(text, shown.clone(), client.encoding);
    server.state.with(|state| {
        state.focus = Some(Focus { path: file.live.clone(), range: shown.start..shown.start });
        state.last_session = Some(review.session.clone());
    });
    // A file that is not there yet can not be shown.
    let exists = !(hunk.whole_file && file.change == ChangeKind::Create);
    if client.show_document && exists {
        let uri = Uri::from(file.live_uri.as_str());
        let params = ShowDocumentParams { uri, external: None, take_focus: Some(true), selection: Some(range) };
        let shown = server.outbox.ask::<ShowDocumentRequest>(params, SHOW);
        server.spawn(async move {
            if let Err(error) = shown.await {
                tracing::debug!(%error, "window/showDocument");
            }
        });
    }
    Ok(done(json!({"session": review.session, "hunk": hunk.id, "uri": file.live_uri, "range": range})))
}

/// A place that `claw.nextHunk` stops at.
struct Stop<'a> {
    shown: Range<usize>,
    review: &'a Review,
    file: &'a ReviewFile,
    hunk: &'a ReviewHunk,
    text: &'a Text,
}

impl Stop<'_> {
    fn place(&self) -> (&DocPath, usize) {
        (&self.file.live, self.shown.start)
    }
}
