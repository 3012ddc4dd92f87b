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
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::Instant;
use std::{fs, io, mem, ptr};

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
    come_first();
    let signals = block_child_signal();
    // SAFETY: this process has one thread, so that the child may do what it likes.
    match unsafe { libc::fork() } {
        -1 => Err(format!("no process can be started: {}", io::Error::last_os_error())),
        0 => {
            let code = become_command(&policy, &argv);
            // SAFETY: ends the child, which shares nothing that would need to be closed.
            unsafe { libc::_exit(code) }
        }
        child => {
            // What is not dumpable can not be looked into by another process of the same user.
            // SAFETY: sets a flag of this process.
            unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
            Ok(wait(child, &signals, &watch))
        }
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

/// Root's processes may let the broker come first for the processor: for root no limit of the kernel stops a command that starts
/// processes without end, and each of them with a session of its own counts as much as the broker. Others have that
/// limit, and need no more.
pub(super) fn let_brokers_come_first() {
    if is_root() {
        let one = libc::rlimit { rlim_cur: 1, rlim_max: 1 };
        // SAFETY: reads the one value. Where it is refused, as in some containers, the broker comes in its turn.
        unsafe { libc::setrlimit(libc::RLIMIT_RTPRIO, &one) };
    }
}

/// Takes what [`let_brokers_come_first`] gave; a child does not have it.
fn come_first() {
    let first = libc::sched_param { sched_priority: 1 };
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both read the one value. Refused where nothing was given.
    unsafe {
        libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &first);
        libc::setrlimit(libc::RLIMIT_RTPRIO, &none);
    }
}

fn block_child_signal() -> libc::sigset_t {
    // SAFETY: a set of signals is plain memory, which `sigemptyset` fills; both calls only write what they are given.
    unsafe {
        let mut signals: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&mut signals);
        libc::sigaddset(&mut signals, libc::SIGCHLD);
        libc::sigprocmask(libc::SIG_BLOCK, &signals, ptr::null_mut());
        signals
    }
}

/// Reaps until the command ends, looking at what it takes meanwhile. What still runs when this process ends is ended by the kernel.
fn wait(command: libc::pid_t, signals: &libc::sigset_t, watch: &Watch) -> i32 {
    let mut pause = watch::SHORTEST_PAUSE;
    let mut next_look = Instant::now() + pause;
    loop {
        if let Some(code) = reap(command) {
            return code;
        }
        // By the clock, and not when nothing else happens: there are commands whose children never stop to end.
        let now = Instant::now();
        if now >= next_look {
            if let Some(what) = watch.exceeded() {
                end_all();
                tell(&format!("the command was ended: {what}"));
                return LIMIT_REACHED;
            }
            pause = watch::pause_after(now.elapsed());
            next_look = Instant::now() + pause;
        }
        let left = next_look.saturating_duration_since(Instant::now());
        let timeout = libc::timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().cast_signed().into() };
        // SAFETY: both pointers are to values that live through the call; no information about the signal is asked for.
        unsafe { libc::sigtimedwait(signals, ptr::null_mut(), &timeout) };
    }
}

/// Ends every process of the namespace but this one: at once, because none of them can start another while the kernel does it,
/// and none that has the signal can afterwards. They end while this process still tells why, and not only when it is gone.
fn end_all() {
    // SAFETY: a signal to all that this process may signal, which for the first process of a namespace is what runs in it.
    unsafe { libc::kill(-1, libc::SIGKILL) };
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
