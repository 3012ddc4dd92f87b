//! Rules: what a user wrote down of what may be done, must be asked, must not be done.
//!
//! A rule that can not be read is never ignored where it would have forbidden something: it then forbids, or asks, everything of
//! its tool.

mod shell;

use std::collections::BTreeSet;
use std::fmt;

use super::act::Act;
use super::address::AddressPattern;
use super::command::{Line, Part};
use super::paths::{PathPattern, fold, matches};
use super::propose::started;
use shell::ShellPattern;

/// The lists in which rules stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    Allow,
    Ask,
    Deny,
}

/// A rule that can not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleProblem {
    pub list: List,
    /// Its place in the list.
    pub index: usize,
    pub rule: String,
    /// What is wrong with it, and what became of it.
    pub message: String,
}

/// The rules of a user, or what was granted for a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    rules: Vec<Rule>,
    /// Identities of acts that were granted as they were shown.
    granted: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    list: List,
    text: String,
    target: Target,
}

/// What a rule speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Everything,
    Shell(Option<ShellPattern>),
    Fetch(Option<AddressPattern>),
    Search(Option<String>),
    Read(Option<PathPattern>),
    Edit(Option<PathPattern>),
    /// A tool of an MCP server; the tool with stars.
    Mcp {
        server: String,
        tool: String,
    },
    /// The start of a project's server: by its name, and for a rule that allows by how exactly it is started.
    Start(Option<String>),
    /// Any other tool.
    Named(String),
}

/// An act with what was read of its command.
pub(super) struct Subject<'a> {
    pub act: &'a Act,
    pub line: Line,
    /// The words of a command that is not clear.
    pub suspects: Vec<String>,
}

impl List {
    pub fn name(self) -> &'static str {
        match self {
            List::Allow => "allow",
            List::Ask => "ask",
            List::Deny => "deny",
        }
    }
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.index.saturating_add(1);
        write!(formatter, "permissions.{}, rule {place} `{}`: {}", self.list.name(), self.rule, self.message)
    }
}

impl Rules {
    /// Reads the three lists. What can not be read is told, and fails closed: an `allow` is dropped, an `ask` or `deny` holds for
    /// everything of its tool, or for everything if its tool can not be told.
    pub fn parse(allow: &[String], ask: &[String], deny: &[String]) -> (Rules, Vec<RuleProblem>) {
        let mut rules = Rules::default();
        let mut problems = Vec::new();
        for (list, texts) in [(List::Allow, allow), (List::Ask, ask), (List::Deny, deny)] {
            for (index, text) in texts.iter().enumerate() {
                match target(text) {
                    Ok(target) => rules.rules.push(Rule { list, text: text.clone(), target }),
                    Err(Unread { message, closes }) => {
                        let message = match list {
                            List::Allow => format!("{message}; it allows nothing"),
                            List::Ask => format!("{message}; until then {} is asked", closes.name()),
                            List::Deny => format!("{message}; until then {} is denied", closes.name()),
                        };
                        problems.push(RuleProblem { list, index, rule: text.clone(), message });
                        if list != List::Allow {
                            rules.rules.push(Rule { list, text: text.clone(), target: closes });
                        }
                    }
                }
            }
        }
        (rules, problems)
    }

    /// One more rule that allows something.
    pub fn add_allow(&mut self, rule: &str) -> Result<(), RuleProblem> {
        let target = target(rule).map_err(|unread| RuleProblem {
            list: List::Allow,
            index: self.rules.iter().filter(|rule| rule.list == List::Allow).count(),
            rule: rule.to_owned(),
            message: unread.message,
        })?;
        let rule = Rule { list: List::Allow, text: rule.to_owned(), target };
        if !self.rules.contains(&rule) {
            self.rules.push(rule);
        }
        Ok(())
    }

    /// Allows exactly this act from now on: the same command, folder, network, scripts.
    pub fn grant(&mut self, act: &Act) {
        self.granted.insert(act.identity());
    }

