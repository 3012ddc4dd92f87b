//! What subagents do, shown where the turn shows its progress that started them.

use super::server::Server;
use crate::event::{Event, EventKind};
use crate::text::hidden::visible_line;

/// A subagent at work.
#[derive(Clone, Debug)]
pub struct Subagent {
    /// The session whose turn started it.
    parent: String,
    /// What it is about.
    words: String,
}

/// Takes in an event of any session. Called with the session locked: it only puts into the outbox.
pub fn heard(server: &Server, event: &Event) {
    match &event.kind {
        EventKind::TurnStart(start) if start.is_subagent() => {
            let words = visible_line(start.task.lines().next().unwrap_or_default()).into_owned();
            let parent = start.parent.clone().unwrap_or_default();
            report(server, &Subagent { parent: parent.clone(), words: words.clone() }, "begins");
            server.state.with(|state| state.subagents.insert(event.session.clone(), Subagent { parent, words }));
        }
        EventKind::ToolCall(_) => {
            if let Some(subagent) = server.state.with(|state| state.subagents.get(&event.session).cloned()) {
                report(server, &subagent, &event.description());
            }
        }
        EventKind::TurnEnd(_) => drop(server.state.with(|state| state.subagents.remove(&event.session))),
        _ => {}
    }
}

fn report(server: &Server, subagent: &Subagent, doing: &str) {
    server.progress.report_for(&subagent.parent, &format!("task \"{}\": {doing}", subagent.words));
}
