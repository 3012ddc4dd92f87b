//! The harness: a session's conversation with a model, its tools, and what it proposes.
//!
//! An [`Agent`] is what both front ends and the library stand on: a model, tools, a workspace, limits. It opens
//! [`Session`]s; [`Session::start`] begins a turn, whose [`Event`](crate::event::Event)s come out in order and are written
//! to the trace on the way. Clock, ids and the order of parallel results are inputs, so a session can be replayed. This
//! module must never know who shows the events.

mod apply;
pub mod blame;
pub mod builder;
mod calls;
pub mod change;
mod checks;
pub mod clock;
mod compaction;
mod context_of;
mod conversation;
mod cost;
pub mod decide;
mod delegate;
pub mod gate;
mod history;
mod keep;
mod kept;
mod live;
mod manual;
mod meter;
mod notes;
pub mod policy;
mod prefix;
mod preflight;
pub mod prompt;
pub mod recorder;
mod remembered;
pub mod replay;
pub mod review;
pub mod rules;
pub mod servers;
pub mod session;
mod snapshot;
mod titles;
pub mod transcript;
pub mod turn;
mod world;

pub use apply::{Applied, ApplyError, ProposalHandle, Skipped, own_yes};
pub use builder::{Agent, AgentBuilder, BuildError, ResumeError, RunError, web_of};
pub use history::{UndoPlan, UndoTarget};
pub use keep::waiting;
pub use preflight::sure_flags;
pub use review::Picture;
pub use session::{Ask, RunResult, Session, Turn};
