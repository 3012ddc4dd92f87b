//! Runs the harness again on a recorded session and compares, byte by byte.

use crate::model::SharedModel;
use crate::store::Store;
use crate::tools::Tools;

/// How a replay went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Identical {
        events: u64,
        turns: u32,
    },
    /// The first event that came out otherwise. `expected` is the recorded line, `got` what the harness made of it; one of
    /// them is empty where the other has an event more.
    Diverged {
        seq: u64,
        expected: String,
        got: String,
    },
}

/// Why a session can not be replayed. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ReplayError(pub String);

/// Replays a session of the store: the real loop on recorded contexts, model responses, tool results, times, ids, steering and
/// cancellation. Nothing is asked of a network, nothing is run, nothing is written. `tools` are those the session had:
/// [`Tools::default`] unless a program brought its own. `encoder` builds the requests; `None` takes the one of the
/// recorded provider.
pub async fn replay(
    store: &Store,
    session: &str,
    tools: &Tools,
    encoder: Option<SharedModel>,
) -> Result<Outcome, ReplayError> {
    let _ = (store, session, tools, encoder);
    todo!()
}
