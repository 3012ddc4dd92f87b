//! Claw: a coding agent that lives inside a language server.
//!
//! The map, in reading order. Data flows down the list; a module imports only what stands above it.
pub mod agent;
pub mod cli;
pub mod config;
pub mod context;
pub mod event;
pub mod lsp;
pub mod model;
pub mod store;
pub mod syntax;
pub mod text;
pub mod tools;
pub mod workspace;

pub use agent::Agent;
