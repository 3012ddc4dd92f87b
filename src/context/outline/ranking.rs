//! What the user is at, and what of a snapshot that makes important.

use std::collections::BTreeSet;
use std::ops::Range;

use super::graph::{Care, Graph};
use super::symbols::FileSymbols;
use super::{Snapshot, name_of};
use crate::context::Focus;
use crate::workspace::{DocPath, View};

/// How much the user cares for a thing, beside all the rest of the workspace, which is one.
const FOCUSED: f32 = 8.0;
const FOCUSED_FILE: f32 = 2.0;
const TROUBLED: f32 = 2.0;
const CHANGED: f32 = 1.5;
const OPEN: f32 = 0.5;
const MENTIONED: f32 = 3.0;
/// Names of an instruction that are looked for.
const MOST_MENTIONED: usize = 64;

/// What the user is looking at and working on: what it has to do with comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranking {
    pub focus: Option<DocPath>,
    /// 1-based lines of the focus; empty where it is a file as a whole.
    pub lines: Range<usize>,
    pub open: BTreeSet<DocPath>,
    /// Files with problems that are told of.
    pub troubled: BTreeSet<DocPath>,
    /// What was changed lately: unsaved, proposed, not yet committed.
    pub changed: BTreeSet<DocPath>,
    /// Words of the instruction: names of definitions and of files.
    pub mentioned: BTreeSet<String>,
    /// Files that are not to be shown, because they stand elsewhere or are not asked for.
    pub skip: BTreeSet<DocPath>,
}

/// What of a snapshot matters how much.
pub(super) struct Ranked {
    /// Of each definition, by file.
    pub items: Vec<Vec<f32>>,
    /// The files that may be shown, the most important first.
    pub order: Vec<usize>,
}

impl Ranking {
    /// What a view tells: what is open in it, unsaved, proposed and not committed, and `focus` with its lines. Blocks on the
    /// disk; the repository is looked at until `stop` says so.
    pub fn of(view: &View, focus: Option<&Focus>, stop: &(dyn Fn() -> bool + Sync)) -> Ranking {
        let lines = focus.and_then(|focus| {
            let text = view.read_live(&focus.path).ok()?.text;
            let line = |offset: usize| text.line_of(offset.min(text.len())) + 1;
            Some(line(focus.range.start)..line(focus.range.end) + 1)
        });
        let open = || view.buffers().iter().map(|(path, _)| path.clone());
        let dirty = open().filter(|path| view.is_dirty(path));
        let touched = view.roots().iter().flat_map(|root| view.git_touched(root.id, stop));
        Ranking {
            focus: focus.map(|focus| focus.path.clone()),
            lines: lines.unwrap_or_default(),
            open: open().collect(),
            changed: dirty.chain(touched).chain(view.overlay().iter().map(|(path, _)| path.clone())).collect(),
            ..Ranking::default()
        }
    }

    /// The words of an instruction that may be names of the workspace.
    pub fn mentioned_in(instruction: &str) -> BTreeSet<String> {
        let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '/' | '-');
        instruction
            .split(|letter| !is_part(letter))
            .map(|word| word.trim_matches(['.', '/', '-']))
            .filter(|word| word.len() > 2)
            .take(MOST_MENTIONED)
            .map(str::to_owned)
            .collect()
    }

    pub(super) fn ranked(&self, snapshot: &Snapshot) -> Ranked {
        let graph = snapshot.graph.0.get_or_init(|| Graph::of(snapshot));
        let rank = graph.rank(&self.care(snapshot, graph));
        let of = |node: u32| rank.get(node as usize).copied().unwrap_or_default();
        let (mut items, mut files) = (Vec::new(), Vec::new());
        for (file, (path, _)) in snapshot.files.iter().enumerate() {
            let nodes = graph.of_file(file);
            let definitions: Vec<f32> = nodes.clone().skip(1).map(of).collect();
            let best = match definitions.is_empty() {
                true => of(nodes.start),
                false => definitions.iter().copied().fold(0.0, f32::max),
            };
            if !self.skip.contains(path) {
                // What is looked at stands first, however little is in it.
                files.push((Some(path) != self.focus.as_ref(), best, file));
            }
            items.push(definitions);
        }
        files.sort_by(|(aside, best, file), (other_aside, other_best, other)| {
            aside.cmp(other_aside).then(other_best.total_cmp(best)).then(file.cmp(other))
        });
        Ranked { items, order: files.into_iter().map(|(_, _, file)| file).collect() }
    }

    fn care(&self, snapshot: &Snapshot, graph: &Graph) -> Care {
        let mut care = Care::even(snapshot, graph);
        let (mentioned, paths): (Vec<&String>, Vec<&String>) =
            self.mentioned.iter().partition(|word| !word.contains(['.', '/']));
        for (file, (path, symbols)) in snapshot.files.iter().enumerate() {
            let nodes = graph.of_file(file);
            if Some(path) == self.focus.as_ref() {
                care.share(nodes.clone(), FOCUSED_FILE);
                let focused = self.focused(symbols.as_ref());
                let each = FOCUSED / f32::max(1.0, focused.len() as f32);
                for item in focused {
                    let node = nodes.start.saturating_add(u32::try_from(item).unwrap_or_default());
                    care.share(node..node.saturating_add(1), each);
                }
            }
            for (files, much) in [(&self.open, OPEN), (&self.troubled, TROUBLED), (&self.changed, CHANGED)] {
                if files.contains(path) {
                    care.share(nodes.clone(), much / files.len() as f32);
                }
            }
            let name = name_of(path);
            let is_named = |word: &&&String| {
                name.strip_suffix(word.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
            };
            if paths.iter().any(|word| is_named(&word)) {
                care.share(nodes, MENTIONED);
            }
        }
        let names = mentioned.into_iter().map(String::as_str);
        // `Shape.area` names both.
        for name in names.chain(paths.iter().flat_map(|path| path.split(['.', '/']))) {
            let definers = graph.definers(name);
            for node in definers {
                care.share(*node..node.saturating_add(1), MENTIONED / definers.len() as f32);
            }
        }
        care
    }

    /// The definitions that the focus touches, counted from 1, the innermost of those that hold all of it; the file itself, which
    /// is 0, where none is touched.
    fn focused(&self, symbols: Option<&FileSymbols>) -> Vec<usize> {
        let lines = &self.lines;
        let items: Vec<_> = symbols.into_iter().flat_map(FileSymbols::items).collect();
        let touched = |line: usize, end: usize| line < lines.end && lines.start <= end;
        let mut found: Vec<usize> = Vec::new();
        for (at, item) in items.iter().enumerate().filter(|(_, item)| touched(item.line, item.end)) {
            // What holds a touched one is not meant itself.
            if item.depth > 0
                && let Some(holder) = found.last().copied()
                && items.get(holder - 1).is_some_and(|holder| holder.depth < item.depth && holder.end >= item.end)
            {
                found.pop();
            }
            found.push(at + 1);
        }
        if found.is_empty() { vec![0] } else { found }
    }
}
