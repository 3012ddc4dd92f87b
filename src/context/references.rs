//! Where a definition is used: by name, told apart by what each file imports, with how sure that is.

use std::collections::BTreeSet;

use super::Shown;
use super::outline::language_of;
use crate::syntax::names::{Name, Role};
use crate::syntax::{Parsed, Symbols};
use crate::text::Text;
use crate::workspace::search::{Pattern, Scope, ScopeError};
use crate::workspace::{DocPath, View};

/// Lines with the name that are looked at.
const MOST_LINES: usize = 5_000;
/// Bytes of the largest text that is parsed for its names.
const MOST_BYTES: usize = 1 << 20;
/// Characters of a line that are shown.
const WIDTH: usize = 160;

/// How sure it is that a name means the definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Confidence {
    /// The file imports it, or defines it, or names it with what holds it.
    Sure,
    /// The file imports from where it is defined, or lies beside it, or nothing else has the name.
    Likely,
    /// The name is the same.
    Possible,
}

impl Confidence {
    /// One lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Confidence::Sure => "sure",
            Confidence::Likely => "likely",
            Confidence::Possible => "possible",
        }
    }
}

/// A place where a name stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub path: DocPath,
    /// 1-based.
    pub line: usize,
    /// The line, as it may be shown.
    pub text: String,
    /// The definition it stands in, with its holders: `Shape::area`.
    pub holder: Option<String>,
    pub is_import: bool,
    pub confidence: Confidence,
}

/// What there is of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Places that define it, in the whole workspace.
    pub definitions: Vec<Reference>,
    /// Places in the scope that use it, the surest files first.
    pub uses: Vec<Reference>,
    /// Parameters and variables of the same name.
    pub locals: usize,
    /// Not everything was looked at.
    pub is_cut: bool,
}

/// What is looked for: `area`, `Shape::area`, `Shape.area`.
struct Wanted<'a> {
    name: &'a str,
    holder: Option<&'a str>,
}

/// A file that has the name somewhere.
struct Candidate {
    path: DocPath,
    shown: Text,
    parsed: Parsed,
    symbols: Symbols,
    names: Vec<Name>,
}

