//! What bubblewrap is asked to build: a file tree that is empty but for the system's programs, folders of the command's own, and
//! what its confinement names.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::policy::{BROKER, Policy};
use super::{Access, Confinement, Mount, Sandbox, Unavailable, environment};

/// The system's programs and libraries, as folders or as links into `/usr`.
const SYSTEM: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"];

/// What is seen of `/etc`: what programs need to start, to name users and to check certificates. Not the rest: as root nothing
/// else would keep `/etc/shadow` or a key from being read.
const SETTINGS: &[&str] = &[
    "alternatives",
    "ca-certificates",
    "crypto-policies",
    "debian_version",
    "dotnet",
    "fonts",
    "gai.conf",
    "host.conf",
    "hosts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "locale.conf",
    "localtime",
    "lsb-release",
    "magic",
    "mime.types",
    "networks",
    "nsswitch.conf",
    "os-release",
    "perl",
    "pki/ca-trust",
    "pki/java",
    "pki/tls/cert.pem",
    "pki/tls/certs",
    "protocols",
    "rpc",
    "services",
    "shells",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
];
/// Of each version there is one of these: `java-17-openjdk`.
const SETTINGS_OF_VERSIONS: &[&str] = &["java", "python3"];

/// No mount may lie in these: they are the command's own.
const RESERVED: &[&str] = &["/proc", "/dev", "/sys", "/run/claw"];

/// The home of a command that is told of none.
const HOME: &str = "/home/user";

/// Who a command is when the caller is root. Not root: what asks whether it is root should not think that it may do what root may.
const USER_OF_ROOT: &str = "1000";

const DEVICE_MEMORY: &str = "/dev/shm";

/// What comes to stand at a place inside.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Folder,
    /// In memory, of at most so many bytes.
    Temporary(u64),
    Read(PathBuf),
    Write(PathBuf),
    Link(PathBuf),
    Processes,
    Devices,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    at: PathBuf,
    kind: Kind,
}

pub(super) fn bubblewrap_arguments(
    sandbox: &Sandbox,
    confinement: &Confinement,
    argv: &[OsString],
) -> Result<Vec<OsString>, Unavailable> {
    if argv.is_empty() {
        return Err(Unavailable::new("there is no command to run", "give at least the name of a program"));
    }
    check_mounts(&confinement.mounts)?;
    check_cwd(confinement)?;
    let (home, env) = environment_of(confinement);
    let places = places(&sandbox.broker, confinement, &home);

    let mut all = Arguments::default();
    all.words(&["--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL"]);
    if confinement.network {
        all.words(&["--share-net"]);
    }
    if is_root() {
        all.words(&["--uid", USER_OF_ROOT, "--gid", USER_OF_ROOT]);
    }
    places.iter().for_each(|place| all.place(place));
    // The tree itself, which is bubblewrap's own memory, and its folder of devices.
    all.words(&["--remount-ro", "/dev", "--remount-ro", "/"]);
    all.pair("--chdir", &confinement.cwd);
    for (name, value) in &env {
        all.words(&["--setenv"]);
        all.0.extend([name.clone(), value.clone()]);
    }
    all.words(&["--", BROKER]);
    all.0.extend(policy(sandbox, confinement, &home, &places).arguments(argv));
    Ok(all.0)
}

#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn words(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(OsString::from));
    }

    fn pair(&mut self, option: &str, path: &Path) {
        self.0.extend([OsString::from(option), path.into()]);
    }

    fn place(&mut self, Place { at, kind }: &Place) {
        let from = match kind {
            Kind::Folder => return self.pair("--dir", at),
            Kind::Processes => return self.pair("--proc", at),
            Kind::Devices => return self.pair("--dev", at),
            Kind::Temporary(size) => {
                self.words(&["--size", &size.to_string()]);
                return self.pair("--tmpfs", at);
            }
            Kind::Read(from) => {
                self.words(&["--ro-bind"]);
                from
            }
            Kind::Write(from) => {
                self.words(&["--bind"]);
                from
            }
            Kind::Link(to) => {
                self.words(&["--symlink"]);
                to
            }
        };
        self.0.extend([from.into(), at.into()]);
    }
}

