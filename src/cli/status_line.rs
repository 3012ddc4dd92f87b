//! How a turn goes, on standard error: a line that keeps itself current on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use super::describe;
use super::terminal::{ColorChoice, Palette, Style, is_dumb, width};
use super::visible::visible_line;
use crate::event::{Decision, Event, EventKind, PlanItem, Usage};

const FRAMES: [char; 8] = ['⣾', '⣽', '⣻', '⢿', '⡿', '⣟', '⣯', '⣷'];

/// Shows a turn's events as they come.
pub struct Progress {
    palette: Palette,
    /// Keep a last line that changes.
    live: bool,
    shown: bool,
    started: Instant,
    frame: usize,
    step: u32,
    usage: Usage,
    /// So far, as far as it is known.
    cost: Option<f64>,
    /// Nobody is paid for a script.
    is_script: bool,
    doing: String,
    calls: Vec<(String, String)>,
    /// Subagents at work, by their session, and what each is about.
    subagents: Vec<(String, String)>,
    plan: Vec<PlanItem>,
}

impl Progress {
    pub fn new(color: ColorChoice) -> Progress {
        let is_terminal = io::stderr().is_terminal();
        Progress {
            palette: Palette::new(color, is_terminal),
            live: is_terminal && !is_dumb(),
            shown: false,
            started: Instant::now(),
            frame: 0,
            step: 0,
            usage: Usage::default(),
            cost: None,
            is_script: false,
            doing: "starting".to_owned(),
            calls: Vec::new(),
            subagents: Vec::new(),
            plan: Vec::new(),
        }
    }