/// What uses `symbol` in `scope`. Blocks on the disk; ends early when `stop` says so.
pub fn find(
    view: &View,
    symbol: &str,
    scope: &Scope,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<References, ScopeError> {
    let wanted = Wanted::of(symbol);
    let mut found = References::default();
    let Ok(pattern) = Pattern::new(&format!(r"\b{}\b", escaped(wanted.name)), true) else { return Ok(found) };
    let everywhere = view.search(&pattern, &Scope::new(view, None, None)?, MOST_LINES, stop);
    found.is_cut = everywhere.more || everywhere.stopped;
    let paths: BTreeSet<&DocPath> = everywhere.matches.iter().map(|line| &line.path).collect();
    let mut candidates = Vec::new();
    for path in paths {
        if stop() {
            found.is_cut = true;
            break;
        }
        candidates.extend(Candidate::of(view, path, wanted.name));
    }
    for candidate in &candidates {
        found.definitions.extend(candidate.definitions(&wanted));
    }
    let within = view.search(&pattern, scope, MOST_LINES, stop);
    let within: BTreeSet<&DocPath> = within.matches.iter().map(|line| &line.path).collect();
    let homes: BTreeSet<DocPath> = found.definitions.iter().map(|place| place.path.clone()).collect();
    let count = found.definitions.len();
    for candidate in candidates.iter().filter(|candidate| within.contains(&candidate.path)) {
        let (mut uses, locals) = candidate.uses(&wanted, &homes, count);
        found.locals += locals;
        found.uses.append(&mut uses);
    }
    let best = |path: &DocPath, uses: &[Reference]| {
        uses.iter().filter(|place| place.path == *path).map(|place| place.confidence).min()
    };
    let order: std::collections::BTreeMap<DocPath, Option<Confidence>> =
        found.uses.iter().map(|place| (place.path.clone(), best(&place.path, &found.uses))).collect();
    found.uses.sort_by(|one, other| {
        let key = |place: &Reference| (order.get(&place.path).copied().flatten(), place.path.clone(), place.line);
        key(one).cmp(&key(other))
    });
    Ok(found)
}

impl<'a> Wanted<'a> {
    fn of(symbol: &'a str) -> Wanted<'a> {
        let symbol = symbol.trim().trim_end_matches("()");
        let parts: Vec<&str> =
            symbol.split(['.', ':', '#', '\\']).map(str::trim).filter(|part| !part.is_empty()).collect();
        let name = parts.last().copied().unwrap_or(symbol);
        Wanted { name, holder: parts.len().checked_sub(2).and_then(|at| parts.get(at).copied()) }
    }
}

impl Candidate {
    fn of(view: &View, path: &DocPath, name: &str) -> Option<Candidate> {
        let language = language_of(view, path).filter(|language| !language.is_data())?;
        let document = view.read(path).ok().filter(|document| document.text.len() <= MOST_BYTES)?;
        let parsed = Parsed::of(&document.text, language)?;
        let all = 0..document.text.len();
        let names = parsed.names(std::slice::from_ref(&all), |word| word == name);
        let shown = Shown::of(view, path, &document.text).text;
        Some(Candidate { path: path.clone(), shown, symbols: Symbols::of_parsed(&parsed), parsed, names })
    }

    fn definitions(&self, wanted: &Wanted) -> Vec<Reference> {
        let symbols = self.symbols.all.iter().enumerate();
        symbols
            .filter(|(_, symbol)| *symbol.name == *wanted.name && symbol.kind != crate::syntax::SymbolKind::Impl)
            .filter(|(at, _)| match wanted.holder {
                None => true,
                Some(holder) => {
                    let parent = self.symbols.all.get(*at).and_then(|symbol| symbol.parent);
                    let parent = parent.and_then(|parent| self.symbols.all.get(parent));
                    parent.map_or_else(|| self.is_of(holder, *at), |parent| *parent.name == *holder)
                }
            })
            .map(|(at, symbol)| {
                let parent = self.symbols.all.get(at).and_then(|symbol| symbol.parent);
                Reference {
                    text: crate::secrets::mask(&symbol.signature).text.into_owned(),
                    holder: parent.and_then(|parent| self.symbols.path(parent)),
                    ..self.reference(symbol.name_range.start, Confidence::Sure, false)
                }
            })
            .collect()
    }

    /// Whether a definition that nothing holds belongs to `holder` all the same: a method of Go or C++ by what its head says, an
    /// item of a module by the name of the file.
    fn is_of(&self, holder: &str, symbol: usize) -> bool {
        let signature = self.symbols.all.get(symbol).map(|symbol| &*symbol.signature).unwrap_or_default();
        let in_head =
            signature.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == holder);
        in_head || stem(&self.path) == holder
    }

    /// The uses, and how many names are something of their own.
    fn uses(&self, wanted: &Wanted, homes: &BTreeSet<DocPath>, definitions: usize) -> (Vec<Reference>, usize) {
        let imports = self.names.iter().any(|name| name.role == Role::Imports);
        let is_home = homes.contains(&self.path);
        let is_near = homes.iter().any(|home| folder(home) == folder(&self.path) || self.mentions(stem(home)));
        let mut uses: Vec<Reference> = Vec::new();
        let mut locals = 0;
        for name in &self.names {
            let confidence = match name.role {
                Role::Defines | Role::DefinesMember => continue,
                Role::Binds => {
                    locals += 1;
                    continue;
                }
                _ if self.follows(name, wanted.holder) => Confidence::Sure,
                Role::Imports => Confidence::Sure,
                Role::Uses if imports || is_home => Confidence::Sure,
                Role::UsesMember if wanted.holder.is_some_and(|holder| self.mentions(holder)) => Confidence::Likely,
                Role::Uses | Role::UsesMember if is_near || is_home || definitions == 1 => Confidence::Likely,
                Role::Uses | Role::UsesMember => Confidence::Possible,
            };
            let reference = self.reference(name.range.start, confidence, name.role == Role::Imports);
            // An import is also told as a use, and a line may have the name twice: the surest is told.
            match uses.last_mut().filter(|last| last.line == reference.line) {
                Some(last) => {
                    last.confidence = last.confidence.min(reference.confidence);
                    last.is_import |= reference.is_import;
                }
                None => uses.push(reference),
            }
        }
        (uses, locals)
    }

    /// Whether the name stands right behind `holder`: `Shape::area`, `Shape.area`.
    fn follows(&self, name: &Name, holder: Option<&str>) -> bool {
        let Some(holder) = holder else { return false };
        let text = self.parsed.text();
        let line = text.line_start(text.line_of(name.range.start));
        let before = text.slice(line..name.range.start).unwrap_or_default();
        let before = before.trim_end_matches(['.', ':', '>', '-', '?']);
        before.len() < name.range.start - line
            && before
                .strip_suffix(holder)
                .is_some_and(|rest| !rest.ends_with(|last: char| last.is_alphanumeric() || last == '_'))
    }

    /// Whether a word stands anywhere in the file.
    fn mentions(&self, word: &str) -> bool {
        let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
        !word.is_empty() && self.parsed.text().to_string().split(|letter| !is_part(letter)).any(|other| other == word)
    }

    fn reference(&self, at: usize, confidence: Confidence, is_import: bool) -> Reference {
        let line = self.parsed.text().line_of(at);
        let text = self.shown.slice(self.shown.line_range(line)).unwrap_or_default();
        let text = text.trim();
        let text = match text.char_indices().nth(WIDTH) {
            Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
            None => text.to_owned(),
        };
        let holder = self.symbols.all.iter().rposition(|symbol| symbol.range.contains(&at));
        let holder = holder.and_then(|holder| self.symbols.path(holder));
        Reference { path: self.path.clone(), line: line + 1, text, holder, is_import, confidence }
    }
}

/// What a file is called by those who import from it.
fn stem(path: &DocPath) -> &str {
    let DocPath::File { rel, .. } = path else { return "" };
    let (folder, file) = rel.rsplit_once('/').unwrap_or(("", rel));
    match file.split('.').next().unwrap_or(file) {
        "mod" | "__init__" | "index" | "lib" => folder.rsplit('/').next().unwrap_or_default(),
        stem => stem,
    }
}

fn folder(path: &DocPath) -> Option<&str> {
    match path {
        DocPath::File { rel, .. } => Some(rel.rsplit_once('/').map_or("", |(folder, _)| folder)),
        DocPath::Virtual(_) => None,
    }
}

/// A name as a regular expression of itself.
fn escaped(name: &str) -> String {
    name.chars()
        .flat_map(|letter| (!letter.is_alphanumeric() && letter != '_').then_some('\\').into_iter().chain([letter]))
        .collect()
}
