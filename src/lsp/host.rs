//! What the editor offers to the agent: what its language servers say, and a user who can be asked.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;
use tower_lsp::gen_lsp_types::{Code, Diagnostic as LspDiagnostic, DiagnosticSeverity, Range as LspRange};

use super::actions::message_of;
use super::convert;
use super::diagnostics::SOURCE;
use super::ext::{ClawDiagnostics, DiagnosticsParams};
use super::prompts;
use super::server::Server;
use crate::text::{PositionEncoding, Text};
use crate::tools::{Approval, Diagnostic, Diagnostics, Host, Reply, Severity, TrustQuestion, UserAnswer, UserQuestion};
use crate::workspace::{DocPath, View};

/// How long the editor may take to say what its servers found.
const ANSWER: Duration = Duration::from_secs(2);

/// Documents whose diagnostics are remembered.
const MOST_REMEMBERED: usize = 256;

/// [`Host`] on a client of the protocol.
pub struct EditorHost {
    server: Server,
}

/// Diagnostics that came with code-action requests: all that a server is told about those of others. They hold for the
/// version they came with.
#[derive(Debug, Default)]
pub struct KnownDiagnostics {
    by_path: BTreeMap<DocPath, (i32, Vec<Diagnostic>)>,
}

impl EditorHost {
    pub fn new(server: Server) -> EditorHost {
        EditorHost { server }
    }
}

impl Host for EditorHost {
    fn diagnostics(&self, path: Option<DocPath>) -> BoxFuture<'static, Diagnostics> {
        let server = self.server.clone();
        Box::pin(async move {
            if server.state.with(|state| state.client.claw.diagnostics)
                && let Some(known) = ask_editor(&server, path.as_ref()).await
            {
                return Diagnostics::Known(known);
            }
            let buffers = server.state.workspace().buffers();
            let version = |path: &DocPath| buffers.get(path).map(|buffer| buffer.version);
            server.state.with(|state| state.reviews.known.of(path.as_ref(), version))
        })
    }

    fn trusts_workspace(&self) -> Option<bool> {
        Some(self.server.state.with(|state| state.settings.trusted))
    }

    fn ask_trust(&self, question: TrustQuestion) -> BoxFuture<'static, Reply> {
        let server = self.server.clone();
        Box::pin(async move { prompts::ask_trust(&server, question).await })
    }

    fn approve(&self, question: Approval) -> BoxFuture<'static, Reply> {
        let server = self.server.clone();
        Box::pin(async move { prompts::approve(&server, question).await })
    }

    fn ask_user(&self, question: UserQuestion) -> BoxFuture<'static, UserAnswer> {
        let server = self.server.clone();
        Box::pin(async move { prompts::ask_user(&server, question).await })
    }
}

impl KnownDiagnostics {
    /// Adds what a code-action request for a part of `path` said.
    pub fn remember(&mut self, path: &DocPath, version: i32, diagnostics: Vec<Diagnostic>) {
        if self.by_path.len() >= MOST_REMEMBERED && !self.by_path.contains_key(path) {
            self.by_path.clear();
        }
        let entry = self.by_path.entry(path.clone()).or_insert_with(|| (version, Vec::new()));
        if entry.0 != version {
            *entry = (version, Vec::new());
        }
        for diagnostic in diagnostics {
            if !entry.1.contains(&diagnostic) {
                entry.1.push(diagnostic);
            }
        }
    }

    pub fn forget(&mut self, path: &DocPath) {
        self.by_path.remove(path);
    }

    /// What still holds: of one document or of all. Nothing remembered is not the same as no problems.
    fn of(&self, path: Option<&DocPath>, version: impl Fn(&DocPath) -> Option<i32>) -> Diagnostics {
        let mut holding = self
            .by_path
            .iter()
            .filter(|(other, (seen, _))| path.is_none_or(|path| path == *other) && version(other) == Some(*seen))
            .peekable();
        if holding.peek().is_none() {
            return Diagnostics::Unknown;
        }
        Diagnostics::Known(holding.flat_map(|(_, (_, diagnostics))| diagnostics.iter().cloned()).collect())
    }
}

/// Remembers what a code-action request for a part of `path` said.
pub fn remember(server: &Server, path: &DocPath, text: &Text, version: i32, diagnostics: &[LspDiagnostic]) {
    let encoding = server.state.with(|state| state.client.encoding);
    let of_version = |diagnostic| Diagnostic { version: Some(version), ..diagnostic };
    let converted: Vec<Diagnostic> = diagnostics
        .iter()
        .filter_map(|diagnostic| convert_diagnostic(diagnostic, path, text, encoding).map(of_version))
        .collect();
    if !converted.is_empty() {
        server.state.with(|state| state.reviews.known.remember(path, version, converted));
    }
}

