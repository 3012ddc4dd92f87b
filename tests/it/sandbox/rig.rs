//! A workspace, its shadow, a home and a broker, for each user that the tests can be.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use claw::sandbox::{Access, Confinement, Limits, Mount, Sandbox, environment};
use tempfile::TempDir;

pub const NOBODY: u32 = 65534;
pub const CANARY: &str = "claw-canary-ef6b1c";

/// Whom the tests are run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// Root, or whoever runs the tests.
    Own,
    Nobody,
}

pub fn is_root() -> bool {
    // Our own process folder is ours.
    std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").unwrap()) == 0
}

/// Runs a test for each user there is.
pub fn each(test: impl Fn(&Rig)) {
    test(&Rig::new(User::Own));
    if is_root() {
        test(&Rig::new(User::Nobody));
    }
}

pub struct Rig {
    pub user: User,
    pub sandbox: Sandbox,
    pub folder: TempDir,
}

impl Rig {
    pub fn new(user: User) -> Rig {
        let folder = tempfile::Builder::new().prefix("claw-cage").tempdir().unwrap();
        let top = folder.path();
        open(top, 0o755);
        // Whoever nobody is, the folder that this was built in may be closed to them.
        let broker = top.join("bin/claw");
        fs::create_dir(top.join("bin")).unwrap();
        let built = Path::new(env!("CARGO_BIN_EXE_claw"));
        if fs::hard_link(built, &broker).is_err() {
            fs::copy(built, &broker).unwrap();
        }
        for name in ["workspace", "workspace/.git", "shadow", "home"] {
            fs::create_dir(top.join(name)).unwrap();
        }
        for file in ["workspace/file", "workspace/.git/config", "home/secret", "shadow/file"] {
            fs::write(top.join(file), CANARY).unwrap();
        }
        let rig = Rig { user, sandbox: Sandbox::with_broker(broker).expect("the parts of a sandbox"), folder };
        rig.give(rig.folder.path());
        rig
    }

    pub fn at(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Makes everything below `path` the user's.
    pub fn give(&self, path: &Path) {
        if self.user == User::Nobody {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            for entry in fs::read_dir(path).unwrap().flatten() {
                match entry.file_type().unwrap().is_dir() {
                    true => self.give(&entry.path()),
                    // The broker's other name is that of the program under test.
                    false if entry.file_name() == "claw" => {}
                    false => chown(entry.path(), Some(NOBODY), Some(NOBODY)).unwrap(),
                }
            }
        }
    }

    /// The shadow, where the workspace is; its `.git` as it is, to be read.
    pub fn confinement(&self) -> Confinement {
        let mount = |from: &str, to: &str, access| Mount { from: self.at(from), to: self.at(to), access };
        let mut env = environment([("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())].into_iter());
        env.push(("HOME".into(), self.at("home").into()));
        Confinement {
            mounts: vec![
                mount("workspace/.git", "workspace/.git", Access::ReadOnly),
                mount("shadow", "workspace", Access::Writable),
            ],
            cwd: self.at("workspace"),
            env,
            network: false,
            caches: vec![],
            limits: Limits::default(),
        }
    }

    pub fn command(&self, confinement: &Confinement, argv: &[&str]) -> tokio::process::Command {
        let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
        let mut command = self.sandbox.command(confinement, &argv).expect("a confined command");
        if self.user == User::Nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    pub fn run_in(&self, confinement: &Confinement, argv: &[&str]) -> Ran {
        let mut command = self.command(confinement, argv);
        Ran::from(command.as_std_mut().output().expect("bubblewrap starts"))
    }

    pub fn run(&self, argv: &[&str]) -> Ran {
        self.run_in(&self.confinement(), argv)
    }

    pub fn sh(&self, script: &str) -> Ran {
        self.run(&["sh", "-c", script])
    }

    /// That nothing outside of the shadow is other than it was.
    pub fn assert_outside_is_as_it_was(&self) {
        let mut found = Vec::new();
        for folder in ["workspace", "workspace/.git", "home", ""] {
            for entry in fs::read_dir(self.at(folder)).unwrap().flatten() {
                let content = match entry.file_type().unwrap().is_file() && entry.file_name() != "claw" {
                    true => fs::read_to_string(entry.path()).unwrap(),
                    false => String::new(),
                };
                let mode = entry.metadata().unwrap().permissions().mode() & 0o7000;
                found.push((format!("{folder}/{}", entry.file_name().display()), content, mode));
            }
        }
        found.sort();
        let expected = [
            ("/bin", ""),
            ("/home", ""),
            ("/shadow", ""),
            ("/workspace", ""),
            ("home/secret", CANARY),
            ("workspace/.git", ""),
            ("workspace/.git/config", CANARY),
            ("workspace/file", CANARY),
        ];
        let expected: Vec<(String, String, u32)> =
            expected.into_iter().map(|(name, content)| (name.to_owned(), content.to_owned(), 0)).collect();
        let sockets = |(name, _, _): &(String, String, u32)| name.ends_with("socket");
        found.retain(|entry| !sockets(entry));
        assert_eq!(found, expected, "what stands outside, as {:?}", self.user);
    }
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Ran {
    /// What it said, after it ended well.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }
}

pub fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Processes anywhere whose command line holds `word`.
pub fn processes_with(word: &str) -> usize {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let lines = all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(word)).count()
}

/// A command that must end well, run outside.
pub fn outside(program: &str, arguments: &[&str]) -> String {
    Ran::from(Command::new(program).args(arguments).output().unwrap()).ok()
}
