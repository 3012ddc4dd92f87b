//! The layered workspace, the path gate and the tools on it.

mod path;
mod proposal;
mod search;
mod view;
