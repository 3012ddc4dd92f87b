//! Accepting hunks: the editor makes the change, and only its text says that it did.
//!
//! Clients answer `applied: true` for edits that they dropped and `applied: false` for edits that the user then applies by
//! hand. So the answer only says when to look. What is not in the text after a while is unverified: the user is told, and it
//! is not sent a second time.

use std::collections::BTreeSet;
use std::time::Duration;

use tower_lsp::gen_lsp_types::{ApplyWorkspaceEditParams, ApplyWorkspaceEditRequest, MessageType};

use super::edits::{EditSupport, Step};
use super::keeper;
use super::outbox::AskError;
use super::review::{Review, merge_steps};
use super::server::Server;
use crate::agent::Session;
use crate::event::HunkState;
use crate::workspace::HunkId;

/// How long an editor may take to answer. A preview that the user reads holds the answer back.
const ANSWER: Duration = Duration::from_secs(30);

/// How long the text may take to show what the editor said it applied.
const EVIDENCE: Duration = Duration::from_secs(3);

/// How long to look, after the editor said it applied nothing, for what it applied all the same.
const DOUBT: Duration = Duration::from_millis(300);

/// Between two looks at files that no editor has open.
const LOOK: Duration = Duration::from_millis(50);

/// The part of a proposal that goes to the editor in one edit.
struct Batch {
    steps: Vec<Step>,
    hunks: Vec<String>,
    /// Names of the files.
    files: Vec<String>,
}

/// What the editor made of an edit.
enum Answer {
    Applied,
    Refused(String),
    Silent,
}

/// Sends these hunks of `session` to the editor and waits until it is clear what became of them. They are marked as in
/// flight by the caller; the mark ends here.
pub async fn accept(server: Server, session: Session, hunks: Vec<String>) {
    let (batches, mut complaints) = prepare(&server, &session, &hunks).await;
    for batch in batches {
        if let Err(complaint) = send(&server, &session, &batch).await {
            complaints.push(complaint);
        }
    }
    server.state.with(|state| {
        for hunk in &hunks {
            state.reviews.in_flight.remove(&(session.id().to_owned(), hunk.clone()));
        }
    });
    keeper::refresh(&server).await;
    if !complaints.is_empty() {
        server.outbox.show_message(MessageType::Warning, format!("Claw: {}", complaints.join("; ")));
    }
}

/// Places the hunks in the text of this moment. What has no place any more is a complaint.
async fn prepare(server: &Server, session: &Session, wanted: &[String]) -> (Vec<Batch>, Vec<String>) {
    let (workspace, client) = server.state.with(|state| (state.workspace.clone(), state.client.clone()));
    let (looker, live) = (session.clone(), workspace.clone());
    let derived = tokio::task::spawn_blocking(move || {
        looker.observe();
        Review::derive(&looker, &live.live())
    });
    let Ok(review) = derived.await else { return (Vec::new(), vec!["the proposal could not be derived".to_owned()]) };
    let support = EditSupport::of(&client);
    let buffers = workspace.buffers();
    let mut batches: Vec<Batch> = Vec::new();
    let mut complaints = Vec::new();
    for file in &review.pending {
        let mut batch = Batch { steps: Vec::new(), hunks: Vec::new(), files: vec![file.name.clone()] };
        let buffer = buffers.get(&file.live);
        let placed = file.placed(buffer.map_or(&file.text, |buffer| &buffer.text));
        for hunk in file.hunks.iter().filter(|hunk| wanted.contains(&hunk.id) && hunk.can_be_accepted()) {
            match placed.accept_step(hunk, buffer.map(|buffer| buffer.version), client.encoding) {
                Some(step) => {
                    batch.steps.push(step);
                    batch.hunks.push(hunk.id.clone());
                }
                None => complaints.push(format!("{} was changed just now: a hunk in it was not applied", file.name)),
            }
        }
        batch.steps = merge_steps(batch.steps);
        if !batch.steps.is_empty() {
            batches.push(batch);
        }
    }
    (group(batches, support), complaints)
}