    /// The rules as they were written, in the order in which they were read.
    pub fn iter(&self) -> impl Iterator<Item = (List, &str)> {
        self.rules.iter().map(|rule| (rule.list, rule.text.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.granted.is_empty()
    }

    pub(super) fn is_granted(&self, act: &Act) -> bool {
        !self.granted.is_empty() && self.granted.contains(&act.identity())
    }

    /// The first rule of a list that forbids, or wants asked, some part of the act. Read generously.
    pub(super) fn restricting(&self, list: List, subject: &Subject<'_>) -> Option<&str> {
        self.rules
            .iter()
            .find(|rule| rule.list == list && rule.target.restricts(subject))
            .map(|rule| rule.text.as_str())
    }

    fn allowing(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| rule.list == List::Allow)
    }
}

/// The rules of both that together allow every part of the act. Read to the letter.
pub(super) fn allowing(rules: &Rules, session: &Rules, subject: &Subject<'_>) -> Option<String> {
    let all = || rules.allowing().chain(session.allowing());
    let Act::Shell { confined, .. } = subject.act else {
        return all().find(|rule| rule.target.allows(subject.act)).map(|rule| rule.text.clone());
    };
    if subject.line.unclear.is_some() || subject.line.parts.is_empty() {
        return None;
    }
    let mut used: Vec<&str> = Vec::new();
    for part in &subject.line.parts {
        let rule = all().find(|rule| rule.target.allows_part(part, *confined))?;
        if !used.contains(&rule.text.as_str()) {
            used.push(&rule.text);
        }
    }
    Some(used.join(", "))
}

impl Target {
    /// The tool, for messages.
    fn name(&self) -> &str {
        match self {
            Target::Everything => "everything",
            Target::Shell(_) => "every shell command",
            Target::Fetch(_) => "every web_fetch",
            Target::Search(_) => "every web_search",
            Target::Read(_) => "every read_file",
            Target::Edit(_) => "every edit",
            Target::Mcp { .. } => "every tool of the server",
            Target::Start(_) => "every start of a server",
            Target::Named(name) => name,
        }
    }

    fn allows(&self, act: &Act) -> bool {
        match (self, act) {
            (Target::Fetch(pattern), Act::Fetch { url }) => pattern.as_ref().is_none_or(|pattern| pattern.allows(url)),
            (Target::Search(name), Act::Search { provider, .. }) => name.as_ref().is_none_or(|name| name == provider),
            (Target::Read(pattern), Act::Read { path }) | (Target::Edit(pattern), Act::Edit { path }) => {
                pattern.as_ref().is_none_or(|pattern| pattern.allows(path))
            }
            (Target::Mcp { server, tool }, Act::Mcp { server: of, tool: called, .. }) => {
                server == of && matches(tool, called)
            }
            (Target::Start(pattern), Act::StartServer { server, .. }) => pattern
                .as_ref()
                .and_then(|pattern| pattern.split_once('#'))
                .is_some_and(|(name, how)| name == server && how == started(act)),
            (Target::Named(name), Act::Other { tool, .. }) => name == tool,
            (
                Target::Everything
                | Target::Shell(_)
                | Target::Fetch(_)
                | Target::Search(_)
                | Target::Read(_)
                | Target::Edit(_)
                | Target::Mcp { .. }
                | Target::Start(_)
                | Target::Named(_),
                _,
            ) => false,
        }
    }

    fn allows_part(&self, part: &Part, confined: bool) -> bool {
        match self {
            Target::Shell(pattern) => {
                // Outside of a cage only a command that was written down as it is, without stars and without files, is covered.
                let is_contained = match confined {
                    true => part.files.iter().all(|file| is_inside(file)),
                    false => part.files.is_empty() && pattern.as_ref().is_some_and(ShellPattern::is_exact),
                };
                is_contained && pattern.as_ref().is_none_or(|pattern| pattern.allows(part))
            }
            _ => false,
        }
    }

