//! What the arguments of a review's command mean: sessions and hunks, by name or by where the user is.

use std::sync::Arc;

use super::place::last_focus;
use super::{Arguments, blocking};
use crate::agent::Session;
use crate::event::HunkState;
use crate::lsp::keeper;
use crate::lsp::review::{Review, ReviewFile, ReviewHunk};
use crate::lsp::server::Server;

/// The session and id of the hunk that is meant: by name, else at the last focus, else the only one.
pub async fn hunk(server: &Server, arguments: &Arguments) -> Result<(Session, Arc<Review>, String), String> {
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
pub fn standing(review: &Review, id: &str) -> Option<HunkState> {
    review.hunk(id).map(|(_, hunk)| hunk.state).or_else(|| review.decided(id))
}

/// The session that the arguments name, else the last one, and what is pending in it; without a name, the first with a
/// file that is meant.
pub async fn session_with_hunks(
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
pub async fn review_of(server: &Server, session: &Session) -> Result<Arc<Review>, String> {
    if let Some(review) = server.state.with(|state| state.reviews.get(session.id())) {
        return Ok(review);
    }
    let deriver = session.clone();
    blocking(move || Ok(Arc::new(Review::derive(&deriver)))).await
}

pub fn named_session(server: &Server, arguments: &Arguments) -> Result<Session, String> {
    let id = server.state.with(|state| arguments.session.clone().or_else(|| state.last_session.clone()));
    open_session(server, &id.ok_or("no session is open yet: ask something first")?)
}

pub fn open_session(server: &Server, id: &str) -> Result<Session, String> {
    let session = server.state.with(|state| state.sessions.get(id).map(|entry| entry.session.clone()));
    session.ok_or_else(|| format!("no session `{id}` is open here"))
}

pub fn session_of_hunk(server: &Server, id: &str) -> Option<Session> {
    let reviews = server.state.with(|state| state.reviews.all());
    let review = reviews.iter().find(|review| standing(review, id).is_some())?;
    open_session(server, &review.session).ok()
}

pub fn refresh(server: &Server) {
    let server = server.clone();
    let refreshing = server.clone();
    server.spawn(async move { keeper::refresh(&refreshing).await });
}
