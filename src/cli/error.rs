//! How a command ends, and how it fails.

use std::io;
use std::process::ExitCode;

use crate::event::TurnStatus;

/// The exit codes of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done,
    Failed,
    /// Wrong usage or configuration.
    Usage,
    /// A limit was reached.
    Limit,
    Cancelled,
}

/// Why a command could not do its work. The message says whose fault it is and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The arguments or the configuration are at fault.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Failed(String),
    /// Whoever read the output has gone, which is theirs to decide.
    #[error("the reader of the output has gone")]
    ReaderGone,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Limit => 3,
            Exit::Cancelled => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

impl From<TurnStatus> for Exit {
    fn from(status: TurnStatus) -> Exit {
        match status {
            TurnStatus::Done => Exit::Done,
            TurnStatus::Failed => Exit::Failed,
            TurnStatus::Limit => Exit::Limit,
            TurnStatus::Cancelled => Exit::Cancelled,
        }
    }
}

impl CliError {
    pub fn usage(message: impl Into<String>) -> CliError {
        CliError::Usage(message.into())
    }

    pub fn failed(message: impl Into<String>) -> CliError {
        CliError::Failed(message.into())
    }

    pub fn exit(&self) -> Exit {
        match self {
            CliError::Usage(_) => Exit::Usage,
            CliError::Failed(_) => Exit::Failed,
            CliError::ReaderGone => Exit::Done,
        }
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> CliError {
        match error.kind() {
            io::ErrorKind::BrokenPipe => CliError::ReaderGone,
            _ => CliError::Failed(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for CliError {
    fn from(error: serde_json::Error) -> CliError {
        CliError::from(io::Error::from(error))
    }
}
