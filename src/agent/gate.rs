//! The gate before what a call would do: rules first, then the user.
//!
//! What is decided here is an event, so that a replay knows it. Nothing but the reply to a question grants anything: no text of
//! a model, a page or a file. A yes holds for the act as it was shown.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::rules::{folders, with_kept};
use super::session::Session;
use crate::event::{DecidedBy, Decision, Event, EventKind, PermissionDecided, PermissionMode};
use crate::permission::{self, Act, Rules, Taint, Verdict};
use crate::store::Trust;
use crate::text::hidden::visible_line;
use crate::tools::{Approval, Reply, TrustQuestion};

/// What a session was granted, and what its model has seen.
#[derive(Debug, Default)]
pub(in crate::agent) struct Grants {
    /// Acts that were allowed for the session, each exactly as it was shown, and rules that were allowed for good while it ran.
    rules: Rules,
    /// What the configuration and the user's file of rules said as the turn began.
    configured: Rules,
    /// Whether the model has seen text of strangers, and text of the user's.
    pub taint: Taint,
    /// Whether the workspace was trusted when the turn began, or the user has said so since.
    trusted: bool,
    /// The user was asked whether the workspace is trusted, and said no.
    distrusted: bool,
}

/// One look at a call: who asks, and for what.
pub(in crate::agent) struct Request<'a> {
    pub tool: &'a str,
    pub input: &'a Value,
    pub act: &'a Act,
    pub mode: PermissionMode,
}

impl Session {
    /// Whether the act may be done. Waits for the user where it must be asked.
    pub(in crate::agent) async fn permit(&self, request: Request<'_>) -> PermissionDecided {
        if needs_trust(request.act)
            && let Some(refused) = self.refused_for_trust(&request).await
        {
            return refused;
        }
        if request.act.sends() && self.holds_secret(request.act) {
            let rule = Some("it would send out what looks like a secret".to_owned());
            return request.decided(Decision::Deny, DecidedBy::Rule, rule);
        }
        let (verdict, leaks) = {
            let grants = self.grants();
            let verdict =
                permission::decide(request.mode, &grants.configured, &grants.rules, request.act, grants.taint);
            (verdict, grants.taint.is_dangerous() && request.act.sends())
        };
        let beyond = self.goes_beyond_its_rules(request.act);
        let verdict = match verdict {
            Verdict::Allow { by: DecidedBy::Rule, rule: Some(rule) } if beyond => {
                Verdict::Ask { why: format!("it wants the network, and `{rule}` does not allow that"), rule: None }
            }
            other => other,
        };
        match verdict {
            Verdict::Allow { by, rule } => request.decided(Decision::Allow, by, rule),
            Verdict::Deny { by, rule, .. } => request.decided(Decision::Deny, by, rule),
            // "Always" is not offered where the rule would not hold the next time.
            Verdict::Ask { why, rule } => {
                let pattern = request.act.pattern().filter(|_| rule.is_none() && !leaks && !beyond);
                self.ask(&request, why, rule, pattern).await
            }
        }
    }

    /// What the rules say of reading or editing a document, which needs no yes otherwise.
    pub(in crate::agent) async fn permit_by_rules(&self, request: Request<'_>) -> Option<PermissionDecided> {
        let verdict = {
            let grants = self.grants();
            permission::ruled(&grants.configured, &grants.rules, request.act, grants.taint)
        };
        match verdict? {
            Verdict::Allow { .. } => None,
            Verdict::Deny { by, rule, .. } => Some(request.decided(Decision::Deny, by, rule)),
            Verdict::Ask { why, rule } => Some(self.ask(&request, why, rule, None).await),
        }
    }

    /// Whether no rule speaks of anything: then nobody needs to look.
    pub(in crate::agent) fn goes_by_no_rules(&self) -> bool {
        let grants = self.grants();
        grants.configured.is_empty() && grants.rules.is_empty()
    }

    /// What would become of an act now, before anybody is asked.
    pub(in crate::agent) fn foresee(&self, mode: PermissionMode, act: &Act) -> Verdict {
        let grants = self.grants();
        permission::decide(mode, &grants.configured, &grants.rules, act, grants.taint)
    }

