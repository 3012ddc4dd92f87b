//! How long to wait before a request is tried again.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// No provider makes Claw wait longer than this, whatever it asks for.
pub const MAX_WAIT: Duration = Duration::from_secs(120);

/// How often and how patiently a request is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Attempts in all.
    pub attempts: u32,
    /// What the first wait is about; each one after is twice as long.
    pub first: Duration,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { attempts: 4, first: Duration::from_millis(500) }
    }
}

impl Backoff {
    /// The wait before attempt number `attempt` (2, 3, …). `asked` is what the provider asked for; `random` spreads clients that
    /// were refused together.
    pub fn wait(&self, attempt: u32, asked: Option<Duration>, random: u64) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(2)));
        let own = doubled.min(MAX_WAIT / 2);
        // Between a half and three halves of the wait; what the provider asked for is never undercut.
        let jitter = own.mul_f64(random_fraction(random));
        match asked {
            Some(asked) => asked.saturating_add(jitter / 4).min(MAX_WAIT),
            None => (own / 2).saturating_add(jitter).min(MAX_WAIT),
        }
    }
}

/// The wait that the headers of a response ask for: `retry-after-ms`, or `Retry-After` in seconds or as a date (RFC 9110,
/// section 10.2.3). Nonsense is no wait; a date that has passed is none either.
pub fn asked_wait(milliseconds: Option<&str>, retry_after: Option<&str>, now: jiff::Timestamp) -> Option<Duration> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| *number >= 0.0);
    if let Some(wait) = milliseconds.and_then(number) {
        return Some(seconds(wait / 1000.0));
    }
    let text = retry_after?.trim();
    if let Some(wait) = number(text) {
        return Some(seconds(wait));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(seconds(date.duration_since(now).as_secs_f64().max(0.0)))
}

/// A number that differs from call to call. Nothing secret hangs on it.
pub fn random() -> u64 {
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(MAX_WAIT).min(MAX_WAIT)
}

fn random_fraction(random: u64) -> f64 {
    f64::from(u32::try_from(random >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m08_retry_after_in_every_form() {
        let now: jiff::Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let check = |header: &str, expected: Option<u64>| {
            assert_eq!(asked_wait(None, Some(header), now), expected.map(Duration::from_secs), "{header:?}");
        };
        check("7", Some(7));
        check(" 30 ", Some(30));
        check("0", Some(0));
        check("1000000000", Some(120));
        check("1e9", Some(120));
        check("1e999", Some(120));
        check("-5", None);
        check("NaN", None);
        check("soon", None);
        check("", None);
        check("Sun, 01 Mar 2026 12:00:20 GMT", Some(20));
        check("Sun, 01 Mar 2026 13:00:00 GMT", Some(120));
        check("Sun, 01 Mar 2026 11:00:00 GMT", Some(0));
        assert_eq!(asked_wait(Some("1500"), Some("9"), now), Some(Duration::from_millis(1500)));
        assert_eq!(asked_wait(None, None, now), None);
    }

    #[test]
    fn m08_waits_grow_have_jitter_and_a_cap() {
        let backoff = Backoff::default();
        for attempt in 2..80 {
            let (shortest, longest) = (backoff.wait(attempt, None, 0), backoff.wait(attempt, None, u64::MAX));
            assert!(shortest < longest && longest <= MAX_WAIT, "{attempt}: {shortest:?} {longest:?}");
        }
        assert!(backoff.wait(3, None, 0) > backoff.wait(2, None, 0));
        let asked = Duration::from_secs(20);
        assert!(backoff.wait(2, Some(asked), 0) >= asked);
        assert_eq!(backoff.wait(2, Some(Duration::from_secs(1_000_000)), u64::MAX), MAX_WAIT);
        assert_ne!(random(), random());
    }
}
