//! Which hunks go together, and which never do: those that one needs, and those that want a yes of their own.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::actions::{Offer, kinds};
use super::review::{Review, ReviewFile, ReviewHunk};
use crate::event::HunkFlag;

/// Needed hunks that a text names.
const NAMED: usize = 4;

/// A hunk and the file that it is in.
pub type Placed<'a> = (&'a ReviewFile, &'a ReviewHunk);

/// The pending hunks that `hunk` needs, and those that they need, in the order of their places.
pub fn closure<'a>(review: &'a Review, hunk: &str) -> Vec<Placed<'a>> {
    let (own, mut found) = (review.place(hunk), BTreeSet::new());
    let mut open: Vec<(usize, usize)> = own.into_iter().collect();
    while let Some((_, next)) = open.pop().and_then(|place| review.at(place)) {
        let places = next.needs.iter().filter_map(|id| review.place(id));
        open.extend(places.filter(|place| Some(*place) != own && found.insert(*place)));
    }
    found.into_iter().filter_map(|place| review.at(place)).filter(|(_, hunk)| hunk.can_be_accepted()).collect()
}

/// The code action that accepts a hunk with those it needs. It is none that a key takes unasked.
pub fn offer(review: &Review, hunk: &ReviewHunk, number: &str) -> Option<Offer> {
    let needed = closure(review, &hunk.id).iter().filter(|(_, hunk)| hunk.goes_with_others()).count();
    if needed == 0 {
        return None;
    }
    let arguments = json!({"session": review.session, "hunk": hunk.id, "with_needs": true});
    let title = format!("Claw: accept hunk {number} with the {needed} it needs");
    Some(Offer::new(title, kinds::ACCEPT, "claw.acceptHunk", arguments))
}

/// `what` about a hunk, and what it needs.
pub fn told(review: &Review, hunk: &ReviewHunk, what: String) -> String {
    let needed = closure(review, &hunk.id);
    if needed.is_empty() { what } else { format!("{what}\nneeds {}", names(&needed)) }
}

/// Says in the answer to an acceptance which of the hunks that it needs are left out.
pub fn tell_left(needed: &[Placed<'_>], answer: &mut Map<String, Value>) {
    let sent = answer.get("hunks").and_then(Value::as_array).cloned().unwrap_or_default();
    let left: Vec<Placed<'_>> = needed.iter().filter(|(_, hunk)| !sent.contains(&json!(hunk.id))).copied().collect();
    if left.is_empty() {
        return;
    }
    let mut message = format!("this hunk needs {}", names(&left));
    if let Some(Value::String(before)) = answer.get("message") {
        message = format!("{before}; {message}");
    }
    answer.insert("needs".to_owned(), left.iter().map(|(_, hunk)| hunk.id.as_str()).collect());
    answer.insert("message".to_owned(), json!(message));
}

fn names(hunks: &[Placed<'_>]) -> String {
    let mut named: Vec<String> =
        hunks.iter().take(NAMED).map(|(file, hunk)| format!("{} ({})", file.name, hunk.label())).collect();
    let more = hunks.len().saturating_sub(NAMED);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    named.join(", ")
}

/// What is accepted with others.
pub struct Batch;

impl Batch {
    /// The ids of those of `hunks` that can be accepted together, and what is left of them.
    pub fn of(hunks: &[Placed<'_>]) -> (Vec<String>, Left) {
        let (mut taken, mut left) = (Vec::new(), Left::default());
        for (file, hunk) in hunks.iter().filter(|(_, hunk)| hunk.can_be_accepted()) {
            match hunk.flags.iter().find(|flag| flag.needs_own_yes()) {
                None => taken.push(hunk.id.clone()),
                Some(HunkFlag::Protected) => left.push(file, false),
                Some(_) => left.push(file, true),
            }
        }
        (taken, left)
    }
}

/// What a batch left because it is accepted one by one.
#[derive(Default)]
pub struct Left {
    /// Names of files.
    protected: Vec<String>,
    hiding: Vec<String>,
}

impl Left {
    fn push(&mut self, file: &ReviewFile, hides: bool) {
        let names = if hides { &mut self.hiding } else { &mut self.protected };
        if !names.contains(&file.name) {
            names.push(file.name.clone());
        }
    }

    /// Names of the files in which something was left.
    pub fn files(&self) -> Vec<&str> {
        let mut files: Vec<&str> = self.protected.iter().map(String::as_str).collect();
        files.extend(
            self.hiding.iter().map(String::as_str).filter(|name| !self.protected.iter().any(|other| other == name)),
        );
        files
    }

    /// Why; `None` where nothing was left.
    pub fn why(&self) -> Option<String> {
        let mut why = Vec::new();
        if !self.protected.is_empty() {
            why.push(format!("protected paths are accepted one by one: {}", self.protected.join(", ")));
        }
        if !self.hiding.is_empty() {
            why.push(format!(
                "hunks that put in characters that can not be seen are accepted one by one: {}",
                self.hiding.join(", ")
            ));
        }
        (!why.is_empty()).then(|| why.join("; "))
    }
}
