//! The prompts, and how a request is built from history.
