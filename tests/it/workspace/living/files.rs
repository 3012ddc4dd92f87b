//! The same promise where files come, go and move: by the agent, by the user, and both at once.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use claw::event::{ChangeKind, HunkState};
use claw::text::Text;
use claw::workspace::proposal::{
    Act, FileChange, Settle, TakenBack, observe, reject, settle_conflict, settle_file_conflict, take_back,
};
use claw::workspace::{Applied, Author, Buffer, DocPath, HunkId, Overlay, Proposal, Roots, Workspace};

use super::case::{lines, users};
use super::random::Random;

const CASES: u64 = 5_000;

/// Names that documents can have.
const NAMES: usize = 4;

/// What cases came to.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    created: u64,
    deleted: u64,
    renamed: u64,
    edited: u64,
    refused: u64,
    conflicts: u64,
    settled: u64,
    taken_back: u64,
}

struct Files {
    random: Random,
    paths: Vec<DocPath>,
    workspace: Workspace,
    overlay: Overlay,
    applied: Vec<Applied>,
    given_up: HashSet<char>,
    next_character: u32,
    next_line: u32,
    version: i32,
    counts: Counts,
    log: Vec<String>,
}

#[test]
fn living_files_come_go_and_move_and_nothing_is_lost() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().expect("a number"));
    let (first, count) = (number("CLAW_CASE").unwrap_or(0), number("CLAW_CASES").unwrap_or(CASES));
    let mut all = Counts::default();
    for seed in first..first + count {
        let mut files = Files::new(seed);
        if catch_unwind(AssertUnwindSafe(|| files.run())).is_err() {
            panic!("{}\nthis case alone: CLAW_CASE={seed} CLAW_CASES=1 cargo test living_files", files.log.join("\n"));
        }
        let Counts { created, deleted, renamed, edited, refused, conflicts, settled, taken_back } = files.counts;
        all.created += created;
        all.deleted += deleted;
        all.renamed += renamed;
        all.edited += edited;
        all.refused += refused;
        all.conflicts += conflicts;
        all.settled += settled;
        all.taken_back += taken_back;
    }
    println!("{count} cases: {all:?}");
    if count >= CASES {
        let Counts { created, deleted, renamed, edited, refused, conflicts, settled, taken_back } = all;
        let least = [created, deleted, renamed, edited, refused, conflicts, settled, taken_back];
        assert!(least.into_iter().all(|happened| happened * 50 > count), "{all:?}");
    }
}

impl Files {
    fn new(seed: u64) -> Files {
        let mut files = Files {
            random: Random::new(seed),
            paths: (0..NAMES).map(|at| DocPath::Virtual(format!("untitled:{at}").as_str().into())).collect(),
            workspace: Workspace::new(Roots::default()),
            overlay: Overlay::default(),
            applied: Vec::new(),
            given_up: HashSet::new(),
            next_character: 0,
            next_line: 0,
            version: 0,
            counts: Counts::default(),
            log: Vec::new(),
        };
        for path in files.paths.clone() {
            if !files.random.once_in(3) {
                let text: String = (0..files.random.below(6)).map(|_| files.line("base")).collect();
                files.set(&path, &text);
            }
        }
        files
    }

    fn run(&mut self) {
        self.agent();
        self.look();
        for _ in 0..5 + self.random.below(9) {
            match self.random.below(12) {
                0..3 => self.user(),
                3..6 => self.agent(),
                6..9 => self.accept(),
                9 => self.reject(),
                10 => self.settle(),
                _ => self.take_back(),
            }
            self.look();
        }
        self.accept_the_rest();
    }

    // The documents.

    fn text(&self, path: &DocPath) -> Option<String> {
        self.workspace.buffers().get(path).map(|buffer| buffer.text.to_string())
    }

    fn set(&mut self, path: &DocPath, text: &str) {
        self.version += 1;
        let DocPath::Virtual(uri) = path else { panic!("{path:?}") };
        let buffer = Buffer {
            text: Text::new(text),
            version: self.version,
            uri: uri.clone(),
            language_id: "text".into(),
            lossy: false,
        };
        self.workspace.with_buffers(|buffers| buffers.set(path.clone(), buffer));
    }