    /// Whether [`Progress::tick`] has anything to do.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Takes in an event, and tells of it what is worth a line.
    pub fn event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::TurnStart(turn) => {
                self.is_script = turn.provider == "script";
                let model = format!("{}/{}", visible_line(&turn.provider), visible_line(&turn.model));
                self.line(&format!("session {} · {model}", event.session), Style::Dim);
            }
            EventKind::Context(receipt) => {
                // That nothing is selected on a command line is no news; that something was not ready or had no room is.
                let news = |reason: &str| reason.starts_with("not ready") || reason.contains("budget");
                for section in &receipt.sections {
                    if let Some(reason) = section.reason.as_deref().filter(|reason| news(reason)) {
                        let (name, reason) = (visible_line(&section.name), visible_line(reason));
                        self.line(&format!("context: {name}: {reason}"), Style::Dim);
                    }
                }
            }
            EventKind::Mcp(connected) => {
                for server in connected.servers.iter().filter(|server| !server.ok) {
                    let why = describe::headline(server.error.as_deref().unwrap_or_default(), 200);
                    let name = visible_line(&server.server);
                    self.line(&format!("the MCP server {name} does not run: {why}"), Style::Yellow);
                }
            }
            EventKind::ModelRequest(request) => {
                self.step = request.request;
                self.doing = "asking the model".to_owned();
            }
            EventKind::Text(_) => self.doing = "the model answers".to_owned(),
            EventKind::Reasoning(_) => self.doing = "the model thinks".to_owned(),
            EventKind::ModelResponse(response) => {
                self.spend(response.usage, response.cost);
                // The last response is the answer, which stdout gets; what is said before calls is part of the way.
                if !response.tool_calls.is_empty() && !response.text.trim().is_empty() {
                    self.line(&describe::headline(&response.text, 200), Style::Bold);
                }
            }
            EventKind::Plan { items } => {
                // The whole plan once, then what moved.
                let before = std::mem::replace(&mut self.plan, items.clone());
                for item in items.iter().filter(|item| !before.contains(item)) {
                    self.line(&format!("  {} {}", describe::plan_mark(item), visible_line(&item.text)), Style::Cyan);
                }
            }
            EventKind::ToolCall(call) => {
                let words = describe::call(&call.tool, &call.input);
                self.doing.clone_from(&words);
                self.calls.push((call.call.clone(), words));
            }
            EventKind::ToolOutput(part) => {
                if let Some(line) = part.delta.lines().rfind(|line| !line.trim().is_empty()) {
                    self.doing = describe::headline(line, 80);
                }
            }
            EventKind::ToolResult(result) => {
                if let Some(ran) = &result.subagent {
                    self.spend(ran.usage, ran.cost);
                }
                let words = match self.calls.iter().position(|(id, _)| *id == result.call) {
                    Some(index) => self.calls.remove(index).1,
                    None => visible_line(&result.tool).into_owned(),
                };
                let came = describe::result(result.ok, &result.output, result.truncated);
                let came = describe::headline(&came, 120);
                let mark = if result.ok { '✓' } else { '✗' };
                self.line(&format!("  {mark} {words} · {came}"), if result.ok { Style::Dim } else { Style::Yellow });
                self.doing = "asking the model".to_owned();
            }
            EventKind::Permission(decided) if decided.decision == Decision::Deny => {
                let what = describe::call(&decided.tool, &decided.input);
                let by = describe::decided_by(decided);
                self.line(&format!("  ✗ not allowed: {what}, {by}"), Style::Yellow);
            }
            EventKind::Permission(_) | EventKind::Proposal { .. } | EventKind::Review(_) => {}
            EventKind::Check(check) => {
                self.line(&format!("  {}", describe::check(check)), Style::Dim);
            }
            EventKind::Compaction(_) => self.line("the history was made shorter", Style::Dim),
            EventKind::Steer { message } => self.line(&format!("told: {}", visible_line(message)), Style::Dim),
            EventKind::Error(error) => {
                for line in error.message.lines() {
                    self.line(&format!("claw: {}", visible_line(line)), Style::Red);
                }
            }
            EventKind::TurnEnd(end) => {
                let cost = if self.is_script { String::new() } else { describe::and_cost(end.cost, end.usage) };
                let line = format!(
                    "{} · {} · {} · {}{cost}",
                    describe::status(end.status),
                    describe::amount(end.steps.into(), "step"),
                    describe::usage(end.usage),
                    describe::duration(end.duration_ms)
                );
                self.line(&line, Style::Dim);
                self.finish();
            }
        }
        self.draw();
    }

    /// Takes in an event of another session, and tells of a subagent's what is worth a line.
    pub fn subagent(&mut self, event: &Event) {
        match &event.kind {
            EventKind::TurnStart(turn) if turn.is_subagent() => {
                self.subagents.push((
                    event.session.clone(),
                    describe::headline(turn.task.lines().next().unwrap_or_default(), 60),
                ));
            }
            EventKind::ToolCall(call) => {
                if let Some((_, words)) = self.subagents.iter().find(|(session, _)| *session == event.session) {
                    let line = format!("    task \"{words}\": {}", describe::call(&call.tool, &call.input));
                    self.line(&line, Style::Dim);
                }
            }
            EventKind::TurnEnd(_) => self.subagents.retain(|(session, _)| *session != event.session),
            _ => {}
        }
        self.draw();
    }

    /// Moves the live line on.
    pub fn tick(&mut self) {
        self.frame = self.frame.wrapping_add(1);
        self.draw();
    }

    /// Takes the live line away for good.
    pub fn finish(&mut self) {
        self.clear();
        self.live = false;
    }

    /// A line of the front end's own.
    pub fn note(&mut self, text: &str) {
        self.line(text, Style::Yellow);
    }

    fn spend(&mut self, usage: Usage, cost: Option<f64>) {
        self.usage += usage;
        if let Some(cost) = cost {
            self.cost = Some(self.cost.unwrap_or_default() + cost);
        }
    }

    fn line(&mut self, text: &str, style: Style) {
        self.clear();
        let _ = writeln!(io::stderr(), "{}", self.palette.paint(style, text));
    }

    fn clear(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[2K");
            self.shown = false;
        }
    }

    fn draw(&mut self) {
        if !self.live {
            return;
        }
        let frame = FRAMES.get(self.frame % FRAMES.len()).copied().unwrap_or('·');
        let tokens = self.usage.input.saturating_add(self.usage.output);
        let cost = self.cost.map(|cost| format!(" · {}", describe::cost(Some(cost)))).unwrap_or_default();
        let line = format!(
            "{frame} step {} · {} · {}{cost} · {}",
            self.step,
            self.doing,
            describe::amount(tokens, "token"),
            describe::duration(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)),
        );
        let line = describe::headline(&line, width().saturating_sub(1));
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "\r\x1b[2K{}", self.palette.paint(Style::Cyan, line));
        let _ = stderr.flush();
        self.shown = true;
    }
}
