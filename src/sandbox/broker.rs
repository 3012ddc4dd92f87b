//! What runs inside: puts up Landlock and seccomp around the command, and stays as the first process of its namespace.
//!
//! It trusts its caller, who gave it the policy, and nothing else. What it can not put up it tells, and then runs nothing. The
//! command is a child of its own: it may not signal, read or trace the broker, which lies outside of its Landlock domain.

mod attempts;
mod confine;
mod filter;
mod ruleset;
mod watch;

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::Instant;
use std::{fs, io};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use self::watch::Watch;
use super::policy::{EXEC, Policy, TRY};
use super::{LIMIT_REACHED, NOT_CONFINED};

pub(super) use filter::is_there as has_seccomp;
pub(super) use ruleset::version as landlock_version;

/// As shells tell it.
const NOT_FOUND: i32 = 127;
const NOT_EXECUTABLE: i32 = 126;

pub(super) fn run(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let _program = arguments.next();
    let word = arguments.next()?;
    let code = if word == EXEC {
        supervise(arguments).unwrap_or_else(|problem| {
            tell(&problem);
            NOT_CONFINED
        })
    } else if word == TRY {
        attempts::run(arguments);
        0
    } else {
        return None;
    };
    Some(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)))
}

pub(super) fn is_root() -> bool {
    // SAFETY: reads a number of this process.
    unsafe { libc::geteuid() == 0 }
}

fn supervise(arguments: impl Iterator<Item = OsString>) -> Result<i32, String> {
    let (policy, argv) = Policy::read(arguments)?;
    check_place()?;
    write_user(&policy).map_err(|error| format!("/etc/passwd can not be written: {error}"))?;
    let watch = Watch::new(&policy)?;
    let not_started = |error: io::Error| format!("no process can be started: {error}");
    // SAFETY: this process has one thread, so that the child may do what it likes.
    match unsafe { libc::fork() } {
        -1 => Err(not_started(io::Error::last_os_error())),
        0 => {
            let code = become_command(&policy, &argv);
            // SAFETY: ends the child, which shares nothing that would need to be closed.
            unsafe { libc::_exit(code) }
        }
        process => {
            // What is not dumpable can not be looked into by another process of the same user.
            // SAFETY: sets a flag of this process.
            unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
            let command = Child::of(process).map_err(not_started)?;
            Ok(wait(&command, &watch))
        }
    }
}

struct Child {
    process: libc::pid_t,
    /// Can be read when it has ended.
    ended: OwnedFd,
}

impl Child {
    fn of(process: libc::pid_t) -> io::Result<Child> {
        let named = Pid::from_raw(process).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Child { process, ended: pidfd_open(named, PidfdFlags::empty())? })
    }
}

/// Everything else stands on this: that bubblewrap started us, with namespaces of our own and without capabilities.
fn check_place() -> Result<(), String> {
    if std::process::id() != 1 {
        return Err("it is started by bubblewrap, as the first process of a sandbox, and not by hand".to_owned());
    }
    let status = fs::read_to_string("/proc/self/status").map_err(|error| format!("/proc can not be read: {error}"))?;
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).map(str::trim);
    match effective.map(|set| u64::from_str_radix(set, 16)) {
        Some(Ok(0)) => Ok(()),
        Some(_) | None => Err("bubblewrap left it capabilities that it should have dropped".to_owned()),
    }
}

/// Who the command is: most of what asks expects a name and a home.
fn write_user(policy: &Policy) -> io::Result<()> {
    // SAFETY: both read a number of this process.
    let (user, group) = unsafe { (libc::getuid(), libc::getgid()) };
    let home = policy.home.display().to_string().replace(['\n', ':'], "_");
    let nobody = "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n";
    let root = if user == 0 { "" } else { "root:x:0:0:root:/root:/bin/sh\n" };
    let others = if user == 65534 { "" } else { nobody };
    fs::write("/etc/passwd", format!("user:x:{user}:{group}:user:{home}:/bin/sh\n{root}{others}"))?;
    fs::write("/etc/group", format!("user:x:{group}:\n{}", if group == 0 { "" } else { "root:x:0:\n" }))
}

/// Confines this process and becomes the command; comes back, with an exit code, only if that failed.
fn become_command(policy: &Policy, argv: &[OsString]) -> i32 {
    if let Err(problem) = confine::confine(policy) {
        tell(&problem);
        return NOT_CONFINED;
    }
    let Some((program, rest)) = argv.split_first() else { return NOT_CONFINED };
    let error = Command::new(program).args(rest).exec();
    tell(&format!("{} can not be run: {error}", program.display()));
    if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE }
}

/// Waits until the command ends, looking at what it takes meanwhile. What still runs when this process ends is ended by the kernel.
fn wait(command: &Child, watch: &Watch) -> i32 {
    let mut pause = watch::SHORTEST_PAUSE;
    let mut next_look = Instant::now() + pause;
    loop {
        if let Some(code) = reap(command.process) {
            return code;
        }
        // By the clock, and not when nothing else happens: there are commands whose children never stop to end.
        let now = Instant::now();
        if now >= next_look {
            if let Some(what) = watch.exceeded() {
                return end_all(&what);
            }
            pause = watch::pause_after(now.elapsed());
            next_look = Instant::now() + pause;
        }
        let left = next_look.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
        // Whether it ended or the time is over is seen above.
        let _ = rustix::event::poll(&mut [PollFd::new(&command.ended, PollFlags::IN)], Some(&timeout));
    }
}

/// Ends every process of the namespace but this one: at once, because none of them can start another while the kernel does it,
/// and none that has the signal can afterwards. They end while this process still tells why, and not only when it is gone.
fn end_all(why: &str) -> i32 {
    // SAFETY: a signal to all that this process may signal, which for the first process of a namespace is what runs in it.
    unsafe { libc::kill(-1, libc::SIGKILL) };
    tell(&format!("the command was ended: {why}"));
    LIMIT_REACHED
}

/// How the command ended, if it did. Of others that ended, so many at a time that nobody can keep us at it.
fn reap(command: libc::pid_t) -> Option<i32> {
    for _ in 0..256 {
        let mut status = 0;
        // SAFETY: writes the one number.
        let ended = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) };
        if ended == command {
            return Some(if libc::WIFSIGNALED(status) {
                128 + libc::WTERMSIG(status)
            } else {
                libc::WEXITSTATUS(status)
            });
        }
        if ended <= 0 {
            break;
        }
    }
    None
}

fn tell(problem: &str) {
    use io::Write;
    // Whoever reads may be gone.
    let _ = writeln!(io::stderr(), "claw sandbox: {problem}");
}
