//! What the editor sets, over the user's own configuration: `initializationOptions`, and the section `claw` of its
//! settings, in camel case.
//!
//! A wrong key or value costs only itself: it is told to the user once, and the rest holds. Handlers reload here, on the task
//! that reads the client's messages: two small files, so that no setting overtakes another.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tower_lsp::gen_lsp_types::{
    ConfigurationItem, ConfigurationParams, ConfigurationRequest, DidChangeConfigurationParams, MessageType,
    Registration, RegistrationParams, RegistrationRequest,
};

use super::loosened::{self, Held};
use super::server::Server;
use crate::agent::rules;
use crate::config::{self, Choice, Config, PermissionMode, Sources};
use crate::model::Connector;

/// The section of the editor's settings that is ours.
const SECTION: &str = "claw";

/// How long a client may take to tell its settings.
const ANSWER: Duration = Duration::from_secs(30);

/// Messages that the user is shown about problems at once.
const MOST_MESSAGES: usize = 5;

/// The configuration in force, and what it was made of.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub config: Config,
    /// The editor or the user vouches for the workspace.
    pub trusted: bool,
    /// What the user should mend.
    pub problems: Vec<String>,
    /// The problems that were shown already.
    told: BTreeSet<String>,
    /// `initializationOptions`, then the section `claw` of the editor's settings.
    editor: [Value; 2],
    /// What a command made of the permission mode: less than the settings give, until they say otherwise.
    chosen_mode: Option<PermissionMode>,
    /// Set while a change of the editor's settings waits for the user's yes.
    pub held: Option<Held>,
    /// What a command chose of the model, until the settings name another.
    choice: Choice,
}

impl Settings {
    /// What the client's `initializationOptions` say by themselves; the rest needs [`reload`].
    pub fn new(initialization: Value) -> Settings {
        let mut settings = Settings { editor: [initialization, Value::Null], ..Settings::default() };
        settings.trusted = settings.editor_trusts();
        settings
    }

    /// The editor's last word on whether the workspace is trusted.
    fn editor_trusts(&self) -> bool {
        self.editor.iter().filter_map(|layer| layer.get("trusted")?.as_bool()).next_back().unwrap_or(false)
    }

    /// The configuration with what a command chose of the model.
    pub fn chosen(&self) -> Config {
        self.config.choosing(self.choice.clone())
    }

    /// What a command chose of the model.
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Another model for sessions that begin from now on.
    pub fn choose(&mut self, choice: Choice) {
        self.choice = std::mem::take(&mut self.choice).then(choice);
    }

    /// Holds the agent to `mode`, which gives less than the settings do.
    pub fn choose_mode(&mut self, mode: PermissionMode) {
        self.chosen_mode = Some(mode);
        self.config.permission_mode = mode;
    }

    /// Whether the user was not told of `problem` yet; from now on they were.
    pub fn is_news(&mut self, problem: &str) -> bool {
        self.told.insert(problem.to_owned())
    }
}