fn policy(sandbox: &Sandbox, confinement: &Confinement, home: &Path, places: &[Place]) -> Policy {
    let mut policy = Policy {
        landlock: sandbox.landlock,
        network: confinement.network,
        home: home.to_owned(),
        read: vec!["/etc".into()],
        write: Vec::new(),
        disk: Vec::new(),
        limits: confinement.limits.clone(),
    };
    for place in places {
        match place.kind {
            Kind::Read(_) if place.at.starts_with("/etc") => {}
            Kind::Read(_) => policy.read.push(place.at.clone()),
            Kind::Write(_) => policy.disk.push(place.at.clone()),
            Kind::Temporary(_) if place.at != Path::new("/etc") => policy.write.push(place.at.clone()),
            Kind::Temporary(_) | Kind::Folder | Kind::Link(_) | Kind::Processes | Kind::Devices => {}
        }
    }
    policy
}

/// Everything that is to stand inside, what lies deeper after what it lies in.
fn places(broker: &Path, confinement: &Confinement, home: &Path) -> Vec<Place> {
    let memory = Kind::Temporary(confinement.limits.temporary);
    let mut places = vec![
        place("/proc", Kind::Processes),
        place("/dev", Kind::Devices),
        place(DEVICE_MEMORY, memory.clone()),
        place("/tmp", memory.clone()),
        place("/run", Kind::Folder),
        place("/var/tmp", Kind::Link("/tmp".into())),
        place(BROKER, Kind::Read(broker.into())),
    ];
    places.extend(SYSTEM.iter().filter_map(|path| system(Path::new(path))));
    places.extend(settings(confinement.network));
    let is_mounted = |at: &Path| confinement.mounts.iter().any(|mount| mount.to == at);
    if !is_mounted(home) {
        places.push(place(home, memory));
    }
    // One that is gone by now is not missed.
    let is_good = |to: &Path| is_plain(to) && !is_reserved(to) && !is_mounted(to);
    let caches = confinement.caches.iter().filter(|cache| is_good(&cache.to) && cache.from.exists());
    places.extend(caches.map(|cache| place(&cache.to, Kind::Read(cache.from.clone()))));
    for mount in &confinement.mounts {
        places.push(place(
            &mount.to,
            match mount.access {
                Access::ReadOnly => Kind::Read(mount.from.clone()),
                Access::Writable => Kind::Write(mount.from.clone()),
            },
        ));
        if mount.access == Access::ReadOnly {
            places.extend(sockets(mount));
        }
    }
    places.sort_by_key(|place| place.at.components().count());
    places
}

fn place(at: impl Into<PathBuf>, kind: Kind) -> Place {
    Place { at: at.into(), kind }
}

fn system(path: &Path) -> Option<Place> {
    let found = fs::symlink_metadata(path).ok()?;
    let kind = match fs::read_link(path) {
        Ok(to) if found.is_symlink() => Kind::Link(to),
        Ok(_) | Err(_) => Kind::Read(path.into()),
    };
    Some(place(path, kind))
}

/// `/etc` is a folder of the command's own, where the broker puts who the user is.
fn settings(network: bool) -> impl Iterator<Item = Place> {
    let etc = Path::new("/etc");
    let mut names: Vec<PathBuf> = SETTINGS.iter().map(PathBuf::from).collect();
    if network {
        names.push("resolv.conf".into());
    }
    let there = fs::read_dir(etc).into_iter().flatten().flatten().map(|entry| PathBuf::from(entry.file_name()));
    names.extend(there.filter(|name| {
        let name = name.to_string_lossy();
        SETTINGS_OF_VERSIONS.iter().any(|start| name.starts_with(start))
    }));
    let found = names.into_iter().map(move |name| etc.join(name)).filter(|path| path.exists());
    std::iter::once(place(etc, Kind::Temporary(1 << 20))).chain(found.map(|path| place(path.clone(), Kind::Read(path))))
}

/// Sockets in what is only to be read. A mount that can not be written does not keep anybody from connecting to them, and behind one
/// is a process outside, as behind git's `fsmonitor--daemon.ipc`. Looked for where programs put them: near the top.
fn sockets(mount: &Mount) -> Vec<Place> {
    const DEPTH: usize = 2;
    const MOST: usize = 4096;
    let mut found = Vec::new();
    let mut folders = vec![(PathBuf::new(), 0)];
    let mut seen = 0;
    while let Some((below, depth)) = folders.pop() {
        for entry in fs::read_dir(mount.from.join(&below)).into_iter().flatten().flatten() {
            seen += 1;
            let (Ok(kind), name) = (entry.file_type(), below.join(entry.file_name())) else { continue };
            if is_socket(kind) {
                found.push(place(mount.to.join(name), Kind::Read("/dev/null".into())));
            } else if kind.is_dir() && depth < DEPTH && entry.file_name() != "objects" {
                folders.push((name, depth + 1));
            }
        }
        if seen > MOST {
            break;
        }
    }
    found
}

