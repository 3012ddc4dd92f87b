//! Runs commands on the proposed state: in the shadow of the workspace, confined where that can be.
//!
//! One for each session, so that a session's commands see what those before them built. Nothing here decides whether a
//! command may run: it runs what it is handed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::jobs::Job;
use super::output::Capture;
use super::repositories;
use super::running::{Ended, Running};
use crate::sandbox::{
    Access, Confinement, LIMIT_REACHED, Limits, Mount, NOT_CONFINED, Sandbox, environment, tool_caches,
};
use crate::workspace::shadow::{Changes, Shadow, ShadowError, Synced};
use crate::workspace::{Overlay, Roots, View};

/// Background jobs that a session may have at once.
const MOST_JOBS: usize = 8;

/// The sandboxes that were tried in this process and held.
static PROVEN: Mutex<Vec<Sandbox>> = Mutex::new(Vec::new());
/// Names that are told of what commands do not see.
const TOLD_LEFT_OUT: usize = 10;
/// How long a cancelled sync has to stop.
const PATIENCE: Duration = Duration::from_secs(2);

/// What commands of an agent go by, and the sandbox once it was tried.
pub struct CommandSetup {
    /// Beneath it are the shadows. `None`: there is no place for them, and no command runs.
    pub cache: Option<PathBuf>,
    pub wanted: Wanted,
    /// Confined commands have the network unless they say otherwise.
    pub network: bool,
    /// The longest a command may take, and how long it takes where nothing is said.
    pub longest: Duration,
    /// The variables that commands get, out of these.
    pub environment: Vec<(OsString, OsString)>,
    /// The program that puts up the sandbox; `None` looks for it.
    pub broker: Option<PathBuf>,
    cage: OnceLock<Cage>,
}

/// Whether commands are confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Where the system can.
    Auto,
    /// Or not run at all.
    Require,
    Off,
}

/// What there is to confine commands with.
#[derive(Clone, Debug)]
pub enum Cage {
    /// Forbidden acts were tried in it, and failed.
    Proven(Sandbox),
    /// There is none here, and why.
    Missing(String),
    /// One of the forbidden acts succeeded: nothing runs.
    Broken(String),
}

/// A command line that was allowed.
pub struct Order {
    pub command: String,
    pub view: View,
    pub network: bool,
    pub confined: bool,
    pub deadline: Duration,
    pub cancel: CancellationToken,
    /// Hears what it prints, a few lines at a time.
    pub hear: HearOutput,
}

/// Hears output while a command runs.
pub type HearOutput = Arc<dyn Fn(&str) + Send + Sync>;

/// How a command went.
#[derive(Clone, Debug)]
pub struct Ran {
    pub ended: Ended,
    pub output: Capture,
    pub took: Duration,
    /// What it did not see.
    pub left_out: Vec<String>,
}

/// Why a command did not run: one plain message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotRun(pub String);

/// The commands of one session.
pub struct Commands {
    setup: Arc<CommandSetup>,
    /// Held by this session from its first command until it rests.
    shadow: Arc<Mutex<Option<Shadow>>>,
    jobs: Mutex<Jobs>,
    /// What the last command changed in the shadow is nobody's: it is undone before anything else happens there.
    undo: Arc<AtomicBool>,
    /// It was told what the shadow lacks.
    told_left_out: AtomicBool,
}

#[derive(Default)]
struct Jobs {
    last: u32,
    jobs: BTreeMap<u32, Job>,
}

/// The shadow, made to hold what there is now, and where commands start in it.
struct Stage {
    /// A folder outside, and where it is seen inside.
    folders: Vec<(PathBuf, PathBuf)>,
    dependencies: Vec<(PathBuf, PathBuf)>,
    repositories: Vec<PathBuf>,
    /// Copies of the repositories' settings that hold passwords, without these, and where they are seen inside.
    settings: Vec<(PathBuf, PathBuf)>,
    /// The first workspace folder, by its real path.
    root: PathBuf,
    synced: Synced,
}

impl CommandSetup {
    pub fn new(
        cache: Option<PathBuf>,
        wanted: Wanted,
        network: bool,
        longest: Duration,
        environment: Vec<(OsString, OsString)>,
        broker: Option<PathBuf>,
    ) -> CommandSetup {
        CommandSetup { cache, wanted, network, longest, environment, broker, cage: OnceLock::new() }
    }

