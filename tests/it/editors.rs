//! The real binary in real editors.
