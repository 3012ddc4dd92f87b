//! One turn: stream, tool calls, results, again.
//!
//! The loop is `converse`, and it decides everything that can be decided from what it is given. What it can not know comes
//! from a [`World`](super::world::World), so that a replay runs this very code. Each step goes through the recorder, and
//! history is made from what was recorded.

use std::sync::Arc;

use futures::StreamExt;

use super::calls::Call;
use super::checks::SYNTAX;
use super::compaction;
use super::gate;
use super::policy::{CALLS_PER_RESPONSE, End, Policy, cost_unknown, tokens_of};
use super::prompt;
use super::recorder::Recorder;
use super::world::{Answer, Heard, Printed, Proposed, SharedWorld};
use crate::event::{
    CheckRan, Decision, EventKind, ModelResponseReceived, StopReason, ToolCallStarted, ToolForm, ToolResultReturned,
    TurnEnd, TurnStart, TurnStatus,
};
use crate::model::known::rounded;
use crate::model::printed::MALFORMED;
use crate::model::tokenizer::Tokenizer;
use crate::model::{ModelErrorKind, SharedModel, ToolSchema};
use crate::tools::{Effect, Needs, Tools};

/// A turn on its way.
pub(in crate::agent) struct TurnRun {
    world: SharedWorld,
    recorder: Arc<Recorder>,
    tools: Tools,
    start: TurnStart,
    offered: Vec<ToolSchema>,
    policy: Policy,
    cost: Option<f64>,
    /// Something was used at a price that is not known: what the turn costs is not known then either.
    has_unknown_cost: bool,
    /// An edit of this turn has succeeded.
    has_edited: bool,
}

/// How often a turn's model is told that what it proposes is not fit to be shown.
const CHECKS: u32 = 2;

/// How often a small model is asked afresh after an answer of which no edit was taken.
const TRIES: u32 = 2;

/// Steps in which a history is made shorter before one request.
const COMPACTIONS: u32 = 3;

/// What came of the checks of a turn.
#[derive(Default)]
struct Checks {
    /// How often the model was told.
    told: u32,
    /// What is proposed did not parse when it was last told.
    was_broken: bool,
}

/// A call that has been looked at.
enum Vetted {
    Run { call: Call, effect: Effect },
    Refused { call: Call, reason: String },
}

/// Runs a turn from `turn_start` to `turn_end`. `before_the_end_is_seen` runs when the turn is over and nobody knows.
pub(in crate::agent) async fn run(
    world: SharedWorld,
    recorder: Arc<Recorder>,
    tools: Tools,
    before_the_end_is_seen: impl FnOnce(),
) {
    let (start, model) = world.begin().await;
    let mut turn = TurnRun {
        offered: prompt::offered(&tools, &start),
        policy: Policy::new(start.limits),
        cost: None,
        has_unknown_cost: false,
        has_edited: false,
        world,
        recorder,
        tools,
        start,
    };
    turn.recorder.record(EventKind::TurnStart(turn.start.clone()));
    let end = match model {
        Ok(model) => turn.converse(&model).await.unwrap_or_else(|end| end),
        Err(end) => end,
    };
    turn.finish(end, before_the_end_is_seen).await;
}

impl TurnRun {
    async fn converse(&mut self, model: &SharedModel) -> Result<End, End> {
        self.connect().await?;
        let receipt = self.world.context().await?;
        self.recorder.record(EventKind::Context(receipt));
        let mut checks = Checks::default();
        let mut may_ask_for_files = true;
        let mut tries = 0;
        loop {
            self.take_steering(false)?;
            let answer = self.ask(model).await?;
            let stop_reason = answer.stop_reason;
            let calls = self.recorder.with_conversation(|conversation| conversation.open_calls());
            if calls.is_empty() {
                if end_of(stop_reason).is_ok() && self.misses_files() {
                    if (1..TRIES).contains(&tries) {
                        self.recorder.record(EventKind::Check(prompt::afresh("it held no file", false)));
                        tries += 1;
                        continue;
                    }
                    if tries == 0 && std::mem::take(&mut may_ask_for_files) {
                        self.recorder.record(EventKind::Check(prompt::no_file()));
                        continue;
                    }
                }
                if end_of(stop_reason).is_ok() && self.check(&mut checks).await? {
                    continue;
                }
                if self.take_steering(true)? {
                    continue;
                }
                return end_of(stop_reason);
            }
            let may_end = self.are_last(&calls);
            self.run_calls(calls, stop_reason).await?;
            if let Some(refused) = self.refused().filter(|_| may_end) {
                if tries == TRIES {
                    return Err(came_to_nothing(&refused));
                }
                self.recorder.record(EventKind::Check(prompt::afresh(&refused, tries == 0)));
                tries += 1;
                continue;
            }
            if may_end && self.recorder.with_conversation(|conversation| conversation.has_succeeded()) {
                if self.check(&mut checks).await? || self.take_steering(true)? {
                    continue;
                }
                return Ok(End::done());
            }
        }
    }

