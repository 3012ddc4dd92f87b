//! What a command may take of the machine, and that the rest of it stays usable meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use claw::sandbox::{LIMIT_REACHED, Limits};

use super::rig::{Ran, Rig, each};

/// How long the rest of the machine is looked at: the moment in which a limit is reached, and what follows.
const AT_LEAST: Duration = Duration::from_secs(2);
/// How long a command may run that a limit ends.
const AT_MOST: Duration = Duration::from_secs(20);
const MEGABYTE: u64 = 1 << 20;

fn small() -> Limits {
    Limits {
        memory: 512 * MEGABYTE,
        processes: 128,
        // Builds beside the tests write too, and what is free is the whole disk's.
        disk: 64 * 1024 * MEGABYTE,
        file: 32 * MEGABYTE,
        temporary: 16 * MEGABYTE,
        open_files: 256,
        cpu_seconds: 2,
    }
}

/// Runs it within small limits, and tells how late a thread outside woke meanwhile, at worst but for one in a hundred.
fn run(rig: &Rig, argv: &[&str]) -> (Ran, Duration) {
    run_within(rig, argv, small(), AT_MOST)
}

fn run_within(rig: &Rig, argv: &[&str], limits: Limits, at_most: Duration) -> (Ran, Duration) {
    let mut confinement = rig.confinement();
    confinement.limits = limits;
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut late = Vec::new();
            let start = Instant::now();
            while !ended.load(Ordering::Relaxed) || start.elapsed() < AT_LEAST {
                let start = Instant::now();
                thread::sleep(Duration::from_millis(2));
                late.push(start.elapsed().saturating_sub(Duration::from_millis(2)));
            }
            late.sort();
            late.get(late.len() * 99 / 100).copied().unwrap_or_default()
        });
        let start = Instant::now();
        let ran = rig.run_in(&confinement, argv);
        ended.store(true, Ordering::Relaxed);
        assert!(start.elapsed() < at_most, "{argv:?} took {:?}", start.elapsed());
        (ran, watch.join().unwrap())
    })
}

fn ended_by(rig: &Rig, argv: &[&str], reason: &str) {
    let (ran, late) = run(rig, argv);
    assert_eq!(
        (ran.code, ran.err.contains(reason)),
        (Some(LIMIT_REACHED), true),
        "{reason}, as {:?}: {ran:?}",
        rig.user
    );
    assert!(late < Duration::from_millis(50), "{argv:?}: the machine answered after {late:?}");
}

#[test]
fn s06_a_fork_bomb_is_ended() {
    each(|rig| {
        ended_by(rig, &["sh", "-c", "bomb() { bomb | bomb & }; bomb; sleep 60"], "more than 128 processes");
        let forks = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass";
        ended_by(rig, &["/usr/bin/python3", "-c", forks], "more than 128 processes");
        let sessions = "import os\nwhile True:\n  try:\n    if os.fork() == 0: os.setsid()\n  except OSError: pass";
        ended_by(rig, &["/usr/bin/python3", "-c", sessions], "more than 128 processes");
    });
}

/// Held by the kernel: what is only looked at now and then root's bomb could outrun.
#[test]
fn s06_there_are_never_many_more_processes_than_may_be() {
    each(|rig| {
        let told = "import os\nwhile True:\n  try:\n    child = os.fork()\n    if child: os.write(1, b'%d ' % child)\n    else: os.setsid()\n  except OSError: pass";
        let (ran, _) = run(rig, &["/usr/bin/python3", "-c", told]);
        // None ends, so the kernel's numbers for them count them: from 2 for the command, and 3 for the first it starts. The parent
        // tells them, at once: a child may be ended before it comes to say anything.
        let highest = ran.out.split_whitespace().map(|number| number.parse::<u64>().unwrap()).max();
        assert!(
            highest.is_some_and(|highest| (64..=128 + 512).contains(&highest)),
            "{highest:?}, as {:?}: {ran:?}",
            rig.user
        );
    });
}

