//! Why there is no page or no result, and whose fault it is.

use crate::text::hidden;

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Who asked: the address is wrong, or none that may be reached.
    Asker,
    /// The user's configuration.
    User,
    /// The server at the other end, or the network on the way.
    Remote,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// No address, or not one that this module speaks to.
    #[error("this address can not be fetched: {0}")]
    Address(String),
    /// It leads to where nothing is fetched from.
    #[error("{what} is not fetched: {reason}. Only public addresses of the web are")]
    Refused { what: String, reason: String },
    /// It redirects to another host.
    #[error("{from} redirects to another host, which is not followed unasked. If it is what you want, fetch {to}")]
    Elsewhere { from: String, to: String },
    /// The query of a search is unusable.
    #[error("this can not be searched for: {0}")]
    Query(String),
    /// The configuration lacks something.
    #[error("{0}")]
    Setup(String),
    /// The server's answer is no page.
    #[error("{host} answered {status}: {advice}")]
    Status { host: String, status: u16, advice: String },
    /// There is no answer, or none that can be used.
    #[error("{host}: {problem}")]
    Remote { host: String, problem: String },
}

impl WebError {
    pub fn fault(&self) -> Fault {
        match self {
            WebError::Address(_) | WebError::Refused { .. } | WebError::Elsewhere { .. } | WebError::Query(_) => {
                Fault::Asker
            }
            WebError::Setup(_) => Fault::User,
            WebError::Status { .. } | WebError::Remote { .. } => Fault::Remote,
        }
    }

    pub(in crate::web) fn refused(what: &str, reason: impl Into<String>) -> WebError {
        WebError::Refused { what: shown(what), reason: reason.into() }
    }

    pub(in crate::web) fn remote(host: &str, problem: impl Into<String>) -> WebError {
        WebError::Remote { host: shown(host), problem: problem.into() }
    }

    pub(in crate::web) fn status(host: &str, status: u16) -> WebError {
        let advice = match status {
            401 | 407 => "it wants a name and a password, which are never sent",
            403 => "it does not let programs in, or not without signing in",
            404 | 410 => "there is no such page",
            429 => "it takes no more requests for now: wait, or look elsewhere",
            500..=599 => "it failed: its own fault, try again later",
            _ => "there is no page to read",
        };
        WebError::Status { host: shown(host), status, advice: advice.to_owned() }
    }
}

/// What strangers wrote, on one line of a message: nothing hidden, not long.
pub(in crate::web) fn shown(text: &str) -> String {
    const MOST: usize = 300;
    let line = hidden::visible_line(text);
    match line.char_indices().nth(MOST) {
        None => line.into_owned(),
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
    }
}
