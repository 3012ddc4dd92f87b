//! Keeps what the review shows in step with the documents, off the keystroke path.
//!
//! Document handlers only say that something changed. A task of its own waits until the typing pauses, lets each session
//! look at the live text, derives the proposals again and sends what differs from what the client was last told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tower_lsp::gen_lsp_types::{
    CodeLensRefreshRequest, Diagnostic, PublishDiagnosticsNotification, PublishDiagnosticsParams, Uri,
};

use super::diagnostics;
use super::enclosing::{Parsed, SymbolCache};
use super::ext::{ClawProposal, ProposalParams};
use super::flights::Flights;
use super::host::KnownDiagnostics;
use super::review::Review;
use super::server::Server;
use super::watched::{self, Watch};
use crate::agent::Session;
use crate::context::Index;
use crate::syntax::{Language, Live};
use crate::workspace::{DocPath, Workspace};

/// A pause in the typing that is long enough to derive again.
const PAUSE: Duration = Duration::from_millis(120);

/// Typing without a pause is followed at least this often.
const AT_LEAST: Duration = Duration::from_secs(1);

/// Bytes of a document whose first parse is waited for, and how long.
const SMALL: usize = 128 * 1024;
const FIRST_PARSE: Duration = Duration::from_millis(100);

/// Documents whose symbols are parsed at once.
const MOST_PARSED: usize = 32;

/// How long a client may take to answer what it is only told.
const TOLD: Duration = Duration::from_secs(5);

/// What the server knows about reviews, beside the sessions themselves.
#[derive(Default)]
pub struct Reviews {
    /// By session id; sessions that propose nothing and never did have none.
    by_session: BTreeMap<String, Arc<Review>>,
    /// What the client was last told, by URI.
    published: BTreeMap<String, Vec<Diagnostic>>,
    /// What it was told of before it opened it: some clients keep nothing of documents that are not open.
    again: BTreeSet<String>,
    /// Hunks that are on their way to the editor: session and hunk.
    pub in_flight: BTreeSet<(String, String)>,
    pub flights: Flights,
    /// Held while an edit is on its way that nobody has to look through: the next is made for the text that this one leaves.
    pub applying: Arc<tokio::sync::Mutex<()>>,
    /// Held while a question stands before the user.
    pub asking: Arc<tokio::sync::Mutex<()>>,
    pub watch: Watch,
    /// How often the live texts were looked at.
    pub looks: u64,
    pub symbols: SymbolCache,
    pub known: KnownDiagnostics,
    /// The symbols of the workspace: kept when the agent is built anew.
    pub index: Option<Index>,
    unparsed: BTreeSet<DocPath>,
    changes: Changes,
    refreshing: Arc<tokio::sync::Mutex<()>>,
}

/// Counts the changes of documents.
struct Changes {
    count: watch::Sender<u64>,
    is_kept: bool,
}

impl Default for Changes {
    fn default() -> Changes {
        Changes { count: watch::Sender::new(0), is_kept: false }
    }
}

impl Reviews {
    pub fn all(&self) -> Vec<Arc<Review>> {
        self.by_session.values().cloned().collect()
    }

    pub fn get(&self, session: &str) -> Option<Arc<Review>> {
        self.by_session.get(session).cloned()
    }

    /// Notified at every change of a document.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.count.subscribe()
    }
}

/// A document was opened. Never waits.
pub fn document_opened(server: &Server, uri: &str, path: &DocPath) {
    server.state.with(|state| {
        let reviews = &mut state.reviews;
        if reviews.published.get(uri).is_some_and(|told| !told.is_empty()) {
            reviews.again.insert(uri.to_owned());
        }
    });
    document_changed(server, path);
}

/// A document was opened, changed, saved or closed. Never waits.
pub fn document_changed(server: &Server, path: &DocPath) {
    server.state.with(|state| {
        let reviews = &mut state.reviews;
        if state.workspace.buffers().get(path).is_none() {
            reviews.symbols.forget(path);
            reviews.known.forget(path);
        } else {
            reviews.unparsed.insert(path.clone());
        }
    });
    proposal_changed(server);
}

