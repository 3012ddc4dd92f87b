//! What the protocol does not have: Claw's own messages, sent only to clients that asked for them by
//! `capabilities.experimental.claw`.
//!
//! A client is known by what it declares, never by its name.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_lsp::gen_lsp_types::{LspNotificationMethod, LspRequestMethod, MessageDirection, Notification, Request};

use crate::event::{Event, ProposalCheck, ProposedFile};

/// `experimental.claw` of a client's capabilities. What is absent or of another type is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClawFeatures {
    /// `claw/event`.
    pub events: bool,
    /// `claw/proposal`, and the client shows hunks itself.
    pub review: bool,
    /// The client answers `claw/diagnostics`.
    pub diagnostics: bool,
    /// The client answers `claw/input`.
    pub input: bool,
}

impl ClawFeatures {
    /// Reads `capabilities.experimental`.
    pub fn of(experimental: Option<&Value>) -> ClawFeatures {
        let Some(claw) = experimental.and_then(|value| value.get("claw")).filter(|value| value.is_object()) else {
            return ClawFeatures::default();
        };
        let on = |key: &str| claw.get(key).is_some_and(|value| value.as_bool() == Some(true));
        ClawFeatures {
            events: on("events"),
            review: claw.get("review").is_some_and(|value| value.as_u64().is_some_and(|version| version >= 1)),
            diagnostics: on("diagnostics"),
            input: on("input"),
        }
    }
}

/// `claw/event`: one event, of any session.
pub enum ClawEvent {}

impl Notification for ClawEvent {
    type Params = Event;
    const METHOD: LspNotificationMethod<'static> = LspNotificationMethod::new("claw/event");
    const MESSAGE_DIRECTION: MessageDirection = MessageDirection::ServerToClient;
}

/// `claw/proposal`: the whole current proposal of a session, after each change.
pub enum ClawProposal {}

impl Notification for ClawProposal {
    type Params = ProposalParams;
    const METHOD: LspNotificationMethod<'static> = LspNotificationMethod::new("claw/proposal");
    const MESSAGE_DIRECTION: MessageDirection = MessageDirection::ServerToClient;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposalParams {
    pub session: String,
    pub files: Arc<Vec<ProposedFile>>,
    /// The check commands that were run on it: an extension of the contract.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub checks: Vec<ProposalCheck>,
}

/// `claw/diagnostics`: what all of the editor's servers say now.
pub enum ClawDiagnostics {}

impl Request for ClawDiagnostics {
    type Params = DiagnosticsParams;
    type Result = Value;
    const METHOD: LspRequestMethod<'static> = LspRequestMethod::new("claw/diagnostics");
    const MESSAGE_DIRECTION: MessageDirection = MessageDirection::ServerToClient;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiagnosticsParams {
    /// Absent: all documents.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub uris: Option<Vec<String>>,
}

/// `claw/input`: one line from the user.
pub enum ClawInput {}

impl Request for ClawInput {
    type Params = InputParams;
    type Result = Value;
    const METHOD: LspRequestMethod<'static> = LspRequestMethod::new("claw/input");
    const MESSAGE_DIRECTION: MessageDirection = MessageDirection::ServerToClient;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputParams {
    pub prompt: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub default: Option<String>,
}

/// What the user typed: the answer is a string, or an object that holds it as `value` or `text`. Nothing, or only white
/// space, is a user who changed their mind.
pub fn typed(answer: &Value) -> Option<String> {
    let text = answer.as_str().or_else(|| ["value", "text"].iter().find_map(|key| answer.get(key)?.as_str()))?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn features_are_on_only_where_they_are_declared_with_their_type() {
        let all = json!({"claw": {"events": true, "review": 1, "diagnostics": true, "input": true}});
        let on = ClawFeatures { events: true, review: true, diagnostics: true, input: true };
        assert_eq!(ClawFeatures::of(Some(&all)), on);
        for off in
            [json!(null), json!({}), json!({"claw": true}), json!({"claw": {"events": "yes", "review": 0, "input": 1}})]
        {
            assert_eq!(ClawFeatures::of(Some(&off)), ClawFeatures::default());
        }
        assert_eq!(ClawFeatures::of(None), ClawFeatures::default());
    }

    #[test]
    fn an_answer_is_a_string_or_holds_one() {
        assert_eq!(typed(&json!(" rename it ")), Some("rename it".to_owned()));
        assert_eq!(typed(&json!({"value": "x"})), Some("x".to_owned()));
        for none in [json!(null), json!(""), json!("  "), json!({}), json!(3)] {
            assert_eq!(typed(&none), None);
        }
    }
}
