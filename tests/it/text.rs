//! Text, positions, edits and diffs, with properties.
