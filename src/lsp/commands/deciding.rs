//! Commands that decide about hunks: to take them, parts of them or other text for them, to leave them, to settle conflicts.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tower_lsp::gen_lsp_types::MessageType;

use super::meant::{hunk, refresh, session_with_hunks, standing};
use super::place::last_focus;
use super::{Answer, Arguments, blocking, done};
use crate::agent::Session;
use crate::event::HunkState;
use crate::lsp::accept::{self, Way};
use crate::lsp::edits::EditSupport;
use crate::lsp::needs::{self, Batch, Left};
use crate::lsp::review::{Review, ReviewFile, ReviewHunk, merge_steps};
use crate::lsp::server::Server;
use crate::workspace::HunkId;
use crate::workspace::proposal::Settle;

/// Some lines of a hunk, 1-based and inclusive: `[first, last]`, `{"start": first, "end": last}`, or one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Lines(pub usize, pub usize);

impl TryFrom<Value> for Lines {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Lines, &'static str> {
        let number = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
        let lines = match &value {
            Value::Array(lines) => match lines.as_slice() {
                [only] => number(only).map(|line| Lines(line, line)),
                [first, last] => number(first).zip(number(last)).map(|(first, last)| Lines(first, last)),
                _ => None,
            },
            Value::Object(lines) => {
                let named = |name: &str| lines.get(name).and_then(number);
                named("start").zip(named("end")).map(|(first, last)| Lines(first, last))
            }
            other => number(other).map(|line| Lines(line, line)),
        };
        lines.ok_or("`lines` is `[first, last]`, counted from 1")
    }
}

/// What settles a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    Mine,
    Claw,
    Both,
}

/// `claw.acceptHunk {session?, hunk?, lines?, text?, with_needs?}`.
pub async fn accept_hunk(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let (session, review, id) = hunk(server, &arguments).await?;
    match standing(&review, &id) {
        Some(HunkState::Pending) => {
            let (hunk, review) = shaped(&session, review, &id, &arguments).await?;
            let needed = needs::closure(&review, &hunk);
            let (with, left) = if arguments.with_needs { Batch::of(&needed) } else { Default::default() };
            let hunks = std::iter::once(hunk).chain(with).collect();
            accept(server, session, &review, hunks, left, Way::Straight).map(|mut answer| {
                answer.insert("hunk".to_owned(), json!(id));
                needs::tell_left(&needed, &mut answer);
                answer
            })
        }
        Some(HunkState::Accepted) => {
            Ok(done(json!({"session": session.id(), "hunk": id, "message": "this hunk has been accepted already"})))
        }
        Some(HunkState::Rejected) => Err("this hunk was rejected: ask again if you want it after all".to_owned()),
        Some(HunkState::Conflict) => Err(
            "these lines were changed meanwhile: settle it with `claw.resolveHunk` (`take`: mine, claw or both), or \
                 say with `claw.changeHunk` what it should be"
                .to_owned(),
        ),
        Some(HunkState::Unverified) => {
            Err("the editor said it applied this hunk, but its text does not show it: look at the file first"
                .to_owned())
        }
        None => Err(format!("there is no hunk `{id}` in session `{}`", session.id())),
    }
}

/// `claw.acceptFile {session?, uri?, preview?}`.
pub async fn accept_file(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let path = match &arguments.uri {
        Some(uri) => server.state.with(|state| state.doc_path(uri)),
        None => last_focus(server).ok_or("no file is open: say which with `uri`")?.path,
    };
    let (session, review) =
        session_with_hunks(server, &arguments, |file| file.live == path || file.path == path).await?;
    accept_of(server, session, &review, |file| file.live == path || file.path == path, way(&arguments))
}

/// `claw.acceptAll {session?, preview?}`.
pub async fn accept_all(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let (session, review) = session_with_hunks(server, &arguments, |_| true).await?;
    accept_of(server, session, &review, |_| true, way(&arguments))
}

