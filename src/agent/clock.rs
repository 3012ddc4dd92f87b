//! Time and identity as inputs, so that a replay gives the same bytes.

use std::time::Duration;

/// What the harness asks of the world beside model and tools.
pub trait Clock: Send + Sync {
    /// RFC 3339 with milliseconds, UTC.
    fn now(&self) -> String;

    /// Since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;

    /// A new id for a session or a turn; ids made later sort later.
    fn new_id(&self) -> String;
}

/// The real clock.
#[derive(Clone, Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock { start: std::time::Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> String {
        jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn new_id(&self) -> String {
        uuid::Uuid::now_v7().to_string()
    }
}
