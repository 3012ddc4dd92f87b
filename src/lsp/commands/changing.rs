//! `claw.changeHunk`: one hunk made anew, by a short conversation of its own.

use std::time::Duration;

use serde_json::json;
use tower_lsp::gen_lsp_types::MessageType;

use super::meant::{hunk, standing};
use super::{Answer, Arguments, blocking, done};
use crate::agent::Session;
use crate::event::HunkState;
use crate::lsp::ext::{ClawInput, InputParams, typed};
use crate::lsp::server::Server;
use crate::lsp::{ask, keeper};
use crate::workspace::HunkId;

/// `claw.changeHunk {session?, hunk?, instruction?, turn?}`. Without an instruction the client asks its user, where it can.
pub async fn change_hunk(server: &Server, arguments: Arguments) -> Result<Answer, String> {
    let (session, review, id) = hunk(server, &arguments).await?;
    match standing(&review, &id) {
        Some(HunkState::Pending | HunkState::Conflict) => {}
        Some(HunkState::Accepted | HunkState::Rejected | HunkState::Unverified) => {
            return Err("this hunk has been decided: ask again for what you want instead".to_owned());
        }
        None => return Err(format!("there is no hunk `{id}` in session `{}`", session.id())),
    }
    let turn =
        arguments.turn.clone().filter(|turn| !turn.is_empty()).unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    let answer = done(json!({"session": session.id(), "turn": turn, "hunk": id}));
    let hunk = HunkId(id);
    let stated = arguments.instruction.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if let Some(instruction) = stated {
        begin(server, session, hunk, instruction.to_owned(), turn).await?;
        return Ok(answer);
    }
    let (can_ask, limits) = server.state.with(|state| (state.client.claw.input, state.settings.config.limits.clone()));
    if !can_ask {
        return Err("say what it should be: `instruction` is missing".to_owned());
    }
    let question = InputParams { prompt: "Change this hunk: how?".to_owned(), default: None };
    let typing = server.outbox.ask::<ClawInput>(question, Duration::from_secs(limits.prompt_timeout_s));
    let asker = server.clone();
    server.spawn(async move {
        let Some(instruction) = typing.await.ok().as_ref().and_then(typed) else { return };
        if let Err(message) = begin(&asker, session, hunk, instruction, turn).await {
            asker.outbox.show_message(MessageType::Error, format!("Claw: {message}"));
        }
    });
    Ok(answer)
}

async fn begin(
    server: &Server,
    session: Session,
    hunk: HunkId,
    instruction: String,
    turn: String,
) -> Result<(), String> {
    let title = instruction.clone();
    let change = blocking(move || session.change_hunk(&hunk, &instruction, Some(turn))).await?;
    let (turn, taking) = change.into_parts();
    let server = server.clone();
    let following = server.clone();
    server.spawn(async move {
        let server = following;
        let end = ask::follow_aside(&server, turn, &title).await;
        let taken = match end {
            Ok(status) => blocking(move || taking.take_over(status)).await.map(drop),
            Err(why) => Err(why),
        };
        keeper::refresh(&server).await;
        if let Err(why) = taken {
            server.outbox.show_message(MessageType::Warning, format!("Claw: {why}"));
        }
    });
    Ok(())
}
