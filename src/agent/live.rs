//! A turn's real world: the model, the tools, the workspace, the user.

mod answering;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::calls::Call;
use super::delegate::Subagents;
use super::kept::without_values;
use super::manual::manner;
use super::meter::Meter;
use super::policy::{End, Left};
use super::session::{Ask, Session};
use super::world::{Answer, Connected, Executed, Hear, Printed, Proposed, World};
use super::{context_of, gate, notes, prompt};
use crate::config::PermissionMode;
use crate::event::{
    CheckRan, ContextReceipt, Decision, PermissionDecided, PlanItem, ProposedFile, ToolForm, ToolResultReturned,
    TurnLimits, TurnStart,
};
use crate::model::{ModelError, SharedModel};
use crate::permission::Act;
use crate::store::Redactor;
use crate::tools::shell::commands::HearOutput;
use crate::tools::{Asking, Effect, Needs, SharedTool, ToolContext, ToolError, ToolOutput, Tools, files_of_patch};
use crate::workspace::{Author, Overlay};

/// Most bytes a tool's result may have.
const MAX_OUTPUT: usize = 32 * 1024;

/// Calls that run side by side.
const SIDE_BY_SIDE: usize = 8;

/// How often an edit is made when the user keeps deciding about the same document meanwhile.
const EDIT_TRIES: u32 = 3;

pub(in crate::agent) struct Live {
    session: Session,
    ask: Ask,
    turn: String,
    cancel: CancellationToken,
    /// On the agent's clock.
    began: Duration,
    deadline: tokio::time::Instant,
    limits: TurnLimits,
    /// The overlay when the turn began.
    overlay_before: Overlay,
    /// The plan as the last event told it: of calls that run side by side one tells a change, not each.
    told_plan: Mutex<Vec<PlanItem>>,
    model: OnceLock<SharedModel>,
    /// What holds for the whole turn, whatever is set meanwhile.
    permission_mode: PermissionMode,
    /// Arguments of the last response that history and trace hold without their secrets, by the call's place.
    unredacted: Mutex<HashMap<usize, Value>>,
    /// What was allowed and has not begun, by the call's place. Each is used once.
    permitted: Mutex<HashMap<usize, Act>>,
    subagents: Subagents,
    /// The agent's tools, and what MCP servers offer to this turn.
    tools: OnceLock<Tools>,
    /// What the check commands ran on last. Nothing is checked a second time.
    checked: Mutex<Option<Overlay>>,
    /// The user was told that the model does not see all of its prompt.
    told_cut: AtomicBool,
}

impl Live {
    pub fn new(session: Session, ask: Ask, turn: String, cancel: CancellationToken) -> Live {
        let limits = ask.limits.unwrap_or_else(|| session.limits());
        let (_, permission_mode) = session.settings();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(limits.seconds);
        Live {
            began: session.parts().clock.monotonic(),
            deadline,
            overlay_before: session.overlay(),
            told_plan: Mutex::new(session.plan()),
            subagents: Subagents::new(&session, &turn, limits, deadline),
            limits,
            session,
            ask,
            turn,
            cancel,
            model: OnceLock::new(),
            permission_mode,
            unredacted: Mutex::default(),
            permitted: Mutex::default(),
            tools: OnceLock::new(),
            checked: Mutex::default(),
            told_cut: AtomicBool::new(false),
        }
    }