/// One edit for all files where the client takes all or nothing, else one for each.
fn group(batches: Vec<Batch>, support: EditSupport) -> Vec<Batch> {
    let steps: Vec<Step> = batches.iter().flat_map(|batch| batch.steps.iter().cloned()).collect();
    if batches.len() < 2 || !support.takes_together(&steps) {
        return batches;
    }
    let hunks = batches.iter().flat_map(|batch| batch.hunks.iter().cloned()).collect();
    let files = batches.into_iter().flat_map(|batch| batch.files).collect();
    vec![Batch { steps, hunks, files }]
}

async fn send(server: &Server, session: &Session, batch: &Batch) -> Result<(), String> {
    let support = EditSupport::of(&server.state.client());
    let files = batch.files.join(", ");
    let edit = support.workspace_edit(batch.steps.clone()).map_err(|error| format!("{files}: {error}"))?;
    let ids: Vec<HunkId> = batch.hunks.iter().cloned().map(HunkId).collect();
    session.accepting(&ids, "user");
    let label = if ids.len() == 1 { format!("Claw: {files}") } else { format!("Claw: {} hunks in {files}", ids.len()) };
    let params = ApplyWorkspaceEditParams { label: Some(label), edit, metadata: None };
    // The text may show the change before the answer comes.
    let changes = server.state.with(|state| state.reviews.changes());
    let answer = match server.outbox.ask::<ApplyWorkspaceEditRequest>(params, ANSWER).await {
        Ok(result) if result.applied => Answer::Applied,
        Ok(result) => Answer::Refused(result.failure_reason.unwrap_or_else(|| "it gave no reason".to_owned())),
        Err(AskError::Refused(reason)) => Answer::Refused(reason),
        Err(error) => {
            tracing::warn!(%error, "workspace/applyEdit");
            Answer::Silent
        }
    };
    let patience = if matches!(answer, Answer::Refused(_)) { DOUBT } else { EVIDENCE };
    wait_for_text(session, &batch.hunks, changes, patience).await;
    let applied = !matches!(answer, Answer::Refused(_));
    let settler = session.clone();
    let states = tokio::task::spawn_blocking(move || settler.settle(&ids, applied)).await.unwrap_or_default();
    let count = |state: HunkState| states.iter().filter(|(_, other)| *other == state).count();
    match answer {
        Answer::Refused(reason) if count(HunkState::Pending) > 0 => Err(format!(
            "the editor did not apply {} of {} hunks in {files}: {reason}",
            count(HunkState::Pending),
            states.len()
        )),
        Answer::Applied | Answer::Silent if count(HunkState::Unverified) > 0 => {
            let said = if matches!(answer, Answer::Applied) { "said it applied the change" } else { "did not answer" };
            Err(format!(
                "the editor {said}, but the text of {files} does not show it: look at the file; the hunk will not be sent again \
                 until the file changes"
            ))
        }
        Answer::Applied | Answer::Refused(_) | Answer::Silent => Ok(()),
    }
}

/// Looks, at every change of a document and now and then at the disk, until the text holds all of `hunks`.
async fn wait_for_text(
    session: &Session,
    hunks: &[String],
    mut changes: tokio::sync::watch::Receiver<u64>,
    patience: Duration,
) {
    let until = tokio::time::Instant::now() + patience;
    let wanted: BTreeSet<String> = hunks.iter().cloned().collect();
    loop {
        let (looker, wanted) = (session.clone(), wanted.clone());
        let open = tokio::task::spawn_blocking(move || {
            looker.observe();
            let proposal = looker.proposal();
            proposal.hunks().any(|(_, hunk)| wanted.contains(&hunk.id.0))
        });
        if !open.await.unwrap_or(false) || tokio::time::Instant::now() >= until {
            return;
        }
        if let Ok(Err(_)) = tokio::time::timeout(LOOK, changes.changed()).await {
            // Nobody counts changes any more: the server is on its way out.
            return;
        }
    }
}