    /// What the rules alone say of an act; `None` where they are silent.
    pub(in crate::agent) fn foresee_by_rules(&self, act: &Act) -> Option<Verdict> {
        let grants = self.grants();
        permission::ruled(&grants.configured, &grants.rules, act, grants.taint)
    }

    /// Notes that the model was shown something of the user's.
    pub(in crate::agent) fn saw_private(&self) {
        self.grants().taint.private = true;
    }

    /// Notes that the model was shown what a stranger wrote.
    pub(in crate::agent) fn saw_untrusted(&self) {
        self.grants().taint.untrusted = true;
    }

    /// What another session's model has seen that told this one's something.
    pub(in crate::agent) fn take_over_taint(&self, other: &Session) {
        let seen = other.grants().taint;
        let mut grants = self.grants();
        grants.taint.private |= seen.private;
        grants.taint.untrusted |= seen.untrusted;
    }

    /// What a session's model has seen follows from its trace; what the user allowed ends with the process.
    pub(in crate::agent) fn restore_grants(&self, events: &[Event]) {
        for event in events {
            match &event.kind {
                EventKind::Context(_) => self.saw_private(),
                // What needed permission and ran may have brought in anything.
                EventKind::Permission(decided) if decided.decision == Decision::Allow => self.saw_untrusted(),
                _ => {}
            }
        }
    }

    /// Takes in the rules, and whether the workspace is trusted, for the turn that begins: what the settings say later holds for the
    /// next one. Blocks on the disk.
    pub(in crate::agent) fn begin_gate(&self) {
        let parts = self.parts();
        let configured = Arc::clone(&self.state().rules);
        let rules = with_kept(&configured, parts.always.as_ref(), &parts.workspace);
        let trusted = self.is_trusted();
        let mut grants = self.grants();
        grants.configured = rules;
        grants.trusted = trusted;
        // Anybody could have written what lies in a workspace that the user does not trust.
        grants.taint.untrusted |= !trusted;
    }

    /// Whether the workspace is trusted in this turn.
    pub(in crate::agent) fn trusts_workspace(&self) -> bool {
        self.grants().trusted
    }

    /// Whether every folder of the workspace is trusted.
    fn is_trusted(&self) -> bool {
        let parts = self.parts();
        if let Some(trusted) = parts.host.trusts_workspace().or(parts.trusted) {
            return trusted;
        }
        let Some(store) = &parts.store else { return false };
        let trust = Trust::new(store.folder());
        let roots = parts.workspace.roots();
        roots.iter().next().is_some() && roots.iter().all(|root| trust.is_trusted(&root.path))
    }

    /// Whether a command wants the network where commands have none. Rules are written for what commands are there: one that lets
    /// the tests run does not let them send.
    fn goes_beyond_its_rules(&self, act: &Act) -> bool {
        matches!(act, Act::Shell { network: true, .. }) && !self.parts().commands.network
    }

    /// Whether what an act sends out holds a key, as it is or as an address spells it.
    fn holds_secret(&self, act: &Act) -> bool {
        let sent = match act {
            Act::Shell { command, .. } => command.clone(),
            Act::Fetch { url } => {
                let spelled = url.as_str().replace('+', " ");
                format!("{}\n{}", url.as_str(), percent_decoded(&spelled))
            }
            Act::Search { query, .. } => query.clone(),
            Act::Mcp { input, .. } | Act::Other { input, .. } => input.to_string(),
            Act::Read { .. } | Act::Edit { .. } | Act::StartServer { .. } => return false,
        };
        *self.parts().redactor.redact(&sent) != *sent
    }

    async fn ask(
        &self,
        request: &Request<'_>,
        why: String,
        rule: Option<String>,
        pattern: Option<String>,
    ) -> PermissionDecided {
        let parts = self.parts();
        let approval = Approval {
            session: visible_line(&self.title()).into_owned(),
            tool: request.tool.to_owned(),
            act: request.act.shown(),
            why,
            pattern: pattern.clone(),
            deadline: Duration::from_secs(parts.config.limits.prompt_timeout_s),
        };
        match parts.host.approve(approval).await {
            Reply::Once => request.decided(Decision::Allow, DecidedBy::User, rule),
            Reply::Session => {
                self.grants().rules.grant(request.act);
                request.decided(Decision::Allow, DecidedBy::User, rule)
            }
            Reply::Always => {
                if let Some(pattern) = &pattern {
                    self.allow_always(pattern).await;
                }
                request.decided(Decision::Allow, DecidedBy::User, pattern)
            }
            Reply::Deny => request.decided(Decision::Deny, DecidedBy::User, rule),
            Reply::Unanswered => request.decided(Decision::Deny, DecidedBy::Timeout, rule),
        }
    }