    fn remove(&mut self, path: &DocPath) {
        self.workspace.with_buffers(|buffers| buffers.close(path));
    }

    fn texts(&self) -> BTreeMap<DocPath, String> {
        self.paths.iter().filter_map(|path| Some((path.clone(), self.text(path)?))).collect()
    }

    fn line(&mut self, mark: &str) -> String {
        self.next_line += 1;
        format!("{mark}{}\n", self.next_line)
    }

    /// A line that only the user writes.
    fn users_line(&mut self) -> String {
        self.next_character += 1;
        format!("{}\n", char::from_u32(0x4e00 + self.next_character).unwrap())
    }

    fn path(&mut self) -> DocPath {
        self.random.pick(&self.paths).unwrap().clone()
    }

    // The user.

    fn user(&mut self) {
        let path = self.path();
        let Some(text) = self.text(&path) else {
            let line = self.users_line();
            self.log.push(format!("user makes {path:?}: {line:?}"));
            return self.set(&path, &line);
        };
        let mut all: Vec<String> = lines(&text).into_iter().map(str::to_owned).collect();
        match self.random.below(6) {
            0 => {
                self.given_up.extend(users(&text));
                self.log.push(format!("user deletes {path:?}"));
                self.remove(&path);
            }
            1 => {
                let to = self.path();
                if self.text(&to).is_none() {
                    self.log.push(format!("user moves {path:?} to {to:?}"));
                    self.remove(&path);
                    self.set(&to, &text);
                }
            }
            2 if !all.is_empty() => {
                let at = self.random.below(all.len());
                self.given_up.extend(users(&all.remove(at)));
                self.log.push(format!("user {path:?}: {all:?}"));
                self.set(&path, &all.concat());
            }
            _ => {
                let (at, line) = (self.random.below(all.len() + 1), self.users_line());
                all.insert(at, line);
                self.log.push(format!("user {path:?}: {all:?}"));
                self.set(&path, &all.concat());
            }
        }
    }

    // The agent.

    fn agent(&mut self) {
        let path = self.path();
        let view = self.workspace.view(&self.overlay);
        let author = Author::default();
        let Ok(seen) = view.read(&path) else {
            let text: String = (0..1 + self.random.below(3)).map(|_| self.line("claw")).collect();
            self.log.push(format!("agent makes {path:?}: {text:?}"));
            return self.overlay.write(&path, None, Some(Text::new(&text)), author).unwrap();
        };
        match self.random.below(5) {
            0 => {
                self.log.push(format!("agent deletes {path:?}"));
                self.overlay.write(&path, Some(&seen), None, author).unwrap();
            }
            1 => {
                let to = self.path();
                if view.read(&to).is_err() {
                    self.log.push(format!("agent moves {path:?} to {to:?}"));
                    self.overlay.rename(&path, &seen, &to, author).unwrap();
                }
            }
            _ => {
                let text = seen.text.to_string();
                let mut all: Vec<String> = lines(&text).into_iter().map(str::to_owned).collect();
                let at = self.random.below(all.len() + 1);
                let gone = self.random.below(2).min(all.len() - at);
                let line = self.line("claw");
                all.splice(at..at + gone, [line]);
                self.log.push(format!("agent {path:?}: {all:?}"));
                self.overlay.write(&path, Some(&seen), Some(Text::new(&all.concat())), author).unwrap();
            }
        }
    }

    // Decisions.

    fn pending(&self) -> Proposal {
        Proposal::derive(&self.overlay, &self.workspace.live())
    }

    fn accept(&mut self) {
        let proposal = self.pending();
        let every = self.random.once_in(3);
        let some: Vec<HunkId> = proposal
            .hunks()
            .filter(|(_, hunk)| hunk.state == HunkState::Pending)
            .map(|(_, hunk)| hunk.id.clone())
            .filter(|_| every || self.random.once_in(2))
            .collect();
        self.log.push(format!("accept {some:?}"));
        let changes = proposal.applied(&some);
        let races = self.random.once_in(3);
        let before = self.texts();
        if races {
            self.user();
        }
        let sent: Vec<Option<String>> = changes.iter().map(|change| before.get(&change.path).cloned()).collect();
        let done = self.make(&proposal, changes, &sent);
        let accepted = self.observe();
        // What the user does to a file in the same moment may turn what was done in it into a conflict.
        if !races {
            assert!(done.is_subset(&accepted), "{done:?} are there, and {accepted:?} were seen");
        }
    }

