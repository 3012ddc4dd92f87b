//! What the broker is told, as arguments: not through the environment, which the command's own processes could read.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::limits::Limits;

/// The word by which the program knows that it is called as broker.
pub(super) const EXEC: &str = "sandbox-exec";
/// The word by which it knows that it is to try the forbidden acts, inside.
pub(super) const TRY: &str = "sandbox-try";
/// The broker, as it is seen inside.
pub(super) const BROKER: &str = "/run/claw/broker";
/// The oldest version of Landlock's interface that is enough: the one with files moved between folders.
pub(super) const LANDLOCK: u32 = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    pub landlock: u32,
    pub network: bool,
    pub home: PathBuf,
    /// May be read and executed.
    pub read: Vec<PathBuf>,
    /// May be written, and hold nothing but memory.
    pub write: Vec<PathBuf>,
    /// May be written, and are folders of a disk that could be filled.
    pub disk: Vec<PathBuf>,
    pub limits: Limits,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Policy {
    /// The broker's arguments, with the command that it shall run.
    pub fn arguments(&self, argv: &[OsString]) -> Vec<OsString> {
        let mut all: Vec<OsString> = vec![EXEC.into(), VERSION.into()];
        let mut tell = |name: &str, value: &OsStr| {
            let mut argument = OsString::from(name);
            argument.push("=");
            argument.push(value);
            all.push(argument);
        };
        let Limits { memory, processes, disk, file, temporary, open_files, cpu_seconds } = self.limits;
        let numbers = [
            ("landlock", u64::from(self.landlock)),
            ("network", u64::from(self.network)),
            ("memory", memory),
            ("processes", processes),
            ("most-disk", disk),
            ("file", file),
            ("temporary", temporary),
            ("open-files", open_files),
            ("cpu-seconds", cpu_seconds),
        ];
        for (name, number) in numbers {
            tell(name, OsStr::new(&number.to_string()));
        }
        tell("home", self.home.as_os_str());
        for (name, paths) in [("read", &self.read), ("write", &self.write), ("disk", &self.disk)] {
            paths.iter().for_each(|path| tell(name, path.as_os_str()));
        }
        all.push("--".into());
        all.extend(argv.iter().cloned());
        all
    }

    /// Reads what [`Policy::arguments`] wrote, after [`EXEC`]. A policy that is not whole is none.
    #[cfg(unix)]
    pub fn read(mut arguments: impl Iterator<Item = OsString>) -> Result<(Policy, Vec<OsString>), String> {
        use std::os::unix::ffi::OsStrExt;

        let version = arguments.next().unwrap_or_default();
        if version != VERSION {
            return Err(format!("the broker is claw {VERSION}, and its caller is {}", version.display()));
        }
        let (mut read, mut write, mut disk, mut home) = (Vec::new(), Vec::new(), Vec::new(), None);
        let mut numbers: Vec<(String, u64)> = Vec::new();
        for argument in arguments.by_ref() {
            if argument == "--" {
                let number = |name: &str| {
                    let found = numbers.iter().find(|(told, _)| told == name).map(|(_, number)| *number);
                    found.ok_or_else(|| format!("the policy has no `{name}`"))
                };
                let limits = Limits {
                    memory: number("memory")?,
                    processes: number("processes")?,
                    disk: number("most-disk")?,
                    file: number("file")?,
                    temporary: number("temporary")?,
                    open_files: number("open-files")?,
                    cpu_seconds: number("cpu-seconds")?,
                };
                let landlock = u32::try_from(number("landlock")?).map_err(|error| error.to_string())?;
                let home = home.ok_or("the policy has no `home`")?;
                let policy = Policy { landlock, network: number("network")? != 0, home, read, write, disk, limits };
                return Ok((policy, arguments.collect()));
            }
            let bytes = argument.as_bytes();
            let at = bytes.iter().position(|byte| *byte == b'=').ok_or("the policy has a word without a value")?;
            let (name, value) = bytes.split_at(at);
            let value = OsStr::from_bytes(value.get(1..).unwrap_or_default());
            match name {
                b"read" => read.push(value.into()),
                b"write" => write.push(value.into()),
                b"disk" => disk.push(value.into()),
                b"home" => home = Some(value.into()),
                name => {
                    let number = value.to_str().and_then(|value| value.parse().ok());
                    let name = String::from_utf8_lossy(name).into_owned();
                    numbers.push((name, number.ok_or("the policy has a number that is none")?));
                }
            }
        }
        Err("the policy has no command".to_owned())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn policy() -> Policy {
        Policy {
            landlock: 7,
            network: true,
            home: "/home/a=b".into(),
            read: vec!["/usr".into(), OsString::from_vec(b"/odd\xff\n".to_vec()).into()],
            write: vec!["/tmp".into()],
            disk: vec![],
            limits: Limits::default(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let argv: Vec<OsString> = vec!["sh".into(), "-c".into(), "--".into(), "read=/".into()];
        let written = policy().arguments(&argv);
        assert_eq!(written.first(), Some(&EXEC.into()));
        assert_eq!(Policy::read(written.into_iter().skip(1)), Ok((policy(), argv)));
    }

    #[test]
    fn a_policy_that_is_not_whole_is_none() {
        let whole = policy().arguments(&["true".into()]);
        let end = whole.iter().position(|argument| argument == "--").unwrap();
        let single = |argument: &OsString| {
            !["read", "write", "disk"]
                .iter()
                .any(|many| argument.to_str().is_none_or(|text| text.starts_with(&format!("{many}="))))
        };
        for left_out in (1..=end).filter(|at| single(&whole[*at])) {
            let cut = whole.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, argument)| argument.clone());
            let read = Policy::read(cut.skip(1));
            assert!(read.is_err(), "without {:?}: {read:?}", whole[left_out]);
        }
    }
}
