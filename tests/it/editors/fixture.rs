//! What every editor test starts from: a copy of a real package, a configuration that plays model turns, a clean home.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long one editor may take for one test, on a machine that is busy with others.
const PATIENCE: Duration = Duration::from_secs(150);

pub struct Fixture {
    dir: tempfile::TempDir,
    turns: PathBuf,
}

impl Fixture {
    /// A fresh copy of the package, and `claw` configured to play `turns` (a file of `tests/editors/turns/`).
    pub fn new(turns: &str) -> Fixture {
        let dir = tempfile::Builder::new().prefix("claw-editors-").tempdir().unwrap();
        let turns = repository().join("tests/editors/turns").join(turns);
        let fixture = Fixture { dir, turns };
        copy(&tool("corpus/click"), &fixture.work());
        fs::create_dir(fixture.work().join(".git")).unwrap();
        assert!(fixture.turns.is_file(), "{} is missing", fixture.turns.display());
        let config = format!("provider = \"script\"\nscript = {:?}\n", fixture.turns.to_str().unwrap());
        fs::write(fixture.path("config.toml"), config).unwrap();
        for home in ["home", "state", "share", "cache", "config", "run"] {
            fs::create_dir(fixture.path(home)).unwrap();
        }
        fixture
    }

    /// The package that is edited.
    pub fn work(&self) -> PathBuf {
        self.path("click")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A command that sees this fixture and nothing of the user's own configuration; `claw` is first in its PATH.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let claw = Path::new(env!("CARGO_BIN_EXE_claw")).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([claw.to_owned()].into_iter().chain(std::env::split_paths(&path))).unwrap();
        let mut command = Command::new(program);
        for (name, _) in std::env::vars().filter(|(name, _)| is_claws(name)) {
            command.env_remove(name);
        }
        command
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_DATA_HOME", self.path("share"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("CLAW_CONFIG", self.path("config.toml"))
            .env("CLAW_STATE_DIR", self.path("state/claw"))
            .env("CLAW_TEST_WORK", self.work())
            .env("CLAW_TEST_REPO", repository())
            .env("CLAW_TEST_TURNS", &self.turns)
            .env("CLAW_TEST_CORPUS", tool("corpus/click"))
            .current_dir(self.work());
        command
    }
}

/// What would reach the server from outside the fixture.
fn is_claws(name: &str) -> bool {
    name.starts_with("CLAW_") && name != "CLAW_TOOLS" || name.starts_with("OPENAI_") || name.starts_with("OLLAMA_")
}

pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Something that `tests/setup/all` fetches.
pub fn tool(name: &str) -> PathBuf {
    let tools = std::env::var_os("CLAW_TOOLS").map_or_else(|| repository().join("target/tools"), PathBuf::from);
    let path = tools.join(name);
    assert!(path.exists(), "{} is missing: run tests/setup/all", path.display());
    path
}

/// Runs a test inside an editor to its end, and passes if the editor exits with 0 and says that something passed.
pub fn run(command: &mut Command) -> String {
    let (status, output) = output(command);
    assert!(status.success(), "{status}\n{output}");
    let closing = output.lines().rfind(|line| line.ends_with(" passed, 0 failed"));
    assert!(closing.is_some_and(|line| !line.starts_with("0 ")), "no check ran\n{output}");
    output
}

fn output(command: &mut Command) -> (ExitStatus, String) {
    // One pipe for both streams, so that they stand in the order they were written.
    let (mut reader, writer) = std::io::pipe().unwrap();
    command.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    // The command holds the writing ends too: without them the pipe ends with the child.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(count) = reader.read(&mut chunk) {
            if count == 0 {
                break;
            }
            bytes.extend_from_slice(&chunk[..count]);
        }
        let _ = sender.send(bytes);
    });
    let finished = receiver.recv_timeout(PATIENCE);
    if finished.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().unwrap();
    let bytes = finished.or_else(|_| receiver.recv_timeout(Duration::from_secs(5))).unwrap_or_default();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