/// Lays the configuration anew: files, the editor's settings, the environment. Reads two small files.
pub fn reload(server: &Server) {
    let environment = server.environment();
    let (editor, before, editor_trusts, folder) = server.state.with(|state| {
        let folder = state.workspace.roots().iter().next().map(|root| root.path.clone());
        let settings = &state.settings;
        let before = settings.held.as_ref().map(|held| held.before.clone());
        (settings.editor.clone(), before, settings.editor_trusts(), folder)
    });
    let trusted = editor_trusts || every_folder_is_trusted(server);
    let load = |editor: &[Value; 2]| {
        config::load(Sources {
            environment: Some(&environment),
            workspace: folder.as_deref(),
            trusted,
            editor,
            flags: &[],
        })
    };
    let loaded = load(&editor);
    // What the settings give without the change that waits for a yes.
    let unchanged = before.map(|before| load(&[editor[0].clone(), before]).config);
    let mut problems: Vec<String> = loaded.problems.iter().map(|problem| format!("Claw: {problem}")).collect();
    problems.extend(rules::problems(&loaded).into_iter().map(|problem| format!("Claw: {problem}")));
    if let Some(ignored) = loaded.ignored.first() {
        problems.push(format!("Claw: {} does not count: {}", ignored.origin, ignored.reason));
    }
    for (layer, source) in editor.iter().zip(["initializationOptions", "the editor's settings"]) {
        // Neovim writes an empty Lua table as an empty list.
        let is_empty = layer.is_null() || layer.as_array().is_some_and(Vec::is_empty);
        if !layer.is_object() && !is_empty {
            problems.push(format!("Claw: {source} must be an object of settings: it is ignored"));
        }
    }
    server.state.with(|state| {
        let mut loaded = loaded;
        if let (Some(unchanged), Some(held)) = (&unchanged, &mut state.settings.held) {
            held.grown = loosened::grown(unchanged, &loaded.config);
            loaded.config = loosened::held_to(unchanged, &loaded.config);
        }
        let mode = &mut loaded.config.permission_mode;
        *mode = state.settings.chosen_mode.map_or(*mode, |chosen| tighter(chosen, *mode));
        if state.settings.config != loaded.config {
            // Running turns go on with what they began with; what is asked from now on goes by the new settings, also in a
            // session whose last turn failed for want of them.
            state.agent = None;
            if names_another_model(&state.settings.config, &loaded.config) {
                state.settings.choice = Choice::default();
            }
            for entry in state.sessions.values() {
                let choice = state.settings.choice.clone().then(entry.choice.clone());
                entry.session.set_model(Connector::choosing(&loaded.config, choice, &environment));
            }
            for entry in state.sessions.values().filter(|entry| !entry.own_mode) {
                entry.session.set_permission_mode(loaded.config.permission_mode);
            }
        }
        state.settings.config = loaded.config;
        state.settings.trusted = trusted;
        state.settings.problems = problems;
    });
}

fn names_another_model(before: &Config, now: &Config) -> bool {
    let of = |config: &Config| (config.provider, config.model.clone(), config.base_url.clone(), config.effort);
    of(before) != of(now)
}

/// Takes in that the user has just said that the workspace is trusted: for running turns too.
pub fn trust_given(server: &Server) {
    reload(server);
    server.state.with(|state| state.settings.trusted = true);
}

/// Takes in the user's yes to what was held back.
pub fn grant(server: &Server) {
    server.state.with(|state| state.settings.held = None);
    reload(server);
}

/// A workspace of several folders is trusted as far as the least of them.
fn every_folder_is_trusted(server: &Server) -> bool {
    let roots = server.state.workspace().roots();
    let trust = server.trust();
    roots.iter().next().is_some() && roots.iter().all(|root| trust.is_trusted(&root.path))
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

/// Which of two modes allows more.
pub fn freedom(mode: PermissionMode) -> u8 {
    match mode {
        PermissionMode::ReadOnly => 0,
        PermissionMode::Ask => 1,
        PermissionMode::Auto => 2,
    }
}

pub fn tighter(one: PermissionMode, other: PermissionMode) -> PermissionMode {
    if freedom(one) < freedom(other) { one } else { other }
}

fn pull_again(server: &Server) {
    if server.state.with(|state| state.client.configuration) {
        server.state.with(|state| state.client.configuration_registration = false);
        pull(server);
    }
}

fn set_section(server: &Server, section: Value) {
    const MODE: &str = "permissionMode";
    server.state.with(|state| {
        let has_begun = !state.sessions.is_empty();
        let settings = &mut state.settings;
        let [_, place] = &mut settings.editor;
        if place.get(MODE) != section.get(MODE) && !place.is_null() {
            // The user's newer word.
            settings.chosen_mode = None;
        }
        let before = std::mem::replace(place, section);
        // What comes before anything was asked is how the editor begins.
        if has_begun {
            let before = settings.held.take().map_or(before, |held| held.before);
            settings.held = Some(Held { before, grown: Vec::new(), refused: false });
        }
    });
    reload(server);
    server.state.with(|state| state.settings.held.take_if(|held| held.grown.is_empty()));
    tell_problems(server);
}
