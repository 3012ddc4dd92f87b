//! Grammars with their compiled queries, each made once and kept.

use std::sync::OnceLock;

use tree_sitter::Query;

use super::roots::Roots;
use super::{Language, SymbolKind};

/// A grammar and what is asked of its trees.
pub(in crate::syntax) struct Grammar {
    pub language: tree_sitter::Language,
    pub query: Query,
    /// What each capture of the query stands for, by its index.
    pub captures: Vec<Capture>,
    /// Where the query can have an answer; `None` where only the query itself can tell.
    pub roots: Option<Roots>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::syntax) enum Capture {
    Definition(SymbolKind),
    Name,
    Body,
    /// What a signature is, where it is not what stands before the body.
    Signature,
    Attribute,
    Import,
    Comment,
    /// A literal: what stands in it is no code.
    Text,
    /// For the query's own use.
    Own,
}

impl Grammar {
    /// `None` if the grammar and our query for it do not fit, which a test excludes.
    pub fn of(language: Language) -> Option<&'static Grammar> {
        static MADE: [OnceLock<Option<Grammar>>; Language::ALL.len()] =
            [const { OnceLock::new() }; Language::ALL.len()];
        let place = MADE.get(language as usize)?;
        place
            .get_or_init(|| {
                let (language, query) = source(language);
                Grammar::compile(language, query)
            })
            .as_ref()
    }

    fn compile(language: tree_sitter::Language, source: &str) -> Option<Grammar> {
        let query = Query::new(&language, source)
            .inspect_err(|error| tracing::error!(%error, "a query does not fit its grammar"))
            .ok()?;
        let captures = query.capture_names().iter().map(|name| Capture::of(name)).collect::<Option<Vec<Capture>>>();
        let captures = captures?;
        let roots = Roots::of(&language, &query, source, &captures);
        Some(Grammar { language, captures, query, roots })
    }
}

/// The parser and what is asked of its trees.
fn source(language: Language) -> (tree_sitter::Language, &'static str) {
    match language {
        Language::Rust => (tree_sitter_rust::LANGUAGE.into(), include_str!("queries/rust.scm")),
        Language::Python => (tree_sitter_python::LANGUAGE.into(), include_str!("queries/python.scm")),
        Language::JavaScript => (tree_sitter_javascript::LANGUAGE.into(), include_str!("queries/javascript.scm")),
        Language::TypeScript => {
            (tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(), include_str!("queries/typescript.scm"))
        }
        Language::Tsx => (tree_sitter_typescript::LANGUAGE_TSX.into(), include_str!("queries/typescript.scm")),
        Language::Go => (tree_sitter_go::LANGUAGE.into(), include_str!("queries/go.scm")),
        Language::C => (tree_sitter_c::LANGUAGE.into(), include_str!("queries/c.scm")),
        Language::Cpp => (tree_sitter_cpp::LANGUAGE.into(), include_str!("queries/cpp.scm")),
        Language::Java => (tree_sitter_java::LANGUAGE.into(), include_str!("queries/java.scm")),
        Language::CSharp => (tree_sitter_c_sharp::LANGUAGE.into(), include_str!("queries/c_sharp.scm")),
        Language::Ruby => (tree_sitter_ruby::LANGUAGE.into(), include_str!("queries/ruby.scm")),
        Language::Php => (tree_sitter_php::LANGUAGE_PHP.into(), include_str!("queries/php.scm")),
        Language::Bash => (tree_sitter_bash::LANGUAGE.into(), include_str!("queries/bash.scm")),
        Language::Lua => (tree_sitter_lua::LANGUAGE.into(), include_str!("queries/lua.scm")),
        Language::Html => (tree_sitter_html::LANGUAGE.into(), include_str!("queries/html.scm")),
        Language::Css => (tree_sitter_css::LANGUAGE.into(), include_str!("queries/css.scm")),
        Language::Json => (tree_sitter_json::LANGUAGE.into(), include_str!("queries/json.scm")),
        Language::Toml => (tree_sitter_toml_ng::LANGUAGE.into(), include_str!("queries/toml.scm")),
        Language::Yaml => (tree_sitter_yaml::LANGUAGE.into(), include_str!("queries/yaml.scm")),
        Language::Markdown => (tree_sitter_md::LANGUAGE.into(), include_str!("queries/markdown.scm")),
    }
}

impl Capture {
    fn of(name: &str) -> Option<Capture> {
        Some(match name {
            "name" => Capture::Name,
            "body" => Capture::Body,
            "signature" => Capture::Signature,
            "attribute" => Capture::Attribute,
            "import" => Capture::Import,
            "comment" => Capture::Comment,
            "text" => Capture::Text,
            own if own.starts_with('_') => Capture::Own,
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
