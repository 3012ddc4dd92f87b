//! How the definitions of a file are found: by a grammar, or by its indentation.

use crate::syntax::Language;
use crate::workspace::{DocPath, View};

/// How the definitions of a file are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    Grammar(Language),
    /// A language of which no grammar is at hand.
    Indentation,
}

impl Reader {
    pub fn language(self) -> Option<Language> {
        match self {
            Reader::Grammar(language) => Some(language),
            Reader::Indentation => None,
        }
    }

    pub(super) fn of_path(path: &str) -> Option<Reader> {
        let end = || path.rsplit('/').next()?.rsplit_once('.').map(|(_, end)| end);
        let by_indentation = || end().is_some_and(|end| WITHOUT_GRAMMAR.contains(&end));
        match Language::of_path(path) {
            Some(language) => Some(Reader::Grammar(language)),
            None => by_indentation().then_some(Reader::Indentation),
        }
    }
}

/// How the names of code end that no grammar is at hand for.
const WITHOUT_GRAMMAR: &[&str] = &[
    "kt", "kts", "swift", "scala", "sbt", "zig", "ex", "exs", "erl", "hs", "ml", "mli", "fs", "fsx", "clj", "cljs",
    "lisp", "el", "scm", "rkt", "pl", "pm", "r", "R", "jl", "dart", "sql", "proto", "tf", "vim", "nix", "cmake",
    "gradle", "groovy", "vue", "svelte", "m", "mm", "cr", "nim", "d", "v", "sv", "vhd", "sol", "ps1", "fish",
    "graphql", "thrift", "scss", "sass", "less", "elm", "purs", "pas", "f90", "jsonnet", "mk",
];

/// How the definitions of a document are found, if at all.
pub fn reader_of(view: &View, path: &DocPath) -> Option<Reader> {
    let name = match path {
        DocPath::File { rel, .. } => rel.as_ref(),
        DocPath::Virtual(uri) => uri.as_ref(),
    };
    language_of(view, path).map(Reader::Grammar).or_else(|| Reader::of_path(name))
}

/// By name, or for an open document by what the editor says.
pub(in crate::context) fn language_of(view: &View, path: &DocPath) -> Option<Language> {
    let by_name = match path {
        DocPath::File { rel, .. } => Language::of_path(rel),
        DocPath::Virtual(uri) => Language::of_path(uri),
    };
    by_name.or_else(|| Language::of_id(&view.buffers().get(path)?.language_id))
}
