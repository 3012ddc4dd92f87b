//! `claw.setModel`: another model, for a session or for those that begin.

use std::time::Duration;

use serde_json::json;
use tower_lsp::gen_lsp_types::MessageType;

use super::{Answer, Arguments, done};
use crate::agent::Session;
use crate::config::{Choice, Effort, Provider};
use crate::lsp::ext::{ClawInput, InputParams, typed};
use crate::lsp::server::Server;
use crate::lsp::settings::freedom;
use crate::model::Connector;

/// `claw.setModel` of what a user wrote: for the session that was acted on last, if there is one.
fn set_what_was_said(server: &Server, session: Option<String>, words: &str) -> Result<Answer, String> {
    let Choice { provider, model, effort, .. } = meant(words);
    let session = session.or_else(|| server.state.with(|state| state.last_session.clone()));
    set_model(server, &Arguments { session, provider, model, effort, ..Arguments::default() })
}

/// `claw.setModel {session?, provider?, model?, effort?, permission_mode?}`: for one session, or for those begun from now on. It can
/// take permissions away and never gives any.
pub fn set_model(server: &Server, arguments: &Arguments) -> Result<Answer, String> {
    if let Some(words) = arguments.words.as_deref().filter(|words| !words.trim().is_empty()) {
        return set_what_was_said(server, arguments.session.clone(), words);
    }
    let Arguments { provider, effort, permission_mode, .. } = *arguments;
    let choice = Choice { provider, model: arguments.model.clone(), effort, ..Choice::default() };
    let chooses = choice != Choice::default();
    if !chooses && permission_mode.is_none() {
        return ask_what(server, arguments.session.clone());
    }
    let (config, session) = server.state.with(|state| {
        let session = arguments.session.as_ref().map(|id| state.sessions.get(id).map(|entry| entry.session.clone()));
        (state.settings.config.clone(), session)
    });
    if let Some(mode) = permission_mode {
        let of_session = session.iter().flatten().map(Session::permission_mode);
        if of_session.chain([config.permission_mode]).any(|now| freedom(mode) > freedom(now)) {
            return Err("a command can not loosen permissions: set `permission_mode` in your configuration or the editor's settings".to_owned());
        }
    }
    match session {
        Some(None) => Err(format!("no session `{}` is open here", arguments.session.as_deref().unwrap_or_default())),
        Some(Some(session)) => {
            server.state.with(|state| {
                let of_all = state.settings.choice().clone();
                let Some(entry) = state.sessions.get_mut(session.id()) else { return };
                if chooses {
                    entry.choice = std::mem::take(&mut entry.choice).then(choice);
                    let chosen = of_all.then(entry.choice.clone());
                    session.set_model(Connector::choosing(&config, chosen, &server.environment()));
                }
                if let Some(mode) = permission_mode {
                    session.set_permission_mode(mode);
                    entry.own_mode = true;
                }
            });
            Ok(done(json!({"session": session.id(), "message": "from the next turn on"})))
        }
        None => {
            server.state.with(|state| {
                state.settings.choose(choice);
                if let Some(mode) = permission_mode {
                    state.settings.choose_mode(mode);
                }
                state.agent = None;
            });
            Ok(done(json!({"message": "for sessions begun from now on"})))
        }
    }
}

/// Asks the user, where the client can.
fn ask_what(server: &Server, session: Option<String>) -> Result<Answer, String> {
    let (can_ask, patience, now) = server.state.with(|state| {
        let patience = Duration::from_secs(state.settings.config.limits.prompt_timeout_s);
        (state.client.claw.input, patience, state.settings.chosen().model)
    });
    if !can_ask {
        return Err("say what to set: `model`, `provider`, `effort` or `permission_mode`".to_owned());
    }
    let prompt = "Model (also a provider, or how much it thinks: `anthropic claude-sonnet-4-6 high`)".to_owned();
    let typing = server.outbox.ask::<ClawInput>(InputParams { prompt, default: now }, patience);
    let asker = server.clone();
    server.spawn(async move {
        let Some(words) = typing.await.ok().as_ref().and_then(typed) else { return };
        let (kind, message) = match set_what_was_said(&asker, session, &words) {
            Ok(_) => (MessageType::Info, format!("Claw: {words}, from the next turn on")),
            Err(message) => (MessageType::Error, format!("Claw: {message}")),
        };
        asker.outbox.show_message(kind, message);
    });
    Ok(done(json!({})))
}

/// What a line names: providers and efforts by their words, and anything else is a model.
fn meant(words: &str) -> Choice {
    let mut choice = Choice::default();
    for word in words.split_whitespace() {
        let value = || serde_json::Value::from(word);
        if let Ok(provider) = serde_json::from_value::<Provider>(value()) {
            choice.provider = Some(provider);
        } else if let Ok(effort) = serde_json::from_value::<Effort>(value()) {
            choice.effort = Some(effort);
        } else {
            choice.model = Some(word.to_owned());
        }
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_name_a_model() {
        let model = |name: &str| Some(name.to_owned());
        assert_eq!(meant("gpt-5.4"), Choice { model: model("gpt-5.4"), ..Choice::default() });
        assert_eq!(
            meant(" anthropic  claude-opus-5 xhigh"),
            Choice {
                provider: Some(Provider::Anthropic),
                model: model("claude-opus-5"),
                effort: Some(Effort::Xhigh),
                ..Choice::default()
            }
        );
        assert_eq!(meant("low"), Choice { effort: Some(Effort::Low), ..Choice::default() });
    }
}
