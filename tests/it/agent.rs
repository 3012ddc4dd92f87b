//! The harness by script: turns, limits, replay, traces.

mod asking;
mod cancel;
mod checks;
mod cost;
mod delegate;
mod exclude;
mod failures;
mod hostile;
mod limits;
mod living;
mod long;
pub mod permission;
mod plan;
mod preflight;
mod printed;
mod replay;
mod review;
pub mod rig;
mod risky;
mod sessions;
mod shell;
mod steer;
mod tools;
mod turns;
