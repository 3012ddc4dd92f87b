//! Looks at what a command takes of the machine, from outside of its walls and inside of its namespace.
//!
//! The kernel's own limits are of one process, and some do not count for root. What is counted here is all of its processes
//! together: how many, their memory, what they add to disks, and what is left of the machine's memory whoever took it. What can not
//! be looked at counts as too much.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io, mem};

use super::super::limits::{Limits, kilobytes};
use super::super::policy::Policy;

pub const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Memory of the machine that must be left: a twentieth, and no more than this.
const MEMORY_RESERVE: u64 = 512 << 20;
/// Of a disk, the same.
const DISK_RESERVE: u64 = 512 << 20;

pub struct Watch {
    limits: Limits,
    memory_reserve: u64,
    /// Memory that belongs to no process: files in it, the command's own among them.
    shared_before: u64,
    /// Each with the bytes that were free on its disk.
    folders: Vec<(PathBuf, u64)>,
}

/// Looking costs at most a twentieth of a processor.
pub fn pause_after(look: Duration) -> Duration {
    (look * 20).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

impl Watch {
    pub fn new(policy: &Policy) -> Result<Watch, String> {
        let meminfo = fs::read_to_string("/proc/meminfo").map_err(|error| format!("/proc/meminfo: {error}"))?;
        let installed = kilobytes(&meminfo, "MemTotal:").ok_or("/proc/meminfo does not tell the machine's memory")?;
        let mut folders = Vec::new();
        for folder in &policy.disk {
            let free = free_bytes(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            folders.push((folder.clone(), free));
        }
        Ok(Watch {
            limits: policy.limits.clone(),
            memory_reserve: (installed / 20).min(MEMORY_RESERVE),
            shared_before: kilobytes(&meminfo, "Shmem:").unwrap_or(0),
            folders,
        })
    }

    /// What it takes too much of, in words.
    pub fn exceeded(&self) -> Option<String> {
        self.find().unwrap_or_else(|error| Some(format!("it can no longer be watched ({error})")))
    }

    fn too_many(&self) -> String {
        format!("it ran more than {} processes and threads", self.limits.processes)
    }

    fn find(&self) -> io::Result<Option<String>> {
        let processes = processes()?;
        if processes.len() as u64 > self.limits.processes {
            return Ok(Some(self.too_many()));
        }
        let (mut threads, mut memory) = (0_u64, 0_u64);
        for process in &processes {
            let Some(status) = read_if_there(&format!("/proc/{process}/status"))? else { continue };
            let count = status.lines().find_map(|line| line.strip_prefix("Threads:"));
            threads += count.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or(1);
            memory += kilobytes(&status, "RssAnon:").unwrap_or(0);
        }
        if threads > self.limits.processes {
            return Ok(Some(self.too_many()));
        }
        let meminfo = fs::read_to_string("/proc/meminfo")?;
        let shared = kilobytes(&meminfo, "Shmem:").unwrap_or(0).saturating_sub(self.shared_before);
        // Pages that forked processes share were counted more than once: only now is it worth to ask exactly.
        if memory + shared > self.limits.memory && exact_memory(&processes)? + shared > self.limits.memory {
            return Ok(Some(format!("it used more than {} of memory", in_words(self.limits.memory))));
        }
        let left = kilobytes(&meminfo, "MemAvailable:").unwrap_or(0);
        if left < self.memory_reserve {
            return Ok(Some(format!("the machine has only {} of memory left", in_words(left))));
        }
        self.disk()
    }

    fn disk(&self) -> io::Result<Option<String>> {
        for (folder, before) in &self.folders {
            let free = free_bytes(folder)?;
            let taken = before.saturating_sub(free);
            if taken > self.limits.disk {
                return Ok(Some(format!("{} were written while it ran", in_words(taken))));
            }
            let reserve = (before / 20).min(DISK_RESERVE);
            if free < reserve {
                return Ok(Some(format!("the disk has only {} left", in_words(free))));
            }
        }
        Ok(None)
    }
}

/// All but the broker itself.
fn processes() -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        if let Some(process) =
            entry?.file_name().to_str().and_then(|name| name.parse().ok()).filter(|process| *process != 1)
        {
            found.push(process);
        }
    }
    Ok(found)
}

/// Each page shared among those that share it. What forbids to be looked into counts with all that it has.
fn exact_memory(processes: &[u32]) -> io::Result<u64> {
    let mut all = 0;
    for process in processes {
        let rollup = read_if_there(&format!("/proc/{process}/smaps_rollup")).ok().flatten();
        let share =
            rollup.as_deref().and_then(|rollup| kilobytes(rollup, "Pss_Anon:").or_else(|| kilobytes(rollup, "Pss:")));
        all += match share {
            Some(share) => share,
            None => read_if_there(&format!("/proc/{process}/status"))?
                .and_then(|status| kilobytes(&status, "RssAnon:"))
                .unwrap_or(0),
        };
    }
    Ok(all)
}

/// A file of a process, which may end at any time.
fn read_if_there(path: &str) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH) => Ok(None),
        Err(error) => Err(error),
    }
}

fn free_bytes(folder: &Path) -> io::Result<u64> {
    let name = CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: plain numbers, for which zero is a value.
    let mut told: libc::statvfs = unsafe { mem::zeroed() };
    // SAFETY: the name ends with a zero, and the value is written within its bounds.
    if unsafe { libc::statvfs(name.as_ptr(), &mut told) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(told.f_bavail.saturating_mul(told.f_frsize))
}

fn in_words(bytes: u64) -> String {
    const MEGABYTE: u64 = 1 << 20;
    match bytes / MEGABYTE {
        megabytes @ ..10_240 => format!("{megabytes} MB"),
        megabytes => format!("{} GB", megabytes / 1024),
    }
}
