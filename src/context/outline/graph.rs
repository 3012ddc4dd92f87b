//! Who uses whom: a graph of definitions by the names they use, and how important each is to somebody who stands somewhere.
//!
//! A node is a definition, or what of a file stands outside of all. An edge leads from a use to each definition of the name, the
//! lighter the more there are. Names alone decide: two things of one name are told apart by what the using file imports.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use super::symbols::{FileSymbols, Item};
use super::{Snapshot, is_aside, name_of};
use crate::syntax::survey::word_hash;
use crate::syntax::{Language, SymbolKind};
use crate::workspace::DocPath;

/// A name that is defined in more places says nothing about which is meant.
const MOST_DEFINERS: usize = 16;
/// How much of an edge leads back from what is used to who uses it.
const BACK: f32 = 0.4;
/// Between a definition and the one that holds it.
const HOLDS: f32 = 0.15;
/// How often what a node has is handed on instead of starting anew.
const DAMPING: f32 = 0.8;
const ROUNDS: usize = 14;
/// How sure it is that a name means what is defined far away, where nothing of that is imported or named.
const STRAY: f32 = 0.02;
/// A name that is used in more files than these is worth less.
const COMMON: f32 = 8.0;
/// Of tests, examples and the like.
const ASIDE: f32 = 0.3;
/// Of keys and headings.
const DATA: f32 = 0.1;

/// The graph of a snapshot's files.
pub(super) struct Graph {
    /// The node of each file, and one behind the last: the definitions of a file follow it.
    nodes: Vec<u32>,
    /// The file of each node.
    files: Vec<u32>,
    /// First those between definitions and what holds them.
    edges: Vec<Edge>,
    /// How many those are.
    held: usize,
    /// The nodes that define each name, by its hash.
    definers: Definers,
}

struct Edge {
    from: u32,
    to: u32,
    weight: f32,
}

type Definers = HashMap<u32, Vec<u32>, BuildHasherDefault<Already>>;