/// A diagnostic of the protocol in our terms. Our own hunks are none.
pub fn convert_diagnostic(
    diagnostic: &LspDiagnostic,
    path: &DocPath,
    text: &Text,
    encoding: PositionEncoding,
) -> Option<Diagnostic> {
    if diagnostic.source.as_deref() == Some(SOURCE) {
        return None;
    }
    let severity = match diagnostic.severity {
        Some(DiagnosticSeverity::Error) | None => Severity::Error,
        Some(DiagnosticSeverity::Warning) => Severity::Warning,
        Some(DiagnosticSeverity::Information) => Severity::Information,
        Some(DiagnosticSeverity::Hint | DiagnosticSeverity::Custom(_)) => Severity::Hint,
    };
    let code = diagnostic.code.as_ref().map(|code| match code {
        Code::Int(number) => number.to_string(),
        Code::String(word) => word.clone(),
    });
    Some(Diagnostic {
        path: path.clone(),
        range: bytes_of(text, diagnostic.range, encoding),
        line: diagnostic.range.start.line.saturating_add(1),
        severity,
        message: message_of(diagnostic).to_owned(),
        source: diagnostic.source.clone(),
        code,
        version: None,
    })
}

/// The bytes of a range; a range that runs backwards is its start.
fn bytes_of(text: &Text, range: LspRange, encoding: PositionEncoding) -> std::ops::Range<usize> {
    let start = convert::offset(text, range.start, encoding);
    convert::byte_range(text, range, encoding).unwrap_or(start..start)
}

/// A diagnostic on one line, for the model.
pub fn render(diagnostic: &Diagnostic, name: &str) -> String {
    let severity = diagnostic.severity.name();
    let code = diagnostic.code.as_ref().map(|code| format!("[{code}]")).unwrap_or_default();
    let source = diagnostic.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
    let message = diagnostic.message.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{name}:{}: {severity}{code}: {message}{source}", diagnostic.line)
}

/// `claw/diagnostics`. `None` if the editor does not answer or answers something else.
async fn ask_editor(server: &Server, path: Option<&DocPath>) -> Option<Vec<Diagnostic>> {
    let (workspace, encoding) = server.state.with(|state| (state.workspace.clone(), state.client.encoding));
    let live = workspace.live();
    let params = DiagnosticsParams { uris: path.map(|path| vec![live.uri(path)]) };
    let answer = match server.outbox.ask::<ClawDiagnostics>(params, ANSWER).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::debug!(%error, "claw/diagnostics");
            return None;
        }
    };
    let reader = server.clone();
    let read = tokio::task::spawn_blocking(move || {
        read_answer(&answer, &live, encoding, |uri| reader.state.with(|state| state.doc_path(uri)))
    });
    read.await.ok().flatten()
}

/// The answer is a list of `{uri, version?, diagnostics}`, bare or as `items`.
fn read_answer(
    answer: &Value,
    live: &View,
    encoding: PositionEncoding,
    doc_path: impl Fn(&str) -> DocPath,
) -> Option<Vec<Diagnostic>> {
    let items = answer.as_array().or_else(|| answer.get("items")?.as_array())?;
    let mut known = Vec::new();
    for item in items {
        let Some(path) = item.get("uri").and_then(Value::as_str).map(&doc_path) else { continue };
        let text = live.read(&path).map(|document| document.text).unwrap_or_default();
        let version = item.get("version").and_then(Value::as_i64).and_then(|version| i32::try_from(version).ok());
        let diagnostics = item.get("diagnostics").and_then(Value::as_array);
        for diagnostic in diagnostics.into_iter().flatten() {
            // One that can not be read is left out: it is another server's.
            let Ok(diagnostic) = serde_json::from_value::<LspDiagnostic>(diagnostic.clone()) else { continue };
            let converted = convert_diagnostic(&diagnostic, &path, &text, encoding);
            known.extend(converted.map(|diagnostic| Diagnostic { version, ..diagnostic }));
        }
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(message: &str) -> Diagnostic {
        Diagnostic {
            path: DocPath::Virtual("untitled:a".into()),
            range: 0..1,
            line: 1,
            severity: Severity::Error,
            message: message.to_owned(),
            source: Some("rustc".to_owned()),
            code: Some("E1".to_owned()),
            version: Some(1),
        }
    }

    #[test]
    fn what_is_remembered_holds_for_its_version_only() {
        let path = DocPath::Virtual("untitled:a".into());
        let mut known = KnownDiagnostics::default();
        assert_eq!(known.of(None, |_| Some(1)), Diagnostics::Unknown);
        known.remember(&path, 1, vec![problem("a")]);
        known.remember(&path, 1, vec![problem("a"), problem("b")]);
        assert_eq!(known.of(Some(&path), |_| Some(1)), Diagnostics::Known(vec![problem("a"), problem("b")]));
        assert_eq!(known.of(Some(&path), |_| Some(2)), Diagnostics::Unknown);
        known.remember(&path, 2, Vec::new());
        assert_eq!(known.of(Some(&path), |_| Some(2)), Diagnostics::Known(Vec::new()));
    }

    #[test]
    fn one_line_for_the_model() {
        assert_eq!(render(&problem("mismatched\n  types"), "a.rs"), "a.rs:1: error[E1]: mismatched types (rustc)");
    }
}
