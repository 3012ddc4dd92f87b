//! VS Code.
