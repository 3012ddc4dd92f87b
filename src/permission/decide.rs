//! Whether an act may happen.

use super::act::Act;
use super::command::{self, Line, MAX_BYTES};
use super::rules::{self, List, Rules, Subject};
use crate::event::{DecidedBy, PermissionMode};

/// What may become of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allow {
        by: DecidedBy,
        rule: Option<String>,
    },
    /// A person must say yes to what [`Act::shown`] shows.
    Ask {
        /// In a few words, for the prompt.
        why: String,
        rule: Option<String>,
    },
    Deny {
        by: DecidedBy,
        rule: Option<String>,
        why: String,
    },
}

/// What the session has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taint {
    /// Text that anybody could have written: pages, results of tools of others, files of an untrusted workspace.
    pub untrusted: bool,
    /// Text that should not leave this machine.
    pub private: bool,
}

impl Taint {
    /// Both have been seen: the one could make the model send the other.
    pub fn is_dangerous(self) -> bool {
        self.untrusted && self.private
    }
}

/// Decides on an act that needs a yes. `session` holds what was granted for this session.
///
/// In this order: the mode `read-only`, `deny` rules, taint, `ask` rules, grants of the session, `allow` rules for every part of
/// the act, the mode `auto`. What is left is asked. A [`Act::Read`] or [`Act::Edit`] that is none of the secret or protected
/// ones needs no yes: for it [`ruled`] tells whether a rule says otherwise.
pub fn decide(mode: PermissionMode, rules: &Rules, session: &Rules, act: &Act, taint: Taint) -> Verdict {
    let subject = subject(act);
    let is_read = matches!(act, Act::Read { .. });
    if mode == PermissionMode::ReadOnly && !is_read {
        let why = "this session only reads (permission mode `read-only`)".to_owned();
        return Verdict::Deny { by: DecidedBy::Mode, rule: None, why };
    }
    if let Some(verdict) = by_rules(rules, session, &subject, taint) {
        return verdict;
    }
    let why = match (act, subject.line.unclear) {
        (Act::Shell { .. }, Some(unclear)) => format!("it can not be told what this command runs: {unclear}"),
        (Act::Shell { confined: false, .. }, None) => "nothing confines this command".to_owned(),
        (Act::Shell { network: true, .. }, None) => "this command has the network".to_owned(),
        (Act::Shell { .. }, None) if mode == PermissionMode::Auto => {
            return Verdict::Allow { by: DecidedBy::Mode, rule: None };
        }
        (Act::Shell { .. }, None) => "commands are asked in this mode".to_owned(),
        (Act::Fetch { url }, _) => format!("it gets a page from {}", url.host()),
        (Act::Search { provider, .. }, _) => format!("it sends a query to {provider}"),
        (Act::Read { .. }, _) => "this file may hold secrets".to_owned(),
        (Act::Edit { .. }, _) => "this file can change what runs later".to_owned(),
        (Act::Mcp { server, .. }, _) => format!("it calls the server {server}"),
        (Act::StartServer { .. }, _) => "this project's configuration names it".to_owned(),
        (Act::Other { .. }, _) => "this tool is asked in this mode".to_owned(),
    };
    Verdict::Ask { why, rule: None }
}

/// What the rules alone say of an act, whatever the mode; None where they are silent.
pub fn ruled(rules: &Rules, session: &Rules, act: &Act, taint: Taint) -> Option<Verdict> {
    by_rules(rules, session, &subject(act), taint)
}

fn subject(act: &Act) -> Subject<'_> {
    let Act::Shell { command, .. } = act else { return Subject { act, line: Line::default(), suspects: Vec::new() } };
    let line = command::parse(command);
    // A command that no system takes is asked in any case; its words are not looked for.
    let is_read = line.unclear.is_some() && command.len() <= MAX_BYTES;
    let suspects = if is_read { command::suspects(command) } else { Vec::new() };
    Subject { act, line, suspects }
}

fn by_rules(rules: &Rules, session: &Rules, subject: &Subject<'_>, taint: Taint) -> Option<Verdict> {
    let restricting =
        |list| rules.restricting(list, subject).or_else(|| session.restricting(list, subject)).map(str::to_owned);
    if let Some(rule) = restricting(List::Deny) {
        let why = match subject.line.unclear {
            None => format!("the rule `{rule}` denies it"),
            Some(_) => format!("the rule `{rule}` denies it, or may: the command is not written clearly"),
        };
        return Some(Verdict::Deny { by: DecidedBy::Rule, rule: Some(rule), why });
    }
    if taint.is_dangerous() && subject.act.sends() {
        let why = "this session has seen text from outside and private text; this sends data out".to_owned();
        return Some(Verdict::Ask { why, rule: None });
    }
    if let Some(rule) = restricting(List::Ask) {
        return Some(Verdict::Ask { why: format!("the rule `{rule}` asks for it"), rule: Some(rule) });
    }
    if session.is_granted(subject.act) {
        return Some(Verdict::Allow { by: DecidedBy::User, rule: None });
    }
    let rule = rules::allowing(rules, session, subject)?;
    Some(Verdict::Allow { by: DecidedBy::Rule, rule: Some(rule) })
}
