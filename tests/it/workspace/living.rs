//! The living proposal: whatever order the user types, the agent edits, hunks are accepted, rejected, cut, amended, taken back and
//! the file is formatted in, and whatever the editor makes of what it is sent, nothing that the user typed is lost, nothing
//! is changed but what was accepted, and no edit that went to the wrong place goes unseen.
//!
//! The suite runs 10,000 cases. More, in release, as many as there is time for:
//!
//! ```text
//! CLAW_CASES=1000000 cargo test --release --locked --test it living -- --nocapture
//! ```
//!
//! A failing case prints the command that runs it alone. With both variables, `CLAW_CASE` is the first of so many.

mod case;
mod client;
mod files;
pub mod random;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use case::{Case, Counts};
use client::Personality;

const CASES: u64 = 10_000;

/// Failures after which no more are looked for.
const ENOUGH: usize = 20;

#[test]
fn living_proposal_loses_nothing_and_misses_nothing() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().expect("a number"));
    let (first, count) = match (number("CLAW_CASE"), number("CLAW_CASES")) {
        (Some(case), count) => (case, count.unwrap_or(1)),
        (None, count) => (0, count.unwrap_or(CASES)),
    };
    let next = AtomicU64::new(first);
    let (counts, failures) = (Mutex::new(Counts::default()), Mutex::new(Vec::new()));
    let start = Instant::now();
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(count as usize);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || failures.lock().unwrap().len() >= ENOUGH {
                        return;
                    }
                    match run(seed) {
                        Ok(one) => counts.lock().unwrap().add(one),
                        Err(failure) => {
                            eprintln!("case {seed} failed");
                            failures.lock().unwrap().push(failure);
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let failed = failures.len();
    report(failures);
    assert_eq!(failed, 0, "cases failed");
    let counts = counts.into_inner().unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!("{count} cases in {seconds:.1} s, {:.0} a second: {counts:?}", count as f64 / seconds);
    assert!(counts.kept * 100 >= counts.untouched * 95, "{counts:?}");
    if count >= CASES {
        // Cases in which nothing happens would prove nothing.
        let Counts { steps, untouched, kept: _, accepted, conflicts, .. } = counts;
        let Counts { misapplied, among_typing, not_told, partly, taken_back, clashes, .. } = counts;
        let least = [steps, untouched, accepted, conflicts, misapplied, among_typing, partly, taken_back, clashes];
        assert!(least.into_iter().all(|happened| happened * 100 > count), "{counts:?}");
        // Most that is not told are lines that only go, parts of an edit, and typing at the very place: those prove nothing.
        assert!(among_typing * 4 > not_told, "{counts:?}");
    }
}

/// Cases that failed once: lines that a formatter trimmed on both sides of a place, and what a user did just as the edit would have.
#[test]
fn living_proposal_cases_that_failed_once() {
    let failures: Vec<Failure> =
        [180_934, 845_746, 864_543, 870_018, 950_889].into_iter().filter_map(|seed| run(seed).err()).collect();
    let failed = failures.len();
    report(failures);
    assert_eq!(failed, 0, "cases failed");
}

/// What a case came to, or what went wrong in it and how long it took to get there.
fn run(seed: u64) -> Result<Counts, Failure> {
    let mut case = Case::new(seed, Personality::ALL[(seed % 4) as usize]);
    match catch_unwind(AssertUnwindSafe(|| case.run())) {
        Ok(()) => Ok(case.counts),
        Err(_) => Err(Failure { seed, log: std::mem::take(&mut case.log) }),
    }
}

struct Failure {
    seed: u64,
    log: Vec<String>,
}

/// Says how to run the failed cases again, and shows the shortest.
fn report(mut failures: Vec<Failure>) {
    failures.sort_by_key(|failure| failure.log.len());
    if let Some(shortest) = failures.first() {
        eprintln!("{}", shortest.log.join("\n"));
    }
    for Failure { seed, .. } in failures.iter().take(20) {
        eprintln!("this case alone: CLAW_CASE={seed} cargo test --locked --test it living");
    }
}
