//! One case: documents, a session's proposal for them, a user, an editor, and what must hold after each step.

use std::collections::{BTreeSet, HashSet};

use claw::event::HunkState;
use claw::text::{Edit, PositionEncoding, Text};
use claw::workspace::proposal::{
    FileChange, Hunk, Misapplied, Sent, Settle, TakenBack, Verdict, amend, cut, observe, reject, settle_conflict,
    take_back,
};
use claw::workspace::{Applied, Author, Buffer, DocPath, FileProposal, HunkId, Overlay, Proposal, Roots, Workspace};

use super::client::{Change, Document, Landing, Meant, Personality};
use super::random::Random;

/// What cases came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub steps: u64,
    /// Hunks whose lines no edit of the user touched, and how many of them stayed pending.
    pub untouched: u64,
    pub kept: u64,
    pub accepted: u64,
    pub conflicts: u64,
    pub misapplied: u64,
    /// Of those the ones that typing came with in the same message, and how many of all such were not told.
    pub among_typing: u64,
    pub not_told: u64,
    pub partly: u64,
    pub taken_back: u64,
    pub clashes: u64,
}

impl Counts {
    pub fn add(&mut self, other: Counts) {
        let Counts {
            steps,
            untouched,
            kept,
            accepted,
            conflicts,
            misapplied,
            among_typing,
            not_told,
            partly,
            taken_back,
            clashes,
        } = other;
        self.steps += steps;
        self.untouched += untouched;
        self.kept += kept;
        self.accepted += accepted;
        self.conflicts += conflicts;
        self.misapplied += misapplied;
        self.among_typing += among_typing;
        self.not_told += not_told;
        self.partly += partly;
        self.taken_back += taken_back;
        self.clashes += clashes;
    }
}

/// What the editor made of it.
struct Step {
    takes: usize,
    landings: Vec<Landing>,
    before: Document,
    after: Document,
    /// Typing came in the same message.
    merged: bool,
}

/// A document on its way to the editor.
struct Flight {
    doc: usize,
    sent: Sent,
    changes: Vec<(Change, Meant)>,
    hunks: Vec<HunkId>,
    version: i32,
    nth: usize,
    /// The live texts since.
    seen: Vec<Text>,
}

pub struct Case {
    random: Random,
    personality: Personality,
    encoding: PositionEncoding,
    endings: Vec<&'static str>,
    /// No two lines of the texts are the same, so that every change has one meaning.
    distinct: bool,
    paths: Vec<DocPath>,
    editor: Vec<Document>,
    workspace: Workspace,
    overlay: Overlay,
    flights: Vec<Flight>,
    /// Steps until the editor takes up what is on its way.
    delay: usize,
    applied: Vec<Applied>,
    undone: Vec<Applied>,
    /// What the user typed and has agreed to lose: by deleting it, or by deciding for text that does not have it.
    given_up: HashSet<char>,
    /// What the user typed and an accepted hunk showed as its own text too.
    shown: HashSet<char>,
    next_character: u32,
    next_line: u32,
    pub counts: Counts,
    /// What was done, for who reads a failure.
    pub log: Vec<String>,
}

/// Characters that only the user types, each once: any that is missing was lost.
pub fn users(text: &str) -> Vec<char> {
    text.chars().filter(|character| matches!(*character, '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{2a6df}')).collect()
}

fn ends(line: &str) -> bool {
    line.ends_with(['\n', '\r'])
}

/// Lines with their breaks, found byte by byte.
pub fn lines(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let (mut lines, mut start) = (Vec::new(), 0);
    for at in 0..bytes.len() {
        let is_end = bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        if is_end {
            lines.push(&text[start..=at]);
            start = at + 1;
        }
    }
    if start < bytes.len() {
        lines.push(&text[start..]);
    }
    lines
}

