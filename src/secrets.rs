//! Secrets in text: found, named and masked.
//!
//! A pure function of text and of the name it stands under. This module must never know where a text came from or where it goes:
//! who shows text to a model, a trace or a user asks here first.