/// What is proposed may be another: by a step of a turn, or by what happened to files. Never waits.
pub fn proposal_changed(server: &Server) {
    let start = server.state.with(|state| {
        let changes = &mut state.reviews.changes;
        let start = (!changes.is_kept).then(|| changes.count.subscribe());
        changes.is_kept = true;
        changes.count.send_modify(|count| *count = count.wrapping_add(1));
        start
    });
    if let Some(changes) = start {
        server.spawn(keep(server.clone(), changes));
    }
}

async fn keep(server: Server, mut changes: watch::Receiver<u64>) {
    while changes.changed().await.is_ok() {
        let latest = Instant::now() + AT_LEAST;
        while let Ok(Ok(())) = tokio::time::timeout(PAUSE, changes.changed()).await {
            if Instant::now() > latest {
                break;
            }
        }
        refresh(&server).await;
    }
}

/// Lets every session look at the live text, derives its proposal again, and tells the client what became different. One
/// that is at work too: its hunks can be decided while it goes on.
pub async fn refresh(server: &Server) {
    let refreshing = server.state.with(|state| Arc::clone(&state.reviews.refreshing));
    let _one_at_a_time = refreshing.lock().await;
    let looker = server.clone();
    let looked = tokio::task::spawn_blocking(move || look(&looker)).await;
    match looked {
        Ok(changed) => {
            tell(server, &changed);
            watched::follow(server);
        }
        Err(error) => tracing::error!(%error, "the proposals could not be derived"),
    }
}

/// Derives; the sessions whose proposal is another than before.
fn look(server: &Server) -> Vec<Arc<Review>> {
    let (workspace, sessions, unparsed) = server.state.with(|state| {
        let sessions: Vec<Session> = state.sessions.values().map(|entry| entry.session.clone()).collect();
        state.reviews.looks = state.reviews.looks.wrapping_add(1);
        (state.workspace.clone(), sessions, std::mem::take(&mut state.reviews.unparsed))
    });
    parse(server, &workspace, unparsed);
    let mut changed = Vec::new();
    for session in sessions {
        let before = server.state.with(|state| state.reviews.get(session.id()));
        if before.is_none() && session.overlay().is_empty() {
            continue;
        }
        session.observe();
        let picture = session.picture();
        if before.as_ref().is_some_and(|before| before.is_of(&session, &picture)) {
            continue;
        }
        let review = Arc::new(Review::of(&session, picture));
        server.state.with(|state| state.reviews.by_session.insert(session.id().to_owned(), Arc::clone(&review)));
        if before.is_none_or(|before| before.files != review.files || before.checks != review.checks) {
            changed.push(review);
        }
    }
    changed
}

/// Has the symbols of a document that was just opened, if that takes a moment: an editor asks for code actions as soon as
/// it shows a document. Never waits for a document whose symbols are known, however old.
pub async fn first_parse(server: &Server, path: &DocPath) {
    let workspace = server.state.with(|state| {
        let unknown = state.reviews.symbols.get(path).is_none();
        let small = state.workspace.buffers().get(path).is_some_and(|buffer| buffer.text.len() <= SMALL);
        (unknown && small).then(|| state.workspace.clone())
    });
    let Some(workspace) = workspace else { return };
    let (server, paths) = (server.clone(), BTreeSet::from([path.clone()]));
    let parsing = tokio::task::spawn_blocking(move || parse(&server, &workspace, paths));
    // Late is as good as never: the keeper parses too.
    let _ = tokio::time::timeout(FIRST_PARSE, parsing).await;
}