/// `claw.rejectHunk {session?, hunk?, lines?, reason?}`.
pub async fn reject_hunk(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let (session, review, id) = hunk(server, &arguments).await?;
    if standing(&review, &id) == Some(HunkState::Rejected) {
        return Ok(done(
            json!({"session": session.id(), "hunk": id, "message": "this hunk has been rejected already"}),
        ));
    }
    let (rejecting, hunk) = (session.clone(), HunkId(id.clone()));
    let (reason, lines) = (arguments.reason, arguments.lines);
    let rejected = blocking(move || {
        let hunk = match lines {
            Some(Lines(first, last)) => rejecting.cut_hunk(&hunk, first, last)?,
            None => hunk,
        };
        Ok(rejecting.reject(&hunk, "user", reason.as_deref()))
    })
    .await?;
    if !rejected {
        return Err(match standing(&review, &id) {
            Some(HunkState::Accepted) => "this hunk has been accepted: `claw.undo` takes it back".to_owned(),
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

/// What has become of a conflict.
enum Settled {
    /// The user has seen what stands there: the hunk goes on its way.
    Accept(HunkId),
    /// A whole file is at stake: it is shown again first.
    Again(Vec<HunkId>),
}

/// `claw.resolveHunk {session?, hunk?, take: mine|claw|both}`. A conflict about a whole file is not accepted with it, but proposed
/// again, for what is there now.
pub async fn resolve_hunk(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let take = arguments.take.ok_or("say what to take: `take` is `mine`, `claw` or `both`")?;
    let (session, review, id) = hunk(server, &arguments).await?;
    if standing(&review, &id) != Some(HunkState::Conflict) {
        return Err("this hunk is in no conflict: accept it, or reject it".to_owned());
    }
    let how = match take {
        Take::Mine => return reject_hunk(server, Arguments { lines: None, ..arguments }).await,
        Take::Claw => Settle::Claw,
        Take::Both => Settle::Both,
    };
    let (settling, conflict) = (session.clone(), HunkId(id.clone()));
    let settled = blocking(move || match settling.is_file_conflict(&conflict) {
        true => settling.settle_file(&conflict, how).map(Settled::Again),
        false => settling.settle_hunk(&conflict, how).map(Settled::Accept),
    });
    let settled = match settled.await? {
        Settled::Accept(settled) => settled,
        Settled::Again(hunks) => {
            refresh(server);
            let hunks: Vec<&String> = hunks.iter().map(|hunk| &hunk.0).collect();
            let message = "proposed again, for what is there now: look at what it replaces, then accept it";
            return Ok(done(json!({"session": session.id(), "hunk": id, "hunks": hunks, "message": message})));
        }
    };
    let review = derived(&session).await?;
    accept(server, session, &review, vec![settled.0], Left::default(), Way::Straight).map(|mut answer| {
        answer.insert("hunk".to_owned(), json!(id));
        answer
    })
}

/// The hunk that is accepted: the one that is meant, the lines of it, or with the user's text; and the review that holds it.
async fn shaped(
    session: &Session,
    review: Arc<Review>,
    id: &str,
    arguments: &Arguments,
) -> Result<(String, Arc<Review>), String> {
    let (lines, text) = (arguments.lines, arguments.text.clone());
    if lines.is_none() && text.is_none() {
        return Ok((id.to_owned(), review));
    }
    let (shaping, hunk) = (session.clone(), HunkId(id.to_owned()));
    let shaped = blocking(move || match (lines, text) {
        (Some(_), Some(_)) => Err("give `lines` or `text`, not both".to_owned()),
        (Some(Lines(first, last)), None) => shaping.cut_hunk(&hunk, first, last),
        (None, Some(text)) => shaping.amend_hunk(&hunk, &text),
        (None, None) => Ok(hunk),
    });
    let shaped = shaped.await?;
    Ok((shaped.0, derived(session).await?))
}

/// What is pending in a session at this moment.
async fn derived(session: &Session) -> Result<Arc<Review>, String> {
    let deriver = session.clone();
    blocking(move || Ok(Arc::new(Review::derive(&deriver)))).await
}

/// Accepts what can be accepted of the files that `is_meant` says, but for what is decided one by one.
fn accept_of(
    server: &Server,
    session: Session,
    review: &Review,
    is_meant: impl Fn(&ReviewFile) -> bool,
    way: Way,
) -> Result<Answer, String> {
    let meant: Vec<(&ReviewFile, &ReviewHunk)> = review.hunks().filter(|(file, _)| is_meant(file)).collect();
    let (hunks, left) = Batch::of(&meant);
    if hunks.is_empty() {
        return Err(left.why().unwrap_or_else(|| "no hunk here can be accepted".to_owned()));
    }
    accept(server, session, review, hunks, left, way)
}

fn way(arguments: &Arguments) -> Way {
    if arguments.preview { Way::Preview } else { Way::Straight }
}

/// Sends hunks on their way and answers. Those that are on their way already are not sent again.
pub fn accept(
    server: &Server,
    session: Session,
    review: &Review,
    hunks: Vec<String>,
    left: Left,
    way: Way,
) -> Result<Answer, String> {
    let client = server.state.client();
    let support = EditSupport::of(&client);
    if !support.apply {
        return Err(
            "this editor takes no edits from a server: accept by the code action `Claw: accept hunk …`, which carries its edit"
                .to_owned(),
        );
    }
    if way == Way::Preview && !support.preview {
        return Err(
            "this editor can not show an edit before it is made: look at the hunks one by one (`claw.nextHunk`, hover, code actions), \
             or accept without `preview`"
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
    let mut told = Vec::new();
    if let Some(why) = left.why() {
        let message = format!("not accepted: {why}");
        server.outbox.show_message(MessageType::Warning, format!("Claw: {message}"));
        answer.insert("skipped".to_owned(), json!(left.files()));
        told.push(message);
    }
    told.extend(complaints);
    if !told.is_empty() {
        answer.insert("message".to_owned(), json!(told.join("; ")));
    }
    if !fresh.is_empty() {
        server.spawn(accept::accept(server.clone(), session, fresh, way));
    }
    Ok(answer)
}

/// The hunks whose files this client can change, and why the others are left.
fn sendable(server: &Server, review: &Review, hunks: &[String], support: EditSupport) -> (Vec<String>, Vec<String>) {
    let (workspace, encoding) = server.state.with(|state| (state.workspace.clone(), state.client.encoding));
    let buffers = workspace.buffers();
    let hunks: BTreeSet<&str> = hunks.iter().map(String::as_str).collect();
    let (mut sendable, mut complaints) = (Vec::new(), Vec::new());
    for file in &review.pending {
        let buffer = buffers.get(&file.live);
        let placed = file.placed(buffer.map_or(&file.text, |buffer| &buffer.text));
        for hunk in file.hunks.iter().filter(|hunk| hunks.contains(hunk.id.as_str())) {
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
