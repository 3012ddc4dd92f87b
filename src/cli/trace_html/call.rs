//! A tool call with what it was given and what came of it.

use std::io::{self, Write};

use serde_json::Value;

use super::markup::{self, MOST, line};
use super::proposal;
use crate::cli::describe;
use crate::event::{ToolCallRequested, ToolCallStarted, ToolResultReturned};

/// What is known of a call when its result comes.
#[derive(Debug)]
pub enum Given<'a> {
    Started(&'a ToolCallStarted),
    /// It never began: refused, malformed or cut.
    Asked(&'a ToolCallRequested),
    Nothing,
}

/// Writes a call and leaves its list item open, for what a subagent did.
pub fn write(out: &mut dyn Write, given: &Given<'_>, result: &ToolResultReturned) -> io::Result<()> {
    let (mark, word, class) = if result.ok { ('✓', "ok", "good") } else { ('✗', "failed", "bad") };
    let words = match given {
        Given::Started(call) => describe::call(&call.tool, &call.input),
        Given::Asked(call) => match serde_json::from_str(&call.arguments) {
            Ok(input) => describe::call(&call.name, &input),
            Err(_) => call.name.clone(),
        },
        Given::Nothing => result.tool.clone(),
    };
    let came = describe::headline(&describe::result(result.ok, &result.output, result.truncated), 90);
    write!(
        out,
        "<li class=\"step call {class}\"><details><summary>\
         <span class=\"mark {class}\" aria-hidden=\"true\">{mark}</span>"
    )?;
    write!(out, "<span class=\"aside\">{word}: </span><code>{}</code> ", line(&describe::headline(&words, 160)))?;
    let took = describe::duration(result.duration_ms);
    writeln!(out, "<span class=\"meta\"><bdi>{}</bdi> · {took}</span></summary>", line(&came))?;
    match given {
        Given::Started(call) => write_input(out, &call.input)?,
        Given::Asked(call) => {
            writeln!(out, "<p class=\"note\">It never began. The model had written:</p>")?;
            markup::pre(out, &call.arguments, MOST)?;
        }
        Given::Nothing => {}
    }
    let cut = if result.truncated { ", cut: the model saw no more of it" } else { "" };
    writeln!(out, "<p class=\"label\">result{cut}</p>")?;
    markup::pre(out, &result.output, MOST)?;
    writeln!(out, "</details>")
}

/// A call without a result: the trace ends before it, or lost it.
pub fn write_unanswered(out: &mut dyn Write, call: &ToolCallStarted) -> io::Result<()> {
    let words = describe::headline(&describe::call(&call.tool, &call.input), 160);
    write!(out, "<li class=\"step call\"><details><summary><span class=\"mark\" aria-hidden=\"true\">…</span>")?;
    writeln!(out, "<code>{}</code> <span class=\"meta\">no result</span></summary>", line(&words))?;
    write_input(out, &call.input)?;
    writeln!(out, "</details></li>")
}

/// What a call was given, field by field. A replacement reads as the change that it is.
pub fn write_input(out: &mut dyn Write, input: &Value) -> io::Result<()> {
    let Value::Object(fields) = input else {
        return markup::pre(out, &serde_json::to_string_pretty(input)?, MOST);
    };
    if fields.is_empty() {
        return Ok(());
    }
    let change = match (fields.get("old_string"), fields.get("new_string")) {
        (Some(Value::String(old)), Some(Value::String(new))) => Some((old, new)),
        _ => None,
    };
    writeln!(out, "<dl class=\"fields\">")?;
    for (name, value) in fields {
        match (name.as_str(), value, change) {
            ("old_string", _, Some((old, new))) => {
                writeln!(out, "<dt>change</dt><dd>")?;
                proposal::write_change(out, old, new)?;
            }
            ("new_string", _, Some(_)) => continue,
            (name, Value::String(text), _) => {
                writeln!(out, "<dt>{}</dt><dd>", line(name))?;
                markup::pre(out, text, MOST)?;
            }
            (name, value, _) => {
                writeln!(out, "<dt>{}</dt><dd>", line(name))?;
                markup::pre(out, &serde_json::to_string_pretty(value)?, MOST)?;
            }
        }
        writeln!(out, "</dd>")?;
    }
    writeln!(out, "</dl>")
}
