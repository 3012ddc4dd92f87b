//! What of a session must not be lost when its history is made shorter, folded from its events.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::checks::{ANSWER, SECOND_TRY};
use super::message_tokens;
use crate::event::{ContextReceipt, Decision, EventKind, PlanItem, PlanStatus};
use crate::model::{Message, shortened};
use crate::text::floor_char_boundary;

/// Earlier tasks, decisions and deeds that are told, the latest ones.
const TASKS: usize = 30;
const DECISIONS: usize = 60;
const DEEDS: usize = 40;
/// Bytes of an earlier task, an answer, a failure.
const LINE: usize = 300;
const FAILURE: usize = 2_000;

/// Sections whose words are the user's or the project's, and stay as they are.
const RULES: &[&str] = &["rules", "memory", "mode"];

#[derive(Clone, Debug, Default)]
pub(in crate::agent) struct Facts {
    /// What the user asked, turn by turn, with what was said while it ran.
    tasks: Vec<String>,
    rules: Vec<String>,
    decisions: Vec<String>,
    /// By what failed.
    failures: BTreeMap<String, String>,
    /// What was done, and how often; in the order in which it was done last.
    deeds: Vec<(String, usize)>,
    /// Calls that are running: what they do.
    running: BTreeMap<String, (String, String)>,
    answer: String,
    /// Where the contexts of turns stand among the messages, with what the user said in each.
    contexts: Vec<(usize, String)>,
}

impl Facts {
    /// Takes in the next event; `at` is the number of messages before it.
    pub fn absorb(&mut self, event: &EventKind, at: usize) {
        match event {
            EventKind::Context(receipt) => self.absorb_context(receipt, at),
            EventKind::Steer { message } => match self.tasks.last_mut() {
                Some(task) => task.push_str(&format!("\n\n{message}")),
                None => self.tasks.push(message.clone()),
            },
            EventKind::Check(check) if check.ok => {
                self.failures.remove(&check.command);
            }
            // What was wrong with an answer is over with the next one.
            EventKind::Check(check) if matches!(check.command.as_str(), ANSWER | SECOND_TRY) => {}
            EventKind::Check(check) if check.is_told() => {
                self.failures.insert(check.command.clone(), cut(check.output.trim(), FAILURE));
            }
            EventKind::Permission(decided) if decided.decision == Decision::Deny => {
                let object = object(&decided.tool, &decided.input);
                self.decide(format!("not allowed: {} {object}", decided.tool).trim_end().to_owned());
            }
            EventKind::ToolCall(started) => {
                let object = object(&started.tool, &started.input);
                self.running.insert(started.call.clone(), (started.tool.clone(), object));
            }
            EventKind::ToolResult(result) => {
                let Some((tool, object)) = self.running.remove(&result.call) else { return };
                let deed = format!("{tool} {object}").trim_end().to_owned();
                if tool == "ask_user" {
                    self.decide(format!("asked {object}: {}", result.output.trim()));
                    return;
                }
                match result.ok {
                    true => {
                        self.failures.remove(&deed);
                    }
                    false => {
                        self.failures.insert(deed.clone(), cut(result.output.trim(), FAILURE));
                    }
                }
                let times = self.deeds.iter().position(|(other, _)| *other == deed);
                let times = times.map_or(0, |at| self.deeds.remove(at).1);
                self.deeds.push((deed, times + 1));
            }
            EventKind::TurnEnd(end) => self.answer.clone_from(&end.answer),
            _ => {}
        }
    }

    fn absorb_context(&mut self, receipt: &ContextReceipt, at: usize) {
        let text = |name: &str| {
            let sections = receipt.sections.iter().filter(|section| section.included && section.name == name);
            sections.filter_map(|section| section.text.clone()).collect::<Vec<_>>()
        };
        let task = text("instruction").join("\n\n");
        self.contexts.push((at, task.clone()));
        self.tasks.push(task);
        self.rules = RULES.iter().flat_map(|name| text(name)).collect();
        for review in text("review") {
            self.decide(review.trim().to_owned());
        }
    }

    fn decide(&mut self, decision: String) {
        self.decisions.push(decision);
        if self.decisions.len() > DECISIONS {
            self.decisions.remove(0);
        }
    }

    /// Which message holds the context of the running turn, or the last.
    pub fn last_context(&self) -> Option<usize> {
        self.contexts.last().map(|(at, _)| *at)
    }

