//! What looks like a secret, and where it must not arrive.

mod detector;
mod doors;
mod files;
