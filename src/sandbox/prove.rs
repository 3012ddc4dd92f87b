//! Proof that the sandbox holds: the forbidden acts, tried in it, with what became of each.
//!
//! Some acts are answered inside, by the error they meet. Others only show outside: whether a listener was reached, whether a file is as
//! it was. And one must succeed: where nothing runs at all, nothing forbidden happens either.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde::Serialize;

use super::policy::{BROKER, TRY};
use super::{Access, Confinement, Limits, Mount, Sandbox};

const LONGEST: Duration = Duration::from_secs(10);
/// What stands in the home outside, and must not be seen inside.
const CANARY: &str = "claw-canary-of-the-home-outside";

/// One act, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Act {
    pub name: String,
    /// Whether the sandbox must refuse it.
    pub forbidden: bool,
    /// The error it met, or what it found.
    pub happened: String,
    pub holds: bool,
}

/// What became of each act that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    pub acts: Vec<Act>,
    /// What to do where it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Proof {
    pub fn holds(&self) -> bool {
        !self.acts.is_empty() && self.acts.iter().all(|act| act.holds)
    }

    /// A line for people: how many acts were tried, or each that did not go as it should.
    pub fn summary(&self) -> String {
        if self.holds() {
            let refused = self.acts.iter().filter(|act| act.forbidden).count();
            return format!(
                "bubblewrap, Landlock and seccomp: {refused} forbidden acts were tried, and none succeeded"
            );
        }
        let failed = self.acts.iter().filter(|act| !act.holds);
        let lines: Vec<String> = failed.map(|act| format!("{}: {}", act.name, act.happened)).collect();
        lines.join("\n")
    }

    fn failed(happened: String) -> Proof {
        let mend = mend(&happened);
        Proof { acts: vec![Act { name: RUNS.to_owned(), forbidden: false, happened, holds: false }], mend }
    }
}

const RUNS: &str = "run a command";

pub(super) fn prove(sandbox: &Sandbox) -> Proof {
    match try_acts(sandbox) {
        Ok(acts) if acts.iter().all(|act| act.holds) => Proof { acts, mend: None },
        Ok(acts) => {
            Proof { acts, mend: Some("please report this: commands are not run until it is mended".to_owned()) }
        }
        Err(happened) => Proof::failed(happened),
    }
}

/// The most likely reason why bubblewrap does not start, by what it says.
fn mend(happened: &str) -> Option<String> {
    let namespaces = ["ermission", "not permitted", "namespace", "uid map", "No space left"];
    namespaces.iter().any(|word| happened.contains(word)).then(|| {
        "allow user namespaces: `sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000`, on Ubuntu an \
         AppArmor profile for bwrap or `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, in a container its runtime's \
         option for nested ones"
            .to_owned()
    })
}

fn try_acts(sandbox: &Sandbox) -> Result<Vec<Act>, String> {
    let outside = Outside::new().map_err(|error| format!("the trial could not be set up: {error}"))?;
    let folder = outside.folder.path();
    let confinement = Confinement {
        mounts: vec![
            Mount { from: folder.join("shadow"), to: folder.join("workspace"), access: Access::Writable },
            Mount { from: folder.join("git"), to: folder.join("workspace/.git"), access: Access::ReadOnly },
        ],
        cwd: folder.join("workspace"),
        env: vec![("HOME".into(), folder.join("home").into()), ("PATH".into(), "/usr/bin:/bin".into())],
        network: false,
        caches: Vec::new(),
        limits: Limits::default(),
    };
    let told = [folder.as_os_str().to_owned(), outside.port.to_string().into(), outside.abstract_name.clone().into()];
    let argv: Vec<OsString> = [BROKER, TRY].iter().map(OsString::from).chain(told).collect();
    let mut command = sandbox.blocking_command(&confinement, &argv).map_err(|told| told.to_string())?;
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.map_err(|error| format!("{} can not be started: {error}", sandbox.bubblewrap.display()))?;
    let (stdout, stderr) = finish(child)?;

    let mut acts: Vec<Act> = stdout.lines().filter_map(act).collect();
    if !acts.iter().any(|act| act.name == RUNS) {
        return Err(match stderr.trim() {
            "" => "it ended without a word".to_owned(),
            said => said.chars().take(500).collect(),
        });
    }
    acts.extend(outside.found());
    Ok(acts)
}

/// A line of what was tried inside: name, whether it must be refused, whether it was, what happened.
fn act(line: &str) -> Option<Act> {
    let mut parts = line.split('\t');
    let (name, forbidden, refused, happened) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (forbidden, refused) = (forbidden == "forbidden", refused == "refused");
    Some(Act { name: name.to_owned(), forbidden, happened: happened.to_owned(), holds: forbidden == refused })
}