#[test]
fn s06_too_many_threads_are_ended() {
    each(|rig| {
        let threads = "import threading, time\nwhile True:\n  try: threading.Thread(target=time.sleep, args=(60,)).start()\n  except RuntimeError: pass";
        ended_by(rig, &["/usr/bin/python3", "-c", threads], "more than 128 processes and threads");
    });
}

#[test]
fn s06_memory_is_limited_for_one_and_for_all() {
    each(|rig| {
        let one = "try: bytearray(30 << 30)\nexcept MemoryError: print('none')";
        assert_eq!(run(rig, &["/usr/bin/python3", "-c", one]).0.ok(), "none\n");
        let all = "import os, time\nfor _ in range(6):\n  if os.fork() == 0:\n    x = bytearray(b'x' * (150 << 20)); break\ntime.sleep(60)";
        ended_by(rig, &["/usr/bin/python3", "-c", all], "more than 512 MB of memory");
        let files = "import os, time\nfor _ in range(40):\n  f = os.memfd_create('x'); os.write(f, bytes(30 << 20)); os.set_inheritable(f, True)\ntime.sleep(60)";
        ended_by(rig, &["/usr/bin/python3", "-c", files], "more than 512 MB of memory");
        // What forked processes share is there once.
        let shared = "import os\nx = bytearray(b'x' * (200 << 20))\nfor _ in range(5):\n  if os.fork() == 0:\n    import time; time.sleep(1); os._exit(0)\nfor _ in range(5): os.wait()\nprint('shared')";
        assert_eq!(run(rig, &["/usr/bin/python3", "-c", shared]).0.ok(), "shared\n");
    });
}

#[test]
fn s06_disks_are_limited_each_file_and_all_together() {
    each(|rig| {
        let full = "dd if=/dev/zero of=/tmp/x bs=1M count=40 2>&1 | grep -o 'No space left' ; rm -f /tmp/x";
        assert_eq!(run(rig, &["sh", "-c", full]).0.ok(), "No space left\n");
        let (ran, _) = run(rig, &["sh", "-c", "dd if=/dev/zero of=big bs=1M count=40; echo $?; wc -c <big; rm big"]);
        assert_eq!(ran.out, format!("153\n{}\n", 32 * MEGABYTE), "a file of its own limit, and SIGXFSZ: {}", ran.err);
        let fill = "n=0; while :; do n=$((n+1)); dd if=/dev/zero of=part$n bs=1M count=16 conv=fsync 2>/dev/null; done";
        let (ran, _) = run_within(rig, &["sh", "-c", fill], Limits { disk: 128 * MEGABYTE, ..small() }, AT_MOST);
        assert_eq!((ran.code, ran.err.contains("were written while it ran")), (Some(LIMIT_REACHED), true), "{ran:?}");
    });
}

#[test]
fn s06_open_files_and_processor_time_are_limited() {
    each(|rig| {
        let flood = "import os, errno\nn = 0\nwhile True:\n  try: os.open('/dev/null', 0); n += 1\n  except OSError as e: print(n, errno.errorcode[e.errno]); break";
        assert_eq!(run(rig, &["/usr/bin/python3", "-I", "-c", flood]).0.ok(), "253 EMFILE\n");
        // It comes behind everything else: where others want the processor too, its seconds are long ones.
        let long = Duration::from_secs(120);
        let (ran, late) = run_within(rig, &["sh", "-c", "while :; do :; done"], small(), long);
        assert_eq!(ran.code, Some(128 + 9), "after two seconds of processor time: {ran:?}");
        assert!(late < Duration::from_millis(50), "the machine answered after {late:?}");
        let nice = "import os; print(os.getpriority(os.PRIO_PROCESS, 0) - int(open('/proc/1/stat').read().rsplit(')', 1)[1].split()[16]))";
        assert_eq!(rig.run(&["/usr/bin/python3", "-c", nice]).ok(), "10\n", "behind the user's own programs");
    });
}
