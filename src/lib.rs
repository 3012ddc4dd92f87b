//! Claw: a coding agent that lives inside a language server.
//!
//! The agent reads what the editor really holds, edits a layer above it, and returns a proposal of hunks that the user
//! accepts one by one. As a library it is an [`Agent`] that runs a task and gives its trace and proposal:
//!
//! ```no_run
//! # async fn refactor() -> Result<(), Box<dyn std::error::Error>> {
//! use claw::Agent;
//! use claw::tools::Tools;
//!
//! let agent = Agent::builder().model("gpt-5.4").tools(Tools::default()).build()?;
//! let result = agent.run("Refactor src/auth.py to use async/await throughout").await?;
//! for step in &result.trace {
//!     println!("[{}] {}", step.kind(), step.description());
//! }
//! result.proposal.apply()?;
//! # Ok(())
//! # }
//! ```
//!
//! # The map
//!
//! In reading order. A module imports only what stands above it here; `ARCHITECTURE.md` says what each must never know, and
//! a test reads the sources and holds it.
//!
//! - [`event`]: the events of a session, one schema for trace, stream, notification and library
//! - [`text`]: text as a value, in byte offsets
//! - [`syntax`]: symbols, names, comments and errors, by tree-sitter
//! - [`secrets`]: secrets in text, found and masked
//! - [`permission`]: what may be done unasked
//! - [`sandbox`]: confines a command
//! - [`web`]: pages and searches, from public addresses only
//! - [`mcp`]: servers that bring tools of their own
//! - [`workspace`]: disk < open buffers < overlay; the path gate, search, proposals
//! - [`context`]: what the model should see for an ask, within a budget
//! - [`config`]: one typed struct, layered, every value with its origin
//! - [`model`]: language models behind one trait
//! - [`store`]: what is kept between runs, redacted at the door
//! - [`tools`]: what the model can call
//! - [`agent`]: sessions and turns: the harness itself
//! - [`lsp`]: the language server
//! - [`cli`]: the command line

pub mod agent;
pub mod cli;
pub mod config;
pub mod context;
pub mod event;
pub mod lsp;
pub mod mcp;
pub mod model;
pub mod permission;
pub mod sandbox;
pub mod secrets;
pub mod store;
pub mod syntax;
pub mod text;
pub mod tools;
pub mod web;
pub mod workspace;

pub use agent::Agent;
