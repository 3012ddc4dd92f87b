//! The binary's commands, driven as a user drives them: the real binary, in folders of its own.

mod demo;
mod hung;
mod mcp;
mod models;
mod permission;
mod place;
mod plan;
mod review;
mod run;
mod sessions;
mod setup;
mod terminal;
mod tls;
mod trace_html;
