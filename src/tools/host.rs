//! What the surroundings offer to an agent: what an editor knows, and a user who can be asked.
//!
//! Front ends implement [`Host`]; tests fake it. A question that nobody answers is answered by no.

use std::path::PathBuf;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::workspace::DocPath;

/// What the surroundings offer to an agent. What is not offered is answered as if nobody were there.
pub trait Host: Send + Sync {
    /// What the editor's language servers say about `path`, or about everything it knows.
    fn diagnostics(&self, path: Option<DocPath>) -> BoxFuture<'static, Diagnostics> {
        let _ = path;
        Box::pin(std::future::ready(Diagnostics::Unknown))
    }

    /// Whether the workspace is trusted, where the surroundings know better than the user's list of trusted folders.
    fn trusts_workspace(&self) -> Option<bool> {
        None
    }

    /// Asks whether the folders of the workspace are trusted. A yes is kept by whoever is asked.
    fn ask_trust(&self, question: TrustQuestion) -> BoxFuture<'static, Reply> {
        let _ = question;
        Box::pin(std::future::ready(Reply::Unanswered))
    }

    /// Asks for one act, and waits for the answer: one question at a time, whatever asks. Dropping the future withdraws the
    /// question.
    fn approve(&self, question: Approval) -> BoxFuture<'static, Reply> {
        let _ = question;
        Box::pin(std::future::ready(Reply::Unanswered))
    }

    /// Asks what the model wants to know, one question at a time with [`Host::approve`]. Dropping the future withdraws it.
    fn ask_user(&self, question: UserQuestion) -> BoxFuture<'static, UserAnswer> {
        let _ = question;
        Box::pin(std::future::ready(UserAnswer::Unanswered))
    }
}

/// A host that offers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHost;

impl Host for NoHost {}

/// One act that needs a yes. The yes holds for this act as it is shown, once, unless the answer says more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The title of the session that asks.
    pub session: String,
    pub tool: String,
    /// The act exactly, with everything visible that is not.
    pub act: String,
    /// Why it is asked.
    pub why: String,
    /// The rule that "always" stands for, where there is one.
    pub pattern: Option<String>,
    pub deadline: Duration,
}

/// Whether the user trusts these folders, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustQuestion {
    pub folders: Vec<PathBuf>,
    /// What needs it: `run a command`.
    pub purpose: String,
    pub deadline: Duration,
}

/// What the model wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserQuestion {
    /// The title of the session that asks.
    pub session: String,
    pub question: String,
    /// Answers to choose from; empty where the user writes one.
    pub options: Vec<String>,
    pub deadline: Duration,
}

/// What the user says to a question of the model's. It grants nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserAnswer {
    /// What was written, or the option that was chosen.
    Said(String),
    Unanswered,
    /// The user may be there, and can only choose among options.
    CanNotWrite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Once,
    /// The same act again in this session too.
    Session,
    /// Whatever the offered pattern matches, from now on.
    Always,
    Deny,
    /// No answer came, or none that makes sense. As good as a no.
    Unanswered,
}

/// What is known about problems in documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Diagnostics {
    /// Nobody here can tell.
    Unknown,
    Known(Vec<Diagnostic>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub path: DocPath,
    /// Bytes of the document's live text.
    pub range: std::ops::Range<usize>,
    /// First line, 1-based.
    pub line: u32,
    pub severity: Severity,
    pub message: String,
    pub source: Option<String>,
    pub code: Option<String>,
    /// The version of the open document that it is about, where that is known.
    pub version: Option<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
    Information,
    Hint,
}

impl Severity {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "information",
            Severity::Hint => "hint",
        }
    }
}
