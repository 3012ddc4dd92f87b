//! Commands that run on beside the turn.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::commands::Ran;
use super::output::Capture;
use super::running::Running;

/// A background job. Dropping it ends it.
pub struct Job {
    command: String,
    output: Arc<Mutex<Capture>>,
    over: watch::Receiver<Option<Ran>>,
    /// Everything was told, and that it is over too.
    told: bool,
    task: AbortOnDropHandle<()>,
}

/// What a look at a job found.
#[derive(Clone, Debug)]
pub struct News {
    pub command: String,
    /// What it printed since the last look, and whether some of it was left out.
    pub output: String,
    pub truncated: bool,
    /// How it ended, if it did.
    pub over: Option<Ran>,
}

impl Job {
    /// Needs a Tokio runtime.
    pub fn new(command: String, mut running: Running) -> Job {
        let (sender, over) = watch::channel(None);
        let output = running.output();
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            let ended = running.wait().await;
            // A session that is gone wants to know nothing.
            let _ = sender.send(Some(running.into_ran(ended)));
        }));
        Job { command, output, over, told: false, task }
    }

    pub fn command(&self) -> &str {
        &self.command
    }

    pub fn is_over(&self) -> bool {
        self.over.borrow().is_some() || self.task.is_finished()
    }

    /// Whether its end was not told yet.
    pub fn has_news(&self) -> bool {
        !self.told
    }

    /// Becomes `Some` when the job is over.
    pub fn over(&self) -> watch::Receiver<Option<Ran>> {
        self.over.clone()
    }

    pub fn news(&mut self) -> News {
        let over = self.over.borrow().clone();
        self.told = over.is_some();
        let (output, truncated) = self.output.lock().unwrap_or_else(PoisonError::into_inner).news();
        News { command: self.command.clone(), output, truncated, over }
    }

    /// Ends it.
    pub fn stop(&mut self) {
        self.task.abort();
        self.told = true;
    }
}
