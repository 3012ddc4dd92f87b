//! A pseudo-terminal with the binary on it: what it shows, and what a user types.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// More than any of these commands takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Terminal {
    controller: std::fs::File,
    child: Child,
    shown: Vec<u8>,
}

impl Terminal {
    /// Runs `command` with all three streams on a new terminal of 100 columns.
    pub fn run(mut command: Command) -> Terminal {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let user: OwnedFd = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        tcsetwinsize(&user, Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        command
            .env("TERM", "xterm-256color")
            .stdin(Stdio::from(user.try_clone().unwrap()))
            .stdout(Stdio::from(user.try_clone().unwrap()))
            .stderr(Stdio::from(user));
        let child = command.spawn().unwrap();
        // The command holds the terminal's other end too; without it the end of the child would not be seen.
        drop(command);
        Terminal { controller: std::fs::File::from(controller), child, shown: Vec::new() }
    }

    /// Waits until `text` has been shown after what earlier calls waited for.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.text().contains(text) {
            assert!(self.read(deadline), "never shown: {text:?}\n{}", self.text());
        }
    }

    pub fn types(&mut self, text: &str) {
        self.controller.write_all(text.as_bytes()).unwrap();
    }

    /// Forgets what has been shown so far.
    pub fn forget(&mut self) -> String {
        let text = self.text();
        self.shown.clear();
        text
    }

    pub fn interrupt(&self) {
        let child = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(child, rustix::process::Signal::INT).unwrap();
    }

    /// Reads to the end; the exit code and all that has been shown since the last [`Terminal::forget`].
    #[track_caller]
    pub fn end(mut self) -> (i32, String) {
        let deadline = Instant::now() + PATIENCE;
        while self.read(deadline) {}
        let status = self.child.wait().unwrap();
        (status.code().expect("it was not killed"), self.text())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    /// Reads what there is; `false` at the end or when patience is over.
    fn read(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).unwrap();
        let mut polled = [PollFd::new(&self.controller, PollFlags::IN)];
        if poll(&mut polled, Some(&timeout)).unwrap() == 0 {
            return false;
        }
        let mut bytes = [0; 4096];
        // Linux answers with EIO when nobody holds the other end any more.
        match self.controller.read(&mut bytes) {
            Ok(count) if count > 0 => {
                self.shown.extend_from_slice(&bytes[..count]);
                true
            }
            Ok(_) | Err(_) => false,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
