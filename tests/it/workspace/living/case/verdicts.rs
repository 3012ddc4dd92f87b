//! What is said of an edit that went to the editor, compared with what the editor did.

use std::collections::BTreeSet;

use claw::text::Text;
use claw::workspace::HunkId;
use claw::workspace::proposal::{Misapplied, Verdict};

use super::super::client::{Change, Document, Landing, Meant};
use super::{Case, Flight, Step, users};

impl Case {
    /// Compares a verdict with what the editor did; how many of the changes are there for sure.
    pub(super) fn judge(&mut self, flight: &Flight, step: Step, conflicts: &BTreeSet<HunkId>) -> Option<usize> {
        let Step { takes, landings, before, after, merged } = step;
        let verdict = flight.sent.verdict(&flight.seen);
        let wrong = landings.contains(&Landing::Wrong);
        let right = landings.iter().all(|landing| *landing == Landing::Right);
        let changes = before.text() != after.text();
        let all = flight.changes.len();
        if let Verdict::Misapplied(misapplied) = verdict {
            // Lines that the user deletes may be just those that the edit would delete by its positions.
            let deletes = flight.changes.iter().any(|(change, _)| change.insert.is_empty());
            if (!changes && (deletes || !self.distinct)) || (merged && deletes) {
                return None;
            }
            // Where both neighbours of a line were changed, and where lines are not who they were, the place is not known.
            let known = flight.hunks.iter().all(|hunk| !conflicts.contains(hunk));
            self.counts.misapplied += 1;
            if merged && !right {
                self.take_back_among_typing(flight, takes, &misapplied, &before, &after);
                return None;
            }
            // The user may have deleted before just what the edit would delete by its positions: then either could be the editor's.
            let other = || self.done_by_the_user(flight, &misapplied, &before);
            assert!(
                changes && !merged && (!right || !self.distinct || !known || other()),
                "a right change was called misapplied"
            );
            let is_the_step = misapplied.before.to_string() == before.text();
            let deletes = flight.changes.iter().take(takes).all(|(change, _)| change.insert.is_empty());
            let told_in_two = || self.told_in_two(flight, &misapplied, &before, &after);
            assert!(is_the_step || deletes || told_in_two() || other(), "{misapplied:?}");
            if is_the_step {
                assert_eq!(misapplied.after.to_string(), after.text());
                // One step takes it back.
                let live = Text::new(&self.text(flight.doc));
                let restored = live.apply_all(&misapplied.restore(&live).expect("it can be restored")).unwrap();
                assert_eq!(restored.to_string(), before.text());
            }
            let version = self.editor[flight.doc].version + 1;
            self.editor[flight.doc] = before;
            self.editor[flight.doc].version = version;
            self.log.push("restored".to_owned());
            self.sync(flight.doc);
            return None;
        }
        if !self.distinct {
            return None;
        }
        if wrong && changes && merged {
            // Typing at the very place, or lines that only go, prove nothing.
            self.counts.not_told += 1;
            return None;
        }
        assert!(!(wrong && changes), "misapplied, and not detected: {verdict:?} {:#?}", flight.seen);
        self.check_lost(&before.text(), &after.text());
        let landed = match &verdict {
            Verdict::Partly(which) => which.clone(),
            verdict => vec![*verdict == Verdict::Applied; all],
        };
        let taken: Vec<bool> = (0..all).map(|at| at < takes).collect();
        if right && changes && !merged {
            self.counts.partly += u64::from(takes < all);
            assert!(taken.iter().zip(&landed).all(|(taken, landed)| *landed || !*taken), "{verdict:?}");
        }
        if !changes || !merged {
            // What was to be deleted, the user may have deleted, and the break that a last line was to get, the user may have typed.
            let there = flight.changes.iter().zip(landed).zip(taken).filter(|((_, landed), taken)| *landed && !*taken);
            let puts_in = there.filter(|(((change, meant), _), _)| !meant.gets_a_break(&change.insert));
            let inserts: Vec<&str> = puts_in.map(|(((change, _), _), _)| change.insert.as_str()).collect();
            assert!(inserts.iter().all(|insert| insert.is_empty()), "{verdict:?}: {inserts:?}");
        }
        (right && changes && !merged).then_some(takes)
    }

