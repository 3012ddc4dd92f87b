//! Text, positions, edits and diffs, with properties.

mod changes;
mod files;
mod generate;
pub mod positions;
pub mod sync;