    /// `work`, unless the turn is cancelled or out of time before it is done.
    async fn or_end<T>(&self, work: impl Future<Output = T>) -> Result<T, End> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(End::cancelled()),
            () = tokio::time::sleep_until(self.deadline) => Err(self.out_of_time()),
            done = work => Ok(done),
        }
    }

    fn out_of_time(&self) -> End {
        End::limit(
            "timeout",
            format!("stopped after {} s (limits.turn_timeout_s): ask again to go on from here", self.limits.seconds),
        )
    }

    fn is_unchecked(&self, overlay: &Overlay) -> bool {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).as_ref() != Some(overlay)
    }

    /// Whether a small model writes files anew.
    fn rewrites(&self) -> bool {
        let form = self.session.recorder().with_conversation(|conversation| conversation.form());
        let is_lean = |model: &SharedModel| manner(&self.session.parts().config, model.provider(), model.name()).1;
        form == ToolForm::Whole && self.model.get().is_some_and(is_lean)
    }

    fn tools(&self) -> &Tools {
        self.tools.get().unwrap_or(&self.session.parts().tools)
    }

    /// Whether this turn could call a server's tool: what only reads, and what a small model is offered, has none of them.
    fn may_call_servers(&self) -> bool {
        let is_lean = |model: &SharedModel| manner(&self.session.parts().config, model.provider(), model.name()).1;
        prompt::may(Effect::Runs, self.ask.mode, self.permission_mode)
            && !self.ask.bare
            && !self.session.is_aside()
            && !self.model.get().is_some_and(is_lean)
    }

    fn redactor(&self) -> &Redactor {
        &self.session.parts().redactor
    }

    async fn run_call(&self, call: Call) -> Executed {
        let clock = &self.session.parts().clock;
        let began = clock.monotonic();
        let (ok, output) = match self.tools().get(&call.requested) {
            Some(tool) => self.run_tool(tool, &call).await,
            None => (false, ToolOutput::from("there is no such tool".to_owned())),
        };
        // Before it is cut: of a secret that is cut off nobody can tell what it is.
        let text = self.redactor().redact(&output.text).into_owned();
        let mut output = ToolOutput { text, ..output }.capped(MAX_OUTPUT);
        if let Some(note) = &call.note {
            output.text = format!("{}\n{}", output.text, self.redactor().redact(note));
        }
        Executed {
            result: ToolResultReturned {
                subagent: self.subagents.take_ran(&call.id),
                call: call.id,
                tool: call.tool,
                ok,
                output: output.text,
                truncated: output.truncated,
                duration_ms: millis(clock.monotonic().saturating_sub(began)),
            },
            plan: self.untold_plan(),
        }
    }

    /// The plan, if it has changed since it was last told.
    fn untold_plan(&self) -> Option<Vec<PlanItem>> {
        let mut told = self.told_plan.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = self.session.plan();
        (plan != *told).then(|| {
            told.clone_from(&plan);
            plan
        })
    }

    /// Runs one call on a copy of the overlay, which replaces the session's when the call has succeeded: a call that fails, is
    /// cancelled or panics leaves nothing behind, also not later. What the user decided or typed meanwhile is not overwritten:
    /// an edit, which has no other effect, is made again on what there is then.
    async fn run_tool(&self, tool: &SharedTool, call: &Call) -> (bool, ToolOutput) {
        let mut tries = if tool.effect() == Effect::Edits { EDIT_TRIES } else { 1 };
        loop {
            tries -= 1;
            let before = self.session.overlay();
            let (result, after) = self.try_tool(tool, call, &before).await;
            let committed = result.map(|output| match tool.effect() {
                Effect::Reads | Effect::Edits => (output, self.session.commit(&before, &after)),
                // What has run can not be made again.
                Effect::Runs => (output.with_note(&self.session.commit_what_can(&before, &after)), Ok(())),
            });
            return match committed {
                Ok((_, Err(_))) if tries > 0 => continue,
                Ok((output, Ok(()))) => {
                    if before != after {
                        let session = self.session.clone();
                        let _ = tokio::task::spawn_blocking(move || session.save()).await;
                    }
                    (true, output)
                }
                Ok((_, Err(error))) | Err(error) => {
                    if let ToolError::Internal(reason) = &error {
                        tracing::error!(tool = %call.tool, reason, "a tool failed");
                    }
                    (false, ToolOutput::from(error.to_string()))
                }
            };
        }
    }

    /// Runs one call on a copy of `before`; what it answered, and the copy after it.
    async fn try_tool(
        &self,
        tool: &SharedTool,
        call: &Call,
        before: &Overlay,
    ) -> (Result<ToolOutput, ToolError>, Overlay) {
        let copy = Arc::new(Mutex::new(before.clone()));
        let permitted = self.permitted.lock().unwrap_or_else(PoisonError::into_inner).remove(&call.index);
        let tells_of_strangers = permitted.as_ref().is_some_and(gate::brings_in);
        let context = self.tool_context(call, Arc::clone(&copy), permitted);
        let input = self.input(call);
        let tool = Arc::clone(tool);
        // In a task of its own: a panic is one failed call, and a tool that blocks does not block the cancellation.
        let task = AbortOnDropHandle::new(tokio::spawn(async move { tool.call(context, input).await }));
        let result = match task.await {
            Ok(result) => result,
            Err(panic) if panic.is_panic() => Err(ToolError::Internal("it panicked, which is a bug in it".to_owned())),
            Err(_) => Err(ToolError::Cancelled),
        };
        match tells_of_strangers {
            true => self.session.saw_untrusted(),
            false => self.session.saw_private(),
        }
        let after = copy.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (result, after)
    }

    fn tool_context(&self, call: &Call, overlay: Arc<Mutex<Overlay>>, permitted: Option<Act>) -> ToolContext {
        ToolContext {
            workspace: self.session.parts().visible.clone(),
            overlay,
            permitted,
            commands: Some(self.session.commands()),
            web: Some(self.session.web()),
            servers: Some(self.session.parts().servers.clone()),
            hear: self.hear(call),
            plan: self.session.shared_plan(),
            seen: self.session.seen(),
            host: Arc::clone(&self.session.parts().host),
            asking: Asking {
                session: self.session.title(),
                deadline: Duration::from_secs(self.session.parts().config.limits.prompt_timeout_s),
            },
            delegate: Some(self.subagents.for_call(&call.id, self.model.get().cloned())),
            rewrites_for: self.rewrites().then(|| self.ask.instruction.clone()),
            cancel: self.cancel.child_token(),
            author: Author { turn: self.turn.clone(), call: call.id.clone() },
            max_output: MAX_OUTPUT,
        }
    }

    /// Passes on what the call's command prints, as it comes.
    fn hear(&self, call: &Call) -> HearOutput {
        let (session, id) = (self.session.clone(), call.id.clone());
        Arc::new(move |lines| session.recorder().stream_output(&id, lines))
    }

    /// The arguments as the model wrote them.
    fn input(&self, call: &Call) -> Value {
        let raw = self.unredacted.lock().unwrap_or_else(PoisonError::into_inner).get(&call.index).cloned();
        raw.or_else(|| call.input.clone().ok()).unwrap_or_default()
    }

    /// The documents that a call names to read or to edit, where rules may have something to say about them.
    fn documents_of(&self, call: &Call) -> Vec<Act> {
        let parts = self.session.parts();
        let (Some(tool), false) = (self.tools().get(&call.requested), self.session.goes_by_no_rules()) else {
            return Vec::new();
        };
        let (effect, roots) = (tool.effect(), parts.workspace.roots());
        let input = self.input(call);
        let field = |key: &str| Some(input.get(key)?.as_str()?.to_owned());
        let in_patch = field("patch").map(|patch| files_of_patch(&patch)).unwrap_or_default();
        let named = ["path", "from", "to"].into_iter().filter_map(field).chain(in_patch);
        let act = |named: String| {
            let path = roots.resolve(&named).map_or(named, |path| roots.display(&path));
            match effect {
                Effect::Reads => Some(Act::Read { path }),
                Effect::Edits => Some(Act::Edit { path }),
                Effect::Runs => None,
            }
        };
        named.filter_map(act).collect()
    }

    /// What the call would do that needs a yes. Arguments that make no sense do nothing: the tool says so.
    async fn act(&self, call: &Call) -> Result<Option<Act>, End> {
        let Some(tool) = self.tools().get(&call.requested).cloned() else { return Ok(None) };
        let overlay = Arc::new(Mutex::new(self.session.overlay()));
        let (context, input) = (self.tool_context(call, overlay, None), self.input(call));
        let looking = tokio::task::spawn_blocking(move || tool.act(&context, &input));
        match self.or_end(AbortOnDropHandle::new(looking)).await? {
            Ok(Ok(act)) => Ok(act),
            Ok(Err(_)) => Ok(None),
            Err(error) => {
                tracing::error!(%error, tool = %call.tool, "what a call would do is not known");
                Ok(None)
            }
        }
    }
}

