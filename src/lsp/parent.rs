//! The process that started the server: when it is gone, so is the reason to be here.

use std::time::Duration;

use rustix::process::Pid;

/// How often to look where the system can not tell.
const INTERVAL: Duration = Duration::from_secs(1);

/// Completes when the process `id` has ended, or at once if there is none. Never completes for an id that names none.
pub async fn gone(id: i32) {
    let Some(pid) = Pid::from_raw(id).filter(|_| id > 0) else { return std::future::pending().await };
    #[cfg(target_os = "linux")]
    match ended(pid).await {
        Ok(()) => return,
        Err(error) => tracing::debug!(%error, id, "the process can not be watched by a descriptor"),
    }
    // Any answer but "no such process" means that there is one, be it somebody else's.
    while rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH) {
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Waits on a descriptor of the process, which also tells of one that has ended and was not waited for yet.
#[cfg(target_os = "linux")]
async fn ended(pid: Pid) -> std::io::Result<()> {
    use rustix::process::{PidfdFlags, pidfd_open};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    let process = match pidfd_open(pid, PidfdFlags::NONBLOCK) {
        Ok(process) => process,
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    #[expect(deprecated, reason = "unsound only for types that do not own their descriptor; an OwnedFd does")]
    let process = AsyncFd::with_interest(process, Interest::READABLE)?;
    process.readable().await.map(drop)
}
