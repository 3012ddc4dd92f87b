//! Limits for a command that hold root's too: a control group, where the system lets one be made. The kernel does not hold root to
//! `RLIMIT_NPROC`, and by itself it may give every session of processes the same share of the processor, however many a command
//! opens: a group is one for it, with all that is in it.
//!
//! A group is a folder of the kernel's; in the first version of its interface, one for each thing that is limited. It goes when
//! nothing runs in it any more: with the next command, at the latest with that of the next process.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

const MOUNT: &str = "/sys/fs/cgroup";
const NAME: &str = "claw-cage-";
/// What a program that is nice by 10 weighs: of 100 in the second version of the interface, of 1024 in the first.
const WEIGHT: &str = "11";
const SHARES: &str = "110";
/// The most that the interfaces take: for what was killed and has only to be taken down.
const MOST_WEIGHT: &str = "10000";
const MOST_SHARES: &str = "262144";

/// Groups of this process whose command is no longer held by anybody here, and may still run.
static LEFT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

pub(super) struct Group {
    /// Counts processes: a command that can not be held by it is not started.
    counted: Folder,
    /// Weighs them, where that is a folder of its own. Some may not come in (who has real time, for one): then it is not weighed.
    weighed: Option<Folder>,
}

struct Folder {
    path: PathBuf,
    /// Who writes `0` here is in the group. Opened now: the command may be started as another user.
    entrance: File,
}

impl Group {
    /// A group for at most so many processes and threads, which comes behind the user's own programs for the processor as far as the
    /// system lets it; `None` where there can be none.
    pub fn new(most: u64) -> Option<Group> {
        remove_left();
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let most = most.to_string();
        if let Some(counted) = place(&groups, "pids").and_then(|place| Folder::new(&place, "pids.max", &most).ok()) {
            let weighed = place(&groups, "cpu").and_then(|place| Folder::new(&place, "cpu.shares", SHARES).ok());
            return Some(Group { counted, weighed });
        }
        let counted = Folder::new(Path::new(MOUNT), "pids.max", &most).ok()?;
        // Where the system weighs nothing there is no such file.
        let _ = counted.set("cpu.weight", WEIGHT);
        Some(Group { counted, weighed: None })
    }

    /// What `command` starts is in the group from its first instruction on.
    pub fn hold(self, command: &mut Command) {
        let enter = move || {
            if let Some(weighed) = &self.weighed {
                let _ = (&weighed.entrance).write_all(b"0");
            }
            (&self.counted.entrance).write_all(b"0")
        };
        // SAFETY: between fork and exec it makes a few system calls, on files that are open, and allocates nothing.
        unsafe { command.pre_exec(enter) };
    }
}

/// Where the share of the processor is set that a command in a group has.
pub(super) struct Share {
    file: PathBuf,
    most: &'static str,
}

impl Share {
    /// Of a process that was started in a group of ours.
    pub fn of(process: u32) -> Option<Share> {
        let groups = fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?;
        let share = match place(&groups, "cpu") {
            Some(place) => Share { file: place.join("cpu.shares"), most: MOST_SHARES },
            None => {
                let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
                let place = Path::new(MOUNT).join(path.trim_start_matches('/'));
                Share { file: place.join("cpu.weight"), most: MOST_WEIGHT }
            }
        };
        let name = share.file.parent()?.file_name()?.to_str()?;
        name.starts_with(NAME).then_some(share)
    }

    /// Before every other program: what was killed does nothing but end, and the sooner the better for all.
    pub fn make_most(&self) {
        // The group may be gone.
        let _ = File::options().write(true).open(&self.file).and_then(|mut file| file.write_all(self.most.as_bytes()));
    }
}

impl Folder {
    fn new(place: &Path, name: &str, value: &str) -> io::Result<Folder> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        sweep(place);
        let path = place.join(format!("{NAME}{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&path)?;
        match File::options().write(true).open(path.join("cgroup.procs")) {
            Ok(entrance) => {
                let folder = Folder { path, entrance };
                folder.set(name, value)?;
                Ok(folder)
            }
            Err(error) => {
                let _ = fs::remove_dir(&path);
                Err(error)
            }
        }
    }

    fn set(&self, name: &str, value: &str) -> io::Result<()> {
        // Not `fs::write`: where a limit is not kept, its file must not be made.
        File::options().write(true).open(self.path.join(name))?.write_all(value.as_bytes())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if fs::remove_dir(&self.path).is_err() {
            LEFT.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.path));
        }
    }
}

/// Where a group of the first version may be made: beneath our own. In the second, a group that has processes takes no other with
/// limits, so that it can only be at the top.
fn place(groups: &str, controller: &str) -> Option<PathBuf> {
    let path = groups.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        controllers.split(',').any(|name| name == controller).then_some(path)
    })?;
    Some(Path::new(MOUNT).join(controller).join(path.trim_start_matches('/')))
}

fn remove_left() {
    // One that is still in use can not be removed.
    LEFT.lock().unwrap_or_else(PoisonError::into_inner).retain(|folder| fs::remove_dir(folder).is_err());
}

/// Removes what processes left that are gone, the first time that a place is used.
fn sweep(place: &Path) {
    static SWEPT: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);
    if !SWEPT.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(place.to_owned()) {
        return;
    }
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(NAME)?.split('-').next()?.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new("/proc").join(process.to_string()).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}
