//! When a turn must end: limits on steps, tokens and time, and calls that repeat themselves.
