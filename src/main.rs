//! Arguments, logs, the command, the exit code.

fn main() {}
