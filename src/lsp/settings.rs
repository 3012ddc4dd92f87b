//! What the editor sets, over the user's own configuration: `initializationOptions`, and the section `claw` of its
//! settings, in camel case.
//!
//! A wrong key or value costs only itself: it is told to the user once, and the rest holds.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tower_lsp::gen_lsp_types::{
    ConfigurationItem, ConfigurationParams, ConfigurationRequest, DidChangeConfigurationParams, MessageType,
    Registration, RegistrationParams, RegistrationRequest,
};

use super::server::Server;
use crate::config::Config;

/// The section of the editor's settings that is ours.
const SECTION: &str = "claw";

/// How long a client may take to tell its settings.
const ANSWER: Duration = Duration::from_secs(30);

/// Messages that the user is shown about problems at once.
const MOST_MESSAGES: usize = 5;

/// Keys of the editor's settings that are not configuration: they are the editor's own.
const NOT_CONFIGURATION: &[&str] = &["trusted", "path", "trace.server"];

/// The configuration in force, and what it was made of.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub config: Config,
    /// The editor vouches for the workspace.
    pub trusted: bool,
    /// What the user should mend.
    pub problems: Vec<String>,
    /// The problems that were shown already.
    told: BTreeSet<String>,
    /// The configuration beneath the editor's settings.
    base: Config,
    initialization: Value,
    section: Value,
}

impl Settings {
    /// Settings over `base`, with the client's `initializationOptions`.
    pub fn new(base: Config, initialization: Value) -> Settings {
        let mut settings = Settings { base, initialization, ..Settings::default() };
        settings.apply();
        settings
    }

    /// Takes the section `claw` of the client's settings in place of the one before.
    fn set_section(&mut self, section: Value) {
        self.section = section;
        self.apply();
    }

    fn apply(&mut self) {
        self.problems.clear();
        self.config = self.base.clone();
        self.trusted = false;
        for (source, layer) in
            [("initializationOptions", self.initialization.clone()), ("the editor's settings", self.section.clone())]
        {
            if let Some(trusted) = layer.get("trusted").and_then(Value::as_bool) {
                self.trusted = trusted;
            }
            let problems = overlay(&mut self.config, &layer, source);
            self.problems.extend(problems);
        }
    }

    /// Whether the user was not told of `problem` yet; from now on they were.
    fn is_news(&mut self, problem: &str) -> bool {
        self.told.insert(problem.to_owned())
    }
}

/// Tells the user what there is to mend, each once.
pub fn tell_problems(server: &Server) {
    let news = server.state.with(|state| {
        let mut problems = [state.folder_problems.clone(), state.settings.problems.clone()].concat();
        problems.retain(|problem| state.settings.is_news(problem));
        problems
    });
    let (shown, rest) = news.split_at(news.len().min(MOST_MESSAGES));
    for problem in shown {
        server.outbox.show_message(MessageType::Warning, problem.clone());
    }
    if !rest.is_empty() {
        rest.iter().for_each(|problem| tracing::warn!("{problem}"));
        server.outbox.show_message(MessageType::Warning, format!("Claw: {} more problems are in the log", rest.len()));
    }
}

/// Asks the client for its settings, and to be told when they change. Does not wait for the answer.
pub fn pull(server: &Server) {
    let client = server.state.client();
    if client.configuration_registration {
        let registration = Registration {
            id: "claw/configuration".to_owned(),
            method: "workspace/didChangeConfiguration".to_owned(),
            register_options: Some(json!({ "section": SECTION })),
        };
        let registered =
            server.outbox.ask::<RegistrationRequest>(RegistrationParams { registrations: vec![registration] }, ANSWER);
        server.spawn(async move {
            if let Err(error) = registered.await {
                tracing::info!(%error, "the client does not tell when its settings change");
            }
        });
    }
    if client.configuration {
        let item = ConfigurationItem { section: Some(SECTION.to_owned()), ..ConfigurationItem::default() };
        let answer = server.outbox.ask::<ConfigurationRequest>(ConfigurationParams { items: vec![item] }, ANSWER);
        let puller = server.clone();
        server.spawn(async move {
            match answer.await {
                Ok(sections) => set_section(&puller, sections.into_iter().next().unwrap_or(Value::Null)),
                Err(error) => tracing::info!(%error, "the client does not tell its settings"),
            }
        });
    }
}

/// `workspace/didChangeConfiguration`. LSP 3.17: a client that can be asked may send nothing of use with it.
pub fn did_change_configuration(server: &Server, params: DidChangeConfigurationParams) {
    match params.settings.get(SECTION) {
        Some(section) => set_section(server, section.clone()),
        None => pull_again(server),
    }
}

fn pull_again(server: &Server) {
    if server.state.with(|state| state.client.configuration) {
        server.state.with(|state| state.client.configuration_registration = false);
        pull(server);
    }
}

/// Running turns go on with what they began with; sessions begun from now on go by the new settings.
fn set_section(server: &Server, section: Value) {
    server.state.with(|state| {
        let before = state.settings.config.clone();
        state.settings.set_section(section);
        if state.settings.config != before {
            state.agent = None;
        }
    });
    tell_problems(server);
}

