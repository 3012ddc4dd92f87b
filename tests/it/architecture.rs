//! The import rules, read from the sources.
