//! The lesser events of a turn, an item of its list each.

use std::io::{self, Write};

use super::call;
use super::markup::{self, MOST, block, line};
use super::proposal;
use crate::cli::describe;
use crate::event::{
    CheckRan, Compacted, ContextReceipt, Decision, ErrorReported, McpConnected, PermissionDecided, PlanItem,
    PlanStatus, ReviewDecided, StopReason, TurnStatus,
};

/// How a turn ended, as a pill. Without an end it is at work, or was cut off.
pub fn status(status: Option<TurnStatus>) -> String {
    let (word, class) = match status {
        Some(TurnStatus::Done) => ("done", "good"),
        Some(TurnStatus::Cancelled) => ("cancelled", "odd"),
        Some(TurnStatus::Failed) => ("failed", "bad"),
        Some(TurnStatus::Limit) => ("stopped at a limit", "odd"),
        None => ("unfinished", "odd"),
    };
    format!("<span class=\"pill {class}\">{word}</span>")
}

/// Why an answer ended, where that is worth a word.
pub fn stopped(reason: StopReason) -> Option<&'static str> {
    match reason {
        StopReason::End | StopReason::ToolCalls => None,
        StopReason::Length => Some("cut at the output limit"),
        StopReason::ContentFilter => Some("stopped by the provider's content filter"),
        StopReason::Unknown => Some("stopped for an unknown reason"),
    }
}

/// What the first request holds, and what was left out and why.
pub fn context(out: &mut dyn Write, receipt: &ContextReceipt) -> io::Result<()> {
    let included = receipt.sections.iter().filter(|section| section.included).count();
    let left_out = receipt.sections.len() - included;
    writeln!(
        out,
        "<li class=\"step\"><details><summary><span class=\"tag\">context</span> {} of {} tokens \
         <span class=\"meta\">{}, {} left out</span></summary>\n<table>\n\
         <thead><tr><th scope=\"col\">section</th><th scope=\"col\">from</th>\
         <th scope=\"col\" class=\"number\">tokens</th>\
         <th scope=\"col\">sent</th><th scope=\"col\">why</th></tr></thead>\n<tbody>",
        describe::count(receipt.tokens),
        describe::count(receipt.budget),
        describe::amount(included as u64, "section"),
        describe::count(left_out as u64),
    )?;
    for section in &receipt.sections {
        writeln!(
            out,
            "<tr{}><th scope=\"row\">{}</th><td>{}</td><td class=\"number\">{}</td><td>{}</td><td>{}</td></tr>",
            if section.included { "" } else { " class=\"out\"" },
            line(&section.name),
            line(&section.source),
            describe::count(section.tokens),
            if section.included { "yes" } else { "no" },
            line(section.reason.as_deref().unwrap_or_default()),
        )?;
    }
    writeln!(out, "</tbody></table>")?;
    for section in &receipt.sections {
        if let Some(text) = &section.text {
            writeln!(out, "<details><summary>{}</summary>", line(&section.name))?;
            markup::pre(out, text, MOST)?;
            writeln!(out, "</details>")?;
        }
    }
    writeln!(out, "</details></li>")
}

/// What MCP servers offer to the turn, and which do not run.
pub fn servers(out: &mut dyn Write, connected: &McpConnected) -> io::Result<()> {
    for server in &connected.servers {
        let (class, came) = match &server.error {
            None => ("", describe::amount(server.tools.len() as u64, "tool")),
            Some(error) => (" bad", describe::headline(error, 160)),
        };
        writeln!(
            out,
            "<li class=\"step{class}\"><details><summary><span class=\"tag\">MCP server</span> <code>{}</code> \
             <span class=\"meta\"><bdi>{}</bdi></span></summary>",
            line(&server.server),
            line(&came),
        )?;
        for tool in &server.tools {
            writeln!(out, "<p class=\"label\">{}</p>", line(&tool.tool))?;
            writeln!(out, "<p class=\"prose\">{}</p>", block(&tool.description))?;
            call::write_input(out, &tool.parameters)?;
        }
        for left_out in &server.left_out {
            writeln!(out, "<p class=\"meta\">not offered: {}</p>", line(left_out))?;
        }
        writeln!(out, "</details></li>")?;
    }
    Ok(())
}

