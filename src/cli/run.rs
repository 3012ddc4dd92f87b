//! `claw run`: one task, without an editor.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::arguments::{Caller, OutputFormat, RunArguments};
use super::asking::{Asking, TerminalHost};
use super::error::{CliError, Exit};
use super::setup::{self, Setup};
use super::status_line::Progress;
use super::terminal::{ColorChoice, Out, Palette, say};
use super::visible::{visible, visible_line};
use super::{asking, describe, diff, hunks, plan, trace};
use crate::agent::prompt::CARRY_OUT;
use crate::agent::{Agent, Ask, RunResult, Session, Skipped};
use crate::config::Flag;
use crate::event::{Event, EventKind, Frontend, Mode, ProposalCheck, TurnStatus, Usage};
use crate::model::ModelErrorKind;
use crate::store::Trust;
use crate::workspace::Workspace;

/// Longest task that is read from standard input.
const MAX_TASK_BYTES: u64 = 4 * 1024 * 1024;

/// How often the live line moves.
const FRAME: Duration = Duration::from_millis(100);

/// `--output json`.
#[derive(Serialize)]
struct Outcome<'a> {
    session: &'a str,
    status: TurnStatus,
    answer: &'a str,
    diff: &'a str,
    usage: Usage,
    cost: Option<f64>,
    /// Paths that were written: an extension of the contract.
    applied: &'a [String],
    /// What `--apply` left: an extension of the contract.
    skipped: Vec<Left<'a>>,
    /// The check commands that were run on what is proposed: an extension of the contract.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<ProposalCheck>,
    /// What went wrong, for a status other than `done`: an extension of the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// A hunk that was not written, and why.
#[derive(Serialize)]
pub struct Left<'a> {
    path: &'a str,
    hunk: &'a str,
    reason: &'a str,
}

impl<'a> From<&'a Skipped> for Left<'a> {
    fn from(skipped: &'a Skipped) -> Left<'a> {
        Left { path: &skipped.path, hunk: &skipped.hunk.0, reason: &skipped.reason }
    }
}

pub fn run(arguments: &RunArguments, color: ColorChoice) -> Result<Exit, CliError> {
    let task = task(arguments.task.as_deref())?;
    let setup = Setup::new(&arguments.directory, &flags(arguments))?;
    setup.refuse_problems()?;
    let (sender, events) = mpsc::unbounded_channel();
    let runtime = runtime()?;
    let entered = runtime.enter();
    let can_ask = arguments.output == OutputFormat::Text && asking::is_interactive();
    let host = TerminalHost::new(Palette::new(color, true), Trust::new(&setup.state), can_ask);
    let asking = host.asking();
    let frontend = match arguments.frontend {
        Caller::Cli => Frontend::Cli,
        Caller::Python => Frontend::Python,
    };
    let agent = agent(&setup, frontend, sender, host)?;
    // The outline is wanted in a moment: looking at the files begins while the rest is set up.
    agent.index().refresh(&agent.workspace().live());
    let session = session(&agent, &setup, arguments)?;
    let mut front = Front::new(arguments.output, color, events, agent.workspace().clone(), asking);
    let interrupts = Interrupts::watch();
    let mut result = runtime.block_on(front.drive(&session, task, mode(arguments), &interrupts));
    if arguments.plan {
        while let Ok(planned) = &result {
            let Some((task, mode)) = front.after_plan(planned, color)? else { break };
            result = runtime.block_on(front.drive(&session, task, mode, &interrupts));
            if mode == Mode::Edit {
                break;
            }
        }
    }
    let exit = result.and_then(|result| front.conclude(&session, &result, arguments.apply, color, &interrupts));
    drop(entered);
    agent.index().wait_kept(setup::KEEPING);
    // A thread may still read a slow disk; nobody waits for it.
    runtime.shutdown_background();
    exit
}

fn mode(arguments: &RunArguments) -> Mode {
    if arguments.plan { Mode::Plan } else { Mode::Edit }
}

pub fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(format!("the system gives no threads: {error}")))
}

/// The task from the argument, or from standard input where the argument is `-`.
fn task(argument: Option<&str>) -> Result<String, CliError> {
    let task = match argument {
        None => {
            return Err(CliError::usage("there is no task. Say what to do: claw run \"Make the failing test pass\""));
        }
        Some("-") => {
            let mut text = String::new();
            io::stdin()
                .take(MAX_TASK_BYTES)
                .read_to_string(&mut text)
                .map_err(|error| CliError::usage(format!("the task can not be read from standard input: {error}")))?;
            text
        }
        Some(task) => task.to_owned(),
    };
    match task.trim() {
        "" => Err(CliError::usage("the task is empty. Say what to do: claw run \"Make the failing test pass\"")),
        task => Ok(task.to_owned()),
    }
}

