//! Forbidden acts by the exact call, from Python: a table of what is tried and what it must meet.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use super::rig::{Rig, each};

/// A name, what it must meet (error names, one of several), and the Python that tries it. It fails by an `OSError`; what it
/// assigns to `got` is what it met otherwise.
type Row = (&'static str, &'static str, &'static str);

const S03: &[Row] = &[
    ("read a secret of the home", "ENOENT", "open(TOP + '/home/secret').read()"),
    ("list the home", "empty", "got = 'empty' if not os.listdir(TOP + '/home') else 'seen'"),
    (
        "read the file beneath the shadow",
        "the shadow's",
        "got = \"the shadow's\" if os.listdir(TOP) == ['home', 'workspace'] or os.listdir(TOP) == ['workspace', 'home'] else str(os.listdir(TOP))",
    ),
    ("write /etc/passwd", "EACCES", "open('/etc/passwd', 'w')"),
    ("make a file in /etc", "EACCES", "open('/etc/new', 'w')"),
    ("write /etc/hosts", "EROFS|EACCES", "open('/etc/hosts', 'a')"),
    ("write /usr", "EROFS", "open('/usr/bin/new', 'w')"),
    ("replace a program", "EROFS|EACCES|EPERM", "os.chmod('/usr/bin/env', 0o777)"),
    ("write the top", "EROFS", "open('/new', 'w')"),
    ("write /run", "EROFS", "open('/run/new', 'w')"),
    ("write /dev", "EROFS", "open('/dev/new', 'w')"),
    ("read /etc/shadow", "ENOENT", "open('/etc/shadow')"),
    ("read a key of the host", "ENOENT", "os.listdir('/etc/ssh')"),
    ("see /root", "ENOENT", "os.listdir('/root') if TOP != '/root' else None"),
    ("see /var/lib", "ENOENT", "os.listdir('/var/lib')"),
    ("see /sys", "ENOENT", "os.listdir('/sys')"),
    ("see docker's socket", "ENOENT", "os.stat('/run/docker.sock')"),
    ("see /mnt", "ENOENT", "os.listdir('/mnt')"),
    ("write .git", "EROFS", "open('.git/config', 'w')"),
    ("add a hook", "EROFS", "os.mkdir('.git/hooks')"),
    ("cut .git short", "EROFS", "os.truncate('.git/config', 0)"),
    ("touch .git", "EROFS", "os.utime('.git/config')"),
    ("remove from .git", "EROFS", "os.unlink('.git/config')"),
    ("move .git", "EBUSY", "os.rename('.git', 'git')"),
    ("move onto .git", "EBUSY|ENOTEMPTY|EEXIST|EXDEV", "os.mkdir('empty'); os.rename('empty', '.git')"),
    ("remove .git", "EBUSY|EROFS", "os.rmdir('.git')"),
    ("exchange .git", "EBUSY", "os.mkdir('other'); sc('renameat2', -100, b'other', -100, b'.git', 2)"),
    ("link out of .git", "EXDEV", "os.link('.git/config', 'config')"),
    ("link a program into the folder", "EXDEV", "os.link(os.path.realpath('/usr/bin/env'), 'env')"),
    ("link a setting into the folder", "EXDEV|EACCES", "os.link('/etc/passwd', 'passwd')"),
    ("link the broker into the folder", "EXDEV", "os.link('/run/claw/broker', 'broker')"),
    ("link into .git", "EXDEV|EROFS", "os.link('file', '.git/file')"),
    (
        "link by a handle",
        "EXDEV|ENOENT|EPERM",
        "f = os.open('.git/config', os.O_RDONLY); sc('linkat', f, b'', -100, b'config', 0x1000)",
    ),
    (
        "link by the handle's name",
        "EXDEV",
        "f = os.open('.git/config', os.O_RDONLY); sc('linkat', -100, b'/proc/self/fd/%d' % f, -100, b'config', 0x400)",
    ),
    ("move out of .git", "EXDEV|EROFS", "os.rename('.git/config', 'config')"),
    ("write through a link to outside", "ENOENT", "os.symlink(TOP + '/home/secret', 'link'); open('link', 'r+')"),
    ("write through a link to /etc", "EACCES", "os.symlink('/etc/group', 'etc'); open('etc', 'r+')"),
    (
        "write through a link to /proc",
        "EACCES",
        "os.symlink('/proc/sys/kernel/core_pattern', 'core'); open('core', 'w')",
    ),
    ("move a file to /usr", "EROFS|EXDEV|EACCES", "open('moved', 'w'); os.rename('moved', '/usr/moved')"),
    ("by the root of the broker", "EACCES", "os.listdir('/proc/1/root/')"),
    ("by the folder of the broker", "EACCES", "os.listdir('/proc/1/cwd/')"),
    ("by our own root", "ENOENT", "open('/proc/self/root' + TOP + '/home/secret')"),
    ("many steps up", "ENOENT", "open('../' * 40 + 'root/.ssh')"),
    ("mount over", "EPERM", "sc('mount', b'/tmp', b'/etc', 0, 4096, 0)"),
    ("make it writable", "EPERM", "sc('mount', 0, b'.git', 0, 32 | 4096, 0)"),
    ("make a disk", "EPERM", "os.mknod('disk', 0o060600, os.makedev(254, 0))"),
    ("make a terminal", "EPERM", "os.mknod('terminal', 0o020600, os.makedev(5, 0))"),
    ("see a disk", "ENOENT", "open('/dev/vda')"),
    ("see memory", "ENOENT", "open('/dev/mem')"),
    ("set-id by chmod", "EPERM", "os.chmod('file', 0o4755)"),
    ("set-id of the group", "EPERM", "os.chmod('file', 0o2755)"),
    ("set-id by fchmod", "EPERM", "os.fchmod(os.open('file', os.O_RDONLY), 0o4755)"),
    ("set-id by fchmodat2", "EPERM", "sc(452, -100, b'file', 0o4755, 0)"),
    ("set-id by open", "EPERM", "os.open('setid', os.O_CREAT | os.O_WRONLY, 0o4755)"),
    ("set-id by a file without a name", "EPERM", "os.open('.', os.O_TMPFILE | os.O_WRONLY, 0o4755)"),
    ("set-id by openat2", "ENOSYS", "sc(437, -100, b'setid', 0, 24)"),
    ("set-id by mknod", "EPERM", "sc('mknodat', -100, b'setid', 0o104755, 0)"),
    ("rights of a file", "EPERM", "os.setxattr('file', 'security.capability', b'\\0\\0\\0\\2' + bytes(16))"),
    ("become root", "EPERM|EINVAL", "os.setuid(0)"),
    ("give a file away", "EPERM|EINVAL", "os.chown('file', 0, 0)"),
    (
        "rights by a set-id program",
        "1",
        "got = re.search(r'NoNewPrivs:\\s*(\\d)', open('/proc/self/status').read()).group(1)",
    ),
    (
        "no rights are left",
        "0000000000000000",
        "got = re.search(r'CapBnd:\\s*(\\w+)', open('/proc/self/status').read()).group(1)",
    ),
    ("a setting of the kernel", "EACCES", "open('/proc/sys/vm/drop_caches', 'w')"),
    ("a key of the console", "EACCES|ENOENT", "open('/proc/sysrq-trigger', 'w')"),
    ("first to be ended", "900", "got = open('/proc/self/oom_score_adj').read().strip()"),
    ("no longer first to be ended", "EACCES", "open('/proc/self/oom_score_adj', 'w').write('0')"),
    ("files by their handles", "EPERM", "sc('open_by_handle_at', 0, 0, 0)"),
    ("write its own folder", "done", "open('written', 'w').write('x'); os.remove('written')"),
    ("move between its folders", "done", "os.makedirs('a/b'); open('a/f', 'w'); os.rename('a/f', 'a/b/f')"),
    ("write its own /tmp", "done", "open('/tmp/mine', 'w').write('x'); open('/var/tmp/mine').read()"),
    ("make a pipe", "done", "os.mkfifo('pipe'); os.remove('pipe')"),
    ("know who it is", "user", "import pwd; got = pwd.getpwuid(os.getuid()).pw_name"),
    (
        "its home is its own",
        "done",
        "open(os.path.expanduser('~/mine'), 'w').write('x'); assert os.path.expanduser('~') == TOP + '/home'",
    ),
];

const S04: &[Row] = &[
    ("TCP to the machine", "ECONNREFUSED", "tcp('127.0.0.1', PORT)"),
    ("TCP to the machine, v6", "ECONNREFUSED", "tcp('::1', PORT, socket.AF_INET6)"),
    ("TCP to outside", "ENETUNREACH", "tcp('192.0.2.1', 80)"),
    ("TCP to the metadata service", "ENETUNREACH", "tcp('169.254.169.254', 80)"),
    ("TCP to outside, v6", "ENETUNREACH|EADDRNOTAVAIL", "tcp('2001:db8::1', 80, socket.AF_INET6)"),
    ("TCP fast open", "ENETUNREACH", "socket.socket().sendto(b'x', 0x20000000, ('192.0.2.1', 80))"),
    ("UDP to outside", "ENETUNREACH", "socket.socket(2, 2).sendto(b'x', ('192.0.2.1', 53))"),
    ("UDP to outside, v6", "ENETUNREACH|EADDRNOTAVAIL", "socket.socket(10, 2).sendto(b'x', ('2001:db8::1', 53))"),
    (
        "UDP to everybody",
        "ENETUNREACH",
        "s = socket.socket(2, 2); s.setsockopt(1, 6, 1); s.sendto(b'x', ('255.255.255.255', 9))",
    ),
    ("UDP to many", "ENETUNREACH", "socket.socket(2, 2).sendto(b'x', ('239.1.1.1', 9))"),
    (
        "DNS",
        "no address",
        "try:\n  socket.getaddrinfo('example.com', 80); got = 'an address'\nexcept socket.gaierror: got = 'no address'",
    ),
    ("ICMP", "EPERM", "socket.socket(2, 3, 1)"),
    ("ICMP without rights", "EPERM", "socket.socket(2, 2, 1)"),
    ("ICMP v6", "EPERM", "socket.socket(10, 3, 58)"),
    ("MPTCP", "EPERM", "socket.socket(2, 1, 262)"),
    ("MPTCP v6", "EPERM", "socket.socket(10, 1, 262)"),
    ("SCTP", "EPERM", "socket.socket(2, 1, 132)"),
    ("SCTP of packets", "EPERM", "socket.socket(2, 5, 132)"),
    ("UDP lite", "EPERM", "socket.socket(2, 2, 136)"),
    ("DCCP", "EPERM", "socket.socket(2, 6, 33)"),
    ("flags hide no kind", "EPERM", "sc('socket', 2, 3 | 0o2000000 | 0o4000, 1)"),
    ("high bits hide no family", "EPERM", "sc('socket', (1 << 32) | 16, 3, 0)"),
    ("packets", "EPERM", "socket.socket(17, 3, 0)"),
    ("netlink", "EPERM", "socket.socket(16, 3, 0)"),
    ("netlink of sockets", "EPERM", "socket.socket(16, 2, 4)"),
    ("vsock", "EPERM", "socket.socket(40, 1, 0)"),
    ("the kernel's ciphers", "EPERM", "socket.socket(38, 5, 0)"),
    ("bluetooth", "EPERM", "sc('socket', 31, 3, 0)"),
    ("CAN", "EPERM", "sc('socket', 29, 3, 1)"),
    ("TIPC", "EPERM", "sc('socket', 30, 2, 0)"),
    ("XDP", "EPERM", "sc('socket', 44, 3, 0)"),
    ("KCM", "EPERM", "sc('socket', 41, 5, 0)"),
    ("RDS", "EPERM", "sc('socket', 21, 5, 0)"),
    ("SMC", "EPERM", "sc('socket', 43, 1, 0)"),
    ("NFC", "EPERM", "sc('socket', 39, 3, 1)"),
    ("QIPCRTR", "EPERM", "sc('socket', 42, 2, 0)"),
    ("a pair of another family", "EPERM", "sc('socketpair', 2, 1, 0, 0)"),
    ("a socket without a file", "ECONNREFUSED|EPERM", "socket.socket(1).connect('\\0' + NAME)"),
    ("a datagram socket without a file", "ECONNREFUSED|EPERM", "socket.socket(1, 2).sendto(b'x', '\\0' + NAME)"),
    ("a socket outside", "ENOENT", "socket.socket(1).connect(TOP + '/socket')"),
    ("a socket in .git", "ECONNREFUSED", "socket.socket(1).connect('.git/socket')"),
    ("a socket deep in .git", "ECONNREFUSED", "socket.socket(1).connect('.git/deep/socket')"),
    ("D-Bus", "ENOENT", "socket.socket(1).connect('/run/dbus/system_bus_socket')"),
    ("X", "ENOENT", "socket.socket(1).connect('/tmp/.X11-unix/X0')"),
    ("io_uring", "EPERM", "sc('io_uring_setup', 8, ctypes.create_string_buffer(256))"),
    ("io_uring's work", "EPERM", "sc('io_uring_enter', 0, 1, 0, 0, 0, 0)"),
    ("io_uring's buffers", "EPERM", "sc('io_uring_register', 0, 0, 0, 0)"),
    ("set a device up", "EPERM", "fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh', b'lo', 0))"),
    ("only a loopback device", "lo", "got = ' '.join(sorted(name for _, name in socket.if_nameindex_by_proc()))"),
    (
        "its own loopback device",
        "done",
        "s = socket.create_server(('127.0.0.1', 0)); tcp('127.0.0.1', s.getsockname()[1])",
    ),
    (
        "its own loopback device, v6",
        "done",
        "s = socket.create_server(('::1', 0), family=10); tcp('::1', s.getsockname()[1], 10)",
    ),
    (
        "its own sockets",
        "done",
        "s = socket.socket(1); s.bind('/tmp/s'); s.listen(); socket.socket(1).connect('/tmp/s'); socket.socketpair()",
    ),
];

const S09: &[Row] = &[
    ("be traced", "EPERM", "sc('ptrace', 0, 0, 0, 0)"),
    ("trace the broker", "EPERM", "sc('ptrace', 16, 1, 0, 0)"),
    ("seize the broker", "EPERM", "sc('ptrace', 0x4206, 1, 0, 0)"),
    ("read another's memory", "EPERM", "sc('process_vm_readv', 1, 0, 0, 0, 0, 0)"),
    ("write another's memory", "EPERM", "sc('process_vm_writev', os.getppid(), 0, 0, 0, 0, 0)"),
    ("the broker's memory", "EACCES", "open('/proc/1/mem', 'rb')"),
    ("the broker's environment", "EACCES", "open('/proc/1/environ').read()"),
    ("the broker's maps", "EACCES", "open('/proc/1/maps').read()"),
    ("the broker's files", "EACCES", "os.readlink('/proc/1/fd/0')"),
    ("compare processes", "EPERM", "sc('kcmp', 1, 1, 0, 0, 0)"),
    ("take a file of another", "EPERM", "sc('pidfd_getfd', 0, 0, 0)"),
    ("end the broker", "EPERM", "os.kill(1, 9)"),
    ("stop the broker", "EPERM", "os.kill(1, signal.SIGSTOP)"),
    ("end the broker by its handle", "EPERM", "signal.pidfd_send_signal(os.pidfd_open(1), 9)"),
    ("end the broker's thread", "EPERM", "sc('tgkill', 1, 1, 9)"),
    ("queue a signal", "EPERM", "sc('rt_sigqueueinfo', 1, 9, ctypes.create_string_buffer(128))"),
    ("limit the broker", "EPERM", "sc('prlimit64', 1, 7, struct.pack('QQ', 0, 0), 0)"),
    ("starve the broker", "EPERM", "os.sched_setscheduler(1, 5, os.sched_param(0))"),
    ("starve the broker by attributes", "EPERM", "sc('sched_setattr', 1, bytes(64), 0)"),
    ("tie the broker", "EPERM", "os.sched_setaffinity(1, {0})"),
    ("be nicer for the broker", "EPERM", "os.setpriority(os.PRIO_PROCESS, 1, 19)"),
    ("be nicer for everybody", "EPERM", "os.setpriority(os.PRIO_USER, 0, 19)"),
    ("be nicer for a group", "EPERM", "os.setpriority(os.PRIO_PGRP, 1, 19)"),
    ("the broker's disk", "EPERM", "sc('ioprio_set', 1, 1, 3 << 13)"),
    ("everybody's disk", "EPERM", "sc('ioprio_set', 3, 0, 3 << 13)"),
    ("be less nice", "EACCES|EPERM", "os.setpriority(os.PRIO_PROCESS, 0, 0)"),
    ("raise a limit", "EPERM", "sc('prlimit64', 0, 7, struct.pack('QQ', 1 << 20, 1 << 20), 0)"),
    ("type into the terminal", "EPERM", "sc('ioctl', 0, 0x5412, b'x')"),
    ("type by high bits", "EPERM", "sc('ioctl', 0, (1 << 32) | 0x5412, b'x')"),
    ("paste into the console", "EPERM", "sc('ioctl', 0, 0x541c, b'\\3')"),
    ("take the console", "EPERM", "sc('ioctl', 0, 0x541d, 0)"),
    ("unshare users", "EPERM", "sc('unshare', 0x10000000)"),
    ("unshare mounts", "EPERM", "sc('unshare', 0x20000)"),
    ("unshare all", "EPERM", "sc('unshare', 0x7e020080)"),
    ("clone with users", "EPERM", "sc('clone', 0x10000011, 0, 0, 0, 0)"),
    ("clone with mounts", "EPERM", "sc('clone', 0x20011, 0, 0, 0, 0)"),
    ("clone with a network", "EPERM", "sc('clone', 0x40000011, 0, 0, 0, 0)"),
    ("clone with processes", "EPERM", "sc('clone', 0x20000011, 0, 0, 0, 0)"),
    ("clone3", "ENOSYS", "sc('clone3', 0, 0)"),
    ("join a namespace", "EPERM", "sc('setns', os.open('/proc/self/ns/user', 0), 0)"),
    ("mount", "EPERM", "sc('mount', b'none', b'/tmp', b'tmpfs', 0, 0)"),
    ("unmount", "EPERM", "sc('umount2', b'/proc', 2)"),
    ("pivot_root", "EPERM", "sc('pivot_root', b'.', b'.')"),
    ("chroot", "EPERM", "os.chroot('.')"),
    ("fsopen", "EPERM", "sc('fsopen', b'tmpfs', 0)"),
    ("fsconfig", "EPERM", "sc('fsconfig', 0, 0, 0, 0, 0)"),
    ("fsmount", "EPERM", "sc('fsmount', 0, 0, 0)"),
    ("fspick", "EPERM", "sc('fspick', -100, b'.', 0)"),
    ("open_tree", "EPERM", "sc('open_tree', -100, b'.', 1)"),
    ("open_tree_attr", "EPERM", "sc(467, -100, b'.', 0, 0, 0)"),
    ("move_mount", "EPERM", "sc('move_mount', 0, 0, 0, 0, 0)"),
    ("mount_setattr", "EPERM", "sc('mount_setattr', -100, b'.', 0, 0, 0)"),
    ("bpf", "EPERM", "sc('bpf', 0, bytes(128), 128)"),
    ("perf_event_open", "EPERM", "sc('perf_event_open', bytes(128), 0, -1, -1, 0)"),
    ("read a key", "EPERM", "sc('keyctl', 0, -3, 0)"),
    ("add a key", "EPERM", "sc('add_key', b'user', b'x', b'x', 1, -3)"),
    ("request a key", "EPERM", "sc('request_key', b'user', b'x', 0, -3)"),
    ("userfaultfd", "EPERM", "sc('userfaultfd', 1)"),
    ("secret memory", "EPERM", "sc('memfd_secret', 0)"),
    ("watch everybody's files", "EPERM", "sc('fanotify_init', 0, 0)"),
    ("move pages", "EPERM", "sc('move_pages', 1, 0, 0, 0, 0, 0)"),
    ("another kernel", "EPERM", "sc('kexec_load', 0, 0, 0, 0)"),
    ("another kernel by file", "EPERM", "sc('kexec_file_load', 0, 0, 0, 0, 0)"),
    ("a module", "EPERM", "sc('init_module', 0, 0, b'')"),
    ("a module by file", "EPERM", "sc('finit_module', 0, b'', 0)"),
    ("take a module away", "EPERM", "sc('delete_module', b'x', 0)"),
    ("quotas", "EPERM", "sc('quotactl', 0, 0, 0, 0)"),
    ("swap", "EPERM", "sc('swapon', b'/tmp/x', 0)"),
    ("reboot", "EPERM", "sc('reboot', 0, 0, 0, 0)"),
    ("the clock", "EPERM", "time.clock_settime(0, 1)"),
    ("the clock's pace", "EPERM", "sc('adjtimex', bytes(256))"),
    ("accounting", "EPERM", "sc('acct', b'/tmp/x')"),
    ("the kernel's log", "EPERM", "sc('syslog', 3, 0, 0)"),
    ("the host's name", "EPERM", "socket.sethostname('x')"),
    ("memory that runs as it is read", "EPERM", "sc('personality', 0x0400000)"),
    ("another domain", "EPERM", "sc('personality', 0x0008)"),
    ("a query of the domain", "done", "sc('personality', 0xffffffff)"),
    ("rights for the next program", "EINVAL", "libc.prctl(38, 0, 0, 0, 0) and fail()"),
    ("a call that is none", "ENOSYS", "sc(999)"),
    ("a call of tomorrow", "ENOSYS", "sc(480)"),
    (
        "see other processes",
        "few",
        "got = 'few' if all(int(pid) < 300 for pid in os.listdir('/proc') if pid.isdigit()) else 'many'",
    ),
    ("threads", "done", "t = threading.Thread(target=print); t.start(); t.join()"),
    ("processes", "done", "os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)"),
];

/// What only this processor has.
#[cfg(target_arch = "x86_64")]
const OF_PROCESSOR: &[Row] = &[
    ("x32 numbers", "ENOSYS", "sc(0x40000000 + 39)"),
    ("x32 ptrace", "ENOSYS", "sc(0x40000000 + 521)"),
    ("ports", "EPERM", "sc('iopl', 3)"),
    ("a range of ports", "EPERM", "sc('ioperm', 0, 1, 1)"),
    ("segments", "EPERM", "sc('modify_ldt', 0, 0, 0)"),
    (
        "a call of 32 bits",
        "signal 31",
        "m = mmap.mmap(-1, 4096, prot=7); m.write(b'\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3'); ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()",
    ),
];
#[cfg(not(target_arch = "x86_64"))]
const OF_PROCESSOR: &[Row] = &[];

/// The numbers of calls by name, as Python.
fn numbers() -> String {
    macro_rules! table {
        ($($name:ident $number:ident)*) => { [$((stringify!($name), libc::$number)),*] };
    }
    let common = table! {
        renameat2 SYS_renameat2 linkat SYS_linkat mount SYS_mount mknodat SYS_mknodat open_by_handle_at SYS_open_by_handle_at socket SYS_socket
        socketpair SYS_socketpair io_uring_setup SYS_io_uring_setup io_uring_enter SYS_io_uring_enter
        io_uring_register SYS_io_uring_register ptrace SYS_ptrace process_vm_readv SYS_process_vm_readv
        process_vm_writev SYS_process_vm_writev kcmp SYS_kcmp pidfd_getfd SYS_pidfd_getfd tgkill SYS_tgkill
        rt_sigqueueinfo SYS_rt_sigqueueinfo prlimit64 SYS_prlimit64 sched_setattr SYS_sched_setattr ioprio_set SYS_ioprio_set
        ioctl SYS_ioctl unshare SYS_unshare clone SYS_clone clone3 SYS_clone3 setns SYS_setns umount2 SYS_umount2
        pivot_root SYS_pivot_root fsopen SYS_fsopen fsconfig SYS_fsconfig fsmount SYS_fsmount fspick SYS_fspick
        open_tree SYS_open_tree move_mount SYS_move_mount mount_setattr SYS_mount_setattr bpf SYS_bpf
        perf_event_open SYS_perf_event_open keyctl SYS_keyctl add_key SYS_add_key request_key SYS_request_key
        userfaultfd SYS_userfaultfd memfd_secret SYS_memfd_secret fanotify_init SYS_fanotify_init move_pages SYS_move_pages
        kexec_load SYS_kexec_load kexec_file_load SYS_kexec_file_load init_module SYS_init_module
        finit_module SYS_finit_module delete_module SYS_delete_module quotactl SYS_quotactl swapon SYS_swapon
        reboot SYS_reboot adjtimex SYS_adjtimex acct SYS_acct syslog SYS_syslog personality SYS_personality
    };
    #[cfg(target_arch = "x86_64")]
    let own = table! { iopl SYS_iopl ioperm SYS_ioperm modify_ldt SYS_modify_ldt };
    #[cfg(not(target_arch = "x86_64"))]
    let own: [(&str, libc::c_long); 0] = [];
    let mut text = String::from("N = {");
    for (name, number) in common.iter().chain(&own) {
        write!(text, "'{name}': {number}, ").unwrap();
    }
    text + "}\n"
}

const PRELUDE: &str = r#"
import ctypes, errno, fcntl, mmap, os, re, signal, socket, struct, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

def fail():
    raise OSError(ctypes.get_errno(), 'refused')

def sc(call, *arguments):
    number = N[call] if isinstance(call, str) else call
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *wide)
    if result == -1: fail()
    return result

