//! What commands need before they can start: where the workspace and the state are, and what is configured.

use std::path::{Path, PathBuf};

use super::arguments::{Directory, ModelArguments};
use super::error::CliError;
use crate::agent::{Agent, AgentBuilder, rules};
use crate::config::{self, Config, Environment, Flag, Loaded, Sources};
use crate::event::Frontend;
use crate::store::{Store, Trust};
use crate::workspace::{Roots, Workspace};

/// How long the end of a command may wait for the outline to be kept, so that the next one starts sooner.
pub const KEEPING: std::time::Duration = std::time::Duration::from_millis(500);

/// Where a command works.
pub struct Setup {
    pub environment: Environment,
    /// Absolute and canonical.
    pub root: PathBuf,
    pub state: PathBuf,
    pub trusted: bool,
    pub loaded: Loaded,
}

impl Setup {
    /// Loads the configuration for the folder, `flags` above all else.
    pub fn new(directory: &Directory, flags: &[Flag]) -> Result<Setup, CliError> {
        let environment = Environment::of_process();
        let root = root(directory)?;
        let state = state_folder(&environment)?;
        let trusted = Trust::new(&state).is_trusted(&root);
        let sources = Sources { environment: Some(&environment), workspace: Some(&root), trusted, editor: &[], flags };
        let loaded = config::load(sources);
        Ok(Setup { environment, root, state, trusted, loaded })
    }

    pub fn config(&self) -> &Config {
        &self.loaded.config
    }

    /// For commands that act on the configuration: a wrong one stops them, before anything is half right.
    pub fn refuse_problems(&self) -> Result<(), CliError> {
        let problems = self.problems();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(CliError::usage(problems.join("\n"))),
        }
    }

    /// What the user should mend, a message each.
    pub fn problems(&self) -> Vec<String> {
        let problems = self.loaded.problems.iter().map(ToString::to_string);
        problems.chain(rules::problems(&self.loaded)).collect()
    }

    /// What was said and does not count, a message each.
    pub fn ignored(&self) -> Vec<String> {
        let ignored = self.loaded.ignored.iter();
        ignored.map(|ignored| format!("{}: `{}` is ignored: {}", ignored.origin, ignored.key, ignored.reason)).collect()
    }

    /// The folder that was named, and nothing else, as the workspace.
    pub fn workspace(&self) -> Result<Workspace, CliError> {
        workspace(&self.root)
    }

    /// An agent of this command line, on what is configured here.
    pub fn agent(&self) -> Result<AgentBuilder, CliError> {
        Ok(Agent::builder()
            .config(self.config().clone())
            .environment(self.environment.clone())
            .workspace(self.workspace()?)
            .state_dir(self.state.clone())
            .frontend(Frontend::Cli))
    }

    /// Where the symbol index is kept between runs; an agent on the same state folder keeps it there too.
    pub fn cache(&self) -> PathBuf {
        self.state.join("cache")
    }
}

/// The model flags as configuration.
pub fn model_flags(arguments: &ModelArguments) -> Vec<Flag> {
    // A file that the shell can name counts as it is named there; what is not there is looked for from the workspace.
    let script = arguments.script.as_ref().map(|path| match path.canonicalize() {
        Ok(found) => found.display().to_string(),
        Err(_) => path.display().to_string(),
    });
    let provider = arguments.provider.clone().or(script.is_some().then(|| "script".to_owned()));
    let mut flags = Vec::new();
    for (name, key, value) in [
        ("--provider", "provider", provider),
        ("--script", "script", script),
        ("--model", "model", arguments.model.clone()),
        ("--base-url", "base_url", arguments.base_url.clone()),
        ("--effort", "effort", arguments.effort.clone()),
    ] {
        flags.extend(value.map(|value| Flag { name, key, value: value.into() }));
    }
    flags
}

/// The sessions of this user.
pub fn store() -> Result<Store, CliError> {
    let state = state_folder(&Environment::of_process())?;
    Store::open(&state).map_err(|error| {
        CliError::failed(format!(
            "the state folder {} can not be used: {error}. Mend its permissions, or set CLAW_STATE_DIR to another folder",
            state.display()
        ))
    })
}

pub fn workspace(root: &Path) -> Result<Workspace, CliError> {
    let mut roots = Roots::default();
    roots.add(root).map_err(|error| CliError::usage(format!("{} can not be opened: {error}", root.display())))?;
    Ok(Workspace::new(roots))
}

fn root(directory: &Directory) -> Result<PathBuf, CliError> {
    let named = directory.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let root = named
        .canonicalize()
        .map_err(|error| CliError::usage(format!("{}: {error}. Name a folder that exists", named.display())))?;
    match root.is_dir() {
        true => Ok(root),
        false => Err(CliError::usage(format!("{} is not a folder: name the folder to work in", root.display()))),
    }
}

/// Where sessions and trust are kept.
pub fn state_folder(environment: &Environment) -> Result<PathBuf, CliError> {
    config::state_dir(environment)
        .ok_or_else(|| CliError::usage("there is no home folder to keep state in: set CLAW_STATE_DIR"))
}
