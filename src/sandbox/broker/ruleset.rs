//! Landlock: which files the command may name, and that its signals and sockets stay inside.
//!
//! Everything that the kernel's version knows is asked for, and all of it must be enforced. Its rules for TCP are not used:
//! they know ports and not addresses, so that they could not leave the loopback device open, which many tests need. What
//! keeps the network away is the namespace.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetStatus, Scope,
};

use super::super::policy::Policy;

/// The newest version that this code knows what it means.
const NEWEST: u32 = 9;
/// From here on signals and abstract sockets can be kept inside.
const WITH_SCOPES: u32 = 6;

/// Devices that hold nothing of anybody.
const DEVICES: &[&str] =
    &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts"];

/// The version of the kernel's Landlock; 0 where there is none.
pub fn version() -> u32 {
    const VERSION: libc::c_uint = 1;
    // SAFETY: with this flag the call takes no memory and makes nothing: it tells a number.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<libc::c_void>(), 0_usize, VERSION) };
    u32::try_from(version).unwrap_or(0)
}

/// Whether sockets without a name in the file system stay inside without a network of its own.
pub fn keeps_sockets_inside(version: u32) -> bool {
    version >= WITH_SCOPES
}

pub fn restrict(policy: &Policy) -> Result<(), String> {
    let there = version();
    if there < policy.landlock {
        return Err(format!(
            "it could not be confined: Landlock has version {there} here, and {} is needed",
            policy.landlock
        ));
    }
    if policy.network && !keeps_sockets_inside(there) {
        return Err(format!(
            "it could not be confined: with the network, version {WITH_SCOPES} of Landlock is needed to keep it from \
             other programs' sockets, and here it is {there}"
        ));
    }
    let abi = ABI::from(i32::try_from(there.min(NEWEST)).unwrap_or_default());
    match enforce(policy, abi, keeps_sockets_inside(there)) {
        Ok(RulesetStatus::FullyEnforced) => Ok(()),
        Ok(status) => Err(format!("it could not be confined: Landlock is {status:?}")),
        Err(error) => Err(format!("it could not be confined: Landlock: {error}")),
    }
}

fn enforce(policy: &Policy, abi: ABI, scopes: bool) -> Result<RulesetStatus, Box<dyn std::error::Error>> {
    let all = AccessFs::from_all(abi);
    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(all)?;
    if scopes {
        ruleset = ruleset.scope(Scope::AbstractUnixSocket)?.scope(Scope::Signal)?;
    }
    let read = AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::Execute;
    // Everything but devices, which nobody makes who has no capabilities.
    let write = all & !(AccessFs::MakeChar | AccessFs::MakeBlock);
    let device =
        (AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::ReadDir | AccessFs::Truncate | AccessFs::IoctlDev) & all;

    let mut rules = Rules { ruleset: ruleset.create()?, of_files: AccessFs::from_file(abi) };
    rules.allow(Path::new("/"), AccessFs::ReadDir.into())?;
    rules.allow(Path::new("/proc"), AccessFs::ReadFile | AccessFs::ReadDir)?;
    for path in DEVICES {
        rules.allow(Path::new(path), device)?;
    }
    for path in &policy.read {
        rules.allow(path, read)?;
    }
    for path in policy.write.iter().chain(&policy.disk) {
        rules.allow(path, write)?;
    }
    Ok(rules.ruleset.restrict_self()?.ruleset)
}

struct Rules {
    ruleset: RulesetCreated,
    /// Those rights that a file can have which is no folder.
    of_files: BitFlags<AccessFs>,
}

impl Rules {
    fn allow(&mut self, path: &Path, access: BitFlags<AccessFs>) -> Result<(), Box<dyn std::error::Error>> {
        let told = |error| format!("{}: {error}", path.display());
        let file = File::options().read(true).custom_flags(libc::O_PATH | libc::O_CLOEXEC).open(path).map_err(told)?;
        let is_folder = file.metadata().map_err(told)?.is_dir();
        let access = if is_folder { access } else { access & self.of_files };
        (&mut self.ruleset).add_rule(PathBeneath::new(OwnedFd::from(file), access))?;
        Ok(())
    }
}