    /// What there is to confine commands with. The first look tries the forbidden acts, which takes a moment. Blocks.
    pub fn cage(&self) -> &Cage {
        self.cage.get_or_init(|| {
            let found = match &self.broker {
                Some(broker) => Sandbox::with_broker(broker.clone()),
                None => Sandbox::find(),
            };
            let sandbox = match found {
                Ok(sandbox) => sandbox,
                Err(unavailable) => return Cage::Missing(unavailable.to_string()),
            };
            // What holds for one workspace of this process holds for all. What failed is tried again.
            let mut proven = PROVEN.lock().unwrap_or_else(PoisonError::into_inner);
            if proven.contains(&sandbox) {
                return Cage::Proven(sandbox);
            }
            let proof = sandbox.prove();
            if proof.holds() {
                proven.push(sandbox.clone());
            }
            let succeeded = proof.acts.iter().any(|act| act.forbidden && !act.holds);
            match (proof.holds(), succeeded) {
                (true, _) => Cage::Proven(sandbox),
                (false, true) => Cage::Broken(proof.summary()),
                (false, false) => Cage::Missing(proof.summary()),
            }
        })
    }

    /// Whether a command that runs now would be confined; an error where none runs at all. Blocks.
    pub fn confines(&self) -> Result<bool, NotRun> {
        match (self.wanted, self.cage()) {
            (_, Cage::Broken(reason)) => {
                Err(NotRun(format!("no command runs: the sandbox let a forbidden act through ({reason})")))
            }
            (Wanted::Auto | Wanted::Require, Cage::Proven(_)) => Ok(true),
            (Wanted::Require, Cage::Missing(reason)) => {
                Err(NotRun(format!("no command runs: shell.sandbox is `require`, and {reason}")))
            }
            (Wanted::Auto, Cage::Missing(_)) | (Wanted::Off, _) => Ok(false),
        }
    }
}

impl Commands {
    pub fn new(setup: Arc<CommandSetup>) -> Commands {
        Commands {
            setup,
            shadow: Arc::default(),
            jobs: Mutex::default(),
            undo: Arc::default(),
            told_left_out: AtomicBool::new(false),
        }
    }

    pub fn setup(&self) -> &CommandSetup {
        &self.setup
    }

    /// Runs a command to its end, its deadline or the cancellation. Dropping the future ends it.
    pub async fn run(&self, order: Order) -> Result<Ran, NotRun> {
        let mut running = self.start(order).await?;
        let ended = running.wait().await;
        Ok(running.into_ran(ended))
    }

    /// As [`Commands::run`], and what the command changes is undone before the next one.
    pub async fn try_out(&self, order: Order) -> Result<Ran, NotRun> {
        let mut running = self.start(order).await?;
        self.undo.store(true, Ordering::SeqCst);
        let ended = running.wait().await;
        Ok(running.into_ran(ended))
    }

    /// Whether a command runs beside the turn.
    pub fn has_running_jobs(&self) -> bool {
        self.with_jobs(|jobs| jobs.jobs.values().any(|job| !job.is_over()))
    }

    /// What a command that failed did not see, where it was not told before.
    pub fn untold_left_out(&self, ran: &Ran) -> Option<String> {
        if ran.succeeded() || ran.left_out.is_empty() || self.told_left_out.swap(true, Ordering::SeqCst) {
            return None;
        }
        let more = ran.left_out.len().saturating_sub(TOLD_LEFT_OUT);
        let mut names: Vec<String> = ran.left_out.iter().take(TOLD_LEFT_OUT).cloned().collect();
        if more > 0 {
            names.push(format!("and {more} more"));
        }
        Some(format!("left out of the copy: {}", names.join(", ")))
    }

    /// Starts a command that runs on beside the turn; its number.
    pub async fn begin(&self, order: Order) -> Result<u32, NotRun> {
        self.with_jobs(|jobs| {
            jobs.jobs.retain(|_, job| !job.is_over() || job.has_news());
            match jobs.jobs.values().filter(|job| !job.is_over()).count() {
                running if running >= MOST_JOBS => {
                    Err(NotRun(format!("{MOST_JOBS} commands run in the background already: stop one first")))
                }
                _ => Ok(()),
            }
        })?;
        let command = order.command.clone();
        let running = self.start(order).await?;
        Ok(self.with_jobs(|jobs| {
            jobs.last += 1;
            let number = jobs.last;
            jobs.jobs.insert(number, Job::new(command, running));
            number
        }))
    }

    /// Looks at a background job. `None` if there is none of that number.
    pub fn with_job<R>(&self, number: u32, look: impl FnOnce(&mut Job) -> R) -> Option<R> {
        self.with_jobs(|jobs| jobs.jobs.get_mut(&number).map(look))
    }

    /// The numbers and command lines of the background jobs.
    pub fn jobs(&self) -> Vec<(u32, String)> {
        self.with_jobs(|jobs| jobs.jobs.iter().map(|(number, job)| (*number, job.command().to_owned())).collect())
    }

