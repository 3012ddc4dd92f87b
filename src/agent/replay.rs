//! Runs the harness again on a recorded session and compares, byte by byte.
