//! How a command ends: with everything it started, and without ever waiting for a person.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::rig::{Rig, User, each, is_root, processes_with};

/// In the command lines of what must not survive.
fn marker(what: &str) -> String {
    format!("86{}{}", std::process::id(), what.len())
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn s08_nobody_is_waited_for() {
    each(|rig| {
        let said = |script: &str| {
            let start = Instant::now();
            let ran = rig.sh(script);
            assert!(start.elapsed() < Duration::from_secs(10), "{script} waits");
            (ran.code, ran.out)
        };
        assert_eq!(said("cat; echo $?"), (Some(0), "0\n".to_owned()), "standard input is empty");
        assert_eq!(said("read answer || echo none"), (Some(0), "none\n".to_owned()));
        assert_eq!(said("echo x >/dev/tty || echo none"), (Some(0), "none\n".to_owned()), "there is no terminal");
        assert_eq!(said("test -t 0 || test -t 1 || test -t 2 || echo none"), (Some(0), "none\n".to_owned()));
        assert_eq!(said("$EDITOR file || echo none"), (Some(0), "none\n".to_owned()));
        assert_eq!(said("echo x | $PAGER"), (Some(0), "x\n".to_owned()));
        assert_eq!(said("if command -v sudo >/dev/null; then sudo true || echo none; else echo none; fi").1, "none\n");
        let ask = "import getpass\ntry: getpass.getpass()\nexcept EOFError: print('none')";
        assert_eq!(rig.run(&["/usr/bin/python3", "-W", "ignore", "-c", ask]).ok(), "none\n");
    });
}

#[test]
fn a_command_ends_as_it_does_outside() {
    each(|rig| {
        let code = |argv: &[&str]| rig.run(argv).code;
        assert_eq!(code(&["true"]), Some(0));
        assert_eq!(code(&["sh", "-c", "exit 7"]), Some(7));
        assert_eq!(code(&["sh", "-c", "kill -9 $$"]), Some(137));
        assert_eq!(code(&["sh", "-c", "kill -TERM $$"]), Some(143));
        assert_eq!(code(&["/no/such/program"]), Some(127));
        assert_eq!(code(&["./file"]), Some(126));
        let both = rig.sh("echo out; echo err >&2");
        assert_eq!((both.out.as_str(), both.err.as_str()), ("out\n", "err\n"));
        let odd = rig.run(&["printf", "%s|", "a b", "--", "$x", "'", "\u{e9}\n"]);
        assert_eq!(odd.ok(), "a b|--|$x|'|\u{e9}\n|");
    });
}

#[test]
fn what_a_command_leaves_behind_ends_with_it() {
    each(|rig| {
        let seconds = marker("left");
        let daemon = format!(
            "setsid sleep {seconds} & (setsid sh -c 'trap \"\" TERM HUP INT; sleep {seconds} & wait' &) ; nohup sleep {seconds} >/dev/null 2>&1 & echo started"
        );
        assert_eq!(
            rig.run_in(&rig.confinement(), &["sh", "-c", &format!("({daemon}) >/dev/null 2>&1; echo done")]).ok(),
            "done\n"
        );
        assert_eq!(processes_with(&seconds), 0);
    });
}

#[test]
fn a_command_that_is_dropped_ends_with_everything_it_started() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let check = |rig: &Rig| {
        let seconds = marker("dropped");
        let script = format!("trap '' TERM HUP INT; setsid sleep {seconds} & sleep {seconds} & sleep {seconds}");
        let child = runtime.block_on(async {
            rig.command(&rig.confinement(), &["sh", "-c", &script]).stdout(Stdio::null()).spawn().unwrap()
        });
        // bubblewrap, the broker, the shell and three that sleep.
        wait_for("it runs", || processes_with(&seconds) >= 6);
        drop(child);
        wait_for("all of it is gone", || processes_with(&seconds) == 0);
    };
    check(&Rig::new(User::Own));
    if is_root() {
        check(&Rig::new(User::Nobody));
    }
}

#[test]
fn what_a_command_starts_does_not_outlive_who_started_it() {
    each(|rig| {
        // As when the server is killed: the one who spawned bubblewrap is gone without a word.
        let seconds = marker("orphaned");
        let mut command =
            rig.command(&rig.confinement(), &["sh", "-c", &format!("setsid sleep {seconds} & sleep {seconds}")]);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut child = command.as_std_mut().stdout(Stdio::null()).spawn().unwrap();
                wait_for("it runs", || processes_with(&seconds) >= 4);
                // Whoever spawned it does not wait for it.
                assert!(child.try_wait().unwrap().is_none());
            });
        });
        wait_for("all of it is gone", || processes_with(&seconds) == 0);
    });
}