impl World for Live {
    fn begin(&self) -> BoxFuture<'_, (TurnStart, Result<SharedModel, End>)> {
        Box::pin(async move {
            let (connector, _) = self.session.settings();
            let gated = self.session.clone();
            let gate = tokio::task::spawn_blocking(move || gated.begin_gate()).await;
            let model = match (gate, self.or_end(connector.model()).await) {
                (Err(error), _) => {
                    tracing::error!(%error, "the rules were not taken in");
                    Err(End::failed("internal", "the turn could not begin: see the log", false))
                }
                (Ok(()), Ok(Ok(model))) => Ok(model),
                (Ok(()), Ok(Err(error))) => Err(failed(&error)),
                (Ok(()), Err(end)) => Err(end),
            };
            let parts = self.session.parts();
            let (provider, name, window, effort) = match &model {
                Ok(model) => {
                    if self.session.recorder().with_meter(Meter::is_long) {
                        let _ = self.or_end(model.told_window()).await;
                    }
                    let _ = self.model.set(Arc::clone(model));
                    let window = model.window().or(parts.config.context.window);
                    (model.provider().to_owned(), model.name().to_owned(), window, model.effort())
                }
                Err(_) => (
                    parts.config.provider.map(|provider| provider.name().to_owned()).unwrap_or_default(),
                    parts.config.model.clone().unwrap_or_default(),
                    None,
                    None,
                ),
            };
            let root = parts.workspace.roots().iter().next().map(|root| root.path.display().to_string());
            let bytes_per_1000_tokens = self.session.counted(&provider, &name).await;
            let (tool_form, lean) = manner(&parts.config, &provider, &name);
            let start = TurnStart {
                tool_form,
                lean,
                task: self.redactor().redact(&self.ask.instruction).into_owned(),
                frontend: parts.frontend,
                provider,
                model: name,
                workspace: root.unwrap_or_default(),
                mode: self.ask.mode,
                permission_mode: self.permission_mode,
                parent: self.ask.parent.clone(),
                bare: self.ask.bare,
                window,
                effort,
                bytes_per_1000_tokens,
                limits: self.limits,
            };
            (start, model)
        })
    }

    fn connect(&self) -> BoxFuture<'_, Result<Option<Connected>, End>> {
        Box::pin(async move {
            if !self.may_call_servers() {
                return Ok(None);
            }
            let connected = self.or_end(self.session.connect_servers(self.permission_mode)).await?;
            if let Some(connected) = &connected {
                let tools = self.session.parts().tools.clone().with_servers(connected.servers.tools());
                let _ = self.tools.set(tools);
            }
            Ok(connected)
        })
    }

    fn context(&self) -> BoxFuture<'_, Result<ContextReceipt, End>> {
        Box::pin(async move {
            let (session, ask, turn) = (self.session.clone(), self.ask.clone(), self.turn.clone());
            let (model, runtime) = (self.model.get().cloned(), tokio::runtime::Handle::current());
            if ask.bare {
                let mut receipt = context_of::bare(&ask).receipt;
                self.redactor().redact_receipt(&mut receipt);
                return Ok(receipt);
            }
            let (form, lean) = model.as_ref().map_or((ToolForm::Native, false), |model| {
                manner(&self.session.parts().config, model.provider(), model.name())
            });
            let gathered = tokio::task::spawn_blocking(move || {
                let ask_model = || model.as_ref().and_then(|model| runtime.block_on(model.told_window()));
                let known = model.as_ref().and_then(|model| model.window());
                context_of::gather(&session, &ask, &turn, &context_of::Window { known, ask: &ask_model }, lean)
            });
            let mut gathered = match self.or_end(AbortOnDropHandle::new(gathered)).await? {
                Ok(gathered) => gathered,
                Err(error) => {
                    tracing::error!(%error, "the context was not assembled");
                    context_of::bare(&self.ask)
                }
            };
            if let Some((before, after)) = gathered.overlay
                && let Err(error) = self.session.commit(&before, &after)
            {
                tracing::warn!(%error, "the comment that asks stays");
            }
            if gathered
                .receipt
                .sections
                .iter()
                .any(|section| section.included && !matches!(section.name.as_str(), "instruction" | "rules"))
            {
                self.session.saw_private();
            }
            if let Some(section) = prompt::mode_section(self.ask.mode, self.permission_mode, self.ask.parent.is_some())
            {
                gathered.receipt.tokens += section.tokens;
                gathered.receipt.sections.push(section);
            }
            if let Some(section) = prompt::answer_section(self.ask.mode, self.permission_mode, form, lean) {
                gathered.receipt.tokens += section.tokens;
                gathered.receipt.sections.push(section);
            }
            self.redactor().redact_receipt(&mut gathered.receipt);
            Ok(gathered.receipt)
        })
    }

    fn proceed(&self) -> Result<(), End> {
        if self.cancel.is_cancelled() {
            return Err(End::cancelled());
        }
        if tokio::time::Instant::now() >= self.deadline {
            return Err(self.out_of_time());
        }
        Ok(())
    }

    fn steering(&self, last: bool) -> Result<Vec<String>, End> {
        self.proceed()?;
        let mut messages = self.session.take_steering(last);
        // What the user decides while the model says its last words waits for the next turn.
        let goes_on = !last || !messages.is_empty();
        messages.extend(if goes_on { self.session.take_review_notes() } else { None });
        Ok(messages.iter().map(|message| self.redactor().redact(message).into_owned()).collect())
    }

    fn respond<'a>(
        &'a self,
        body: Value,
        printed: Printed<'a>,
        hear: &'a Hear<'a>,
    ) -> BoxFuture<'a, Result<Answer, End>> {
        Box::pin(async move {
            match self.model.get() {
                Some(model) => self.stream(Arc::clone(model), body, printed, hear).await,
                None => Err(End::failed("config", "no model", false)),
            }
        })
    }

    fn notes<'a>(&'a self, gone: &'a str, _summary: &'a str) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let left = self.deadline.saturating_duration_since(tokio::time::Instant::now());
            self.or_end(notes::take(&self.session, gone, left)).await.ok().flatten()
        })
    }

    fn permit<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Option<PermissionDecided>, End>> {
        Box::pin(async move {
            let mode = self.permission_mode;
            let input = call.input.clone().unwrap_or_default();
            for act in self.documents_of(call) {
                let request = gate::Request { tool: &call.tool, input: &input, act: &act, mode };
                let decided = self.or_end(self.session.permit_by_rules(request)).await?;
                if decided.as_ref().is_some_and(|decided| decided.decision == Decision::Deny) {
                    return Ok(decided);
                }
            }
            let Some(act) = self.act(call).await? else { return Ok(None) };
            let request = gate::Request { tool: &call.tool, input: &input, act: &act, mode };
            let decided = self.or_end(self.session.permit(request)).await?;
            if decided.decision == Decision::Allow {
                self.permitted.lock().unwrap_or_else(PoisonError::into_inner).insert(call.index, act);
            }
            Ok(Some(decided))
        })
    }

    fn execute(&self, calls: Vec<Call>, left: Left) -> BoxStream<'_, Result<Executed, End>> {
        let tools = self.tools();
        let starts_one = |call: &&Call| tools.get(&call.requested).is_some_and(|tool| tool.needs() == Needs::Subagents);
        self.subagents.share_out(left, calls.iter().filter(starts_one).count());
        let running = stream::iter(calls.into_iter().map(|call| self.run_call(call))).buffer_unordered(SIDE_BY_SIDE);
        stream::unfold(Some(Box::pin(running)), move |running| async move {
            let mut running = running?;
            match self.or_end(running.next()).await {
                Ok(Some(executed)) => Some((Ok(executed), Some(running))),
                Ok(None) => None,
                // Dropping what runs aborts it.
                Err(end) => Some((Err(end), None)),
            }
        })
        .boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<Vec<CheckRan>, End>> {
        Box::pin(async move {
            let overlay = self.session.overlay();
            if overlay == self.overlay_before {
                return Ok(Vec::new());
            }
            let (session, before) = (self.session.clone(), self.overlay_before.clone());
            let checking = tokio::task::spawn_blocking(move || session.check_syntax(&before));
            let check = self.or_end(AbortOnDropHandle::new(checking)).await?.unwrap_or_else(|error| {
                tracing::error!(%error, "what is proposed was not checked");
                None
            });
            let check =
                check.map(|check| CheckRan { output: self.redactor().redact(&check.output).into_owned(), ..check });
            let parses = check.as_ref().is_none_or(|check| check.ok);
            let mut round = Vec::from_iter(check);
            if parses && !self.session.is_aside() && self.is_unchecked(&overlay) {
                round.extend(self.or_end(self.session.run_checks(self.permission_mode, &self.cancel)).await?);
                *self.checked.lock().unwrap_or_else(PoisonError::into_inner) = Some(overlay);
            }
            Ok(round)
        })
    }

    fn proposal(&self) -> BoxFuture<'_, Option<Proposed>> {
        Box::pin(async move {
            self.subagents.farewell().await;
            let session = self.session.clone();
            if session.is_aside() {
                return None;
            }
            let files = tokio::task::spawn_blocking(move || {
                session.commands().rest();
                session.save();
                session.keep_counted();
                session.proposed_files()
            });
            let files = files.await.unwrap_or_else(|error| {
                tracing::error!(%error, "the proposal was not derived");
                Vec::new()
            });
            // What the model did to a file of secrets may have left nothing by which a value is known for one.
            let files: Vec<ProposedFile> = files.into_iter().map(without_values).collect();
            let overlay = self.session.overlay();
            let has_changed = overlay != self.overlay_before;
            if has_changed && self.is_unchecked(&overlay) {
                self.session.forget_checks();
            }
            let proposed = Proposed { files, checks: self.session.checks() };
            (has_changed || !proposed.files.is_empty()).then_some(proposed)
        })
    }

    fn elapsed_ms(&self) -> u64 {
        millis(self.session.parts().clock.monotonic().saturating_sub(self.began))
    }
}

fn failed(error: &ModelError) -> End {
    End::failed(error.kind.code(), error.message.clone(), error.kind.is_retryable())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
