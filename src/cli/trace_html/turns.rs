//! The turns of a session, written event by event: nothing of an event is kept but what the next ones need.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;

use serde_json::Value;

use super::body::Bodies;
use super::call::{self, Given};
use super::markup::{self, MOST, block, line};
use super::overview::{Answered, Overview, TurnSeen};
use super::spent::Doing;
use super::{proposal, steps};
use crate::cli::describe;
use crate::event::{
    Event, EventKind, ModelRequestSent, ModelResponseReceived, PlanItem, SubagentRan, ToolCallRequested,
    ToolCallStarted, ToolResultReturned, TurnEnd, TurnStart,
};
use crate::store::Store;

/// Turns that are all open when the page is; of more only the last is.
const FEW: usize = 12;

/// What is open in the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Nothing,
    Turn,
    Request,
}

/// Writes the turns of one session.
pub struct Turns<'a> {
    store: &'a Store,
    session: &'a str,
    seen: &'a Overview,
    /// A subagent's turns lie in the call that asked for them.
    within: bool,
    open: Open,
    turn: usize,
    request: usize,
    started: Vec<ToolCallStarted>,
    asked: Vec<ToolCallRequested>,
    plan: Vec<PlanItem>,
    /// What the model said last, to tell an answer that stands there already.
    said: String,
    bodies: Bodies,
    /// Subagents that stand on the page: each is written once, however often a trace names it.
    shown: BTreeSet<String>,
}

impl<'a> Turns<'a> {
    pub fn new(store: &'a Store, session: &'a str, seen: &'a Overview) -> Turns<'a> {
        Turns {
            store,
            session,
            seen,
            within: false,
            open: Open::Nothing,
            turn: 0,
            request: 0,
            started: Vec::new(),
            asked: Vec::new(),
            plan: Vec::new(),
            said: String::new(),
            bodies: Bodies::default(),
            shown: BTreeSet::new(),
        }
    }

    pub fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        for event in self.store.stream(self.session)? {
            self.add(out, &event?)?;
        }
        self.close(out, Open::Nothing)
    }

    fn add(&mut self, out: &mut dyn Write, event: &Event) -> io::Result<()> {
        match &event.kind {
            EventKind::TurnStart(start) => return self.begin_turn(out, start, &event.time),
            EventKind::Text(_) | EventKind::Reasoning(_) | EventKind::ToolOutput(_) => return Ok(()),
            // A call is written when its result is there.
            EventKind::ToolCall(started) => {
                self.started.push(started.clone());
                return Ok(());
            }
            _ => self.ensure_turn(out)?,
        }
        match &event.kind {
            EventKind::ModelRequest(request) => self.begin_request(out, request),
            EventKind::ModelResponse(response) => self.respond(out, response),
            EventKind::ToolResult(result) => self.end_call(out, result),
            EventKind::Plan { items } => {
                let before = std::mem::replace(&mut self.plan, items.clone());
                steps::plan(out, items, &before)
            }
            EventKind::Permission(decided) => steps::permission(out, decided),
            EventKind::TurnEnd(end) => self.end_turn(out, end),
            other => {
                self.close(out, Open::Turn)?;
                match other {
                    EventKind::Mcp(connected) => steps::servers(out, connected),
                    EventKind::Context(receipt) => steps::context(out, receipt),
                    EventKind::Check(check) => steps::check(out, check),
                    EventKind::Proposal { files, checks } => proposal::write(out, files, checks, self.seen),
                    EventKind::Review(review) => steps::review(out, review),
                    EventKind::Compaction(done) => steps::compaction(out, done),
                    EventKind::Steer { message } => steps::steer(out, message),
                    EventKind::Error(error) => steps::error(out, error),
                    _ => Ok(()),
                }
            }
        }
    }

    fn begin_turn(&mut self, out: &mut dyn Write, start: &TurnStart, time: &str) -> io::Result<()> {
        self.close(out, Open::Nothing)?;
        self.turn += 1;
        self.plan.clear();
        self.said.clear();
        let seen = self.seen.turns.get(self.turn - 1);
        let headline = describe::headline(&start.task, 100);
        self.open_turn(out, &format!("Turn {}: ", self.turn), &headline, seen)?;
        let effort = start.effort.map(|effort| format!(" · effort {}", word(&effort))).unwrap_or_default();
        writeln!(
            out,
            "<p class=\"meta\">{} · <bdi>{}/{}</bdi> · {} · permissions {}{effort} · {} UTC</p>",
            word(&start.frontend),
            line(&start.provider),
            line(&start.model),
            word(&start.mode),
            word(&start.permission_mode),
            when(time),
        )?;
        if headline != start.task {
            write_prose(out, "task", &start.task)?;
        }
        if let Some(turn) = seen {
            write_spent(out, turn)?;
        }
        writeln!(out, "<ol class=\"steps\">")
    }

