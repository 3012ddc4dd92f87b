//! The walls around the command, in the order in which they can be put up: limits, Landlock, seccomp.

use std::{fs, io};

use super::super::policy::Policy;
use super::{filter, ruleset};

/// How far behind the user's own programs it comes for the processor.
const NICE: i32 = 10;
/// How much rather than others the kernel ends it when memory is short, of 1000.
const FIRST_TO_GO: &str = "900";

pub fn confine(policy: &Policy) -> Result<(), String> {
    // Before this process comes behind the others: it is work.
    let filters = filter::compile()?;
    // While /proc can still be written.
    step("oom_score_adj", fs::write("/proc/self/oom_score_adj", FIRST_TO_GO))?;
    // SAFETY: a session and group of its own, so that no signal to a group of its reaches the broker; it was just forked and leads none.
    step("setsid", call(unsafe { libc::setsid() }))?;
    be_nice()?;
    limit(policy)?;
    close_files()?;
    // SAFETY: sets a flag of this process.
    step("no_new_privs", call(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }))?;
    ruleset::restrict(policy)?;
    filter::install(&filters)
}

fn be_nice() -> Result<(), String> {
    // SAFETY: reads the priority of this process; it can not fail for it.
    let before = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    // SAFETY: sets the priority of this process.
    step("setpriority", call(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, (before + NICE).min(19)) }))?;
    // Where the kernel weighs sessions rather than processes it is the session that must be nice. It takes this from anybody
    // only now and then, and there may be no such file.
    let _ = fs::write("/proc/self/autogroup", NICE.to_string());
    const OF_PROCESS: libc::c_int = 1;
    const LAST_OF_THE_ORDINARY: libc::c_int = (2 << 13) | 7;
    // A kernel without it has no queue in which it could be first either.
    // SAFETY: sets the disk priority of this process.
    unsafe { libc::syscall(libc::SYS_ioprio_set, OF_PROCESS, 0, LAST_OF_THE_ORDINARY) };
    Ok(())
}

fn limit(policy: &Policy) -> Result<(), String> {
    let limits = &policy.limits;
    for (name, resource, most) in [
        ("core", libc::RLIMIT_CORE, 0),
        // Stacks of threads count as well, used or not.
        ("data", libc::RLIMIT_DATA, limits.memory.saturating_mul(4)),
        ("fsize", libc::RLIMIT_FSIZE, limits.file),
        // Counts for a user that is not root.
        ("nproc", libc::RLIMIT_NPROC, limits.most_processes()),
        ("nofile", libc::RLIMIT_NOFILE, limits.open_files),
        ("cpu", libc::RLIMIT_CPU, limits.cpu_seconds),
    ] {
        let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: writes into the one value.
        step(name, call(unsafe { libc::getrlimit(resource, &mut now) }))?;
        let most = most.min(now.rlim_max);
        // SAFETY: reads the one value.
        step(name, call(unsafe { libc::setrlimit(resource, &libc::rlimit { rlim_cur: most, rlim_max: most }) }))?;
    }
    Ok(())
}

/// Nothing that was left open by whoever started us reaches the command.
fn close_files() -> Result<(), String> {
    // SAFETY: marks them as closed on exec; none is used from here on by number.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    step("close_range", if closed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) })
}

fn call(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn step(name: &str, result: io::Result<()>) -> Result<(), String> {
    result.map_err(|error| format!("it could not be confined: {name}: {error}"))
}
