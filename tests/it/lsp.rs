//! The language server in memory and over stdio.

mod documents;
mod lifecycle;
mod protocol;
