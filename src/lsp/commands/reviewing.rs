//! Commands that decide about hunks, and those that lead to them.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tower_lsp::gen_lsp_types::{MessageType, ShowDocumentParams, ShowDocumentRequest, Uri};

use super::place::last_focus;
use super::{Answer, Arguments, blocking, done};
use crate::agent::Session;
use crate::context::Focus;
use crate::event::{ChangeKind, HunkState};
use crate::lsp::edits::EditSupport;
use crate::lsp::review::{Review, ReviewFile, ReviewHunk, merge_steps};
use crate::lsp::server::Server;
use crate::lsp::{accept, convert, ext, keeper};
use crate::text::Text;
use crate::workspace::{DocPath, HunkId};

/// How long an editor may take to show a place.
const SHOW: Duration = Duration::from_secs(5);

/// `claw.acceptHunk {session?, hunk?}`.
pub async fn accept_hunk(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    if arguments.lines.is_some() || arguments.text.is_some() {
        return Err("this version accepts hunks whole: accept it, then edit the text".to_owned());
    }
    let (session, review, id) = hunk(server, &arguments).await?;
    match standing(&review, &id) {
        Some(HunkState::Pending) => accept(server, session, &review, vec![id.clone()], vec![]).map(|mut answer| {
            answer.insert("hunk".to_owned(), json!(id));
            answer
        }),
        Some(HunkState::Accepted) => {
            Ok(done(json!({"session": session.id(), "hunk": id, "message": "this hunk has been accepted already"})))
        }
        Some(HunkState::Rejected) => Err("this hunk was rejected: ask again if you want it after all".to_owned()),
        Some(HunkState::Conflict) => {
            Err("these lines were changed meanwhile: edit them by hand, or ask again".to_owned())
        }
        Some(HunkState::Unverified) => {
            Err("the editor said it applied this hunk, but its text does not show it: look at the file first"
                .to_owned())
        }
        None => Err(format!("there is no hunk `{id}` in session `{}`", session.id())),
    }
}

/// `claw.acceptFile {session?, uri?}`.
pub async fn accept_file(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let path = match &arguments.uri {
        Some(uri) => server.state.with(|state| state.doc_path(uri)),
        None => last_focus(server).ok_or("no file is open: say which with `uri`")?.path,
    };
    let (session, review) =
        session_with_hunks(server, &arguments, |file| file.live == path || file.path == path).await?;
    accept_of(server, session, &review, |file| file.live == path || file.path == path)
}

/// `claw.acceptAll {session?}`.
pub async fn accept_all(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let (session, review) = session_with_hunks(server, &arguments, |_| true).await?;
    accept_of(server, session, &review, |_| true)
}

/// `claw.rejectHunk {session?, hunk?, reason?}`.
pub async fn reject_hunk(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let (session, review, id) = hunk(server, &arguments).await?;
    if standing(&review, &id) == Some(HunkState::Rejected) {
        return Ok(done(
            json!({"session": session.id(), "hunk": id, "message": "this hunk has been rejected already"}),
        ));
    }
    let (rejecting, hunk) = (session.clone(), HunkId(id.clone()));
    let reason = arguments.reason;
    let rejected = blocking(move || Ok(rejecting.reject(&hunk, "user", reason.as_deref()))).await?;
    if !rejected {
        return Err(match standing(&review, &id) {
            Some(HunkState::Accepted) => "this hunk has been accepted: undo it in the editor".to_owned(),
            _ => format!("there is no pending hunk `{id}` in session `{}`", session.id()),
        });
    }
    refresh(server);
    Ok(done(json!({"session": session.id(), "hunk": id})))
}

/// `claw.rejectAll {session?}`.
pub async fn reject_all(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let (session, _) = session_with_hunks(server, &arguments, |_| true).await?;
    let rejecting = session.clone();
    let count = blocking(move || Ok(rejecting.reject_all("user"))).await?;
    refresh(server);
    Ok(done(json!({"session": session.id(), "rejected": count})))
}

