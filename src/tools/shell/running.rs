//! A process on its way: what it prints is captured, its deadline kept, and its end is the end of all that it started.

use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::commands::{HearOutput, Ran};
use super::output::{Capture, plain};
use crate::sandbox::Ending;

/// How long output is waited for that a process left behind in the pipe.
const REST: Duration = Duration::from_millis(200);

/// How often a listener is told.
const TOLD: Duration = Duration::from_millis(100);

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Exited(ExitStatus),
    Deadline,
    Cancelled,
}

/// A process on its way. Dropping it ends it.
pub struct Running {
    child: Group,
    output: Arc<Mutex<Capture>>,
    reader: AbortOnDropHandle<()>,
    began: Instant,
    deadline: Duration,
    cancel: CancellationToken,
    left_out: Vec<String>,
}

/// A process and its group. A confined one ends with its namespace; of the other at least its group is ended.
struct Group {
    child: Child,
    ending: Option<Ending>,
}

impl Running {
    pub fn start(
        mut command: Command,
        deadline: Duration,
        cancel: CancellationToken,
        hear: HearOutput,
        left_out: Vec<String>,
    ) -> io::Result<Running> {
        // One pipe for both, so that what is printed comes in the order in which it was.
        let (reader, writer) = io::pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
        let child = command.spawn()?;
        // Its ends of the pipe are in here: they must go, or the pipe never ends.
        drop(command);
        let pipe = tokio::net::unix::pipe::Receiver::from_owned_fd(reader.into())?;
        let output = Arc::new(Mutex::new(Capture::default()));
        let reader = AbortOnDropHandle::new(tokio::spawn(read(pipe, Arc::clone(&output), hear)));
        let ending = child.id().map(Ending::of);
        let child = Group { child, ending };
        Ok(Running { child, output, reader, began: Instant::now(), deadline, cancel, left_out })
    }

    /// Waits for its end, and sees to it. What it started in a namespace of its own has ended too, or is killed, when this returns.
    pub async fn wait(&mut self) -> Ended {
        let left = self.deadline.saturating_sub(self.began.elapsed());
        let ended = tokio::select! {
            biased;
            () = self.cancel.cancelled() => Ended::Cancelled,
            status = self.child.child.wait() => match status {
                Ok(status) => Ended::Exited(status),
                Err(error) => {
                    tracing::error!(%error, "a process can not be waited for");
                    Ended::Cancelled
                }
            },
            () = tokio::time::sleep(left) => Ended::Deadline,
        };
        self.child.end();
        if !matches!(ended, Ended::Exited(_)) {
            let _ = tokio::time::timeout(REST, self.child.child.wait()).await;
        }
        // A process that was left behind may hold the pipe open.
        let _ = tokio::time::timeout(REST, &mut self.reader).await;
        ended
    }

    pub fn output(&self) -> Arc<Mutex<Capture>> {
        Arc::clone(&self.output)
    }

    pub fn into_ran(self, ended: Ended) -> Ran {
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ran { ended, output, took: self.began.elapsed(), left_out: self.left_out }
    }
}

impl Group {
    fn end(&mut self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        // Of a sandbox that is only being put up too: it does not yet end with us.
        if let Some(id) = id {
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
        let _ = self.child.start_kill();
        self.ending.iter().for_each(Ending::hasten);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

async fn read(mut pipe: tokio::net::unix::pipe::Receiver, output: Arc<Mutex<Capture>>, hear: HearOutput) {
    let mut buffer = vec![0; 64 * 1024];
    let mut untold: Vec<u8> = Vec::new();
    let mut told = Instant::now();
    loop {
        let count = match tokio::time::timeout(TOLD, pipe.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(count)) => count,
            Err(_) => 0,
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        output.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
        // Who only listens needs no more than passes before his eyes.
        if untold.len() < 16 * 1024 {
            untold.extend_from_slice(bytes);
        }
        if told.elapsed() >= TOLD
            && let Some(end) = untold.iter().rposition(|byte| *byte == b'\n')
        {
            let lines: Vec<u8> = untold.drain(..=end).collect();
            hear(&plain(&lines));
            told = Instant::now();
        }
    }
    if !untold.is_empty() {
        hear(&plain(&untold));
    }
}