/// The flags that stand above the configuration.
fn flags(arguments: &RunArguments) -> Vec<Flag> {
    let mut flags = setup::model_flags(&arguments.model);
    for (name, key, value) in [
        ("--permission-mode", "permission_mode", arguments.permission_mode.clone().map(Value::from)),
        ("--deny", "permissions.deny", (!arguments.deny.is_empty()).then(|| arguments.deny.clone().into())),
        ("--max-steps", "limits.max_steps", arguments.max_steps.map(Value::from)),
        ("--max-tokens", "limits.max_tokens", arguments.max_tokens.map(Value::from)),
        ("--max-cost", "limits.max_cost", arguments.max_cost.map(Value::from)),
        ("--timeout", "limits.turn_timeout_s", arguments.timeout.map(Value::from)),
    ] {
        flags.extend(value.map(|value| Flag { name, key, value }));
    }
    flags
}

fn agent(
    setup: &Setup,
    frontend: Frontend,
    events: mpsc::UnboundedSender<Event>,
    host: TerminalHost,
) -> Result<Agent, CliError> {
    setup
        .agent()?
        .frontend(frontend)
        .host(Arc::new(host))
        .on_event(Arc::new(move |event: &Event| {
            // Once the command has ended nobody listens, and nobody needs to.
            let _ = events.send(event.clone());
        }))
        .build()
        .map_err(|error| CliError::usage(error.to_string()))
}

fn session(agent: &Agent, setup: &Setup, arguments: &RunArguments) -> Result<Session, CliError> {
    let name = match (&arguments.session, arguments.continue_last) {
        (None, false) => return Ok(agent.session()),
        (Some(name), _) => name.clone(),
        (None, true) => last_of(agent, setup)?,
    };
    let store = agent.store().ok_or_else(|| CliError::failed("no sessions are kept"))?;
    let id = store.find(&name).map_err(|error| CliError::usage(error.to_string()))?;
    trace::tell_if_edited(store, &id)?;
    agent.resume(&id).map_err(|error| CliError::usage(error.to_string()))
}

/// The session that was last used in this workspace.
fn last_of(agent: &Agent, setup: &Setup) -> Result<String, CliError> {
    let root = setup.root.display().to_string();
    let sessions = agent.store().map(|store| store.sessions()).transpose()?.unwrap_or_default();
    sessions
        .into_iter()
        .find(|session| session.workspace == root && session.parent.is_none())
        .map(|session| session.id)
        .ok_or_else(|| CliError::usage(format!("there is no session of {root} yet: leave --continue out to start one")))
}

/// What a turn is shown on.
pub struct Front {
    out: Out,
    progress: Progress,
    format: OutputFormat,
    color: ColorChoice,
    /// The answer stands on stdout already.
    answered: bool,
    events: mpsc::UnboundedReceiver<Event>,
    workspace: Workspace,
    last_error: Option<String>,
    /// A model was sent something.
    asked: bool,
    /// The turn failed before that for want of a usable configuration.
    misconfigured: bool,
    /// Nobody reads stdout any more.
    reader_gone: bool,
    /// Nothing moves while a question stands on the terminal.
    asking: Asking,
}

impl Front {
    pub fn new(
        format: OutputFormat,
        color: ColorChoice,
        events: mpsc::UnboundedReceiver<Event>,
        workspace: Workspace,
        asking: Asking,
    ) -> Front {
        let (out, progress) = (Out::stdout(color), Progress::new(color));
        Front {
            out,
            progress,
            format,
            color,
            answered: false,
            events,
            workspace,
            last_error: None,
            asked: false,
            misconfigured: false,
            reader_gone: false,
            asking,
        }
    }

