//! The layered workspace, the path gate and the tools on it.

mod decide;
mod disk;
mod edits;
mod exclude;
#[cfg(target_os = "linux")]
mod faults;
mod git;
mod hostile_edits;
mod living;
mod patches;
mod path;
mod proposal;
mod races;
mod releases;
mod search;
mod shadow;
mod tools;
mod undo;
mod view;

pub use living::random::Random;