/// Puts `layer` over `config`, key by key; what can not be taken is a problem each.
fn overlay(config: &mut Config, layer: &Value, source: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let object = match layer {
        Value::Null => return problems,
        Value::Object(object) => object,
        // Neovim writes an empty Lua table as an empty list.
        Value::Array(list) if list.is_empty() => return problems,
        other => {
            problems.push(format!("Claw: {source} must be an object of settings, not {}", kind(other)));
            return problems;
        }
    };
    for (path, value) in flatten(object) {
        if NOT_CONFIGURATION.contains(&path.join(".").as_str()) || value.is_null() {
            continue;
        }
        if let Err(problem) = set(config, &path, value) {
            problems.push(format!("Claw: `{}` in {source}: {problem}", path.join(".")));
        }
    }
    problems
}

/// Sections to their keys: `{"limits": {"maxSteps": 5}}` and `{"limits.maxSteps": 5}` alike.
fn flatten(object: &Map<String, Value>) -> Vec<(Vec<String>, &Value)> {
    let mut keys = Vec::new();
    for (key, value) in object {
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        match value {
            Value::Object(section) => keys.extend(
                flatten(section)
                    .into_iter()
                    .map(|(rest, value)| (path.iter().cloned().chain(rest).collect::<Vec<String>>(), value)),
            ),
            value => keys.push((path, value)),
        }
    }
    keys
}

/// Sets one key; the configuration is untouched if it can not be.
fn set(config: &mut Config, path: &[String], value: &Value) -> Result<(), String> {
    let mut whole = serde_json::to_value(&*config).map_err(|error| error.to_string())?;
    let mut place = &mut whole;
    for key in path {
        let snake = snake_case(key);
        let known = match &place {
            Value::Object(section) => section.keys().cloned().collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        place = place.get_mut(&snake).ok_or_else(|| match nearest(&snake, &known) {
            Some(nearest) => format!("there is no such setting; did you mean `{}`?", camel_case(nearest)),
            None => "there is no such setting".to_owned(),
        })?;
    }
    *place = value.clone();
    *config = serde_json::from_value(whole).map_err(|error| error.to_string())?;
    Ok(())
}

fn snake_case(camel: &str) -> String {
    let mut snake = String::with_capacity(camel.len() + 4);
    for character in camel.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

fn camel_case(snake: &str) -> String {
    let mut words = snake.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |camel, word| {
        let (head, tail) = word.split_at_checked(1).unwrap_or((word, ""));
        camel + &head.to_ascii_uppercase() + tail
    })
}

/// The known key that is most like `key`, if one is alike at all.
fn nearest<'a>(key: &str, known: &'a [String]) -> Option<&'a str> {
    let ratio = |other: &str| similar::TextDiff::from_chars(key, other).ratio();
    let best = known.iter().map(|other| (ratio(other), other)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.5).then_some(best.1.as_str())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Provider;

    fn check(layer: Value, problems: &[&str]) -> Config {
        let settings = Settings::new(Config::default(), layer);
        assert_eq!(settings.problems, problems);
        settings.config
    }

    #[test]
    fn settings_are_in_camel_case_nested_or_dotted() {
        let config = check(
            json!({
                "provider": "script", "baseUrl": "http://localhost/v1", "model": null, "trusted": true, "path": "/bin/claw",
                "limits": {"maxSteps": 5}, "limits.turnTimeoutS": 7, "context": {"exclude": ["*.lock"]},
                "trace": {"server": "verbose"},
            }),
            &[],
        );
        assert_eq!(config.provider, Some(Provider::Script));
        assert_eq!(config.base_url.as_deref(), Some("http://localhost/v1"));
        assert_eq!((config.limits.max_steps, config.limits.turn_timeout_s), (5, 7));
        assert_eq!(config.context.exclude, ["*.lock"]);
    }

    #[test]
    fn a_wrong_setting_costs_only_itself() {
        let config = check(
            json!({"modle": "x", "model": "y", "limits": {"maxStep": 1, "maxSteps": "many"}, "zzz": 1}),
            &[
                "Claw: `modle` in initializationOptions: there is no such setting; did you mean `model`?",
                "Claw: `limits.maxStep` in initializationOptions: there is no such setting; did you mean `maxSteps`?",
                "Claw: `limits.maxSteps` in initializationOptions: invalid type: string \"many\", expected u32",
                "Claw: `zzz` in initializationOptions: there is no such setting",
            ],
        );
        assert_eq!(config.model.as_deref(), Some("y"));
        assert_eq!(config.limits, Config::default().limits);
        check(json!([1]), &["Claw: initializationOptions must be an object of settings, not a list"]);
    }

    #[test]
    fn the_section_lies_over_the_initialization_options() {
        let mut settings = Settings::new(Config::default(), json!({"model": "a", "baseUrl": "b", "trusted": false}));
        settings.set_section(json!({"model": "c", "trusted": true}));
        assert_eq!((settings.config.model.as_deref(), settings.config.base_url.as_deref()), (Some("c"), Some("b")));
        assert!(settings.trusted);
        settings.set_section(Value::Null);
        assert_eq!(settings.config.model.as_deref(), Some("a"));
        assert!(!settings.trusted);
    }
}
