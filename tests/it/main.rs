//! The integration tests: one binary, a module a subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod agent;
mod architecture;
mod attack;
mod cli;
mod config;
mod context;
mod editors;
mod lsp;
mod mcp;
mod model;
mod permission;
mod python;
mod sandbox;
mod secrets;
mod store;
mod support;
mod tasks;
mod text;
mod web;
mod workspace;
