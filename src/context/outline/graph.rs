//! Who uses whom: a graph of definitions by the names they use, and how important each is to somebody who stands somewhere.
//!
//! A node is a definition, or what of a file stands outside of all. An edge leads from a use to each definition of the name, the
//! lighter the more there are. Names alone decide: two things of one name are told apart by what the using file imports.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use super::symbols::{FileSymbols, Item, Use};
use super::{Snapshot, is_aside, name_of};
use crate::syntax::survey::word_hash;
use crate::syntax::{Language, SymbolKind};
use crate::workspace::DocPath;
use crate::workspace::halves::{both, in_halves, ranges_in_halves};

/// A name that is defined in more places says nothing about which is meant.
const MOST_DEFINERS: usize = 16;
/// How much of an edge leads back from what is used to who uses it.
const BACK: f32 = 0.4;
/// Between a definition and the one that holds it.
const HOLDS: f32 = 0.15;
/// How often what a node has is handed on instead of starting anew.
const DAMPING: f32 = 0.8;
/// It ends when less than this part of all moves in a round: by the damping, no more than four times as much could still move.
const SETTLED: f32 = 0.01;
const MOST_ROUNDS: usize = 14;
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
    /// What holds each node, and by what weight; a file is held by nothing.
    holders: Vec<Option<(u32, f32)>>,
    /// From each node to those that it uses by their names.
    uses: Links,
    /// From each node to those that use it.
    users: Links,
    definers: Definers,
}

/// The nodes that define each name.
#[derive(Default)]
struct Definers {
    /// The number of each name, by its hash.
    names: HashMap<u32, u32, BuildHasherDefault<Already>>,
    /// Of each name; none where they are too many.
    nodes: Vec<Vec<u32>>,
}

/// The uses of a name in a file, as [`FileSymbols::packed_uses`] holds them, and the number of that name.
type Known<'a> = (u32, &'a [u64]);

struct Edge {
    from: u32,
    to: u32,
    weight: f32,
}