impl Case {
    pub fn new(seed: u64, personality: Personality) -> Case {
        let mut random = Random::new(seed);
        let encoding = [PositionEncoding::Utf8, PositionEncoding::Utf16, PositionEncoding::Utf32][random.below(3)];
        let endings =
            vec![vec!["\n"], vec!["\r\n"], vec!["\n", "\r\n"], vec!["\n", "\r\n", "\r"]].swap_remove(random.below(4));
        // A `\r` and a `\n` that come to stand together are one break, and so one line less.
        let distinct = !random.once_in(4) && !endings.contains(&"\r");
        let count = 1 + random.below(2);
        let mut case = Case {
            random,
            personality,
            encoding,
            endings,
            distinct,
            paths: (0..count).map(|at| DocPath::Virtual(format!("untitled:{at}").as_str().into())).collect(),
            editor: Vec::new(),
            workspace: Workspace::new(Roots::default()),
            overlay: Overlay::default(),
            flights: Vec::new(),
            delay: 0,
            applied: Vec::new(),
            undone: Vec::new(),
            given_up: HashSet::new(),
            shown: HashSet::new(),
            next_character: 0,
            next_line: 0,
            counts: Counts::default(),
            log: Vec::new(),
        };
        for doc in 0..count {
            let lines = case.at_least() * 3 + case.random.below(14);
            let mut text: String = (0..lines).map(|_| case.line("base")).collect();
            if case.random.once_in(3) {
                text.truncate(text.trim_end_matches(['\r', '\n']).len());
            }
            case.log.push(format!("{personality:?} {encoding:?} distinct={distinct} {doc}: {text:?}"));
            case.editor.push(Document::new(&text));
            case.sync(doc);
        }
        case
    }

    pub fn run(&mut self) {
        for doc in 0..self.paths.len() {
            self.agent_edits(doc);
        }
        self.look();
        for _ in 0..4 + self.random.below(8) {
            self.step();
            self.counts.steps += 1;
            if self.delay > 0 {
                self.delay -= 1;
            } else if !self.flights.is_empty() {
                self.editor_takes();
            }
        }
        if !self.flights.is_empty() {
            self.editor_takes();
        }
        let left = self.look();
        self.accept_the_rest(&left);
    }

    fn step(&mut self) {
        let doc = self.random.below(self.paths.len());
        match self.random.below(20) {
            0..6 => self.user_edits(doc),
            6 | 7 => {
                self.agent_edits(doc);
                self.look();
            }
            8..12 => self.accept(),
            12 => self.reject(),
            13 => self.cut(),
            14 => self.amend(),
            15 => self.settle(),
            16 | 17 => self.take_back(),
            18 => self.redo(),
            _ => self.format(doc),
        }
    }

    // The user.

    fn user_edits(&mut self, doc: usize) {
        let before = self.pending();
        let old = self.text(doc);
        self.type_something(doc);
        let new = self.text(doc);
        self.log.push(format!("user {doc}: {new:?}"));
        self.sync(doc);
        self.count_untouched(&before, doc, &old, &new);
        self.look();
    }

    fn type_something(&mut self, doc: usize) {
        let gone = match self.random.below(10) {
            // Within a line, at its end, at its start.
            0..4 => {
                let at = self.place(doc);
                let token = self.token();
                self.editor[doc].splice(at, 0, &token);
                return;
            }
            // A line of its own.
            4..6 => {
                let edges = self.editor[doc].line_edges();
                let at = *self.random.pick(&edges).unwrap();
                let (token, ending) = (self.token(), self.ending());
                let unbroken = at > 0 && !self.editor[doc].is_line_start(at);
                let insert = if unbroken { format!("{ending}{token}") } else { format!("{token}{ending}") };
                self.editor[doc].splice(at, 0, &insert);
                return;
            }
            6 => {
                let (at, ending) = (self.place(doc), self.ending());
                self.editor[doc].splice(at, 0, ending);
                return;
            }
            7 => {
                let start = self.place(doc);
                let mut end = (start + 1 + self.random.below(6)).min(self.editor[doc].len());
                while !self.editor[doc].is_place(end) {
                    end += 1;
                }
                start..end
            }
            _ => {
                let edges = self.editor[doc].line_edges();
                let first = self.random.below(edges.len());
                let last = (first + 1 + self.random.below(2)).min(edges.len() - 1);
                edges[first]..edges[last]
            }
        };
        let insert = if self.random.once_in(3) { self.token() } else { String::new() };
        let taken: String = gone.clone().filter_map(|at| self.editor[doc].at(at)).collect();
        self.given_up.extend(users(&taken));
        self.editor[doc].splice(gone.start, gone.len(), &insert);
    }

