//! seccomp: which system calls the command has.
//!
//! Two filters. One names every call that builds and tests are known to use; any other does not exist (`ENOSYS`), which programs
//! are prepared for, and which also goes for calls that a later kernel brings and for those of the x32 numbering. The
//! other refuses (`EPERM`) what would reach out of the sandbox or deep into the kernel, some of it by arguments. Calls of another
//! processor's interface, 32-bit ones on a 64-bit kernel, end the process.

use std::collections::BTreeMap;

use libc::*;
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Calls by their numbers, from where they are the same for every processor, and which `libc` does not name everywhere.
const FCHMODAT2: c_long = 452;
const CACHESTAT: c_long = 451;
const MAP_SHADOW_STACK: c_long = 453;
const FUTEX_WAKE_2: c_long = 454;
const FUTEX_WAIT_2: c_long = 455;
const FUTEX_REQUEUE_2: c_long = 456;
const OPEN_TREE_ATTR: c_long = 467;

/// Whether the kernel has filters, for a processor whose calls are known here.
pub fn is_there() -> bool {
    const MODE: libc::c_int = SECCOMP_MODE_FILTER as libc::c_int;
    let known = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
    // SAFETY: without a filter to install the call fails, and how it fails tells: EFAULT where there are filters, EINVAL where not.
    let answer = unsafe { prctl(PR_SET_SECCOMP, MODE, 0, 0, 0) };
    known && answer == -1 && std::io::Error::last_os_error().raw_os_error() == Some(EFAULT)
}

/// The filters, in the order in which they are installed.
pub fn compile() -> Result<[BpfProgram; 2], String> {
    let told = |error: BackendError| format!("it could not be confined: seccomp: {error}");
    let known = filter(rules_of(KNOWN), SeccompAction::Errno(ENOSYS.unsigned_abs()), SeccompAction::Allow);
    let refused =
        refused().and_then(|rules| filter(rules, SeccompAction::Allow, SeccompAction::Errno(EPERM.unsigned_abs())));
    // The one that is installed last decides where both refuse: it comes first to be asked.
    Ok([known.map_err(told)?, refused.map_err(told)?])
}

pub fn install(filters: &[BpfProgram]) -> Result<(), String> {
    filters.iter().try_for_each(|filter| {
        seccompiler::apply_filter(filter).map_err(|error| format!("it could not be confined: seccomp: {error}"))
    })
}

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

fn filter(rules: Rules, otherwise: SeccompAction, matched: SeccompAction) -> Result<BpfProgram, BackendError> {
    let processor = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, otherwise, matched, processor)?.try_into()
}

fn rules_of(calls: &[c_long]) -> Rules {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

/// What is refused whatever its arguments are, and what is for some of them.
fn refused() -> Result<Rules, BackendError> {
    let mut rules = rules_of(REFUSED);
    let mut refuse = |call: c_long, conditions: &[(u8, SeccompCmpOp, u64)]| -> Result<(), BackendError> {
        let condition = |(argument, operator, value): &(u8, SeccompCmpOp, u64)| {
            SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, operator.clone(), *value)
        };
        let conditions = conditions.iter().map(condition).collect::<Result<Vec<_>, _>>()?;
        rules.entry(call).or_default().push(SeccompRule::new(conditions)?);
        Ok(())
    };
    for flag in NAMESPACES {
        refuse(SYS_clone, &[(0, MaskedEq(*flag), *flag)])?;
    }
    for request in TERMINAL_TRICKS {
        refuse(SYS_ioctl, &[(1, Eq, *request)])?;
    }
    sockets(&mut refuse)?;
    modes(&mut refuse)?;
    broker(&mut refuse)?;
    // The ordinary execution domain, a query of it, and addresses that are not random, which debuggers of tests want.
    const QUERY: u64 = 0xffff_ffff;
    refuse(SYS_personality, &[(0, Ne, 0), (0, Ne, QUERY), (0, Ne, ADDR_NO_RANDOMIZE as u64)])?;
    Ok(rules)
}

type Refuse<'a> = dyn FnMut(c_long, &[(u8, SeccompCmpOp, u64)]) -> Result<(), BackendError> + 'a;

