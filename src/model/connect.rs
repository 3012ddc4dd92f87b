//! From configuration to a model: which provider, where, with which key.
//!
//! Nothing here happens when a server starts or an agent is built: a [`Connector`] is a promise, and [`Connector::model`] keeps it
//! when a turn needs the model. So a missing model is a failed turn with a message, never a server that does not start.

use std::path::Path;
use std::sync::Arc;

use super::script::Script;
use super::{ModelError, ModelErrorKind, SharedModel};
use crate::config::{Config, Environment, Provider};

/// A model that is found when it is needed. Cheap to clone.
#[derive(Clone)]
pub struct Connector {
    source: Source,
}

#[derive(Clone)]
enum Source {
    /// One that is there already.
    Ready(SharedModel),
    Configured(Arc<Configured>),
}

struct Configured {
    config: Config,
    environment: Environment,
}

impl Connector {
    /// The model that `config` and `environment` describe.
    pub fn new(config: Config, environment: Environment) -> Connector {
        Connector { source: Source::Configured(Arc::new(Configured { config, environment })) }
    }

    /// The model. Reads files and may ask a local server which models it has; a failure is one plain message.
    pub async fn model(&self) -> Result<SharedModel, ModelError> {
        match &self.source {
            Source::Ready(model) => Ok(Arc::clone(model)),
            Source::Configured(configured) => connect(&configured.config, &configured.environment).await,
        }
    }
}

impl From<SharedModel> for Connector {
    fn from(model: SharedModel) -> Connector {
        Connector { source: Source::Ready(model) }
    }
}

/// The model that `config` and `environment` describe.
pub async fn connect(config: &Config, environment: &Environment) -> Result<SharedModel, ModelError> {
    let _ = environment;
    match config.provider {
        Some(Provider::Script) => {
            let Some(script) = config.script.clone() else {
                return Err(ModelError::new(
                    ModelErrorKind::Config,
                    "provider = \"script\" plays model turns from a file: set `script` to its path",
                ));
            };
            let script = tokio::task::spawn_blocking(move || Script::load(Path::new(&script))).await;
            match script {
                Ok(script) => Ok(Arc::new(script?)),
                Err(error) => Err(ModelError::new(ModelErrorKind::Config, format!("the script was not read: {error}"))),
            }
        }
        Some(Provider::Openai) | None => {
            Err(ModelError::new(ModelErrorKind::Config, "only provider = \"script\" is built in as yet"))
        }
    }
}
