//! The language server in memory and over stdio.