fn parse(server: &Server, workspace: &Workspace, mut paths: BTreeSet<DocPath>) {
    let buffers = workspace.buffers();
    let mut parsed = 0;
    while let Some(path) = paths.pop_first() {
        let Some(buffer) = buffers.get(&path) else { continue };
        let language = Language::of_path(&workspace.roots().display(&path));
        // Nobody asks for tests of a key or a heading.
        let Some(language) = language.filter(|language| !language.is_data()) else { continue };
        let known = server.state.with(|state| state.reviews.symbols.get(&path));
        if known.is_some_and(|known| known.is_of(&buffer.text)) {
            continue;
        }
        if parsed == MOST_PARSED {
            paths.insert(path);
            break;
        }
        parsed += 1;
        let (known, index) =
            server.state.with(|state| (state.reviews.symbols.live(&path), state.reviews.index.clone()));
        let known = known.filter(|live| live.language() == language);
        let live = match &known {
            Some(live) => live.update(&buffer.text),
            None => Live::of(&buffer.text, language),
        };
        // Whoever asks meanwhile has what is known by now.
        let fresh = live.as_ref().map(Parsed::of_live);
        server.state.with(|state| state.reviews.symbols.update(path.clone(), fresh));
        let live = match live {
            Some(live) if !live.is_settled() => live.settled().or(Some(live)),
            live => live,
        };
        let fresh = live.as_ref().filter(|live| live.is_settled()).map(Parsed::of_live);
        if let (Some(live), Some(index)) = (&live, &index)
            && let Some(survey) = live.survey()
        {
            // A map finds it done.
            index.put(known.as_ref().map(|known| known.text()), &buffer.text, language, || survey);
        }
        server.state.with(|state| {
            state.reviews.symbols.update(path.clone(), fresh);
            if let Some(live) = live {
                state.reviews.symbols.keep_live(path, Arc::new(live));
            }
        });
    }
    if !paths.is_empty() {
        // The rest in the next round.
        server.state.with(|state| {
            state.reviews.unparsed.append(&mut paths);
            state.reviews.changes.count.send_modify(|count| *count = count.wrapping_add(1));
        });
    }
}

/// Sends what differs from what the client was last told.
fn tell(server: &Server, changed: &[Arc<Review>]) {
    let published = publish(server);
    let client = server.state.client();
    if client.claw.review {
        for review in changed {
            let params = ProposalParams {
                session: review.session.clone(),
                files: Arc::clone(&review.files),
                checks: review.checks.clone(),
            };
            server.outbox.notify::<ClawProposal>(params);
        }
    }
    if client.code_lens_refresh && (published || !changed.is_empty()) {
        let answer = server.outbox.ask::<CodeLensRefreshRequest>((), TOLD);
        server.spawn(async move {
            if let Err(error) = answer.await {
                tracing::debug!(%error, "code lenses were not refreshed");
            }
        });
    }
}

/// Publishes the diagnostics of all documents with pending hunks, and clears those of documents that have none any more.
fn publish(server: &Server) -> bool {
    let (reviews, workspace, encoding) =
        server.state.with(|state| (state.reviews.all(), state.workspace.clone(), state.client.encoding));
    let buffers = workspace.buffers();
    let mut current: BTreeMap<String, (Option<i32>, Vec<Diagnostic>)> = BTreeMap::new();
    for file in reviews.iter().flat_map(|review| &review.pending) {
        let buffer = buffers.get(&file.live);
        let text = buffer.map_or(&file.text, |buffer| &buffer.text);
        let diagnostics = diagnostics::of_document(&reviews, &file.live, text, encoding);
        let uri = buffer.map_or(file.live_uri.as_str(), |buffer| &buffer.uri);
        current.insert(uri.to_owned(), (buffer.map(|buffer| buffer.version), diagnostics));
    }
    let messages = server.state.with(|state| {
        let again = std::mem::take(&mut state.reviews.again);
        let published = &mut state.reviews.published;
        let mut messages = Vec::new();
        for uri in published.keys().filter(|uri| !current.contains_key(*uri)) {
            messages.push((uri.clone(), None, Vec::new()));
        }
        published.retain(|uri, _| current.contains_key(uri));
        for (uri, (version, diagnostics)) in current {
            if published.get(&uri) != Some(&diagnostics) || again.contains(&uri) {
                published.insert(uri.clone(), diagnostics.clone());
                messages.push((uri, version, diagnostics));
            }
        }
        messages
    });
    let any = !messages.is_empty();
    for (uri, version, diagnostics) in messages {
        let params = PublishDiagnosticsParams { uri: Uri::from(uri.as_str()), version, diagnostics };
        server.outbox.notify::<PublishDiagnosticsNotification>(params);
    }
    any
}