/// TCP and UDP, which have no way out of the namespace, and sockets of the file system. No others: not raw, not of the kernel
/// (netlink, vsock, alg, packet), and not TCP under another name (MPTCP).
fn sockets(refuse: &mut Refuse<'_>) -> Result<(), BackendError> {
    const KIND: u64 = 0xf;
    const DEFAULT_PROTOCOL: u64 = 0;
    let (unix, v4, v6) = (AF_UNIX as u64, AF_INET as u64, AF_INET6 as u64);
    refuse(SYS_socket, &[(0, Ne, unix), (0, Ne, v4), (0, Ne, v6)])?;
    for family in [v4, v6] {
        for kind in (0..=KIND).filter(|kind| *kind != SOCK_STREAM as u64 && *kind != SOCK_DGRAM as u64) {
            refuse(SYS_socket, &[(0, Eq, family), (1, MaskedEq(KIND), kind)])?;
        }
        let (tcp, udp) = (IPPROTO_TCP as u64, IPPROTO_UDP as u64);
        refuse(SYS_socket, &[(0, Eq, family), (2, Ne, DEFAULT_PROTOCOL), (2, Ne, tcp), (2, Ne, udp)])?;
    }
    refuse(SYS_socketpair, &[(0, Ne, unix)])
}

/// Programs that run as their owner, and devices. A file of the user's own that is set-id stays so outside, where it would give
/// the user's rights away to whoever calls it.
fn modes(refuse: &mut Refuse<'_>) -> Result<(), BackendError> {
    let mut with_mode = vec![(SYS_fchmod, 1), (SYS_fchmodat, 2), (FCHMODAT2, 2), (SYS_mknodat, 2)];
    let mut with_kind = vec![(SYS_mknodat, 2)];
    #[cfg(target_arch = "x86_64")]
    {
        with_mode.extend([(SYS_chmod, 1), (SYS_creat, 1), (SYS_mknod, 1)]);
        with_kind.push((SYS_mknod, 1));
    }
    // A file that an open makes, with a name or without; else the mode is whatever stood in the register.
    let mut opening = vec![(SYS_openat, 2, 3)];
    #[cfg(target_arch = "x86_64")]
    opening.push((SYS_open, 1, 2));
    const WITHOUT_A_NAME: u64 = 0o20_000_000;
    let is_set = |argument, bits: u64| (argument, MaskedEq(bits), bits);
    for bit in [S_ISUID, S_ISGID].map(u64::from) {
        for (call, argument) in &with_mode {
            refuse(*call, &[is_set(*argument, bit)])?;
        }
        for (call, flags, mode) in &opening {
            refuse(*call, &[is_set(*mode, bit), is_set(*flags, O_CREAT as u64)])?;
            refuse(*call, &[is_set(*mode, bit), is_set(*flags, WITHOUT_A_NAME)])?;
        }
    }
    for (call, argument) in with_kind {
        for kind in [S_IFCHR, S_IFBLK] {
            refuse(call, &[(argument, MaskedEq(u64::from(S_IFMT)), u64::from(kind))])?;
        }
    }
    Ok(())
}

/// The broker is process 1, of the same user. Nobody inside takes its limits, its processor time or its priority away: it watches.
fn broker(refuse: &mut Refuse<'_>) -> Result<(), BackendError> {
    const BROKER: u64 = 1;
    const OF_PROCESS_FOR_DISK: u64 = 1;
    refuse(SYS_prlimit64, &[(0, Ne, 0)])?;
    for call in [SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr, SYS_sched_setaffinity] {
        refuse(call, &[(0, Eq, BROKER)])?;
    }
    refuse(SYS_setpriority, &[(0, Ne, PRIO_PROCESS as u64)])?;
    refuse(SYS_setpriority, &[(1, Eq, BROKER)])?;
    refuse(SYS_ioprio_set, &[(0, Ne, OF_PROCESS_FOR_DISK)])?;
    refuse(SYS_ioprio_set, &[(1, Eq, BROKER)])
}

const NAMESPACES: &[u64] = &[
    CLONE_NEWNS as u64,
    CLONE_NEWCGROUP as u64,
    CLONE_NEWUTS as u64,
    CLONE_NEWIPC as u64,
    CLONE_NEWUSER as u64,
    CLONE_NEWPID as u64,
    CLONE_NEWNET as u64,
];

/// Typing into a terminal in somebody's name, and what the Linux console offers besides.
// Their type is not the same with every library.
#[allow(clippy::unnecessary_cast)]
const TERMINAL_TRICKS: &[u64] = &[TIOCSTI as u64, 0x541c, TIOCCONS as u64, TIOCSETD as u64];