    /// Runs the turn to its end, showing how it goes.
    pub async fn drive(
        &mut self,
        session: &Session,
        task: String,
        mode: Mode,
        interrupts: &Interrupts,
    ) -> Result<RunResult, CliError> {
        let turn = session
            .start(Ask { instruction: task, mode, ..Ask::default() })
            .ok_or_else(|| CliError::failed("the session is at work in another place: wait for it to end"))?;
        let cancel = turn.cancel.clone();
        self.progress = Progress::new(self.color);
        self.answered = false;
        interrupts.enter(Phase::Turn(cancel.clone()));
        let mut frames = tokio::time::interval(FRAME);
        let mut told = false;
        loop {
            tokio::select! {
                biased;
                event = self.events.recv() => {
                    let Some(event) = event else { break };
                    if event.session == session.id() {
                        self.show(&event);
                    } else {
                        // A subagent's, which has a trace of its own.
                        self.progress.subagent(&event);
                    }
                    if self.reader_gone {
                        cancel.cancel();
                    }
                    if matches!(event.kind, EventKind::TurnEnd(_)) && event.turn == turn.id {
                        break;
                    }
                }
                () = cancel.cancelled(), if !told => {
                    told = true;
                    if !self.reader_gone {
                        self.progress.note("stopping; Ctrl-C again to end at once");
                    }
                }
                _ = frames.tick(), if self.progress.is_live() && !self.asking.is_on() => self.progress.tick(),
            }
        }
        interrupts.enter(Phase::Between);
        self.progress.finish();
        Ok(turn.finish().await)
    }

    fn show(&mut self, event: &Event) {
        self.progress.event(event);
        if let EventKind::Error(error) = &event.kind
            && error.code != "cost_unknown"
        {
            self.last_error = Some(error.message.clone());
            self.misconfigured = !self.asked && error.code == ModelErrorKind::Config.code();
        }
        self.asked |= matches!(event.kind, EventKind::ModelRequest(_));
        if self.format == OutputFormat::StreamJson && !self.reader_gone {
            self.reader_gone = write_line(&mut self.out, event).is_err();
        }
    }

    /// What comes after the turn: answer, diff, review, exit code.
    fn conclude(
        &mut self,
        session: &Session,
        result: &RunResult,
        apply: bool,
        color: ColorChoice,
        interrupts: &Interrupts,
    ) -> Result<Exit, CliError> {
        if self.reader_gone {
            return Err(CliError::ReaderGone);
        }
        let mut exit = match result.status {
            TurnStatus::Failed if self.misconfigured => Exit::Usage,
            status => Exit::from(status),
        };
        let proposal = session.proposal();
        let diff = session.diff();
        let checks = if proposal.files.is_empty() { Vec::new() } else { session.checks() };
        let asks = !apply && self.can_ask() && result.status == TurnStatus::Done && !proposal.files.is_empty();
        if self.format == OutputFormat::Text {
            if !self.answered {
                write_answer(&mut self.out, &result.answer)?;
            }
            // Where each hunk is shown with its question on the same screen, once is enough.
            if !asks || !self.out.is_terminal {
                diff::write(&mut self.out, &diff)?;
            }
            self.out.flush()?;
            // Not among what may be piped to `patch`.
            if let Some(told) = describe::checks(&checks) {
                say(format_args!("{told}"));
            }
        }
        let mut written = Vec::new();
        let mut skipped = Vec::new();
        if proposal.files.is_empty() {
            // Nothing to decide.
        } else if apply && result.status == TurnStatus::Done {
            interrupts.enter(Phase::Writing);
            match session.apply_all() {
                Ok(applied) => (written, skipped) = (applied.files, applied.skipped),
                Err(error) => {
                    exit = Exit::Failed;
                    self.fail(error.to_string());
                }
            }
        } else if asks {
            let decisions = self.ask(session, color)?;
            interrupts.enter(Phase::Writing);
            for hunk in &decisions.rejected {
                session.reject(hunk, "user", None);
            }
            if !decisions.accepted.is_empty() {
                match session.apply(&decisions.accepted) {
                    Ok(applied) => (written, skipped) = (applied.files, applied.skipped),
                    Err(error) => {
                        exit = Exit::Failed;
                        self.fail(error.to_string());
                    }
                }
            }
        }
        self.say_what_was_written(session, &written, &skipped, apply, asks);
        if is_plan(result) && !self.can_ask() && !result.answer.trim().is_empty() {
            say(format_args!("to have the plan carried out: claw run --session {} \"{CARRY_OUT}\"", session.id()));
        }
        self.drain(session.id());
        if self.format == OutputFormat::Json {
            let outcome = Outcome {
                session: session.id(),
                status: result.status,
                answer: &result.answer,
                diff: &diff,
                usage: result.usage,
                cost: result.cost,
                applied: &written,
                skipped: skipped.iter().map(Left::from).collect(),
                checks,
                error: self.last_error.as_deref().filter(|_| exit != Exit::Done),
            };
            write_line(&mut self.out, &outcome)?;
        }
        self.out.flush()?;
        Ok(exit)
    }