    /// Takes in the tools of MCP servers, for this turn.
    async fn connect(&mut self) -> Result<(), End> {
        let Some(connected) = self.world.connect().await? else { return Ok(()) };
        for decided in connected.decided {
            self.recorder.record(EventKind::Permission(decided));
        }
        self.tools = std::mem::replace(&mut self.tools, Tools::none()).with_servers(connected.servers.tools());
        self.offered = prompt::offered(&self.tools, &self.start);
        self.recorder.record(EventKind::Mcp(connected.servers));
        Ok(())
    }

    /// Whether these calls, if they succeed, are all there is to be done. A small model that was shown the files and has written
    /// them anew has nothing to add: asked again it says less than nothing, and often undoes what it did.
    fn are_last(&self, calls: &[Call]) -> bool {
        let form = self.recorder.with_conversation(|conversation| conversation.form());
        let edits = |call: &Call| self.tools.get(&call.requested).is_some_and(|tool| tool.effect() == Effect::Edits);
        self.start.lean && form == ToolForm::Whole && calls.iter().all(edits)
    }

    /// Whether an answer without a file is one that should have had one: a small model that has said what it changes often stops there.
    fn misses_files(&self) -> bool {
        let form = self.recorder.with_conversation(|conversation| conversation.form());
        let may_edit = prompt::may(Effect::Edits, self.start.mode, self.start.permission_mode);
        let is_question = self.start.task.trim_end().ends_with('?');
        let expects_files = self.start.lean && form == ToolForm::Whole && may_edit && !is_question;
        expects_files && !self.has_edited && self.policy.has_request_left()
    }

    /// Why nothing came of the last answer, where nothing has come of the turn yet and it may be asked again.
    fn refused(&self) -> Option<String> {
        let refused = self.recorder.with_conversation(|conversation| conversation.refused().map(str::to_owned));
        refused.filter(|_| !self.has_edited && self.policy.has_request_left())
    }

    /// Whether what is proposed is not fit to be shown, and the model is told so. After [`CHECKS`] times, or where no request
    /// is left, it is shown as it is, with its flags.
    async fn check(&mut self, checks: &mut Checks) -> Result<bool, End> {
        let round = self.world.check().await?;
        let go_on = round.iter().any(CheckRan::is_told) && checks.told < CHECKS && self.policy.has_request_left();
        checks.told += u32::from(go_on);
        for check in round {
            let untold = check.untold || (check.is_told() && !go_on);
            if check.command == SYNTAX {
                // Whether something parses is worth a word only where the model is told, or was.
                let is_news = (go_on && check.is_told()) || (check.ok && checks.was_broken);
                if !is_news {
                    continue;
                }
                checks.was_broken = !check.ok;
            }
            self.recorder.record(EventKind::Check(CheckRan { untold, ..check }));
        }
        Ok(go_on)
    }

