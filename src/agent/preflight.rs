//! What is known of a proposal's hunks besides their texts: where each stands, what to look at in it, which others it needs.
//!
//! Everything follows from the live text, the hunks and the text that they make of it. A file's facts are kept by what they
//! follow from, so that a look parses the files that changed since the one before, and no others.

mod facts;
mod needs;

use std::collections::HashMap;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};

use super::Session;
use super::checks::SYNTAX;
use crate::event::{ChangeKind, CheckRan, HunkFlag};
use crate::syntax::problems::Problem;
use crate::syntax::{Language, unbound};
use crate::text::ContentHash;
use crate::workspace::{DocPath, FileProposal, HunkId, Overlay, Proposal, Stamp, View};
pub use facts::sure_flags;
use needs::Links;

/// Files that one thread parses before another is worth its start.
const ALONE: usize = 16;

/// Problems that are told of one check.
const TOLD: usize = 20;

/// The facts of the last look.
#[derive(Debug, Default)]
pub(in crate::agent) struct Preflight {
    last: Mutex<Arc<Looked>>,
}

/// What a look found, in the order of the proposal.
#[derive(Debug, Default)]
pub(in crate::agent) struct Looked {
    keys: Vec<ContentHash>,
    pub files: Vec<Arc<FileFacts>>,
    needs: HashMap<HunkId, Vec<HunkId>>,
}

/// What is known of a file's hunks.
#[derive(Debug, Default)]
pub(in crate::agent) struct FileFacts {
    pub language: Option<Language>,
    /// In the order of the file's hunks.
    pub hunks: Vec<HunkFacts>,
    /// Where the proposed text does not parse and the live one does.
    pub problems: Vec<Problem>,
    /// The live text has problems of its own.
    pub was_broken: bool,
}

#[derive(Debug, Default)]
pub(in crate::agent) struct HunkFacts {
    pub id: Option<HunkId>,
    /// Names joined by dots: of what the hunk stands in, or of what it brings or takes away.
    pub symbol: Option<String>,
    pub flags: Vec<HunkFlag>,
    pub links: Links,
}

impl Preflight {
    /// Blocks on the disk.
    pub fn look(&self, proposal: &Proposal, live: &View) -> Arc<Looked> {
        let keys: Vec<ContentHash> = proposal.files.iter().map(key).collect();
        let last = Arc::clone(&self.last.lock().unwrap_or_else(PoisonError::into_inner));
        if last.keys == keys {
            return last;
        }
        let known: HashMap<&ContentHash, &Arc<FileFacts>> = last.keys.iter().zip(&last.files).collect();
        let of = |(file, key): (&FileProposal, &ContentHash)| match known.get(key) {
            Some(facts) => Arc::clone(facts),
            None => Arc::new(facts::of(file, live)),
        };
        let missing = keys.iter().filter(|key| !known.contains_key(key)).count();
        let files = side_by_side(&proposal.files.iter().zip(&keys).collect::<Vec<_>>(), missing, of);
        let needs = needs::between(&files);
        let looked = Arc::new(Looked { keys, files, needs });
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&looked);
        looked
    }
}

impl Looked {
    /// Ids of the pending hunks without which `hunk` makes no sense.
    pub fn needs(&self, hunk: &HunkId) -> Vec<String> {
        self.needs.get(hunk).into_iter().flatten().map(|hunk| hunk.0.clone()).collect()
    }
}

impl Session {
    /// What to look at in each hunk of `proposal`, by its id. Blocks on the disk.
    pub fn flags(&self, proposal: &Proposal) -> HashMap<HunkId, Vec<HunkFlag>> {
        let looked = self.preflight().look(proposal, &self.parts().workspace.live());
        let hunks = looked.files.iter().flat_map(|file| &file.hunks);
        hunks.filter_map(|facts| Some((facts.id.clone()?, facts.flags.clone()))).collect()
    }

    /// Parses what is proposed for the files that were touched since `before`, and looks for names that nothing makes known. `None`
    /// where no language is known of any. Blocks on the disk.
    pub(in crate::agent) fn check_syntax(&self, before: &Overlay) -> Option<CheckRan> {
        let (overlay, live) = (self.overlay(), self.parts().workspace.live());
        let proposal = Proposal::derive(&overlay, &live);
        let looked = self.preflight().look(&proposal, &live);
        let is_touched = |path: &DocPath| overlay.get(path) != before.get(path);
        let touched: Vec<(&FileProposal, &FileFacts)> = proposal
            .files
            .iter()
            .zip(looked.files.iter().map(Arc::as_ref))
            .filter(|(file, facts)| is_touched(&file.path) && facts.language.is_some())
            .collect();
        if touched.is_empty() {
            return None;
        }
        let proposed = self.parts().workspace.view(&overlay);
        let mut lines = Vec::new();
        for (file, facts) in &touched {
            let name = live.roots().display(&file.path);
            let unknown = unknown_names(file, facts, &proposed).unwrap_or_default();
            lines.extend(
                facts
                    .problems
                    .iter()
                    .chain(&unknown)
                    .map(|problem| format!("{name}:{}: {}", problem.line + 1, problem.what)),
            );
        }
        let more = lines.len().saturating_sub(TOLD);
        lines.truncate(TOLD);
        if more > 0 {
            lines.push(format!("… {more} more"));
        }
        Some(CheckRan {
            command: SYNTAX.to_owned(),
            ok: lines.is_empty(),
            output: lines.join("\n"),
            before: Some(touched.iter().any(|(_, facts)| facts.was_broken)),
            ..CheckRan::default()
        })
    }
}

/// What the proposed text uses without knowing it; `None` where that can not be told. Not among the facts, which are derived anew with
/// each key that is typed into the file.
fn unknown_names(file: &FileProposal, facts: &FileFacts, proposed: &View) -> Option<Vec<Problem>> {
    let language = facts.language.filter(|_| facts.problems.is_empty())?;
    let old = match file.change {
        ChangeKind::Create => None,
        ChangeKind::Edit | ChangeKind::Delete | ChangeKind::Rename => {
            Some(proposed.read_live(file.old_path.as_ref().unwrap_or(&file.path)).ok()?.text)
        }
    };
    Some(unbound::added_to(old.as_ref(), &proposed.read(&file.path).ok()?.text, language))
}

/// Makes one of each, in order; on several threads where `work` of them take a while.
fn side_by_side<T: Copy + Sync, R: Send>(all: &[T], work: usize, make: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(work / ALONE).max(1);
    let make_all = |some: &[T]| some.iter().map(|one| make(*one)).collect::<Vec<R>>();
    if threads == 1 {
        return make_all(all);
    }
    std::thread::scope(|scope| {
        let parts: Vec<_> =
            all.chunks(all.len().div_ceil(threads)).map(|part| scope.spawn(|| make_all(part))).collect();
        // A thread that panicked is a mistake of ours, which ends this look as it would have on one thread.
        parts.into_iter().flat_map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// The content that was read, whatever the layer.
fn content(stamp: Stamp) -> Option<ContentHash> {
    match stamp {
        Stamp::Buffer { hash, .. } | Stamp::Disk { hash } => Some(hash),
        Stamp::Absent => None,
    }
}

/// What a file's facts follow from.
fn key(file: &FileProposal) -> ContentHash {
    let mut key = format!("{:?} {:?} {:?} {:?}", file.path, file.old_path, file.change, content(file.stamp));
    for hunk in &file.hunks {
        key.push_str(&format!(" {} {:?} {:?}", hunk.id, hunk.state, hunk.live));
    }
    ContentHash::of(key.as_bytes())
}