    pub fn has_old_contexts(&self) -> bool {
        self.contexts.len() > 1
    }

    /// What would be gained without the contexts of earlier turns.
    pub fn old_context_tokens(&self, messages: &[Message]) -> u64 {
        let old = self.contexts.len().saturating_sub(1);
        let gain = |(at, task): &(usize, String)| {
            let whole = messages.get(*at).map_or(0, message_tokens);
            whole.saturating_sub((task.len() / 4) as u64)
        };
        self.contexts.iter().take(old).map(gain).sum()
    }

    /// Of earlier turns only what the user said stays.
    pub fn forget_contexts(&mut self, messages: &mut [Message]) {
        let old = self.contexts.len().saturating_sub(1);
        for (at, task) in self.contexts.drain(..old) {
            if let Some(Message::User { text }) = messages.get_mut(at) {
                *text = task;
            }
        }
    }

    /// The first messages are gone, and another stands in their place.
    pub fn forget_messages(&mut self, gone: usize) {
        self.contexts.retain(|(at, _)| *at >= gone);
        for (at, _) in &mut self.contexts {
            *at = *at - gone + 1;
        }
    }

    /// What the model has to know of what is gone. The task, the rules, the plan, decisions and failures stand word for word;
    /// task and rules not where the messages that stay hold them. What is over `most` bytes is taken from what was done and
    /// asked earlier. `gone` are the model's messages that it stands for.
    pub fn summary(&self, plan: &[PlanItem], gone: usize, has_context: bool, most: usize) -> String {
        let mut parts: Vec<(&str, String)> = Vec::new();
        let (task, earlier) = self.tasks.split_last().map_or(("", &[][..]), |(task, earlier)| (task.as_str(), earlier));
        if !has_context {
            parts.push(("The task", task.to_owned()));
            parts.push(("Rules", self.rules.join("\n\n")));
        }
        parts.push(("The plan", plan.iter().map(plan_line).collect()));
        parts.push(("Decisions of the user", lines(self.decisions.iter().cloned())));
        let failures = self.failures.iter().map(|(what, how)| format!("{what}: {how}"));
        parts.push(("What failed and has not succeeded since", lines(failures)));
        let mut text = shortened::head(gone);
        for (name, part) in parts.into_iter().filter(|(_, part)| !part.trim().is_empty()) {
            text.push_str(&format!("\n\n## {name}\n{}", part.trim_end()));
        }
        let deeds = self.deeds.iter().rev().take(DEEDS).map(|(deed, times)| match times {
            1 => deed.clone(),
            times => format!("{deed} ({times} times)"),
        });
        let earlier = earlier.iter().rev().take(TASKS).map(|task| cut(task.trim(), LINE));
        let answer = std::iter::once(cut(self.answer.trim(), LINE)).filter(|answer| !answer.is_empty());
        let lists: [(&str, Vec<String>); 3] = [
            ("Your last answer", answer.collect()),
            ("What you did, the latest first", deeds.collect()),
            ("What the user asked before, the latest first", earlier.collect()),
        ];
        for (name, list) in lists {
            let mut part = String::new();
            for line in list {
                if text.len() + part.len() + line.len() > most {
                    break;
                }
                part.push_str(&format!("- {}\n", line.replace('\n', " ")));
            }
            if !part.is_empty() {
                text.push_str(&format!("\n\n## {name}\n{}", part.trim_end()));
            }
        }
        text
    }
}

fn plan_line(item: &PlanItem) -> String {
    let mark = match item.status {
        PlanStatus::Pending => " ",
        PlanStatus::Active => ">",
        PlanStatus::Done => "x",
    };
    format!("- [{mark}] {}\n", item.text)
}

fn lines(all: impl Iterator<Item = String>) -> String {
    all.map(|line| format!("- {line}\n")).collect()
}

/// What a call is about: its path, command or question.
fn object(tool: &str, input: &Value) -> String {
    let field = |name: &str| input.get(name).and_then(Value::as_str);
    let words = match tool {
        "move_file" => format!("{} to {}", field("from").unwrap_or_default(), field("to").unwrap_or_default()),
        _ => ["path", "command", "pattern", "symbol", "query", "url", "question", "description"]
            .into_iter()
            .find_map(field)
            .unwrap_or_default()
            .to_owned(),
    };
    cut(&words.replace('\n', " "), LINE)
}

fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = floor_char_boundary(text, most);
    format!("{}…", text.get(..end).unwrap_or_default())
}