/// Edges by one of their ends, so that a node is worked out from its own few: the other end of each, and its weight.
#[derive(Default)]
struct Links {
    /// Where those of each node begin, and one behind the last.
    starts: Vec<u32>,
    ends: Vec<(u32, f32)>,
}

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
        let mut graph = Graph {
            nodes: vec![0],
            files: Vec::new(),
            holders: Vec::new(),
            uses: Links::default(),
            users: Links::default(),
            definers: Definers::default(),
        };
        let mut tongues = Vec::new();
        // The name of what holds each node; 0 where nothing does.
        let mut names_of_holders: Vec<u32> = Vec::new();
        let briefs = in_halves(&snapshot.files, |files| {
            files.iter().map(|(path, symbols)| Brief::of(path, symbols.as_ref())).collect()
        });
        for Brief { tongue, holds, definitions } in briefs {
            let file = graph.node_count();
            let mut next = file + 1;
            let mut holders: Vec<(u32, u32)> = Vec::new();
            names_of_holders.push(0);
            graph.holders.push(None);
            for Definition { depth, word, is_module, is_found_by_name } in definitions {
                holders.truncate(depth);
                let (holder, name) = holders.last().copied().unwrap_or((file, 0));
                graph.holders.push(Some((holder, holds)));
                names_of_holders.push(name);
                // A module is no type: what it holds is found by itself.
                holders.push((next, if is_module { 0 } else { word }));
                if is_found_by_name {
                    graph.definers.add(word, next);
                }
                next += 1;
            }
            let index = u32::try_from(tongues.len()).unwrap_or_default();
            graph.files.resize(next as usize, index);
            tongues.push(tongue);
            graph.nodes.push(next);
        }
        graph.definers.leave_out_common();
        let edges = graph.edges(snapshot, &tongues, &names_of_holders);
        let count = graph.node_count();
        (graph.uses, graph.users) = both(
            || Links::by(&edges, count, |edge| (edge.from, edge.to)),
            || Links::by(&edges, count, |edge| (edge.to, edge.from)),
        );
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
        self.users.of(node).iter().map(|(user, _)| *user)
    }

    /// The nodes that `node` uses by their names.
    pub fn uses(&self, node: u32) -> impl Iterator<Item = u32> {
        self.uses.of(node).iter().map(|(used, _)| *used)
    }

    pub fn definers(&self, name: &str) -> &[u32] {
        self.definers.number(word_hash(name)).map(|name| self.definers.of(name)).unwrap_or_default()
    }

    /// From every use to what it may mean.
    fn edges(&self, snapshot: &Snapshot, tongues: &[Tongue], holders: &[u32]) -> Vec<Edge> {
        let known: Vec<Vec<Known>> = in_halves(&snapshot.files, |files| {
            files.iter().map(|(_, symbols)| self.definers.known(symbols.as_ref())).collect()
        });
        let linker = Linker {
            graph: self,
            tongues,
            holders,
            spread: self.definers.spread(&known),
            stems: snapshot.files.iter().map(|(path, _)| word_hash(stem(path))).collect(),
            folders: snapshot.files.iter().map(|(path, _)| folder(path)).collect(),
        };
        let files: Vec<(usize, &FileSymbols, Vec<Known>)> = (snapshot.files.iter().zip(known).enumerate())
            .filter_map(|(file, ((_, symbols), known))| Some((file, symbols.as_ref()?, known)))
            .collect();
        in_halves(&files, |files| {
            let mut edges = Vec::new();
            for (file, symbols, known) in files {
                linker.link(*file, symbols, known, &mut edges);
            }
            edges
        })
    }

    /// What each node is worth to who cares for those of `care`.
    pub fn rank(&self, care: &Care) -> Vec<f32> {
        let mut total: Vec<f32> =
            self.uses.totals().zip(self.users.totals()).map(|(to, from)| to + from * BACK).collect();
        self.for_held(|node, holder, weight| {
            add(&mut total, node, weight);
            add(&mut total, holder, weight * BACK);
        });
        let sum: f32 = care.of.iter().sum();
        let start: Vec<f32> = care.of.iter().map(|care| care / sum.max(f32::MIN_POSITIVE)).collect();
        let mut rank = start.clone();
        for _ in 0..MOST_ROUNDS {
            // What one edge's worth of each node is; what leads nowhere starts anew.
            let share: Vec<f32> =
                rank.iter().zip(&total).map(|(rank, total)| if *total > 0.0 { rank / total } else { 0.0 }).collect();
            let lost: f32 = rank.iter().zip(&total).filter(|(_, total)| **total <= 0.0).map(|(rank, _)| rank).sum();
            let anew = 1.0 - DAMPING + DAMPING * lost;
            let mut next: Vec<f32> = ranges_in_halves(start.len(), |nodes| {
                let used = self.users.sums(nodes.clone(), &share).zip(self.uses.sums(nodes.clone(), &share));
                let start = start.get(nodes).unwrap_or_default();
                start.iter().zip(used).map(|(start, (to, from))| start * anew + DAMPING * (to + from * BACK)).collect()
            });
            let of = |node: u32| share.get(node as usize).copied().unwrap_or_default();
            self.for_held(|node, holder, weight| {
                add(&mut next, holder, of(node) * weight * DAMPING);
                add(&mut next, node, of(holder) * weight * DAMPING * BACK);
            });
            let moved: f32 = rank.iter().zip(&next).map(|(before, now)| (now - before).abs()).sum();
            rank = next;
            if moved < SETTLED {
                break;
            }
        }
        rank
    }

    /// Each node that another holds, with that and the weight of it.
    fn for_held(&self, mut tell: impl FnMut(u32, u32, f32)) {
        for (node, held) in (0..).zip(&self.holders) {
            if let Some((holder, weight)) = held {
                tell(node, *holder, *weight);
            }
        }
    }
}

/// What the graph wants to know of a file.
struct Brief {
    tongue: Tongue,
    /// How much a definition is worth to what holds it.
    holds: f32,
    definitions: Vec<Definition>,
}

