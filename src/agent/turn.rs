//! One turn: stream, tool calls, results, again.