#[cfg(unix)]
fn is_socket(kind: fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&kind)
}

#[cfg(not(unix))]
fn is_socket(_: fs::FileType) -> bool {
    false
}

/// The home inside, and the environment with what the missing network asks for.
fn environment_of(confinement: &Confinement) -> (PathBuf, Vec<(OsString, OsString)>) {
    let mut env = confinement.env.clone();
    let is_told = |env: &[(OsString, OsString)], name: &str| env.iter().any(|(told, _)| told == name);
    if !confinement.network {
        for (name, value) in environment::OFFLINE {
            if !is_told(&env, name) {
                env.push((name.into(), value.into()));
            }
        }
    }
    let told = env.iter().find(|(name, _)| name == "HOME").map(|(_, home)| PathBuf::from(home));
    let home = told.filter(|home| is_plain(home) && !is_reserved(home) && home.components().count() > 1);
    let home = home.filter(|home| home != Path::new("/tmp") && !SYSTEM.iter().any(|system| home.starts_with(system)));
    let home = home.unwrap_or_else(|| HOME.into());
    env.retain(|(name, _)| name != "HOME");
    env.push(("HOME".into(), home.clone().into()));
    (home, env)
}

fn check_mounts(mounts: &[Mount]) -> Result<(), Unavailable> {
    for Mount { from, to, .. } in mounts {
        let refused = |why: &str| {
            let reason = format!("{} can not be seen as {} inside: {why}", from.display(), to.display());
            Err(Unavailable::new(reason, "use a folder that is there, under a name of its own"))
        };
        if !is_plain(from) || !is_plain(to) {
            return refused("it needs whole names, without `..`");
        }
        if !from.exists() {
            return refused("it is not there");
        }
        if to == Path::new("/")
            || is_reserved(to)
            || SYSTEM.iter().chain(&["/etc", "/run", "/tmp"]).any(|taken| to == Path::new(taken))
        {
            return refused("that place is the system's");
        }
    }
    Ok(())
}

/// The command starts beneath a mount, by name and, as far as can be told from outside, by what the name leads to.
fn check_cwd(Confinement { cwd, mounts, .. }: &Confinement) -> Result<(), Unavailable> {
    let refused = |why: &str| {
        let reason = format!("a command can not start in {}: {why}", cwd.display());
        Err(Unavailable::new(reason, "name a folder of the workspace"))
    };
    if !is_plain(cwd) {
        return refused("that is not a whole name without `..`");
    }
    let deepest =
        mounts.iter().filter(|mount| cwd.starts_with(&mount.to)).max_by_key(|mount| mount.to.components().count());
    let Some(mount) = deepest else {
        return refused("it lies outside of what the command may see");
    };
    let below = cwd.strip_prefix(&mount.to).unwrap_or(cwd);
    match (fs::canonicalize(&mount.from), fs::canonicalize(mount.from.join(below))) {
        (Ok(top), Ok(folder)) if folder.starts_with(&top) && folder.is_dir() => Ok(()),
        (Ok(_), Ok(folder)) if folder.is_dir() => refused("it is a link that leads outside"),
        (Ok(_), Ok(_)) => refused("that is no folder"),
        (Err(error), _) | (_, Err(error)) => refused(&error.to_string()),
    }
}

/// An absolute name in its one spelling.
fn is_plain(path: &Path) -> bool {
    path.is_absolute()
        && !path.as_os_str().as_encoded_bytes().contains(&0)
        && path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
        && path.components().collect::<PathBuf>().as_os_str() == path.as_os_str()
}

fn is_reserved(path: &Path) -> bool {
    RESERVED.iter().any(|reserved| path.starts_with(reserved))
}

#[cfg(target_os = "linux")]
use super::broker::is_root;