#[rustfmt::skip]
const REFUSED: &[c_long] = &[
    // Into other processes.
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_pidfd_getfd, SYS_process_madvise, SYS_process_mrelease,
    SYS_migrate_pages, SYS_move_pages,
    // Mounts and namespaces.
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_open_tree,
    SYS_move_mount, SYS_mount_setattr, OPEN_TREE_ATTR, SYS_unshare, SYS_setns,
    // Into the kernel.
    SYS_bpf, SYS_perf_event_open, SYS_add_key, SYS_request_key, SYS_keyctl, SYS_userfaultfd, SYS_io_uring_setup,
    SYS_io_uring_enter, SYS_io_uring_register, SYS_kexec_load, SYS_kexec_file_load, SYS_init_module, SYS_finit_module,
    SYS_delete_module, SYS_memfd_secret, SYS_fanotify_init, SYS_fanotify_mark, SYS_lookup_dcookie,
    // The machine's.
    SYS_quotactl, SYS_quotactl_fd, SYS_swapon, SYS_swapoff, SYS_reboot, SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime,
    SYS_adjtimex, SYS_acct, SYS_vhangup, SYS_syslog, SYS_sethostname, SYS_setdomainname,
    // Files past their names.
    SYS_open_by_handle_at,
    #[cfg(target_arch = "x86_64")] SYS_iopl,
    #[cfg(target_arch = "x86_64")] SYS_ioperm,
    #[cfg(target_arch = "x86_64")] SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")] SYS_uselib,
    #[cfg(target_arch = "x86_64")] SYS_ustat,
    #[cfg(target_arch = "x86_64")] SYS_sysfs,
];

