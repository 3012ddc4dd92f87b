//! What is kept between runs: traces, sessions, blobs; redaction at the door.
//!
//! Everything lies beneath the state folder, readable by its owner alone. A journal is a file of JSON lines that only
//! grows; a torn last line is dropped on reading, and beside a trace a chain of hashes tells that it was edited. A ledger is
//! for what must not be lost: its records are chained by checksums and on the disk when an append returns. This module must never know what the lines mean beyond the envelope.

pub mod always;
mod answers;
mod chain;
mod counted;
mod files;
mod folder;
pub mod journal;
pub mod ledger;
mod pending;
mod quota;
pub mod redact;
pub mod sessions;
pub mod trust;

pub use always::Always;
pub use chain::Edited;
pub use journal::{Journal, read_journal, read_lines, stream_journal};
pub use ledger::{Ledger, read_ledger};
pub use pending::Mark;
pub use quota::MOST as MOST_OF_SESSIONS;
pub use redact::Redactor;
pub use sessions::{SessionSummary, Store, cut_title};
pub use trust::Trust;
