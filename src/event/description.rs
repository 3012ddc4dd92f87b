//! Events in one line each, for people: the library's `step.description()`, the terminal and the trace tree.

use serde_json::Value;

use super::{
    ChangeKind, DecidedBy, Decision, EventKind, HunkState, ProposedFile, ReviewDecision, StopReason, TurnStatus,
};

/// Characters a quoted piece of text may have.
const QUOTE: usize = 100;

/// One line, without control characters.
pub(super) fn describe(kind: &EventKind) -> String {
    match kind {
        EventKind::TurnStart(start) => quote(&start.task),
        EventKind::Context(receipt) => {
            let included: Vec<&str> = receipt
                .sections
                .iter()
                .filter(|section| section.included)
                .map(|section| section.name.as_str())
                .collect();
            let left_out = receipt.sections.len() - included.len();
            let rest = if left_out > 0 { format!("; {left_out} left out") } else { String::new() };
            format!("about {} tokens: {}{rest}", receipt.tokens, included.join(", "))
        }
        EventKind::ModelRequest(request) => {
            format!("request {}, about {} tokens", request.request, request.tokens_estimate)
        }
        EventKind::Text(part) | EventKind::Reasoning(part) => quote(&part.delta),
        EventKind::ToolOutput(part) => quote(&part.delta),
        EventKind::ModelResponse(response) => {
            let mut parts = Vec::new();
            if !response.text.trim().is_empty() {
                parts.push(quote(&response.text));
            }
            if !response.tool_calls.is_empty() {
                parts.push(count(response.tool_calls.len(), "tool call"));
            }
            match response.stop_reason {
                StopReason::End | StopReason::ToolCalls => {}
                StopReason::Length => parts.push("cut at the output limit".to_owned()),
                StopReason::ContentFilter => parts.push("stopped by the provider's content filter".to_owned()),
                StopReason::Unknown => parts.push("stopped for an unknown reason".to_owned()),
            }
            if parts.is_empty() {
                parts.push("nothing".to_owned());
            }
            parts.join("; ")
        }
        EventKind::Plan { items } => {
            let done = items.iter().filter(|item| item.status == super::PlanStatus::Done).count();
            let active = items.iter().find(|item| item.status == super::PlanStatus::Active);
            let now = active.map(|item| format!(": {}", quote(&item.text))).unwrap_or_default();
            format!("{done} of {} done{now}", items.len())
        }
        EventKind::Permission(permission) => {
            let decision = match permission.decision {
                Decision::Allow => "allowed",
                Decision::Deny => "denied",
            };
            let by = match permission.by {
                DecidedBy::Mode => "by the permission mode",
                DecidedBy::Rule => "by rule",
                DecidedBy::User => "by the user",
                DecidedBy::Timeout => "because nobody answered",
            };
            let rule = permission.rule.as_deref().map(|rule| format!(" {}", quote(rule))).unwrap_or_default();
            format!("{} {decision} {by}{rule}", call(&permission.tool, &permission.input))
        }
        EventKind::Mcp(connected) => {
            let tools = connected.tools().count();
            let failed = connected.servers.iter().filter(|server| !server.ok);
            let failed: Vec<String> = failed
                .map(|server| {
                    format!(
                        ", {} does not run: {}",
                        clean(&server.server),
                        quote(server.error.as_deref().unwrap_or_default())
                    )
                })
                .collect();
            format!("{} of {}{}", count(tools, "tool"), count(connected.servers.len(), "MCP server"), failed.concat())
        }
        EventKind::ToolCall(started) => call(&started.tool, &started.input),
        EventKind::ToolResult(result) => {
            // The number of an empty line says nothing.
            let lines = || result.output.lines().filter(|line| !line.trim().is_empty());
            let telling = lines().find(|line| line.contains(char::is_alphabetic));
            let first = telling.or_else(|| lines().next()).unwrap_or_default();
            let failed = if result.ok { "" } else { " failed" };
            format!("{}{failed}: {}", clean(&result.tool), quote(first))
        }
        EventKind::Check(check) => {
            let outcome = match (check.not_run, check.ok, check.before) {
                (true, ..) => "was not run",
                (false, true, _) => "passed",
                (false, false, Some(true)) if check.untold => "failed, as before",
                (false, false, _) => "failed",
            };
            format!("{} {outcome}", quote(&check.command))
        }
        EventKind::Proposal { files, .. } => proposal(files),
        EventKind::Review(review) => {
            let decision = match review.decision {
                ReviewDecision::Accepted => "accepted",
                ReviewDecision::Rejected => "rejected",
                ReviewDecision::Edited => "edited",
                ReviewDecision::Conflict => "in conflict",
                ReviewDecision::Undone => "undone",
            };
            let unverified = if review.verified { "" } else { ", not seen in the text" };
            format!("hunk {} {decision} by {}{unverified}", clean(&review.hunk), clean(&review.by))
        }
        EventKind::Compaction(compaction) => {
            format!("history from {} to {} tokens", compaction.tokens_before, compaction.tokens_after)
        }
        EventKind::Steer { message } => quote(message),
        EventKind::Error(error) => format!("{}: {}", clean(&error.code), quote(&error.message)),
        EventKind::TurnEnd(end) => {
            let status = match end.status {
                TurnStatus::Done => "done",
                TurnStatus::Cancelled => "cancelled",
                TurnStatus::Failed => "failed",
                TurnStatus::Limit => "stopped at a limit",
            };
            let tokens = end.usage.input.saturating_add(end.usage.output);
            let cost = end.cost.map(|cost| format!(", ${cost:.4}")).unwrap_or_default();
            format!(
                "{status} after {}, {tokens} tokens{cost}, {} ms",
                count(end.steps as usize, "model request"),
                end.duration_ms
            )
        }
    }
}

