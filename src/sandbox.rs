//! Confines a command: which files it sees, which it may write, which system calls and sockets it has.
//!
//! Three walls, each of which is there when another one fails. bubblewrap makes namespaces of the command's own: its file
//! tree is empty but for what a [`Confinement`] names, its processes and its network are its own. Landlock says once more
//! which files it may name, and keeps its signals and sockets inside. seccomp takes the system calls away that a build or a
//! test has no use for. The last two are put up by a small broker that bubblewrap starts first: this very program, called as
//! `claw sandbox-exec`. It stays as the first process of the command's process namespace, watches what the command takes
//! of the machine, and when it ends everything that the command started ends with it.
//!
//! A part that is missing or half there is an [`Unavailable`], never a weaker sandbox. [`Sandbox::prove`] tries the forbidden
//! acts. `docs/sandbox.md` says what is confined and what is not.
//!
//! The only module with `unsafe`, each with its reason. It must never know why a command runs or for whom.

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
mod broker;
mod environment;
mod find;
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
mod group;
mod home;
mod limits;
mod plan;
mod policy;
mod prove;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

pub use environment::environment;
pub use home::tool_caches;
pub use limits::Limits;
pub use prove::{Act, Proof};

/// How the broker ends when a command took more of the machine than its [`Limits`] allow; standard error says what.
pub const LIMIT_REACHED: i32 = 124;
/// How the broker ends when it could not confine the command, which then has not run; standard error says why.
pub const NOT_CONFINED: i32 = 125;

/// What confines commands here: found, and not yet proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sandbox {
    bubblewrap: PathBuf,
    broker: PathBuf,
    /// The version of Landlock's interface that the broker insists on.
    landlock: u32,
}

/// What a command may see, write and use.
#[derive(Clone, Debug)]
pub struct Confinement {
    /// Folders and files from outside. One may lie beneath another; the deeper one counts there. Where bubblewrap has no place
    /// to put a mount that lies beneath a writable one, it makes one there: an empty folder or file.
    pub mounts: Vec<Mount>,
    /// Where it starts: as it is seen inside, beneath a mount.
    pub cwd: PathBuf,
    /// All of its environment, but for what says that there is no network. `HOME` is an empty folder of its own with the
    /// `caches` in it.
    pub env: Vec<(OsString, OsString)>,
    /// Without it, a loopback device that nobody else is on.
    pub network: bool,
    pub caches: Vec<Cache>,
    pub limits: Limits,
}

/// A folder or file from outside, and where it is seen inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub from: PathBuf,
    pub to: PathBuf,
    pub access: Access,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    ReadOnly,
    Writable,
}

/// A part of the user's home that tools need, seen inside and never written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    pub from: PathBuf,
    pub to: PathBuf,
}

/// Why no command can be confined here, or not this one, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Unavailable {
    pub reason: String,
    pub mend: String,
}

impl Unavailable {
    pub(crate) fn new(reason: impl Into<String>, mend: impl Into<String>) -> Unavailable {
        Unavailable { reason: reason.into(), mend: mend.into() }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}; {}", self.reason, self.mend)
    }
}

impl std::error::Error for Unavailable {}

impl Sandbox {
    /// Looks for bubblewrap in the system's own folders, never in the workspace or along `PATH`, and for the broker: this program
    /// if it is `claw`, else the `claw` beside it, else the first one along `PATH`.
    pub fn find() -> Result<Sandbox, Unavailable> {
        find::sandbox(None)
    }

    /// With this `claw` as the broker.
    pub fn with_broker(broker: PathBuf) -> Result<Sandbox, Unavailable> {
        find::sandbox(Some(broker))
    }

    /// Insists on a version of Landlock's interface. A broker that finds an older one runs nothing.
    pub fn requiring_landlock(mut self, version: u32) -> Sandbox {
        self.landlock = version;
        self
    }

    /// Tries the forbidden acts in a sandbox of its own. Blocks for some tens of milliseconds, and never longer than ten seconds.
    pub fn prove(&self) -> Proof {
        prove::prove(self)
    }

    /// `argv`, confined and ready to be spawned: no terminal, nothing on its standard input, ended with everything that it started
    /// when its child is dropped or the thread that spawned it is gone.
    pub fn command(
        &self,
        confinement: &Confinement,
        argv: &[OsString],
    ) -> Result<tokio::process::Command, Unavailable> {
        let mut command = tokio::process::Command::from(self.blocking_command(confinement, argv)?);
        command.kill_on_drop(true);
        Ok(command)
    }

    fn blocking_command(
        &self,
        confinement: &Confinement,
        argv: &[OsString],
    ) -> Result<std::process::Command, Unavailable> {
        let mut command = std::process::Command::new(&self.bubblewrap);
        let arguments = plan::bubblewrap_arguments(self, confinement, argv)?;
        #[cfg(target_os = "linux")]
        hold_in_group(confinement, &mut command);
        // bubblewrap stays beside the command as a process that the command may look at, so it has no environment at all.
        command.args(arguments).env_clear().current_dir("/").stdin(std::process::Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Ok(command)
    }
}

/// Holds root's command to its number of processes and behind other programs, where the system can; else the broker's looks alone do.
#[cfg(target_os = "linux")]
fn hold_in_group(confinement: &Confinement, command: &mut std::process::Command) {
    let group = broker::is_root().then(|| group::Group::new(confinement.limits.most_processes())).flatten();
    if let Some(group) = group {
        group.hold(command);
    }
}

/// Sees to it that what was killed is gone soon. Thousands of processes that are killed have still to be taken down by the kernel, at
/// the expense of their own share of the processor: behind everything else they would stay for minutes.
pub struct Ending {
    #[cfg(target_os = "linux")]
    share: Option<group::Share>,
}

impl Ending {
    /// For a process that was just started. It need not be a confined one.
    pub fn of(process: u32) -> Ending {
        #[cfg(not(target_os = "linux"))]
        let _ = process;
        Ending {
            #[cfg(target_os = "linux")]
            share: group::Share::of(process),
        }
    }

    /// To be called when the command has ended or was killed, for what is left of it.
    pub fn hasten(&self) {
        #[cfg(target_os = "linux")]
        self.share.iter().for_each(group::Share::make_most);
    }
}

/// Does the broker's work and answers with its exit code, if this process was started for that. The first thing that a program
/// does which is to be a broker: before it has threads, and before it reads its arguments in any other way.
pub fn as_broker() -> Option<ExitCode> {
    #[cfg(target_os = "linux")]
    return broker::run(std::env::args_os());
    #[cfg(not(target_os = "linux"))]
    None
}