    fn restricts(&self, subject: &Subject<'_>) -> bool {
        match (self, subject.act) {
            (Target::Everything, _) => true,
            (Target::Shell(None), Act::Shell { .. }) => true,
            (Target::Shell(Some(pattern)), Act::Shell { .. }) => {
                subject.line.parts.iter().any(|part| pattern.restricts(part))
                    || pattern.restricts_words(&subject.suspects)
            }
            (Target::Fetch(pattern), Act::Fetch { url }) => pattern.as_ref().is_none_or(|pattern| pattern.forbids(url)),
            (Target::Search(name), Act::Search { provider, .. }) => {
                name.as_ref().is_none_or(|name| fold(name) == fold(provider))
            }
            (Target::Read(pattern), Act::Read { path }) | (Target::Edit(pattern), Act::Edit { path }) => {
                pattern.as_ref().is_none_or(|pattern| pattern.forbids(path))
            }
            (Target::Mcp { server, tool }, Act::Mcp { .. } | Act::Other { .. }) => {
                matches(&fold(&format!("{server}__{tool}")), &fold(&subject.act.tool()))
            }
            (Target::Start(pattern), Act::StartServer { server, .. }) => pattern
                .as_ref()
                .is_none_or(|pattern| fold(pattern.split('#').next().unwrap_or_default()) == fold(server)),
            (Target::Named(name), Act::Mcp { .. } | Act::Other { .. }) => fold(name) == fold(&subject.act.tool()),
            (
                Target::Shell(_)
                | Target::Fetch(_)
                | Target::Search(_)
                | Target::Read(_)
                | Target::Edit(_)
                | Target::Mcp { .. }
                | Target::Start(_)
                | Target::Named(_),
                _,
            ) => false,
        }
    }
}

/// A file of the workspace, by its name.
fn is_inside(file: &str) -> bool {
    !file.starts_with('/') && !file.split('/').any(|name| name == ".." || name.eq_ignore_ascii_case(".git"))
}

/// Why a rule can not be read, and what it stands for then if it restricts.
struct Unread {
    message: String,
    closes: Target,
}

/// Reads a rule: `tool` or `tool(pattern)`.
fn target(text: &str) -> Result<Target, Unread> {
    let unread = |message: String, closes: Target| Unread { message, closes };
    let text = text.trim();
    let (tool, pattern) = match text.split_once('(') {
        None => (text, None),
        Some((tool, rest)) => (tool.trim_end(), Some(rest)),
    };
    if tool.is_empty() || !tool.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*' | '.')) {
        return Err(unread("write it as `tool(pattern)`, as in shell(cargo test *)".to_owned(), Target::Everything));
    }
    let closes = match tool.to_ascii_lowercase().as_str() {
        "shell" => Target::Shell(None),
        "web_fetch" => Target::Fetch(None),
        "web_search" => Target::Search(None),
        "read_file" => Target::Read(None),
        "mcp_start" => Target::Start(None),
        "edit_file" | "write_file" | "apply_patch" | "delete_file" | "move_file" => Target::Edit(None),
        _ => match tool.split_once("__") {
            Some((server, _)) if !server.is_empty() && !server.contains('*') => {
                Target::Mcp { server: server.to_owned(), tool: "*".to_owned() }
            }
            // It is not known which tool is meant: any may be.
            _ => Target::Everything,
        },
    };
    if tool.chars().any(|c| c.is_ascii_uppercase()) && !matches!(closes, Target::Everything | Target::Mcp { .. }) {
        return Err(unread(format!("tools are written in small letters: `{}`", tool.to_ascii_lowercase()), closes));
    }
    let pattern = match pattern {
        None => None,
        Some(rest) => match rest.strip_suffix(')') {
            Some(pattern) => Some(pattern.trim()),
            None => return Err(unread("the closing `)` is missing".to_owned(), closes)),
        },
    };
    if pattern == Some("") {
        return Err(unread("the pattern is empty: leave out `()` to mean all of it".to_owned(), closes));
    }
    let read = match (&closes, pattern) {
        (
            Target::Shell(_)
            | Target::Fetch(_)
            | Target::Search(_)
            | Target::Read(_)
            | Target::Edit(_)
            | Target::Start(_),
            None,
        ) => Ok(closes.clone()),
        (Target::Start(_), Some(pattern)) => Ok(Target::Start(Some(pattern.to_owned()))),
        (Target::Shell(_), Some(pattern)) => ShellPattern::parse(pattern).map(Target::Shell),
        (Target::Fetch(_), Some(pattern)) => AddressPattern::parse(pattern).map(|pattern| Target::Fetch(Some(pattern))),
        (Target::Search(_), Some(name)) => {
            match name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
                true => Ok(Target::Search(Some(name.to_owned()))),
                false => Err("write the name of a search provider".to_owned()),
            }
        }
        (Target::Read(_), Some(pattern)) => PathPattern::parse(pattern).map(|pattern| Target::Read(Some(pattern))),
        (Target::Edit(_), Some(pattern)) => PathPattern::parse(pattern).map(|pattern| Target::Edit(Some(pattern))),
        (Target::Mcp { .. } | Target::Named(_) | Target::Everything, Some(_)) => Err(format!(
            "`{tool}` takes no pattern; those that do are shell, web_fetch, web_search, read_file and edit_file"
        )),
        (Target::Mcp { server, .. }, None) => {
            let (_, called) = tool.split_once("__").unwrap_or_default();
            match called.is_empty() {
                true => Err(format!("write `{server}__*` for all tools of the server")),
                false => Ok(Target::Mcp { server: server.clone(), tool: called.to_owned() }),
            }
        }
        (Target::Named(_) | Target::Everything, None) => match tool.contains('*') {
            true => Err("`*` may stand only in the tool of an MCP server, as in github__*".to_owned()),
            false => Ok(Target::Named(tool.to_owned())),
        },
    };
    read.map_err(|message| unread(message, closes))
}