    /// Sends what the conversation holds now, and takes in the answer. A stream that was cut is asked for once more: nothing
    /// of it has been run. One that was refused because it offers tools goes out again with the tools in words.
    async fn ask(&mut self, model: &SharedModel) -> Result<Answer, End> {
        let mut may_repeat = true;
        loop {
            let request = self.policy.admit_request()?;
            self.compact().await;
            let (body, form) = self.recorder.with_conversation(|history| {
                let form = history.form();
                (model.body(&prompt::request(history.messages(), &self.offered, form, self.start.lean)), form)
            });
            let body = Arc::new(self.recorder.redacted(body));
            let tokens = self.recorder.record_request(request, &body);
            let recorder = &self.recorder;
            let hear = |heard| match heard {
                Heard::Text(delta) => recorder.stream_text(&delta),
                Heard::Reasoning(delta) => recorder.stream_reasoning(&delta),
                Heard::Notice(error) => {
                    recorder.record(EventKind::Error(error));
                }
            };
            let printed = Printed { form, tools: &self.offered };
            match self.world.respond(Arc::unwrap_or_clone(body), printed, &hear).await {
                Ok(answer) => {
                    self.account(&answer, tokens);
                    self.record_answer(request, answer.clone());
                    self.tell_unknown_cost(&answer);
                    return Ok(answer);
                }
                Err(End { error: Some(error), .. })
                    if form.is_native() && error.code == ModelErrorKind::NoTools.code() && !self.offered.is_empty() =>
                {
                    self.recorder.record(EventKind::Error(error));
                }
                Err(End { error: Some(error), .. }) if error.code == "cut" && may_repeat => {
                    may_repeat = false;
                    self.recorder.record(EventKind::Error(error));
                }
                Err(end) => return Err(end),
            }
        }
    }

    /// Makes the history shorter where the request would not fit the window.
    async fn compact(&self) {
        // Each does something, or it is not done; old output goes first, then all but the latest messages.
        let per_1000 = self.bytes_per_1000_tokens().await;
        for _ in 0..COMPACTIONS {
            let next = self.recorder.with_conversation(|history| {
                let compacted = history.compaction(&self.offered, self.start.window, per_1000)?;
                Some((compaction::going(history.messages(), &compacted), compacted))
            });
            let Some((going, mut compacted)) = next else { return };
            if let Some(gone) = going
                && let Some(notes) = self.world.notes(&gone, &compacted.summary).await
            {
                compacted = compaction::with_notes(compacted, &notes, per_1000);
            }
            self.recorder.record(EventKind::Compaction(compacted));
        }
    }

    /// How many bytes a thousand tokens have: as the provider has counted, or where it has not and it matters, by the model's own
    /// vocabulary.
    async fn bytes_per_1000_tokens(&self) -> u64 {
        let (estimate, has_counted) =
            self.recorder.with_meter(|meter| (meter.bytes_per_1000_tokens(), meter.has_counted()));
        let Some(tokenizer) = Tokenizer::of(&self.start.model).filter(|_| !has_counted) else { return estimate };
        let said = self.recorder.with_conversation(|history| {
            let messages = history.messages();
            let is_near = compaction::is_near(messages, &self.offered, self.start.window, estimate);
            is_near.then(|| compaction::said(messages))
        });
        let Some(said) = said else { return estimate };
        let bytes = u64::try_from(said.len()).unwrap_or(u64::MAX);
        // It takes its time to load and to count.
        match tokio::task::spawn_blocking(move || tokenizer.count(&said)).await {
            Ok(tokens) => self.recorder.with_meter(|meter| meter.bytes_per_1000_of(bytes, tokens)),
            Err(_) => estimate,
        }
    }

    /// Runs the calls of one response: reads side by side, everything else one after the other, in the order of the calls.
    async fn run_calls(&mut self, calls: Vec<Call>, stop_reason: StopReason) -> Result<(), End> {
        let mut reads = Vec::new();
        for call in calls {
            let vetted = match self.vet(call, stop_reason) {
                Ok(vetted) => vetted,
                Err(end) => {
                    self.execute(reads).await?;
                    return Err(end);
                }
            };
            match vetted {
                Vetted::Run { call, effect: Effect::Reads } => {
                    if self.is_permitted(&call).await? {
                        reads.push(call);
                    }
                }
                Vetted::Run { call, effect: Effect::Edits | Effect::Runs } => {
                    self.execute(std::mem::take(&mut reads)).await?;
                    if self.is_permitted(&call).await? {
                        self.execute(vec![call]).await?;
                    }
                }
                Vetted::Refused { call, reason } => {
                    self.execute(std::mem::take(&mut reads)).await?;
                    let reason = [Some(reason), call.note.clone()].into_iter().flatten().collect::<Vec<_>>().join("\n");
                    self.world.proceed()?;
                    self.record_unrun(&call, reason);
                }
            }
        }
        self.execute(reads).await
    }