def tcp(host, port, family=socket.AF_INET):
    s = socket.socket(family); s.settimeout(5); s.connect((host, port))

def devices():
    lines = open('/proc/net/dev').read().splitlines()[2:]
    return [(0, line.split(':')[0].strip()) for line in lines]
socket.if_nameindex_by_proc = devices

def attempt(script):
    room = {**globals(), 'got': 'done'}
    try:
        exec(script, room)
        return room['got']
    except OSError as error:
        return errno.errorcode.get(error.errno, repr(error))
    except BaseException as error:
        return repr(error)

# Each in a process of its own, so that none is there for the next one.
def row(name, script):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, attempt(script).encode())
        os._exit(0)
    os.close(writer)
    met = os.read(reader, 4096).decode()
    os.close(reader)
    status = os.waitpid(child, 0)[1]
    print(name, met or 'signal %d' % os.WTERMSIG(status), sep='\t', flush=True)
"#;

fn python(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n"))
}

/// What each of `rows` met inside.
fn met(rig: &Rig, rows: &[Row], facts: &str) -> BTreeMap<String, String> {
    let mut script = numbers() + PRELUDE + facts;
    for (name, _, attempt) in rows {
        writeln!(script, "row({}, {})", python(name), python(attempt)).unwrap();
    }
    let out = rig.run(&["/usr/bin/python3", "-I", "-c", &script]).ok();
    out.lines().filter_map(|line| line.split_once('\t')).map(|(name, met)| (name.into(), met.into())).collect()
}

