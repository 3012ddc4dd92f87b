//! Counts the command's processes and threads before they start.
//!
//! For root where nothing else holds it (see `pids`). Every system call that starts one stops in the kernel until the broker lets it
//! go on (seccomp's user notification), so there are never more than the command may have. And where a command takes the whole
//! machine, a broker that waits for its turn holds the command up, instead of falling behind what it counts. The price: a handler
//! without `SA_RESTART` that runs before the broker has looked makes the call fail with `EINTR`.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JUMP, BPF_K, BPF_LD, BPF_RET, BPF_STMT, BPF_W, c_long};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};

/// What starts a process or a thread. `clone3` is a call that the command does not have.
const STARTING: &[c_long] = &[
    libc::SYS_clone,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
];

/// From the kernel's `linux/audit.h`: the processor's number with marks for 64 bits, little end first.
#[cfg(target_arch = "x86_64")]
const PROCESSOR: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const PROCESSOR: u32 = 0xc000_00b7;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const PROCESSOR: u32 = 0;

/// Where the kernel tells of those that wait.
pub struct Forks(OwnedFd);

impl Forks {
    /// Lets the one that has waited longest go on, if it still waits.
    pub fn let_one_start(&self) {
        // SAFETY: plain numbers, for which zero is a value; the kernel insists on zeros.
        let mut waiting: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: writes into the one value, whose size is a part of the request.
        if unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &mut waiting) } == -1 {
            return;
        }
        let go_on = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
        let mut answer = libc::seccomp_notif_resp { id: waiting.id, val: 0, error: 0, flags: go_on };
        // It may have been ended meanwhile, and then nobody waits for the answer.
        // SAFETY: reads the one value, whose size is a part of the request.
        unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &mut answer) };
    }
}

impl AsFd for Forks {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The way from the command's process, which puts the filter up, to the broker, which listens to it.
pub fn channel() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

/// From here on this process and those it starts wait for the broker before they start another.
pub fn announce(to: &OwnedFd) -> io::Result<()> {
    let listener = listen()?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut message = SendAncillaryBuffer::new(&mut space);
    let files = [listener.as_fd()];
    message.push(SendAncillaryMessage::ScmRights(&files));
    rustix::net::sendmsg(to, &[IoSlice::new(b".")], &mut message, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// What was announced; nothing, if the other side came to its end before.
pub fn announced(from: &OwnedFd) -> io::Result<Option<Forks>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut message = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    rustix::net::recvmsg(from, &mut [IoSliceMut::new(&mut byte)], &mut message, RecvFlags::CMSG_CLOEXEC)?;
    let files = message.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    Ok(files.map(Forks))
}

fn listen() -> io::Result<OwnedFd> {
    const OFFSET_OF_CALL: u32 = 0;
    const OFFSET_OF_PROCESSOR: u32 = 4;
    let load = |offset| step(BPF_LD | BPF_W | BPF_ABS, offset);
    let end = |action| step(BPF_RET | BPF_K, action);
    let mut filter = vec![
        load(OFFSET_OF_PROCESSOR),
        // Calls of another processor's interface are the other filters' business.
        skip_if(PROCESSOR, 1),
        end(libc::SECCOMP_RET_ALLOW),
        load(OFFSET_OF_CALL),
    ];
    for (calls_left, call) in (0_u8..).zip(STARTING).map(|(at, call)| (STARTING.len() as u8 - at, call)) {
        filter.push(skip_if(u32::try_from(*call).unwrap_or(u32::MAX), calls_left));
    }
    filter.extend([end(libc::SECCOMP_RET_ALLOW), end(libc::SECCOMP_RET_USER_NOTIF)]);
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    let install = |flags: libc::c_ulong| {
        // SAFETY: the program is read during the call, and lives until it is over.
        let made = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &program) };
        // SAFETY: the kernel made it for us, and nobody else has it.
        if made == -1 { Err(io::Error::last_os_error()) } else { Ok(unsafe { OwnedFd::from_raw_fd(made as i32) }) }
    };
    // Since Linux 5.19: who waits to be let go on is not sent back to the start by a signal.
    let unhurried = libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    install(libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | unhurried)
        .or_else(|_| install(libc::SECCOMP_FILTER_FLAG_NEW_LISTENER))
}

fn step(code: u32, value: u32) -> libc::sock_filter {
    // SAFETY: makes a value of its arguments.
    unsafe { BPF_STMT(code as u16, value) }
}

/// Goes on behind the next `count` steps if what was loaded is `value`.
fn skip_if(value: u32, count: u8) -> libc::sock_filter {
    // SAFETY: makes a value of its arguments.
    unsafe { BPF_JUMP((BPF_JMP | BPF_JEQ | BPF_K) as u16, value, count, 0) }
}
