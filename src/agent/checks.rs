//! Check commands: run on what a turn proposes, before the user sees it.
//!
//! They run in the copy of the workspace, confined and without the network, and only what would be allowed unasked: commands
//! that the user configured, and in `auto` those that the project speaks for. Nobody is asked here. What fails and did not
//! before goes back to the model; what a check changes in the copy is nobody's proposal.

mod compare;
mod detect;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;

use super::session::Session;
use crate::event::{CHECKING, CheckRan, Event, EventKind, PermissionMode, ProposalCheck, ReviewDecision};
use crate::permission::{Act, Verdict};
use crate::text::ContentHash;
use crate::tools::shell::commands::{Commands, NotRun, Order};
use crate::tools::shell::running::Ended;
use crate::workspace::View;
use compare::{Outcome, can_not_run, excerpt, is_missing, is_new};

/// The name of the check that parses what is proposed. It is no command.
pub(in crate::agent) const SYNTAX: &str = "syntax";
/// What the event calls the look at an answer in which a file was expected.
pub(in crate::agent) const ANSWER: &str = "answer";
/// As what it counts that an answer is asked for afresh, none of whose edits was taken.
pub(in crate::agent) const SECOND_TRY: &str = "second try";

/// Seconds that a check may take where `shell.timeout_s` does not say.
const USUAL_S: u64 = 120;

/// Files by which one state of the workspace is told from another; one that has more is never taken for the same.
const MOST_FILES: usize = 100_000;

/// What a session knows of its checks.
#[derive(Debug, Default)]
pub(in crate::agent) struct Checks {
    /// Commands that can not run here, and are not tried again.
    dropped: HashSet<String>,
    /// What was told once.
    said: HashSet<String>,
    /// How commands went without the proposal, and on which state of the workspace.
    before: HashMap<String, (ContentHash, Outcome)>,
    /// How they went on what is proposed now.
    standing: Vec<ProposalCheck>,
}

/// A check that is wanted.
struct Wanted {
    /// The first that can run counts.
    commands: Vec<String>,
    is_configured: bool,
}

/// The checks of one round.
struct Round<'a> {
    session: &'a Session,
    commands: Arc<Commands>,
    proposed: View,
    cancel: &'a CancellationToken,
    deadline: Duration,
    /// The state without the proposal; found where it is needed.
    state: Option<Option<ContentHash>>,
}

impl Session {
    /// How the check commands went on what is proposed. Empty where none was run on it.
    pub fn checks(&self) -> Vec<ProposalCheck> {
        self.lock_checks().standing.clone()
    }

    /// What is proposed is not what was checked.
    pub(in crate::agent) fn forget_checks(&self) {
        self.lock_checks().standing.clear();
    }

    /// What stood at the last proposal, if it was not changed since.
    pub(in crate::agent) fn restore_checks(&self, events: &[Event]) {
        for event in events {
            match &event.kind {
                EventKind::Proposal { checks, .. } => self.lock_checks().standing.clone_from(checks),
                EventKind::Review(review) => match review.decision {
                    ReviewDecision::Rejected | ReviewDecision::Edited => self.forget_checks(),
                    ReviewDecision::Accepted | ReviewDecision::Conflict | ReviewDecision::Undone => {}
                },
                _ => {}
            }
        }
    }

    /// Runs the check commands on what is proposed, as far as they may run unasked. Dropping the future ends what runs.
    pub(in crate::agent) async fn run_checks(&self, mode: PermissionMode, cancel: &CancellationToken) -> Vec<CheckRan> {
        let proposed = self.parts().visible.view(&self.overlay());
        self.forget_checks();
        let (mut ran, wanted) = self.permitted_checks(mode, &proposed).await;
        let shell = &self.parts().config.shell;
        let mut commands = self.commands();
        if commands.has_running_jobs() {
            // Nothing is put under the feet of what runs.
            commands = Arc::new(Commands::new(Arc::clone(&self.parts().commands)));
        }
        let mut round = Round {
            session: self,
            commands,
            proposed,
            cancel,
            deadline: Duration::from_secs(shell.timeout_s.unwrap_or(USUAL_S)),
            state: None,
        };
        for wanted in wanted {
            ran.extend(round.check(&wanted).await);
        }
        // The output of a check is text of the user's.
        self.saw_private();
        let standing = ran.iter().filter(|check| !check.not_run);
        let standing = standing.map(|check| ProposalCheck {
            command: check.command.clone(),
            ok: check.ok,
            before: check.before.filter(|_| !check.ok),
        });
        self.lock_checks().standing = standing.collect();
        ran
    }