/// `claw.proposal {session?}`.
pub async fn proposal(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let session = named_session(server, &arguments)?;
    let proposer = session.clone();
    let files = blocking(move || Ok(proposer.proposed_files())).await?;
    let params = ext::ProposalParams { session: session.id().to_owned(), files };
    Ok(done(json!({"session": params.session, "files": params.files})))
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

/// The session and id of the hunk that is meant: by name, else at the last focus, else the only one.
async fn hunk(server: &Server, arguments: &Arguments) -> Result<(Session, Arc<Review>, String), String> {
    if let Some(id) = &arguments.hunk {
        let session = match &arguments.session {
            Some(_) => named_session(server, arguments)?,
            None => session_of_hunk(server, id).ok_or_else(|| format!("there is no pending hunk `{id}`"))?,
        };
        let review = review_of(server, &session).await?;
        return Ok((session, review, id.clone()));
    }
    let reviews = server.state.with(|state| state.reviews.all());
    let focus = last_focus(server);
    let buffers = server.state.workspace().buffers();
    let is_here = |file: &ReviewFile, hunk: &ReviewHunk| {
        let Some(focus) = focus.as_ref().filter(|focus| focus.path == file.live) else { return false };
        let text = buffers.get(&file.live).map_or(&file.text, |buffer| &buffer.text);
        let placed = file.placed(text);
        let Some(range) = placed.place(hunk) else { return false };
        let shown = placed.shown(hunk, range);
        let (first, last) = (text.line_of(focus.range.start), text.line_of(focus.range.end));
        text.line_of(shown.start) <= last && first <= text.line_of(shown.end)
    };
    let all: Vec<_> =
        reviews.iter().flat_map(|review| review.hunks().map(move |(file, hunk)| (review, file, hunk))).collect();
    let here = all.iter().find(|(_, file, hunk)| is_here(file, hunk));
    let only = if all.len() == 1 { all.first() } else { None };
    let Some((review, _, hunk)) = here.or(only) else {
        return Err(if all.is_empty() {
            "no hunk is pending".to_owned()
        } else {
            "no hunk is at the cursor: go to one with `claw.nextHunk`".to_owned()
        });
    };
    let session = open_session(server, &review.session)?;
    Ok((session, Arc::clone(review), hunk.id.clone()))
}

/// Where a hunk stands, pending or decided.
fn standing(review: &Review, id: &str) -> Option<HunkState> {
    review.hunk(id).map(|(_, hunk)| hunk.state).or_else(|| review.decided(id))
}

/// Accepts what can be accepted of the files that `is_meant` says, but for protected ones: those are decided one by one.
fn accept_of(
    server: &Server,
    session: Session,
    review: &Review,
    is_meant: impl Fn(&ReviewFile) -> bool,
) -> Result<Answer, String> {
    let (protected, free): (Vec<&ReviewFile>, Vec<&ReviewFile>) =
        review.pending.iter().filter(|file| is_meant(file)).partition(|file| file.protected);
    let hunks: Vec<String> = free
        .iter()
        .flat_map(|file| &file.hunks)
        .filter(|hunk| hunk.can_be_accepted())
        .map(|hunk| hunk.id.clone())
        .collect();
    let skipped: Vec<String> = protected.iter().map(|file| file.name.clone()).collect();
    if hunks.is_empty() {
        return Err(if skipped.is_empty() {
            "no hunk here can be accepted".to_owned()
        } else {
            format!("protected paths are accepted one by one: {}", skipped.join(", "))
        });
    }
    accept(server, session, review, hunks, skipped)
}

/// Sends hunks on their way and answers. Those that are on their way already are not sent again.
fn accept(
    server: &Server,
    session: Session,
    review: &Review,
    hunks: Vec<String>,
    mut skipped: Vec<String>,
) -> Result<Answer, String> {
    if session.is_running() {
        return Err("this session is still at work: accept when it has ended, or stop it".to_owned());
    }
    let client = server.state.client();
    let support = EditSupport::of(&client);
    if !support.apply {
        return Err(
            "this editor takes no edits from a server: accept by the code action `Claw: accept hunk …`, which carries its edit"
                .to_owned(),
        );
    }
    let (sendable, complaints) = sendable(server, review, &hunks, support);
    if sendable.is_empty() {
        return Err(complaints.into_iter().next().unwrap_or_else(|| "nothing here can be accepted".to_owned()));
    }
    let fresh: Vec<String> = server.state.with(|state| {
        let in_flight = &mut state.reviews.in_flight;
        state.last_session = Some(session.id().to_owned());
        sendable.iter().filter(|hunk| in_flight.insert((session.id().to_owned(), (*hunk).clone()))).cloned().collect()
    });
    let mut answer = done(json!({"session": session.id(), "hunks": sendable}));
    if !skipped.is_empty() {
        let message = format!("not accepted, because protected paths are accepted one by one: {}", skipped.join(", "));
        server.outbox.show_message(MessageType::Warning, format!("Claw: {message}"));
        answer.insert("skipped".to_owned(), json!(skipped));
        skipped = vec![message];
    }
    skipped.extend(complaints);
    if !skipped.is_empty() {
        answer.insert("message".to_owned(), json!(skipped.join("; ")));
    }
    if !fresh.is_empty() {
        server.spawn(accept::accept(server.clone(), session, fresh));
    }
    Ok(answer)
}

/// The hunks whose files this client can change, and why the others are left.
fn sendable(server: &Server, review: &Review, hunks: &[String], support: EditSupport) -> (Vec<String>, Vec<String>) {
    let (workspace, encoding) = server.state.with(|state| (state.workspace.clone(), state.client.encoding));
    let buffers = workspace.buffers();
    let (mut sendable, mut complaints) = (Vec::new(), Vec::new());
    for file in &review.pending {
        let buffer = buffers.get(&file.live);
        let placed = file.placed(buffer.map_or(&file.text, |buffer| &buffer.text));
        for hunk in file.hunks.iter().filter(|hunk| hunks.contains(&hunk.id)) {
            if buffer.is_some_and(|buffer| buffer.lossy) {
                complaints.push(format!("{} is out of step with the editor: close and open it again", file.name));
                continue;
            }
            let step = placed.accept_step(hunk, None, encoding);
            // One without a place may have one when the proposal has been derived again, which accepting does first.
            match step.map(|step| support.workspace_edit(merge_steps(vec![step]))) {
                Some(Err(unsupported)) => complaints.push(format!("{}: {unsupported}", file.name)),
                Some(Ok(_)) | None => sendable.push(hunk.id.clone()),
            }
        }
    }
    (sendable, complaints)
}

/// The session that the arguments name, else the last one, and what is pending in it; without a name, the first with a
/// file that is meant.
async fn session_with_hunks(
    server: &Server,
    arguments: &Arguments,
    is_meant: impl Fn(&ReviewFile) -> bool,
) -> Result<(Session, Arc<Review>), String> {
    if arguments.session.is_some() {
        let session = named_session(server, arguments)?;
        let review = review_of(server, &session).await?;
        return if review.pending.iter().any(is_meant) {
            Ok((session, review))
        } else {
            Err("no hunk is pending there".to_owned())
        };
    }
    let (mut reviews, last) = server.state.with(|state| (state.reviews.all(), state.last_session.clone()));
    reviews.sort_by_key(|review| Some(&review.session) != last.as_ref());
    let review = reviews.into_iter().find(|review| review.pending.iter().any(&is_meant));
    let review = review.ok_or("no hunk is pending")?;
    Ok((open_session(server, &review.session)?, review))
}

/// What is pending in a session: as last derived, or derived now.
async fn review_of(server: &Server, session: &Session) -> Result<Arc<Review>, String> {
    if let Some(review) = server.state.with(|state| state.reviews.get(session.id())) {
        return Ok(review);
    }
    let (deriver, workspace) = (session.clone(), server.state.workspace());
    blocking(move || Ok(Arc::new(Review::derive(&deriver, &workspace.live())))).await
}

fn named_session(server: &Server, arguments: &Arguments) -> Result<Session, String> {
    let id = server.state.with(|state| arguments.session.clone().or_else(|| state.last_session.clone()));
    open_session(server, &id.ok_or("no session is open yet: ask something first")?)
}

fn open_session(server: &Server, id: &str) -> Result<Session, String> {
    let session = server.state.with(|state| state.sessions.get(id).map(|entry| entry.session.clone()));
    session.ok_or_else(|| format!("no session `{id}` is open here"))
}

fn session_of_hunk(server: &Server, id: &str) -> Option<Session> {
    let reviews = server.state.with(|state| state.reviews.all());
    let review = reviews.iter().find(|review| standing(review, id).is_some())?;
    open_session(server, &review.session).ok()
}

fn refresh(server: &Server) {
    let server = server.clone();
    let refreshing = server.clone();
    server.spawn(async move { keeper::refresh(&refreshing).await });
}