    /// An editor makes changes, each as a whole or, where its document is another by now, not at all. Tells the hunks of those that
    /// it made.
    fn make(&mut self, proposal: &Proposal, changes: Vec<FileChange>, sent: &[Option<String>]) -> BTreeSet<HunkId> {
        let mut done = BTreeSet::new();
        for (change, sent) in changes.into_iter().zip(sent) {
            let now = self.text(&change.path);
            let target_is_taken = matches!(&change.act, Act::Rename { to } if self.text(to).is_some());
            if now != *sent || target_is_taken {
                self.counts.refused += 1;
                self.log.push(format!("the editor refuses {:?}", change.hunks));
                continue;
            }
            let before = self.texts();
            // What a hunk shows as going is given up by accepting it.
            let shown = change.hunks.iter().filter_map(|id| proposal.hunk(id)).map(|(_, hunk)| hunk.old_text.as_str());
            let shown: HashSet<char> = shown.flat_map(users).collect();
            self.apply(&change);
            let after = self.texts();
            let held = |texts: &BTreeMap<DocPath, String>| -> HashSet<char> {
                texts.values().flat_map(|text| users(text)).collect()
            };
            let (had, has) = (held(&before), held(&after));
            let lost: Vec<&char> = had.iter().filter(|one| !has.contains(one) && !shown.contains(one)).collect();
            assert!(lost.is_empty(), "what the user typed is lost: {lost:?} by {change:?}");
            self.given_up.extend(had.difference(&has));
            self.log.push(format!("made {change:?}"));
            done.extend(change.hunks);
        }
        done
    }

    fn apply(&mut self, change: &FileChange) {
        let text = self.text(&change.path);
        let edited = || Text::new(text.as_deref().unwrap_or_default()).apply_all(&change.edits).unwrap().to_string();
        match &change.act {
            Act::Create => {
                assert_eq!(text, None, "a file is made where there is one");
                let text: String = change.edits.iter().map(|edit| edit.insert.as_str()).collect();
                self.counts.created += 1;
                self.set(&change.path, &text);
            }
            Act::Delete => {
                assert!(text.is_some(), "what is not there is deleted");
                self.counts.deleted += 1;
                self.remove(&change.path);
            }
            Act::Rename { to } => {
                let edited = edited();
                self.counts.renamed += 1;
                self.remove(&change.path);
                self.set(to, &edited);
            }
            Act::Edit => {
                let edited = edited();
                self.counts.edited += 1;
                self.set(&change.path, &edited);
            }
        }
    }

    fn reject(&mut self) {
        let proposal = self.pending();
        let ids: Vec<HunkId> = proposal.hunks().map(|(_, hunk)| hunk.id.clone()).collect();
        let Some(id) = self.random.pick(&ids).cloned() else { return };
        self.log.push(format!("reject {id:?}"));
        let texts = self.texts();
        assert!(reject(&mut self.overlay, &self.workspace.live(), &id));
        assert!(self.pending().hunk(&id).is_none(), "{id:?} is still there");
        assert_eq!(self.texts(), texts);
    }

    fn settle(&mut self) {
        let proposal = self.pending();
        let conflicts: Vec<HunkId> = proposal
            .hunks()
            .filter(|(_, hunk)| hunk.state == HunkState::Conflict)
            .map(|(_, hunk)| hunk.id.clone())
            .collect();
        let Some(id) = self.random.pick(&conflicts).cloned() else { return };
        let how = if self.random.once_in(2) { Settle::Claw } else { Settle::Both };
        let live = self.workspace.live();
        let (_, hunk) = proposal.hunk(&id).unwrap();
        let new = match settle_file_conflict(&mut self.overlay, &live, &id, how) {
            Ok(ids) => ids,
            Err(_) if hunk.kind == ChangeKind::Edit => {
                settle_conflict(&mut self.overlay, &live, &id, how).into_iter().collect()
            }
            Err(_) => Vec::new(),
        };
        self.log.push(format!("settle {id:?} {how:?}: {new:?}"));
        let after = self.pending();
        for id in &new {
            assert_eq!(after.hunk(id).map(|(_, hunk)| hunk.state), Some(HunkState::Pending), "{after:#?}");
        }
        self.counts.settled += u64::from(!new.is_empty());
    }