/// What it wrote, or that it did not end.
fn finish(mut child: Child) -> Result<(String, String), String> {
    let deadline = Instant::now() + LONGEST;
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
            Ok(None) | Err(_) => {
                // It may have ended meanwhile.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it did not end within {} seconds", LONGEST.as_secs()));
            }
        }
    }
    let mut text = (String::new(), String::new());
    let read = |from: Option<&mut dyn Read>, to: &mut String| from.map_or(Ok(0), |from| from.read_to_string(to));
    read(child.stdout.as_mut().map(|out| out as &mut dyn Read), &mut text.0)
        .and_then(|_| read(child.stderr.as_mut().map(|err| err as &mut dyn Read), &mut text.1))
        .map_err(|error| format!("what it said can not be read: {error}"))?;
    Ok(text)
}

/// What stands outside for the acts to reach: a workspace and a home with a canary each, and listeners.
struct Outside {
    folder: tempfile::TempDir,
    port: u16,
    tcp: std::net::TcpListener,
    udp: std::net::UdpSocket,
    abstract_name: String,
    #[cfg(target_os = "linux")]
    sockets: Vec<(&'static str, std::os::unix::net::UnixListener)>,
}

impl Outside {
    fn new() -> io::Result<Outside> {
        let folder = tempfile::Builder::new().prefix("claw-proof").tempdir()?;
        for name in ["shadow", "workspace", "home", "git"] {
            fs::create_dir(folder.path().join(name))?;
        }
        for file in CANARIES {
            write_canary(&folder.path().join(file))?;
        }
        let tcp = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        tcp.set_nonblocking(true)?;
        let port = tcp.local_addr()?.port();
        let udp = std::net::UdpSocket::bind(("127.0.0.1", port))?;
        udp.set_nonblocking(true)?;
        let abstract_name = format!("claw-proof-{}-{port}", std::process::id());
        Ok(Outside {
            #[cfg(target_os = "linux")]
            sockets: listeners(folder.path(), &abstract_name)?,
            folder,
            port,
            tcp,
            udp,
            abstract_name,
        })
    }

    /// What of it was reached or changed.
    fn found(&self) -> Vec<Act> {
        let mut acts = vec![
            reached("reach a TCP port outside", self.tcp.accept().is_ok()),
            reached("reach a UDP port outside", self.udp.recv(&mut [0; 64]).is_ok()),
        ];
        #[cfg(target_os = "linux")]
        acts.extend(self.sockets.iter().map(|(name, socket)| reached(name, socket.accept().is_ok())));
        for file in CANARIES {
            let path = self.folder.path().join(file);
            let is_as_it_was = fs::read_to_string(&path).is_ok_and(|text| text == CANARY);
            let happened = if is_as_it_was { "it is as it was" } else { "it was changed" };
            let name = format!("change {file} outside");
            acts.push(Act { name, forbidden: true, happened: happened.to_owned(), holds: is_as_it_was });
        }
        acts
    }
}

const CANARIES: &[&str] = &["workspace/canary", "home/canary", "git/canary"];

fn reached(name: &str, was: bool) -> Act {
    let happened = if was { "it was reached" } else { "nobody came" };
    Act { name: name.to_owned(), forbidden: true, happened: happened.to_owned(), holds: !was }
}

fn write_canary(path: &Path) -> io::Result<()> {
    use io::Write;
    let folder = path.parent().unwrap_or(path);
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(CANARY.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

#[cfg(target_os = "linux")]
fn listeners(folder: &Path, name: &str) -> io::Result<Vec<(&'static str, std::os::unix::net::UnixListener)>> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};

    let sockets = vec![
        ("reach a socket without a file", UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)?),
        ("reach a socket in the folder outside", UnixListener::bind(folder.join("socket"))?),
        ("reach a socket in what is read-only", UnixListener::bind(folder.join("git/socket"))?),
    ];
    for (_, socket) in &sockets {
        socket.set_nonblocking(true)?;
    }
    Ok(sockets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_holds_when_each_act_went_as_it_should() {
        let acts = |lines: &str| Proof { acts: lines.lines().filter_map(act).collect(), mend: None };
        assert!(!acts("").holds(), "nothing was tried");
        assert!(acts("run a command\tallowed\tdone\t\nmount\tforbidden\trefused\tEPERM\n").holds());
        let leaking = acts("run a command\tallowed\tdone\t\nmount\tforbidden\tdone\tit was mounted\n");
        assert_eq!((leaking.holds(), leaking.summary()), (false, "mount: it was mounted".to_owned()));
        let broken = acts("run a command\tallowed\trefused\tENOENT\n");
        assert_eq!((broken.holds(), broken.summary()), (false, "run a command: ENOENT".to_owned()));
    }

    #[test]
    fn what_bubblewrap_says_leads_to_what_mends_it() {
        for said in ["bwrap: No permissions to create new namespace", "bwrap: setting up uid map: Permission denied"] {
            assert!(mend(said).is_some_and(|mend| mend.contains("unprivileged_userns_clone")), "{said}");
        }
        assert_eq!(mend("bwrap: Unknown option --size"), None);
    }
}