/// What moved in a plan.
pub fn plan(out: &mut dyn Write, items: &[PlanItem], before: &[PlanItem]) -> io::Result<()> {
    let done = items.iter().filter(|item| item.status == PlanStatus::Done).count();
    writeln!(
        out,
        "<li class=\"step\"><span class=\"tag\">plan</span> {done} of {} done\n<ul class=\"plan\">",
        items.len()
    )?;
    for item in items.iter().filter(|item| !before.contains(item)) {
        let (mark, text) = (describe::plan_mark(item), line(&item.text));
        let status = match item.status {
            PlanStatus::Pending => "pending",
            PlanStatus::Active => "active",
            PlanStatus::Done => "done",
        };
        writeln!(
            out,
            "<li class=\"{status}\"><span aria-hidden=\"true\">{mark}</span> \
             <span class=\"aside\">{status}: </span>{text}</li>"
        )?;
    }
    writeln!(out, "</ul></li>")
}

pub fn permission(out: &mut dyn Write, decided: &PermissionDecided) -> io::Result<()> {
    let (word, class) = match decided.decision {
        Decision::Allow => ("allowed", "good"),
        Decision::Deny => ("denied", "bad"),
    };
    let what = describe::headline(&describe::call(&decided.tool, &decided.input), 160);
    writeln!(
        out,
        "<li class=\"step\"><details><summary><span class=\"tag\">permission</span> <code>{}</code> \
         <span class=\"pill {class}\">{word}</span> <span class=\"meta\"><bdi>{}</bdi></span></summary>",
        line(&what),
        line(&describe::decided_by(decided)),
    )?;
    call::write_input(out, &decided.input)?;
    writeln!(out, "</details></li>")
}

pub fn check(out: &mut dyn Write, check: &CheckRan) -> io::Result<()> {
    let class = match (check.ok, check.not_run) {
        (true, _) => "good",
        (false, true) => "odd",
        (false, false) => "bad",
    };
    let words = describe::check(check);
    let words = words.strip_prefix("check ").unwrap_or(&words);
    writeln!(
        out,
        "<li class=\"step {class}\"><details><summary><span class=\"tag\">check</span> \
         <span class=\"{class}\"><bdi>{}</bdi></span></summary>",
        line(words)
    )?;
    markup::pre(out, &check.output, MOST)?;
    writeln!(out, "</details></li>")
}

pub fn review(out: &mut dyn Write, review: &ReviewDecided) -> io::Result<()> {
    let (word, class) = proposal::decided(review.decision);
    let unseen = if review.verified { "" } else { ", not seen in the text" };
    write!(
        out,
        "<li class=\"step\"><span class=\"tag\">review</span> hunk <code>{}</code> \
         <span class=\"pill {class}\">{word}</span> by {}{unseen}",
        line(&review.hunk),
        line(&review.by),
    )?;
    if let Some(reason) = &review.reason {
        write!(out, "<p class=\"prose\">{}</p>", block(reason))?;
    }
    writeln!(out, "</li>")
}

pub fn compaction(out: &mut dyn Write, done: &Compacted) -> io::Result<()> {
    let (before, after) = (describe::count(done.tokens_before), describe::count(done.tokens_after));
    writeln!(
        out,
        "<li class=\"step\"><details><summary><span class=\"tag\">compaction</span> \
         {before} to {after} tokens</summary>"
    )?;
    markup::pre(out, &done.summary, MOST)?;
    writeln!(out, "<p class=\"label\">kept</p>")?;
    markup::pre(out, &serde_json::to_string_pretty(&done.kept)?, MOST)?;
    writeln!(out, "</details></li>")
}

pub fn steer(out: &mut dyn Write, message: &str) -> io::Result<()> {
    writeln!(out, "<li class=\"step\"><span class=\"tag\">steered</span><p class=\"prose\">{}</p></li>", block(message))
}

pub fn error(out: &mut dyn Write, error: &ErrorReported) -> io::Result<()> {
    let again = if error.retryable { " <span class=\"meta\">can be tried again</span>" } else { "" };
    writeln!(
        out,
        "<li class=\"step bad\"><span class=\"tag\">error</span> <strong class=\"bad\">{}</strong>{again}\
         <p class=\"prose\">{}</p></li>",
        line(&error.code),
        block(&error.message),
    )
}