struct Definition {
    depth: usize,
    /// The hash of its name.
    word: u32,
    is_module: bool,
    is_found_by_name: bool,
}

impl Brief {
    fn of(path: &DocPath, symbols: Option<&FileSymbols>) -> Brief {
        let brief = |item: Item<'_>| Definition {
            depth: item.depth,
            word: word_hash(item.name),
            is_module: item.kind == SymbolKind::Module,
            is_found_by_name: is_found_by_name(&item),
        };
        Brief {
            tongue: tongue(path),
            // What data holds is not worth more for being much.
            holds: if is_data(path) { 0.0 } else { HOLDS },
            definitions: symbols.into_iter().flat_map(FileSymbols::items).map(brief).collect(),
        }
    }
}

impl Definers {
    fn add(&mut self, word: u32, node: u32) {
        let next = self.nodes.len();
        let number = *self.names.entry(word).or_insert_with(|| u32::try_from(next).unwrap_or(u32::MAX));
        if number as usize == next {
            self.nodes.push(Vec::new());
        }
        if let Some(nodes) = self.nodes.get_mut(number as usize) {
            nodes.push(node);
        }
    }

    fn leave_out_common(&mut self) {
        for nodes in self.nodes.iter_mut().filter(|nodes| nodes.len() > MOST_DEFINERS) {
            *nodes = Vec::new();
        }
    }

    /// The number of what is called by a word with this hash.
    fn number(&self, word: u32) -> Option<u32> {
        self.names.get(&word).copied()
    }

    fn of(&self, number: u32) -> &[u32] {
        self.nodes.get(number as usize).map(Vec::as_slice).unwrap_or_default()
    }

    /// The names of a file that are defined somewhere.
    fn known<'a>(&self, symbols: Option<&'a FileSymbols>) -> Vec<Known<'a>> {
        let uses = symbols.map(FileSymbols::packed_uses).unwrap_or_default();
        let by_word = uses.chunk_by(|one, other| Use::unpacked(*one).word == Use::unpacked(*other).word);
        let known = |uses: &'a [u64]| Some((self.number(Use::unpacked(*uses.first()?).word)?, uses));
        by_word.filter_map(known).filter(|(name, _)| !self.of(*name).is_empty()).collect()
    }

    /// In how many files each name is used.
    fn spread(&self, known: &[Vec<Known>]) -> Vec<f32> {
        let mut spread = vec![0.0; self.nodes.len()];
        for (name, _) in known.iter().flatten() {
            add(&mut spread, *name, 1.0);
        }
        spread
    }
}

/// What decides between the definitions of a name.
struct Linker<'a> {
    graph: &'a Graph,
    /// Of each file.
    tongues: &'a [Tongue],
    /// The name of what holds each node; 0 where nothing does.
    holders: &'a [u32],
    /// In how many files each name is used, by its number.
    spread: Vec<f32>,
    /// What each file is called by those who import it.
    stems: Vec<u32>,
    folders: Vec<&'a str>,
}

