//! The layered workspace, the path gate and the tools on it.

mod path;
mod view;
