//! A server's process: started confined, listened to, and ended with everything that it started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio_util::task::AbortOnDropHandle;

use secrecy::ExposeSecret;

use super::listed::clean;
use super::{Program, Surroundings};
use crate::sandbox::{Access, Confinement, Ending, Limits, Mount, Sandbox, environment, tool_caches};

/// How much is kept of what a server says on its standard error.
const KEPT: usize = 4 * 1024;
/// How many of its last lines are told when it fails, and how much of them.
const TOLD_LINES: usize = 4;
const TOLD: usize = 600;

/// A process that ends when this is dropped.
pub(super) struct Process {
    child: Child,
    ending: Option<Ending>,
    said: Said,
    _listening: Option<AbortOnDropHandle<()>>,
}

/// What a process says to whoever looks at its standard error.
#[derive(Clone, Default)]
pub(super) struct Said(Arc<Mutex<Vec<u8>>>);

/// A process with its standard output and input.
pub(super) struct Started {
    pub process: Process,
    pub output: ChildStdout,
    pub input: ChildStdin,
}

/// Starts `program` for the server `name`; an error is a plain message.
pub(super) async fn start(name: &str, program: &Program, surroundings: &Arc<Surroundings>) -> Result<Started, String> {
    let missing = program.read.iter().chain(&program.write).find(|path| !path.exists());
    if let Some(path) = missing {
        return Err(format!("{} is not there: mend `read` and `write` of the server", path.display()));
    }
    let mut command = match program.confined {
        true => {
            let around = Arc::clone(surroundings);
            let sandbox =
                tokio::task::spawn_blocking(move || (around.cage)()).await.map_err(|error| error.to_string())?;
            let sandbox = sandbox.map_err(|reason| {
                format!(
                    "it would not be confined ({reason}): with `sandbox = \"off\"` it runs with all that you may do"
                )
            })?;
            confined(name, program, surroundings, &sandbox)?
        }
        false => unconfined(program, surroundings)?,
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("`{}` can not be started: {error}", first(program)))?;
    let (Some(output), Some(input)) = (child.stdout.take(), child.stdin.take()) else {
        return Err("it has no standard input or output".to_owned());
    };
    let said = Said::default();
    let listening =
        child.stderr.take().map(|stderr| AbortOnDropHandle::new(tokio::spawn(listen(stderr, said.clone()))));
    let ending = child.id().map(Ending::of);
    Ok(Started { process: Process { child, ending, said, _listening: listening }, output, input })
}

impl Process {
    pub fn said(&self) -> Said {
        self.said.clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
        let _ = self.child.start_kill();
        self.ending.iter().for_each(Ending::hasten);
    }
}

impl Said {
    /// Its last lines, in brackets; empty where it said nothing.
    pub fn last_lines(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines: Vec<&str> =
            text.lines().rev().map(str::trim).filter(|line| !line.is_empty()).take(TOLD_LINES).collect();
        lines.reverse();
        match lines.is_empty() {
            true => String::new(),
            false => format!(" (it said: {})", clean(&lines.join(" / "), TOLD)),
        }
    }

    fn add(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
}

async fn listen(mut stderr: ChildStderr, said: Said) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        said.add(buffer.get(..count).unwrap_or_default());
    }
}

fn confined(name: &str, program: &Program, around: &Surroundings, sandbox: &Sandbox) -> Result<Command, String> {
    let folder = own_folder(name, around)?;
    let mount = |path: &Path, access| Mount { from: path.to_owned(), to: path.to_owned(), access };
    let read = program.read.iter().map(|path| mount(path, Access::ReadOnly));
    let write = program.write.iter().map(|path| mount(path, Access::Writable));
    let own = std::iter::once(mount(&folder, Access::Writable));
    let home = home(around);
    let confinement = Confinement {
        mounts: own.chain(read).chain(write).collect(),
        env: with_caches(variables(program, around), &folder),
        cwd: folder,
        network: program.network,
        caches: home.map(|home| tool_caches(&home)).unwrap_or_default(),
        limits: Limits::default(),
    };
    let argv: Vec<OsString> = program.argv.iter().map(OsString::from).collect();
    sandbox.command(&confinement, &argv).map_err(|unavailable| unavailable.to_string())
}

fn unconfined(program: &Program, around: &Surroundings) -> Result<Command, String> {
    let Some((name, arguments)) = program.argv.split_first() else { return Err("it has no command".to_owned()) };
    let mut command = Command::new(name);
    command.args(arguments).env_clear().envs(variables(program, around)).process_group(0).kill_on_drop(true);
    if let Some(home) = home(around) {
        command.env("HOME", &home);
        if home.is_dir() {
            command.current_dir(home);
        }
    }
    Ok(command)
}

/// What is harmless, and what is declared for it.
fn variables(program: &Program, around: &Surroundings) -> Vec<(OsString, OsString)> {
    let declared =
        program.env.iter().map(|(name, value)| (OsString::from(name), OsString::from(value.expose_secret())));
    let harmless = environment(around.environment.iter().cloned());
    let is_declared = |name: &OsString| program.env.iter().any(|(declared, _)| name == declared.as_str());
    harmless.into_iter().filter(|(name, _)| !is_declared(name)).chain(declared).collect()
}

/// Runners of packages (`npx`, `uvx`) fetch a server when it first starts: into its own folder, since the user's caches are not written.
fn with_caches(mut variables: Vec<(OsString, OsString)>, folder: &Path) -> Vec<(OsString, OsString)> {
    for (name, place) in [("XDG_CACHE_HOME", "cache"), ("UV_CACHE_DIR", "cache/uv"), ("npm_config_cache", "cache/npm")]
    {
        if !variables.iter().any(|(set, _)| set == name) {
            variables.push((name.into(), folder.join(place).into()));
        }
    }
    variables
}

fn home(around: &Surroundings) -> Option<PathBuf> {
    around.environment.iter().find(|(name, _)| name == "HOME").map(|(_, home)| PathBuf::from(home))
}

/// A folder that it may write, and in which it starts.
fn own_folder(name: &str, around: &Surroundings) -> Result<PathBuf, String> {
    let folder = around.folder.as_ref().ok_or("there is no state folder to give it a place in")?.join(name);
    std::fs::create_dir_all(&folder).map_err(|error| format!("{} can not be made: {error}", folder.display()))?;
    folder.canonicalize().map_err(|error| format!("{} can not be used: {error}", folder.display()))
}

fn first(program: &Program) -> &str {
    program.argv.first().map_or("", String::as_str)
}
