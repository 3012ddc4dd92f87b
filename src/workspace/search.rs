//! Listing and searching a [`View`](super::View) with ripgrep's own parts, `.gitignore` respected.