    /// A formatter on save: no white space at the ends of lines, a break at the end, no two empty lines.
    fn format(&mut self, doc: usize) {
        let before = self.pending();
        let old = self.text(doc);
        let mut at = self.editor[doc].len();
        while at > 0 {
            at -= 1;
            let here = self.editor[doc].at(at);
            let next = self.editor[doc].at(at + 1);
            let at_end = matches!(next, None | Some('\n' | '\r' | ' '));
            if here == Some(' ') && at_end && (next != Some(' ')) {
                self.editor[doc].splice(at, 1, "");
            }
        }
        let end = self.editor[doc].len();
        if end > 0 && !self.editor[doc].is_line_start(end) {
            let ending = self.ending();
            self.editor[doc].splice(end, 0, ending);
        }
        let new = self.text(doc);
        if new != old {
            self.log.push(format!("format {doc}: {new:?}"));
            self.sync(doc);
            self.count_untouched(&before, doc, &old, &new);
        }
        self.look();
    }

    fn place(&mut self, doc: usize) -> usize {
        let at = self.random.below(self.editor[doc].len() + 1);
        if self.editor[doc].is_place(at) { at } else { at + 1 }
    }

    /// Some characters that nobody has typed before.
    fn token(&mut self) -> String {
        let count = 1 + self.random.below(3);
        let mut token = String::new();
        for _ in 0..count {
            let n = self.next_character;
            self.next_character += 1;
            token.extend(char::from_u32(if n.is_multiple_of(2) { 0x4e00 + n } else { 0x2_0000 + n }));
            match self.random.below(8) {
                0 => token.push('\u{301}'),
                1 => token.push('\u{1f600}'),
                2 => token.push(' '),
                _ => {}
            }
        }
        token
    }

