//! Numbers events, writes them to the trace, and passes them on.
