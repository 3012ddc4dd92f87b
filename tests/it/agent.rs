//! The harness by script: turns, limits, replay, traces.

mod cancel;
mod exclude;
mod failures;
mod hostile;
mod limits;
mod living;
mod replay;
mod review;
pub mod rig;
mod sessions;
mod tools;
mod turns;
