//! Which hunks need which others, by the names that a proposal brings or takes away.
//!
//! A hunk that uses a name needs the one that defines or imports it; a hunk that takes a definition or an import away needs
//! those that take its uses away. Only names count that a file has not known before, or does not know any more: about any
//! other nothing can be told by name. So a need may be overlooked, and is seldom made up.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::FileFacts;
use crate::syntax::Language;
use crate::workspace::HunkId;

/// A name that more hunks than these bring or take away says nothing about any of them.
const MOST: usize = 3;

/// What a hunk does with the names that only one of the two texts holds.
#[derive(Debug, Default)]
pub(in crate::agent) struct Links {
    /// New definitions and imports.
    pub brings: Vec<Link>,
    /// New names that it uses.
    pub uses: Vec<Link>,
    /// Definitions and imports that go.
    pub removes: Vec<Link>,
    /// Names that go, and that it used.
    pub frees: Vec<Link>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::agent) struct Link {
    pub name: String,
    pub reach: Reach,
}

/// From where a name can be used, or how it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::agent) enum Reach {
    /// By itself and in a path, from everywhere.
    Item,
    /// After a dot or in a path.
    Member,
    /// By itself, in its file: an import.
    File,
    /// A whole file, as an item.
    Module,
}

impl Reach {
    fn reaches(self, used: Reach, same_file: bool) -> bool {
        match self {
            Reach::Item | Reach::Module => true,
            Reach::Member => used == Reach::Member,
            Reach::File => same_file && used == Reach::Item,
        }
    }
}

/// A hunk: the index of its file and its own in there.
type Place = (usize, usize);

/// For each hunk that needs others those others, in the order of their places.
pub(super) fn between(files: &[Arc<FileFacts>]) -> HashMap<HunkId, Vec<HunkId>> {
    let mut needs: BTreeMap<Place, BTreeSet<Place>> = BTreeMap::new();
    let brought = Names::of(files, |links| &links.brings);
    for (place, language, links) in hunks(files) {
        for used in &links.uses {
            for other in brought.reaching(place, language, used, links) {
                needs.entry(place).or_default().insert(other);
            }
        }
    }
    let removed = Names::of(files, |links| &links.removes);
    for (place, language, links) in hunks(files) {
        for used in &links.frees {
            // The other way round: who takes away needs those who use it no more.
            for other in removed.reaching(place, language, used, &Links::default()) {
                needs.entry(other).or_default().insert(place);
            }
        }
    }
    let id = |(file, hunk): &Place| files.get(*file)?.hunks.get(*hunk)?.id.clone();
    needs.iter().filter_map(|(place, others)| Some((id(place)?, others.iter().filter_map(id).collect()))).collect()
}

/// Who brings a name, or takes it away.
struct Names<'a>(HashMap<(Language, &'a str), Vec<(Place, Reach)>>);

impl<'a> Names<'a> {
    fn of(files: &'a [Arc<FileFacts>], links_of: impl Fn(&'a Links) -> &'a Vec<Link>) -> Names<'a> {
        let mut names: HashMap<_, Vec<(Place, Reach)>> = HashMap::new();
        for (place, language, links) in hunks(files) {
            for link in links_of(links) {
                names.entry((language, link.name.as_str())).or_default().push((place, link.reach));
            }
        }
        Names(names)
    }

    /// The hunks that the use of a name in a hunk with these `links` leads to: those of its own file before others.
    fn reaching(&self, place: Place, language: Language, used: &Link, links: &Links) -> Vec<Place> {
        let Some(makers) = self.0.get(&(language, used.name.as_str())) else { return Vec::new() };
        let brings = |reach| links.brings.iter().any(|link| link.name == used.name && link.reach == reach);
        let (defines, imports) = (brings(Reach::Item), brings(Reach::File));
        let reaching = makers.iter().filter(|(maker, reach)| {
            *maker != place && reach.reaches(used.reach, maker.0 == place.0) && (!defines || *reach == Reach::Module)
        });
        let (own, others): (Vec<Place>, Vec<Place>) =
            reaching.map(|(maker, _)| *maker).partition(|maker| maker.0 == place.0);
        // What a hunk imports itself comes from another file.
        let mut found = if own.is_empty() || imports { others } else { own };
        found.sort_unstable();
        found.dedup();
        if found.len() > MOST { Vec::new() } else { found }
    }
}

/// The hunks of files in a language that is known.
fn hunks(files: &[Arc<FileFacts>]) -> impl Iterator<Item = (Place, Language, &Links)> {
    files.iter().enumerate().filter_map(|(index, file)| Some((index, file, file.language?))).flat_map(
        |(index, file, language)| {
            file.hunks.iter().enumerate().map(move |(hunk, facts)| ((index, hunk), language, &facts.links))
        },
    )
}
