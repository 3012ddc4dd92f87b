//! Files that change behind the editor: by a checkout, a generator, another editor.
//!
//! What they hold matters while hunks are pending in files that are not open: text that equals a hunk counts as accepted however it
//! got there. So the client is asked to watch only then, everything beneath the folders, and asked to stop when nothing waits
//! there any more: a watch of a large folder is dear in some editors. However many events come, they only say that it is
//! time for a look; looks follow one another at the keeper's pace. Where a client does not watch, the entries of just those
//! files are looked at every two seconds, which costs one call of the system for each.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tower_lsp::gen_lsp_types::{
    Registration, RegistrationParams, RegistrationRequest, Unregistration, UnregistrationParams, UnregistrationRequest,
};

use super::keeper;
use super::server::Server;
use crate::workspace::DocPath;
use crate::workspace::disk::Entry;

const ID: &str = "claw/files";
const METHOD: &str = "workspace/didChangeWatchedFiles";

/// How long a client may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// Between two looks at the entries of files that nobody watches.
const POLL: Duration = Duration::from_secs(2);

/// How the files are watched that matter now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    #[default]
    Not,
    ByClient,
    ByPoll,
}

/// `workspace/didChangeWatchedFiles`. What changed does not matter: the look that follows finds it. Never waits.
pub fn did_change_watched_files(server: &Server) {
    if server.state.with(|state| state.reviews.watch != Watch::Not) {
        keeper::proposal_changed(server);
    }
}

/// Watches while hunks are pending in files that are not open, and stops when none are.
pub fn follow(server: &Server) {
    let is_wanted = !pending_and_closed(server).is_empty();
    let (watch, can_register) = server.state.with(|state| (state.reviews.watch, state.client.watched_files));
    match (watch, is_wanted) {
        (Watch::Not, true) if can_register => {
            server.state.with(|state| state.reviews.watch = Watch::ByClient);
            let options = json!({"watchers": [{"globPattern": "**/*"}]});
            let registration =
                Registration { id: ID.to_owned(), method: METHOD.to_owned(), register_options: Some(options) };
            let params = RegistrationParams { registrations: vec![registration] };
            let registered = server.outbox.ask::<RegistrationRequest>(params, ANSWER);
            let owned = server.clone();
            server.spawn(async move {
                if let Err(error) = registered.await {
                    tracing::info!(%error, "the client does not watch files");
                    let is_on = owned.state.with(|state| {
                        state.client.watched_files = false;
                        std::mem::take(&mut state.reviews.watch) == Watch::ByClient
                    });
                    if is_on {
                        follow(&owned);
                    }
                } else {
                    // Something may have changed before.
                    keeper::proposal_changed(&owned);
                }
            });
        }
        (Watch::Not, true) => {
            server.state.with(|state| state.reviews.watch = Watch::ByPoll);
            server.spawn(poll(server.clone()));
        }
        (Watch::ByClient, false) => {
            server.state.with(|state| state.reviews.watch = Watch::Not);
            let unregistration = Unregistration { id: ID.to_owned(), method: METHOD.to_owned() };
            let params = UnregistrationParams { unregisterations: vec![unregistration] };
            let answer = server.outbox.ask::<UnregistrationRequest>(params, ANSWER);
            server.spawn(async move { drop(answer.await) });
        }
        // A poll ends by itself.
        (Watch::ByPoll, false) | (Watch::ByClient | Watch::ByPoll, true) | (Watch::Not, false) => {}
    }
}

async fn poll(server: Server) {
    let mut known: Option<BTreeMap<DocPath, Option<Entry>>> = None;
    loop {
        let paths = pending_and_closed(&server);
        if paths.is_empty() {
            server.state.with(|state| state.reviews.watch = Watch::Not);
            return;
        }
        let workspace = server.state.workspace();
        let looked = tokio::task::spawn_blocking(move || {
            let live = workspace.live();
            paths.into_iter().map(|path| (path.clone(), live.entry(&path))).collect::<BTreeMap<_, _>>()
        });
        let Ok(now) = looked.await else { continue };
        let changed = |before: &BTreeMap<DocPath, Option<Entry>>| {
            now.iter().any(|(path, entry)| before.get(path).is_some_and(|before| before != entry))
        };
        // The first time too: something may have changed before.
        if known.as_ref().is_none_or(changed) {
            keeper::proposal_changed(&server);
        }
        known = Some(now);
        tokio::time::sleep(POLL).await;
    }
}

/// The files that no editor has open and in which hunks wait.
fn pending_and_closed(server: &Server) -> Vec<DocPath> {
    server.state.with(|state| {
        let buffers = state.workspace.buffers();
        let reviews = state.reviews.all();
        let files = reviews.iter().flat_map(|review| &review.pending);
        let paths = files.flat_map(|file| [&file.live, &file.path]);
        paths.filter(|path| path.root().is_some() && buffers.get(path).is_none()).cloned().collect()
    })
}