    /// What commands changed since this was last asked. Blocks on the disk.
    pub fn look(&self, view: &View) -> Result<Changes, NotRun> {
        match &mut *self.lock_shadow() {
            Some(shadow) if self.undo.swap(false, Ordering::SeqCst) => {
                shadow.forget();
                Ok(Changes::default())
            }
            Some(shadow) => shadow.look(view, &|| false).map_err(|error| NotRun(error.to_string())),
            None => Ok(Changes::default()),
        }
    }

    /// Lets go of the shadow, for other sessions, unless something still runs in it.
    pub fn rest(&self) {
        if self.with_jobs(|jobs| jobs.jobs.values().all(Job::is_over))
            && let Ok(mut shadow) = self.shadow.try_lock()
        {
            *shadow = None;
        }
    }

    async fn start(&self, order: Order) -> Result<Running, NotRun> {
        let Order { command, view, network, confined, deadline, cancel, hear } = order;
        let stage = self.stage(view, cancel.clone()).await?;
        let untold = stage.synced.left_out.iter().chain(&stage.synced.overwritten);
        let left_out = untold.map(|out| format!("{} ({})", out.name, out.reason)).collect();
        let argv: Vec<OsString> = vec![interpreter().into(), "-c".into(), command.into()];
        let process = match confined {
            true => self.confined(&stage, network, &argv).await?,
            false => self.unconfined(&stage, &argv)?,
        };
        Running::start(process, deadline, cancel, hear, left_out)
            .map_err(|error| NotRun(format!("the command could not be started: {error}")))
    }

    /// Makes the shadow hold what the view holds.
    async fn stage(&self, view: View, cancel: CancellationToken) -> Result<Stage, NotRun> {
        let Some(cache) = self.setup.cache.clone() else {
            return Err(NotRun("there is no folder for a copy of the workspace: set CLAW_STATE_DIR".to_owned()));
        };
        let (shadow, undo) = (Arc::clone(&self.shadow), Arc::clone(&self.undo));
        let cancelled = cancel.clone();
        let filling = tokio::task::spawn_blocking(move || stage(&shadow, &undo, &cache, &view, &cancel));
        // A file system that does not answer holds a thread, and not the turn.
        let filled = tokio::select! {
            biased;
            filled = filling => filled,
            () = async { cancelled.cancelled().await; tokio::time::sleep(PATIENCE).await } => {
                return Err(NotRun("cancelled: a file system of the workspace does not answer".to_owned()));
            }
        };
        match filled {
            Ok(Ok(stage)) => Ok(stage),
            Ok(Err(error)) => Err(NotRun(error.to_string())),
            Err(_) => Err(NotRun("the copy of the workspace could not be made: see the log".to_owned())),
        }
    }

    async fn confined(
        &self,
        stage: &Stage,
        network: bool,
        argv: &[OsString],
    ) -> Result<tokio::process::Command, NotRun> {
        let setup = Arc::clone(&self.setup);
        let caged = tokio::task::spawn_blocking(move || match setup.cage() {
            Cage::Proven(sandbox) => Ok(sandbox.clone()),
            Cage::Missing(reason) | Cage::Broken(reason) => Err(NotRun(reason.clone())),
        });
        let sandbox = caged.await.map_err(|_| NotRun("the sandbox could not be tried: see the log".to_owned()))??;
        let mount = |(from, to): &(PathBuf, PathBuf), access| Mount { from: from.clone(), to: to.clone(), access };
        let folders = stage.folders.iter().map(|folder| mount(folder, Access::Writable));
        let dependencies = stage.dependencies.iter().map(|folder| mount(folder, Access::ReadOnly));
        let repositories = stage.repositories.iter();
        let repositories =
            repositories.map(|path| Mount { from: path.clone(), to: path.clone(), access: Access::ReadOnly });
        let settings = stage.settings.iter().map(|file| mount(file, Access::ReadOnly));
        let confinement = Confinement {
            mounts: folders.chain(dependencies).chain(repositories).chain(settings).collect(),
            cwd: stage.root.clone(),
            env: environment(self.setup.environment.iter().cloned()),
            network,
            caches: self.home().map(|home| tool_caches(&home)).unwrap_or_default(),
            limits: Limits::default(),
        };
        sandbox.command(&confinement, argv).map_err(|error| NotRun(error.to_string()))
    }