/// Takes what is a hash already as it is.
#[derive(Default)]
struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u32(&mut self, hash: u32) {
        // The table wants the upper bits to differ too.
        self.0 = u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// How much somebody cares for nodes to begin with.
pub(super) struct Care {
    of: Vec<f32>,
}

impl Graph {
    pub fn of(snapshot: &Snapshot) -> Graph {
        let mut graph =
            Graph { nodes: vec![0], files: Vec::new(), edges: Vec::new(), held: 0, definers: Definers::default() };
        let mut tongues = Vec::new();
        // The name of what holds each node; 0 where nothing does.
        let mut names_of_holders: Vec<u32> = Vec::new();
        for (path, symbols) in &snapshot.files {
            let tongue = tongue(path);
            let file = graph.node_count();
            let mut next = file + 1;
            let mut holders: Vec<(u32, u32)> = Vec::new();
            names_of_holders.push(0);
            // What data holds is not worth more for being much.
            let holds = if is_data(path) { 0.0 } else { HOLDS };
            for item in symbols.iter().flat_map(FileSymbols::items) {
                holders.truncate(item.depth);
                let (holder, name) = holders.last().copied().unwrap_or((file, 0));
                graph.edges.push(Edge { from: next, to: holder, weight: holds });
                names_of_holders.push(name);
                // A module is no type: what it holds is found by itself.
                let is_module = item.kind == SymbolKind::Module;
                holders.push((next, if is_module { 0 } else { word_hash(item.name) }));
                if is_found_by_name(&item) {
                    graph.definers.entry(word_hash(item.name)).or_default().push(next);
                }
                next += 1;
            }
            let index = u32::try_from(tongues.len()).unwrap_or_default();
            graph.files.resize(next as usize, index);
            tongues.push(tongue);
            graph.nodes.push(next);
        }
        graph.held = graph.edges.len();
        graph.definers.retain(|_, nodes| nodes.len() <= MOST_DEFINERS);
        graph.link(snapshot, &tongues, &names_of_holders);
        graph
    }

    pub fn node_count(&self) -> u32 {
        self.nodes.last().copied().unwrap_or_default()
    }

    /// The node of a file and of its definitions, in their order.
    pub fn of_file(&self, file: usize) -> Range<u32> {
        let start = self.nodes.get(file).copied().unwrap_or_default();
        start..self.nodes.get(file + 1).copied().unwrap_or(start)
    }

    /// The file in which a node stands.
    fn file_of(&self, node: u32) -> usize {
        self.files.get(node as usize).map_or(usize::MAX, |file| *file as usize)
    }

    /// File and definition of a node; `None` for what stands outside of all.
    pub fn item(&self, node: u32) -> Option<(usize, usize)> {
        let file = self.file_of(node);
        let start = self.of_file(file).start;
        Some((file, (node.checked_sub(start)? as usize).checked_sub(1)?))
    }

    /// The nodes that use `node` by its name.
    pub fn users(&self, node: u32) -> impl Iterator<Item = u32> {
        self.links().filter(move |edge| edge.to == node).map(|edge| edge.from)
    }

    /// The nodes that `node` uses by their names.
    pub fn uses(&self, node: u32) -> impl Iterator<Item = u32> {
        self.links().filter(move |edge| edge.from == node).map(|edge| edge.to)
    }

    /// The edges of names, behind those of holders.
    fn links(&self) -> impl Iterator<Item = &Edge> {
        self.edges.iter().skip(self.held)
    }

    pub fn definers(&self, name: &str) -> &[u32] {
        self.definers.get(&word_hash(name)).map(Vec::as_slice).unwrap_or_default()
    }

    fn link(&mut self, snapshot: &Snapshot, tongues: &[Tongue], holders: &[u32]) {
        let spread = self.spread(snapshot);
        // What a file is called by those who import it.
        let stems: Vec<u32> = snapshot.files.iter().map(|(path, _)| word_hash(stem(path))).collect();
        let folders: Vec<&str> = snapshot.files.iter().map(|(path, _)| folder(path)).collect();
        let mut used: Vec<(u32, f32)> = Vec::new();
        for (file, (_, symbols)) in snapshot.files.iter().enumerate() {
            let Some(symbols) = symbols else { continue };
            let start = self.of_file(file).start;
            let words = Words(symbols.packed_uses());
            let (mut word, mut total) = (None, 0.0);
            for found in symbols.uses() {
                if word != Some(found.word) {
                    word = Some(found.word);
                    used.clear();
                    let nodes = self.definers.get(&found.word).map(Vec::as_slice).unwrap_or_default();
                    let speaks = |node: &&u32| tongues.get(self.file_of(**node)) == tongues.get(file);
                    used.extend(nodes.iter().filter(speaks).map(|node| {
                        let home = self.file_of(*node);
                        let sure = match holders.get(*node as usize) {
                            _ if home == file => 1.0,
                            stem_and_folder => {
                                let stem = stems.get(home).copied().filter(|stem| *stem != found.word);
                                let imports_from = stem.is_some_and(|stem| words.import(stem));
                                let names = stem.is_some_and(|stem| words.hold(stem));
                                let is_near = folders.get(home) == folders.get(file);
                                match stem_and_folder.copied().filter(|holder| *holder != 0) {
                                    // A member is come to through its type.
                                    Some(holder) if words.hold(holder) => 0.6,
                                    Some(_) if imports_from => 0.3,
                                    Some(_) if is_near || names => 0.15,
                                    Some(_) => STRAY,
                                    None if words.import(found.word) => 1.0,
                                    None if imports_from => 0.7,
                                    None if names => 0.5,
                                    None if is_near => 0.4,
                                    None => STRAY,
                                }
                            }
                        };
                        (*node, sure)
                    }));
                    total = used.iter().map(|(_, sure)| sure).sum();
                }
                let from = start + found.item.map_or(0, |item| u32::try_from(item + 1).unwrap_or_default());
                let spread = spread.get(&found.word).copied().unwrap_or_default();
                for (to, sure) in used.iter().filter(|(to, _)| *to != from) {
                    // Shared between all that are meant, and less for a word that is everywhere.
                    let weight = sure * (sure / total) / (1.0 + spread / COMMON).sqrt();
                    self.edges.push(Edge { from, to: *to, weight });
                }
            }
        }
    }

    /// In how many files each name that is defined somewhere is used.
    fn spread(&self, snapshot: &Snapshot) -> HashMap<u32, f32, BuildHasherDefault<Already>> {
        let mut spread: HashMap<u32, f32, BuildHasherDefault<Already>> = HashMap::default();
        for symbols in snapshot.files.iter().filter_map(|(_, symbols)| symbols.as_ref()) {
            let mut last = None;
            for found in symbols.uses().filter(|found| self.definers.contains_key(&found.word)) {
                if last != Some(found.word) {
                    last = Some(found.word);
                    *spread.entry(found.word).or_default() += 1.0;
                }
            }
        }
        spread
    }

    /// What each node is worth to who cares for those of `care`.
    pub fn rank(&self, care: &Care) -> Vec<f32> {
        let count = self.node_count() as usize;
        let mut total = vec![0.0_f32; count];
        let add = |totals: &mut Vec<f32>, node: u32, what: f32| {
            if let Some(total) = totals.get_mut(node as usize) {
                *total += what;
            }
        };
        for edge in &self.edges {
            add(&mut total, edge.from, edge.weight);
            add(&mut total, edge.to, edge.weight * BACK);
        }
        let sum: f32 = care.of.iter().sum();
        let start: Vec<f32> = care.of.iter().map(|care| care / sum.max(f32::MIN_POSITIVE)).collect();
        let mut rank = start.clone();
        for _ in 0..ROUNDS {
            // What one edge's worth of each node is; what leads nowhere starts anew.
            let share: Vec<f32> =
                rank.iter().zip(&total).map(|(rank, total)| if *total > 0.0 { rank / total } else { 0.0 }).collect();
            let of = |node: u32| share.get(node as usize).copied().unwrap_or_default();
            let lost: f32 = rank.iter().zip(&total).filter(|(_, total)| **total <= 0.0).map(|(rank, _)| rank).sum();
            let mut next: Vec<f32> = start.iter().map(|start| start * (1.0 - DAMPING + DAMPING * lost)).collect();
            for edge in &self.edges {
                let weight = edge.weight * DAMPING;
                add(&mut next, edge.to, of(edge.from) * weight);
                add(&mut next, edge.from, of(edge.to) * weight * BACK);
            }
            rank = next;
        }
        rank
    }
}

impl Care {
    /// The same for every definition, less for those aside.
    pub fn even(snapshot: &Snapshot, graph: &Graph) -> Care {
        let mut care = Care { of: vec![0.0; graph.node_count() as usize] };
        let each = 1.0 / f32::max(1.0, graph.node_count() as f32);
        for (file, (path, _)) in snapshot.files.iter().enumerate() {
            let each = match () {
                () if is_data(path) => each * DATA,
                () if is_aside(path) => each * ASIDE,
                () => each,
            };
            care.each(graph.of_file(file), each);
        }
        care
    }

    /// So much for all of these nodes together.
    pub fn share(&mut self, nodes: Range<u32>, care: f32) {
        let each = care / f32::max(1.0, nodes.len() as f32);
        self.each(nodes, each);
    }

    fn each(&mut self, nodes: Range<u32>, care: f32) {
        let range = nodes.start as usize..nodes.end as usize;
        for of in self.of.get_mut(range).unwrap_or_default() {
            *of += care;
        }
    }
}

/// The words of a file, as [`FileSymbols::packed_uses`] holds them.
struct Words<'a>(&'a [u64]);