/// `read_file src/main.rs`: the tool and the argument that tells most.
fn call(tool: &str, input: &Value) -> String {
    const TELLING: [&str; 10] =
        ["path", "from", "pattern", "symbol", "query", "command", "url", "glob", "question", "description"];
    let argument = TELLING.iter().find_map(|name| input.get(name).and_then(Value::as_str));
    match argument {
        Some(argument) => format!("{} {}", clean(tool), quote(argument)),
        None => clean(tool),
    }
}

fn proposal(files: &[ProposedFile]) -> String {
    if files.is_empty() {
        return "no changes".to_owned();
    }
    let hunks: usize = files.iter().map(|file| file.hunks.len()).sum();
    let conflicts = files.iter().flat_map(|file| &file.hunks).filter(|hunk| hunk.state == HunkState::Conflict).count();
    let names: Vec<String> = files
        .iter()
        .map(|file| {
            let name = if file.path.is_empty() { &file.uri } else { &file.path };
            let change = match file.change {
                ChangeKind::Edit => "",
                ChangeKind::Create => " (new)",
                ChangeKind::Delete => " (deleted)",
                ChangeKind::Rename => " (renamed)",
            };
            format!("{}{change}", clean(name))
        })
        .collect();
    let conflicts = if conflicts > 0 { format!(", {conflicts} in conflict") } else { String::new() };
    format!("{} in {}{conflicts}: {}", count(hunks, "hunk"), count(files.len(), "file"), quote(&names.join(", ")))
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// One line of at most [`QUOTE`] characters.
fn quote(text: &str) -> String {
    let words = clean(text);
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(QUOTE) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
        None => words,
    }
}

/// Without characters that steer a terminal or reorder text.
fn clean(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' | '\r' => ' ',
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            other if other.is_control() => '\u{fffd}',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ErrorReported, ToolCallStarted, ToolResultReturned};

    #[test]
    fn one_line_each_and_no_control_characters() {
        let call = EventKind::ToolCall(ToolCallStarted {
            call: "c".to_owned(),
            tool: "read_file".to_owned(),
            input: serde_json::json!({"limit": 3, "path": "src/\u{1b}[2Jmain.rs"}),
        });
        assert_eq!(describe(&call), "read_file src/\u{fffd}[2Jmain.rs");
        let result = EventKind::ToolResult(ToolResultReturned {
            call: "c".to_owned(),
            tool: "read_file".to_owned(),
            ok: false,
            output: "\n   13\t\nno such\tfile\nmore".to_owned(),
            truncated: false,
            duration_ms: 1,
            subagent: None,
        });
        assert_eq!(describe(&result), "read_file failed: no such file");
        let error =
            EventKind::Error(ErrorReported { code: "connect".to_owned(), message: "x".repeat(300), retryable: true });
        assert_eq!(describe(&error).chars().count(), "connect: ".len() + QUOTE + 1);
    }
}
