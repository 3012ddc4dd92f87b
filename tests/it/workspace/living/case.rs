//! One case: documents, a session's proposal for them, a user, an editor, and what must hold after each step.

mod agent;
mod decisions;
mod flights;
mod holds;
mod undo;
mod user;
mod verdicts;

use std::collections::HashSet;

use claw::event::HunkState;
use claw::text::{Edit, PositionEncoding, Text};
use claw::workspace::proposal::{Hunk, Sent};
use claw::workspace::{Applied, Buffer, DocPath, FileProposal, HunkId, Overlay, Proposal, Roots, Workspace};

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

    fn ending(&mut self) -> &'static str {
        self.random.pick(&self.endings).unwrap()
    }

    fn line(&mut self, mark: &str) -> String {
        let ending = self.ending();
        let word = ["x", "\u{1f600}", "e\u{301}", "}", "", "y  "][self.random.below(6)];
        self.next_line += 1;
        if self.distinct { format!("{mark}{}{word}{ending}", self.next_line) } else { format!("{word}{ending}") }
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