impl Words<'_> {
    fn hold(&self, word: u32) -> bool {
        let at = self.0.partition_point(|packed| packed >> 32 < u64::from(word));
        self.0.get(at).is_some_and(|packed| packed >> 32 == u64::from(word))
    }

    /// Outside of all definitions, where imports stand.
    fn import(&self, word: u32) -> bool {
        self.0.binary_search(&(u64::from(word) << 32)).is_ok()
    }
}

fn is_data(path: &DocPath) -> bool {
    Language::of_path(&name_of(path)).is_some_and(Language::is_data)
}

fn folder(path: &DocPath) -> &str {
    match path {
        DocPath::File { rel, .. } => rel.rsplit_once('/').map_or("", |(folder, _)| folder),
        DocPath::Virtual(_) => "",
    }
}

/// Whether others come to a definition by its name.
fn is_found_by_name(item: &Item) -> bool {
    !matches!(
        item.kind,
        SymbolKind::Impl | SymbolKind::Key | SymbolKind::Heading | SymbolKind::Selector | SymbolKind::Element
    )
}

/// Languages whose names are one another's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tongue {
    Of(Language),
    C,
    Script,
    Unknown,
}

fn tongue(path: &DocPath) -> Tongue {
    match Language::of_path(&name_of(path)) {
        Some(Language::C | Language::Cpp) => Tongue::C,
        Some(Language::JavaScript | Language::TypeScript | Language::Tsx) => Tongue::Script,
        Some(language) => Tongue::Of(language),
        None => Tongue::Unknown,
    }
}

/// What others call a file: its name without the end, or that of its folder where it speaks for that.
fn stem(path: &DocPath) -> &str {
    let name = match path {
        DocPath::File { rel, .. } => rel.as_ref(),
        DocPath::Virtual(_) => return "",
    };
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    match file.split('.').next().unwrap_or(file) {
        "mod" | "__init__" | "index" | "lib" | "main" => folder.rsplit('/').next().unwrap_or_default(),
        stem => stem,
    }
}
