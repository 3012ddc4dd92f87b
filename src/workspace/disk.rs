//! Files as they are stored, read and replaced beneath their root and nowhere else.
//!
//! The only place that touches the user's files. Reads are bounded; writes replace a file at once or not at all, keep its
//! mode, and happen only when a user has accepted what is written. Every open starts at the handle of a root, so no name
//! and no link leads out of it.

mod read;
mod write;

pub use read::Entry;
pub(in crate::workspace) use read::{Entries, entry, is_file, read_bytes, read_whole, through_link};
pub use write::{WriteError, create, delete, rename, replace};
