//! The forbidden acts, tried from inside. Each tells the error it met; a line of standard output an act.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

use super::ruleset;

/// Where the outside is, as seen from outside.
struct Outside {
    folder: PathBuf,
    port: u16,
    abstract_name: String,
}

type Attempt = fn(&Outside) -> io::Result<()>;

const FORBIDDEN: &[(&str, Attempt)] = &[
    ("read the home outside", |outside| File::open(outside.folder.join("home/canary")).map(drop)),
    ("read the workspace beneath the shadow", |outside| File::open(outside.folder.join("workspace/canary")).map(drop)),
    ("list the home outside", |outside| match fs::read_dir(outside.folder.join("home"))?.next() {
        None => Err(io::ErrorKind::NotFound.into()),
        Some(_) => Ok(()),
    }),
    ("write what is read-only", |_| fs::write(".git/canary", "changed")),
    ("add to what is read-only", |_| File::create(".git/hook").map(drop)),
    ("move what is read-only", |_| fs::rename(".git", "git")),
    ("write /etc", |_| fs::write("/etc/passwd", "root::0:0:::")),
    ("write /usr", |_| File::create("/usr/claw").map(drop)),
    ("write the tree's top", |_| File::create("/claw").map(drop)),
    ("read /etc/shadow", |_| File::open("/etc/shadow").map(drop)),
    ("see the system's devices", |_| File::open("/sys/class").map(drop)),
    ("see the broker's memory", |_| File::options().write(true).open("/proc/1/mem").map(drop)),
    ("see the broker's environment", |_| fs::read("/proc/1/environ").map(drop)),
    ("change the kernel's settings", |_| fs::write("/proc/sys/kernel/core_pattern", "|/bin/sh")),
    ("connect to TCP outside", |outside| TcpStream::connect(("127.0.0.1", outside.port)).map(drop)),
    ("send UDP outside", |_| {
        UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.send_to(b"x", "192.0.2.1:53").map(drop))
    }),
    ("connect to a socket without a file", |outside| {
        UnixStream::connect_addr(&SocketAddr::from_abstract_name(&outside.abstract_name)?).map(drop)
    }),
    ("connect to a socket outside", |outside| UnixStream::connect(outside.folder.join("socket")).map(drop)),
    ("connect to a socket in what is read-only", |_| UnixStream::connect(".git/socket").map(drop)),
    ("a raw socket", |_| socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP)),
    ("an ICMP socket", |_| socket(libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_ICMP)),
    ("an MPTCP socket", |_| socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP)),
    ("a packet socket", |_| socket(libc::AF_PACKET, libc::SOCK_DGRAM, 0)),
    ("a netlink socket", |_| socket(libc::AF_NETLINK, libc::SOCK_RAW, 0)),
    ("a vsock socket", |_| socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0)),
    ("io_uring", |_| call(libc::SYS_io_uring_setup, [1, 0, 0, 0, 0])),
    ("ptrace", |_| call(libc::SYS_ptrace, [libc::PTRACE_TRACEME as i64, 0, 0, 0, 0])),
    ("process_vm_readv", |_| call(libc::SYS_process_vm_readv, [1, 0, 0, 0, 0])),
    ("unshare", |_| call(libc::SYS_unshare, [i64::from(libc::CLONE_NEWUSER), 0, 0, 0, 0])),
    ("clone3", |_| call(libc::SYS_clone3, [0, 0, 0, 0, 0])),
    ("setns", |_| call(libc::SYS_setns, [0, 0, 0, 0, 0])),
    ("mount", |_| call(libc::SYS_mount, [0, 0, 0, 0, 0])),
    ("the newer mounts", |_| call(libc::SYS_open_tree, [0, 0, 0, 0, 0])),
    ("chroot", |_| call(libc::SYS_chroot, [0, 0, 0, 0, 0])),
    ("bpf", |_| call(libc::SYS_bpf, [0, 0, 0, 0, 0])),
    ("keyctl", |_| call(libc::SYS_keyctl, [0, -3, 0, 0, 0])),
    ("perf_event_open", |_| call(libc::SYS_perf_event_open, [0, 0, -1, -1, 0])),
    ("userfaultfd", |_| call(libc::SYS_userfaultfd, [1, 0, 0, 0, 0])),
    ("type into a terminal", |_| call(libc::SYS_ioctl, [0, libc::TIOCSTI as i64, 0, 0, 0])),
    ("end the broker", |_| {
        // Before these versions of Landlock the signal arrives, and is ignored as every signal to a namespace's first process.
        if ruleset::keeps_sockets_inside(ruleset::version()) {
            call(libc::SYS_kill, [1, i64::from(libc::SIGKILL), 0, 0, 0])
        } else {
            Err(io::ErrorKind::Unsupported.into())
        }
    }),
    ("make a device", |_| {
        call(
            libc::SYS_mknodat,
            [libc::AT_FDCWD.into(), c"device".as_ptr() as i64, i64::from(libc::S_IFCHR | 0o600), 0x103, 0],
        )
    }),
    ("make a program set-id", |_| {
        call(libc::SYS_fchmodat, [libc::AT_FDCWD.into(), c"written".as_ptr() as i64, 0o4755, 0, 0])
    }),
    ("gain rights by a program", |_| match fs::read_to_string("/proc/self/status")? {
        status
            if field(&status, "NoNewPrivs:") == Some("1") && field(&status, "CapBnd:") == Some("0000000000000000") =>
        {
            Err(io::ErrorKind::PermissionDenied.into())
        }
        _ => Ok(()),
    }),
    ("see other processes", |_| {
        match fs::read_dir("/proc")?.flatten().filter(|entry| is_number(entry.file_name())).count() {
            0..=2 => Err(io::ErrorKind::NotFound.into()),
            _ => Ok(()),
        }
    }),
    ("see other network devices", |_| {
        match fs::read_to_string("/proc/net/dev")?.lines().skip(2).all(|line| line.trim().starts_with("lo:")) {
            true => Err(io::ErrorKind::NotFound.into()),
            false => Ok(()),
        }
    }),
    ("have no filter", |_| match field(&fs::read_to_string("/proc/self/status")?, "Seccomp:") {
        Some("2") => Err(io::ErrorKind::PermissionDenied.into()),
        _ => Ok(()),
    }),
];

