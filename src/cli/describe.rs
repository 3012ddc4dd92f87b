//! One line about an event, a call, an amount: the words that progress, traces and lists share.

use serde_json::Value;

use super::visible::visible_line;
use crate::event::{
    ChangeKind, CheckRan, ContextReceipt, DecidedBy, PermissionDecided, PlanItem, PlanStatus, ProposalCheck,
    ProposedFile, TurnStatus, Usage,
};
use crate::tools::files_of_patch;

/// A call as a person would say it: `edit_file src/slug.py`, `search /def slug/ in src`.
pub fn call(tool: &str, input: &Value) -> String {
    let field = |name: &str| input.get(name).and_then(Value::as_str);
    let place = |text: String| match field("path").or(field("glob")) {
        Some(path) if !path.is_empty() => format!("{text} in {path}"),
        _ => text,
    };
    let words = match tool {
        "search" => place(format!("search /{}/", field("pattern").unwrap_or_default())),
        "symbols" | "references" => match field("query").or(field("symbol")) {
            Some(name) => place(format!("{tool} {name}")),
            None => joined(tool, field("path")),
        },
        "list_files" => joined(tool, field("glob").or(field("path"))),
        "move_file" => format!("move_file {} to {}", field("from").unwrap_or("?"), field("to").unwrap_or("?")),
        "apply_patch" => joined(tool, Some(&files_of_patch(field("patch").unwrap_or_default()).join(", "))),
        "update_plan" => match input.get("items").and_then(Value::as_array) {
            Some(items) => format!("update_plan {}", amount(items.len() as u64, "item")),
            None => tool.to_owned(),
        },
        "read_file" => match (field("path"), input.get("offset").and_then(Value::as_u64)) {
            (Some(path), Some(line)) => format!("read_file {path}:{line}"),
            (path, _) => joined(tool, path),
        },
        other => {
            match ["path", "command", "url", "query", "description", "question"].iter().find_map(|name| field(name)) {
                Some(what) => format!("{other} {what}"),
                None if input.as_object().is_none_or(serde_json::Map::is_empty) => other.to_owned(),
                None => format!("{other} {input}"),
            }
        }
    };
    visible_line(&words).into_owned()
}

fn joined(tool: &str, what: Option<&str>) -> String {
    match what {
        Some(what) if !what.is_empty() => format!("{tool} {what}"),
        _ => tool.to_owned(),
    }
}

/// What a result came to, in a few words: its size, or for a failure its first line.
pub fn result(ok: bool, output: &str, truncated: bool) -> String {
    let lines = output.lines().count();
    let first = visible_line(output.lines().find(|line| !line.trim().is_empty()).unwrap_or_default());
    match (ok, lines) {
        (false, _) => first.into_owned(),
        (true, 0) => "nothing".to_owned(),
        (true, 1) if first.len() <= 80 => first.into_owned(),
        (true, _) => format!("{}{}", amount(lines as u64, "line"), if truncated { ", cut" } else { "" }),
    }
}

/// Who decided about a call, and why: `by rule shell(cargo test *)`, `by the user`.
pub fn decided_by(decided: &PermissionDecided) -> String {
    let by = match decided.by {
        DecidedBy::Mode => "by the permission mode",
        DecidedBy::Rule => "by rule",
        DecidedBy::User => "by the user",
        DecidedBy::Timeout => "because nobody answered",
    };
    match (&decided.rule, decided.by) {
        (None, _) => by.to_owned(),
        (Some(rule), DecidedBy::Rule) => format!("{by} {}", visible_line(rule)),
        (Some(rule), DecidedBy::Mode | DecidedBy::User | DecidedBy::Timeout) => {
            format!("{by} ({})", visible_line(rule))
        }
    }
}

/// `1 hunk in 1 file`, `3 hunks in 2 files`.
pub fn proposal(files: &[ProposedFile]) -> String {
    let hunks: usize = files.iter().map(|file| file.hunks.len()).sum();
    format!("{} in {}", amount(hunks as u64, "hunk"), amount(files.len() as u64, "file"))
}

/// `check cargo test passes`, `check npm test not run: …`.
pub fn check(check: &CheckRan) -> String {
    let outcome = match (check.not_run, check.ok, check.before) {
        (true, ..) => headline(check.output.lines().next().unwrap_or_default(), 120),
        (false, true, _) => "passes".to_owned(),
        (false, false, Some(true)) if check.untold => "fails, as before".to_owned(),
        (false, false, _) => "fails".to_owned(),
    };
    format!("check {} {outcome}", visible_line(&check.command))
}

/// `checks: cargo check -q ✓`; `None` where there are none.
pub fn checks(checks: &[ProposalCheck]) -> Option<String> {
    let all: Vec<String> = checks.iter().map(|check| visible_line(&check.shown()).into_owned()).collect();
    (!all.is_empty()).then(|| format!("checks: {}", all.join(", ")))
}