    /// Whether a call may run. One that may not has its result already.
    async fn is_permitted(&mut self, call: &Call) -> Result<bool, End> {
        let Some(decided) = self.world.permit(call).await? else { return Ok(true) };
        let is_allowed = decided.decision == Decision::Allow;
        self.recorder.record(EventKind::Permission(decided.clone()));
        if !is_allowed {
            self.world.proceed()?;
            self.record_unrun(call, gate::refusal(&decided));
        }
        Ok(is_allowed)
    }

    async fn execute(&mut self, calls: Vec<Call>) -> Result<(), End> {
        for call in &calls {
            self.world.proceed()?;
            self.recorder.record(EventKind::ToolCall(ToolCallStarted {
                call: call.id.clone(),
                tool: call.tool.clone(),
                input: call.input.clone().unwrap_or_default(),
            }));
        }
        let world = Arc::clone(&self.world);
        let mut results = world.execute(calls.clone(), self.policy.left());
        while let Some(executed) = results.next().await {
            let executed = executed?;
            let call = calls.iter().find(|call| call.id == executed.result.call);
            if let Some(call) = call.filter(|_| executed.result.ok) {
                self.policy.succeeded(&call.fingerprint);
            }
            if let Some(ran) = &executed.result.subagent {
                self.spend(ran.tokens, ran.cost);
            }
            let edits =
                |call: &Call| self.tools.get(&call.requested).is_some_and(|tool| tool.effect() == Effect::Edits);
            self.has_edited |= executed.result.ok && call.is_some_and(edits);
            self.recorder.record(EventKind::ToolResult(executed.result));
            // Calls side by side all see that one of them changed the plan.
            let is_news = |items: &Vec<_>| self.recorder.with_conversation(|history| history.plan() != items);
            if let Some(items) = executed.plan.filter(is_news) {
                self.recorder.record(EventKind::Plan { items });
            }
        }
        Ok(())
    }

    /// Whether a call is run, and if not what the model is told.
    fn vet(&mut self, mut call: Call, stop_reason: StopReason) -> Result<Vetted, End> {
        let tool = self.tools.get(&call.requested).filter(|tool| prompt::has(tool.as_ref(), &self.start));
        let needs = tool.map(|tool| tool.needs());
        let effect = tool.map(|tool| tool.effect());
        call.note = self.policy.admit_call(&call.fingerprint, effect)?;
        let refused = |reason: String| Vetted::Refused { call: call.clone(), reason };
        if call.index >= CALLS_PER_RESPONSE {
            return Ok(refused(format!(
                "not run: one response may hold {CALLS_PER_RESPONSE} calls. Make the others in the next one."
            )));
        }
        match stop_reason {
            StopReason::End | StopReason::ToolCalls | StopReason::Unknown => {}
            StopReason::Length => {
                return Ok(refused(
                    "not run: your response was cut at the output limit, so this call may not be whole. Make it again, in \
                     smaller pieces."
                        .to_owned(),
                ));
            }
            StopReason::ContentFilter => {
                return Ok(refused("not run: the provider's content filter stopped your response.".to_owned()));
            }
        }
        if call.requested == MALFORMED {
            return Ok(refused(
                "not run: what you printed is no whole call. Print it again, as the manual of the tools shows it."
                    .to_owned(),
            ));
        }
        let Some(effect) = effect else {
            let names: Vec<&str> = self.offered.iter().map(|tool| tool.name.as_str()).collect();
            return Ok(refused(format!(
                "not run: there is no tool `{}`. The tools are: {}.",
                call.shown_name(),
                names.join(", ")
            )));
        };
        if !prompt::may(effect, self.start.mode, self.start.permission_mode) {
            return Ok(refused(format!(
                "not run: `{}` changes something, and this turn may only read. Say in your answer what you would change.",
                call.tool
            )));
        }
        if let Err(problem) = &call.input {
            return Ok(refused(format!(
                "not run: the arguments are not one whole JSON object: {problem}. Make the call again with arguments that fit \
                 the tool's schema."
            )));
        }
        if needs == Some(Needs::Subagents)
            && let Some(reason) = self.policy.admit_child()?
        {
            return Ok(refused(reason));
        }
        Ok(Vetted::Run { call, effect })
    }