fn check(rig: &Rig, rows: &[Row], facts: &str) {
    let met = met(rig, rows, facts);
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(name, expected, _)| {
            let met = met.get(*name).map_or("nothing", String::as_str);
            (!expected.split('|').any(|expected| expected == met))
                .then(|| format!("{name}: met {met}, and not {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "as {:?}:\n{}", rig.user, wrong.join("\n"));
    rig.assert_outside_is_as_it_was();
}

fn facts(rig: &Rig) -> String {
    format!("TOP = {}\n", python(&rig.folder.path().display().to_string()))
}

#[test]
fn s03_nothing_outside_is_written_and_nothing_private_is_read() {
    each(|rig| check(rig, S03, &facts(rig)));
}

#[test]
fn s03_tmp_is_private_to_a_command() {
    each(|rig| {
        let name = format!("claw-private-{}", std::process::id());
        assert_eq!(rig.sh(&format!("echo x > /tmp/{name}; echo x > /dev/shm/{name}; cat /tmp/{name}")).ok(), "x\n");
        assert!(
            !std::path::Path::new("/tmp").join(&name).exists()
                && !std::path::Path::new("/dev/shm").join(&name).exists()
        );
        assert_eq!(
            rig.sh("ls -A /tmp /dev/shm").ok().replace(rig.folder.path().file_name().unwrap().to_str().unwrap(), "F"),
            "/dev/shm:\n\n/tmp:\nF\n"
        );
    });
}

#[test]
fn s04_without_the_network_nothing_reaches_out() {
    each(|rig| {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let udp = UdpSocket::bind(("127.0.0.1", port)).unwrap();
        let name = format!("claw-attack-{}-{port}", std::process::id());
        std::fs::create_dir(rig.at("workspace/.git/deep")).unwrap();
        let abstract_name = SocketAddr::from_abstract_name(&name).unwrap();
        let mut sockets = vec![UnixListener::bind_addr(&abstract_name).unwrap()];
        for file in ["socket", "workspace/.git/socket", "workspace/.git/deep/socket"] {
            sockets.push(UnixListener::bind(rig.at(file)).unwrap());
        }
        rig.give(rig.folder.path());
        let facts = facts(rig) + &format!("PORT = {port}\nNAME = {}\n", python(&name));

        let met = met(rig, S04, &facts);
        let wrong: Vec<String> = S04
            .iter()
            .filter(|(name, expected, _)| {
                !met.get(*name).is_some_and(|met| expected.split('|').any(|expected| expected == met))
            })
            .map(|(name, expected, _)| format!("{name}: met {:?}, and not {expected}", met.get(*name)))
            .collect();
        assert!(wrong.is_empty(), "as {:?}:\n{}", rig.user, wrong.join("\n"));
        tcp.set_nonblocking(true).unwrap();
        udp.set_nonblocking(true).unwrap();
        assert!(tcp.accept().is_err() && udp.recv(&mut [0; 8]).is_err(), "somebody came");
        for socket in &sockets {
            socket.set_nonblocking(true).unwrap();
            assert!(socket.accept().is_err(), "somebody came to {:?}", socket.local_addr());
        }
    });
}

#[test]
fn s04_with_the_network_a_listener_is_reached_and_sockets_without_a_file_are_not() {
    each(|rig| {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let name = format!("claw-network-{}-{port}", std::process::id());
        let _socket = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let mut confinement = rig.confinement();
        confinement.network = true;
        let script = format!(
            "import socket\nsocket.create_connection(('127.0.0.1', {port}))\n\
             try: socket.socket(1).connect('\\0{name}')\nexcept PermissionError: print('refused')\n\
             try: socket.socket(16, 3, 0)\nexcept PermissionError: print('refused')\n"
        );
        assert_eq!(rig.run_in(&confinement, &["/usr/bin/python3", "-I", "-c", &script]).ok(), "refused\nrefused\n");
    });
}

#[test]
fn s09_no_process_and_no_part_of_the_kernel_is_reached_into() {
    each(|rig| {
        check(rig, S09, &facts(rig));
        check(rig, OF_PROCESSOR, &facts(rig));
    });
}

#[test]
fn the_environment_of_the_caller_is_nowhere() {
    // Whatever runs the tests tells them where the sources are.
    let canary = env!("CARGO_MANIFEST_DIR");
    assert!(std::env::vars().any(|(_, value)| value.contains(canary)), "the canary is in our environment");
    each(|rig| {
        let script = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'; env";
        let seen = rig.sh(script).ok();
        assert!(
            !seen.contains(canary) && seen.contains("PAGER=cat") && seen.contains("CARGO_NET_OFFLINE=true"),
            "{seen}"
        );
        let own = rig.sh("tr '\\0' '\\n' </proc/self/environ | cut -d= -f1 | sort | tr '\\n' ' '").ok();
        assert!(!own.contains("NEXTEST") && !own.contains("CARGO_MANIFEST_DIR"), "{own}");
    });
}
