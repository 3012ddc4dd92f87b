//! What becomes of a plan: the user has it carried out, changed or left.
//!
//! The question stands beside the plan and holds nothing up: neither the session nor other questions wait for it, and without an
//! answer nothing happens. Whatever the user asks of the session meanwhile withdraws it. A client that shows no such question
//! asks `claw.ask` to carry out the plan.

use std::time::Duration;

use tower_lsp::gen_lsp_types::MessageType;

use super::ask::start_in;
use super::ext::{ClawInput, InputParams, typed};
use super::prompts;
use super::server::Server;
use crate::agent::prompt::CARRY_OUT;
use crate::agent::{Ask, Session};
use crate::event::{Mode, PlanItem, PlanStatus};
use crate::text::hidden::visible_line;

const CHANGE: &str = "Change…";
const DISCARD: &str = "Discard";

/// How often it is seen whether the session has gone on.
const LOOK: Duration = Duration::from_millis(200);

/// Asks what becomes of the plan with which the session's last turn ended.
pub fn offer(server: &Server, session: &Session, title: &str) {
    let (server, session, title) = (server.clone(), session.clone(), title.to_owned());
    let asker = server.clone();
    server.spawn(async move {
        let planned = session.last_turn();
        let next = tokio::select! {
            next = next_ask(&asker, &title) => next,
            () = goes_on(&session, planned.as_deref()) => None,
        };
        let Some(ask) = next else { return };
        // What was begun while the last answer was on its way is not steered by it.
        if session.last_turn() != planned {
            return;
        }
        if let Err(message) = start_in(&asker, &session, ask, None) {
            asker.outbox.show_message(MessageType::Error, format!("Claw: {message}"));
        }
    });
}

/// How far a list of steps is: `2/5`, and what the second step is. Without an active step, how many are done.
pub fn place(items: &[PlanItem]) -> (String, String) {
    let active = items.iter().enumerate().find(|(_, item)| item.status == PlanStatus::Active);
    let (number, words) = match active {
        Some((at, item)) => (at + 1, visible_line(&item.text).into_owned()),
        None => (items.iter().filter(|item| item.status == PlanStatus::Done).count(), "done".to_owned()),
    };
    (format!("{number}/{}", items.len()), words)
}

/// What the user wants done next; `None` for nothing.
async fn next_ask(server: &Server, title: &str) -> Option<Ask> {
    let (can_write, deadline) = server
        .state
        .with(|state| (state.client.claw.input, Duration::from_secs(state.settings.config.limits.prompt_timeout_s)));
    let choices: Vec<&str> =
        [Some(CARRY_OUT), can_write.then_some(CHANGE), Some(DISCARD)].into_iter().flatten().collect();
    let message = format!("Claw has a plan for \"{title}\". Carry it out?");
    match prompts::offer(server, MessageType::Info, message, &choices, deadline).await?.as_str() {
        CARRY_OUT => Some(Ask { instruction: CARRY_OUT.to_owned(), mode: Mode::Edit, ..Ask::default() }),
        CHANGE => {
            let question = InputParams { prompt: "What should be different in the plan?".to_owned(), default: None };
            let answer = server.outbox.ask_until::<ClawInput>(question, deadline).await;
            let instruction = answer.ok().as_ref().and_then(typed)?;
            Some(Ask { instruction, mode: Mode::Plan, ..Ask::default() })
        }
        _ => None,
    }
}

/// Comes when another turn than this has begun.
async fn goes_on(session: &Session, turn: Option<&str>) {
    while session.last_turn().as_deref() == turn {
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_list_of_steps() {
        let items = |statuses: &[PlanStatus]| -> Vec<PlanItem> {
            let item =
                |(at, status): (usize, &PlanStatus)| PlanItem { text: format!("step\u{202e} {at}"), status: *status };
            statuses.iter().enumerate().map(item).collect()
        };
        let check = |statuses: &[PlanStatus], step: &str, words: &str| {
            assert_eq!(place(&items(statuses)), (step.to_owned(), words.to_owned()));
        };
        check(&[PlanStatus::Done, PlanStatus::Active, PlanStatus::Pending], "2/3", "step⟨U+202E⟩ 1");
        check(&[PlanStatus::Done, PlanStatus::Done], "2/2", "done");
        check(&[PlanStatus::Done, PlanStatus::Pending], "1/2", "done");
        check(&[], "0/0", "done");
    }
}
