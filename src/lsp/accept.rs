//! Accepting hunks: the editor makes the change, and only its text says that it did.
//!
//! Clients answer `applied: true` for edits that they dropped and `applied: false` for edits that the user then applies by
//! hand. So the answer only says when to look. What is not in the text after a while is unverified: the user is told, and it
//! is not sent a second time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tower_lsp::gen_lsp_types::{ApplyWorkspaceEditParams, ApplyWorkspaceEditRequest, MessageType};

use super::edits::{EditSupport, Step};
use super::keeper;
use super::outbox::AskError;
use super::review::{Review, ReviewFile, ReviewHunk, merge_steps};
use super::server::Server;
use crate::agent::{Session, UndoPlan};
use crate::event::HunkState;
use crate::workspace::{HunkId, Proposal, Workspace};

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
    let number = session.next_batch();
    for batch in batches {
        if let Err(complaint) = send(&server, &session, &batch, number).await {
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

/// Sends what takes accepted hunks back, or brings them back, and waits until it is clear what became of it.
pub async fn undo(server: Server, session: Session, plan: UndoPlan) {
    let workspace = server.state.workspace();
    let (overlay, live) = (plan.overlay.clone(), workspace.clone());
    let derived = tokio::task::spawn_blocking(move || {
        let live = live.live();
        Proposal::derive(&overlay, &live).files.iter().filter_map(|file| ReviewFile::of(file, &live, &[])).collect()
    });
    let files: Vec<ReviewFile> = derived.await.unwrap_or_default();
    let (batches, mut complaints) = batches(&server, &workspace, &files, |_| true);
    let changes = server.state.with(|state| state.reviews.changes());
    let what = if plan.redo { "bring back" } else { "undo" };
    for batch in batches {
        let label = format!("Claw: {what} {}", plan.label);
        if let Ok(Answer::Refused(reason)) | Err(reason) = deliver(&server, &batch, label).await {
            complaints.push(format!("the editor did not {what} {}: {reason}", batch.files.join(", ")));
        }
    }
    let patience = if complaints.is_empty() { EVIDENCE } else { DOUBT };
    let (looker, looked) = (session.clone(), plan.clone());
    wait_until(changes, patience, move || looker.left_of(&looked).is_empty()).await;
    let (settler, settled) = (session.clone(), plan.clone());
    let done = tokio::task::spawn_blocking(move || settler.settle_undo(&settled, "user")).await.unwrap_or_default();
    keeper::refresh(&server).await;
    if done.len() < plan.hunks.len() && complaints.is_empty() {
        complaints.push(format!("the text does not show that the editor did {what} all of it: look at the files"));
    }
    if !complaints.is_empty() {
        server.outbox.show_message(MessageType::Warning, format!("Claw: {}", complaints.join("; ")));
    }
}

/// Places the hunks in the text of this moment. What has no place any more is a complaint.
async fn prepare(server: &Server, session: &Session, wanted: &[String]) -> (Vec<Batch>, Vec<String>) {
    let workspace = server.state.workspace();
    let (looker, live) = (session.clone(), workspace.clone());
    let derived = tokio::task::spawn_blocking(move || {
        looker.observe();
        Review::derive(&looker, &live.live())
    });
    let Ok(review) = derived.await else { return (Vec::new(), vec!["the proposal could not be derived".to_owned()]) };
    batches(server, &workspace, &review.pending, |hunk| wanted.contains(&hunk.id) && hunk.can_be_accepted())
}

/// The edits that make the hunks that are wanted.
fn batches(
    server: &Server,
    workspace: &Workspace,
    files: &[ReviewFile],
    is_wanted: impl Fn(&ReviewHunk) -> bool,
) -> (Vec<Batch>, Vec<String>) {
    let client = server.state.client();
    let buffers = workspace.buffers();
    let mut batches: Vec<Batch> = Vec::new();
    let mut complaints = Vec::new();
    for file in files {
        let mut batch = Batch { steps: Vec::new(), hunks: Vec::new(), files: vec![file.name.clone()] };
        let buffer = buffers.get(&file.live);
        let placed = file.placed(buffer.map_or(&file.text, |buffer| &buffer.text));
        for hunk in file.hunks.iter().filter(|hunk| is_wanted(hunk)) {
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
    (group(batches, EditSupport::of(&client)), complaints)
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

async fn send(server: &Server, session: &Session, batch: &Batch, number: u64) -> Result<(), String> {
    let files = batch.files.join(", ");
    let ids: Vec<HunkId> = batch.hunks.iter().cloned().map(HunkId).collect();
    session.accepting(&ids, "user", number);
    let label = if ids.len() == 1 { format!("Claw: {files}") } else { format!("Claw: {} hunks in {files}", ids.len()) };
    // The text may show the change before the answer comes.
    let changes = server.state.with(|state| state.reviews.changes());
    let answer = deliver(server, batch, label).await?;
    let patience = if matches!(answer, Answer::Refused(_)) { DOUBT } else { EVIDENCE };
    let (looker, wanted) = (session.clone(), batch.hunks.iter().cloned().collect::<BTreeSet<String>>());
    wait_until(changes, patience, move || {
        looker.observe();
        !looker.proposal().hunks().any(|(_, hunk)| wanted.contains(&hunk.id.0))
    })
    .await;
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

/// Sends one edit; what the editor says of it.
async fn deliver(server: &Server, batch: &Batch, label: String) -> Result<Answer, String> {
    let support = EditSupport::of(&server.state.client());
    let edit = support.workspace_edit(batch.steps.clone());
    let edit = edit.map_err(|error| format!("{}: {error}", batch.files.join(", ")))?;
    let params = ApplyWorkspaceEditParams { label: Some(label), edit, metadata: None };
    Ok(match server.outbox.ask::<ApplyWorkspaceEditRequest>(params, ANSWER).await {
        Ok(result) if result.applied => Answer::Applied,
        Ok(result) => Answer::Refused(result.failure_reason.unwrap_or_else(|| "it gave no reason".to_owned())),
        Err(AskError::Refused(reason)) => Answer::Refused(reason),
        Err(error) => {
            tracing::warn!(%error, "workspace/applyEdit");
            Answer::Silent
        }
    })
}

/// Looks, at every change of a document and now and then at the disk, until something is so or patience ends.
async fn wait_until(
    mut changes: tokio::sync::watch::Receiver<u64>,
    patience: Duration,
    is_so: impl Fn() -> bool + Send + Sync + 'static,
) {
    let until = tokio::time::Instant::now() + patience;
    let is_so = Arc::new(is_so);
    loop {
        let look = Arc::clone(&is_so);
        let so = tokio::task::spawn_blocking(move || look()).await.unwrap_or(true);
        if so || tokio::time::Instant::now() >= until {
            return;
        }
        if let Ok(Err(_)) = tokio::time::timeout(LOOK, changes.changed()).await {
            // Nobody counts changes any more: the server is on its way out.
            return;
        }
    }
}
