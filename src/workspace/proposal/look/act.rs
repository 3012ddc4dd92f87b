//! Conflicts about whole files: one is to come, to go or to move, and the user has made something else of it.
//!
//! Settling such a conflict accepts nothing. It makes another proposal of it, for what stands there now, which is shown with the
//! text that it would replace and is decided like any other.

use super::{Live, Look};
use crate::event::{ChangeKind, HunkState};
use crate::text::Text;
use crate::workspace::proposal::{Settle, Unsettled};
use crate::workspace::{DocPath, HunkId, Overlay, OverlayFile, Stamp, View};

impl Look {
    /// Makes hunks that can be accepted of a conflict about a whole file, and tells their ids. `None` where `id` is none of
    /// these hunks.
    pub(in crate::workspace::proposal) fn settle_act(
        &self,
        overlay: &mut Overlay,
        live: &View,
        id: &HunkId,
        how: Settle,
    ) -> Option<Result<Vec<HunkId>, Unsettled>> {
        let hunk = self.hunks.iter().find(|hunk| &hunk.id == id)?;
        let is_about_the_file = hunk.kind != ChangeKind::Edit || self.left.is_none();
        if hunk.state != HunkState::Conflict || !is_about_the_file {
            return Some(Err(Unsettled::NoConflict));
        }
        let entries = match self.for_what_is_there(hunk.kind, live, how) {
            Ok(entries) => entries,
            Err(unsettled) => return Some(Err(unsettled)),
        };
        let paths: Vec<DocPath> = entries.iter().map(|(path, _)| path.clone()).collect();
        for (path, mut file) in entries {
            file.author = self.file.author.clone();
            file.decided.clone_from(&self.file.decided);
            file.decided.extend(self.hunks.iter().map(|hunk| hunk.id.clone()));
            overlay.set_or_forget(path, file);
        }
        let looks = super::some(overlay, live, &|path| paths.contains(path));
        let hunks = looks.iter().flat_map(|look| &look.hunks).filter(|hunk| hunk.state == HunkState::Pending);
        let ids: Vec<HunkId> = hunks.map(|hunk| hunk.id.clone()).collect();
        Some(if ids.is_empty() { Err(Unsettled::Nothing) } else { Ok(ids) })
    }

    /// What is proposed, as if it had been made for what is there now.
    fn for_what_is_there(
        &self,
        kind: ChangeKind,
        live: &View,
        how: Settle,
    ) -> Result<Vec<(DocPath, OverlayFile)>, Unsettled> {
        let here = Live::of(live, &self.path);
        let from = self.file.moved_from.as_ref().map(|from| (from, Live::of(live, from)));
        if matches!(here, Live::Unreadable) || matches!(from, Some((_, Live::Unreadable))) {
            return Err(Unsettled::Unreadable);
        }
        let current = self.file.current.clone();
        let one = |base: Option<(Text, Stamp)>, current| {
            let (base, stamp) = base.map_or((None, Stamp::Absent), |(base, stamp)| (Some(base), stamp));
            OverlayFile::new(base, stamp, current, Default::default())
        };
        let entry = match (kind, how, here, from) {
            (ChangeKind::Create, Settle::Claw, Live::Text(text, stamp), _) => one(Some((text, stamp)), current),
            (ChangeKind::Create, Settle::Both, Live::Text(text, stamp), _) => {
                let both = current.and_then(|current| behind(&text, &current)).ok_or(Unsettled::Nothing)?;
                one(Some((text, stamp)), Some(both))
            }
            (ChangeKind::Delete, Settle::Claw, Live::Text(text, stamp), _) => one(Some((text, stamp)), None),
            (ChangeKind::Delete | ChangeKind::Rename, Settle::Both, ..) => return Err(Unsettled::NotBoth),
            (ChangeKind::Edit, Settle::Both, ..) => return Err(Unsettled::Gone),
            // The file that was to be edited is gone: it comes again.
            (ChangeKind::Edit, Settle::Claw, Live::Absent, None) => one(None, current),
            // The document has gone from where it was to move from, or another stands where it was to go.
            (ChangeKind::Rename | ChangeKind::Edit, Settle::Claw, here, Some((from, leaving))) => {
                let to = match here {
                    Live::Text(text, stamp) => one(Some((text, stamp)), current),
                    Live::Absent | Live::Unreadable => one(None, current),
                };
                let leaving = match leaving {
                    Live::Text(text, stamp) => one(Some((text, stamp)), None),
                    Live::Absent | Live::Unreadable => one(None, None),
                };
                return Ok(vec![(self.path.clone(), to), (from.clone(), leaving)]);
            }
            (ChangeKind::Create | ChangeKind::Delete | ChangeKind::Edit | ChangeKind::Rename, ..) => {
                return Err(Unsettled::NoConflict);
            }
        };
        Ok(vec![(self.path.clone(), entry)])
    }
}

/// `text`, and `more` behind it on lines of its own; `None` where that is `text`.
fn behind(text: &Text, more: &Text) -> Option<Text> {
    let end = text.len();
    let is_unbroken = end > 0 && text.line_start(text.line_of(end)) != end;
    let line_break = if is_unbroken { text.line_ending().as_str() } else { "" };
    let more = text.with_line_endings_of(end..end, &more.to_string())?;
    (!more.is_empty()).then(|| Text::new(&[text.to_string().as_str(), line_break, &more].concat()))
}
