//! Accepting hunks: the editor makes the change, and only its text says that it did.
//!
//! Clients answer `applied: true` for edits that they dropped or put in the wrong place, and `applied: false` for edits that the
//! user then applies by hand. So the answer only says when to look. What is not in the text after a while is unverified: the
//! user is told, and it is not sent a second time. What is in the wrong place can be taken back with one word ([`landing`]).

mod batch;
mod landing;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tower_lsp::gen_lsp_types::{
    ApplyWorkspaceEditParams, ApplyWorkspaceEditRequest, LogMessageNotification, LogMessageParams, MessageType,
    WorkspaceEdit,
};

use super::edits::EditSupport;
use super::flights::FlightId;
use super::keeper;
use super::outbox::AskError;
use super::review::{Review, ReviewFile};
use super::server::Server;
use crate::agent::{Session, UndoPlan};
use crate::event::HunkState;
use crate::workspace::{DocPath, HunkId, Proposal};
use batch::{Batch, batches, group, together};

/// How long an editor may take to answer while the user reads a preview.
const READING: Duration = Duration::from_secs(600);

/// How long an edit may stay unanswered before a word follows it. Emacs leaves what came in one piece with an answer that it waited
/// for until it hears more.
const NUDGE: Duration = Duration::from_secs(1);

/// How long to look, after the editor said it applied nothing, for what it applied all the same.
const DOUBT: Duration = Duration::from_millis(300);

/// Between two looks at files that no editor has open.
const LOOK: Duration = Duration::from_millis(50);

/// How long editors are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For an answer to an edit.
    pub answer: Duration,
    /// For the text to show what the editor said it applied.
    pub evidence: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { answer: Duration::from_secs(30), evidence: Duration::from_secs(3) }
    }
}

/// How hunks go to the editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As edits that it applies.
    Straight,
    /// As one edit that the user looks through.
    Preview,
}

/// What the editor made of an edit.
enum Answer {
    Applied,
    Refused(String),
    Silent,
}

/// Sends these hunks of `session` to the editor and waits until it is clear what became of them. They are marked as in
/// flight by the caller; the mark ends here.
pub async fn accept(server: Server, session: Session, hunks: Vec<String>, way: Way) {
    let applying = server.state.with(|state| Arc::clone(&state.reviews.applying));
    let one_at_a_time = match way {
        Way::Straight => Some(applying.lock().await),
        Way::Preview => None,
    };
    let (batches, mut complaints) = prepare(&server, &session, &hunks, way).await;
    let number = session.next_batch();
    let flights = begin_flights(&server, &session, &batches);
    let changes = server.state.with(|state| state.reviews.changes());
    let mut answers: Vec<(Batch, Answer)> = Vec::new();
    let mut unsent = Vec::new();
    let mut batches = batches.into_iter();
    for batch in batches.by_ref() {
        session.accepting(&batch.hunks, "user", number);
        match deliver(&server, &batch, label(&batch, way), way).await {
            Ok(answer) => {
                let silent = matches!(answer, Answer::Silent);
                answers.push((batch, answer));
                // An editor that does not answer has no use for more.
                if silent {
                    break;
                }
            }
            Err(complaint) => {
                session.settle(&batch.hunks, false);
                complaints.push(complaint);
            }
        }
    }
    unsent.extend(batches.flat_map(|batch| batch.files));
    if !unsent.is_empty() {
        complaints.push(format!("the editor does not answer: nothing was sent to it for {}", unsent.join(", ")));
    }
    wait_for_evidence(&server, &session, changes, &answers).await;
    let standing = settle(&session, &answers, way).await;
    drop(one_at_a_time);
    server.state.with(|state| {
        for hunk in &hunks {
            state.reviews.in_flight.remove(&(session.id().to_owned(), hunk.clone()));
        }
    });
    keeper::refresh(&server).await;
    let wrong = landing::check(&server, &session, &flights).await;
    complaints.extend(answers.iter().zip(&standing).filter_map(|((batch, answer), states)| {
        // Of those the user is told by themselves.
        let is_wrong = batch.files.iter().all(|file| wrong.contains(file));
        complain(batch, answer, states).filter(|_| !is_wrong && way == Way::Straight)
    }));
    if complaints.is_empty() {
        return;
    }
    let all = standing.iter().flatten();
    let accepted = all.clone().filter(|(_, state)| *state == HunkState::Accepted).count();
    if accepted > 0 && accepted < hunks.len() && way == Way::Straight {
        complaints.push(format!("{accepted} of {} hunks are applied", hunks.len()));
        landing::offer(&server, &session, complaints.join("; "), "Take back what was applied", number).await;
    } else {
        server.outbox.show_message(MessageType::Warning, format!("Claw: {}", complaints.join("; ")));
    }
}

