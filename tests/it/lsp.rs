//! The language server in memory and over stdio.

mod ask;
mod checks;
mod commands;
mod decide;
mod descriptors;
mod documents;
mod folders;
mod lifecycle;
mod loosened;
mod mcp;
mod models;
mod permission;
mod plan;
mod preflight;
mod protocol;
mod review;
mod secrets;
mod verify;
mod watch;
