//! Questions to the user: one at a time, whoever asks, each with a deadline.
//!
//! `window/showMessageRequest` is all that every client has. No answer, an answer that was not offered, an error: each is a no. A
//! question that nobody needs an answer to any more is withdrawn.

use std::time::Duration;

use tower_lsp::gen_lsp_types::{MessageActionItem, MessageType, ShowMessageRequest, ShowMessageRequestParams};

use super::ext::{ClawInput, InputParams, typed};
use super::server::Server;
use crate::store::Trust;
use crate::tools::{Approval, Reply, TrustQuestion, UserAnswer, UserQuestion};

const ONCE: &str = "Allow once";
const SESSION: &str = "Allow for this session";
const DENY: &str = "Deny";
const TRUST: &str = "Trust";
const NO_TRUST: &str = "Do not trust";

/// Asks for one act.
pub async fn approve(server: &Server, question: Approval) -> Reply {
    let Approval { session, tool, act, why, pattern, deadline } = question;
    let always = pattern.map(|pattern| format!("Always allow \"{pattern}\""));
    let why = if why.is_empty() { String::new() } else { format!("\n{why}") };
    let message = format!("Claw ({tool}, for \"{session}\"): {act}{why}");
    let choices: Vec<&str> = [Some(ONCE), Some(SESSION), always.as_deref(), Some(DENY)].into_iter().flatten().collect();
    let chosen = choose(server, MessageType::Warning, message, &choices, deadline).await;
    match chosen.as_deref() {
        Some(ONCE) => Reply::Once,
        Some(SESSION) => Reply::Session,
        Some(DENY) => Reply::Deny,
        Some(other) if Some(other) == always.as_deref() => Reply::Always,
        Some(other) => {
            tracing::warn!(answer = other, "an answer that was not offered is a no");
            Reply::Deny
        }
        None => Reply::Unanswered,
    }
}

/// Asks whether the workspace is trusted, and keeps a yes. A session that waited while another one's question was answered goes by
/// that answer where it was a yes.
pub async fn ask_trust(server: &Server, question: TrustQuestion) -> Reply {
    let asking = server.state.with(|state| std::sync::Arc::clone(&state.reviews.asking));
    let _one_at_a_time = asking.lock().await;
    let (trust, folders) = (server.trust(), question.folders.clone());
    let is_trusted = move || !folders.is_empty() && folders.iter().all(|folder| trust.is_trusted(folder));
    if tokio::task::spawn_blocking(is_trusted).await.unwrap_or(false) {
        return Reply::Always;
    }
    let names: Vec<String> = question.folders.iter().map(|folder| folder.display().to_string()).collect();
    let message = format!(
        "Do you trust {}? Claw would {}, and use its own configuration. Code in a folder you do not trust can be hostile.",
        names.join(" and "),
        question.purpose
    );
    match offer(server, MessageType::Warning, message, &[TRUST, NO_TRUST], question.deadline).await.as_deref() {
        Some(TRUST) => {}
        Some(_) => return Reply::Deny,
        None => return Reply::Unanswered,
    }
    let trust = server.trust();
    let kept = tokio::task::spawn_blocking(move || keep(&trust, &question)).await;
    if let Ok(Err(error)) | Err(error) = kept.map_err(std::io::Error::other) {
        server.outbox.show_message(MessageType::Warning, format!("Claw could not keep that you trust it: {error}"));
    }
    super::settings::trust_given(server);
    Reply::Always
}

/// Asks what the model wants to know.
pub async fn ask_user(server: &Server, question: UserQuestion) -> UserAnswer {
    let UserQuestion { session, question, options, deadline } = question;
    let said = |answer: Option<String>| answer.map_or(UserAnswer::Unanswered, UserAnswer::Said);
    let prompt = format!("Claw asks, for \"{session}\": {question}");
    if !options.is_empty() {
        let choices: Vec<&str> = options.iter().map(String::as_str).collect();
        let chosen = choose(server, MessageType::Info, prompt, &choices, deadline).await;
        return said(chosen.filter(|chosen| options.contains(chosen)));
    }
    if !server.state.with(|state| state.client.claw.input) {
        return UserAnswer::CanNotWrite;
    }
    let asking = server.state.with(|state| std::sync::Arc::clone(&state.reviews.asking));
    let _one_at_a_time = asking.lock().await;
    let answer = server.outbox.ask_until::<ClawInput>(InputParams { prompt, default: None }, deadline).await;
    said(answer.ok().as_ref().and_then(typed))
}

/// As [`choose`], and stands beside other questions: none of them waits for it.
pub async fn offer(
    server: &Server,
    kind: MessageType,
    message: String,
    choices: &[&str],
    deadline: Duration,
) -> Option<String> {
    let item = |title: &&str| MessageActionItem { title: (*title).to_owned(), ..MessageActionItem::default() };
    let params = ShowMessageRequestParams { kind, message, actions: Some(choices.iter().map(item).collect()) };
    match server.outbox.ask_until::<ShowMessageRequest>(params, deadline).await {
        Ok(chosen) => chosen.map(|item| item.title),
        Err(error) => {
            tracing::info!(%error, "window/showMessageRequest");
            None
        }
    }
}

/// Shows a message with choices; the title that was chosen, which may be any: look whether it was offered.
async fn choose(
    server: &Server,
    kind: MessageType,
    message: String,
    choices: &[&str],
    deadline: Duration,
) -> Option<String> {
    let asking = server.state.with(|state| std::sync::Arc::clone(&state.reviews.asking));
    let _one_at_a_time = asking.lock().await;
    offer(server, kind, message, choices, deadline).await
}

fn keep(trust: &Trust, question: &TrustQuestion) -> std::io::Result<()> {
    question.folders.iter().try_for_each(|folder| trust.trust(folder).map(drop))
}