    /// The checks that may run, and what there is to say of the others.
    async fn permitted_checks(&self, mode: PermissionMode, proposed: &View) -> (Vec<CheckRan>, Vec<Wanted>) {
        let configured = &self.parts().config.check.commands;
        let mut wanted: Vec<Wanted> = configured
            .iter()
            .filter(|command| !command.trim().is_empty())
            .map(|command| Wanted { commands: vec![command.clone()], is_configured: true })
            .collect();
        if wanted.is_empty() {
            let view = proposed.clone();
            let detected = tokio::task::spawn_blocking(move || detect::detect(&view)).await.unwrap_or_default();
            wanted.extend(detected.into_iter().map(|found| Wanted { commands: found.commands, is_configured: false }));
        }
        let mut told = Vec::new();
        wanted.retain_mut(|wanted| {
            let is_configured = wanted.is_configured;
            wanted.commands.retain(|command| match self.refusal(command, is_configured, mode) {
                Some(reason) => {
                    told.extend(self.say_once(command, reason));
                    false
                }
                None => !self.lock_checks().dropped.contains(command),
            });
            !wanted.commands.is_empty()
        });
        let Some(first) = wanted.first() else { return (told, wanted) };
        let looking = self.clone();
        let can_run = tokio::task::spawn_blocking(move || {
            if !looking.trusts_workspace() {
                return Err("the workspace is not trusted".to_owned());
            }
            match looking.parts().commands.confines() {
                Ok(true) => Ok(()),
                Ok(false) => Err("nothing confines commands here (`claw doctor` says why)".to_owned()),
                Err(NotRun(reason)) => Err(reason),
            }
        });
        match can_run.await.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(()) => (told, wanted),
            Err(reason) => {
                let command = first.commands.first().cloned().unwrap_or_default();
                // Once for all of them.
                if self.lock_checks().said.insert(reason.clone()) {
                    told.push(not_run(&command, &reason));
                }
                (told, Vec::new())
            }
        }
    }

    /// Why a command may not run unasked. The inner `None`: that is as it should be, and nothing to talk of.
    fn refusal(&self, command: &str, is_configured: bool, mode: PermissionMode) -> Option<Option<String>> {
        let act = Act::Shell {
            command: command.to_owned(),
            cwd: ".".to_owned(),
            network: false,
            background: false,
            confined: true,
            scripts: None,
        };
        let verdict = match is_configured {
            // Who configured it said yes, unless a rule says otherwise.
            true => self.foresee_by_rules(&act)?,
            false => self.foresee(mode, &act),
        };
        let forbidden = |rule: Option<String>| {
            rule.filter(|_| is_configured).map(|rule| format!("the rule `{rule}` does not let it run unasked"))
        };
        match verdict {
            Verdict::Allow { .. } => None,
            Verdict::Ask { rule, .. } | Verdict::Deny { rule, .. } => Some(forbidden(rule)),
        }
    }

    fn say_once(&self, command: &str, reason: Option<String>) -> Option<CheckRan> {
        let reason = reason?;
        let is_news = self.lock_checks().said.insert(format!("{command}: {reason}"));
        is_news.then(|| not_run(command, &reason))
    }

    fn drop_check(&self, command: &str, reason: &str) -> Option<CheckRan> {
        self.lock_checks().dropped.insert(command.to_owned());
        self.say_once(command, Some(reason.to_owned()))
    }
}