pub fn run(mut arguments: impl Iterator<Item = OsString>) {
    let mut next = || arguments.next().unwrap_or_default();
    let folder = next().into();
    let port = next().to_str().and_then(|port| port.parse().ok()).unwrap_or_default();
    let outside = Outside { folder, port, abstract_name: next().to_string_lossy().into_owned() };
    let mut out = io::stdout().lock();
    let allowed: &[(&str, Attempt)] = &[
        ("run a command", |_| fs::write("written", "")),
        ("write its own temporary folder", |_| fs::write("/tmp/written", "")),
        ("read what is read-only", |_| fs::read(".git/canary").map(drop)),
        ("use its own loopback device", |_| loopback()),
    ];
    let both = [("allowed", allowed), ("forbidden", FORBIDDEN)];
    for (which, (name, attempt)) in both.into_iter().flat_map(|(which, acts)| acts.iter().map(move |act| (which, act)))
    {
        let (refused, happened) = match attempt(&outside) {
            Ok(()) => ("done", "it succeeded".to_owned()),
            Err(error) => ("refused", error.to_string()),
        };
        // Who does not read learns nothing.
        let _ = writeln!(out, "{name}\t{which}\t{refused}\t{happened}");
    }
    // What only shows outside; the answer here says nothing.
    for path in ["workspace/canary", "home/canary", "git/canary"] {
        let _ = fs::write(outside.folder.join(path), "changed");
    }
    let _ = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"x", ("127.0.0.1", outside.port)));
}

fn loopback() -> io::Result<()> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    TcpStream::connect_timeout(&listener.local_addr()?, Duration::from_secs(1)).map(drop)
}

fn socket(family: libc::c_int, kind: libc::c_int, protocol: libc::c_int) -> io::Result<()> {
    call(libc::SYS_socket, [family.into(), kind.into(), protocol.into(), 0, 0])
}

/// A call that is not there is refused as well.
fn call(number: libc::c_long, with: [i64; 5]) -> io::Result<()> {
    let [a, b, c, d, e] = with;
    // SAFETY: pointers among the arguments are null or to constants; each call is refused, or fails for what it was given, and one
    // that succeeds changes nothing of this process's memory.
    match unsafe { libc::syscall(number, a, b, c, d, e) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

fn is_number(name: OsString) -> bool {
    name.to_str().is_some_and(|name| name.parse::<u32>().is_ok())
}
