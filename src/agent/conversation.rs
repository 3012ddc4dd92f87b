//! The history of a session, as a fold over its events.
//!
//! The running loop, a resumed session and a replay all get their history from here, event by event, so it is the same in
//! all three. Its invariant is what providers demand: every tool call has exactly one result, right after the message that
//! made it, in the order of the calls.

use std::collections::HashSet;

use super::calls::{Call, prepare};
use super::checks::SECOND_TRY;
use super::compaction::{self, Facts};
use super::policy::COST_UNKNOWN;
use super::{manual, prompt};
use crate::context::render;
use crate::event::{
    Compacted, EventKind, ModelResponseReceived, Opaque, PlanItem, StopReason, ToolForm, ToolResultReturned,
    TurnStatus, Usage,
};
use crate::model::{Message, ModelErrorKind, ToolSchema, family, printed};

/// A session's history.
#[derive(Clone, Debug, Default)]
pub(in crate::agent) struct Conversation {
    messages: Vec<Message>,
    /// The calls of the last response, until all of them have their result.
    open: Vec<(Call, Option<ToolResultReturned>)>,
    /// Every call id of the session.
    ids: HashSet<String>,
    /// What nobody but the provider can read, and what must go back to it as it was.
    sealed: HashSet<String>,
    plan: Vec<PlanItem>,
    answer: String,
    in_turn: bool,
    /// The user was told that a limit of cost does not hold.
    cost_is_unknown: bool,
    /// What must not be lost when the history is made shorter.
    facts: Facts,
    /// The message before tells of a check.
    last_was_check: bool,
    /// The calls of the last response stand in its text, and so go their results back.
    as_text: bool,
    /// How the running or last turn's model is to call tools, …
    form: ToolForm,
    /// … whether that may change, …
    may_fall: bool,
    /// … how often it did in the session, and responses in a row in which the model failed at it.
    falls: u32,
    failures: u32,
    /// The model, by provider and name, that may not be offered tools.
    no_tools: Option<(String, String)>,
    /// The model of the running or last turn, and whether its prompt is lean.
    model: (String, String),
    lean: bool,
    /// All calls of the last response that had any were made and succeeded.
    succeeded: bool,
    /// None of them did, and this is what the first was told.
    refused: Option<String>,
    /// The running or last turn's model was asked afresh, and is told so in the message before its answer.
    is_afresh: bool,
    /// Of the running or last turn.
    so_far: SoFar,
}

/// A model that fails so often in a row at one form of calls gets another.
const FAILURES: u32 = 2;

#[derive(Clone, Debug, Default)]
struct SoFar {
    steps: u32,
    usage: Usage,
    answer: String,
}

impl Conversation {
    /// What a request would hold now. No call may be open.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Texts that no redaction may touch. They were looked through when they came.
    pub fn sealed(&self) -> &HashSet<String> {
        &self.sealed
    }

    pub fn plan(&self) -> &[PlanItem] {
        &self.plan
    }

    /// What the last turn that ended answered.
    pub fn answer(&self) -> &str {
        &self.answer
    }

    /// Whether the user was told that a limit of cost does not hold.
    pub fn cost_is_unknown(&self) -> bool {
        self.cost_is_unknown
    }

    /// Whether a turn began and has not ended.
    pub fn in_turn(&self) -> bool {
        self.in_turn
    }

    /// Requests, tokens and last words of the running or last turn.
    pub fn turn_so_far(&self) -> (u32, Usage, String) {
        (self.so_far.steps, self.so_far.usage, self.so_far.answer.clone())
    }

    /// How the model is to call tools now.
    pub fn form(&self) -> ToolForm {
        (0..self.falls).fold(self.form, |form, _| family::next(form))
    }

    /// The calls of the last response that have no result.
    pub fn open_calls(&self) -> Vec<Call> {
        self.open.iter().filter(|(_, result)| result.is_none()).map(|(call, _)| call.clone()).collect()
    }

