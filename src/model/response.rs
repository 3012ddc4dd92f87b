//! From deltas to one whole response.

use std::collections::BTreeMap;

use super::{Delta, Opaque, StopReason, ToolCallRequested, Usage, surrogates};

/// A complete response.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    pub text: String,
    pub reasoning: String,
    pub tool_calls: Vec<ToolCallRequested>,
    pub stop_reason: StopReason,
    pub usage: Usage,
    /// Attempts it took, from 1.
    pub attempts: u32,
    /// What the provider wants to have back with it.
    pub opaque: Option<Opaque>,
}

/// Joins the deltas of one response.
#[derive(Debug, Default)]
pub struct Collector {
    text: String,
    reasoning: String,
    calls: BTreeMap<usize, ToolCallRequested>,
    usage: Usage,
    opaque: Option<Opaque>,
    /// Attempts beyond the first.
    retries: u32,
    stop: Option<StopReason>,
}

impl Collector {
    pub fn push(&mut self, delta: &Delta) {
        match delta {
            Delta::Text(text) => self.text.push_str(text),
            Delta::Reasoning(text) => self.reasoning.push_str(text),
            Delta::ToolCall { index, id, name, arguments } => {
                let call = self.calls.entry(*index).or_insert_with(|| ToolCallRequested {
                    id: String::new(),
                    name: String::new(),
                    arguments: String::new(),
                });
                if let Some(id) = id.as_deref().filter(|id| !id.is_empty() && call.id.is_empty()) {
                    id.clone_into(&mut call.id);
                }
                if let Some(name) = name.as_deref().filter(|_| call.name.is_empty()) {
                    name.clone_into(&mut call.name);
                }
                call.arguments.push_str(arguments);
            }
            Delta::Usage(usage) => self.usage = *usage,
            Delta::Opaque(opaque) => self.opaque = Some(opaque.clone()),
            Delta::Notice(_) => {}
            Delta::Retry { attempt, .. } => self.retries = attempt.saturating_sub(1),
            Delta::Stop(reason) => self.stop = Some(*reason),
        }
    }

    /// The response, if its terminal event came; else what had come of its text. Arguments stay as the model wrote them,
    /// truncated ones too: to complete them would be to run what nobody asked for. Only half characters, which no JSON parser
    /// takes, become U+FFFD.
    pub fn finish(self) -> Result<Response, String> {
        match self.stop {
            Some(stop_reason) => Ok(Response {
                text: self.text,
                reasoning: self.reasoning,
                tool_calls: self.calls.into_values().map(with_whole_characters).collect(),
                stop_reason,
                usage: self.usage,
                attempts: self.retries.saturating_add(1),
                opaque: self.opaque,
            }),
            None => Err(self.text),
        }
    }
}

fn with_whole_characters(mut call: ToolCallRequested) -> ToolCallRequested {
    if let std::borrow::Cow::Owned(arguments) = surrogates::replace(&call.arguments) {
        call.arguments = arguments;
    }
    call
}
