//! `claw trace --html`: a session as one page that needs nothing else, neither a server nor the network.
//!
//! Everything in a trace may have been written by somebody hostile. So its text passes [`markup`], which leaves a parser nothing to
//! act on, and stands between tags only; and should that ever fail, the page's own policy lets one style and one script run, known
//! by their hashes, and nothing be loaded. The page is written event by event: a trace may be larger than memory should hold.
//!
//! This module must never know where the page goes.

mod body;
mod call;
mod markup;
mod overview;
mod proposal;
mod spent;
mod steps;
mod turns;

use std::io::{self, Write};

use self::markup::{line, plain};
use self::overview::Overview;
use self::turns::{Turns, when};
use super::describe;
use crate::store::{SessionSummary, Store};

const STYLE: &str = include_str!("trace_html/style.css");
const SCRIPT: &str = include_str!("trace_html/script.js");

/// The SHA-256 of [`STYLE`] and of [`SCRIPT`], as a policy names them. A test holds them together.
const STYLE_HASH: &str = "sha256-SfWz3H+NET7aifOgIRTHY2hqG/iziOYujZSZwgQnNHM=";
const SCRIPT_HASH: &str = "sha256-AVL4lZKYQg3rWxk6r2lp82VZ2cwDqkB6tWECsSH4zn8=";

/// Writes the page of a session. `warning` is what the user should know about its trace.
pub fn write(out: &mut dyn Write, store: &Store, id: &str, warning: Option<&str>) -> io::Result<()> {
    let seen = Overview::of(store.stream(id)?)?;
    // A trace without the start of a turn has no summary, and still something to show.
    let summary = store.summary(id).ok();
    let title = summary.as_ref().map_or(id, |summary| summary.title.as_str());
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{STYLE_HASH}'; \
         script-src '{SCRIPT_HASH}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        plain(title),
    )?;
    write_head(out, id, title, summary.as_ref(), &seen, warning)?;
    write_contents(out, &seen)?;
    writeln!(out, "<main id=\"turns\">")?;
    Turns::new(store, id, &seen).write(out)?;
    if seen.events == 0 {
        writeln!(out, "<p class=\"note\">No event of it can be read.</p>")?;
    }
    let version = env!("CARGO_PKG_VERSION");
    writeln!(
        out,
        "</main>\n<footer class=\"meta\">Written by claw {version}. It loads nothing, and nothing in it \
         links to the web.</footer>"
    )?;
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

fn write_head(
    out: &mut dyn Write,
    id: &str,
    title: &str,
    summary: Option<&SessionSummary>,
    seen: &Overview,
    warning: Option<&str>,
) -> io::Result<()> {
    writeln!(out, "<a class=\"skip\" href=\"#turns\">To the turns</a>\n<header>\n<h1><bdi>{}</bdi></h1>", line(title))?;
    if let Some(warning) = warning {
        writeln!(out, "<p class=\"warning\" role=\"note\">{}</p>", line(warning))?;
    }
    writeln!(out, "<dl class=\"facts\">")?;
    let mut fact = |name: &str, value: &str| writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    if let Some(summary) = summary {
        fact("status", &steps::status(seen.turns.last().and_then(|turn| turn.status)))?;
        let models: Vec<String> = seen.models.iter().map(|model| format!("<bdi>{}</bdi>", line(model))).collect();
        fact("model", &models.join(", "))?;
        fact("mode", &line(&Vec::from_iter(seen.modes.iter().map(String::as_str)).join("; ")).to_string())?;
        let count = |number: usize, what: &str| describe::amount(number as u64, what);
        let made = [count(seen.turns.len(), "turn"), count(seen.answers.len(), "request")].join(" · ");
        fact("made", &made)?;
        let used = summary.usage;
        fact("used", &format!("{}{}", describe::usage(used), describe::and_cost(summary.cost, used)))?;
        let failures = match seen.failures {
            0 => String::new(),
            failures => format!(" · <span class=\"bad\">{}</span>", describe::amount(failures, "failure")),
        };
        fact("worked", &format!("{}{failures}", describe::duration(seen.duration_ms())))?;
        fact("when", &format!("{} to {} UTC", when(&summary.started), when(&summary.updated)))?;
        fact("folder", &format!("<code>{}</code>", line(&summary.workspace)))?;
        if let Some(parent) = &summary.parent {
            fact("for session", &format!("<code>{}</code>", line(parent)))?;
        }
    }
    fact("session", &format!("<code>{}</code>", line(id)))?;
    writeln!(out, "</dl>\n</header>")
}

/// The list of turns, and what helps to look through them. The latter needs the script, which shows it.
fn write_contents(out: &mut dyn Write, seen: &Overview) -> io::Result<()> {
    writeln!(
        out,
        "<search id=\"tools\" hidden>\n<label>Filter \
         <input type=\"search\" id=\"filter\" autocomplete=\"off\"></label>\n\
         <label><input type=\"checkbox\" id=\"failures\"> failures only</label>\n\
         <button type=\"button\" id=\"expand\">Expand all</button>\n\
         <button type=\"button\" id=\"collapse\">Collapse all</button>\n\
         <span id=\"told\" role=\"status\" class=\"meta\"></span>\n</search>"
    )?;
    if seen.turns.len() < 2 {
        return Ok(());
    }
    let turns = describe::amount(seen.turns.len() as u64, "turn");
    let open = if seen.turns.len() <= 20 { " open" } else { "" };
    writeln!(out, "<nav aria-label=\"Turns\"><details{open}><summary>{turns}</summary>\n<ol>")?;
    for (index, turn) in seen.turns.iter().enumerate() {
        let took = turn.duration_ms.map(|took| format!(" <span class=\"meta\">{}</span>", describe::duration(took)));
        writeln!(
            out,
            "<li><a href=\"#turn-{}\"><bdi>{}</bdi></a> {}{}</li>",
            index + 1,
            line(&turn.headline),
            steps::status(turn.status),
            took.unwrap_or_default(),
        )?;
    }
    writeln!(out, "</ol></details></nav>")
}