    /// Whether the calls of the last response that had any all succeeded.
    pub fn has_succeeded(&self) -> bool {
        self.open.is_empty() && self.succeeded
    }

    /// What the model was told of the first of the last response's calls, where all of them failed.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref().filter(|_| self.open.is_empty())
    }

    /// What makes the next request fit the window, if it does not.
    pub fn compaction(&self, tools: &[ToolSchema], window: Option<u64>, per_1000: u64) -> Option<Compacted> {
        let history = compaction::History { messages: &self.messages, facts: &self.facts, plan: &self.plan };
        compaction::next(&history, tools, window, per_1000)
    }

    /// Takes in the next stored event.
    pub fn absorb(&mut self, event: &EventKind) {
        self.facts.absorb(event, self.messages.len());
        let is_check = matches!(event, EventKind::Check(check) if check.is_told() || self.last_was_check);
        match event {
            EventKind::TurnStart(start) => {
                self.in_turn = true;
                self.form = start.tool_form;
                self.model = (start.provider.clone(), start.model.clone());
                self.lean = start.lean;
                let no_tools = self.no_tools.as_ref() == Some(&self.model);
                self.may_fall = no_tools || !start.tool_form.is_native() || family::of(&start.model).prints;
                if !self.may_fall {
                    (self.falls, self.failures) = (0, 0);
                }
                self.so_far = SoFar::default();
                self.is_afresh = false;
            }
            EventKind::Context(receipt) => self.messages.push(Message::User { text: render(receipt) }),
            EventKind::Steer { message } => {
                // What the user says stays, and with it what stands before.
                self.is_afresh = false;
                self.messages.push(Message::User { text: message.clone() });
            }
            EventKind::Check(check) if check.command == SECOND_TRY => {
                self.forget_last_try();
                self.messages.push(Message::User { text: check.output.clone() });
            }
            EventKind::Check(check) if check.is_told() => {
                let is_first = !self.last_was_check;
                let prints_files = self.lean && self.form() == ToolForm::Whole;
                self.messages.push(Message::User { text: prompt::failed_check(check, is_first, prints_files) });
            }
            EventKind::ModelRequest(request) => self.so_far.steps = request.request,
            EventKind::ModelResponse(response) => {
                self.so_far.usage += response.usage;
                // What it printed to call something is no answer.
                let lead = response.as_text.then(|| printed::lead(&response.text));
                let said = lead.as_deref().unwrap_or(&response.text);
                if !said.trim().is_empty() {
                    said.clone_into(&mut self.so_far.answer);
                }
                let texts = response.opaque.iter().flat_map(Opaque::texts);
                self.sealed
                    .extend(texts.filter(|(name, _)| Opaque::SEALED.contains(name)).map(|(_, text)| text.to_owned()));
                let calls = prepare(&response.tool_calls, &mut self.ids);
                self.judge(response, &calls);
                self.as_text = response.as_text;
                self.messages.push(Message::Assistant {
                    text: response.text.clone(),
                    reasoning: response.reasoning.clone(),
                    tool_calls: calls.iter().filter(|_| !response.as_text).map(Call::as_history).collect(),
                    opaque: response.opaque.clone(),
                });
                self.open = calls.into_iter().map(|call| (call, None)).collect();
            }
            EventKind::ToolResult(result) => {
                if let Some(ran) = &result.subagent {
                    self.so_far.usage += ran.usage;
                }
                self.settle(result);
            }
            EventKind::Error(error) if error.code == COST_UNKNOWN => self.cost_is_unknown = true,
            EventKind::Error(error) if error.code == ModelErrorKind::NoTools.code() && self.form().is_native() => {
                self.no_tools = Some(self.model.clone());
                self.may_fall = true;
                // A small one does best with whole files.
                (self.falls, self.failures) = (if self.lean { 2 } else { 1 }, 0);
            }
            EventKind::Plan { items } => self.plan.clone_from(items),
            EventKind::TurnEnd(end) => {
                self.in_turn = false;
                self.answer.clone_from(&end.answer);
                self.answer_the_unanswered(end.status);
            }
            EventKind::Text(_)
            | EventKind::Reasoning(_)
            | EventKind::ToolOutput(_)
            | EventKind::Mcp(_)
            | EventKind::Permission(_)
            | EventKind::Check(_)
            | EventKind::ToolCall(_)
            | EventKind::Proposal { .. }
            | EventKind::Review(_)
            | EventKind::Error(_) => {}
            EventKind::Compaction(compacted) => {
                self.is_afresh = false;
                compaction::absorb(&mut self.messages, &mut self.facts, compacted);
            }
        }
        self.last_was_check = is_check;
    }

    /// Counts responses in which the model failed at the form of calls that it was asked for.
    fn judge(&mut self, response: &ModelResponseReceived, calls: &[Call]) {
        // What was cut says nothing of its form.
        if calls.is_empty() || !self.may_fall || response.stop_reason == StopReason::Length {
            return;
        }
        let prints_instead = response.as_text && self.form().is_native();
        let has_failed = prints_instead || calls.iter().any(|call| call.input.is_err());
        self.failures = if has_failed { self.failures + 1 } else { 0 };
        if self.failures >= FAILURES {
            (self.falls, self.failures) = (self.falls.saturating_add(1).min(2), 0);
        }
    }

    /// The last answer goes, with what it was told: a small model copies what stands there, its own mistakes first.
    fn forget_last_try(&mut self) {
        let answered = match self.messages.as_slice() {
            [.., Message::Assistant { .. }, Message::User { .. }] => 2,
            [.., Message::Assistant { .. }] => 1,
            _ => return,
        };
        let told = usize::from(std::mem::replace(&mut self.is_afresh, true));
        self.messages.truncate(self.messages.len().saturating_sub(answered + told));
    }

    /// Results come in any order and go into history in the order of their calls, when the last one is there.
    fn settle(&mut self, result: &ToolResultReturned) {
        let place = self.open.iter_mut().find(|(call, settled)| call.id == result.call && settled.is_none());
        if let Some((_, settled)) = place {
            *settled = Some(result.clone());
        }
        if self.open.iter().any(|(_, settled)| settled.is_none()) {
            return;
        }
        if !self.open.is_empty() {
            let results = || self.open.iter().filter_map(|(_, settled)| settled.as_ref());
            self.succeeded = results().all(|result| result.ok);
            self.refused =
                results().all(|result| !result.ok).then(|| results().next().map(|it| it.output.clone())).flatten();
        }
        if self.as_text && !self.open.is_empty() {
            let is_whole = self.form() == ToolForm::Whole;
            let results = self.open.iter().filter_map(|(_, result)| result.as_ref());
            let text = manual::results_as_text(results, is_whole);
            self.open.clear();
            self.messages.push(Message::User { text });
        } else {
            self.messages.extend(self.open.drain(..).filter_map(|(call, result)| {
                let result = result?;
                Some(Message::ToolResult { call: call.id, name: call.tool, ok: result.ok, output: result.output })
            }));
        }
    }

    /// A turn that ended before the model said anything leaves a question without an answer, which many models' templates
    /// refuse. What stands there instead says what happened.
    fn answer_the_unanswered(&mut self, status: TurnStatus) {
        if !matches!(self.messages.last(), Some(Message::User { .. })) {
            return;
        }
        let text = match status {
            // Edits that a small model printed end its turn.
            TurnStatus::Done => "[My edits were taken.]",
            TurnStatus::Cancelled => "[The user cancelled this turn before I answered.]",
            TurnStatus::Failed => "[This turn failed before I answered.]",
            TurnStatus::Limit => "[This turn reached a limit before I answered.]",
        };
        self.messages.push(Message::Assistant {
            text: text.to_owned(),
            reasoning: String::new(),
            tool_calls: Vec::new(),
            opaque: None,
        });
    }
}
