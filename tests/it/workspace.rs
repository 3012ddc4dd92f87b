//! The layered workspace, the path gate and the tools on it.

mod disk;
mod edits;
mod exclude;
mod living;
mod path;
mod proposal;
mod search;
mod tools;
mod view;
