//! Source code as symbols, names, comments and errors, by tree-sitter.
//!
//! Parses a [`Text`](crate::text::Text) and answers in byte offsets. This module must never know about files, workspaces or
//! protocols; an unknown language is an answer, not an error. tree-sitter stays in here.
//!
//! Every parse is bounded in bytes and in time: hostile text costs an answer, not the process.

pub mod comments;
mod docs;
mod grammar;
pub mod indent;
pub mod languages;
pub mod live;
pub mod names;
pub mod parsed;
pub mod problems;
mod roots;
mod scanner;
mod search;
pub mod survey;
pub mod symbols;
pub mod unbound;

pub use comments::{comment_body, comments};
pub use languages::Language;
pub use live::Live;
pub use parsed::Parsed;
pub use survey::Survey;
pub use symbols::{Symbol, SymbolKind, Symbols};