/// Left out on purpose: `clone3` and `openat2`, whose flags lie in memory where no filter sees them, and for which everybody
/// has another way.
#[rustfmt::skip]
const KNOWN: &[c_long] = &[
    // Files.
    SYS_read, SYS_write, SYS_close, SYS_openat, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_lseek, SYS_pread64, SYS_pwrite64, SYS_readv,
    SYS_writev, SYS_preadv, SYS_pwritev, SYS_preadv2, SYS_pwritev2, SYS_pipe2, SYS_dup, SYS_dup3, SYS_fcntl, SYS_flock, SYS_fsync,
    SYS_fdatasync, SYS_sync, SYS_syncfs, SYS_sync_file_range, SYS_truncate, SYS_ftruncate, SYS_fallocate, SYS_fadvise64,
    SYS_readahead, SYS_copy_file_range, SYS_splice, SYS_tee, SYS_vmsplice, SYS_sendfile, SYS_getdents64, SYS_getcwd, SYS_chdir,
    SYS_fchdir, SYS_mkdirat, SYS_mknodat, SYS_unlinkat, SYS_symlinkat, SYS_linkat, SYS_renameat, SYS_renameat2, SYS_faccessat,
    SYS_faccessat2, SYS_readlinkat, SYS_fchmod, SYS_fchmodat, FCHMODAT2, SYS_fchown, SYS_fchownat, SYS_umask, SYS_statfs,
    SYS_fstatfs, SYS_utimensat, SYS_ioctl, SYS_close_range, SYS_name_to_handle_at, CACHESTAT, SYS_memfd_create, SYS_getxattr,
    SYS_lgetxattr, SYS_fgetxattr, SYS_listxattr, SYS_llistxattr, SYS_flistxattr, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr,
    SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr,
    // Waiting.
    SYS_ppoll, SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_eventfd2, SYS_signalfd4,
    SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime, SYS_inotify_init1, SYS_inotify_add_watch, SYS_inotify_rm_watch,
    SYS_io_setup, SYS_io_destroy, SYS_io_submit, SYS_io_cancel, SYS_io_getevents,
    // Memory.
    SYS_mmap, SYS_mprotect, SYS_munmap, SYS_brk, SYS_mremap, SYS_msync, SYS_mincore, SYS_madvise, SYS_mlock, SYS_mlock2, SYS_munlock,
    SYS_mlockall, SYS_munlockall, SYS_mseal, SYS_pkey_alloc, SYS_pkey_free, SYS_pkey_mprotect, SYS_remap_file_pages,
    SYS_get_mempolicy, SYS_set_mempolicy, SYS_mbind, MAP_SHADOW_STACK,
    // Time.
    SYS_nanosleep, SYS_clock_nanosleep, SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_times, SYS_getitimer,
    SYS_setitimer, SYS_timer_create, SYS_timer_settime, SYS_timer_gettime, SYS_timer_getoverrun, SYS_timer_delete,
    // Processes, threads, signals.
    SYS_clone, SYS_execve, SYS_execveat, SYS_exit, SYS_exit_group, SYS_wait4, SYS_waitid, SYS_set_tid_address, SYS_set_robust_list,
    SYS_get_robust_list, SYS_futex, SYS_futex_waitv, FUTEX_WAKE_2, FUTEX_WAIT_2, FUTEX_REQUEUE_2, SYS_rseq, SYS_membarrier,
    SYS_prctl, SYS_personality, SYS_kill, SYS_tkill, SYS_tgkill, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_rt_sigaction,
    SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigtimedwait, SYS_rt_sigsuspend, SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo, SYS_sigaltstack, SYS_restart_syscall, SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_setaffinity,
    SYS_sched_getscheduler, SYS_sched_setscheduler, SYS_sched_getparam, SYS_sched_setparam, SYS_sched_getattr,
    SYS_sched_setattr, SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_sched_rr_get_interval, SYS_getpriority,
    SYS_setpriority, SYS_ioprio_get, SYS_ioprio_set, SYS_getcpu, SYS_landlock_create_ruleset, SYS_landlock_add_rule,
    SYS_landlock_restrict_self, SYS_seccomp,
    // Who and how much.
    SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getgroups, SYS_getpgid, SYS_setpgid,
    SYS_getsid, SYS_setsid, SYS_getresuid, SYS_getresgid, SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid,
    SYS_setresgid, SYS_setgroups, SYS_setfsuid, SYS_setfsgid, SYS_capget, SYS_capset, SYS_uname, SYS_sysinfo, SYS_getrlimit,
    SYS_setrlimit, SYS_prlimit64, SYS_getrusage, SYS_getrandom,
    // Sockets, and what System V has for processes among each other.
    SYS_socket, SYS_socketpair, SYS_bind, SYS_connect, SYS_listen, SYS_accept, SYS_accept4, SYS_getsockname, SYS_getpeername,
    SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_sendmmsg, SYS_recvmmsg, SYS_setsockopt, SYS_getsockopt, SYS_shutdown,
    SYS_shmget, SYS_shmat, SYS_shmctl, SYS_shmdt, SYS_semget, SYS_semop, SYS_semctl, SYS_semtimedop, SYS_msgget, SYS_msgsnd,
    SYS_msgrcv, SYS_msgctl, SYS_mq_open, SYS_mq_unlink, SYS_mq_timedsend, SYS_mq_timedreceive, SYS_mq_notify, SYS_mq_getsetattr,
    // The older ones, which newer processors never had.
    #[cfg(target_arch = "x86_64")] SYS_open,
    #[cfg(target_arch = "x86_64")] SYS_stat,
    #[cfg(target_arch = "x86_64")] SYS_lstat,
    #[cfg(target_arch = "x86_64")] SYS_access,
    #[cfg(target_arch = "x86_64")] SYS_pipe,
    #[cfg(target_arch = "x86_64")] SYS_select,
    #[cfg(target_arch = "x86_64")] SYS_poll,
    #[cfg(target_arch = "x86_64")] SYS_dup2,
    #[cfg(target_arch = "x86_64")] SYS_fork,
    #[cfg(target_arch = "x86_64")] SYS_vfork,
    #[cfg(target_arch = "x86_64")] SYS_creat,
    #[cfg(target_arch = "x86_64")] SYS_mkdir,
    #[cfg(target_arch = "x86_64")] SYS_rmdir,
    #[cfg(target_arch = "x86_64")] SYS_mknod,
    #[cfg(target_arch = "x86_64")] SYS_unlink,
    #[cfg(target_arch = "x86_64")] SYS_link,
    #[cfg(target_arch = "x86_64")] SYS_symlink,
    #[cfg(target_arch = "x86_64")] SYS_rename,
    #[cfg(target_arch = "x86_64")] SYS_readlink,
    #[cfg(target_arch = "x86_64")] SYS_chmod,
    #[cfg(target_arch = "x86_64")] SYS_chown,
    #[cfg(target_arch = "x86_64")] SYS_lchown,
    #[cfg(target_arch = "x86_64")] SYS_utime,
    #[cfg(target_arch = "x86_64")] SYS_utimes,
    #[cfg(target_arch = "x86_64")] SYS_futimesat,
    #[cfg(target_arch = "x86_64")] SYS_getdents,
    #[cfg(target_arch = "x86_64")] SYS_epoll_create,
    #[cfg(target_arch = "x86_64")] SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")] SYS_eventfd,
    #[cfg(target_arch = "x86_64")] SYS_signalfd,
    #[cfg(target_arch = "x86_64")] SYS_inotify_init,
    #[cfg(target_arch = "x86_64")] SYS_alarm,
    #[cfg(target_arch = "x86_64")] SYS_pause,
    #[cfg(target_arch = "x86_64")] SYS_time,
    #[cfg(target_arch = "x86_64")] SYS_getpgrp,
    #[cfg(target_arch = "x86_64")] SYS_arch_prctl,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_both_known_and_refused_and_both_filters_compile() {
        let both: Vec<&c_long> = KNOWN.iter().filter(|call| REFUSED.contains(call)).collect();
        assert_eq!(both, Vec::<&c_long>::new());
        for rules in [rules_of(KNOWN), refused().unwrap()] {
            filter(rules, SeccompAction::Allow, SeccompAction::Errno(1)).unwrap();
        }
    }
}
