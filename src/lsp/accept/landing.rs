//! Watches where edits land, and says so where that is the wrong place.

use std::time::Duration;

use tokio::time::Instant;
use tower_lsp::gen_lsp_types::{MessageActionItem, MessageType, ShowMessageRequest, ShowMessageRequestParams};

use crate::agent::{Session, UndoTarget};
use crate::lsp::flights::{self, FlightId, Wrong};
use crate::lsp::server::Server;

/// A pause in the typing that is long enough to look.
const PAUSE: Duration = Duration::from_millis(60);

/// How long an edit may be late. An editor that holds it back while the user reads applies it in the end.
const LATEST: Duration = Duration::from_secs(15 * 60);

/// How long the user may take to choose. Other questions wait until then: Helix drops one when the next comes.
const CHOICE: Duration = Duration::from_secs(120);

/// Watches these flights until each has come to an end, however late, and tells of those that went wrong.
pub async fn watch(server: Server, session: Session, ids: Vec<FlightId>) {
    let mut changes = server.state.with(|state| state.reviews.changes());
    let latest = Instant::now() + LATEST;
    while server.state.with(|state| state.reviews.flights.is_any_open(&ids)) {
        match tokio::time::timeout_at(latest, changes.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => break,
        }
        let at_least = Instant::now() + PAUSE * 8;
        while let Ok(Ok(())) = tokio::time::timeout(PAUSE, changes.changed()).await {
            if Instant::now() > at_least {
                break;
            }
        }
        check(&server, &session, &ids).await;
    }
    server.state.with(|state| state.reviews.flights.end(&ids));
}

/// Looks where these edits are; the names of the documents in which they are in the wrong place. The user is told, once.
pub async fn check(server: &Server, session: &Session, ids: &[FlightId]) -> Vec<String> {
    let (open, live) = server.state.with(|state| (state.reviews.flights.open(ids), state.workspace.clone()));
    let looked = tokio::task::spawn_blocking(move || {
        let live = live.live();
        open.into_iter()
            .filter_map(|(id, document, texts)| Some((id, flights::look(&document, texts, &live)?)))
            .collect()
    });
    let found = looked.await.unwrap_or_default();
    let (news, wrong) = server.state.with(|state| {
        let news = state.reviews.flights.found(found);
        (news, state.reviews.flights.wrong(ids))
    });
    if !news.is_empty() {
        server.spawn(tell(server.clone(), session.clone(), news));
    }
    wrong
}

/// Offers to take back steps that an editor made in the wrong place.
async fn tell(server: Server, session: Session, wrong: Vec<Wrong>) {
    let mut names: Vec<&str> = wrong.iter().map(|wrong| wrong.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let files = names.join(", ");
    let steps: Vec<_> = wrong.iter().map(|wrong| (wrong.path.clone(), wrong.step.clone())).collect();
    let (noter, label) = (session.clone(), format!("an edit in the wrong place of {files}"));
    let noted = tokio::task::spawn_blocking(move || noter.misapplied(&steps, &label)).await;
    let Ok(batch) = noted else { return };
    let message = format!(
        "the text of {files} was changed while an edit was on its way, and the editor put it in the wrong place all the same. \
         `Restore` takes back that step and leaves what was typed; so does `claw.undo`"
    );
    offer(&server, &session, message, "Restore", batch).await;
}

/// Shows a message with which a batch can be taken back.
pub async fn offer(server: &Server, session: &Session, message: String, take_back: &str, batch: u64) {
    let choice = ask(server, format!("Claw: {message}."), &[take_back, "Keep"]).await;
    if choice.as_deref() != Some(take_back) {
        return;
    }
    let planner = session.clone();
    let planned = tokio::task::spawn_blocking(move || planner.plan_undo(&UndoTarget::Batch(batch))).await;
    let complaint = match planned {
        Ok(Ok(plan)) => {
            let stays = plan.clashes.len();
            super::undo(server.clone(), session.clone(), plan).await;
            (stays > 0).then(|| format!("{stays} changes stay, because the same lines were changed since"))
        }
        Ok(Err(reason)) => Some(reason),
        Err(_) => None,
    };
    if let Some(complaint) = complaint {
        server.outbox.show_message(MessageType::Warning, format!("Claw: {complaint}"));
    }
}

/// Asks the user to choose; `None` if nobody did. One question at a time.
async fn ask(server: &Server, message: String, choices: &[&str]) -> Option<String> {
    let asking = server.state.with(|state| std::sync::Arc::clone(&state.reviews.asking));
    let _one_at_a_time = asking.lock().await;
    let item = |title: &&str| MessageActionItem { title: (*title).to_owned(), ..MessageActionItem::default() };
    let actions = Some(choices.iter().map(item).collect());
    let params = ShowMessageRequestParams { kind: MessageType::Warning, message, actions };
    match server.outbox.ask::<ShowMessageRequest>(params, CHOICE).await {
        Ok(chosen) => chosen.map(|item| item.title),
        Err(error) => {
            tracing::info!(%error, "window/showMessageRequest");
            None
        }
    }
}
