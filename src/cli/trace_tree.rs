//! A session as a tree: turns, the requests in each, the calls in each request, and what came of it all.

use std::io::{self, Write};

use super::describe;
use super::terminal::{Palette, Style};
use super::visible::visible_line;
use crate::event::{Decision, Event, EventKind, PlanItem, ReviewDecision, TurnStatus};

/// A line with what hangs beneath it.
#[derive(Debug, Default)]
struct Node {
    text: String,
    children: Vec<Node>,
}

/// Writes `events`, which are one session's in order.
pub fn write(out: &mut dyn Write, palette: Palette, events: &[Event]) -> io::Result<()> {
    for root in &Builder::new(palette).build(events) {
        writeln!(out, "{}", root.text)?;
        write_children(out, palette, root, "")?;
    }
    Ok(())
}

fn write_children(out: &mut dyn Write, palette: Palette, node: &Node, indent: &str) -> io::Result<()> {
    for (index, child) in node.children.iter().enumerate() {
        let is_last = index + 1 == node.children.len();
        let (branch, deeper) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        writeln!(out, "{}{}", palette.paint(Style::Dim, format_args!("{indent}{branch}")), child.text)?;
        write_children(out, palette, child, &format!("{indent}{deeper}"))?;
    }
    Ok(())
}

/// Builds the tree as events come: the last turn and its last request are where things hang.
struct Builder {
    palette: Palette,
    turns: Vec<Node>,
    /// Calls that have started: the words to show when the result comes.
    started: Vec<(String, String)>,
    plan: Vec<PlanItem>,
    in_request: bool,
}

impl Builder {
    fn new(palette: Palette) -> Builder {
        Builder { palette, turns: Vec::new(), started: Vec::new(), plan: Vec::new(), in_request: false }
    }

    fn build(mut self, events: &[Event]) -> Vec<Node> {
        for event in events {
            self.add(event);
        }
        self.turns
    }

