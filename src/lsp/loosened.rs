//! Rights that a change of the editor's settings gives, and their way through the user's yes.
//!
//! Settings of a workspace are files that anybody who wrote the workspace could have written, and an editor passes them on as its user's
//! own. So what they allow more than before is held back: before the next turn begins the user is asked once. What they
//! allow less counts at once.

use std::time::Duration;

use serde_json::Value;
use tower_lsp::gen_lsp_types::MessageType;

use super::prompts;
use super::server::Server;
use super::settings::{self, freedom, tighter};
use crate::config::{Config, PermissionMode, Sandbox};

const USE: &str = "Allow";
const KEEP: &str = "Keep as it was";

/// The part of the settings that waits for a yes.
#[derive(Clone, Debug)]
pub struct Held {
    /// The section of the editor's settings as it was before.
    pub before: Value,
    /// What it would allow, in words; nothing where it allows no more than before.
    pub grown: Vec<String>,
    /// The user said no: it stays as it is until the settings change again.
    pub refused: bool,
}

/// What waits for a yes and was not asked yet, in words.
pub fn waiting(server: &Server) -> Option<Vec<String>> {
    server.state.with(|state| {
        let held = state.settings.held.as_ref()?;
        (!held.refused && !held.grown.is_empty()).then(|| held.grown.clone())
    })
}

/// Asks for what waits. No answer is a no, until the next turn; a no holds until the settings change.
pub async fn confirm(server: &Server) {
    let (asking, deadline) = server.state.with(|state| {
        let deadline = Duration::from_secs(state.settings.config.limits.prompt_timeout_s);
        (std::sync::Arc::clone(&state.reviews.asking), deadline)
    });
    let _one_at_a_time = asking.lock().await;
    let Some(grown) = waiting(server) else { return };
    let message = format!("The editor's settings changed, and would let Claw do more: {}.", grown.join("; "));
    let answer = prompts::offer(server, MessageType::Warning, message, &[USE, KEEP], deadline).await;
    let is_what_was_shown = waiting(server).is_some_and(|now| now == grown);
    match answer.as_deref() {
        Some(USE) if is_what_was_shown => settings::grant(server),
        Some(KEEP) => server.state.with(|state| {
            if let Some(held) = &mut state.settings.held {
                held.refused = true;
            }
        }),
        Some(_) | None => {}
    }
}

/// What `new` allows that `old` does not, in words.
pub fn grown(old: &Config, new: &Config) -> Vec<String> {
    let mut grown = Vec::new();
    if freedom(new.permission_mode) > freedom(old.permission_mode) {
        grown.push(format!("permission mode `{}`", mode_name(new.permission_mode)));
    }
    let missing = |from: &[String], of: &[String]| -> Vec<String> {
        of.iter().filter(|rule| !from.contains(rule)).cloned().collect()
    };
    let (had, has) = (&old.permissions, &new.permissions);
    grown.extend(missing(&had.allow, &has.allow).iter().map(|rule| format!("`{rule}` unasked")));
    grown.extend(missing(&has.ask, &had.ask).iter().map(|rule| format!("`{rule}` no longer asked each time")));
    grown.extend(missing(&has.deny, &had.deny).iter().map(|rule| format!("`{rule}` no longer denied")));
    if strictness(new.shell.sandbox) < strictness(old.shell.sandbox) {
        let what =
            if new.shell.sandbox == Sandbox::Off { "that are not confined" } else { "where nothing confines them" };
        grown.push(format!("commands {what}"));
    }
    if new.shell.network && !old.shell.network {
        grown.push("commands with the network".to_owned());
    }
    let shown = missing(&new.context.exclude, &old.context.exclude);
    grown.extend(shown.iter().map(|glob| format!("files like `{glob}` no longer kept from the model")));
    grown
}

/// `new`, with no more rights than `old` gives.
pub fn held_to(old: &Config, new: &Config) -> Config {
    let both = |one: &[String], other: &[String]| -> Vec<String> {
        let more = other.iter().filter(|rule| !one.contains(rule));
        one.iter().chain(more).cloned().collect()
    };
    let mut held = new.clone();
    held.permission_mode = tighter(old.permission_mode, new.permission_mode);
    held.permissions.allow.retain(|rule| old.permissions.allow.contains(rule));
    held.permissions.ask = both(&old.permissions.ask, &new.permissions.ask);
    held.permissions.deny = both(&old.permissions.deny, &new.permissions.deny);
    if strictness(new.shell.sandbox) < strictness(old.shell.sandbox) {
        held.shell.sandbox = old.shell.sandbox;
    }
    held.shell.network &= old.shell.network;
    held.context.exclude = both(&old.context.exclude, &new.context.exclude);
    held
}

fn mode_name(mode: PermissionMode) -> &'static str {
    match mode {
        PermissionMode::ReadOnly => "read-only",
        PermissionMode::Ask => "ask",
        PermissionMode::Auto => "auto",
    }
}

fn strictness(sandbox: Sandbox) -> u8 {
    match sandbox {
        Sandbox::Off => 0,
        Sandbox::Auto => 1,
        Sandbox::Require => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c05_what_is_held_gives_no_more_and_no_less_than_both_sides_agree_on() {
        let config = |mode, allow: &[&str], deny: &[&str], sandbox, network, exclude: &[&str]| {
            let list = |rules: &[&str]| rules.iter().map(ToString::to_string).collect::<Vec<_>>();
            let mut config = Config { permission_mode: mode, ..Config::default() };
            (config.permissions.allow, config.permissions.deny) = (list(allow), list(deny));
            (config.shell.sandbox, config.shell.network) = (sandbox, network);
            config.context.exclude = list(exclude);
            config
        };
        use PermissionMode::{Ask, Auto, ReadOnly};
        use Sandbox::{Off, Require};
        let configs = [
            Config::default(),
            config(Ask, &["shell(a)"], &["shell(b)"], Require, false, &["x"]),
            config(Auto, &["shell(a)", "shell(c)"], &[], Off, true, &[]),
            config(ReadOnly, &[], &["shell(b)", "shell(d)"], Require, false, &["x", "y"]),
        ];
        for old in &configs {
            assert_eq!(grown(old, old), Vec::<String>::new());
            for new in &configs {
                let held = held_to(old, new);
                assert_eq!(grown(old, &held), Vec::<String>::new(), "{old:?} {new:?}");
                assert_eq!(
                    grown(new, &held),
                    Vec::<String>::new(),
                    "what is taken away is taken at once: {old:?} {new:?}"
                );
                assert_eq!(grown(old, new).is_empty(), held == *new, "{old:?} {new:?}");
            }
        }
        assert_eq!(grown(&configs[1], &configs[2]).len(), 6);
    }
}