    /// Opens a turn down to where what is told of it goes.
    fn open_turn(&mut self, out: &mut dyn Write, lead: &str, title: &str, seen: Option<&TurnSeen>) -> io::Result<()> {
        self.open = Open::Turn;
        let open = if self.within || self.seen.turns.len() <= FEW || self.turn == self.seen.turns.len() {
            " open"
        } else {
            ""
        };
        let (id, heading) = match self.within {
            true => (String::new(), "h4"),
            false => (format!(" id=\"turn-{}\"", self.turn), "h2"),
        };
        write!(out, "<section class=\"turn\"{id}><details{open}><summary>")?;
        write!(out, "<{heading}>{lead}<bdi>{}</bdi></{heading}>", line(title))?;
        if let Some(seen) = seen {
            write!(out, " {}", steps::status(seen.status))?;
        }
        writeln!(out, "</summary>")
    }

    /// A trace that was cut at its head still has a place where things hang.
    fn ensure_turn(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.open != Open::Nothing {
            return Ok(());
        }
        self.open_turn(out, "", "What has no turn", None)?;
        writeln!(out, "<ol class=\"steps\">")
    }

    fn end_turn(&mut self, out: &mut dyn Write, end: &TurnEnd) -> io::Result<()> {
        self.close(out, Open::Turn)?;
        for call in std::mem::take(&mut self.started) {
            call::write_unanswered(out, &call)?;
        }
        let cost = describe::and_cost(end.cost, end.usage);
        writeln!(
            out,
            "<li class=\"step end\"><span class=\"tag\">end</span> {} <span class=\"meta\">{} · {} · {}{cost}</span>",
            steps::status(Some(end.status)),
            describe::amount(end.steps.into(), "request"),
            describe::usage(end.usage),
            describe::duration(end.duration_ms),
        )?;
        if end.answer.trim() != self.said.trim() {
            write_prose(out, "answer", &end.answer)?;
        }
        writeln!(out, "</li>")
    }

    fn begin_request(&mut self, out: &mut dyn Write, request: &ModelRequestSent) -> io::Result<()> {
        self.close(out, Open::Turn)?;
        self.open = Open::Request;
        let answer = self.seen.answers.get(self.request).copied().flatten();
        self.request += 1;
        let heading = if self.within { "h5" } else { "h3" };
        write!(out, "<li class=\"request\"><{heading}>Request {}</{heading}> <span class=\"meta\">", request.request)?;
        match &answer {
            Some(answer) => write!(out, "{}", answered(answer))?,
            None => write!(out, "no answer")?,
        }
        writeln!(out, "</span>")?;
        let about = describe::count(request.tokens_estimate);
        write!(out, "<details class=\"body\"><summary>what was sent <span class=\"meta\">about {about} tokens")?;
        if let Some(prefix) = &request.prefix {
            let (same, of) = (describe::count(prefix.bytes), describe::count(prefix.of));
            write!(out, " · {same} of {of} bytes as in the request before")?;
            if let Some(broken) = &prefix.broken {
                write!(out, "; what changed: {}", line(broken))?;
            }
        }
        writeln!(out, "</span></summary>")?;
        self.write_body(out, request)?;
        writeln!(out, "</details>\n<ol class=\"steps\">")
    }

    fn write_body(&mut self, out: &mut dyn Write, request: &ModelRequestSent) -> io::Result<()> {
        let bytes = match (&request.body, &request.blob) {
            (Some(body), _) => return self.bodies.write(out, Arc::clone(body)),
            (None, Some(hash)) => self.store.blob(self.session, hash),
            (None, None) => return writeln!(out, "<p class=\"note\">The trace does not hold it.</p>"),
        };
        match bytes.as_deref().map(serde_json::from_slice::<Value>) {
            Ok(Ok(body)) => self.bodies.write(out, Arc::new(body)),
            Ok(Err(_)) => markup::pre(out, &String::from_utf8_lossy(&bytes.unwrap_or_default()), MOST),
            Err(error) => writeln!(out, "<p class=\"note\">It can not be read: {}.</p>", line(&error.to_string())),
        }
    }

    fn respond(&mut self, out: &mut dyn Write, response: &ModelResponseReceived) -> io::Result<()> {
        if !response.reasoning.trim().is_empty() {
            writeln!(
                out,
                "<li class=\"step\"><details><summary><span class=\"tag\">thinks</span> \
                 <span class=\"meta\"><bdi>{}</bdi></span></summary>",
                line(&describe::headline(&response.reasoning, 90))
            )?;
            markup::pre(out, &response.reasoning, MOST)?;
            writeln!(out, "</details></li>")?;
        }
        if !response.text.trim().is_empty() {
            write!(out, "<li class=\"step\">")?;
            write_prose(out, "says", &response.text)?;
            writeln!(out, "</li>")?;
        }
        self.said.clone_from(&response.text);
        self.asked.clone_from(&response.tool_calls);
        Ok(())
    }

