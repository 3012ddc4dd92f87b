//! The language server.
//!
//! Protocol types stop in this folder: outside it positions are byte offsets and documents are
//! [`DocPath`](crate::workspace::DocPath)s. Nothing but the protocol goes to stdout.
//!
//! [`serve`](serve::serve) reads frames and polls each message once in the order it came; [`server`] names the methods, each
//! one line that leads to the module that does the work; [`state`] is what they share. Rules that hold everywhere here: a
//! document handler changes the state before it first waits; no handler waits for the client; what waits runs in a task of
//! its own with a deadline.

mod accept;
mod actions;
mod ask;
mod client;
mod commands;
mod comments;
mod convert;
mod delegated;
mod diagnostics;
mod documents;
mod edits;
mod enclosing;
mod explain;
mod ext;
mod flights;
mod folders;
mod frame;
mod host;
mod hover;
mod keeper;
mod lenses;
mod lifecycle;
mod loosened;
mod message;
mod needs;
mod outbox;
mod parent;
mod plan;
mod progress;
mod prompts;
mod restore;
mod review;
mod serve;
mod server;
mod settings;
mod state;
mod uri;
mod watched;
mod written;

pub use accept::Patience;
pub use actions::kinds::ALL as CODE_ACTIONS;
pub use commands::COMMANDS;
pub use serve::{OnMethod, ServeOptions, run, serve};
