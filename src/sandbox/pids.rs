//! A limit of processes that holds root's too: a control group, where the system lets one be made. The kernel does not hold root to
//! `RLIMIT_NPROC`.
//!
//! A group is a folder of the kernel's. It goes when nothing runs in it any more: with the next command, at the latest with that of
//! the next process.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};

const MOUNT: &str = "/sys/fs/cgroup";
const NAME: &str = "claw-cage-";

/// Groups of this process whose command is no longer held by anybody here, and may still run.
static LEFT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

pub(super) struct Group {
    folder: PathBuf,
    /// Who writes `0` here is in the group. Opened now: the command may be started as another user.
    entrance: File,
}

impl Group {
    /// A group for at most so many processes and threads; `None` where there can be none.
    pub fn new(most: u64) -> Option<Group> {
        remove_left();
        places().iter().find_map(|place| Group::at(place, most).ok())
    }

    fn at(place: &Path, most: u64) -> io::Result<Group> {
        static SWEPT: Once = Once::new();
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        SWEPT.call_once(|| sweep(place));
        let folder = place.join(format!("{NAME}{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&folder)?;
        let made = || {
            // Not `fs::write`: where the limit is not kept, the file must not be made.
            File::options().write(true).open(folder.join("pids.max"))?.write_all(most.to_string().as_bytes())?;
            File::options().write(true).open(folder.join("cgroup.procs"))
        };
        match made() {
            Ok(entrance) => Ok(Group { folder, entrance }),
            Err(error) => {
                let _ = fs::remove_dir(&folder);
                Err(error)
            }
        }
    }

    /// What `command` starts is in the group from its first instruction on.
    pub fn hold(self, command: &mut Command) {
        let enter = move || (&self.entrance).write_all(b"0");
        // SAFETY: between fork and exec it makes one system call, on a file that is open, and allocates nothing.
        unsafe { command.pre_exec(enter) };
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if fs::remove_dir(&self.folder).is_err() {
            LEFT.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.folder));
        }
    }
}

/// Where a group may be made: beneath our own in the first version of the interface; in the second, where a group that has
/// processes takes no other with limits, at the top.
fn places() -> Vec<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = groups.lines().filter_map(|line| {
        let (_, line) = line.split_once(':')?;
        let (controllers, path) = line.split_once(':')?;
        controllers.split(',').any(|name| name == "pids").then(|| path.trim_start_matches('/').to_owned())
    });
    own.map(|path| Path::new(MOUNT).join("pids").join(path)).chain([PathBuf::from(MOUNT)]).collect()
}

fn remove_left() {
    // One that is still in use can not be removed.
    LEFT.lock().unwrap_or_else(PoisonError::into_inner).retain(|folder| fs::remove_dir(folder).is_err());
}

/// Removes what processes left that are gone.
fn sweep(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(NAME)?.split('-').next()?.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new("/proc").join(process.to_string()).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}
