//! Which model does what, and what is known of models: the tables `[small_model]` and `[models.NAME]`.

use serde::{Deserialize, Serialize};

use super::{Config, Effort, Provider};

/// The model for what needs no large one: subagents, titles, notes on what leaves a history. Without a `model` and a `provider` the one
/// model does everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SmallModel {
    /// Who serves it, if not who serves the other. Then `base_url` and `api_key_env` of the other do not count for it.
    pub provider: Option<Provider>,
    /// Its name as its provider knows it.
    pub model: Option<String>,
    /// Where its provider is.
    pub base_url: Option<String>,
    /// Name of the environment variable that holds its key. Never the key.
    pub api_key_env: Option<String>,
    /// How much it thinks. That of the other model does not count for it.
    pub effort: Option<Effort>,
    /// It also gives sessions of the editor their titles, which are else cut from their first task: one more request a session.
    pub titles: bool,
    /// When a history is made shorter, it also notes what was found out in the part that goes: one more request each time.
    pub compaction: bool,
}

/// What a model takes and what it costs, where Claw's own table does not say, or says it wrong. Prices are in US dollars for a
/// million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelFacts {
    /// Of input. What a model costs is known if this and `output` are.
    pub input: Option<f64>,
    /// Of input that comes from the provider's cache: as `input`, if not set.
    pub cached: Option<f64>,
    /// Of input that the provider puts into its cache, where it takes more for that: as `input`, if not set.
    pub cache_write: Option<f64>,
    /// Of output, reasoning included.
    pub output: Option<f64>,
    /// Its window in tokens.
    pub window: Option<u64>,
}

/// Another model than the one that is configured. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    pub provider: Option<Provider>,
    pub model: Option<String>,
    pub base_url: Option<String>,
    pub api_key_env: Option<String>,
    pub effort: Option<Effort>,
}

impl Choice {
    /// This choice, and another that was made later.
    pub fn then(self, later: Choice) -> Choice {
        let elsewhere = later.provider.is_some() && later.provider != self.provider;
        let earlier = if elsewhere { Choice { effort: self.effort, ..Choice::default() } } else { self };
        Choice {
            provider: later.provider.or(earlier.provider),
            model: later.model.or(earlier.model),
            base_url: later.base_url.or(earlier.base_url),
            api_key_env: later.api_key_env.or(earlier.api_key_env),
            effort: later.effort.or(earlier.effort),
        }
    }
}

impl Config {
    /// This configuration with another model. What belongs to one provider is not taken along to another: its address, the name
    /// of its key, the name of its model.
    pub fn choosing(&self, choice: Choice) -> Config {
        let mut config = self.clone();
        if choice.provider.is_some_and(|provider| self.provider != Some(provider)) {
            (config.model, config.base_url, config.api_key_env) = (None, None, None);
            config.context.window = None;
        }
        config.provider = choice.provider.or(config.provider);
        config.model = choice.model.or(config.model);
        config.base_url = choice.base_url.or(config.base_url);
        config.api_key_env = choice.api_key_env.or(config.api_key_env);
        config.effort = choice.effort.or(config.effort);
        config
    }

    /// The configuration of the small model; `None` where one model does everything.
    pub fn for_small(&self) -> Option<Config> {
        let SmallModel { provider, model, base_url, api_key_env, effort, titles: _, compaction: _ } =
            self.small_model.clone();
        if model.is_none() && provider.is_none() && base_url.is_none() {
            return None;
        }
        let choice = Choice { provider, model, base_url, api_key_env, effort: None };
        Some(Config { effort, small_model: SmallModel::default(), ..self.choosing(choice) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_one_provider_is_not_taken_to_another() {
        let config = Config {
            provider: Some(Provider::Openai),
            model: Some("large".to_owned()),
            base_url: Some("http://127.0.0.1:1/v1".to_owned()),
            api_key_env: Some("MINE".to_owned()),
            effort: Some(Effort::High),
            ..Config::default()
        };
        assert_eq!(config.for_small(), None);
        let small = |small_model| Config { small_model, ..config.clone() }.for_small().unwrap();

        let same = small(SmallModel { model: Some("small".to_owned()), ..SmallModel::default() });
        assert_eq!(same.model.as_deref(), Some("small"));
        assert_eq!(
            (same.base_url.as_deref(), same.api_key_env.as_deref()),
            (Some("http://127.0.0.1:1/v1"), Some("MINE"))
        );
        assert_eq!(same.effort, None, "the large one's does not count for it");

        let other = small(SmallModel { provider: Some(Provider::Ollama), ..SmallModel::default() });
        assert_eq!((other.model, other.base_url, other.api_key_env), (None, None, None));

        let model = Choice { model: Some("x".to_owned()), ..Choice::default() };
        let effort = Choice { effort: Some(Effort::Low), ..Choice::default() };
        let provider = Choice { provider: Some(Provider::Anthropic), ..Choice::default() };
        let both = model.clone().then(effort.clone());
        assert_eq!((both.model.as_deref(), both.effort), (Some("x"), Some(Effort::Low)));
        assert_eq!(both.then(provider.clone()), Choice { effort: Some(Effort::Low), ..provider });

        let chosen = config.choosing(Choice { effort: Some(Effort::Low), ..Choice::default() });
        assert_eq!(chosen, Config { effort: Some(Effort::Low), ..config.clone() });
    }
}
