//! `claw inspect permissions`: what may be done unasked here, and where each rule stands.

use std::io::Write;

use serde::Serialize;
use serde_json::json;

use super::error::CliError;
use super::setup::Setup;
use super::terminal::{Out, Style};
use super::visible::{visible, visible_line};
use crate::agent::rules;
use crate::permission::{List, Rules};

/// A rule, with where it stands.
#[derive(Serialize)]
struct Row<'a> {
    list: &'static str,
    rule: &'a str,
    source: String,
    /// Why it can not be read, and what holds until it is mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

pub fn inspect(out: &mut Out, setup: &Setup, as_json: bool) -> Result<(), CliError> {
    let config = setup.config();
    let mode = serde_json::to_value(config.permission_mode)?;
    let mode_source = setup.loaded.origin("permission_mode").to_string();
    let rows = rows(setup);
    let kept = rules::kept(&setup.environment, std::slice::from_ref(&setup.root));
    if as_json {
        let always = kept.as_ref().map(|kept| match &kept.allow {
            Ok(allow) => json!({"file": kept.file, "allow": allow}),
            Err(problem) => json!({"file": kept.file, "allow": [], "problem": problem}),
        });
        let all = json!({
            "mode": {"value": mode, "source": mode_source},
            "trusted": setup.trusted,
            "rules": rows,
            "always": always,
            "ignored": setup.ignored(),
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    let palette = out.palette;
    let dim = |text: &str| palette.paint(Style::Dim, visible_line(text)).to_string();
    writeln!(out, "{:<10} {:<40} {}", "mode", mode.as_str().unwrap_or_default(), dim(&mode_source))?;
    let trust = match setup.trusted {
        true => "trusted: commands may run, its own configuration counts",
        false => "not trusted: the first command asks, its own configuration is ignored",
    };
    writeln!(out, "{:<10} {} {}", "workspace", visible_line(&setup.root.display().to_string()), dim(trust))?;
    for row in &rows {
        writeln!(out, "{:<10} {:<40} {}", row.list, visible_line(row.rule), dim(&row.source))?;
        if let Some(problem) = &row.problem {
            writeln!(out, "{:<10} {}", "", palette.paint(Style::Yellow, visible_line(problem)))?;
        }
    }
    if let Some(kept) = &kept {
        let file = kept.file.display().to_string();
        match &kept.allow {
            Ok(allow) => {
                for rule in allow {
                    writeln!(out, "{:<10} {:<40} {}", "always", visible_line(rule), dim(&file))?;
                }
            }
            Err(problem) => writeln!(out, "{}", palette.paint(Style::Yellow, visible(problem)))?,
        }
    }
    if rows.is_empty() && kept.as_ref().is_none_or(|kept| kept.allow.as_ref().is_ok_and(Vec::is_empty)) {
        writeln!(out, "{}", dim("no rules: the mode decides"))?;
    }
    for ignored in setup.ignored() {
        writeln!(out, "{}", palette.paint(Style::Yellow, visible(&ignored)))?;
    }
    Ok(())
}

/// The rules of the configuration in the order in which they are looked at.
fn rows(setup: &Setup) -> Vec<Row<'_>> {
    let configured = &setup.config().permissions;
    let (_, problems) = Rules::parse(&configured.allow, &configured.ask, &configured.deny);
    let lists = [(List::Deny, &configured.deny), (List::Ask, &configured.ask), (List::Allow, &configured.allow)];
    let rows = lists.into_iter().flat_map(|(list, rules)| {
        let source = setup.loaded.origin(&format!("permissions.{}", list.name())).to_string();
        let problems = &problems;
        rules.iter().enumerate().map(move |(index, rule)| Row {
            list: list.name(),
            rule,
            source: source.clone(),
            problem: problems
                .iter()
                .find(|problem| problem.list == list && problem.index == index)
                .map(|problem| problem.message.clone()),
        })
    });
    rows.collect()
}