    fn take_steering(&mut self, last: bool) -> Result<bool, End> {
        let messages = self.world.steering(last)?;
        let any = !messages.is_empty();
        for message in messages {
            self.recorder.record(EventKind::Steer { message });
        }
        Ok(any)
    }

    /// Counts what an answer used.
    fn account(&mut self, answer: &Answer, request_estimate: u64) {
        let Answer { usage, text, reasoning, tool_calls, cost, .. } = answer;
        self.spend(tokens_of(*usage, text, reasoning, tool_calls, request_estimate), *cost);
    }

    fn spend(&mut self, tokens: u64, cost: Option<f64>) {
        match cost {
            Some(cost) => self.cost = Some(rounded(self.cost.unwrap_or_default() + cost)),
            None => self.has_unknown_cost |= tokens > 0,
        }
        self.policy.spend(tokens, cost);
    }

    /// A limit that can not hold is told, once in a session.
    fn tell_unknown_cost(&self, answer: &Answer) {
        if self.start.limits.cost.is_some()
            && answer.cost.is_none()
            && !self.recorder.with_conversation(|conversation| conversation.cost_is_unknown())
        {
            self.recorder.record(EventKind::Error(cost_unknown(&self.start.model)));
        }
    }

    fn record_answer(&mut self, request: u32, answer: Answer) {
        self.recorder.record(EventKind::ModelResponse(ModelResponseReceived {
            request,
            text: answer.text,
            reasoning: answer.reasoning,
            tool_calls: answer.tool_calls,
            stop_reason: answer.stop_reason,
            usage: answer.usage,
            cost: answer.cost,
            ttft_ms: answer.ttft_ms,
            latency_ms: answer.latency_ms,
            attempts: answer.attempts,
            opaque: answer.opaque,
            as_text: answer.as_text,
        }));
    }

    fn record_unrun(&self, call: &Call, reason: String) {
        self.recorder.record(EventKind::ToolResult(ToolResultReturned {
            call: call.id.clone(),
            tool: call.tool.clone(),
            ok: false,
            output: reason,
            truncated: false,
            duration_ms: 0,
            subagent: None,
        }));
    }

    /// Every call gets its result and the user a reason, however the turn ended.
    async fn finish(self, end: End, before_the_end_is_seen: impl FnOnce()) {
        if let Some(error) = end.error {
            self.recorder.record(EventKind::Error(error));
        }
        for call in self.recorder.with_conversation(|conversation| conversation.open_calls()) {
            self.record_unrun(&call, unrun_because(end.status).to_owned());
        }
        if let Some(Proposed { files, checks }) = self.world.proposal().await {
            self.recorder.record(EventKind::Proposal { files, checks });
        }
        let (steps, usage, answer) = self.recorder.with_conversation(|conversation| conversation.turn_so_far());
        let cost = self.cost.filter(|_| !self.has_unknown_cost);
        let end = TurnEnd { status: end.status, answer, steps, usage, cost, duration_ms: self.world.elapsed_ms() };
        self.recorder.end_turn(EventKind::TurnEnd(end), before_the_end_is_seen);
    }
}

/// The end of a turn whose model was asked as often as it may be.
fn came_to_nothing(refused: &str) -> End {
    let why = refused.lines().next().unwrap_or_default();
    End::limit(
        "loop",
        format!("stopped: no edit of the model could be taken ({why}). Ask for less at once, or another model"),
    )
}

/// What an answer without calls means for the turn.
fn end_of(stop_reason: StopReason) -> Result<End, End> {
    match stop_reason {
        StopReason::End | StopReason::ToolCalls | StopReason::Unknown => Ok(End::done()),
        StopReason::Length => Err(End::limit(
            "length",
            "the answer was cut at the model's output limit: ask it to go on, or for less at once",
        )),
        StopReason::ContentFilter => Err(End::failed(
            "content_filter",
            "the provider's content filter stopped the answer: ask in other words",
            false,
        )),
    }
}

/// The result of a call that was open when its turn ended.
pub(in crate::agent) fn unrun_because(status: TurnStatus) -> &'static str {
    match status {
        TurnStatus::Done | TurnStatus::Limit => "not finished: the turn reached a limit.",
        TurnStatus::Cancelled => "not finished: the user cancelled the turn.",
        TurnStatus::Failed => "not finished: the turn failed.",
    }
}
