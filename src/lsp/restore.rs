//! What waits for review outlives the server: at its start, and when a folder is opened, the sessions that propose something there
//! come back, and the last ones of which something can be taken back. In the background, and cheaply: which they are is looked up
//! by folder, however many others there are.

use std::collections::BTreeSet;
use std::time::Duration;

use super::server::Server;
use super::{ask, keeper, settings};
use crate::agent::{Session, waiting};
use crate::config;
use crate::store::{MOST_OF_SESSIONS, Mark, Store};

/// Sessions that another process has are asked for again after these times: an editor that starts anew may overtake its own
/// server on the way out.
const AGAIN: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(8)];

/// Brings back what waits in the folders that are open now. Returns at once.
pub fn begin(server: &Server) {
    let restorer = server.clone();
    server.spawn(async move {
        let mut waits = AGAIN.into_iter();
        let mut is_first = true;
        loop {
            let looker = restorer.clone();
            let looked = tokio::task::spawn_blocking(move || bring_back(&looker)).await;
            let Looked { brought_back, busy } = looked.unwrap_or_default();
            settings::tell_problems(&restorer);
            if brought_back {
                keeper::refresh(&restorer).await;
            }
            if std::mem::take(&mut is_first) {
                // Not before what waits is open, and so stays.
                let tidier = restorer.clone();
                let _ = tokio::task::spawn_blocking(move || make_room(&tidier)).await;
            }
            match waits.next() {
                Some(wait) if busy => tokio::time::sleep(wait).await,
                Some(_) | None => return,
            }
        }
    });
}

#[derive(Default)]
struct Looked {
    brought_back: bool,
    /// Another process has one of them.
    busy: bool,
}

fn make_room(server: &Server) {
    let store = config::state_dir(&server.environment()).map(|folder| Store::existing(&folder));
    if let Some(Ok(Some(store))) = store
        && let Err(error) = store.make_room(MOST_OF_SESSIONS)
    {
        tracing::warn!(%error, "old sessions could not be removed");
    }
}

fn bring_back(server: &Server) -> Looked {
    let mut looked = Looked::default();
    let Some(folder) = config::state_dir(&server.environment()) else { return looked };
    let store = match Store::existing(&folder) {
        Ok(Some(store)) => store,
        Ok(None) => return looked,
        Err(error) => {
            let problem = format!(
                "Claw can not use its state folder {}: {error}. Mend it, or set CLAW_STATE_DIR to another folder",
                folder.display()
            );
            server.state.with(|state| {
                if !state.folder_problems.contains(&problem) {
                    state.folder_problems.push(problem);
                }
            });
            return looked;
        }
    };
    let (workspace, open) = server.state.with(|state| {
        let open: Vec<Session> = state.sessions.values().map(|entry| entry.session.clone()).collect();
        (state.workspace.clone(), open)
    });
    for session in &open {
        looked.brought_back |= session.follow_folders();
    }
    let roots = workspace.roots();
    let mut brought = BTreeSet::new();
    let unmark = |mark: Mark, id: &str| roots.iter().for_each(|root| store.unmark(mark, &root.path, id));
    for id in waiting(&store, &roots) {
        if open.iter().any(|session| session.id() == id) {
            continue;
        }
        if !store.trace_path(&id).is_file() {
            unmark(Mark::Pending, &id);
            unmark(Mark::Applied, &id);
            continue;
        }
        if store.is_open(&id) {
            tracing::info!(session = id, "waits for review, and is open in another process");
            looked.busy = true;
            continue;
        }
        let opened = ask::open(server, &id);
        if server.leaving.is_cancelled() {
            // The sessions have been let go of, and this one came late.
            drop(server.state.with(|state| state.sessions.remove(&id)));
            return looked;
        }
        match opened {
            Ok(session) => {
                if session.is_settled() {
                    unmark(Mark::Pending, &id);
                    unmark(Mark::Applied, &id);
                    drop(server.state.with(|state| state.sessions.remove(&id)));
                    continue;
                }
                server.state.with(|state| {
                    // In the order in which they began: the last one is meant where none is named.
                    if state.last_session.as_ref().is_none_or(|last| brought.contains(last)) {
                        state.last_session = Some(id.clone());
                    }
                });
                brought.insert(id);
                looked.brought_back = true;
            }
            Err(error) => tracing::warn!(session = id, error, "what it proposes is not brought back"),
        }
    }
    looked
}