/// Sends what takes accepted hunks back, or brings them back, and waits until it is clear what became of it.
pub fn undo(server: Server, session: Session, plan: UndoPlan) -> BoxFuture<'static, ()> {
    // From here on, not when its turn comes: the user may be told already that it goes.
    session.undoing(&plan);
    // What goes wrong here may be taken back in turn, and no future can hold its own kind.
    Box::pin(run_undo(server, session, plan))
}

async fn run_undo(server: Server, session: Session, plan: UndoPlan) {
    let applying = server.state.with(|state| Arc::clone(&state.reviews.applying));
    let _one_at_a_time = applying.lock().await;
    let workspace = server.state.workspace();
    let (overlay, live) = (plan.overlay.clone(), workspace.clone());
    let derived = tokio::task::spawn_blocking(move || {
        let live = live.live();
        Proposal::derive(&overlay, &live)
            .files
            .iter()
            .filter_map(|file| ReviewFile::of(file, &live, &HashMap::new()))
            .collect()
    });
    let files: Vec<ReviewFile> = derived.await.unwrap_or_default();
    let (batches, mut complaints) = batches(&server, &workspace, &files, |_| true);
    let batches = group(batches, EditSupport::of(&server.state.client()));
    let flights = begin_flights(&server, &session, &batches);
    let changes = server.state.with(|state| state.reviews.changes());
    let what = if plan.redo { "bring back" } else { "undo" };
    for batch in batches {
        let label = format!("Claw: {what} {}", plan.label);
        match deliver(&server, &batch, label, Way::Straight).await {
            Ok(Answer::Applied) => {}
            Ok(Answer::Silent) => {
                complaints.push(format!("the editor did not answer when it was to {what} {}", batch.files.join(", ")));
                break;
            }
            Ok(Answer::Refused(reason)) | Err(reason) => {
                complaints.push(format!("the editor did not {what} {}: {reason}", batch.files.join(", ")));
            }
        }
    }
    let patience = if complaints.is_empty() { server.options.patience.evidence } else { DOUBT };
    let (looker, looked) = (session.clone(), plan.clone());
    wait_until(changes, patience, move || looker.left_of(&looked).is_empty()).await;
    let (settler, settled) = (session.clone(), plan.clone());
    let done = tokio::task::spawn_blocking(move || settler.settle_undo(&settled, "user")).await.unwrap_or_default();
    let wrong = landing::check(&server, &session, &flights).await;
    keeper::refresh(&server).await;
    if done.len() < plan.hunks.len() && complaints.is_empty() && wrong.is_empty() {
        complaints.push(format!("the text does not show that the editor did {what} all of it: look at the files"));
    }
    if done.len() < plan.hunks.len() && !complaints.is_empty() {
        server.outbox.show_message(MessageType::Warning, format!("Claw: {}", complaints.join("; ")));
    }
}

/// Places the hunks in the text of this moment. What has no place any more is a complaint.
async fn prepare(server: &Server, session: &Session, wanted: &[String], way: Way) -> (Vec<Batch>, Vec<String>) {
    let workspace = server.state.workspace();
    let looker = session.clone();
    let derived = tokio::task::spawn_blocking(move || {
        looker.observe();
        Review::derive(&looker)
    });
    let Ok(review) = derived.await else { return (Vec::new(), vec!["the proposal could not be derived".to_owned()]) };
    let wanted: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    let is_wanted = |hunk: &super::review::ReviewHunk| wanted.contains(hunk.id.as_str()) && hunk.can_be_accepted();
    let (batches, complaints) = batches(server, &workspace, &review.pending, is_wanted);
    match way {
        Way::Preview if !batches.is_empty() => (vec![together(batches)], complaints),
        Way::Preview | Way::Straight => (group(batches, EditSupport::of(&server.state.client())), complaints),
    }
}

/// From here on it is seen where these edits land.
fn begin_flights(server: &Server, session: &Session, batches: &[Batch]) -> Vec<FlightId> {
    let documents = batches.iter().flat_map(|batch| batch.documents.iter().cloned()).collect();
    let flights = server.state.with(|state| state.reviews.flights.begin(session, documents));
    if !flights.is_empty() {
        server.spawn(landing::watch(server.clone(), session.clone(), flights.clone()));
    }
    flights
}