    fn ending(&mut self) -> &'static str {
        self.random.pick(&self.endings).unwrap()
    }

    fn line(&mut self, mark: &str) -> String {
        let ending = self.ending();
        let word = ["x", "\u{1f600}", "e\u{301}", "}", "", "y  "][self.random.below(6)];
        self.next_line += 1;
        if self.distinct { format!("{mark}{}{word}{ending}", self.next_line) } else { format!("{word}{ending}") }
    }

    // The agent.

    /// How many more edits it makes than it would: an editor can apply a part only where there are several.
    fn at_least(&self) -> usize {
        if self.personality == Personality::AppliesPartly { 2 } else { 0 }
    }

    fn agent_edits(&mut self, doc: usize) {
        let path = self.paths[doc].clone();
        let view = self.workspace.view(&self.overlay);
        let seen = view.read(&path).unwrap();
        let text = seen.text.to_string();
        let mut new: Vec<String> = lines(&text).into_iter().map(str::to_owned).collect();
        for _ in 0..1 + self.at_least() + self.random.below(3) {
            let at = self.random.below(new.len() + 1);
            let gone = self.random.below(3).min(new.len() - at);
            let added = if gone == 0 { 1 + self.random.below(2) } else { self.random.below(3) };
            let taken: Vec<char> = new[at..at + gone].iter().flat_map(|line| users(line)).collect();
            // Now and then it means to replace what the user wrote, and the user sees that.
            if !taken.is_empty() && !self.random.once_in(4) {
                continue;
            }
            self.given_up.extend(taken);
            let insert: Vec<String> = (0..added).map(|_| self.line("claw")).collect();
            if at > 0 && !insert.is_empty() && !ends(&new[at - 1]) {
                // The break that the last line gets is the agent's too, and the line with it.
                let ending = self.ending();
                self.given_up.extend(users(&new[at - 1]));
                new[at - 1].push_str(ending);
            }
            new.splice(at..at + gone, insert);
        }
        let new = new.concat();
        self.log.push(format!("agent {doc}: {text:?} -> {new:?}"));
        self.overlay.write(&path, Some(&seen), Some(Text::new(&new)), Author::default()).unwrap();
        if !self.distinct {
            // Where lines repeat, a diff may delete a line in one place and put it back in another: the user sees both.
            let shown: Vec<char> = self.pending().hunks().flat_map(|(_, hunk)| users(&hunk.old_text)).collect();
            self.given_up.extend(shown);
        }
    }

    // Decisions.

    fn accept(&mut self) {
        if !self.flights.is_empty() {
            return;
        }
        let proposal = self.pending();
        let ids: Vec<HunkId> = pending(&proposal).map(|(_, hunk)| hunk.id.clone()).collect();
        let every = self.random.once_in(3);
        let some: Vec<HunkId> = ids.into_iter().filter(|_| every || self.random.once_in(2)).collect();
        let changes = proposal.applied(&some);
        self.check_changes(&proposal, &some, &changes);
        self.log.push(format!("accept {some:?}"));
        for (nth, change) in changes.into_iter().enumerate() {
            let flight = self.flight(change, nth);
            self.flights.push(flight);
        }
        if self.flights.is_empty() {
            return;
        }
        if self.personality == Personality::NeverAnswers {
            self.delay = self.random.below(5);
        }
        // The user types while it is on its way.
        for _ in 0..self.random.below(3) {
            let doc = self.random.below(self.paths.len());
            self.type_something(doc);
            self.log.push(format!("races {doc}: {:?}", self.text(doc)));
            self.sync(doc);
            self.look();
        }
    }

    /// What accepting does is what was shown, and nothing else.
    fn check_changes(&self, proposal: &Proposal, ids: &[HunkId], changes: &[FileChange]) {
        let mut shown = Vec::new();
        for (file, hunk) in pending(proposal).filter(|(_, hunk)| ids.contains(&hunk.id)) {
            shown.push((file.path.clone(), hunk.live.clone(), hunk.new_text.clone()));
            let doc = self.doc(&file.path);
            assert_eq!(&self.text(doc)[hunk.live.clone()], hunk.old_text, "what is replaced was not shown");
        }
        let edits = changes.iter().flat_map(|change| {
            change.edits.iter().map(|edit| (change.path.clone(), edit.range.clone(), edit.insert.clone()))
        });
        assert_eq!(edits.collect::<Vec<_>>(), shown);
    }

    fn flight(&mut self, change: FileChange, nth: usize) -> Flight {
        let doc = self.doc(&change.path);
        self.shown.extend(change.edits.iter().flat_map(|edit| users(&edit.insert)));
        let text = Text::new(&self.text(doc));
        let changes = change.edits.iter().map(|edit| {
            let at = |offset: usize| text.position_at(offset, self.encoding);
            let arrives = Change { start: at(edit.range.start), end: at(edit.range.end), insert: edit.insert.clone() };
            (arrives, self.editor[doc].meaning(edit.range.start, edit.range.end))
        });
        let changes = changes.collect();
        let sent = Sent::new(text, change.edits, self.encoding).unwrap();
        Flight { doc, sent, changes, hunks: change.hunks, version: self.editor[doc].version, nth, seen: Vec::new() }
    }

    /// The editor makes what it will of the edits on their way; the verdicts are compared with what it did.
    fn editor_takes(&mut self) {
        let proposal = self.pending();
        let known: BTreeSet<HunkId> = pending(&proposal).map(|(_, hunk)| hunk.id.clone()).collect();
        let conflicts = proposal.hunks().filter(|(_, hunk)| hunk.state == HunkState::Conflict);
        let conflicts: BTreeSet<HunkId> = conflicts.map(|(_, hunk)| hunk.id.clone()).collect();
        let mut done = Vec::new();
        let mut failed = false;
        for at in 0..self.flights.len() {
            let flight = &self.flights[at];
            let doc = flight.doc;
            let is_stale = self.editor[doc].version != flight.version;
            let takes = match failed {
                true => 0,
                false => self.personality.takes(flight.changes.len(), is_stale, flight.nth, &mut self.random),
            };
            failed |= takes < flight.changes.len() && self.personality != Personality::Strict;
            let before = self.editor[doc].clone();
            let changes = self.flights[at].changes[..takes].to_vec();
            let landings = if takes > 0 { self.editor[doc].apply(&changes, self.encoding) } else { Vec::new() };
            let after = self.editor[doc].clone();
            if takes > 0 {
                self.log.push(format!("takes {takes} of {doc} stale={is_stale} {landings:?}: {:?}", after.text()));
                self.sync(doc);
            }
            // Typing that comes in the same message.
            let right = takes > 0 && landings.iter().all(|landing| *landing == Landing::Right);
            let wrong = landings.contains(&Landing::Wrong);
            if (right || wrong) && self.random.once_in(if wrong { 2 } else { 4 }) {
                self.flights[at].seen.pop();
                self.type_something(doc);
                self.log.push(format!("merged {doc}: {:?}", self.text(doc)));
                self.sync(doc);
                done.push((at, Step { takes, landings, before, after, merged: true }));
            } else {
                done.push((at, Step { takes, landings, before, after, merged: false }));
            }
        }
        let flights = std::mem::take(&mut self.flights);
        let mut landed = BTreeSet::new();
        let mut unsure = false;
        let mut typed_over = false;
        let mut taken = BTreeSet::new();
        for (at, step) in done {
            let flight = &flights[at];
            typed_over |= step.merged;
            taken.extend(flight.hunks.iter().take(step.takes).cloned());
            let right = self.judge(flight, step, &conflicts);
            unsure |= right.is_none();
            landed.extend(flight.hunks.iter().take(right.unwrap_or(0)).cloned());
        }
        // The agent may have made another hunk of one that was on its way.
        landed.retain(|hunk| known.contains(hunk));
        let accepted: BTreeSet<HunkId> = self.observe().into_iter().collect();
        // Changed by typing at once, one may wait still, and its lines come a second time.
        self.distinct &= !typed_over || known.iter().all(|hunk| accepted.contains(hunk) || !taken.contains(hunk));
        if self.distinct && !unsure {
            assert!(landed.is_subset(&accepted), "{landed:?} are there, and {accepted:?} were seen");
        }
        self.look();
    }

    /// Compares a verdict with what the editor did; how many of the changes are there for sure.
    fn judge(&mut self, flight: &Flight, step: Step, conflicts: &BTreeSet<HunkId>) -> Option<usize> {
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
    fn take_back_among_typing(
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
    fn told_in_two(&self, flight: &Flight, named: &Misapplied, real: &Document, after: &Document) -> bool {
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

    /// Whether the step that was named was the user's, before the editor's from `real`, and did exactly what all of the edits do by
    /// their positions. Of what they put in only breaks and white space can be typed by chance.
    fn done_by_the_user(&self, flight: &Flight, named: &Misapplied, real: &Document) -> bool {
        let real = Text::new(&real.text());
        let typed = flight.seen.iter().rposition(|text| *text == real).map_or(0, |last| last + 1);
        let texts: Vec<&Text> = std::iter::once(flight.sent.text()).chain(&flight.seen[..typed]).collect();
        texts.windows(2).any(|step| {
            let mut document = Document::new(&step[0].to_string());
            document.apply(&flight.changes, self.encoding);
            let deletes = flight.changes.iter().all(|(change, _)| change.insert.trim().is_empty());
            let is_named = *step[0] == named.before && *step[1] == named.after;
            is_named && deletes && document.text() == step[1].to_string()
        })
    }

    /// What is on its way is not decided about.
    fn can_decide(&self, hunk: &Hunk) -> bool {
        self.flights.iter().all(|flight| !flight.hunks.contains(&hunk.id))
    }

    fn reject(&mut self) {
        let proposal = self.pending();
        let hunks: Vec<Hunk> =
            proposal.hunks().map(|(_, hunk)| hunk.clone()).filter(|hunk| self.can_decide(hunk)).collect();
        let Some(hunk) = self.random.pick(&hunks).cloned() else { return };
        self.log.push(format!("reject {:?}", hunk.id));
        assert!(reject(&mut self.overlay, &self.workspace.live(), &hunk.id));
        self.check_others(&proposal, &hunk.id, None);
        self.look();
    }

    fn cut(&mut self) {
        let proposal = self.pending();
        let hunks: Vec<Hunk> =
            pending(&proposal).map(|(_, hunk)| hunk.clone()).filter(|hunk| self.can_decide(hunk)).collect();
        let Some(hunk) = self.random.pick(&hunks).cloned() else { return };
        let count = lines(if hunk.new_text.is_empty() { &hunk.old_text } else { &hunk.new_text }).len();
        let first = self.random.below(count);
        let last = first + 1 + self.random.below(count - first);
        let whole = self.accepted_texts(&proposal);
        let Some(new) = cut(&mut self.overlay, &self.workspace.live(), &hunk.id, first..last) else { return };
        self.log.push(format!("cut {:?} at {first}..{last}: {new:?}", hunk.id));
        let after = self.pending();
        assert_eq!(self.accepted_texts(&after), whole, "a cut changes nothing that is proposed");
        assert!(after.hunk(&new).is_some_and(|(_, hunk)| hunk.state == HunkState::Pending), "{new:?} {after:#?}");
        self.check_others(&proposal, &hunk.id, Some(&new));
        self.look();
    }

    fn amend(&mut self) {
        let proposal = self.pending();
        let hunks: Vec<Hunk> =
            pending(&proposal).map(|(_, hunk)| hunk.clone()).filter(|hunk| self.can_decide(hunk)).collect();
        let Some(hunk) = self.random.pick(&hunks).cloned() else { return };
        let text: String = (0..self.random.below(3)).map(|_| self.line("amended")).collect();
        let Some(new) = amend(&mut self.overlay, &self.workspace.live(), &hunk.id, &text) else { return };
        self.log.push(format!("amend {:?} with {text:?}: {new:?}", hunk.id));
        self.given_up.extend(users(&hunk.old_text));
        self.given_up.extend(users(&hunk.new_text));
        let after = self.pending();
        let (_, amended) = after.hunk(&new).expect("the new hunk is there");
        assert_eq!(amended.state, HunkState::Pending);
        assert_eq!((&amended.old_text, &amended.live), (&hunk.old_text, &hunk.live));
        assert_eq!(lines(&amended.new_text).len(), lines(&text).len());
        self.check_others(&proposal, &hunk.id, Some(&new));
        self.look();
    }

    fn settle(&mut self) {
        let proposal = self.pending();
        let conflicts: Vec<(DocPath, Hunk)> = proposal
            .hunks()
            .filter(|(_, hunk)| hunk.state == HunkState::Conflict && self.can_decide(hunk))
            .map(|(file, hunk)| (file.path.clone(), hunk.clone()))
            .collect();
        let Some((path, hunk)) = self.random.pick(&conflicts).cloned() else { return };
        let how = if self.random.once_in(2) { Settle::Claw } else { Settle::Both };
        let users_text = self.text(self.doc(&path))[hunk.live.clone()].to_owned();
        let Some(new) = settle_conflict(&mut self.overlay, &self.workspace.live(), &hunk.id, how) else { return };
        self.log.push(format!("settle {:?} {how:?}: {new:?}", hunk.id));
        self.given_up.extend(match how {
            Settle::Claw => users(&users_text),
            // What the agent kept of the user's text is there twice then.
            Settle::Both => users(&hunk.new_text),
        });
        let after = self.pending();
        let (_, settled) = after.hunk(&new).expect("the new hunk is there");
        assert_eq!(settled.state, HunkState::Pending);
        // Behind what the user wrote, or instead.
        let end = hunk.live.end;
        let behind = how == Settle::Both && (&settled.old_text, &settled.live) == (&String::new(), &(end..end));
        assert!(behind || settled.old_text == users_text, "{settled:?}");
        self.look();
    }

    /// The hunks but for `one`, and what it has become, are what they were.
    fn check_others(&self, before: &Proposal, one: &HunkId, new: Option<&HunkId>) {
        let after = self.pending();
        assert!(after.hunk(one).is_none(), "{one:?} is still there");
        for (_, hunk) in before.hunks().filter(|(_, hunk)| &hunk.id != one) {
            let (_, now) = after.hunk(&hunk.id).unwrap_or_else(|| panic!("{hunk:?} is gone: {after:#?}"));
            if hunk.state == HunkState::Pending {
                assert_eq!(now, hunk);
            }
        }
        let news = after.hunks().filter(|(_, hunk)| before.hunk(&hunk.id).is_none()).count();
        assert!(news <= if new.is_some() { 3 } else { 0 }, "{after:#?}");
    }

    // Undo and redo.

    fn take_back(&mut self) {
        if self.applied.is_empty() {
            return;
        }
        let at = self.random.below(self.applied.len());
        let applied = self.applied.remove(at);
        if let Some(inverse) = self.run_back(&applied) {
            self.undone.push(inverse);
        }
    }

    fn redo(&mut self) {
        let Some(undone) = self.undone.pop() else { return };
        if let Some(inverse) = self.run_back(&undone) {
            self.applied.push(inverse);
        }
    }

    /// Takes one back, as an edit of its own that the editor makes.
    fn run_back(&mut self, applied: &Applied) -> Option<Applied> {
        if !self.flights.is_empty() {
            return None;
        }
        let live = self.workspace.live();
        let back = take_back([applied], &live);
        let proposal = Proposal::derive(&back.overlay, &live);
        let ids: Vec<HunkId> = proposal.hunks().map(|(_, hunk)| hunk.id.clone()).collect();
        self.log.push(format!("take back {:?}: {:?}", applied.hunk, back.outcomes));
        let [outcome] = &back.outcomes[..] else { panic!("{:?}", back.outcomes) };
        let inverse = match outcome {
            TakenBack::Done(inverse) => inverse.clone(),
            TakenBack::Gone | TakenBack::Clash => {
                assert!(ids.is_empty(), "{proposal:#?}");
                self.counts.clashes += 1;
                return None;
            }
        };
        self.counts.taken_back += 1;
        let claw::workspace::proposal::What::Edit(landed) = &applied.what else { panic!("{applied:?}") };
        let changes = proposal.applied(&ids);
        self.check_changes(&proposal, &ids, &changes);
        for change in changes {
            let flight = self.flight(change, 0);
            let old = self.text(flight.doc);
            self.editor[flight.doc].apply(&flight.changes, self.encoding);
            let new = self.text(flight.doc);
            // It takes out the very text that was put in, in one place, and puts back the very text that was there.
            let written = landed.text.slice(landed.range.clone()).unwrap();
            let mut places = (0..=old.len()).filter(|at| old.is_char_boundary(*at) && old[*at..].starts_with(&written));
            assert!(
                places.any(|at| [&old[..at], &landed.replaced, &old[at + written.len()..]].concat() == new),
                "{old:?} -> {new:?} is not {written:?} -> {:?}",
                landed.replaced
            );
            self.check_lost(&old, &new);
            self.sync(flight.doc);
        }
        self.look();
        Some(inverse)
    }

    // What must hold.

    fn accept_the_rest(&mut self, proposal: &Proposal) {
        let ids: Vec<HunkId> = pending(proposal).map(|(_, hunk)| hunk.id.clone()).collect();
        let changes = proposal.applied(&ids);
        self.check_changes(proposal, &ids, &changes);
        for change in changes {
            let flight = self.flight(change, 0);
            let old = self.text(flight.doc);
            self.editor[flight.doc].apply(&flight.changes, self.encoding);
            self.check_lost(&old, &self.text(flight.doc));
            self.sync(flight.doc);
        }
        self.log.push(format!("the rest: {ids:?}"));
        let accepted: BTreeSet<HunkId> = self.observe().into_iter().collect();
        if self.distinct {
            assert_eq!(accepted, ids.into_iter().collect(), "{proposal:#?}");
        }
        let left = self.look();
        if self.distinct {
            assert!(left.hunks().all(|(_, hunk)| hunk.state == HunkState::Conflict), "{left:#?}");
        }
    }

    /// Looks as the server does, and at what must hold of any proposal.
    fn look(&mut self) -> Proposal {
        let before = self.pending();
        self.observe();
        let proposal = self.pending();
        assert_eq!(proposal, before, "a look changes nothing that is left to decide");
        for (file, hunk) in proposal.hunks() {
            let text = self.text(self.doc(&file.path));
            match hunk.state {
                HunkState::Pending => assert_eq!(text.get(hunk.live.clone()), Some(hunk.old_text.as_str())),
                HunkState::Conflict => {
                    self.counts.conflicts += 1;
                    assert!(text.get(hunk.live.clone()).is_some());
                }
                _ => panic!("{hunk:?}"),
            }
        }
        for file in &proposal.files {
            if file.hunks.iter().all(|hunk| hunk.state == HunkState::Pending) {
                let current = self.overlay.get(&file.path).unwrap().current.as_ref().unwrap().to_string();
                assert_eq!(self.accepted_text(file), current, "what is shown is what is proposed");
            }
        }
        proposal
    }

    fn observe(&mut self) -> Vec<HunkId> {
        let observed = observe(&mut self.overlay, &self.workspace.live());
        self.counts.accepted += observed.accepted.len() as u64;
        let ids = observed.accepted.iter().map(|applied| applied.hunk.clone()).collect();
        self.applied.extend(observed.accepted);
        ids
    }

    /// What the user typed is there, once and in order, but for what the user gave up.
    fn check_lost(&self, old: &str, new: &str) {
        let (old, new) = (users(old), users(new));
        let (had, has): (HashSet<char>, HashSet<char>) = (old.iter().copied().collect(), new.iter().copied().collect());
        let lost: Vec<char> = had.difference(&has).copied().filter(|one| !self.given_up.contains(one)).collect();
        assert!(lost.is_empty(), "what the user typed is lost: {lost:?}");
        let (mut once, mut twice) = (HashSet::new(), new.clone());
        twice.retain(|one| !once.insert(*one) && !self.given_up.contains(one) && !self.shown.contains(one));
        assert_eq!(twice, Vec::<char>::new(), "what the user typed is there twice");
        let order = |all: &[char], other: &HashSet<char>| -> Vec<char> {
            all.iter()
                .copied()
                .filter(|one| other.contains(one) && !self.given_up.contains(one) && !self.shown.contains(one))
                .collect()
        };
        assert_eq!(order(&old, &has), order(&new, &had), "what the user typed is in another order");
    }

    /// Counts the hunks that an edit of the user, which turned `old` into `new`, has not touched, and those still pending.
    fn count_untouched(&mut self, before: &Proposal, doc: usize, old: &str, new: &str) {
        let (old_lines, new_lines) = (lines(old), lines(new));
        let first = old_lines.iter().zip(&new_lines).take_while(|(a, b)| a == b).count();
        let most = old_lines.len().min(new_lines.len()) - first;
        let same = old_lines.iter().rev().zip(new_lines.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
        let edge = |line: usize| old_lines[..line].iter().map(|line| line.len()).sum::<usize>();
        let touched = edge(first)..edge(old_lines.len() - same);
        let after = self.pending();
        for (_, hunk) in pending(before).filter(|(file, _)| file.path == self.paths[doc]) {
            if hunk.live.end <= touched.start || touched.end <= hunk.live.start {
                self.counts.untouched += 1;
                let kept = after.hunk(&hunk.id).is_some_and(|(_, now)| now.state == HunkState::Pending);
                self.counts.kept += u64::from(kept);
                if !kept {
                    self.log.push(format!("not kept: {hunk:?}"));
                }
            }
        }
    }

    fn accepted_text(&self, file: &FileProposal) -> String {
        let edits: Vec<Edit> = file
            .hunks
            .iter()
            .filter(|hunk| hunk.state == HunkState::Pending)
            .map(|hunk| Edit { range: hunk.live.clone(), insert: hunk.new_text.clone() })
            .collect();
        let mut text = self.text(self.doc(&file.path));
        for edit in edits.iter().rev() {
            text.replace_range(edit.range.clone(), &edit.insert);
        }
        text
    }

    fn accepted_texts(&self, proposal: &Proposal) -> Vec<String> {
        proposal.files.iter().map(|file| self.accepted_text(file)).collect()
    }

    fn pending(&self) -> Proposal {
        Proposal::derive(&self.overlay, &self.workspace.live())
    }

    fn text(&self, doc: usize) -> String {
        self.editor[doc].text()
    }

    fn doc(&self, path: &DocPath) -> usize {
        self.paths.iter().position(|other| other == path).unwrap()
    }

    /// The editor tells its text.
    fn sync(&mut self, doc: usize) {
        let text = Text::new(&self.text(doc));
        for flight in self.flights.iter_mut().filter(|flight| flight.doc == doc) {
            flight.seen.push(text.clone());
        }
        let buffer = Buffer {
            text,
            version: self.editor[doc].version,
            uri: format!("untitled:{doc}").as_str().into(),
            language_id: "text".into(),
            lossy: false,
        };
        let path = self.paths[doc].clone();
        self.workspace.with_buffers(|buffers| buffers.set(path, buffer));
    }
}

fn pending(proposal: &Proposal) -> impl Iterator<Item = (&FileProposal, &Hunk)> {
    proposal.hunks().filter(|(_, hunk)| hunk.state == HunkState::Pending)
}