    fn add(&mut self, event: &Event) {
        let palette = self.palette;
        match &event.kind {
            EventKind::TurnStart(turn) => {
                let task = palette.paint(Style::Bold, describe::headline(&turn.task, 80));
                let number = self.turns.len() + 1;
                let model = format!("{}/{}", visible_line(&turn.provider), visible_line(&turn.model));
                let when = palette.paint(Style::Dim, format!("{model} · {}", event.time));
                self.turns.push(Node { text: format!("turn {number}: {task}  {when}"), children: Vec::new() });
                self.in_request = false;
            }
            EventKind::Context(receipt) => self.under_turn(format!("context {}", describe::context(receipt))),
            EventKind::Mcp(connected) => {
                for server in &connected.servers {
                    let name = visible_line(&server.server);
                    let came = match &server.error {
                        None => describe::amount(server.tools.len() as u64, "tool"),
                        Some(error) => palette.paint(Style::Red, describe::headline(error, 120)).to_string(),
                    };
                    self.under_turn(format!("MCP server {name} · {came}"));
                }
            }
            EventKind::ModelRequest(request) => {
                let tokens = describe::count(request.tokens_estimate);
                self.under_turn(format!("request {} · about {tokens} tokens", request.request));
                self.in_request = true;
            }
            EventKind::Text(_) | EventKind::Reasoning(_) | EventKind::ToolOutput(_) => {}
            EventKind::ModelResponse(response) => {
                let took = describe::duration(response.latency_ms);
                if let Some(request) = self.request() {
                    request.text = format!(
                        "request {} · {} · {took}{}",
                        response.request,
                        describe::usage(response.usage),
                        if response.attempts > 1 {
                            format!(" · {} attempts", response.attempts)
                        } else {
                            String::new()
                        },
                    );
                }
                if !response.text.trim().is_empty() {
                    let said = describe::headline(&response.text, 90);
                    self.under_request(format!("{} {said}", palette.paint(Style::Dim, "says")));
                }
            }
            EventKind::Plan { items } => {
                // The whole plan once, then what moved.
                let before = std::mem::replace(&mut self.plan, items.clone());
                let children = items
                    .iter()
                    .filter(|item| !before.contains(item))
                    .map(|item| Node {
                        text: format!("{} {}", describe::plan_mark(item), visible_line(&item.text)),
                        children: Vec::new(),
                    })
                    .collect();
                self.hang(Node { text: "plan".to_owned(), children });
            }
            EventKind::Permission(asked) => {
                let decision = match asked.decision {
                    Decision::Allow => palette.paint(Style::Green, "allowed"),
                    Decision::Deny => palette.paint(Style::Red, "denied"),
                };
                let by = palette.paint(Style::Dim, describe::decided_by(asked));
                self.under_request(format!(
                    "permission {}: {decision} {by}",
                    describe::call(&asked.tool, &asked.input)
                ));
            }
            EventKind::ToolCall(call) => {
                self.started.push((call.call.clone(), describe::call(&call.tool, &call.input)));
            }
            EventKind::ToolResult(result) => {
                let words = match self.started.iter().position(|(id, _)| *id == result.call) {
                    Some(index) => self.started.remove(index).1,
                    None => visible_line(&result.tool).into_owned(),
                };
                let mark = match result.ok {
                    true => palette.paint(Style::Green, "✓"),
                    false => palette.paint(Style::Red, "✗"),
                };
                let came = describe::headline(&describe::result(result.ok, &result.output, result.truncated), 90);
                let came = palette.paint(Style::Dim, format!("{came} · {}", describe::duration(result.duration_ms)));
                let children = result.subagent.iter().map(|ran| Node {
                    text: format!(
                        "subagent {} · {} · {} · {}",
                        visible_line(&ran.session),
                        describe::status(ran.status),
                        describe::amount(ran.steps.into(), "request"),
                        describe::usage(ran.usage)
                    ),
                    children: Vec::new(),
                });
                self.hang(Node { text: format!("{mark} {words}  {came}"), children: children.collect() });
            }
            EventKind::Check(check) => {
                self.under_turn(describe::check(check));
            }
            EventKind::Proposal { files, checks } => {
                let files_of = files.iter().map(|file| {
                    let hunks = describe::amount(file.hunks.len() as u64, "hunk");
                    let name = visible_line(if file.path.is_empty() { &file.uri } else { &file.path });
                    let text = format!("{} {name} · {hunks}", describe::change(file.change));
                    Node { text, children: Vec::new() }
                });
                let told = describe::checks(checks).map(|text| Node { text, children: Vec::new() });
                let children = files_of.chain(told).collect();
                self.in_request = false;
                self.hang(Node { text: format!("proposal {}", describe::proposal(files)), children });
            }
            EventKind::Review(review) => {
                let decision = match review.decision {
                    ReviewDecision::Accepted => palette.paint(Style::Green, "accepted"),
                    ReviewDecision::Rejected => palette.paint(Style::Red, "rejected"),
                    ReviewDecision::Edited => palette.paint(Style::Yellow, "edited"),
                    ReviewDecision::Conflict => palette.paint(Style::Yellow, "in conflict"),
                    ReviewDecision::Undone => palette.paint(Style::Yellow, "undone"),
                };
                let verified = if review.verified { "" } else { ", not seen in the text" };
                let (hunk, by) = (visible_line(&review.hunk), visible_line(&review.by));
                self.under_turn(format!("hunk {hunk} {decision} by {by}{verified}"));
            }
            EventKind::Compaction(done) => self.under_turn(format!(
                "compaction {} to {} tokens",
                describe::count(done.tokens_before),
                describe::count(done.tokens_after)
            )),
            EventKind::Steer { message } => {
                self.under_turn(format!("steered: {}", describe::headline(message, 90)));
            }
            EventKind::Error(error) => {
                let code = palette.paint(Style::Red, format!("error {}", visible_line(&error.code)));
                self.under_turn(format!("{code}: {}", describe::headline(&error.message, 160)));
            }
            EventKind::TurnEnd(end) => {
                self.in_request = false;
                let style = if end.status == TurnStatus::Done { Style::Green } else { Style::Red };
                let status = palette.paint(style, describe::status(end.status));
                let cost = describe::and_cost(end.cost, end.usage);
                let came = format!(
                    "{} · {} · {}{cost}",
                    describe::amount(end.steps.into(), "request"),
                    describe::usage(end.usage),
                    describe::duration(end.duration_ms)
                );
                let answer = (!end.answer.trim().is_empty()).then(|| Node {
                    text: format!("{} {}", palette.paint(Style::Dim, "answer"), describe::headline(&end.answer, 90)),
                    children: Vec::new(),
                });
                self.hang(Node { text: format!("{status} · {came}"), children: answer.into_iter().collect() });
            }
        }
    }

    /// The request that is at work, if the turn has made one.
    fn request(&mut self) -> Option<&mut Node> {
        if !self.in_request {
            return None;
        }
        self.turns.last_mut()?.children.iter_mut().rev().find(|node| node.text.starts_with("request "))
    }

    fn under_turn(&mut self, text: String) {
        self.in_request = false;
        self.hang(Node { text, children: Vec::new() });
    }

    fn under_request(&mut self, text: String) {
        self.hang(Node { text, children: Vec::new() });
    }

    fn hang(&mut self, node: Node) {
        if let Some(request) = self.request() {
            request.children.push(node);
        } else if let Some(turn) = self.turns.last_mut() {
            turn.children.push(node);
        } else {
            // A trace that was cut at its head: show what there is.
            self.turns.push(node);
        }
    }
}