    /// Shows a plan and asks what becomes of it: the next task, or `None` where there is nothing to do, or nobody to ask.
    fn after_plan(&mut self, planned: &RunResult, color: ColorChoice) -> Result<Option<(String, Mode)>, CliError> {
        if !self.can_ask() || planned.status != TurnStatus::Done || planned.answer.trim().is_empty() {
            return Ok(None);
        }
        write_answer(&mut self.out, &planned.answer)?;
        self.out.flush()?;
        self.answered = true;
        let choice = plan::ask(&mut io::stdin().lock(), &mut io::stderr(), Palette::new(color, true))?;
        Ok(match choice {
            plan::Choice::CarryOut => Some((CARRY_OUT.to_owned(), Mode::Edit)),
            plan::Choice::Change(text) => Some((text, Mode::Plan)),
            plan::Choice::Discard => None,
        })
    }

    /// Questions need somebody who sees them and can answer.
    fn can_ask(&self) -> bool {
        self.format == OutputFormat::Text && asking::is_interactive()
    }

    fn ask(&self, session: &Session, color: ColorChoice) -> Result<hunks::Decisions, CliError> {
        let proposal = session.proposal();
        let view = self.workspace.live();
        let palette = Palette::new(color, true);
        // Standard error stays unlocked: an interrupt has to write to it as well.
        let flags = session.flags(&proposal);
        let decisions = hunks::ask(&proposal, &flags, &view, &mut io::stdin().lock(), &mut io::stderr(), palette)?;
        Ok(decisions)
    }

    fn fail(&mut self, message: String) {
        say(format_args!("claw: {}", visible(&message)));
        self.last_error = Some(message);
    }

    fn say_what_was_written(
        &self,
        session: &Session,
        written: &[String],
        skipped: &[Skipped],
        apply: bool,
        asked: bool,
    ) {
        say_what_became_of(written, skipped);
        let pending = session.proposal().hunks().count();
        if pending == 0 {
            return;
        }
        let hunks = describe::amount(pending as u64, "hunk");
        let id = session.id();
        match (apply, asked) {
            (false, false) => say(format_args!("{hunks} proposed, nothing written. --apply writes what is proposed")),
            _ => say(format_args!("{hunks} still pending in session {id}")),
        }
    }

    /// What the review added to the trace.
    fn drain(&mut self, session: &str) {
        while let Ok(event) = self.events.try_recv() {
            if event.session == session && self.format == OutputFormat::StreamJson && !self.reader_gone {
                self.reader_gone = write_line(&mut self.out, &event).is_err();
            }
        }
    }
}

/// Says on standard error which files were written, and which hunks were left and why.
pub fn say_what_became_of(written: &[String], skipped: &[Skipped]) {
    if !written.is_empty() {
        let names: Vec<_> = written.iter().map(|name| visible_line(name)).collect();
        say(format_args!("wrote {}", names.join(", ")));
    }
    for left in skipped {
        let (path, reason) = (visible_line(&left.path), visible_line(&left.reason));
        say(format_args!("left {path}: {reason}"));
    }
}

fn is_plan(result: &RunResult) -> bool {
    let mut kinds = result.trace.iter().map(|event| &event.kind);
    kinds.any(|kind| matches!(kind, EventKind::TurnStart(start) if start.mode == Mode::Plan))
}

fn write_answer(out: &mut Out, answer: &str) -> io::Result<()> {
    let answer = answer.trim_end();
    if answer.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}\n", visible(answer))
}

/// One line, which whoever reads sees at once.
pub fn write_line(out: &mut Out, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// What Ctrl-C means now.
pub enum Phase {
    /// Cancel the turn; a second one ends the process.
    Turn(CancellationToken),
    /// End the process: nothing is half done.
    Between,
    /// Files are being replaced, which takes a moment: let it come to its end.
    Writing,
}

/// Watches for Ctrl-C.
pub struct Interrupts {
    phase: Arc<Mutex<Phase>>,
}

impl Interrupts {
    /// Starts to watch. Needs a Tokio runtime.
    pub fn watch() -> Interrupts {
        let phase = Arc::new(Mutex::new(Phase::Between));
        let shared = Arc::clone(&phase);
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                match &*shared.lock().unwrap_or_else(PoisonError::into_inner) {
                    Phase::Turn(turn) if !turn.is_cancelled() => turn.cancel(),
                    Phase::Writing => {}
                    Phase::Turn(_) | Phase::Between => {
                        say("");
                        std::process::exit(Exit::Cancelled.code().into());
                    }
                }
            }
        });
        Interrupts { phase }
    }

    pub fn enter(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }
}
