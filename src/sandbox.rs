//! Confines a command: which files it sees, which it may write, which system calls and sockets it has.
//!
//! The only module with `unsafe`, each with its reason. It must never know why a command runs or for whom.