#[cfg(not(target_os = "linux"))]
fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Cache, Limits};

    fn mount(from: &Path, to: &str, access: Access) -> Mount {
        Mount { from: from.into(), to: to.into(), access }
    }

    fn confinement(mounts: Vec<Mount>, cwd: &str) -> Confinement {
        let env = vec![("HOME".into(), "/home/x".into())];
        Confinement { mounts, cwd: cwd.into(), env, network: false, caches: vec![], limits: Limits::default() }
    }

    #[test]
    fn what_lies_deeper_comes_after_what_it_lies_in() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path();
        let mut asked = confinement(
            vec![
                mount(from, "/home/x/ws/.git", Access::ReadOnly),
                mount(from, "/tmp/other", Access::ReadOnly),
                mount(from, "/home/x/ws", Access::Writable),
            ],
            "/home/x/ws",
        );
        asked.caches.push(Cache { from: from.into(), to: "/home/x/.cargo/registry".into() });
        let order: Vec<String> = places(Path::new("/usr/bin/claw"), &asked, Path::new("/home/x"))
            .into_iter()
            .filter(|place| place.at.starts_with("/home") || place.at.starts_with("/tmp"))
            .map(|place| format!("{} {:?}", place.at.display(), place.kind).replace(&from.display().to_string(), "F"))
            .collect();
        let memory = asked.limits.temporary;
        assert_eq!(
            order,
            [
                format!("/tmp Temporary({memory})"),
                format!("/home/x Temporary({memory})"),
                "/tmp/other Read(\"F\")".to_owned(),
                "/home/x/ws Write(\"F\")".to_owned(),
                "/home/x/.cargo/registry Read(\"F\")".to_owned(),
                "/home/x/ws/.git Read(\"F\")".to_owned(),
            ]
        );
    }

    #[test]
    fn s14_a_command_starts_beneath_a_mount_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        fs::create_dir(top.join("sub")).unwrap();
        fs::write(top.join("file"), "").unwrap();
        std::os::unix::fs::symlink("/", top.join("out")).unwrap();
        std::os::unix::fs::symlink("sub", top.join("in")).unwrap();
        let told = |cwd: &str| match check_cwd(&confinement(vec![mount(top, "/ws", Access::Writable)], cwd)) {
            Ok(()) => "starts".to_owned(),
            Err(told) => told.reason.split_once(": ").unwrap().1.to_owned(),
        };
        for (cwd, expected) in [
            ("/ws", "starts"),
            ("/ws/sub", "starts"),
            ("/ws/in", "starts"),
            ("/ws/out", "it is a link that leads outside"),
            ("/ws/out/etc", "it is a link that leads outside"),
            ("/ws/file", "that is no folder"),
            ("/ws/sub/../..", "that is not a whole name without `..`"),
            ("/ws/./sub", "that is not a whole name without `..`"),
            ("ws", "that is not a whole name without `..`"),
            ("/ws-evil", "it lies outside of what the command may see"),
            ("/", "it lies outside of what the command may see"),
            ("/proc/self/root", "it lies outside of what the command may see"),
        ] {
            assert_eq!(told(cwd), expected, "{cwd}");
        }
        assert!(told("/ws/absent").contains("No such file"));
    }

    #[test]
    fn the_systems_places_are_not_given_away() {
        let folder = tempfile::tempdir().unwrap();
        for to in [
            "/",
            "/usr",
            "/etc",
            "/proc",
            "/proc/1",
            "/dev/shm",
            "/sys",
            "/run/claw",
            "/tmp",
            "/a/../etc",
            "etc",
            "/a\0b",
        ] {
            assert!(check_mounts(&[mount(folder.path(), to, Access::Writable)]).is_err(), "{to:?}");
        }
        assert!(check_mounts(&[mount(&folder.path().join("absent"), "/ws", Access::Writable)]).is_err());
        for to in ["/ws", "/tmp/x", "/usr/src/x", "/home/x", "/root"] {
            assert_eq!(check_mounts(&[mount(folder.path(), to, Access::Writable)]), Ok(()), "{to}");
        }
    }

    #[test]
    fn a_home_is_never_the_systems() {
        let home = |told: &str| {
            let mut asked = confinement(vec![], "/");
            asked.env = vec![("HOME".into(), told.into())];
            let (home, env) = environment_of(&asked);
            assert_eq!(
                env.iter().filter(|(name, _)| name == "HOME").map(|(_, home)| home).collect::<Vec<_>>(),
                [home.as_os_str()]
            );
            home.display().to_string()
        };
        for (told, expected) in [("/root", "/root"), ("/home/x", "/home/x"), ("/tmp/h", "/tmp/h")] {
            assert_eq!(home(told), expected);
        }
        for told in ["", "/", "/tmp", "/proc", "/usr/x", "x", "/a/..", "/dev/shm"] {
            assert_eq!(home(told), HOME, "{told}");
        }
    }
}
