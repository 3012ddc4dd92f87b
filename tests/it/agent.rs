//! The harness by script: turns, limits, replay, traces.

mod cancel;
mod exclude;
mod failures;
mod hostile;
mod limits;
mod living;
mod permission;
mod preflight;
mod replay;
mod review;
pub mod rig;
mod risky;
mod sessions;
mod shell;
mod tools;
mod turns;
