//! The language server.
//!
//! Protocol types stop in this folder: outside it positions are byte offsets and documents are
//! [`DocPath`](crate::workspace::DocPath)s. Nothing but the protocol goes to stdout.
