//! The harness by script: turns, limits, replay, traces.

mod turns;