    /// Keeps a rule for this workspace where the user can read it. Where it can not be kept it holds for the session.
    async fn allow_always(&self, pattern: &str) {
        if let Err(problem) = self.grants().rules.add_allow(pattern) {
            return tracing::error!(pattern, problem = problem.message, "a rule that was offered is none");
        }
        let (session, pattern) = (self.clone(), pattern.to_owned());
        let kept = tokio::task::spawn_blocking(move || {
            let Some(always) = &session.parts().always else { return Ok(()) };
            always.add(&folders(&session.parts().workspace), &pattern)
        });
        match kept.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a rule was not kept: it holds for this session only"),
            Err(error) => tracing::error!(%error, "a rule was not kept"),
        }
    }

    /// `None` where the workspace is trusted, or is from now on.
    async fn refused_for_trust(&self, request: &Request<'_>) -> Option<PermissionDecided> {
        const RULE: &str = "the workspace is not trusted";
        if self.grants().trusted {
            return None;
        }
        if self.grants().distrusted {
            return Some(request.decided(Decision::Deny, DecidedBy::User, Some(RULE.to_owned())));
        }
        let parts = self.parts();
        let question = TrustQuestion {
            folders: folders(&parts.workspace),
            purpose: "run commands in it".to_owned(),
            deadline: Duration::from_secs(parts.config.limits.prompt_timeout_s),
        };
        let by = match parts.host.ask_trust(question).await {
            Reply::Once | Reply::Session | Reply::Always => {
                self.grants().trusted = true;
                return None;
            }
            Reply::Deny => {
                self.grants().distrusted = true;
                DecidedBy::User
            }
            Reply::Unanswered => DecidedBy::Timeout,
        };
        Some(request.decided(Decision::Deny, by, Some(RULE.to_owned())))
    }

    fn grants(&self) -> std::sync::MutexGuard<'_, Grants> {
        self.shared_grants().lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Request<'_> {
    fn decided(&self, decision: Decision, by: DecidedBy, rule: Option<String>) -> PermissionDecided {
        PermissionDecided { tool: self.tool.to_owned(), input: self.input.clone(), decision, by, rule }
    }
}

/// What the model is told of a call that was not allowed.
pub(in crate::agent) fn refusal(decided: &PermissionDecided) -> String {
    let rule = decided.rule.as_ref().map(|rule| format!(" ({rule})")).unwrap_or_default();
    let why = match decided.by {
        DecidedBy::Mode => format!("this permission mode does not allow it{rule}"),
        DecidedBy::Rule => format!("a rule of the user's forbids it{rule}"),
        DecidedBy::User => format!("the user said no{rule}"),
        DecidedBy::Timeout => format!("it needs the user's permission, and nobody answered{rule}"),
    };
    format!("not run: {why}. Do not try the same in another way: go on without it, or say what you need it for.")
}

/// An address's text without its escapes.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a workspace must be trusted for: what runs in it can be its own code.
fn needs_trust(act: &Act) -> bool {
    match act {
        Act::Shell { .. } | Act::Mcp { .. } | Act::StartServer { .. } => true,
        Act::Fetch { .. } | Act::Search { .. } | Act::Read { .. } | Act::Edit { .. } | Act::Other { .. } => false,
    }
}

/// Whether what an act brings back was written by strangers.
pub(in crate::agent) fn brings_in(act: &Act) -> bool {
    match act {
        Act::Shell { network, confined, .. } => *network || !*confined,
        Act::Fetch { .. } | Act::Search { .. } | Act::Mcp { .. } => true,
        Act::Read { .. } | Act::Edit { .. } | Act::StartServer { .. } => false,
        // The program that brought the tool answers for it.
        Act::Other { .. } => false,
    }
}