impl Linker<'_> {
    /// Adds the edges of one file's uses.
    fn link(&self, file: usize, symbols: &FileSymbols, known: &[Known], edges: &mut Vec<Edge>) {
        let start = self.graph.of_file(file).start;
        let words = Words(symbols.packed_uses());
        // For the word that is looked at: the nodes that it may mean, and how sure that is, as a part of all.
        let mut used: Vec<(u32, f32)> = Vec::new();
        for (name, uses) in known {
            let Some(word) = uses.first().map(|first| Use::unpacked(*first).word) else { continue };
            used.clear();
            let speaks = |node: &&u32| self.tongues.get(self.graph.file_of(**node)) == self.tongues.get(file);
            let nodes = self.graph.definers.of(*name).iter().filter(speaks);
            used.extend(nodes.map(|node| (*node, self.sure(*node, word, file, &words))));
            let total: f32 = used.iter().map(|(_, sure)| sure).sum();
            let spread = self.spread.get(*name as usize).copied().unwrap_or_default();
            let less = (1.0 + spread / COMMON).sqrt();
            for (_, sure) in &mut used {
                // Shared between all that are meant, and less for a word that is everywhere.
                *sure = *sure * (*sure / total) / less;
            }
            for found in uses.iter().map(|packed| Use::unpacked(*packed)) {
                let from = start + found.item.map_or(0, |item| u32::try_from(item + 1).unwrap_or_default());
                let others = used.iter().filter(|(to, _)| *to != from);
                edges.extend(others.map(|(to, weight)| Edge { from, to: *to, weight: *weight }));
            }
        }
    }

    /// How sure it is that `word` in a file means a node that is defined by this name.
    fn sure(&self, node: u32, word: u32, file: usize, words: &Words) -> f32 {
        let home = self.graph.file_of(node);
        if home == file {
            return 1.0;
        }
        let stem = self.stems.get(home).copied().filter(|stem| *stem != word);
        let imports_from = stem.is_some_and(|stem| words.import(stem));
        let names = stem.is_some_and(|stem| words.hold(stem));
        let is_near = self.folders.get(home) == self.folders.get(file);
        match self.holders.get(node as usize).copied().filter(|holder| *holder != 0) {
            // A member is come to through its type.
            Some(holder) if words.hold(holder) => 0.6,
            Some(_) if imports_from => 0.3,
            Some(_) if is_near || names => 0.15,
            Some(_) => STRAY,
            None if words.import(word) => 1.0,
            None if imports_from => 0.7,
            None if names => 0.5,
            None if is_near => 0.4,
            None => STRAY,
        }
    }
}

fn add(totals: &mut [f32], node: u32, what: f32) {
    if let Some(total) = totals.get_mut(node as usize) {
        *total += what;
    }
}

impl Links {
    /// `ends` gives the end by which an edge is found, then the other.
    fn by(edges: &[Edge], nodes: u32, ends: impl Fn(&Edge) -> (u32, u32)) -> Links {
        let mut starts = vec![0_u32; nodes as usize + 1];
        for edge in edges {
            if let Some(count) = starts.get_mut(ends(edge).0 as usize) {
                *count += 1;
            }
        }
        let mut before = 0;
        for start in &mut starts {
            before += std::mem::replace(start, before);
        }
        let mut links = vec![(0, 0.0); edges.len()];
        let mut next = starts.clone();
        for edge in edges {
            let (node, other) = ends(edge);
            if let Some(at) = next.get_mut(node as usize)
                && let Some(link) = links.get_mut(*at as usize)
            {
                *link = (other, edge.weight);
                *at += 1;
            }
        }
        Links { starts, ends: links }
    }

    fn of(&self, node: u32) -> &[(u32, f32)] {
        let start = |node: usize| self.starts.get(node).map_or(self.ends.len(), |start| *start as usize);
        self.ends.get(start(node as usize)..start(node as usize + 1)).unwrap_or_default()
    }

    /// Those of each of these nodes.
    fn each(&self, nodes: Range<usize>) -> impl Iterator<Item = &[(u32, f32)]> {
        let ends = |pair: &[u32]| Some(*pair.first()? as usize..*pair.last()? as usize);
        let starts = self.starts.get(nodes.start..=nodes.end).unwrap_or_default();
        starts.windows(2).map(move |pair| ends(pair).and_then(|range| self.ends.get(range)).unwrap_or_default())
    }

    /// The weights of each node's together.
    fn totals(&self) -> impl Iterator<Item = f32> {
        let all = 0..self.starts.len().saturating_sub(1);
        self.each(all).map(|links| links.iter().map(|(_, weight)| weight).sum())
    }

    /// What comes to each of these nodes from the other ends of its edges, of which each gives `share` for a weight of one.
    fn sums(&self, nodes: Range<usize>, share: &[f32]) -> impl Iterator<Item = f32> {
        let of = |node: u32| share.get(node as usize).copied().unwrap_or_default();
        self.each(nodes).map(move |links| links.iter().map(|(other, weight)| of(*other) * weight).sum())
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
