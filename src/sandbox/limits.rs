//! What a command may take of the machine.

/// Limits of a command, all of its processes together where nothing else is said. The defaults are wide enough for builds and
/// tests, and narrow enough that the machine stays usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory, all processes together. One process may ask for four times as much, and not use it.
    pub memory: u64,
    /// Processes and threads.
    pub processes: u64,
    /// Bytes that may be added to the disks it writes to, all together.
    pub disk: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Bytes of each of its own folders in memory: `/tmp`, its home, `/dev/shm`.
    pub temporary: u64,
    /// Files that one process may have open.
    pub open_files: u64,
    /// Seconds of processor time of one process.
    pub cpu_seconds: u64,
}

const GIGABYTE: u64 = 1 << 30;

impl Default for Limits {
    fn default() -> Limits {
        let installed = memory_installed().unwrap_or(8 * GIGABYTE);
        Limits {
            memory: (installed / 10 * 6).clamp(GIGABYTE, 16 * GIGABYTE),
            processes: 2048,
            disk: 20 * GIGABYTE,
            file: 8 * GIGABYTE,
            temporary: (installed / 8).clamp(GIGABYTE / 4, 2 * GIGABYTE),
            open_files: 4096,
            cpu_seconds: 3600,
        }
    }
}

impl Limits {
    /// What the kernel is told. A bomb that meets its limit at once can be over before the broker has looked, and nobody would be told
    /// that there was one: so there is room to grow until the next looks, and no more.
    pub(super) fn most_processes(&self) -> u64 {
        self.processes.saturating_add(512)
    }
}

fn memory_installed() -> Option<u64> {
    kilobytes(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")
}

/// The bytes that a line of one of the kernel's tables tells: `MemTotal:  24684092 kB`.
pub(super) fn kilobytes(table: &str, name: &str) -> Option<u64> {
    let rest = table.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_the_kernel_is_read() {
        let table = "MemTotal:       24684092 kB\nMemFree:        100 kB\nHugePages_Total:       0\nOdd: x kB\n";
        let read = |name| kilobytes(table, name);
        assert_eq!(
            [read("MemTotal:"), read("MemFree:"), read("HugePages_Total:"), read("Odd:"), read("Mem")],
            [Some(24_684_092 * 1024), Some(102_400), Some(0), None, None]
        );
    }
}
