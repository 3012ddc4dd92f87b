//! The rules that hold in a workspace: those of the configuration, and those that the user allowed for good.

use std::path::PathBuf;

use crate::config::{Config, Environment, Loaded, always_file};
use crate::permission::Rules;
use crate::store::Always;
use crate::workspace::Workspace;

/// What the user allowed for good in these folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub file: PathBuf,
    /// The rules, or why nothing in the file counts.
    pub allow: Result<Vec<String>, String>,
}

/// Reads what the user allowed for good; `None` where there is no place for it. Blocks on the disk.
pub fn kept(environment: &Environment, folders: &[PathBuf]) -> Option<Kept> {
    let always = Always::at(always_file(environment)?);
    Some(Kept { file: always.file().to_owned(), allow: always.rules(folders).map_err(|error| error.to_string()) })
}

/// What is wrong with the rules of a configuration, a message each, with the file and what became of the rule.
pub fn problems(loaded: &Loaded) -> Vec<String> {
    let configured = &loaded.config.permissions;
    let (_, problems) = Rules::parse(&configured.allow, &configured.ask, &configured.deny);
    let at = |list: &str| loaded.origin(&format!("permissions.{list}"));
    problems.iter().map(|problem| format!("{}: {problem}", at(problem.list.name()))).collect()
}

/// The rules of the configuration.
pub(in crate::agent) fn configured(config: &Config) -> Rules {
    let configured = &config.permissions;
    let (rules, problems) = Rules::parse(&configured.allow, &configured.ask, &configured.deny);
    for problem in problems {
        tracing::warn!("{problem}");
    }
    rules
}

/// The same with what the user allowed for good in these folders, as the file says now. Blocks on the disk.
pub(in crate::agent) fn with_kept(configured: &Rules, always: Option<&Always>, workspace: &Workspace) -> Rules {
    let kept = always.map(|always| always.rules(&folders(workspace))).transpose().unwrap_or_else(|error| {
        tracing::warn!(%error, "what was allowed for good does not count");
        None
    });
    let mut rules = configured.clone();
    for rule in kept.unwrap_or_default() {
        if let Err(problem) = rules.add_allow(&rule) {
            tracing::warn!("{problem}");
        }
    }
    rules
}

/// The folders of a workspace.
pub(in crate::agent) fn folders(workspace: &Workspace) -> Vec<PathBuf> {
    workspace.roots().iter().map(|root| root.path.clone()).collect()
}