    /// A step in the wrong place, from `before` to `after`, was told from the typing that came with it: taking it back leaves that.
    pub(super) fn take_back_among_typing(
        &mut self,
        flight: &Flight,
        takes: usize,
        told: &Misapplied,
        before: &Document,
        after: &Document,
    ) {
        let live = Text::new(&self.text(flight.doc));
        let is_the_step = (told.before.to_string(), told.after.to_string()) == (before.text(), after.text());
        // Typing that takes back other typing, or a part of the edit, leaves the very text that the rest makes of an earlier one.
        let led_here = || {
            let taken = &flight.changes[..takes];
            let leads_here = |from: &Text| {
                let from = Document::new(&from.to_string());
                let runs = (0..takes).flat_map(|start| (start..takes).map(move |end| start..=end));
                let mut made = runs.map(|run| {
                    let mut document = from.clone();
                    document.apply(&taken[run], self.encoding);
                    document.text()
                });
                made.any(|made| made == live.to_string())
            };
            (told.before.to_string(), &told.after) == (before.text(), &live) && flight.seen.iter().any(leads_here)
        };
        assert!(is_the_step || !self.distinct || led_here(), "{told:?} {before:?} {after:?}");
        self.counts.among_typing += u64::from(is_the_step);
        let Some(restore) = told.restore(&live) else { return };
        let restored = live.apply_all(&restore).unwrap().to_string();
        let typed: Vec<char> =
            users(&live.to_string()).into_iter().filter(|one| !users(&after.text()).contains(one)).collect();
        self.given_up.extend(users(&after.text()).into_iter().filter(|one| !users(&live.to_string()).contains(one)));
        self.check_lost(&before.text(), &restored);
        assert!(typed.iter().all(|one| users(&restored).contains(one)), "{typed:?} went too: {restored:?}");
        let version = self.editor[flight.doc].version + 1;
        self.editor[flight.doc] = Document::new(&restored);
        self.editor[flight.doc].version = version;
        self.log.push(format!("restored among typing: {restored:?}"));
        self.sync(flight.doc);
    }

    /// Whether the step that was named could be the editor's as well as its real one, from `real` to `after`: where the user has
    /// just deleted what some of the edits delete by their positions, the texts are those of an editor that tells of these edits
    /// first, and of the others then.
    pub(super) fn told_in_two(&self, flight: &Flight, named: &Misapplied, real: &Document, after: &Document) -> bool {
        let from = Document::new(&named.before.to_string());
        let with = |changes: &[(Change, Meant)]| {
            let mut document = from.clone();
            document.apply(changes, self.encoding);
            document.text()
        };
        let all = &flight.changes;
        let runs = (0..all.len()).flat_map(|start| (start..all.len()).map(move |end| start..=end));
        let whole = runs.clone().find(|run| named.after == Text::new(&with(&all[run.clone()])));
        let Some(whole) = whole.map(|run| &all[run]) else { return false };
        let mut parts = (0..whole.len()).flat_map(|start| (start + 1..=whole.len()).map(move |end| start..end));
        named.after.to_string() == after.text() && parts.any(|part| with(&whole[part]) == real.text())
    }

    /// Whether the step that was named was the user's, before the editor's from `real`, and did exactly what the edits, or some that
    /// follow each other, do by their positions. Of what they put in only breaks and white space can be typed by chance.
    pub(super) fn done_by_the_user(&self, flight: &Flight, named: &Misapplied, real: &Document) -> bool {
        let real = Text::new(&real.text());
        let typed = flight.seen.iter().rposition(|text| *text == real).map_or(0, |last| last + 1);
        let texts: Vec<&Text> = std::iter::once(flight.sent.text()).chain(&flight.seen[..typed]).collect();
        let all = &flight.changes;
        let leads = |run: &[(Change, Meant)]| {
            let mut document = Document::new(&named.before.to_string());
            document.apply(run, self.encoding);
            let deletes = run.iter().all(|(change, _)| change.insert.trim().is_empty());
            deletes && document.text() == named.after.to_string()
        };
        texts.windows(2).any(|step| *step[0] == named.before && *step[1] == named.after)
            && (0..all.len()).any(|start| (start..all.len()).any(|end| leads(&all[start..=end])))
    }
}