    /// In the shadow, with nothing around it: what the user allowed for this one command.
    fn unconfined(&self, stage: &Stage, argv: &[OsString]) -> Result<tokio::process::Command, NotRun> {
        let Some((program, arguments)) = argv.split_first() else { return Err(NotRun("no command".to_owned())) };
        let within = |(from, to): &(PathBuf, PathBuf)| Some(from.join(stage.root.strip_prefix(to).ok()?));
        let cwd = stage.folders.iter().find_map(within);
        let cwd = cwd.ok_or_else(|| NotRun("the workspace has no folder to run a command in".to_owned()))?;
        let mut command = tokio::process::Command::new(program);
        command.args(arguments).env_clear().envs(environment(self.setup.environment.iter().cloned()));
        if let Some(home) = self.home() {
            command.env("HOME", home);
        }
        command.current_dir(cwd).stdin(std::process::Stdio::null()).process_group(0).kill_on_drop(true);
        Ok(command)
    }

    fn home(&self) -> Option<PathBuf> {
        self.setup.environment.iter().find(|(name, _)| name == "HOME").map(|(_, home)| PathBuf::from(home))
    }

    fn lock_shadow(&self) -> std::sync::MutexGuard<'_, Option<Shadow>> {
        self.shadow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_jobs<R>(&self, look: impl FnOnce(&mut Jobs) -> R) -> R {
        look(&mut self.jobs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Ran {
    /// How it ended, in one line for the model; empty where it succeeded.
    pub fn verdict(&self) -> String {
        match &self.ended {
            Ended::Exited(status) if status.success() => String::new(),
            Ended::Exited(status) => exit_words(*status),
            Ended::Deadline => format!(
                "stopped after {} s: it waits for input that never comes, or needs more time (timeout_s) or \
                 `background: true`",
                self.took.as_secs()
            ),
            Ended::Cancelled => "stopped: the user cancelled".to_owned(),
        }
    }

    pub fn succeeded(&self) -> bool {
        matches!(&self.ended, Ended::Exited(status) if status.success())
    }
}

fn exit_words(status: ExitStatus) -> String {
    match status.code() {
        Some(LIMIT_REACHED) => "stopped: it took more of the machine than a command may".to_owned(),
        Some(NOT_CONFINED) => "not run: it could not be confined".to_owned(),
        Some(code) => format!("exit code {code}"),
        None => "ended by a signal".to_owned(),
    }
}

fn stage(
    shadow: &Mutex<Option<Shadow>>,
    undo: &AtomicBool,
    cache: &Path,
    view: &View,
    cancel: &CancellationToken,
) -> Result<Stage, ShadowError> {
    let mut slot = shadow.lock().unwrap_or_else(PoisonError::into_inner);
    let mut shadow = match slot.take() {
        Some(shadow) => shadow,
        None => Shadow::take(cache, view.roots())?,
    };
    if undo.swap(false, Ordering::SeqCst) {
        shadow.forget();
    }
    let synced = shadow.sync(view, &|| cancel.is_cancelled());
    let root = first_folder(view.roots()).ok_or(ShadowError::NoFolder);
    let staged = synced.and_then(|synced| {
        let mut repositories = shadow.repositories();
        repositories.retain(|path| repositories::is_in_place(path));
        Ok(Stage {
            folders: shadow.folders(),
            dependencies: shadow.dependencies(view),
            settings: settings(&repositories, &shadow.folders())?,
            repositories,
            root: root?,
            synced,
        })
    });
    *slot = Some(shadow);
    staged
}

/// Beside the shadow, which no command sees.
fn settings(repositories: &[PathBuf], folders: &[(PathBuf, PathBuf)]) -> Result<Vec<(PathBuf, PathBuf)>, ShadowError> {
    let Some(beside) = folders.first().and_then(|(tree, _)| tree.parent()) else { return Ok(Vec::new()) };
    let masked = repositories.iter().map(|repository| repositories::masked_settings(repository, beside));
    let masked: std::io::Result<Vec<_>> = masked.collect();
    let failed = |error: std::io::Error| ShadowError::Cache(beside.display().to_string(), error.to_string());
    masked.map_err(failed).map(|masked| masked.concat())
}

fn first_folder(roots: &Roots) -> Option<PathBuf> {
    roots.iter().next().map(|root| root.path.clone())
}

/// What reads the command line. Commands are written for bash where people write them.
fn interpreter() -> &'static str {
    const BASH: &str = "/bin/bash";
    if Path::new(BASH).exists() { BASH } else { "/bin/sh" }
}

/// Takes what commands changed into an overlay.
pub fn propose(changes: Changes, roots: &Roots, overlay: &mut Overlay, author: &crate::workspace::Author) -> String {
    changes.propose(roots, overlay, author).summary(roots)
}
