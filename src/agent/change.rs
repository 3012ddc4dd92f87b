//! Making one hunk anew, by a short conversation of its own.
//!
//! The conversation is a session aside: it sees what the first one proposes, and of what it changes only the text at the hunk
//! is taken over. The first session's history stays as it is; its model is told what the hunk reads now.

use std::ops::Range;

use super::Session;
use super::prompt;
use super::session::{Ask, Turn};
use crate::context::Focus;
use crate::event::{HunkState, Mode, TurnStatus};
use crate::text::Text;
use crate::workspace::proposal::{Settle, settle_conflict, text_of};
use crate::workspace::{DocPath, HunkId, Overlay, Proposal, View};

/// A hunk that is being made anew.
pub struct Change {
    pub turn: Turn,
    taking: Taking,
}

/// Where the new text of the hunk is taken from, and where it goes.
pub struct Taking {
    session: Session,
    aside: Session,
    hunk: HunkId,
    /// The user's lines go with it.
    over_users: bool,
    path: DocPath,
    /// The proposed text before, and the hunk's place in it: what stands before and behind.
    before: String,
    after: String,
}

impl Session {
    /// Begins the conversation about `hunk`. It sees the session's proposal as it is now. The error is for the user. Needs a
    /// Tokio runtime; blocks on the disk.
    pub fn change_hunk(&self, hunk: &HunkId, instruction: &str, turn: Option<String>) -> Result<Change, String> {
        let mut overlay = self.overlay();
        let live = self.parts().workspace.live();
        let not_there = || format!("there is no pending hunk `{hunk}` in session `{}`", self.id());
        let state = Proposal::derive(&overlay, &live).hunk(hunk).map(|(_, hunk)| hunk.state).ok_or_else(not_there)?;
        let over_users = state == HunkState::Conflict;
        let id = if over_users {
            let settled = settle_conflict(&mut overlay, &live, hunk, Settle::Claw);
            settled.ok_or("this conflict is about a whole file: reject the hunk, and ask again")?
        } else {
            hunk.clone()
        };
        let place = place_of(&overlay, &live, &id);
        let place =
            place.ok_or("this hunk has no text that could be another: reject it, and say what you want instead")?;
        let ask = Ask {
            instruction: prompt::change(
                &live.roots().display(&place.path),
                &place.old_text,
                &place.new_text,
                instruction,
            ),
            focus: Some(Focus { path: place.path.clone(), range: place.in_current.clone() }),
            mode: Mode::Edit,
            turn,
            parent: Some(self.id().to_owned()),
            ..Ask::default()
        };
        let current = place.current.to_string();
        let (before, rest) = current.split_at_checked(place.in_current.start).ok_or_else(not_there)?;
        let after = rest.get(place.in_current.len()..).ok_or_else(not_there)?;
        let aside = self.aside(overlay);
        let taking = Taking {
            session: self.clone(),
            aside: aside.clone(),
            hunk: hunk.clone(),
            over_users,
            path: place.path,
            before: before.to_owned(),
            after: after.to_owned(),
        };
        let turn = aside.start(ask).ok_or("the conversation could not begin")?;
        Ok(Change { turn, taking })
    }
}

impl Change {
    /// The turn to follow, and what to call when it has ended.
    pub fn into_parts(self) -> (Turn, Taking) {
        (self.turn, self.taking)
    }
}

impl Taking {
    /// The session whose hunk it is.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Takes over what the conversation made of the hunk; its new id. The error is for the user. Blocks on the disk.
    pub fn take_over(self, status: TurnStatus) -> Result<HunkId, String> {
        if status == TurnStatus::Cancelled {
            return Err("stopped: the hunk is as it was".to_owned());
        }
        let made = self.aside.overlay().get(&self.path).and_then(|file| file.current.clone());
        let made = made
            .map(|text| text.to_string())
            .ok_or("the file is gone from what was proposed: the hunk is as it was")?;
        let middle = made.strip_prefix(&self.before).and_then(|rest| rest.strip_suffix(&self.after));
        let Some(text) = middle else {
            return Err(
                "the model changed more than this hunk, so nothing was taken over: say more exactly what to change"
                    .to_owned(),
            );
        };
        let hunk =
            if self.over_users { self.session.settle_hunk(&self.hunk, Settle::Claw)? } else { self.hunk.clone() };
        let was = self.session.proposal().hunk(&hunk).map(|(_, hunk)| hunk.new_text.clone());
        if was.as_deref() == Some(text) {
            let answer = self.aside.last_answer();
            return Err(if answer.trim().is_empty() { "the hunk is as it was".to_owned() } else { answer });
        }
        self.session.replace_hunk(&hunk, text)
    }
}

struct Place {
    path: DocPath,
    current: Text,
    in_current: Range<usize>,
    old_text: String,
    new_text: String,
}

/// A hunk's text within the proposed text of its document.
fn place_of(overlay: &Overlay, live: &View, id: &HunkId) -> Option<Place> {
    let proposal = Proposal::derive(overlay, live);
    let (file, hunk) = proposal.hunk(id)?;
    let current = overlay.get(&file.path)?.current.clone()?;
    let in_current = text_of(overlay, live, id)?;
    Some(Place {
        path: file.path.clone(),
        current,
        in_current,
        old_text: hunk.old_text.clone(),
        new_text: hunk.new_text.clone(),
    })
}