/// Waits until the text shows what the editor said it applied, and a moment for what it said it did not.
async fn wait_for_evidence(
    server: &Server,
    session: &Session,
    changes: tokio::sync::watch::Receiver<u64>,
    answers: &[(Batch, Answer)],
) {
    let of = |is_meant: &dyn Fn(&Answer) -> bool| -> Vec<HunkId> {
        answers.iter().filter(|(_, answer)| is_meant(answer)).flat_map(|(batch, _)| batch.hunks.clone()).collect()
    };
    let said = of(&|answer| matches!(answer, Answer::Applied));
    let doubted = of(&|answer| !matches!(answer, Answer::Applied));
    for (hunks, patience) in [(said, server.options.patience.evidence), (doubted, DOUBT)] {
        let (looker, paths) = (session.clone(), paths_of(answers));
        let is_there = move || {
            // Files that are made, moved or deleted are in no buffer.
            match &paths {
                Some(paths) => looker.observe_accepted(paths),
                None => drop(looker.observe()),
            }
            !looker.awaits(&hunks)
        };
        wait_until(changes.clone(), patience, is_there).await;
    }
}

/// The documents that the batches edit; `None` where they do something else too.
fn paths_of(answers: &[(Batch, Answer)]) -> Option<BTreeSet<DocPath>> {
    let mut paths = BTreeSet::new();
    for (batch, _) in answers {
        if batch.documents.len() < batch.steps.len() {
            return None;
        }
        paths.extend(batch.documents.iter().map(|document| document.path.clone()));
    }
    Some(paths)
}

/// How the hunks of each answer stand by what the texts show.
async fn settle(session: &Session, answers: &[(Batch, Answer)], way: Way) -> Vec<Vec<(HunkId, HunkState)>> {
    // What the user did not tick in a preview is not there, and pending.
    let is_claimed = |answer: &Answer| !matches!(answer, Answer::Refused(_)) && way == Way::Straight;
    let answers: Vec<(Vec<HunkId>, bool)> =
        answers.iter().map(|(batch, answer)| (batch.hunks.clone(), is_claimed(answer))).collect();
    let settler = session.clone();
    tokio::task::spawn_blocking(move || settler.settle_all(&answers)).await.unwrap_or_default()
}

/// What to tell the user of a batch that is not all there.
fn complain(batch: &Batch, answer: &Answer, states: &[(HunkId, HunkState)]) -> Option<String> {
    let files = batch.files.join(", ");
    let count = |state: HunkState| states.iter().filter(|(_, other)| *other == state).count();
    match answer {
        Answer::Refused(reason) if count(HunkState::Pending) > 0 => Some(format!(
            "the editor did not apply {} of {} hunks in {files}: {reason}",
            count(HunkState::Pending),
            states.len()
        )),
        Answer::Applied | Answer::Silent if count(HunkState::Unverified) > 0 => {
            let said = if matches!(answer, Answer::Applied) { "said it applied the change" } else { "did not answer" };
            Some(format!(
                "the editor {said}, but the text of {files} does not show it: look at the file; the hunk will not be sent again \
                 until the file changes"
            ))
        }
        Answer::Applied | Answer::Refused(_) | Answer::Silent => None,
    }
}

fn label(batch: &Batch, way: Way) -> String {
    let files = match batch.files.as_slice() {
        [first, _, _, _, ..] => format!("{first} and {} more files", batch.files.len() - 1),
        few => few.join(", "),
    };
    match (batch.hunks.len(), way) {
        (1, Way::Straight) => format!("Claw: {files}"),
        (hunks, _) => format!("Claw: {hunks} hunks in {files}"),
    }
}

/// Sends one edit; what the editor says of it.
async fn deliver(server: &Server, batch: &Batch, label: String, way: Way) -> Result<Answer, String> {
    let support = EditSupport::of(&server.state.client());
    let (edit, patience) = match way {
        Way::Straight => (support.workspace_edit(batch.steps.clone()), server.options.patience.answer),
        Way::Preview => (support.annotated_edit(batch.annotated.clone()), READING),
    };
    let edit: WorkspaceEdit = edit.map_err(|error| format!("{}: {error}", batch.files.join(", ")))?;
    let params = ApplyWorkspaceEditParams { label: Some(label), edit, metadata: None };
    let answer = server.outbox.ask::<ApplyWorkspaceEditRequest>(params, patience);
    tokio::pin!(answer);
    let answer = match tokio::time::timeout(NUDGE, &mut answer).await {
        Ok(answer) => answer,
        Err(_) => {
            let message = "Claw waits for the editor to answer an edit".to_owned();
            server.outbox.notify::<LogMessageNotification>(LogMessageParams { kind: MessageType::Log, message });
            answer.await
        }
    };
    Ok(match answer {
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