    fn end_call(&mut self, out: &mut dyn Write, result: &ToolResultReturned) -> io::Result<()> {
        let at = self.started.iter().position(|call| call.call == result.call);
        let started = at.map(|at| self.started.remove(at));
        let given = match (&started, self.asked.iter().find(|call| call.id == result.call)) {
            (Some(started), _) => Given::Started(started),
            (None, Some(asked)) => Given::Asked(asked),
            (None, None) => Given::Nothing,
        };
        call::write(out, &given, result)?;
        if let Some(ran) = &result.subagent {
            self.write_subagent(out, ran)?;
        }
        writeln!(out, "</li>")
    }

    /// The session of a subagent in the call that asked for it. Subagents have none themselves.
    fn write_subagent(&mut self, out: &mut dyn Write, ran: &SubagentRan) -> io::Result<()> {
        let cost = describe::and_cost(ran.cost, ran.usage);
        write!(
            out,
            "<details class=\"subagent\"><summary><span class=\"tag\">subagent</span> <code>{}</code> {} \
             <span class=\"meta\">{} · {}{cost}</span></summary>",
            line(&ran.session),
            steps::status(Some(ran.status)),
            describe::amount(ran.steps.into(), "request"),
            describe::usage(ran.usage),
        )?;
        let is_new = !self.within && ran.session != self.session && self.shown.insert(ran.session.clone());
        match is_new.then(|| self.store.stream(&ran.session).and_then(Overview::of)) {
            Some(Ok(seen)) => {
                let mut turns = Turns { within: true, ..Turns::new(self.store, &ran.session, &seen) };
                turns.write(out)?;
            }
            Some(Err(_)) => writeln!(out, "<p class=\"note\">Its session is no longer kept.</p>")?,
            None => writeln!(out, "<p class=\"note\">It is not shown here: <code>claw trace</code> takes its id.</p>")?,
        }
        writeln!(out, "</details>")
    }

    /// Closes what is open down to `until`.
    fn close(&mut self, out: &mut dyn Write, until: Open) -> io::Result<()> {
        if self.open == Open::Request && until != Open::Request {
            writeln!(out, "</ol></li>")?;
            self.open = Open::Turn;
        }
        if self.open == Open::Turn && until == Open::Nothing {
            for call in std::mem::take(&mut self.started) {
                call::write_unanswered(out, &call)?;
            }
            writeln!(out, "</ol></details></section>")?;
            self.open = Open::Nothing;
        }
        Ok(())
    }
}

/// What an answer took: `3,930 tokens in, 102 out · 1.2 s, the first word after 320 ms`.
fn answered(answer: &Answered) -> String {
    let mut words = describe::usage(answer.usage);
    if let Some(cost) = answer.cost {
        words.push_str(&format!(" · {}", describe::cost(Some(cost))));
    }
    let (took, first) = (describe::duration(answer.latency_ms), describe::duration(answer.ttft_ms));
    words.push_str(&format!(" · {took}, the first word after {first}"));
    if answer.attempts > 1 {
        words.push_str(&format!(" · {} attempts", answer.attempts));
    }
    if let Some(stopped) = steps::stopped(answer.stop_reason) {
        words.push_str(&format!(" · {stopped}"));
    }
    if answer.as_text {
        words.push_str(" · it printed its calls");
    }
    words
}

/// Words of the model or the user, whole.
fn write_prose(out: &mut dyn Write, what: &str, text: &str) -> io::Result<()> {
    let shown = text.get(..crate::text::floor_char_boundary(text, MOST)).unwrap_or_default();
    if !shown.trim().is_empty() {
        writeln!(out, "<p class=\"label\">{what}</p>\n<p class=\"prose\">{}</p>", block(shown))?;
    }
    markup::cut(out, shown, text)
}

/// What the time went into, as a bar and in words.
fn write_spent(out: &mut dyn Write, turn: &TurnSeen) -> io::Result<()> {
    let total = turn.spent.total();
    if total == 0 {
        return Ok(());
    }
    // Thousandths, each bound from the sum before it: what is rounded does not add up.
    let at = |time: u64| u128::from(time) * 1000 / u128::from(total);
    writeln!(
        out,
        "<div class=\"spent\"><svg viewBox=\"0 0 1000 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
    )?;
    let mut before = 0_u64;
    for (doing, time) in &turn.spent.stretches {
        let start = at(before);
        before = before.saturating_add(*time);
        let width = at(before).saturating_sub(start);
        if width > 0 {
            write!(out, "<rect class=\"{}\" x=\"{start}\" width=\"{width}\" height=\"8\"/>", doing.class())?;
        }
    }
    write!(out, "</svg>\n<p class=\"meta\">")?;
    for doing in Doing::ALL {
        let time = turn.spent.of(doing);
        if time > 0 {
            write!(
                out,
                "<span class=\"key {}\">{} {}</span> ",
                doing.class(),
                doing.words(),
                describe::duration(time)
            )?;
        }
    }
    writeln!(out, "</p></div>")
}

/// `2026-11-03 10:00:07`, from the time of an event.
pub fn when(time: &str) -> String {
    line(&time.get(..19).unwrap_or(time).replacen('T', " ", 1)).to_string()
}

/// A word of the event schema.
pub fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