    fn take_back(&mut self) {
        if self.applied.is_empty() {
            return;
        }
        let at = self.random.below(self.applied.len());
        let applied = self.applied.remove(at);
        let live = self.workspace.live();
        let back = take_back([&applied], &live);
        self.log.push(format!("take back {applied:?}: {:?}", back.outcomes));
        let proposal = Proposal::derive(&back.overlay, &live);
        let ids: Vec<HunkId> = proposal.hunks().map(|(_, hunk)| hunk.id.clone()).collect();
        match &back.outcomes[..] {
            [TakenBack::Done(_)] => {}
            [TakenBack::Gone | TakenBack::Clash] => return assert!(ids.is_empty(), "{proposal:#?}"),
            other => panic!("{other:?}"),
        }
        let changes = proposal.applied(&ids);
        assert_eq!(changes.iter().map(|change| change.hunks.len()).sum::<usize>(), ids.len(), "{proposal:#?}");
        let sent: Vec<Option<String>> = changes.iter().map(|change| self.text(&change.path)).collect();
        self.make(&proposal, changes, &sent);
        self.counts.taken_back += 1;
    }

    // What must hold.

    fn observe(&mut self) -> BTreeSet<HunkId> {
        let observed = observe(&mut self.overlay, &self.workspace.live());
        let ids = observed.accepted.iter().map(|applied| applied.hunk.clone()).collect();
        self.applied.extend(observed.accepted);
        ids
    }

    fn look(&mut self) {
        let before = self.pending();
        let texts = self.texts();
        self.observe();
        let proposal = self.pending();
        assert_eq!(proposal, before, "a look changes nothing that is left to decide");
        assert_eq!(self.texts(), texts);
        for (file, hunk) in proposal.hunks() {
            if hunk.state != HunkState::Pending {
                assert_eq!(hunk.state, HunkState::Conflict);
                self.counts.conflicts += 1;
                continue;
            }
            let live = texts.get(file.old_path.as_ref().unwrap_or(&file.path));
            match hunk.kind {
                ChangeKind::Create => assert_eq!(live, None),
                ChangeKind::Delete => assert_eq!(live, Some(&hunk.old_text), "what goes is what is shown"),
                ChangeKind::Rename => assert!(live.is_some() && !texts.contains_key(&file.path), "{hunk:?}"),
                ChangeKind::Edit => assert_eq!(&live.unwrap()[hunk.live.clone()], hunk.old_text),
            }
        }
    }

    fn accept_the_rest(&mut self) {
        let proposal = self.pending();
        let is_open = |path: &DocPath| {
            let files = proposal.files.iter().filter(|file| &file.path == path);
            files.flat_map(|file| &file.hunks).all(|hunk| hunk.state == HunkState::Pending)
        };
        let meant: Vec<(DocPath, Option<String>)> = self
            .overlay
            .iter()
            .filter(|(path, _)| proposal.files.iter().any(|file| file.path == **path) && is_open(path))
            .map(|(path, file)| (path.clone(), file.current.as_ref().map(Text::to_string)))
            .collect();
        let ids: Vec<HunkId> = proposal
            .hunks()
            .filter(|(_, hunk)| hunk.state == HunkState::Pending)
            .map(|(_, hunk)| hunk.id.clone())
            .collect();
        let changes = proposal.applied(&ids);
        let sent: Vec<Option<String>> = changes.iter().map(|change| self.text(&change.path)).collect();
        let done = self.make(&proposal, changes, &sent);
        self.log.push(format!("the rest: {done:?}"));
        if done.len() == ids.len() {
            for (path, text) in meant {
                assert_eq!(self.text(&path), text, "{path:?} is not as proposed");
            }
            assert_eq!(self.observe(), ids.into_iter().collect());
        }
        self.look();
    }
}
