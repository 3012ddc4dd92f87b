//! What a definition has to do with others: who uses it, the tests among them, what it uses itself.

use std::collections::BTreeSet;

use super::graph::Graph;
use super::symbols::{FileSymbols, Item};
use super::{Snapshot, is_aside};
use crate::syntax::survey::word_hash;
use crate::workspace::DocPath;

/// Of each kind.
const MOST: usize = 24;
/// A name that is defined in more places does not say which is meant.
const AMBIGUOUS: usize = 3;

/// A definition of some file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    pub path: &'a DocPath,
    pub item: Item<'a>,
}

/// What has to do with a definition, each in the order of files and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Related<'a> {
    pub callers: Vec<Place<'a>>,
    pub tests: Vec<Place<'a>>,
    pub callees: Vec<Place<'a>>,
}

impl Snapshot {
    /// Around the innermost definition at a 1-based line; by names, as the graph has them.
    pub fn related(&self, path: &DocPath, line: usize) -> Related<'_> {
        let Some(file) = self.files.iter().position(|(other, _)| other == path) else { return Related::default() };
        let Some(at) = self.innermost(file, line) else { return Related::default() };
        let graph = self.graph();
        let mut related = Related::default();
        for place in self.users(graph, file, at) {
            let list = if is_test(&place) { &mut related.tests } else { &mut related.callers };
            if list.len() < MOST {
                list.push(place);
            }
        }
        related.callees = self.used(graph, file, at);
        related
    }

    /// The definitions of a name, wherever they are: `area`, `Shape::area`, `Shape.area`.
    pub fn defined(&self, name: &str) -> Vec<Place<'_>> {
        let parts: Vec<&str> = name.split(['.', ':']).filter(|part| !part.is_empty()).collect();
        let (Some(name), holder) = (parts.last(), parts.len().checked_sub(2).and_then(|at| parts.get(at))) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (path, symbols) in &self.files {
            let items: Vec<Item> = symbols.iter().flat_map(FileSymbols::items).collect();
            for (at, item) in items.iter().enumerate().filter(|(_, item)| item.name == *name) {
                let holds = |holder: &&str| {
                    let before = items.get(..at).unwrap_or_default();
                    before.iter().rfind(|other| other.depth < item.depth).is_some_and(|other| other.name == *holder)
                        || item.depth == 0 && item.signature.contains(*holder)
                };
                if holder.is_none_or(&holds) {
                    found.push(Place { path, item: *item });
                }
            }
        }
        found
    }

    fn graph(&self) -> &Graph {
        self.graph.0.get_or_init(|| Graph::of(self))
    }

    fn innermost(&self, file: usize, line: usize) -> Option<usize> {
        let (_, symbols) = self.files.get(file)?;
        let items = symbols.iter().flat_map(FileSymbols::items).enumerate();
        items.filter(|(_, item)| item.line <= line && line <= item.end).map(|(at, _)| at).last()
    }

    fn place(&self, file: usize, item: usize) -> Option<Place<'_>> {
        let (path, symbols) = self.files.get(file)?;
        Some(Place { path, item: symbols.as_ref()?.items().nth(item)? })
    }

    fn users(&self, graph: &Graph, file: usize, at: usize) -> Vec<Place<'_>> {
        let node = graph.of_file(file).start.saturating_add(u32::try_from(at + 1).unwrap_or_default());
        let users: BTreeSet<(usize, usize)> = graph.users(node).filter_map(|user| graph.item(user)).collect();
        users.into_iter().filter(|user| *user != (file, at)).filter_map(|(file, item)| self.place(file, item)).collect()
    }

    fn used(&self, graph: &Graph, file: usize, at: usize) -> Vec<Place<'_>> {
        let Some((_, Some(symbols))) = self.files.get(file) else { return Vec::new() };
        let Some(inner) = symbols.items().nth(at) else { return Vec::new() };
        let within: BTreeSet<usize> = symbols
            .items()
            .enumerate()
            .filter(|(_, item)| inner.line <= item.line && item.end <= inner.end)
            .map(|(at, _)| at)
            .collect();
        let start = graph.of_file(file).start;
        let mut used = BTreeSet::new();
        for item in &within {
            let node = start.saturating_add(u32::try_from(item + 1).unwrap_or_default());
            let mut by_name: Vec<(usize, usize)> = graph.uses(node).filter_map(|node| graph.item(node)).collect();
            by_name.retain(|(of, item)| *of != file || !within.contains(item));
            used.extend(by_name);
        }
        // Of many that share a name nobody knows which is meant.
        let places: Vec<Place> = used.into_iter().filter_map(|(file, item)| self.place(file, item)).collect();
        let count = |name: &str| places.iter().filter(|place| word_hash(place.item.name) == word_hash(name)).count();
        places.iter().filter(|place| count(place.item.name) <= AMBIGUOUS).take(MOST).copied().collect()
    }
}

fn is_test(place: &Place) -> bool {
    let is_test_file = match place.path {
        DocPath::File { rel, .. } => {
            let name = rel.rsplit('/').next().unwrap_or_default();
            name.starts_with("test_") || name.contains("_test.") || name.contains(".test.") || name.contains(".spec.")
        }
        DocPath::Virtual(_) => false,
    };
    is_test_file || is_aside(place.path) || place.item.name.to_lowercase().starts_with("test")
}
