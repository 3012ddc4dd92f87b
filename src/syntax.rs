//! Source code as symbols, by tree-sitter.
//!
//! Parses a [`Text`] and answers in byte offsets. This module must never know about files, workspaces or protocols; an
//! unknown language is an answer, not an error. tree-sitter stays in here.

pub mod languages;
pub mod symbols;

pub use languages::Language;
pub use symbols::{Symbol, SymbolKind, Symbols};