/// The sections of the first request, with what each took, and what stayed out.
pub fn context(receipt: &ContextReceipt) -> String {
    let mut words = format!("{} of {} tokens", count(receipt.tokens), count(receipt.budget));
    let names = |included: bool| {
        let sections = receipt.sections.iter().filter(|section| section.included == included);
        sections
            .map(|section| match (&section.reason, included) {
                (Some(reason), false) => format!("{} ({})", section.name, visible_line(reason)),
                _ => section.name.clone(),
            })
            .collect::<Vec<_>>()
            .join(", ")
    };
    for (lead, list) in [(": ", names(true)), ("; left out: ", names(false))] {
        if !list.is_empty() {
            words.push_str(lead);
            words.push_str(&list);
        }
    }
    words
}

pub fn plan_mark(item: &PlanItem) -> char {
    match item.status {
        PlanStatus::Pending => '○',
        PlanStatus::Active => '◐',
        PlanStatus::Done => '●',
    }
}

pub fn status(status: TurnStatus) -> &'static str {
    match status {
        TurnStatus::Done => "done",
        TurnStatus::Cancelled => "cancelled",
        TurnStatus::Failed => "failed",
        TurnStatus::Limit => "stopped at a limit",
    }
}

pub fn change(change: ChangeKind) -> &'static str {
    match change {
        ChangeKind::Edit => "edit",
        ChangeKind::Create => "create",
        ChangeKind::Delete => "delete",
        ChangeKind::Rename => "rename",
    }
}

/// `1,203 tokens in, 45 out`.
pub fn usage(usage: Usage) -> String {
    let cached = if usage.cached > 0 { format!(" ({} cached)", count(usage.cached)) } else { String::new() };
    format!("{} tokens in{cached}, {} out", count(usage.input), count(usage.output))
}

/// `$0.0123`, or that nobody knows.
pub fn cost(cost: Option<f64>) -> String {
    cost.map_or_else(|| "cost unknown".to_owned(), |cost| format!("${cost:.4}"))
}

/// What a turn cost, behind what else is told of it. Nothing of one that used nothing.
pub fn and_cost(cost: Option<f64>, usage: Usage) -> String {
    let used = usage.input > 0 || usage.output > 0;
    if used || cost.is_some() { format!(" · {}", self::cost(cost)) } else { String::new() }
}

/// `1 hunk`, `3 hunks`.
pub fn amount(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A number with its thousands apart: `12,034`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `320 ms`, `4.1 s`, `2 min 05 s`.
pub fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
        _ => format!("{} min {:02} s", milliseconds / 60_000, milliseconds / 1000 % 60),
    }
}

/// The first line of `text`, cut to `width` characters with `…` where it was longer.
pub fn headline(text: &str, width: usize) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = visible_line(lines.next().unwrap_or_default()).into_owned();
    let longer = lines.next().is_some() || first.chars().count() > width;
    if longer {
        let mut cut: String = first.chars().take(width.saturating_sub(1)).collect();
        cut.push('…');
        return cut;
    }
    first
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_call(tool: &str, input: Value, expected: &str) {
        assert_eq!(call(tool, &input), expected);
    }

    #[test]
    fn calls_in_words() {
        check_call("read_file", json!({"path": "src/a.rs"}), "read_file src/a.rs");
        check_call("read_file", json!({"path": "src/a.rs", "offset": 40}), "read_file src/a.rs:40");
        check_call("search", json!({"pattern": "fn \"x\"", "path": "src"}), r#"search /fn "x"/ in src"#);
        check_call("search", json!({"pattern": "x"}), "search /x/");
        check_call("symbols", json!({}), "symbols");
        check_call("symbols", json!({"query": "slug", "path": "a.py"}), "symbols slug in a.py");
        check_call("list_files", json!({"glob": "**/*.py"}), "list_files **/*.py");
        check_call("move_file", json!({"from": "a", "to": "b"}), "move_file a to b");
        check_call("update_plan", json!({"items": [{}, {}]}), "update_plan 2 items");
        check_call("task", json!({"prompt": "Find\nall", "description": "find callers"}), "task find callers");
        check_call("ask_user", json!({"question": "Which one?", "options": ["a", "b"]}), "ask_user Which one?");
        check_call("server__tool", json!({"n": 1}), "server__tool {\"n\":1}");
        check_call("read_file", json!({"path": "a\u{1b}[2J\nb"}), "read_file a⟨U+001B⟩[2J⟨U+000A⟩b");
    }

    #[test]
    fn amounts_and_durations() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(amount(1, "hunk"), "1 hunk");
        assert_eq!(amount(0, "hunk"), "0 hunks");
        assert_eq!(duration(999), "999 ms");
        assert_eq!(duration(4_190), "4.1 s");
        assert_eq!(duration(125_000), "2 min 05 s");
    }

    #[test]
    fn headlines_are_one_line() {
        assert_eq!(headline("\n  Fix it \n", 20), "Fix it");
        assert_eq!(headline("Fix it\nand more", 20), "Fix it…");
        assert_eq!(headline("abcdefghij", 5), "abcd…");
    }
}
