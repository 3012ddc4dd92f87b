//! Grammars with their compiled queries, each made once and kept.

use std::sync::OnceLock;

use tree_sitter::Query;

use super::{Language, SymbolKind};

/// A grammar and what is asked of its trees.
pub(in crate::syntax) struct Grammar {
    pub language: tree_sitter::Language,
    pub query: Query,
    /// What each capture of the query stands for, by its index.
    pub captures: Vec<Capture>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::syntax) enum Capture {
    Definition(SymbolKind),
    Name,
    Body,
    Attribute,
    Comment,
}

impl Grammar {
    /// `None` if the grammar and our query for it do not fit, which a test excludes.
    pub fn of(language: Language) -> Option<&'static Grammar> {
        static RUST: OnceLock<Option<Grammar>> = OnceLock::new();
        static PYTHON: OnceLock<Option<Grammar>> = OnceLock::new();
        match language {
            Language::Rust => RUST
                .get_or_init(|| Grammar::compile(tree_sitter_rust::LANGUAGE.into(), include_str!("queries/rust.scm"))),
            Language::Python => PYTHON.get_or_init(|| {
                Grammar::compile(tree_sitter_python::LANGUAGE.into(), include_str!("queries/python.scm"))
            }),
        }
        .as_ref()
    }

    fn compile(language: tree_sitter::Language, source: &str) -> Option<Grammar> {
        let query = Query::new(&language, source)
            .inspect_err(|error| tracing::error!(%error, "a query does not fit its grammar"))
            .ok()?;
        let captures = query.capture_names().iter().map(|name| Capture::of(name)).collect::<Option<Vec<Capture>>>();
        Some(Grammar { language, captures: captures?, query })
    }
}

impl Capture {
    fn of(name: &str) -> Option<Capture> {
        Some(match name {
            "name" => Capture::Name,
            "body" => Capture::Body,
            "attribute" => Capture::Attribute,
            "comment" => Capture::Comment,
            _ => Capture::Definition(SymbolKind::of_name(name.strip_prefix("definition.")?)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_fits_its_grammar() {
        for language in Language::ALL {
            assert!(Grammar::of(*language).is_some(), "{language:?}");
        }
    }
}
