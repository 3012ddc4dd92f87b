//! The command line: commands in one table, events rendered to a terminal.
