//! What commands need before they can start: where the workspace and the state are, and what is configured.

use std::path::{Path, PathBuf};

use super::arguments::{Directory, ModelArguments};
use super::error::CliError;
use crate::config::{Config, Environment, PermissionMode, Provider};
use crate::store::Store;
use crate::workspace::{Roots, Workspace};

/// Where a command works.
pub struct Setup {
    pub environment: Environment,
    /// Absolute and canonical.
    pub root: PathBuf,
    pub state: PathBuf,
    pub config: Config,
}

impl Setup {
    pub fn new(directory: &Directory) -> Result<Setup, CliError> {
        let environment = Environment::of_process();
        let root = root(directory)?;
        let state = state_folder(&environment)?;
        Ok(Setup { environment, root, state, config: Config::default() })
    }

    /// The folder that was named, and nothing else, as the workspace.
    pub fn workspace(&self) -> Result<Workspace, CliError> {
        workspace(&self.root)
    }

    /// Where the symbol index is kept between runs; an agent on the same state folder keeps it there too.
    pub fn cache(&self) -> PathBuf {
        self.state.join("cache")
    }

    /// What is wrong with the configuration, a message each.
    pub fn problems(&self) -> Vec<String> {
        Vec::new()
    }

    /// The files that the configuration was read from.
    pub fn config_files(&self) -> Vec<String> {
        Vec::new()
    }

    /// What set a key: a file, a variable, a flag, or `default`.
    pub fn origin(&self, _key: &str) -> String {
        "default".to_owned()
    }

    /// Takes the model flags in, above all else that is configured.
    pub fn choose_model(&mut self, flags: &ModelArguments) -> Result<(), CliError> {
        if let Some(provider) = &flags.provider {
            self.config.provider = Some(named::<Provider>("--provider", provider)?);
        }
        if let Some(script) = &flags.script {
            self.config.provider = Some(Provider::Script);
            self.config.script = Some(script.display().to_string());
        }
        if let Some(model) = &flags.model {
            self.config.model = Some(model.clone());
        }
        if let Some(url) = &flags.base_url {
            self.config.base_url = Some(url.clone());
        }
        Ok(())
    }

    pub fn choose_permission_mode(&mut self, name: &str) -> Result<(), CliError> {
        self.config.permission_mode = named::<PermissionMode>("--permission-mode", name)?;
        Ok(())
    }
}

/// A value by its name in the configuration.
fn named<T: serde::de::DeserializeOwned + schemars::JsonSchema>(flag: &str, name: &str) -> Result<T, CliError> {
    serde_json::from_value(serde_json::Value::from(name)).map_err(|_| {
        let known = super::schema::names::<T>().join(", ");
        CliError::usage(format!("{flag} {name}: there is no such value; take one of: {known}"))
    })
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

/// `CLAW_STATE_DIR`, else the system's place for state.
pub fn state_folder(environment: &Environment) -> Result<PathBuf, CliError> {
    use etcetera::BaseStrategy as _;
    if let Some(folder) = environment.get("CLAW_STATE_DIR") {
        return Ok(PathBuf::from(folder));
    }
    let places = etcetera::choose_base_strategy()
        .map_err(|_| CliError::usage("there is no home folder to keep state in: set CLAW_STATE_DIR"))?;
    Ok(places.state_dir().unwrap_or_else(|| places.data_dir()).join("claw"))
}