impl Round<'_> {
    /// Runs one check, and where it fails the same without the proposal.
    async fn check(&mut self, wanted: &Wanted) -> Option<CheckRan> {
        let mut left = wanted.commands.iter();
        while let Some(command) = left.next() {
            let now = match self.run(command, self.proposed.clone()).await {
                Ok(now) => now,
                Err(NotRun(reason)) => return self.session.say_once(command, Some(reason)),
            };
            let ran =
                CheckRan { command: command.clone(), ok: now.ok, output: excerpt(&now.output), ..CheckRan::default() };
            if now.ok {
                return Some(ran);
            }
            if is_missing(command, &now) {
                let said = self.session.drop_check(command, "its program is not installed");
                // That there is none of several is told of the last one.
                if left.len() == 0 {
                    return said;
                }
                continue;
            }
            let before = match self.before(command).await {
                Ok(before) => before,
                Err(NotRun(reason)) => return self.session.say_once(command, Some(reason)),
            };
            if let Some(reason) = can_not_run(&now, &before) {
                return self.session.drop_check(command, reason);
            }
            return Some(CheckRan { before: Some(!before.ok), untold: !is_new(&now, &before), ..ran });
        }
        None
    }

    /// How a command goes without the proposal: run once on each state of the workspace.
    async fn before(&mut self, command: &str) -> Result<Outcome, NotRun> {
        let live = self.proposed.live();
        let state = match self.state {
            Some(state) => state,
            None => {
                let view = live.clone();
                let state = tokio::task::spawn_blocking(move || state_of(&view)).await.unwrap_or_default();
                *self.state.insert(state)
            }
        };
        let known = self.session.lock_checks().before.get(command).cloned();
        if let (Some(state), Some((of, outcome))) = (state, known)
            && of == state
        {
            return Ok(outcome);
        }
        // Caches such as Python's know a file by its size and the second in which it was written: one that is put back is written in
        // another second than what a command saw last.
        tokio::time::sleep(until_next_second()).await;
        let outcome = self.run(command, live).await?;
        if let Some(state) = state {
            self.session.lock_checks().before.insert(command.to_owned(), (state, outcome.clone()));
        }
        Ok(outcome)
    }

    async fn run(&self, command: &str, view: View) -> Result<Outcome, NotRun> {
        self.session.recorder().stream_output(CHECKING, &format!("check {command}\n"));
        let order = Order {
            // A cache that outlives the check would be taken for that of the other state.
            command: format!("export PYTHONDONTWRITEBYTECODE=1\n{command}"),
            view,
            network: false,
            confined: true,
            deadline: self.deadline,
            cancel: self.cancel.clone(),
            hear: Arc::new(|_| ()),
        };
        let ran = self.commands.try_out(order).await?;
        let (printed, _) = ran.output.text();
        let verdict = match &ran.ended {
            Ended::Deadline => format!("stopped after {} s (shell.timeout_s)", self.deadline.as_secs()),
            Ended::Exited(_) | Ended::Cancelled => ran.verdict(),
        };
        let output = match (printed.trim_end(), verdict.as_str()) {
            (printed, "") => printed.to_owned(),
            ("", verdict) => verdict.to_owned(),
            (printed, verdict) => format!("{printed}\n{verdict}"),
        };
        // Before it is cut: of a secret that is cut off nobody can tell what it is.
        let output = self.session.parts().redactor.redact(&output).into_owned();
        match &ran.ended {
            Ended::Exited(status) => {
                Ok(Outcome { ok: status.success(), code: status.code(), timed_out: false, output })
            }
            Ended::Deadline => Ok(Outcome { ok: false, code: None, timed_out: true, output }),
            Ended::Cancelled => Err(NotRun("it was cancelled".to_owned())),
        }
    }
}

fn until_next_second() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_secs(1).saturating_sub(Duration::from_nanos(now.subsec_nanos().into()))
}

fn not_run(command: &str, reason: &str) -> CheckRan {
    let output = format!("not run: {reason}");
    CheckRan { command: command.to_owned(), output, not_run: true, ..CheckRan::default() }
}

/// What a command without the proposal goes by: every file that is not ignored, as it was written last, and what buffers hold.
/// `None` where that can not be told.
fn state_of(live: &View) -> Option<ContentHash> {
    let listing = live.files(MOST_FILES);
    if listing.more || listing.stopped {
        return None;
    }
    let mut state = String::new();
    for path in &listing.files {
        let held = match live.buffers().get(path) {
            Some(buffer) => format!("{:?}", buffer.text.hash()),
            None => format!("{:?}", live.entry(path)),
        };
        state.push_str(&format!("{path:?} {held}\n"));
    }
    Some(ContentHash::of(state.as_bytes()))
}
