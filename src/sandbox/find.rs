//! Finds what confines: bubblewrap and the broker. A part that is missing, or that somebody else could have put there, is told.

use std::path::{Path, PathBuf};

use super::{Sandbox, Unavailable, policy};

/// Where systems keep their programs. Not `PATH`: that may lead into a workspace.
const SYSTEM_FOLDERS: &[&str] = &["/usr/bin", "/bin", "/usr/local/bin", "/run/current-system/sw/bin"];

/// What there is here, as far as it can be seen without trying.
#[derive(Clone, Debug)]
struct Facts {
    is_linux: bool,
    bubblewrap: Option<PathBuf>,
    broker: Option<PathBuf>,
    /// The version of Landlock's interface; 0 where the kernel has none.
    landlock: u32,
    has_seccomp: bool,
}

pub(super) fn sandbox(broker: Option<PathBuf>) -> Result<Sandbox, Unavailable> {
    judge(Facts {
        is_linux: cfg!(target_os = "linux"),
        bubblewrap: SYSTEM_FOLDERS
            .iter()
            .map(|folder| Path::new(folder).join("bwrap"))
            .find(|path| is_the_systems(path)),
        broker: match broker {
            Some(broker) => Some(broker).filter(|path| path.is_absolute() && is_program(path)),
            None => find_broker(),
        },
        landlock: landlock(),
        has_seccomp: has_seccomp(),
    })
}

fn judge(facts: Facts) -> Result<Sandbox, Unavailable> {
    if !facts.is_linux {
        return Err(Unavailable::new(
            "commands are confined on Linux only: by bubblewrap, Landlock and seccomp",
            "use Claw on Linux, in a virtual machine or a container for example, to let it run commands",
        ));
    }
    let Some(bubblewrap) = facts.bubblewrap else {
        let reason =
            format!("bubblewrap is not installed: there is no `bwrap` of root's in {}", SYSTEM_FOLDERS.join(", "));
        return Err(Unavailable::new(reason, "install the package `bubblewrap`"));
    };
    let Some(broker) = facts.broker else {
        return Err(Unavailable::new(
            "the program `claw`, which confines commands from inside, is not found or can not be executed",
            "put `claw` beside this program, or into a folder of PATH",
        ));
    };
    if facts.landlock < policy::LANDLOCK {
        let reason = match facts.landlock {
            0 => "this kernel has no Landlock, or it is turned off".to_owned(),
            older => format!("this kernel has version {older} of Landlock, and {} is needed", policy::LANDLOCK),
        };
        return Err(Unavailable::new(reason, "use Linux 5.19 or newer, with `landlock` in the boot option `lsm=`"));
    }
    if !facts.has_seccomp {
        let reason = "this kernel has no seccomp filters for this processor";
        return Err(Unavailable::new(reason, "use a kernel with CONFIG_SECCOMP_FILTER, on x86-64 or aarch64"));
    }
    Ok(Sandbox { bubblewrap, broker, landlock: policy::LANDLOCK })
}

fn find_broker() -> Option<PathBuf> {
    let this = std::env::current_exe().ok()?;
    if this.file_stem().is_some_and(|name| name == "claw") && is_program(&this) {
        return Some(this);
    }
    let along_path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&along_path).filter(|folder| folder.is_absolute());
    let beside = this.parent().map(Path::to_owned);
    beside.into_iter().chain(folders).map(|folder| folder.join("claw")).find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// A program that we could not have put there. It is root's; in a user namespace, where root is a stranger, it and its folder
/// can not be written.
#[cfg(unix)]
fn is_the_systems(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    use rustix::fs::{Access, access};

    let is_closed = |path: &Path| access(path, Access::WRITE_OK).is_err();
    let is_roots =
        |found: &std::fs::Metadata| found.uid() == 0 || (is_closed(path) && path.parent().is_some_and(is_closed));
    is_program(path) && path.metadata().is_ok_and(|found| found.mode() & 0o022 == 0 && is_roots(&found))
}

#[cfg(not(unix))]
fn is_the_systems(_: &Path) -> bool {
    false
}

#[cfg(target_os = "linux")]
use super::broker::{has_seccomp, landlock_version as landlock};

#[cfg(not(target_os = "linux"))]
fn landlock() -> u32 {
    0
}

#[cfg(not(target_os = "linux"))]
fn has_seccomp() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Facts {
        Facts {
            is_linux: true,
            bubblewrap: Some("/usr/bin/bwrap".into()),
            broker: Some("/usr/bin/claw".into()),
            landlock: 7,
            has_seccomp: true,
        }
    }

    #[test]
    fn s01_each_part_that_is_missing_is_told_and_how_to_mend_it() {
        assert!(judge(whole()).is_ok());
        let cases = [
            (Facts { is_linux: false, ..whole() }, "Linux only", "virtual machine"),
            (Facts { bubblewrap: None, ..whole() }, "no `bwrap`", "install the package `bubblewrap`"),
            (Facts { broker: None, ..whole() }, "`claw`", "put `claw` beside"),
            (Facts { landlock: 0, ..whole() }, "no Landlock", "lsm="),
            (Facts { landlock: 1, ..whole() }, "version 1 of Landlock, and 2 is needed", "Linux 5.19"),
            (Facts { has_seccomp: false, ..whole() }, "no seccomp", "CONFIG_SECCOMP_FILTER"),
        ];
        for (facts, reason, mend) in cases {
            let told = judge(facts.clone()).unwrap_err();
            assert!(told.reason.contains(reason) && told.mend.contains(mend), "{facts:?}: {told}");
        }
    }
}
