//! Files as they are stored, read and replaced beneath their root and nowhere else.
//!
//! The only place that touches the user's files. Reads are bounded; writes replace a file at once or not at all, keep its
//! mode, and happen only when a user has accepted what is written.
